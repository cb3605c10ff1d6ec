//! The embedded store: LMDB, without a server.
//!
//! Entries are records in LMDB, which are changed in its write transactions, one at a time. What changes with every
//! hit, recency and counters, lies beside it in memory that all processes share, and is changed there without a
//! lock: see `table`. A hit is a read transaction, one exchange, and one count.
//!
//! What it costs, measured on two busy virtual CPUs where a system call takes 2-3 us; the least times of several rounds:
//!
//! | | ns |
//! |---|--:|
//! | LMDB alone: read transaction, and a lookup | 310-360 |
//! | LMDB alone: write transaction of one small record, with `WRITE_MAP` / without | 870 / 6,700 |
//! | a hit, 128 keys / one hot key / 1,000,000 keys at random | 380 / 280 / 2,600 |
//! | a miss that stores nothing / one that evicts and stores | 390 / 12,600 |
//! | `info` / a lease | 20 / 3,500 |
//!
//! An exact list in LMDB would cost each hit a write transaction. Without `WRITE_MAP`, storing costs the system calls
//! that write; with it, a full disk would be a signal that kills the process, unless all pages that a transaction
//! may take were reserved before: but then a full disk would also keep it from using free pages again.

#[cfg(any(test, fuzzing))]
pub(super) mod check;
mod default_place;
mod directory;
mod evict;
mod files;
mod made;
mod members;
mod memory;
mod opened;
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

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;
use std::path::{Path, PathBuf};
use std::time::Instant;

use self::made::Said;
use self::opened::Opened;
use self::read::For;
use self::turn::Turn;
use super::error::{Error, Kind};
use super::lease::Lease;
use super::namespace::Namespace;
use super::{Counts, Entry, Found, Held, Store, Summary, Ticket};
use super::{task, url};
use crate::fork::{Heritage, Inherited, Own};
use crate::sync::Mutex;

/// How long a store that could not be opened is left alone.
const PATIENCE: Duration = Duration::from_secs(3);

/// How an [`Embedded`] store is made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// The most that the entries may take, in bytes: 1 GiB, if nothing else is said. It is not taken in advance; files
    /// may become twice as long. A store that is there already keeps its size.
    pub size: usize,
    /// Whether a store that is not there, or is broken, is made: it is, if nothing else is said. Without it, opening
    /// fails, as is right for tools that only look.
    pub create: bool,
    /// Whether the store survives the end of the system's run, on a disk: each change is then on the disk before its call
    /// returns, which takes as long as the disk takes. If nothing else is said, it does not. A store that is there already
    /// stays as it was made.
    pub durable: bool,
    /// After what time a namespace that nobody uses may go, in whole seconds: seven days, if nothing else is said. A store
    /// that is there already keeps its own.
    pub unused: Duration,
    /// How long a call of this process may wait for one that has locked the store: 500 ms, if nothing else is said. A
    /// process that takes longer is stopped, by a debugger or in a frozen container. Not zero.
    pub timeout: Duration,
    /// The bits of hashes that are used: for tests, which make collisions.
    #[doc(hidden)]
    pub hash_mask: u64,
}

impl Default for Options {
    fn default() -> Self {
        let unused = Duration::from_secs(7 * 24 * 3600);
        let timeout = Duration::from_millis(500);
        Self { size: 1 << 30, create: true, durable: false, unused, timeout, hash_mask: u64::MAX }
    }
}

/// A store in the files of one directory, for all processes of this user on this machine.
///
/// Exact at any time, and survives the death of any process at any moment. It does not survive the end of the
/// system's run, unless it is durable: it is then made anew. When it is full, namespaces that have not been used for long lose entries.
/// It may be used in the child of a fork. A fork waits while another thread opens a store.
pub struct Embedded {
    directory: PathBuf,
    options: Options,
    said: Said,
    current: Own<Opened>,
    /// Why it could not be opened, and when.
    failed: Own<Mutex<Option<(Instant, Error)>>>,
}

/// Held by the thread that opens or closes an environment: LMDB's binding has a lock for that, too, which a child would
/// find locked for ever.
static OPENING: Inherited<Opening> = Inherited::new(|| Opening);

struct Opening;

impl Heritage for Opening {
    fn forget_others(&mut self) {
        members::close_inherited();
    }
}

impl Embedded {
    /// Opens the store in this directory, which is made if need be. It belongs to this user, and nobody else can write to it; the
    /// store makes a private directory inside.
    ///
    /// # Errors
    /// When others can get at the directory, or it cannot be used.
    pub fn open(directory: impl Into<PathBuf>, options: Options) -> Result<Self, Error> {
        Self::open_as_said(directory.into(), options, Said::default())
    }

    fn open_as_said(directory: PathBuf, options: Options, said: Said) -> Result<Self, Error> {
        let store = Self { directory, options, said, current: Own::none(), failed: Own::none() };
        store.reopen()?;
        Ok(store)
    }

    /// What follows `file://`: nothing for the default directory, or one, and perhaps `?size=64MiB&timeout=2s`.
    pub(super) fn from_url(rest: &str, create: bool) -> Result<Self, Error> {
        let Parsed { path, prefix, options, said } = Self::parse(rest)?;
        let directory = if path.is_empty() { default_place::default()? } else { PathBuf::from(path) };
        Self::open_as_said(prefixed(directory, prefix), Options { create, ..options }, said)
    }

    /// Finds what is wrong with the URL, without making anything.
    pub(super) fn check(rest: &str) -> Result<(), Error> {
        let Parsed { path, prefix, options, said } = Self::parse(rest)?;
        directory::check_chosen(Path::new(path))?;
        let directory = prefixed(PathBuf::from(path), prefix);
        files::made(&directory)?.map_or(Ok(()), |made| made.check(&directory, &options, said))
    }

    fn parse(rest: &str) -> Result<Parsed<'_>, Error> {
        let (path, set) = url::split_options(rest);
        let (mut options, mut said, mut prefix) = (Options::default(), Said::default(), None);
        for (name, text) in set {
            match name {
                "size" => (options.size, said.size) = (map_size(name, text)?, true),
                "durable" => (options.durable, said.durable) = (url::truth(name, text)?, true),
                "unused" => (options.unused, said.unused) = (unused(name, text)?, true),
                "timeout" => options.timeout = timeout(name, text)?,
                "prefix" => prefix = Some(url::prefix(text)?),
                _ => return Err(url::unknown(name, "`size`, `durable`, `unused`, `timeout` and `prefix`")),
            }
        }
        if !said.size {
            options.size = memory::default_size();
        }
        Ok(Parsed { path, prefix, options, said })
    }

    /// The directories of the stores in the default place: one for each program of this user that has one.
    pub(super) fn in_default_place() -> Result<Vec<PathBuf>, Error> {
        default_place::in_default_place()
    }

    /// Where the store is.
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
        let opened = files::open(&self.directory, &self.options, self.said);
        let is_as_said = |files: &files::Files| files.made.check(&self.directory, &self.options, self.said);
        match opened.and_then(|files| is_as_said(&files).map(|()| files)) {
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

    /// Does something with the open store. One that turns out to be broken is given up.
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

    /// Does what must not fail, lest others get what the program has removed: a store that cannot do it is given up. One
    /// that is locked can do it later; until then, its callers remember what is to be removed.
    fn removing<R>(&self, space: &Namespace, act: impl Fn(&Opened) -> Result<R, Error>) -> Result<R, Error> {
        let opened = self.opened()?;
        opened.remove_surely(space, act).map_err(|error| match error.kind() {
            Kind::Unavailable => error,
            kind => {
                opened.give_up();
                Error::new(kind, format!("the shared store is given up, as it cannot remove: {error}"))
            }
        })
    }

    fn turn(&self, space: &Namespace, key: &[u8], wait: bool) -> Result<Option<Lease>, Error> {
        let opened = self.opened()?;
        let timeout = wait.then_some(self.options.timeout);
        Ok(Turn::take(&opened.members, opened.turn(space, key), timeout)?.map(Lease::new))
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
        self.with(|opened| opened.look(&opened.key(space, key), For::Call))
    }

    fn hit(&self, space: &Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.with(|opened| opened.look(&opened.key(space, key), For::Hit)).map(value)
    }

    fn count_hit(&self, space: &Namespace) -> Result<(), Error> {
        self.with(|opened| opened.count_hit(space))
    }

    fn reject(&self, space: &Namespace, key: &[u8]) -> Result<Ticket, Error> {
        self.with(|opened| opened.reject(&opened.key(space, key)))
    }

    fn ticket(&self, space: &Namespace) -> Result<Ticket, Error> {
        self.with(|opened| opened.ticket(space))
    }

    fn is_current(&self, space: &Namespace, key: &[u8], since: Ticket) -> Result<bool, Error> {
        self.with(|opened| opened.is_current(&opened.key(space, key), since))
    }

    fn store(&self, space: &Namespace, key: &[u8], entry: Entry<'_>) -> Result<bool, Error> {
        let result = self.with(|opened| opened.store(&opened.key(space, key), &entry));
        // The older value must not stay in the place of what was to replace it.
        let is_left = || !matches!(self.peek(space, key), Ok(None));
        if entry.replace && result.as_ref().is_err_and(|error| error.kind() != Kind::Corrupt) && is_left() {
            self.invalidate(space, key)?;
        }
        result
    }

    fn peek(&self, space: &Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.with(|opened| opened.look(&opened.key(space, key), For::Peek)).map(value)
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

    fn lease(&self, space: &Namespace, key: &[u8]) -> Result<Lease, Error> {
        let turn = self.turn(space, key, true)?;
        turn.ok_or_else(|| Error::new(Kind::Unavailable, "waiting for a turn has failed"))
    }

    fn try_lease(&self, space: &Namespace, key: &[u8]) -> Result<Option<Lease>, Error> {
        self.turn(space, key, false)
    }

    /// For a lock that another process has. Other methods need it now and then, and no hit does.
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

    fn recent(&self, space: &Namespace, limit: usize) -> Result<Vec<Held>, Error> {
        self.with(|opened| opened.recent(space, limit))
    }
}

fn value(found: Found) -> Option<Vec<u8>> {
    match found {
        Found::Hit(value) => Some(value),
        Found::Miss(_) => None,
    }
}

/// What a URL says.
struct Parsed<'u> {
    path: &'u str,
    prefix: Option<&'u str>,
    options: Options,
    said: Said,
}

/// The directory of the deployment with this prefix: it has a store of its own.
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

impl From<heed::Error> for Error {
    fn from(error: heed::Error) -> Self {
        error_of(&error)
    }
}

fn error_of(error: &heed::Error) -> Error {
    use heed::MdbError as Mdb;
    let kind = match error {
        heed::Error::Mdb(Mdb::MapFull | Mdb::TxnFull) => Kind::Full,
        heed::Error::Mdb(
            Mdb::Corrupted
            | Mdb::PageNotFound
            | Mdb::Invalid
            | Mdb::VersionMismatch
            | Mdb::Panic
            | Mdb::BadTxn
            | Mdb::CursorFull
            | Mdb::PageFull
            | Mdb::Incompatible
            | Mdb::Problem,
        ) => Kind::Corrupt,
        // What a disk that is full in the middle of a write is to LMDB is `EIO`.
        heed::Error::Mdb(Mdb::Other(libc::ENOSPC | libc::EDQUOT | libc::EFBIG | libc::EIO)) => Kind::Full,
        heed::Error::Io(io) => match io.raw_os_error() {
            Some(libc::ENOSPC | libc::EDQUOT | libc::EFBIG | libc::EIO) => Kind::Full,
            _ => Kind::Unavailable,
        },
        heed::Error::EnvAlreadyOpened => Kind::InUse,
        _ => Kind::Unavailable,
    };
    let reason: Box<str> = format!("the shared store has failed: {error}").into();
    Error::new(kind, reason)
}
