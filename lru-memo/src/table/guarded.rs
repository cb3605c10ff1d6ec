//! The table's own part of what its lock protects.

use crate::table::bias::Biased;
use crate::table::front::Parts;
use crate::table::limbo::Limbo;
use crate::table::locked::Locked;
use crate::table::lru::{Limits, Lru};
use crate::table::readers::{List, SeenEnds};
use crate::table::recency::Order;
use crate::table::seldom::{Seldom, SeldomShared};
use crate::table::threading::Threading;

/// The table's own part of what its lock protects.
#[allow(unreachable_pub, reason = "older Rust does not see that it can be reached")]
pub struct Guarded<T: Threading> {
    pub(super) lru: Lru,
    pub(super) seldom: T::Seldom<Rest>,
    pub(super) readers: List,
}

/// What a small table needs only once an entry leaves, or another thread comes.
#[derive(Default)]
pub(crate) struct Rest {
    pub(super) order: Order,
    pub(super) limbo: Limbo,
    /// How many entries were evicted.
    pub(super) evictions: u64,
    /// How many entries were removed because they had expired.
    pub(super) expirations: u64,
    /// The hits and misses of freed readers.
    of_freed: (u64, u64),
    pub(super) seen_ends: SeenEnds,
}

impl<T: Threading> Guarded<T> {
    pub(super) fn new(limits: Limits) -> Self {
        Self { lru: Lru::new(limits), seldom: T::Seldom::new(), readers: List::default() }
    }

    /// Returns the number of all hits, and that of all misses. The readers are those of the table.
    pub(super) fn counts(&self, readers: &T::Readers) -> (u64, u64) {
        let of_freed = self.seldom.get().map_or((0, 0), |rest| rest.of_freed);
        T::all(readers, &self.readers).map(Locked::counts).fold(of_freed, add)
    }

    /// Frees the readers of ended threads. The arguments are parts of the table.
    pub(super) fn prune(&mut self, parts: &Parts<'_, T>) {
        let Self { seldom, readers, .. } = self;
        let Parts { recency, readers: front, bias, shared, .. } = *parts;
        let Rest { order, limbo, of_freed, .. } = seldom.made();
        limbo.retain_pinned();
        readers.prune(&mut |reader| {
            T::forget(front, reader);
            bias.forget(reader);
            recency.forget(reader, order);
            *of_freed = add(*of_freed, reader.counts());
            shared.made().without_reader.take_over(reader.running());
        });
    }
}

fn add((hits, misses): (u64, u64), (more_hits, more_misses): (u64, u64)) -> (u64, u64) {
    (hits + more_hits, misses + more_misses)
}
