//! How far the shortest way of a hit reaches, and how other threads cut it.
//!
//! A cache of one thread is changed by that thread alone. When the function gets another bound, the other threads' caches
//! have to find out at their next call, and a hit has no time to ask. But each hit compares the place that it has found
//! with the length of the first block. Whoever changes the bound sets that number to 0, so that all hits take the long
//! way, where the thread sees that its reach was cut, and follows.
//!
//! 1. A reach is in the list while its thread may use it, and stays where it is. It is cut by those who have the lock of
//!    the list.
//! 2. The number of the new bound is stored before the reach is cut. The owner restores its reach by an exchange, and
//!    reads the bound after that. So it sees the bound, or its reach is cut after that.

use alloc::collections::BTreeSet;
use core::sync::atomic::Ordering::{AcqRel, Relaxed, Release};

use crate::bounds::Bound;
use crate::sys::fork::{Heritage, Inherited};
use crate::sys::sync::AtomicUsize;
use crate::table::blocks::Place;

/// The number of places that a hit reaches on its shortest way.
pub(crate) struct Reach(AtomicUsize);

/// The reaches of all threads, by the bound that each follows.
static LISTED: Inherited<Listed> = Inherited::new(Listed::default);

#[derive(Default)]
struct Listed(BTreeSet<(*const Bound, *const Reach)>);

// SAFETY: what the pointers lead to consists of atomics, and is there, as invariant 1 says.
unsafe impl Send for Listed {}

impl Heritage for Listed {}

impl Reach {
    /// Returns one of so many places, at least one.
    pub(crate) fn new(most: usize) -> Self {
        Self(AtomicUsize::new(most))
    }

    #[inline(always)]
    pub(crate) fn covers(&self, place: Place) -> bool {
        place as usize <= self.0.load(Relaxed)
    }

    /// Whether another thread has cut it.
    #[inline]
    pub(crate) fn is_cut(&self) -> bool {
        self.0.load(Relaxed) == 0
    }

    /// Restores it, to so many places. The caller then reads the bound.
    pub(super) fn restore(&self, most: usize) {
        self.0.swap(most, AcqRel);
    }

    /// Has it cut from now on when the bound is changed.
    ///
    /// # Safety
    /// It stays where it is until [`end`](Self::end) is called.
    pub(crate) unsafe fn begin(&self, bound: &'static Bound) {
        LISTED.lock().0.insert((bound, self));
    }

    /// Ends what [`begin`](Self::begin) began, if it did.
    pub(crate) fn end(&self, bound: &'static Bound) {
        LISTED.lock().0.remove(&(core::ptr::from_ref(bound), core::ptr::from_ref(self)));
    }

    /// Cuts the reach of all caches that follow a bound, which was changed before.
    pub(crate) fn cut_all(bound: &'static Bound) {
        let first = (core::ptr::from_ref(bound), core::ptr::null());
        let listed = LISTED.lock();
        for &(_, reach) in listed.0.range(first..).take_while(|&&(other, _)| core::ptr::eq(other, bound)) {
            // SAFETY: invariant 1.
            unsafe { &*reach }.cut();
        }
    }

    pub(super) fn cut(&self) {
        self.0.store(0, Release);
    }
}
