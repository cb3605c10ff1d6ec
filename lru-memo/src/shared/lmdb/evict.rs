//! Finds the exact victim without a list that each hit would have to change.
//!
//! The writer scans the stamps of all slots once, and notes the smallest eighth of them as candidates. Stamps only
//! grow. So a candidate whose stamp has not changed is the least recent entry. A candidate with another stamp was used
//! since, and is skipped.

use alloc::vec::Vec;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};

use super::table::{LOCKED, MappedTable, Slot, Space};

/// The candidates of one space, the smallest last.
#[derive(Default)]
pub(super) struct Orders {
    /// The value of [`Space::repairs`] at the last scan.
    repairs: u64,
    uses: Vec<(u64, u32)>,
    ages: Vec<(u64, u32)>,
    /// [`Space::older_stored`], when `ages` was right.
    older_stored: u64,
}

impl Orders {
    /// Drops candidates from before a repair, which may have set stamps back.
    pub(super) fn refresh(&mut self, space: &Space) {
        let repairs = space.repairs.load(Relaxed);
        if self.repairs != repairs {
            *self = Self { repairs, ..Self::default() };
        }
    }

    /// Returns the least recent entry, with its stamp.
    pub(super) fn least_recent<'a>(
        &mut self,
        table: &'a MappedTable,
        space: &'a Space,
    ) -> Option<(u32, &'a Slot, u64)> {
        least(&mut self.uses, table, space, |slot| slot.used.load(SeqCst))
    }

    /// Returns the entry that was stored first, with its time.
    pub(super) fn oldest<'a>(
        &mut self,
        table: &'a MappedTable,
        space: &'a Space,
    ) -> Option<(u32, &'a Slot, u64)> {
        let older_stored = space.older_stored.load(Relaxed);
        if self.older_stored != older_stored {
            self.older_stored = older_stored;
            self.ages.clear();
        }
        let oldest = least(&mut self.ages, table, space, |slot| slot.since.load(Relaxed));
        if let Some(&(latest, _)) = self.ages.first() {
            space.oldest_noted.fetch_max(latest, Relaxed);
        }
        oldest
    }

    /// Notes an entry that counts as older than others which were stored before. Other processes have to look through all
    /// slots anew if it belongs among those that they have noted.
    pub(super) fn note_older(&mut self, space: &Space, since: u64, number: u32) {
        if since > space.oldest_noted.load(Relaxed) {
            return;
        }
        let before = space.older_stored.fetch_add(1, Relaxed);
        if before != self.older_stored || self.ages.len() > space.high.load(Relaxed) as usize {
            return;
        }
        self.older_stored = before.wrapping_add(1);
        let at = self.ages.partition_point(|&noted| noted > (since, number));
        if at > 0 {
            self.ages.insert(at, (since, number));
        }
    }
}

fn least<'a>(
    noted: &mut Vec<(u64, u32)>,
    table: &'a MappedTable,
    space: &'a Space,
    key: impl Fn(&Slot) -> u64,
) -> Option<(u32, &'a Slot, u64)> {
    loop {
        while let Some(&(least, number)) = noted.last() {
            let slot = table.slot(space, number)?;
            if is_taken(slot) && key(slot) == least {
                return Some((number, slot, least));
            }
            noted.pop();
        }
        noted.extend(table.slots(space).filter(|(_, slot)| is_taken(slot)).map(|(n, slot)| (key(slot), n)));
        if noted.is_empty() {
            return None;
        }
        let some = (noted.len() / 8).max(16);
        if noted.len() > some {
            noted.select_nth_unstable(some);
            noted.truncate(some);
            noted.shrink_to_fit();
        }
        noted.sort_unstable_by(|a, b| b.cmp(a));
    }
}

fn is_taken(slot: &Slot) -> bool {
    slot.used.load(SeqCst) & LOCKED == 0
}
