//! Deadlines: a heap, the first deadline on top. The entries have their own deadlines.
//!
//! The heap is not updated when a deadline is put off, or when another entry gets the place. When a deadline comes to the
//! top, it is compared with that of the entry, and put where it belongs.
//!
//! `deadline_of` is a trait object: so the heap is compiled here, and not in each program for each type of entries.

use crate::sys::clock::Instant;
use alloc::boxed::Box;
use alloc::collections::{BinaryHeap, binary_heap::PeekMut};
use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::table::blocks::Place;

/// In a box, because entries of few caches expire.
#[derive(Default)]
pub(crate) struct Deadlines(Option<Box<Heap>>);

type Heap = BinaryHeap<Reverse<(Instant, Place)>>;

impl Deadlines {
    /// Adds a deadline. Deadlines of entries that have left are forgotten once there are more of them than `entries`.
    pub(crate) fn push(
        &mut self,
        deadline: Instant,
        place: Place,
        entries: usize,
        deadline_of: &dyn Fn(Place) -> Option<Instant>,
    ) {
        const FEW: usize = 64;
        let heap = &mut **self.0.get_or_insert_default();
        if heap.len() >= 2 * entries + FEW {
            let mut queued: Vec<_> = core::mem::take(heap).into_vec();
            queued
                .retain(|&Reverse((deadline, place))| deadline_of(place).is_some_and(|now| now >= deadline));
            queued.sort_unstable_by_key(|&Reverse((_, place))| place);
            queued.dedup_by_key(|&mut Reverse((_, place))| place);
            for Reverse((deadline, place)) in &mut queued {
                *deadline = deadline_of(*place).unwrap_or(*deadline);
            }
            *heap = queued.into();
        }
        heap.push(Reverse((deadline, place)));
    }

    /// Takes an entry whose deadline has passed. The caller removes it. `deadline_of` returns the deadline of the entry at a
    /// place, or `None` if there is no entry.
    pub(crate) fn pop(
        &mut self,
        now: Instant,
        deadline_of: &dyn Fn(Place) -> Option<Instant>,
    ) -> Option<Place> {
        let heap = self.0.as_mut()?;
        while let Some(mut top) = heap.peek_mut() {
            let Reverse((deadline, place)) = *top;
            if deadline > now {
                return None;
            }
            match deadline_of(place) {
                Some(later) if later > deadline => *top = Reverse((later, place)),
                at_hand => {
                    PeekMut::pop(top);
                    if at_hand.is_some() {
                        return Some(place);
                    }
                }
            }
        }
        None
    }

    /// Checks that the heap has a deadline for each of these places that is no later than the entry's.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn validate(
        &self,
        live: impl Iterator<Item = Place>,
        deadline_of: impl Fn(Place) -> Option<Instant>,
    ) {
        let mut queued: Vec<(Place, Instant)> = self
            .0
            .iter()
            .flat_map(|heap| heap.iter())
            .map(|&Reverse((deadline, place))| (place, deadline))
            .collect();
        queued.sort_unstable();
        for place in live {
            let Some(deadline) = deadline_of(place) else { continue };
            let first = queued.get(queued.partition_point(|&(other, _)| other < place));
            assert!(
                first.is_some_and(|&(other, first)| other == place && first <= deadline),
                "an entry would expire unnoticed"
            );
        }
    }
}
