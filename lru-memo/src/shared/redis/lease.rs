//! Leases. A lease is a key on the server that expires unless its process renews it.
//!
//! The key holds a token, and a number that each renewal changes. A waiter that sees both unchanged for the length of a
//! lease, by its own clock, takes the lease over: the key may have no expiry at all.

use alloc::format;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::time::Duration;
use std::thread;
use std::time::Instant;

use redis::Cmd;

use super::client::Client;
use super::renewer::{Names, Renewal};
use crate::shared::error::Error;
use crate::shared::lease::Lease;
use crate::shared::unique::unique;
use crate::sys::fork::start_thread;

/// The longest pause of a waiter between two attempts. The end of a lease wakes it earlier.
const SLEEP: Duration = Duration::from_millis(500);

/// How many leases one request renews.
const BATCH: usize = 500;

/// The holder's side of a lease. Dropping it ends the lease.
struct HeldLease {
    store: Arc<Client>,
    kept: Arc<Renewal>,
}

/// A lease that another caller holds.
pub(super) struct Taken {
    names: Names,
    /// The contents of the key.
    held: Vec<u8>,
}

/// Takes the lease if it is free, or if its key still has the `outdated` contents.
pub(super) fn try_take(
    store: &Arc<Client>,
    names: Names,
    outdated: Option<&[u8]>,
) -> Result<Result<Lease, Taken>, Error> {
    let token = unique();
    let mut take = store.scripts.lease.key(&names.holder);
    take.arg(format!("{token}:")).arg(millis(store.server.options().lease));
    outdated.iter().for_each(|held| _ = take.arg(held));
    if let Some(held) = store.server.run(names.home, until(store), &take)? {
        return Ok(Err(Taken { names, held }));
    }
    let kept = Arc::new(Renewal { names, token });
    keep(store, &kept);
    let held = HeldLease { store: Arc::clone(store), kept };
    Ok(Ok(Lease::new(held)))
}

/// Waits for the lease.
pub(super) fn take(store: &Arc<Client>, mut names: Names) -> Result<Lease, Error> {
    let lease = store.server.options().lease;
    let mut seen: Option<(Vec<u8>, Instant)> = None;
    loop {
        let outdated = seen.as_ref().filter(|(_, since)| since.elapsed() >= lease);
        let taken = match try_take(store, names, outdated.map(|(held, _)| &held[..]))? {
            Ok(lease) => return Ok(lease),
            Err(taken) => taken,
        };
        names = taken.names;
        let since = match seen {
            Some((held, since)) if held == taken.held => since,
            _ => Instant::now(),
        };
        seen = Some((taken.held, since));
        // Not zero: `BLPOP` would then wait without end.
        let sleep = SLEEP.min(lease.saturating_sub(since.elapsed())).max(Duration::from_millis(1));
        let mut wait = Cmd::new();
        wait.arg("BLPOP").arg(&names.ended).arg(sleep.as_secs_f64());
        let woken = until(store) + sleep;
        store.server.ask::<redis::Value>(names.home, woken, &wait)?;
    }
}

fn keep(store: &Arc<Client>, kept: &Arc<Renewal>) {
    let mut keeping = store.renewer.lock();
    keeping.held.retain(|other| other.strong_count() > 0);
    keeping.held.push(Arc::downgrade(kept));
    if !keeping.has_thread {
        let store = Arc::downgrade(store);
        if start_thread("lru-memo leases", move || keep_all(&store)).is_ok() {
            keeping.has_thread = true;
        }
    }
}

/// Renews all leases, until there are none.
fn keep_all(store: &Weak<Client>) {
    while let Some(store) = store.upgrade() {
        let pause = store.server.options().lease / 4;
        let held: Vec<_> = {
            let mut keeping = store.renewer.lock();
            keeping.held.retain(|held| held.strong_count() > 0);
            if keeping.held.is_empty() {
                keeping.has_thread = false;
                return;
            }
            keeping.held.iter().filter_map(Weak::upgrade).collect()
        };
        keep_for_longer(&store, held);
        drop(store);
        thread::sleep(pause);
    }
}

/// Renews these leases. One request renews many leases of one namespace, because these are on one server.
fn keep_for_longer(store: &Client, mut held: Vec<Arc<Renewal>>) {
    held.sort_by_key(|held| held.names.home);
    for of_one_namespace in held.chunk_by(|one, other| one.names.home == other.names.home) {
        for batch in of_one_namespace.chunks(BATCH) {
            let mut extend = store.scripts.extend.prepare_invoke();
            extend.arg(millis(store.server.options().lease)).arg(unique());
            for held in batch {
                extend.key(&held.names.holder).arg(held.token);
            }
            // If this fails, the next round comes before the leases expire.
            let _: Result<u64, _> = store.server.run(batch[0].names.home, until(store), &extend);
        }
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        let Renewal { names, token } = &*self.kept;
        let mut release = self.store.scripts.release.key(&names.holder);
        release.key(&names.ended).arg(*token).arg(millis(self.store.server.options().lease));
        // If this fails, the lease expires.
        let _: Result<u64, _> = self.store.server.run(names.home, until(&self.store), &release);
    }
}

/// Returns the deadline of a request that begins now.
fn until(store: &Client) -> Instant {
    Instant::now() + store.server.options().timeout
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
