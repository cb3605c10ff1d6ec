//! Lookups. They do not wait for writers, except when a change is in progress or must be made.

use alloc::vec::Vec;
use core::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};
use core::time::Duration;

use heed::RoTxn;

use super::opened::{HashedKey, Opened};
use super::raw;
use super::record::Record;
use super::table::{LOCKED, Space, Tally, damaged};
use super::write::{Change, is_valid};
use crate::shared::error::{Error, Kind};
use crate::shared::namespace::Namespace;
use crate::shared::{Counts, Found, Summary, Ticket, events, wall};
use crate::totals::CacheTotals;

/// How often a lookup is tried without a lock before it waits for the writers' lock.
const ATTEMPTS: usize = 4;

/// The purpose of a lookup.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A call of the function: counts a hit or a miss.
    Call,
    /// A call that looks the key up again after a miss: counts a hit only.
    Hit,
    /// `peek`: counts nothing and leaves the recency as it is.
    Peek,
}

/// The result of a lookup without a lock.
enum Seen {
    Hit(Vec<u8>),
    Miss(Ticket),
    /// A change is in progress, or the lookup itself needs one.
    Unclear,
}

impl Opened {
    /// Looks a key up. Returns the value, or a ticket for a miss.
    pub(super) fn look(&self, key: &HashedKey<'_>, what: Purpose) -> Result<Found, Error> {
        let now = key.now();
        for _ in 0..ATTEMPTS {
            match self.try_look(key, what, now)? {
                Seen::Hit(value) => return Ok(Found::Hit(value)),
                Seen::Miss(ticket) => return Ok(Found::Miss(ticket)),
                Seen::Unclear => {}
            }
        }
        self.look_alone(key, what)
    }

    fn try_look(&self, key: &HashedKey<'_>, what: Purpose, now: Option<u64>) -> Result<Seen, Error> {
        let now_seconds = raw::seconds();
        self.watch(now_seconds)?;
        // The change is read before the transaction begins: if the transaction is older, the change is in progress.
        let known = self.known(key.namespace).map(|(index, space)| (index, space, space.change.load(SeqCst)));
        // A thread that gets no read transaction uses the writers' lock.
        let Ok(txn) = self.read() else { return Ok(Seen::Unclear) };
        let Some((index, space, change)) = known else {
            self.find_space(&txn, key.namespace)?;
            return Ok(Seen::Unclear);
        };
        if (txn.id() as u64) < change {
            return Ok(Seen::Unclear);
        }
        space.touch(self.table.head(), now_seconds, self.noted_every);
        match self.see(&txn, index, space, change, key, what, now) {
            // If a reader is stopped while it begins a transaction, LMDB lets it see a mixture of two roots. The lookup
            // under the lock finds out whether the store is really broken.
            Err(error) if error.kind() == Kind::Corrupt => Ok(Seen::Unclear),
            seen => seen,
        }
    }

    /// Looks a key up under the writers' lock, when no other process can change anything.
    #[cold]
    fn look_alone(&self, key: &HashedKey<'_>, what: Purpose) -> Result<Found, Error> {
        let (txn, index, space) = self.begin_in(key.namespace)?;
        let now = key.now();
        let change = space.change.load(SeqCst);
        match self.see(&txn, index, space, change, key, what, now)? {
            Seen::Hit(value) => return Ok(Found::Hit(value)),
            Seen::Miss(ticket) => return Ok(Found::Miss(ticket)),
            Seen::Unclear => {}
        }
        // The entry has expired or is broken.
        let ticket = space.ticket();
        let found = self.find(&txn, index, key)?;
        let is_expired = found.is_some_and(|(_, record)| self.is_expired(key.namespace, space, &record, now));
        let mut change = Change::new(self, txn, index, space);
        if change.remove_key(key)? {
            change.expirations += u64::from(is_expired);
            change.commit()?;
        }
        if what == Purpose::Call {
            Tally::add(&space.misses, ticket.generation);
        }
        Ok(Found::Miss(ticket))
    }

    #[expect(clippy::too_many_arguments, reason = "it is one step of two callers")]
    fn see(
        &self,
        txn: &RoTxn<'_>,
        index: u32,
        space: &Space,
        change: u64,
        key: &HashedKey<'_>,
        what: Purpose,
        now: Option<u64>,
    ) -> Result<Seen, Error> {
        let found = self.find(txn, index, key)?;
        let ticket = space.ticket();
        let Some((_, record)) = found else {
            if !space.is_still(change) {
                return Ok(Seen::Unclear);
            }
            if what == Purpose::Call {
                Tally::add(&space.misses, ticket.generation);
            }
            return Ok(Seen::Miss(ticket));
        };
        if self.is_expired(key.namespace, space, &record, now) {
            return Ok(Seen::Unclear);
        }
        let value = record.value.to_vec();
        if !record.is_whole(&value) {
            if space.is_still(change) {
                events::note_rejected();
            }
            return Ok(Seen::Unclear);
        }
        if what == Purpose::Peek {
            return Ok(if space.is_still(change) { Seen::Hit(value) } else { Seen::Unclear });
        }
        if !self.touch(space, change, &record)? {
            return Ok(Seen::Unclear);
        }
        if let (Some(idle), Some(now)) = (key.namespace.idle(), now) {
            self.note_use(space, &record, now, idle);
        }
        Tally::add(&space.hits, ticket.generation);
        Ok(Seen::Hit(value))
    }

    /// Notes when an entry was used. Uses that follow each other closely are not noted, so that processes do not all write
    /// what all read.
    fn note_use(&self, space: &Space, record: &Record<'_>, now: u64, idle: Duration) {
        const MOST: u128 = 1_000_000;
        if let Some(slot) = self.table.slot(space, record.slot) {
            let gained = now.saturating_sub(slot.seen.load(Relaxed));
            if u128::from(gained) > (idle.as_nanos() / 1024).min(MOST) {
                slot.seen.fetch_max(now, Relaxed);
            }
        }
    }

    /// Whether an entry has expired, given the time if entries of the namespace expire. If the space changes meanwhile, the
    /// answer may be wrong.
    pub(super) fn is_expired(
        &self,
        namespace: &Namespace,
        space: &Space,
        record: &Record<'_>,
        now: Option<u64>,
    ) -> bool {
        let Some(now) = now else { return false };
        let is_unused = |idle| {
            let seen = self.table.slot(space, record.slot).map_or(0, |slot| slot.seen.load(Relaxed));
            wall::is_unused(seen, now, idle)
        };
        namespace.ttl().is_some_and(|ttl| wall::is_expired(record.since, now, ttl))
            || namespace.idle().is_some_and(is_unused)
    }

    /// Makes an entry the most recent one. Returns `false` if the space has changed meanwhile.
    #[inline]
    fn touch(&self, space: &Space, change: u64, record: &Record<'_>) -> Result<bool, Error> {
        let Some(slot) = self.table.slot(space, record.slot) else {
            return if space.is_still(change) { Err(damaged()) } else { Ok(false) };
        };
        let mut used = slot.used.load(SeqCst);
        let newest = space.clock.load(SeqCst);
        if !space.is_still(change) {
            return Ok(false);
        }
        // The entry is the most recent one already.
        if used == newest {
            return Ok(true);
        }
        let stamp = space.tick();
        loop {
            // A slot that is locked while no change is in progress has not got its first stamp yet.
            if used & !LOCKED >= stamp {
                return Ok(true);
            }
            match slot.used.compare_exchange(used, stamp, SeqCst, Acquire) {
                Ok(_) => return Ok(true),
                Err(now) => used = now,
            }
            if !space.is_still(change) {
                return Ok(false);
            }
        }
    }

    /// Counts a hit under the writers' lock, so that no clear comes in between.
    pub(super) fn count_hit(&self, namespace: &Namespace) -> Result<(), Error> {
        let (_txn, _, space) = self.begin_in(namespace)?;
        Tally::add(&space.hits, space.ticket().generation);
        Ok(())
    }

    /// Turns a hit into a miss, as [`count_hit`](Self::count_hit) counts.
    pub(super) fn hit_to_miss(&self, namespace: &Namespace) -> Result<(), Error> {
        let (_txn, _, space) = self.begin_in(namespace)?;
        space.hit_to_miss();
        Ok(())
    }

    pub(super) fn ticket(&self, namespace: &Namespace) -> Result<Ticket, Error> {
        self.observe(namespace, Space::ticket)
    }

    /// Whether the key was neither cleared nor invalidated since the ticket.
    pub(super) fn is_current(&self, key: &HashedKey<'_>, since: Ticket) -> Result<bool, Error> {
        self.observe(key.namespace, |space| is_valid(space, since, key.hash))
    }

    /// Returns the counters, the present bound, and the totals.
    pub(super) fn summary(&self, namespace: &Namespace) -> Result<Summary, Error> {
        let (counts, maxsize, totals) =
            self.observe(namespace, |space| (space.counts(), space.maxsize(), space.totals()))?;
        Ok(Summary { maxsize, totals: Some(totals), ..Summary::new(namespace, counts) })
    }

    pub(super) fn counts(&self, namespace: &Namespace) -> Result<Counts, Error> {
        self.observe(namespace, Space::counts)
    }

    /// Adds to the totals. Needs no lock once this process has found the namespace.
    pub(super) fn count(&self, namespace: &Namespace, more: &CacheTotals) -> Result<(), Error> {
        match self.known(namespace) {
            Some((_, space)) => space.count(more),
            None => self.begin_in(namespace)?.2.count(more),
        }
        Ok(())
    }

    /// Reads several numbers of a space at one moment.
    fn observe<R: PartialEq>(&self, namespace: &Namespace, read: impl Fn(&Space) -> R) -> Result<R, Error> {
        self.watch(raw::seconds())?;
        for _ in 0..ATTEMPTS {
            let Some((_, space)) = self.known(namespace) else { break };
            let change = space.change.load(SeqCst);
            if self.environment().committed() < change {
                break;
            }
            // Counters may grow between two reads. Two equal reads are a consistent result.
            let mut last = read(space);
            for _ in 0..64 {
                let now = read(space);
                if !space.is_still(change) {
                    break;
                }
                if now == last {
                    return Ok(now);
                }
                last = now;
            }
        }
        // Hits may change the counters all the time, so the number of attempts is bounded.
        let (_txn, _, space) = self.begin_in(namespace)?;
        let mut last = read(space);
        for _ in 0..1_000_000 {
            let now = read(space);
            if now == last {
                break;
            }
            last = now;
        }
        Ok(last)
    }
}

impl Space {
    pub(super) fn ticket(&self) -> Ticket {
        Ticket { generation: self.generation.load(Relaxed), sequence: self.sequence.load(Relaxed) }
    }

    /// Turns a hit into a miss. The caller has the writers' lock.
    pub(super) fn hit_to_miss(&self) {
        let generation = self.generation.load(Relaxed);
        Tally::take_back(&self.hits, generation);
        Tally::add(&self.misses, generation);
    }

    pub(super) fn counts(&self) -> Counts {
        let generation = self.generation.load(Relaxed);
        Counts {
            hits: Tally::get(&self.hits, generation),
            misses: Tally::get(&self.misses, generation),
            currsize: self.entries.load(Relaxed) as usize,
        }
    }
}
