//! What each option does, most of them by the driven clock.

mod advice;
mod limits;
mod option_hooks;
mod options;
mod resize;
#[cfg(feature = "shared")]
#[path = "../shared/mod.rs"]
mod shared;
mod stale;
mod totals;
