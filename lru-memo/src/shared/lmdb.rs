//! The embedded store: an LMDB database in files, without a server.
//!
//! Entries are records in LMDB. A write transaction changes them; one process at a time has it. Recency and counters
//! change with every hit, so they are not in LMDB but in a table of shared memory, which needs no lock: see `table`. A
//! hit is a read transaction, one compare-and-swap of the stamp, and one increment.
//!
//! Costs, measured on two busy virtual CPUs where a system call takes 2-3 us; the shortest times of several rounds:
//!
//! | | ns |
//! |---|--:|
//! | LMDB alone: read transaction, and a lookup | 310-360 |
//! | LMDB alone: write transaction of one small record, with `WRITE_MAP` / without | 870 / 6,700 |
//! | a hit, 128 keys / one hot key / 1,000,000 keys at random | 380 / 280 / 2,600 |
//! | a miss that stores nothing / one that evicts and stores | 390 / 12,600 |
//! | `info` / a lease | 20 / 3,500 |
//!
//! Recency is not kept in LMDB, because each hit would then need a write transaction. `WRITE_MAP` would save the system
//! calls that write, but a full disk would then kill the process by a signal. Reserving all pages of a transaction
//! beforehand would avoid the signal, but on a full disk it would also keep the transaction from using free pages
//! again.

#[cfg(any(test, fuzzing))]
pub(super) mod check;
mod default_place;
mod directory;
mod errors;
mod evict;
mod files;
mod instance;
mod made;
mod members;
mod memory;
mod opened;
pub(super) mod options;
mod queue;
mod raw;
mod read;
mod recent;
mod record;
mod room;
mod settle;
mod table;
mod turn;
mod write;

use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;
use std::path::{Path, PathBuf};
use std::time::Instant;

use self::made::Explicit;
use self::opened::Opened;
use self::options::Options;
use self::read::Purpose;
use self::turn::ByteLock;
use super::error::{Error, Kind};
use super::lease::Lease;
use super::namespace::Namespace;
use super::{Counts, Entry, Found, Store, StoredEntry, Summary, Ticket};
use super::{task, url};
use crate::sys::fork::{Heritage, Inherited, Own};
use crate::sys::sync::Mutex;
use crate::totals::CacheTotals;

/// The time after a failed attempt to open the store in which calls do not try again.
const PATIENCE: Duration = Duration::from_secs(3);

/// A store in the files of one directory, for all processes of this user on this machine.
///
/// The store is exact at any time, and survives the death of any process at any moment. After a reboot it begins empty,
/// unless it is durable. A full store evicts entries of the namespace that was unused for longest. The child of a fork
/// may use the store; a fork waits while another thread opens one.
pub struct Embedded {
    directory: PathBuf,
    options: Options,
    explicit: Explicit,
    current: Own<Opened>,
    /// The last failed attempt to open the store: when, and why.
    failed: Own<Mutex<Option<(Instant, Error)>>>,
}

/// Held by the thread that opens or closes an environment. LMDB's binding has a lock for that, too. A fork must not
/// copy that lock in its locked state, so forks wait for this one.
static OPENING: Inherited<Opening> = Inherited::new(|| Opening);

struct Opening;

impl Heritage for Opening {
    fn forget_others(&mut self) {
        members::close_inherited();
    }
}

impl Embedded {
    /// Opens the store in this directory, and makes the directory if it is missing. The directory must belong to this user,
    /// and nobody else may write to it; the store makes a private directory inside.
    ///
    /// # Errors
    /// When other users can use the directory, or this process cannot.
    pub fn open(directory: impl Into<PathBuf>, options: Options) -> Result<Self, Error> {
        Self::open_explicit(directory.into(), options, Explicit::default())
    }

    fn open_explicit(directory: PathBuf, options: Options, explicit: Explicit) -> Result<Self, Error> {
        let store = Self { directory, options, explicit, current: Own::none(), failed: Own::none() };
        store.reopen()?;
        Ok(store)
    }

    /// Opens the store of a URL. `rest` is the part after `file://`: a directory, or nothing for the default one, and
    /// perhaps options such as `?size=64MiB&timeout=2s`.
    pub(super) fn from_url(rest: &str, create: bool) -> Result<Self, Error> {
        let Parsed { path, prefix, options, explicit } = Self::parse(rest)?;
        let directory = if path.is_empty() { default_place::default()? } else { PathBuf::from(path) };
        Self::open_explicit(prefixed(directory, prefix), Options { create, ..options }, explicit)
    }

    /// Checks a URL without making anything.
    pub(super) fn check(rest: &str) -> Result<(), Error> {
        let Parsed { path, prefix, options, explicit } = Self::parse(rest)?;
        directory::check_chosen(Path::new(path))?;
        let directory = prefixed(PathBuf::from(path), prefix);
        files::made(&directory)?.map_or(Ok(()), |made| made.check(&directory, &options, explicit))
    }

    fn parse(rest: &str) -> Result<Parsed<'_>, Error> {
        let (path, set) = url::split_options(rest);
        let (mut options, mut explicit, mut prefix) = (Options::default(), Explicit::default(), None);
        for (name, text) in set {
            match name {
                "size" => (options.size, explicit.size) = (map_size(name, text)?, true),
                "durable" => (options.durable, explicit.durable) = (url::truth(name, text)?, true),
                "unused" => (options.unused, explicit.unused) = (unused(name, text)?, true),
                "timeout" => options.timeout = timeout(name, text)?,
                "prefix" => prefix = Some(url::prefix(text)?),
                _ => return Err(url::unknown(name, "`size`, `durable`, `unused`, `timeout` and `prefix`")),
            }
        }
        if !explicit.size {
            options.size = memory::default_size();
        }
        Ok(Parsed { path, prefix, options, explicit })
    }

    /// Returns the directories of the stores in the default place: one for each program of this user.
    pub(super) fn in_default_place() -> Result<Vec<PathBuf>, Error> {
        default_place::in_default_place()
    }

    /// Returns the directory of the store.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    #[inline]
    fn opened(&self) -> Result<&Opened, Error> {
        match self.current.get() {
            Some(opened) if !opened.is_dead() => Ok(opened),
            _ => self.reopen(),
        }
    }

    /// Opens the store for the first time, in the child of a fork, or after it was given up.
    #[cold]
    fn reopen(&self) -> Result<&Opened, Error> {
        if !task::may_wait() {
            return Err(Error::new(Kind::Unavailable, "the shared store is not open yet"));
        }
        let Some(_opening) = OPENING.lock_for(self.options.timeout) else {
            return Err(Error::new(Kind::Unavailable, "the shared store is being opened by another thread"));
        };
        if let Some(opened) = self.current.get().filter(|opened| !opened.is_dead()) {
            return Ok(opened);
        }
        let mut failed = self.failed.get_or_make(|| Mutex::new(None)).lock();
        if let Some((_, error)) = failed.as_ref().filter(|(when, _)| when.elapsed() < PATIENCE) {
            return Err(error.clone());
        }
        self.current.drop_inherited();
        let opened = files::open(&self.directory, &self.options, self.explicit);
        let is_as_asked =
            |files: &instance::Files| files.made.check(&self.directory, &self.options, self.explicit);
        match opened.and_then(|files| is_as_asked(&files).map(|()| files)) {
            Ok(files) => {
                *failed = None;
                Ok(self.current.set(Opened::new(files, &self.options)))
            }
            Err(error) => {
                *failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Runs an operation on the open store. If the store turns out to be broken, it is given up.
    #[inline]
    fn with<R>(&self, act: impl FnOnce(&Opened) -> Result<R, Error>) -> Result<R, Error> {
        let opened = self.opened()?;
        let result = act(opened);
        if let Err(error) = &result {
            if error.kind() == Kind::Corrupt {
                opened.give_up();
            }
        }
        result
    }

    /// Runs a removal. If the removal fails, the store is given up, so that no process gets the removed value. If the
    /// store is only locked, it is kept: the caller remembers the removal and repeats it.
    fn removing<R>(&self, space: &Namespace, act: impl Fn(&Opened) -> Result<R, Error>) -> Result<R, Error> {
        let opened = self.opened()?;
        opened.remove_surely(space, act).map_err(|error| match error.kind() {
            Kind::Unavailable => error,
            kind => {
                opened.give_up();
                Error::new(kind, format!("the shared store is given up, because a removal failed: {error}"))
            }
        })
    }

    fn turn(&self, space: &Namespace, key: &[u8], wait: bool) -> Result<Option<Lease>, Error> {
        let opened = self.opened()?;
        let timeout = wait.then_some(self.options.timeout);
        Ok(ByteLock::take(&opened.members, opened.turn(space, key), timeout)?.map(Lease::new))
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        let _opening = OPENING.lock();
        self.current.close();
    }
}

impl core::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Embedded").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl Store for Embedded {
    fn get(&self, space: &Namespace, key: &[u8]) -> Result<Found, Error> {
        self.with(|opened| opened.look(&opened.key(space, key), Purpose::Call))
    }

    fn get_if_present(&self, space: &Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.with(|opened| opened.look(&opened.key(space, key), Purpose::Hit)).map(value)
    }

    fn count_hit(&self, space: &Namespace) -> Result<(), Error> {
        self.with(|opened| opened.count_hit(space))
    }

    fn reject(&self, space: &Namespace, key: &[u8]) -> Result<Ticket, Error> {
        self.with(|opened| opened.reject(&opened.key(space, key)))
    }

    fn hit_to_miss(&self, space: &Namespace, _: &[u8]) -> Result<(), Error> {
        self.with(|opened| opened.hit_to_miss(space))
    }

    fn ticket(&self, space: &Namespace) -> Result<Ticket, Error> {
        self.with(|opened| opened.ticket(space))
    }

    fn is_current(&self, space: &Namespace, key: &[u8], since: Ticket) -> Result<bool, Error> {
        self.with(|opened| opened.is_current(&opened.key(space, key), since))
    }

    fn store(&self, space: &Namespace, key: &[u8], entry: Entry<'_>) -> Result<bool, Error> {
        let result = self.with(|opened| opened.store(&opened.key(space, key), &entry));
        // The older value must not stay after its replacement failed.
        let is_left = || !matches!(self.peek(space, key), Ok(None));
        if entry.replace && result.as_ref().is_err_and(|error| error.kind() != Kind::Corrupt) && is_left() {
            self.invalidate(space, key)?;
        }
        result
    }

    fn peek(&self, space: &Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.with(|opened| opened.look(&opened.key(space, key), Purpose::Peek)).map(value)
    }

    fn invalidate(&self, space: &Namespace, key: &[u8]) -> Result<bool, Error> {
        self.removing(space, |opened| opened.invalidate(&opened.key(space, key)))
    }

    fn clear(&self, space: &Namespace) -> Result<(), Error> {
        self.removing(space, |opened| opened.clear(space))
    }

    fn info(&self, space: &Namespace) -> Result<Counts, Error> {
        self.with(|opened| opened.counts(space))
    }

    fn summary(&self, space: &Namespace) -> Result<Summary, Error> {
        self.with(|opened| opened.summary(space))
    }

    fn count(&self, space: &Namespace, more: &CacheTotals) -> Result<(), Error> {
        self.with(|opened| opened.count(space, more))
    }

    fn resize(&self, space: &Namespace, maxsize: usize) -> Result<(), Error> {
        self.with(|opened| opened.resize(space, maxsize))
    }

    fn lease(&self, space: &Namespace, key: &[u8]) -> Result<Lease, Error> {
        let turn = self.turn(space, key, true)?;
        turn.ok_or_else(|| Error::new(Kind::Unavailable, "waiting for the lease has failed"))
    }

    fn try_lease(&self, space: &Namespace, key: &[u8]) -> Result<Option<Lease>, Error> {
        self.turn(space, key, false)
    }

    /// These methods wait for the lock, which another process may hold. Other methods rarely need it, and hits never.
    fn blocks_to_change(&self) -> bool {
        true
    }

    fn namespaces(&self) -> Result<Vec<Summary>, Error> {
        self.with(|opened| {
            let txn = opened.begin()?;
            let all = opened.all(&txn)?.into_iter();
            Ok(all
                .filter_map(|(id, named)| Some(opened.table.space(named.space)?.summary(id, named)))
                .collect())
        })
    }

    fn recent(&self, space: &Namespace, limit: usize) -> Result<Vec<StoredEntry>, Error> {
        self.with(|opened| opened.recent(space, limit))
    }
}

fn value(found: Found) -> Option<Vec<u8>> {
    match found {
        Found::Hit(value) => Some(value),
        Found::Miss(_) => None,
    }
}

/// The parts of a URL.
struct Parsed<'u> {
    path: &'u str,
    prefix: Option<&'u str>,
    options: Options,
    explicit: Explicit,
}

/// Returns the directory of the deployment with this prefix, which has a store of its own.
fn prefixed(directory: PathBuf, prefix: Option<&str>) -> PathBuf {
    match prefix {
        Some(prefix) => directory.join(format!("{}{prefix}", directory::PREFIX)),
        None => directory,
    }
}

fn map_size(name: &str, text: &str) -> Result<usize, Error> {
    let size = url::size(name, text)?;
    if (1 << 20..=1 << 44).contains(&size) {
        Ok(size)
    } else {
        Err(Error::new(Kind::Url, format!("`{name}={text}` is not from 1MiB to 16384GiB")))
    }
}

fn unused(name: &str, text: &str) -> Result<Duration, Error> {
    let unused = url::duration(name, text)?;
    if unused >= Duration::from_secs(1) && unused.subsec_nanos() == 0 {
        Ok(unused)
    } else {
        Err(Error::new(Kind::Url, format!("`{name}={text}` is not a number of seconds or days from 1")))
    }
}

fn timeout(name: &str, text: &str) -> Result<Duration, Error> {
    let timeout = url::duration(name, text)?;
    if (Duration::from_millis(1)..=Duration::from_secs(86_400)).contains(&timeout) {
        Ok(timeout)
    } else {
        Err(Error::new(Kind::Url, format!("`{name}={text}` is not from 1ms to 1d")))
    }
}
