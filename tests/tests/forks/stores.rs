//! Forks of a process that uses `scope = shared`, on each store.

use std::io::{Read, Write, pipe};
use std::sync::Barrier;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use lru_memo::shared::{Memory, Store, health};
use lru_memo::{clear_all, lru_cache};
use lru_memo_tests::forks::{in_child, in_child_without_handlers, in_fresh_processes};
use lru_memo_tests::without_hanging;

use crate::shared::{Scratch, space};

#[lru_cache(maxsize = 4, scope = shared)]
fn square(x: u64) -> u64 {
    x * x
}

#[lru_cache(maxsize = 4, scope = shared, single_flight = true)]
fn text(x: u64) -> String {
    thread::yield_now();
    x.to_string()
}

#[lru_cache(maxsize = 4, scope = shared, near = "1m")]
fn near(x: u64) -> u64 {
    x + 1
}

fn calls() {
    for x in (0..6).chain(0..6) {
        assert_eq!((square(x), text(x), near(x)), (x * x, x.to_string(), x + 1));
    }
}

/// What must work in every child.
fn uses() {
    calls();
    square_cache_invalidate(1);
    text_cache_put(2, "2".to_owned());
    assert_eq!(near_cache_refresh(3), 4);
    text_cache_info();
    assert_eq!(health().last_error, None);
    clear_all();
    thread::scope(|scope| (0..3).for_each(|_| _ = scope.spawn(calls)));
}

fn forks_go_well() {
    without_hanging(
        || "a process that forks".to_owned(),
        || {
            let (is_over, start) = (AtomicBool::new(false), Barrier::new(4));
            thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        start.wait();
                        while !is_over.load(SeqCst) {
                            calls();
                        }
                    });
                }
                start.wait();
                let outcome = (0..500).try_for_each(|_| in_child(uses));
                is_over.store(true, SeqCst);
                outcome.unwrap();
            });
            uses();
        },
    );
}

#[test]
fn children_of_a_process_that_uses_the_store_in_memory_go_on() {
    in_fresh_processes(
        3,
        "stores::children_of_a_process_that_uses_the_store_in_memory_go_on",
        "memory://",
        forks_go_well,
    );
}

#[test]
fn children_of_a_process_that_uses_the_embedded_store_go_on() {
    let scratch = Scratch::new();
    let url = format!("file://{}", scratch.path().display());
    let name = "stores::children_of_a_process_that_uses_the_embedded_store_go_on";
    in_fresh_processes(6, name, &url, forks_go_well);
}

#[cfg(feature = "redis")]
#[test]
fn children_of_a_process_that_uses_redis_go_on() {
    let server = crate::shared::RedisServer::start();
    in_fresh_processes(
        2,
        "stores::children_of_a_process_that_uses_redis_go_on",
        &server.url(),
        forks_go_well,
    );
}

#[cfg(feature = "memcached")]
#[test]
fn children_of_a_process_that_uses_memcached_go_on() {
    let scratch = Scratch::new();
    let server = crate::shared::memcached_server::Server::on_socket(&scratch, &[]);
    in_fresh_processes(
        2,
        "stores::children_of_a_process_that_uses_memcached_go_on",
        &server.patient_url(),
        forks_go_well,
    );
}

/// Asks the store on another thread, which a child has to start.
#[lru_cache(scope = shared)]
async fn cube(x: u64) -> u64 {
    x * x * x
}

fn forks_beside_threads_that_start_and_end() {
    let (is_over, next) = (AtomicBool::new(false), Barrier::new(3));
    let threads = || {
        next.wait();
        while !is_over.load(SeqCst) {
            let threads: Vec<_> = (0..8).map(|_| thread::spawn(|| ())).collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            next.wait();
        }
    };
    thread::scope(|scope| {
        (0..2).for_each(|_| _ = scope.spawn(threads));
        // One of some hundred forks meets a thread at the wrong moment. Its child waits before it goes on.
        let mut children = (0..1_000).map(|_| {
            next.wait();
            let begun = Instant::now();
            in_child(|| (0..3).for_each(|x| assert_eq!(pollster::block_on(cube(x)), x * x * x)))?;
            Ok::<_, String>(begun.elapsed())
        });
        let late = children.find(|took| took.as_ref().map_or(true, |took| *took > Duration::from_secs(3)));
        is_over.store(true, SeqCst);
        next.wait();
        late.transpose().unwrap();
    });
}

#[test]
fn a_child_goes_on_although_it_was_forked_while_another_thread_started_or_ended() {
    let scratch = Scratch::new();
    let url = format!("file://{}", scratch.path().display());
    let name = "stores::a_child_goes_on_although_it_was_forked_while_another_thread_started_or_ended";
    in_fresh_processes(1, name, &url, forks_beside_threads_that_start_and_end);
}

#[test]
fn a_child_goes_on_with_what_is_in_memory() {
    let scene = || {
        assert_eq!((square(3), square(3)), (9, 9));
        in_child(|| {
            assert_eq!(square(3), 9);
            assert_eq!(square_cache_info().hits, 2);
            assert!(square_cache_invalidate(3));
        })
        .unwrap();
        assert_eq!((square_cache_peek(3), square_cache_info().hits), (Some(9), 1));
        // No handler has handed it over: the child begins with an empty store.
        in_child_without_handlers(|| {
            assert_eq!((square_cache_peek(3), square(3), square(3)), (None, 9, 9));
            in_child(|| assert_eq!(square_cache_peek(3), Some(9))).unwrap();
        })
        .unwrap();
    };
    in_fresh_processes(1, "stores::a_child_goes_on_with_what_is_in_memory", "memory://", scene);
}

#[test]
fn what_a_parent_has_counted_is_not_counted_by_its_child_again() {
    let scratch = Scratch::new();
    let scene = || {
        // At once, so that the parent has told the store of little yet.
        (0..5).for_each(|_| _ = near(1));
        let child = || {
            (0..3).for_each(|_| _ = near(1));
            assert!(near_cache_totals().hits >= 3);
        };
        in_child(child).unwrap();
        in_child_without_handlers(child).unwrap();
        let totals = near_cache_totals();
        // The near cache of a child whose fork ran no handlers is empty, and the store has the value.
        assert_eq!((totals.hits, totals.misses), (10, 1));
        assert_eq!(near_cache_totals(), totals);
    };
    let url = format!("file://{}", scratch.path().display());
    in_fresh_processes(1, "stores::what_a_parent_has_counted_is_not_counted_by_its_child_again", &url, scene);
}

const KEY: &[u8] = b"key";

/// A child does not end the lease of its parent.
fn a_lease_is_of_one_process(store: &dyn Store) {
    let space = space("f", None);
    let mut lease = Some(store.lease(&space, KEY).expect("the store works"));
    in_child(|| drop(lease.take())).unwrap();
    assert!(store.try_lease(&space, KEY).expect("the store works").is_none(), "the parent has it");
    drop(lease);
    assert!(store.try_lease(&space, KEY).expect("the store works").is_some(), "nobody has it");
}

#[test]
fn a_child_does_not_end_a_lease_of_its_parent() {
    let scratch = Scratch::new();
    a_lease_is_of_one_process(&scratch.store());
    a_lease_is_of_one_process(&Memory::new());
}

#[cfg(feature = "redis")]
#[test]
fn a_child_does_not_end_a_lease_of_its_parent_on_redis() {
    let server = crate::shared::RedisServer::start();
    a_lease_is_of_one_process(&server.store());
}

#[cfg(feature = "memcached")]
#[test]
fn a_child_does_not_end_a_lease_of_its_parent_on_memcached() {
    let scratch = Scratch::new();
    let server = crate::shared::memcached_server::Server::on_socket(&scratch, &[]);
    a_lease_is_of_one_process(&server.store());
}

/// Forks a process that is in `main` until it is killed.
fn forked(main: impl FnOnce()) -> libc::pid_t {
    // SAFETY: the child does what is tested, and nothing of the process whose copy it is.
    match unsafe { libc::fork() } {
        -1 => panic!("cannot fork"),
        0 => {
            main();
            loop {
                thread::park();
            }
        }
        child => child,
    }
}

fn kill(child: libc::pid_t) {
    let mut status = 0;
    // SAFETY: it is a child that has not been waited for yet.
    assert_eq!(
        unsafe { (libc::kill(child, libc::SIGKILL), libc::waitpid(child, &raw mut status, 0)) }.1,
        child
    );
}

fn forks_while_stores_are_opened() {
    let scratch = [Scratch::new(), Scratch::new()];
    let stage = || "a process that forks while stores are opened".to_owned();
    without_hanging(stage, move || {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            for scratch in &scratch {
                let is_over = &is_over;
                scope.spawn(move || {
                    let space = space("f", None);
                    while !is_over.load(SeqCst) {
                        let store = scratch.store();
                        let lease = store.lease(&space, KEY).expect("the store works");
                        drop((store, lease));
                    }
                });
            }
            for _ in 0..300 {
                in_child(|| ()).unwrap();
            }
            is_over.store(true, SeqCst);
        });
    });
}

#[test]
fn a_process_forks_while_other_threads_open_and_close_stores_and_end_leases() {
    let name = "stores::a_process_forks_while_other_threads_open_and_close_stores_and_end_leases";
    in_fresh_processes(1, name, "memory://", forks_while_stores_are_opened);
}

#[test]
fn a_child_that_lives_on_does_not_keep_a_lease_of_a_parent_that_was_killed() {
    let scratch = Scratch::new();
    let (store, space) = (scratch.store(), space("f", None));
    let (mut ready, mut tell) = pipe().expect("a pipe");
    let holder = forked(|| {
        std::mem::forget(store.lease(&space, KEY).expect("the store works"));
        let lives_on = forked(|| ());
        tell.write_all(&lives_on.to_le_bytes()).expect("it is read");
    });
    let mut lives_on = [0; size_of::<libc::pid_t>()];
    ready.read_exact(&mut lives_on).expect("the lease is taken");
    assert!(store.try_lease(&space, KEY).expect("the store works").is_none(), "it is taken");
    kill(holder);
    let end = Instant::now() + Duration::from_secs(20);
    while store.try_lease(&space, KEY).expect("the store works").is_none() {
        assert!(Instant::now() < end, "the lease of a killed process is kept");
        thread::sleep(Duration::from_millis(1));
    }
    // SAFETY: it is a process of this test, which nobody else knows.
    unsafe { libc::kill(libc::pid_t::from_le_bytes(lives_on), libc::SIGKILL) };
}

#[test]
fn a_child_does_not_wait_for_a_key_that_its_parent_was_computing_in_memory() {
    let memory = Memory::new();
    let space = space("f", None);
    let lease = memory.lease(&space, KEY).expect("memory works");
    in_child(|| drop(memory.lease(&space, KEY))).unwrap();
    in_child_without_handlers(|| drop(memory.lease(&space, KEY))).unwrap();
    assert!(memory.try_lease(&space, KEY).expect("memory works").is_none());
    drop(lease);
}
