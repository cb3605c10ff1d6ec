//! What was removed and may still be seen: it becomes free when all who were pinned when it was removed have
//! ended, and nobody keeps it for foreign code.
//!
//! The places are handled in two batches. When the second one is begun to be waited for, those who are pinned are
//! noted; the first is filled meanwhile.

use alloc::vec::Vec;
use core::sync::atomic::Ordering::SeqCst;

use crate::sys::sync::fence;
use crate::table::blocks::Place;
use crate::table::index::Buckets;
use crate::table::reader::Reader;
use crate::table::readers::List;

/// Places and buckets that readers may still see.
#[derive(Default)]
struct Batch {
    places: Vec<Place>,
    buckets: Vec<Buckets>,
}

// SAFETY: the pointers are to readers, which all threads may share.
unsafe impl Send for Limbo {}

#[derive(Default)]
pub(crate) struct Limbo {
    fresh: Batch,
    waiting: Batch,
    /// Those who were pinned when the waiting batch was begun, at which word.
    pinned: Vec<(*const Reader, u64)>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.places.is_empty() && self.buckets.is_empty()
    }
}

impl Limbo {
    /// The number of places.
    pub(crate) fn len(&self) -> usize {
        self.fresh.places.len() + self.waiting.places.len()
    }

    /// Adds a place that cannot be found any more.
    pub(crate) fn push(&mut self, place: Place) {
        self.fresh.places.push(place);
    }

    /// Adds buckets that are not used any more.
    pub(crate) fn push_buckets(&mut self, buckets: Buckets) {
        self.fresh.buckets.push(buckets);
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = Place> {
        self.fresh.places.iter().chain(&self.waiting.places).copied()
    }

    /// Whether there is nothing.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.fresh.is_empty()
    }

    /// Forgets those who were pinned and are not any more.
    pub(crate) fn retain_pinned(&mut self) {
        // SAFETY: the readers are in the list of the cache: whoever frees one calls this first.
        self.pinned.retain(|&(reader, word)| unsafe { &*reader }.pinned_at() == Some(word));
    }

    /// Moves the places to `free` that nobody can see any more. Only others than the calling thread are asked: there
    /// are none without `readers`. In `kept` are the places that somebody keeps, to which those of hazards are added.
    pub(crate) fn settle(
        &mut self,
        readers: Option<&List>,
        hazards: impl Fn() -> Vec<Place>,
        kept: &[Place],
        free: &mut Vec<Place>,
    ) {
        let mut still_kept = Vec::new();
        // Once for the waiting batch, once more for what was the fresh one.
        for _ in 0..2 {
            if self.waiting.is_empty() {
                if self.fresh.is_empty() {
                    break;
                }
                core::mem::swap(&mut self.waiting, &mut self.fresh);
                if let Some(readers) = readers {
                    // After this, whoever pins does not find what was removed.
                    fence(SeqCst);
                    let pinned = |reader: &Reader| Some((core::ptr::from_ref(reader), reader.pinned_at()?));
                    self.pinned.extend(readers.all().filter_map(pinned));
                }
            } else {
                self.retain_pinned();
            }
            if !self.pinned.is_empty() {
                break;
            }
            self.waiting.buckets.clear();
            let hazards = hazards();
            if hazards.is_empty() && kept.is_empty() {
                free.append(&mut self.waiting.places);
            } else {
                let is_kept = |place: &Place| hazards.contains(place) || kept.contains(place);
                let (stay, go): (Vec<Place>, Vec<Place>) = self.waiting.places.drain(..).partition(is_kept);
                still_kept.extend(stay);
                free.extend(go);
            }
        }
        self.fresh.places.append(&mut still_kept);
    }
}
