//! How keys and values become bytes, and bytes become them again.

pub(crate) mod format;
pub(crate) mod key;
pub(crate) mod value;
