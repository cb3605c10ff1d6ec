//! All servers of the store, and the choice of the server for an item (rendezvous hashing).

use alloc::vec::Vec;

use super::server::Server;
use crate::shared::hash::hash;

/// All servers, at least one.
pub(super) struct Servers(Vec<Server>);

impl Servers {
    /// Returns `None` without any server.
    pub(super) fn new(servers: Vec<Server>) -> Option<Self> {
        (!servers.is_empty()).then_some(Self(servers))
    }

    /// Returns the server of an item: the one with the highest hash of its name and the item's. If servers are added or
    /// removed, only their items move.
    pub(super) fn of(&self, item: &str) -> &Server {
        let seed = |server: &Server, seed| hash([seed, !seed], server.name.as_bytes());
        let drawn = |server: &Server| hash([seed(server, 1), seed(server, 2)], item.as_bytes());
        let (first, others) = self.0.split_first().expect("there is at least one server");
        if others.is_empty() {
            return first;
        }
        self.0.iter().max_by_key(|server| drawn(server)).unwrap_or(first)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Server> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::collections::HashMap;

    use super::*;
    use crate::shared::remote::socket::Address;

    fn servers(numbers: &[u16]) -> Servers {
        let server = |port: &u16| {
            let address = Address::Tcp("10.0.0.1".into(), *port);
            Server::new(format!("10.0.0.1:{port}"), address, Duration::ZERO)
        };
        Servers::new(numbers.iter().map(server).collect()).expect("there are some")
    }

    fn placed(servers: &Servers) -> Vec<&str> {
        (0..10_000).map(|number| servers.of(&format!("item{number}")).name.as_str()).collect()
    }

    #[test]
    fn servers_have_about_equal_shares_and_a_lost_one_moves_only_its_own() {
        let (all, fewer, reordered) = (servers(&[1, 2, 3, 4]), servers(&[1, 2, 4]), servers(&[4, 3, 2, 1]));
        let (before, after) = (placed(&all), placed(&fewer));
        assert!(before == placed(&reordered), "the order matters");
        let mut shares = HashMap::new();
        for (before, after) in before.iter().zip(after) {
            *shares.entry(*before).or_insert(0) += 1;
            assert!(*before == after || *before == "10.0.0.1:3");
        }
        assert!(shares.len() == 4 && shares.values().all(|share| (2000..3000).contains(share)), "{shares:?}");
    }
}
