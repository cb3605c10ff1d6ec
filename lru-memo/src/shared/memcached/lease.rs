//! Leases. A lease is an item that only one process can add. The item expires unless its process renews it, so the keys
//! of a killed process become free after a while.
//!
//! The holder ends a lease by deleting the item with its number. A renewal does not change the number, so the thread
//! that renews never interferes. A waiter that sees no renewal for the length of a lease deletes the item in the same
//! way.

use alloc::string::String;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::hash::BuildHasher;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::collections::hash_map::RandomState;
use std::thread;
use std::time::Instant;

use super::servers::Servers;
use super::url::Options;
use super::watched::Watched;
use super::wire::{Answer, Batch, When};
use crate::shared::error::Error;
use crate::shared::lease::Lease;
use crate::sys::fork::{Own, start_thread};
use crate::sys::sync::Mutex;

/// The first and the longest pause of a waiter between two attempts.
const SLEEPS: [Duration; 2] = [Duration::from_micros(500), Duration::from_millis(50)];
/// How many leases one request renews. The request fits into a socket's buffer.
const BATCH: usize = 500;

/// The leases of this process, and the thread that renews them.
pub(super) struct Leases {
    servers: Arc<Servers>,
    options: Options,
    of_process: Own<ProcessLeases>,
}

#[derive(Default)]
struct ProcessLeases {
    held: Mutex<Vec<Weak<Renewal>>>,
    has_thread: AtomicBool,
}

/// The holder's side of a lease. Dropping it ends the lease.
struct HeldLease {
    leases: Arc<Leases>,
    kept: Arc<Renewal>,
}

/// A lease as the renewing thread sees it. The thread has only weak references, so it does not prolong a lease that was
/// dropped.
struct Renewal {
    name: String,
    /// The number of the item.
    number: u64,
    /// Whether the item has expired, or another process has added it again.
    is_lost: AtomicBool,
}

impl Leases {
    pub(super) fn new(servers: Arc<Servers>, options: Options) -> Arc<Self> {
        Arc::new(Self { servers, options, of_process: Own::none() })
    }

    fn of_process(&self) -> &ProcessLeases {
        self.of_process.get_or_make(ProcessLeases::default)
    }

    /// Waits for the lease, as long as its holder renews it.
    pub(super) fn take(self: &Arc<Self>, name: String) -> Result<Lease, Error> {
        let mut sleep = SLEEPS[0];
        let mut seen: Option<Watched> = None;
        loop {
            let mut batch = Batch::new();
            batch.set(&name, b"", When::Absent, self.seconds());
            batch.watch(&name);
            let asked = Instant::now();
            let mut answers = self.servers.of(&name).exchange(&batch, self.until())?.into_iter();
            let mut next = || answers.next().unwrap_or(Answer::Missing);
            if let Some(number) = next().done()? {
                return Ok(self.held(name, number));
            }
            if let Some((number, left)) = next().lasts()? {
                let answered = Instant::now();
                let watched = seen.get_or_insert_with(|| Watched::new(number, left, answered));
                watched.see(number, left, asked, answered);
                if watched.kept.elapsed() >= self.options.lease {
                    self.end(&name, number)?;
                }
            }
            // A random pause, so that waiters do not ask at the same time.
            let random = RandomState::new().hash_one(()) % 1024;
            thread::sleep(sleep.mul_f64(0.5 + random as f64 / 1024.0));
            sleep = (sleep * 2).min(SLEEPS[1]);
        }
    }

    pub(super) fn try_take(self: &Arc<Self>, name: String) -> Result<Option<Lease>, Error> {
        let mut batch = Batch::new();
        batch.set(&name, b"", When::Absent, self.seconds());
        let answers = self.servers.of(&name).exchange(&batch, self.until())?;
        let number = answers.into_iter().next().unwrap_or(Answer::Missing).done()?;
        Ok(number.map(|number| self.held(name, number)))
    }

    /// Makes the lease of this item, and has the thread renew it.
    fn held(self: &Arc<Self>, name: String, number: u64) -> Lease {
        let kept = Arc::new(Renewal { name, number, is_lost: AtomicBool::new(false) });
        self.of_process().held.lock().push(Arc::downgrade(&kept));
        self.keep_from_now_on();
        Lease::new(HeldLease { leases: Arc::clone(self), kept })
    }

    /// Deletes the item of a lease, if it still has this number.
    fn end(&self, name: &str, number: u64) -> Result<(), Error> {
        let mut batch = Batch::new();
        batch.delete_unchanged(name, number);
        self.servers.of(name).exchange(&batch, self.until()).map(|_| ())
    }

    fn seconds(&self) -> u32 {
        self.options.lease.as_secs() as u32
    }

    fn until(&self) -> Instant {
        Instant::now() + self.options.timeout
    }

    /// Starts the renewing thread, once in each process. Without the thread, leases expire.
    fn keep_from_now_on(self: &Arc<Self>) {
        let has_thread = &self.of_process().has_thread;
        if has_thread.load(Ordering::Relaxed) || has_thread.swap(true, Ordering::Relaxed) {
            return;
        }
        let (leases, pause) = (Arc::downgrade(self), self.options.lease / 4);
        let keep = move || {
            loop {
                thread::sleep(pause);
                let Some(leases) = leases.upgrade() else { return };
                leases.keep_all();
            }
        };
        // If the thread cannot be started, the next lease tries again.
        if start_thread("lru-memo leases", keep).is_err() {
            has_thread.store(false, Ordering::Relaxed);
        }
    }

    /// Renews all leases, many with one request.
    fn keep_all(&self) {
        let held: Vec<Arc<Renewal>> = {
            let mut all = self.of_process().held.lock();
            all.retain(|held| held.strong_count() > 0);
            let held = all.iter().filter_map(Weak::upgrade);
            held.filter(|held| !held.is_lost.load(Ordering::Relaxed)).collect()
        };
        for server in self.servers.iter() {
            let here = |held: &&Arc<Renewal>| core::ptr::eq(self.servers.of(&held.name), server);
            let here: Vec<&Arc<Renewal>> = held.iter().filter(here).collect();
            for some in here.chunks(BATCH) {
                let mut batch = Batch::new();
                some.iter().for_each(|held| batch.keep(&held.name, self.seconds()));
                // If the server fails, the next round tries again.
                let Ok(answers) = server.exchange(&batch, self.until()) else { break };
                for (held, answer) in some.iter().zip(answers) {
                    if answer.done().is_ok_and(|number| number != Some(held.number)) {
                        held.is_lost.store(true, Ordering::Relaxed);
                    }
                }
            }
        }
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        let Renewal { name, number, is_lost } = &*self.kept;
        if is_lost.load(Ordering::Relaxed) {
            return;
        }
        // If this fails, the item expires.
        let _ = self.leases.end(name, *number);
    }
}
