//! `lru-memo show`.

use std::fmt::Write;

use serde::Serialize;

use crate::advice::{self, Advice};
use crate::data::Content;
use crate::failure::Failure;
use crate::format::{bytes, duration, idle, limit, or_dash, ratio, visible};
use crate::output::{json, print};
use crate::row::{EntryRow, Row, Totals};
use crate::sources::{FoundNamespace, Sources};
use crate::table::{entry_columns, render};
use crate::terminal::screen_width;

/// A namespace, with its most recent entries.
#[derive(Serialize)]
struct Detail {
    #[serde(flatten)]
    row: Row,
    /// The advice on the bound, if the function has `advise = true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<Advice>,
    recent: Vec<EntryRow>,
    /// Whether there are entries that the store cannot list.
    #[serde(skip)]
    is_unknown: bool,
}

/// Shows the namespaces with this name.
pub(crate) fn show(
    store: Option<&str>,
    wanted: &str,
    entries: usize,
    with_values: bool,
    as_json: bool,
) -> Result<(), Failure> {
    let mut sources = Sources::new(store);
    let found = sources.find(wanted)?;
    let details = found.iter().map(|found| Detail::new(found, entries, with_values));
    let details = details.collect::<Result<Vec<_>, _>>()?;
    if as_json {
        return print(&json(&details)?);
    }
    let texts: Vec<_> = details.iter().map(|detail| detail.text(with_values)).collect();
    print(&texts.join("\n"))
}

impl Detail {
    fn new(found: &FoundNamespace<'_>, entries: usize, with_values: bool) -> Result<Self, Failure> {
        let (store, failed) = (&found.source.store, |error| Failure::store(&found.source.label, &error));
        let mut recent = Vec::new();
        for held in store.recent(&found.space, entries).map_err(failed)? {
            let value = if with_values { store.peek(&found.space, &held.key).map_err(failed)? } else { None };
            recent.push(EntryRow::new(held, value.map(Content::of_value)));
        }
        let is_unknown = recent.is_empty() && entries > 0 && found.summary.counts.currsize > 0;
        let row = Row::new(found);
        let advice = advice::find(found)?.map(|advice| Advice::new(&advice, row.maxsize));
        Ok(Self { row, advice, recent, is_unknown })
    }

    fn text(&self, with_values: bool) -> String {
        let row = &self.row;
        let mut text = format!("{}\n", row.title());
        let totals = row.totals.as_ref();
        let total = |of: fn(&Totals) -> u64| or_dash(totals, |totals| of(totals).to_string());
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
            ("evictions", total(|totals| totals.evictions)),
            ("expirations", total(|totals| totals.expirations)),
            ("stale hits", total(|totals| totals.stale_hits)),
            ("errors", total(|totals| totals.errors)),
            ("waits", total(|totals| totals.waits)),
            ("all hits", total(|totals| totals.hits)),
            ("all misses", total(|totals| totals.misses)),
            ("time spent", or_dash(totals, |totals| duration(totals.compute_seconds))),
            ("time saved", or_dash(totals, |totals| duration(totals.saved_seconds))),
        ] {
            // Writing to a string never fails.
            let _ = writeln!(text, "  {what:<11} {value}");
        }
        if let Some(Advice { smallest, observed, unbounded_hit_ratio, .. }) = &self.advice {
            let best = ratio(*unbounded_hit_ratio);
            let _ = writeln!(
                text,
                "  {:<11} maxsize = {smallest}, within 1 % of the best ({best}), by {observed} calls",
                "advised"
            );
        }
        if !self.recent.is_empty() {
            text.push_str("\nused last:\n");
            text.push_str(&render(entry_columns(with_values), &self.recent, screen_width()));
        } else if self.is_unknown {
            text.push_str("\nthis store does not tell what was used last\n");
        }
        text
    }
}
