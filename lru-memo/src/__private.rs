//! All that generated code may name. Not covered by semantic versioning.

pub use alloc::borrow::ToOwned;
pub use alloc::boxed::Box;
pub use alloc::rc::Rc;
pub use core::any::TypeId;
pub use core::cell::OnceCell;
pub use core::line;
pub use core::time::Duration;
pub use foldhash::fast::RandomState as DefaultHasher;
pub use std::thread_local;

pub use crate::advice::CacheAdvice;
pub use crate::bounds::{present, present_at};
pub use crate::cache::Cache;
pub use crate::cache::kind::{Advising, Idling, Kept, Staling};
pub use crate::cache::lookup::Unseen;
pub use crate::cache::matching::caught_up_with_tags;
pub use crate::codegen::caught::{caught, caught_while_polled};
pub use crate::codegen::hasher::{HasherOf, HasherProbe, NotUsable, usable_hasher};
pub use crate::codegen::hooks::{
    admit_all, admits, admits_with_key, name_of_instantiation, no_own_ttl, own_ttl, weigh, weigh_nothing,
};
pub use crate::codegen::key::{
    AnyExpression, ArrayOf, ByBits, ByHash, CowOf, Expression, Leaf, NotOwnable, OptionOf, Ownable, Owned,
    Part, Ref, SliceOf, VecOf, copy_of_key, part,
};
pub use crate::codegen::outcome::{
    ErrorProbe, Errors, Is, NotResult, Probe, Returned, UnsharedErrors, Value, clone_value,
    no_alias_in_method, no_generic_alias,
};
pub use crate::codegen::parameters::{kept_parameters, length};
pub use crate::codegen::plain::{NotPlain, Plainness, plain};
pub use crate::codegen::wrappers::{Chosen, NoWrapper, Wrapper};
pub use crate::info::{CacheInfo, CacheParameters, Outcome, Scope};
#[cfg(feature = "_stores")]
pub use crate::shared::{
    codec::key::shared_part,
    codec::value::codec,
    function::{SharedCache, SharedCaches, advising_cache_of, shared_cache_of},
    identity::{Identity, names},
    task::at_once,
};
pub use crate::site::Site;
pub use crate::storage::instances::{
    Instance, Instances, ThreadInstance, ThreadInstances, instance_of, instantiation, instantiation_of,
    thread_instance_of,
};
pub use crate::storage::memo::{InObject, SiteInObject, shareable_in_object, shareable_part_in_object};
pub use crate::storage::of_thread::OfThread;
pub use crate::storage::slot::{Slot, shareable, shareable_part};
pub use crate::table::threading::{AllThreads, OfObject, OneThread};
#[cfg(feature = "_stores")]
pub use crate::tags::texts;
pub use crate::tags::{Tag, Tags, TagsOfCall};
pub use crate::totals::CacheTotals;
