//! The totals of a function, which are those of all processes.
//!
//! The store counts lookups, and entries that leave. What only a process knows, it counts itself: runs, errors, waits,
//! hits of the near cache, and calls that the store was not asked about. It tells the store of them later, so that no
//! call waits for that: at the end of a run if the store does not block, else from a thread, [`PAUSE`] later. The thread
//! ends when there is nothing to tell.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, Thread};

use super::advice::{self, Notes, Sampled};
use super::stale::Looked;
use super::{SharedCache, SharedCall, SharedMiss, SharedPending};
use crate::advice::Use;
use crate::info::Outcome;
use crate::shared::error::Error;
use crate::shared::task;
use crate::shared::{Store, configured};
use crate::sys::fork::Own;
use crate::sys::sync::Mutex;
use crate::totals::{CacheTotals, Runs};

/// How long what a process has counted waits for more.
const PAUSE: Duration = Duration::from_millis(100);
/// The same while another process tells the store what it has sampled of the function.
const PAUSE_OF_BUSY: Duration = Duration::from_millis(5);
/// The same after the store has failed.
const PAUSE_OF_FAILED: Duration = Duration::from_secs(1);

/// What this process has counted of a function. The child of a fork begins without anything.
pub(super) struct Ledger {
    pub(super) calls: Calls,
    pub(super) runs: Runs,
    /// For the advice on the bound.
    pub(super) notes: Notes,
    /// The part that the store has been told.
    sent: Mutex<CacheTotals>,
    /// Whether the thread will tell the store.
    is_listed: AtomicBool,
    told: Mutex<Told>,
}

/// How the calls in this process have ended.
#[derive(Default)]
pub(super) struct Calls {
    hits: AtomicU64,
    misses: AtomicU64,
    pub(super) waits: AtomicU64,
    stale_hits: AtomicU64,
    /// The hits and misses that the store has not counted.
    unseen_hits: AtomicU64,
    unseen_misses: AtomicU64,
}

/// What the store has told last, and what this process had counted then.
#[derive(Default)]
struct Told {
    of_all: CacheTotals,
    own: CacheTotals,
}

/// A way in which a call misses.
pub(super) trait Missed {
    /// Whether the store has counted the miss.
    fn is_seen(&self) -> bool;
}

impl Missed for SharedMiss {
    fn is_seen(&self) -> bool {
        self.since.is_some()
    }
}

impl Missed for SharedPending {
    fn is_seen(&self) -> bool {
        !matches!(self, Self::Run(miss) if !miss.is_seen())
    }
}

impl SharedCache {
    /// Counts a hit for `Ok`, a miss for `Err`.
    pub(super) fn count<V, E: Missed>(
        &'static self,
        sampled: Option<Sampled>,
        found: Result<V, E>,
    ) -> Result<V, E> {
        match &found {
            Ok(_) => self.count_hit(sampled),
            Err(miss) => self.count_miss(sampled, miss.is_seen()),
        }
        found
    }

    pub(super) fn count_hit(&'static self, sampled: Option<Sampled>) {
        self.ledger().calls.hits.fetch_add(1, Relaxed);
        self.note_use(sampled, Use::Hit);
    }

    pub(super) fn count_miss(&'static self, sampled: Option<Sampled>, is_seen: bool) {
        let calls = &self.ledger().calls;
        calls.misses.fetch_add(1, Relaxed);
        if is_seen {
            self.note_use(sampled, Use::Missed);
        } else {
            calls.unseen_misses.fetch_add(1, Relaxed);
        }
    }
}

impl Ledger {
    fn new(name: &'static str) -> Self {
        Self {
            calls: Calls::default(),
            runs: Runs::of(|| name),
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
    fn tell(&self, cache: &SharedCache, store: &dyn Store) -> Result<(), Error> {
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
        store.count(&cache.space, &more).inspect_err(|_| {
            let mut sent = self.sent.lock();
            *sent = sent.with(&more, u64::saturating_sub);
        })
    }

    /// Returns the totals, given those of the store if it has any. No number becomes smaller, but for a store that has
    /// lost its own.
    fn totals(&self, of_all: Option<CacheTotals>) -> CacheTotals {
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

impl SharedCache {
    /// Returns what this process has counted.
    #[inline]
    pub(super) fn ledger(&'static self) -> &'static Ledger {
        self.ledger.get_or_make(|| Ledger::new(self.space.name()))
    }

    /// Counts a hit or a miss of a function with `stale`.
    pub(super) fn count_looked<V, E: Missed>(
        &'static self,
        sampled: Option<Sampled>,
        looked: Looked<V, E>,
    ) -> Looked<V, E> {
        let calls = &self.ledger().calls;
        if matches!(looked, Ok((_, Outcome::Stale))) {
            calls.stale_hits.fetch_add(1, Relaxed);
            self.tell_later();
        }
        self.count(sampled, looked)
    }

    /// Counts a hit that the store has not counted.
    pub(super) fn count_unseen_hit(&'static self) {
        self.ledger().calls.unseen_hits.fetch_add(1, Relaxed);
        self.tell_later();
    }

    /// Tells the store at once what this process has counted, if the store does not block, or else later.
    pub(super) fn tell_soon(&'static self) {
        if !self.is_told_apart {
            return;
        }
        let ledger = self.ledger();
        let told = configured::opened()
            .filter(|store| !store.blocks())
            .and_then(|store| task::without_waiting(|| ledger.tell(self, store)));
        if !matches!(told, Some(Ok(()))) {
            self.tell_later();
        }
    }

    /// Has the thread tell the store.
    pub(super) fn tell_later(&'static self) {
        let ledger = self.ledger();
        if !ledger.is_listed.load(Relaxed) && !ledger.is_listed.swap(true, Relaxed) {
            let mut telling = TELLING.get_or_make(Mutex::default).lock();
            telling.caches.push(self);
            if telling.thread.is_none() {
                let thread = thread::Builder::new().name("lru-memo totals".into());
                telling.thread = thread.spawn(tell_all).ok().map(|thread| thread.thread().clone());
            }
        }
    }
}

impl SharedCall {
    /// Returns the totals of all processes. When the store does not work, returns what it has told last, and what this
    /// process has counted since.
    pub async fn totals(self) -> CacheTotals {
        let cache = self.cache;
        let question = |store: &dyn Store| {
            cache.ledger().tell(cache, store)?;
            Ok(store.summary(&cache.space)?.totals)
        };
        let totals = self.ask(move |store, _, _| question(store)).await;
        cache.ledger().totals(totals.flatten())
    }
}

/// Tells the store of a run when it ends, however it ends.
pub(super) struct Teller(pub(super) &'static SharedCache);

impl Drop for Teller {
    fn drop(&mut self) {
        self.0.tell_soon();
    }
}

/// The thread's list.
static TELLING: Own<Mutex<Telling>> = Own::none();

#[derive(Default)]
struct Telling {
    caches: Vec<&'static SharedCache>,
    /// The thread, while it runs.
    thread: Option<Thread>,
}

/// Has the thread tell the store now.
pub(super) fn wake() {
    if let Some(thread) = &TELLING.get_or_make(Mutex::default).lock().thread {
        thread.unpark();
    }
}

/// Tells the store until there is nothing left to tell.
fn tell_all() {
    let mut pause = PAUSE;
    loop {
        if pause < PAUSE_OF_FAILED {
            // May end early; then there is less to tell.
            thread::park_timeout(pause);
        } else {
            thread::sleep(pause);
        }
        let caches = {
            let mut telling = TELLING.get_or_make(Mutex::default).lock();
            if telling.caches.is_empty() {
                telling.thread = None;
                return;
            }
            core::mem::take(&mut telling.caches)
        };
        pause = PAUSE;
        for cache in caches {
            let ledger = cache.ledger();
            // What is counted from now on lists the function again.
            ledger.is_listed.store(false, Relaxed);
            let tell = || {
                let Some(store) = configured::opened() else { return Ok(true) };
                ledger.tell(cache, store)?;
                advice::tell(cache, store)
            };
            // The panic hook has reported a panic.
            let told = catch_unwind(AssertUnwindSafe(tell));
            if !matches!(told, Ok(Ok(true))) {
                cache.tell_later();
            }
            match told {
                Ok(Ok(false)) if pause == PAUSE => pause = PAUSE_OF_BUSY,
                Ok(Ok(_)) => {}
                _ => pause = PAUSE_OF_FAILED,
            }
        }
    }
}
