//! The counters of a cache, and its totals.

use core::hash::BuildHasher;

use super::{Cache, Ledger};
use crate::cache::kind::Kind;
use crate::info::CacheInfo;
use crate::table::Inside;
use crate::table::outlined::Outlined;
use crate::table::seldom::Seldom;
use crate::totals::CacheTotals;

impl<T: Outlined, P: Kind, K, V, S: BuildHasher + Default> Cache<T, P, K, V, S> {
    /// Returns the totals since the cache was made.
    pub fn totals(&self) -> CacheTotals {
        if let Some(heir) = self.heir() {
            return heir.totals();
        }
        self.table.with(|inside, ledger| {
            let (hits, misses) = counts(&inside, ledger.get());
            let (waits, stale_hits) = ledger.get().map_or((0, 0), |ledger| (ledger.waits, ledger.stale_hits));
            let (evictions, expirations) = inside.evictions_and_expirations();
            CacheTotals { hits, misses, evictions, expirations, waits, stale_hits, ..self.runs.totals() }
        })
    }

    /// Returns the counters since the latest clear.
    #[inline(never)]
    pub fn info(&self) -> CacheInfo {
        if let Some(heir) = self.heir() {
            return heir.info();
        }
        self.table.with(|inside, ledger| {
            let (hits, misses) = counts(&inside, ledger.get());
            let cleared = ledger.get().map_or((0, 0), |ledger| ledger.cleared);
            CacheInfo {
                hits: hits - cleared.0,
                misses: misses - cleared.1,
                maxsize: inside.limits().maxsize,
                currsize: inside.len(),
            }
        })
    }
}

/// Returns all hits and misses since the cache was made.
pub(super) fn counts<T: Outlined, E, K, V>(
    inside: &Inside<'_, T, E>,
    ledger: Option<&Ledger<T, K, V>>,
) -> (u64, u64) {
    let (hits, misses) = inside.counts();
    ledger.map_or((hits, misses), |ledger| (ledger.hits + hits, ledger.misses + misses))
}
