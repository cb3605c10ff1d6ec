//! Namespaces that may have more entries than a directory can list. The server's own LRU bounds them.
//!
//! The directory has the generation and the last invalidations. Counters are items of their own, for lookups, misses
//! and entries.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use super::access::{Access, Edited};
use super::directory::Directory;
use super::names::{Counter, Names};
use super::server::Server;
use super::wire::{Answer, Batch, When};
use crate::shared::error::{Error, Kind};
use crate::shared::wall::{is_expired, is_unused};
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
        batch.count(&access.items.counter(generation, Counter::Hits), 1);
        self.ask_for_entry(name, &mut batch);
        let mut answers = access.ask_here(&batch)?.into_iter();
        let directory = answers.next().unwrap_or(Answer::Missing);
        answers.next().unwrap_or(Answer::Missing).done()?;
        let directory = self.current(directory)?;
        if directory.generation != generation {
            return Ok(Looked::Elsewhere(directory.names()));
        }
        if let Some(value) = self.used(access.server, name, answers)? {
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
        self.ask_for_entry(name, &mut batch);
        let value = self.used(server, name, server.exchange(&batch, access.until)?)?;
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

    /// Asks for an entry and, with `idle`, for the time of its last use.
    fn ask_for_entry(&self, name: &str, batch: &mut Batch) {
        batch.get(name);
        if self.access.space.idle().is_some() {
            batch.get(&last_use_of(name));
        }
    }

    /// Returns the value in the answers, if it is the entry of this key and has not expired, and the time of its last
    /// use.
    fn alive(&self, answers: impl IntoIterator<Item = Answer>) -> Result<Option<(Vec<u8>, u64)>, Error> {
        let (space, now, mut answers) = (self.access.space, self.access.now, answers.into_iter());
        let item = answers.next().unwrap_or(Answer::Missing).value()?;
        let Some((value, stored)) =
            self.access.value_in(item.as_ref().map(|(bytes, _)| &bytes[..]), self.key)
        else {
            return Ok(None);
        };
        let noted = answers.next().unwrap_or(Answer::Missing).counter()?;
        // The item of another time may be gone, or that of an older entry of this key.
        let used = stored.max(noted);
        let has_expired = space.ttl().is_some_and(|ttl| is_expired(stored, now, ttl))
            || space.idle().is_some_and(|idle| is_unused(used, now, idle));
        Ok((!has_expired).then_some((value, used)))
    }

    /// Like [`alive`](Self::alive), for a call. Notes the use if the last noted one is a while ago, so that most hits are
    /// one round trip.
    fn used(
        &self,
        server: &Server,
        name: &str,
        answers: impl IntoIterator<Item = Answer>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let (access, alive) = (self.access, self.alive(answers)?);
        if let (Some((_, used)), Some(idle)) = (&alive, access.space.idle()) {
            if is_unused(*used, access.now, idle / 16) {
                self.note_use(server, name, idle)?;
            }
        }
        Ok(alive.map(|(value, _)| value))
    }

    fn note_use(&self, server: &Server, name: &str, idle: Duration) -> Result<(), Error> {
        let (access, mut batch) = (self.access, Batch::new());
        let now = access.now.to_string();
        batch.set(&last_use_of(name), now.as_bytes(), When::Always, access.lifetime_of(idle));
        server.exchange(&batch, access.until).map(|_| ())
    }

    pub(super) fn peek(&self) -> Result<Option<Vec<u8>>, Error> {
        let Some(known) = self.access.read()? else { return Ok(None) };
        Ok(self.look_up(&self.name(known.directory.names()))?.map(|(value, _)| value))
    }

    fn look_up(&self, name: &str) -> Result<Option<(Vec<u8>, u64)>, Error> {
        let mut batch = Batch::new();
        self.ask_for_entry(name, &mut batch);
        self.alive(self.access.store.servers.of(name).exchange(&batch, self.access.until)?)
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
        self.ask_for_entry(&name, &mut batch);
        batch.delete(&name);
        let mut answers = self.access.store.servers.of(&name).exchange(&batch, self.access.until)?;
        let deleted = answers.pop().unwrap_or(Answer::Missing);
        let was_there = self.alive(answers)?.is_some();
        if deleted.done()?.is_some() {
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

    /// Turns a hit into a miss, and leaves the entry. Hits are lookups less misses.
    pub(super) fn hit_to_miss(&self) -> Result<(), Error> {
        let generation = self.access.read_or_make()?.generation;
        self.access.count(generation, Counter::Misses, 1)
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
        if let Some(idle) = self.access.space.idle().filter(|_| !entry.age.is_zero()) {
            // The item tells an earlier time.
            self.note_use(self.access.store.servers.of(&name), &name, idle)?;
        }
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
        if !replace && self.look_up(name)?.is_some() {
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

/// Returns the name of the item with the time of an entry's last use. It is on the server of the entry.
fn last_use_of(name: &str) -> String {
    format!("{name}:u")
}

enum Looked {
    Found(Found),
    /// The namespace has another generation by now.
    Elsewhere(Names),
}
