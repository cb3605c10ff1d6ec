//! What a store on a Redis server does and costs, beyond what every store does.

mod cluster;
mod evictions;
mod failures;
mod leases;
mod prefix;
mod sentinels;
mod unused;
use std::thread;
use std::time::{Duration, Instant};

use lru_memo::shared::{Found, Redis, Store};

#[cfg(feature = "redis-tls")]
use crate::shared::function_worker::a_tag_that_one_worker_invalidates_is_seen_by_all;
use crate::shared::ports::on_free_port;
use crate::shared::{RedisServer, call, info, peek, put, space, square};

/// How many commands of this name the server has done.
fn commands(server: &RedisServer, name: &str) -> u64 {
    let stats = server.ask(&["info", "commandstats"]);
    let line = stats.lines().find(|line| line.starts_with(&format!("cmdstat_{name}:")));
    let calls = line.and_then(|line| line.split(['=', ',']).nth(1));
    calls.map_or(0, |calls| calls.parse().expect("a number"))
}

/// A number that the server tells of itself.
fn number(server: &RedisServer, name: &str) -> u64 {
    let told = server.ask(&["info"]);
    let number = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    number.and_then(|number| number.trim().parse().ok()).expect("a number")
}

#[test]
fn a_hit_is_one_round_trip() {
    let server = RedisServer::start();
    let aging = space("f", Some(4)).with_ttl(Some(Duration::from_secs(3600)));
    for (space, most) in [(space("f", Some(4)), 450), (aging, 450), (full_space(), 520)] {
        let store = server.store();
        assert!(!square(&store, &space, 1));
        assert!(square(&store, &space, 1));
        let before = (commands(&server, "evalsha"), number(&server, "total_net_input_bytes"));
        for _ in 0..300 {
            assert!(square(&store, &space, 1));
        }
        assert_eq!(commands(&server, "evalsha") - before.0, 300);
        // All that clients have sent, with what asks for the numbers.
        let bytes = number(&server, "total_net_input_bytes") - before.1;
        assert!(bytes / 300 < most, "{bytes} bytes for 300 hits");
    }
}

#[test]
fn an_entry_that_many_have_to_leave_for_is_stored() {
    let server = RedisServer::start();
    let store = server.store();
    let space = space("f", None).with_max_weight(Some(2000));
    for x in 0..2000_u64 {
        assert!(put(&store, &space, &x.to_le_bytes(), b"", 1));
    }
    assert!(put(&store, &space, b"heavy", b"", 1990));
    assert_eq!(info(&store, &space), (0, 0, 11));
    assert_eq!(peek(&store, &space, &1999_u64.to_le_bytes()), Some(Vec::new()));
    assert_eq!(peek(&store, &space, &1989_u64.to_le_bytes()), None);
}

#[test]
fn what_a_big_namespace_held_is_given_back_in_another_thread_of_the_server() {
    let server = RedisServer::start();
    let (store, space) = (server.store(), space("f", None));
    for x in 0..2000_u64 {
        put(&store, &space, &x.to_le_bytes(), b"value", 1);
    }
    store.clear(&space).expect("it works");
    assert_eq!(info(&store, &space), (0, 0, 0));
    let end = Instant::now() + Duration::from_secs(60);
    // The values, and their order.
    while number(&server, "lazyfreed_objects") < 2 {
        assert!(Instant::now() < end, "the server has freed them itself");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_lease_outlasts_its_time_as_long_as_it_is_held() {
    let server = RedisServer::start();
    let url = format!("{}&lease=3s", server.url());
    let (store, other) = (Redis::new(&url).expect("a URL"), Redis::new(&url).expect("a URL"));
    let space = space("f", Some(4));
    let lease = store.lease(&space, b"k").expect("it works");
    // Longer than it would last by itself.
    thread::sleep(Duration::from_secs(4));
    assert!(other.try_lease(&space, b"k").expect("it works").is_none());
    assert!(other.try_lease(&space, b"another").expect("it works").is_some());
    drop(lease);
    assert!(other.try_lease(&space, b"k").expect("it works").is_some());
}

#[test]
fn a_lease_has_ended_when_it_was_dropped_whoever_was_looking_at_it() {
    let server = RedisServer::start();
    let space = space("f", Some(4));
    for round in 0..300 {
        // The first lease of a store is looked at by a thread that begins with it.
        let store = server.store();
        let lease = store.lease(&space, b"k").expect("it works");
        thread::sleep(Duration::from_micros(round % 30 * 20));
        drop(lease);
        assert!(store.try_lease(&space, b"k").expect("it works").is_some(), "round {round}");
    }
}

#[test]
fn stored_entries_are_listed() {
    let server = RedisServer::start();
    let store = server.store();
    let space = space("listed", Some(4)).with_max_weight(Some(100)).with_ttl(Some(Duration::from_secs(9)));
    call(&store, &space, b"a", || b"first".to_vec());
    put(&store, &space, b"b", b"second", 7);
    let summaries = store.namespaces().expect("it works");
    assert_eq!(summaries.len(), 1);
    let summary = &summaries[0];
    assert_eq!((summary.name.as_str(), summary.id, summary.weight), ("listed", space.id(), Some(8)));
    assert_eq!((summary.maxsize, summary.max_weight), (Some(4), Some(100)));
    assert_eq!((summary.ttl, summary.counts.misses), (Some(Duration::from_secs(9)), 1));
    let held = store.recent(&space, 10).expect("it works");
    let held: Vec<_> = held.iter().map(|held| (&held.key[..], held.value_bytes, held.weight)).collect();
    assert_eq!(held, [(&b"b"[..], 6, 7), (b"a", 5, 1)]);
}

/// Makes an authority, and a certificate of it for `localhost`.
#[cfg(feature = "redis-tls")]
fn certificates(directory: &std::path::Path) {
    let run = |arguments: &str| {
        let output = std::process::Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(directory)
            .output()
            .expect("`openssl` is needed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=test-authority");
    run("req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost");
    std::fs::write(directory.join("names"), "subjectAltName=DNS:localhost").expect("a file");
    run(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 -extfile names",
    );
}

#[cfg(feature = "redis-tls")]
#[test]
fn a_connection_with_tls_is_refused_by_a_certificate_that_is_not_trusted() {
    let scratch = crate::shared::Scratch::new();
    certificates(scratch.path());
    let at = |name: &str| scratch.path().join(name).to_str().expect("text").to_owned();
    let (_server, port) = on_free_port(|port| {
        let (certificate, key, authority) = (at("server.pem"), at("server.key"), at("ca.pem"));
        let server = RedisServer::started(&[
            "--tls-port",
            &port.to_string(),
            "--tls-cert-file",
            &certificate,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &authority,
            "--tls-auth-clients",
            "no",
        ]);
        Some((server?, port))
    });
    let url = format!("rediss://localhost:{port}?timeout=5s&connect_timeout=5s");
    let described = |authorities: Option<&str>| {
        let mut worker = std::process::Command::new(env!("CARGO_BIN_EXE_shared-worker"));
        worker.arg(scratch.path()).arg("describe").env("LRU_MEMO_STORE", &url).env_remove("SSL_CERT_FILE");
        let output = worker.envs(authorities.map(|file| ("SSL_CERT_FILE", file))).output();
        String::from_utf8(output.expect("the worker starts").stdout).expect("text")
    };
    let trusted = described(Some(&at("ca.pem")));
    assert!(trusted.ends_with(" Ok(Counts { hits: 1, misses: 1, currsize: 1 })\n"), "{trusted}");
    let untrusted = described(None);
    assert!(untrusted.contains("Unavailable") && untrusted.contains("cannot be used"), "{untrusted}");
}

/// A namespace in which the server keeps something of every kind.
fn full_space() -> lru_memo::shared::Namespace {
    let hour = Some(Duration::from_secs(3600));
    space("f", Some(3)).with_ttl(hour).with_idle(hour).with_max_weight(Some(6))
}

#[test]
fn rejected_hits_leave_the_others_in_order() {
    let server = RedisServer::start();
    let (store, space) = (server.store(), space("f", Some(5)));
    for key in [b"a", b"b", b"x", b"y", b"z"] {
        put(&store, &space, key, key, 1);
    }
    for key in [b"x", b"y", b"z", b"b"] {
        assert!(matches!(store.get(&space, key), Ok(Found::Hit(_))));
    }
    for key in [b"x", b"y", b"z"] {
        store.reject(&space, key).expect("it works");
    }
    assert!(matches!(store.get(&space, b"a"), Ok(Found::Hit(_))));
    let held: Vec<_> = store.recent(&space, 9).expect("it works").into_iter().map(|held| held.key).collect();
    assert_eq!(held, [b"a", b"b"]);
    assert_eq!(info(&store, &space), (2, 3, 2));
}

#[test]
fn hits_that_are_only_logged_count_at_once_and_are_in_order_however_many_there_are() {
    let server = RedisServer::start();
    let ttl = Some(Duration::from_secs(3600));
    for space in [space("f", Some(4)), space("f", Some(4)).with_ttl(ttl)] {
        let store = server.store();
        (0..4).for_each(|x| assert!(!square(&store, &space, x)));
        for hits in 1..=1000 {
            assert!(square(&store, &space, [2, 0, 3][hits % 3]));
            assert_eq!(info(&store, &space), (hits as u64, 4, 4));
        }
        // The last ones were 3, 2, 0.
        for (new, held) in [(10, [10, 0, 2, 3]), (11, [11, 10, 0, 2]), (12, [12, 11, 10, 0])] {
            assert!(!square(&store, &space, new));
            let recent = store.recent(&space, 9).expect("it works").into_iter().map(|held| held.key);
            assert_eq!(recent.collect::<Vec<_>>(), held.map(u64::to_le_bytes));
        }
    }
}

#[test]
fn the_log_of_hits_stays_small() {
    let server = RedisServer::start();
    for length in [8, 1000, 100_000] {
        let (store, space) = (server.store(), space(&format!("f{length}"), Some(4)));
        let key = vec![7; length];
        put(&store, &space, &key, b"v", 1);
        let log = format!("lru-memo:{{{:032x}}}:hits", space.id());
        let mut longest = 0;
        for _ in 0..140 {
            assert!(matches!(store.get(&space, &key), Ok(Found::Hit(_))));
            longest = longest.max(server.ask(&["llen", &log]).parse().expect("a number"));
        }
        assert!(longest <= 127 && longest * length <= 16384, "{longest} hits");
        assert_eq!(info(&store, &space), (140, 0, 1));
    }
}

#[test]
fn a_tag_is_invalidated_for_all_workers() {
    let server = RedisServer::start();
    a_tag_that_one_worker_invalidates_is_seen_by_all(&server.url());
}
