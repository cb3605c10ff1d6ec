//! `lru-memo clear`.

use crate::failure::Failure;
use crate::format::{count, name, visible};
use crate::print;
use crate::sources::{Found, Sources, id};

/// Clears the namespace of this name; several of one name only with `all`.
pub(crate) fn clear(store: Option<&str>, wanted: &str, all: bool) -> Result<(), Failure> {
    let mut sources = Sources::new(store);
    let found = sources.find(wanted)?;
    if found.len() > 1 && !all {
        return Err(ambiguous(wanted, &found));
    }
    for Found { source, summary } in &found {
        let failed = |error| Failure::store(&source.label, &error);
        source.store.clear(&summary.namespace()).map_err(failed)?;
        print(&format!(
            "cleared {} ({}) in {}: {}\n",
            name(&summary.name),
            id(summary),
            visible(&source.label),
            count(summary.counts.currsize, "entry", "entries")
        ))?;
    }
    Ok(())
}

fn ambiguous(wanted: &str, found: &[Found<'_>]) -> Failure {
    let told =
        found.iter().map(|found| format!("\n  {} in {}", id(&found.summary), visible(&found.source.label)));
    let told: String = told.collect();
    Failure::usage(format!(
        "there are {} namespaces `{}`: give an id instead, or `--all`{told}",
        found.len(),
        name(wanted)
    ))
}
