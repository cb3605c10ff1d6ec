//! Looking up without waiting for writers, and with them where that does not do.

use alloc::vec::Vec;
use core::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};

use heed::RoTxn;

use super::opened::{Key, Opened};
use super::raw;
use super::record::Record;
use super::table::{LOCKED, Space, Tally, damaged};
use super::write::{Change, is_valid};
use crate::shared::error::{Error, Kind};
use crate::shared::namespace::Namespace;
use crate::shared::{Counts, Found, Ticket, health, wall};

/// How often a lookup is tried again before it waits for its turn.
const ATTEMPTS: usize = 4;

/// What a lookup is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// A call: counts.
    Call,
    /// A call that will ask again: only a hit counts.
    Hit,
    /// The curious: nothing counts.
    Peek,
}

/// What a lookup without a lock has seen.
enum Seen {
    Hit(Vec<u8>),
    Miss(Ticket),
    /// Something is changing, or must be changed.
    Unclear,
}

impl Opened {
    /// Looks a key up. What is not there is a miss with a ticket, counted or not.
    pub(super) fn look(&self, key: &Key<'_>, what: For) -> Result<Found, Error> {
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

    fn try_look(&self, key: &Key<'_>, what: For, now: Option<u64>) -> Result<Seen, Error> {
        let now_seconds = raw::seconds();
        self.watch(now_seconds)?;
        // In this order: if this change is not yet part of what the transaction sees, it is in progress.
        let known = self.known(key.namespace).map(|(index, space)| (index, space, space.change.load(SeqCst)));
        // Without a transaction of its own, this thread takes turns with writers.
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
            // LMDB lets a reader that is stopped in the middle of its beginning see two roots at once. Whether it is
            // more than that is found out by those who are alone.
            Err(error) if error.kind() == Kind::Corrupt => Ok(Seen::Unclear),
            seen => seen,
        }
    }

    /// Looks a key up when nobody can change anything: as the writer.
    #[cold]
    fn look_alone(&self, key: &Key<'_>, what: For) -> Result<Found, Error> {
        let (txn, index, space) = self.begin_in(key.namespace)?;
        let now = key.namespace.ttl().map(|_| wall::now());
        let change = space.change.load(SeqCst);
        match self.see(&txn, index, space, change, key, what, now)? {
            Seen::Hit(value) => return Ok(Found::Hit(value)),
            Seen::Miss(ticket) => return Ok(Found::Miss(ticket)),
            Seen::Unclear => {}
        }
        // Expired, or broken.
        let ticket = space.ticket();
        let mut change = Change::new(self, txn, index, space);
        if change.remove_key(key)? {
            change.commit()?;
        }
        if what == For::Call {
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
        key: &Key<'_>,
        what: For,
        now: Option<u64>,
    ) -> Result<Seen, Error> {
        let found = self.find(txn, index, key)?;
        let ticket = space.ticket();
        let Some((_, record)) = found else {
            if !space.is_still(change) {
                return Ok(Seen::Unclear);
            }
            if what == For::Call {
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
        if what == For::Peek {
            return Ok(if space.is_still(change) { Seen::Hit(value) } else { Seen::Unclear });
        }
        if !self.touch(space, change, &record)? {
            return Ok(Seen::Unclear);
        }
        Tally::add(&space.hits, ticket.generation);
        Ok(Seen::Hit(value))
    }

    /// Makes an entry the most recent one. Fails when the space has changed.
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
        // The entry was there just now. When it also was the most recent one, nothing is to be done.
        if used == newest {
            return Ok(true);
        }
        let stamp = space.tick();
        loop {
            // A slot that is locked although nothing changes has not got its first stamp yet.
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

    /// Counts a hit, as the writer: nobody clears the namespace meanwhile.
    pub(super) fn count_hit(&self, namespace: &Namespace) -> Result<(), Error> {
        let (_txn, _, space) = self.begin_in(namespace)?;
        Tally::add(&space.hits, space.ticket().generation);
        Ok(())
    }

    pub(super) fn ticket(&self, namespace: &Namespace) -> Result<Ticket, Error> {
        self.observe(namespace, Space::ticket)
    }

    /// Whether the key was neither cleared nor invalidated since then.
    pub(super) fn is_current(&self, key: &Key<'_>, since: Ticket) -> Result<bool, Error> {
        self.observe(key.namespace, |space| is_valid(space, since, key.hash))
    }

    pub(super) fn counts(&self, namespace: &Namespace) -> Result<Counts, Error> {
        self.observe(namespace, Space::counts)
    }

    /// Reads what belongs together from the books of a space.
    fn observe<R: PartialEq>(&self, namespace: &Namespace, read: impl Fn(&Space) -> R) -> Result<R, Error> {
        self.watch(raw::seconds())?;
        for _ in 0..ATTEMPTS {
            let Some((_, space)) = self.known(namespace) else { break };
            let change = space.change.load(SeqCst);
            if self.environment().committed() < change {
                break;
            }
            // Counters move on meanwhile, but never back.
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
        // Others may hit all the time, but there must be an end.
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
