//! A table with its lock. All that the lock's holder may do begins here: the lock alone gives out an [`Inside`].

use alloc::vec::Vec;
use core::ops::Deref;

use crate::table::front::Front;
use crate::table::hit::{Mine, Protected};
use crate::table::inside::{Guarded, Inside};
use crate::table::locked::Locked;
use crate::table::lru::Limits;
use crate::table::recency::LOOK_AFTER_STAMPS;
#[cfg(unix)]
use crate::table::threading::AllThreads;
use crate::table::threading::Threading;

/// The table of a cache: entries `E`, and a ledger `L` of what the cache counts and remembers under the same lock.
pub(crate) struct Table<T: Threading, E, L> {
    front: Front<T, E>,
    state: T::Lock<State<L>>,
}

/// What the lock of a table protects.
struct State<L> {
    guarded: Guarded,
    ledger: L,
}

/// A table while the calling thread holds its lock.
pub(crate) struct Guard<'t, T: Threading, E, L: 't> {
    front: &'t Front<T, E>,
    state: T::LockGuard<'t, State<L>>,
}

/// What the lock protects, and the calling thread's reader.
type Parts<'a, 't, T, E, L> = (Inside<'a, T, E>, &'a mut L, Option<Mine<'t, T, E>>);

impl<L> State<L> {
    fn new(limits: Limits, ledger: L) -> Self {
        Self { guarded: Guarded::new(limits), ledger }
    }

    /// # Safety
    /// The calling thread has this from the lock of `front`'s table, or has exclusive access to the table.
    #[inline(always)]
    unsafe fn parts<'a, 't: 'a, T: Threading, E>(
        &'a mut self,
        front: &'t Front<T, E>,
    ) -> Parts<'a, 't, T, E, L> {
        let Self { guarded, ledger } = self;
        // SAFETY: the state is that of this table, as the caller says.
        let (mine, is_alone) = unsafe { front.owner_among(guarded) };
        // SAFETY: the exclusive reference to the state lasts as long as `'a`, and with it the lock.
        let inside = Inside::new(unsafe { Locked::new(front) }, guarded, mine, is_alone);
        // SAFETY: the reader is one of this table.
        (inside, ledger, mine.map(|mine| unsafe { Mine::new(front, mine) }))
    }
}

impl<T: Threading, E, L> Table<T, E, L> {
    /// Returns an empty table with these limits. If it `begins_small`, it allocates when entries come.
    pub(crate) fn new(limits: Limits, begins_small: bool, ledger: L) -> Self {
        Self { front: Front::new(limits, begins_small), state: T::lock(State::new(limits, ledger)) }
    }

    /// Locks the table.
    #[inline(always)]
    pub(crate) fn lock(&self) -> Guard<'_, T, E, L> {
        Guard { front: &self.front, state: T::enter(&self.state) }
    }

    /// Locks the table. Waits for another thread only if it `may_wait`.
    #[inline(always)]
    pub(crate) fn lock_if(&self, may_wait: impl FnOnce() -> bool) -> Option<Guard<'_, T, E, L>> {
        Some(Guard { front: &self.front, state: T::enter_if(&self.state, may_wait)? })
    }

    /// Runs `act` in the lock.
    #[inline(always)]
    pub(crate) fn with<R>(&self, act: impl FnOnce(Inside<'_, T, E>, &mut L) -> R) -> R {
        let mut guard = self.lock();
        let (inside, ledger, _) = guard.parts();
        act(inside, ledger)
    }

    /// Runs `act` in the lock, on the ledger alone.
    #[inline]
    pub(crate) fn with_ledger<R>(&self, act: impl FnOnce(&mut L) -> R) -> R {
        act(&mut T::enter(&self.state).ledger)
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
        let mut state = T::enter(&self.state);
        let guarded = &mut state.guarded;
        // SAFETY: the state is that of this table.
        unsafe { self.front.owner_among(guarded) };
        let owner = T::join_in(&self.front.readers, &mut guarded.readers)?;
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

impl<T: Threading, E, L> Deref for Table<T, E, L> {
    type Target = Front<T, E>;

    #[inline(always)]
    fn deref(&self) -> &Front<T, E> {
        &self.front
    }
}

impl<'t, T: Threading, E, L> Guard<'t, T, E, L> {
    /// Returns what the lock protects, and the calling thread's reader.
    #[inline(always)]
    pub(crate) fn parts(&mut self) -> Parts<'_, 't, T, E, L> {
        // SAFETY: `lock` and `lock_if` pair a table's front with the state in the table's lock.
        unsafe { self.state.parts(self.front) }
    }
}

/// Loom would try all values that each load may have seen. Its models check at their ends.
#[cfg(all(any(test, fuzzing), not(loom)))]
impl<T: Threading, E, L> Drop for Guard<'_, T, E, L> {
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
        let State { guarded: Guarded { readers, .. }, ledger } = &mut *self.state;
        self.front.without_reader.put_at_rest();
        readers.all().for_each(|reader| reader.running().put_at_rest());
        readers.put_others_at_rest(self.front.owner().map(|mine| core::ptr::from_ref(mine.reader())));
        ledger
    }
}
