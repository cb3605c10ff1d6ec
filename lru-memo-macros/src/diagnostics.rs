//! Collects all mistakes of one attribute, so that one compile reports them all.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Attribute;

/// The mistakes found so far.
#[derive(Default)]
pub(crate) struct Diagnostics {
    errors: Option<syn::Error>,
}

impl Diagnostics {
    /// Reports a mistake at the tokens that the user has to change.
    pub(crate) fn error(&mut self, at: impl ToTokens, message: impl std::fmt::Display) {
        self.add(syn::Error::new_spanned(at, message));
    }

    /// Reports a mistake that a parser found.
    pub(crate) fn add(&mut self, error: syn::Error) {
        match &mut self.errors {
            Some(errors) => errors.combine(error),
            None => self.errors = Some(error),
        }
    }

    /// The value of a parser, or nothing and its mistake reported.
    pub(crate) fn ok<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// The mistakes as `compile_error!`s, if there are any, each under the conditions under which it is one.
    pub(crate) fn into_tokens(self, conditions: &[Attribute]) -> Option<TokenStream> {
        let written = |error: syn::Error| {
            let error = error.into_compile_error();
            quote!(#(#conditions)* #error)
        };
        self.errors.map(|errors| errors.into_iter().map(written).collect())
    }
}
