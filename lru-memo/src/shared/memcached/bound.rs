//! The bound on the number of entries. A namespace with a small one has a list of its entries in its directory, another
//! has none. A change from one kind to the other drops all entries, because their items have other names.

use alloc::vec::Vec;

use super::access::{Access, Edited};
use super::directory::{Directory, Limits};
use super::listed::{self, Listed};
use super::names::Counter;
use super::unlisted::Unlisted;
use crate::shared::error::Error;
use crate::shared::namespace::Namespace;
use crate::shared::{Counts, Summary};
use crate::totals::CacheTotals;

/// How often an operation begins again because the namespace has become one of the other kind.
pub(super) const KINDS: u32 = 8;

/// Whether a namespace probably has a list of its entries.
pub(super) fn is_listed(space: &Namespace) -> bool {
    space.listing.seen().unwrap_or_else(|| Limits::are_listed(space, space.maxsize()))
}

/// Returns the counters, and the present bound.
pub(super) fn summary(access: &Access<'_>) -> Result<Summary, Error> {
    let Some(known) = access.read()? else { return Ok(Summary::new(access.space, Counts::default())) };
    let maxsize = known.directory.maxsize(access.space);
    let counts = counts(access, &known.directory)?;
    let here = CacheTotals { hits: counts.hits, misses: counts.misses, ..CacheTotals::default() };
    let totals = Some(known.directory.totals.with(&here, u64::saturating_add));
    Ok(Summary { maxsize, totals, ..Summary::new(access.space, counts) })
}

/// Returns the counters.
pub(super) fn counts(access: &Access<'_>, directory: &Directory) -> Result<Counts, Error> {
    if Limits::are_listed(access.space, directory.maxsize(access.space)) {
        Listed::new(access, b"").counts(directory)
    } else {
        Unlisted::new(access, b"").counts(directory)
    }
}

/// Gives a namespace another bound.
pub(super) fn resize(access: &Access<'_>, maxsize: usize) -> Result<(), Error> {
    let directory = access.read_or_make()?;
    let was_listed = Limits::are_listed(access.space, directory.maxsize(access.space));
    let is_listed = Limits::are_listed(access.space, Some(maxsize));
    if was_listed == is_listed {
        let access = Access::new(access.store, access.space).expecting(is_listed);
        return if is_listed {
            Listed::new(&access, b"").resize(maxsize)
        } else {
            access.change_always(|directory| {
                directory.maxsize = Some(maxsize as u64);
                Edited::written(())
            })
        };
    }
    let Counts { hits, misses, currsize } = counts(access, &directory)?;
    let mut next = directory.emptied();
    next.maxsize = Some(maxsize as u64);
    next.count(&CacheTotals { evictions: currsize as u64, ..CacheTotals::default() });
    if is_listed {
        (next.hits, next.misses) = (hits, misses);
    } else {
        // All lookups are counted there.
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        access.count(next.generation, Counter::Hits, number(hits.saturating_add(misses)))?;
        access.count(next.generation, Counter::Misses, number(misses))?;
    }
    access.renew(&next)?;
    access.space.listing.note(is_listed);
    let versions: Vec<u64> = directory.records.iter().map(|record| record.version).collect();
    listed::delete(access, &versions);
    Ok(())
}
