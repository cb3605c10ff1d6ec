//! Lists the entries of a namespace, for people.

use alloc::vec::Vec;
use core::cmp::Reverse;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::time::Duration;

use super::opened::Opened;
use super::raw;
use super::record::Named;
use super::table::{LOCKED, Space};
use crate::shared::error::Error;
use crate::shared::namespace::Namespace;
use crate::shared::{StoredEntry, Summary, wall};

impl Opened {
    /// Returns the most recent entries, the latest first. Does not make a missing namespace. Runs under the writers'
    /// lock, so the list is that of one moment. A million slots take a few milliseconds.
    pub(super) fn recent(&self, namespace: &Namespace, limit: usize) -> Result<Vec<StoredEntry>, Error> {
        let txn = self.begin()?;
        let Some((index, space)) = self.find_space(&txn, namespace)? else { return Ok(Vec::new()) };
        let stamps = self.table.slots(space).map(|(number, slot)| (slot.used.load(SeqCst), number, slot));
        let mut used: Vec<_> = stamps.filter(|(stamp, ..)| stamp & LOCKED == 0).collect();
        let latest_first = |&(stamp, ..): &(u64, _, _)| Reverse(stamp);
        if limit < used.len() {
            used.select_nth_unstable_by_key(limit, latest_first);
            used.truncate(limit);
        }
        used.sort_unstable_by_key(latest_first);
        let now = wall::now();
        let mut recent = Vec::new();
        for (_, number, slot) in used {
            let hash = slot.hash.load(Relaxed);
            let mut same_hash = 0;
            while let Some(record) = self.record(&txn, index, hash, same_hash)? {
                if record.slot == number {
                    recent.push(StoredEntry {
                        key: record.key.to_vec(),
                        value_bytes: record.value.len() as u64,
                        weight: record.weight,
                        age: Duration::from_nanos(now.saturating_sub(record.since)),
                    });
                    break;
                }
                let Some(next) = same_hash.checked_add(1) else { break };
                same_hash = next;
            }
        }
        Ok(recent)
    }
}

impl Space {
    /// Returns the summary of a namespace, from its space and its record.
    pub(super) fn summary(&self, id: u128, named: Named) -> Summary {
        let idle = raw::seconds().saturating_sub(self.last_used.load(Relaxed));
        Summary {
            name: named.name,
            id,
            maxsize: named.maxsize,
            max_weight: named.max_weight,
            ttl: named.ttl,
            max_idle: named.idle,
            counts: self.counts(),
            totals: Some(self.totals()),
            weight: Some(self.weight.load(Relaxed)),
            bytes: Some(self.bytes.load(Relaxed)),
            idle: Some(Duration::from_secs(idle)),
            error: None,
        }
    }
}
