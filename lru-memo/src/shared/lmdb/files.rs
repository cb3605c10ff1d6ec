//! The files of a store, and making them:
//!
//! | in the directory | |
//! |---|---|
//! | `v1/gate` | locked while the store is opened or made |
//! | `v1/turns` | locked byte by byte by those who use the store, and those who compute, see `members` |
//! | `v1/current` | the name of the instance that is in use |
//! | `v1/INSTANCE/` | `data.mdb`, `lock.mdb`: LMDB's; `table`: the [`Table`] |
//!
//! A store that is broken, or was not written to disk before the system went down, is not repaired: a new instance
//! is made. Other layouts have another `v`.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::time::Duration;
use std::collections::hash_map::RandomState;
use std::fs::{self, File, Metadata};
use std::hash::BuildHasher;
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use super::directory::{failed, make_again, make_private, open_file};
use super::members::Membership;
use super::queue::stopped;
use super::raw::{self, Environment};
use super::table::{self, Table};
use super::{Options, error_of, record};
use crate::shared::error::{Error, Kind};
use crate::shared::hash::hash;
use crate::shared::health;

const MAGIC: u64 = u64::from_le_bytes(*b"lru-mem3");

/// How many threads may look things up at once. More than these take turns with writers.
const READERS: u32 = 4000;

/// How long LMDB's `lock.mdb` is made, in bytes: what these readers need, and more.
const LOCKS: u64 = 1 << 18;

/// An instance, opened.
pub(super) struct Files {
    // Before the table, which tells whose environment it is.
    pub(super) environment: Environment,
    pub(super) table: Table,
    /// The file of LMDB.
    pub(super) data: File,
    pub(super) turns: PathBuf,
    pub(super) members: Arc<Membership>,
}

/// Opens what is in this directory; what is not there, or is broken, is made, if `create` says so. Waits for others no
/// longer than the timeout.
pub(super) fn open(directory: &Path, options: &Options) -> Result<Files, Error> {
    let (map_size, create) = (2 * options.size.next_multiple_of(1 << 16), options.create);
    let deadline = Instant::now() + options.timeout;
    let base = directory.join("v1");
    let current = base.join("current");
    if !create && !current.try_exists().map_err(|error| failed("look at", &current, &error))? {
        let message = format!("there is no shared store in {}", directory.display());
        return Err(Error::new(Kind::NotFound, message));
    }
    make_again(directory)?;
    make_private(&base)?;
    let gate = Gate::pass(&base, deadline)?;
    let turns = base.join("turns");
    let members = Membership::join(&turns)?;
    let opened = match fs::read_to_string(&current) {
        Ok(name) if is_name(&name) => open_instance(&base.join(name), deadline),
        Err(error) if create && error.kind() == std::io::ErrorKind::NotFound => {
            return make(&base, turns, members, map_size);
        }
        Err(error) if error.kind() != std::io::ErrorKind::InvalidData => {
            return Err(failed("read", &current, &error));
        }
        _ => Err(Error::new(Kind::Corrupt, "the name of the shared store's instance is broken")),
    };
    let opened = match opened {
        Ok((environment, table, data)) => Ok(Files { environment, table, data, turns, members }),
        Err(error) if create && error.kind() == Kind::Corrupt => {
            health::note(&error);
            health::note_rebuilt();
            make(&base, turns, members, map_size)
        }
        Err(error) => Err(error),
    };
    drop(gate);
    opened
}

/// Excludes everybody else who opens or makes a store in the directory.
struct Gate(File);

impl Gate {
    fn pass(base: &Path, deadline: Instant) -> Result<Self, Error> {
        let path = base.join("gate");
        let file = open_file(&path, true)?;
        while !raw::lock(&file, 0).map_err(|error| failed("lock", &path, &error))? {
            if Instant::now() >= deadline {
                let message = "another process that opens the shared store takes too long, or is stopped";
                return Err(Error::new(Kind::Unavailable, message));
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(Self(file))
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        raw::unlock(&self.0, 0);
    }
}

fn is_name(name: &str) -> bool {
    name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn open_instance(directory: &Path, deadline: Instant) -> Result<(Environment, Table, File), Error> {
    let corrupt = |reason: &str| Error::new(Kind::Corrupt, format!("the shared store is broken: {reason}"));
    let path = directory.join("table");
    let file = open_file(&path, false).map_err(|error| corrupt(&format!("{error}")))?;
    let length = file.metadata().map_err(|error| failed("look at", &path, &error))?.len();
    if length < table::length(0) as u64 {
        return Err(corrupt("its books are truncated"));
    }
    if !begins_with_magic(&file) {
        return Err(corrupt("its books are truncated, or none"));
    }
    let map_size = 2 * (length - table::length(0) as u64) as usize;
    if longest(map_size) > raw::file_limit() {
        let message =
            "the limit of this process for files, `ulimit -f`, is below what the shared store needs";
        return Err(Error::new(Kind::Full, message));
    }
    let table = Table::new(file, map_size).map_err(|error| failed("map", &path, &error))?;
    let head = table.head();
    if head.map_size.load(Relaxed) != map_size as u64 {
        return Err(corrupt("its books are truncated, or none"));
    }
    if head.dead.load(SeqCst) != 0 {
        return Err(corrupt("it was given up"));
    }
    if head.boot.load(Relaxed) != boot() {
        return Err(corrupt("the system went down since"));
    }
    let data = directory.join("data.mdb");
    let length = || fs::symlink_metadata(&data).map_or(0, |metadata| metadata.len());
    if length() == 0 {
        return Err(corrupt("it has no data"));
    }
    // Looked at from outside: closing the file would release what LMDB has locked in it.
    let is_allocated = |locks: Metadata| locks.len() >= LOCKS && locks.blocks() * 512 >= locks.len();
    if !fs::symlink_metadata(directory.join("lock.mdb")).is_ok_and(is_allocated) {
        return Err(corrupt("its locks are truncated"));
    }
    let writers = table.writers().lock_until(deadline).ok_or_else(stopped)?;
    let readers = table.readers().lock_until(deadline).ok_or_else(stopped)?;
    let environment = Environment::open(directory, map_size, READERS).map_err(|error| error_of(&error))?;
    // In this order, for others may be writing.
    let needed = environment.length();
    if length() < needed {
        return Err(corrupt("its data is truncated"));
    }
    let instance = {
        let txn = environment.read().map_err(|error| error_of(&error))?;
        let bytes = environment.database().get(&txn, record::INSTANCE).map_err(|error| error_of(&error))?;
        bytes.and_then(|bytes| Some(u64::from_le_bytes(bytes.try_into().ok()?)))
    };
    if instance != Some(head.instance.load(Relaxed)) {
        return Err(corrupt("its data and its books are not of the same instance"));
    }
    environment.clear_stale_readers();
    drop((writers, readers));
    // LMDB locks `lock.mdb` only: closing this file one day releases nothing of its own.
    Ok((environment, table, open_file(&data, false)?))
}

/// Makes a new instance, and removes older ones.
fn make(base: &Path, turns: PathBuf, members: Arc<Membership>, map_size: usize) -> Result<Files, Error> {
    remove_all(base);
    let random = |what: u8| RandomState::new().hash_one(what);
    let name = format!("{:016x}", random(0));
    let directory = base.join(&name);
    make_private(&directory)?;
    let path = directory.join("table");
    let file = open_file(&path, true)?;
    let map_size = within_limit(map_size)?;
    file.set_len(table::length(map_size) as u64).map_err(|error| failed("make", &path, &error))?;
    for (at, length) in table::FIRST {
        raw::reserve(&file, at, length).map_err(|error| failed("make", &path, &error))?;
    }
    // LMDB would leave a hole, and the system kills who touches it when the disk is full.
    let path = directory.join("lock.mdb");
    let locks = open_file(&path, true)?;
    raw::reserve(&locks, 0, LOCKS as usize).map_err(|error| failed("make", &path, &error))?;
    drop(locks);
    let table = Table::new(file, map_size).map_err(|error| failed("map", &path, &error))?;
    for lock in [table.writers(), table.readers()] {
        lock.prepare().map_err(|error| failed("prepare", &path, &error))?;
    }
    let environment = Environment::open(&directory, map_size, READERS).map_err(|error| error_of(&error))?;
    let head = table.head();
    head.instance.store(random(1), Relaxed);
    head.boot.store(boot(), Relaxed);
    head.map_size.store(map_size as u64, Relaxed);
    head.limit.store(super::room::most(head), Relaxed);
    head.seed[0].store(random(2), Relaxed);
    head.seed[1].store(random(3), Relaxed);
    write_instance(&environment, head.instance.load(Relaxed)).map_err(|error| error_of(&error))?;
    head.magic.store(MAGIC, SeqCst);
    // Only now, as a whole, does it come into being.
    let (new, current) = (base.join("new"), base.join("current"));
    let _ = fs::remove_file(&new);
    let write = |mut file: File| file.write_all(name.as_bytes()).and_then(|()| fs::rename(&new, &current));
    open_file(&new, true).and_then(|file| write(file).map_err(|error| failed("write", &current, &error)))?;
    let data = open_file(&directory.join("data.mdb"), false)?;
    Ok(Files { environment, table, data, turns, members })
}

fn write_instance(environment: &Environment, instance: u64) -> Result<(), heed::Error> {
    let mut txn = environment.write()?;
    environment.database().put(&mut txn, record::INSTANCE, &instance.to_le_bytes())?;
    txn.commit()
}

/// Removes older instances. Whoever still uses one is told to stop.
fn remove_all(base: &Path) {
    let names = fs::read_dir(base).into_iter().flatten().flatten();
    for name in names.filter(|entry| is_name(&entry.file_name().to_string_lossy())) {
        let directory = name.path();
        let table = open_file(&directory.join("table"), false)
            .ok()
            .filter(|file| file.metadata().is_ok_and(|metadata| metadata.len() >= table::length(0) as u64))
            // The page that begins so is allocated, and may be touched.
            .filter(begins_with_magic);
        if let Some(table) = table.and_then(|file| Table::new(file, 0).ok()) {
            table.head().dead.store(1, SeqCst);
        }
        // What remains is in nobody's way.
        let _ = fs::remove_dir_all(directory);
    }
}

/// Whether this file is a table that was finished; nothing of it is mapped for that.
fn begins_with_magic(table: &File) -> bool {
    let mut magic = [0; 8];
    table.read_exact_at(&mut magic, 0).is_ok() && u64::from_le_bytes(magic) == MAGIC
}

/// How long the longest file of a store of this size is.
fn longest(map_size: usize) -> u64 {
    map_size.max(table::length(map_size)) as u64
}

/// As much of this size as files of this process may have: the system kills who writes beyond.
fn within_limit(map_size: usize) -> Result<usize, Error> {
    let limit = raw::file_limit();
    let sizes = core::iter::successors(Some(map_size), |size| Some((size / 2).next_multiple_of(1 << 17)));
    sizes.take_while(|&size| size >= 1 << 21).take(32).find(|&size| longest(size) <= limit).ok_or_else(|| {
        let message = format!("files may have {limit} bytes, by `ulimit -f`: too few for a shared store");
        Error::new(Kind::Full, message)
    })
}

/// Tells one run of the system from another.
fn boot() -> u64 {
    let id: String = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    hash([0; 2], id.as_bytes())
}
