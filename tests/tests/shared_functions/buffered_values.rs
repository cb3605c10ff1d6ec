//! `scope = shared`: values of which serde reads a part twice, as it does for `flatten`, `untagged` and `tag`.

use std::net::IpAddr;

use lru_memo::{lru_cache, shared};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Peer {
    address: IpAddr,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Connection {
    port: u16,
    #[serde(flatten)]
    peer: Option<Peer>,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
#[serde(untagged)]
enum Host {
    Address(IpAddr),
    Name(String),
}

/// Types that are written in another way for people, such as addresses, are read so from what serde keeps meanwhile.
#[test]
fn a_flattened_option_with_an_address_in_it_is_read_back() {
    #[lru_cache(scope = shared)]
    fn connection(port: u16) -> Connection {
        Connection { port, peer: Some(Peer { address: IpAddr::from([127, 0, 0, 1]) }) }
    }
    let _ = shared::configure("memory://");
    assert_eq!(connection(1), connection_uncached(1));
    assert_eq!(connection(1), connection_uncached(1), "the hit");
    assert_eq!(connection_cache_info().hits, 1);
}

#[test]
fn an_address_in_an_untagged_enum_is_read_back() {
    #[lru_cache(scope = shared)]
    fn host(number: u8) -> Host {
        Host::Address(IpAddr::from([127, 0, 0, number]))
    }
    let _ = shared::configure("memory://");
    assert_eq!((host(1), host(1)), (host_uncached(1), host_uncached(1)));
    assert_eq!(host_cache_info().hits, 1);
    assert_eq!(Host::Name("a".to_owned()), Host::Name("a".to_owned()));
}
