//! A temporary directory for the demonstration.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::failure::Failure;

/// A directory that only this user can read. Dropping it removes it.
pub(crate) struct Directory(PathBuf);

impl Directory {
    /// Makes a new directory.
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
        // A failure only leaves a temporary directory behind.
        let _ = fs::remove_dir_all(&self.0);
    }
}
