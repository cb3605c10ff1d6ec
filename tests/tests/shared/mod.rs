//! What the tests of shared stores have in common: a directory, a namespace, and a call.

#![allow(dead_code, reason = "not every test needs all of it")]

pub mod function_worker;
#[cfg(feature = "memcached")]
pub mod memcached_server;
pub mod place;
#[cfg(any(feature = "memcached", feature = "redis"))]
pub mod ports;
#[cfg(feature = "redis")]
mod redis_server;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use lru_memo::shared::{Counts, Embedded, Entry, Found, Namespace, Options, Store, fingerprint};
use tempfile::TempDir;

#[cfg(feature = "redis")]
#[allow(unused_imports, reason = "not every test needs it")]
pub use redis_server::RedisServer;

/// A private directory that is removed in the end.
pub struct Scratch(TempDir);

impl Scratch {
    pub fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let private = Permissions::from_mode(0o700);
        let directory =
            tempfile::Builder::new().prefix("lru-memo-test-").permissions(private).tempdir_in(base);
        Self(directory.expect("a scratch directory"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The URL of an embedded store in it. Loaded machines are slow: nobody is taken for stopped.
    pub fn embedded_url(&self) -> String {
        format!("{}?timeout=60s", self.plain_url())
    }

    /// The same without options.
    pub fn plain_url(&self) -> String {
        format!("file://{}/store", self.path().display())
    }

    pub fn store(&self) -> Embedded {
        self.store_of(64 << 20)
    }

    pub fn store_of(&self, size: usize) -> Embedded {
        let mut options = Options::default();
        options.size = size;
        self.open(options)
    }

    fn open(&self, mut options: Options) -> Embedded {
        options.timeout = Duration::from_secs(60);
        Embedded::open(self.path(), options).expect("the store opens")
    }

    /// A store in which only so many bits of hashes count.
    pub fn colliding_store(&self, hash_mask: u64) -> Embedded {
        let mut options = Options::default();
        options.hash_mask = hash_mask;
        self.open(options)
    }
}

/// A namespace of this name.
pub fn space(name: &str, maxsize: Option<usize>) -> Namespace {
    Namespace::new(name, fingerprint(&[name.as_bytes()])).with_maxsize(maxsize)
}

/// What a memoized call does: says whether it hit, and the value.
pub fn call(
    store: &dyn Store,
    space: &Namespace,
    key: &[u8],
    compute: impl FnOnce() -> Vec<u8>,
) -> (bool, Vec<u8>) {
    match store.get(space, key).expect("the store works") {
        Found::Hit(value) => (true, value),
        Found::Miss(ticket) => {
            let value = compute();
            let replace = space.maxsize().is_none();
            let entry = Entry {
                value: &value,
                weight: 1,
                computed_since: Some(ticket),
                replace,
                age: Duration::ZERO,
            };
            store.store(space, key, entry).expect("the store works");
            (false, value)
        }
    }
}

/// Calls with a number; its value is its square.
pub fn square(store: &dyn Store, space: &Namespace, x: u64) -> bool {
    let (hit, value) = call(store, space, &x.to_le_bytes(), || (x * x).to_le_bytes().to_vec());
    assert_eq!(value, (x * x).to_le_bytes(), "the value of {x}");
    hit
}

/// Puts a value of some weight.
pub fn put(store: &dyn Store, space: &Namespace, key: &[u8], value: &[u8], weight: u64) -> bool {
    let entry = Entry { value, weight, computed_since: None, replace: true, age: Duration::ZERO };
    store.store(space, key, entry).expect("the store works")
}

pub fn peek(store: &dyn Store, space: &Namespace, key: &[u8]) -> Option<Vec<u8>> {
    store.peek(space, key).expect("the store works")
}

pub fn info(store: &dyn Store, space: &Namespace) -> (u64, u64, usize) {
    let Counts { hits, misses, currsize } = store.info(space).expect("the store works");
    (hits, misses, currsize)
}

/// Stops a server without ending it: it accepts, and does not answer. Or lets it go on.
pub fn hang(server: u32, hang: bool) {
    let process = server as libc::pid_t;
    let signal = if hang { libc::SIGSTOP } else { libc::SIGCONT };
    // SAFETY: it is a child that was not waited for.
    assert_eq!(unsafe { libc::kill(process, signal) }, 0);
    if hang {
        // The signal reaches the threads of the server a moment later.
        let mut status = 0;
        // SAFETY: as above; it is waited for until it is stopped, and stays a child.
        assert_eq!(unsafe { libc::waitpid(process, &raw mut status, libc::WUNTRACED) }, process);
        assert!(libc::WIFSTOPPED(status), "it has ended");
    }
}
