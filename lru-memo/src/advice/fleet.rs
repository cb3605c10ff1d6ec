//! The advice on a function that many processes call: the uses that each of them samples, merged by their time.
//!
//! A process adds its [`Uses`] to those that the others have sampled. When there are many, the older half goes into the
//! [`FleetModel`]. So the model gets the uses in their order as long as no process is far behind.
//!
//! Levels do not take turns here, because all processes would have to change at the same moment. A level that pauses does so
//! for good, and keeps what it has counted.

use alloc::vec::Vec;

use super::model::{Model, threshold};
use super::record::{Record, Use};
use super::{CacheAdvice, Curve};

/// How many uses wait for those of slower processes. They take seven to ten bytes each.
const WAITING: usize = 6144;
/// Uses of keys whose hashes are the smallest 1/4,096th are always sampled.
const LAST_TURN: u32 = 6;
/// Sampling is not narrowed beyond this turn because of many uses alone.
const LAST_TURN_OF_FAST: u32 = 4;
/// Uses that follow each other faster than this, on average, are many: in units of 128 ns.
const FAST: u64 = 40_000 >> 7;

/// A use of a key, at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimedUse {
    /// In units of 128 ns since 1970.
    at: u64,
    hash: u32,
    used: Use,
}

impl TimedUse {
    /// At a time in nanoseconds since 1970.
    pub(crate) fn new(at: u64, hash: u32, used: Use) -> Self {
        Self { at: at >> 7, hash, used }
    }
}

/// Sampled uses, the oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Uses {
    /// How many times the number of sampled keys was divided by four.
    turn: u32,
    /// All lookups so far, including those of keys that are not sampled.
    pub(crate) lookups: u64,
    pub(crate) uses: Vec<TimedUse>,
}

impl Uses {
    /// Returns the largest hash that is sampled.
    pub(crate) fn threshold(&self) -> u32 {
        threshold(self.turn)
    }

    /// Samples a quarter of the keys. With the fewest keys, forgets all uses.
    pub(crate) fn narrow(&mut self) {
        if self.turn == LAST_TURN {
            self.uses.clear();
        }
        self.narrow_to(self.turn + 1);
    }

    /// Whether there are so many uses that fewer keys are enough.
    pub(crate) fn are_many(&self) -> bool {
        let ends = self.uses.first().zip(self.uses.last());
        let took = ends.map_or(0, |(first, last)| last.at.saturating_sub(first.at));
        self.turn < LAST_TURN_OF_FAST && took < FAST * self.uses.len() as u64
    }

    /// Samples no more keys than others do.
    pub(crate) fn narrow_to(&mut self, turn: u32) {
        self.turn = self.turn.max(turn).min(LAST_TURN);
        let threshold = self.threshold();
        self.uses.retain(|used| used.hash <= threshold);
    }

    /// Returns how much the sample was narrowed.
    pub(crate) fn turn(&self) -> u32 {
        self.turn
    }

    /// Adds the uses of another process.
    pub(crate) fn merge(&mut self, other: Self) {
        self.lookups = self.lookups.saturating_add(other.lookups);
        self.uses.extend(other.uses);
        self.uses.sort_by_key(|used| used.at);
        self.narrow_to(other.turn);
    }

    /// Takes the older half out, if there are too many.
    pub(crate) fn take_old(&mut self) -> Option<Self> {
        if self.uses.len() <= WAITING {
            return None;
        }
        let young = self.uses.split_off(self.uses.len() - WAITING / 2);
        let uses = core::mem::replace(&mut self.uses, young);
        Some(Self { turn: self.turn, lookups: 0, uses })
    }

    /// Returns the bytes for the store.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(16 + 9 * self.uses.len());
        bytes.push(self.turn as u8);
        bytes.extend(self.lookups.to_le_bytes());
        let mut before = 0;
        for used in &self.uses {
            write_number(&mut bytes, used.at - before);
            before = used.at;
            bytes.extend(used.hash.to_le_bytes());
            bytes.push(used.used as u8);
        }
        bytes
    }

    /// Reads what [`write`](Self::write) has written; `None` if it is something else.
    pub(crate) fn read(mut bytes: &[u8]) -> Option<Self> {
        let (&turn, rest) = bytes.split_first()?;
        let (lookups, rest) = rest.split_first_chunk()?;
        let (mut uses, mut at) = (Vec::new(), 0_u64);
        bytes = rest;
        while !bytes.is_empty() {
            at = at.checked_add(read_number(&mut bytes)?)?;
            let (hash, rest) = bytes.split_first_chunk()?;
            let (&used, rest) = rest.split_first()?;
            bytes = rest;
            uses.push(TimedUse { at, hash: u32::from_le_bytes(*hash), used: Use::of(used)? });
        }
        let turn = u32::from(turn);
        (turn <= LAST_TURN).then_some(Self { turn, lookups: u64::from_le_bytes(*lookups), uses })
    }
}

/// Appends a number, seven bits at a time.
fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn read_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// What is known of all lookups but the latest.
pub(crate) struct FleetModel(Model);

impl FleetModel {
    /// Reads the model of a function with this bound. Begins anew if there is none.
    pub(crate) fn read(bytes: Option<&[u8]>, maxsize: Option<usize>) -> Self {
        let maxsize = maxsize.unwrap_or(usize::MAX);
        let read = bytes.and_then(|bytes| Model::read(bytes, maxsize));
        Self(read.unwrap_or_else(|| Model::new(maxsize)))
    }

    /// Counts uses.
    pub(crate) fn count(&mut self, uses: &Uses) {
        self.0.narrow(uses.turn);
        for used in &uses.uses {
            self.0.count(Record::new(used.hash, used.used));
        }
        self.0.fade_if_many();
    }

    /// Returns the bytes for the store.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.0.write(&mut bytes);
        bytes
    }

    /// Returns the advice, given the number of calls.
    pub(crate) fn advice(&self, maxsize: Option<usize>, observed: u64) -> CacheAdvice {
        let curve: Curve = self.0.curve();
        CacheAdvice::new(maxsize, observed, curve)
    }
}

/// Checks that bytes are read without a panic, and that what was read is written as it was.
#[cfg(any(test, fuzzing))]
pub(crate) fn check(bytes: &[u8]) {
    let read = |bytes: &[u8]| FleetModel::read(Some(bytes), Some(64));
    let mut model = read(bytes);
    if let Some(uses) = Uses::read(bytes) {
        let again = Uses::read(&uses.write()).expect("it was written");
        assert_eq!(again.write(), uses.write());
        model.count(&uses);
    }
    let _ = model.advice(Some(64), 0).to_string();
    assert_eq!(read(&model.write()).write(), model.write());
}
