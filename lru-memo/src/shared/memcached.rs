//! A store on Memcached servers.
//!
//! - Each namespace has a directory: an item with the counters and a record of each entry, the most recent last.
//!   Processes change the directory by compare-and-swap. Each entry is an item of its own, written once under a unique
//!   name. So no lost or late item is taken for another entry.
//! - A process remembers the directory that it wrote last, and derives the next one from it. If no other process has
//!   written meanwhile, a hit is one round trip: it reads the value and writes the new directory.
//! - If other processes are faster several times, a lookup is counted in an item beside the directory.
//! - A namespace that may have more than 1,024 entries has no list of them: see `unlisted.rs`.

mod access;
mod bound;
#[cfg(any(test, fuzzing))]
pub(super) mod check;
mod client;
mod connection;
mod directory;
mod index;
mod item;
mod lease;
mod listed;
pub(super) mod listing;
mod names;
mod remembered;
mod server;
mod servers;
mod unlisted;
mod url;
mod watched;
mod wire;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::time::Instant;

use self::access::{Access, Edited};
use self::client::Client;
use self::lease::Leases;
use self::listed::Listed;
use self::names::Counter;
use self::remembered::Remembered;
use self::server::Server;
use self::servers::Servers;
use self::unlisted::Unlisted;
use self::wire::{Answer, Batch};
use super::error::{Error, Kind};
use super::lease::Lease;
use super::namespace::Namespace;
use super::{Counts, Entry, Found, Store, Summary, Ticket};
use crate::totals::CacheTotals;

/// How many timeouts a list of all namespaces may take.
const LISTING: u32 = 10;

/// A store on one or several Memcached servers, version 1.6 or later.
///
/// | URL | servers |
/// |---|---|
/// | `memcached://h1:11211,h2` | by host and port; the default port is 11211 |
/// | `memcached+unix:///run/memcached.sock` | by a socket in the file system |
///
/// Options follow a question mark: `?timeout=1s&lease=5s`.
///
/// | option | meaning |
/// |---|---|
/// | `connect_timeout=200ms` | the time limit for connecting |
/// | `timeout=500ms` | the time limit for each operation as a whole |
/// | `lease=3s` | how long the leases of a killed process last |
/// | `prefix=shop1` | the names of all items begin with this prefix and a colon |
///
/// # Guarantees
/// - A namespace with at most 1,024 entries, or with a bound on the weight, has exact counters and an exact LRU, as
///   long as calls do not overlap and the server keeps its items. If several processes use the namespace at the same
///   moment, counters stay exact, but a lookup gives up updating the recency after eight attempts.
/// - Any other namespace is bounded by the memory of the servers and by their own LRU, and not by `maxsize`. Its
///   counters are exact as long as the server keeps them. Its `currsize` includes entries that the servers have
///   evicted.
/// - An entry that is longer than the server allows is not stored: [`Kind::Full`]. The server's default is 1 MiB
///   (`memcached -I`).
/// - Anybody who can reach the servers can read and change the items. An item that was changed by accident is a miss.
///
/// # Several servers
/// The entries of a namespace are spread over all servers; its directory and counters are on one. If a server is added
/// to the URL or removed from it, only that server's items move. While a server fails, its items are not cached on
/// another one, because processes might not agree on which.
///
/// # Failures
/// After a failure, a server is not asked for a second; each further failure doubles this time, up to ten seconds.
/// Calls during that time fail at once. A caller that waits for a lease asks again every 50 ms or more often.
pub struct Memcached {
    client: Client,
    leases: Arc<Leases>,
}

impl Memcached {
    /// Makes a store of this URL. The first use of the store connects to the servers.
    ///
    /// # Errors
    /// When the URL is not one of Memcached.
    pub fn new(url: &str) -> Result<Self, Error> {
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        if !Self::has_scheme(scheme) {
            let message = "the URL of Memcached begins with `memcached://` or `memcached+unix://`";
            return Err(Error::new(Kind::Url, message));
        }
        let parsed = url::parse(scheme, rest)?;
        let options = parsed.options;
        let server = |(name, address)| Server::new(name, address, options.connect_timeout);
        let servers = Servers::new(parsed.servers.into_iter().map(server).collect());
        let servers = Arc::new(servers.ok_or_else(|| Error::new(Kind::Url, "the URL names no server"))?);
        let leases = Leases::new(Arc::clone(&servers), options.clone());
        Ok(Self { client: Client { servers, options, remembered: Remembered::new() }, leases })
    }

    pub(super) fn has_scheme(scheme: &str) -> bool {
        matches!(scheme, "memcached" | "memcached+unix")
    }

    /// Returns the name of the lease of a key.
    fn lease_of(&self, space: &Namespace, key: &[u8]) -> Result<String, Error> {
        let access = Access::new(&self.client, space);
        Ok(access.items.lease(access.names()?, key))
    }

    fn summary_until(&self, space: &Namespace, until: Instant) -> Result<Summary, Error> {
        let mut access = Access::new(&self.client, space);
        access.until = until;
        bound::summary(&access)
    }

    /// Runs an operation on a namespace, in the variant with or without a list of its entries.
    fn with<R>(
        &self,
        space: &Namespace,
        key: &[u8],
        listed: impl Fn(Listed<'_>) -> Result<R, Error>,
        unlisted: impl Fn(Unlisted<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let mut tried = 0;
        loop {
            let is_listed = bound::is_listed(space);
            let access = Access::new(&self.client, space).expecting(is_listed);
            let done = if is_listed {
                listed(Listed::new(&access, key))
            } else {
                unlisted(Unlisted::new(&access, key))
            };
            tried += 1;
            if done.is_ok() || bound::is_listed(space) == is_listed || tried == bound::KINDS {
                return done;
            }
        }
    }
}

impl core::fmt::Debug for Memcached {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let servers: Vec<&str> = self.client.servers.iter().map(|server| &*server.name).collect();
        f.debug_struct("Memcached").field("servers", &servers).finish_non_exhaustive()
    }
}

impl Store for Memcached {
    fn get(&self, space: &Namespace, key: &[u8]) -> Result<Found, Error> {
        self.with(space, key, |listed| listed.look(true), |unlisted| unlisted.look(true))
    }

    fn get_if_present(&self, space: &Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        match self.with(space, key, |listed| listed.look(false), |unlisted| unlisted.look(false))? {
            Found::Hit(value) => Ok(Some(value)),
            Found::Miss(_) => Ok(None),
        }
    }

    fn count_hit(&self, space: &Namespace) -> Result<(), Error> {
        let access = Access::new(&self.client, space);
        let generation = access.read_or_make()?.generation;
        access.count(generation, Counter::Hits, 1)
    }

    fn reject(&self, space: &Namespace, key: &[u8]) -> Result<Ticket, Error> {
        self.with(space, key, |listed| listed.lost(None, true), |unlisted| unlisted.reject())
    }

    fn hit_to_miss(&self, space: &Namespace, key: &[u8]) -> Result<(), Error> {
        self.with(space, key, |listed| listed.hit_to_miss(), |unlisted| unlisted.hit_to_miss())
    }

    fn ticket(&self, space: &Namespace) -> Result<Ticket, Error> {
        Access::new(&self.client, space).ticket()
    }

    fn is_current(&self, space: &Namespace, key: &[u8], since: Ticket) -> Result<bool, Error> {
        self.with(space, key, |listed| listed.is_current(since), |unlisted| unlisted.is_current(since))
    }

    fn store(&self, space: &Namespace, key: &[u8], entry: Entry<'_>) -> Result<bool, Error> {
        self.with(space, key, |listed| listed.store(entry), |unlisted| unlisted.store(entry))
    }

    fn peek(&self, space: &Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.with(space, key, |listed| listed.peek(), |unlisted| unlisted.peek())
    }

    fn invalidate(&self, space: &Namespace, key: &[u8]) -> Result<bool, Error> {
        self.with(space, key, |listed| listed.invalidate(), |unlisted| unlisted.invalidate())
    }

    fn clear(&self, space: &Namespace) -> Result<(), Error> {
        let access = Access::new(&self.client, space);
        let Some(known) = access.read()? else { return Ok(()) };
        let counts = bound::counts(&access, &known.directory)?;
        access.renew(&known.directory.cleared(counts))?;
        let versions: Vec<u64> = known.directory.records.iter().map(|record| record.version).collect();
        listed::delete(&access, &versions);
        Ok(())
    }

    fn info(&self, space: &Namespace) -> Result<Counts, Error> {
        self.summary(space).map(|summary| summary.counts)
    }

    fn summary(&self, space: &Namespace) -> Result<Summary, Error> {
        self.summary_until(space, Instant::now() + self.client.options.timeout)
    }

    fn count(&self, space: &Namespace, more: &CacheTotals) -> Result<(), Error> {
        Access::new(&self.client, space).change_always(|directory| {
            directory.count(more);
            Edited::written(())
        })
    }

    fn resize(&self, space: &Namespace, maxsize: usize) -> Result<(), Error> {
        bound::resize(&Access::new(&self.client, space), maxsize)
    }

    fn lease(&self, space: &Namespace, key: &[u8]) -> Result<Lease, Error> {
        self.leases.take(self.lease_of(space, key)?)
    }

    fn try_lease(&self, space: &Namespace, key: &[u8]) -> Result<Option<Lease>, Error> {
        self.leases.try_take(self.lease_of(space, key)?)
    }

    fn blocks(&self) -> bool {
        true
    }

    fn namespaces(&self) -> Result<Vec<Summary>, Error> {
        // This may take longer than other operations, because no call of a function waits for it.
        let until = Instant::now() + LISTING * self.client.options.timeout;
        let mut all = Vec::new();
        for server in self.client.servers.iter() {
            let mut batch = Batch::new();
            batch.get(&names::index(&self.client.options.prefix));
            let found = server.exchange(&batch, until)?.pop().unwrap_or(Answer::Missing).value()?;
            let listed = found.and_then(|(bytes, _)| index::decode(&bytes)).unwrap_or_default();
            for summary in listed {
                let Summary { counts, maxsize, totals, .. } =
                    self.summary_until(&summary.namespace(), until)?;
                all.push(Summary { counts, maxsize, totals, ..summary });
            }
        }
        Ok(all)
    }
}
