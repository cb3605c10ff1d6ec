//! Takes notes of the uses of a cache, without a lock: a hit of a key that is sampled writes a word.

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::model::Model;
use super::record::{Record, Use};
use crate::sys::fork::Own;
use crate::sys::sync::{AtomicU32, AtomicU64, Mutex};
use crate::table::index::PartialHash;

/// How many uses are noted before they are counted, which takes some microseconds.
const LENGTH: usize = 128;

/// Watches a cache.
// What hits read lies in a cache line that they rarely write to.
#[repr(align(64))]
pub struct Sampler {
    /// The largest hash that is sampled now.
    threshold: AtomicU32,
    log: Log,
    /// It begins anew in the child of a fork: another thread may have been changing it.
    model: Own<Mutex<Model>>,
}

/// The latest uses.
#[repr(align(64))]
struct Log {
    /// How many were to be noted; more than there is room for, if some were not.
    length: AtomicUsize,
    records: [AtomicU64; LENGTH],
}

/// Fibonacci hashing (Knuth): partial hashes need not be spread well, because a hasher of the user's may return numbers as
/// they are. Different partial hashes have different results.
#[inline(always)]
fn hash(partial_hash: PartialHash) -> u32 {
    partial_hash.wrapping_mul(0x9e37_79b9)
}

impl Sampler {
    pub(super) fn new() -> Self {
        let records = core::array::from_fn(|_| AtomicU64::new(0));
        let log = Log { length: AtomicUsize::new(0), records };
        Self { threshold: AtomicU32::new(u32::MAX), log, model: Own::none() }
    }

    #[inline(always)]
    pub(super) fn samples(&self, partial_hash: PartialHash) -> bool {
        hash(partial_hash) <= self.threshold.load(Relaxed)
    }

    /// Notes a use of a key, if it is sampled.
    #[inline]
    pub(super) fn note(&self, partial_hash: PartialHash, used: Use, maxsize: impl FnOnce() -> Option<usize>) {
        if self.samples(partial_hash) {
            self.push(Record::new(hash(partial_hash).max(1), used), maxsize);
        }
    }

    #[inline(never)]
    fn push(&self, record: Record, maxsize: impl FnOnce() -> Option<usize>) {
        let at = self.log.length.fetch_add(1, Relaxed);
        if let Some(place) = self.log.records.get(at) {
            place.store(record.word(), Release);
            return;
        }
        let model = self.model(maxsize);
        // A hit waits for no other thread: it is lost while that counts.
        let locked = if record.parts().1 == Use::Hit { model.try_lock() } else { Some(model.lock()) };
        if let Some(mut model) = locked {
            self.drain(&mut model);
            model.note(record);
            self.threshold.store(model.threshold(), Relaxed);
        }
    }

    fn model(&self, maxsize: impl FnOnce() -> Option<usize>) -> &Mutex<Model> {
        self.model.get_or_make(|| Mutex::new(Model::new(maxsize().unwrap_or(usize::MAX))))
    }

    /// Counts what was noted.
    fn drain(&self, model: &mut Model) {
        let mut done = 0;
        loop {
            let length = self.log.length.load(Acquire);
            for place in &self.log.records[done.min(LENGTH)..length.min(LENGTH)] {
                // Who writes it this very moment is too late for this time.
                if let Some(record) = Record::of(place.load(Acquire)) {
                    place.store(0, Relaxed);
                    model.note(record);
                }
            }
            done = length;
            if self.log.length.compare_exchange(length, 0, Release, Relaxed).is_ok() {
                break;
            }
        }
    }

    /// Counts what was noted, and then does this with the model.
    pub(super) fn with<R>(
        &self,
        maxsize: impl FnOnce() -> Option<usize>,
        then: impl FnOnce(&mut Model) -> R,
    ) -> R {
        let mut model = self.model(maxsize).lock();
        self.drain(&mut model);
        let result = then(&mut model);
        self.threshold.store(model.threshold(), Relaxed);
        result
    }
}
