//! `lru-memo clear`.

use crate::failure::Failure;
use crate::format::{count, id, name, visible};
use crate::output::print;
use crate::sources::{FoundNamespace, Sources};

/// Clears the namespace with this name. Clears several namespaces only with `all`.
pub(crate) fn clear(store: Option<&str>, wanted: &str, all: bool) -> Result<(), Failure> {
    let mut sources = Sources::new(store);
    for found in &sources.find_for_change(wanted, all)? {
        print(&format!("{}\n", clear_one(found)?))?;
    }
    Ok(())
}

/// Clears a namespace, and returns a message for the user.
pub(crate) fn clear_one(found: &FoundNamespace<'_>) -> Result<String, Failure> {
    let FoundNamespace { source, summary, space } = found;
    source.store.clear(space).map_err(|error| Failure::store(&source.label, &error))?;
    Ok(format!(
        "cleared {} ({}) in {}: {}",
        name(&summary.name),
        id(summary.id),
        visible(&source.label),
        count(summary.counts.currsize, "entry", "entries")
    ))
}
