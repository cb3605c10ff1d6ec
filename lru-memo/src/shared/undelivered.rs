//! Undelivered removals: invalidations and clears that failed because the store did not work. The process remembers
//! them, and repeats them until they succeed. Until then, the functions concerned read nothing from the store.
//!
//! - The function is marked before the failed removal returns. The mark is cleared when all removals of the function
//!   are delivered.
//! - A background thread delivers, so no call waits. The thread ends when no removal is left.
//! - Each removal has a number. If a removal is requested again during its delivery, it gets a new number, and is
//!   delivered again.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use super::namespace::Namespace;
use super::store;
use crate::sys::fork::{Heritage, Inherited, start_thread};

/// How many keys of a function are remembered. More become a clear.
const MOST_KEYS: usize = 1024;
/// How many bytes of keys are remembered. More become a clear.
const MOST_BYTES: usize = 1 << 20;
/// The time between two attempts.
const PAUSE: Duration = Duration::from_millis(250);

static ALL: Inherited<All> = Inherited::new(All::default);

#[derive(Default)]
struct All {
    functions: Vec<Function>,
    stamp: u64,
    /// Whether the delivering thread runs.
    is_delivering: bool,
}

/// The undelivered removals of one function, at least one.
struct Function {
    mark: &'static Mark,
    space: &'static Namespace,
    keys: BTreeMap<Box<[u8]>, u64>,
    bytes: usize,
    /// The number of an undelivered clear. There are no keys then.
    clear: Option<u64>,
}

/// Set while a removal of a function is undelivered. Each function has one.
pub(super) struct Mark(AtomicBool);

/// A removal: of one key, or of all.
#[derive(Clone)]
pub(super) enum Removal {
    Key(Box<[u8]>),
    Clear,
}

impl Mark {
    pub(super) const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Whether the store may be read.
    #[inline]
    pub(super) fn is_clean(&'static self, space: &'static Namespace) -> bool {
        !self.0.load(Ordering::Acquire) || self.is_clean_now(space)
    }

    #[cold]
    fn is_clean_now(&'static self, space: &'static Namespace) -> bool {
        let mut all = ALL.lock();
        let is_clean = !self.0.load(Ordering::Acquire);
        if !is_clean && all.find(self).is_none() {
            // The process is a child whose fork ran no handlers: the mark is a copy, and its list of removals is lost.
            all.add(self, space, Removal::Clear);
        }
        // The thread is missing after a fork, or if it could not be started.
        all.deliver_from_now_on();
        is_clean
    }

    /// Remembers a removal that failed.
    #[cold]
    pub(super) fn remember(&'static self, space: &'static Namespace, removal: Removal) {
        let mut all = ALL.lock();
        all.add(self, space, removal);
        self.0.store(true, Ordering::Release);
        all.deliver_from_now_on();
    }
}

/// Returns how many removals are undelivered.
pub(super) fn count() -> u64 {
    ALL.lock()
        .functions
        .iter()
        .map(|function| function.keys.len() as u64 + u64::from(function.clear.is_some()))
        .sum()
}

impl All {
    fn find(&self, mark: &'static Mark) -> Option<usize> {
        self.functions.iter().position(|function| core::ptr::eq(function.mark, mark))
    }

    fn add(&mut self, mark: &'static Mark, space: &'static Namespace, removal: Removal) {
        self.stamp += 1;
        let stamp = self.stamp;
        self.function(mark, space).add(removal, stamp);
    }

    fn function(&mut self, mark: &'static Mark, space: &'static Namespace) -> &mut Function {
        let at = self.find(mark).unwrap_or_else(|| {
            self.functions.push(Function { mark, space, keys: BTreeMap::new(), bytes: 0, clear: None });
            self.functions.len() - 1
        });
        &mut self.functions[at]
    }

    fn deliver_from_now_on(&mut self) {
        if !self.is_delivering && !self.functions.is_empty() {
            self.is_delivering = start_thread("lru-memo removals", deliver_all).is_ok();
        }
    }

    /// Returns the first removal of a function.
    fn next(&self, mark: &'static Mark) -> Option<(&'static Namespace, Removal, u64)> {
        let function = &self.functions[self.find(mark)?];
        let (removal, stamp) = match (function.clear, function.keys.first_key_value()) {
            (Some(stamp), _) => (Removal::Clear, stamp),
            (None, Some((key, stamp))) => (Removal::Key(key.clone()), *stamp),
            (None, None) => return None,
        };
        Some((function.space, removal, stamp))
    }

    /// Forgets a delivered removal, unless it was requested again meanwhile.
    fn delivered(&mut self, mark: &'static Mark, removal: &Removal, stamp: u64) {
        let Some(at) = self.find(mark) else { return };
        let function = &mut self.functions[at];
        match removal {
            Removal::Clear if function.clear == Some(stamp) => function.clear = None,
            Removal::Key(key) if function.keys.get(key) == Some(&stamp) => {
                function.keys.remove(key);
                function.bytes -= key.len();
            }
            _ => {}
        }
        if function.clear.is_none() && function.keys.is_empty() {
            self.functions.swap_remove(at);
            mark.0.store(false, Ordering::Release);
        }
    }
}

impl Function {
    fn add(&mut self, removal: Removal, stamp: u64) {
        match removal {
            Removal::Key(key) if self.clear.is_none() => {
                let length = key.len();
                if self.keys.insert(key, stamp).is_none() {
                    self.bytes += length;
                }
            }
            _ => self.clear = Some(stamp),
        }
        if self.keys.len() > MOST_KEYS || self.bytes > MOST_BYTES {
            self.clear = Some(stamp);
        }
        if self.clear.is_some() {
            self.keys.clear();
            self.bytes = 0;
        }
    }
}

/// Delivers until no removal is left.
fn deliver_all() {
    loop {
        thread::sleep(PAUSE);
        let marks: Vec<&'static Mark> = {
            let mut all = ALL.lock();
            all.is_delivering = !all.functions.is_empty();
            if !all.is_delivering {
                return;
            }
            all.functions.iter().map(|function| function.mark).collect()
        };
        marks.into_iter().for_each(deliver);
    }
}

/// Delivers the removals of one function, up to the first that fails.
fn deliver(mark: &'static Mark) {
    loop {
        let Some((space, removal, stamp)) = ALL.lock().next(mark) else { return };
        let attempt = || {
            let store = store()?;
            match &removal {
                Removal::Key(key) => store.invalidate(space, key).map(|_| ()),
                Removal::Clear => store.clear(space),
            }
        };
        // A panic counts as a failure; the panic hook has reported it.
        if !matches!(catch_unwind(AssertUnwindSafe(attempt)), Ok(Ok(()))) {
            return;
        }
        ALL.lock().delivered(mark, &removal, stamp);
    }
}

impl Heritage for All {
    fn forget_others(&mut self) {
        // The child delivers the removals, too, but the thread exists in the parent only.
        self.is_delivering = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_keys_than_are_remembered_become_a_clear_and_nothing_is_forgotten_that_came_later() {
        let mark: &'static Mark = Box::leak(Box::new(Mark::new()));
        let space: &'static Namespace = Box::leak(Box::new(Namespace::new("f", 1)));
        let mut all = All { is_delivering: true, ..All::default() };
        let key = |number: u64| Removal::Key(Box::from(number.to_le_bytes()));
        let add = |all: &mut All, removal: Removal, stamp| all.function(mark, space).add(removal, stamp);
        add(&mut all, key(1), 1);
        let (_, _, stamp) = all.next(mark).expect("there is one");
        // Requested again during its delivery.
        add(&mut all, key(1), 2);
        all.delivered(mark, &key(1), stamp);
        assert!(all.next(mark).is_some());
        all.delivered(mark, &key(1), 2);
        assert!(all.next(mark).is_none() && all.functions.is_empty());

        (0..=MOST_KEYS as u64).for_each(|number| add(&mut all, key(number), number));
        assert!(matches!(all.next(mark), Some((_, Removal::Clear, 1024))));
        add(&mut all, key(1), 2000);
        all.delivered(mark, &Removal::Clear, 1024);
        all.delivered(mark, &Removal::Clear, 2000);
        assert!(all.functions.is_empty());

        add(&mut all, Removal::Key(Box::from(&[0; MOST_BYTES + 1][..])), 1);
        assert!(matches!(all.next(mark), Some((_, Removal::Clear, 1))));
    }
}
