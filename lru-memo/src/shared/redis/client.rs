//! The client of the servers, and the names of its keys.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::renewer::{Names, Renewer};
use super::scripts::Scripts;
use super::server::Server;

/// What operations and leases need of the store.
pub(super) struct Client {
    pub(super) server: Server,
    pub(super) scripts: Scripts,
    pub(super) renewer: Renewer,
    pub(super) url: String,
}

/// The keys of a namespace.
pub(super) struct Keys {
    pub(super) id: u128,
    pub(super) tag: String,
}

impl Client {
    pub(super) fn keys(&self, id: u128) -> Keys {
        let prefix = &self.server.options().prefix;
        Keys { id, tag: format!("{prefix}lru-memo:{{{id:032x}}}:") }
    }

    /// Returns the key of the index: the ids of all namespaces.
    pub(super) fn index(&self) -> String {
        format!("{}lru-memo:namespaces", self.server.options().prefix)
    }
}

impl Keys {
    pub(super) fn key(&self, name: &str) -> Vec<u8> {
        [self.tag.as_bytes(), name.as_bytes()].concat()
    }

    pub(super) fn lease(&self, key: &[u8]) -> Names {
        let named = |name: &[u8]| [self.tag.as_bytes(), name, key].concat();
        Names { home: self.id, holder: named(b"lease:"), ended: named(b"ended:") }
    }
}
