//! Namespaces that nobody uses any more go, and take nothing with them that is used.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use lru_memo::shared::{Found, Namespace, Redis, Store};

use super::full_space;
use crate::shared::{RedisServer, call, info, peek, put, space, square};

const PARTS: [&str; 8] = ["meta", "values", "recent", "ages", "weights", "invalid", "hits", "used"];
/// What is left of thirty days when the use of a namespace is noted again, in milliseconds.
const DUE: i64 = 29 * 86_400_000;

fn store_with(server: &RedisServer, unused: &str) -> Redis {
    Redis::new(&format!("{}&unused={unused}", server.url())).expect("it is a URL")
}

fn key(space: &Namespace, part: &str) -> String {
    format!("lru-memo:{{{:032x}}}:{part}", space.id())
}

/// For how many milliseconds each key of a namespace is still there; -1 for one that stays for ever.
fn left(server: &RedisServer, space: &Namespace) -> Vec<(&'static str, i64)> {
    let ask =
        "local left = {} for at, name in ipairs(KEYS) do left[at] = redis.call('pttl', name) end return left";
    let keys = PARTS.map(|part| key(space, part));
    let command: Vec<_> = ["eval", ask, "8"].into_iter().chain(keys.iter().map(String::as_str)).collect();
    let told = server.ask(&command);
    let left = told.lines().map(|left| left.parse().expect("a number"));
    PARTS.into_iter().zip(left).filter(|(_, left)| *left != -2).collect()
}

fn expire(server: &RedisServer, space: &Namespace, days: u64) {
    for (part, _) in left(server, space) {
        assert_eq!(server.ask(&["expire", &key(space, part), &(days * 86_400).to_string()]), "1");
    }
}

#[test]
fn a_namespace_that_nobody_uses_goes_with_all_that_is_its_and_one_that_is_used_stays() {
    let server = RedisServer::start();
    let store = store_with(&server, "2s");
    let (used, unused) = (full_space(), space("unused", None).with_ttl(Some(Duration::from_secs(3600))));
    // A test that was not run for so long has not used what it should.
    let clean = (0..100).any(|_| {
        store.clear(&used).expect("it works");
        assert!(!square(&store, &used, 1));
        for x in 0..20 {
            assert!(!square(&store, &unused, x));
        }
        assert!(square(&store, &unused, 7));
        store.invalidate(&unused, b"another").expect("it works");
        let (begun, mut before, mut longest) = (Instant::now(), Instant::now(), Duration::ZERO);
        let (mut hits, mut misses) = (0, 1);
        while begun.elapsed() < Duration::from_secs(5) {
            thread::sleep(Duration::from_millis(100));
            match square(&store, &used, 1) {
                true => hits += 1,
                false => misses += 1,
            }
            longest = longest.max(before.elapsed());
            before = Instant::now();
        }
        let (counts, listed) = (info(&store, &used), store.namespaces().expect("it works"));
        let is_clean = longest.max(before.elapsed()) < Duration::from_secs(1);
        if is_clean {
            assert_eq!((counts, misses), ((hits, 1, 1), 1));
            assert_eq!(listed.into_iter().map(|found| found.id).collect::<Vec<_>>(), [used.id()]);
            assert_eq!(server.ask(&["scard", "lru-memo:namespaces"]), "1");
        }
        is_clean
    });
    assert!(clean, "this machine is too slow for this test");
    let end = Instant::now() + Duration::from_secs(60);
    while server.ask(&["dbsize"]) != "0" {
        assert!(Instant::now() < end, "{}", server.ask(&["keys", "*"]));
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(info(&store, &used), (0, 0, 0));
    assert!(!square(&store, &used, 1));
    assert!(square(&store, &used, 1));
    assert_eq!(info(&store, &used), (1, 1, 1));
    assert_eq!(store.namespaces().expect("it works").len(), 1);
}

#[test]
fn the_first_hit_of_a_process_keeps_a_namespace_however_rarely_it_is_used() {
    let server = RedisServer::start();
    let store = store_with(&server, "30d");
    put(&store, &full_space(), b"k", b"v", 1);
    store.invalidate(&full_space(), b"another").expect("it works");
    for hits in 1..=5 {
        expire(&server, &full_space(), 28);
        // As another process has it.
        let space = full_space();
        assert!(matches!(store.get(&space, b"k"), Ok(Found::Hit(_))));
        let left = left(&server, &space);
        assert!(left.iter().all(|(_, left)| *left > DUE), "{left:?}");
        assert_eq!(left.len(), 7, "all but hits: {left:?}");
        assert_eq!(info(&store, &space), (hits, 0, 1));
    }
}

#[test]
fn the_list_of_namespaces_expires_and_is_kept_by_whatever_uses_one() {
    const LIST: &str = "lru-memo:namespaces";
    let server = RedisServer::start();
    let left = || server.ask(&["pttl", LIST]).parse::<i64>().expect("a number");
    let store = store_with(&server, "30d");
    assert!(!square(&store, &full_space(), 1));
    assert!((DUE..DUE + 3 * 86_400_000).contains(&left()), "{}", left());
    type Act = fn(&Redis, &Namespace);
    let acts: [Act; 5] = [
        |store, space| assert!(square(store, space, 1)),
        |store, space| _ = store.get_if_present(space, b"k").expect("it works"),
        |store, space| _ = put(store, space, b"k", b"v", 1),
        |store, space| _ = store.invalidate(space, b"another").expect("it works"),
        |store, space| _ = store.reject(space, b"another").expect("it works"),
    ];
    for (at, act) in acts.into_iter().enumerate() {
        // As a server has it that somebody persisted, or on which nothing was used for long.
        match at % 2 {
            0 => assert_eq!(server.ask(&["persist", LIST]), "1"),
            _ => assert_eq!(server.ask(&["expire", LIST, "86400"]), "1"),
        }
        // As another process has it.
        act(&store, &full_space());
        assert!(left() > DUE, "{at}: {}", left());
    }
    // Nor is one lost that is used.
    server.ask(&["del", LIST]);
    assert!(square(&store, &full_space(), 1));
    assert_eq!(store.namespaces().expect("it works").len(), 1);
}

#[test]
fn hits_of_processes_that_end_after_one_are_not_logged_without_end() {
    let server = RedisServer::start();
    let store = server.store();
    put(&store, &full_space(), b"k", b"v", 1);
    for hits in 1..=300 {
        assert!(matches!(store.get(&full_space(), b"k"), Ok(Found::Hit(_))));
        assert_eq!(server.ask(&["exists", &key(&full_space(), "hits")]), "0", "after {hits}");
    }
    assert_eq!(info(&store, &full_space()), (300, 0, 1));
}

#[test]
fn what_is_used_is_not_noted_with_every_use() {
    let server = RedisServer::start();
    let store = store_with(&server, "30d");
    let space = full_space();
    for x in 0..3 {
        square(&store, &space, x);
    }
    server.ask(&["config", "resetstat"]);
    for x in 0..300 {
        assert!(square(&store, &space, x % 3));
    }
    let stats = server.ask(&["info", "commandstats"]);
    let line = stats.lines().find(|line| line.starts_with("cmdstat_pexpire:"));
    let calls = line.and_then(|line| line.split(['=', ',']).nth(1)).map_or(0, |calls| calls.parse().unwrap());
    // Logs of 128 hits begin.
    assert!(calls <= 3, "{line:?}");
}

#[test]
fn the_hits_that_are_logged_go_with_their_namespace_and_not_before() {
    let server = RedisServer::start();
    let (store, space) = (store_with(&server, "30d"), full_space());
    square(&store, &space, 1);
    expire(&server, &space, 28);
    square(&store, &space, 1);
    expire(&server, &space, 20);
    square(&store, &space, 1);
    let left = left(&server, &space);
    let of = |part| left.iter().find(|(name, _)| *name == part).expect("it is there").1;
    assert!((of("hits") - of("meta")).abs() <= 1000, "{left:?}");
}

#[test]
fn a_namespace_of_another_version_with_no_expiry_gets_one_with_its_next_use() {
    let server = RedisServer::start();
    let store = store_with(&server, "30d");
    put(&store, &full_space(), b"k", b"v", 1);
    for (part, _) in left(&server, &full_space()) {
        server.ask(&["persist", &key(&full_space(), part)]);
    }
    assert!(matches!(store.get_if_present(&full_space(), b"k"), Ok(Some(_))));
    let left = left(&server, &full_space());
    assert!(left.iter().all(|(_, left)| *left > DUE), "{left:?}");
}

/// Does something to a namespace, chosen by a number.
fn act(store: &Redis, space: &Namespace, choice: u64) {
    let key = (choice / 16 % 5).to_le_bytes();
    match choice % 13 {
        0 => _ = store.get(space, &key).expect("it works"),
        1 => _ = store.get_if_present(space, &key).expect("it works"),
        2 => store.count_hit(space).expect("it works"),
        3 => _ = store.reject(space, &key).expect("it works"),
        4 => _ = store.ticket(space).expect("it works"),
        5 => _ = put(store, space, &key, b"value", choice / 128 % 4),
        6 => _ = peek(store, space, &key),
        7 => _ = store.invalidate(space, &key).expect("it works"),
        8 => store.clear(space).expect("it works"),
        9 => _ = store.recent(space, 3).expect("it works"),
        10 => _ = info(store, space),
        _ => _ = call(store, space, &key, || b"called".to_vec()),
    }
}

#[test]
fn whatever_is_done_and_whatever_the_server_evicts_no_key_stays_for_ever() {
    let server = RedisServer::start();
    let store = server.store();
    let spaces = [
        space("plain", Some(3)),
        space("short", Some(3)).with_ttl(Some(Duration::from_millis(1))).with_max_weight(Some(6)),
        full_space(),
    ];
    let (mut seed, mut seen) = (0x9e37_79b9_7f4a_7c15_u64, BTreeSet::new());
    let mut random = || {
        // xorshift64
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed >> 8
    };
    for step in 0..1500 {
        let space = &spaces[(random() % 3) as usize];
        let choice = random();
        act(&store, space, choice);
        if random() % 8 == 0 {
            let part = PARTS[(random() % 7) as usize];
            server.ask(&["del", &key(space, part)]);
        }
        for (part, left) in left(&server, space) {
            assert!(left > 0, "step {step}: {part} of {} after {}", space.name(), choice % 13);
            seen.insert(part);
        }
    }
    assert_eq!(seen, BTreeSet::from(PARTS));
}

#[test]
fn a_namespace_that_is_gone_is_listed_no_more_and_again_when_it_is_back() {
    let server = RedisServer::start();
    let store = server.store();
    let (gone, stays) = (space("gone", None), space("stays", None));
    square(&store, &gone, 1);
    square(&store, &stays, 1);
    let listed = || -> BTreeSet<String> {
        store.namespaces().expect("it works").into_iter().map(|summary| summary.name).collect()
    };
    assert_eq!(listed(), BTreeSet::from(["gone".into(), "stays".into()]));
    for part in PARTS {
        server.ask(&["del", &key(&gone, part)]);
    }
    assert_eq!(listed(), BTreeSet::from(["stays".into()]));
    assert_eq!(server.ask(&["scard", "lru-memo:namespaces"]), "1");
    assert!(!square(&store, &gone, 1));
    assert_eq!(listed(), BTreeSet::from(["gone".into(), "stays".into()]));
}
