//! What a process counts of a function.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::notes::Notes;
use crate::shared::error::Error;
use crate::shared::{Namespace, Store};
use crate::sys::sync::Mutex;
use crate::totals::{CacheTotals, Runs};

/// What this process has counted of a function. The child of a fork begins without anything.
pub(super) struct Ledger {
    pub(super) calls: Calls,
    pub(super) runs: Runs,
    /// For the advice on the bound.
    pub(super) notes: Notes,
    /// The part that the store has been told.
    sent: Mutex<CacheTotals>,
    /// Whether the thread will tell the store.
    pub(super) is_listed: AtomicBool,
    told: Mutex<Told>,
}

/// How the calls in this process have ended.
#[derive(Default)]
pub(super) struct Calls {
    pub(super) hits: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) waits: AtomicU64,
    pub(super) stale_hits: AtomicU64,
    /// The hits and misses that the store has not counted.
    pub(super) unseen_hits: AtomicU64,
    pub(super) unseen_misses: AtomicU64,
}

/// What the store has told last, and what this process had counted then.
#[derive(Default)]
struct Told {
    of_all: CacheTotals,
    own: CacheTotals,
}

impl Ledger {
    pub(super) fn new(name: fn() -> &'static str) -> Self {
        Self {
            calls: Calls::default(),
            runs: Runs::of(name),
            notes: Notes::new(),
            sent: Mutex::new(CacheTotals::default()),
            is_listed: AtomicBool::new(false),
            told: Mutex::new(Told::default()),
        }
    }

    fn counted(&self, [hits, misses]: [&AtomicU64; 2]) -> CacheTotals {
        let Calls { waits, stale_hits, .. } = &self.calls;
        let [hits, misses, waits, stale_hits] =
            [hits, misses, waits, stale_hits].map(|calls| calls.load(Relaxed));
        CacheTotals { hits, misses, waits, stale_hits, ..self.runs.totals() }
    }

    /// Returns the number of calls.
    pub(super) fn lookups(&self) -> u64 {
        self.calls.hits.load(Relaxed) + self.calls.misses.load(Relaxed)
    }

    /// Returns the part of this process.
    fn own(&self) -> CacheTotals {
        self.counted([&self.calls.hits, &self.calls.misses])
    }

    /// Returns what the store is to be told of.
    fn unseen(&self) -> CacheTotals {
        self.counted([&self.calls.unseen_hits, &self.calls.unseen_misses])
    }

    /// Tells the store what it does not know yet.
    pub(super) fn tell(&self, space: &Namespace, store: &dyn Store) -> Result<(), Error> {
        let more = {
            let mut sent = self.sent.lock();
            let unseen = self.unseen();
            let more = unseen.with(&sent, u64::saturating_sub);
            *sent = unseen;
            more
        };
        if more == CacheTotals::default() {
            return Ok(());
        }
        store.count(space, &more).inspect_err(|_| {
            let mut sent = self.sent.lock();
            *sent = sent.with(&more, u64::saturating_sub);
        })
    }

    /// Returns the totals, given those of the store if it has any. No number becomes smaller, but for a store that has
    /// lost its own.
    pub(super) fn totals(&self, of_all: Option<CacheTotals>) -> CacheTotals {
        let own = self.own();
        let mut told = self.told.lock();
        let Some(of_all) = of_all else {
            let since = own.with(&told.own, u64::saturating_sub);
            return told.of_all.with(&since, u64::saturating_add);
        };
        // A hit whose value cannot be used becomes a miss, so hits alone may be fewer.
        let [mut now, mut before] = [of_all.numbers(), told.of_all.numbers()];
        (now[0], before[0]) = (0, 0);
        let is_lost = now.iter().zip(before).any(|(now, before)| *now < before);
        let of_all = if is_lost { of_all } else { of_all.with(&told.of_all, u64::max) };
        *told = Told { of_all, own };
        of_all
    }
}
