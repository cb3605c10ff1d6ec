//! Where the files are: in a directory that nobody but this user can read, write or replace.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::raw;
use crate::shared::error::{Error, Kind};
use crate::shared::namespace::fingerprint;

/// A directory in memory where there is one, else one for temporary files: of this user and this program.
pub(super) fn default() -> Result<PathBuf, Error> {
    let mine = default_place();
    make_private(&mine)?;
    let directory = mine.join(program());
    make_private(&directory)?;
    Ok(directory)
}

/// Makes this directory again, with the one above it if that is the default place.
pub(super) fn make_again(directory: &Path) -> Result<(), Error> {
    let mine = default_place();
    if directory.parent() == Some(&mine) {
        make_private(&mine)?;
    }
    make_private(directory)
}

/// The directories of all programs of this user.
pub(super) fn in_default_place() -> Result<Vec<PathBuf>, Error> {
    let mine = default_place();
    match fs::symlink_metadata(&mine) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        _ => make_private(&mine)?,
    }
    let entries = fs::read_dir(&mine).map_err(|error| failed("read", &mine, &error))?;
    let directories = entries.flatten().map(|entry| entry.path());
    let mut stores: Vec<_> = directories.filter(|path| path.join("v1/current").exists()).collect();
    stores.sort();
    Ok(stores)
}

/// Where the directories of all programs of this user are.
fn default_place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let is_usable = |metadata: Metadata| metadata.is_dir() && metadata.mode() & 0o1777 == 0o1777;
    let base = match fs::metadata(memory).is_ok_and(is_usable) {
        true => memory.to_owned(),
        false => std::env::temp_dir(),
    };
    base.join(format!("lru-memo-{}", raw::user()))
}

/// Tells programs apart, and containers that share memory but cannot see each other's processes.
fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    let path = path.as_os_str().as_bytes();
    // What the system adds when a newer build has replaced the file.
    let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
    let processes = fs::metadata("/proc/self/ns/pid").map_or(0, |metadata| metadata.ino());
    let name = Path::new(OsStr::from_bytes(path)).file_name().unwrap_or_default();
    let name: String = name.to_string_lossy().chars().filter(char::is_ascii_alphanumeric).take(32).collect();
    format!("{name}-{:032x}", fingerprint(&[path, &processes.to_le_bytes()]))
}

/// Makes sure that the directory is there and that only this user can get into it, or put another in its place.
pub(super) fn make_private(directory: &Path) -> Result<(), Error> {
    let parent = directory.parent().ok_or_else(|| refused(directory, "it has no parent directory"))?;
    check_ancestors(parent)?;
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(failed("make", directory, &error));
        }
        _ => {}
    }
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
    if metadata.mode() & 0o077 != 0 {
        let reason = format!("others may use it: its mode is {:03o}, not 700", metadata.mode() & 0o777);
        return Err(refused(directory, &reason));
    }
    Ok(())
}

/// Nobody else may be able to put something else in the place of one of these directories.
fn check_ancestors(directory: &Path) -> Result<(), Error> {
    let mut real = fs::canonicalize(directory).map_err(|error| failed("look at", directory, &error))?;
    if !directory.is_absolute() {
        return Err(refused(directory, "it is not absolute"));
    }
    // As it was written, for its symbolic links, and where these lead.
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
            if metadata.uid() != 0 && metadata.uid() != raw::user() {
                let reason = format!("it belongs to another user, {}", metadata.uid());
                return Err(refused(ancestor, &reason));
            }
            others_may_link = others_write;
        }
    }
    Ok(())
}

/// Opens a file of this user in a private directory; makes it if need be.
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

fn refused(path: &Path, reason: &str) -> Error {
    Error::new(Kind::Directory, format!("the shared store cannot use {}: {reason}", path.display()))
}
