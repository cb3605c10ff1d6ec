//! The attribute macros of the `lru-memo` crate, which re-exports and documents them.
//!
//! The stages: [`item`] finds the functions, [`conditions`] splits those with conditions inside, [`block`] reads the
//! `impl` around them, [`options`] an attribute, [`function`] the function under it, [`validate`] refuses what cannot
//! be memoized; [`key`], [`cached`], [`home`] and [`object`] decide what is looked up, what is kept and where, and
//! [`expand`] and [`lookup`] write the functions.

#![forbid(unsafe_code)]
// The links are for those who read the code.
#![allow(rustdoc::private_intra_doc_links)]

mod block;
mod cached;
mod conditions;
mod diagnostics;
mod duration;
mod expand;
mod fingerprint;
mod function;
mod home;
mod item;
mod key;
mod lookup;
mod object;
mod options;
mod parameters;
mod shape;
#[cfg(test)]
mod snapshots;
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
