//! Memcached servers that are down, die, hang, talk nonsense, or are full: the store says so, and nobody waits long.
//! And processes that use one: they die, and fork.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use lru_memo::shared::{Entry, Found, Kind, Memcached, Store};
use lru_memo_tests::without_hanging;

use crate::shared::function_worker::Worker;
use crate::shared::memcached_server::Server;
use crate::shared::{Scratch, call, info, put, space, square};

/// Far longer than any lease here lasts.
const LONG: Duration = Duration::from_secs(30);

/// Tries again until it works, as it must after the longest time that a server is left alone.
fn until_it_works<R>(mut act: impl FnMut() -> Option<R>) -> R {
    let begun = Instant::now();
    loop {
        if let Some(result) = act() {
            return result;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "it does not recover");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_server_that_is_down_at_the_start_is_used_when_it_is_up() {
    let scratch = Scratch::new();
    let mut server = Server::on_socket(&scratch, &[]);
    server.kill();
    let store = server.store();
    let space = space("f", Some(3));
    for _ in 0..50 {
        let error = store.get(&space, b"k").expect_err("nobody listens");
        assert_eq!(error.kind(), Kind::Unavailable);
        assert!(error.to_string().contains("memcached.sock"), "{error}");
    }
    server.restart();
    until_it_works(|| store.get(&space, b"k").ok());
    assert_eq!(square(&store, &space, 1), square(&server.store(), &space, 2));
    assert!(square(&store, &space, 2));
}

#[test]
fn a_server_that_is_killed_under_load_is_missed_by_nobody_and_used_again_when_it_is_back() {
    let scratch = Scratch::new();
    let mut server = Server::on_socket(&scratch, &[]);
    let stores = [server.store(), server.store()];
    let is_over = &AtomicBool::new(false);
    let failed = &AtomicUsize::new(0);
    thread::scope(|scope| {
        for thread in 0..4 {
            let store = &stores[thread % 2];
            scope.spawn(move || {
                let spaces = [space("f", Some(5)), space("f", None)];
                for x in (0..9_u64).cycle() {
                    let (space, key) = (&spaces[x as usize % 2], x.to_le_bytes());
                    let found = store.get(space, &key).and_then(|found| {
                        if let Found::Miss(ticket) = found {
                            let value = (x * x).to_le_bytes();
                            let entry = Entry {
                                value: &value,
                                weight: 1,
                                computed_since: Some(ticket),
                                replace: false,
                                age: Duration::ZERO,
                            };
                            return store.store(space, &key, entry).map(|_| None);
                        }
                        Ok(Some(found))
                    });
                    match found {
                        Ok(Some(Found::Hit(value))) => assert_eq!(value, (x * x).to_le_bytes()),
                        Ok(_) => {}
                        Err(error) => {
                            assert_eq!(error.kind(), Kind::Unavailable, "{error}");
                            failed.fetch_add(1, SeqCst);
                            thread::sleep(Duration::from_millis(1));
                        }
                    }
                    if is_over.load(SeqCst) {
                        break;
                    }
                }
            });
        }
        for _ in 0..2 {
            thread::sleep(Duration::from_millis(300));
            server.kill();
            let before = failed.load(SeqCst);
            until_it_works(|| (failed.load(SeqCst) > before + 10).then_some(()));
            server.restart();
            until_it_works(|| stores[0].get(&space("again", Some(1)), b"k").ok());
        }
        is_over.store(true, SeqCst);
    });
    let space = space("f", Some(5));
    let info = until_it_works(|| stores[1].info(&space).ok());
    assert!(info.currsize <= 5);
}

#[test]
fn a_server_that_was_restarted_is_empty_and_goes_on() {
    let scratch = Scratch::new();
    let mut server = Server::on_socket(&scratch, &[]);
    let store = server.store();
    let spaces = [space("f", Some(5)), space("f", None)];
    for round in 0..3 {
        for space in &spaces {
            // Its connections were closed: that is not a failure.
            assert_eq!([1, 2, 1].map(|x| square(&store, space, x)), [false, false, true], "round {round}");
            assert_eq!(info(&store, space), (1, 2, 2));
        }
        server.restart();
    }
}

/// A server that is none: what it does with a connection.
fn pretending(act: impl Fn(TcpStream) + Send + Sync + 'static) -> (Memcached, &'static AtomicUsize) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it has an address").port();
    let count: &'static AtomicUsize = Box::leak(Box::default());
    thread::spawn(move || {
        let act: &'static _ = Box::leak(Box::new(act));
        for stream in listener.incoming().map_while(Result::ok) {
            count.fetch_add(1, SeqCst);
            thread::spawn(move || act(stream));
        }
    });
    let url = format!("memcached://127.0.0.1:{port}?timeout=200ms");
    (Memcached::new(&url).expect("it is a URL"), count)
}

#[test]
fn a_server_that_hangs_is_waited_for_once_in_each_interval() {
    let (store, connections) = pretending(|mut stream| _ = stream.read_to_end(&mut Vec::new()));
    let space = space("f", Some(5));
    let begun = Instant::now();
    for _ in 0..50 {
        let error = store.get(&space, b"k").expect_err("it never answers");
        assert_eq!(error.kind(), Kind::Unavailable);
    }
    // At once, after a second, after two more, after four more.
    let longest = 1 + begun.elapsed().as_secs() as usize;
    assert!(connections.load(SeqCst) <= longest, "{} connections", connections.load(SeqCst));
}

#[test]
fn a_socket_that_nobody_accepts_is_not_waited_for_longer_than_was_said() {
    let scratch = Scratch::new();
    let path = scratch.path().join("memcached.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    without_hanging(
        || "a use of the store".to_owned(),
        move || {
            let space = space("f", Some(5));
            // More than wait to be accepted; each store asks once.
            for _ in 0..300 {
                let url = format!("memcached+unix://{}?timeout=1ms&connect_timeout=1ms", path.display());
                let store = Memcached::new(&url).expect("it is a URL");
                assert_eq!(store.get(&space, b"k").map_err(|error| error.kind()), Err(Kind::Unavailable));
            }
        },
    );
}

#[test]
fn nonsense_is_an_error() {
    let answers: [&[u8]; 12] = [
        b"",
        b"\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"ERROR\r\n",
        b"CLIENT_ERROR bad\r\n",
        b"VA 5 c1\r\nab",
        b"VA 2 c1\r\nabcdef\r\n",
        b"VA 99999999999999999999 c1\r\n",
        b"VA 1000000000 c1\r\nabc",
        b"HD\r\nHD\r\nHD\r\nHD\r\n",
        b"\xff\xfe\x00\x01\r\n",
        &[b'x'; 100_000],
    ];
    without_hanging(
        || "a use of the store".to_owned(),
        move || {
            for answer in answers {
                let (store, _) = pretending(move |mut stream| {
                    let mut asked = [0; 1 << 16];
                    while let Ok(1..) = stream.read(&mut asked) {
                        if answer.is_empty() || stream.write_all(answer).is_err() {
                            return;
                        }
                    }
                });
                for space in [space("f", Some(5)), space("f", None)] {
                    let error = store.get(&space, b"k").expect_err("it is nonsense");
                    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
                    assert!(!error.to_string().contains("400 Bad"), "it quotes the server: {error}");
                }
            }
        },
    );
}

#[test]
fn a_server_without_memory_says_so_and_what_it_has_is_served() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &["-M", "-m", "8"]);
    let store = Memcached::new(&format!("{}?timeout=60s", server.url())).expect("it is a URL");
    for maxsize in [Some(1000), None] {
        let space = space("f", maxsize);
        square(&store, &space, 1);
        let value = vec![7; 100_000];
        let entry =
            Entry { value: &value, weight: 1, computed_since: None, replace: true, age: Duration::ZERO };
        let error = (0..1000_u32).find_map(|x| store.store(&space, &x.to_be_bytes(), entry).err());
        assert_eq!(error.map(|error| error.kind()), Some(Kind::Full), "maxsize {maxsize:?}");
        assert!(square(&store, &space, 1), "maxsize {maxsize:?}");
        store.clear(&space).expect("it works");
    }
}

#[test]
fn a_server_that_evicts_loses_entries_and_nothing_else() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &["-m", "8"]);
    let store = Memcached::new(&format!("{}?timeout=60s", server.url())).expect("it is a URL");
    let space = space("f", None);
    let value = |x: u64| vec![x as u8; 50_000];
    for x in 0..1000_u64 {
        call(&store, &space, &x.to_le_bytes(), || value(x));
        let (hit, found) = call(&store, &space, &x.to_le_bytes(), || value(x));
        assert!(hit && found == value(x), "what was just stored");
    }
    assert!(server.statistic("evictions") > 0);
    let kept = (0..1000_u64).filter(|x| call(&store, &space, &x.to_le_bytes(), || value(*x)).0).count();
    assert!(kept < 500, "{kept} entries of 50 kB in 8 MiB");
}

#[test]
fn all_worker_processes_have_one_cache_info() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    let url = format!("{}?timeout=60s", server.url());
    let mut workers = [Worker::start(&url), Worker::start(&url)];
    for (at, x) in [1, 2, 1, 3, 1, 4, 2].into_iter().enumerate() {
        assert_eq!(workers[at % 2].ask(&format!("double {x}")), (2 * x).to_string());
    }
    let expected = "CacheInfo(hits=2, misses=5, maxsize=3, currsize=3)";
    assert_eq!(workers.each_mut().map(|worker| worker.ask("double_info")), [expected; 2]);
    workers[0].ask("double_clear");
    let expected = "CacheInfo(hits=0, misses=0, maxsize=3, currsize=0)";
    assert_eq!(workers.each_mut().map(|worker| worker.ask("double_info")), [expected; 2]);
}

#[test]
fn one_process_computes_for_all() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    let url = format!("{}?timeout=60s", server.url());
    let mut workers = [Worker::start(&url), Worker::start(&url), Worker::start(&url)];
    workers.iter_mut().for_each(|worker| worker.tell("slow 4"));
    let mut runs = 0;
    for worker in &mut workers {
        let mut line = worker.line();
        if line == "runs 1" {
            runs += 1;
            line = worker.line();
        }
        assert_eq!(line, "3 3 3 3");
    }
    assert_eq!(runs, 1);
    assert_eq!(workers[0].ask("slow_info"), "CacheInfo(hits=11, misses=1, maxsize=128, currsize=1)");
}

#[test]
fn the_key_of_a_process_that_was_killed_is_taken_over() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    let url = format!("{}?timeout=60s&lease=2s", server.url());
    let mut first = Worker::start(&url);
    assert_eq!(first.ask("slow_alone 5"), "runs 5");
    let mut second = Worker::start(&url);
    second.tell("slow_alone 5");
    thread::sleep(Duration::from_millis(300));
    drop(first);
    assert_eq!(second.line(), "runs 5");
}

/// A process that computes a key for ever, and one that waits for the same key.
fn holder_and_waiter(server: &Server) -> (Worker, Worker) {
    let mut holder = Worker::start(&server.patient_url());
    assert_eq!(holder.ask("slow_alone 5"), "runs 5");
    let mut waiter = Worker::start(&server.patient_url());
    waiter.tell("slow_alone 5");
    // It has asked for the lease, again and again.
    let before = server.statistic("cmd_set");
    until_it_works(|| (server.statistic("cmd_set") > before + 20).then_some(()));
    (holder, waiter)
}

/// The name of the only lease.
fn lease_on(server: &Server) -> String {
    // The server lists nothing while it looks through its items by itself.
    until_it_works(|| server.items("lm:l:").pop())
}

/// How long this process waits for the lease of `k`, which it then drops; at most [`LONG`].
fn wait(store: Memcached) -> Duration {
    let (begun, (ended, end)) = (Instant::now(), mpsc::channel());
    thread::spawn(move || ended.send(store.lease(&space("f", Some(4)), b"k").map(|_| ())));
    end.recv_timeout(LONG).expect("the wait ends").expect("it works");
    begun.elapsed()
}

#[test]
fn a_holder_that_was_killed_is_replaced_within_four_seconds() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    let (mut holder, mut waiter) = holder_and_waiter(&server);
    holder.kill();
    let begun = Instant::now();
    assert_eq!(waiter.line(), "runs 5");
    let took = begun.elapsed();
    // And two seconds for a machine that does other things as well.
    assert!(took < Duration::from_secs(6), "it took {took:?}");
}

#[test]
fn a_lease_that_was_made_to_last_for_ever_is_waited_for_no_longer_than_its_length() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    let (mut holder, mut waiter) = holder_and_waiter(&server);
    let lease = lease_on(&server);
    holder.kill();
    assert_eq!(server.tell(&format!("touch {lease} 0\r\n")), ["TOUCHED"]);
    let (said, says) = mpsc::channel();
    thread::spawn(move || said.send(waiter.line()));
    assert_eq!(says.recv_timeout(LONG).as_deref(), Ok("runs 5"));
}

#[test]
fn a_lease_that_was_planted_is_waited_for_no_longer_than_a_lease_lasts() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    let (store, space) = (server.store(), space("f", Some(4)));
    let mine = store.lease(&space, b"k").expect("it works");
    let lease = lease_on(&server);
    drop(mine);
    for (expiry, planted) in [(0, "stranger"), (100_000, "")] {
        let length = planted.len();
        assert_eq!(server.tell(&format!("ms {lease} {length} T{expiry}\r\n{planted}\r\n")), ["HD"]);
        let took = wait(server.store());
        assert!(took < Duration::from_secs(9), "it took {took:?}");
    }
}

#[test]
fn a_holder_that_is_alive_keeps_its_lease_whatever_becomes_of_the_expiry() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    for touches in [false, true] {
        let mine = server.store().lease(&space("f", Some(4)), b"k").expect("it works");
        let lease = lease_on(&server);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| wait(server.store()));
            for _ in 0..14 {
                thread::sleep(Duration::from_millis(700));
                if touches {
                    assert_eq!(server.tell(&format!("touch {lease} 0\r\n")), ["TOUCHED"]);
                }
                assert!(!waiting.is_finished(), "somebody else has the lease of one who is alive");
            }
            drop(mine);
            waiting.join().expect("it waits");
        });
    }
}

#[test]
fn thousands_of_leases_are_kept_by_few_questions() {
    const LEASES: u64 = 3000;
    let server = Server::on_port(&[]);
    let proxy = crate::shared::memcached_server::Proxy::of(&server);
    let (store, other, space) = (proxy.store_with("&lease=6s"), server.store(), space("f", Some(4)));
    let held: Vec<_> =
        (0..LEASES).map(|x| store.lease(&space, &x.to_le_bytes()).expect("it works")).collect();
    // Longer than they would last by themselves.
    let (asked, _) = proxy.count(|| thread::sleep(Duration::from_secs(7)));
    assert!((2..LEASES as usize / 10).contains(&asked), "{asked} questions");
    for x in 0..LEASES {
        let free = other.try_lease(&space, &x.to_le_bytes()).expect("it works");
        assert!(free.is_none(), "lease {x} has ended");
    }
    drop(held);
    assert!(other.try_lease(&space, &0_u64.to_le_bytes()).expect("it works").is_some());
}

#[test]
fn functions_run_while_there_is_no_server_and_it_is_counted() {
    let scratch = Scratch::new();
    let mut server = Server::on_socket(&scratch, &[]);
    let mut worker = Worker::start(&server.patient_url());
    assert_eq!(worker.ask("double 1"), "2");
    server.kill();
    for x in 1..20 {
        assert_eq!(worker.ask(&format!("double {x}")), (2 * x).to_string());
    }
    assert!(worker.ask("health").contains("(Unavailable, 19)"));
    // Those who wait for each other do so without it.
    worker.tell("slow 2");
    assert_eq!(worker.line(), "runs 1");
    assert_eq!(until_it_works(|| Some(worker.line()).filter(|line| line != "runs 1")), "3 3");
    server.restart();
    until_it_works(|| {
        worker.ask("double 1");
        let info = worker.ask("double_info");
        (info.contains("hits=1,") && info.contains("misses=1,")).then_some(())
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_of_a_fork_has_connections_of_its_own_and_does_not_end_leases_of_its_parent() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    let store = Memcached::new(&format!("{}?timeout=60s", server.url())).expect("it is a URL");
    let space = space("f", Some(100));
    (0..10).for_each(|x| _ = square(&store, &space, x));
    let mut lease = Some(store.lease(&space, b"k").expect("it works"));
    // SAFETY: the child runs what is tested, which is to work there, and never returns.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork");
    if child == 0 {
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            drop(lease.take());
            (0..500).for_each(|x| assert!(square(&store, &space, x % 10)));
            let theirs = store.lease(&space, b"other").expect("it works");
            drop(theirs);
        }));
        // SAFETY: it runs nothing of the process whose copy this is.
        unsafe { libc::_exit(run.is_err().into()) }
    }
    (0..500).for_each(|x| assert!(square(&store, &space, x % 10)));
    let mut status = 0;
    // SAFETY: `status` is an integer to be written to.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0, "the child has failed");
    assert!(server.store().try_lease(&space, b"k").expect("it works").is_none());
    drop(lease);
    assert!(server.store().try_lease(&space, b"k").expect("it works").is_some());
    assert_eq!(info(&store, &space), (1000, 10, 10));
    assert!(put(&store, &space, b"k", b"v", 1));
}
