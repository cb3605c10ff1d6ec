//! Old entries whose claim a caller has.

use alloc::boxed::Box;

use super::claim::Claimed;
use crate::cache::keeping::Keeping;
use crate::cache::kind::Kind;
use crate::table::outlined::Outlined;

/// The old value of an entry, and the right to recompute it.
pub(crate) struct Old<V> {
    pub(super) value: V,
    pub(super) claim: Claimed,
}

/// An old entry, kept as a `K`, that the caller has claimed.
pub(crate) struct ClaimedEntry<K> {
    pub(super) kept: K,
    pub(super) claim: Claimed,
}

impl<T: Outlined, P: Kind, K, V, S> ClaimedEntry<Keeping<'_, T, P, K, V, S>> {
    /// Copies the value, and lets the entry go.
    pub(crate) fn old(self, clone: impl Fn(&V) -> V) -> Box<Old<V>> {
        let Self { kept, claim } = self;
        Box::new(Old { value: clone(kept.value()), claim })
    }
}
