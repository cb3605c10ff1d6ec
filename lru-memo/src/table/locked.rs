//! The rule "in the lock" as a type.

use core::marker::PhantomData;
use core::ops::Deref;

/// A part of a table, and the proof that the calling thread holds the lock of this table.
///
/// What only the holder of the lock may do is a method of `Locked<Index>`, `Locked<Recency>` and so on. The lock gives
/// out the first `Locked`, and [`part`](Self::part) leads from there to the parts. A `Locked` is as large as a reference,
/// and stays in its thread.
pub struct Locked<'l, X> {
    whole: &'l X,
    /// Not `Send`.
    of_this_thread: PhantomData<*const ()>,
}

impl<X> Clone for Locked<'_, X> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<X> Copy for Locked<'_, X> {}

impl<X> Deref for Locked<'_, X> {
    type Target = X;

    #[inline(always)]
    fn deref(&self) -> &X {
        self.whole
    }
}

impl<'l, X> Locked<'l, X> {
    /// # Safety
    /// During `'l`, the calling thread holds the lock of the table that `whole` belongs to, or no other thread uses the
    /// table.
    #[inline(always)]
    pub(crate) unsafe fn new(whole: &'l X) -> Self {
        Self { whole, of_this_thread: PhantomData }
    }

    /// Returns the reference, for as long as the lock is held.
    #[inline(always)]
    pub(crate) fn get(self) -> &'l X {
        self.whole
    }

    /// Returns a part of this, which the same lock protects.
    #[inline(always)]
    pub(crate) fn part<Y>(self, part: impl FnOnce(&X) -> &Y) -> Locked<'l, Y> {
        Locked { whole: part(self.whole), of_this_thread: PhantomData }
    }
}
