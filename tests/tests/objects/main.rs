//! Caches in objects: `scope = self.memo`.

mod object_lifetimes;
mod object_scope;
#[path = "../semantics/operations/mod.rs"]
mod operations;
