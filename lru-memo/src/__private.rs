//! All that generated code may name. Not covered by semantic versioning.

pub use alloc::borrow::ToOwned;
pub use alloc::boxed::Box;
pub use alloc::rc::Rc;
pub use core::time::Duration;
pub use foldhash::fast::RandomState as DefaultHasher;
pub use std::thread_local;

pub use crate::cache::Cache;
pub use crate::info::{CacheInfo, CacheParameters, Scope};
pub use crate::key::{ArrayOf, CowOf, Leaf, OptionOf, Ref, SliceOf, VecOf, part};
pub use crate::outcome::{Is, NotResult, Outcome, Probe, Value, clone_value};
pub use crate::plain::{NotPlain, Plainness};
pub use crate::registry::Site;
pub use crate::slot::{Slot, shareable};
pub use crate::storage::Kept;
pub use crate::thread_cache::{Registration, thread_cache};
pub use crate::threading::{AllThreads, OneThread};
