//! The store on real Memcached servers: what is special to it, and what happens when servers fail.

mod shared;

use lru_memo::shared::Store;
use shared::memcached_server::Server;
use shared::{Scratch, info, peek, put, space, square};

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
