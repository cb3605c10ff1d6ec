//! What a store of `scope = shared` does, and what goes in and out of it.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::{Error, Kind, Lease, Namespace};
use crate::info::CacheInfo;
use crate::totals::CacheTotals;

/// A store for the entries of `scope = shared`. The [module](super#what-every-store-does) has the rules for all methods.
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

    /// Turns a hit into a miss, and leaves the entry, because the caller has found the value old and computes it anew. A
    /// store that does nothing here counts a hit.
    ///
    /// # Errors
    /// When the store does not work.
    fn hit_to_miss(&self, space: &Namespace, key: &[u8]) -> Result<(), Error> {
        let _ = (space, key);
        Ok(())
    }

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

    /// Returns the counters together with the present bound and the totals.
    ///
    /// # Errors
    /// When the store does not work.
    fn summary(&self, space: &Namespace) -> Result<Summary, Error> {
        Ok(Summary::new(space, self.info(space)?))
    }

    /// Adds what a process has counted to the totals. The store itself counts its hits and misses, and the entries that
    /// left. A clear lowers no total.
    ///
    /// # Errors
    /// When the store does not work.
    fn count(&self, space: &Namespace, more: &CacheTotals) -> Result<(), Error> {
        let _ = (space, more);
        Ok(())
    }

    /// Changes the bound on the number of entries, for all processes, and evicts the least recent entries beyond it.
    /// The bound stays until the namespace is made anew. A clear keeps it. With many entries to evict, the bound is
    /// lowered in steps.
    ///
    /// # Errors
    /// When the store does not work, or has no bounds that change. The last step may then not have been reached.
    fn resize(&self, space: &Namespace, maxsize: usize) -> Result<(), Error> {
        let _ = (space, maxsize);
        Err(Error::new(Kind::Unavailable, "this store cannot change the bound of a function"))
    }

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
    fn recent(&self, space: &Namespace, limit: usize) -> Result<Vec<StoredEntry>, Error> {
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
    pub name: String,
    /// The identity of the function, different for each version of the function.
    pub id: u128,
    /// Its present `maxsize`.
    pub maxsize: Option<usize>,
    /// Its `max_weight`.
    pub max_weight: Option<u64>,
    /// Its `ttl`.
    pub ttl: Option<Duration>,
    /// How long an entry stays that no process uses.
    pub max_idle: Option<Duration>,
    /// Its counters.
    pub counts: Counts,
    /// What all processes have counted since the namespace was made, if the store knows.
    pub totals: Option<CacheTotals>,
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
pub struct StoredEntry {
    /// The key, as the program has written it; [`Data::read_key`](super::Data::read_key) decodes it.
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
            max_idle: space.idle(),
            counts,
            totals: None,
            weight: None,
            bytes: None,
            idle: None,
            error: None,
        }
    }

    /// Returns the counters and the bound, as `f_cache_info` does.
    pub(super) fn info(&self) -> CacheInfo {
        let Counts { hits, misses, currsize } = self.counts;
        CacheInfo { hits, misses, maxsize: self.maxsize, currsize }
    }

    /// Returns the namespace, to look into it or to clear it.
    #[must_use]
    pub fn namespace(&self) -> Namespace {
        let Self { id, maxsize, max_weight, ttl, max_idle, .. } = *self;
        Namespace::found(&self.name, id, maxsize, max_weight, ttl, max_idle)
    }
}
