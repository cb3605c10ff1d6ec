//! Leases: a key on the server that goes by itself, unless the process that holds it is alive to keep it.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::time::Duration;
use std::thread;

use redis::{Cmd, cmd};

use super::Inner;
use crate::fork::Own;
use crate::shared::error::Error;
use crate::shared::lease::Lease;
use crate::shared::unique::unique;
use crate::sync::{Mutex, MutexGuard};

/// For how long a waiter sleeps, at most, before it asks whether the lease has ended by itself.
const SLEEP: Duration = Duration::from_secs(1);

/// The keys of what belongs to a lease.
pub(super) struct Names {
    /// The namespace.
    pub(super) home: u128,
    /// Who has it: a token, for as long as the lease lasts.
    pub(super) holder: Vec<u8>,
    /// A list to which something is added when it ends.
    pub(super) ended: Vec<u8>,
}

/// A lease, until it is dropped.
struct Held {
    store: Arc<Inner>,
    kept: Arc<Kept>,
}

/// What the thread that keeps leases has to know of one. That it still looks at it does not make the lease last longer.
struct Kept {
    names: Names,
    token: u64,
}

/// The leases that this process holds, to be kept by a thread for as long as there are any.
pub(super) struct Keeper(Own<Mutex<Keeping>>);

#[derive(Default)]
struct Keeping {
    held: Vec<Weak<Kept>>,
    /// Whether there is a thread for them.
    has_thread: bool,
}

impl Keeper {
    pub(super) fn new() -> Self {
        Self(Own::none())
    }

    fn lock(&self) -> MutexGuard<'_, Keeping> {
        self.0.get_or_make(Mutex::default).lock()
    }
}

/// Takes the lease, if nobody has it.
pub(super) fn try_take(store: &Arc<Inner>, names: Names) -> Result<Result<Lease, Names>, Error> {
    let (token, lease) = (unique(), millis(store.server.options().lease));
    let mut set = cmd("SET");
    set.arg(&names.holder).arg(token).arg("NX").arg("PX").arg(lease);
    let is_mine: bool = store.server.ask(names.home, Duration::ZERO, |connection| set.query(connection))?;
    if !is_mine {
        return Ok(Err(names));
    }
    let kept = Arc::new(Kept { names, token });
    keep(store, &kept);
    let held = Held { store: Arc::clone(store), kept };
    Ok(Ok(Lease::new(held)))
}

/// Waits for the lease.
pub(super) fn take(store: &Arc<Inner>, mut names: Names) -> Result<Lease, Error> {
    loop {
        match try_take(store, names)? {
            Ok(lease) => return Ok(lease),
            Err(unused) => names = unused,
        }
        let mut wait = Cmd::new();
        wait.arg("BLPOP").arg(&names.ended).arg(SLEEP.as_secs_f64());
        store.server.ask(names.home, SLEEP, |connection| wait.query::<redis::Value>(connection))?;
    }
}

fn keep(store: &Arc<Inner>, kept: &Arc<Kept>) {
    let mut keeping = store.keeper.lock();
    keeping.held.retain(|other| other.strong_count() > 0);
    keeping.held.push(Arc::downgrade(kept));
    if !keeping.has_thread {
        let store = Arc::downgrade(store);
        let keeper = thread::Builder::new().name("lru-memo leases".into());
        if keeper.spawn(move || keep_all(&store)).is_ok() {
            keeping.has_thread = true;
        }
    }
}

/// Has all leases last, until there are none.
fn keep_all(store: &Weak<Inner>) {
    while let Some(store) = store.upgrade() {
        let lease = store.server.options().lease;
        let held: Vec<_> = {
            let mut keeping = store.keeper.lock();
            keeping.held.retain(|held| held.strong_count() > 0);
            if keeping.held.is_empty() {
                keeping.has_thread = false;
                return;
            }
            keeping.held.iter().filter_map(Weak::upgrade).collect()
        };
        for held in held {
            let script = &store.scripts.extend;
            let mut extend = script.key(&held.names.holder);
            // If it fails, it is tried again before the lease ends.
            let _: Result<u64, _> =
                store.server.run(held.names.home, extend.arg(held.token).arg(millis(lease)));
        }
        drop(store);
        thread::sleep(lease / 3);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Kept { names, token } = &*self.kept;
        let mut release = self.store.scripts.release.key(&names.holder);
        release.key(&names.ended).arg(*token).arg(millis(self.store.server.options().lease));
        // If it fails, the lease ends by itself.
        let _: Result<u64, _> = self.store.server.run(names.home, &release);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
