//! Rows: namespaces and entries, as tables and JSON print them.

use std::time::Duration;

use lru_memo::CacheTotals;
use lru_memo::shared::StoredEntry;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::data::Content;
use crate::format::{id, name};
use crate::sources::FoundNamespace;

/// A namespace. A number that the store does not know, and a bound that does not exist, are `null`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    pub(crate) store: String,
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) hit_ratio: Option<f64>,
    /// What a clear does not zero.
    pub(crate) totals: Option<Totals>,
    pub(crate) currsize: usize,
    pub(crate) maxsize: Option<usize>,
    pub(crate) weight: Option<u64>,
    pub(crate) max_weight: Option<u64>,
    pub(crate) ttl_seconds: Option<f64>,
    pub(crate) bytes: Option<u64>,
    pub(crate) idle_seconds: Option<u64>,
    /// The smallest bound that is within 1 % of an unbounded cache, where somebody has asked for it.
    #[serde(skip)]
    pub(crate) advised: Option<usize>,
    /// Why the namespace cannot be read. The counters are meaningless then.
    pub(crate) error: Option<String>,
}

/// The totals of all processes.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Totals {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) evictions: u64,
    pub(crate) expirations: u64,
    pub(crate) stale_hits: u64,
    pub(crate) errors: u64,
    pub(crate) waits: u64,
    pub(crate) compute_seconds: f64,
    pub(crate) saved_seconds: f64,
}

/// Identifies a namespace and its store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FullId {
    store: String,
    id: String,
}

/// A recent entry.
#[derive(Serialize)]
pub(crate) struct EntryRow {
    #[serde(flatten, serialize_with = "of_key")]
    pub(crate) key: Content,
    pub(crate) key_bytes: usize,
    /// The value, if it was requested and still exists.
    #[serde(flatten, serialize_with = "of_value")]
    pub(crate) value: Option<Content>,
    pub(crate) value_bytes: u64,
    pub(crate) weight: u64,
    pub(crate) age_seconds: f64,
}

/// An entry, with its namespace.
#[derive(Serialize)]
pub(crate) struct FoundEntry {
    pub(crate) store: String,
    pub(crate) name: String,
    pub(crate) id: String,
    #[serde(flatten, serialize_with = "of_key")]
    pub(crate) key: Content,
    #[serde(flatten, serialize_with = "of_value")]
    pub(crate) value: Option<Content>,
}

impl Row {
    pub(crate) fn new(found: &FoundNamespace<'_>) -> Self {
        let summary = &found.summary;
        let counts = summary.counts;
        let calls = counts.hits.saturating_add(counts.misses);
        Self {
            store: found.source.label.clone(),
            name: summary.name.clone(),
            id: id(summary.id),
            hits: counts.hits,
            misses: counts.misses,
            hit_ratio: (calls > 0).then(|| counts.hits as f64 / calls as f64),
            totals: summary.totals.map(Totals::new),
            currsize: counts.currsize,
            maxsize: summary.maxsize,
            weight: summary.weight,
            max_weight: summary.max_weight,
            ttl_seconds: summary.ttl.as_ref().map(Duration::as_secs_f64),
            bytes: summary.bytes,
            idle_seconds: summary.idle.as_ref().map(Duration::as_secs),
            advised: None,
            error: summary.error.as_ref().map(ToString::to_string),
        }
    }

    pub(crate) fn full_id(&self) -> FullId {
        FullId { store: self.store.clone(), id: self.id.clone() }
    }

    /// Returns the name for tables, with a note if the namespace cannot be read.
    pub(crate) fn title(&self) -> String {
        let title = name(&self.name);
        if self.error.is_none() { title } else { format!("{title} (unreadable)").trim_start().to_owned() }
    }

    /// Formats a counter for tables, if it could be read.
    pub(crate) fn known(&self, count: impl ToString) -> String {
        if self.error.is_none() { count.to_string() } else { "-".to_owned() }
    }

    /// Returns the number of calls of the function.
    pub(crate) fn calls(&self) -> u64 {
        self.hits.saturating_add(self.misses)
    }
}

#[cfg(test)]
impl Row {
    /// A namespace of this name, which also is its id, with these counters.
    pub(crate) fn named(name: &str, hits: u64, misses: u64) -> Self {
        let calls = hits + misses;
        Self {
            store: "/var/cache/app".to_owned(),
            name: name.to_owned(),
            id: format!("{name:0<8}"),
            hits,
            misses,
            hit_ratio: (calls > 0).then(|| hits as f64 / calls as f64),
            totals: None,
            currsize: 0,
            maxsize: None,
            weight: None,
            max_weight: None,
            ttl_seconds: None,
            bytes: None,
            idle_seconds: None,
            advised: None,
            error: None,
        }
    }
}

impl Totals {
    fn new(totals: CacheTotals) -> Self {
        Self {
            hits: totals.hits,
            misses: totals.misses,
            evictions: totals.evictions,
            expirations: totals.expirations,
            stale_hits: totals.stale_hits,
            errors: totals.errors,
            waits: totals.waits,
            compute_seconds: totals.compute_time.as_secs_f64(),
            saved_seconds: totals.saved_time().as_secs_f64(),
        }
    }
}

impl EntryRow {
    pub(crate) fn new(held: StoredEntry, value: Option<Content>) -> Self {
        let StoredEntry { key, value_bytes, weight, age, .. } = held;
        let (key_bytes, key) = (key.len(), Content::of_key(key));
        Self { key, key_bytes, value, value_bytes, weight, age_seconds: age.as_secs_f64() }
    }
}

fn of_key<S: Serializer>(key: &Content, serializer: S) -> Result<S::Ok, S::Error> {
    let mut fields = serializer.serialize_map(None)?;
    fields.serialize_entry("key", key)?;
    fields.serialize_entry("key_text", &format_args!("{key}"))?;
    fields.end()
}

fn of_value<S: Serializer>(value: &Option<Content>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut fields = serializer.serialize_map(None)?;
    if let Some(value) = value {
        fields.serialize_entry("value", value)?;
        fields.serialize_entry("value_text", &format_args!("{value}"))?;
    }
    fields.end()
}
