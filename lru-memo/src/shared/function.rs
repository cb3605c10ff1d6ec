//! One memoized function on the store: what the generated functions call.
//!
//! Whatever is wrong with the store, the caller's function runs: the error is counted, and nothing is stored.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::any::TypeId;
use core::fmt::Display;
use core::future::Future;

use once_cell::race::OnceBox;

use super::error::Error;
use super::health::note;
use super::key::SharedKey;
use super::namespace::{Namespace, fingerprint};
use super::turns::{Joined, Turn, Turns, Waited};
use super::value::Codec;
use super::{Counts, Entry, Found, Store, Ticket, store};
use crate::fork::{self, Forkable};
use crate::info::CacheInfo;
use crate::outcome::Outcome;
use crate::registry::{self, Site};

/// Tells what this version writes from what others do.
const FORMAT: &[u8] = b"2";

/// A memoized function on the store of this process; or all instantiations of a generic one. Nothing in here ever
/// blocks.
pub struct SharedCaches(OnceBox<SharedCache>);

/// A memoized function, or one instantiation of it, on the store of this process.
pub struct SharedCache {
    of: TypeId,
    space: Namespace,
    turns: Turns,
    next: SharedCaches,
}

/// Tells a function from what it was before it was changed: a hash of its tokens, and the names of its types.
#[must_use]
pub fn identity(tokens: u128, types: &[&dyn Display]) -> u128 {
    let types: Vec<_> = types.iter().map(ToString::to_string).collect();
    let tokens = tokens.to_le_bytes();
    let parts: Vec<&[u8]> =
        [&tokens[..]].into_iter().chain(types.iter().map(|name| name.as_bytes())).collect();
    fingerprint(&parts)
}

impl SharedCaches {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(OnceBox::new())
    }

    /// The cache of this instantiation; it is made and registered when it is not there.
    #[inline]
    pub fn of(
        &'static self,
        of: TypeId,
        site: impl FnOnce() -> Site,
        identity: impl FnOnce() -> u128,
    ) -> &'static SharedCache {
        let mut caches = self;
        while let Some(cache) = caches.0.get() {
            if cache.of == of {
                return cache;
            }
            caches = &cache.next;
        }
        caches.add(of, site(), identity())
    }

    #[cold]
    fn add(&'static self, of: TypeId, site: Site, identity: u128) -> &'static SharedCache {
        let (name, parameters) = ((site.name)(), site.parameters);
        let version = parameters.version.to_le_bytes();
        let id = fingerprint(&[FORMAT, name.as_bytes(), &identity.to_le_bytes(), &version]);
        let mut caches = self;
        loop {
            let mut is_first = false;
            let publish = || {
                let space = Namespace::new(name, id)
                    .with_maxsize(parameters.maxsize)
                    .with_max_weight(parameters.max_weight.map(|weight| weight as u64))
                    .with_ttl(parameters.ttl);
                let made = SharedCache { of, space, turns: Turns::new(), next: Self::new() };
                is_first = caches.0.set(Box::new(made)).is_ok();
                caches.0.get().filter(|_| is_first).map(|cache| &cache.turns as &dyn Forkable)
            };
            // SAFETY: all threads use it.
            unsafe { fork::register(publish) };
            let cache = caches.0.get().expect("it was set just now, if not before");
            if is_first {
                registry::register(site);
            }
            if cache.of == of {
                return cache;
            }
            caches = &cache.next;
        }
    }
}

impl Default for SharedCaches {
    fn default() -> Self {
        Self::new()
    }
}

/// A lookup that found nothing: run the function and complete this.
#[must_use]
pub struct SharedMiss {
    cache: &'static SharedCache,
    /// What is to be stored with; not when the store did not work.
    stored: Option<(Vec<u8>, Ticket)>,
    replace: bool,
    turn: Option<Turn>,
}

/// What the caller of a key is to do that was not found, where callers wait for each other.
#[must_use]
#[expect(private_interfaces, reason = "a turn is the business of this module")]
pub enum SharedPending {
    /// Run the function.
    Run(SharedMiss),
    /// Have a turn first.
    Join(&'static SharedCache, Vec<u8>, Joined),
}

impl SharedCache {
    /// Asks the store. What goes wrong is counted.
    fn ask<R>(&self, question: impl FnOnce(&dyn Store, &Namespace) -> Result<R, Error>) -> Option<R> {
        // That it could not be opened was counted then.
        let store = store().ok()?;
        noted(question(store, &self.space))
    }

    /// Looks a key up for a call of the function, and counts.
    ///
    /// # Errors
    /// A miss.
    pub fn get<V>(&'static self, key: impl SharedKey, codec: Codec<V>) -> Result<V, SharedMiss> {
        let Some(key) = bytes_of(key) else { return Err(self.miss(None)) };
        self.get_bytes(key, codec)
    }

    fn get_bytes<V>(&'static self, key: Vec<u8>, codec: Codec<V>) -> Result<V, SharedMiss> {
        match self.ask(|store, space| store.get(space, &key)) {
            Some(Found::Hit(bytes)) => self.decode(key, &bytes, codec),
            Some(Found::Miss(ticket)) => Err(self.miss(Some((key, ticket)))),
            None => Err(self.miss(None)),
        }
    }

    /// The value of what was found; what cannot be understood becomes a miss.
    fn decode<V>(&'static self, key: Vec<u8>, bytes: &[u8], codec: Codec<V>) -> Result<V, SharedMiss> {
        (codec.decode)(bytes).ok_or_else(|| {
            let ticket = self.ask(|store, space| store.reject(space, &key));
            self.miss(ticket.map(|ticket| (key, ticket)))
        })
    }

    fn miss(&'static self, stored: Option<(Vec<u8>, Ticket)>) -> SharedMiss {
        SharedMiss { cache: self, stored, replace: self.space.maxsize().is_none(), turn: None }
    }

    /// Looks a key up whose callers wait for each other.
    ///
    /// # Errors
    /// What to do when it was not found.
    pub fn get_or_join<V>(&'static self, key: impl SharedKey, codec: Codec<V>) -> Result<V, SharedPending> {
        let Some(key) = bytes_of(key) else { return Err(SharedPending::Run(self.miss(None))) };
        match self.ask(|store, space| store.hit(space, &key)).flatten() {
            Some(bytes) => self.decode(key, &bytes, codec).map_err(SharedPending::Run),
            None => {
                let joined = self.turns.join(&key);
                Err(SharedPending::Join(self, key, joined))
            }
        }
    }

    /// The value of a key, counting and moving nothing.
    pub fn peek<V>(&self, key: impl SharedKey, codec: Codec<V>) -> Option<V> {
        let key = bytes_of(key)?;
        let bytes = self.ask(|store, space| store.peek(space, &key)).flatten()?;
        (codec.decode)(&bytes)
    }

    /// Removes a key, and keeps what is being computed for it from being stored. Says whether it was there.
    pub fn invalidate(&self, key: impl SharedKey) -> bool {
        let removed = bytes_of(key).and_then(|key| self.ask(|store, space| store.invalidate(space, &key)));
        removed.unwrap_or(false)
    }

    /// Stores a value as the most recent, replacing an older one; counts nothing.
    pub fn put<V>(&self, key: impl SharedKey, value: V, codec: Codec<V>) {
        if let Some(key) = bytes_of(key) {
            self.store(&key, &value, codec, None, true);
        }
    }

    fn store<V>(&self, key: &[u8], value: &V, codec: Codec<V>, ticket: Option<Ticket>, replace: bool) {
        let Some(value) = noted((codec.encode)(value)) else { return };
        let weight = (key.len() + value.len()) as u64;
        let entry = Entry { value: &value, weight, computed_since: ticket, replace };
        self.ask(|store, space| store.store(space, key, entry));
    }

    /// Begins to recompute a value for `_refresh`: counts nothing, finds nothing.
    pub fn refresh(&'static self, key: impl SharedKey) -> SharedMiss {
        let stored = bytes_of(key).and_then(|key| Some((key, self.ask(|store, space| store.ticket(space))?)));
        SharedMiss { replace: true, ..self.miss(stored) }
    }

    /// The counters; zeros when the store does not work.
    #[must_use]
    pub fn info(&self) -> CacheInfo {
        let Counts { hits, misses, currsize } =
            self.ask(|store, space| store.info(space)).unwrap_or_default();
        CacheInfo { hits, misses, maxsize: self.space.maxsize(), currsize }
    }

    /// Removes every entry and zeroes the counters.
    pub fn clear(&self) {
        self.ask(|store, space| store.clear(space));
    }
}

impl SharedPending {
    /// Waits on this thread.
    ///
    /// # Errors
    /// A miss, when the caller is the one to run the function.
    pub fn block<V>(self, codec: Codec<V>) -> Result<V, SharedMiss> {
        match self {
            Self::Run(miss) => Err(miss),
            Self::Join(cache, key, Joined::Within) => cache.get_bytes(key, codec),
            Self::Join(cache, key, Joined::Turn(turn)) => cache.take_turn(key, codec, turn),
            Self::Join(cache, key, Joined::Wait(seat)) => match seat.block() {
                Waited::Turn(turn) => cache.take_turn(key, codec, turn),
                Waited::Value(bytes) => cache.waited(key, codec, &bytes),
            },
        }
    }

    /// Waits as a task.
    ///
    /// # Errors
    /// A miss, when the caller is the one to run the function.
    pub async fn wait<V>(self, codec: Codec<V>) -> Result<V, SharedMiss> {
        match self {
            Self::Run(miss) => Err(miss),
            Self::Join(cache, key, Joined::Within) => cache.get_bytes(key, codec),
            Self::Join(cache, key, Joined::Turn(turn)) => cache.take_turn_as_task(key, codec, turn).await,
            Self::Join(cache, key, Joined::Wait(seat)) => match seat.wait().await {
                Waited::Turn(turn) => cache.take_turn_as_task(key, codec, turn).await,
                Waited::Value(bytes) => cache.waited(key, codec, &bytes),
            },
        }
    }
}

impl SharedCache {
    fn take_turn<V>(&'static self, key: Vec<u8>, codec: Codec<V>, mut turn: Turn) -> Result<V, SharedMiss> {
        noted(turn.lease(&self.space));
        // Another process may have computed it.
        self.get_bytes(key, codec).map_err(|miss| SharedMiss { turn: Some(turn), ..miss })
    }

    async fn take_turn_as_task<V>(
        &'static self,
        key: Vec<u8>,
        codec: Codec<V>,
        mut turn: Turn,
    ) -> Result<V, SharedMiss> {
        noted(turn.lease_as_task(&self.space).await);
        self.get_bytes(key, codec).map_err(|miss| SharedMiss { turn: Some(turn), ..miss })
    }

    /// Counts the hit of one who has waited; where the value could not be stored, a miss.
    fn waited<V>(&'static self, key: Vec<u8>, codec: Codec<V>, bytes: &[u8]) -> Result<V, SharedMiss> {
        self.get_bytes(key, codec).or_else(|miss| (codec.decode)(bytes).ok_or(miss))
    }
}

impl SharedMiss {
    /// Marks the calling thread as the one that computes the key, as long as the function runs.
    pub fn enter(&mut self) -> impl Sized + '_ {
        self.turn.as_mut().and_then(Turn::enter)
    }

    /// Like [`enter`](Self::enter), for an `async fn`.
    pub async fn inside<F: Future>(&mut self, body: F) -> F::Output {
        match &mut self.turn {
            Some(turn) => turn.inside(body).await,
            None => body.await,
        }
    }

    /// Stores the value of what a call has returned, if it has one and its key was not cleared or invalidated
    /// meanwhile.
    pub fn complete<Kind, R: Outcome<Kind>>(
        mut self,
        outcome: R,
        codec: Codec<R::Value>,
        admits: impl FnOnce(&R::Value) -> bool,
    ) -> R {
        let Some(value) = outcome.value() else { return outcome };
        // The user's code that is run for storing may call the function again, and must not wait for itself.
        let mut turn = self.turn.take();
        {
            let _inside = turn.as_mut().map(Turn::enter);
            if let Some((key, ticket)) = self.stored.filter(|_| admits(value)) {
                self.cache.store(&key, value, codec, Some(ticket), self.replace);
            }
        }
        if let Some(turn) = turn {
            turn.land(|| noted((codec.encode)(value)));
        }
        outcome
    }
}

/// Counts an error that a caller is spared.
fn noted<R>(result: Result<R, Error>) -> Option<R> {
    result.map_err(|error| note(&error)).ok()
}

fn bytes_of(key: impl SharedKey) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(64);
    noted(key.write(&mut bytes)).map(|()| bytes)
}
