//! The memoized function of the app, one for each scope of its cache.

use clap::{Args, ValueEnum};
use lru_memo::{CacheInfo, lru_cache, shared};

use crate::failure::Failure;

/// Who shares the cache of the view.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scope {
    /// Each worker process has its own.
    #[default]
    Process,
    /// One for all worker processes.
    Shared,
}

/// Where the cache of the view is: what the command line of the master says, and what it tells its workers.
#[derive(Clone, Args)]
pub(crate) struct Caching {
    /// Who shares the cache.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) scope: Scope,
    /// Where a shared cache is kept, as in `file:///var/cache/app` or `redis://host`; if nothing says so, in a place of this program's.
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
}

impl Scope {
    /// The scope as the command line spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Shared => "shared",
        }
    }

    /// What the view answers.
    pub(crate) fn message(self) -> String {
        match self {
            Self::Process => message(),
            Self::Shared => shared_message(),
        }
    }

    /// The counters of the view's cache.
    pub(crate) fn cache_info(self) -> CacheInfo {
        match self {
            Self::Process => message_cache_info(),
            Self::Shared => shared_message_cache_info(),
        }
    }
}

impl Caching {
    /// Chooses the store of this process, which must not have used one.
    pub(crate) fn configure(&self) -> Result<(), Failure> {
        match &self.store {
            Some(_) if self.scope != Scope::Shared => Err(Failure::new("`--store` is for `--scope shared`")),
            // Not with the URL, which may have a password in it.
            Some(url) => shared::configure(url).map_err(Failure::of("`--store`")),
            None => Ok(()),
        }
    }

    /// What a worker is started with.
    pub(crate) fn arguments(&self) -> Vec<&str> {
        let store = self.store.iter().flat_map(|url| ["--store", url]);
        ["--scope", self.scope.name()].into_iter().chain(store).collect()
    }
}

#[lru_cache(maxsize = 2)]
fn message() -> String {
    "Stored".to_owned()
}

// The cure: the same function, and one word more.
#[lru_cache(maxsize = 2, scope = shared)]
fn shared_message() -> String {
    "Stored".to_owned()
}

/// Empties the shared cache.
pub(crate) fn clear_shared() -> Result<(), Failure> {
    shared_message_cache_clear();
    // A store that fails delays no caller and tells none.
    match shared::health().last_error {
        Some(error) => Err(Failure::of("`--store`")(error)),
        None => Ok(()),
    }
}
