//! What the crate needs from the system: locks and atomics (which loom replaces), the clock, forks and privileges.

pub mod clock;
pub(crate) mod fork;
pub(crate) mod huge_pages;
pub(crate) mod prefetch;
pub(crate) mod privileges;
pub(crate) mod sync;
