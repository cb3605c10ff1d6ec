//! Who computes a key: an item that only one can add. It expires unless its process extends it, so the keys of a
//! process that was killed are free again after a while.

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
use super::wire::{Answer, Batch, When};
use crate::fork::Own;
use crate::shared::error::Error;
use crate::shared::lease::Lease;
use crate::shared::unique::unique;
use crate::sync::Mutex;

/// How long a waiter sleeps before it asks again: at first, and at most.
const SLEEPS: [Duration; 2] = [Duration::from_micros(500), Duration::from_millis(50)];

/// The leases of this process, and the thread that extends them.
pub(super) struct Leases {
    servers: Arc<Servers>,
    options: Options,
    of_process: Own<OfProcess>,
}

#[derive(Default)]
struct OfProcess {
    held: Mutex<Vec<Weak<Held>>>,
    has_thread: AtomicBool,
}

/// A lease, as long as this exists.
struct Held {
    servers: Arc<Servers>,
    timeout: Duration,
    name: String,
    token: [u8; 8],
    /// The number of the item; 0 when somebody else has it.
    number: Mutex<u64>,
}

impl Leases {
    pub(super) fn new(servers: Arc<Servers>, options: Options) -> Arc<Self> {
        Arc::new(Self { servers, options, of_process: Own::none() })
    }

    fn of_process(&self) -> &OfProcess {
        self.of_process.get_or_make(OfProcess::default)
    }

    pub(super) fn take(self: &Arc<Self>, name: String) -> Result<Lease, Error> {
        let mut sleep = SLEEPS[0];
        loop {
            if let Some(lease) = self.try_take(name.clone())? {
                return Ok(lease);
            }
            // Not all at the same time.
            let random = RandomState::new().hash_one(()) % 1024;
            thread::sleep(sleep.mul_f64(0.5 + random as f64 / 1024.0));
            sleep = (sleep * 2).min(SLEEPS[1]);
        }
    }

    pub(super) fn try_take(self: &Arc<Self>, name: String) -> Result<Option<Lease>, Error> {
        let token = unique().to_le_bytes();
        let mut batch = Batch::new();
        batch.set(&name, &token, When::Absent, self.seconds());
        let until = Instant::now() + self.options.timeout;
        let answers = self.servers.of(&name).exchange(&batch, until)?;
        let Some(number) = answers.into_iter().next().unwrap_or(Answer::Missing).done()? else {
            return Ok(None);
        };
        let (servers, timeout) = (Arc::clone(&self.servers), self.options.timeout);
        let held = Arc::new(Held { servers, timeout, name, token, number: Mutex::new(number) });
        self.of_process().held.lock().push(Arc::downgrade(&held));
        self.extend_from_now_on();
        Ok(Some(Lease::new(held)))
    }

    fn seconds(&self) -> u32 {
        self.options.lease.as_secs() as u32
    }

    /// Starts the thread, once in each process. Without it, leases end when they expire.
    fn extend_from_now_on(self: &Arc<Self>) {
        let has_thread = &self.of_process().has_thread;
        if has_thread.load(Ordering::Relaxed) || has_thread.swap(true, Ordering::Relaxed) {
            return;
        }
        let (leases, pause) = (Arc::downgrade(self), self.options.lease / 4);
        let extend = move || {
            loop {
                thread::sleep(pause);
                let Some(leases) = leases.upgrade() else { return };
                leases.extend();
            }
        };
        // Without a thread, the next lease tries again.
        if thread::Builder::new().name("lru-memo leases".into()).spawn(extend).is_err() {
            has_thread.store(false, Ordering::Relaxed);
        }
    }

    fn extend(&self) {
        let held: Vec<Arc<Held>> = {
            let mut all = self.of_process().held.lock();
            all.retain(|held| held.strong_count() > 0);
            all.iter().filter_map(Weak::upgrade).collect()
        };
        held.iter().for_each(|held| held.extend(self.seconds()));
    }
}

impl Held {
    fn extend(&self, seconds: u32) {
        let mut number = self.number.lock();
        if *number == 0 {
            return;
        }
        let mut batch = Batch::new();
        batch.set(&self.name, &self.token, When::Unchanged(*number), seconds);
        // When the server does not work, it may the next time.
        if let Ok(answers) = self.servers.of(&self.name).exchange(&batch, Instant::now() + self.timeout) {
            *number = answers.into_iter().next().and_then(|answer| answer.done().ok()).flatten().unwrap_or(0);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let number = *self.number.lock();
        if number == 0 {
            return;
        }
        let mut batch = Batch::new();
        batch.delete_unchanged(&self.name, number);
        // If it fails, it expires.
        let _ = self.servers.of(&self.name).exchange(&batch, Instant::now() + self.timeout);
    }
}
