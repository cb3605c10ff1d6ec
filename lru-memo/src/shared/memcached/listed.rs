//! Namespaces whose directory lists all entries. They are exact as long as calls do not overlap.

use alloc::string::String;
use alloc::vec::Vec;

use super::access::{Access, Changed, Edited};
use super::directory::{Directory, Limits, Record};
use super::names::Counter;
use super::wire::{Batch, When};
use crate::shared::error::{Error, Kind};
use crate::shared::unique::unique;
use crate::shared::wall::{is_unused, since};
use crate::shared::{Counts, Entry, Found, Ticket};

/// How often a lookup tries to change the directory while other processes do. After that, the lookup is counted beside
/// the directory, and leaves the recency as it is.
const TRIES: u32 = 8;

enum Looked {
    Hit(u64),
    Miss(Ticket),
}

/// An entry that was written, and is not in the directory yet.
#[derive(Clone, Copy)]
struct Stored {
    version: u64,
    weight: u64,
    stored: u64,
    used: u64,
}

/// An operation on one key.
pub(super) struct Listed<'a> {
    access: &'a Access<'a>,
    limits: Limits,
    key: &'a [u8],
}

impl<'a> Listed<'a> {
    pub(super) fn new(access: &'a Access<'a>, key: &'a [u8]) -> Self {
        Self { access, limits: Limits::of(access.space), key }
    }

    /// Looks the key up. `count_miss` says whether a miss counts.
    pub(super) fn look(&self, count_miss: bool) -> Result<Found, Error> {
        let (limits, now) = (self.limits, self.access.now);
        let changed =
            self.access.change(Some(TRIES), |directory| match directory.find(self.key, limits, now) {
                Some(at) => {
                    let version = directory.records[at].version;
                    directory.touch(at, limits, now);
                    directory.count_hit();
                    Edited { value: Some(version), ..Edited::written(Looked::Hit(version)) }
                }
                None => {
                    let looked = Looked::Miss(directory.ticket());
                    directory.count_miss(count_miss);
                    Edited { result: looked, write: count_miss, value: None }
                }
            })?;
        match changed {
            Changed::Done(Looked::Miss(ticket), _) => Ok(Found::Miss(ticket)),
            Changed::Done(Looked::Hit(version), bytes) => {
                match self.access.value_in(bytes.as_deref(), self.key) {
                    Some((value, _)) => Ok(Found::Hit(value)),
                    None => self.lost(Some(version), count_miss).map(Found::Miss),
                }
            }
            Changed::Overtaken(mut directory) => {
                let found = directory.find(self.key, limits, now).map(|at| directory.records[at]);
                let value = found.map(|record| self.fetch(record.version)).transpose()?.flatten();
                if let (Some(record), Some(_)) = (found, &value) {
                    self.note_use(record)?;
                }
                if value.is_some() || count_miss {
                    let counter = if value.is_some() { Counter::Hits } else { Counter::Misses };
                    self.access.count(directory.generation, counter, 1)?;
                }
                Ok(value.map_or(Found::Miss(directory.ticket()), Found::Hit))
            }
        }
    }

    /// Notes the use of an entry whose last noted use is a while ago, although other processes change the directory.
    fn note_use(&self, record: Record) -> Result<(), Error> {
        let (limits, now) = (self.limits, self.access.now);
        if limits.idle.is_none_or(|idle| !is_unused(record.used, now, idle / 4)) {
            return Ok(());
        }
        self.access.change_always(|directory| {
            let at = directory.records.iter().rposition(|other| other.version == record.version);
            if let Some(at) = at {
                directory.touch(at, limits, now);
            }
            Edited { result: (), write: at.is_some(), value: None }
        })
    }

    fn fetch(&self, version: u64) -> Result<Option<Vec<u8>>, Error> {
        let name = self.access.items.version(version);
        let answer = self.access.ask(&name, |batch| batch.get(&name))?.value()?;
        Ok(self
            .access
            .value_in(answer.as_ref().map(|(bytes, _)| &bytes[..]), self.key)
            .map(|(value, _)| value))
    }

    /// Turns a hit into a miss: the server has evicted the entry, or it cannot be decoded.
    pub(super) fn lost(&self, version: Option<u64>, count_miss: bool) -> Result<Ticket, Error> {
        self.access.change_always(|directory| {
            let hash = directory.hash_of(self.key);
            let is_lost = |record: &Record| {
                record.hash == hash && version.is_none_or(|version| version == record.version)
            };
            directory.records.retain(|record| !is_lost(record));
            directory.hits = directory.hits.saturating_sub(1);
            directory.count_miss(count_miss);
            Edited::written(directory.ticket())
        })
    }

    /// Turns a hit into a miss, and leaves the entry.
    pub(super) fn hit_to_miss(&self) -> Result<(), Error> {
        self.access.change_always(|directory| {
            directory.hits = directory.hits.saturating_sub(1);
            directory.count_miss(true);
            Edited::written(())
        })
    }

    pub(super) fn peek(&self) -> Result<Option<Vec<u8>>, Error> {
        let Some(mut known) = self.access.read()? else { return Ok(None) };
        let found = known.directory.find(self.key, self.limits, self.access.now);
        let version = found.map(|at| known.directory.records[at].version);
        version.map_or(Ok(None), |version| self.fetch(version))
    }

    /// Whether the key was neither cleared nor invalidated since the ticket.
    pub(super) fn is_current(&self, since: Ticket) -> Result<bool, Error> {
        Ok(self.access.read_or_make()?.allows(since, self.key))
    }

    pub(super) fn invalidate(&self) -> Result<bool, Error> {
        let (limits, now) = (self.limits, self.access.now);
        let gone = self.access.change_always(|directory| {
            directory.invalidate(self.key);
            let found = directory.find(self.key, limits, now);
            Edited::written(found.map(|at| directory.records.remove(at).version))
        })?;
        delete(self.access, gone.as_slice());
        Ok(gone.is_some())
    }

    pub(super) fn store(&self, entry: Entry<'_>) -> Result<bool, Error> {
        if self.limits.maxsize == 0 && self.access.read_or_make()?.bound(self.limits) == 0 {
            return Ok(false);
        }
        if !self.access.space.admits(entry.weight) {
            self.settle(&entry, None)?;
            return Ok(false);
        }
        let version = unique();
        if let Err(error) = self.send(version, &entry) {
            // The older entry must not stay.
            if entry.replace && error.kind() == Kind::Full {
                self.settle(&entry, None)?;
            }
            return Err(error);
        }
        let weight = self.limits.max_weight.map_or(0, |_| entry.weight);
        let stored = self.limits.ttl.map_or(0, |_| since(self.access.now, entry.age));
        let used = self.limits.idle.map_or(0, |_| self.access.now);
        let record = Stored { version, weight, stored, used };
        let is_stored = self.settle(&entry, Some(record))?;
        if !is_stored {
            delete(self.access, &[version]);
        }
        Ok(is_stored)
    }

    fn send(&self, version: u64, entry: &Entry<'_>) -> Result<(), Error> {
        let item = self.access.item(self.key, entry)?;
        let (name, seconds) = (self.access.items.version(version), self.access.lifetime());
        self.access.ask(&name, |batch| batch.set(&name, &item, When::Always, seconds))?.done().map(|_| ())
    }

    /// Adds a written entry to the directory, unless its ticket is outdated by now. Without `record`, only removes the
    /// older entry. Returns whether the entry was added.
    fn settle(&self, entry: &Entry<'_>, record: Option<Stored>) -> Result<bool, Error> {
        let (limits, now) = (self.limits, self.access.now);
        let left = self.access.change_always(|directory| {
            if entry.computed_since.is_some_and(|ticket| !directory.allows(ticket, self.key)) {
                return Edited::left(None);
            }
            let found = directory.find(self.key, limits, now);
            if directory.bound(limits) == 0 {
                return Edited::left(None);
            }
            if found.is_some() && !entry.replace || found.is_none() && record.is_none() {
                return Edited::left(None);
            }
            let mut left: Vec<Record> = found.map(|at| directory.records.remove(at)).into_iter().collect();
            if let Some(Stored { version, weight, stored, used }) = record {
                let record = Record { hash: directory.hash_of(self.key), version, weight, stored, used };
                left.extend(directory.add(record, limits, now));
            }
            Edited::written(Some(left))
        })?;
        let versions: Option<Vec<u64>> = left.map(|left| left.iter().map(|record| record.version).collect());
        delete(self.access, versions.as_deref().unwrap_or_default());
        Ok(versions.is_some() && record.is_some())
    }

    /// Changes the bound to one with which the namespace still has a list.
    pub(super) fn resize(&self, maxsize: usize) -> Result<(), Error> {
        let (limits, now) = (self.limits, self.access.now);
        let left =
            self.access.change_always(|directory| Edited::written(directory.resize(maxsize, limits, now)))?;
        let versions: Vec<u64> = left.iter().map(|record| record.version).collect();
        delete(self.access, &versions);
        Ok(())
    }

    pub(super) fn counts(&self, directory: &Directory) -> Result<Counts, Error> {
        let all = [Counter::Hits, Counter::Misses];
        let [hits, misses] = self.access.counters(directory.generation, all)?;
        Ok(Counts {
            hits: directory.hits.saturating_add(hits),
            misses: directory.misses.saturating_add(misses),
            currsize: directory.records.len(),
        })
    }
}

/// Deletes items that the directory no longer lists. A failure is harmless: the items only take memory.
pub(super) fn delete(access: &Access<'_>, versions: &[u64]) {
    let names: Vec<String> = versions.iter().map(|version| access.items.version(*version)).collect();
    for server in access.store.servers.iter() {
        let mut batch = Batch::new();
        let here = names.iter().filter(|name| core::ptr::eq(access.store.servers.of(name), server));
        here.for_each(|name| batch.delete(name));
        if batch.commands > 0 {
            let _ = server.exchange(&batch, access.until);
        }
    }
}
