//! What a function without options for admission, weights and ages calls. Rustc checks an argument that is a function for as long
//! as a call, so a call without them takes less time to build.

use core::hash::BuildHasher;

use super::Cache;
use crate::cache::kind::Kind;
use crate::cache::miss::Miss;
use crate::codegen::hooks::{admit_all, no_own_ttl, weigh_nothing};
use crate::codegen::key::{Key, SameKey};
use crate::codegen::outcome::Returned;
use crate::table::outlined::Outlined;
use crate::tags::Tagged;

impl<T, P, K, V, S, M> Miss<'_, T, P, K, V, S, M>
where
    T: Outlined,
    P: Kind,
    K: Tagged,
    S: BuildHasher + Default,
    M: SameKey<K>,
{
    /// As [`complete`](Self::complete), by the defaults of the options.
    #[inline]
    pub fn complete_by_default<Kind, R: Returned<Kind, Value = V>>(
        &mut self,
        outcome: R,
        clone: fn(&V) -> V,
    ) -> R {
        self.complete(outcome, clone, admit_all, weigh_nothing, no_own_ttl)
    }
}

impl<T: Outlined, P: Kind, K: Tagged, V, S: BuildHasher + Default> Cache<T, P, K, V, S> {
    /// As [`put`](Self::put), by the defaults of the options.
    #[inline]
    pub fn put_by_default<Q: Key<K, S::Hasher>>(&self, key: Q, value: V) {
        self.put(key, value, weigh_nothing, no_own_ttl);
    }
}
