//! What several threads did to a bounded cache at once, and whether that could have been done one step after the
//! other.
//!
//! A history that has no such order may have one where some operations count as several steps, see [`Allowed`]. That
//! tells what is wrong with it, and lets everything else be checked.
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

/// Which operations may take several steps, beside calls that miss: their store is one of its own in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowed {
    /// A hit sees the entry, and later counts, and makes the entry most recent if that is still there.
    pub late_hits: bool,
    /// A miss is counted, and later begins to heed what is cleared or invalidated.
    pub late_misses: bool,
    /// A clear makes what is being computed obsolete, then drops the entries, then zeroes the counters.
    pub slow_clears: bool,
    /// An invalidation may make obsolete whatever is being computed.
    pub broad_invalidations: bool,
    /// A value is put into the order of uses, and it is said who has to go for it; later that one goes, and later
    /// still the value becomes visible.
    pub slow_stores: bool,
}

impl Allowed {
    /// All of it.
    pub const ALL: Self = Self {
        late_hits: true,
        late_misses: true,
        slow_clears: true,
        broad_invalidations: true,
        slow_stores: true,
    };
}

/// What happens at one moment, which is after the first of these and before the second one.
#[derive(Debug, Clone)]
struct Step {
    after: u64,
    before: u64,
    /// Whether it comes after the step that precedes it in the list.
    continues: bool,
    parts: Vec<What>,
    /// Whether what is being computed may become obsolete, too.
    may_forget: bool,
}

#[derive(Debug, Clone, Copy)]
enum What {
    /// An operation in one step.
    All(Did),
    /// A hit sees its entry.
    See(u8, u32),
    /// A hit counts.
    Hit(u8, u32),
    /// The lookup of a call that misses.
    Look(u8),
    /// The call of that number begins to compute.
    Begin(usize, u8),
    /// A clear makes obsolete what is being computed, ...
    Forget,
    /// ... drops the entries, ...
    Drop,
    /// ... and zeroes the counters.
    Zero,
    /// The call of that number has ended, and its value is to be stored.
    Store(usize, u8, u32),
    /// A value is to be stored in any case.
    Put(u8, u32),
    /// Who has to go for what is stored goes, ...
    Evict,
    /// ... and what is stored becomes visible.
    Show(u8, u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Entry {
    key: u8,
    value: u32,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Stage {
    Hidden,
    There,
    Leaving,
}

/// A cache, and what is being computed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct State {
    /// The most recent last.
    entries: Vec<Entry>,
    hits: u64,
    misses: u64,
    /// The number and key of calls whose value will be stored when it comes.
    computing: Vec<(usize, u8)>,
}

impl History {
    /// Whether there is an order of single steps that gives the same.
    #[must_use]
    pub fn is_linearizable(&self, allowed: Allowed) -> bool {
        let steps = self.steps(allowed);
        assert!(steps.len() <= 128, "a set of steps is a number of 128 bits");
        let mut visited = HashSet::new();
        let mut open = vec![(0_u128, State::default())];
        while let Some((done, state)) = open.pop() {
            let remains = |at: usize| done >> at & 1 == 0;
            let remaining = || (0..steps.len()).filter(|&at| remains(at));
            // What has to happen before this moment goes before all that begins later.
            let Some(limit) = remaining().map(|at| steps[at].before).min() else { return true };
            let is_next = |at: usize| steps[at].after < limit && !(steps[at].continues && remains(at - 1));
            for at in remaining().filter(|&at| is_next(at)) {
                let Step { parts, may_forget, .. } = &steps[at];
                let mut next = state.clone();
                if parts.iter().all(|&what| next.takes(what, self.maxsize)) {
                    let also = may_forget.then(|| State { computing: Vec::new(), ..next.clone() });
                    for next in [next].into_iter().chain(also) {
                        let next = (done | 1 << at, next);
                        if visited.insert(next.clone()) {
                            open.push(next);
                        }
                    }
                }
            }
        }
        false
    }

    fn steps(&self, allowed: Allowed) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut add = |after, before, parts: &[What], may_be_several: bool, may_forget| {
            let length = if may_be_several { 1 } else { parts.len() };
            for (number, parts) in parts.chunks(length).enumerate() {
                steps.push(Step { after, before, continues: number > 0, parts: parts.to_vec(), may_forget });
            }
        };
        let Allowed { late_hits, late_misses, slow_clears, broad_invalidations, slow_stores } = allowed;
        for (number, event) in self.events.iter().enumerate() {
            let Event { begun, over, did, .. } = *event;
            match did {
                Did::Hit(key, value) => {
                    add(begun, over, &[What::See(key, value), What::Hit(key, value)], late_hits, false);
                }
                Did::Missed(key, value, ran) => {
                    add(begun, ran, &[What::Look(key), What::Begin(number, key)], late_misses, false);
                    let store = [What::Store(number, key, value), What::Evict, What::Show(key, value)];
                    add(ran, over, &store, slow_stores, false);
                }
                Did::Put(key, value) => {
                    add(
                        begun,
                        over,
                        &[What::Put(key, value), What::Evict, What::Show(key, value)],
                        slow_stores,
                        false,
                    );
                }
                Did::Invalidated(..) => add(begun, over, &[What::All(did)], false, broad_invalidations),
                Did::Cleared => {
                    add(begun, over, &[What::Forget, What::Drop, What::Zero], slow_clears, false);
                }
                Did::Peeked(..) | Did::Counted(..) => add(begun, over, &[What::All(did)], false, false),
            }
        }
        steps
    }
}

impl State {
    /// Does something, unless it would give something else here.
    fn takes(&mut self, what: What, maxsize: usize) -> bool {
        match what {
            What::See(key, value) => return self.value(key) == Some(value),
            What::Hit(key, value) => {
                self.hits += 1;
                if let Some(at) =
                    self.entries.iter().position(|entry| (entry.key, entry.value) == (key, value))
                {
                    let entry = self.entries.remove(at);
                    self.entries.push(entry);
                }
            }
            What::Look(key) => {
                self.misses += 1;
                return self.value(key).is_none();
            }
            What::Begin(call, key) => self.computing.push((call, key)),
            What::Store(call, key, value) => {
                let before = self.computing.len();
                self.computing.retain(|&(other, _)| other != call);
                if self.computing.len() < before && self.value(key).is_none() {
                    self.store(key, value, maxsize);
                }
            }
            What::Put(key, value) => self.store(key, value, maxsize),
            What::Evict => self.entries.retain(|entry| entry.stage != Stage::Leaving),
            What::Show(key, value) => self.show(key, value),
            What::Forget => self.computing.clear(),
            What::Drop => self.entries.clear(),
            What::Zero => (self.hits, self.misses) = (0, 0),
            What::All(did) => return self.does(did),
        }
        true
    }

    fn does(&mut self, did: Did) -> bool {
        match did {
            Did::Hit(..) | Did::Missed(..) | Did::Put(..) | Did::Cleared => unreachable!("these have parts"),
            Did::Peeked(key, value) => self.value(key) == value,
            Did::Invalidated(key, was_there) => {
                let is_there = self.value(key).is_some();
                self.computing.retain(|&(_, other)| other != key);
                self.entries.retain(|entry| entry.key != key);
                is_there == was_there
            }
            Did::Counted(hits, misses, entries) => {
                (self.hits, self.misses, self.entries.len()) == (hits, misses, entries)
            }
        }
    }

    fn value(&self, key: u8) -> Option<u32> {
        self.entries
            .iter()
            .find(|entry| entry.key == key && entry.stage != Stage::Hidden)
            .map(|entry| entry.value)
    }

    /// Puts a value into the order of uses, as the most recent. One with the same key stays until this is
    /// [shown](Self::show).
    fn store(&mut self, key: u8, value: u32, maxsize: usize) {
        let is_other = |entry: &&mut Entry| entry.key != key && entry.stage != Stage::Leaving;
        let mut others: Vec<_> = self.entries.iter_mut().filter(is_other).collect();
        if others.len() == maxsize {
            others[0].stage = Stage::Leaving;
        }
        self.entries.push(Entry { key, value, stage: Stage::Hidden });
    }

    fn show(&mut self, key: u8, value: u32) {
        let is_it = |entry: &Entry| (entry.key, entry.value) == (key, value);
        if self.entries.iter().any(is_it) {
            self.entries.retain(|entry| entry.key != key || is_it(entry));
            self.entries.iter_mut().filter(|entry| is_it(entry)).for_each(|entry| entry.stage = Stage::There);
        }
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
