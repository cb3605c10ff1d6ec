//! A table with its lock. All that the lock's holder may do begins here: the lock alone gives out an [`Inside`].

use alloc::vec::Vec;
use core::ops::Deref;

use crate::table::front::Front;
#[cfg(unix)]
use crate::table::front::Shared;
use crate::table::guarded::Guarded;
use crate::table::hit::{Mine, Protected};
use crate::table::inside::{Inside, owner_in};
use crate::table::locked::Locked;
use crate::table::lru::Limits;
use crate::table::outlined::Outlined;
#[cfg(unix)]
use crate::table::readers::SeenEnds;
use crate::table::recency::LOOK_AFTER_STAMPS;
#[cfg(unix)]
use crate::table::seldom::Seldom;
use crate::table::seldom::SeldomShared;
#[cfg(unix)]
use crate::table::threading::AllThreads;

/// The table of a cache: entries `E`, and a ledger `L` of what the cache counts and remembers under the same lock.
pub(crate) struct Table<T: Outlined, E, L> {
    front: Front<T, E>,
    state: T::Lock<State<T, L>>,
}

/// What the lock of a table protects.
struct State<T: Outlined, L> {
    guarded: Guarded<T>,
    ledger: L,
}

/// A table while the calling thread holds its lock.
pub(crate) struct Guard<'t, T: Outlined, E, L: 't> {
    front: &'t Front<T, E>,
    state: T::LockGuard<'t, State<T, L>>,
}

/// What the lock protects, and the calling thread's reader.
type Parts<'a, 't, T, E, L> = (Inside<'a, T, E>, &'a mut L, Option<Mine<'t, T, E>>);

impl<T: Outlined, L> State<T, L> {
    fn new(limits: Limits, ledger: L) -> Self {
        Self { guarded: Guarded::new(limits), ledger }
    }

    /// # Safety
    /// The calling thread has this from the lock of `front`'s table, or has exclusive access to the table.
    #[inline(always)]
    unsafe fn parts<'a, 't: 'a, E>(&'a mut self, front: &'t Front<T, E>) -> Parts<'a, 't, T, E, L> {
        let Self { guarded, ledger } = self;
        // SAFETY: the state is that of this table, as the caller says.
        let (mine, is_alone) = unsafe { owner_in(guarded, front) };
        // SAFETY: the exclusive reference to the state lasts as long as `'a`, and with it the lock.
        let inside = Inside::new(unsafe { Locked::new(front) }, guarded, mine, is_alone);
        // SAFETY: the reader is one of this table.
        (inside, ledger, mine.map(|mine| unsafe { Mine::new(front, mine) }))
    }
}

impl<T: Outlined, E, L> Table<T, E, L> {
    /// Returns an empty table with these limits.
    pub(crate) fn new(limits: Limits, ledger: L) -> Self {
        Self { front: Front::new(limits), state: T::lock(State::new(limits, ledger)) }
    }

    /// Locks the table.
    #[inline(always)]
    pub(crate) fn lock(&self) -> Guard<'_, T, E, L> {
        Guard { front: &self.front, state: self.enter() }
    }

    #[inline(always)]
    fn enter(&self) -> T::LockGuard<'_, State<T, L>> {
        T::try_enter(&self.state).unwrap_or_else(|| self.wait())
    }

    /// Locks the table that another thread has locked.
    #[cold]
    #[inline(never)]
    fn wait(&self) -> T::LockGuard<'_, State<T, L>> {
        let backoff = &self.front.shared.made().backoff;
        backoff.wait();
        let state = T::enter(&self.state);
        // SAFETY: the readers are those of this table.
        backoff.decide(unsafe { T::counts(&self.front.readers, &state.guarded) });
        state
    }

    /// Locks the table. Waits for another thread only if it `may_wait`.
    #[inline(always)]
    pub(crate) fn lock_if(&self, may_wait: impl FnOnce() -> bool) -> Option<Guard<'_, T, E, L>> {
        let state = T::try_enter(&self.state).or_else(|| may_wait().then(|| self.wait()))?;
        Some(Guard { front: &self.front, state })
    }

    /// Runs `act` in the lock.
    // What locks and unlocks is compiled once for all callers: it takes many times as much code as the call.
    #[inline]
    pub(crate) fn with<R>(&self, act: impl FnOnce(Inside<'_, T, E>, &mut L) -> R) -> R {
        let (mut act, mut result) = (Some(act), None);
        self.run_in_lock(&mut |inside, ledger| {
            if let Some(act) = act.take() {
                result = Some(act(inside, ledger));
            }
        });
        result.expect("it has run")
    }

    #[inline(never)]
    fn run_in_lock(&self, act: &mut dyn FnMut(Inside<'_, T, E>, &mut L)) {
        let mut guard = self.lock();
        let (inside, ledger, _) = guard.parts();
        act(inside, ledger);
    }

    /// Runs `act` in the lock, on the ledger alone.
    #[inline]
    pub(crate) fn with_ledger<R>(&self, act: impl FnOnce(&mut L) -> R) -> R {
        act(&mut self.enter().ledger)
    }

    /// Returns the calling thread's reader, which it makes if there is none. Returns `None` while the thread ends.
    #[inline(always)]
    pub(crate) fn join_in(&self) -> Option<Mine<'_, T, E>> {
        match self.front.mine() {
            Some(mine) => Some(mine),
            None => self.make_reader(),
        }
    }

    #[cold]
    #[inline(never)]
    fn make_reader(&self) -> Option<Mine<'_, T, E>> {
        let mut state = self.enter();
        let guarded = &mut state.guarded;
        // SAFETY: the state is that of this table.
        unsafe { owner_in(guarded, &self.front) };
        let owner = T::join_in(&self.front.readers, &mut guarded.readers, true)?;
        // SAFETY: the reader is one of this table.
        Some(unsafe { Mine::new(&self.front, owner) })
    }

    /// Stamps a hit in the lock.
    ///
    /// # Panics
    /// If the entry was found in another table.
    pub(crate) fn hit(&self, hit: &Protected<'_, T, E>) {
        assert!(core::ptr::eq(hit.front(), &raw const self.front), "the entry is one of this table");
        let mut guard = self.lock();
        let (mut inside, ..) = guard.parts();
        // SAFETY: all is of this table.
        unsafe { T::begin_bias_if_quiet(inside.front.parts(), hit.owner()) };
        hit.owner().count_hit();
        // SAFETY: the reader is one of this table, and so is the place, which its hazard protects.
        unsafe { inside.stamp_by(hit.owner(), hit.place(), LOOK_AFTER_STAMPS) };
    }

    /// Takes all entries out of a table that nobody uses any more.
    pub(crate) fn empty(&mut self) -> Vec<E> {
        // SAFETY: exclusive access.
        let (inside, ..) = unsafe { T::open(&mut self.state).parts(&self.front) };
        inside.empty()
    }

    /// Forgets what the lock protects: a thread that does not exist here may have been changing it.
    pub(crate) fn forget(&mut self, ledger: L) {
        let state = T::open(&mut self.state);
        core::mem::forget(core::mem::replace(state, State::new(Limits::default(), ledger)));
    }
}

impl<T: Outlined, E, L> Deref for Table<T, E, L> {
    type Target = Front<T, E>;

    #[inline(always)]
    fn deref(&self) -> &Front<T, E> {
        &self.front
    }
}

impl<'t, T: Outlined, E, L> Guard<'t, T, E, L> {
    /// Returns what the lock protects, and the calling thread's reader.
    #[inline(always)]
    pub(crate) fn parts(&mut self) -> Parts<'_, 't, T, E, L> {
        // SAFETY: `lock` and `lock_if` pair a table's front with the state in the table's lock.
        unsafe { self.state.parts(self.front) }
    }
}

/// Loom would try all values that each load may have seen. Its models check at their ends.
#[cfg(all(any(test, fuzzing), not(loom)))]
impl<T: Outlined, E, L> Drop for Guard<'_, T, E, L> {
    fn drop(&mut self) {
        use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
        /// A larger table is checked once in as many releases as it has entries.
        const FEW: usize = 128;
        static RELEASES: AtomicUsize = AtomicUsize::new(0);
        if !std::thread::panicking() {
            let (inside, ..) = self.parts();
            if inside.len() < FEW || RELEASES.fetch_add(1, Relaxed) % inside.len() == 0 {
                inside.validate();
            }
        }
    }
}

#[cfg(unix)]
impl<E, L> Guard<'_, AllThreads, E, L> {
    /// Puts the readers of other threads at rest, and all computations. The process has no other thread.
    pub(crate) fn forget_others(&mut self) -> &mut L {
        let State { guarded: Guarded { readers, seldom, .. }, ledger } = &mut *self.state;
        let Shared { without_reader, backoff, .. } = self.front.shared.made();
        backoff.forget_others();
        without_reader.put_at_rest();
        readers.all().for_each(|reader| reader.running().put_at_rest());
        seldom.made().seen_ends = SeenEnds::default();
        readers.put_others_at_rest(self.front.owner().map(|mine| core::ptr::from_ref(mine.reader())));
        ledger
    }
}
