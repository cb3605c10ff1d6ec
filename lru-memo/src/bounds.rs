//! The bounds of functions, which change while the program runs.
//!
//! A table tells the present bound of each function. Whoever changes a bound stores the number there first, and then has
//! the caches that there are follow it. Whoever makes a cache has it follow once others can find it. So one of the two
//! sees what the other did.

pub(crate) mod bound;
mod variable;

use core::any::TypeId;

use crate::bounds::bound::Bound;
use crate::info::CacheParameters;
use crate::site::Site;
use crate::storage::by_type::ByType;

/// The bounds of functions, by the [instantiation](crate::storage::instances::instantiation_of).
static BOUNDS: ByType<Bound> = ByType::new();

/// Changes the bound of a function, of which there may be no cache yet.
pub(crate) fn set(of: TypeId, maxsize: usize) -> &'static Bound {
    let bound = BOUNDS.get_or_insert(of, || Bound::new(maxsize)).0;
    bound.set(maxsize);
    bound
}

/// The bound of a function, if it has one.
pub(crate) fn of_function(site: &Site) -> Option<&'static Bound> {
    let compiled = site.parameters.maxsize?;
    Some(BOUNDS.get_or_insert(site.of, || Bound::new(at_first(site.name, compiled))).0)
}

/// A configuration with the present bound.
pub(crate) fn with_present(bound: Option<&Bound>, parameters: CacheParameters) -> CacheParameters {
    CacheParameters { maxsize: bound.map(Bound::get), ..parameters }
}

/// The configuration of a function with the present bound, given that which the function was compiled with.
#[must_use]
pub fn present(of: TypeId, name: fn() -> &'static str, parameters: CacheParameters) -> CacheParameters {
    match (parameters.maxsize, BOUNDS.get(of)) {
        (Some(_), bound @ Some(_)) => with_present(bound, parameters),
        _ => before_use(name, parameters),
    }
}

/// The present configuration of a function.
#[must_use]
pub fn present_at(site: Site) -> CacheParameters {
    present(site.of, site.name, site.parameters)
}

/// The configuration of a cache that is not there yet.
pub(crate) fn before_use(name: fn() -> &'static str, parameters: CacheParameters) -> CacheParameters {
    CacheParameters { maxsize: parameters.maxsize.map(|compiled| at_first(name, compiled)), ..parameters }
}

/// The bound at first: the environment's, or that which the function was compiled with.
fn at_first(name: fn() -> &'static str, compiled: usize) -> usize {
    variable::maxsize_of(name).unwrap_or(compiled)
}
