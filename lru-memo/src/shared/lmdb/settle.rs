//! Settles a change whose writer died: finishes the change if LMDB has committed it, and undoes it if not.

use alloc::collections::BTreeMap;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};

use heed::RoTxn;

use super::opened::Opened;
use super::raw;
use super::record::{NAMESPACE, Named, Record, entries_of, hash_in, id_in, namespace_key};
use super::table::{LOCKED, MappedTable, Space, Tally, damaged};
use crate::shared::error::Error;

impl Opened {
    /// Settles the change that the last writer left. The first step of each write transaction.
    pub(super) fn settle(&self, txn: &RoTxn<'_>) -> Result<(), Error> {
        let head = self.table.head();
        let change = head.pending_change.load(SeqCst);
        if change == 0 {
            return Ok(());
        }
        let index = head.pending_space.load(Relaxed) as u32;
        let space = self.table.space(index).ok_or_else(damaged)?;
        if change < txn.id() as u64 {
            self.set_stamp(space, head.pending_slot.load(Relaxed), head.pending_stamp.load(Relaxed));
        } else {
            self.undo(txn, index, space)?;
        }
        head.pending_change.store(0, SeqCst);
        Ok(())
    }

    /// Unlocks the slot of a new entry after the commit. A hit may have unlocked it already.
    pub(super) fn set_stamp(&self, space: &Space, slot: u64, stamp: u64) {
        let Some(slot) = slot.checked_sub(1).and_then(|slot| self.table.slot(space, slot as u32)) else {
            return;
        };
        let used = slot.used.load(SeqCst);
        // Another process has unlocked the slot, or locked it for a newer stamp.
        if used & LOCKED != 0 && used & !LOCKED < stamp {
            let _ = slot.used.compare_exchange(used, stamp, SeqCst, Relaxed);
        }
    }

    /// Fills a new table from the records in LMDB. The recency comes from the table before; entries that it does not
    /// know are in the order in which they were stored.
    pub(super) fn recover(&self, before: Option<&MappedTable>) -> Result<(), Error> {
        let txn = self.environment().write()?;
        let age = before.map_or(0, |before| before.head().age.load(Relaxed));
        self.table.head().age.store(age, Relaxed);
        for (id, named) in self.all(&txn)? {
            let (mut slots, mut newest) = (0, 0);
            for entry in self.database().prefix_iter(&txn, &entries_of(named.space))? {
                let record = Record::read(entry?.1).ok_or_else(damaged)?;
                (slots, newest) = (record.slot.saturating_add(1).max(slots), record.stamp.max(newest));
            }
            let space = self.table.make_space(named.space, slots)?;
            space.set_id(id);
            space.clock.store(newest, Relaxed);
            Tally::reset(&space.hits, named.generation);
            Tally::reset(&space.misses, named.generation);
            self.undo(&txn, named.space, space)?;
            space.touch(self.table.head(), raw::seconds(), self.noted_every);
            let old = before.and_then(|before| Some((before, before.space(named.space)?)));
            if let Some((before, old)) = old.filter(|(_, old)| old.is(id)) {
                space.used_at.store(old.used_at.load(Relaxed).min(age), Relaxed);
                self.take_over(space, before, old);
            }
        }
        Ok(())
    }

    /// Copies the times of use from the table before.
    fn take_over(&self, space: &Space, before: &MappedTable, old: &Space) {
        for (number, slot) in self.table.slots(space) {
            let Some(known) = before.slot(old, number) else { continue };
            let (stamp, used) = (slot.used.load(Relaxed), known.used.load(Relaxed) & !LOCKED);
            let is_same = known.hash.load(Relaxed) == slot.hash.load(Relaxed);
            // A torn stamp could be so large that no stamp follows it.
            if stamp & LOCKED == 0 && is_same && used > stamp && used < LOCKED / 2 {
                slot.used.store(used, Relaxed);
                slot.seen.fetch_max(known.seen.load(Relaxed), Relaxed);
                space.clock.fetch_max(used, Relaxed);
            }
        }
    }

    /// Fills a space anew from the records in LMDB.
    fn undo(&self, txn: &RoTxn<'_>, index: u32, space: &Space) -> Result<(), Error> {
        let Some((id, named)) = self.named(txn, index, space.id())? else {
            self.vacate(index)?;
            space.change.store(txn.id() as u64 - 1, SeqCst);
            return Ok(());
        };
        let mut entries = BTreeMap::new();
        let (mut weight, mut newest, mut total) = (0, 0, 0);
        for entry in self.database().prefix_iter(txn, &entries_of(index))? {
            let (key, bytes) = entry?;
            let hash = hash_in(key).ok_or_else(damaged)?;
            let record = Record::read(bytes).ok_or_else(damaged)?;
            weight = u64::saturating_add(weight, record.weight);
            total = u64::saturating_add(total, record.bytes());
            newest = newest.max(record.since);
            entries.insert(record.slot, (hash, record.since, record.weight, record.stamp));
        }
        let above = entries.last_key_value().map_or(0, |(&last, _)| u64::from(last) + 1);
        space.high.store(space.high.load(Relaxed).max(above), Relaxed);
        space.vacant.store(0, Relaxed);
        for (number, slot) in self.table.slots(space) {
            let used = slot.used.load(SeqCst);
            let Some(&(hash, since, weight, stamp)) = entries.get(&number) else {
                slot.used.fetch_or(LOCKED, SeqCst);
                self.table.give_back(space, number, slot);
                continue;
            };
            slot.hash.store(hash, Relaxed);
            slot.since.store(since, Relaxed);
            slot.weight.store(weight, Relaxed);
            if used & LOCKED != 0 {
                // The change may have noted another entry's use there.
                slot.seen.store(since, Relaxed);
                slot.used.store((used & !LOCKED).max(stamp), SeqCst);
            }
        }
        space.set_id(id);
        space.set_maxsize(named.maxsize);
        space.generation.store(named.generation, Relaxed);
        space.entries.store(entries.len() as u64, Relaxed);
        space.weight.store(weight, Relaxed);
        self.table.set_bytes(space, total);
        space.newest.store(newest, Relaxed);
        space.repairs.fetch_add(1, Relaxed);
        space.change.store(txn.id() as u64 - 1, SeqCst);
        Ok(())
    }

    /// Returns the namespace that has this space. The `likely` one is tried first.
    fn named(&self, txn: &RoTxn<'_>, index: u32, likely: u128) -> Result<Option<(u128, Named)>, Error> {
        if let Some(bytes) = self.database().get(txn, &namespace_key(likely))? {
            let named = Named::read(bytes).ok_or_else(damaged)?;
            if named.space == index {
                return Ok(Some((likely, named)));
            }
        }
        for entry in self.database().prefix_iter(txn, NAMESPACE)? {
            let (key, bytes) = entry?;
            let named = Named::read(bytes).ok_or_else(damaged)?;
            if named.space == index {
                return Ok(Some((id_in(key).ok_or_else(damaged)?, named)));
            }
        }
        Ok(None)
    }

    /// Makes a space vacant: without namespace and entries.
    pub(super) fn vacate(&self, index: u32) -> Result<(), Error> {
        let space = self.table.space(index).ok_or_else(damaged)?;
        space.set_id(0);
        self.empty(space);
        Ok(())
    }

    /// Forgets all entries of a space, and returns the number of its next generation.
    pub(super) fn empty(&self, space: &Space) -> u64 {
        for (_, slot) in self.table.slots(space) {
            slot.used.fetch_or(LOCKED, SeqCst);
        }
        let generation = space.generation.load(Relaxed).wrapping_add(1);
        space.begin_counting(generation);
        space.generation.store(generation, Relaxed);
        space.entries.store(0, Relaxed);
        space.weight.store(0, Relaxed);
        self.table.set_bytes(space, 0);
        space.high.store(0, Relaxed);
        space.vacant.store(0, Relaxed);
        space.newest.store(0, Relaxed);
        generation
    }
}
