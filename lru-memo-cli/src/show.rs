//! `lru-memo show`.

use std::fmt::Write;

use serde::Serialize;

use crate::failure::Failure;
use crate::format::{bytes, duration, idle, limit, or_dash, ratio, visible};
use crate::print;
use crate::row::{Entry, Row, json};
use crate::sources::{Found, Sources};
use crate::table::{entry_columns, render};

/// A namespace, and what was used last in it.
#[derive(Serialize)]
struct Detail {
    #[serde(flatten)]
    row: Row,
    recent: Vec<Entry>,
    /// Whether there are entries, and the store cannot say which.
    #[serde(skip)]
    is_unknown: bool,
}

/// Shows the namespaces of this name.
pub(crate) fn show(store: Option<&str>, wanted: &str, entries: usize, as_json: bool) -> Result<(), Failure> {
    let mut sources = Sources::new(store);
    let found = sources.find(wanted)?;
    let details = found.iter().map(|found| Detail::new(found, entries)).collect::<Result<Vec<_>, _>>()?;
    if as_json {
        return print(&json(&details)?);
    }
    let texts: Vec<_> = details.iter().map(Detail::text).collect();
    print(&texts.join("\n"))
}

impl Detail {
    fn new(found: &Found<'_>, entries: usize) -> Result<Self, Failure> {
        let namespace = found.summary.namespace();
        let recent = found.source.store.recent(&namespace, entries);
        let recent = recent.map_err(|error| Failure::store(&found.source.label, &error))?;
        let is_unknown = recent.is_empty() && entries > 0 && found.summary.counts.currsize > 0;
        Ok(Self { row: Row::new(found), recent: recent.iter().map(Entry::new).collect(), is_unknown })
    }

    fn text(&self) -> String {
        let row = &self.row;
        let mut text = format!("{}\n", row.title());
        for (what, value) in [
            ("store", visible(&row.store)),
            ("id", row.id.clone()),
            ("hits", row.hits.to_string()),
            ("misses", row.misses.to_string()),
            ("hit ratio", or_dash(row.hit_ratio, ratio)),
            ("currsize", row.currsize.to_string()),
            ("maxsize", limit(row.maxsize)),
            ("weight", or_dash(row.weight, |weight| weight.to_string())),
            ("max weight", limit(row.max_weight)),
            ("ttl", limit(row.ttl_seconds.map(duration))),
            ("bytes", or_dash(row.bytes, bytes)),
            ("idle", or_dash(row.idle_seconds, idle)),
        ] {
            // Writing to a string does not fail.
            let _ = writeln!(text, "  {what:<11} {value}");
        }
        if !self.recent.is_empty() {
            text.push_str("\nused last:\n");
            text.push_str(&render(&entry_columns(), &self.recent));
        } else if self.is_unknown {
            text.push_str("\nthis store does not tell what was used last\n");
        }
        text
    }
}
