//! The names of items. Memcached allows 250 bytes without blanks, so names have hashes of keys. The items hold the keys
//! themselves, which are compared.

use alloc::format;
use alloc::string::String;
use core::fmt;

use siphasher::sip128::SipHasher24;

/// The parts that all names of a namespace's entries have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Names {
    /// The directory's generation.
    pub(super) generation: u64,
    /// The random seed of the hashes of keys. Because of it, an attacker cannot choose colliding keys, which would
    /// replace each other.
    pub(super) seed: u64,
}

impl Names {
    /// Returns the hash of a key.
    pub(super) fn hash_of(self, key: &[u8]) -> u128 {
        u128::from_le_bytes(SipHasher24::new_with_keys(self.seed, 0x6c72_755f_6d65_6d6f).hash(key).as_bytes())
    }
}

/// The names of the items of one namespace.
pub(super) struct Items<'a> {
    /// The prefix of all names of this store.
    pub(super) prefix: &'a str,
    /// The id of the namespace.
    pub(super) id: u128,
}

impl Items<'_> {
    fn name(&self, kind: char, rest: fmt::Arguments<'_>) -> String {
        format!("{}lm:{kind}:{:032x}{rest}", self.prefix, self.id)
    }

    /// Returns the name of a key's entry in a namespace without a list.
    pub(super) fn entry(&self, names: Names, key: &[u8]) -> String {
        self.name('e', format_args!(":{:016x}:{:032x}", names.generation, names.hash_of(key)))
    }

    /// Returns the name of a key's lease. It does not depend on the generation.
    pub(super) fn lease(&self, names: Names, key: &[u8]) -> String {
        self.name('l', format_args!(":{:032x}", names.hash_of(key)))
    }

    /// Returns the name of the directory.
    pub(super) fn directory(&self) -> String {
        self.name('d', format_args!(""))
    }

    /// Returns the name of a listed entry. `version` is unique.
    pub(super) fn version(&self, version: u64) -> String {
        self.name('v', format_args!(":{version:016x}"))
    }

    /// Returns the name of a counter. Each generation has its own counters.
    pub(super) fn counter(&self, generation: u64, counter: Counter) -> String {
        let kind = match counter {
            Counter::Hits => 'h',
            Counter::Misses => 'm',
            Counter::Entries => 'n',
        };
        self.name(kind, format_args!(":{generation:016x}"))
    }
}

/// Returns the name of the list of namespaces on a server.
pub(super) fn index(prefix: &str) -> String {
    format!("{prefix}lm:index")
}

/// The counters of a namespace that are items of their own.
#[derive(Debug, Clone, Copy)]
pub(super) enum Counter {
    /// With a list: hits that the directory does not count. Without a list: all lookups.
    Hits,
    Misses,
    /// The number of entries, without a list.
    Entries,
}
