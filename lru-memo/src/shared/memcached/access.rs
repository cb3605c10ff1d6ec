//! One operation on a namespace: reads the directory, changes it by compare-and-swap, and makes it if it is missing.

use alloc::string::String;
use alloc::vec::Vec;
use core::hash::BuildHasher;
use core::time::Duration;
use std::collections::hash_map::RandomState;
use std::thread;
use std::time::Instant;

use super::client::Client;
use super::directory::{Directory, Limits};
use super::index;
use super::item::Item;
use super::names::{self, Counter, Items, Names};
use super::remembered::{Known, LastSeen};
use super::server::Server;
use super::wire::{Answer, Batch, When};
use crate::shared::error::{Error, Kind};
use crate::shared::namespace::Namespace;
use crate::shared::{Entry, Ticket, events, wall};

/// One operation on a namespace, with its deadline.
pub(super) struct Access<'a> {
    pub(super) store: &'a Client,
    pub(super) space: &'a Namespace,
    /// The server with the directory and the counters.
    pub(super) server: &'a Server,
    pub(super) items: Items<'a>,
    directory: String,
    pub(super) until: Instant,
    pub(super) now: u64,
    /// Whether the operation is one for a namespace with a list of its entries, or one for a namespace without; `None`
    /// if it is for both.
    is_listed: Option<bool>,
}

/// The result of an edit of the directory.
pub(super) struct Edited<R> {
    pub(super) result: R,
    /// Whether to write the directory.
    pub(super) write: bool,
    /// The version of an entry to read in the same round trip.
    pub(super) value: Option<u64>,
}

/// The result of a change of the directory.
pub(super) enum Changed<R> {
    Done(R, Option<Vec<u8>>),
    /// Other processes were faster at each attempt. This is their directory.
    Overtaken(Directory),
}

impl<R> Edited<R> {
    pub(super) fn written(result: R) -> Self {
        Self { result, write: true, value: None }
    }

    pub(super) fn left(result: R) -> Self {
        Self { result, write: false, value: None }
    }
}

impl<'a> Access<'a> {
    pub(super) fn new(store: &'a Client, space: &'a Namespace) -> Self {
        let items = Items { prefix: &store.options.prefix, id: space.id() };
        let directory = items.directory();
        let until = Instant::now() + store.options.timeout;
        let server = store.servers.of(&directory);
        Self { store, space, server, items, directory, until, now: wall::now(), is_listed: None }
    }

    /// The same, for a namespace that has, or has not, a list of its entries. If it turns out to be the other kind, the
    /// operation fails, and must begin again.
    pub(super) fn expecting(self, is_listed: bool) -> Self {
        Self { is_listed: Some(is_listed), ..self }
    }

    /// Sends one command to the server of an item.
    pub(super) fn ask(&self, name: &str, add: impl FnOnce(&mut Batch)) -> Result<Answer, Error> {
        let mut batch = Batch::new();
        add(&mut batch);
        Ok(first(self.store.servers.of(name).exchange(&batch, self.until)?))
    }

    /// Sends commands to the server of the directory.
    pub(super) fn ask_here(&self, batch: &Batch) -> Result<Vec<Answer>, Error> {
        self.server.exchange(batch, self.until)
    }

    /// Reads the directory. Returns `None` if there is none.
    pub(super) fn read(&self) -> Result<Option<Known>, Error> {
        let run = self.server.run();
        let mut batch = Batch::new();
        self.ask_for_directory(&mut batch);
        let answer = first(self.ask_here(&batch)?);
        Ok(self.known(answer, run)?.filter(|known| !known.directory.is_broken()))
    }

    pub(super) fn ask_for_directory(&self, batch: &mut Batch) {
        batch.get(&self.directory);
    }

    /// Decodes an answer with the directory. If it cannot be decoded, returns one that is marked as broken.
    pub(super) fn known(&self, answer: Answer, run: u32) -> Result<Option<Known>, Error> {
        let Some((bytes, number)) = answer.value()? else { return Ok(None) };
        let directory = Directory::decode(&bytes).unwrap_or_else(|| {
            events::note_rejected();
            Directory::broken()
        });
        if !directory.is_broken() {
            let is_listed = Limits::are_listed(self.space, directory.maxsize(self.space));
            self.space.listing.note(is_listed);
            if self.is_listed.is_some_and(|expected| expected != is_listed) {
                drop(self.store.remembered.take(self.space.id()));
                return Err(overtaken());
            }
        }
        Ok(Some(Known { directory, number, run }))
    }

    /// Reads the directory, and makes it if it is missing.
    pub(super) fn read_or_make(&self) -> Result<Directory, Error> {
        if let Some(known) = self.read()? {
            return Ok(known.directory);
        }
        self.made()
    }

    /// Makes the directory if it is missing, and remembers it.
    pub(super) fn made(&self) -> Result<Directory, Error> {
        self.change_always(|directory| Edited::left(directory.clone()))
    }

    /// Returns what the names of entries are made of: as this process remembers it, or else from the directory.
    pub(super) fn names(&self) -> Result<Names, Error> {
        match self.store.remembered.names(self.space.id()) {
            Some(names) => Ok(names),
            None => Ok(self.made()?.names()),
        }
    }

    pub(super) fn ticket(&self) -> Result<Ticket, Error> {
        Ok(self.read_or_make()?.ticket())
    }

    /// Changes the directory. If other processes change it at the same time, tries again: at most `tries` times, or
    /// until the deadline.
    pub(super) fn change<R>(
        &self,
        tries: Option<u32>,
        mut edit: impl FnMut(&mut Directory) -> Edited<R>,
    ) -> Result<Changed<R>, Error> {
        let id = self.space.id();
        let (mut remembered, mut doubted) = match self.store.remembered.take(id) {
            Some(LastSeen::Fresh(known)) => (Some(known), None),
            Some(LastSeen::Doubtful { number, .. }) => (None, Some(number)),
            None => (None, None),
        };
        let mut tried = 0;
        loop {
            let is_read = remembered.is_none();
            let mut known = match remembered.take() {
                Some(known) => known,
                None => self.read_for_change()?,
            };
            let is_calm = doubted.is_none_or(|doubted| doubted == known.number);
            let mut next =
                if known.directory.is_broken() { Directory::new() } else { known.directory.clone() };
            let edited = edit(&mut next);
            if !edited.write && known.number != 0 && !known.directory.is_broken() {
                if is_read {
                    self.keep(known, is_calm);
                    return Ok(Changed::Done(edited.result, None));
                }
                // The remembered directory may be old, so it is read.
                continue;
            }
            let (value, number) = self.write(&known, &next, edited.value)?;
            if let Some(number) = number {
                let is_new = known.number == 0;
                known.directory = next;
                known.number = number;
                self.keep(known, is_calm);
                if is_new {
                    self.list()?;
                }
                return Ok(Changed::Done(edited.result, value));
            }
            doubted = Some(0);
            if is_read {
                tried += 1;
            }
            if tries.is_some_and(|tries| tried >= tries) {
                return Ok(Changed::Overtaken(known.directory));
            }
            self.pause(tried)?;
        }
    }

    /// Changes the directory, and tries again until the deadline.
    pub(super) fn change_always<R>(&self, edit: impl FnMut(&mut Directory) -> Edited<R>) -> Result<R, Error> {
        match self.change(None, edit)? {
            Changed::Done(result, _) => Ok(result),
            Changed::Overtaken(_) => Err(overtaken()),
        }
    }

    fn read_for_change(&self) -> Result<Known, Error> {
        let run = self.server.run();
        let mut batch = Batch::new();
        self.ask_for_directory(&mut batch);
        let known = self.known(first(self.ask_here(&batch)?), run)?;
        Ok(known.unwrap_or_else(|| Known { directory: Directory::new(), number: 0, run }))
    }

    /// Writes the directory if it is still the known version, and reads a value in the same round trip. Returns the
    /// value, and the number of the new version.
    fn write(
        &self,
        known: &Known,
        next: &Directory,
        version: Option<u64>,
    ) -> Result<(Option<Vec<u8>>, Option<u64>), Error> {
        let mut batch = Batch::new();
        let mut value = None;
        if let Some(version) = version {
            let name = self.items.version(version);
            if core::ptr::eq(self.store.servers.of(&name), self.server) {
                batch.get(&name);
            } else {
                value = self.ask(&name, |batch| batch.get(&name))?.value()?;
            }
        }
        let when = if known.number == 0 { When::Absent } else { When::Unchanged(known.number) };
        batch.set(&self.directory, &next.encode(), when, 0);
        let Some(mut answers) = self.server.exchange_in(Some(known.run), &batch, self.until)? else {
            return Ok((None, None));
        };
        let number = answers.pop().unwrap_or(Answer::Missing).done()?;
        if let Some(answer) = answers.pop() {
            value = answer.value()?;
        }
        Ok((value.map(|(bytes, _)| bytes), number))
    }

    fn keep(&self, known: Known, is_calm: bool) {
        let (number, names) = (known.number, known.directory.names());
        let seen = if is_calm { LastSeen::Fresh(known) } else { LastSeen::Doubtful { number, names } };
        self.store.remembered.keep(self.space.id(), seen);
    }

    /// Adds the namespace to the list of all namespaces.
    fn list(&self) -> Result<(), Error> {
        for tried in 0.. {
            let mut batch = Batch::new();
            batch.get(&names::index(&self.store.options.prefix));
            let mut answers = self.ask_here(&batch)?;
            let found = answers.pop().unwrap_or(Answer::Missing).value()?;
            let (bytes, when) = match &found {
                Some((bytes, number)) => (&bytes[..], When::Unchanged(*number)),
                None => (&[][..], When::Absent),
            };
            let Some(list) = index::with(bytes, self.space) else { return Ok(()) };
            let mut batch = Batch::new();
            batch.set(&names::index(&self.store.options.prefix), &list, when, 0);
            if self.ask_here(&batch)?.pop().unwrap_or(Answer::Missing).done()?.is_some() {
                return Ok(());
            }
            self.pause(tried)?;
        }
        Ok(())
    }

    /// Pauses before the next attempt, longer each time.
    pub(super) fn pause(&self, tried: u32) -> Result<(), Error> {
        if Instant::now() >= self.until {
            return Err(overtaken());
        }
        if tried > 1 {
            let longest = 50_000_u64 << tried.min(7);
            let random = RandomState::new().hash_one(self.now) % longest;
            thread::sleep(Duration::from_nanos(random));
        }
        Ok(())
    }

    /// Replaces the directory, whatever its version is.
    pub(super) fn renew(&self, directory: &Directory) -> Result<(), Error> {
        drop(self.store.remembered.take(self.space.id()));
        let bytes = directory.encode();
        let mut batch = Batch::new();
        batch.set(&self.directory, &bytes, When::Always, 0);
        first(self.ask_here(&batch)?).done().map(|_| ())
    }

    pub(super) fn count(&self, generation: u64, counter: Counter, by: i64) -> Result<(), Error> {
        let mut batch = Batch::new();
        batch.count(&self.items.counter(generation, counter), by);
        first(self.ask_here(&batch)?).done().map(|_| ())
    }

    pub(super) fn counters<const N: usize>(
        &self,
        generation: u64,
        all: [Counter; N],
    ) -> Result<[u64; N], Error> {
        let mut batch = Batch::new();
        all.iter().for_each(|counter| batch.get(&self.items.counter(generation, *counter)));
        let mut counts = [0; N];
        for (count, answer) in counts.iter_mut().zip(self.ask_here(&batch)?) {
            *count = answer.counter()?;
        }
        Ok(counts)
    }

    /// Returns the value of an item, and the time when it was stored, if the item is the entry of this key.
    pub(super) fn value_in(&self, bytes: Option<&[u8]>, key: &[u8]) -> Option<(Vec<u8>, u64)> {
        let bytes = bytes?;
        let Some(item) = Item::decode(bytes) else {
            events::note_rejected();
            return None;
        };
        (item.key == key).then(|| (item.value.to_vec(), item.stored))
    }

    /// Encodes the item of an entry.
    pub(super) fn item(&self, key: &[u8], entry: &Entry<'_>) -> Result<Vec<u8>, Error> {
        let value = entry.value;
        if key.len().saturating_add(value.len()) > MOST {
            return Err(Error::new(Kind::Full, "the entry is longer than Memcached can hold"));
        }
        Ok(Item { key, value, stored: wall::since(self.now, entry.age) }.encode())
    }

    /// Returns the number of seconds after which the server may drop an entry; 0 stands for never.
    pub(super) fn lifetime(&self) -> u32 {
        // The time in the entry decides about expiry. The server only cleans up, somewhat later. Memcached takes a
        // number above 30 days for a date.
        self.space.ttl().map_or(0, |ttl| self.lifetime_of(ttl))
    }

    /// The same for what matters for this time.
    pub(super) fn lifetime_of(&self, length: Duration) -> u32 {
        let seconds = u32::try_from(length.as_secs().saturating_add(2)).ok();
        seconds.filter(|seconds| *seconds <= 30 * 24 * 3600).unwrap_or(0)
    }
}

/// The maximum length of an item on any server.
const MOST: usize = 1 << 30;

fn overtaken() -> Error {
    Error::new(
        Kind::Unavailable,
        "other processes kept changing this namespace on Memcached until the timeout",
    )
}

fn first(answers: Vec<Answer>) -> Answer {
    answers.into_iter().next().unwrap_or(Answer::Missing)
}
