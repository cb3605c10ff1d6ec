//! What the macro's output names to turn a call into a key and a result into an entry.

pub(crate) mod caught;
pub(crate) mod hasher;
pub(crate) mod hooks;
pub(crate) mod key;
pub(crate) mod outcome;
pub(crate) mod parameters;
pub(crate) mod plain;
pub(crate) mod wrappers;
