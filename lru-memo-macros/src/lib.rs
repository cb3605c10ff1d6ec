//! The attribute macros of the `lru-memo` crate, which re-exports and documents them.
//!
//! The stages of an expansion:
//!
//! 1. [`item`] finds the functions, and [`conditions`] splits functions with `cfg`s inside.
//! 2. [`block`] reads the `impl` around a function, [`options`] the attribute, [`function`] the function itself.
//! 3. [`validate`] reports mistakes.
//! 4. [`key`] decides the key, [`cached`] the stored value, [`home`] and [`object`] the place of the cache.
//! 5. [`expand`] and [`lookup`] write the functions.

#![forbid(unsafe_code)]
// The links are for readers of the code.
#![allow(rustdoc::private_intra_doc_links)]

mod attributes;
mod block;
mod cached;
mod companions;
mod conditions;
mod diagnostics;
mod duration;
mod expand;
mod fingerprint;
mod function;
mod generics;
mod home;
mod item;
mod key;
mod lookup;
mod names;
mod object;
mod options;
mod parameters;
mod shape;
#[cfg(test)]
mod snapshots;
mod stale;
mod validate;

use proc_macro::TokenStream;

use crate::options::Attribute;

// Documented where it is re-exported, on a page of its own.
#[allow(missing_docs)]
#[proc_macro_attribute]
pub fn lru_cache(options: TokenStream, item: TokenStream) -> TokenStream {
    item::memoize(Attribute::LruCache, options.into(), item.into()).into()
}

/// Memoizes a function with an unbounded cache.
#[proc_macro_attribute]
pub fn cache(options: TokenStream, item: TokenStream) -> TokenStream {
    item::memoize(Attribute::Cache, options.into(), item.into()).into()
}
