//! Removing and overwriting entries. After such a change, no call may see an older value, even if the store fails.

use alloc::vec::Vec;
use core::time::Duration;

use super::{SharedCache, noted};
use crate::advice::Use;
use crate::shared::hash::hash;
use crate::shared::near::Near;
use crate::shared::task::{self, Caller};
use crate::shared::undelivered::Removal;
use crate::shared::{Entry, Store, Ticket};

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
        let store = task::store(caller).await.ok();
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
