//! The memoized function of the app, one for each scope of its cache.

use std::str::FromStr;

use lru_memo::{CacheInfo, lru_cache, shared};

use crate::failure::Failure;

/// The scope of the view's cache.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One cache for each worker process.
    Process,
    /// One cache for all worker processes.
    Shared,
}

/// The scope and the store: options of the command line, which the master passes on to its workers.
#[derive(Clone)]
pub(crate) struct Caching {
    pub(crate) scope: Scope,
    /// The URL of the store of a shared cache. The default is the store of this program.
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
    /// Returns the scope, as in the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Shared => "shared",
        }
    }

    /// Returns the answer of the view.
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
            // The error leaves the URL out, because it may hold a password.
            Some(url) => {
                has_feature_for(url).and_then(|()| shared::configure(url).map_err(Failure::of("`--store`")))
            }
            None => Ok(()),
        }
    }

    /// Returns the arguments for a worker.
    pub(crate) fn arguments(&self) -> Vec<&str> {
        let store = self.store.iter().flat_map(|url| ["--store", url]);
        ["--scope", self.scope.name()].into_iter().chain(store).collect()
    }
}

/// Refuses the URL of a server if this build has no feature for it. The error has the command for a build with the
/// feature.
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
    // The command leaves out a URL with a password, or with characters that a shell interprets.
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

/// Clears the shared cache.
pub(crate) fn clear_shared() -> Result<(), Failure> {
    shared_message_cache_clear();
    // A failing store is reported by `health` only.
    match shared::health().last_error {
        Some(error) => Err(Failure::of("`--store`")(error)),
        None => Ok(()),
    }
}
