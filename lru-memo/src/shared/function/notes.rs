//! What a process samples of the uses of a function, for the advice on its bound.

use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

use crate::advice::fleet::{TimedUse, Uses};
use crate::advice::record::Use;
use crate::shared::wall;
use crate::sys::sync::Mutex;

/// How many uses wake the thread that tells the store.
pub(super) const BATCH: usize = 512;
/// How many uses a process holds. With more, it samples fewer keys.
const MOST: usize = 8 * BATCH;

/// The hash of a key that is sampled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sampled(pub(super) u32);

/// What this process has sampled since it has last told the store.
pub(super) struct Notes {
    /// The largest hash that is sampled.
    pub(super) threshold: AtomicU32,
    /// Whether the store has failed.
    pub(super) is_failing: AtomicBool,
    uses: Mutex<Uses>,
    /// How many uses were delivered since this process has sampled fewer keys.
    pub(super) delivered: AtomicU64,
    /// The calls that the store has been told of.
    pub(super) sent: Mutex<u64>,
}

impl Notes {
    pub(super) fn new() -> Self {
        Self {
            threshold: AtomicU32::new(u32::MAX),
            is_failing: AtomicBool::new(false),
            uses: Mutex::default(),
            delivered: AtomicU64::new(0),
            sent: Mutex::new(0),
        }
    }

    /// Notes a use, and returns how many there are.
    pub(super) fn note(&self, hash: u32, used: Use) -> usize {
        let mut log = self.uses.lock();
        if log.uses.len() >= MOST {
            if self.is_failing.load(Relaxed) {
                log.uses.clear();
            } else {
                log.narrow();
                self.threshold.store(log.threshold(), Relaxed);
            }
        }
        if hash <= log.threshold() {
            log.uses.push(TimedUse::new(wall::unmoved(), hash, used));
        }
        log.uses.len()
    }

    /// Takes all uses out.
    pub(super) fn take(&self) -> Uses {
        let mut log = self.uses.lock();
        let mut rest = Uses::default();
        rest.narrow_to(log.turn());
        core::mem::replace(&mut *log, rest)
    }

    /// Puts back what could not be delivered.
    pub(super) fn give_back(&self, mut undelivered: Uses) {
        *self.sent.lock() -= core::mem::take(&mut undelivered.lookups);
        self.uses.lock().merge(undelivered);
    }

    pub(super) fn narrow_to(&self, turn: u32) {
        let mut log = self.uses.lock();
        log.narrow_to(turn);
        self.threshold.store(log.threshold(), Relaxed);
    }
}
