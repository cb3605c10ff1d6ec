//! A store in the memory of this process, for tests. It is the reference for the other stores.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hash::BuildHasher;
use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::time::Instant;

use once_cell::race::OnceBox;

use super::error::Error;
use super::lease::Lease;
use super::namespace::Namespace;
use super::{Counts, Entry, Found, Store, Summary, Ticket};
use crate::cache::kind::{Expiry as _, PutOff};
use crate::cache::lifetime::Lifetime;
use crate::sys::clock;
use crate::sys::fork::{Heritage, Inherited};
use crate::sys::sync::Condvar;
use crate::table::blocks::Place;
use crate::table::lru::{Left, Limits};
use crate::table::threading::{OneThread, Small};
use crate::table::{ExpiryCheck, Inside, Table, partial_hash};
use crate::totals::CacheTotals;

/// How many invalidations of a namespace are remembered. A value is not stored if there were more during its run.
const REMEMBERED: usize = 16;

/// A store in the memory of this process. No other process shares it: `memory://` is for tests.
#[derive(Default)]
pub struct Memory(Arc<Inner>);

struct Inner {
    state: Inherited<Contents>,
    /// Notified when a lease ends.
    ended: Condvar,
}

/// The contents of the store.
#[derive(Default)]
struct Contents {
    spaces: HashMap<u128, Space>,
    /// The keys with a lease.
    taken: HashSet<Subject>,
}

type Subject = (u128, Box<[u8]>);

impl Default for Inner {
    fn default() -> Self {
        Self { state: Inherited::new(Contents::default), ended: Condvar::new() }
    }
}

impl Heritage for Contents {
    fn forget_others(&mut self) {
        self.taken.clear();
    }
}

struct Record {
    key: Box<[u8]>,
    value: Box<[u8]>,
    expiry: PutOff,
}

impl Record {
    fn is_expired(&self, now: Option<Instant>) -> bool {
        now.zip(self.expiry.deadline()).is_some_and(|(now, deadline)| now >= deadline)
    }
}

struct Space {
    lifetime: Lifetime,
    table: Table<Small<OneThread>, Record, ()>,
    summary: Summary,
    /// What clears have zeroed, and what the process has counted.
    totals: CacheTotals,
    generation: u64,
    /// The hashes of the keys that were invalidated last, each at the index of its number.
    invalidated: [u64; REMEMBERED],
    sequence: u64,
}

impl Memory {
    /// Makes an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn with<R>(&self, space: &Namespace, inside: impl FnOnce(&mut Space) -> R) -> R {
        let mut state = self.0.state.lock();
        inside(state.spaces.entry(space.id()).or_insert_with(|| Space::new(space)))
    }
}

impl Space {
    fn new(space: &Namespace) -> Self {
        let max_weight = space.max_weight().map(|max| usize::try_from(max).unwrap_or(usize::MAX));
        let limits = Limits { maxsize: space.maxsize(), max_weight };
        Self {
            lifetime: Lifetime { ttl: space.ttl(), idle: space.idle(), ..Lifetime::default() },
            table: Table::new(limits, ()),
            summary: Summary::new(space, Counts::default()),
            totals: CacheTotals::default(),
            generation: 0,
            invalidated: [0; REMEMBERED],
            sequence: 0,
        }
    }

    fn ticket(&self) -> Ticket {
        Ticket { generation: self.generation, sequence: self.sequence }
    }

    fn counts(&self) -> Counts {
        Counts { currsize: self.inside(|table| table.len()), ..self.summary.counts }
    }

    /// Whether the key was neither cleared nor invalidated since the ticket.
    fn is_valid(&self, ticket: Ticket, hash: u64) -> bool {
        let missed = self.sequence.saturating_sub(ticket.sequence);
        ticket.generation == self.generation
            && missed <= REMEMBERED as u64
            && (1..=missed).all(|back| self.invalidated[at(self.sequence - back)] != hash)
    }

    fn summary(&self) -> Summary {
        let counts = self.counts();
        let (evictions, expirations) = self.inside(|table| table.evictions_and_expirations());
        let Counts { hits, misses, .. } = counts;
        let own = CacheTotals { hits, misses, evictions, expirations, ..CacheTotals::default() };
        let totals = Some(self.totals.with(&own, u64::saturating_add));
        Summary { counts, totals, ..self.summary.clone() }
    }

    fn clear(&mut self) {
        self.inside(|mut table| table.clear(&mut Left::new()));
        let Counts { hits, misses, .. } = self.summary.counts;
        self.totals.hits += hits;
        self.totals.misses += misses;
        self.summary.counts = Counts::default();
        self.generation += 1;
    }

    /// Takes one step towards a new bound, and returns whether it is reached.
    fn resize(&mut self, maxsize: usize) -> bool {
        let expiry = ExpiryCheck { now: self.now(), deadline_of: |record: &Record| record.expiry.deadline() };
        let reached = self.inside(|mut table| table.resize(maxsize, &expiry, &mut Left::new()));
        self.summary.maxsize = Some(reached);
        reached == maxsize
    }

    fn now(&self) -> Option<Instant> {
        self.lifetime.ttl.or(self.lifetime.idle).map(|_| clock::now())
    }

    fn inside<R>(&self, act: impl FnOnce(Inside<'_, Small<OneThread>, Record>) -> R) -> R {
        self.table.with(|table, ()| act(table))
    }

    /// Returns the place of a key, and a part of its entry. Removes an expired entry.
    fn find<R>(&mut self, key: &[u8], made: impl Fn(&Record) -> R) -> Option<(Place, R)> {
        let now = self.now();
        let found = |record: &Record| {
            let is_live = !record.is_expired(now);
            (*record.key == *key).then(|| is_live.then(|| made(record)))
        };
        self.inside(|mut table| {
            let (place, made) = table.find(partial_hash(hash(key)), found)?;
            if made.is_none() {
                table.expire(place, &mut Left::new());
            }
            Some((place, made?))
        })
    }

    fn hit(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        let use_now = self.now().zip(self.lifetime.idle);
        let (place, value) = self.find(key, |record| {
            if let Some((now, idle)) = use_now {
                record.expiry.put_off(now, idle);
            }
            record.value.to_vec()
        })?;
        self.summary.counts.hits += 1;
        self.inside(|mut table| table.touch(place));
        Some(value)
    }

    fn miss(&mut self) -> Ticket {
        self.summary.counts.misses += 1;
        self.ticket()
    }

    fn hit_to_miss(&mut self) -> Ticket {
        self.summary.counts.hits = self.summary.counts.hits.saturating_sub(1);
        self.miss()
    }

    fn remove(&mut self, key: &[u8]) -> bool {
        let found = self.find(key, |_| ());
        found.map(|(place, ())| self.inside(|mut table| table.remove(place, &mut Left::new()))).is_some()
    }

    fn store(&mut self, key: &[u8], entry: Entry<'_>) -> bool {
        let hash = hash(key);
        if entry.computed_since.is_some_and(|ticket| !self.is_valid(ticket, hash)) {
            return false;
        }
        let place = self.find(key, |_| ()).map(|(place, ())| place);
        if place.is_some() && !entry.replace {
            return false;
        }
        let weight = usize::try_from(entry.weight).unwrap_or(usize::MAX);
        let (now, lifetime) = (self.now(), self.lifetime);
        let mut left = Left::new();
        self.inside(|mut table| {
            if !table.admits(weight) {
                if let Some(place) = place {
                    table.remove(place, &mut left);
                }
                return false;
            }
            let age = lifetime.ttl.map(|ttl| ttl.saturating_sub(entry.age));
            let expiry = PutOff::new(now, age, lifetime);
            let record = Record { key: key.into(), value: entry.value.into(), expiry };
            let expiry = ExpiryCheck { now, deadline_of: |record: &Record| record.expiry.deadline() };
            table.store(place, partial_hash(hash), record, weight, &expiry, &mut left);
            true
        })
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        drop(self.table.empty());
    }
}

impl Store for Memory {
    fn get(&self, space: &Namespace, key: &[u8]) -> Result<Found, Error> {
        Ok(self.with(space, |state| match state.hit(key) {
            Some(value) => Found::Hit(value),
            None => Found::Miss(state.miss()),
        }))
    }

    fn get_if_present(&self, space: &Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.with(space, |state| state.hit(key)))
    }

    fn count_hit(&self, space: &Namespace) -> Result<(), Error> {
        self.with(space, |state| state.summary.counts.hits += 1);
        Ok(())
    }

    fn reject(&self, space: &Namespace, key: &[u8]) -> Result<Ticket, Error> {
        Ok(self.with(space, |state| {
            state.remove(key);
            state.hit_to_miss()
        }))
    }

    fn hit_to_miss(&self, space: &Namespace, _: &[u8]) -> Result<(), Error> {
        self.with(space, |state| state.hit_to_miss());
        Ok(())
    }

    fn ticket(&self, space: &Namespace) -> Result<Ticket, Error> {
        Ok(self.with(space, |state| state.ticket()))
    }

    fn is_current(&self, space: &Namespace, key: &[u8], since: Ticket) -> Result<bool, Error> {
        Ok(self.with(space, |state| state.is_valid(since, hash(key))))
    }

    fn store(&self, space: &Namespace, key: &[u8], entry: Entry<'_>) -> Result<bool, Error> {
        Ok(self.with(space, |state| state.store(key, entry)))
    }

    fn peek(&self, space: &Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.with(space, |state| {
            let (_, value) = state.find(key, |record| record.value.to_vec())?;
            Some(value)
        }))
    }

    fn invalidate(&self, space: &Namespace, key: &[u8]) -> Result<bool, Error> {
        Ok(self.with(space, |state| {
            state.invalidated[at(state.sequence)] = hash(key);
            state.sequence += 1;
            state.remove(key)
        }))
    }

    fn clear(&self, space: &Namespace) -> Result<(), Error> {
        self.with(space, Space::clear);
        Ok(())
    }

    fn info(&self, space: &Namespace) -> Result<Counts, Error> {
        Ok(self.with(space, |state| state.counts()))
    }

    fn summary(&self, space: &Namespace) -> Result<Summary, Error> {
        Ok(self.with(space, |state| state.summary()))
    }

    fn count(&self, space: &Namespace, more: &CacheTotals) -> Result<(), Error> {
        self.with(space, |state| state.totals = state.totals.with(more, u64::saturating_add));
        Ok(())
    }

    fn resize(&self, space: &Namespace, maxsize: usize) -> Result<(), Error> {
        while !self.with(space, |state| state.resize(maxsize)) {}
        Ok(())
    }

    fn lease(&self, space: &Namespace, key: &[u8]) -> Result<Lease, Error> {
        let subject: Subject = (space.id(), key.into());
        let mut state = self.0.state.lock();
        while !state.taken.insert(subject.clone()) {
            state = self.0.ended.wait(state);
        }
        Ok(Lease::new(MemoryLease { store: Arc::clone(&self.0), subject }))
    }

    fn try_lease(&self, space: &Namespace, key: &[u8]) -> Result<Option<Lease>, Error> {
        let subject: Subject = (space.id(), key.into());
        let is_mine = self.0.state.lock().taken.insert(subject.clone());
        Ok(is_mine.then(|| Lease::new(MemoryLease { store: Arc::clone(&self.0), subject })))
    }

    fn namespaces(&self) -> Result<Vec<Summary>, Error> {
        Ok(self.0.state.lock().spaces.values().map(Space::summary).collect())
    }
}

struct MemoryLease {
    store: Arc<Inner>,
    subject: Subject,
}

impl Drop for MemoryLease {
    fn drop(&mut self) {
        self.store.state.lock().taken.remove(&self.subject);
        self.store.ended.notify_all();
    }
}

fn at(number: u64) -> usize {
    number as usize % REMEMBERED
}

/// Hashes a key, with a seed of this process.
fn hash(key: &[u8]) -> u64 {
    static SEED: OnceBox<RandomState> = OnceBox::new();
    SEED.get_or_init(|| Box::new(RandomState::new())).hash_one(key)
}
