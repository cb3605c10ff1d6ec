//! Namespaces: the entries and counters of one function in a store.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::AtomicU64;
use core::time::Duration;

use siphasher::sip128::SipHasher24;

#[cfg(feature = "memcached")]
use super::memcached::listing::Listing;

/// One memoized function in a store, with its limits.
///
/// A store finds a namespace by its [`id`](Self::id). So the id includes everything whose change makes entries
/// unreadable or wrong for the function.
///
/// ```
/// use lru_memo::shared::{Namespace, fingerprint};
///
/// let id = fingerprint(&[b"crate::f", b"fn f(x: u32) -> u32 { x }"]);
/// let space = Namespace::new("crate::f", id).with_maxsize(Some(128));
/// assert_eq!(space.maxsize(), Some(128));
/// ```
#[derive(Debug)]
pub struct Namespace {
    name: Box<str>,
    /// Without the limits, and with them.
    base: u128,
    id: u128,
    maxsize: Option<usize>,
    max_weight: Option<u64>,
    ttl: Option<Duration>,
    idle: Option<Duration>,
    /// Where the embedded store has found it: a hint.
    #[cfg_attr(not(feature = "shared"), expect(dead_code, reason = "there is no embedded store"))]
    pub(crate) place: AtomicU64,
    /// When this process has last noted on a Redis server that it is used.
    #[cfg(feature = "redis")]
    pub(crate) noted: AtomicU64,
    /// Whether Memcached has a list of its entries, as this process has last seen.
    #[cfg(feature = "memcached")]
    pub(crate) listing: Listing,
}

impl Namespace {
    /// An unbounded namespace of this name; `id` is a [`fingerprint`] of all that tells it from others.
    #[must_use]
    pub fn new(name: &str, id: u128) -> Self {
        let name = name.into();
        Self {
            name,
            base: id,
            id,
            maxsize: None,
            max_weight: None,
            ttl: None,
            idle: None,
            place: AtomicU64::new(0),
            #[cfg(feature = "redis")]
            noted: AtomicU64::new(0),
            #[cfg(feature = "memcached")]
            listing: Listing::default(),
        }
    }

    /// Makes a namespace that was found in a store: the id is known, and not the parts that it was made of.
    pub(super) fn found(
        name: &str,
        id: u128,
        maxsize: Option<usize>,
        max_weight: Option<u64>,
        ttl: Option<Duration>,
        idle: Option<Duration>,
    ) -> Self {
        Self { maxsize, max_weight, ttl, idle, ..Self::new(name, id) }
    }

    /// Bounds the number of entries.
    #[must_use]
    pub fn with_maxsize(self, maxsize: Option<usize>) -> Self {
        Self { maxsize, ..self }.identified()
    }

    /// Bounds the sum of the entries' weights.
    #[must_use]
    pub fn with_max_weight(self, max_weight: Option<u64>) -> Self {
        Self { max_weight, ..self }.identified()
    }

    /// Bounds the age of the entries.
    #[must_use]
    pub fn with_ttl(self, ttl: Option<Duration>) -> Self {
        Self { ttl, ..self }.identified()
    }

    /// Bounds the time for which an entry stays that no process uses.
    #[must_use]
    pub fn with_idle(self, idle: Option<Duration>) -> Self {
        Self { idle, ..self }.identified()
    }

    /// Returns the name of the function, for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the number of this namespace. It depends on the limits, too.
    #[inline]
    #[must_use]
    pub fn id(&self) -> u128 {
        self.id
    }

    fn identified(self) -> Self {
        let number = |limit: Option<u128>| limit.unwrap_or(u128::MAX).to_le_bytes();
        let maxsize = number(self.maxsize.map(|max| max as u128));
        let max_weight = number(self.max_weight.map(u128::from));
        let ttl = number(self.ttl.map(|ttl| ttl.as_nanos()));
        let idle = number(self.idle.map(|idle| idle.as_nanos()));
        let parts: [&[u8]; 5] = [&self.base.to_le_bytes(), &maxsize, &max_weight, &ttl, &idle];
        // Without `idle`, the id is what it was before there was such an option.
        let id = fingerprint(&parts[..if self.idle.is_some() { 5 } else { 4 }]);
        Self { id, ..self }
    }

    /// The largest number of entries, until it is changed. [`Summary::maxsize`](super::Summary::maxsize) is the present one.
    #[must_use]
    pub fn maxsize(&self) -> Option<usize> {
        self.maxsize
    }

    /// The largest sum of weights.
    #[must_use]
    pub fn max_weight(&self) -> Option<u64> {
        self.max_weight
    }

    /// How long an entry stays that no process uses.
    #[must_use]
    pub fn idle(&self) -> Option<Duration> {
        self.idle
    }

    /// The age at which entries expire.
    #[must_use]
    pub fn ttl(&self) -> Option<Duration> {
        self.ttl
    }

    /// Whether an entry of this weight may be stored, if the bound on the number of entries is not 0.
    #[cfg(any(feature = "memcached", all(feature = "shared", target_os = "linux")))]
    pub(crate) fn admits(&self, weight: u64) -> bool {
        self.max_weight.is_none_or(|max| weight <= max)
    }
}

/// Returns a 128-bit hash of all parts, for the ids of namespaces. The hash is the same in every process on every
/// machine.
///
/// The hash is SipHash-2-4 with a fixed key: parts collide only if somebody has chosen them to collide.
#[must_use]
pub fn fingerprint(parts: &[&[u8]]) -> u128 {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend((part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    let hash = SipHasher24::new_with_keys(0x6c72_755f_6d65_6d6f, 0x6e61_6d65_7370_6163).hash(&bytes);
    // `as_u128` is another number on a big-endian processor.
    u128::from_le_bytes(hash.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number of this kind stands in every store.
    #[test]
    fn a_fingerprint_never_changes() {
        assert_eq!(fingerprint(&[]), 0x2548_ed19_0046_1e9b_c875_1033_8a6e_7953);
        let of_both = fingerprint(&[b"crate::f", b"fn f() {}"]);
        assert_eq!(of_both, 0x78cc_2826_5f4a_92c9_236a_6171_5da2_97dd);
    }

    #[test]
    fn parts_are_told_apart_by_their_lengths() {
        assert_ne!(fingerprint(&[b"ab", b"c"]), fingerprint(&[b"a", b"bc"]));
        assert_ne!(fingerprint(&[b"ab"]), fingerprint(&[b"ab", b""]));
    }
}
