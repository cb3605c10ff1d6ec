//! Reclamation: which places are retired, kept and free.
//!
//! A writer unlinks an entry from the index, then *retires* its place. A retired place is *freed* once every reader that
//! was pinned at that time has unpinned, no hazard names the place, and nobody has it kept in the lock.
//!
//! Places are freed in two batches. When a batch begins to wait, the pinned readers are noted; the other batch is filled
//! meanwhile.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::SeqCst;

use crate::sys::sync::fence;
use crate::table::blocks::Place;
use crate::table::index::RetiredBuckets;
use crate::table::live::Live;
use crate::table::reader::Reader;
use crate::table::readers::List;

/// Retired places and buckets.
#[derive(Default)]
struct Batch {
    places: Vec<Place>,
    buckets: Vec<RetiredBuckets>,
}

/// The places of a table that are not live, and those that are kept.
#[derive(Default)]
pub(crate) struct Limbo {
    free: Vec<Place>,
    /// What other threads may see. Most caches of objects never need it.
    retired: Option<Box<Retired>>,
}

#[derive(Default)]
struct Retired {
    fresh: Batch,
    waiting: Batch,
    /// The readers that were pinned when the waiting batch began to wait, each with its word then.
    pinned: Vec<(*const Reader, u64)>,
    /// Places that foreign code looks at, for threads without a hazard. A place may be kept more than once.
    kept: Vec<Place>,
}

// SAFETY: the pointers are to readers, which are `Sync`.
unsafe impl Send for Retired {}

impl Batch {
    fn is_empty(&self) -> bool {
        self.places.is_empty() && self.buckets.is_empty()
    }

    /// # Safety
    /// No reader can see the buckets any more (invariant 5).
    unsafe fn free_buckets(&mut self) {
        for buckets in self.buckets.drain(..) {
            // SAFETY: as the caller says.
            unsafe { buckets.free() };
        }
    }
}

impl Drop for Retired {
    fn drop(&mut self) {
        for batch in [&mut self.fresh, &mut self.waiting] {
            // SAFETY: the table is dropped, so it has no readers.
            unsafe { batch.free_buckets() };
        }
    }
}

impl Retired {
    fn is_at_rest(&self) -> bool {
        self.waiting.is_empty() && self.fresh.is_empty() && self.kept.is_empty()
    }

    /// Forgets the readers that have unpinned.
    fn retain_pinned(&mut self) {
        // SAFETY: the readers are in the list of the table. A thread that frees readers calls this first.
        self.pinned.retain(|&(reader, word)| unsafe { &*reader }.pinned_at() == Some(word));
    }

    /// As [`Limbo::settle`]. Appends the freed places to `free`.
    fn settle(&mut self, readers: Option<&List>, hazards: impl Fn() -> Vec<Place>, free: &mut Vec<Place>) {
        let mut still_kept = Vec::new();
        // Once for the waiting batch, once more for what was the fresh one.
        for _ in 0..2 {
            if self.waiting.is_empty() {
                if self.fresh.is_empty() {
                    break;
                }
                core::mem::swap(&mut self.waiting, &mut self.fresh);
                if let Some(readers) = readers {
                    // A reader that pins after this does not find what was unlinked. A reader that pinned before is noted.
                    fence(SeqCst);
                    let pinned = readers
                        .all()
                        .filter_map(|reader| Some((core::ptr::from_ref(reader.get()), reader.pinned_at()?)));
                    self.pinned.extend(pinned);
                }
            } else {
                self.retain_pinned();
            }
            if !self.pinned.is_empty() {
                break;
            }
            // SAFETY: invariant 5: every reader that was pinned after the buckets were unlinked has unpinned.
            unsafe { self.waiting.free_buckets() };
            let hazards = hazards();
            if hazards.is_empty() && self.kept.is_empty() {
                free.append(&mut self.waiting.places);
            } else {
                let is_kept = |place: &Place| hazards.contains(place) || self.kept.contains(place);
                let (stay, go): (Vec<Place>, Vec<Place>) = self.waiting.places.drain(..).partition(is_kept);
                still_kept.extend(stay);
                free.extend(go);
            }
        }
        self.fresh.places.append(&mut still_kept);
    }
}

impl Limbo {
    fn not_free(&mut self) -> &mut Retired {
        self.retired.get_or_insert_default()
    }

    /// Returns the number of retired places.
    pub(crate) fn len(&self) -> usize {
        self.retired.as_ref().map_or(0, |retired| retired.fresh.places.len() + retired.waiting.places.len())
    }

    /// Returns whether nothing is retired, and nothing is kept.
    #[inline]
    pub(crate) fn is_at_rest(&self) -> bool {
        self.retired.as_ref().is_none_or(|retired| retired.is_at_rest())
    }

    /// Retires a place, whose entry was unlinked from the index.
    pub(crate) fn retire(&mut self, place: Place) {
        self.not_free().fresh.places.push(place);
    }

    /// Retires buckets, which the index has replaced.
    pub(crate) fn retire_buckets(&mut self, buckets: RetiredBuckets) {
        self.not_free().fresh.buckets.push(buckets);
    }

    /// Retires all live places, whose entries were unlinked from the index.
    pub(crate) fn retire_all(&mut self, live: &Live) {
        self.not_free().fresh.places.extend(live.places());
    }

    /// Adds the retired places to a list.
    pub(crate) fn add_retired_to(&self, places: &mut Vec<Place>) {
        places.extend(self.retired());
    }

    /// Returns the retired places.
    fn retired(&self) -> impl Iterator<Item = Place> {
        let [fresh, waiting] = match &self.retired {
            Some(retired) => [&retired.fresh.places[..], &retired.waiting.places],
            None => [&[][..]; 2],
        };
        fresh.iter().chain(waiting).copied()
    }

    /// Frees a place that no thread can see.
    #[inline]
    pub(crate) fn free(&mut self, place: Place) {
        self.free.push(place);
    }

    /// Returns this number of places, those that were freed last.
    pub(crate) fn last_freed(&self, count: usize) -> &[Place] {
        &self.free[self.free.len() - count..]
    }

    /// Returns whether no place is free.
    pub(crate) fn has_no_free_place(&self) -> bool {
        self.free.is_empty()
    }

    /// Returns a free place, which is free no more.
    pub(crate) fn take_free(&mut self) -> Option<Place> {
        self.free.pop()
    }

    /// Keeps a place from being freed.
    pub(crate) fn keep(&mut self, place: Place) {
        self.not_free().kept.push(place);
    }

    /// Ends one [`keep`](Self::keep).
    pub(crate) fn unkeep(&mut self, place: Place) {
        let kept = &mut self.not_free().kept;
        let at = kept.iter().position(|&kept| kept == place).expect("the place is kept");
        kept.swap_remove(at);
    }

    /// Forgets the readers that have unpinned.
    pub(crate) fn retain_pinned(&mut self) {
        if let Some(retired) = &mut self.retired {
            retired.retain_pinned();
        }
    }

    /// Frees the places and buckets that no thread can see any more, and returns how many places. `readers` are those of
    /// other threads, or `None` if there are none. `hazards` returns the places that hazards name.
    pub(crate) fn settle(&mut self, readers: Option<&List>, hazards: impl Fn() -> Vec<Place>) -> usize {
        let were_free = self.free.len();
        if let Some(retired) = &mut self.retired {
            retired.settle(readers, hazards, &mut self.free);
        }
        self.free.len() - were_free
    }
}

#[cfg(any(test, fuzzing))]
impl Limbo {
    /// Checks that each place up to the last is live, retired or free, and only one of these, that kept places are not
    /// free, and that noted readers exist.
    pub(crate) fn validate(&self, live: &Live, last: Place, readers: &List) {
        let mut places: Vec<Place> =
            live.places().chain(self.retired()).chain(self.free.iter().copied()).collect();
        places.sort_unstable();
        assert!(
            places.into_iter().eq(1..=last),
            "each place is live, retired or free, and only one of these"
        );
        let is_there = |&place: &Place| live.has(place) || self.retired().any(|other| other == place);
        let Some(retired) = &self.retired else { return };
        assert!(retired.kept.iter().all(is_there), "a kept place is not free");
        let is_listed = |&(reader, _): &(*const Reader, u64)| {
            readers.all().any(|listed| core::ptr::eq(listed.get(), reader))
        };
        assert!(retired.pinned.iter().all(is_listed), "the pinned readers exist");
    }
}
