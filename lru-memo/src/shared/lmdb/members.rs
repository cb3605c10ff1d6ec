//! The file `turns` of a store. Processes that use the store, and processes that compute a key, lock bytes of it.
//!
//! - Each process locks one byte, chosen by its process number. A second copy of the crate in the process finds the
//!   byte locked, and does not open the store: LMDB would crash if both copies opened its files.
//! - The file begins with the PID namespace of its users. LMDB checks by process numbers whether other processes live,
//!   and such a number means nothing in another PID namespace.
//! - [`Sign`]s of life follow.
//!
//! All locks of a process belong to one open file for each directory, so that no file is opened later, when the process may
//! have other privileges. Locks of different open files conflict, even within a process.
//!
//! The child of a fork inherits open files with their locks, and would keep the locks of a parent that was killed. So
//! the child closes these files, see [`close_inherited`].

use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicI32, AtomicU64};
use core::time::Duration;
use std::collections::HashSet;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;

use super::directory::{failed, open_file};
use super::raw::{self, Mapping, Shared};
use crate::shared::error::{Error, Kind};
use crate::shared::hash::hash;
use crate::sys::fork::{Own, Process, start_thread};
use crate::sys::sync::{Mutex, MutexGuard};

/// The first byte for processes. Bytes before it are for keys.
pub(super) const PROCESSES: u64 = 1 << 62;

/// The length of the file. A byte beyond the end can be locked, too.
const LENGTH: usize = 1 << 14;
const SIGNS_AT: usize = 64;
const SIGNS: u64 = ((LENGTH - SIGNS_AT) / size_of::<Sign>()) as u64;

/// The interval between two beats of a process that computes a key.
const BEAT: Duration = Duration::from_millis(100);
/// After so many intervals without a key, the beating thread ends.
const IDLE_BEATS: u32 = 20;

/// The stores that this process uses. The child of a fork makes its own, and closes the inherited [files](FILES).
static JOINED: Own<Mutex<Memberships>> = Own::none();

/// The file descriptors of the open files, plus one; zero for a free place. No process uses more directories.
static FILES: [AtomicI32; 64] = [const { AtomicI32::new(0) }; 64];

/// The files `turns` that this process has open.
#[derive(Default)]
struct Memberships {
    files: Vec<TurnsFile>,
    /// Whether the beating thread runs.
    is_beating: bool,
}

struct TurnsFile {
    id: (u64, u64),
    file: File,
    /// The byte of this process.
    me: u64,
    signs: Arc<Signs>,
    users: usize,
    /// The bytes of keys that this process has locked.
    held: HashSet<u64>,
}

/// Closes the inherited files, in the child of a fork. The handlers of the fork call it, and no thread was opening a
/// store then.
pub(super) fn close_inherited() {
    for file in &FILES {
        if let Some(file) = file.swap(0, Relaxed).checked_sub(1).filter(|&file| file >= 0) {
            raw::close_inherited(file);
        }
    }
}

fn replace_file(from: i32, to: i32) {
    let _ = FILES.iter().find(|file| file.compare_exchange(from, to, Relaxed, Relaxed).is_ok());
}

fn joined() -> MutexGuard<'static, Memberships> {
    JOINED.get_or_make(Mutex::default).lock()
}

impl Drop for TurnsFile {
    fn drop(&mut self) {
        replace_file(self.file.as_raw_fd() + 1, 0);
        // Unlocked explicitly: a child about to run another program may still have the file open.
        raw::unlock(&self.file, self.me);
    }
}

/// A sign of life: while a process computes a key, it keeps counting the sign up. Several keys may share a sign.
#[repr(C)]
pub(super) struct Sign {
    /// Grows while the process runs.
    beats: AtomicU64,
    /// The number of beats, plus one, at which a waiter gave the process up.
    given_up: AtomicU64,
}

#[repr(transparent)]
struct Word(AtomicU64);

// SAFETY: atomics only: two words of 8 bytes.
unsafe impl Shared for Sign {}
// SAFETY: atomics only.
unsafe impl Shared for Word {}

struct Signs(Mapping);

impl Signs {
    fn of(&self, byte: u64) -> &Sign {
        let at = SIGNS_AT + (byte % SIGNS) as usize * size_of::<Sign>();
        self.0.get(at).expect("it is inside of the file")
    }

    fn namespace(&self) -> &AtomicU64 {
        &self.0.get::<Word>(0).expect("the file begins with it").0
    }
}

impl Sign {
    pub(super) fn beats(&self) -> u64 {
        self.beats.load(SeqCst)
    }

    fn beat(&self) {
        self.beats.fetch_add(1, SeqCst);
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.given_up.load(SeqCst) == self.beats() + 1
    }

    /// Tells all waiters that no beat came for too long after this number of beats.
    pub(super) fn give_up(&self, beats: u64) {
        self.given_up.store(beats + 1, SeqCst);
    }
}

/// The membership of one open store and its turns in the file's users.
pub(super) struct Membership {
    id: (u64, u64),
    signs: Arc<Signs>,
    process: Process,
}

/// The result of an attempt to lock a byte.
pub(super) enum Tried {
    Locked,
    /// This process holds the lock.
    HeldHere,
    HeldElsewhere,
}

impl Membership {
    /// Makes this process one of the users of the store. The caller holds the gate.
    pub(super) fn join(path: &Path) -> Result<Arc<Self>, Error> {
        if raw::file_limit() < LENGTH as u64 {
            let message = "the limit of this process for files, `ulimit -f`, is too low for a shared store";
            return Err(Error::new(Kind::Full, message));
        }
        let mut joined = joined();
        let file = open_file(path, true)?;
        let metadata = file.metadata().map_err(|error| failed("look at", path, &error))?;
        let (id, process) = ((metadata.dev(), metadata.ino()), Process::here());
        if let Some(turns) = joined.find(id) {
            turns.users += 1;
            return Ok(Arc::new(Self { id, signs: Arc::clone(&turns.signs), process }));
        }
        raw::reserve(&file, 0, LENGTH).map_err(|error| failed("make", path, &error))?;
        // Mapped from another open file: a mapping in a child would keep the locks of the file that it was made from.
        let mapping =
            Mapping::new(&open_file(path, false)?, LENGTH).map_err(|error| failed("map", path, &error))?;
        let signs = Arc::new(Signs(mapping));
        let namespace = namespace();
        let me = PROCESSES + (hash([namespace, !namespace], &std::process::id().to_le_bytes()) >> 3);
        let is_used = |error| failed("lock", path, &error);
        if signs.namespace().load(Relaxed) != namespace {
            if raw::is_locked(&file, PROCESSES).map_err(is_used)? {
                return Err(used_by(path, "processes of another PID namespace, such as another container"));
            }
            signs.namespace().store(namespace, Relaxed);
        }
        if !raw::lock(&file, me).map_err(is_used)? {
            return Err(used_by(path, "another copy of lru-memo in this process"));
        }
        replace_file(0, file.as_raw_fd() + 1);
        let (theirs, held) = (Arc::clone(&signs), HashSet::new());
        joined.files.push(TurnsFile { id, file, me, signs: theirs, users: 1, held });
        Ok(Arc::new(Self { id, signs, process }))
    }

    pub(super) fn sign(&self, byte: u64) -> &Sign {
        self.signs.of(byte)
    }

    /// Locks the byte of a key without waiting. The caller [unlocks](Self::unlock) it.
    pub(super) fn try_lock(&self, byte: u64) -> Result<Tried, Error> {
        let mut joined = joined();
        let gone = || Error::new(Kind::Unavailable, "the shared store belongs to the parent of this process");
        let turns = joined.find(self.id).filter(|_| self.process.is_here()).ok_or_else(gone)?;
        if turns.held.contains(&byte) {
            return Ok(Tried::HeldHere);
        }
        let lock = raw::lock(&turns.file, byte);
        if !lock.map_err(|error| failed("lock", Path::new("turns"), &error))? {
            return Ok(Tried::HeldElsewhere);
        }
        turns.held.insert(byte);
        self.sign(byte).beat();
        joined.beat_from_now_on();
        Ok(Tried::Locked)
    }

    pub(super) fn unlock(&self, byte: u64) {
        let mut joined = joined();
        if let Some(turns) = joined.find(self.id).filter(|_| self.process.is_here()) {
            self.sign(byte).beat();
            turns.held.remove(&byte);
            raw::unlock(&turns.file, byte);
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let mut joined = joined();
        let Some(turns) = joined.find(self.id).filter(|_| self.process.is_here()) else { return };
        turns.users -= 1;
        joined.files.retain(|turns| turns.users > 0);
    }
}

impl Memberships {
    fn find(&mut self, id: (u64, u64)) -> Option<&mut TurnsFile> {
        self.files.iter_mut().find(|turns| turns.id == id)
    }

    fn beat_from_now_on(&mut self) {
        if !self.is_beating {
            // Without the thread, other processes may give this one up and compute the key, too.
            self.is_beating = start_thread("lru-memo turns", beat).is_ok();
        }
    }
}

/// Counts up the signs of this process while it computes a key.
fn beat() {
    let mut idle = 0;
    loop {
        thread::sleep(BEAT);
        let mut joined = joined();
        let all = joined.files.iter();
        let beaten: usize =
            all.map(|turns| turns.held.iter().map(|&byte| turns.signs.of(byte).beat()).count()).sum();
        idle = if beaten > 0 { 0 } else { idle + 1 };
        if idle > IDLE_BEATS {
            joined.is_beating = false;
            return;
        }
    }
}

/// Returns a number for the PID namespace of this process.
fn namespace() -> u64 {
    let id = fs::metadata("/proc/self/ns/pid").map_or((0, 0), |metadata| (metadata.dev(), metadata.ino()));
    hash([id.0, id.1], b"pid")
}

fn used_by(path: &Path, whom: &str) -> Error {
    let directory = path.parent().and_then(Path::parent).unwrap_or(path).display();
    let message =
        format!("the shared store in {directory} is used by {whom}: give each a directory of its own");
    Error::new(Kind::InUse, message)
}
