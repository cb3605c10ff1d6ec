//! Deployments that share a server, each with a prefix of its keys.

use std::time::Duration;

use lru_memo::shared::{Kind, Namespace, Redis, Store};

use super::full_space;
use crate::shared::function_worker::workers_meet_with_the_same_prefix_only;
use crate::shared::{RedisServer, info, space, square};

#[test]
fn two_deployments_of_one_program_meet_only_if_they_have_the_same_prefix() {
    let server = RedisServer::start();
    workers_meet_with_the_same_prefix_only(&server.url());
}

/// Does everything that a store does.
fn use_all(store: &Redis) {
    let spaces: [Namespace; 2] = [full_space(), space("g", Some(2))];
    for space in &spaces {
        for x in 0..200 {
            square(store, space, x % 4);
        }
        assert!(square(store, space, 3));
        let ticket = store.reject(space, &3_u64.to_le_bytes()).expect("it works");
        store.is_current(space, b"k", ticket).expect("it works");
        store.count_hit(space).expect("it works");
        store.peek(space, b"k").expect("it works");
        store.invalidate(space, &2_u64.to_le_bytes()).expect("it works");
        store.recent(space, 9).expect("it works");
        let lease = store.lease(space, b"k").expect("it works");
        assert!(store.try_lease(space, b"k").expect("it works").is_none());
        // Longer than it would last by itself.
        std::thread::sleep(Duration::from_millis(1200));
        drop(lease);
    }
    assert_eq!(store.namespaces().expect("it works").len(), 2);
    store.clear(&spaces[1]).expect("it works");
    assert_eq!(info(store, &spaces[1]), (0, 0, 0));
}

#[test]
fn a_tenant_who_may_use_the_keys_of_one_pattern_can_do_everything_there_and_nothing_elsewhere() {
    let server = RedisServer::start();
    let user =
        ["acl", "setuser", "me", "on", ">secret", "resetkeys", "~shop1:*", "+@all", "-@admin", "-@dangerous"];
    assert_eq!(server.ask(&user), "OK");
    let url = |prefix: &str| format!("{}&user=me&pass=secret&lease=1s{prefix}", server.url());
    let mine = Redis::new(&url("&prefix=shop1")).expect("a URL");
    use_all(&mine);
    let keys = server.ask(&["keys", "*"]);
    assert!(keys.lines().count() > 5 && keys.lines().all(|key| key.starts_with("shop1:lru-memo:")), "{keys}");
    for prefix in ["", "&prefix=shop2", "&prefix=shop1.old"] {
        let others = Redis::new(&url(prefix)).expect("a URL");
        let errors = [
            others.get(&full_space(), b"k").map(|_| ()),
            others.namespaces().map(|_| ()),
            others.lease(&full_space(), b"k").map(|_| ()),
        ];
        for error in errors {
            assert_eq!(error.expect_err("it is not allowed").kind(), Kind::Unavailable);
        }
    }
}
