//! Clusters: each namespace is on one node, and is found there.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::{Duration, Instant};

use lru_memo::shared::{Entry, Found, Kind, Redis, Store};

use super::commands;
use crate::shared::{RedisServer, Scratch, info, space, square};

#[test]
fn namespaces_that_move_to_another_node_of_a_cluster_are_found_there() {
    let nodes = cluster();
    let id = |node: &RedisServer| node.ask(&["cluster", "myid"]);
    let url = format!("redis://127.0.0.1:{}?cluster=true&timeout=5s&connect_timeout=5s", nodes[0].1);
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
    let (server, _) = RedisServer::start_in_cluster();
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
    let url = format!("redis://127.0.0.1:{}?cluster=true&timeout=5s&connect_timeout=5s&lease=1s", nodes[0].1);
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

fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !is_so() {
        assert!(Instant::now() < end, "it is never so: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Three nodes that have all slots between them, and a replica of each.
fn cluster_with_replicas() -> Vec<(RedisServer, u16)> {
    let more = ["--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0"];
    let nodes: Vec<_> = (0..6).map(|_| RedisServer::start_in_cluster_with(&more)).collect();
    let first = (nodes[0].1.to_string(), (nodes[0].1 + 10_000).to_string());
    for (node, _) in &nodes {
        assert_eq!(node.ask(&["cluster", "meet", "127.0.0.1", &first.0, &first.1]), "OK");
    }
    for (node, slots) in nodes.iter().zip([("0", "5000"), ("5001", "11000"), ("11001", "16383")]) {
        assert_eq!(node.0.ask(&["cluster", "addslotsrange", slots.0, slots.1]), "OK");
    }
    for (at, (replica, _)) in nodes.iter().enumerate().skip(3) {
        let master = nodes[at - 3].0.ask(&["cluster", "myid"]);
        until("it replicates", || replica.ask(&["cluster", "replicate", &master]) == "OK");
    }
    until("all are well", || all_well(&nodes));
    nodes
}

/// Whether all nodes know each other, and each replica has what its master has.
fn all_well(nodes: &[(RedisServer, u16)]) -> bool {
    nodes.iter().all(|(node, _)| {
        let (told, replication) = (node.ask(&["cluster", "info"]), node.ask(&["info", "replication"]));
        let known = node.ask(&["cluster", "nodes"]);
        let is_linked =
            replication.contains("master_link_status:up") || replication.contains("connected_slaves:1");
        told.contains("cluster_state:ok")
            && known.lines().count() == 6
            && !known.contains("fail")
            && is_linked
    })
}

#[test]
fn a_cluster_whose_nodes_are_killed_in_turn_goes_on_whichever_node_the_url_names() {
    let mut nodes = cluster_with_replicas();
    let hosts: Vec<_> = nodes.iter().map(|(_, port)| format!("127.0.0.1:{port}")).collect();
    let store_of = |hosts: &[String]| {
        let url = format!("redis://{}?cluster=true&timeout=5s&connect_timeout=5s", hosts.join(","));
        Redis::new(&url).expect("a URL")
    };
    let spaces: Vec<_> = (0..6).map(|n| space(&format!("f{n}"), Some(2))).collect();
    // One that runs all the time and knows the first, and each time one that begins and knows two.
    let running = store_of(&hosts[..1]);
    let is_cached = |store: &Redis| {
        spaces.iter().all(|space| {
            let key = 7_u64.to_le_bytes();
            let entry =
                Entry { value: &key, weight: 1, computed_since: None, replace: true, age: Duration::ZERO };
            store.store(space, &key, entry) == Ok(true)
                && store.get(space, &key) == Ok(Found::Hit(key.to_vec()))
        })
    };
    until("all is cached", || is_cached(&running));
    for at in 0..nodes.len() {
        nodes[at].0.kill();
        let begun = store_of(&[hosts[at].clone(), hosts[(at + 1) % 6].clone()]);
        until("a process that runs goes on", || is_cached(&running));
        until("a process that begins goes on", || is_cached(&begun));
        nodes[at].0.restart();
        until("all are well again", || all_well(&nodes));
    }
}

#[test]
fn a_redirection_is_an_error_that_tells_what_to_write_where_the_url_does_not_name_a_cluster() {
    let nodes = cluster();
    let url = format!("redis://127.0.0.1:{}?timeout=5s&connect_timeout=5s", nodes[0].1);
    let store = Redis::new(&url).expect("a URL");
    let errors: Vec<_> = (0..12).filter_map(|n| store.info(&space(&format!("f{n}"), None)).err()).collect();
    assert!(!errors.is_empty() && errors.len() < 12, "{errors:?}");
    for error in errors {
        assert_eq!(error.kind(), Kind::Unavailable);
        let text = error.to_string();
        assert!(text.contains("`redis://h1,h2`") && text.contains("`?cluster=true`"), "{text}");
        assert!(nodes.iter().all(|(_, port)| !text.contains(&port.to_string())), "{text}");
    }
    let both = format!("redis://127.0.0.1:{},127.0.0.1:{}?timeout=5s", nodes[0].1, nodes[1].1);
    let store = Redis::new(&both).expect("a URL");
    assert!((0..12).all(|n| store.info(&space(&format!("f{n}"), None)).is_ok()));
}

/// A place at which somebody waits for passwords, and whether anybody has come.
fn thief() -> (u16, impl Fn() -> bool) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a socket");
    let port = listener.local_addr().expect("an address").port();
    (port, move || listener.accept().is_ok())
}

/// Sends each question on to that place.
fn send_on(mut connection: impl Read + Write, port: u16) {
    let mut asked = [0; 4096];
    while let Ok(1..) = connection.read(&mut asked) {
        let is_login = asked.starts_with(b"*3\r\n$4\r\nAUTH");
        let answer = if is_login { "+OK\r\n".to_owned() } else { format!("-MOVED 1 127.0.0.1:{port}\r\n") };
        if connection.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

#[test]
fn no_password_goes_where_a_server_says_unless_the_url_names_a_cluster() {
    let (target, anybody_came) = thief();
    let scratch = Scratch::new();
    let socket = scratch.path().join("socket");
    let (port, unix) =
        (TcpListener::bind("127.0.0.1:0").expect("a port"), UnixListener::bind(&socket).expect("a socket"));
    let tcp = port.local_addr().expect("an address");
    thread::spawn(move || {
        for connection in port.incoming().flatten() {
            thread::spawn(move || send_on(connection, target));
        }
    });
    thread::spawn(move || {
        for connection in unix.incoming().flatten() {
            thread::spawn(move || send_on(connection, target));
        }
    });
    let of_socket = format!("unix://{}?user=me&pass=secret&timeout=5s", socket.display());
    for url in [format!("redis://me:secret@{tcp}?timeout=5s"), of_socket.clone()] {
        let store = Redis::new(&url).expect("a URL");
        let error = store.get(&space("f", None), b"k").expect_err("it is sent on");
        assert!(!anybody_came(), "{url}: {error}");
        assert!(error.to_string().contains("cluster"), "{url}: {error}");
    }
    // A cluster is not behind a socket.
    assert_eq!(Redis::new(&format!("{of_socket}&cluster=true")).expect_err("no URL").kind(), Kind::Url);
    let store = Redis::new(&format!("redis://{tcp}?cluster=true&timeout=1s")).expect("a URL");
    store.get(&space("f", None), b"k").expect_err("nobody answers");
    assert!(anybody_came());
}

#[test]
fn several_servers_that_are_no_cluster_do_not_stand_in_for_each_other() {
    let (mut first, port) = standalone();
    let (second, other) = standalone();
    let url = format!("redis://127.0.0.1:{port},127.0.0.1:{other}?timeout=5s&connect_timeout=5s");
    let (store, space) = (Redis::new(&url).expect("a URL"), space("f", Some(2)));
    assert!(!square(&store, &space, 1));
    first.kill();
    assert!(store.get(&space, b"k").is_err());
    assert_eq!(second.ask(&["dbsize"]), "0");
}

fn standalone() -> (RedisServer, u16) {
    crate::shared::ports::on_free_port(|port| {
        Some((RedisServer::started(&["--bind", "127.0.0.1", "--port", &port.to_string()])?, port))
    })
}

/// Two nodes of a cluster that speak TLS only, of which the first has all slots, with their ports.
#[cfg(feature = "redis-tls")]
fn encrypted_cluster(directory: &std::path::Path) -> [(RedisServer, u16); 2] {
    let at = |name: &str| directory.join(name).to_str().expect("text").to_owned();
    let (certificate, key, authority) = (at("server.pem"), at("server.key"), at("ca.pem"));
    let start = |port: u16| {
        let port_text = port.to_string();
        let of_tls = ["--tls-port", &port_text, "--tls-cluster", "yes", "--tls-auth-clients", "no"];
        let files =
            ["--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-ca-cert-file", &authority];
        let name =
            ["--cluster-announce-hostname", "localhost", "--cluster-preferred-endpoint-type", "hostname"];
        let cluster = ["--cluster-enabled", "yes", "--bind", "127.0.0.1"];
        Some((RedisServer::started(&[&of_tls[..], &files, &name, &cluster].concat())?, port))
    };
    let nodes = [(); 2].map(|()| crate::shared::ports::on_free_port(start));
    assert_eq!(nodes[0].0.ask(&["cluster", "addslotsrange", "0", "16383"]), "OK");
    let [port, bus] = [nodes[0].1, nodes[0].1 + 10_000].map(|port| port.to_string());
    assert_eq!(nodes[1].0.ask(&["cluster", "meet", "127.0.0.1", &port, &bus]), "OK");
    let is_whole = |node: &RedisServer| {
        let told = node.ask(&["cluster", "info"]);
        told.contains("cluster_state:ok") && told.contains("cluster_known_nodes:2")
    };
    until("the cluster begins", || nodes.iter().all(|(node, _)| is_whole(node)));
    nodes
}

#[cfg(feature = "redis-tls")]
#[test]
fn a_namespace_on_another_node_is_asked_for_over_tls_where_the_url_says_so() {
    let scratch = Scratch::new();
    super::certificates(scratch.path());
    let [(first, port), (second, _)] = encrypted_cluster(scratch.path());
    let url = format!("rediss://localhost:{port}?cluster=true&timeout=5s&connect_timeout=5s");
    let called = || {
        let mut worker = std::process::Command::new(env!("CARGO_BIN_EXE_shared-worker"));
        worker.arg(scratch.path()).arg("describe").env("LRU_MEMO_STORE", &url);
        let output = worker.env("SSL_CERT_FILE", scratch.path().join("ca.pem")).output();
        String::from_utf8(output.expect("the worker starts").stdout).expect("text")
    };
    const COUNTED: &str = "Ok(Counts { hits: 1, misses: 1, currsize: 1 })\n";
    assert!(called().ends_with(COUNTED));
    let values = first.ask(&["keys", "lru-memo:{*}:values"]);
    let slot = first.ask(&["cluster", "keyslot", &values]);
    first.ask(&["flushall"]);
    let new_home = second.ask(&["cluster", "myid"]);
    for node in [&second, &first] {
        assert_eq!(node.ask(&["cluster", "setslot", &slot, "node", &new_home]), "OK");
    }
    let told = called();
    assert!(told.ends_with(COUNTED), "{told}");
    assert_eq!(second.ask(&["exists", &values]), "1");
}
