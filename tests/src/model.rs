//! A naive model of a cache: a `Vec` in order of use.
//!
//! An operation that runs the function may run others while the function runs, so the model also says what
//! becomes of a value whose key was stored, cleared or invalidated meanwhile.

use lru_memo::{CacheInfo, CacheParameters};

/// The error of a failing run: its number.
pub type Outcome = Result<u32, u32>;

/// An operation on a memoized function, with its key.
#[derive(Debug, Clone)]
pub enum Operation {
    /// Calls the function.
    Call(u8, Body),
    /// Calls its `_cache_refresh`.
    Refresh(u8, Body),
    /// Calls its `_cache_peek`.
    Peek(u8),
    /// Calls its `_cache_put` with the next number.
    Put(u8),
    /// Calls its `_cache_invalidate`.
    Invalidate(u8),
    /// Calls its `_cache_clear`.
    Clear,
    /// Calls its `_cache_resize`.
    Resize(u8),
    /// Moves the clock, by seconds.
    Advance(u8),
}

/// What the function does when it runs: other operations first, then it ends in its own way.
#[derive(Debug, Clone)]
pub struct Body {
    /// What is done before it ends.
    pub meanwhile: Vec<Operation>,
    /// How it ends.
    pub ending: Ending,
}

/// How a function ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With `Ok`.
    Returns,
    /// With `Err`.
    Fails,
    /// With a panic.
    Panics,
}

/// What an operation gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// Of a call or refresh.
    Outcome(Outcome),
    /// Of a call or refresh whose function panicked, or any operation in which something else did.
    Panic,
    /// Of a peek.
    Peeked(Option<u32>),
    /// Of an invalidation.
    Invalidated(bool),
    /// Of what returns nothing.
    Nothing,
}

/// What is compared: what each operation gave, and the counters after it.
pub type Trace = Vec<(Given, CacheInfo)>;

/// The weight of a value, from 0 to 14: some weigh more than a cache of less may hold.
#[must_use]
pub fn weight(value: u32) -> usize {
    value as usize % 15
}

/// The `cache_if` of functions that have one.
#[must_use]
pub fn is_wanted(value: u32) -> bool {
    value % 4 != 3
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    key: u8,
    value: u32,
    /// When it becomes old, and when it expires, in seconds; never, if that is the largest number.
    fresh_until: u64,
    ends: u64,
    /// Whether it is being recomputed, and until when it is not.
    is_claimed: bool,
    rests_until: u64,
    /// When it was last stored or used, in seconds.
    used: u64,
    /// The numbers of its storing, and of its last use, among all of those.
    stored_as: u64,
    used_as: u64,
}

/// The model. Every value is the number of the run or put it came from.
#[derive(Debug, Clone)]
pub struct Model {
    limits: CacheParameters,
    admits: fn(u32) -> bool,
    own_ttl: Option<fn(u32) -> u64>,
    /// The most recent last.
    entries: Vec<Entry>,
    hits: u64,
    misses: u64,
    /// The invalidations and clears so far, as the key or `None`.
    forgotten: Vec<Option<u8>>,
    now: u64,
    uses: u64,
    /// The number of the last run or put.
    pub numbers: u32,
    /// What the operations gave so far.
    pub trace: Trace,
}

impl Model {
    /// An empty cache with these limits and this `cache_if`.
    #[must_use]
    pub fn new(limits: CacheParameters, admits: fn(u32) -> bool) -> Self {
        Self {
            limits,
            admits,
            own_ttl: None,
            entries: Vec::new(),
            hits: 0,
            misses: 0,
            forgotten: Vec::new(),
            now: 0,
            uses: 0,
            numbers: 0,
            trace: Trace::new(),
        }
    }

    /// The same, with this `ttl_of` in seconds.
    #[must_use]
    pub fn with_ttl_of(self, own_ttl: fn(u32) -> u64) -> Self {
        Self { own_ttl: Some(own_ttl), ..self }
    }

    /// What the counters should be.
    #[must_use]
    pub fn info(&self) -> CacheInfo {
        let (maxsize, currsize) = (self.limits.maxsize, self.entries.len());
        CacheInfo { hits: self.hits, misses: self.misses, maxsize, currsize }
    }

    /// Counts a miss, and nothing else.
    pub fn miss(&mut self) {
        self.misses += 1;
    }

    /// The value of a key, if it is there.
    pub fn peek(&mut self, key: u8) -> Option<u32> {
        self.find(key).map(|at| self.entries[at].value)
    }

    /// Applies an operation.
    pub fn apply(&mut self, operation: &Operation) {
        let given = match operation {
            Operation::Call(key, body) => self.call(*key, body),
            Operation::Refresh(key, body) => self.run(*key, body, true),
            Operation::Peek(key) => Given::Peeked(self.peek(*key)),
            Operation::Put(key) => {
                self.numbers += 1;
                self.store(*key, self.numbers);
                Given::Nothing
            }
            Operation::Invalidate(key) => {
                self.forgotten.push(Some(*key));
                let position = self.find(*key);
                Given::Invalidated(position.map(|position| self.entries.remove(position)).is_some())
            }
            Operation::Clear => {
                self.forgotten.push(None);
                self.entries.clear();
                (self.hits, self.misses) = (0, 0);
                Given::Nothing
            }
            Operation::Resize(maxsize) => {
                self.resize(usize::from(*maxsize));
                Given::Nothing
            }
            Operation::Advance(seconds) => {
                self.now += u64::from(*seconds);
                Given::Nothing
            }
        };
        self.trace.push((given, self.info()));
    }

    fn call(&mut self, key: u8, body: &Body) -> Given {
        if let Some(position) = self.find(key) {
            let entry = self.entries.remove(position);
            let recomputes = self.now >= entry.fresh_until.max(entry.rests_until) && !entry.is_claimed;
            self.uses += 1;
            let is_claimed = entry.is_claimed || recomputes;
            self.entries.push(Entry { used: self.now, used_as: self.uses, is_claimed, ..entry });
            if recomputes {
                self.misses += 1;
                return self.recompute(entry, body);
            }
            self.hits += 1;
            return Given::Outcome(Ok(entry.value));
        }
        self.misses += 1;
        self.run(key, body, self.limits.maxsize.is_none())
    }

    /// Runs for an old entry, whose value is given if that fails.
    fn recompute(&mut self, old: Entry, body: &Body) -> Given {
        let given = self.run(old.key, body, self.limits.maxsize.is_none());
        let is_it = |entry: &Entry| entry.stored_as == old.stored_as;
        if matches!(given, Given::Outcome(Ok(_))) {
            self.entries.retain(|entry| !is_it(entry));
            return given;
        }
        let pause = self.limits.ttl.map_or(0, |ttl| ttl.as_secs() / 10).max(1);
        for entry in self.entries.iter_mut().filter(|entry| is_it(entry)) {
            (entry.is_claimed, entry.rests_until) = (false, self.now + pause);
        }
        Given::Outcome(Ok(old.value))
    }

    fn run(&mut self, key: u8, body: &Body, replace: bool) -> Given {
        self.numbers += 1;
        let number = self.numbers;
        let before = self.forgotten.len();
        for operation in &body.meanwhile {
            self.apply(operation);
        }
        match body.ending {
            Ending::Returns => {}
            Ending::Fails => return Given::Outcome(Err(number)),
            Ending::Panics => return Given::Panic,
        }
        if (self.admits)(number) {
            let concerns = |forgotten: &Option<u8>| forgotten.is_none_or(|forgotten| forgotten == key);
            let is_forgotten = self.forgotten[before..].iter().any(concerns);
            // Whatever becomes of the value, an expired one goes when it is met.
            let position = self.find(key);
            let is_kept = |at: usize| self.now < self.entries[at].fresh_until;
            if !is_forgotten && (replace || !position.is_some_and(is_kept)) {
                self.store(key, number);
            }
        }
        Given::Outcome(Ok(number))
    }

    /// Stores a value, replacing one that is there.
    fn store(&mut self, key: u8, value: u32) {
        self.entries.retain(|entry| entry.key != key);
        let ttl = self.limits.ttl.map(|ttl| ttl.as_secs());
        let ttl = ttl.map(|ttl| self.own_ttl.map_or(ttl, |own_ttl| own_ttl(value).min(ttl)));
        if !self.fits(0, weight(value)) || ttl == Some(0) {
            return;
        }
        while !self.fits(self.entries.len(), self.weight() + weight(value)) {
            self.evict();
        }
        self.uses += 1;
        let fresh_until = ttl.map_or(u64::MAX, |ttl| self.now + ttl);
        let stale = self.limits.stale.map_or(0, |stale| stale.as_secs());
        self.entries.push(Entry {
            key,
            value,
            fresh_until,
            ends: fresh_until.saturating_add(stale),
            is_claimed: false,
            rests_until: 0,
            used: self.now,
            stored_as: self.uses,
            used_as: self.uses,
        });
    }

    /// Changes the bound.
    pub fn resize(&mut self, maxsize: usize) {
        self.limits.maxsize = Some(maxsize);
        while self.entries.len() > maxsize {
            self.evict();
        }
    }

    /// Removes the oldest entry if it has expired, else the least recent one.
    fn evict(&mut self) {
        let oldest = (0..self.entries.len()).min_by_key(|&at| self.expires(self.entries[at]));
        let expired = oldest.filter(|&at| self.is_expired(self.entries[at]));
        self.entries.remove(expired.unwrap_or(0));
    }

    /// Whether one more fits beside so many, with which it would have this weight.
    fn fits(&self, others: usize, weight: usize) -> bool {
        self.limits.maxsize.is_none_or(|max| others < max)
            && self.limits.max_weight.is_none_or(|max| weight <= max)
    }

    fn weight(&self) -> usize {
        self.entries.iter().map(|entry| weight(entry.value)).sum()
    }

    /// When an entry expires. Of those that do so in the same second, the one goes first whose time began first.
    fn expires(&self, entry: Entry) -> (u64, u64) {
        let unused = self.limits.idle.map_or(u64::MAX, |idle| entry.used + idle.as_secs());
        (entry.ends, entry.stored_as).min((unused, entry.used_as))
    }

    fn is_expired(&self, entry: Entry) -> bool {
        self.now >= self.expires(entry).0
    }

    /// Where an entry is; an expired one goes when it is met.
    fn find(&mut self, key: u8) -> Option<usize> {
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        if self.is_expired(self.entries[at]) {
            self.entries.remove(at);
            return None;
        }
        Some(at)
    }
}
