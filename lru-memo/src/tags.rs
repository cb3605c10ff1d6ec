//! Tags: names under which entries of many functions are invalidated together.
//!
//! An entry has the fingerprints of its tags, and the number of the newest invalidation when its key was copied, before
//! the function ran. A table maps each fingerprint to the number of its newest invalidation. An entry is current while
//! no tag of it has a later number.
//!
//! An invalidation searches caches that all threads share at once. A cache of one thread or of one object is searched
//! before its next lookup, which compares one number to find out whether anything was invalidated.
//!
//! The table has a fixed number of rows. If two tags share a row, a later search treats them as invalidated together.
//! The table has no lock, so a fork always copies a consistent one.

pub(crate) mod invalidate;

use alloc::boxed::Box;
#[cfg(feature = "_stores")]
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::hash::DefaultHasher;

use crate::codegen::key::{Key, SameKey};

const ROWS: usize = 1 << 14;

/// The number of the newest invalidation.
static NEWEST: AtomicU64 = AtomicU64::new(0);

/// The number of the newest invalidation of a tag in each row.
static TABLE: [AtomicU64; ROWS] = [const { AtomicU64::new(0) }; ROWS];

/// The hash of a tag, the same in all threads of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl Fingerprint {
    fn of(tag: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        tag.hash(&mut hasher);
        Self(hasher.finish())
    }

    /// Outdates the entries that have this tag, in all caches. What is stored from now on is current.
    fn outdate(self) {
        let number = NEWEST.fetch_add(1, AcqRel) + 1;
        self.row().fetch_max(number, Release);
    }

    fn row(self) -> &'static AtomicU64 {
        &TABLE[self.0 as usize % ROWS]
    }
}

/// The number of the newest invalidation of any tag.
#[inline]
pub(crate) fn newest() -> u64 {
    NEWEST.load(Acquire)
}

/// Text that can be a tag.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tag",
    label = "a tag is text: needs `AsRef<str>`",
    note = "write text, such as `\"orders\"` or `id.to_string()`"
)]
pub trait Tag {
    /// The text.
    fn text(&self) -> &str;
}

#[diagnostic::do_not_recommend]
impl<T: AsRef<str> + ?Sized> Tag for T {
    fn text(&self) -> &str {
        self.as_ref()
    }
}

/// Returns the texts of tags, for a value in the shared store.
#[cfg(feature = "_stores")]
#[must_use]
pub fn texts(tags: &[&dyn Tag]) -> Vec<Box<str>> {
    tags.iter().map(|tag| tag.text().into()).collect()
}

/// The tags of an entry.
#[derive(Debug)]
pub struct Tags {
    since: u64,
    fingerprints: Box<[Fingerprint]>,
}

impl Tags {
    /// Makes the tags of an entry from the list `tags = [..]`.
    #[must_use]
    pub fn new(tags: &[&dyn Tag]) -> Self {
        let since = newest();
        let fingerprints = tags.iter().map(|tag| Fingerprint::of(tag.text())).collect();
        Self { since, fingerprints }
    }
}

/// The tags of a call: the last part of its key, made when the key is copied. Keys with different tags are equal.
#[derive(Debug, Clone, Copy)]
pub struct TagsOfCall<F>(pub F);

impl<F: Fn() -> Tags + Copy, H> Key<Tags, H> for TagsOfCall<F> {
    type Same = ();

    #[inline(always)]
    fn hash(&self, _: &mut H) {}

    #[inline(always)]
    fn matches(&self, _: &Tags) -> bool {
        true
    }

    #[inline]
    fn to_stored(&self) -> Tags {
        (self.0)()
    }

    #[inline]
    fn same(&self) {}
}

impl SameKey<Tags> for () {
    #[inline]
    fn same(&self, _: &Tags, _: &Tags) -> bool {
        true
    }
}

/// A stored key, which may end in [`Tags`].
pub trait Tagged {
    /// Whether it has tags.
    const IS_TAGGED: bool;

    /// Whether no tag was invalidated since the key was copied.
    fn is_current(&self) -> bool;
    /// Whether this is one of the tags.
    fn has(&self, tag: Fingerprint) -> bool;
}

impl Tagged for () {
    const IS_TAGGED: bool = false;

    #[inline]
    fn is_current(&self) -> bool {
        true
    }

    #[inline]
    fn has(&self, _: Fingerprint) -> bool {
        false
    }
}

impl Tagged for Tags {
    const IS_TAGGED: bool = true;

    fn is_current(&self) -> bool {
        self.fingerprints.iter().all(|tag| tag.row().load(Acquire) <= self.since)
    }

    fn has(&self, tag: Fingerprint) -> bool {
        self.fingerprints.contains(&tag)
    }
}

impl<S, K: Tagged> Tagged for (S, K) {
    const IS_TAGGED: bool = K::IS_TAGGED;

    #[inline]
    fn is_current(&self) -> bool {
        self.1.is_current()
    }

    #[inline]
    fn has(&self, tag: Fingerprint) -> bool {
        self.1.has(tag)
    }
}
