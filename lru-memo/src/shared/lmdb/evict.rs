//! Finding the entry that is to go next, exactly, without a list that each hit would have to change.
//!
//! The writer looks through the stamps of all slots once, notes an eighth of them, the least, and takes them one by
//! one. Stamps only grow: a slot that still has the stamp that was noted is the least of all; one that has another
//! was used since, and is passed over.

use alloc::vec::Vec;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};

use super::table::{LOCKED, Slot, Space, Table};

/// What was noted of one space, the least last.
#[derive(Default)]
pub(super) struct Orders {
    /// [`Space::repairs`], when it was noted.
    repairs: u64,
    uses: Vec<(u64, u32)>,
    ages: Vec<(u64, u32)>,
    /// [`Space::older_stored`], when `ages` was right.
    older_stored: u64,
}

impl Orders {
    /// Forgets what was noted before slots got old stamps back.
    pub(super) fn refresh(&mut self, space: &Space) {
        let repairs = space.repairs.load(Relaxed);
        if self.repairs != repairs {
            *self = Self { repairs, ..Self::default() };
        }
    }

    /// The entry that was used least recently, and its stamp.
    pub(super) fn least_recent<'a>(
        &mut self,
        table: &'a Table,
        space: &'a Space,
    ) -> Option<(u32, &'a Slot, u64)> {
        least(&mut self.uses, table, space, |slot| slot.used.load(SeqCst))
    }

    /// The entry that was stored first, and when.
    pub(super) fn oldest<'a>(&mut self, table: &'a Table, space: &'a Space) -> Option<(u32, &'a Slot, u64)> {
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
    table: &'a Table,
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
