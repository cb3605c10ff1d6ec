//! The store on real Memcached servers: what is special to it. What happens when servers fail is in
//! `memcached_failures.rs`.

mod counters;
mod prefix;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use lru_memo::shared::{Entry, Found, Kind, Memcached, Store};

use crate::shared::function_worker::{
    a_tag_that_one_worker_invalidates_is_seen_by_all, a_worker_waits_for_another_one_no_longer_than_its_limit,
};
use crate::shared::memcached_server::{Proxy, Server};
use crate::shared::{Scratch, call, info, peek, put, space, square};

/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// Beyond 1,024 entries there is no list of them.
#[test]
fn a_bound_that_crosses_the_longest_list_drops_the_entries_and_keeps_the_counters() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    let [one, other] = [server.store(), server.store()];
    let bound = |store: &dyn Store, space: &_| store.summary(space).expect("it works").maxsize;
    for (compiled, first, then) in [(4, 5000, 3), (5000, 3, 5000)] {
        // Each process has its own.
        let [mine, theirs] = [space("f", Some(compiled)), space("f", Some(compiled))];
        (0..9).for_each(|x| _ = square(&one, &mine, x));
        assert!(square(&other, &theirs, 8));
        one.resize(&mine, first).expect("it works");
        assert_eq!([info(&one, &mine), info(&other, &theirs)], [(1, 9, 0); 2]);
        (0..9).for_each(|x| assert!(!square(&other, &theirs, x)));
        let left = if first == 3 { 3 } else { 9 };
        assert_eq!((info(&one, &mine), bound(&one, &mine)), ((1, 18, left), Some(first)));
        assert!(square(&one, &mine, 8) && other.invalidate(&theirs, &8_u64.to_le_bytes()).expect("it works"));
        assert!(!square(&one, &mine, 8));
        other.resize(&theirs, then).expect("it works");
        assert_eq!((info(&one, &mine), bound(&one, &mine)), ((2, 19, 0), Some(then)));
        (0..9).for_each(|x| assert!(!square(&one, &mine, x)));
        one.clear(&mine).expect("it works");
        assert_eq!((info(&other, &theirs), bound(&other, &theirs)), ((0, 0, 0), Some(then)));
        assert!(!square(&other, &theirs, 8) && square(&one, &mine, 8));
    }
}

#[test]
fn a_store_on_a_socket_and_one_on_a_port_work() {
    let scratch = Scratch::new();
    for server in [Server::on_socket(&scratch, &[]), Server::on_port(&[])] {
        let store = server.store();
        let space = space("f", Some(2));
        assert_eq!([1, 2, 1, 3, 2].map(|x| square(&store, &space, x)), [false, false, true, false, false]);
        assert_eq!(info(&store, &space), (1, 4, 2));
        // Somebody else sees the same.
        assert_eq!(info(&server.store(), &space), (1, 4, 2));
        assert!(put(&store, &space, b"k", b"v", 1));
        assert_eq!(peek(&server.store(), &space, b"k"), Some(b"v".to_vec()));
        store.clear(&space).expect("it works");
        assert_eq!(info(&server.store(), &space), (0, 0, 0));
    }
}

#[test]
fn a_hit_is_one_round_trip() {
    let server = Server::on_port(&[]);
    let proxy = Proxy::of(&server);
    let store = proxy.store();
    for maxsize in [Some(128), Some(1024), Some(1025), None] {
        let space = space("f", maxsize);
        (0..100).for_each(|x| _ = square(&store, &space, x));
        let (round_trips, bytes) = proxy.count(|| (0..100).for_each(|x| assert!(square(&store, &space, x))));
        assert_eq!(round_trips, 100, "maxsize {maxsize:?}");
        // Of each entry, the directory has 16 bytes.
        assert!(bytes < 100 * 2_500, "{bytes} bytes, maxsize {maxsize:?}");
        let (round_trips, _) = proxy.count(|| assert!(!square(&store, &space, 1000)));
        assert!(round_trips <= 5, "{round_trips} for a miss, maxsize {maxsize:?}");
        assert_eq!(info(&store, &space), (100, 101, 101));
    }
}

#[test]
fn two_that_use_a_namespace_in_turn_are_exact() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    let stores = [server.store(), server.store()];
    for maxsize in [Some(3), None] {
        let space = space("f", maxsize);
        let hits =
            (0..300).filter(|at| square(&stores[at / 3 % 2], &space, (at * at % 4) as u64)).count() as u64;
        let currsize = 2;
        assert_eq!(info(&stores[0], &space), (hits, 300 - hits, currsize));
        assert_eq!(info(&stores[1], &space), (hits, 300 - hits, currsize));
    }
}

#[test]
fn counters_and_maxsize_are_exact_where_calls_of_several_processes_overlap() {
    const CALLS: u64 = 1500;
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    let reader = server.store();
    for maxsize in [Some(4), None] {
        let space = &space("f", maxsize);
        let hits = &AtomicU64::new(0);
        thread::scope(|scope| {
            for process in 0..4_u64 {
                let store = server.store();
                scope.spawn(move || {
                    for at in 0..CALLS {
                        hits.fetch_add(square(&store, space, (process + at * at) % 7).into(), SeqCst);
                    }
                });
            }
        });
        let hits = hits.load(SeqCst);
        let (counted, misses, currsize) = info(&reader, space);
        assert_eq!((counted, misses), (hits, 4 * CALLS - hits), "maxsize {maxsize:?}");
        assert!(currsize <= maxsize.unwrap_or(7), "{currsize} entries");
    }
}

#[test]
fn keys_have_any_length_and_any_bytes() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    let store = server.store();
    let every: Vec<u8> = (0..=255).cycle().take(10 << 10).collect();
    for maxsize in [Some(100), None] {
        let space = space("f", maxsize);
        let mut keys = vec![vec![], b"\r\nflush_all\r\n".to_vec(), b" ".to_vec(), vec![0], every.clone()];
        keys.extend((0..64).map(|at| {
            let mut key = every.clone();
            key[at * 160] ^= 1;
            key
        }));
        for key in &keys {
            assert!(!call(&store, &space, key, || key.iter().rev().copied().collect()).0);
        }
        for key in &keys {
            let (hit, value) = call(&store, &space, key, || unreachable!("it is there"));
            assert!(hit && value.iter().rev().eq(key));
        }
        assert_eq!(info(&store, &space), (69, 69, 69));
    }
}

#[test]
fn what_is_too_long_for_the_server_is_not_stored_and_what_it_was_to_replace_goes() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    let store = server.store();
    let long = vec![7; 2 << 20];
    for maxsize in [Some(10), None] {
        let space = space("f", maxsize);
        square(&store, &space, 1);
        assert!(put(&store, &space, b"k", b"short", 1));
        let entry =
            Entry { value: &long, weight: 1, computed_since: None, replace: true, age: Duration::ZERO };
        assert_eq!(store.store(&space, b"k", entry).map_err(|error| error.kind()), Err(Kind::Full));
        assert_eq!(peek(&store, &space, b"k"), None);
        assert!(square(&store, &space, 1));
        assert_eq!(info(&store, &space), (1, 1, 1));
    }
}

#[test]
fn what_the_server_has_forgotten_is_a_miss() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    let store = server.store();
    let space = space("f", Some(10));
    [1, 2].into_iter().for_each(|x| _ = square(&store, &space, x));
    for name in server.items("lm:v:") {
        assert_eq!(server.tell(&format!("md {name}\r\n")), ["HD"]);
    }
    assert_eq!(info(&store, &space).2, 2, "nobody has noticed");
    assert_eq!(peek(&store, &space, &1_u64.to_le_bytes()), None);
    assert_eq!(store.get_if_present(&space, &2_u64.to_le_bytes()), Ok(None));
    assert!(!square(&store, &space, 1));
    assert_eq!(info(&store, &space), (0, 3, 1));
    assert!(square(&store, &space, 1));
}

#[test]
fn a_server_that_was_flushed_is_an_empty_one() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    let store = server.store();
    for maxsize in [Some(10), None] {
        let space = space("f", maxsize);
        let Ok(Found::Miss(ticket)) = store.get(&space, b"k") else { panic!("it is empty") };
        assert!(!square(&store, &space, 1));
        assert_eq!(server.tell("flush_all\r\n"), ["OK"]);
        assert_eq!(info(&store, &space), (0, 0, 0));
        assert_eq!([1, 1].map(|x| square(&store, &space, x)), [false, true]);
        // What was invalidated meanwhile is not known any more.
        let entry = Entry {
            value: b"v",
            weight: 1,
            computed_since: Some(ticket),
            replace: true,
            age: Duration::ZERO,
        };
        assert_eq!(store.store(&space, b"k", entry), Ok(false));
        assert_eq!(info(&store, &space), (1, 1, 1));
    }
}

#[test]
fn foreign_bytes_are_a_miss() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    let store = server.store();
    for maxsize in [Some(10), None] {
        for beginning in ["lm:d:", "lm:v:", "lm:e:", "lm:i"] {
            let space = space(beginning, maxsize);
            square(&store, &space, 1);
            for name in server.items(beginning) {
                assert_eq!(server.tell(&format!("ms {name} 3\r\nabc\r\n")), ["HD"]);
            }
            square(&store, &space, 1);
            assert!(square(&store, &space, 1), "{beginning}, maxsize {maxsize:?}");
            let mut names = store.namespaces().expect("it works").into_iter().map(|summary| summary.name);
            assert!(names.any(|name| name == beginning) || beginning == "lm:i");
        }
    }
}

#[test]
fn removed_entries_are_not_left_on_the_server() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    let store = server.store();
    let space = space("f", Some(3));
    (0..50).for_each(|x| _ = square(&store, &space, x));
    put(&store, &space, &49_u64.to_le_bytes(), b"v", 1);
    assert_eq!(server.items("lm:v:").len(), 3);
    store.invalidate(&space, &49_u64.to_le_bytes()).expect("it works");
    assert_eq!(server.items("lm:v:").len(), 2);
    store.clear(&space).expect("it works");
    assert_eq!(server.items("lm:v:").len(), 0);
}

#[test]
fn a_namespace_without_a_list_can_be_invalidated_cleared_and_expires() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    let (store, other) = (server.store(), server.store());
    let space = space("f", Some(5000)).with_ttl(Some(Duration::from_secs(1000)));
    (0..10).for_each(|x| _ = square(&store, &space, x));
    assert_eq!(other.invalidate(&space, &3_u64.to_le_bytes()), Ok(true));
    assert_eq!(other.invalidate(&space, &3_u64.to_le_bytes()), Ok(false));
    assert_eq!([2, 3].map(|x| square(&store, &space, x)), [true, false]);
    assert_eq!(info(&store, &space), (1, 11, 10));
    let Ok(Found::Miss(ticket)) = store.get(&space, b"k") else { panic!("it is not there") };
    other.clear(&space).expect("it works");
    let entry =
        Entry { value: b"v", weight: 1, computed_since: Some(ticket), replace: true, age: Duration::ZERO };
    assert_eq!(store.store(&space, b"k", entry), Ok(false));
    assert_eq!(info(&store, &space), (0, 0, 0));
    assert_eq!([2, 2].map(|x| square(&store, &space, x)), [false, true]);
    lru_memo::clock::advance(Duration::from_secs(1000));
    assert_eq!([2, 2].map(|x| square(&store, &space, x)), [false, true]);
    assert_eq!(info(&store, &space), (2, 2, 1));
}

#[test]
fn a_lease_lasts_as_long_as_it_is_held_and_no_longer() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    let (store, other) = (server.store_with("&lease=8s"), server.store_with("&lease=8s"));
    let space = space("f", Some(2));
    let mine = store.lease(&space, b"k").expect("it works");
    let begun = Instant::now();
    // Longer than it would last by itself.
    while begun.elapsed() < Duration::from_secs(10) {
        assert!(other.try_lease(&space, b"k").expect("it works").is_none());
        thread::sleep(Duration::from_millis(50));
    }
    thread::scope(|scope| {
        let waiting = scope.spawn(|| other.lease(&space, b"k").expect("it works"));
        drop(mine);
        let theirs = waiting.join().expect("a thread");
        assert!(store.try_lease(&space, b"k").expect("it works").is_none());
        drop(theirs);
    });
    assert!(store.try_lease(&space, b"k").expect("it works").is_some());
}

#[test]
fn the_entries_of_a_namespace_are_on_all_servers_and_survive_the_loss_of_others() {
    let mut servers = [Server::on_port(&[]), Server::on_port(&[]), Server::on_port(&[])];
    let url = |servers: &[Server]| {
        let hosts: Vec<String> = servers.iter().map(Server::host).collect();
        format!("memcached://{}?timeout=60s", hosts.join(","))
    };
    let store = Memcached::new(&url(&servers)).expect("it is a URL");
    for maxsize in [Some(1000), None] {
        let space = space("f", maxsize);
        (0..300).for_each(|x| assert!(!square(&store, &space, x)));
        (0..300).for_each(|x| assert!(square(&store, &space, x)));
        assert_eq!(info(&store, &space), (300, 300, 300));
    }
    for server in &servers {
        let items = server.items("lm:v:").len() + server.items("lm:e:").len();
        assert!((100..400).contains(&items), "{items} of 600 entries");
    }
    let space = space("f", None);
    let of_directory =
        servers.iter().position(|server| !server.items(&format!("lm:d:{:032x}", space.id())).is_empty());
    let dies = (of_directory.expect("somewhere") + 1) % 3;
    servers[dies].kill();
    let found: Vec<bool> = (0..300_u64)
        .map(|x| store.get(&space, &x.to_le_bytes()))
        .map(|found| match found {
            Ok(found) => matches!(found, Found::Hit(_)),
            Err(error) => {
                assert_eq!(error.kind(), Kind::Unavailable);
                false
            }
        })
        .collect();
    let hits = found.iter().filter(|hit| **hit).count();
    assert!((120..280).contains(&hits), "{hits} hits");
    // Without it in the URL, only what was on it moves.
    let rest: Vec<Server> =
        servers.into_iter().enumerate().filter(|(at, _)| *at != dies).map(|(_, s)| s).collect();
    let fewer = Memcached::new(&url(&rest)).expect("it is a URL");
    for (x, hit) in (0..).zip(found) {
        assert_eq!(square(&fewer, &space, x), hit);
    }
    let begun = Instant::now();
    (0..300).for_each(|x| assert!(square(&fewer, &space, x)));
    assert!(begun.elapsed() < LONG);
}

/// Keys that had one hash when the seeds of hashes were known, in both of its halves: the second eight bytes, and the
/// fourth, take from a multiplication all that was before.
fn chosen(count: u64) -> Vec<Vec<u8>> {
    let key = |at: u64| {
        let words = [at, 0xd1b5_4a32_d192_ed03, 7, 0x9fb2_1c65_1e98_df25];
        words.map(u64::to_le_bytes).concat()
    };
    (0..count).map(key).collect()
}

#[test]
fn nobody_can_choose_keys_that_replace_each_other() {
    let server = Server::on_port(&[]);
    let store = server.store();
    for maxsize in [Some(100), None] {
        let space = space("f", maxsize);
        for key in chosen(100) {
            assert!(put(&store, &space, &key, &key, 1));
        }
        for key in chosen(100) {
            assert_eq!(peek(&server.store(), &space, &key), Some(key), "maxsize {maxsize:?}");
        }
        assert_eq!(info(&store, &space).2, 100);
    }
}

#[test]
fn nobody_can_choose_keys_that_wait_for_each_other() {
    let server = Server::on_port(&[]);
    let (store, space) = (server.store(), space("f", Some(100)));
    let leases: Vec<_> = chosen(10).iter().map(|key| store.try_lease(&space, key)).collect();
    assert!(leases.iter().all(|lease| matches!(lease, Ok(Some(_)))));
    // Whoever asks, the key is taken, also after a clear.
    store.clear(&space).expect("it works");
    assert!(matches!(server.store().try_lease(&space, &chosen(1)[0]), Ok(None)));
}

#[test]
fn a_worker_waits_no_longer_than_its_limit() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    a_worker_waits_for_another_one_no_longer_than_its_limit(&format!("{}?timeout=60s", server.url()));
}

#[test]
fn a_tag_is_invalidated_for_all_workers() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    a_tag_that_one_worker_invalidates_is_seen_by_all(&format!("{}?timeout=60s", server.url()));
}
