//! Deployments that share servers, each with a prefix of its items.

use lru_memo::shared::Store;

use crate::shared::function_worker::workers_meet_with_the_same_prefix_only;
use crate::shared::memcached_server::Server;
use crate::shared::{Scratch, info, space, square};

#[test]
fn two_deployments_of_one_program_meet_only_if_they_have_the_same_prefix() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    workers_meet_with_the_same_prefix_only(&format!("{}?timeout=60s", server.url()));
}

#[test]
fn every_item_begins_with_the_prefix_and_namespaces_of_others_are_not_listed() {
    let scratch = Scratch::new();
    let server = Server::on_socket(&scratch, &[]);
    let store = server.store_with("&prefix=shop1");
    for maxsize in [Some(4), None] {
        let space = space("f", maxsize);
        assert!(!square(&store, &space, 1));
        assert!(square(&store, &space, 1));
        store.count_hit(&space).expect("it works");
        store.invalidate(&space, &1_u64.to_le_bytes()).expect("it works");
        assert!(!square(&store, &space, 1));
        assert_eq!(info(&store, &space), (2, 2, 1));
        let lease = store.lease(&space, b"k").expect("it works");
        let items = server.items("");
        assert!(items.len() > 3 && items.iter().all(|name| name.starts_with("shop1:lm:")), "{items:?}");
        drop(lease);
    }
    assert_eq!(store.namespaces().expect("it works").len(), 2);
    assert_eq!(server.store_with("&prefix=shop2").namespaces().expect("it works").len(), 0);
    assert_eq!(server.store().namespaces().expect("it works").len(), 0);
}
