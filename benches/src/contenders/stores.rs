//! Caches and maps without a macro, memoizing in the few lines that a user would write. The function runs outside of
//! the lock. A key is borrowed if the crate allows it, and copied otherwise.

use std::num::NonZeroUsize;

use dashmap::DashMap;
use parking_lot::Mutex;
use schnellru::ByLength;

use super::{Contender, Kind, SCHNELLRU};
use crate::keys::Key;

pub(super) fn lru<K: Key>(capacity: usize) -> Contender<K> {
    let capacity = NonZeroUsize::new(capacity).expect("some entries are allowed");
    let cache = Mutex::new(::lru::LruCache::<K::Owned, K::Value>::new(capacity));
    Contender::new("lru in a Mutex", Kind::Exact, move |key: K| {
        let owned = key.to_owned_key();
        let found = cache.lock().get(&owned).cloned();
        let value = found.unwrap_or_else(|| {
            let value = key.value();
            cache.lock().put(owned, value.clone());
            value
        });
        K::number_of(&value)
    })
}

pub(super) fn schnellru<K: Key>(capacity: usize) -> Contender<K> {
    let capacity = ByLength::new(capacity.try_into().expect("not too many"));
    let cache = Mutex::new(::schnellru::LruMap::<K::Owned, K::Value>::new(capacity));
    Contender::new(SCHNELLRU, Kind::Exact, move |key: K| {
        let found = cache.lock().get(&key).map(|value| value.clone());
        let value = found.unwrap_or_else(|| {
            let value = key.value();
            cache.lock().insert(key.to_owned_key(), value.clone());
            value
        });
        K::number_of(&value)
    })
}

pub(super) fn quick_cache<K: Key>(capacity: usize) -> Contender<K> {
    let cache = ::quick_cache::sync::Cache::<K::Owned, K::Value>::new(capacity);
    Contender::new("quick_cache (not exact)", Kind::Inexact, move |key: K| {
        let value = cache.get(&key).unwrap_or_else(|| {
            let value = key.value();
            cache.insert(key.to_owned_key(), value.clone());
            value
        });
        K::number_of(&value)
    })
}

pub(super) fn moka<K: Key>(capacity: usize) -> Contender<K> {
    let cache = ::moka::sync::Cache::<K::Owned, K::Value>::new(capacity as u64);
    Contender::new("moka (not exact)", Kind::Inexact, move |key: K| {
        let owned = key.to_owned_key();
        let value = cache.get(&owned).unwrap_or_else(|| {
            let value = key.value();
            cache.insert(owned, value.clone());
            value
        });
        K::number_of(&value)
    })
}

pub(super) fn dashmap(_: usize) -> Contender<u64> {
    let map = DashMap::<u64, u64>::new();
    Contender::new("dashmap (no bound)", Kind::Unbounded, move |key| {
        if let Some(value) = map.get(&key) {
            return *value;
        }
        let value = key.value();
        map.insert(key, value);
        value
    })
}
