//! A server that is full may evict each key of a namespace by itself.

use std::time::Duration;

use lru_memo::shared::{Entry, Found, Store};

use super::full_space;
use crate::shared::{RedisServer, info, peek, put, square};

#[test]
fn what_a_server_evicts_by_itself_leaves_a_cache_that_is_bounded_and_in_order() {
    let server = RedisServer::start();
    let store = server.store();
    for part in ["meta", "values", "recent", "ages", "weights", "invalid", "used"] {
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
    let entry =
        Entry { value: b"old", weight: 1, computed_since: Some(ticket), replace: true, age: Duration::ZERO };
    assert_eq!(store.store(&space, b"k", entry), Ok(false));
}
