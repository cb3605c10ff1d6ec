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
//! The page of the macro explains [the option](crate::scopes#scope--shared). This page explains stores: how a
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
//!   [`Ticket`]. An entry that is as old as the `ttl`, that was unused for `idle`, or that has a time in the future, is
//!   removed and is a miss.
//! - [`store`](Store::store) makes the new entry the most recent. For room it evicts expired entries first, and then
//!   exactly the least recent ones. The present `maxsize`, which [`resize`](Store::resize) changes, and `max_weight`
//!   are never exceeded. An entry that alone exceeds them is not stored, and the entry that it would have replaced is
//!   removed.
//! - A [`clear`](Store::clear) zeroes the counters of [`info`](Store::info), and lowers none of the totals of
//!   [`summary`](Store::summary).
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
mod events;
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
mod store;
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

#[cfg(feature = "redis")]
pub use self::redis::Redis;
pub use codec::format::Data;
pub use configured::{attach, configure, configure_store, store, stores};
pub use error::{Error, Kind};
#[doc(hidden)]
pub use events::note;
pub use function::advice::advice;
pub use health::{Health, health};
pub use lease::Lease;
#[cfg(all(feature = "shared", target_os = "linux"))]
pub use lmdb::{Embedded, options::Options};
#[cfg(feature = "memcached")]
pub use memcached::Memcached;
pub use memory::Memory;
pub use namespace::{Namespace, fingerprint};
pub use store::{Counts, Entry, Found, Store, StoredEntry, Summary, Ticket};
pub use url::redacted;
