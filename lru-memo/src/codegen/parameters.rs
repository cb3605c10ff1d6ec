//! Configurations that are computed at run time: `maxsize = entries()`.

use core::any::TypeId;

use crate::info::CacheParameters;
use crate::storage::by_type::ByType;

/// The configurations of all functions, by the instantiation.
static KEPT: ByType<CacheParameters> = ByType::new();

/// The configuration of an instantiation, which is made at the first use. If several threads make it at the same time,
/// one is kept.
pub fn kept_parameters(of: TypeId, make: fn() -> CacheParameters) -> CacheParameters {
    *KEPT.get_or_insert(of, make).0
}
