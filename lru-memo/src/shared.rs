//! The store behind `scope = shared`: one cache, with one set of counters, for all worker processes.
//!
//! ```
//! use lru_memo::{lru_cache, shared};
//!
//! #[lru_cache(maxsize = 2, scope = shared)]
//! fn square(x: u64) -> u64 {
//!     x * x
//! }
//!
//! shared::configure("memory://")?; // for tests; without it, all workers of the program find each other
//! assert_eq!((square(3), square(3)), (9, 9));
//! assert_eq!(square_cache_info().to_string(), "CacheInfo(hits=1, misses=1, maxsize=2, currsize=1)");
//! assert_eq!(shared::health().last_error, None);
//! # Ok::<(), shared::Error>(())
//! ```
//!
//! The page of the macro explains [the option](macro@crate::lru_cache#scope--shared). This page explains stores: how a
//! program chooses one, watches it, and looks into it.
//!
//! # Choosing a store
//!
//! A process has one store for all of its functions. The program chooses the store at start-up by [`configure`]; if it
//! does not, the environment variable `LRU_MEMO_STORE` does. The first call opens the store.
//!
//! | URL | store |
//! |---|---|
//! | none | [`Embedded`], in a directory of this user and this program: in `/dev/shm`, or else among temporary files. On systems other than Linux, nothing is cached |
//! | `file:///dir`, `file:///dir?size=64MiB&timeout=2s` | [`Embedded`], in this directory. The default size is 1 GiB, or less if [memory is short](crate::machines#what-each-promises); the default timeout is 500 ms. With `durable=true`, entries survive a reboot. With `unused=90d`, a namespace that nobody uses is kept for 90 days |
//! | `memcached://h1:11211,h2:11211` | `Memcached`, with the cargo feature `memcached` |
//! | `redis://user:password@host:6379/0`, `unix:///run/redis.sock` | `Redis`, with the cargo feature `redis` |
//! | `redis://h1,h2,h3`, `redis://h1?cluster=true` | `Redis`, a cluster: some of its nodes, which name the others |
//! | `redis://h1:26379,h2:26379?sentinel=mymaster` | `Redis`, the primary that these sentinels name |
//! | `rediss://user:password@host` | `Redis` over TLS, with the cargo feature `redis-tls` |
//! | `memory://` | [`Memory`]: this process only, for tests |
//!
//! If several deployments use one server, `?prefix=shop1` [keeps them apart](crate::machines#running-it).
//!
//! [The page on machines](crate::machines) compares the stores: what each is for, promises and costs, and how each
//! behaves when it fails. [`configure_store`] takes a [`Store`] of your own.
//!
//! # When a store fails
//!
//! A failing store never fails the caller: the function runs, and [`health`](health()) reports the error.
//!
//! # Looking into a store
//!
//! A [`Namespace`] holds the entries and counters of one function. [`store`](store()) returns the store of this
//! process. [`attach`] opens the store of other processes, and [`stores`] lists those in the default place.
//! [`Store::namespaces`] lists the namespaces of a store. [`Summary::namespace`] returns one for the other methods.
//! [`Data`] decodes keys and values. The command `lru-memo` is made of these functions.
//!
//! ```
//! use lru_memo::shared::{self, Error};
//!
//! # #[lru_memo::lru_cache(scope = shared)]
//! # fn square(x: u64) -> u64 {
//! #     x * x
//! # }
//! # shared::configure("memory://")?;
//! # square(3);
//! for summary in shared::store()?.namespaces()? {
//!     println!("{}: {} hits", summary.name, summary.counts.hits);
//!     shared::store()?.clear(&summary.namespace())?;
//! }
//! # assert_eq!(square_cache_info().misses, 0);
//! # Ok::<(), Error>(())
//! ```
//!
//! # What every store does
//!
//! This section is for authors of stores; [`Memory`] is the simplest example. Each method of [`Store`] is atomic, and
//! any thread of any process may call it. All stores follow these rules:
//!
//! - [`get`](Store::get) counts a hit and makes the entry the most recent, or counts a miss and returns a
//!   [`Ticket`]. An entry that is as old as the `ttl`, or that has a time in the future, is removed and is a miss.
//! - [`store`](Store::store) makes the new entry the most recent. For room it evicts expired entries first, and then
//!   exactly the least recent ones. `maxsize` and `max_weight` are never exceeded. An entry that alone exceeds them is
//!   not stored, and the entry that it would have replaced is removed.
//! - Nothing is stored with a [`Ticket`] from before a clear of its namespace or an invalidation of its key.
//! - Keys are compared in full. Keys and values are any bytes, of any length. Without room for them, the store returns
//!   [`Kind::Full`].

#[cfg(any(feature = "memcached", feature = "redis", all(feature = "shared", target_os = "linux")))]
mod breaker;
mod build;
pub(crate) mod codec;
mod configured;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod decoders;
mod error;
pub(crate) mod function;
mod hash;
mod health;
pub(crate) mod identity;
mod lease;
#[cfg(all(feature = "shared", target_os = "linux"))]
mod lmdb;
#[cfg(feature = "memcached")]
mod memcached;
mod memory;
mod namespace;
mod near;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "memcached", feature = "redis"))]
mod remote;
pub(crate) mod task;
mod turns;
mod undelivered;
mod unique;
#[cfg_attr(
    not(all(feature = "shared", feature = "memcached")),
    allow(dead_code, reason = "not every store has options of every kind")
)]
mod url;
#[cfg(any(feature = "memcached", feature = "redis", all(feature = "shared", target_os = "linux")))]
mod wall;

use alloc::vec::Vec;
use core::time::Duration;

#[cfg(feature = "redis")]
pub use self::redis::Redis;
pub use codec::format::Data;
pub use configured::{attach, configure, configure_store, redacted, store, stores};
pub use error::{Error, Kind};
#[doc(hidden)]
pub use health::note;
pub use health::{Health, health};
pub use lease::Lease;
#[cfg(all(feature = "shared", target_os = "linux"))]
pub use lmdb::{Embedded, Options};
#[cfg(feature = "memcached")]
pub use memcached::Memcached;
pub use memory::Memory;
pub use namespace::{Namespace, fingerprint};

/// A store for the entries of `scope = shared`. The [module](self#what-every-store-does) has the rules for all methods.
///
/// No method runs user code. Only [`lease`](Self::lease) waits for the memoized function; all others wait for other
/// methods of the store at most.
pub trait Store: Send + Sync {
    /// Looks up a key for a call of the function, and counts a hit or a miss.
    ///
    /// # Errors
    /// When the store does not work: the caller then runs the function and stores nothing.
    fn get(&self, space: &Namespace, key: &[u8]) -> Result<Found, Error>;

    /// Like [`get`](Self::get), but counts no miss: the caller then waits for its turn and looks the key up again.
    ///
    /// # Errors
    /// When the store does not work.
    fn get_if_present(&self, space: &Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Counts a hit for a caller that has waited for a value which could not be stored.
    ///
    /// # Errors
    /// When the store does not work.
    fn count_hit(&self, space: &Namespace) -> Result<(), Error>;

    /// Turns a hit into a miss, and removes the entry, because the caller could not decode the value.
    ///
    /// # Errors
    /// When the store does not work.
    fn reject(&self, space: &Namespace, key: &[u8]) -> Result<Ticket, Error>;

    /// Returns a ticket for a run that counts neither as a hit nor as a miss.
    ///
    /// # Errors
    /// When the store does not work.
    fn ticket(&self, space: &Namespace) -> Result<Ticket, Error>;

    /// Returns whether the key was neither cleared nor invalidated since the ticket was issued. If so, callers that
    /// have waited for the run get its value, even if the value was not stored. If not, these callers compute the value
    /// again.
    ///
    /// # Errors
    /// When the store does not work.
    fn is_current(&self, space: &Namespace, key: &[u8], since: Ticket) -> Result<bool, Error> {
        let _ = key;
        Ok(self.ticket(space)? == since)
    }

    /// Stores an entry, and returns whether the entry is stored.
    ///
    /// # Errors
    /// When the store does not work or has no room. Nothing is stored then.
    fn store(&self, space: &Namespace, key: &[u8], entry: Entry<'_>) -> Result<bool, Error>;

    /// Returns the value of a key. Changes neither recency nor counters.
    ///
    /// # Errors
    /// When the store does not work.
    fn peek(&self, space: &Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Removes an entry, and returns whether there was one. A value of the key that is being computed will not be
    /// stored.
    ///
    /// # Errors
    /// When the store does not work.
    fn invalidate(&self, space: &Namespace, key: &[u8]) -> Result<bool, Error>;

    /// Removes all entries and zeroes the counters. Values that are being computed will not be stored.
    ///
    /// # Errors
    /// When the store does not work.
    fn clear(&self, space: &Namespace) -> Result<(), Error>;

    /// Returns the counters.
    ///
    /// # Errors
    /// When the store does not work.
    fn info(&self, space: &Namespace) -> Result<Counts, Error>;

    /// Waits until no other thread of any process computes the key, and returns the right to compute it. The right ends
    /// when the lease is dropped or its process dies. Not reentrant.
    ///
    /// # Errors
    /// When the store does not work.
    fn lease(&self, space: &Namespace, key: &[u8]) -> Result<Lease, Error>;

    /// Like [`lease`](Self::lease), but returns `None` instead of waiting.
    ///
    /// # Errors
    /// When the store does not work.
    fn try_lease(&self, space: &Namespace, key: &[u8]) -> Result<Option<Lease>, Error>;

    /// Whether methods may block the thread, for example to wait for a server. An `async fn` then calls them on another
    /// thread.
    fn blocks(&self) -> bool {
        false
    }

    /// Like [`blocks`](Self::blocks), for the methods that remove and overwrite. The other methods of such a store
    /// rarely block, and fail instead on the thread of a task.
    #[doc(hidden)]
    fn blocks_to_change(&self) -> bool {
        self.blocks()
    }

    /// Returns all namespaces in the store, in no particular order.
    ///
    /// # Errors
    /// When the store does not work.
    fn namespaces(&self) -> Result<Vec<Summary>, Error>;

    /// Returns at most `limit` entries, the most recent first, or no entries if the store does not know the order.
    /// Changes neither recency nor counters.
    ///
    /// # Errors
    /// When the store does not work.
    fn recent(&self, space: &Namespace, limit: usize) -> Result<Vec<Held>, Error> {
        let _ = (space, limit);
        Ok(Vec::new())
    }
}

/// The result of a lookup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A hit, with the value.
    Hit(Vec<u8>),
    /// A miss, with the ticket for storing the value that the caller now computes.
    Miss(Ticket),
}

/// The moment at which a run began, on the store's own scale. The store compares it with later clears and
/// invalidations. Only the store interprets the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// By custom, how often the namespace had been cleared.
    pub generation: u64,
    /// By custom, how many keys of it had been invalidated.
    pub sequence: u64,
}

/// A value to be stored under a key.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The value.
    pub value: &'a [u8],
    /// The weight of the entry. Used only with a `max_weight`.
    pub weight: u64,
    /// When the run that computed the value began. `None` for a value that the program has put.
    pub computed_since: Option<Ticket>,
    /// Whether the entry replaces an existing one. If not, an existing entry stays, with its recency.
    pub replace: bool,
    /// How old the entry counts as when it is stored. It expires so much earlier than the namespace's `ttl` says.
    pub age: Duration,
}

/// The counters of one namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Lookups that found an entry.
    pub hits: u64,
    /// Lookups that did not.
    pub misses: u64,
    /// The number of entries.
    pub currsize: usize,
}

/// A namespace that was found in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The name of the function.
    pub name: alloc::string::String,
    /// The identity of the function, different for each version of the function.
    pub id: u128,
    /// Its `maxsize`.
    pub maxsize: Option<usize>,
    /// Its `max_weight`.
    pub max_weight: Option<u64>,
    /// Its `ttl`.
    pub ttl: Option<Duration>,
    /// Its counters.
    pub counts: Counts,
    /// The sum of the weights of its entries, if the store knows.
    pub weight: Option<u64>,
    /// About how many bytes its entries take, if the store knows.
    pub bytes: Option<u64>,
    /// The time since the last use, to the minute, if the store knows.
    pub idle: Option<Duration>,
    /// Why the namespace cannot be read. The other fields then hold as much as could be read.
    pub error: Option<Error>,
}

/// An entry that was found in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Held {
    /// The key, as the program has written it; [`Data::read_key`] decodes it.
    pub key: Vec<u8>,
    /// The length of the value.
    pub value_bytes: u64,
    /// Its weight.
    pub weight: u64,
    /// How long ago it was stored.
    pub age: Duration,
}

impl Summary {
    /// Makes a summary with these counters. For implementations of [`Store`].
    #[must_use]
    pub fn new(space: &Namespace, counts: Counts) -> Self {
        Self {
            name: space.name().into(),
            id: space.id(),
            maxsize: space.maxsize(),
            max_weight: space.max_weight(),
            ttl: space.ttl(),
            counts,
            weight: None,
            bytes: None,
            idle: None,
            error: None,
        }
    }

    /// Returns the namespace, to look into it or to clear it.
    #[must_use]
    pub fn namespace(&self) -> Namespace {
        Namespace::found(self)
    }
}
