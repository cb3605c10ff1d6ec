//! Invalidations, clears and overwritten entries while the server cannot be reached: no old value is seen afterwards.

use std::thread;
use std::time::{Duration, Instant};

use crate::shared::function_worker::Worker;
use crate::shared::memcached_server::Server;
use crate::shared::{RedisServer, Scratch};

/// While a server hangs, a process removes and overwrites.
fn check(url: &str, hang: impl Fn(bool)) {
    let mut first = Worker::start(url);
    for (round, command) in ["remove_rows 1", "put_rows 1", "refresh_rows 1"].into_iter().enumerate() {
        let (old, new) = (10 * round as u64 + 1, 10 * round as u64 + 2);
        first.ask(&format!("source {old}"));
        first.ask("clear_rows");
        first.sees_nothing_but(old);
        let mut other = Worker::start(url);
        other.ask(&format!("source {new}"));
        assert_eq!(other.ask("rows 1"), [old; 4].map(|value| value.to_string()).join(" "), "it is stored");
        first.ask(&format!("source {new}"));
        hang(true);
        first.ask(command);
        let end = Instant::now() + Duration::from_secs(60);
        // What was given up is done by another thread.
        while first.ask("undelivered") != "4" {
            assert!(Instant::now() < end, "{command}: {}", first.ask("told"));
            thread::sleep(Duration::from_millis(5));
        }
        hang(false);
        first.sees_nothing_but(new);
        // Another process that has nothing near.
        let mut other = Worker::start(url);
        other.ask(&format!("source {new}"));
        other.sees_nothing_but(new);
    }
}

/// While a server hangs, a process invalidates a tag.
fn check_tags(url: &str, hang: impl Fn(bool)) {
    let mut worker = Worker::start(url);
    assert_eq!((worker.ask("tagged 1"), worker.ask("tagged 1")), ("1 1".to_owned(), "1 1".to_owned()));
    worker.ask("source 100");
    hang(true);
    worker.ask("invalidate_tag 1");
    assert_eq!(worker.ask("undelivered"), "1");
    assert_eq!(worker.ask("tagged 1"), "101 101");
    hang(false);
    let end = Instant::now() + Duration::from_secs(60);
    while worker.ask("undelivered") != "0" {
        assert_eq!(worker.ask("tagged 1"), "101 101");
        assert!(Instant::now() < end, "it is never delivered: {}", worker.ask("told"));
        thread::sleep(Duration::from_millis(10));
    }
    let mut other = Worker::start(url);
    other.ask("source 100");
    assert_eq!(other.ask("tagged 1"), "101 101");
}

#[test]
fn a_tag_that_redis_could_not_be_told_of_is_delivered() {
    let server = RedisServer::start();
    check_tags(&format!("unix://{}?timeout=1s&connect_timeout=1s", server.socket().display()), |hang| {
        server.hang(hang);
    });
}

#[test]
fn a_tag_that_memcached_could_not_be_told_of_is_delivered() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    let url = format!("{}?timeout=1s&connect_timeout=1s", server.url());
    check_tags(&url, |hang| crate::shared::hang(server.id(), hang));
}

#[test]
fn what_redis_could_not_be_told_is_delivered_before_anything_is_read() {
    let server = RedisServer::start();
    check(&format!("unix://{}?timeout=3s&connect_timeout=3s", server.socket().display()), |hang| {
        server.hang(hang);
    });
}

#[test]
fn what_memcached_could_not_be_told_is_delivered_before_anything_is_read() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    let url = format!("{}?timeout=3s&connect_timeout=3s", server.url());
    check(&url, |hang| crate::shared::hang(server.id(), hang));
}
