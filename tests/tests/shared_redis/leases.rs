//! Leases: they last while their holder lives, and not much longer.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use lru_memo::shared::{Lease, Redis, Store};

use super::commands;
use super::shared::{RedisServer, space};

/// A process that computes a key for ever, once it has the lease.
fn runner(server: &RedisServer) -> (Child, BufReader<ChildStdout>) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_function-worker"))
        .env("LRU_MEMO_STORE", server.url())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the worker starts");
    process.stdin.as_mut().expect("its input").write_all(b"slow_alone 5\n").expect("a pipe");
    let output = BufReader::new(process.stdout.take().expect("its output"));
    (process, output)
}

fn runs(output: &mut BufReader<ChildStdout>) {
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    assert_eq!(line, "runs 5\n");
}

#[test]
fn a_holder_that_was_killed_is_replaced_within_three_seconds() {
    let server = RedisServer::start();
    let (mut first, mut said) = runner(&server);
    runs(&mut said);
    let (mut second, mut said) = runner(&server);
    // It waits for the lease.
    let end = Instant::now() + Duration::from_secs(60);
    while commands(&server, "blpop") == 0 {
        assert!(Instant::now() < end, "it never waits");
        thread::sleep(Duration::from_millis(5));
    }
    first.kill().expect("it can be killed");
    let begun = Instant::now();
    first.wait().expect("it ends");
    runs(&mut said);
    let took = begun.elapsed();
    second.kill().expect("it can be killed");
    second.wait().expect("it ends");
    // And two seconds for a machine that does other things as well.
    assert!(took < Duration::from_secs(5), "it took {took:?}");
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
