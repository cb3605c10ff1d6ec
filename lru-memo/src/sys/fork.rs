//! Support for `fork`. The child of a fork has a copy of its parent's memory, but only one thread: the one that forked.
//!
//! In the child, a lock that another thread held is never released, and a value that another thread was computing never
//! arrives. Each lock and each table of the crate therefore takes one of three ways:
//!
//! | type | in the child | used for |
//! |---|---|---|
//! | [`Registration`], [`Inherited`] | a consistent copy, because each fork takes the lock | caches, the choice of the store, and questions to the loader |
//! | [`Own`] | nothing: the child makes its own on demand | turns, pools, connections |
//! | a chain of `once_cell::race::OnceBox` | a copy: there is no lock | statics that are filled once |
//!
//! The guards of one call, such as its place in a flight, note the [`Process`] that made them, and do nothing in
//! another one.
//!
//! Handlers of `pthread_atfork` take the locks. They are installed before the first process gets its number, and so
//! before any lock is registered. The handlers do not run for a fork that began before, or for one that bypasses the C
//! library. The child notices because the kernel has wiped [its number](Process), and then uses nothing of its parent.
//!
//! A thread that holds a registered lock takes no other registered lock, because forks take all of them in any order.

#[cfg(unix)]
mod handlers;
mod here;
mod inherited;
mod own;
mod process;
#[cfg(feature = "_stores")]
mod stack;
mod start;

#[cfg(unix)]
use alloc::boxed::Box;

#[cfg(unix)]
pub(crate) use handlers::Registration;
pub(crate) use inherited::{Heritage, Inherited};
pub(crate) use own::Own;
pub(crate) use process::Process;
#[cfg(feature = "_stores")]
pub(crate) use stack::stack_end;
pub(crate) use start::start_thread;

/// A cache that all threads share.
#[cfg(unix)]
pub(crate) trait Forkable {
    /// Takes the lock until the returned guard is dropped.
    fn lock(&self) -> Box<dyn LockedByFork + '_>;
}

/// A locked cache.
#[cfg(unix)]
pub(crate) trait LockedByFork {
    /// Ends the unfinished operations of other threads, in a child that has no other thread. Runs no foreign code.
    fn forget_others(&mut self);
}

/// On systems without `fork`, there is nothing to register.
#[cfg(not(unix))]
pub(crate) struct Registration;

#[cfg(not(unix))]
impl Registration {
    pub(crate) const fn none() -> Self {
        Self
    }

    pub(crate) unsafe fn begin<T>(&self, _: *const T) {}

    pub(crate) fn has_begun(&self) -> bool {
        true
    }

    pub(crate) fn end(&self) {}
}
