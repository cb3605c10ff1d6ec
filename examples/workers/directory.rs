//! A directory for as long as the demonstration runs.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::failure::Failure;

/// A directory that only this user can read. Dropping it removes it.
pub(crate) struct Directory(PathBuf);

impl Directory {
    /// Makes one that was not there.
    pub(crate) fn new() -> Result<Self, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let path = std::env::temp_dir().join(format!("lru-memo-workers-{}-{now}", process::id()));
        DirBuilder::new().mode(0o700).create(&path).map_err(Failure::of(path.display()))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What cannot be removed is one directory too many among temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}
