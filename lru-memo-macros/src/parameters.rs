//! The configuration of a cache, as expressions.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::options::{Maxsize, Options, Scope};

/// The configuration of a cache, as expressions.
pub(crate) struct Parameters {
    /// Of type `Option<usize>`.
    pub(crate) maxsize: TokenStream,
    /// Of type `CacheParameters`.
    pub(crate) whole: TokenStream,
}

impl Parameters {
    pub(crate) fn of(options: &Options, private: &TokenStream) -> Self {
        let at = Span::mixed_site();
        let maxsize = match &options.maxsize {
            Maxsize::Unbounded => quote_spanned!(at=> ::core::option::Option::None),
            Maxsize::Bounded(maxsize) => {
                let here = maxsize.span();
                let maxsize = match options.scope {
                    Scope::Object => maxsize.clone(),
                    _ => quote_spanned!(here=> const { #maxsize }),
                };
                quote_spanned!(at=> ::core::option::Option::Some(#maxsize))
            }
        };
        let typed = options.typed;
        let scope = match options.scope {
            Scope::Process => quote_spanned!(at=> Process),
            Scope::Thread => quote_spanned!(at=> Thread),
            Scope::Shared => quote_spanned!(at=> Shared),
            Scope::Object => quote_spanned!(at=> Object),
        };
        let ttl = options.ttl.as_ref().map(|ttl| quote_spanned!(ttl.span()=> .with_ttl(#ttl)));
        let near = options.near.as_ref().map(|near| quote_spanned!(near.span()=> .with_near(#near)));
        let max_weight =
            options.max_weight.as_ref().map(|max| quote_spanned!(max.span()=> .with_max_weight(#max)));
        let version = Some(options.version).filter(|&version| version > 0);
        let version = version.map(|version| quote!(.with_version(#version)));
        let whole = quote_spanned! {at=>
            #private::CacheParameters::new(#maxsize, #typed, <#private::Scope>::#scope) #ttl #near #max_weight #version
        };
        Self { maxsize, whole }
    }
}
