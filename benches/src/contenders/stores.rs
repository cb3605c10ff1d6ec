//! Caches and maps that are not macros, memoising in the few lines that a user would write around them. The
//! function runs outside of the lock; a key is borrowed where the crate allows it, otherwise copied.

use std::num::NonZeroUsize;

use dashmap::DashMap;
use parking_lot::Mutex;
use schnellru::ByLength;

use super::{CAPACITY, Contender, SCHNELLRU};
use crate::counters::body;
use crate::keys::Key;

pub(super) fn lru<K: Key>() -> Contender<K> {
    let capacity = NonZeroUsize::new(CAPACITY).expect("some entries are allowed");
    let cache = Mutex::new(::lru::LruCache::<K::Owned, u64>::new(capacity));
    Contender::new("lru in a Mutex", move |key: K| {
        let owned = key.to_owned_key();
        if let Some(value) = cache.lock().get(&owned) {
            return *value;
        }
        let value = body(key.number());
        cache.lock().put(owned, value);
        value
    })
}

pub(super) fn schnellru<K: Key>() -> Contender<K> {
    let capacity = ByLength::new(CAPACITY.try_into().expect("a small number"));
    let cache = Mutex::new(::schnellru::LruMap::<K::Owned, u64>::new(capacity));
    Contender::new(SCHNELLRU, move |key: K| {
        if let Some(value) = cache.lock().get(&key) {
            return *value;
        }
        let value = body(key.number());
        cache.lock().insert(key.to_owned_key(), value);
        value
    })
}

pub(super) fn quick_cache<K: Key>() -> Contender<K> {
    let cache = ::quick_cache::sync::Cache::<K::Owned, u64>::new(CAPACITY);
    Contender::new("quick_cache (not exact)", move |key: K| {
        if let Some(value) = cache.get(&key) {
            return value;
        }
        let value = body(key.number());
        cache.insert(key.to_owned_key(), value);
        value
    })
}

pub(super) fn moka<K: Key>() -> Contender<K> {
    let cache = ::moka::sync::Cache::<K::Owned, u64>::new(CAPACITY as u64);
    Contender::new("moka (not exact)", move |key: K| {
        let owned = key.to_owned_key();
        if let Some(value) = cache.get(&owned) {
            return value;
        }
        let value = body(key.number());
        cache.insert(owned, value);
        value
    })
}

pub(super) fn dashmap() -> Contender<u64> {
    let map = DashMap::<u64, u64>::new();
    Contender::new("dashmap (no bound)", move |key| {
        if let Some(value) = map.get(&key) {
            return *value;
        }
        let value = body(key);
        map.insert(key, value);
        value
    })
}
