//! What a table does that no type of entries is part of.
//!
//! A program compiles a generic function once more for each of its types. So these functions are methods of [`Outlined`], without
//! type parameters, for the two usual kinds of threading: the compiler makes them once, with this crate. Programs build in less
//! time, and their caches share the code.

use crate::table::bias::Biased;
use crate::table::blocks::Place;
use crate::table::front::Parts;
use crate::table::guarded::{Guarded, Rest};
use crate::table::index::{Index, PartialHash};
use crate::table::locked::Locked;
use crate::table::lru::Lru;
use crate::table::reader::Owner;
use crate::table::recency::{Order, Recency};
use crate::table::running::Running;
use crate::table::seldom::{Seldom, SeldomShared};
use crate::table::threading::{AllThreads, OneThread, Small, Threading};

/// With many entries, an eviction prefetches for two later victims. These are their distances: for the later one, its stamp,
/// its partial hash and its entry are prefetched; for the sooner one, its bucket, which its partial hash tells.
pub(super) const LATER: usize = 8;
const SOON: usize = 3;

/// Declares the trait, with a method for each function of this file, and implements it for each kind of threading.
macro_rules! outlined {
    ($($(#[$about:meta])* fn $name:ident($($argument:ident: $of:ty),* $(,)?) $(-> $returned:ty)?;)*) => {
        /// What a table does that no type of entries is part of.
        ///
        /// # Safety
        /// The arguments of each call belong to one table. If the calling thread `is_alone`, no other thread has a reader there.
        #[allow(unreachable_pub, reason = "older Rust does not see that it can be reached")]
        pub trait Outlined: Threading {
            $($(#[$about])* unsafe fn $name($($argument: $of),*) $(-> $returned)?;)*
        }

        outlined!(for [] AllThreads: $($name($($argument: $of),*) $(-> $returned)?;)*);
        outlined!(for [] OneThread: $($name($($argument: $of),*) $(-> $returned)?;)*);
        outlined!(for [T: Threading] Small<T>: $($name($($argument: $of),*) $(-> $returned)?;)*);
    };
    (for [$($generics:tt)*] $Kind:ty: $($name:ident($($argument:ident: $of:ty),*) $(-> $returned:ty)?;)*) => {
        impl<$($generics)*> Outlined for $Kind {
            $(
                #[inline(never)]
                unsafe fn $name($($argument: $of),*) $(-> $returned)? {
                    // SAFETY: as the caller says.
                    unsafe { $name($($argument),*) }
                }
            )*
        }
    };
}

outlined! {
    /// Replaces the least recent entry of a full cache by a new one with this partial hash, as far as that needs no type of
    /// entries. Returns the place, or `None` if it did nothing.
    ///
    /// A miss takes up to a quarter less time than one that retires the place of the victim and takes a free one.
    ///
    /// # Safety
    /// The calling thread is alone.
    fn exchange(
        index: Locked<'_, Index>,
        recency: Locked<'_, Recency<Self>>,
        guarded: &mut Guarded<Self>,
        mine: Owner<'_>,
        partial_hash: PartialHash,
    ) -> Option<Place>;

    /// Returns the place of the least recent entry, if there is any.
    fn least_recent(
        recency: Locked<'_, Recency<Self>>,
        index: Locked<'_, Index>,
        guarded: &mut Guarded<Self>,
    ) -> Option<Place>;

    /// Gives a place a stamp that is larger than all before, by the calling thread's reader if it has one.
    ///
    /// # Safety
    /// The place is known (invariant 3).
    fn stamp(
        recency: Locked<'_, Recency<Self>>,
        guarded: &mut Guarded<Self>,
        mine: Option<Owner<'_>>,
        place: Place,
        step: u32,
    ) -> u64;

    /// Makes a place with a new entry the most recent one, and puts it in the index: instead of the one with its key, if that was
    /// `there`. Returns whether buckets were retired.
    ///
    /// # Safety
    /// The place is known (invariant 3).
    fn link(
        parts: Parts<'_, Self>,
        guarded: &mut Guarded<Self>,
        mine: Option<Owner<'_>>,
        is_alone: bool,
        there: Option<Place>,
        place: Place,
        partial_hash: PartialHash,
    ) -> bool;

    /// Makes room for the stamp of a place.
    ///
    /// # Safety
    /// Places are extended to one after the other, from 1.
    fn extend_stamps_to(recency: Locked<'_, Recency<Self>>, place: Place);

    /// Begins to keep the order of uses.
    fn begin_order(recency: Locked<'_, Recency<Self>>, guarded: &Guarded<Self>);

    /// Frees what was retired and no thread can see any more. Returns the number of freed places.
    fn settle(parts: Parts<'_, Self>, guarded: &mut Guarded<Self>, is_alone: bool) -> usize;

    /// Returns whether the threads of all other readers have ended.
    fn is_alone_by_now(parts: Parts<'_, Self>, guarded: &mut Guarded<Self>, mine: Option<Owner<'_>>) -> bool;

    /// Begins the bias, if the thread stamps alone or the order is not kept.
    ///
    /// # Safety
    /// The calling thread is alone.
    fn begin_bias(parts: Parts<'_, Self>, mine: Owner<'_>);

    /// Begins the bias beside other threads, if the calling thread stamps alone or the order is not kept, and if it alone has taken
    /// the lock for a while.
    fn begin_bias_if_quiet(parts: Parts<'_, Self>, mine: Owner<'_>);

    /// Returns the number of all hits, and that of all misses.
    fn counts(readers: &<Self as Threading>::Readers, guarded: &Guarded<Self>) -> (u64, u64);

    /// Returns whether a computation is under way that has begun before.
    fn runs(parts: Parts<'_, Self>, guarded: &Guarded<Self>) -> bool;
}

#[inline(always)]
unsafe fn exchange<T: Threading>(
    index: Locked<'_, Index>,
    recency: Locked<'_, Recency<T>>,
    guarded: &mut Guarded<T>,
    mine: Owner<'_>,
    partial_hash: PartialHash,
) -> Option<Place> {
    let Guarded { lru, seldom, readers } = guarded;
    let stamps_alone = !T::SHARED || recency.is(&mine);
    if !(stamps_alone && lru.is_full_of_alike()) {
        return None;
    }
    let Rest { order, limbo, evictions, .. } = seldom.made();
    if !(limbo.is_at_rest() && mine.hazard() == 0) {
        return None;
    }
    let entries = lru.len();
    // SAFETY: invariant 3: all places up to the last are known. A reader stamps alone, so the order is kept.
    let place = unsafe { recency.least_recent(&lru.live, entries, lru.last_place(), order, readers) }?;
    *evictions += 1;
    fetch_ahead(order, lru, index, recency);
    index.exchange(lru.exchange(place, partial_hash), partial_hash, place);
    // SAFETY: a live place is known.
    let stamp = unsafe { recency.stamp_alone(place, mine) };
    order.add(place, stamp, entries);
    Some(place)
}

#[inline(always)]
unsafe fn least_recent<T: Threading>(
    recency: Locked<'_, Recency<T>>,
    index: Locked<'_, Index>,
    guarded: &mut Guarded<T>,
) -> Option<Place> {
    let Guarded { lru, seldom, readers } = guarded;
    if !recency.is_kept() {
        return lru.live.places().next();
    }
    let order = &mut seldom.made().order;
    fetch_ahead(order, lru, index, recency);
    // SAFETY: invariant 3: all places up to the last are known.
    unsafe { recency.least_recent(&lru.live, lru.len(), lru.last_place(), order, readers) }
}

/// Prefetches what the evictions of later victims need, except for their entries.
#[inline(always)]
fn fetch_ahead<T: Threading>(
    order: &Order,
    lru: &Lru,
    index: Locked<'_, Index>,
    recency: Locked<'_, Recency<T>>,
) {
    if let (Some(later), Some(soon)) = (order.ahead(LATER), order.ahead(SOON)) {
        recency.fetch(later);
        lru.fetch_partial_hash(later);
        index.fetch(lru.partial_hash(soon));
    }
}

#[inline(always)]
unsafe fn stamp<T: Threading>(
    recency: Locked<'_, Recency<T>>,
    guarded: &mut Guarded<T>,
    mine: Option<Owner<'_>>,
    place: Place,
    step: u32,
) -> u64 {
    let Guarded { lru, seldom, readers } = guarded;
    // SAFETY: as the caller says. In a cache of one thread, the order is always kept.
    unsafe {
        match mine {
            Some(mine) if !T::SHARED => recency.stamp_alone(place, mine),
            mine => {
                let is_new = seldom.get().is_none();
                recency.stamp(
                    place,
                    mine,
                    step,
                    is_new,
                    move || (&mut seldom.made().order, lru.last_place()),
                    readers,
                )
            }
        }
    }
}

#[inline(always)]
unsafe fn link<T: Threading>(
    parts: Parts<'_, T>,
    guarded: &mut Guarded<T>,
    mine: Option<Owner<'_>>,
    is_alone: bool,
    there: Option<Place>,
    place: Place,
    partial_hash: PartialHash,
) -> bool {
    // SAFETY: as the caller says.
    let stamp = unsafe { stamp(parts.recency, guarded, mine, place, 1) };
    let Guarded { lru, seldom, .. } = guarded;
    let (index, entries) = (parts.index, lru.len());
    if let Some(rest) = seldom.get_mut() {
        rest.order.add(place, stamp, entries);
    }
    if let Some(there) = there {
        index.replace(partial_hash, there, place);
        return false;
    }
    match index.insert(partial_hash, place, entries) {
        None => false,
        Some(old) if is_alone => {
            // SAFETY: the calling thread alone could see the old buckets, and looks for none.
            unsafe { old.free() };
            false
        }
        Some(old) => {
            seldom.made().limbo.retire_buckets(old);
            true
        }
    }
}

unsafe fn extend_stamps_to<T: Threading>(recency: Locked<'_, Recency<T>>, place: Place) {
    // SAFETY: as the caller says.
    unsafe { recency.extend_to(place) };
}

unsafe fn begin_order<T: Threading>(recency: Locked<'_, Recency<T>>, guarded: &Guarded<T>) {
    recency.begin(guarded.lru.last_place());
}

unsafe fn settle<T: Threading>(parts: Parts<'_, T>, guarded: &mut Guarded<T>, is_alone: bool) -> usize {
    let Guarded { seldom, readers, .. } = guarded;
    let Some(Rest { limbo, .. }) = seldom.get_mut() else { return 0 };
    let hazards = || {
        let all = T::all(parts.readers, readers).map(|reader| reader.hazard());
        all.filter(|&place| place != 0).collect()
    };
    limbo.settle((!is_alone).then_some(&*readers), hazards)
}

unsafe fn is_alone_by_now<T: Threading>(
    parts: Parts<'_, T>,
    guarded: &mut Guarded<T>,
    mine: Option<Owner<'_>>,
) -> bool {
    if guarded.seldom.made().seen_ends.may_prune() {
        guarded.prune(&parts);
        if guarded.readers.are_only(mine) {
            return true;
        }
    }
    let may_be_quiet = parts.bias.meet(parts.recency, mine, guarded.readers.all());
    if let (true, Some(mine)) = (may_be_quiet, mine) {
        // SAFETY: as the caller says.
        unsafe { begin_bias_if_quiet(parts, mine) };
    }
    false
}

#[inline(always)]
unsafe fn begin_bias<T: Threading>(Parts { recency, bias, .. }: Parts<'_, T>, mine: Owner<'_>) {
    if recency.is(&mine) || !recency.is_kept() {
        bias.begin(recency, mine);
    }
}

#[inline(always)]
unsafe fn begin_bias_if_quiet<T: Threading>(Parts { recency, bias, .. }: Parts<'_, T>, mine: Owner<'_>) {
    if recency.is(&mine) || !recency.is_kept() {
        bias.begin_if_quiet(recency, mine);
    }
}

unsafe fn counts<T: Threading>(readers: &T::Readers, guarded: &Guarded<T>) -> (u64, u64) {
    guarded.counts(readers)
}

unsafe fn runs<T: Threading>(parts: Parts<'_, T>, guarded: &Guarded<T>) -> bool {
    let all = || {
        let of_readers = T::all(parts.readers, &guarded.readers).map(|reader| reader.get().running());
        of_readers.chain(parts.shared.get().map(|shared| &shared.without_reader))
    };
    // The ended ones are summed first, so that whatever begins or ends meanwhile only enlarges the difference.
    let ended: u64 = all().map(Running::ended).sum();
    let begun: u64 = all().map(Running::begun).sum();
    begun != ended
}
