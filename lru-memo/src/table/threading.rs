//! The two kinds of threading: a cache that all threads share, and a cache of one thread.

use alloc::rc::Rc;
use alloc::sync::Arc;
use core::cell::{RefCell, RefMut};
use core::ops::{Deref, DerefMut};

use crate::sys::sync::{Mutex, MutexGuard};
use crate::table::bias::Bias;
use crate::table::locked::Locked;
use crate::table::reader::{Owner, Pin, Reader};
use crate::table::readers::{List, OnlyReader, Readers};

/// Either [`AllThreads`] or [`OneThread`].
pub trait Threading {
    /// A reference-counted pointer.
    type Pointer<T>: Deref<Target = T> + Clone;
    /// A lock that is not re-entrant: no foreign code may run under it.
    type Lock<T>;
    /// The guard of a locked lock.
    type LockGuard<'l, T: 'l>: DerefMut<Target = T>;
    /// Finds the calling thread's reader in a cache.
    type Readers;
    /// Whether other threads may use the cache at the same time.
    const SHARED: bool;

    /// Allocates a reference-counted value.
    fn pointer<T>(value: T) -> Self::Pointer<T>;
    /// Makes a lock, unlocked.
    fn lock<T>(value: T) -> Self::Lock<T>;
    /// Locks a lock.
    fn enter<T>(lock: &Self::Lock<T>) -> Self::LockGuard<'_, T>;
    /// Locks a lock. Waits for another thread only if it `may_wait`.
    fn enter_if<T>(lock: &Self::Lock<T>, may_wait: impl FnOnce() -> bool) -> Option<Self::LockGuard<'_, T>>;
    /// Returns what the lock protects, given exclusive access, whether the lock is locked or not.
    fn open<T>(lock: &mut Self::Lock<T>) -> &mut T;
    /// Makes the readers of a new cache.
    fn readers() -> Self::Readers;
    /// Returns the calling thread's reader, if it has one.
    fn mine(readers: &Self::Readers) -> Option<Owner<'_>>;
    /// Returns a new reader for the calling thread, or `None` while the thread ends.
    fn join_in<'r>(readers: &'r Self::Readers, list: &mut List) -> Option<Owner<'r>>;
    /// Returns all readers.
    fn all<'r>(readers: &'r Self::Readers, list: &'r List) -> impl Iterator<Item = Locked<'r, Reader>>;
    /// Takes the calling thread's reader away, without giving it to another thread.
    fn leave(readers: &Self::Readers);
    /// Pins this thread: nothing that it can reach from now on is freed until it unpins.
    ///
    /// # Safety
    /// The reader is of a cache of this kind, `Self`.
    unsafe fn pin<'r>(mine: Owner<'r>, bias: &Bias) -> Pin<'r>;
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
    type LockGuard<'l, T: 'l> = MutexGuard<'l, T>;
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
    fn mine(readers: &Readers) -> Option<Owner<'_>> {
        readers.mine()
    }

    fn join_in<'r>(readers: &'r Readers, list: &mut List) -> Option<Owner<'r>> {
        readers.join_in(list)
    }

    fn all<'r>(_: &'r Readers, list: &'r List) -> impl Iterator<Item = Locked<'r, Reader>> {
        list.all()
    }

    fn leave(readers: &Readers) {
        readers.leave();
    }

    #[inline(always)]
    unsafe fn pin<'r>(mine: Owner<'r>, bias: &Bias) -> Pin<'r> {
        mine.pin(bias)
    }
}

impl Threading for OneThread {
    type Pointer<T> = Rc<T>;
    type Lock<T> = RefCell<T>;
    type LockGuard<'l, T: 'l> = RefMut<'l, T>;
    type Readers = OnlyReader;
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

    fn readers() -> OnlyReader {
        OnlyReader::new()
    }

    #[inline(always)]
    fn mine(reader: &OnlyReader) -> Option<Owner<'_>> {
        Some(reader.mine())
    }

    fn join_in<'r>(reader: &'r OnlyReader, _: &mut List) -> Option<Owner<'r>> {
        Some(reader.mine())
    }

    fn all<'r>(reader: &'r OnlyReader, _: &'r List) -> impl Iterator<Item = Locked<'r, Reader>> {
        core::iter::once(reader.locked())
    }

    fn leave(_: &OnlyReader) {}

    #[inline(always)]
    unsafe fn pin<'r>(mine: Owner<'r>, _: &Bias) -> Pin<'r> {
        // SAFETY: a cache of one thread has one reader.
        unsafe { mine.pin_alone() }
    }
}
