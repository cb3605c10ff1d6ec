//! Where the cache of a function lives: in a static, in one of each instantiation, in a thread, or in an object.

pub(crate) mod by_type;
pub(crate) mod erased;
pub(crate) mod instances;
pub(crate) mod memo;
pub(crate) mod of_thread;
pub(crate) mod slot;
