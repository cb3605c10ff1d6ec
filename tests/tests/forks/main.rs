//! Processes that fork while they use caches.
#![cfg(all(target_os = "linux", feature = "libc"))]

mod points;
mod processes;
#[cfg(feature = "shared")]
#[path = "../shared/mod.rs"]
mod shared;
#[cfg(feature = "shared")]
mod stores;
