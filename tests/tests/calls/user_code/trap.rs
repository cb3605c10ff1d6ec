//! A key and a value whose `Hash`, `Eq`, `Clone` and `Drop` do, once, whatever a test has asked for.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The points where the cache runs the user's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    Hash,
    Eq,
    CloneKey,
    CloneValue,
    DropKey,
    DropValue,
    Function,
}

impl Hook {
    pub const ALL: [Self; 7] = [
        Self::Hash,
        Self::Eq,
        Self::CloneKey,
        Self::CloneValue,
        Self::DropKey,
        Self::DropValue,
        Self::Function,
    ];
}

struct Trap {
    hook: Hook,
    passes: u32,
    action: Box<dyn FnOnce() + Send>,
}

static TRAP: Mutex<Option<Trap>> = Mutex::new(None);
static KEYS: AtomicIsize = AtomicIsize::new(0);
static VALUES: AtomicIsize = AtomicIsize::new(0);

fn trap() -> impl std::ops::DerefMut<Target = Option<Trap>> {
    TRAP.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has `action` run when `hook` is reached after it was passed `passes` times.
pub fn arm(hook: Hook, passes: u32, action: impl FnOnce() + Send + 'static) {
    let action = Box::new(action);
    *trap() = Some(Trap { hook, passes, action });
}

/// Removes the trap; says whether it was sprung.
pub fn disarm() -> bool {
    trap().take().is_none()
}

/// Springs the trap if it waits here.
pub fn reach(hook: Hook) {
    let mut armed = trap();
    let sprung = match &mut *armed {
        Some(trap) if trap.hook == hook && trap.passes == 0 => armed.take(),
        Some(trap) if trap.hook == hook => {
            trap.passes -= 1;
            None
        }
        _ => None,
    };
    drop(armed);
    if let Some(trap) = sprung {
        (trap.action)();
    }
}

/// How many keys and values there are in the process.
pub fn alive() -> (isize, isize) {
    (KEYS.load(Ordering::SeqCst), VALUES.load(Ordering::SeqCst))
}

/// No longer counts one key or value that is alive beyond the `expected` ones.
pub fn excuse_one_leak(expected: isize) {
    for count in [&KEYS, &VALUES] {
        let leaked = count.load(Ordering::SeqCst) - expected;
        count.fetch_sub(leaked.clamp(0, 1), Ordering::SeqCst);
    }
}

/// A key; with `SAME_HASH` all keys have one hash.
pub struct Key<const SAME_HASH: bool>(u32);

impl<const SAME_HASH: bool> Key<SAME_HASH> {
    pub fn new(id: u32) -> Self {
        KEYS.fetch_add(1, Ordering::SeqCst);
        Self(id)
    }

    pub fn id(&self) -> u32 {
        self.0
    }
}

impl<const SAME_HASH: bool> Hash for Key<SAME_HASH> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        reach(Hook::Hash);
        if !SAME_HASH {
            self.0.hash(state);
        }
    }
}

impl<const SAME_HASH: bool> PartialEq for Key<SAME_HASH> {
    fn eq(&self, other: &Self) -> bool {
        reach(Hook::Eq);
        self.0 == other.0
    }
}

impl<const SAME_HASH: bool> Eq for Key<SAME_HASH> {}

impl<const SAME_HASH: bool> Clone for Key<SAME_HASH> {
    fn clone(&self) -> Self {
        reach(Hook::CloneKey);
        Self::new(self.0)
    }
}

impl<const SAME_HASH: bool> Drop for Key<SAME_HASH> {
    fn drop(&mut self) {
        KEYS.fetch_sub(1, Ordering::SeqCst);
        reach(Hook::DropKey);
    }
}

/// The value of a key.
pub struct Value(u32);

impl Value {
    pub fn of(id: u32) -> Self {
        VALUES.fetch_add(1, Ordering::SeqCst);
        Self(id)
    }

    pub fn id(&self) -> u32 {
        self.0
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        reach(Hook::CloneValue);
        Self::of(self.0)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        VALUES.fetch_sub(1, Ordering::SeqCst);
        reach(Hook::DropValue);
    }
}
