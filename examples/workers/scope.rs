//! The memoized function of the app, one for each scope of its cache.

use clap::ValueEnum;
use lru_memo::{CacheInfo, lru_cache};

/// Who shares the cache of the view.
#[derive(Clone, Copy, Default, ValueEnum)]
pub(crate) enum Scope {
    /// Each worker process has its own.
    #[default]
    Process,
}

impl Scope {
    /// The scope as the command line spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
        }
    }

    /// What the view answers.
    pub(crate) fn message(self) -> String {
        match self {
            Self::Process => message(),
        }
    }

    /// The counters of the view's cache.
    pub(crate) fn cache_info(self) -> CacheInfo {
        match self {
            Self::Process => message_cache_info(),
        }
    }
}

#[lru_cache(maxsize = 2)]
fn message() -> String {
    "Stored".to_owned()
}
