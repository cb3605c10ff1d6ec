//! What happens when the process forks, and the list of all that it happens to.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::own::OfProcess;
use super::process::hand_over;
use super::{Forkable, Locked};
use crate::flight::this_thread;

/// What is to be locked before a fork.
struct Listed(*const dyn Forkable);

// SAFETY: whoever registers it says that all threads may use it.
unsafe impl Send for Listed {}

impl Listed {
    fn address(&self) -> *const () {
        self.0.cast()
    }
}

type List = Vec<Listed>;

/// Each fork holds its lock. A child that was forked without has a list of its own.
static LIST: OfProcess<Mutex<List>, true> = OfProcess::none();

fn list() -> MutexGuard<'static, List> {
    LIST.get_or_make(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

/// That something is in the list. Whoever has it ends it before what is registered goes.
pub(crate) struct Registration(AtomicPtr<()>);

impl Registration {
    pub(crate) const fn none() -> Self {
        Self(AtomicPtr::new(core::ptr::null_mut()))
    }

    /// Has every fork take the lock of something, which is to be known to no other thread yet.
    ///
    /// # Safety
    /// Until the registration ends, it stays where it is, and may be used by all threads.
    pub(crate) unsafe fn begin(&self, what: *const dyn Forkable) {
        self.0.store(what.cast_mut().cast(), Relaxed);
        list().push(Listed(what));
    }

    /// Whether forks take the lock.
    #[inline]
    pub(crate) fn has_begun(&self) -> bool {
        !self.0.load(Relaxed).is_null()
    }

    /// Leaves it out of the forks to come.
    pub(crate) fn end(&self) {
        let address = self.0.swap(core::ptr::null_mut(), Relaxed);
        if !address.is_null() {
            list().retain(|listed| listed.address() != address);
        }
    }
}

/// What is locked while the process forks. The list comes last: until then, all that is in it stays.
struct Held {
    caches: Vec<Box<dyn Locked>>,
    _list: MutexGuard<'static, List>,
}

struct HeldByThread(UnsafeCell<Option<Held>>);

// SAFETY: it is used by the thread alone that holds the lock of the list.
unsafe impl Sync for HeldByThread {}

static HELD: HeldByThread = HeldByThread(UnsafeCell::new(None));

/// The thread that forks, and so holds the lock of the list.
static FORKING: AtomicUsize = AtomicUsize::new(0);

/// Installs the handlers, once. Never waits: where two threads come first, they are installed twice, and the second
/// ones do nothing.
pub(super) fn install() {
    static INSTALLED: AtomicBool = AtomicBool::new(false);
    if !INSTALLED.load(Acquire) {
        // SAFETY: the handlers take no lock but ours, and what they allocate they free in the same thread. If there is no
        // memory to note them, a fork is as it is without them.
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
    unsafe { *HELD.0.get() = Some(Held { caches, _list: list }) };
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

/// What this thread has locked before it forked.
fn held() -> Option<Held> {
    if FORKING.load(Relaxed) != this_thread() {
        return None;
    }
    FORKING.store(0, Relaxed);
    // SAFETY: this thread holds the lock of the list, since it is the one that forks.
    unsafe { (*HELD.0.get()).take() }
}
