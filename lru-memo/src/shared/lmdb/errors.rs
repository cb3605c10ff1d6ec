//! The errors of LMDB.

use alloc::boxed::Box;
use alloc::format;

use crate::shared::error::{Error, Kind};

impl From<heed::Error> for Error {
    fn from(error: heed::Error) -> Self {
        error_of(&error)
    }
}

/// Returns the error of the store.
pub(super) fn error_of(error: &heed::Error) -> Error {
    use heed::MdbError as Mdb;
    let kind = match error {
        heed::Error::Mdb(Mdb::MapFull | Mdb::TxnFull) => Kind::Full,
        heed::Error::Mdb(
            Mdb::Corrupted
            | Mdb::PageNotFound
            | Mdb::Invalid
            | Mdb::VersionMismatch
            | Mdb::Panic
            | Mdb::BadTxn
            | Mdb::CursorFull
            | Mdb::PageFull
            | Mdb::Incompatible
            | Mdb::Problem,
        ) => Kind::Corrupt,
        // LMDB reports `EIO` when the disk becomes full during a write.
        heed::Error::Mdb(Mdb::Other(libc::ENOSPC | libc::EDQUOT | libc::EFBIG | libc::EIO)) => Kind::Full,
        heed::Error::Io(io) => match io.raw_os_error() {
            Some(libc::ENOSPC | libc::EDQUOT | libc::EFBIG | libc::EIO) => Kind::Full,
            _ => Kind::Unavailable,
        },
        heed::Error::EnvAlreadyOpened => Kind::InUse,
        _ => Kind::Unavailable,
    };
    let reason: Box<str> = format!("the shared store has failed: {error}").into();
    Error::new(kind, reason)
}
