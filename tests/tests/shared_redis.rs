//! What a Redis server does to callers when it fails, forgets, or is not one; and what a hit costs it.

mod shared;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use lru_memo::shared::{Entry, Found, Kind, Redis, Store};
use shared::{RedisServer, call, info, peek, put, space, square};

fn kind_of<T: std::fmt::Debug>(result: Result<T, lru_memo::shared::Error>) -> Kind {
    result.expect_err("the server does not work").kind()
}

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
    let (store, space) = (server.store(), space("f", Some(4)));
    square(&store, &space, 1);
    square(&store, &space, 1);
    let before = (commands(&server, "evalsha"), number(&server, "total_net_input_bytes"));
    for _ in 0..100 {
        assert!(square(&store, &space, 1));
    }
    assert_eq!(commands(&server, "evalsha") - before.0, 100);
    // All that clients have sent, with what asks for the numbers.
    let bytes = number(&server, "total_net_input_bytes") - before.1;
    assert!(bytes / 100 < 400, "{bytes} bytes for 100 hits");
}

#[test]
fn a_server_that_has_forgotten_its_scripts_is_told_them_again() {
    let server = RedisServer::start();
    let (store, space) = (server.store(), space("f", Some(4)));
    assert!(!square(&store, &space, 1));
    assert_eq!(server.ask(&["script", "flush"]), "OK");
    assert!(square(&store, &space, 1));
    assert_eq!(info(&store, &space), (1, 1, 1));
}

#[test]
fn a_server_that_comes_back_empty_is_used_at_once_and_stores_nothing_computed_before() {
    let mut server = RedisServer::start();
    let (store, space) = (server.store(), space("f", Some(4)));
    assert!(!square(&store, &space, 1));
    let Ok(Found::Miss(ticket)) = store.get(&space, b"other") else { panic!("it is not there") };
    server.restart();
    assert!(!square(&store, &space, 1));
    assert!(square(&store, &space, 1));
    let entry = Entry { value: b"old", weight: 1, computed_since: Some(ticket), replace: true };
    assert_eq!(store.store(&space, b"other", entry), Ok(false));
    assert_eq!(info(&store, &space), (1, 1, 1));
}

#[test]
fn a_server_that_is_not_there_is_asked_again_when_it_is() {
    let mut server = RedisServer::start();
    let (store, space) = (server.store(), space("f", Some(4)));
    server.kill();
    assert_eq!(kind_of(store.get(&space, b"k")), Kind::Unavailable);
    // Left alone for a while, and then asked.
    server.restart();
    assert_eq!(kind_of(store.get(&space, b"k")), Kind::Unavailable);
    let end = Instant::now() + Duration::from_secs(60);
    while store.get(&space, b"k").is_err() {
        assert!(Instant::now() < end, "it is never asked again");
        thread::sleep(Duration::from_millis(20));
    }
    assert!(!square(&store, &space, 1));
    assert!(square(&store, &space, 1));
}

#[test]
fn callers_of_a_server_that_is_killed_while_they_ask_it_get_errors_and_then_values() {
    let mut server = RedisServer::start();
    let (store, space) = (server.store(), space("f", Some(64)));
    thread::scope(|scope| {
        let callers: Vec<_> = (0..4)
            .map(|caller| {
                let (store, space) = (&store, &space);
                scope.spawn(move || {
                    let (mut failures, mut hits_afterwards) = (0, 0);
                    let end = Instant::now() + Duration::from_secs(60);
                    for x in 0_u64.. {
                        let key = (x % 20 + caller).to_le_bytes();
                        match store.get(space, &key) {
                            Err(_) => {
                                failures += 1;
                                thread::sleep(Duration::from_millis(1));
                            }
                            Ok(Found::Hit(value)) => {
                                assert_eq!(value, key);
                                hits_afterwards += u64::from(failures > 0);
                            }
                            Ok(Found::Miss(ticket)) => {
                                let computed_since = Some(ticket);
                                let entry = Entry { value: &key, weight: 1, computed_since, replace: false };
                                failures += u64::from(store.store(space, &key, entry).is_err());
                            }
                        }
                        if hits_afterwards > 100 {
                            return failures;
                        }
                        assert!(Instant::now() < end, "it never recovers");
                    }
                    failures
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(300));
        server.kill();
        thread::sleep(Duration::from_millis(300));
        server.restart();
        for caller in callers {
            assert!(caller.join().expect("it does not panic") > 0);
        }
    });
}

#[test]
fn a_server_that_hangs_delays_callers_by_one_timeout_at_a_time() {
    let server = RedisServer::start();
    let url = format!("unix://{}?timeout=300ms&connect_timeout=300ms", server.socket().display());
    let (store, space) = (Redis::new(&url).expect("it is a URL"), space("f", Some(4)));
    put(&store, &space, b"k", b"v", 1);
    server.hang(true);
    let begun = Instant::now();
    let (mut late, mut failed) = (0, 0);
    while begun.elapsed() < Duration::from_millis(900) {
        let call = Instant::now();
        failed += u64::from(store.get(&space, b"k").is_err());
        late += u64::from(call.elapsed() >= Duration::from_millis(300));
        thread::sleep(Duration::from_millis(1));
    }
    // It is asked once, and then left alone for a second; all other calls fail at once.
    assert!(late >= 1 && late * 10 < failed, "{late} of {failed} calls were late");
    server.hang(false);
    let end = Instant::now() + Duration::from_secs(60);
    while store.get(&space, b"k") != Ok(Found::Hit(b"v".to_vec())) {
        assert!(Instant::now() < end, "it never recovers");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A server that answers each connection with this.
fn answering(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut asked = [0; 4096];
                while connection.read(&mut asked).is_ok_and(|length| length > 0) {
                    if connection.write_all(answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    format!("redis://127.0.0.1:{port}?timeout=500ms&connect_timeout=500ms")
}

#[test]
fn what_is_no_redis_is_an_error_and_no_value() {
    for answer in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"$5\r\nhel",
        b"$99999999999999\r\n",
        b"\x00\xff\x00\xff\r\n",
        b"*3\r\n*1\r\n",
        b"*2147483647\r\n",
        b"$4294967296\r\n",
        b"-ERR no\r\n",
        b"",
    ] {
        let store = Redis::new(&answering(answer)).expect("it is a URL");
        let space = space("f", Some(4));
        let begun = Instant::now();
        for _ in 0..50 {
            let kind = kind_of(store.get(&space, b"k"));
            assert!([Kind::Unavailable, Kind::Corrupt].contains(&kind), "{answer:?}: {kind:?}");
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{answer:?}: 50 calls took {:?}", begun.elapsed());
    }
}

#[test]
fn a_wrong_password_is_told_and_not_shown() {
    let server = RedisServer::start_with(&["--requirepass", "right"]);
    let socket = server.socket();
    let space = space("f", Some(4));
    for pass in ["?pass=wrongsecret", ""] {
        let store = Redis::new(&format!("unix://{}{pass}", socket.display())).expect("it is a URL");
        let error = store.get(&space, b"k").expect_err("it is not let in");
        assert_eq!(error.kind(), Kind::Unavailable);
        let shown = format!("{error} {error:?} {store:?}");
        assert!(!shown.contains("secret"), "{shown}");
        assert!(shown.contains("cannot be used"), "{shown}");
    }
    let store = Redis::new(&format!("unix://{}?pass=right", socket.display())).expect("it is a URL");
    assert!(!square(&store, &space, 1));
    assert!(square(&store, &space, 1));
    assert!(!format!("{store:?}").contains("right"));
}

#[test]
fn a_server_without_memory_is_full_and_goes_on_when_it_has_some() {
    let server = RedisServer::start_with(&["--maxmemory", "4mb", "--maxmemory-policy", "noeviction"]);
    let (store, space) = (server.store(), space("f", None));
    let mut kept = 0;
    let full = loop {
        let entry = Entry { value: &[7; 50_000], weight: 1, computed_since: None, replace: true };
        match store.store(&space, &u64::to_le_bytes(kept), entry) {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
        assert!(kept < 1000, "it is never full");
    };
    assert_eq!(full.kind(), Kind::Full);
    assert_eq!(info(&store, &space).2, kept as usize);
    assert_eq!(peek(&store, &space, &0_u64.to_le_bytes()), Some(vec![7; 50_000]));
    store.clear(&space).expect("that needs no memory");
    let end = Instant::now() + Duration::from_secs(60);
    // The memory comes back in another thread of the server.
    while store.get(&space, b"k").is_err() {
        assert!(Instant::now() < end, "it is full for ever");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_others_have_written_is_an_error_and_not_a_value() {
    let server = RedisServer::start();
    let (store, space) = (server.store(), space("f", Some(4)));
    assert!(!square(&store, &space, 1));
    for key in server.ask(&["keys", "lru-memo:{*"]).lines() {
        assert_eq!(server.ask(&["set", key, "something"]), "OK");
    }
    assert_eq!(kind_of(store.get(&space, &1_u64.to_le_bytes())), Kind::Corrupt);
    assert_eq!(kind_of(store.info(&space)), Kind::Corrupt);
}

#[test]
fn all_keys_of_a_namespace_are_in_one_slot_of_a_cluster() {
    let server = RedisServer::start_with(&["--cluster-enabled", "yes", "--port", "0"]);
    assert_eq!(server.ask(&["cluster", "addslotsrange", "0", "16383"]), "OK");
    let end = Instant::now() + Duration::from_secs(60);
    while !server.ask(&["cluster", "info"]).contains("cluster_state:ok") {
        assert!(Instant::now() < end, "the cluster never begins");
        thread::sleep(Duration::from_millis(20));
    }
    let store = server.store();
    let space = space("f", Some(2)).with_ttl(Some(Duration::from_secs(60))).with_max_weight(Some(10));
    for x in 0..5 {
        assert!(!square(&store, &space, x));
        assert!(square(&store, &space, x));
    }
    drop(store.lease(&space, b"k").expect("it works"));
    assert!(store.invalidate(&space, &4_u64.to_le_bytes()).expect("it works"));
    assert_eq!(info(&store, &space), (5, 5, 1));
    store.clear(&space).expect("it works");
    assert_eq!(store.namespaces().expect("it works").len(), 1);
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
    let url = format!("{}&lease=1s", server.url());
    let (store, other) = (Redis::new(&url).expect("a URL"), Redis::new(&url).expect("a URL"));
    let space = space("f", Some(4));
    let lease = store.lease(&space, b"k").expect("it works");
    thread::sleep(Duration::from_millis(2500));
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

#[test]
fn a_connection_with_tls_is_refused_by_a_certificate_that_is_not_trusted() {
    let scratch = shared::Scratch::new();
    certificates(scratch.path());
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let at = |name: &str| scratch.path().join(name).to_str().expect("text").to_owned();
    let _server = RedisServer::start_with(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &at("server.pem"),
        "--tls-key-file",
        &at("server.key"),
        "--tls-ca-cert-file",
        &at("ca.pem"),
        "--tls-auth-clients",
        "no",
    ]);
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
    space("f", Some(3)).with_ttl(Some(Duration::from_secs(3600))).with_max_weight(Some(6))
}

#[test]
fn what_a_server_evicts_by_itself_leaves_a_cache_that_is_bounded_and_in_order() {
    let server = RedisServer::start();
    let store = server.store();
    for part in ["meta", "values", "recent", "ages", "weights", "invalid"] {
        let (space, key) = (full_space(), |x: u64| x.to_le_bytes());
        for x in 0..3 {
            put(&store, &space, &key(x), &key(x), 2);
        }
        store.get(&space, &key(0)).expect("it works");
        store.invalidate(&space, &key(7)).expect("it works");
        let name = format!("lru-memo:{{{:032x}}}:{part}", space.id());
        assert_eq!(server.ask(&["del", &name]), "1", "{part}");
        for x in 10..20 {
            put(&store, &space, &key(x), &key(x), 2);
            let currsize = info(&store, &space).2;
            assert!(currsize <= 3, "{part}: {currsize} entries");
        }
        store.get(&space, &key(17)).expect("it works");
        put(&store, &space, &key(20), b"", 2);
        let held: Vec<_> = (0..21).filter(|&x| peek(&store, &space, &key(x)).is_some()).collect();
        assert_eq!(held, [17, 19, 20], "{part}");
        put(&store, &space, &key(21), b"", 6);
        assert_eq!(info(&store, &space).2, 1, "{part}");
        store.clear(&space).expect("it works");
        assert_eq!(info(&store, &space), (0, 0, 0), "{part}");
    }
}

#[test]
fn a_clear_removes_what_a_server_holds_that_has_evicted_the_counters() {
    let server = RedisServer::start();
    let (store, space) = (server.store(), full_space());
    square(&store, &space, 1);
    server.ask(&["del", &format!("lru-memo:{{{:032x}}}:meta", space.id())]);
    store.clear(&space).expect("it works");
    assert!(!square(&store, &space, 1));
    assert_eq!(info(&store, &space), (0, 1, 1));
}

#[test]
fn what_was_invalidated_is_not_stored_by_a_server_that_has_evicted_which_key_it_was() {
    let server = RedisServer::start();
    let (store, space) = (server.store(), full_space());
    let Ok(Found::Miss(ticket)) = store.get(&space, b"k") else { panic!("it is not there") };
    store.invalidate(&space, b"k").expect("it works");
    server.ask(&["del", &format!("lru-memo:{{{:032x}}}:invalid", space.id())]);
    let entry = Entry { value: b"old", weight: 1, computed_since: Some(ticket), replace: true };
    assert_eq!(store.store(&space, b"k", entry), Ok(false));
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
fn a_replica_that_was_the_server_is_connected_to_anew() {
    let server = RedisServer::start();
    let (store, space) = (server.store(), space("f", Some(4)));
    assert!(!square(&store, &space, 1));
    assert_eq!(server.ask(&["replicaof", "127.0.0.1", "1"]), "OK");
    assert_eq!(kind_of(store.get(&space, b"k")), Kind::Unavailable);
    assert_eq!(server.ask(&["replicaof", "no", "one"]), "OK");
    let before = number(&server, "total_connections_received");
    let end = Instant::now() + Duration::from_secs(60);
    while store.get(&space, b"k").is_err() {
        assert!(Instant::now() < end, "it never recovers");
        thread::sleep(Duration::from_millis(20));
    }
    // One is the store's, and one asks for this number.
    assert_eq!(number(&server, "total_connections_received") - before, 2);
}

/// Asks until it has taken too long, or a call fails; says how long the first failure took.
fn time_to_fail(store: &Redis) -> Duration {
    let begun = Instant::now();
    assert_eq!(kind_of(store.get(&space("f", Some(4)), b"k")), Kind::Unavailable);
    begun.elapsed()
}

#[test]
fn a_server_that_answers_byte_by_byte_delays_callers_by_one_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        let _ = connection.read(&mut [0; 4096]);
        let _ = connection.write_all(b"$3000\r\n");
        while connection.write_all(b"v").is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
    });
    let url = format!("redis://127.0.0.1:{port}?timeout=200ms&connect_timeout=5s");
    // The value is there after 30 seconds.
    let took = time_to_fail(&Redis::new(&url).expect("a URL"));
    assert!(took < Duration::from_secs(15), "it took {took:?}");
}

#[test]
fn a_socket_at_which_nobody_accepts_delays_callers_by_one_timeout() {
    let scratch = shared::Scratch::new();
    let path = scratch.path().join("full.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    // SAFETY: it is a socket, and this makes its queue as short as can be.
    assert_eq!(unsafe { libc::listen(std::os::fd::AsRawFd::as_raw_fd(&listener), 0) }, 0);
    let waiting = std::os::unix::net::UnixStream::connect(&path).expect("there is room for one");
    let url = format!("unix://{}?timeout=200ms&connect_timeout=200ms", path.display());
    let store = Redis::new(&url).expect("a URL");
    let took = lru_memo_tests::without_hanging(String::new, move || time_to_fail(&store));
    assert!(took < Duration::from_secs(15), "it took {took:?}");
    drop((waiting, listener));
}

#[test]
fn namespaces_are_found_on_whatever_node_of_a_cluster_has_their_slot() {
    let nodes: Vec<_> = (0..3).map(|_| RedisServer::start_in_cluster()).collect();
    for (node, slots) in nodes.iter().zip([("0", "5000"), ("5001", "11000"), ("11001", "16383")]) {
        assert_eq!(node.0.ask(&["cluster", "addslotsrange", slots.0, slots.1]), "OK");
        let bus = (nodes[0].1 + 10_000).to_string();
        assert_eq!(node.0.ask(&["cluster", "meet", "127.0.0.1", &nodes[0].1.to_string(), &bus]), "OK");
    }
    let end = Instant::now() + Duration::from_secs(60);
    let is_whole = |node: &RedisServer| {
        let told = node.ask(&["cluster", "info"]);
        told.contains("cluster_state:ok") && told.contains("cluster_known_nodes:3")
    };
    while !nodes.iter().all(|node| is_whole(&node.0)) {
        assert!(Instant::now() < end, "the cluster never begins");
        thread::sleep(Duration::from_millis(20));
    }
    let url = format!("redis://127.0.0.1:{}?timeout=5s&connect_timeout=5s&lease=1s", nodes[0].1);
    let store = Redis::new(&url).expect("a URL");
    let spaces: Vec<_> = (0..12).map(|n| space(&format!("f{n}"), Some(2))).collect();
    for space in &spaces {
        for x in 0..5 {
            assert!(!square(&store, space, x));
            assert!(square(&store, space, x));
        }
        let lease = store.lease(space, b"k").expect("it works");
        assert!(store.try_lease(space, b"k").expect("it works").is_none());
        drop(lease);
        assert!(store.try_lease(space, b"k").expect("it works").is_some());
        assert_eq!(info(&store, space), (5, 5, 2));
    }
    assert_eq!(store.namespaces().expect("it works").len(), 12);
    for (node, _) in &nodes {
        assert_ne!(node.ask(&["keys", "lru-memo:{*}:values"]), "", "all are on others");
    }
    let asked = |node: &RedisServer| commands(node, "evalsha");
    let before: u64 = nodes.iter().map(|node| asked(&node.0)).sum();
    for space in &spaces {
        assert!(square(&store, space, 4));
    }
    let after: u64 = nodes.iter().map(|node| asked(&node.0)).sum();
    assert_eq!(after - before, 12, "a namespace that was found is not looked for again");
}
