//! The calls of a memoized function with `scope = shared`. Generated code calls this module.
//!
//! If the store fails, the error is counted, the function runs, and nothing is stored.

pub(crate) mod advice;
mod bound;
mod change;
mod miss;
pub(crate) mod stale;
pub(crate) mod tags;
mod totals;
mod wait;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::TypeId;
use core::sync::atomic::AtomicUsize;
use core::time::Duration;

use self::totals::{Ledger, Teller};
use super::codec::key::SharedKey;
use super::codec::value::Codec;
use super::error::Error;
use super::health::{note, note_rejected};
use super::identity::Identity;
use super::namespace::Namespace;
use super::near::Near;
use super::task::{self, Caller, at_once};
use super::turns::{Role, SharedTurn, Turns};
use super::undelivered::Mark;
use super::{Entry, Found, Store, Ticket};
use crate::advice::Use;
use crate::bounds;
use crate::cache::lifetime::Lifetime;
use crate::info::{CacheInfo, CacheParameters};
use crate::registry::{self, Reached, Site};
use crate::storage::by_type::ByType;
use crate::storage::instances::instantiation_of;
use crate::sys::fork::Own;
use crate::tags::Fingerprint;
use crate::totals::{CacheTotals, Stopwatch};

/// A memoized function on the store of this process, with a cache for each of its instantiations. Finding one never
/// blocks.
pub struct SharedCaches {
    caches: ByType<SharedCache>,
    /// Whether the functions have `advise = true`.
    advise: bool,
}

/// A memoized function, or one instantiation of it, on the store of this process.
pub struct SharedCache {
    space: Namespace,
    /// Whether the namespace belongs to this function alone. If not, nothing is stored.
    is_told_apart: bool,
    /// Whether stored values begin with their tags.
    is_tagged: bool,
    /// Whether uses are sampled for the advice on the bound.
    advises: bool,
    lifetime: Lifetime,
    ledger: Own<Ledger>,
    turns: Turns,
    near: Option<Near>,
    /// The bound that the store has told last, if there is one.
    maxsize: AtomicUsize,
    /// Set while a removal in this namespace is undelivered.
    undelivered: Mark,
}

/// The caches of all methods.
static OF_METHODS: SharedCaches = SharedCaches::new();
/// Of those with `advise = true`.
static OF_ADVISING_METHODS: SharedCaches = SharedCaches::advising();

/// Returns the cache of a method. The first call makes and registers it.
#[inline]
pub fn shared_cache_of<F>(method: F, site: fn() -> Site, identity: fn() -> Identity) -> &'static SharedCache {
    OF_METHODS.of(instantiation_of(method), site, identity)
}

/// Like [`shared_cache_of`], for a method with `advise = true`.
#[inline]
pub fn advising_cache_of<F>(
    method: F,
    site: fn() -> Site,
    identity: fn() -> Identity,
) -> &'static SharedCache {
    OF_ADVISING_METHODS.of(instantiation_of(method), site, identity)
}

impl SharedCaches {
    /// Without any cache.
    #[must_use]
    pub const fn new() -> Self {
        Self { caches: ByType::new(), advise: false }
    }

    /// Like [`new`](Self::new), for functions with `advise = true`.
    #[must_use]
    pub const fn advising() -> Self {
        Self { caches: ByType::new(), advise: true }
    }

    /// Returns the cache of this instantiation. The first call makes and registers it.
    #[inline]
    pub fn of(
        &'static self,
        of: TypeId,
        site: fn() -> Site,
        identity: fn() -> Identity,
    ) -> &'static SharedCache {
        self.caches.get(of).unwrap_or_else(|| self.add(of, site(), identity()))
    }

    #[cold]
    fn add(&'static self, of: TypeId, site: Site, identity: Identity) -> &'static SharedCache {
        let make = || {
            SharedCache::new(
                (site.name)(),
                bounds::before_use(site.name, site.parameters),
                noted(identity.id((site.name)(), site.parameters.version, of)),
                site.is_tagged,
                self.advise,
            )
        };
        let (cache, is_new) = self.caches.get_or_insert(of, make);
        if is_new {
            registry::register(site, || Box::leak(Box::new(cache)));
        }
        cache
    }
}

impl Default for SharedCaches {
    fn default() -> Self {
        Self::new()
    }
}

impl Reached for &'static SharedCache {
    fn info(&self) -> Option<CacheInfo> {
        Some(at_once(self.by_thread(()).info()))
    }

    fn totals(&self) -> CacheTotals {
        at_once(self.by_thread(()).totals())
    }

    fn clear(&self) {
        at_once(self.by_thread(()).clear());
    }

    fn resize(&self, _: TypeId, maxsize: usize) {
        at_once(self.by_thread(()).resize(maxsize));
    }

    fn invalidate_tag(&self, _: Fingerprint) {
        self.forget_tags();
    }
}

/// One call of a memoized function or of a companion. There is no key if the arguments could not be serialized.
///
/// The futures of a thread's call are ready at the first poll, see [`at_once`](super::task::at_once).
#[must_use]
pub struct SharedCall {
    cache: &'static SharedCache,
    key: Option<Vec<u8>>,
    caller: Caller,
    /// The tags for the value that `put` stores.
    tags: Vec<Box<str>>,
}

/// A miss: the caller runs the function, and completes the miss with the result.
#[must_use]
pub struct SharedMiss {
    cache: &'static SharedCache,
    caller: Caller,
    /// The key and the ticket to store the value with. `None` if the value will not be stored.
    stored: Option<(Vec<u8>, Ticket)>,
    /// The ticket of the run, if the store has issued one.
    since: Option<Ticket>,
    replace: bool,
    /// Whether an older value is removed even if the new one cannot be stored.
    refreshes: bool,
    /// The ticket to store the value in the near cache with.
    near: Option<Ticket>,
    turn: Option<SharedTurn>,
    /// The encoded tags, which the stored value begins with.
    head: Vec<u8>,
    stopwatch: Stopwatch<'static>,
    /// Dropped after the stopwatch.
    _teller: Teller,
}

/// What a caller does after a miss, with `single_flight`.
#[must_use]
#[expect(private_interfaces, reason = "a turn is the business of this module")]
pub enum SharedPending {
    /// The caller runs the function.
    Run(SharedMiss),
    /// The caller joins the flight of the key.
    Join(SharedCall, Option<Ticket>, Role),
}

impl SharedCache {
    /// Without an `id`, nothing is stored.
    fn new(
        name: &'static str,
        parameters: CacheParameters,
        id: Option<u128>,
        is_tagged: bool,
        advises: bool,
    ) -> Self {
        let CacheParameters { ttl, jitter, stale, .. } = parameters;
        let id = id.map(|id| stale::id(id, stale));
        let space = Namespace::new(name, id.unwrap_or_default())
            .with_maxsize(parameters.maxsize)
            .with_max_weight(parameters.max_weight.map(|weight| weight as u64))
            .with_ttl(ttl.map(|ttl| ttl.saturating_add(stale.unwrap_or_default())))
            .with_idle(parameters.idle);
        let maxsize = AtomicUsize::new(parameters.maxsize.unwrap_or(usize::MAX));
        let near = parameters.near.map(|near| Near::new(&parameters, near));
        let (turns, undelivered) = (Turns::new(), Mark::new());
        let lifetime = Lifetime { ttl, jitter, idle: None, stale };
        Self {
            space,
            is_told_apart: id.is_some(),
            is_tagged,
            advises: advises && id.is_some(),
            lifetime,
            ledger: Own::none(),
            turns,
            near,
            maxsize,
            undelivered,
        }
    }

    /// Begins a call by a thread, which may block.
    pub fn by_thread(&'static self, key: impl SharedKey) -> SharedCall {
        self.call(key, Caller::Thread)
    }

    /// Begins a call by a task, which must not block.
    pub fn by_task(&'static self, key: impl SharedKey) -> SharedCall {
        self.call(key, Caller::Task)
    }

    fn call(&'static self, key: impl SharedKey, caller: Caller) -> SharedCall {
        let key = self.is_told_apart.then(|| bytes_of(key)).flatten();
        SharedCall { cache: self, key, caller, tags: Vec::new() }
    }

    /// Asks the store about a key, and returns the key with the answer. Errors are counted. While a removal of this
    /// function is undelivered, the store is not asked.
    async fn ask<R: Send + 'static>(
        &'static self,
        caller: Caller,
        key: Vec<u8>,
        question: impl Fn(&dyn Store, &Namespace, &[u8]) -> Result<R, Error> + Send + 'static,
    ) -> (Vec<u8>, Option<R>) {
        // Opening the store has counted the error already.
        let Ok(store) = task::store(caller).await else { return (key, None) };
        let ask = move |key: &[u8]| {
            self.undelivered.is_clean(&self.space).then(|| question(store, &self.space, key))
        };
        let here = match caller {
            Caller::Thread => Some(ask(&key)),
            Caller::Task if store.blocks() => None,
            Caller::Task => task::without_waiting(|| ask(&key)),
        };
        let answer = match here {
            Some(answer) => answer.and_then(noted),
            None => {
                let theirs = key.clone();
                task::in_pool(move || ask(&theirs).and_then(noted)).await.flatten()
            }
        };
        (key, answer)
    }
}

impl SharedCall {
    async fn ask<R: Send + 'static>(
        self,
        question: impl Fn(&dyn Store, &Namespace, &[u8]) -> Result<R, Error> + Send + 'static,
    ) -> Option<R> {
        self.cache.ask(self.caller, self.key?, question).await.1
    }

    /// Sets the tags of the value that [`put`](Self::put) stores.
    pub fn with_tags(self, tags: Vec<Box<str>>) -> Self {
        Self { tags, ..self }
    }

    /// Looks up the key for a call of the function, and counts a hit or a miss.
    ///
    /// # Errors
    /// A miss.
    pub async fn get<V>(self, codec: Codec<V>) -> Result<V, SharedMiss> {
        let (cache, sampled) = (self.cache, self.sampled());
        let found = match self.look_near(codec) {
            Ok(value) => Ok(value),
            Err((call, near)) => call.get_far(near, codec).await,
        };
        cache.count(sampled, found)
    }

    /// Looks up the key in the near cache. On a miss, returns the call and the near cache's ticket.
    fn look_near<V>(self, codec: Codec<V>) -> Result<V, (Self, Option<Ticket>)> {
        let (Some(near), Some(key)) = (&self.cache.near, &self.key) else { return Err((self, None)) };
        match near.get(key) {
            Some(Found::Hit(bytes)) if self.cache.is_old(&bytes) => {
                near.invalidate(key);
                let ticket = near.ticket();
                Err((self, ticket))
            }
            // The near cache does not see what other processes invalidate: the option `near` allows that for a time.
            Some(Found::Hit(bytes)) => match self.cache.decode_alone(&bytes, codec) {
                Some(value) => {
                    self.cache.count_unseen_hit();
                    Ok(value)
                }
                None => Err((self, None)),
            },
            Some(Found::Miss(ticket)) => Err((self, Some(ticket))),
            None => Err((self, None)),
        }
    }

    async fn get_far<V>(self, near: Option<Ticket>, codec: Codec<V>) -> Result<V, SharedMiss> {
        let Self { cache, key, caller, .. } = self;
        let Some(key) = key else { return Err(cache.miss(caller, None)) };
        match cache.ask(caller, key, |store, space, key| store.get(space, key)).await {
            (key, Some(Found::Hit(bytes))) => cache.decode(caller, key, &bytes, near, codec).await,
            (key, Some(Found::Miss(ticket))) => {
                Err(SharedMiss { near, ..cache.miss(caller, Some((key, ticket))) })
            }
            (_, None) => Err(cache.miss(caller, None)),
        }
    }

    /// Looks up the key for a call with `single_flight`.
    ///
    /// # Errors
    /// On a miss, what the caller does next.
    pub async fn get_or_join<V>(self, codec: Codec<V>) -> Result<V, SharedPending> {
        let (cache, sampled) = (self.cache, self.sampled());
        let (Self { key, caller, .. }, near) = match self.look_near(codec) {
            Ok(value) => return cache.count(sampled, Ok(value)),
            Err(far) => far,
        };
        let Some(key) = key else {
            return cache.count(sampled, Err(SharedPending::Run(cache.miss(caller, None))));
        };
        let (key, found) = cache.ask(caller, key, |store, space, key| store.get_if_present(space, key)).await;
        match found.flatten() {
            Some(bytes) => {
                let found = cache.decode(caller, key, &bytes, near, codec).await;
                cache.count(sampled, found.map_err(SharedPending::Run))
            }
            None => {
                let joined = cache.turns.join(&key);
                let call = Self { cache, key: Some(key), caller, tags: Vec::new() };
                Err(SharedPending::Join(call, near, joined))
            }
        }
    }

    /// Returns the value of the key. Changes neither recency nor counters.
    pub async fn peek<V>(self, codec: Codec<V>) -> Option<V> {
        let (cache, caller) = (self.cache, self.caller);
        let bytes = self.ask(|store, space, key| store.peek(space, key)).await.flatten()?;
        if cache.is_current(caller, &bytes).await { cache.decode_alone(&bytes, codec) } else { None }
    }

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
    /// Decodes a hit. A value that cannot be decoded, or whose tags were invalidated, becomes a miss.
    async fn decode<V>(
        &'static self,
        caller: Caller,
        key: Vec<u8>,
        bytes: &[u8],
        near: Option<Ticket>,
        codec: Codec<V>,
    ) -> Result<V, SharedMiss> {
        // Not in an async function of its own: another future would cost each hit.
        let is_current = !self.is_tagged || tags::are_current(caller, self.undated(bytes)).await;
        if let Some(value) = is_current.then(|| self.decode_alone(bytes, codec)).flatten() {
            self.keep_near(&key, bytes, near, false);
            return Ok(value);
        }
        if is_current {
            note_rejected();
        }
        let (key, ticket) = self.ask(caller, key, |store, space, key| store.reject(space, key)).await;
        Err(self.miss(caller, ticket.map(|ticket| (key, ticket))))
    }

    fn miss(&'static self, caller: Caller, stored: Option<(Vec<u8>, Ticket)>) -> SharedMiss {
        let (since, replace) = (stored.as_ref().map(|(_, since)| *since), self.space.maxsize().is_none());
        let head = Vec::new();
        let stopwatch = self.ledger().runs.begin();
        SharedMiss {
            cache: self,
            caller,
            stored,
            since,
            replace,
            refreshes: false,
            near: None,
            turn: None,
            head,
            stopwatch,
            _teller: Teller(self),
        }
    }

    /// Decodes a value, whether or not its tags were invalidated.
    fn decode_alone<V>(&self, bytes: &[u8], codec: Codec<V>) -> Option<V> {
        let bytes = self.undated(bytes);
        (codec.decode)(if self.is_tagged { tags::without_head(bytes)? } else { bytes })
    }

    /// Whether no tag of the value was invalidated since the value was computed.
    async fn is_current(&self, caller: Caller, bytes: &[u8]) -> bool {
        !self.is_tagged || tags::are_current(caller, self.undated(bytes)).await
    }

    /// Forgets the runs and the near entries of this process: their values may have a tag that was invalidated.
    pub fn forget_tags(&self) {
        self.turns.outdate_all();
        self.near.iter().for_each(Near::clear);
    }

    fn keep_near(&self, key: &[u8], value: &[u8], ticket: Option<Ticket>, replace: bool) {
        if let (Some(near), Some(ticket)) = (&self.near, ticket) {
            near.keep(key, value, ticket, replace);
        }
    }

    /// Returns the counters of the near cache, all zero if there is none.
    #[must_use]
    pub fn near_info(&self) -> CacheInfo {
        let none = || CacheInfo { hits: 0, misses: 0, maxsize: Some(0), currsize: 0 };
        self.near.as_ref().map_or_else(none, Near::info)
    }

    /// Stores the bytes of a value. Returns the key, and whether the value is stored.
    async fn store(
        &'static self,
        caller: Caller,
        key: Vec<u8>,
        (value, own_ttl): (Arc<Vec<u8>>, Option<Duration>),
        since: Ticket,
        replace: bool,
    ) -> (Vec<u8>, bool) {
        let Some(age) = self.age(&key, own_ttl) else { return (key, false) };
        let (weight, computed_since) = ((key.len() + value.len()) as u64, Some(since));
        let store = move |store: &dyn Store, space: &Namespace, key: &[u8]| {
            store.store(space, key, Entry { value: &value, weight, computed_since, replace, age })
        };
        let (key, is_stored) = self.ask(caller, key, store).await;
        if let Some(is_stored) = is_stored {
            self.note_use(self.sampled(Some(&key)), if is_stored { Use::Stored } else { Use::Unstored });
        }
        (key, is_stored.unwrap_or(false))
    }
}

fn with_head(mut head: Vec<u8>, bytes: Vec<u8>) -> Vec<u8> {
    if head.is_empty() {
        return bytes;
    }
    head.extend(bytes);
    head
}

/// Counts an error of the store, which the caller does not see.
fn noted<R>(result: Result<R, Error>) -> Option<R> {
    result.map_err(|error| note(&error)).ok()
}

fn bytes_of(key: impl SharedKey) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(64);
    noted(key.write(&mut bytes)).map(|()| bytes)
}
