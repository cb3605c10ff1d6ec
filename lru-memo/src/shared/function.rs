//! The calls of a memoized function with `scope = shared`. Generated code calls this module.
//!
//! If the store fails, the error is counted, the function runs, and nothing is stored.

pub(crate) mod advice;
mod bound;
mod change;
mod ledger;
mod lookup;
mod miss;
mod notes;
pub(crate) mod stale;
pub(crate) mod tags;
mod totals;
mod wait;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::TypeId;
use core::sync::atomic::AtomicUsize;

use self::ledger::Ledger;
use self::stale::head;
use super::codec::key::SharedKey;
use super::configured::store_for;
use super::error::Error;
use super::events::note;
use super::identity::Identity;
use super::namespace::Namespace;
use super::near::Near;
use super::task::{self, Caller, at_once};
use super::turns::{Role, SharedTurn, Turns};
use super::undelivered::Mark;
use super::{Store, Ticket};
use crate::bounds;
use crate::cache::lifetime::Lifetime;
use crate::info::{CacheInfo, CacheParameters};
use crate::registry::{self, Reached};
use crate::site::Site;
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
    name: fn() -> &'static str,
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
        // The cache is registered before another thread, or a child that is forked now, can find it.
        registry::register(site, &mut || Box::leak(Box::new(OfInstantiation { caches: self, of })));
        let make = || {
            SharedCache::new(
                site.name,
                bounds::before_use(site.name, site.parameters),
                noted(identity.id((site.name)(), site.parameters.version, of)),
                site.is_tagged,
                self.advise,
            )
        };
        self.caches.get_or_insert(of, make).0
    }
}

impl Default for SharedCaches {
    fn default() -> Self {
        Self::new()
    }
}

/// The cache of one instantiation, which may not be made yet.
struct OfInstantiation {
    caches: &'static SharedCaches,
    of: TypeId,
}

impl OfInstantiation {
    fn cache(&self) -> Option<&'static SharedCache> {
        self.caches.caches.get(self.of)
    }
}

impl Reached for OfInstantiation {
    fn info(&self) -> Option<CacheInfo> {
        self.cache().map(|cache| at_once(cache.by_thread(()).info()))
    }

    fn totals(&self) -> CacheTotals {
        self.cache().map(|cache| at_once(cache.by_thread(()).totals())).unwrap_or_default()
    }

    fn clear(&self) {
        if let Some(cache) = self.cache() {
            at_once(cache.by_thread(()).clear());
        }
    }

    fn resize(&self, _: TypeId, maxsize: usize) {
        if let Some(cache) = self.cache() {
            at_once(cache.by_thread(()).resize(maxsize));
        }
    }

    fn invalidate_tag(&self, _: Fingerprint) {
        if let Some(cache) = self.cache() {
            cache.forget_tags();
        }
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
    run: SharedRun,
}

/// A run. Tells the store of it when it ends, however it ends.
struct SharedRun {
    cache: &'static SharedCache,
    stopwatch: Stopwatch,
}

impl SharedRun {
    /// Notes that the function has returned, and whether there is a value.
    fn end(&mut self, has_value: bool) {
        self.stopwatch.end_in(&self.cache.ledger().runs, has_value);
    }
}

impl Drop for SharedRun {
    fn drop(&mut self) {
        self.stopwatch.drop_in(&self.cache.ledger().runs);
        self.cache.tell_soon();
    }
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
        name: fn() -> &'static str,
        parameters: CacheParameters,
        id: Option<u128>,
        is_tagged: bool,
        advises: bool,
    ) -> Self {
        let CacheParameters { ttl, jitter, stale, .. } = parameters;
        let id = id.map(|id| head::id(id, stale));
        let space = Namespace::new(name(), id.unwrap_or_default())
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
            name,
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
        let Ok(store) = store_for(caller).await else { return (key, None) };
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
}

impl SharedCache {
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
            run: SharedRun { cache: self, stopwatch },
        }
    }

    /// Forgets the runs and the near entries of this process: their values may have a tag that was invalidated.
    pub fn forget_tags(&self) {
        self.turns.outdate_all();
        self.near.iter().for_each(Near::clear);
    }

    /// Returns the counters of the near cache, all zero if there is none.
    #[must_use]
    pub fn near_info(&self) -> CacheInfo {
        let none = || CacheInfo { hits: 0, misses: 0, maxsize: Some(0), currsize: 0 };
        self.near.as_ref().map_or_else(none, Near::info)
    }
}

/// Counts an error of the store, which the caller does not see.
fn noted<R>(result: Result<R, Error>) -> Option<R> {
    result.map_err(|error| note(&error)).ok()
}

fn bytes_of(key: impl SharedKey) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(64);
    noted(key.write(&mut bytes)).map(|()| bytes)
}
