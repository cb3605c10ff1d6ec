//! The directory of a store: no other user can read, write or replace it.

use alloc::format;
use alloc::vec::Vec;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::raw;
use crate::shared::error::{Error, Kind};

/// The first part of the name of a deployment's directory: `prefix-shop1` for `?prefix=shop1`.
pub(super) const PREFIX: &str = "prefix-";

/// The most that other users may do with the directory that the user has chosen: read it.
const CHOSEN: u32 = 0o755;

/// The most that other users may do with a directory that holds files: nothing.
const PRIVATE: u32 = 0o700;

/// Makes the directory if it is missing, and checks that only this user can use or replace it.
pub(super) fn make_private(directory: &Path) -> Result<(), Error> {
    make(directory, PRIVATE)
}

/// Makes the directory if it is missing, and checks that only this user can write to it or replace it. The store lies in a
/// private directory inside.
pub(super) fn make_chosen(directory: &Path) -> Result<(), Error> {
    make(directory, CHOSEN)
}

fn make(directory: &Path, most: u32) -> Result<(), Error> {
    check_ancestors(parent(directory)?)?;
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed("make", directory, &error)),
        _ => check_own(directory, most),
    }
}

/// As [`make_chosen`], but makes nothing.
pub(super) fn check_chosen(directory: &Path) -> Result<(), Error> {
    check_ancestors(parent(directory)?)?;
    match fs::symlink_metadata(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => check_own(directory, CHOSEN),
    }
}

/// Checks that this is a directory of this user, and that its mode gives other users no more than `most` does.
fn check_own(directory: &Path, most: u32) -> Result<(), Error> {
    let metadata = fs::symlink_metadata(directory).map_err(|error| failed("look at", directory, &error))?;
    if metadata.is_symlink() {
        return Err(refused(directory, "it is a symbolic link"));
    }
    if !metadata.is_dir() {
        return Err(refused(directory, "it is not a directory"));
    }
    if metadata.uid() != raw::user() {
        return Err(refused(
            directory,
            &format!("it belongs to user {}, not to {}", metadata.uid(), raw::user()),
        ));
    }
    if metadata.mode() & 0o077 & !most != 0 {
        let others = if most == PRIVATE { "use it" } else { "write to it" };
        let reason =
            format!("others may {others}: its mode is {:03o}, not {most:o}", metadata.mode() & 0o777);
        return Err(refused(directory, &reason));
    }
    Ok(())
}

/// Returns the parent directory, which must exist.
pub(super) fn parent(directory: &Path) -> Result<&Path, Error> {
    let parent = directory.parent().ok_or_else(|| refused(directory, "it has no parent directory"))?;
    let is_missing = |path: &&Path| matches!(path.try_exists(), Ok(false));
    let Some(missing) = parent.ancestors().filter(is_missing).last() else { return Ok(parent) };
    let (missing, last) = (missing.display(), directory.display());
    let message =
        format!("there is no directory {missing}: create it, because the shared store creates {last} only");
    Err(Error::new(Kind::Directory, message))
}

/// Checks that no other user can replace one of these directories.
fn check_ancestors(directory: &Path) -> Result<(), Error> {
    let mut real = fs::canonicalize(directory).map_err(|error| failed("look at", directory, &error))?;
    if !directory.is_absolute() {
        return Err(refused(directory, "it is not absolute"));
    }
    // The path as written, because its symbolic links matter, and the path that they lead to.
    for path in [directory.to_owned(), core::mem::take(&mut real)] {
        let mut others_may_link = false;
        let mut ancestors: Vec<&Path> = path.ancestors().collect();
        ancestors.reverse();
        for ancestor in ancestors {
            let metadata =
                fs::symlink_metadata(ancestor).map_err(|error| failed("look at", ancestor, &error))?;
            if metadata.is_symlink() {
                if others_may_link {
                    return Err(refused(ancestor, "it is a symbolic link that others could have made"));
                }
                continue;
            }
            let others_write = metadata.mode() & 0o022 != 0;
            if others_write && metadata.mode() & 0o1000 == 0 {
                return Err(refused(ancestor, "others may write to it"));
            }
            if ![0, raw::user()].contains(&metadata.uid()) && !is_from_outside(metadata.uid()) {
                let reason = format!("it belongs to another user, {}", metadata.uid());
                return Err(refused(ancestor, &reason));
            }
            others_may_link = others_write;
        }
    }
    Ok(())
}

/// Whether this is the overflow id, which stands for every user that this process's user namespace does not map.
fn is_from_outside(user: u32) -> bool {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let is_mapped_whole = read("/proc/self/uid_map").split_whitespace().eq(["0", "0", "4294967295"]);
    !is_mapped_whole && read("/proc/sys/kernel/overflowuid").trim().parse() == Ok(user)
}

/// Opens a file of this user in a private directory, and makes it if `create` says so.
pub(super) fn open_file(path: &Path, create: bool) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(create)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC);
    let file = options.open(path).map_err(|error| failed("open", path, &error))?;
    let metadata = file.metadata().map_err(|error| failed("look at", path, &error))?;
    if !metadata.is_file() || metadata.uid() != raw::user() {
        return Err(refused(path, "it is not a file of this user"));
    }
    Ok(file)
}

pub(super) fn failed(what: &str, path: &Path, error: &io::Error) -> Error {
    let message = format!("cannot {what} {} for the shared store: {error}", path.display());
    let is_full = matches!(error.raw_os_error(), Some(libc::ENOSPC | libc::EDQUOT | libc::EFBIG));
    Error::new(if is_full { Kind::Full } else { Kind::Directory }, message)
}

pub(super) fn refused(path: &Path, reason: &str) -> Error {
    Error::new(Kind::Directory, format!("the shared store cannot use {}: {reason}", path.display()))
}
