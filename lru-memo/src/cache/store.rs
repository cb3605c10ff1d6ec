//! Stores entries.

use core::hash::BuildHasher;
use core::time::Duration;

use super::{Cache, EntryOf};
use crate::advice::record::Use;
use crate::cache::kind::Kind;
use crate::cache::search::Searched;
use crate::codegen::key::Key;
use crate::table::outlined::Outlined;
use crate::table::{Unfound, partial_hash};
use crate::tags::Tagged;

impl<T: Outlined, P: Kind, K, V, S: BuildHasher + Default> Cache<T, P, K, V, S> {
    /// Stores a value as the most recent entry, in place of an older one. Counts nothing.
    #[inline(never)]
    pub fn put<Q: Key<K, S::Hasher>>(
        &self,
        key: Q,
        value: V,
        weigh: impl Fn(&K, &V) -> usize,
        ttl_of: impl Fn(&V) -> Option<Duration>,
    ) where
        K: Tagged,
    {
        if let Some(heir) = self.heir() {
            return heir.put(key, value, weigh, ttl_of);
        }
        let hash = self.hash(key);
        let entry = self.entry(hash, key.to_stored(), value, ttl_of);
        let weight = weigh(&entry.key, &entry.value);
        let matches = |key: &Q, stored: &K| key.matches(stored);
        let _dropped_outside = self.search(hash, Unfound::UNSURE, key, matches, |searched, _| {
            self.store(searched, hash, entry, weight);
        });
    }

    /// Stores an entry as the most recent, in place of the entry with its key. An entry that is too heavy or has expired is not
    /// stored, and the entry that it would have replaced is removed. An entry with an invalidated tag is not stored, and the other
    /// entry stays.
    #[inline(never)]
    pub(crate) fn store(
        &self,
        searched: Searched<'_, T, P, K, V>,
        hash: u64,
        entry: EntryOf<P, K, V>,
        weight: usize,
    ) where
        K: Tagged,
    {
        let Searched { mut inside, place, left, .. } = searched;
        let expiry = self.expiry();
        if !entry.key.is_current() {
            left.push(entry);
        } else if inside.admits(weight) && !self.is_old(&entry, expiry.now) {
            inside.store(place, partial_hash(hash), entry, weight, &expiry, left);
            self.note(partial_hash(hash), Use::Stored);
        } else {
            self.note_unstored(partial_hash(hash));
            left.push(entry);
            if let Some(place) = place {
                inside.remove(place, left);
            }
        }
    }
}
