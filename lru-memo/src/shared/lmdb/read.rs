//! Lookups. They do not wait for writers, except when a change is in progress or must be made.

use alloc::vec::Vec;
use core::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};

use heed::RoTxn;

use super::opened::{HashedKey, Opened};
use super::raw;
use super::record::Record;
use super::table::{LOCKED, Space, Tally, damaged};
use super::write::{Change, is_valid};
use crate::shared::error::{Error, Kind};
use crate::shared::namespace::Namespace;
use crate::shared::{Counts, Found, Ticket, health, wall};

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
        let now = key.namespace.ttl().map(|_| wall::now());
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
        let now = key.namespace.ttl().map(|_| wall::now());
        let change = space.change.load(SeqCst);
        match self.see(&txn, index, space, change, key, what, now)? {
            Seen::Hit(value) => return Ok(Found::Hit(value)),
            Seen::Miss(ticket) => return Ok(Found::Miss(ticket)),
            Seen::Unclear => {}
        }
        // The entry has expired or is broken.
        let ticket = space.ticket();
        let mut change = Change::new(self, txn, index, space);
        if change.remove_key(key)? {
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
        if let (Some(ttl), Some(now)) = (key.namespace.ttl(), now) {
            if wall::is_expired(record.since, now, ttl) {
                return Ok(Seen::Unclear);
            }
        }
        let value = record.value.to_vec();
        if !record.is_whole(&value) {
            if space.is_still(change) {
                health::note_rejected();
            }
            return Ok(Seen::Unclear);
        }
        if what == Purpose::Peek {
            return Ok(if space.is_still(change) { Seen::Hit(value) } else { Seen::Unclear });
        }
        if !self.touch(space, change, &record)? {
            return Ok(Seen::Unclear);
        }
        Tally::add(&space.hits, ticket.generation);
        Ok(Seen::Hit(value))
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

    pub(super) fn ticket(&self, namespace: &Namespace) -> Result<Ticket, Error> {
        self.observe(namespace, Space::ticket)
    }

    /// Whether the key was neither cleared nor invalidated since the ticket.
    pub(super) fn is_current(&self, key: &HashedKey<'_>, since: Ticket) -> Result<bool, Error> {
        self.observe(key.namespace, |space| is_valid(space, since, key.hash))
    }

    /// Returns the counters, and the present bound.
    pub(super) fn counts(&self, namespace: &Namespace) -> Result<(Counts, Option<usize>), Error> {
        self.observe(namespace, |space| (space.counts(), space.maxsize()))
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

    pub(super) fn counts(&self) -> Counts {
        let generation = self.generation.load(Relaxed);
        Counts {
            hits: Tally::get(&self.hits, generation),
            misses: Tally::get(&self.misses, generation),
            currsize: self.entries.load(Relaxed) as usize,
        }
    }
}
