//! Removing and overwriting entries. After such a change, no call may see an older value, even if the store fails.

use alloc::vec::Vec;
use core::time::Duration;

use super::tags::{self, with_head};
use super::{SharedCache, SharedCall, SharedMiss, noted};
use crate::advice::record::Use;
use crate::shared::codec::value::Codec;
use crate::shared::configured::store_for;
use crate::shared::hash::hash;
use crate::shared::near::Near;
use crate::shared::task::{self, Caller};
use crate::shared::undelivered::Removal;
use crate::shared::{Entry, Store, Ticket};

impl SharedCall {
    /// Removes the key, and returns whether there was an entry. A value that is being computed for the key will not be
    /// stored.
    pub async fn invalidate(self) -> bool {
        let Self { cache, key, caller, .. } = self;
        let Some(key) = key else { return false };
        if let Some(near) = &cache.near {
            near.invalidate(&key);
        }
        cache.change(caller, key, |store, key| cache.remove(store, key)).await.unwrap_or(false)
    }

    /// Stores a value as the most recent entry, in place of an older one. Counts nothing.
    pub async fn put<V>(self, value: V, codec: Codec<V>, ttl_of: impl FnOnce(&V) -> Option<Duration>) {
        let (own_ttl, bytes) = (ttl_of(&value), noted((codec.encode)(&value)));
        drop(value);
        let Self { cache, key, caller, tags } = self;
        let (Some(key), Some(bytes)) = (key, bytes) else { return };
        let head = if tags.is_empty() { Some(Vec::new()) } else { tags::head(caller, tags).await };
        let Some(head) = head else {
            cache.change(caller, key, |store, key| cache.remove(store, key)).await;
            return;
        };
        let bytes = cache.dated(&key, own_ttl, with_head(head, bytes));
        let put = move |store: Option<&dyn Store>, key: &[u8]| {
            let is_stored = cache.overwrite(store, key, &bytes, own_ttl, None);
            if let Some(near) = cache.near.as_ref().filter(|_| is_stored) {
                near.put(key, &bytes);
            }
        };
        cache.change(caller, key, put).await;
    }

    /// Begins a run for `_refresh`. Counts nothing, and is always a miss.
    pub async fn refresh(self) -> SharedMiss {
        let Self { cache, key, caller, .. } = self;
        let stored = match key {
            Some(key) => match cache.ask(caller, key, |store, space, _| store.ticket(space)).await {
                (key, Some(ticket)) => Some((key, ticket)),
                (key, None) => {
                    // The new value cannot replace the old one, so the old one is removed.
                    cache.change(caller, key, |store, key| cache.remove(store, key)).await;
                    None
                }
            },
            None => None,
        };
        let near = cache.near.as_ref().and_then(Near::ticket);
        SharedMiss { replace: true, refreshes: true, near, ..cache.miss(caller, stored) }
    }

    /// Removes every entry and zeroes the counters.
    pub async fn clear(self) {
        let Self { cache, key, caller, .. } = self;
        if key.is_some() {
            cache.remove_all(caller).await;
        }
    }
}

impl SharedCache {
    /// Changes a key in the store so that older values are gone, and then in the near cache. Returns `None` in the
    /// child of a fork that polls a task of its parent.
    pub(super) async fn change<R: Send + 'static>(
        &'static self,
        caller: Caller,
        key: Vec<u8>,
        change: impl FnOnce(Option<&dyn Store>, &[u8]) -> R + Send + 'static,
    ) -> Option<R> {
        let older = Removal::Key(key.as_slice().into());
        self.change_all(caller, older, move |store| change(store, &key)).await
    }

    /// Removes all entries from the store, now or later, and then from the near cache.
    pub(super) async fn remove_all(&'static self, caller: Caller) {
        let clear_near = || self.near.iter().for_each(Near::clear);
        clear_near();
        let clear = move |store: Option<&dyn Store>| {
            if store.and_then(|store| noted(store.clear(&self.space))).is_none() {
                self.undelivered.remember(&self.space, Removal::Clear);
            }
            self.note_clear();
            clear_near();
        };
        self.change_all(caller, Removal::Clear, clear).await;
    }

    /// Runs a change of the store. The change happens even if the calling task is cancelled; if the store fails, the
    /// change is delivered later. No later call waits for a run that began before the change, since its value may be
    /// older.
    async fn change_all<R: Send + 'static>(
        &'static self,
        caller: Caller,
        older: Removal,
        change: impl FnOnce(Option<&dyn Store>) -> R + Send + 'static,
    ) -> Option<R> {
        self.forget_runs(&older);
        let store = store_for(caller).await.ok();
        let theirs = older.clone();
        let change = move || {
            let answer = change(store);
            self.forget_runs(&theirs);
            answer
        };
        match (caller, store) {
            (Caller::Task, Some(store)) if store.blocks_to_change() => {
                let answer = task::in_pool(change).await;
                if answer.is_none() {
                    // The parent of the fork runs the change, or fails: this process relies on itself alone.
                    self.forget_runs(&older);
                    self.forget_near(&older);
                    self.undelivered.remember(&self.space, older);
                }
                answer
            }
            _ => Some(change()),
        }
    }

    fn forget_runs(&self, older: &Removal) {
        match older {
            Removal::Key(key) => self.turns.outdate(key),
            Removal::Clear => self.turns.outdate_all(),
        }
    }

    fn forget_near(&self, older: &Removal) {
        match (&self.near, older) {
            (Some(near), Removal::Key(key)) => near.invalidate(key),
            (Some(near), Removal::Clear) => near.clear(),
            (None, _) => {}
        }
    }

    /// Removes a key from the store, now or later, and then from the near cache. Returns whether there was an entry.
    pub(super) fn remove(&'static self, store: Option<&dyn Store>, key: &[u8]) -> bool {
        let removed = store.and_then(|store| noted(store.invalidate(&self.space, key)));
        if removed.is_none() {
            self.undelivered.remember(&self.space, Removal::Key(key.into()));
        }
        self.note_use(self.sampled(Some(key)), Use::Left);
        if let Some(near) = &self.near {
            near.invalidate(key);
        }
        removed.unwrap_or(false)
    }

    /// Returns how old an entry counts as when it is stored, so that it expires in time; `None` if it has expired then.
    pub(super) fn age(&self, key: &[u8], own_ttl: Option<Duration>) -> Option<Duration> {
        /// All processes shorten the same key alike.
        const SEED: [u64; 2] = [0x6a69_7474_6572_2d31, 0x6c72_752d_6d65_6d6f];
        let Some(lifetime) = self.lifetime.age(own_ttl, hash(SEED, key)) else {
            return Some(Duration::ZERO);
        };
        (!lifetime.is_zero()).then(|| self.lifetime.ttl.unwrap_or_default() - lifetime)
    }

    /// Stores a value in place of an older one, and returns whether the new value is stored. If not, the older one is
    /// removed.
    pub(super) fn overwrite(
        &'static self,
        store: Option<&dyn Store>,
        key: &[u8],
        value: &[u8],
        own_ttl: Option<Duration>,
        since: Option<Ticket>,
    ) -> bool {
        let Some(age) = self.age(key, own_ttl) else {
            self.remove(store, key);
            return false;
        };
        let weight = (key.len() + value.len()) as u64;
        let entry = Entry { value, weight, computed_since: since, replace: true, age };
        let stored = store.and_then(|store| noted(store.store(&self.space, key, entry)));
        if stored.is_none() {
            self.remove(store, key);
        } else {
            self.note_use(
                self.sampled(Some(key)),
                if stored == Some(true) { Use::Stored } else { Use::Unstored },
            );
        }
        if let (Some(false), Some(near)) = (stored, &self.near) {
            near.invalidate(key);
        }
        stored.unwrap_or(false)
    }
}
