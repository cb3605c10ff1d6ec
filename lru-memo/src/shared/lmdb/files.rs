//! The files of a store. This module opens and makes them.
//!
//! | file in the directory | purpose |
//! |---|---|
//! | `v1/gate` | locked while a process opens or makes the store |
//! | `v1/turns` | each process that uses the store, and each key that is computed, locks a byte, see `members` |
//! | `v1/current` | the name of the current instance |
//! | `v1/INSTANCE/` | `data.mdb`, `lock.mdb`: LMDB's; `table`: the [`MappedTable`]; `made`: its parameters, see [`Made`] |
//!
//! A broken store is replaced by a new instance rather than repaired. After a reboot, a store that is not durable is
//! replaced, too; a durable one gets a new table, made from the records in LMDB. An incompatible layout gets another
//! `v`.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::mem::offset_of;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::time::Duration;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use super::default_place::make_again;
use super::directory::{failed, make_private, open_file};
use super::errors::error_of;
use super::instance::Files;
use super::made::{Explicit, Made, random, random_seed, sync_directory};
use super::members::Membership;
use super::opened::Opened;
use super::options::Options;
use super::queue::stopped;
use super::raw::{self, Environment};
use super::table::{self, Head, MappedTable};
use super::{memory, record};
use crate::shared::error::{Error, Kind};
use crate::shared::events;
use crate::shared::hash::hash;

const MAGIC: u64 = u64::from_le_bytes(*b"lru-mem4");

/// How many threads may read at once. Further threads take turns with writers.
const READERS: u32 = 4000;

/// The length of LMDB's `lock.mdb`, in bytes: more than these readers need.
const LOCKS: u64 = 1 << 18;

/// What opening needs, for any instance.
struct Opening<'a> {
    options: &'a Options,
    deadline: Instant,
    turns: PathBuf,
    members: Arc<Membership>,
}

/// Opens the store in this directory. Makes a missing or broken store if `create` says so. Waits for other processes no
/// longer than the timeout.
pub(super) fn open(directory: &Path, options: &Options, explicit: Explicit) -> Result<Files, Error> {
    let create = options.create;
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
    let opening = Opening { options, deadline, turns, members };
    let opened = match read_name(&current) {
        Ok(name) if is_name(&name) => match too_large(&base.join(&name), explicit)? {
            Some(limit) if create => {
                events::note_rebuilt();
                let size = options.size.min(limit);
                return make(&base, opening, Made::new(&Options { size, ..options.clone() }));
            }
            _ => open_instance(&base.join(name), &opening),
        },
        Err(error) if create && error.kind() == io::ErrorKind::NotFound => {
            return make(&base, opening, Made::new(options));
        }
        Err(error) if error.kind() != io::ErrorKind::InvalidData => {
            return Err(failed("read", &current, &error));
        }
        _ => Err(Error::new(Kind::Corrupt, "the name of the shared store's instance is broken")),
    };
    let opened = match opened {
        Err(error) if create && error.kind() == Kind::Corrupt => {
            events::note(&error);
            events::note_rebuilt();
            let before = made(directory)?.map(|made| Made { seed: random_seed(), ..made });
            make(&base, opening, before.unwrap_or_else(|| Made::new(options)))
        }
        opened => opened,
    };
    drop(gate);
    opened
}

/// Returns how the store in this directory was made, if there is one.
pub(super) fn made(directory: &Path) -> Result<Option<Made>, Error> {
    let base = directory.join("v1");
    let path = match read_name(&base.join("current")) {
        Ok(name) if is_name(&name) => base.join(name).join("made"),
        _ => return Ok(None),
    };
    Made::read(&path).map_err(|error| failed("read", &path, &error))
}

/// Returns a size for a successor if the store has outgrown this container's memory limit. A store whose URL names a
/// size is never too large.
fn too_large(instance: &Path, explicit: Explicit) -> Result<Option<usize>, Error> {
    let made_in = instance.join("made");
    let made = Made::read(&made_in).map_err(|error| failed("read", &made_in, &error))?;
    let Some(limit) = memory::limit().map(|limit| limit / 4) else { return Ok(None) };
    let is_for_more = made.is_some_and(|made| !made.durable && made.size as u64 > limit);
    let files = ["data.mdb", "table"].map(|name| fs::symlink_metadata(instance.join(name)));
    let taken: u64 = files.into_iter().flatten().map(|file| 512 * file.blocks()).sum();
    Ok((!explicit.size && is_for_more && taken > limit).then_some(limit as usize))
}

/// A lock: one process at a time opens or makes a store in the directory.
struct Gate(File);

impl Gate {
    fn pass(base: &Path, deadline: Instant) -> Result<Self, Error> {
        let path = base.join("gate");
        let file = open_file(&path, true)?;
        while !raw::lock(&file, 0).map_err(|error| failed("lock", &path, &error))? {
            if Instant::now() >= deadline {
                let message = "another process is opening the shared store, and takes too long or is stopped";
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

/// Reads the file `current`, one byte more than a name has.
fn read_name(current: &Path) -> io::Result<String> {
    let mut name = String::new();
    File::open(current)?.take(17).read_to_string(&mut name)?;
    Ok(name)
}

fn is_name(name: &str) -> bool {
    name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn open_instance(directory: &Path, opening: &Opening<'_>) -> Result<Files, Error> {
    let made_in = directory.join("made");
    let made = Made::read(&made_in).map_err(|error| failed("read", &made_in, &error))?;
    let made = made.ok_or_else(|| corrupt("its parameters are missing"))?;
    let path = directory.join("table");
    let file = open_file(&path, false).map_err(|error| corrupt(&format!("{error}")));
    let is_of_this_run =
        |file: &File| begins_with_magic(file) && number_at(file, offset_of!(Head, boot)) == Some(boot());
    if made.durable && !file.as_ref().is_ok_and(is_of_this_run) {
        return recover(directory, opening, made);
    }
    let file = file?;
    let length = file.metadata().map_err(|error| failed("look at", &path, &error))?.len();
    if length < table::length(0) as u64 {
        return Err(corrupt("its table is truncated"));
    }
    let map_size = 2 * (length - table::length(0) as u64) as usize;
    // Checked before mapping: a broken length could exceed the address space.
    let explicit = number_at(&file, offset_of!(Head, map_size));
    if !begins_with_magic(&file) || explicit != Some(map_size as u64) || map_size != made.map_size {
        return Err(corrupt("its table is truncated or foreign"));
    }
    if longest(map_size) > raw::file_limit() {
        let message =
            "the limit of this process for files, `ulimit -f`, is below what the shared store needs";
        return Err(Error::new(Kind::Full, message));
    }
    let table = MappedTable::new(file, map_size).map_err(|error| failed("map", &path, &error))?;
    let head = table.head();
    if head.dead.load(SeqCst) != 0 {
        return Err(corrupt("it was given up"));
    }
    if head.boot.load(Relaxed) != boot() {
        return Err(corrupt("the system was restarted"));
    }
    let data = directory.join("data.mdb");
    let length = || fs::symlink_metadata(&data).map_or(0, |metadata| metadata.len());
    if length() == 0 {
        return Err(corrupt("it has no data"));
    }
    // Checked without opening the file: closing it would release LMDB's own locks on it.
    let is_allocated = |locks: Metadata| locks.len() >= LOCKS && locks.blocks() * 512 >= locks.len();
    if !fs::symlink_metadata(directory.join("lock.mdb")).is_ok_and(is_allocated) {
        return Err(corrupt("its locks are truncated"));
    }
    let writers = table.writers().lock_until(opening.deadline).ok_or_else(stopped)?;
    let readers = table.readers().lock_until(opening.deadline).ok_or_else(stopped)?;
    let environment = open_environment(directory, &made)?;
    // In this order, because other processes may be writing.
    let needed = environment.length();
    if length() < needed {
        return Err(corrupt("its data is truncated"));
    }
    if read_instance(&environment)? != Some(head.instance.load(Relaxed)) {
        return Err(corrupt("its data and its table belong to different instances"));
    }
    environment.clear_stale_readers();
    drop((writers, readers));
    // LMDB locks `lock.mdb` only, so closing this file later releases none of its locks.
    let data = open_file(&data, false)?;
    let (turns, members) = (opening.turns.clone(), Arc::clone(&opening.members));
    Ok(Files { environment, table, data, turns, members, made, made_in })
}

fn corrupt(reason: &str) -> Error {
    Error::new(Kind::Corrupt, format!("the shared store is broken: {reason}"))
}

fn open_environment(directory: &Path, made: &Made) -> Result<Environment, Error> {
    Environment::open(directory, made.map_size, READERS, made.durable).map_err(|error| error_of(&error))
}

fn read_instance(environment: &Environment) -> Result<Option<u64>, Error> {
    let txn = environment.read()?;
    let bytes = environment.database().get(&txn, record::INSTANCE)?;
    Ok(bytes.and_then(|bytes| Some(u64::from_le_bytes(bytes.try_into().ok()?))))
}

/// Opens a durable instance after a reboot, with a new table made from the records in LMDB.
fn recover(directory: &Path, opening: &Opening<'_>, made: Made) -> Result<Files, Error> {
    let path = directory.join("data.mdb");
    if !fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.len() > 0) {
        return Err(corrupt("it has no data"));
    }
    let before = table_before(directory, &made);
    let table = make_table(directory, &made)?;
    let environment = open_environment(directory, &made)?;
    let data = open_file(&path, false)?;
    if data.metadata().map_err(|error| failed("look at", &path, &error))?.len() < environment.length() {
        return Err(corrupt("its data is truncated"));
    }
    let instance = read_instance(&environment)?.ok_or_else(|| corrupt("its data has no instance number"))?;
    table.head().instance.store(instance, Relaxed);
    let (turns, members) = (opening.turns.clone(), Arc::clone(&opening.members));
    let made_in = directory.join("made");
    let files = Files { environment, table, data, turns, members, made, made_in };
    let opened = Opened::new(files, &Options { hash_mask: u64::MAX, ..opening.options.clone() });
    opened.recover(before.as_ref()).map_err(|error| match error.kind() {
        Kind::Full => corrupt("its data exceeds its size"),
        _ => error,
    })?;
    opened.table.head().magic.store(MAGIC, SeqCst);
    Ok(opened.into_files())
}

/// Returns the table from before the reboot, if the file is one. Its numbers may be torn.
fn table_before(directory: &Path, made: &Made) -> Option<MappedTable> {
    let file = open_file(&directory.join("table"), false).ok()?;
    let is_whole =
        file.metadata().is_ok_and(|metadata| metadata.len() == table::length(made.map_size) as u64);
    (is_whole && begins_with_magic(&file)).then(|| MappedTable::new(file, made.map_size).ok()).flatten()
}

/// Makes the table of an instance, without its magic number and the instance's number, and the file for LMDB's locks.
fn make_table(directory: &Path, made: &Made) -> Result<MappedTable, Error> {
    let (path, locks) = (directory.join("table"), directory.join("lock.mdb"));
    for old in [&path, &locks] {
        let _ = fs::remove_file(old);
    }
    let file = open_file(&path, true)?;
    file.set_len(table::length(made.map_size) as u64).map_err(|error| failed("make", &path, &error))?;
    for (at, length) in table::FIRST {
        raw::reserve(&file, at, length).map_err(|error| failed("make", &path, &error))?;
    }
    // LMDB would leave a hole in the file. Touching the hole on a full disk would kill the process.
    let file_of_locks = open_file(&locks, true)?;
    raw::reserve(&file_of_locks, 0, LOCKS as usize).map_err(|error| failed("make", &locks, &error))?;
    let table = MappedTable::new(file, made.map_size).map_err(|error| failed("map", &path, &error))?;
    for lock in [table.writers(), table.readers()] {
        lock.prepare().map_err(|error| failed("prepare", &path, &error))?;
    }
    let head = table.head();
    head.boot.store(boot(), Relaxed);
    head.map_size.store(made.map_size as u64, Relaxed);
    head.limit.store(super::room::most(head), Relaxed);
    for (word, seed) in head.seed.iter().zip(made.seed) {
        word.store(seed, Relaxed);
    }
    Ok(table)
}

/// Makes a new instance, and removes older ones.
fn make(base: &Path, opening: Opening<'_>, made: Made) -> Result<Files, Error> {
    remove_all(base);
    let made = Made { map_size: within_limit(made.map_size)?, ..made };
    let name = format!("{:016x}", random(0));
    let directory = base.join(&name);
    make_private(&directory)?;
    // `made` is written first: if this process dies here, another one sees by it that it may remove the directory.
    let made_in = directory.join("made");
    made.write(&made_in)?;
    let table = make_table(&directory, &made)?;
    let environment = open_environment(&directory, &made)?;
    let head = table.head();
    head.instance.store(random(1), Relaxed);
    write_instance(&environment, head.instance.load(Relaxed)).map_err(|error| error_of(&error))?;
    head.magic.store(MAGIC, SeqCst);
    // The rename makes the complete instance current in one step.
    let (new, current) = (base.join("new"), base.join("current"));
    let _ = fs::remove_file(&new);
    let write = |mut file: File| {
        file.write_all(name.as_bytes())?;
        if made.durable {
            file.sync_all()?;
            [&directory, base].into_iter().for_each(sync_directory);
        }
        fs::rename(&new, &current)
    };
    open_file(&new, true).and_then(|file| write(file).map_err(|error| failed("write", &current, &error)))?;
    if made.durable {
        base.ancestors().take(3).for_each(sync_directory);
    }
    let data = open_file(&directory.join("data.mdb"), false)?;
    let Opening { turns, members, .. } = opening;
    Ok(Files { environment, table, data, turns, members, made, made_in })
}

fn write_instance(environment: &Environment, instance: u64) -> Result<(), heed::Error> {
    let mut txn = environment.write()?;
    environment.database().put(&mut txn, record::INSTANCE, &instance.to_le_bytes())?;
    txn.commit()
}

/// Removes older instances, and tells processes that still use one to stop. A directory that is not marked as an
/// instance is left alone.
fn remove_all(base: &Path) {
    let names = fs::read_dir(base).into_iter().flatten().flatten();
    for name in names.filter(|entry| is_name(&entry.file_name().to_string_lossy())) {
        let directory = name.path();
        let table = open_file(&directory.join("table"), false)
            .ok()
            .filter(|file| file.metadata().is_ok_and(|metadata| metadata.len() >= table::length(0) as u64))
            // A page with the magic number is allocated, so touching it is safe.
            .filter(begins_with_magic);
        let is_marked = table.is_some() || matches!(Made::read(&directory.join("made")), Ok(Some(_)));
        if let Some(table) = table.and_then(|file| MappedTable::new(file, 0).ok()) {
            table.head().dead.store(1, SeqCst);
        }
        // A failure only leaves files behind.
        let _ = if is_marked { fs::remove_dir_all(directory) } else { fs::remove_dir(directory) };
    }
}

/// Whether this file is a complete table. Reads the file without mapping it.
fn begins_with_magic(table: &File) -> bool {
    number_at(table, offset_of!(Head, magic)) == Some(MAGIC)
}

fn number_at(table: &File, offset: usize) -> Option<u64> {
    let mut number = [0; 8];
    table.read_exact_at(&mut number, offset as u64).ok().map(|()| u64::from_ne_bytes(number))
}

/// Returns the length of the longest file of a store with this map size.
fn longest(map_size: usize) -> u64 {
    map_size.max(table::length(map_size)) as u64
}

/// Returns the largest map size up to this one whose files the limit of this process allows. Writing beyond the limit
/// would kill the process.
fn within_limit(map_size: usize) -> Result<usize, Error> {
    let limit = raw::file_limit();
    let sizes = core::iter::successors(Some(map_size), |size| Some((size / 2).next_multiple_of(1 << 17)));
    sizes.take_while(|&size| size >= 1 << 21).take(32).find(|&size| longest(size) <= limit).ok_or_else(|| {
        let message = format!("`ulimit -f` limits files to {limit} bytes, too few for a shared store");
        Error::new(Kind::Full, message)
    })
}

/// Returns a number that differs after each reboot.
fn boot() -> u64 {
    let id: String = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    hash([0; 2], id.as_bytes())
}
