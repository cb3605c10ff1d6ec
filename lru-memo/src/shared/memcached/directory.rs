//! The directory of a namespace: one item, which processes change by compare-and-swap.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use super::item::{seal, unsealed};
use super::names::Names;
use crate::shared::namespace::Namespace;
use crate::shared::unique::unique;
use crate::shared::wall::{is_expired, is_unused};
use crate::shared::{Counts, Ticket};
use crate::totals::{CacheTotals, NUMBERS};

/// How many invalidations are remembered. A value is not stored if there were more during its run.
const REMEMBERED: usize = 16;

/// Stands for a missing bound.
const NONE: u64 = u64::MAX;

const MARK: &[u8; 4] = b"LMd4";

/// The directory of a namespace. It has no records if the namespace may have more entries than a directory can list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directory {
    /// A random number that changes with each clear, and when the server has lost the directory.
    pub(super) generation: u64,
    /// The seed of the hashes of keys. It is kept until the server loses the directory.
    seed: u64,
    /// The number of invalidations.
    sequence: u64,
    /// The hashes of the keys that were invalidated last, each at the index of its number.
    invalidated: Box<[u64; REMEMBERED]>,
    pub(super) hits: u64,
    pub(super) misses: u64,
    /// The bound on the number of entries, if it is another than the function was compiled with.
    pub(super) maxsize: Option<u64>,
    /// The totals, without hits and misses since the last clear.
    pub(super) totals: CacheTotals,
    /// The entries, the most recent last.
    pub(super) records: Vec<Record>,
}

/// The record of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    /// The hash of the key. The item holds the whole key.
    pub(super) hash: u64,
    /// The number in the name of the item.
    pub(super) version: u64,
    /// The weight; 0 without `max_weight`.
    pub(super) weight: u64,
    /// When the entry was stored, in nanoseconds since 1970; 0 without `ttl`.
    pub(super) stored: u64,
    /// When the entry was used last, in nanoseconds since 1970; 0 without `idle`.
    pub(super) used: u64,
}

impl Record {
    fn is_expired(&self, limits: Limits, now: u64) -> bool {
        limits.ttl.is_some_and(|ttl| is_expired(self.stored, now, ttl))
            || limits.idle.is_some_and(|idle| is_unused(self.used, now, idle))
    }
}

impl Directory {
    pub(super) fn new() -> Self {
        Self {
            generation: unique(),
            seed: unique(),
            sequence: 0,
            invalidated: Box::new([0; REMEMBERED]),
            hits: 0,
            misses: 0,
            maxsize: None,
            totals: CacheTotals::default(),
            records: Vec::new(),
        }
    }

    /// Returns the directory after a clear that has zeroed these counters.
    pub(super) fn cleared(&self, counts: Counts) -> Self {
        let Counts { hits, misses, .. } = counts;
        let mut cleared = self.emptied();
        cleared.count(&CacheTotals { hits, misses, ..CacheTotals::default() });
        cleared
    }

    /// Returns the directory of the next generation, without entries and counters.
    pub(super) fn emptied(&self) -> Self {
        Self { seed: self.seed, maxsize: self.maxsize, totals: self.totals, ..Self::new() }
    }

    /// Adds to the totals.
    pub(super) fn count(&mut self, more: &CacheTotals) {
        self.totals = self.totals.with(more, u64::saturating_add);
    }

    /// Returns a directory that stands for one that cannot be decoded.
    pub(super) fn broken() -> Self {
        Self { generation: 0, ..Self::new() }
    }

    pub(super) fn is_broken(&self) -> bool {
        self.generation == 0
    }

    /// Returns the hash of a key for its record. The seed is secret, so 64 bits are enough: two entries of a namespace
    /// collide once in many millions of years, and then replace each other.
    pub(super) fn hash_of(&self, key: &[u8]) -> u64 {
        self.names().hash_of(key) as u64
    }

    pub(super) fn names(&self) -> Names {
        Names { generation: self.generation, seed: self.seed }
    }

    pub(super) fn ticket(&self) -> Ticket {
        Ticket { generation: self.generation, sequence: self.sequence }
    }

    /// Whether the key was neither cleared nor invalidated since the ticket.
    pub(super) fn allows(&self, ticket: Ticket, key: &[u8]) -> bool {
        let hash = self.hash_of(key);
        let missed = self.sequence.wrapping_sub(ticket.sequence);
        ticket.generation == self.generation
            && missed <= REMEMBERED as u64
            && (1..=missed).all(|back| self.invalidated[slot(self.sequence.wrapping_sub(back))] != hash)
    }

    pub(super) fn invalidate(&mut self, key: &[u8]) {
        self.invalidated[slot(self.sequence)] = self.hash_of(key);
        // The number wraps around. Tickets from before differ, and no later invalidation is missed.
        self.sequence = self.sequence.wrapping_add(1);
    }

    pub(super) fn count_hit(&mut self) {
        self.hits = self.hits.saturating_add(1);
    }

    /// Counts a miss if `counts` says so.
    pub(super) fn count_miss(&mut self, counts: bool) {
        self.misses = self.misses.saturating_add(counts.into());
    }

    /// Returns the index of a key's entry. Removes an expired entry.
    pub(super) fn find(&mut self, key: &[u8], limits: Limits, now: u64) -> Option<usize> {
        let hash = self.hash_of(key);
        // Searches from the most recent entry, which is looked up most often.
        let at = self.records.iter().rposition(|record| record.hash == hash)?;
        if self.records[at].is_expired(limits, now) {
            self.records.remove(at);
            self.totals.expirations = self.totals.expirations.saturating_add(1);
            return None;
        }
        Some(at)
    }

    /// Makes an entry the most recent.
    pub(super) fn touch(&mut self, at: usize, limits: Limits, now: u64) {
        if limits.idle.is_some() {
            self.records[at].used = self.records[at].used.max(now);
        }
        self.records[at..].rotate_left(1);
    }

    fn weight(&self) -> u64 {
        self.records.iter().fold(0, |sum, record| sum.saturating_add(record.weight))
    }

    /// Returns the present bound on the number of entries.
    pub(super) fn maxsize(&self, space: &Namespace) -> Option<usize> {
        let changed = self.maxsize.map(|maxsize| usize::try_from(maxsize).unwrap_or(usize::MAX));
        changed.or_else(|| space.maxsize())
    }

    /// Returns how many entries may be listed.
    pub(super) fn bound(&self, limits: Limits) -> usize {
        self.maxsize.map_or(limits.maxsize, |maxsize| maxsize.min(Limits::LONGEST as u64) as usize)
    }

    /// Adds an entry as the most recent one; the bound is not 0. Returns the entries that were evicted for it: the expired
    /// first, then the least recent.
    pub(super) fn add(&mut self, record: Record, limits: Limits, now: u64) -> Vec<Record> {
        let maxsize = self.bound(limits).saturating_sub(1);
        let max_weight = limits.max_weight.map(|max| max.saturating_sub(record.weight));
        let left = self.evict(Limits { maxsize, max_weight, ..limits }, now);
        self.records.push(record);
        left
    }

    /// Changes the bound. Returns the entries that were evicted.
    pub(super) fn resize(&mut self, maxsize: usize, limits: Limits, now: u64) -> Vec<Record> {
        self.maxsize = Some(maxsize as u64);
        self.evict(Limits { maxsize, ..limits }, now)
    }

    /// Evicts entries until the rest is within the limits.
    fn evict(&mut self, limits: Limits, now: u64) -> Vec<Record> {
        let (mut left, mut weight) = (Vec::new(), self.weight());
        let is_over =
            |count, weight| count > limits.maxsize || limits.max_weight.is_some_and(|max| weight > max);
        while !self.records.is_empty() && is_over(self.records.len(), weight) {
            let expired = self.expired(limits, now);
            let left_for = match expired {
                Some(_) => &mut self.totals.expirations,
                None => &mut self.totals.evictions,
            };
            *left_for = left_for.saturating_add(1);
            let leaving = self.records.remove(expired.unwrap_or(0));
            weight = weight.saturating_sub(leaving.weight);
            left.push(leaving);
        }
        left
    }

    /// Returns the index of an expired entry.
    fn expired(&self, limits: Limits, now: u64) -> Option<usize> {
        limits.ttl.or(limits.idle)?;
        let expired = self.records.iter().enumerate().filter(|(_, record)| record.is_expired(limits, now));
        expired.min_by_key(|(_, record)| record.stored).map(|(at, _)| at)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(200 + self.records.len() * 32);
        bytes.extend_from_slice(MARK);
        bytes.extend(self.generation.to_le_bytes());
        bytes.extend(self.seed.to_le_bytes());
        bytes.extend(self.sequence.to_le_bytes());
        self.invalidated.iter().for_each(|hash| bytes.extend(hash.to_le_bytes()));
        bytes.extend(self.hits.to_le_bytes());
        bytes.extend(self.misses.to_le_bytes());
        bytes.extend(self.maxsize.unwrap_or(NONE).to_le_bytes());
        self.totals.numbers().iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        // Weights and times are left out if all are 0: the directory is sent with each hit, so it should be short.
        let weighed = self.records.iter().any(|record| record.weight != 0);
        let stamped = self.records.iter().any(|record| record.stored != 0);
        let noted = self.records.iter().any(|record| record.used != 0);
        bytes.extend([weighed, stamped, noted].map(u8::from));
        for record in &self.records {
            bytes.extend(record.hash.to_le_bytes());
            bytes.extend(record.version.to_le_bytes());
            if weighed {
                bytes.extend(record.weight.to_le_bytes());
            }
            if stamped {
                bytes.extend(record.stored.to_le_bytes());
            }
            if noted {
                bytes.extend(record.used.to_le_bytes());
            }
        }
        seal(&mut bytes);
        bytes
    }

    /// Decodes a directory. Returns `None` if the bytes are not one.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = unsealed(bytes)?.strip_prefix(MARK)?;
        let (generation, seed, sequence) = (number(&mut rest)?, number(&mut rest)?, number(&mut rest)?);
        let mut invalidated = Box::new([0; REMEMBERED]);
        for hash in invalidated.iter_mut() {
            *hash = number(&mut rest)?;
        }
        let (hits, misses) = (number(&mut rest)?, number(&mut rest)?);
        let maxsize = Some(number(&mut rest)?).filter(|&maxsize| maxsize != NONE);
        let mut totals = [0; NUMBERS];
        for total in &mut totals {
            *total = number(&mut rest)?;
        }
        let totals = CacheTotals::of_numbers(totals);
        let (&[weighed, stamped, noted], mut rest) = rest.split_first_chunk()?;
        // A longer one is refused: evicting from it would take long.
        let mut records = Vec::with_capacity((rest.len() / 16 + 1).min(Limits::LONGEST));
        while !rest.is_empty() {
            if records.len() == Limits::LONGEST {
                return None;
            }
            let (hash, version) = (number(&mut rest)?, number(&mut rest)?);
            let weight = if weighed != 0 { number(&mut rest)? } else { 0 };
            let stored = if stamped != 0 { number(&mut rest)? } else { 0 };
            let used = if noted != 0 { number(&mut rest)? } else { 0 };
            records.push(Record { hash, version, weight, stored, used });
        }
        Some(Self { generation, seed, sequence, invalidated, hits, misses, maxsize, totals, records })
    }
}

/// The limits of a directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) maxsize: usize,
    pub(super) max_weight: Option<u64>,
    pub(super) ttl: Option<Duration>,
    pub(super) idle: Option<Duration>,
}

impl Limits {
    /// The maximum number of entries in a directory. Each call sends 16 to 40 bytes for each entry.
    pub(super) const LONGEST: usize = 1024;

    /// Returns the limits of a namespace with a list of its entries.
    pub(super) fn of(space: &Namespace) -> Self {
        let maxsize = space.maxsize().map_or(Self::LONGEST, |maxsize| maxsize.min(Self::LONGEST));
        Self { maxsize, max_weight: space.max_weight(), ttl: space.ttl(), idle: space.idle() }
    }

    /// Whether a namespace with this bound has a list of its entries. One with a bound on the weight always has, and has
    /// at most [`LONGEST`](Self::LONGEST) entries.
    pub(super) fn are_listed(space: &Namespace, maxsize: Option<usize>) -> bool {
        space.max_weight().is_some() || maxsize.is_some_and(|maxsize| maxsize <= Self::LONGEST)
    }
}

fn slot(number: u64) -> usize {
    number as usize % REMEMBERED
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*number))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const LIMITS: Limits =
        Limits { maxsize: 3, max_weight: None, ttl: Some(Duration::from_nanos(100)), idle: None };

    fn record(hash: u64, stored: u64) -> Record {
        Record { hash, version: 1 << 60 | stored, weight: 2, stored, used: stored + 1 }
    }

    #[test]
    fn a_directory_is_read_as_written_and_nothing_else_is_one() {
        let mut directory = Directory { hits: 3, misses: u64::MAX, ..Directory::new() };
        (0..20).for_each(|key| directory.invalidate(&[key]));
        (0..3).for_each(|at| _ = directory.add(record(u64::MAX - at, 7), LIMITS, 8));
        let bytes = directory.encode();
        assert_eq!(Directory::decode(&bytes), Some(directory));
        for at in 0..bytes.len() {
            assert_eq!(Directory::decode(&bytes[..at]), None);
        }
        assert_eq!(Directory::decode(b""), None);
        let plain = Directory {
            records: (0..3)
                .map(|at| Record { hash: at, version: at, weight: 0, stored: 0, used: 0 })
                .collect(),
            ..Directory::new()
        };
        let bytes = plain.encode();
        assert_eq!(Directory::decode(&bytes), Some(plain));
    }

    #[test]
    fn counters_at_their_limit_stay_there_and_no_invalidation_is_lost() {
        let (hits, misses) = (u64::MAX, u64::MAX);
        let mut directory = Directory { sequence: u64::MAX, hits, misses, ..Directory::new() };
        directory.count_hit();
        directory.count_miss(true);
        assert_eq!((directory.hits, directory.misses), (u64::MAX, u64::MAX));
        let ticket = directory.ticket();
        directory.invalidate(b"key");
        assert!(!directory.allows(ticket, b"key") && directory.allows(ticket, b"another"));
    }

    #[test]
    fn what_is_longer_than_a_directory_may_be_is_none() {
        let record = Record { hash: 1, version: 2, weight: 0, stored: 0, used: 0 };
        let of = |length| Directory { records: vec![record; length], ..Directory::new() }.encode();
        assert!(Directory::decode(&of(Limits::LONGEST)).is_some());
        assert_eq!(Directory::decode(&of(Limits::LONGEST + 1)), None);
    }

    #[test]
    fn the_longest_directory_is_far_shorter_than_an_item_may_be() {
        let limits = Limits { maxsize: Limits::LONGEST, ..LIMITS };
        let mut directory = Directory::new();
        (0..2000).for_each(|at| _ = directory.add(record(at, 7), limits, 8));
        assert_eq!(directory.records.len(), 1024);
        assert!(directory.encode().len() < 48 << 10);
    }

    #[test]
    fn the_expired_go_first_and_then_the_least_recent() {
        let mut directory = Directory::new();
        for (hash, stored) in [(1, 50), (2, 0), (3, 60)] {
            assert_eq!(directory.add(record(hash, stored), LIMITS, 60), []);
        }
        assert_eq!(directory.add(record(4, 100), LIMITS, 100), [record(2, 0)]);
        assert_eq!(directory.add(record(5, 100), LIMITS, 100), [record(1, 50)]);
        directory.touch(0, LIMITS, 100);
        directory.touch(2, LIMITS, 100);
        assert_eq!(directory.add(record(6, 101), LIMITS, 101), [record(4, 100)]);
    }

    #[test]
    fn a_ticket_knows_sixteen_invalidations() {
        let mut directory = Directory::new();
        let ticket = directory.ticket();
        (0..16).for_each(|key| directory.invalidate(&[key]));
        assert!(
            directory.allows(ticket, &[16])
                && !directory.allows(ticket, &[0])
                && !directory.allows(ticket, &[15])
        );
        directory.invalidate(&[99]);
        assert!(!directory.allows(ticket, &[16]));
        assert!(directory.allows(directory.ticket(), &[99]));
        assert!(!Directory::new().allows(ticket, &[16]));
    }
}
