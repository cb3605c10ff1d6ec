//! The attribute macros of the `lru-memo` crate, which re-exports and documents them.
//!
//! [`item`] finds the functions under an attribute, and runs the stages of an expansion. Each uses those before it, and none a
//! later one:
//!
//! 1. [`own`], [`options`] and [`object`] read what the user wrote in attributes, and [`conditions`] splits functions with `cfg`s
//!    inside.
//! 2. [`block`] reads the `impl` around a function, [`function`] and [`owner`] the function itself. They ask [`types`],
//!    [`borrows`] and [`mentions`] about types and code.
//! 3. [`validate`] reports mistakes.
//! 4. [`key`] and [`shape`] decide the key, [`cached`] the stored value, [`parameters`] the configuration, and [`home`] the
//!    place of the cache. [`pieces`] holds what they decided.
//! 5. [`lookup`] writes the bodies that use the cache, [`companions`] the functions beside the memoized one, [`placement`] puts
//!    these where they can stand, and [`expand`] writes all together.

#![forbid(unsafe_code)]
// The links are for readers of the code.
#![allow(rustdoc::private_intra_doc_links)]

mod attributes;
mod block;
mod body;
mod borrows;
mod cached;
mod companion;
mod companions;
mod conditions;
mod diagnostics;
mod duration;
mod expand;
mod fingerprint;
mod function;
mod generics;
mod home;
mod inputs;
mod instantiation;
mod item;
mod key;
mod lints;
mod lookup;
mod mentions;
mod names;
mod object;
mod options;
mod own;
mod owner;
mod parameters;
mod pieces;
mod placement;
mod runtime;
mod shape;
mod signature;
#[cfg(test)]
mod snapshots;
mod types;
mod validate;

use proc_macro::TokenStream;

use crate::own::Attribute;

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
