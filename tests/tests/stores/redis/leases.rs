//! Leases: they last while their holder lives, and not much longer.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use lru_memo::shared::{Error, Kind, Lease, Namespace, Redis, Store};

use super::commands;
use crate::shared::function_worker::{Worker, a_worker_waits_for_another_one_no_longer_than_its_limit};
use crate::shared::{RedisServer, space};

/// Far longer than any lease here lasts.
const LONG: Duration = Duration::from_secs(30);

/// A process that computes a key for ever, and one that waits for the same key.
fn holder_and_waiter(server: &RedisServer) -> (Worker, Worker) {
    let [mut holder, mut waiter] = [(); 2].map(|()| Worker::start(&server.url()));
    assert_eq!(holder.ask("slow_alone 5"), "runs 5");
    waiter.tell("slow_alone 5");
    let end = Instant::now() + Duration::from_secs(60);
    while commands(server, "blpop") == 0 {
        assert!(Instant::now() < end, "it never waits");
        thread::sleep(Duration::from_millis(5));
    }
    (holder, waiter)
}

/// How long this process waits for the lease, which it then drops; at most [`LONG`].
fn wait(store: Redis, space: Namespace) -> Result<Duration, Error> {
    let (begun, (ended, end)) = (Instant::now(), mpsc::channel());
    thread::spawn(move || ended.send(store.lease(&space, b"k").map(|_| ())));
    end.recv_timeout(LONG).expect("the wait ends").map(|()| begun.elapsed())
}

/// The name of the lease of `k`.
fn lease_of(space: &Namespace) -> String {
    format!("lru-memo:{{{:032x}}}:lease:k", space.id())
}

#[test]
fn a_holder_that_was_killed_is_replaced_within_three_seconds() {
    let server = RedisServer::start();
    let (mut holder, mut waiter) = holder_and_waiter(&server);
    holder.kill();
    let begun = Instant::now();
    assert_eq!(waiter.line(), "runs 5");
    let took = begun.elapsed();
    // And two seconds for a machine that does other things as well.
    assert!(took < Duration::from_secs(5), "it took {took:?}");
}

#[test]
fn a_lease_that_was_made_to_last_for_ever_is_waited_for_no_longer_than_its_length() {
    let server = RedisServer::start();
    let (mut holder, mut waiter) = holder_and_waiter(&server);
    let lease = server.ask(&["keys", "lru-memo:*:lease:*"]);
    holder.kill();
    assert_eq!(server.ask(&["persist", &lease]), "1");
    let (said, says) = mpsc::channel();
    thread::spawn(move || said.send(waiter.line()));
    assert_eq!(says.recv_timeout(LONG).as_deref(), Ok("runs 5"));
    assert_ne!(server.ask(&["pttl", &lease]), "-1", "the next lease lasts for ever, too");
}

#[test]
fn a_lease_that_was_planted_is_waited_for_no_longer_than_a_lease_lasts() {
    let server = RedisServer::start();
    for (name, planted) in [("f", "stranger"), ("g", ""), ("h", "7:7")] {
        let space = space(name, Some(4));
        server.ask(&["set", &lease_of(&space), planted]);
        if name == "g" {
            server.ask(&["expire", &lease_of(&space), "100000"]);
        }
        let took = wait(server.store(), space).expect("it works");
        assert!(took < Duration::from_secs(8), "{name}: it took {took:?}");
    }
}

#[test]
fn a_lease_that_is_no_text_is_an_error_at_once() {
    let server = RedisServer::start();
    let space = space("f", Some(4));
    server.ask(&["rpush", &lease_of(&space), "stranger"]);
    assert_eq!(wait(server.store(), space).expect_err("no lease").kind(), Kind::Corrupt);
}

#[test]
fn a_holder_that_is_alive_keeps_its_lease_whatever_becomes_of_the_expiry() {
    let server = RedisServer::start();
    let url = format!("{}&lease=2s", server.url());
    let (store, other) = (Redis::new(&url).expect("a URL"), Redis::new(&url).expect("a URL"));
    let (mine, theirs) = (space("f", Some(4)), space("f", Some(4)));
    let lease = store.lease(&mine, b"k").expect("it works");
    thread::scope(|scope| {
        let waiting = scope.spawn(|| wait(other, theirs));
        for _ in 0..10 {
            thread::sleep(Duration::from_millis(700));
            server.ask(&["persist", &lease_of(&mine)]);
            assert!(!waiting.is_finished(), "somebody else has the lease of one who is alive");
        }
        drop(lease);
        waiting.join().expect("it waits").expect("it works");
    });
}

#[test]
fn thousands_of_leases_are_kept_by_few_questions() {
    const LEASES: u64 = 3000;
    let server = RedisServer::start();
    let url = format!("{}&lease=6s", server.url());
    let (store, other) = (Redis::new(&url).expect("a URL"), Redis::new(&url).expect("a URL"));
    let spaces = [space("f", Some(4)), space("g", Some(4))];
    let lease = |x: u64| store.lease(&spaces[x as usize % 2], &x.to_le_bytes()).expect("it works");
    let held: Vec<Lease> = (0..LEASES).map(lease).collect();
    let before = commands(&server, "evalsha");
    // Longer than they would last by themselves.
    thread::sleep(Duration::from_secs(7));
    let asked = commands(&server, "evalsha") - before;
    assert!((2..LEASES / 10).contains(&asked), "{asked} questions");
    for x in 0..LEASES {
        let free = other.try_lease(&spaces[x as usize % 2], &x.to_le_bytes()).expect("it works");
        assert!(free.is_none(), "lease {x} has ended");
    }
    drop(held);
    assert!(other.try_lease(&spaces[0], &0_u64.to_le_bytes()).expect("it works").is_some());
}

#[test]
fn a_worker_waits_no_longer_than_its_limit() {
    let server = RedisServer::start();
    a_worker_waits_for_another_one_no_longer_than_its_limit(&server.url());
}
