//! The attribute macros of the `lru-memo` crate, which re-exports and documents them.
//!
//! The stages: [`options`] reads the attribute, [`signature`] the function, [`validate`] refuses what cannot be
//! memoized, [`shape`] turns argument types into key parts, [`expand`] writes the functions.

#![forbid(unsafe_code)]

mod diagnostics;
mod expand;
mod options;
mod shape;
mod signature;
mod validate;

use proc_macro::TokenStream;
use quote::ToTokens;
use syn::ItemFn;

use crate::diagnostics::Diagnostics;
use crate::options::{Attribute, Options};

/// Memoizes a function with an exact LRU cache.
#[proc_macro_attribute]
pub fn lru_cache(options: TokenStream, item: TokenStream) -> TokenStream {
    memoize(Attribute::LruCache, options.into(), item.into()).into()
}

/// Memoizes a function with an unbounded cache.
#[proc_macro_attribute]
pub fn cache(options: TokenStream, item: TokenStream) -> TokenStream {
    memoize(Attribute::Cache, options.into(), item.into()).into()
}

fn memoize(
    attribute: Attribute,
    options: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    let mut diagnostics = Diagnostics::default();
    let options = Options::parse(attribute, options, &mut diagnostics);
    let function = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            diagnostics.add(signature::not_a_function(attribute.name(), error, &item));
            return fallback(diagnostics, item);
        }
    };
    validate::validate(&function, &mut diagnostics);
    if diagnostics.is_empty() {
        expand::expand(&options, &function)
    } else {
        fallback(diagnostics, signature::repaired(function).into_token_stream())
    }
}

/// The mistakes, and the item, so that nothing else fails for want of it.
fn fallback(diagnostics: Diagnostics, item: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let errors = diagnostics.into_tokens();
    quote::quote!(#errors #item)
}
