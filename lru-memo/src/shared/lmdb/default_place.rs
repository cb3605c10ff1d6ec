//! The default place of stores: a directory of this user, with a directory for each program in it.
//!
//! The user's directory is `lru-memo-USER`. If another user has taken the name, it is `lru-memo-USER-1`, and so on. A
//! directory that this user already has is preferred to a new one, so that all processes find the same directory.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::directory::{PREFIX, failed, make_chosen, make_private};
use super::raw;
use crate::shared::error::Error;
use crate::shared::namespace::fingerprint;

/// The number of names to try.
const NAMES: u32 = 1000;

/// Returns the directory of this program, and makes it if it is missing.
pub(super) fn default() -> Result<PathBuf, Error> {
    let directory = made(&base())?.join(program());
    make_private(&directory)?;
    Ok(directory)
}

/// Makes a directory again that was removed, and the directory above it if that is in the default place, or if this one
/// is that of a prefix.
pub(super) fn make_again(directory: &Path) -> Result<(), Error> {
    if let Some(chosen) = directory.parent().filter(|_| is_prefixed(directory)) {
        make_again(chosen)?;
        return make_private(directory);
    }
    let above = directory.parent().filter(|above| above.parent() == Some(&base()));
    match above.filter(|above| number(above.file_name()).is_some()) {
        Some(mine) => make_private(mine).and_then(|()| make_private(directory)),
        None => make_chosen(directory),
    }
}

/// Returns the directories of the stores of all programs of this user.
pub(super) fn in_default_place() -> Result<Vec<PathBuf>, Error> {
    let Some(mine) = own(&base()) else { return Ok(Vec::new()) };
    make_private(&mine)?;
    let entries = fs::read_dir(&mine).map_err(|error| failed("read", &mine, &error))?;
    let programs = entries.flatten().map(|entry| entry.path());
    let with_prefixed = programs.flat_map(|program| {
        let within = fs::read_dir(&program).into_iter().flatten().flatten().map(|entry| entry.path());
        let prefixed: Vec<_> = within.filter(|path| is_prefixed(path)).collect();
        prefixed.into_iter().chain([program])
    });
    let mut stores: Vec<_> = with_prefixed.filter(|path| path.join("v1/current").exists()).collect();
    stores.sort();
    Ok(stores)
}

fn is_prefixed(directory: &Path) -> bool {
    let name = directory.file_name().and_then(OsStr::to_str);
    name.is_some_and(|name| name.starts_with(PREFIX))
}

/// Returns the directory for shared memory if there is one, else the directory for temporary files.
fn base() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let is_usable = |metadata: Metadata| metadata.is_dir() && metadata.mode() & 0o1777 == 0o1777;
    if fs::metadata(memory).is_ok_and(is_usable) { memory.to_owned() } else { std::env::temp_dir() }
}

fn name(number: u32) -> String {
    let user = raw::user();
    if number == 0 { format!("lru-memo-{user}") } else { format!("lru-memo-{user}-{number}") }
}

/// Returns the number in a directory's name, if it is a name that [`name`] makes.
fn number(of: Option<&OsStr>) -> Option<u32> {
    let rest = of?.to_str()?.strip_prefix(&name(0))?;
    let number = if rest.is_empty() { 0 } else { rest.strip_prefix('-')?.parse().ok()? };
    (of? == OsStr::new(&name(number))).then_some(number)
}

/// Returns the owner of a file, if the file exists.
fn owner(path: &Path) -> Option<u32> {
    fs::symlink_metadata(path).ok().map(|metadata| metadata.uid())
}

/// Returns the first directory that this user owns.
fn own(base: &Path) -> Option<PathBuf> {
    let is_mine = |path: &PathBuf| owner(path) == Some(raw::user());
    let first = Some(base.join(name(0))).filter(is_mine);
    first.or_else(|| {
        let entries = fs::read_dir(base).ok()?.flatten();
        let numbers = entries.filter_map(|entry| number(Some(&entry.file_name())));
        numbers
            .map(|number| (number, base.join(name(number))))
            .filter(|(_, path)| is_mine(path))
            .min()
            .map(|(_, path)| path)
    })
}

fn made(base: &Path) -> Result<PathBuf, Error> {
    if let Some(mine) = own(base) {
        return make_private(&mine).map(|()| mine);
    }
    let mut refused = None;
    for path in (0..NAMES).map(|number| base.join(name(number))) {
        match make_private(&path) {
            // Another process may have made a different one meanwhile.
            Ok(()) => return Ok(own(base).unwrap_or(path)),
            Err(error) if owner(&path).is_some_and(|owner| owner != raw::user()) => refused = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(refused.unwrap_or_else(|| super::directory::refused(base, "other users have taken all names")))
}

/// Returns a name that differs for each program, and for each container that shares the directory but has its own PID
/// namespace.
fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    let path = path.as_os_str().as_bytes();
    // Linux adds this suffix when a newer build has replaced the file.
    let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
    let processes = fs::metadata("/proc/self/ns/pid").map_or(0, |metadata| metadata.ino());
    let name = Path::new(OsStr::from_bytes(path)).file_name().unwrap_or_default();
    let name: String = name.to_string_lossy().chars().filter(char::is_ascii_alphanumeric).take(32).collect();
    format!("{name}-{:032x}", fingerprint(&[path, &processes.to_le_bytes()]))
}
