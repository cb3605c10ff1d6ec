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
//! What the option means for a function is told [where the option is](macro@crate::lru_cache#scope--shared); here is
//! what a program has to do with stores.
//!
//! # Choosing a store
//!
//! A process has one store for all of its functions. It is chosen when the program starts, by [`configure`], or else by
//! the environment variable `LRU_MEMO_STORE`, and opened when it is first used:
//!
//! | URL | store |
//! |---|---|
//! | none | [`Embedded`], in a directory of this user and this program: in `/dev/shm`, or else among temporary files. Off Linux, nothing is cached |
//! | `file:///dir`, `file:///dir?size=64MiB&timeout=2s` | [`Embedded`], in this directory; without a `size`, 1 GiB or less, as [memory allows](crate::machines#what-each-promises), 500 ms without a `timeout`. `durable=true` has it survive a reboot, and `unused=90d` keeps for so long what is not used |
//! | `memcached://h1:11211,h2:11211` | `Memcached`, with the cargo feature `memcached` |
//! | `redis://user:password@host:6379/0`, `unix:///run/redis.sock` | `Redis`, with the cargo feature `redis` |
//! | `redis://h1,h2,h3`, `redis://h1?cluster=true` | `Redis`, a cluster: nodes that tell of the others |
//! | `redis://h1:26379,h2:26379?sentinel=mymaster` | `Redis`, the primary that the sentinels know |
//! | `rediss://user:password@host` | `Redis` over TLS, with the cargo feature `redis-tls` |
//! | `memory://` | [`Memory`]: this process only, for tests |
//!
//! Where several deployments use one server, `?prefix=shop1` [keeps them apart](crate::machines#running-it).
//!
//! [Which one is for what](crate::machines), and what each promises, costs and does when it fails. [`configure_store`] takes a [`Store`] of your own.
//!
//! # When it does not work
//!
//! A store that fails never fails the caller: the function runs, and [`health`](health()) tells what was wrong.
//!
//! # Looking at it
//!
//! A [`Namespace`] is what one function has in a store. [`store`](store()) is the store of this process; [`attach`]
//! opens that of others, of which [`stores`] finds those in the default place. [`Store::namespaces`] lists what is in
//! one, and [`Summary::namespace`] is what its other methods take. [`Data`] tells what keys and values hold. That is how the
//! command `lru-memo` works.
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
//! This is for those who write one; [`Memory`] does it in the simplest way. What follows holds for each method of
//! [`Store`], which is atomic and may be called by any thread of any process.
//!
//! - [`get`](Store::get) counts a hit and makes the entry the most recent, or counts a miss and hands out a
//!   [`Ticket`]. An entry that has reached the age `ttl`, or was stored in the future, is a miss and goes.
//! - [`store`](Store::store) makes room, the expired first and then exactly the least recent entries, and stores the
//!   entry as the most recent. `maxsize` and `max_weight` are never exceeded. An entry that alone exceeds them is
//!   not stored; what it was to replace goes.
//! - Nothing is stored with a [`Ticket`] from before a clear of its namespace or an invalidation of its key.
//! - Keys are compared in full. Keys and values are any bytes, of any length; where the store has no room for them, that
//!   is an error, [`Kind::Full`].

#[cfg(any(feature = "memcached", feature = "redis", all(feature = "shared", target_os = "linux")))]
mod breaker;
mod build;
mod configured;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod decoders;
mod error;
mod format;
pub(crate) mod function;
#[cfg(any(feature = "memcached", all(feature = "shared", target_os = "linux")))]
mod hash;
mod health;
pub(crate) mod identity;
pub(crate) mod key;
mod lease;
#[cfg(all(feature = "shared", target_os = "linux"))]
mod lmdb;
#[cfg(feature = "memcached")]
mod memcached;
mod memory;
mod namespace;
mod near;
#[cfg(any(feature = "memcached", feature = "redis"))]
mod pool;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "memcached", feature = "redis"))]
mod socket;
pub(crate) mod task;
mod turns;
mod undelivered;
mod unique;
#[cfg_attr(
    not(all(feature = "shared", feature = "memcached")),
    allow(dead_code, reason = "not every store has options of every kind")
)]
mod url;
pub(crate) mod value;
mod wall;

use alloc::vec::Vec;
use core::time::Duration;

#[cfg(feature = "redis")]
pub use self::redis::Redis;
pub use configured::{attach, configure, configure_store, redacted, store, stores};
pub use error::{Error, Kind};
pub use format::Data;
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

/// Where the entries of `scope = shared` are kept. See the [module](self) for what all methods have in common.
///
/// None of them runs user code, and none but [`lease`](Self::lease) waits for more than other methods of the store.
pub trait Store: Send + Sync {
    /// Looks a key up for a call of the function.
    ///
    /// # Errors
    /// When the store does not work; the function is to be run, and nothing to be stored.
    fn get(&self, space: &Namespace, key: &[u8]) -> Result<Found, Error>;

    /// As [`get`](Self::get), but what is not there is not counted: for callers that then wait for their turn, and
    /// ask again.
    ///
    /// # Errors
    /// When the store does not work.
    fn hit(&self, space: &Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Counts a hit of a caller who has waited for a value that then could not be stored.
    ///
    /// # Errors
    /// When the store does not work.
    fn count_hit(&self, space: &Namespace) -> Result<(), Error>;

    /// Takes back a hit whose value could not be decoded: it becomes a miss, and the entry goes.
    ///
    /// # Errors
    /// When the store does not work.
    fn reject(&self, space: &Namespace, key: &[u8]) -> Result<Ticket, Error>;

    /// A ticket for a computation that counts neither as hit nor as miss.
    ///
    /// # Errors
    /// When the store does not work.
    fn ticket(&self, space: &Namespace) -> Result<Ticket, Error>;

    /// Whether the key was neither cleared nor invalidated since a ticket was handed out: then those who have waited for
    /// what was computed meanwhile may have it, also if it was not stored. To say no makes them compute it anew.
    ///
    /// # Errors
    /// When the store does not work.
    fn is_current(&self, space: &Namespace, key: &[u8], since: Ticket) -> Result<bool, Error> {
        let _ = key;
        Ok(self.ticket(space)? == since)
    }

    /// Stores an entry; says whether it did.
    ///
    /// # Errors
    /// When the store does not work or has no room; nothing is stored.
    fn store(&self, space: &Namespace, key: &[u8], entry: Entry<'_>) -> Result<bool, Error>;

    /// The value of a key; touches neither recency nor counters.
    ///
    /// # Errors
    /// When the store does not work.
    fn peek(&self, space: &Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Removes an entry; says whether it was there. What is being computed for the key will not be stored.
    ///
    /// # Errors
    /// When the store does not work.
    fn invalidate(&self, space: &Namespace, key: &[u8]) -> Result<bool, Error>;

    /// Removes all entries and zeroes the counters. What is being computed will not be stored.
    ///
    /// # Errors
    /// When the store does not work.
    fn clear(&self, space: &Namespace) -> Result<(), Error>;

    /// The counters.
    ///
    /// # Errors
    /// When the store does not work.
    fn info(&self, space: &Namespace) -> Result<Counts, Error>;

    /// Waits until this caller, alone among all threads of all processes, may compute the key. Its turn ends when the
    /// lease is dropped, or its process dies. Not reentrant.
    ///
    /// # Errors
    /// When the store does not work.
    fn lease(&self, space: &Namespace, key: &[u8]) -> Result<Lease, Error>;

    /// As [`lease`](Self::lease), without waiting: `None` when it is somebody else's turn.
    ///
    /// # Errors
    /// When the store does not work.
    fn try_lease(&self, space: &Namespace, key: &[u8]) -> Result<Option<Lease>, Error>;

    /// Whether its methods wait for others, such as servers: then an `async fn` leaves them to another thread.
    fn blocks(&self) -> bool {
        false
    }

    /// As [`blocks`](Self::blocks), for the methods that remove and overwrite. A store may have others that wait only
    /// now and then, and do not where that is the thread of a task.
    #[doc(hidden)]
    fn blocks_to_change(&self) -> bool {
        self.blocks()
    }

    /// All namespaces in the store, in no particular order.
    ///
    /// # Errors
    /// When the store does not work.
    fn namespaces(&self) -> Result<Vec<Summary>, Error>;

    /// The entries that were used last, at most so many, the latest first; touches neither recency nor counters. None
    /// where the store cannot tell.
    ///
    /// # Errors
    /// When the store does not work.
    fn recent(&self, space: &Namespace, limit: usize) -> Result<Vec<Held>, Error> {
        let _ = (space, limit);
        Ok(Vec::new())
    }
}

/// What a lookup came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A hit, and the value.
    Hit(Vec<u8>),
    /// A miss, and what the value that is now computed is to be stored with.
    Miss(Ticket),
}

/// When a computation began, as the store sees it: it tells by it what was cleared or invalidated since. What the
/// numbers mean is the store's own affair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// By custom, how often the namespace had been cleared.
    pub generation: u64,
    /// By custom, how many keys of it had been invalidated.
    pub sequence: u64,
}

/// What is to be stored under a key.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The value.
    pub value: &'a [u8],
    /// Its weight; of no concern without a `max_weight`.
    pub weight: u64,
    /// When its computation began; a value that was put by hand has no ticket.
    pub computed_since: Option<Ticket>,
    /// Whether it replaces an entry that is there. If not, that one stays as it is, with its recency.
    pub replace: bool,
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

/// A namespace as found in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The name of the function.
    pub name: alloc::string::String,
    /// Tells functions, and versions of a function, apart.
    pub id: u128,
    /// Its `maxsize`.
    pub maxsize: Option<usize>,
    /// Its `max_weight`.
    pub max_weight: Option<u64>,
    /// Its `ttl`.
    pub ttl: Option<Duration>,
    /// Its counters.
    pub counts: Counts,
    /// The sum of the weights of its entries, if the store knows it.
    pub weight: Option<u64>,
    /// About how many bytes its entries take, if the store knows it.
    pub bytes: Option<u64>,
    /// How long it was not used, to the minute, if the store knows it.
    pub idle: Option<Duration>,
    /// Why it cannot be read, if it cannot: what else is here is what could be.
    pub error: Option<Error>,
}

/// An entry as found in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Held {
    /// The key, as the program has written it; [`Data::read_key`] tells what it holds.
    pub key: Vec<u8>,
    /// The length of the value.
    pub value_bytes: u64,
    /// Its weight.
    pub weight: u64,
    /// How long ago it was stored.
    pub age: Duration,
}

impl Summary {
    /// For implementations of [`Store`].
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

    /// The namespace itself, to look into it or to clear it.
    #[must_use]
    pub fn namespace(&self) -> Namespace {
        Namespace::found(self)
    }
}
