//! The cache behind one memoized function: the lookups, stores and removals that the generated functions make.
//!
//! A hit takes no lock. No user code runs under the lock: a search keeps the entries that user code has to compare, and
//! compares them after unlocking; entries that leave the cache are dropped after unlocking.

mod compared;
mod counters;
mod forks;
pub(crate) mod in_flight;
pub(crate) mod kind;
pub(crate) mod lifetime;
mod lifetimes;
mod matching;
pub(crate) mod miss;
mod outside;
mod resize;
pub(crate) mod stale;

use crate::sys::clock::Instant;
use alloc::boxed::Box;
use core::hash::{BuildHasher, Hasher};
use core::sync::atomic::AtomicU64;
use core::time::Duration;

use self::counters::counts;
pub use self::matching::caught_up_with_tags;
pub(crate) use self::outside::Keeping;
use crate::advice::{Use, Watch};
use crate::bounds::Bound;
use crate::cache::kind::{Expiry, Kind};
use crate::cache::lifetime::Lifetime;
use crate::cache::miss::{Conflict, Miss, MissOf};
use crate::codegen::key::Key;
use crate::flight::Flights;
use crate::info::CacheParameters;
use crate::sys::fork::{Own, Process, Registration};
use crate::table::blocks::Place;
use crate::table::invalidations::Invalidations;
use crate::table::lru::{Left, Limits};
use crate::table::threading::Threading;
use crate::table::{Computation, Inside, Mine, Table, Unfound, tag};
use crate::tags::Tagged;
use crate::totals::Runs;

/// The cache behind one memoized function: `K` is the stored form of the key, `P` the [`Kind`] of its entries.
pub struct Cache<T: Threading, P: Kind, K, V, S> {
    /// The `ttl`: the age at which entries expire.
    ttl: Option<Duration>,
    /// The lifetime of entries, if it is more than a `ttl`. In a box, because few caches need it.
    lifetime: Option<Box<Lifetime>>,
    /// The bound of the function, which may change. The table follows it.
    bound: Option<&'static Bound>,
    hasher: S,
    pub(crate) table: Table<T, EntryOf<P, K, V>, Ledger<T, K, V>>,
    registration: Registration,
    made_by: Process,
    /// The cache that replaces this one in a child whose fork did not take the lock.
    heir: Own<Self>,
    pub(crate) runs: Runs,
    /// The newest invalidation of a tag that this cache has handled. Only caches of a thread or an object use it.
    seen_tags: AtomicU64,
    /// Records uses for the advice on `maxsize`.
    pub(crate) watch: P::Watch,
}

/// A key with its value.
pub(crate) struct Entry<K, V, Expiry> {
    pub(crate) key: K,
    pub(crate) value: V,
    expiry: Expiry,
}

pub(crate) type EntryOf<P, K, V> = Entry<K, V, <P as Kind>::Expiry>;

/// The counters of a cache, its invalidations and its flights.
pub(crate) struct Ledger<T: Threading, K, V> {
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

impl<T: Threading, K, V> Ledger<T, K, V> {
    fn new() -> Self {
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

/// The result of a search that found nothing and counted nothing.
#[derive(Debug, Clone, Copy)]
pub struct Unseen {
    hash: u64,
    unfound: Unfound,
}

/// The result of a search under the lock.
pub(crate) struct Searched<'a, T: Threading, P: Kind, K, V> {
    pub(crate) inside: Inside<'a, T, EntryOf<P, K, V>>,
    pub(crate) ledger: &'a mut Ledger<T, K, V>,
    /// The place of the entry with that key, if there is one.
    pub(crate) place: Option<Place>,
    /// Entries to drop after unlocking.
    pub(crate) left: &'a mut Left<EntryOf<P, K, V>>,
}

impl<T: Threading, P: Kind, K, V, S: BuildHasher + Default> Cache<T, P, K, V, S> {
    /// An empty cache with the limits of these parameters.
    #[must_use]
    pub fn new(parameters: CacheParameters) -> Self {
        Self::with_limits(limits(parameters), lifetimes::lifetime(parameters), false)
    }

    /// Like [`new`](Self::new), with the name of the function, which events report.
    pub(crate) fn named(mut self, name: fn() -> &'static str) -> Self {
        self.runs = Runs::of(name);
        self
    }

    /// Returns an empty cache that an object may own: many of them may come and go.
    ///
    /// The cache may be moved. It is in no list, neither in that of [`caches`](crate::caches) nor in that of the fork handlers, so
    /// the child of a fork begins with an empty one. The cache allocates memory when entries come, and frees all of it when it is
    /// dropped, while threads that have used it live on.
    #[must_use]
    pub fn unlisted(parameters: CacheParameters) -> Self {
        Self::with_limits(limits(parameters), lifetimes::lifetime(parameters), true)
    }

    fn with_limits(limits: Limits, lifetime: Lifetime, begins_small: bool) -> Self {
        Self {
            ttl: lifetime.ttl,
            lifetime: lifetime.needs_more_than_ttl().then(|| Box::new(lifetime)),
            bound: None,
            hasher: S::default(),
            table: Table::new(limits, begins_small, Ledger::new()),
            registration: Registration::none(),
            made_by: Process::here(),
            heir: Own::none(),
            runs: Runs::default(),
            seen_tags: AtomicU64::new(0),
            watch: Watch::new(),
        }
    }

    #[inline(always)]
    pub(crate) fn hash<Q: Key<K, S::Hasher>>(&self, key: Q) -> u64 {
        let mut state = self.hasher.build_hasher();
        key.hash(&mut state);
        state.finish()
    }

    /// Looks a key up, counts the hit, and makes the entry the most recent. This is the fast path: it finds most entries, but
    /// not all.
    ///
    /// # Errors
    /// If it has found nothing, and counted nothing. The caller goes on with [`look`](Self::look).
    // Without optimization, what is inlined takes room in the caller's frame, for as long as the function runs.
    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn get<Q: Key<K, S::Hasher>>(&self, key: Q, clone: impl Fn(&V) -> V) -> Result<V, Unseen> {
        let hash = self.hash(key);
        self.find_near(hash, key, clone).map_err(|unfound| Unseen { hash, unfound })
    }

    #[inline(always)]
    fn find_near<Q: Key<K, S::Hasher>>(
        &self,
        hash: u64,
        key: Q,
        clone: impl Fn(&V) -> V,
    ) -> Result<V, Unfound> {
        let mine = self.table.mine().ok_or(Unfound::UNSURE)?;
        if self.watch.samples(tag(hash)) {
            return Err(Unfound::UNSURE);
        }
        let now = self.now();
        if P::PLAIN {
            let found = mine.find_near(tag(hash), P::IN_BLOCKS, |entry| key.matches(&entry.key))?;
            if self.is_old(found.entry(), now) {
                return Err(Unfound::UNSURE);
            }
            self.put_off(found.entry(), now);
            found.hit(|entry| clone(&entry.value)).ok_or(Unfound::UNSURE)
        } else {
            // User code runs while the entry is protected, and the reader is not pinned.
            let _after = LetGo(self);
            let kept = mine.find_near(tag(hash), P::IN_BLOCKS, |_| true)?.protect().ok_or(Unfound::UNSURE)?;
            if !key.matches(&kept.entry().key) || self.is_old(kept.entry(), now) || !kept.stamp() {
                return Err(Unfound::UNSURE);
            }
            self.put_off(kept.entry(), now);
            Ok(clone(&kept.entry().value))
        }
    }

    /// Looks up a key that the [fast path](Self::get) has not found.
    ///
    /// # Errors
    /// On a miss. The caller runs the function and completes the [`Miss`].
    #[inline(never)]
    pub fn look<Q: Key<K, S::Hasher>>(
        &self,
        unseen: &Unseen,
        key: Q,
        clone: impl Fn(&V) -> V,
    ) -> Result<V, MissOf<'_, T, P, K, V, S, Q>> {
        self.catch_up_with_bound();
        let Some(process) = self.usable_in() else {
            let heir = self.make_heir();
            return heir.look(&Unseen { hash: heir.hash(key), unfound: Unfound::UNSURE }, key, clone);
        };
        let &Unseen { hash, mut unfound } = unseen;
        if let Some(mine) = self.table.join_in() {
            let mut is_lacking = self.table.lacks(unfound);
            if !is_lacking {
                match self.look_without_lock(mine, hash, key, &clone) {
                    Ok(value) => return Ok(value),
                    Err(seen) => unfound = seen,
                }
                is_lacking = self.table.lacks(unfound);
            }
            if is_lacking {
                let number = mine.count_miss();
                self.note(tag(hash), Use::Missed);
                let running = mine.begin_in(process);
                return Err(self.miss(key, hash, unfound, running, Some(number)));
            }
        }
        match self.look_in_lock(hash, key) {
            Ok(kept) => Ok(clone(kept.value())),
            Err(unfound) => {
                let running = self.table.begin_in(process);
                Err(self.miss(key, hash, unfound, running, None))
            }
        }
    }

    /// Does what [`look`](Self::look) does, under the lock.
    #[cold]
    #[inline(never)]
    fn look_in_lock<Q: Key<K, S::Hasher>>(
        &self,
        hash: u64,
        key: Q,
    ) -> Result<Keeping<'_, T, P, K, V, S>, Unfound> {
        self.at(hash, key, |searched| {
            if searched.place.is_some() {
                return Ok(searched.hit(self));
            }
            searched.ledger.misses += 1;
            self.note(tag(hash), Use::Missed);
            Err(searched.inside.lacking())
        })
    }

    /// Looks a key up. Takes the lock only to become the thread that stamps alone.
    ///
    /// # Errors
    /// If it has found nothing.
    pub(crate) fn look_without_lock<Q: Key<K, S::Hasher>>(
        &self,
        mine: Mine<'_, T, EntryOf<P, K, V>>,
        hash: u64,
        key: Q,
        clone: &impl Fn(&V) -> V,
    ) -> Result<V, Unfound> {
        let now = self.now();
        let _after = LetGo(self);
        // User code compares one candidate, which is protected. If that is another key, the search under the lock goes on.
        let may_be_it = |entry: &EntryOf<P, K, V>| !P::PLAIN || key.matches(&entry.key);
        let kept = mine.find(tag(hash), may_be_it)?.protect().ok_or(Unfound::UNSURE)?;
        if !key.matches(&kept.entry().key) || self.is_old(kept.entry(), now) {
            return Err(Unfound::UNSURE);
        }
        self.put_off(kept.entry(), now);
        if !kept.stamp() {
            self.table.hit(&kept);
        }
        self.note(tag(hash), Use::Hit);
        Ok(clone(&kept.entry().value))
    }

    /// Searches for a key, and runs `inside` under the lock with the result. An expired entry is removed and counts as absent.
    pub(crate) fn at<Q: Key<K, S::Hasher>, R>(
        &self,
        hash: u64,
        key: Q,
        inside: impl FnOnce(Searched<'_, T, P, K, V>) -> R,
    ) -> R {
        let matches = |key: &Q, stored: &K| key.matches(stored);
        let (result, _dropped_outside) =
            self.search(hash, Unfound::UNSURE, key, matches, |searched, _| inside(searched));
        result
    }

    /// Searches for an entry that has this hash and `matches` the subject, and runs `inside` under the lock with the result.
    /// Also returns the entries that leave the cache. If an earlier search was `unfound`, searches again only if an entry was
    /// added since.
    #[inline(always)]
    pub(crate) fn search<Q, R>(
        &self,
        hash: u64,
        unfound: Unfound,
        subject: Q,
        matches: impl Fn(&Q, &K) -> bool,
        inside: impl FnOnce(Searched<'_, T, P, K, V>, Q) -> R,
    ) -> (R, Left<EntryOf<P, K, V>>) {
        if P::PLAIN {
            let now = self.now();
            let mut left = Left::new();
            let result = self.table.with(|table, ledger| {
                let is_it = |entry: &EntryOf<P, K, V>| matches(&subject, &entry.key).then_some(());
                let place = match table.still_lacks(unfound) {
                    true => None,
                    false => table.find(tag(hash), is_it).map(|(place, ())| place),
                };
                inside(self.searched(table, ledger, place, now, &mut left), subject)
            });
            return (result, left);
        }
        self.search_outside(hash, unfound, subject, matches, inside)
    }

    /// Returns the result of a search. If the entry has expired, it is removed.
    fn searched<'a>(
        &self,
        mut inside: Inside<'a, T, EntryOf<P, K, V>>,
        ledger: &'a mut Ledger<T, K, V>,
        mut place: Option<Place>,
        now: Option<Instant>,
        left: &'a mut Left<EntryOf<P, K, V>>,
    ) -> Searched<'a, T, P, K, V> {
        if P::Expiry::EXPIRES {
            // SAFETY: it was found just now.
            let is_expired = |&place: &Place| self.is_expired(unsafe { inside.entry(place) }, now);
            if let Some(expired) = place.filter(is_expired) {
                inside.expire(expired, left);
                place = None;
            }
        }
        Searched { inside, ledger, place, left }
    }

    /// Begins the run of `f_cache_refresh`. Counts nothing, and searches for nothing.
    #[inline(never)]
    pub fn refresh<Q: Key<K, S::Hasher>>(&self, key: Q) -> MissOf<'_, T, P, K, V, S, Q> {
        if let Some(heir) = self.heir() {
            return heir.refresh(key);
        }
        let hash = self.hash(key);
        let running = self.table.begin();
        let mut miss = self.miss(key, hash, Unfound::UNSURE, running, None);
        miss.conflict = Conflict::Replace;
        miss
    }

    /// Makes a miss. It may have a number among the misses of its thread.
    #[inline(always)]
    fn miss<'c, Q: Key<K, S::Hasher>>(
        &'c self,
        key: Q,
        hash: u64,
        unfound: Unfound,
        running: Computation<'c, T, EntryOf<P, K, V>>,
        number: Option<u64>,
    ) -> MissOf<'c, T, P, K, V, S, Q> {
        let begun = Some((running, self.table.newest()));
        Miss::new(self, key.to_stored(), key.same(), hash, unfound, begun, number)
    }

    /// Returns the value of a key. Changes neither counters nor recency.
    #[inline(never)]
    pub fn peek<Q: Key<K, S::Hasher>>(&self, key: Q, clone: impl Fn(&V) -> V) -> Option<V> {
        if let Some(heir) = self.heir() {
            return heir.peek(key, clone);
        }
        let kept = self.at(self.hash(key), key, |mut searched| searched.keep(self))?;
        Some(clone(kept.value()))
    }

    /// Removes a key, and returns whether there was an entry. The value of a run that began before will not be stored.
    #[inline(never)]
    pub fn invalidate<Q: Key<K, S::Hasher>>(&self, key: Q) -> bool {
        if let Some(heir) = self.heir() {
            return heir.invalidate(key);
        }
        let hash = self.hash(key);
        self.note(tag(hash), Use::Left);
        self.outdate_flight(hash, key);
        // If the key has to be copied, that happens after unlocking.
        let mut copied = None;
        loop {
            let removed = self.at(hash, key, |mut searched| {
                let runs = searched.inside.runs();
                let invalidations = &mut searched.ledger.invalidations;
                let forgotten =
                    if runs { invalidations.invalidate(hash, copied.take()?) } else { invalidations.clear() };
                searched.inside.set_newest(invalidations.newest(), invalidations.are_remembered());
                if let Some(place) = searched.place {
                    searched.inside.remove(place, searched.left);
                }
                Some((searched.place.is_some(), forgotten))
            });
            match removed {
                Some((was_there, _dropped_outside)) => return was_there,
                None => copied = Some(T::pointer(key.to_stored())),
            }
        }
    }

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
            inside.store(place, tag(hash), entry, weight, &expiry, left);
            self.note(tag(hash), Use::Stored);
        } else {
            self.note_unstored(tag(hash));
            left.push(entry);
            if let Some(place) = place {
                inside.remove(place, left);
            }
        }
    }

    /// Drops all entries and zeroes the counters. Values of runs that began before will not be stored.
    #[inline(never)]
    pub fn clear(&self) {
        if let Some(heir) = self.heir() {
            return heir.clear();
        }
        let mut left = Left::new();
        let _dropped_outside = self.table.with(|mut inside, ledger| {
            let forgotten = ledger.invalidations.clear();
            inside.set_newest(ledger.invalidations.newest(), false);
            inside.clear(&mut left);
            ledger.cleared = counts(&inside, ledger);
            ledger.in_flight.outdate_if(|_| true);
            forgotten
        });
        self.watch.clear(|| self.table.maxsize());
    }
}

fn limits(parameters: CacheParameters) -> Limits {
    let CacheParameters { maxsize, max_weight, .. } = parameters;
    Limits { maxsize, max_weight }
}

/// When dropped, drops the entries that were removed while user code looked at them.
struct LetGo<'c, T: Threading, P: Kind, K, V, S>(&'c Cache<T, P, K, V, S>);

impl<T: Threading, P: Kind, K, V, S> LetGo<'_, T, P, K, V, S> {
    #[cold]
    #[inline(never)]
    fn let_go(&self) {
        let mut left = Left::new();
        self.0.table.with(|mut inside, _| inside.settle(&mut left));
    }
}

impl<T: Threading, P: Kind, K, V, S> Drop for LetGo<'_, T, P, K, V, S> {
    #[inline]
    fn drop(&mut self) {
        if self.0.table.holds_back() {
            self.let_go();
        }
    }
}

impl<T: Threading, P: Kind, K, V> Searched<'_, T, P, K, V> {
    /// Keeps the entry that was found.
    fn keep<'c, S>(&mut self, cache: &'c Cache<T, P, K, V, S>) -> Option<Keeping<'c, T, P, K, V, S>> {
        let place = self.place?;
        Some(Keeping::of(cache, &mut self.inside, place))
    }

    /// Counts a hit of the entry that was found, and keeps it.
    ///
    /// # Panics
    /// If nothing was found.
    pub(crate) fn hit<'c, S>(mut self, cache: &'c Cache<T, P, K, V, S>) -> Keeping<'c, T, P, K, V, S> {
        let kept = self.keep(cache).expect("there is something");
        self.ledger.hits += 1;
        if let Some(place) = self.place {
            cache.note(self.inside.tag(place), Use::Hit);
        }
        self.touch(cache);
        kept
    }
}

impl<T: Threading, P: Kind, K, V, S> Cache<T, P, K, V, S> {
    /// Forgets the invalidations that no run needs any more.
    #[cold]
    #[inline(never)]
    pub(crate) fn forget_invalidations(&self) {
        let _dropped_outside = self.table.with(|inside, ledger| {
            (!inside.runs()).then(|| {
                let forgotten = ledger.invalidations.clear();
                inside.set_newest(ledger.invalidations.newest(), false);
                forgotten
            })
        });
    }
}

impl<T: Threading, P: Kind, K, V, S> Drop for Cache<T, P, K, V, S> {
    fn drop(&mut self) {
        let is_usable = self.is_usable();
        self.registration.end();
        self.stop_following();
        if is_usable {
            drop(self.table.empty());
        } else {
            self.table.forget(Ledger::new());
        }
    }
}

impl<T: Threading, P: Kind, K, V, S> core::fmt::Debug for Cache<T, P, K, V, S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Cache").field("limits", &self.table.limits()).finish_non_exhaustive()
    }
}
