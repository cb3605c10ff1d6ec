//! What differs between a cache that all threads share and one that belongs to a single thread: the pointer
//! that keeps an entry alive while user code looks at it, and the lock around the state.

use alloc::rc::Rc;
use alloc::sync::Arc;
use core::cell::RefCell;
use core::ops::Deref;

use parking_lot::Mutex;

/// Either [`AllThreads`] or [`OneThread`].
pub trait Threading {
    /// A counted pointer to an entry.
    type Pointer<T>: Deref<Target = T> + Clone;
    /// A lock that is not re-entrant: nothing that runs inside may be foreign code.
    type Lock<T>;

    /// Allocates an entry.
    fn pointer<T>(value: T) -> Self::Pointer<T>;
    /// Makes an open lock.
    fn lock<T>(value: T) -> Self::Lock<T>;
    /// Runs `inside` with the state locked.
    fn with<T, R>(lock: &Self::Lock<T>, inside: impl FnOnce(&mut T) -> R) -> R;
}

/// `scope = process`: entries are counted atomically, the state is behind a mutex.
#[derive(Debug)]
pub enum AllThreads {}

/// `scope = thread`: nothing is atomic.
#[derive(Debug)]
pub enum OneThread {}

impl Threading for AllThreads {
    type Pointer<T> = Arc<T>;
    type Lock<T> = Mutex<T>;

    #[inline]
    fn pointer<T>(value: T) -> Arc<T> {
        Arc::new(value)
    }

    fn lock<T>(value: T) -> Mutex<T> {
        Mutex::new(value)
    }

    #[inline]
    fn with<T, R>(lock: &Mutex<T>, inside: impl FnOnce(&mut T) -> R) -> R {
        inside(&mut lock.lock())
    }
}

impl Threading for OneThread {
    type Pointer<T> = Rc<T>;
    type Lock<T> = RefCell<T>;

    #[inline]
    fn pointer<T>(value: T) -> Rc<T> {
        Rc::new(value)
    }

    fn lock<T>(value: T) -> RefCell<T> {
        RefCell::new(value)
    }

    #[inline]
    fn with<T, R>(lock: &RefCell<T>, inside: impl FnOnce(&mut T) -> R) -> R {
        inside(&mut lock.borrow_mut())
    }
}
