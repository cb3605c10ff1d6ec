//! The right to compute a key: the lock on a byte of a file, which goes when the file is closed.
//!
//! The child of a fork inherits open files, and with them the locks; as long as it lived, nobody else would get those of
//! a parent that was killed. So the files are in a list that every fork locks, and the child closes them.

use alloc::vec::Vec;
use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};
use std::path::Path;

use super::{directory, raw};
use crate::fork::{Heritage, Inherited};
use crate::shared::error::Error;

/// The files that this process has open to lock a byte, or to wait for that.
static FILES: Inherited<Files> = Inherited::new(|| Files(Vec::new()));

struct Files(Vec<File>);

impl Heritage for Files {
    fn forget_others(&mut self) {
        self.0.clear();
    }
}

/// The lock on a byte, until it is dropped by the process that took it.
pub(super) struct Turn {
    file: RawFd,
    byte: u64,
}

impl Turn {
    /// Locks a byte of a file. `None` when it is locked, unless it is to `wait`.
    pub(super) fn take(path: &Path, byte: u64, wait: bool) -> Result<Option<Self>, Error> {
        let turn = Self { file: open(path)?, byte };
        let is_mine =
            raw::lock(&turn.file, byte, wait).map_err(|error| directory::failed("lock", path, &error))?;
        Ok(is_mine.then_some(turn))
    }
}

fn open(path: &Path) -> Result<RawFd, Error> {
    let mut files = FILES.lock();
    let file = directory::open_file(path, false)?;
    let number = file.as_raw_fd();
    files.0.push(file);
    Ok(number)
}

impl Drop for Turn {
    fn drop(&mut self) {
        // A child that is to run another program may still have it open.
        raw::unlock(&self.file, self.byte);
        let mut files = FILES.lock();
        if let Some(at) = files.0.iter().position(|file| file.as_raw_fd() == self.file) {
            files.0.swap_remove(at);
        }
    }
}
