//! All of the unsafe code of the embedded store: memory shared with other processes, LMDB's environment, and three
//! system calls.

use alloc::boxed::Box;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use heed::types::Bytes;
use heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions, RoTxn, RwTxn};

/// What may lie in memory that other processes write to at any time.
///
/// # Safety
/// The type consists of atomic integers only, without padding: any bytes are a value of it, and concurrent
/// writes are no data races.
pub(super) unsafe trait Shared {}

/// A file that is mapped into memory and shared.
pub(super) struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: what is reached through a `Mapping` is `Shared`, and so made of atomics.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the first bytes of a file. They must have been [reserved](reserve) before they are written, and the file
    /// must not become shorter: the system kills a process that touches what is not there.
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

    /// What lies there, if that is inside of the mapping and aligned.
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

/// Tells whether this process is the one that made it, or was forked off it since.
pub(super) struct Here {
    /// A page that the kernel wipes in the child of a fork.
    page: Option<NonNull<AtomicU64>>,
    process: u32,
}

// SAFETY: the page holds an atomic.
unsafe impl Send for Here {}
// SAFETY: as above.
unsafe impl Sync for Here {}

const PAGE: usize = 4096;

impl Here {
    pub(super) fn new() -> Self {
        Self { page: Self::page(), process: std::process::id() }
    }

    /// `None` where the kernel cannot do it.
    fn page() -> Option<NonNull<AtomicU64>> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping, at an address of the kernel's choice, takes no memory from anybody.
        let page = unsafe { libc::mmap(core::ptr::null_mut(), PAGE, protection, flags, -1, 0) };
        if page == libc::MAP_FAILED {
            return None;
        }
        // SAFETY: the page is ours; it is empty, so wiping it in a child changes nothing yet.
        if unsafe { libc::madvise(page, PAGE, libc::MADV_WIPEONFORK) } != 0 {
            // SAFETY: the page is ours, and nothing refers to it.
            unsafe { libc::munmap(page, PAGE) };
            return None;
        }
        let word: NonNull<AtomicU64> = NonNull::new(page.cast())?;
        // SAFETY: the page is mapped, aligned, and zero, which is an `AtomicU64`.
        unsafe { word.as_ref() }.store(1, Ordering::Relaxed);
        Some(word)
    }

    #[inline]
    pub(super) fn is_same(&self) -> bool {
        match self.page {
            // SAFETY: the page is mapped, aligned and holds an `AtomicU64` for as long as `self`.
            Some(page) => unsafe { page.as_ref() }.load(Ordering::Relaxed) == 1,
            None => self.process == std::process::id(),
        }
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        if let Some(page) = self.page {
            // SAFETY: the page is ours, and no reference to it is left.
            unsafe { libc::munmap(page.as_ptr().cast(), PAGE) };
        }
    }
}

/// Something that is made when it is needed, for one process: after a fork, the child has none.
pub(super) struct Current<T>(AtomicPtr<(Here, T)>);

impl<T> Current<T> {
    pub(super) const fn none() -> Self {
        Self(AtomicPtr::new(core::ptr::null_mut()))
    }

    #[inline]
    pub(super) fn get(&self) -> Option<&T> {
        // SAFETY: what was set is a leaked box. It is freed only by a process that `get` never gave it to.
        let current = unsafe { self.0.load(Ordering::Acquire).as_ref()? };
        current.0.is_same().then_some(&current.1)
    }

    /// What is replaced stays where it is, for others may be using it.
    pub(super) fn set(&self, value: T) -> &T {
        let current = Box::leak(Box::new((Here::new(), value)));
        self.0.store(current, Ordering::Release);
        &current.1
    }

    /// Drops what was made before this process was forked off. One thread at a time.
    pub(super) fn drop_inherited(&self) {
        let current = self.0.load(Ordering::Acquire);
        // SAFETY: as in `get`.
        if unsafe { current.as_ref() }.is_some_and(|(here, _)| !here.is_same()) {
            self.0.store(core::ptr::null_mut(), Ordering::Release);
            // SAFETY: a leaked box. Those who got it from `get` are threads of another process; the thread that forked
            // had no reference, for no method of a store forks.
            drop(unsafe { Box::from_raw(current) });
        }
    }
}

impl<T> Drop for Current<T> {
    fn drop(&mut self) {
        let current = core::mem::replace(self.0.get_mut(), core::ptr::null_mut());
        if !current.is_null() {
            // SAFETY: a leaked box, to which there is no reference any more.
            drop(unsafe { Box::from_raw(current) });
        }
    }
}

/// An LMDB environment with its one database.
pub(super) struct Environment {
    env: &'static Env,
    database: Database<'static, Bytes, Bytes>,
}

impl Environment {
    /// Opens the environment in a directory. Nothing but LMDB may use the files in it, and the directory must be on
    /// this machine. A second environment in one directory is refused.
    pub(super) fn open(directory: &Path, map_size: usize, readers: u32) -> Result<Self, heed::Error> {
        let mut options = EnvOpenOptions::new();
        options.map_size(map_size).max_readers(readers);
        // Not `WRITE_MAP`: what does not fit on the disk is then an error instead of a signal, and a stray write of the
        // program cannot reach the data.
        let flags = EnvFlags::NO_SYNC | EnvFlags::NO_META_SYNC | EnvFlags::NO_READ_AHEAD;
        // SAFETY: without syncing, the data may be broken after a crash of the system: such data is never opened, see
        // the boot's number in `files`. Locks are not switched off.
        unsafe { options.flags(flags) };
        // SAFETY: the directory is private to this user, and its files are touched by nobody but LMDB, which locks
        // them; `heed` refuses a second environment in one process.
        let env = unsafe { options.open(directory)? };
        let env: &'static Env = Box::leak(Box::new(env));
        let database = env.write_txn().and_then(|txn| {
            env.create_databases_and_commit(txn, |databases, txn| {
                databases.create_database(txn, None).map(CommitOrAbort::<_, ()>::Commit)
            })
        });
        match database {
            Ok(database) => Ok(Self { env, database: database.unwrap_commit() }),
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

    /// Frees what dead processes held; says how much.
    pub(super) fn clear_stale_readers(&self) -> usize {
        self.env.clear_stale_readers().unwrap_or(0)
    }

    /// The number of the last transaction that was committed.
    pub(super) fn committed(&self) -> u64 {
        self.env.info().last_txn_id as u64
    }

    /// How long the data file must be.
    pub(super) fn length(&self) -> u64 {
        (self.env.info().last_page_number as u64 + 1) * PAGE as u64
    }
}

impl Drop for Environment {
    /// Closes the environment. In the child of a fork that is harmless for the parent: LMDB frees the readers of this
    /// process only, and locks on files are not inherited.
    fn drop(&mut self) {
        // SAFETY: leaked by `open`; all transactions borrow `self`, and the database, which does not, is only lent.
        drop(unsafe { Box::from_raw(core::ptr::from_ref(self.env).cast_mut()) });
    }
}

/// Makes sure that there is room for these bytes of a file, and that they can be written to in memory.
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

/// Locks the byte of a file for this open file. Says whether it was free; with `wait`, waits until it is. The lock is
/// released when the file is closed, also by the death of the process.
pub(super) fn lock(file: &File, byte: u64, wait: bool) -> io::Result<bool> {
    // SAFETY: a `flock` consists of integers, for which zero is a value.
    let mut range: libc::flock = unsafe { core::mem::zeroed() };
    range.l_type = libc::F_WRLCK as libc::c_short;
    range.l_whence = libc::SEEK_SET as libc::c_short;
    range.l_start = (byte & (i64::MAX as u64 >> 1)) as libc::off_t;
    range.l_len = 1;
    let command = if wait { libc::F_OFD_SETLKW } else { libc::F_OFD_SETLK };
    loop {
        // SAFETY: `range` is a `flock`, as these commands take.
        if unsafe { libc::fcntl(file.as_raw_fd(), command, &range) } == 0 {
            return Ok(true);
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            Some(libc::EAGAIN | libc::EACCES) if !wait => return Ok(false),
            _ => return Err(error),
        }
    }
}

/// Releases what [`lock`] has locked, also where a child has inherited the open file.
pub(super) fn unlock(file: &File, byte: u64) {
    // SAFETY: a `flock` consists of integers, for which zero is a value.
    let mut range: libc::flock = unsafe { core::mem::zeroed() };
    range.l_type = libc::F_UNLCK as libc::c_short;
    range.l_whence = libc::SEEK_SET as libc::c_short;
    range.l_start = (byte & (i64::MAX as u64 >> 1)) as libc::off_t;
    range.l_len = 1;
    // SAFETY: `range` is a `flock`, as this command takes. It cannot fail for a file that is locked.
    unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &range) };
}

/// Seconds since 1970, cheaply.
#[inline]
pub(super) fn seconds() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a `timespec` to be written to; this clock is always there.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME_COARSE, &mut now) };
    now.tv_sec as u64
}

/// How long a file of this process may become.
pub(super) fn file_limit() -> u64 {
    let mut limit = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is an `rlimit64` to be written to.
    match unsafe { libc::getrlimit64(libc::RLIMIT_FSIZE, &mut limit) } {
        0 => limit.rlim_cur,
        _ => u64::MAX,
    }
}

/// The user that this process acts for.
pub(super) fn user() -> u32 {
    // SAFETY: takes nothing, and cannot fail.
    unsafe { libc::geteuid() }
}
