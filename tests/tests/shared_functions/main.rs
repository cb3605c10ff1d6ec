//! Functions with `scope = shared`.
#![cfg(feature = "shared")]

mod buffered_values;
mod depth;
#[path = "../options/advice/exact.rs"]
mod exact;
mod fleet;
mod functions;
mod near_cache;
mod outdated_runs;
#[path = "../shared/mod.rs"]
mod shared;
