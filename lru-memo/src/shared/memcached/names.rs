//! The names of items. Memcached takes up to 250 bytes without blanks, so keys are hashed; they are in the items
//! themselves, and compared there.

use alloc::format;
use alloc::string::String;

use crate::shared::hash::hash;
use crate::shared::namespace::Namespace;

/// The names of the namespaces that have their directory on a server.
pub(super) const INDEX: &str = "lm:index";

/// The hash of a key that items are named by. Everybody may know it: colliding keys only replace each other.
pub(super) fn hash_of(key: &[u8]) -> u128 {
    let half = |seed| u128::from(hash(seed, key));
    half([0x6b65_795f_6869_6768, 0x9fb2_1c65_1e98_df25]) << 64
        | half([0x6b65_795f_6c6f_7721, 0xd1b5_4a32_d192_ed03])
}

/// What is there once for each namespace.
pub(super) fn directory(space: &Namespace) -> String {
    format!("lm:d:{:032x}", space.id())
}

/// An entry that a directory tells of, written once: `version` tells it from all others.
pub(super) fn version(space: &Namespace, version: u64) -> String {
    format!("lm:v:{:032x}:{version:016x}", space.id())
}

/// The entry of a key, without a directory.
pub(super) fn entry(space: &Namespace, generation: u64, hash: u128) -> String {
    format!("lm:e:{:032x}:{generation:016x}:{hash:032x}", space.id())
}

/// The right to compute a key.
pub(super) fn lease(space: &Namespace, hash: u128) -> String {
    format!("lm:l:{:032x}:{hash:032x}", space.id())
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
