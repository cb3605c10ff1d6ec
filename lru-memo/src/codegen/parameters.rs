//! Configurations that are computed at run time: `maxsize = entries()`.

use core::any::TypeId;
use core::time::Duration;

use crate::info::CacheParameters;
use crate::storage::by_type::ByType;

/// The configurations of all functions, by the instantiation.
static KEPT: ByType<CacheParameters> = ByType::new();

/// The configuration of an instantiation, which is made at the first use. If several threads make it at the same time,
/// one is kept.
pub fn kept_parameters(of: TypeId, make: fn() -> CacheParameters) -> CacheParameters {
    *KEPT.get_or_insert(of, make).0
}

/// A type of durations: [`Duration`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Duration`",
    label = "write `Duration::from_secs(..)` around a number of seconds"
)]
pub trait Length {
    /// Returns the duration.
    fn duration(self) -> Duration;
}

#[diagnostic::do_not_recommend]
impl Length for Duration {
    #[inline]
    fn duration(self) -> Duration {
        self
    }
}

/// Returns the duration that an option gives.
#[inline]
#[must_use]
pub fn length(given: impl Length) -> Duration {
    given.duration()
}
