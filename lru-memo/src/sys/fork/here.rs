//! Which process is the calling one. The first question installs the handlers of forks.

#[cfg(unix)]
use super::handlers::install;
use super::process::{Process, word};

/// Systems without `fork` have no handlers.
#[cfg(not(unix))]
fn install() {}

impl Process {
    /// The calling process.
    #[inline]
    pub(crate) fn here() -> Self {
        Self(word(install) as u32)
    }

    /// Whether this is the calling process.
    #[inline]
    pub(crate) fn is_here(self) -> bool {
        self == Self::here()
    }

    /// Whether the calling process may use the caches of this one: it is the same process, or each fork in between has
    /// taken the caches' locks.
    #[inline]
    pub(crate) fn is_inherited(self) -> bool {
        self.inherited().is_some()
    }

    /// Returns the calling process, if it [may use](Self::is_inherited) the caches of this one.
    #[inline]
    pub(crate) fn inherited(self) -> Option<Self> {
        let word = word(install);
        (self.0 >= (word >> 32) as u32).then_some(Self(word as u32))
    }
}
