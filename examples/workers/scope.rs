//! The memoized function of the app, one for each scope of its cache.

use std::str::FromStr;

use lru_memo::{CacheInfo, lru_cache, shared};

use crate::failure::Failure;

/// Who shares the cache of the view.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Each worker process has its own.
    Process,
    /// One for all worker processes.
    Shared,
}

/// Where the cache of the view is: what the command line of the master says, and what it tells its workers.
#[derive(Clone)]
pub(crate) struct Caching {
    pub(crate) scope: Scope,
    /// The URL of the store of a shared cache; without one, it is that of this program.
    pub(crate) store: Option<String>,
}

impl FromStr for Scope {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let scopes = [Self::Process, Self::Shared];
        scopes.into_iter().find(|scope| scope.name() == name).ok_or("a scope is `process` or `shared`")
    }
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
            Some(url) => {
                has_feature_for(url).and_then(|()| shared::configure(url).map_err(Failure::of("`--store`")))
            }
            None => Ok(()),
        }
    }

    /// What a worker is started with.
    pub(crate) fn arguments(&self) -> Vec<&str> {
        let store = self.store.iter().flat_map(|url| ["--store", url]);
        ["--scope", self.scope.name()].into_iter().chain(store).collect()
    }
}

/// Refuses the URL of a server for which this program has to be built with a feature, with the command that does.
fn has_feature_for(url: &str) -> Result<(), Failure> {
    let scheme = url.split("://").next().unwrap_or_default();
    let (feature, is_enabled) = match scheme {
        "memcached" | "memcached+unix" | "redis" | "redis+unix" | "unix" => {
            ("servers", cfg!(feature = "servers"))
        }
        "rediss" => ("tls", cfg!(feature = "tls")),
        _ => return Ok(()),
    };
    if is_enabled {
        return Ok(());
    }
    // A password is not shown; neither is what a shell does not take as it stands.
    let shown = if url.contains(['@', '?']) { "URL" } else { url };
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    Err(Failure::new(format!(
        "servers are a feature of this example: `cargo run --release --example workers --features {feature} -- {}`",
        arguments.join(" ").replace(url, shown)
    )))
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
