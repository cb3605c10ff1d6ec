//! The differences between a cache that all threads share and one that belongs to a single thread.

use alloc::rc::Rc;
use alloc::sync::Arc;
use core::cell::{RefCell, RefMut};
use core::ops::{Deref, DerefMut};

use crate::sys::sync::{Mutex, MutexGuard};
use crate::table::bias::Bias;
use crate::table::reader::{Pin, Reader};
use crate::table::readers::{List, Readers};

/// Either [`AllThreads`] or [`OneThread`].
pub trait Threading {
    /// A reference-counted pointer.
    type Pointer<T>: Deref<Target = T> + Clone;
    /// A lock that is not re-entrant: no foreign code may run under it.
    type Lock<T>;
    /// The state while it is locked.
    type Locked<'l, T: 'l>: DerefMut<Target = T>;
    /// The readers of a cache.
    type Readers;
    /// Whether other threads may use the cache at the same time.
    const SHARED: bool;

    /// Allocates a reference-counted value.
    fn pointer<T>(value: T) -> Self::Pointer<T>;
    /// Makes a lock, unlocked.
    fn lock<T>(value: T) -> Self::Lock<T>;
    /// Locks the state.
    fn enter<T>(lock: &Self::Lock<T>) -> Self::Locked<'_, T>;
    /// Locks the state; waits for another thread only if it `may_wait`.
    fn enter_if<T>(lock: &Self::Lock<T>, may_wait: impl FnOnce() -> bool) -> Option<Self::Locked<'_, T>>;
    /// Runs `inside` with the state locked.
    #[inline]
    fn with<T, R>(lock: &Self::Lock<T>, inside: impl FnOnce(&mut T) -> R) -> R {
        inside(&mut Self::enter(lock))
    }
    /// Returns the state, given exclusive access, whether the lock is locked or not.
    fn open<T>(lock: &mut Self::Lock<T>) -> &mut T;
    /// Makes the readers of a new cache.
    fn readers() -> Self::Readers;
    /// Returns the calling thread's reader, if it has one.
    fn mine(readers: &Self::Readers) -> Option<&Reader>;
    /// Returns a new reader for the calling thread, or none while the thread ends. The caller holds the lock.
    fn join_in<'r>(readers: &'r Self::Readers, list: &mut List) -> Option<&'r Reader>;
    /// Returns all readers. The caller holds the lock.
    fn all<'r>(readers: &'r Self::Readers, list: &'r List) -> impl Iterator<Item = &'r Reader>;
    /// Takes the calling thread's reader away, without giving it to another thread.
    fn leave(readers: &Self::Readers);
    /// Pins this thread: nothing that it can reach from now on is freed until it unpins.
    fn pin<'r>(reader: &'r Reader, bias: &Bias) -> Pin<'r>;
}

/// `scope = process`: readers are pinned, the state is behind a mutex.
#[derive(Debug)]
pub enum AllThreads {}

/// `scope = thread`: one reader, and only plain loads and stores.
#[derive(Debug)]
pub enum OneThread {}

impl Threading for AllThreads {
    type Pointer<T> = Arc<T>;
    type Lock<T> = Mutex<T>;
    type Locked<'l, T: 'l> = MutexGuard<'l, T>;
    type Readers = Readers;
    const SHARED: bool = true;

    #[inline]
    fn pointer<T>(value: T) -> Arc<T> {
        Arc::new(value)
    }

    fn lock<T>(value: T) -> Mutex<T> {
        Mutex::new(value)
    }

    #[inline]
    fn enter<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
        lock.lock()
    }

    #[inline]
    fn enter_if<T>(lock: &Mutex<T>, may_wait: impl FnOnce() -> bool) -> Option<MutexGuard<'_, T>> {
        lock.try_lock().or_else(|| may_wait().then(|| lock.lock()))
    }

    fn open<T>(lock: &mut Mutex<T>) -> &mut T {
        lock.get_mut()
    }

    fn readers() -> Readers {
        Readers::new()
    }

    #[inline(always)]
    fn mine(readers: &Readers) -> Option<&Reader> {
        readers.mine()
    }

    fn join_in<'r>(readers: &'r Readers, list: &mut List) -> Option<&'r Reader> {
        readers.join_in(list)
    }

    fn all<'r>(_: &'r Readers, list: &'r List) -> impl Iterator<Item = &'r Reader> {
        list.all()
    }

    fn leave(readers: &Readers) {
        readers.leave();
    }

    #[inline(always)]
    fn pin<'r>(reader: &'r Reader, bias: &Bias) -> Pin<'r> {
        reader.pin(bias)
    }
}

impl Threading for OneThread {
    type Pointer<T> = Rc<T>;
    type Lock<T> = RefCell<T>;
    type Locked<'l, T: 'l> = RefMut<'l, T>;
    type Readers = Reader;
    const SHARED: bool = false;

    #[inline]
    fn pointer<T>(value: T) -> Rc<T> {
        Rc::new(value)
    }

    fn lock<T>(value: T) -> RefCell<T> {
        RefCell::new(value)
    }

    #[inline]
    fn enter<T>(lock: &RefCell<T>) -> RefMut<'_, T> {
        lock.borrow_mut()
    }

    #[inline]
    fn enter_if<T>(lock: &RefCell<T>, _: impl FnOnce() -> bool) -> Option<RefMut<'_, T>> {
        Some(lock.borrow_mut())
    }

    fn open<T>(lock: &mut RefCell<T>) -> &mut T {
        lock.get_mut()
    }

    fn readers() -> Reader {
        Reader::new()
    }

    #[inline(always)]
    fn mine(reader: &Reader) -> Option<&Reader> {
        Some(reader)
    }

    fn join_in<'r>(reader: &'r Reader, _: &mut List) -> Option<&'r Reader> {
        Some(reader)
    }

    fn all<'r>(reader: &'r Reader, _: &'r List) -> impl Iterator<Item = &'r Reader> {
        core::iter::once(reader)
    }

    fn leave(_: &Reader) {}

    #[inline(always)]
    fn pin<'r>(reader: &'r Reader, _: &Bias) -> Pin<'r> {
        reader.unpinned()
    }
}
