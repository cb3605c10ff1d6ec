//! All unsafe code of the embedded store: memory shared with other processes, a lock in that memory, LMDB's
//! environment, and some system calls.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use heed::types::Bytes;
use heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions, RoTxn, RwTxn};

use crate::sys::fork::Process;
use crate::sys::sync::Mutex;

/// A type that may lie in memory which other processes write to at any time.
///
/// # Safety
/// The type consists of atomic integers only, without padding: any bytes are a value of it, and concurrent
/// writes are no data races. Or it is a [`Robust`] lock, whose bytes only the C library reads and writes.
pub(super) unsafe trait Shared {}

/// A shared memory mapping of a file.
pub(super) struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: what is reached through a `Mapping` is `Shared`, and so made of atomics.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the first bytes of a file. The bytes must be [reserved](reserve) before they are written, and the file must
    /// not become shorter: the system kills a process that touches a missing page.
    pub(super) fn new(file: &File, length: usize) -> io::Result<Self> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping, at an address of the kernel's choice, takes no memory from anybody.
        let start = unsafe {
            libc::mmap(core::ptr::null_mut(), length, protection, libc::MAP_SHARED, file.as_raw_fd(), 0)
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mapped at zero"))?;
        Ok(Self { start, length })
    }

    /// Returns the value at an offset, if it is inside the mapping and aligned.
    #[inline]
    pub(super) fn get<T: Shared>(&self, offset: usize) -> Option<&T> {
        let end = offset.checked_add(size_of::<T>())?;
        if end > self.length || offset % align_of::<T>() != 0 {
            return None;
        }
        // SAFETY: `offset` is inside of the mapping, which has one address space.
        let at = unsafe { self.start.add(offset) };
        // SAFETY: all of it is inside of the mapping, which lives as long as `self`; mappings begin at a page, so `at`
        // is aligned for `T`, whose alignment is at most a page's; any bytes are a `T`, by the contract of `Shared`.
        Some(unsafe { at.cast::<T>().as_ref() })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and no reference into it outlives `self`.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

/// A lock in shared memory that has a timeout, and that the kernel releases when its holder dies (a robust mutex).
#[repr(C, align(64))]
pub(super) struct Robust(UnsafeCell<MaybeUninit<libc::pthread_mutex_t>>);

// SAFETY: a `Robust` lock.
unsafe impl Shared for Robust {}
// SAFETY: locks are made to be shared.
unsafe impl Sync for Robust {}

const _: () = assert!(size_of::<Robust>() == 64);

/// The guard of a [`Robust`] lock, on the thread that took it.
pub(super) struct RobustGuard<'a>(&'a Robust, PhantomData<*const ()>);

impl Robust {
    /// Initializes the lock. Called once, before other processes know of it.
    pub(super) fn prepare(&self) -> io::Result<()> {
        // The same in each C library for Linux.
        const PTHREAD_MUTEX_ROBUST: libc::c_int = 1;
        let mut attributes = MaybeUninit::uninit();
        let attributes = attributes.as_mut_ptr();
        // SAFETY: the attributes are initialized first, and destroyed last; the lock is in nobody's use.
        let result = unsafe {
            let mut result = libc::pthread_mutexattr_init(attributes);
            if result == 0 {
                libc::pthread_mutexattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED);
                libc::pthread_mutexattr_setrobust(attributes, PTHREAD_MUTEX_ROBUST);
                result = libc::pthread_mutex_init(self.lock(), attributes);
                libc::pthread_mutexattr_destroy(attributes);
            }
            result
        };
        if result == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(result)) }
    }

    fn lock(&self) -> *mut libc::pthread_mutex_t {
        self.0.get().cast()
    }

    /// Takes the lock if it is free.
    #[inline]
    pub(super) fn try_lock(&self) -> Option<RobustGuard<'_>> {
        // SAFETY: it was prepared before its file became part of a store.
        self.taken(unsafe { libc::pthread_mutex_trylock(self.lock()) })
    }

    /// Takes the lock, waiting until the deadline at most.
    #[cold]
    pub(super) fn lock_until(&self, deadline: Instant) -> Option<RobustGuard<'_>> {
        let left = deadline.saturating_duration_since(Instant::now());
        let end = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + left;
        let end =
            libc::timespec { tv_sec: end.as_secs() as libc::time_t, tv_nsec: end.subsec_nanos().into() };
        // SAFETY: as above; `end` is a time.
        self.taken(unsafe { libc::pthread_mutex_timedlock(self.lock(), &end) })
    }

    /// Returns the guard if an attempt has succeeded.
    #[inline]
    fn taken(&self, result: libc::c_int) -> Option<RobustGuard<'_>> {
        match result {
            0 => {}
            // The holder has died. The next holder of LMDB's own lock settles what it left.
            // SAFETY: this thread has it now.
            libc::EOWNERDEAD => _ = unsafe { libc::pthread_mutex_consistent(self.lock()) },
            _ => return None,
        }
        Some(RobustGuard(self, PhantomData))
    }
}

impl Drop for RobustGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: this thread has it, for `RobustGuard` stays on its thread.
        unsafe { libc::pthread_mutex_unlock(self.0.lock()) };
    }
}

const PAGE: usize = 4096;

/// The environments that are open. Only threads that open or close one lock this, and they hold the store's lock for
/// that.
static OPEN: Mutex<Vec<OpenEnv>> = Mutex::new(Vec::new());

struct OpenEnv {
    directory: PathBuf,
    /// A leaked box.
    env: &'static Env,
    by: Process,
}

impl OpenEnv {
    fn close(self) {
        // SAFETY: leaked by `open`, and just removed from the list of all. Transactions and the database borrow an
        // `Environment`: it is being dropped, or belongs to another process, where nobody uses it any more.
        drop(unsafe { Box::from_raw(core::ptr::from_ref(self.env).cast_mut()) });
    }
}

/// An LMDB environment with its one database.
pub(super) struct Environment {
    env: &'static Env,
    by: Process,
    database: Database<'static, Bytes, Bytes>,
}

impl Environment {
    /// Opens the environment in a directory. Only LMDB may use the files in it, and the directory must be on this
    /// machine. A second environment in one directory is refused. In the child of a fork, an inherited environment of
    /// the directory is closed first.
    ///
    /// A `durable` environment syncs each transaction to the disk. Either all processes do so, or none.
    pub(super) fn open(
        directory: &Path,
        map_size: usize,
        readers: u32,
        durable: bool,
    ) -> Result<Self, heed::Error> {
        let mut options = EnvOpenOptions::new();
        options.map_size(map_size).max_readers(readers);
        // Not `WRITE_MAP`: without it, a full disk is an error rather than a signal, and stray writes of the program
        // cannot reach the data.
        let unsynced = EnvFlags::NO_SYNC | EnvFlags::NO_META_SYNC;
        let flags = EnvFlags::NO_READ_AHEAD | if durable { EnvFlags::empty() } else { unsynced };
        let mut all = OPEN.lock();
        let is_inherited = |open: &OpenEnv| open.directory == directory && !open.by.is_here();
        while let Some(at) = all.iter().position(is_inherited) {
            all.swap_remove(at).close();
        }
        // SAFETY: without syncing, the data may be broken after a crash of the system: such data is never opened, see
        // the boot's number in `files`. Locks are not switched off.
        unsafe { options.flags(flags) };
        // SAFETY: the directory is private to this user, and its files are touched by nobody but LMDB, which locks
        // them; `heed` refuses a second environment in one process.
        let env = unsafe { options.open(directory)? };
        close_on_exec(&directory.join("data.mdb"));
        let env: &'static Env = Box::leak(Box::new(env));
        let database = env.write_txn().and_then(|txn| {
            env.create_databases_and_commit(txn, |databases, txn| {
                databases.create_database(txn, None).map(CommitOrAbort::<_, ()>::Commit)
            })
        });
        match database {
            Ok(database) => {
                let by = Process::here();
                all.push(OpenEnv { directory: directory.to_owned(), env, by });
                Ok(Self { env, by, database: database.unwrap_commit() })
            }
            Err(error) => {
                // SAFETY: leaked above, and nothing borrowed from it is left.
                drop(unsafe { Box::from_raw(core::ptr::from_ref(env).cast_mut()) });
                Err(error)
            }
        }
    }

    pub(super) fn read(&self) -> Result<RoTxn<'_, heed::WithTls>, heed::Error> {
        self.env.read_txn()
    }

    pub(super) fn write(&self) -> Result<RwTxn<'_>, heed::Error> {
        self.env.write_txn()
    }

    pub(super) fn database(&self) -> &Database<'static, Bytes, Bytes> {
        &self.database
    }

    /// Frees the reader slots of dead processes, and returns their number.
    pub(super) fn clear_stale_readers(&self) -> usize {
        self.env.clear_stale_readers().unwrap_or(0)
    }

    /// Returns the number of the last committed transaction.
    pub(super) fn committed(&self) -> u64 {
        self.env.info().last_txn_id as u64
    }

    /// Returns the minimum length of the data file.
    pub(super) fn length(&self) -> u64 {
        (self.env.info().last_page_number as u64 + 1) * PAGE as u64
    }
}

impl Drop for Environment {
    /// Closes the environment. In the child of a fork that is harmless for the parent: LMDB frees the readers of this
    /// process only, and locks on files are not inherited.
    fn drop(&mut self) {
        let mut all = OPEN.lock();
        let is_it = |open: &OpenEnv| core::ptr::eq(open.env, self.env) && open.by == self.by;
        if let Some(at) = all.iter().position(is_it) {
            all.swap_remove(at).close();
        }
    }
}

/// Allocates these bytes of a file, so that writing to them in memory cannot fail.
pub(super) fn reserve(file: &File, offset: usize, length: usize) -> io::Result<()> {
    let (offset, length) = (offset as libc::off_t, length as libc::off_t);
    loop {
        // SAFETY: takes numbers only.
        match unsafe { libc::posix_fallocate(file.as_raw_fd(), offset, length) } {
            0 => return Ok(()),
            libc::EINTR => {}
            error => return Err(io::Error::from_raw_os_error(error)),
        }
    }
}

/// Locks a byte of a file for this open file, and returns whether the byte was free. The lock ends when the last
/// process that has this open file closes it or dies.
pub(super) fn lock(file: &impl AsRawFd, byte: u64) -> io::Result<bool> {
    match control(file, libc::F_OFD_SETLK, &mut range(libc::F_WRLCK, byte, 1)) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Releases a lock of [`lock`], even if a child has inherited the open file.
pub(super) fn unlock(file: &impl AsRawFd, byte: u64) {
    // Unlocking a locked byte cannot fail.
    let _ = control(file, libc::F_OFD_SETLK, &mut range(libc::F_UNLCK, byte, 1));
}

/// Closes a file of the parent, in the child of a fork.
pub(super) fn close_inherited(file: RawFd) {
    // SAFETY: the `File` is the parent's, and the child neither uses nor drops it.
    unsafe { libc::close(file) };
}

/// Whether another open file has locked this byte or a later one.
pub(super) fn is_locked(file: &impl AsRawFd, first: u64) -> io::Result<bool> {
    let mut range = range(libc::F_WRLCK, first, 0);
    control(file, libc::F_OFD_GETLK, &mut range)?;
    Ok(range.l_type != libc::F_UNLCK as libc::c_short)
}

/// Describes a range of a file. A length of zero reaches to the end.
fn range(kind: libc::c_int, first: u64, length: u64) -> libc::flock {
    // SAFETY: a `flock` consists of integers, for which zero is a value.
    let mut range: libc::flock = unsafe { core::mem::zeroed() };
    range.l_type = kind as libc::c_short;
    range.l_whence = libc::SEEK_SET as libc::c_short;
    range.l_start = first as libc::off_t;
    range.l_len = length as libc::off_t;
    range
}

fn control(file: &impl AsRawFd, command: libc::c_int, range: &mut libc::flock) -> io::Result<()> {
    loop {
        // SAFETY: `range` is a `flock`, as the commands of locks take.
        if unsafe { libc::fcntl(file.as_raw_fd(), command, core::ptr::from_mut(range)) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::EINTR) {
            return Err(error);
        }
    }
}

/// Marks a file that LMDB has opened as close-on-exec, because LMDB does not. Forks wait while a store is opened.
fn close_on_exec(path: &Path) {
    let Ok(file) = fs::metadata(path) else { return };
    let is_it = |other: &fs::Metadata| (other.dev(), other.ino()) == (file.dev(), file.ino());
    for entry in fs::read_dir("/proc/self/fd").into_iter().flatten().flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok());
        if let Some(number) = number.filter(|_| fs::metadata(entry.path()).is_ok_and(|other| is_it(&other))) {
            // SAFETY: this changes nothing of the file, nor of what this process does with it.
            unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
}

/// Returns the seconds since 1970, by a clock that is cheap to read.
#[inline]
pub(super) fn seconds() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a `timespec` to be written to; this clock is always there.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME_COARSE, &mut now) };
    now.tv_sec as u64
}

/// Returns the maximum length of a file that this process may write.
pub(super) fn file_limit() -> u64 {
    let mut limit = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is an `rlimit64` to be written to.
    match unsafe { libc::getrlimit64(libc::RLIMIT_FSIZE, &mut limit) } {
        0 => limit.rlim_cur,
        _ => u64::MAX,
    }
}

/// Returns the effective user of this process.
pub(super) fn user() -> u32 {
    // SAFETY: takes nothing, and cannot fail.
    unsafe { libc::geteuid() }
}
