//! Clusters: each namespace is on one node, and is found there.

use std::thread;
use std::time::{Duration, Instant};

use lru_memo::shared::{Redis, Store};

use super::commands;
use super::shared::{RedisServer, info, space, square};

#[test]
fn namespaces_that_move_to_another_node_of_a_cluster_are_found_there() {
    let nodes = cluster();
    let id = |node: &RedisServer| node.ask(&["cluster", "myid"]);
    let url = format!("redis://127.0.0.1:{}?timeout=5s&connect_timeout=5s", nodes[0].1);
    let (store, space) = (Redis::new(&url).expect("a URL"), space("f", Some(2)));
    assert!(!square(&store, &space, 1));
    let values = format!("lru-memo:{{{:032x}}}:values", space.id());
    let slot = nodes[0].0.ask(&["cluster", "keyslot", &values]);
    for (home, _) in &nodes {
        // It is given away with what is in it, as when a replica that knew nothing takes over.
        for (node, _) in &nodes {
            node.ask(&["flushall"]);
            node.ask(&["cluster", "setslot", &slot, "node", &id(home)]);
        }
        assert!(!square(&store, &space, 1));
        assert!(square(&store, &space, 1));
        assert_eq!(home.ask(&["exists", &values]), "1");
        assert_eq!(info(&store, &space), (1, 1, 1));
    }
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

/// Three nodes that have all slots between them, with their ports.
fn cluster() -> Vec<(RedisServer, u16)> {
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
    nodes
}

#[test]
fn namespaces_are_found_on_whatever_node_of_a_cluster_has_their_slot() {
    let nodes = cluster();
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
