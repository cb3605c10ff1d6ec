//! `advise = true` on a store: the advice on a function for all processes together.
//!
//! Each process samples uses of keys by their hashes, which are the same in all processes. Its thread for totals adds them to
//! two entries of a namespace of its own: the latest [`Uses`], and a [`FleetModel`] of the older ones. Both are changed with a
//! lease. So no call waits for the store, and uses of different processes are counted in the order of their times.
//!
//! A process that samples more uses than its thread can deliver samples fewer keys, and so do the others once they
//! notice.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;
use core::time::Duration;

use once_cell::race::OnceBox;

use super::notes::{BATCH, Sampled};
use super::totals::wake;
use super::{SharedCache, SharedCall};
use crate::CacheAdvice;
use crate::advice::fleet::{FleetModel, Uses};
use crate::advice::record::Use;
use crate::shared::hash::hash;
use crate::shared::{Entry, Error, Namespace, Store};

/// The identity of the namespace: `lru-memo advice` in bytes. Another format needs another one.
const ID: u128 = 0x6c72_752d_6d65_6d6f_0061_6476_6963_6501;

/// How long the store keeps what is known of a function that nobody calls.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// How many uses a process samples before it samples fewer keys because there are many.
const ENOUGH: u64 = 1 << 18;

/// All processes sample the same keys.
const SEED: [u64; 2] = [0x6164_7669_6365_2d31, 0x6c72_752d_6d65_6d6f];

/// The parts of the advice in the store.
const USES: u8 = b'u';
const MODEL: u8 = b'm';

impl SharedCache {
    /// Tells the store of the sampled uses, unless another process is just doing so. Returns whether nothing is left to tell.
    pub(super) fn tell_uses(&'static self, store: &dyn Store) -> Result<bool, Error> {
        if !self.advises {
            return Ok(true);
        }
        let told = self.try_tell_uses(store);
        self.ledger().notes.is_failing.store(told.is_err(), Relaxed);
        told
    }

    fn try_tell_uses(&'static self, store: &dyn Store) -> Result<bool, Error> {
        let (space, id, ledger) = (space(), self.space.id(), self.ledger());
        let notes = &ledger.notes;
        let uses_key = key(id, USES);
        let Some(_lease) = store.try_lease(space, &uses_key)? else { return Ok(false) };
        let mut uses = uses_of(store, &uses_key)?;
        let mut own = notes.take();
        let lookups = ledger.lookups();
        own.lookups = lookups.saturating_sub(core::mem::replace(&mut *notes.sent.lock(), lookups));
        uses.merge(own.clone());
        let delivered = notes.delivered.load(Relaxed) + own.uses.len() as u64;
        let is_enough = delivered >= ENOUGH && own.are_many();
        notes.delivered.store(if is_enough { 0 } else { delivered }, Relaxed);
        if is_enough {
            uses.narrow();
        }
        notes.narrow_to(uses.turn());
        let old = uses.take_old();
        // First what is no longer there, so that a process that is killed in between has nothing counted twice.
        put(store, &uses_key, &uses.write()).inspect_err(|_| notes.give_back(own))?;
        if let Some(old) = old {
            let key = key(id, MODEL);
            let mut model = FleetModel::read(store.peek(space, &key)?.as_deref(), self.known_bound());
            model.count(&old);
            put(store, &key, &model.write())?;
        }
        Ok(true)
    }
}

impl SharedCache {
    /// Returns the hash of a key, if its uses are to be noted.
    #[inline]
    pub(super) fn sampled(&'static self, key: Option<&[u8]>) -> Option<Sampled> {
        if !self.advises {
            return None;
        }
        // 0 is no key.
        let hash = (hash(SEED, key?) as u32).max(1);
        (hash <= self.ledger().notes.threshold.load(Relaxed)).then_some(Sampled(hash))
    }

    /// Notes a use of a key.
    #[inline]
    pub(super) fn note_use(&'static self, sampled: Option<Sampled>, used: Use) {
        if let Some(Sampled(hash)) = sampled {
            self.note_hash(hash, used);
        }
    }

    /// Notes that all keys are cleared.
    pub(super) fn note_clear(&'static self) {
        if self.advises {
            self.note_hash(1, Use::Cleared);
        }
    }

    #[inline(never)]
    fn note_hash(&'static self, hash: u32, used: Use) {
        let count = self.ledger().notes.note(hash, used);
        self.tell_later();
        if count % BATCH == 0 {
            wake();
        }
    }
}

impl SharedCall {
    /// Returns the hash of the key, if its uses are to be noted.
    #[inline]
    pub(super) fn sampled(&self) -> Option<Sampled> {
        self.cache.sampled(self.key.as_deref())
    }

    /// Returns the advice on the bound, from the calls of all processes. When the store does not work, returns one that has
    /// seen no call.
    pub async fn advice(self) -> CacheAdvice {
        let cache = self.cache;
        let question = |store: &dyn Store| {
            cache.tell_uses(store)?;
            let maxsize = store.summary(&cache.space)?.maxsize;
            advice_of(store, &cache.space, maxsize)
        };
        let advice = self.ask(move |store, _, _| question(store)).await.flatten();
        advice.unwrap_or_else(|| CacheAdvice::unused(cache.known_bound()))
    }
}

/// Returns the advice on a function's bound, from the calls of all processes: that of its `f_cache_advice()`. `None` if the
/// store has no advice on the function: it does not have `advise = true`, or was not called.
///
/// # Errors
/// When the store does not work.
pub fn advice(store: &dyn Store, of: &Namespace) -> Result<Option<CacheAdvice>, Error> {
    // A question makes no namespace.
    if !store.namespaces()?.iter().any(|summary| summary.id == space().id()) {
        return Ok(None);
    }
    advice_of(store, of, of.maxsize())
}

fn advice_of(
    store: &dyn Store,
    of: &Namespace,
    maxsize: Option<usize>,
) -> Result<Option<CacheAdvice>, Error> {
    let Some(uses) = store.peek(space(), &key(of.id(), USES))?.and_then(|bytes| Uses::read(&bytes)) else {
        return Ok(None);
    };
    let mut model = FleetModel::read(store.peek(space(), &key(of.id(), MODEL))?.as_deref(), maxsize);
    model.count(&uses);
    Ok(Some(model.advice(maxsize, uses.lookups)))
}

fn space() -> &'static Namespace {
    static SPACE: OnceBox<Namespace> = OnceBox::new();
    SPACE.get_or_init(|| Box::new(Namespace::new("lru_memo::advice", ID).with_ttl(Some(KEPT))))
}

fn key(of: u128, part: u8) -> Vec<u8> {
    let mut key = of.to_le_bytes().to_vec();
    key.push(part);
    key
}

/// Bytes that are no uses count as none.
fn uses_of(store: &dyn Store, key: &[u8]) -> Result<Uses, Error> {
    Ok(store.peek(space(), key)?.and_then(|bytes| Uses::read(&bytes)).unwrap_or_default())
}

fn put(store: &dyn Store, key: &[u8], value: &[u8]) -> Result<bool, Error> {
    let weight = (key.len() + value.len()) as u64;
    store.store(
        space(),
        key,
        Entry { value, weight, computed_since: None, replace: true, age: Duration::ZERO },
    )
}
