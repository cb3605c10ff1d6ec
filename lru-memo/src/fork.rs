//! Forks. The child of a fork has the memory of its parent, and of its threads only the one that forked.
//!
//! So a lock that another thread held is never released in the child, and a value that another thread was computing
//! never comes. There are three ways to deal with it, and each lock and each table of the crate takes one:
//!
//! | what | in the child | for |
//! |---|---|---|
//! | [`Registration`], [`Inherited`] | a copy: each fork takes the lock, so that the copy is whole | caches, and what a process was told |
//! | [`Own`] | nothing: the child makes its own when it needs one | whatever threads are at: turns, pools, connections |
//! | a chain of `once_cell::race::OnceBox` | a copy: there is no lock | statics that are filled once |
//!
//! What one call holds on to, such as its place in a flight, notes the [`Process`] that made it, and does nothing in
//! another one.
//!
//! Locks are taken by handlers of `pthread_atfork`, which are installed before the first process gets its number, and
//! so before there is anything to be locked. A fork that has begun before that, or one that bypasses the C library,
//! runs no handlers. The child finds out by [its number](Process), which the kernel has wiped, and then uses nothing
//! that it was not handed over.
//!
//! A thread that holds a registered lock takes no other registered one: forks take all of them, in any order.

#[cfg(unix)]
mod handlers;
mod inherited;
mod own;
mod process;
#[cfg(feature = "_stores")]
mod stack;

#[cfg(unix)]
use alloc::boxed::Box;

#[cfg(unix)]
pub(crate) use handlers::Registration;
pub(crate) use inherited::{Heritage, Inherited};
pub(crate) use own::Own;
pub(crate) use process::Process;
#[cfg(feature = "_stores")]
pub(crate) use stack::stack_end;

/// A cache that all threads share.
#[cfg(unix)]
pub(crate) trait Forkable {
    /// Takes the lock, until what is returned is dropped.
    fn lock(&self) -> Box<dyn Locked + '_>;
}

/// A cache in its lock.
#[cfg(unix)]
pub(crate) trait Locked {
    /// Puts at rest what other threads were doing; in a process that has no other thread. Runs no foreign code.
    fn forget_others(&mut self);
}

/// There is no fork.
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
