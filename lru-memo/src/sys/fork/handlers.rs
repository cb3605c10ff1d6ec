//! The handlers that run when the process forks, and the list of everything that they lock.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::own::OfProcess;
use super::process::hand_over;
use super::{Forkable, LockedByFork};
use crate::flight::this_thread;

/// A cache that each fork locks.
struct ForkableCache(*const dyn Forkable);

// SAFETY: the caller of `Registration::begin` promises that all threads may use the cache.
unsafe impl Send for ForkableCache {}

impl ForkableCache {
    fn address(&self) -> *const () {
        self.0.cast()
    }
}

type List = Vec<ForkableCache>;

/// The list. Each fork holds its lock. A child whose fork ran no handlers has an empty list of its own.
static LIST: OfProcess<Mutex<List>, true> = OfProcess::none();

fn list() -> MutexGuard<'static, List> {
    LIST.get_or_make(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

/// The registration of a cache in the list. Its owner ends it before the cache is freed.
pub(crate) struct Registration(AtomicPtr<()>);

impl Registration {
    pub(crate) const fn none() -> Self {
        Self(AtomicPtr::new(core::ptr::null_mut()))
    }

    /// Registers a cache, so that each fork takes its lock. No other thread may know the cache yet.
    ///
    /// # Safety
    /// Until the registration ends, the cache does not move, and all threads may use it.
    pub(crate) unsafe fn begin(&self, what: *const dyn Forkable) {
        self.0.store(what.cast_mut().cast(), Relaxed);
        list().push(ForkableCache(what));
    }

    /// Whether forks take the lock of this cache.
    #[inline]
    pub(crate) fn has_begun(&self) -> bool {
        !self.0.load(Relaxed).is_null()
    }

    /// Removes the cache from the list.
    pub(crate) fn end(&self) {
        let address = self.0.swap(core::ptr::null_mut(), Relaxed);
        if !address.is_null() {
            list().retain(|listed| listed.address() != address);
        }
    }
}

/// The locks that are held during a fork. The list is unlocked last: until then, nothing leaves it.
struct ForkLocks {
    caches: Vec<Box<dyn LockedByFork>>,
    _list: MutexGuard<'static, List>,
}

struct OfForkingThread(UnsafeCell<Option<ForkLocks>>);

// SAFETY: it is used by the thread alone that holds the lock of the list.
unsafe impl Sync for OfForkingThread {}

static FORK_LOCKS: OfForkingThread = OfForkingThread(UnsafeCell::new(None));

/// The locks of the forking thread, which holds the lock of the list.
static FORKING: AtomicUsize = AtomicUsize::new(0);

/// Installs the handlers. Never waits: two threads may install them twice, and the second ones do nothing.
pub(super) fn install() {
    static INSTALLED: AtomicBool = AtomicBool::new(false);
    if !INSTALLED.load(Acquire) {
        // SAFETY: the handlers take no lock but ours, and what they allocate they free in the same thread. If there is
        // no memory to note them, a fork is as it is without them.
        unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
        INSTALLED.store(true, Release);
    }
}

extern "C" fn before() {
    if FORKING.load(Relaxed) == this_thread() {
        return;
    }
    let list = list();
    // SAFETY: what is in the list is there, as its registration says, and does not leave it as long as it is locked.
    let caches = list.iter().map(|listed| unsafe { &*listed.0 }.lock()).collect();
    // SAFETY: this thread holds the lock of the list.
    unsafe { *FORK_LOCKS.0.get() = Some(ForkLocks { caches, _list: list }) };
    FORKING.store(this_thread(), Relaxed);
}

extern "C" fn in_parent() {
    drop(held());
}

extern "C" fn in_child() {
    if let Some(mut held) = held() {
        hand_over();
        held.caches.iter_mut().for_each(|cache| cache.forget_others());
    }
}

/// Takes the locks that this thread has taken before it forked.
fn held() -> Option<ForkLocks> {
    if FORKING.load(Relaxed) != this_thread() {
        return None;
    }
    FORKING.store(0, Relaxed);
    // SAFETY: this thread holds the lock of the list, since it is the one that forks.
    unsafe { (*FORK_LOCKS.0.get()).take() }
}
