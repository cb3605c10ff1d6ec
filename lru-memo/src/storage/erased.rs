//! A cache behind a pointer that does not name its types, and the cache of one thread as such.

use alloc::rc::Rc;
use core::any::{Any, TypeId};
use core::hash::BuildHasher;

use crate::advice::CacheAdvice;
use crate::bounds::bound::Bound;
use crate::cache::Cache;
use crate::cache::kind::Kind;
use crate::info::CacheInfo;
use crate::registry::Reached;
use crate::table::threading::OneThread;
use crate::tags::{Fingerprint, Tagged};
use crate::totals::CacheTotals;

/// A type-erased cache.
pub(crate) trait ErasedCache: Reached + Any {
    /// Returns the advice on the bound, or `None` if the cache was not used.
    fn advice(&self) -> Option<CacheAdvice>;
    fn follow(&self, bound: &Bound);
    fn as_any(&self) -> &dyn Any;
    fn into_any(self: Rc<Self>) -> Rc<dyn Any>;
}

impl<P: Kind + 'static, K: Tagged + 'static, V: 'static, S: BuildHasher + Default + 'static> Reached
    for Cache<OneThread, P, K, V, S>
{
    fn info(&self) -> Option<CacheInfo> {
        Some(Self::info(self))
    }

    fn totals(&self) -> CacheTotals {
        Self::totals(self)
    }

    fn clear(&self) {
        Self::clear(self);
    }

    fn resize(&self, _: TypeId, maxsize: usize) {
        Self::resize(self, maxsize);
    }

    fn invalidate_tag(&self, tag: Fingerprint) {
        Self::invalidate_tag(self, tag);
    }
}

impl<P: Kind + 'static, K: Tagged + 'static, V: 'static, S: BuildHasher + Default + 'static> ErasedCache
    for Cache<OneThread, P, K, V, S>
{
    fn advice(&self) -> Option<CacheAdvice> {
        Some(Self::advice(self))
    }

    fn follow(&self, bound: &Bound) {
        Self::follow(self, bound);
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn into_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}
