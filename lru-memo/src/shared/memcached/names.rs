//! The names of items. Memcached takes up to 250 bytes without blanks, so keys are hashed; they are in the items
//! themselves, and compared there.

use alloc::format;
use alloc::string::String;

use siphasher::sip128::SipHasher24;

use crate::shared::namespace::Namespace;

/// The names of the namespaces that have their directory on a server.
pub(super) const INDEX: &str = "lm:index";

/// What the names of a namespace's entries are made of, beside keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Names {
    /// Differs after each clear, and when the server has lost the directory.
    pub(super) generation: u64,
    /// The seed of the hashes of keys, random: so nobody can choose keys that collide, which would replace each other.
    pub(super) seed: u64,
}

impl Names {
    /// The hash of a key.
    pub(super) fn hash_of(self, key: &[u8]) -> u128 {
        SipHasher24::new_with_keys(self.seed, 0x6c72_755f_6d65_6d6f).hash(key).as_u128()
    }

    /// The entry of a key, without a directory.
    pub(super) fn entry(self, space: &Namespace, key: &[u8]) -> String {
        format!("lm:e:{:032x}:{:016x}:{:032x}", space.id(), self.generation, self.hash_of(key))
    }

    /// The right to compute a key, whichever generation it is.
    pub(super) fn lease(self, space: &Namespace, key: &[u8]) -> String {
        format!("lm:l:{:032x}:{:032x}", space.id(), self.hash_of(key))
    }
}

/// What is there once for each namespace.
pub(super) fn directory(space: &Namespace) -> String {
    format!("lm:d:{:032x}", space.id())
}

/// An entry that a directory tells of, written once: `version` tells it from all others.
pub(super) fn version(space: &Namespace, version: u64) -> String {
    format!("lm:v:{:032x}:{version:016x}", space.id())
}

/// A counter; each generation has its own.
#[derive(Debug, Clone, Copy)]
pub(super) enum Counter {
    /// Where there is a directory, those that are not counted there; where there is none, all lookups.
    Hits,
    Misses,
    /// Entries, where there is no directory.
    Entries,
}

pub(super) fn counter(space: &Namespace, generation: u64, counter: Counter) -> String {
    let letter = match counter {
        Counter::Hits => 'h',
        Counter::Misses => 'm',
        Counter::Entries => 'n',
    };
    format!("lm:{letter}:{:032x}:{generation:016x}", space.id())
}
