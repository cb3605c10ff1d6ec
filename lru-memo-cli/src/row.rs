//! A namespace as it is printed, in tables and in JSON.

use std::time::Duration;

use lru_memo::shared::Held;
use serde::Serialize;

use crate::failure::Failure;
use crate::format::{is_hidden, name};
use crate::sources::{Found, id};

/// How much of a key is shown, in bytes.
const KEY_PREFIX: usize = 48;

/// A namespace. What the store does not know, or does not bound, is `null`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    pub(crate) store: String,
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) hit_ratio: Option<f64>,
    pub(crate) currsize: usize,
    pub(crate) maxsize: Option<usize>,
    pub(crate) weight: Option<u64>,
    pub(crate) max_weight: Option<u64>,
    pub(crate) ttl_seconds: Option<f64>,
    pub(crate) bytes: Option<u64>,
    pub(crate) idle_seconds: Option<u64>,
    /// Why it cannot be read: then the counters mean nothing.
    pub(crate) error: Option<String>,
}

/// An entry.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    /// The beginning of the key: ASCII as it is, and all else as `\xff`.
    pub(crate) key_prefix: String,
    pub(crate) key_bytes: usize,
    pub(crate) value_bytes: u64,
    pub(crate) weight: u64,
    pub(crate) age_seconds: f64,
}

impl Row {
    pub(crate) fn new(found: &Found<'_>) -> Self {
        let summary = &found.summary;
        let counts = summary.counts;
        let calls = counts.hits.saturating_add(counts.misses);
        Self {
            store: found.source.label.clone(),
            name: summary.name.clone(),
            id: id(summary),
            hits: counts.hits,
            misses: counts.misses,
            hit_ratio: (calls > 0).then(|| counts.hits as f64 / calls as f64),
            currsize: counts.currsize,
            maxsize: summary.maxsize,
            weight: summary.weight,
            max_weight: summary.max_weight,
            ttl_seconds: summary.ttl.as_ref().map(Duration::as_secs_f64),
            bytes: summary.bytes,
            idle_seconds: summary.idle.as_ref().map(Duration::as_secs),
            error: summary.error.as_ref().map(ToString::to_string),
        }
    }

    /// Its name for tables, and whether it can be read.
    pub(crate) fn title(&self) -> String {
        let title = name(&self.name);
        if self.error.is_none() { title } else { format!("{title} (unreadable)").trim_start().to_owned() }
    }

    /// A counter for tables, if it could be read.
    pub(crate) fn known(&self, count: impl ToString) -> String {
        if self.error.is_none() { count.to_string() } else { "-".to_owned() }
    }

    /// How often the function was called.
    pub(crate) fn calls(&self) -> u64 {
        self.hits.saturating_add(self.misses)
    }
}

impl Entry {
    pub(crate) fn new(held: &Held) -> Self {
        let prefix = &held.key[..held.key.len().min(KEY_PREFIX)];
        Self {
            key_prefix: prefix.escape_ascii().to_string(),
            key_bytes: held.key.len(),
            value_bytes: held.value_bytes,
            weight: held.weight,
            age_seconds: held.age.as_secs_f64(),
        }
    }

    /// Whether the key goes on after its prefix.
    pub(crate) fn is_cut(&self) -> bool {
        self.key_bytes > KEY_PREFIX
    }
}

/// What `--json` prints. What a terminal might heed is escaped, as JSON does it with control characters below a blank only.
pub(crate) fn json(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::output(&error))?;
    let mut escaped = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if c != '\n' && is_hidden(c) {
            let units =
                c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
            escaped.push_str(&units);
        } else {
            escaped.push(c);
        }
    }
    Ok(escaped + "\n")
}
