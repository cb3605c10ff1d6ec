//! This crate's attributes: which there are, and how they are recognized.

use syn::{Attribute as SynAttribute, Ident, Path};

/// Which attribute was written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attribute {
    /// `#[lru_cache]`: 128 entries unless told otherwise.
    LruCache,
    /// `#[cache]`: unbounded.
    Cache,
}

impl Attribute {
    pub(crate) const ALL: [Self; 2] = [Self::LruCache, Self::Cache];

    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::LruCache => "lru_cache",
            Self::Cache => "cache",
        }
    }
}

/// Whether a path ends like that of one of this crate's attributes.
pub(crate) fn ends_like_own(path: &Path) -> bool {
    path.segments.last().is_some_and(|last| last.ident == "lru_cache" || last.ident == "cache")
}

/// Whether a path is that of one of this crate's attributes, however it is called.
fn is_own(path: &Path) -> bool {
    ends_like_own(path)
        && (path.segments.len() == 1 || path.segments.iter().any(|segment| segment.ident == "lru_memo"))
}

/// Takes off this crate's attributes.
pub(crate) fn take_own(attributes: &mut Vec<SynAttribute>) -> Vec<SynAttribute> {
    let all = std::mem::take(attributes).into_iter();
    let (own, others) = all.partition(|attribute| is_own(attribute.path()));
    *attributes = others;
    own
}

/// Whether an attribute is `#[lru_cache(skip)]`.
pub(crate) fn is_skip(attribute: &SynAttribute) -> bool {
    attribute.parse_args::<Ident>().is_ok_and(|argument| argument == "skip")
}
