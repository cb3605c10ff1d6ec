//! The open files of one instance.

use alloc::sync::Arc;
use std::fs::File;
use std::path::PathBuf;

use super::made::Made;
use super::members::Membership;
use super::raw::Environment;
use super::table::MappedTable;

/// An open instance.
pub(super) struct Files {
    // Dropped before the table.
    pub(super) environment: Environment,
    pub(super) table: MappedTable,
    /// The file of LMDB.
    pub(super) data: File,
    pub(super) turns: PathBuf,
    pub(super) members: Arc<Membership>,
    pub(super) made: Made,
    /// The path of the file `made`.
    pub(super) made_in: PathBuf,
}
