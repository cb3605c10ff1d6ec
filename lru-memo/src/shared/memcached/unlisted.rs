//! Namespaces that may have more entries than a directory can list. The server's own LRU bounds them.
//!
//! The directory has the generation and the last invalidations. Counters are items of their own, for lookups, misses
//! and entries.

use alloc::string::String;
use alloc::vec::Vec;

use super::access::{Access, Edited};
use super::directory::Directory;
use super::names::{Counter, Names};
use super::server::Server;
use super::wire::{Answer, Batch, When};
use crate::shared::error::{Error, Kind};
use crate::shared::wall::is_expired;
use crate::shared::{Counts, Entry, Found, Ticket};

/// An operation on one key.
pub(super) struct Unlisted<'a> {
    access: &'a Access<'a>,
    key: &'a [u8],
}

impl<'a> Unlisted<'a> {
    pub(super) fn new(access: &'a Access<'a>, key: &'a [u8]) -> Self {
        Self { access, key }
    }

    fn name(&self, names: Names) -> String {
        self.access.items.entry(names, self.key)
    }

    /// Looks the key up. `count_miss` says whether a miss counts.
    pub(super) fn look(&self, count_miss: bool) -> Result<Found, Error> {
        let mut names = self.access.names()?;
        loop {
            let (name, generation) = (self.name(names), names.generation);
            let server = self.access.store.servers.of(&name);
            let looked = if core::ptr::eq(server, self.access.server) {
                self.look_here(&name, generation, count_miss)?
            } else {
                self.look_there(server, &name, generation, count_miss)?
            };
            match looked {
                Looked::Found(found) => return Ok(found),
                Looked::Elsewhere(current) => {
                    drop(self.access.store.remembered.take(self.access.space.id()));
                    names = current;
                }
            }
            self.access.pause(0)?;
        }
    }

    /// Looks up an entry on the directory's server: asks for everything and counts a hit in one round trip. A miss
    /// corrects the counters afterwards.
    fn look_here(&self, name: &str, generation: u64, count_miss: bool) -> Result<Looked, Error> {
        let access = self.access;
        let mut batch = Batch::new();
        access.ask_for_directory(&mut batch);
        batch.get(name);
        batch.count(&access.items.counter(generation, Counter::Hits), 1);
        let mut answers = access.ask_here(&batch)?.into_iter();
        let mut next = || answers.next().unwrap_or(Answer::Missing);
        let (directory, item) = (next(), next());
        next().done()?;
        let directory = self.current(directory)?;
        if directory.generation != generation {
            return Ok(Looked::Elsewhere(directory.names()));
        }
        if let Some(value) = self.alive(item)? {
            return Ok(Looked::Found(Found::Hit(value)));
        }
        // Hits are lookups less misses.
        let (counter, by) = if count_miss { (Counter::Misses, 1) } else { (Counter::Hits, -1) };
        access.count(generation, counter, by)?;
        Ok(Looked::Found(Found::Miss(directory.ticket())))
    }

    /// Looks up an entry on another server than the directory's: reads the entry first.
    fn look_there(
        &self,
        server: &Server,
        name: &str,
        generation: u64,
        count_miss: bool,
    ) -> Result<Looked, Error> {
        let access = self.access;
        let mut batch = Batch::new();
        batch.get(name);
        let item = server.exchange(&batch, access.until)?.pop().unwrap_or(Answer::Missing);
        let value = self.alive(item)?;
        let mut batch = Batch::new();
        access.ask_for_directory(&mut batch);
        if value.is_some() || count_miss {
            batch.count(&access.items.counter(generation, Counter::Hits), 1);
        }
        if value.is_none() && count_miss {
            batch.count(&access.items.counter(generation, Counter::Misses), 1);
        }
        let answers = access.ask_here(&batch)?;
        let directory = self.current(answers.into_iter().next().unwrap_or(Answer::Missing))?;
        if directory.generation != generation {
            return Ok(Looked::Elsewhere(directory.names()));
        }
        Ok(Looked::Found(value.map_or(Found::Miss(directory.ticket()), Found::Hit)))
    }

    /// Returns the directory of an answer, and makes one if it is missing.
    fn current(&self, answer: Answer) -> Result<Directory, Error> {
        match self.access.known(answer, self.access.server.run())? {
            Some(known) if !known.directory.is_broken() => Ok(known.directory),
            _ => self.access.made(),
        }
    }

    /// Returns the value in an answer, if it is the entry of this key and has not expired.
    fn alive(&self, answer: Answer) -> Result<Option<Vec<u8>>, Error> {
        let item = answer.value()?;
        let found = self.access.value_in(item.as_ref().map(|(bytes, _)| &bytes[..]), self.key);
        let is_live =
            |stored| self.access.space.ttl().is_none_or(|ttl| !is_expired(stored, self.access.now, ttl));
        Ok(found.filter(|(_, stored)| is_live(*stored)).map(|(value, _)| value))
    }

    pub(super) fn peek(&self) -> Result<Option<Vec<u8>>, Error> {
        let Some(known) = self.access.read()? else { return Ok(None) };
        let name = self.name(known.directory.names());
        self.alive(self.access.ask(&name, |batch| batch.get(&name))?)
    }

    /// Whether the key was neither cleared nor invalidated since the ticket.
    pub(super) fn is_current(&self, since: Ticket) -> Result<bool, Error> {
        Ok(self.access.read_or_make()?.allows(since, self.key))
    }

    pub(super) fn invalidate(&self) -> Result<bool, Error> {
        let names = self.access.change_always(|directory| {
            directory.invalidate(self.key);
            Edited::written(directory.names())
        })?;
        self.remove(names)
    }

    /// Removes the entry, and returns whether there was one.
    fn remove(&self, names: Names) -> Result<bool, Error> {
        let name = self.name(names);
        let mut batch = Batch::new();
        batch.get(&name);
        batch.delete(&name);
        let mut answers =
            self.access.store.servers.of(&name).exchange(&batch, self.access.until)?.into_iter();
        let mut next = || answers.next().unwrap_or(Answer::Missing);
        let was_there = self.alive(next())?.is_some();
        if next().done()?.is_some() {
            self.access.count(names.generation, Counter::Entries, -1)?;
        }
        Ok(was_there)
    }

    /// Turns a hit into a miss, because the value could not be decoded.
    pub(super) fn reject(&self) -> Result<Ticket, Error> {
        let directory = self.access.read_or_make()?;
        self.remove(directory.names())?;
        self.access.count(directory.generation, Counter::Misses, 1)?;
        Ok(directory.ticket())
    }

    pub(super) fn store(&self, entry: Entry<'_>) -> Result<bool, Error> {
        let directory = self.access.read_or_make()?;
        let is_stale = |directory: &Directory| {
            entry.computed_since.is_some_and(|ticket| !directory.allows(ticket, self.key))
        };
        if is_stale(&directory) {
            return Ok(false);
        }
        let name = self.name(directory.names());
        let item = self.access.item(self.key, &entry)?;
        let Some((number, is_new)) = self.send(&name, directory.generation, &item, entry.replace)? else {
            return Ok(false);
        };
        // The key may have been invalidated meanwhile.
        let mut batch = Batch::new();
        self.access.ask_for_directory(&mut batch);
        if is_new {
            batch.count(&self.access.items.counter(directory.generation, Counter::Entries), 1);
        }
        let answers = self.access.ask_here(&batch)?;
        if !is_stale(&self.current(answers.into_iter().next().unwrap_or(Answer::Missing))?) {
            return Ok(true);
        }
        if self.access.ask(&name, |batch| batch.delete_unchanged(&name, number))?.done()?.is_some() {
            self.access.count(directory.generation, Counter::Entries, -1)?;
        }
        Ok(false)
    }

    /// Writes the item; an existing one is replaced only if `replace` says so. Returns the item's number, and whether
    /// it is new.
    fn send(
        &self,
        name: &str,
        generation: u64,
        item: &[u8],
        replace: bool,
    ) -> Result<Option<(u64, bool)>, Error> {
        let seconds = self.access.lifetime();
        let mut batch = Batch::new();
        batch.probe(name);
        batch.set(name, item, When::Absent, seconds);
        let mut answers = self.access.store.servers.of(name).exchange(&batch, self.access.until)?.into_iter();
        let mut next = || answers.next().unwrap_or(Answer::Missing);
        let was_there = next().done()?.is_some();
        match next().done() {
            Ok(Some(number)) => return Ok(Some((number, true))),
            Ok(None) => {}
            Err(error) => {
                // The older entry must not stay: the server has removed it, or does now.
                if was_there && error.kind() == Kind::Full {
                    self.access.ask(name, |batch| batch.delete(name))?;
                    self.access.count(generation, Counter::Entries, -1)?;
                }
                return Err(error);
            }
        }
        if !replace && self.alive(self.access.ask(name, |batch| batch.get(name))?)?.is_some() {
            return Ok(None);
        }
        let written = self.access.ask(name, |batch| batch.set(name, item, When::Always, seconds))?.done()?;
        Ok(written.map(|number| (number, false)))
    }
}

impl Unlisted<'_> {
    pub(super) fn counts(&self, directory: &Directory) -> Result<Counts, Error> {
        let all = [Counter::Hits, Counter::Misses, Counter::Entries];
        let [lookups, misses, entries] = self.access.counters(directory.generation, all)?;
        let currsize = usize::try_from(entries).unwrap_or(usize::MAX);
        Ok(Counts { hits: lookups.saturating_sub(misses), misses, currsize })
    }
}

enum Looked {
    Found(Found),
    /// The namespace has another generation by now.
    Elsewhere(Names),
}
