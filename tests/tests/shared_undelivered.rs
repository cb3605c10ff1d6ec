//! Invalidations, clears and overwritten entries while the server cannot be reached: no old value is seen afterwards.

mod shared;

use std::thread;
use std::time::{Duration, Instant};

use shared::function_worker::Worker;
use shared::memcached_server::Server;
use shared::{RedisServer, Scratch};

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
    check(&url, |hang| shared::hang(server.id(), hang));
}
