//! The cache behind one memoized function. The files of this directory have its operations: the lookups, stores and removals
//! that the generated functions make.
//!
//! A hit takes no lock. No user code runs under the lock: a search keeps the entries that user code has to compare, and
//! compares them after unlocking; entries that leave the cache are dropped after unlocking.

mod advice;
mod compared;
mod counters;
mod defaults;
mod forks;
pub(crate) mod in_flight;
mod invalidate;
mod keeping;
pub(crate) mod kind;
pub(crate) mod lifetime;
mod lifetimes;
pub(crate) mod lookup;
pub(crate) mod matching;
pub(crate) mod miss;
mod outside;
mod resize;
mod search;
pub(crate) mod stale;
mod store;

use core::hash::{BuildHasher, Hasher};
use core::sync::atomic::AtomicU64;

use crate::advice::watch::Watch;
use crate::bounds::bound::Bound;
use crate::cache::kind::{Expiry, Kind};
use crate::cache::lifetime::{Lifetime, LifetimeOf};
use crate::codegen::key::Key;
use crate::flight::Flights;
use crate::info::CacheParameters;
use crate::sys::fork::{Own, Process, Registration};
use crate::table::Table;
use crate::table::invalidations::Invalidations;
use crate::table::lru::Limits;
use crate::table::outlined::Outlined;
use crate::table::seldom::{Seldom, SeldomShared, UnlessSmall};
use crate::table::threading::Threading;
use crate::totals::Runs;

/// The cache behind one memoized function: `K` is the stored form of the key, `P` the [`Kind`] of its entries.
pub struct Cache<T: Outlined, P: Kind, K, V, S> {
    lifetime: <P::Expiry as Expiry>::Lifetime,
    of_function: T::UnlessSmall<OfFunction>,
    hasher: S,
    pub(crate) table: Table<T, EntryOf<P, K, V>, LedgerOf<T, K, V>>,
    made_by: Process,
    /// The parameter of that name, which changes nothing.
    typed: bool,
    rare: T::SeldomShared<Rare<Self>>,
    pub(crate) runs: Runs,
    /// Records uses for the advice on `maxsize`.
    pub(crate) watch: P::Watch,
}

/// What few caches need; `C` is the type of the cache.
pub(crate) struct Rare<C> {
    /// The cache that replaces this one in a child whose fork did not take the lock.
    heir: Own<C>,
    /// The newest invalidation of a tag that this cache has handled. Only caches of a thread or an object use it.
    seen_tags: AtomicU64,
    /// The parameter of that name. Only caches of objects need it.
    version: u64,
}

impl<C> Rare<C> {
    fn new(version: u64) -> Self {
        Self { heir: Own::none(), seen_tags: AtomicU64::new(0), version }
    }
}

impl<C> Default for Rare<C> {
    fn default() -> Self {
        Self::new(0)
    }
}

/// What the cache of a function needs, and that of an object does not.
pub(crate) struct OfFunction {
    /// The bound of the function, which may change. The table follows it.
    bound: Option<&'static Bound>,
    registration: Registration,
}

/// A key with its value.
pub(crate) struct Entry<K, V, Expiry> {
    pub(crate) key: K,
    pub(crate) value: V,
    expiry: Expiry,
}

pub(crate) type EntryOf<P, K, V> = Entry<K, V, <P as Kind>::Expiry>;

/// What a cache counts and remembers, but for what its readers count.
pub(crate) struct Ledger<T: Outlined, K, V> {
    /// Hits and misses that no reader has counted.
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    /// All hits and misses up to the latest clear.
    cleared: (u64, u64),
    /// Calls that waited for the run of another call.
    pub(crate) waits: u64,
    /// Hits of entries older than their `ttl`.
    pub(crate) stale_hits: u64,
    pub(crate) invalidations: Invalidations<T::Pointer<K>>,
    pub(crate) in_flight: Flights<T::Pointer<K>, V>,
}

pub(crate) type LedgerOf<T, K, V> = <T as Threading>::Seldom<Ledger<T, K, V>>;

impl<T: Outlined, K, V> Default for Ledger<T, K, V> {
    fn default() -> Self {
        Self {
            hits: 0,
            misses: 0,
            cleared: (0, 0),
            waits: 0,
            stale_hits: 0,
            invalidations: Invalidations::new(),
            in_flight: Flights::new(),
        }
    }
}

impl<T: Outlined, P: Kind, K, V, S: BuildHasher + Default> Cache<T, P, K, V, S> {
    /// Returns an empty cache with the limits of these parameters.
    ///
    /// The cache may be moved until others know its address. It is in no list, neither in that of [`caches`](crate::caches) nor in
    /// that of the fork handlers. A cache that is in none when a process forks is empty in the child. Dropping the cache frees all
    /// of its memory, while threads that have used it live on.
    #[must_use]
    pub fn new(parameters: CacheParameters) -> Self {
        let CacheParameters { typed, version, .. } = parameters;
        Self::with_limits(limits(parameters), Lifetime::of(parameters)).noting(typed, version)
    }

    /// Notes two parameters that change nothing.
    fn noting(mut self, typed: bool, version: u64) -> Self {
        self.typed = typed;
        if version != 0 && T::BEGINS_SMALL {
            self.rare = T::SeldomShared::new(Some(Rare::new(version)));
        }
        self
    }

    /// Like [`new`](Self::new), with the name of the function.
    pub(crate) fn named(mut self, name: fn() -> &'static str) -> Self {
        self.runs = Runs::of(name);
        self
    }

    fn with_limits(limits: Limits, lifetime: Lifetime) -> Self {
        Self {
            lifetime: LifetimeOf::new(lifetime),
            of_function: T::UnlessSmall::new(|| OfFunction {
                bound: None,
                registration: Registration::none(),
            }),
            hasher: S::default(),
            table: Table::new(limits, T::Seldom::new()),
            made_by: Process::here(),
            typed: false,
            rare: T::SeldomShared::new(None),
            runs: Runs::of(|| ""),
            watch: Watch::new(),
        }
    }

    #[inline(always)]
    pub(crate) fn hash<Q: Key<K, S::Hasher>>(&self, key: Q) -> u64 {
        let mut state = self.hasher.build_hasher();
        key.hash(&mut state);
        state.finish()
    }
}

fn limits(parameters: CacheParameters) -> Limits {
    let CacheParameters { maxsize, max_weight, .. } = parameters;
    Limits { maxsize, max_weight }
}

impl<T: Outlined, P: Kind, K, V, S> Drop for Cache<T, P, K, V, S> {
    fn drop(&mut self) {
        let is_usable = self.is_usable();
        if let Some(of_function) = self.of_function.get() {
            of_function.registration.end();
        }
        self.stop_following();
        if is_usable {
            drop(self.table.empty());
        } else {
            self.table.forget(T::Seldom::new());
        }
    }
}

impl<T: Outlined, P: Kind, K, V, S> core::fmt::Debug for Cache<T, P, K, V, S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Cache").field("limits", &self.table.limits()).finish_non_exhaustive()
    }
}
