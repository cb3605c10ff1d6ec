//! The store of this process: chooses it and opens it.

#[cfg(any(test, fuzzing))]
pub(super) mod check;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use std::env::VarError;
use std::path::PathBuf;
use std::time::Instant;

use once_cell::race::OnceBox;

use super::error::{Error, Kind};
use super::memory::Memory;
use super::task::{self, Caller};
use super::url::{self, redacted, split};
use super::{Store, events};
use crate::sys::fork::{Heritage, Inherited, Own};
use crate::sys::privileges;
use crate::sys::sync::Mutex;

/// The time after a failed attempt to open the store in which calls do not try again.
const PATIENCE: Duration = Duration::from_secs(3);

static STORE: OnceBox<Box<dyn Store>> = OnceBox::new();
static SETUP: Inherited<Setup> = Inherited::new(Setup::default);
/// Held by the thread that opens the store. Holds the last failure: when, and why.
static OPENING: Own<Mutex<Option<(Instant, Error)>>> = Own::none();

#[derive(Default)]
struct Setup {
    url: Option<String>,
    /// The store's URL, redacted.
    name: String,
    is_being_opened: bool,
}

impl Setup {
    fn url_to_open(&self) -> Result<String, Error> {
        match &self.url {
            Some(url) => Ok(url.clone()),
            None if privileges::are_not_the_callers() => Ok(String::from(WITHOUT_CHOICE)),
            None => chosen_by_environment(),
        }
    }
}

impl Heritage for Setup {
    fn forget_others(&mut self) {
        self.is_being_opened = false;
    }
}

/// Chooses the store of this process by its URL, see the [module](super). The first call opens the store.
///
/// # Errors
/// When this build has no such store, when a store was chosen or is in use already, or when the directory of an embedded
/// store cannot be used: its parent is missing, or another user could write to it.
///
/// ```
/// use lru_memo::shared::{Kind, configure};
///
/// configure("memory://")?;
/// assert_eq!(configure("file:///var/cache/app").unwrap_err().kind(), Kind::InUse);
/// # Ok::<_, lru_memo::shared::Error>(())
/// ```
pub fn configure(url: &str) -> Result<(), Error> {
    drop(unused()?);
    check(url)?;
    check_place(url)?;
    let mut setup = unused()?;
    setup.url = Some(url.to_owned());
    setup.name = redacted(url);
    Ok(())
}

/// Makes a store of your own the store of this process.
///
/// # Errors
/// When a store was chosen or is in use already.
pub fn configure_store(store: impl Store + 'static) -> Result<(), Error> {
    let mut setup = unused()?;
    setup.name = String::from("custom");
    STORE.set(Box::new(Box::new(store))).map_err(|_| in_use())
}

/// Returns the store of this process, and opens it if it is not open.
///
/// # Errors
/// When the store cannot be opened. The next attempt is made after a few seconds. [`health`](super::health()) counts
/// the error.
pub fn store() -> Result<&'static dyn Store, Error> {
    match STORE.get() {
        Some(store) => Ok(&**store),
        None => open_first(),
    }
}

/// Returns the store of this process. Opening it does not block a task's thread.
pub(super) async fn store_for(caller: Caller) -> Result<&'static dyn Store, Error> {
    match caller {
        Caller::Thread => store(),
        Caller::Task => match task::without_waiting(store) {
            Some(store) => store,
            None => task::in_pool(store).await.ok_or_else(task::forked)?,
        },
    }
}

/// Returns the store of this process, if it is open.
pub(super) fn opened() -> Option<&'static dyn Store> {
    STORE.get().map(|store| &**store)
}

/// Opens a store by its URL, for a tool. Does not make a missing store, and does not change the store of this process.
///
/// # Errors
/// When the store does not exist, or does not work.
///
/// ```
/// use lru_memo::shared::{Kind, attach};
///
/// # #[cfg(target_os = "linux")]
/// assert_eq!(attach("file:///no/such/directory").err().map(|error| error.kind()), Some(Kind::NotFound));
/// ```
pub fn attach(url: &str) -> Result<Box<dyn Store>, Error> {
    check(url)?;
    match split(url) {
        ("memory", _) => Err(Error::new(
            Kind::NotFound,
            "`memory://` is private to its process: no other process can open it",
        )),
        _ => Ok(open(url, false)?.0),
    }
}

/// Returns the URLs of the embedded stores in the default place, for [`attach`]: one for each program of this user.
///
/// # Errors
/// When other users can use that place, or this process cannot read it.
pub fn stores() -> Result<Vec<String>, Error> {
    let directories = embedded_in_default_place()?;
    let paths = directories.iter().filter_map(|directory| directory.to_str());
    Ok(paths.map(|path| format!("file://{path}")).collect())
}

pub(super) fn name() -> String {
    SETUP.lock().name.clone()
}

fn unused() -> Result<impl core::ops::DerefMut<Target = Setup>, Error> {
    let setup = SETUP.lock();
    if setup.url.is_some() || setup.is_being_opened || STORE.get().is_some() {
        Err(in_use())
    } else {
        Ok(setup)
    }
}

fn in_use() -> Error {
    Error::new(
        Kind::InUse,
        "a shared store was chosen, or is in use, already: configure it once, before first use",
    )
}

#[cold]
fn open_first() -> Result<&'static dyn Store, Error> {
    #[cfg(all(feature = "shared", target_os = "linux"))]
    if !task::may_wait() && SETUP.lock().url_to_open().is_ok_and(|url| matches!(split(&url).0, "" | "file")) {
        return Err(Error::new(Kind::Unavailable, "the shared store is not open yet"));
    }
    let Some(mut failed) = OPENING.get_or_make(|| Mutex::new(None)).lock_for(PATIENCE) else {
        return Err(Error::new(Kind::Unavailable, "the shared store is being opened by another thread"));
    };
    if let Some(store) = STORE.get() {
        return Ok(&**store);
    }
    if let Some((_, error)) = failed.as_ref().filter(|(when, _)| when.elapsed() < PATIENCE) {
        return Err(error.clone());
    }
    let url = {
        let mut setup = SETUP.lock();
        let url = setup.url_to_open();
        setup.name = url.as_deref().map(redacted).unwrap_or_default();
        setup.is_being_opened = true;
        if setup.url.is_none() && url.as_deref() == Ok(WITHOUT_CHOICE) && privileges::are_not_the_callers() {
            events::note(&without_choice());
        }
        url
    };
    // Outside of the lock: opening may take long, and a fork would wait for the lock.
    let opened = url.and_then(|url| open(&url, true));
    let mut setup = SETUP.lock();
    setup.is_being_opened = false;
    match opened {
        Ok((store, name)) => {
            setup.name = name;
            Ok(&**STORE.get_or_init(|| Box::new(store)))
        }
        Err(error) => {
            drop(setup);
            events::note(&error);
            *failed = Some((Instant::now(), error.clone()));
            Err(error)
        }
    }
}

/// The store of a privileged program that has not chosen one. It is private to the process.
const WITHOUT_CHOICE: &str = "memory://";

fn without_choice() -> Error {
    let message = "this program is privileged (setuid, for example), so it ignores `LRU_MEMO_STORE` and the default \
                   store, which its caller controls: its functions use a cache of this process; call \
                   `shared::configure` to choose a store";
    Error::new(Kind::Directory, message)
}

/// Returns the URL in the environment. An empty one stands for the default store.
fn chosen_by_environment() -> Result<String, Error> {
    match std::env::var("LRU_MEMO_STORE") {
        Ok(url) => Ok(url),
        Err(VarError::NotPresent) => Ok(String::new()),
        // The message leaves the value out, because it may hold a password.
        Err(VarError::NotUnicode(_)) => {
            Err(Error::new(Kind::Url, "`LRU_MEMO_STORE` is not UTF-8, and so not a URL"))
        }
    }
}

fn check(url: &str) -> Result<(), Error> {
    match split(url) {
        ("memory", rest) => check_memory(rest),
        ("file", rest) if rest.starts_with('/') => embedded(HAS_EMBEDDED),
        ("file", _) => {
            Err(Error::new(Kind::Url, "`file://` takes an absolute directory: `file:///var/cache/app`"))
        }
        #[cfg(feature = "memcached")]
        ("memcached" | "memcached+unix", _) => super::memcached::Memcached::new(url).map(|_| ()),
        #[cfg(not(feature = "memcached"))]
        (scheme @ ("memcached" | "memcached+unix"), _) => Err(url::missing(scheme, "memcached")),
        #[cfg(feature = "redis")]
        ("redis" | "rediss" | "unix" | "redis+unix", _) => super::redis::Redis::new(url).map(|_| ()),
        #[cfg(not(feature = "redis"))]
        (scheme @ ("redis" | "unix" | "redis+unix"), _) => Err(url::missing(scheme, "redis")),
        #[cfg(not(feature = "redis"))]
        ("rediss", _) => Err(url::missing("rediss", "redis-tls")),
        ("", _) => Err(Error::new(Kind::Url, format!("a URL of a shared store begins with {SCHEMES}"))),
        (scheme, _) => Err(Error::new(
            Kind::Url,
            format!("there is no shared store `{scheme}://`: a URL begins with {SCHEMES}"),
        )),
    }
}

/// Checks the part after `memory://`.
fn check_memory(rest: &str) -> Result<(), Error> {
    let (place, mut options) = url::split_options(rest);
    if !place.is_empty() {
        return Err(Error::new(Kind::Url, "`memory://` has no host and no directory"));
    }
    // The prefix is checked and ignored: no other deployment shares this store.
    options.try_for_each(|(name, text)| match name {
        "prefix" => url::prefix(text).map(|_| ()),
        _ => Err(url::unknown(name, "`prefix`")),
    })
}

const SCHEMES: &str = "`file:///`, `memcached://` or `redis://`, or is `memory://`";

fn open(url: &str, create: bool) -> Result<(Box<dyn Store>, String), Error> {
    if !url.is_empty() {
        check(url)?;
    }
    match split(url) {
        ("memory", _) => Ok((Box::new(Memory::new()), redacted(url))),
        #[cfg(feature = "memcached")]
        ("memcached" | "memcached+unix", _) => {
            Ok((Box::new(super::memcached::Memcached::new(url)?), redacted(url)))
        }
        #[cfg(feature = "redis")]
        ("redis" | "rediss" | "unix" | "redis+unix", _) => {
            Ok((Box::new(super::redis::Redis::new(url)?), redacted(url)))
        }
        (_, rest) => open_embedded(rest, create),
    }
}

const HAS_EMBEDDED: bool = cfg!(all(feature = "shared", target_os = "linux"));

/// Fails if this build or this system has no embedded store.
fn embedded(is_there: bool) -> Result<(), Error> {
    if is_there { Ok(()) } else { Err(no_embedded()) }
}

/// The error for a missing embedded store. A cache in each process would be wrong instead: it would miss the
/// invalidations of other processes.
fn no_embedded() -> Error {
    let message = if cfg!(feature = "shared") {
        "the embedded store, which is the default, works on Linux only: without another, `scope = shared` caches \
         nothing; choose a server, or `memory://` for development"
    } else {
        "this build of lru-memo has no embedded store, which is the default: enable its cargo feature `shared`, or \
         choose another; without one, `scope = shared` caches nothing"
    };
    Error::new(Kind::Url, message)
}

#[cfg(all(feature = "shared", target_os = "linux"))]
fn open_embedded(rest: &str, create: bool) -> Result<(Box<dyn Store>, String), Error> {
    let store = super::lmdb::Embedded::from_url(rest, create)?;
    let name = format!("file://{}", store.directory().display());
    Ok((Box::new(store), name))
}

#[cfg(not(all(feature = "shared", target_os = "linux")))]
fn open_embedded(_: &str, _: bool) -> Result<(Box<dyn Store>, String), Error> {
    Err(no_embedded())
}

/// Checks the directory of a URL.
fn check_place(url: &str) -> Result<(), Error> {
    match split(url) {
        #[cfg(all(feature = "shared", target_os = "linux"))]
        ("file", rest) => super::lmdb::Embedded::check(rest),
        _ => Ok(()),
    }
}

#[cfg(all(feature = "shared", target_os = "linux"))]
fn embedded_in_default_place() -> Result<Vec<PathBuf>, Error> {
    super::lmdb::Embedded::in_default_place()
}

#[cfg(not(all(feature = "shared", target_os = "linux")))]
fn embedded_in_default_place() -> Result<Vec<PathBuf>, Error> {
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_store_that_this_build_does_not_have_is_refused_by_one_error_that_names_the_feature() {
        for (feature, is_enabled, urls) in [
            (
                "memcached",
                cfg!(feature = "memcached"),
                &["memcached://h", "memcached+unix:///run/m.sock"][..],
            ),
            ("redis", cfg!(feature = "redis"), &["redis://me:secret@h", "unix:///run/r.sock?pass=secret"]),
            ("redis-tls", cfg!(feature = "redis-tls"), &["rediss://me:secret@h", "rediss://h?timeout=2s"]),
        ] {
            for url in urls {
                let refused = check(url).err().map(|error| (error.kind(), error.to_string()));
                let scheme = split(url).0;
                let expected = alloc::format!(
                    "this build of lru-memo cannot use `{scheme}://`: enable its cargo feature `{feature}`"
                );
                assert_eq!(refused, (!is_enabled).then_some((Kind::Url, expected)), "{url}");
            }
        }
    }

    #[test]
    fn where_there_is_no_embedded_store_that_is_an_error_which_names_another() {
        let error = embedded(false).expect_err("there is none");
        assert_eq!(error.kind(), Kind::Url);
        assert!(error.to_string().contains("`scope = shared` caches nothing"), "{error}");
        assert_eq!(error.to_string().contains("`memory://` for development"), cfg!(feature = "shared"));
        assert_eq!(check("file:///var/cache").is_err(), !HAS_EMBEDDED);
        if !HAS_EMBEDDED {
            assert_eq!(configure("file:///var/cache"), Err(error.clone()));
            assert_eq!(super::super::store().err(), Some(error.clone()));
            assert_eq!(super::super::health().last_error, Some(error.to_string()));
        }
    }
}
