//! The file `turns` of a directory, as this process has it open: whose bytes are locked by processes that use the
//! store, and by those that compute keys.
//!
//! - Each process locks one byte that stands for it. A second copy of the crate in one process finds it locked: LMDB would
//!   crash if both opened its files.
//! - The file begins with the PID namespace of the processes that use the store. LMDB asks by their numbers whether they
//!   live, which means nothing in another one.
//! - Then follow [`Sign`]s of life.
//!
//! The child of a fork inherits open files, and with them the locks; as long as it lived, nobody else would get those of
//! a parent that was killed. So the child closes them, see [`close_inherited`].

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
use crate::fork::{Own, Process};
use crate::shared::error::{Error, Kind};
use crate::shared::hash::hash;
use crate::sync::{Mutex, MutexGuard};

/// Bytes from here on stand for processes, those before for keys.
pub(super) const PROCESSES: u64 = 1 << 62;

/// How long the file is. Locked bytes need not be there.
const LENGTH: usize = 1 << 14;
const SIGNS_AT: usize = 64;
const SIGNS: u64 = ((LENGTH - SIGNS_AT) / size_of::<Sign>()) as u64;

/// How often a process shows that it lives, and how often it does so with nothing to show it for, before it rests.
const BEAT: Duration = Duration::from_millis(100);
const IDLE_BEATS: u32 = 20;

/// Each process has its own: what a child inherits stays as it is, but for the [files](FILES).
static JOINED: Own<Mutex<Joined>> = Own::none();

/// The numbers of the files, plus one each; zeros where there are none. No process uses more directories than that.
static FILES: [AtomicI32; 64] = [const { AtomicI32::new(0) }; 64];

/// What this process uses.
#[derive(Default)]
struct Joined {
    files: Vec<Turns>,
    /// Whether there is a thread that shows that this process lives.
    is_beating: bool,
}

struct Turns {
    id: (u64, u64),
    file: File,
    /// The byte that stands for this process.
    me: u64,
    signs: Arc<Signs>,
    users: usize,
    /// The bytes of keys that this process has locked.
    held: HashSet<u64>,
}

/// Closes what the child of a fork has open of its parent. To be done by the handlers of the fork, when no other thread
/// was opening a store.
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

fn joined() -> MutexGuard<'static, Joined> {
    JOINED.get_or_make(Mutex::default).lock()
}

impl Drop for Turns {
    fn drop(&mut self) {
        replace_file(self.file.as_raw_fd() + 1, 0);
        // A child that is to run another program may still have the file open.
        raw::unlock(&self.file, self.me);
    }
}

/// A process says by it, as long as it computes a key, that it has not been stopped. Others may share it.
#[repr(C)]
pub(super) struct Sign {
    /// Grows all the time.
    beats: AtomicU64,
    /// How many there were, plus one, when somebody has waited in vain for another one.
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

    /// Tells all that there was no beat for too long, after so many.
    pub(super) fn give_up(&self, beats: u64) {
        self.given_up.store(beats + 1, SeqCst);
    }
}

/// The use of the file by one open store and its turns.
pub(super) struct Membership {
    id: (u64, u64),
    signs: Arc<Signs>,
    process: Process,
}

/// What has come of locking a byte.
pub(super) enum Tried {
    Locked,
    /// This process has it.
    HeldHere,
    HeldElsewhere,
}

impl Membership {
    /// Becomes one of the processes that use the store. To be done with the gate locked.
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
        // Opened again: as long as a child has it mapped, an open file keeps its locks.
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
        joined.files.push(Turns { id, file, me, signs: theirs, users: 1, held });
        Ok(Arc::new(Self { id, signs, process }))
    }

    pub(super) fn sign(&self, byte: u64) -> &Sign {
        self.signs.of(byte)
    }

    /// Locks the byte of a key, without waiting. It is to be [unlocked](Self::unlock).
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

impl Joined {
    fn find(&mut self, id: (u64, u64)) -> Option<&mut Turns> {
        self.files.iter_mut().find(|turns| turns.id == id)
    }

    fn beat_from_now_on(&mut self) {
        if !self.is_beating {
            // Without it, others may take over.
            self.is_beating = thread::Builder::new().name("lru-memo turns".into()).spawn(beat).is_ok();
        }
    }
}

/// Shows that this process lives, as long as it computes anything.
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

/// Tells those apart to whom a number means another process.
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
