//! The totals of a function, which are those of all processes.
//!
//! The store counts lookups, and entries that leave. What only a process knows, it counts itself: runs, errors, waits,
//! hits of the near cache, and calls that the store was not asked about. It tells the store of them later, so that no
//! call waits for that: at the end of a run if the store does not block, else from a thread, [`PAUSE`] later. The thread
//! ends when there is nothing to tell.

use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;
use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, Thread};

use super::ledger::Ledger;
use super::notes::Sampled;
use super::{SharedCache, SharedCall, SharedMiss, SharedPending};
use crate::advice::record::Use;
use crate::shared::task;
use crate::shared::{Store, configured};
use crate::sys::fork::{Own, start_thread};
use crate::sys::sync::Mutex;
use crate::totals::CacheTotals;

/// How long what a process has counted waits for more.
const PAUSE: Duration = Duration::from_millis(100);
/// The same while another process tells the store what it has sampled of the function.
const PAUSE_OF_BUSY: Duration = Duration::from_millis(5);
/// The same after the store has failed.
const PAUSE_OF_FAILED: Duration = Duration::from_secs(1);

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

impl SharedCache {
    /// Returns what this process has counted.
    #[inline]
    pub(super) fn ledger(&'static self) -> &'static Ledger {
        self.ledger.get_or_make(|| Ledger::new(self.name))
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
            .and_then(|store| task::without_waiting(|| ledger.tell(&self.space, store)));
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
                telling.thread = start_thread("lru-memo totals", tell_all).ok();
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
            cache.ledger().tell(&cache.space, store)?;
            Ok(store.summary(&cache.space)?.totals)
        };
        let totals = self.ask(move |store, _, _| question(store)).await;
        cache.ledger().totals(totals.flatten())
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
                ledger.tell(&cache.space, store)?;
                cache.tell_uses(store)
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
