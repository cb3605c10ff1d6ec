//! The table once more, on servers.

use lru_memo_tests::again_with_store;

#[cfg(feature = "redis")]
#[test]
fn all_signatures_are_the_same_on_redis() {
    let server = crate::shared::RedisServer::start();
    again_with_store(&server.url(), &["in_all_processes"]);
}

#[cfg(feature = "memcached")]
#[test]
fn all_signatures_are_the_same_on_memcached() {
    let scratch = crate::shared::Scratch::new();
    let server = crate::shared::memcached_server::Server::on_socket(&scratch, &["-m", "256"]);
    let url = server.patient_url();
    again_with_store(&url, &["in_all_processes"]);
}
