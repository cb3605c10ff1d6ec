//! What a program says of the embedded store.

use core::time::Duration;

/// How an [`Embedded`](super::Embedded) store is made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// The maximum size of all entries, in bytes. The default is 1 GiB. The space is not taken in advance; the files
    /// may grow to twice the size. An existing store keeps its size.
    pub size: usize,
    /// Whether a missing or broken store is made. The default is `true`. With `false`, which suits tools that only
    /// look, opening such a store fails.
    pub create: bool,
    /// Whether the store survives a reboot. The default is `false`. Each change of a durable store is on the disk
    /// before the call returns, so a change takes as long as the disk does. An existing store keeps this setting.
    pub durable: bool,
    /// The time after which an unused namespace may be removed, in whole seconds. The default is seven days. An
    /// existing store keeps its own.
    pub unused: Duration,
    /// How long a call waits for another process that has locked the store. The default is 500 ms; zero is not allowed.
    /// A process that takes longer has probably been stopped, by a debugger or in a frozen container.
    pub timeout: Duration,
    /// The bits of hashes that are used. Tests set fewer bits to get collisions.
    #[doc(hidden)]
    pub hash_mask: u64,
}

impl Default for Options {
    fn default() -> Self {
        let unused = Duration::from_secs(7 * 24 * 3600);
        let timeout = Duration::from_millis(500);
        Self { size: 1 << 30, create: true, durable: false, unused, timeout, hash_mask: u64::MAX }
    }
}
