//! The order of namespaces.

use std::cmp::Ordering;

use super::history::History;
use crate::row::Row;

/// The sort key. Numbers are in descending order, names in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Calls,
    Name,
    Ratio,
    Hits,
    Misses,
    Currsize,
    Bytes,
}

impl Order {
    const ALL: [Self; 7] =
        [Self::Calls, Self::Name, Self::Ratio, Self::Hits, Self::Misses, Self::Currsize, Self::Bytes];

    pub(super) fn next(self) -> Self {
        let at = Self::ALL.iter().position(|&order| order == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Calls => "calls per second",
            Self::Name => "name",
            Self::Ratio => "hit ratio",
            Self::Hits => "hits",
            Self::Misses => "misses",
            Self::Currsize => "currsize",
            Self::Bytes => "bytes",
        }
    }

    pub(super) fn compare(self, a: &Row, b: &Row, history: &History) -> Ordering {
        let by = |of: &dyn Fn(&Row) -> f64| of(b).total_cmp(&of(a));
        let order = match self {
            Self::Calls => by(&|row| history.calls(row)).then(b.calls().cmp(&a.calls())),
            Self::Name => Ordering::Equal,
            Self::Ratio => by(&|row| row.hit_ratio.unwrap_or(-1.0)),
            Self::Hits => b.hits.cmp(&a.hits),
            Self::Misses => b.misses.cmp(&a.misses),
            Self::Currsize => b.currsize.cmp(&a.currsize),
            Self::Bytes => b.bytes.cmp(&a.bytes),
        };
        order.then_with(|| (&a.name, &a.store, &a.id).cmp(&(&b.name, &b.store, &b.id)))
    }
}
