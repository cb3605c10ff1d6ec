//! The reach: how many places the fast path of a hit reads, and how other threads cut this number.
//!
//! Only its own thread changes a cache of one thread. When the function gets another bound, the caches of other threads
//! must notice at their next call, and a hit has no time to ask. But each hit compares the place that it has found with the
//! length of the first block. A thread that changes the bound sets this number to 0, so that every hit takes the slow path.
//! There the thread sees that its reach was cut, and follows the bound.
//!
//! 1. A reach is in the list while its thread may use it, and does not move. Only a holder of the list's lock cuts it.
//! 2. A thread stores the new bound before it cuts the reach. The owner restores its reach by an exchange, and reads the
//!    bound after that. So the owner sees the bound, or its reach is cut once more.
//! 3. A child whose fork ran no handlers begins with an empty list. There, the cache of the thread that forked does not
//!    follow what other threads of the child say.

use alloc::collections::BTreeSet;
use core::sync::atomic::Ordering::{AcqRel, Relaxed, Release};

use crate::bounds::bound::Bound;
use crate::sys::fork::{Heritage, Inherited};
use crate::sys::sync::AtomicUsize;
use crate::table::blocks::Place;

/// The number of places that the fast path of a hit reads.
pub(crate) struct Reach(AtomicUsize);

/// The reaches of all threads, by the bound that each follows.
static LISTED: Inherited<Reaches> = Inherited::new(Reaches::default);

#[derive(Default)]
struct Reaches(BTreeSet<(*const Bound, *const Reach)>);

// SAFETY: the pointers lead to atomics, which exist by invariant 1.
unsafe impl Send for Reaches {}

impl Heritage for Reaches {}

impl Reach {
    /// Returns a reach of so many places, at least one.
    pub(crate) fn new(most: usize) -> Self {
        Self(AtomicUsize::new(most))
    }

    /// Returns whether the fast path of a hit reads the place. There is no place 0.
    #[inline(always)]
    pub(crate) fn covers(&self, place: Place) -> bool {
        (place as usize).wrapping_sub(1) < self.0.load(Relaxed)
    }

    /// Returns whether another thread has cut this reach.
    #[inline]
    pub(crate) fn is_cut(&self) -> bool {
        self.0.load(Relaxed) == 0
    }

    /// Restores the reach to so many places. The caller then reads the bound.
    pub(super) fn restore(&self, most: usize) {
        self.0.swap(most, AcqRel);
    }

    /// Lists the reach, so that it is cut when the bound changes.
    ///
    /// # Safety
    /// The reach does not move until [`end`](Self::end) is called.
    pub(crate) unsafe fn begin(&self, bound: &'static Bound) {
        LISTED.lock().0.insert((bound, self));
    }

    /// Takes the reach from the list, if [`begin`](Self::begin) has listed it.
    pub(crate) fn end(&self, bound: &'static Bound) {
        LISTED.lock().0.remove(&(core::ptr::from_ref(bound), core::ptr::from_ref(self)));
    }

    /// Cuts the reach of all caches that follow a bound. The caller has changed the bound before.
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
