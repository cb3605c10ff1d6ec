//! Shared stores by themselves: what each promises, where its processes die or stop, and what its server does to it.
#![cfg(feature = "shared")]

mod durable;
mod files;
mod full;
mod limited;
#[cfg(feature = "memcached")]
mod memcached;
#[cfg(feature = "memcached")]
mod memcached_failures;
mod model;
mod neighbours;
mod power;
mod processes;
#[cfg(feature = "redis")]
mod redis;
#[path = "../shared/mod.rs"]
mod shared;
mod stopped;
mod store;
#[cfg(all(feature = "memcached", feature = "redis"))]
mod undelivered;
