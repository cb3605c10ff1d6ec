//! The names of items. Memcached takes up to 250 bytes without blanks, so keys are hashed; they are in the items
//! themselves, and compared there.

use alloc::format;
use alloc::string::String;
use core::fmt;

use siphasher::sip128::SipHasher24;

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
        u128::from_le_bytes(SipHasher24::new_with_keys(self.seed, 0x6c72_755f_6d65_6d6f).hash(key).as_bytes())
    }
}

/// The names of the items of one namespace.
pub(super) struct Items<'a> {
    /// What the names of all items of this store begin with.
    pub(super) prefix: &'a str,
    /// Of the namespace.
    pub(super) id: u128,
}

impl Items<'_> {
    fn name(&self, kind: char, rest: fmt::Arguments<'_>) -> String {
        format!("{}lm:{kind}:{:032x}{rest}", self.prefix, self.id)
    }

    /// The entry of a key, without a directory.
    pub(super) fn entry(&self, names: Names, key: &[u8]) -> String {
        self.name('e', format_args!(":{:016x}:{:032x}", names.generation, names.hash_of(key)))
    }

    /// The right to compute a key, whichever generation it is.
    pub(super) fn lease(&self, names: Names, key: &[u8]) -> String {
        self.name('l', format_args!(":{:032x}", names.hash_of(key)))
    }

    /// What is there once for each namespace.
    pub(super) fn directory(&self) -> String {
        self.name('d', format_args!(""))
    }

    /// An entry that a directory tells of, written once: `version` tells it from all others.
    pub(super) fn version(&self, version: u64) -> String {
        self.name('v', format_args!(":{version:016x}"))
    }

    /// A counter; each generation has its own.
    pub(super) fn counter(&self, generation: u64, counter: Counter) -> String {
        let kind = match counter {
            Counter::Hits => 'h',
            Counter::Misses => 'm',
            Counter::Entries => 'n',
        };
        self.name(kind, format_args!(":{generation:016x}"))
    }
}

/// The names of the namespaces that have their directory on a server.
pub(super) fn index(prefix: &str) -> String {
    format!("{prefix}lm:index")
}

/// What is counted on the server.
#[derive(Debug, Clone, Copy)]
pub(super) enum Counter {
    /// Where there is a directory, those that are not counted there; where there is none, all lookups.
    Hits,
    Misses,
    /// Entries, where there is no directory.
    Entries,
}
