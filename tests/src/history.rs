//! What several threads did to a bounded cache at once, and whether that could have been done one step after the
//! other.
//!
//! The search is that of Wing and Gong: it tries all orders of steps that respect which operations were over before
//! others began, and comes to each set of steps with the same cache only once.

use std::collections::HashSet;
use std::fmt;

/// An operation and what it gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Did {
    /// A call returned the stored value of a key.
    Hit(u8, u32),
    /// A call computed the value of a key; the function ran at that moment.
    Missed(u8, u32, u64),
    /// A value was put under a key.
    Put(u8, u32),
    /// A key was looked at.
    Peeked(u8, Option<u32>),
    /// A key was removed, and was there or not.
    Invalidated(u8, bool),
    /// The cache was cleared.
    Cleared,
    /// The hits, the misses and the number of entries.
    Counted(u64, u64, usize),
}

/// What a thread did, and between which moments. No two moments are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Which thread did it.
    pub thread: usize,
    /// When it began.
    pub begun: u64,
    /// When it was over.
    pub over: u64,
    /// What was done.
    pub did: Did,
}

/// What was done to a cache that was empty, with no hits and misses.
#[derive(Debug, Clone)]
pub struct History {
    /// How many entries the cache may hold.
    pub maxsize: usize,
    /// In any order.
    pub events: Vec<Event>,
}

/// What happens at one moment, which is after the first of these and before the second one.
#[derive(Debug, Clone, Copy)]
struct Step {
    after: u64,
    before: u64,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    /// An operation other than a call that misses.
    All(Did),
    /// The lookup of a call that misses, which is the one of that number.
    Look(usize, u8),
    /// The store of that call.
    Store(usize, u8, u32),
}

/// A cache, and what is being computed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct State {
    /// The most recent last.
    entries: Vec<(u8, u32)>,
    hits: u64,
    misses: u64,
    /// The number and key of calls whose value will be stored when it comes.
    computing: Vec<(usize, u8)>,
}

impl History {
    /// Whether there is an order of single steps that gives the same.
    #[must_use]
    pub fn is_linearizable(&self) -> bool {
        let steps = self.steps();
        assert!(steps.len() <= 128, "a set of steps is a number of 128 bits");
        let mut visited = HashSet::new();
        let mut open = vec![(0_u128, State::default())];
        while let Some((done, state)) = open.pop() {
            let remaining = || (0..steps.len()).filter(|at| done >> at & 1 == 0);
            // What has to happen before this moment goes before all that begins later.
            let Some(limit) = remaining().map(|at| steps[at].before).min() else { return true };
            for at in remaining().filter(|&at| steps[at].after < limit) {
                let mut next = state.clone();
                if next.takes(steps[at].what, self.maxsize) {
                    let next = (done | 1 << at, next);
                    if visited.insert(next.clone()) {
                        open.push(next);
                    }
                }
            }
        }
        false
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for (number, event) in self.events.iter().enumerate() {
            let Event { begun: after, over: before, did, .. } = *event;
            match did {
                Did::Missed(key, value, ran) => steps.extend([
                    Step { after, before: ran, what: What::Look(number, key) },
                    Step { after: ran, before, what: What::Store(number, key, value) },
                ]),
                did => steps.push(Step { after, before, what: What::All(did) }),
            }
        }
        steps
    }
}

impl State {
    /// Takes a step, unless it would give something else here.
    fn takes(&mut self, what: What, maxsize: usize) -> bool {
        match what {
            What::Look(call, key) => {
                self.misses += 1;
                self.computing.push((call, key));
                self.find(key).is_none()
            }
            What::Store(call, key, value) => {
                let computing = self.computing.iter().position(|&(other, _)| other == call);
                if let Some(position) = computing {
                    self.computing.remove(position);
                    if self.find(key).is_none() {
                        self.store(key, value, maxsize);
                    }
                }
                true
            }
            What::All(did) => self.takes_whole(did, maxsize),
        }
    }

    fn takes_whole(&mut self, did: Did, maxsize: usize) -> bool {
        match did {
            Did::Missed(..) => unreachable!("that is two steps"),
            Did::Hit(key, value) => {
                self.hits += 1;
                let Some(at) = self.find(key) else { return false };
                let entry = self.entries.remove(at);
                self.entries.push(entry);
                entry.1 == value
            }
            Did::Put(key, value) => {
                self.store(key, value, maxsize);
                true
            }
            Did::Peeked(key, value) => self.find(key).map(|at| self.entries[at].1) == value,
            Did::Invalidated(key, was_there) => {
                self.computing.retain(|&(_, other)| other != key);
                self.find(key).map(|at| self.entries.remove(at)).is_some() == was_there
            }
            Did::Cleared => {
                *self = Self::default();
                true
            }
            Did::Counted(hits, misses, entries) => {
                (self.hits, self.misses, self.entries.len()) == (hits, misses, entries)
            }
        }
    }

    fn find(&self, key: u8) -> Option<usize> {
        self.entries.iter().position(|entry| entry.0 == key)
    }

    /// Stores a value as the most recent, replacing an older one.
    fn store(&mut self, key: u8, value: u32, maxsize: usize) {
        self.entries.retain(|entry| entry.0 != key);
        if self.entries.len() == maxsize {
            self.entries.remove(0);
        }
        self.entries.push((key, value));
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "maxsize = {}", self.maxsize)?;
        let mut events = self.events.clone();
        events.sort_by_key(|event| event.begun);
        let start = events.first().map_or(0, |event| event.begun);
        for Event { thread, begun, over, did } in events {
            let (begun, over) = (begun - start, over - start);
            write!(f, "{begun:>4} to {over:>4}  {:1$}thread {thread}: ", "", thread * 4)?;
            match did {
                Did::Missed(key, value, ran) => writeln!(f, "Missed({key}, {value}) at {}", ran - start)?,
                did => writeln!(f, "{did:?}")?,
            }
        }
        Ok(())
    }
}
