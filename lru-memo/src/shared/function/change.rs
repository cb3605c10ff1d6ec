//! Changes after which an older value must not be seen: removing and overwriting.

use alloc::vec::Vec;

use super::{SharedCache, noted};
use crate::shared::task::{self, Caller};
use crate::shared::undelivered::Removal;
use crate::shared::{Entry, Store, Ticket, store};

impl SharedCache {
    /// Has the store change something so that older values are gone, and then the near cache. It is done whether or not
    /// the task that asks for it is given up; what the store cannot be told is told later.
    pub(super) async fn change<R: Send + 'static>(
        &'static self,
        caller: Caller,
        key: Vec<u8>,
        change: impl FnOnce(Option<&dyn Store>, &[u8]) -> R + Send + 'static,
    ) -> (Vec<u8>, R) {
        let store = store().ok();
        let change = move || {
            let answer = change(store, &key);
            (key, answer)
        };
        match (caller, store) {
            (Caller::Task, Some(store)) if store.blocks() => task::in_pool(change).await,
            _ => change(),
        }
    }

    /// Removes a key from the store, now or later, and then from the near cache. Says whether it was there.
    pub(super) fn remove(&'static self, store: Option<&dyn Store>, key: &[u8]) -> bool {
        let removed = store.and_then(|store| noted(store.invalidate(&self.space, key)));
        if removed.is_none() {
            self.undelivered.remember(&self.space, Removal::Key(key.into()));
        }
        if let Some(near) = &self.near {
            near.invalidate(key);
        }
        removed.unwrap_or(false)
    }

    /// Stores a value in place of an older one, which goes even if this one cannot be stored. Says whether it was.
    pub(super) fn overwrite(
        &'static self,
        store: Option<&dyn Store>,
        key: &[u8],
        value: &[u8],
        since: Option<Ticket>,
    ) -> bool {
        let weight = (key.len() + value.len()) as u64;
        let entry = Entry { value, weight, computed_since: since, replace: true };
        let stored = store.and_then(|store| noted(store.store(&self.space, key, entry)));
        if stored.is_none() {
            self.remove(store, key);
        } else if let (Some(false), Some(near)) = (stored, &self.near) {
            near.invalidate(key);
        }
        stored.unwrap_or(false)
    }
}
