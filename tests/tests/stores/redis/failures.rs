//! Servers that fail, forget, hang, are full, or are none.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use lru_memo::shared::{Entry, Found, Kind, Redis, Store};
use lru_memo_tests::forks::in_fresh_processes;

use super::number;
use crate::shared::{RedisServer, Scratch, info, peek, put, space, square};

fn kind_of<T: std::fmt::Debug>(result: Result<T, lru_memo::shared::Error>) -> Kind {
    result.expect_err("the server does not work").kind()
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
    let entry =
        Entry { value: b"old", weight: 1, computed_since: Some(ticket), replace: true, age: Duration::ZERO };
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
                                let entry = Entry {
                                    value: &key,
                                    weight: 1,
                                    computed_since,
                                    replace: false,
                                    age: Duration::ZERO,
                                };
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
    let (mut asked, mut left_alone) = (0, 0);
    while left_alone < 100 {
        let error = store.get(&space, b"k").expect_err("it does not answer").to_string();
        if error.contains("is not asked for a while") { left_alone += 1 } else { asked += 1 }
    }
    // At once, after a second, after two more, after four more; all other calls fail at once.
    assert!(
        (1..=1 + begun.elapsed().as_secs()).contains(&asked),
        "asked {asked} times in {:?}",
        begun.elapsed()
    );
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
fn a_server_that_never_has_evicted_enough_delays_callers_by_one_timeout() {
    let took = lru_memo_tests::without_hanging(String::new, || {
        let store = Redis::new(&answering(b":2\r\n")).expect("it is a URL");
        let entry =
            Entry { value: b"v", weight: 1, computed_since: None, replace: true, age: Duration::ZERO };
        let begun = Instant::now();
        assert_eq!(kind_of(store.store(&space("f", Some(4)), b"k", entry)), Kind::Unavailable);
        begun.elapsed()
    });
    assert!(took < Duration::from_secs(15), "it took {took:?}");
}

#[test]
fn a_call_that_is_several_questions_to_a_slow_server_takes_one_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        while connection.read(&mut [0; 4096]).is_ok_and(|length| length > 0) {
            thread::sleep(Duration::from_millis(700));
            // A miss in a namespace that is to be made, at first.
            if connection.write_all(b"*2\r\n$-1\r\n$1\r\n0\r\n").is_err() {
                return;
            }
        }
    });
    let store =
        Redis::new(&format!("redis://127.0.0.1:{port}?timeout=1s&connect_timeout=5s")).expect("a URL");
    // The second question is over after 1.4 seconds, and would be the last to be answered.
    let error = store.get(&space("f", Some(4)), b"k").expect_err("it takes too long");
    assert!(error.to_string().contains("it took too long"), "{error}");
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
fn no_text_repeats_what_the_server_repeats_of_a_password() {
    for answer in [
        &b"-ERR unknown command 'AUTH', with args beginning with: 'me' 'secret' \r\n"[..],
        b"-ERR unknown command `AUTH`, with args beginning with: `me`, `secre\r\n",
        b"-secret me secret\r\n",
        b"+OK\r\n-ERR you said secret\r\n",
    ] {
        let url = answering(answer).replace("redis://", "redis://me:secret@");
        let (store, space) = (Redis::new(&url).expect("it is a URL"), space("f", Some(4)));
        for _ in 0..2 {
            let error = store.get(&space, b"k").expect_err("it is not let in");
            let shown = format!("{error} {error:?} {store:?}");
            assert!(!shown.contains("secre"), "{shown}");
        }
        let told = told_by_a_process(&url);
        assert!(told.contains("the Redis server") && told.contains("redis://***@127.0.0.1"), "{told}");
        assert!(!told.contains("secre"), "{told}");
    }
}

#[test]
fn no_text_repeats_a_url_that_cannot_be_understood() {
    for url in [
        "redis://me:pa?secret@h",
        "redis://me:1?timeout=secret@h",
        "redis://me:pa/secret@h",
        "redis://me:pa#secret@h",
        "redis://me:secret@h?colour=red",
        "redis://h?pass=secret",
        "redis://h?pass=secret@h",
        "unix:///run/r.sock?pass=a&secret",
        "unix:///run/r.sock?pass=a@secret&colour=red",
        "memcached://me:secret@h",
        "memcached://me:pa?secret@h",
        "rediss:me:secret@h",
        "secret",
    ] {
        let error = Redis::new(url).map(|_| ()).map_err(|error| format!("{error} {error:?}"));
        assert!(!error.clone().expect_err(url).contains("secret"), "{url}: {error:?}");
        let told = told_by_a_process(url);
        assert!(told.contains("last_error: Some"), "{url}: {told}");
        assert!(!told.contains("secret"), "{url}: {told}");
    }
}

/// All that a process with this store, which does not work, has said and knows of it.
fn told_by_a_process(url: &str) -> String {
    let mut worker = std::process::Command::new(env!("CARGO_BIN_EXE_function-worker"))
        .env("LRU_MEMO_STORE", url)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the worker starts");
    worker.stdin.take().expect("its input").write_all(b"double 1\ndouble_info\ntold\n").expect("a pipe");
    let output = worker.wait_with_output().expect("it ends");
    format!("{} {}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_server_without_memory_is_full_and_goes_on_when_it_has_some() {
    let server = RedisServer::start_with(&["--maxmemory", "4mb", "--maxmemory-policy", "noeviction"]);
    let (store, space) = (server.store(), space("f", None));
    let mut kept = 0;
    let full = loop {
        let entry = Entry {
            value: &[7; 50_000],
            weight: 1,
            computed_since: None,
            replace: true,
            age: Duration::ZERO,
        };
        match store.store(&space, &u64::to_le_bytes(kept), entry) {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
        assert!(kept < 1000, "it is never full");
    };
    assert_eq!(full.kind(), Kind::Full);
    assert_eq!(info(&store, &space).2, kept as usize);
    assert_eq!(peek(&store, &space, &0_u64.to_le_bytes()), Some(vec![7; 50_000]));
    for x in 0..3 {
        assert_eq!(store.invalidate(&space, &u64::to_le_bytes(x)), Ok(true), "that needs no memory");
    }
    let more = (0..1000_u64).find_map(|x| {
        let entry =
            Entry { value: &[7; 5000], weight: 1, computed_since: None, replace: false, age: Duration::ZERO };
        store.store(&space, &(x + 1000).to_le_bytes(), entry).err()
    });
    assert_eq!(more.map(|error| error.kind()), Some(Kind::Full));
    assert_eq!(store.invalidate(&space, b"not there"), Ok(false), "nor does that");
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
fn an_answer_of_another_type_is_corrupt_quotes_nothing_and_leaves_the_server_in_use() {
    let server = RedisServer::start();
    let store = server.store();
    let space = space("f", Some(4)).with_max_weight(Some(100)).with_ttl(Some(Duration::from_secs(3600)));
    let key = |part: &str| format!("lru-memo:{{{:032x}}}:{part}", space.id());
    type Ask = fn(&Redis, &lru_memo::shared::Namespace) -> Result<(), lru_memo::shared::Error>;
    let info: Ask = |store, space| store.info(space).map(|_| ());
    let recent: Ask = |store, space| store.recent(space, 9).map(|_| ());
    let namespaces: Ask = |store, _| {
        let mut all = store.namespaces()?;
        all.pop().and_then(|summary| summary.error).map_or(Ok(()), Err)
    };
    let get: Ask = |store, space| store.get(space, b"other").map(|_| ());
    let put: Ask = |store, space| {
        let entry =
            Entry { value: b"v", weight: 1, computed_since: None, replace: true, age: Duration::ZERO };
        store.store(space, b"other", entry).map(|_| ())
    };
    let x = "\u{1}\0\0\0\0\0\0\0";
    for (command, ask) in [
        (&["hset", &key("meta"), "t", "secret"][..], info),
        (&["hset", &key("meta"), "s", "secret"], info),
        (&["hset", &key("meta"), "w", "secret"], namespaces),
        (&["hset", &key("meta"), "q", "secret"], get),
        (&["hset", &key("meta"), "s", "secret"], get),
        (&["hset", &key("meta"), "w", "secret"], put),
        (&["hset", &key("weights"), x, "secret"], recent),
        (&["zadd", &key("ages"), "-inf", x], recent),
    ] {
        store.clear(&space).expect("it works");
        assert!(!square(&store, &space, 1));
        server.ask(command);
        for _ in 0..3 {
            let error = ask(&store, &space).expect_err(command[0]);
            assert_eq!(error.kind(), Kind::Corrupt, "{command:?}: {error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        store.clear(&space).expect("the server is not left alone");
    }
}

#[test]
fn totals_that_are_no_numbers_hinder_nobody() {
    let server = RedisServer::start();
    let (store, space) = (server.store(), space("f", Some(1)));
    let totals = || store.summary(&space).expect("it works").totals.expect("it counts");
    assert!(!square(&store, &space, 1));
    for total in ["T0", "T1", "T2", "T5"] {
        server.ask(&["hset", &format!("lru-memo:{{{:032x}}}:meta", space.id()), total, "secret"]);
    }
    assert!(square(&store, &space, 1) && !square(&store, &space, 2));
    assert_eq!((totals().hits, totals().misses, totals().evictions, totals().errors), (1, 2, 1, 0));
    let mut more = lru_memo::CacheTotals::default();
    more.errors = 3;
    store.count(&space, &more).expect("it works");
    store.clear(&space).expect("it works");
    assert_eq!((totals().hits, totals().misses, totals().evictions, totals().errors), (1, 2, 1, 3));
}

#[test]
fn health_tells_of_an_answer_of_another_type_without_quoting_it() {
    let server = RedisServer::start();
    let mut worker = crate::shared::function_worker::Worker::start(&server.url());
    assert_eq!(worker.ask("double 4"), "8");
    let meta = server.ask(&["keys", "lru-memo:{*}:meta"]);
    server.ask(&["hset", &meta, "s", "secret"]);
    for _ in 0..3 {
        worker.ask("double_info");
    }
    assert_eq!(worker.ask("health"), "[(Corrupt, 3)]");
    let told = worker.ask("told");
    assert!(!told.contains("secret"), "{told}");
    assert_eq!(worker.ask("double 4"), "8");
    assert_eq!(worker.ask("health"), "[(Corrupt, 3)]", "the server is left alone");
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

/// How long a call takes to fail.
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
    let scratch = Scratch::new();
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

#[lru_memo::lru_cache(maxsize = 1000, scope = shared)]
fn long(x: u64) -> Vec<u8> {
    vec![x as u8; 50_000]
}

#[test]
fn a_function_runs_and_errors_are_counted_when_its_server_is_full_or_dies() {
    let name = "redis::failures::a_function_runs_and_errors_are_counted_when_its_server_is_full_or_dies";
    in_fresh_processes(1, name, "", call_while_the_server_is_full_and_dead);
}

fn call_while_the_server_is_full_and_dead() {
    let mut server = RedisServer::start_with(&["--maxmemory", "4mb", "--maxmemory-policy", "noeviction"]);
    lru_memo::shared::configure(&server.url()).expect("it is the first");
    let errors = |kind| {
        let health = lru_memo::shared::health();
        health.errors.iter().find(|(found, _)| *found == kind).map_or(0, |(_, count)| *count)
    };
    for x in 0..300 {
        assert_eq!(long(x), vec![x as u8; 50_000]);
    }
    assert!(errors(Kind::Full) > 0);
    assert_eq!(errors(Kind::Unavailable), 0);
    server.kill();
    for x in 0..300 {
        assert_eq!(long(x), vec![x as u8; 50_000]);
    }
    assert!(errors(Kind::Unavailable) > 0);
    assert_eq!(long_cache_info().currsize, 0);
}

#[test]
fn errors_within_scripts_are_understood_as_older_servers_tell_them() {
    let told = |answer| {
        let store = Redis::new(&answering(answer)).expect("it is a URL");
        kind_of(store.get(&space("f", Some(4)), b"k"))
    };
    let full = b"-ERR Error running script (call to f_1): @user_script:9: @user_script: 9: -OOM command not allowed \
                 when used memory > 'maxmemory'.\r\n";
    assert_eq!(told(full), Kind::Full);
    let replica =
        b"-ERR Error running script (call to f_1): @user_script:9: @user_script: 9: -READONLY You can't \
                    write against a read only replica.\r\n";
    let store = Redis::new(&answering(replica)).expect("it is a URL");
    for told in ["cannot be used", "is not asked"] {
        let error = store.get(&space("f", Some(4)), b"k").expect_err("it cannot be written to");
        assert!(error.to_string().contains(told), "{error}");
    }
}

#[test]
fn counters_that_are_as_high_as_can_be_are_told_as_such() {
    let server = RedisServer::start();
    let (store, space) = (server.store(), space("f", Some(4)));
    square(&store, &space, 1);
    let meta = format!("lru-memo:{{{:032x}}}:meta", space.id());
    for (number, told) in [("9223372036854775807", 1 << 63), ("18446744073709551616", u64::MAX), ("-7", 0)] {
        server.ask(&["hset", &meta, "t", number, "p", "0", "s", number]);
        let (hits, misses, currsize) = info(&store, &space);
        assert_eq!((hits.max(misses), currsize), (told, 1), "{number}");
        store.namespaces().expect("it works");
    }
}

#[test]
fn a_number_of_invalidations_that_cannot_be_counted_on_keeps_values_from_being_stored_and_no_server_busy() {
    let server = RedisServer::start();
    let (store, space) = (server.store(), space("f", Some(4)));
    square(&store, &space, 1);
    let key = |part: &str| format!("lru-memo:{{{:032x}}}:{part}", space.id());
    server.ask(&["hset", &key("meta"), "q", "1152921504606846976"]);
    server.ask(&["hset", &key("invalid"), "0", "another"]);
    let Ok(Found::Miss(ticket)) = store.get(&space, b"k") else { panic!("it is not there") };
    let entry =
        Entry { value: b"v", weight: 1, computed_since: Some(ticket), replace: true, age: Duration::ZERO };
    assert_eq!(store.store(&space, b"k", entry), Ok(false));
    assert_eq!(store.is_current(&space, b"k", ticket), Ok(false));
    store.clear(&space).expect("it works");
    assert!(!square(&store, &space, 1));
    assert!(square(&store, &space, 1));
}
