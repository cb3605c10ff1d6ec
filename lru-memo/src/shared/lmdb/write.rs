//! Changes of a namespace. Each is one write transaction of LMDB, which happens as a whole or not at all.

use core::ops::Bound;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::time::Duration;
use std::io::Write;

use super::opened::{HashedKey, Opened, Writing};
use super::record::{Named, Record, entries_of, entry_key, namespace_key};
use super::room;
use super::table::{LOCKED, Slot, Space, damaged};
use crate::shared::error::{Error, Kind};
use crate::shared::namespace::Namespace;
use crate::shared::{Entry, Ticket, wall};
use crate::totals::CacheTotals;

/// How often room is made for one entry. Each time makes twice as much room as before.
const EVICTIONS: u32 = 8;

/// How many entries leave in one step when the bound becomes smaller.
const STEP: usize = 256;

/// A change of one space. If it is not committed, the next writer undoes it.
pub(super) struct Change<'a> {
    opened: &'a Opened,
    txn: Writing<'a>,
    index: u32,
    space: &'a Space,
    /// The slot of the new entry, and its stamp.
    filled: Option<(u32, u64)>,
    /// How many entries have left for others, and because they were too old.
    evictions: u64,
    pub(super) expirations: u64,
}

impl<'a> Change<'a> {
    pub(super) fn new(opened: &'a Opened, txn: Writing<'a>, index: u32, space: &'a Space) -> Self {
        opened.announce(&txn, index, space);
        Self { opened, txn, index, space, filled: None, evictions: 0, expirations: 0 }
    }

    pub(super) fn commit(self) -> Result<(), Error> {
        let head = self.opened.table.head();
        if let Some((slot, stamp)) = self.filled {
            head.pending_stamp.store(stamp, Relaxed);
            head.pending_slot.store(u64::from(slot) + 1, SeqCst);
        }
        self.txn.commit()?;
        let (evictions, expirations) = (self.evictions, self.expirations);
        self.space.count(&CacheTotals { evictions, expirations, ..CacheTotals::default() });
        if let Some((slot, stamp)) = self.filled {
            self.opened.set_stamp(self.space, u64::from(slot) + 1, stamp);
        }
        Ok(())
    }

    /// Removes the entry of a key, and returns whether there was one.
    pub(super) fn remove_key(&mut self, key: &HashedKey<'_>) -> Result<bool, Error> {
        let found =
            self.opened.find(&self.txn, self.index, key)?.map(|(number, record)| (number, record.slot));
        let Some((number, slot)) = found else { return Ok(false) };
        self.remove(key.hash, number, slot)?;
        Ok(true)
    }

    /// Removes the entry in a slot.
    fn remove_slot(&mut self, slot: u32) -> Result<(), Error> {
        let hash = self.opened.table.slot(self.space, slot).ok_or_else(damaged)?.hash.load(Relaxed);
        for number in 0..=u16::MAX {
            let record = self.opened.record(&self.txn, self.index, hash, number)?.ok_or_else(damaged)?;
            if record.slot == slot {
                return self.remove(hash, number, slot);
            }
        }
        Err(damaged())
    }

    fn remove(&mut self, hash: u64, number: u16, slot: u32) -> Result<(), Error> {
        let database = self.opened.database();
        // The last record with this hash takes the number of the removed one.
        let mut last = number;
        while last < u16::MAX && self.opened.record(&self.txn, self.index, hash, last + 1)?.is_some() {
            last += 1;
        }
        let last_key = entry_key(self.index, hash, last);
        let bytes = self.opened.record(&self.txn, self.index, hash, number)?.ok_or_else(damaged)?.bytes();
        if last != number {
            let bytes = database.get(&self.txn, &last_key)?.ok_or_else(damaged)?.to_vec();
            database.put(&mut self.txn, &entry_key(self.index, hash, number), &bytes)?;
        }
        database.delete(&mut self.txn, &last_key)?;
        self.count_bytes(|all| all.saturating_sub(bytes));
        let (number, slot) = (slot, self.opened.table.slot(self.space, slot).ok_or_else(damaged)?);
        slot.used.fetch_or(LOCKED, SeqCst);
        self.space.entries.fetch_sub(1, Relaxed);
        self.space.weight.fetch_sub(slot.weight.load(Relaxed), Relaxed);
        self.opened.table.give_back(self.space, number, slot);
        Ok(())
    }

    /// Evicts entries until one more of this weight fits: first the expired, then the least recent.
    fn make_room(&mut self, namespace: &Namespace, weight: u64, now: u64) -> Result<(), Error> {
        self.remove_future(namespace, now)?;
        let space = self.space;
        let is_full = || {
            let sum = space.weight.load(Relaxed).checked_add(weight);
            space.maxsize().is_some_and(|max| space.entries.load(Relaxed) >= max as u64)
                || namespace.max_weight().is_some_and(|max| sum.is_none_or(|sum| sum > max))
        };
        while is_full() {
            if !self.evict(namespace, now)? {
                return Err(damaged());
            }
        }
        Ok(())
    }

    /// Evicts the next victim. Returns `false` if there is no entry.
    fn evict(&mut self, namespace: &Namespace, now: u64) -> Result<bool, Error> {
        let (table, space) = (&self.opened.table, self.space);
        let mut orders = self.opened.orders.lock();
        let orders = orders.entry(self.index).or_default();
        orders.refresh(space);
        if let Some(ttl) = namespace.ttl() {
            let oldest = orders.oldest(table, space);
            if let Some((number, ..)) = oldest.filter(|&(.., since)| wall::is_expired(since, now, ttl)) {
                self.remove_slot(number)?;
                self.expirations += 1;
                return Ok(true);
            }
        }
        // An entry that was not used for long is among the least recent.
        self.evict_least_recent(orders, namespace.idle().map(|idle| (idle, now)))
    }

    /// Evicts the least recent entry. It counts as expired if it was unused for so long at that time.
    fn evict_least_recent(
        &mut self,
        orders: &mut super::evict::Orders,
        unused: Option<(Duration, u64)>,
    ) -> Result<bool, Error> {
        let (table, space) = (&self.opened.table, self.space);
        loop {
            let Some((number, slot, stamp)) = orders.least_recent(table, space) else { return Ok(false) };
            // A hit may have changed the stamp: then another entry is the victim.
            if slot.used.compare_exchange(stamp, stamp | LOCKED, SeqCst, Relaxed).is_ok() {
                let seen = slot.seen.load(Relaxed);
                self.remove_slot(number)?;
                match unused {
                    Some((idle, now)) if wall::is_unused(seen, now, idle) => self.expirations += 1,
                    _ => self.evictions += 1,
                }
                return Ok(true);
            }
        }
    }

    /// Removes entries whose time is in the future, because the clock was set back.
    fn remove_future(&mut self, namespace: &Namespace, now: u64) -> Result<(), Error> {
        if namespace.ttl().is_some() && now < self.space.newest.load(Relaxed) {
            for number in 0..self.space.high.load(Relaxed) as u32 {
                let slot = self.opened.table.slot(self.space, number).ok_or_else(damaged)?;
                if slot.used.load(SeqCst) & LOCKED == 0 && slot.since.load(Relaxed) > now {
                    self.remove_slot(number)?;
                    self.expirations += 1;
                }
            }
        }
        self.space.newest.store(now, Relaxed);
        Ok(())
    }

    /// Takes a slot for a new entry. If the table cannot grow because the disk is full, takes that of the least recent
    /// entry.
    fn take_slot(&mut self) -> Result<(u32, &'a Slot), Error> {
        let (opened, space) = (self.opened, self.space);
        match opened.table.take_vacant(space) {
            Err(error) if error.kind() == Kind::Full && space.entries.load(Relaxed) > 0 => {}
            taken => return taken,
        }
        let mut orders = opened.orders.lock();
        let orders = orders.entry(self.index).or_default();
        orders.refresh(space);
        self.evict_least_recent(orders, None)?;
        opened.table.take_vacant(space)
    }

    /// Stores an entry for a key without one.
    fn insert(&mut self, key: &HashedKey<'_>, entry: &Entry<'_>, now: u64) -> Result<(), Error> {
        let mut number = 0;
        while self.opened.record(&self.txn, self.index, key.hash, number)?.is_some() {
            number = number.checked_add(1).ok_or_else(|| too_much("too many keys have one hash"))?;
        }
        let (slot_number, slot) = self.take_slot()?;
        let stamp = self.space.tick();
        let since = wall::since(now, entry.age);
        let record = Record::new(slot_number, since, entry.weight, stamp, key.bytes, entry.value).checked();
        if u32::try_from(record.length()).is_err() {
            return Err(too_much("an entry is longer than 4 GiB"));
        }
        let place = entry_key(self.index, key.hash, number);
        self.opened.database().put_reserved(&mut self.txn, &place, record.length(), |space| {
            space.write_all(&record.head())?;
            space.write_all(record.key)?;
            space.write_all(record.value)
        })?;
        slot.hash.store(key.hash, Relaxed);
        slot.since.store(since, Relaxed);
        slot.seen.store(now, Relaxed);
        if since < now {
            self.opened.orders.lock().entry(self.index).or_default().note_older(
                self.space,
                since,
                slot_number,
            );
        }
        slot.weight.store(entry.weight, Relaxed);
        self.space.entries.fetch_add(1, Relaxed);
        self.space.weight.fetch_add(entry.weight, Relaxed);
        self.count_bytes(|all| all.saturating_add(record.bytes()));
        self.filled = Some((slot_number, stamp));
        Ok(())
    }

    fn count_bytes(&self, change: impl Fn(u64) -> u64) {
        self.opened.table.set_bytes(self.space, change(self.space.bytes.load(Relaxed)));
    }

    /// Removes all entries, and begins the next generation.
    fn clear(&mut self, id: u128) -> Result<(), Error> {
        let generation = self.opened.empty(self.space);
        self.rename(id, |named| Named { generation, ..named })?;
        self.delete_entries()
    }

    /// Takes one step towards another bound, and returns whether it is reached.
    fn resize(&mut self, namespace: &Namespace, maxsize: usize) -> Result<bool, Error> {
        let now = wall::now();
        self.remove_future(namespace, now)?;
        let reached = maxsize.max((self.space.entries.load(Relaxed) as usize).saturating_sub(STEP));
        while self.space.entries.load(Relaxed) > reached as u64 {
            if !self.evict(namespace, now)? {
                return Err(damaged());
            }
        }
        self.space.set_maxsize(Some(reached));
        self.rename(namespace.id(), |named| Named { maxsize: Some(reached), ..named })?;
        Ok(reached == maxsize)
    }

    /// Changes the record of the namespace.
    fn rename(&mut self, id: u128, change: impl FnOnce(Named) -> Named) -> Result<(), Error> {
        let database = self.opened.database();
        let key = namespace_key(id);
        let bytes = database.get(&self.txn, &key)?.ok_or_else(damaged)?;
        let named = Named::read(bytes).ok_or_else(damaged)?;
        Ok(database.put(&mut self.txn, &key, &change(named).write())?)
    }

    fn delete_entries(&mut self) -> Result<(), Error> {
        let (first, beyond) = (entries_of(self.index), entries_of(self.index + 1));
        let range = (Bound::Included(&first[..]), Bound::Excluded(&beyond[..]));
        self.opened.database().delete_range(&mut self.txn, &range)?;
        Ok(())
    }
}

impl Opened {
    /// Stores an entry, and returns whether it is stored. Evicts entries of any namespace if the store is full.
    pub(super) fn store(&self, key: &HashedKey<'_>, entry: &Entry<'_>) -> Result<bool, Error> {
        let head = self.table.head();
        let bytes = bytes_of(key, entry);
        if bytes > room::most(head) {
            return Err(too_much("an entry is larger than the shared store"));
        }
        let mut result = self.try_store(key, entry);
        for round in 0..EVICTIONS {
            match &result {
                Err(error) if error.kind() == Kind::Full => {}
                _ => break,
            }
            let taken = head.bytes.load(Relaxed);
            if taken.saturating_add(bytes) <= head.limit.load(Relaxed) {
                // LMDB or the disk is full below the limit: free pages may not be contiguous.
                room::lower(head, bytes.max(taken / 64) << round);
            }
            match self.free_some(key.namespace, bytes) {
                Ok(true) => result = self.try_store(key, entry),
                Ok(false) => break,
                Err(error) if error.kind() == Kind::Full => {
                    self.look_for_stopped_reader(0);
                    return Err(error);
                }
                Err(error) => return Err(error),
            }
        }
        match &result {
            Ok(_) => self.keep_reserve(bytes),
            Err(error) if error.kind() == Kind::Full => {
                self.look_for_stopped_reader(head.bytes.load(Relaxed) + bytes);
            }
            Err(_) => {}
        }
        result
    }

    fn try_store(&self, key: &HashedKey<'_>, entry: &Entry<'_>) -> Result<bool, Error> {
        let now = wall::now();
        let (txn, index, space) = self.begin_in(key.namespace)?;
        if space.maxsize() == Some(0) {
            return Ok(false);
        }
        if entry.computed_since.is_some_and(|ticket| !is_valid(space, ticket, key.hash)) {
            return Ok(false);
        }
        let found = self.find(&txn, index, key)?.map(|(number, record)| {
            (number, record.slot, self.is_expired(key.namespace, space, &record, Some(now)))
        });
        if found.is_some_and(|(_, _, is_expired)| !entry.replace && !is_expired) {
            return Ok(false);
        }
        let admitted = key.namespace.admits(entry.weight);
        if !admitted && found.is_none() {
            return Ok(false);
        }
        // Checked before anything changes that would have to be undone.
        let taken = self.table.head().bytes.load(Relaxed);
        if admitted && taken.saturating_add(bytes_of(key, entry)) > self.table.head().limit.load(Relaxed) {
            return Err(too_much("the shared store is full"));
        }
        let mut change = Change::new(self, txn, index, space);
        if let Some((number, slot, is_expired)) = found {
            change.remove(key.hash, number, slot)?;
            change.expirations += u64::from(is_expired);
        }
        if admitted {
            change.make_room(key.namespace, entry.weight, now)?;
            change.insert(key, entry, now)?;
        }
        change.commit()?;
        Ok(admitted)
    }

    pub(super) fn invalidate(&self, key: &HashedKey<'_>) -> Result<bool, Error> {
        let (txn, index, space) = self.begin_in(key.namespace)?;
        // An expired entry counts as missing.
        let now = key.now();
        let found = self.find(&txn, index, key)?;
        let is_there = found.is_some_and(|(_, record)| !self.is_expired(key.namespace, space, &record, now));
        let mut change = Change::new(self, txn, index, space);
        space.remember_invalidated(key.hash);
        change.remove_key(key)?;
        change.force_commit()?;
        change.commit()?;
        Ok(is_there)
    }

    /// Turns a hit into a miss, and removes the entry.
    pub(super) fn reject(&self, key: &HashedKey<'_>) -> Result<Ticket, Error> {
        let (txn, index, space) = self.begin_in(key.namespace)?;
        let ticket = space.ticket();
        let mut change = Change::new(self, txn, index, space);
        change.remove_key(key)?;
        change.force_commit()?;
        change.commit()?;
        space.hit_to_miss();
        Ok(ticket)
    }

    pub(super) fn clear(&self, namespace: &Namespace) -> Result<(), Error> {
        let (txn, index, space) = self.begin_in(namespace)?;
        let mut change = Change::new(self, txn, index, space);
        change.clear(namespace.id())?;
        change.commit()
    }

    /// Gives a namespace another bound. Each step is a transaction, so that other writers need not wait for all.
    pub(super) fn resize(&self, namespace: &Namespace, maxsize: usize) -> Result<(), Error> {
        loop {
            let (txn, index, space) = self.begin_in(namespace)?;
            let mut change = Change::new(self, txn, index, space);
            let is_reached = change.resize(namespace, maxsize)?;
            change.commit()?;
            if is_reached {
                return Ok(());
            }
        }
    }

    /// Removes a namespace with its entries.
    pub(super) fn remove_space(&self, id: u128) -> Result<(), Error> {
        let txn = self.begin()?;
        let Some(bytes) = self.database().get(&txn, &namespace_key(id))? else { return Ok(()) };
        let index = Named::read(bytes).ok_or_else(damaged)?.space;
        let space = self.table.space(index).ok_or_else(damaged)?;
        let mut change = Change::new(self, txn, index, space);
        self.vacate(index)?;
        self.database().delete(&mut change.txn, &namespace_key(id))?;
        change.delete_entries()?;
        change.commit()
    }

    /// Evicts entries until one of so many bytes fits. Returns `false` if there were not enough.
    pub(super) fn free_some(&self, for_whom: &Namespace, bytes: u64) -> Result<bool, Error> {
        self.clear_stale_readers()?;
        let head = self.table.head();
        let mut at_once = self.evictions();
        while head.bytes.load(Relaxed).saturating_add(bytes) > head.limit.load(Relaxed) {
            match self.evict_some(for_whom, bytes, at_once) {
                Ok(true) => {}
                // An earlier transaction has used a part of the reserve. The rest may be enough for fewer evictions.
                Err(error) if error.kind() == Kind::Full && at_once > 1 => at_once /= 2,
                stopped => return stopped,
            }
        }
        Ok(true)
    }

    /// Evicts up to `at_once` entries of the namespace that was unused for longest; those of `for_whom` come last.
    /// Returns `false` if there was nothing to evict.
    fn evict_some(&self, for_whom: &Namespace, bytes: u64, at_once: u64) -> Result<bool, Error> {
        let txn = self.begin()?;
        let entries = |index: u32| self.table.space(index).map_or(0, |space| space.entries.load(Relaxed));
        let idle = |index: u32| self.table.space(index).map_or(0, |space| space.last_used.load(Relaxed));
        let namespaces = self.all(&txn)?;
        let candidates = namespaces.iter().filter(|(_, named)| entries(named.space) > 0);
        let chosen = candidates.min_by_key(|(id, named)| {
            (*id == for_whom.id(), idle(named.space), core::cmp::Reverse(entries(named.space)))
        });
        let head = self.table.head();
        let Some((id, named)) = chosen else {
            // There are no entries, so they take no room.
            head.bytes.store(0, Relaxed);
            return Ok(false);
        };
        let index = named.space;
        let space = self.table.space(index).ok_or_else(damaged)?;
        let namespace = Namespace::new(&named.name, *id);
        let mut change = Change::new(self, txn, index, space);
        for evicted in 0..at_once {
            if head.bytes.load(Relaxed).saturating_add(bytes) <= head.limit.load(Relaxed) {
                break;
            }
            if !change.evict(&namespace, 0)? {
                // The space counts entries that do not exist: looking for them would never end.
                if evicted == 0 {
                    return Err(damaged());
                }
                break;
            }
        }
        change.force_commit()?;
        change.commit()?;
        // LMDB reuses freed pages from the second transaction on, so an empty one follows.
        let mut second = self.begin()?;
        self.write_instance(&mut second)?;
        second.commit()?;
        Ok(true)
    }
}

impl Opened {
    /// Writes a record as it is, because LMDB commits a transaction only if something was written.
    fn write_instance(&self, txn: &mut Writing<'_>) -> Result<(), Error> {
        let instance = self.table.head().instance.load(Relaxed);
        Ok(self.database().put(txn, super::record::INSTANCE, &instance.to_le_bytes())?)
    }
}

impl Change<'_> {
    /// Makes sure that LMDB commits the transaction, even if it changes nothing else there.
    fn force_commit(&mut self) -> Result<(), Error> {
        self.opened.write_instance(&mut self.txn)
    }
}

/// Returns the room that an entry will take, in bytes.
fn bytes_of(key: &HashedKey<'_>, entry: &Entry<'_>) -> u64 {
    Record::new(0, 0, 0, 0, key.bytes, entry.value).bytes()
}

/// Whether the key was neither cleared nor invalidated since the ticket.
pub(super) fn is_valid(space: &Space, ticket: Ticket, hash: u64) -> bool {
    ticket.generation == space.generation.load(Relaxed) && !space.was_invalidated_since(ticket.sequence, hash)
}

fn too_much(reason: &str) -> Error {
    Error::new(Kind::Full, reason)
}
