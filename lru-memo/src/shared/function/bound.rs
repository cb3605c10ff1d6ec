//! The counters, and the bound on the number of entries: it is one for all processes, so it lies in the store.

use core::sync::atomic::Ordering::Relaxed;

use super::{SharedCache, SharedCall, noted};
use crate::info::{CacheInfo, CacheParameters};
use crate::shared::Summary;
use crate::shared::configured::store_for;
use crate::shared::near::Near;
use crate::shared::task::{self, Caller};

impl SharedCall {
    /// Returns the counters. When the store does not work, they are zero, and the bound is the last that is known.
    pub async fn info(self) -> CacheInfo {
        let cache = self.cache;
        let summary = self.ask(|store, space, _| store.summary(space)).await;
        let info = summary.as_ref().map_or_else(|| CacheInfo::unused(cache.known_bound()), Summary::info);
        cache.note_bound(info.maxsize);
        info
    }

    /// Returns the configuration of a function, with the present bound.
    pub async fn parameters(self, compiled: CacheParameters) -> CacheParameters {
        CacheParameters { maxsize: self.info().await.maxsize, ..compiled }
    }

    /// Gives the function another bound, in all processes. If the store does not work, nothing changes, and the error
    /// is counted.
    pub async fn resize(self, maxsize: usize) {
        let Self { cache, caller, key, .. } = self;
        let (Some(_), Ok(store)) = (key, store_for(caller).await) else { return };
        let resize = move || {
            if noted(store.resize(&cache.space, maxsize)).is_some() {
                cache.note_bound(Some(maxsize));
            }
            cache.near.iter().for_each(|near| Near::resize(near, maxsize));
        };
        match caller {
            Caller::Task if store.blocks_to_change() => _ = task::in_pool(resize).await,
            _ => resize(),
        }
    }
}

impl SharedCache {
    pub(super) fn known_bound(&self) -> Option<usize> {
        self.space.maxsize().map(|_| self.maxsize.load(Relaxed))
    }

    fn note_bound(&self, maxsize: Option<usize>) {
        if let Some(maxsize) = maxsize {
            self.maxsize.store(maxsize, Relaxed);
        }
    }
}
