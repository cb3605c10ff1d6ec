//! The two kinds of threading: a cache that all threads share, and a cache of one thread.

use alloc::rc::Rc;
use alloc::sync::Arc;
use core::cell::{RefCell, RefMut};
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use crate::sys::sync::{Mutex, MutexGuard};
use crate::table::at_hand::AtHand;
use crate::table::bias::{Bias, Biased};
use crate::table::blocks::{Blank, Blocks, Wide};
use crate::table::doubling::Doubling;
use crate::table::locked::Locked;
use crate::table::reader::{Owner, Pin, Reader};
use crate::table::readers::{List, OnlyReader, Readers};
use crate::table::seldom::{
    AtOnce, Beside, OnDemand, OnDemandShared, OwnLine, Seldom, SeldomShared, UnlessSmall,
};

/// [`AllThreads`] or [`OneThread`], or one of them for a table that begins [small](Small).
pub trait Threading: Sized {
    /// A reference-counted pointer.
    type Pointer<T>: Deref<Target = T> + Clone;
    /// A lock that is not re-entrant: no foreign code may run under it.
    type Lock<T>;
    /// The guard of a locked lock.
    type LockGuard<'l, T: 'l>: DerefMut<Target = T>;
    /// Finds the calling thread's reader in a cache.
    type Readers;
    /// Leaves the fence of a pin out, if that pays.
    type Bias: Biased;
    /// The memory of the arena, and of what is beside it.
    type Blocks<X: Blank>: Blocks<X>;
    /// State that the lock protects, and that few small tables need.
    type Seldom<X: Default>: Seldom<X>;
    /// State that threads share, and that few small tables need.
    type SeldomShared<X: Default>: SeldomShared<X>;
    /// State that small tables never need.
    type UnlessSmall<X>: UnlessSmall<X>;
    /// A value that is apart from what other threads write, unless that takes too much memory.
    type Apart<X>: From<X> + Deref<Target = X>;
    /// Whether other threads may use the cache at the same time.
    const SHARED: bool;
    /// Whether there may be many caches, with a few entries each.
    const BEGINS_SMALL: bool;

    /// Allocates a reference-counted value.
    fn pointer<T>(value: T) -> Self::Pointer<T>;
    /// Makes a lock, unlocked.
    fn lock<T>(value: T) -> Self::Lock<T>;
    /// Locks a lock.
    fn enter<T>(lock: &Self::Lock<T>) -> Self::LockGuard<'_, T>;
    /// Locks a lock if that needs no wait for another thread.
    fn try_enter<T>(lock: &Self::Lock<T>) -> Option<Self::LockGuard<'_, T>>;
    /// Returns what the lock protects, given exclusive access, whether the lock is locked or not.
    fn open<T>(lock: &mut Self::Lock<T>) -> &mut T;
    /// Makes the readers of a new cache.
    fn readers() -> Self::Readers;
    /// Returns the calling thread's reader, if it has one.
    fn mine(readers: &Self::Readers) -> Option<Owner<'_>>;
    /// Returns a new reader for the calling thread, which may be [apart](Reader::leaked) from others, or `None` while the thread ends.
    fn join_in<'r>(readers: &'r Self::Readers, list: &mut List, is_apart: bool) -> Option<Owner<'r>>;
    /// Returns all readers.
    fn all<'r>(readers: &'r Self::Readers, list: &'r List) -> impl Iterator<Item = Locked<'r, Reader>>;
    /// Forgets the way to a reader that is about to be freed. Its thread has ended, and knows the way no more.
    fn forget(_: &Self::Readers, _: Locked<'_, Reader>) {}
    /// Takes the calling thread's reader away, without giving it to another thread.
    fn leave(readers: &Self::Readers);
    /// Pins this thread: nothing that it can reach from now on is freed until it unpins.
    ///
    /// # Safety
    /// The reader is of a cache of this kind, `Self`.
    unsafe fn pin<'r, B: Biased>(mine: Owner<'r>, bias: &B) -> Pin<'r>;
}

/// `scope = process`: readers are pinned, the state is behind a mutex.
#[derive(Debug)]
pub enum AllThreads {}

/// `scope = thread`: one reader, and only plain loads and stores.
#[derive(Debug)]
pub enum OneThread {}

/// Like `T`, for one of many tables that come and go. A table begins with room for a few entries, and is never biased, because each
/// of many would have to end its bias.
#[derive(Debug)]
pub struct Small<T>(PhantomData<T>);

/// `scope = self.memo`.
pub type OfObject = Small<AllThreads>;

impl Threading for AllThreads {
    type Pointer<T> = Arc<T>;
    type Lock<T> = Mutex<T>;
    type LockGuard<'l, T: 'l> = MutexGuard<'l, T>;
    type Readers = Readers;
    type Bias = Bias;
    type Blocks<X: Blank> = Wide<X>;
    type Seldom<X: Default> = AtOnce<X>;
    type SeldomShared<X: Default> = AtOnce<X>;
    type UnlessSmall<X> = AtOnce<X>;
    type Apart<X> = OwnLine<X>;
    const SHARED: bool = true;
    const BEGINS_SMALL: bool = false;

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

    #[inline(always)]
    fn try_enter<T>(lock: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
        lock.try_lock()
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

    fn join_in<'r>(readers: &'r Readers, list: &mut List, is_apart: bool) -> Option<Owner<'r>> {
        readers.join_in(list, is_apart)
    }

    fn all<'r>(_: &'r Readers, list: &'r List) -> impl Iterator<Item = Locked<'r, Reader>> {
        list.all()
    }

    fn leave(readers: &Readers) {
        readers.leave();
    }

    #[inline(always)]
    unsafe fn pin<'r, B: Biased>(mine: Owner<'r>, bias: &B) -> Pin<'r> {
        match B::MAY_HOLD {
            true => mine.pin_without_fence_if(|reader| bias.holds_after_store(reader)),
            false => mine.pin(),
        }
    }
}

impl Threading for OneThread {
    type Pointer<T> = Rc<T>;
    type Lock<T> = RefCell<T>;
    type LockGuard<'l, T: 'l> = RefMut<'l, T>;
    type Readers = OnlyReader;
    type Bias = ();
    type Blocks<X: Blank> = Wide<X>;
    type Seldom<X: Default> = AtOnce<X>;
    type SeldomShared<X: Default> = AtOnce<X>;
    type UnlessSmall<X> = AtOnce<X>;
    type Apart<X> = OwnLine<X>;
    const SHARED: bool = false;
    const BEGINS_SMALL: bool = false;

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

    #[inline(always)]
    fn try_enter<T>(lock: &RefCell<T>) -> Option<RefMut<'_, T>> {
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

    fn join_in<'r>(reader: &'r OnlyReader, _: &mut List, _: bool) -> Option<Owner<'r>> {
        Some(reader.mine())
    }

    fn all<'r>(reader: &'r OnlyReader, _: &'r List) -> impl Iterator<Item = Locked<'r, Reader>> {
        core::iter::once(reader.locked())
    }

    fn leave(_: &OnlyReader) {}

    #[inline(always)]
    unsafe fn pin<'r, B: Biased>(mine: Owner<'r>, _: &B) -> Pin<'r> {
        // SAFETY: a cache of one thread has one reader.
        unsafe { mine.pin_alone() }
    }
}

impl<T: Threading> Threading for Small<T> {
    type Pointer<X> = T::Pointer<X>;
    type Lock<X> = T::Lock<X>;
    type LockGuard<'l, X: 'l> = T::LockGuard<'l, X>;
    type Readers = AtHand<T::Readers>;
    type Bias = ();
    type Blocks<X: Blank> = Doubling<X>;
    type Seldom<X: Default> = OnDemand<X>;
    type SeldomShared<X: Default> = OnDemandShared<X>;
    type UnlessSmall<X> = ();
    type Apart<X> = Beside<X>;
    const SHARED: bool = T::SHARED;
    const BEGINS_SMALL: bool = true;

    #[inline]
    fn pointer<X>(value: X) -> T::Pointer<X> {
        T::pointer(value)
    }

    fn lock<X>(value: X) -> T::Lock<X> {
        T::lock(value)
    }

    #[inline]
    fn enter<X>(lock: &T::Lock<X>) -> T::LockGuard<'_, X> {
        T::enter(lock)
    }

    #[inline(always)]
    fn try_enter<X>(lock: &T::Lock<X>) -> Option<T::LockGuard<'_, X>> {
        T::try_enter(lock)
    }

    fn open<X>(lock: &mut T::Lock<X>) -> &mut X {
        T::open(lock)
    }

    fn readers() -> AtHand<T::Readers> {
        AtHand::new(T::readers())
    }

    #[inline(always)]
    fn mine(readers: &AtHand<T::Readers>) -> Option<Owner<'_>> {
        match readers.mine() {
            Some(mine) if T::SHARED => Some(mine),
            _ => T::mine(&readers.others),
        }
    }

    fn join_in<'r>(readers: &'r AtHand<T::Readers>, list: &mut List, _: bool) -> Option<Owner<'r>> {
        let at_hand = if T::SHARED { readers.join_in(list) } else { None };
        at_hand.or_else(|| T::join_in(&readers.others, list, false))
    }

    fn all<'r>(readers: &'r AtHand<T::Readers>, list: &'r List) -> impl Iterator<Item = Locked<'r, Reader>> {
        T::all(&readers.others, list)
    }

    fn forget(readers: &AtHand<T::Readers>, reader: Locked<'_, Reader>) {
        readers.forget(reader);
    }

    fn leave(readers: &AtHand<T::Readers>) {
        readers.leave();
        T::leave(&readers.others);
    }

    #[inline(always)]
    unsafe fn pin<'r, B: Biased>(mine: Owner<'r>, bias: &B) -> Pin<'r> {
        // SAFETY: the reader is of a cache of this kind, which has the readers of `T`.
        unsafe { T::pin(mine, bias) }
    }
}
