//! Paths of generated code: to `lru_memo`, and to `core`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Path};

/// Where generated code finds `lru_memo`: at the given path, or under its own name.
#[derive(Default)]
pub(crate) struct Runtime(Option<Path>);

impl Runtime {
    pub(crate) fn at(path: Path) -> Self {
        Self(Some(path))
    }

    /// The path of the crate.
    pub(crate) fn public(&self) -> TokenStream {
        self.0.as_ref().map_or_else(|| quote!(::lru_memo), ToTokens::to_token_stream)
    }

    /// The path of the runtime.
    pub(crate) fn private(&self) -> TokenStream {
        self.private_at(Span::call_site())
    }

    /// The path of something in the runtime, such that errors about its use are shown at `at`.
    ///
    /// Only its colons stand there. An editor shows every name that stands at a place when it is asked about that place.
    pub(crate) fn item(&self, at: Span, name: &str) -> TokenStream {
        let (private, name) = (self.private_at(at), Ident::new(name, Span::call_site()));
        quote_spanned!(at=> #private::#name)
    }

    /// The answer to a question about a type, which has an inherent constant or function `answer` on `probe`, or else that of
    /// the trait `otherwise`.
    pub(crate) fn ask(
        &self,
        probe: &str,
        otherwise: &str,
        ty: &impl ToTokens,
        answer: &TokenStream,
    ) -> TokenStream {
        let at = ty.span();
        let (probe, otherwise) = (self.item(at, probe), self.item(Span::call_site(), otherwise));
        let asked = quote_spanned!(at=> #probe::<#ty>::#answer);
        let brought = quote!(use #otherwise as _;);
        quote_spanned!(at=> { #brought #asked })
    }

    /// The line of `at`: all of it has to stand there. In edition 2015 `::core` would not be found.
    pub(crate) fn line(&self, at: Span) -> TokenStream {
        match &self.0 {
            None => quote_spanned!(at=> ::lru_memo::__private::line!()),
            Some(_) => quote_spanned!(at=> ::core::line!()),
        }
    }

    /// The path of the runtime, for errors that are shown at `at`.
    pub(crate) fn private_at(&self, at: Span) -> TokenStream {
        let Some(path) = &self.0 else {
            let path =
                [Ident::new("lru_memo", Span::call_site()), Ident::new("__private", Span::call_site())];
            return quote_spanned!(at=> #(::#path)*);
        };
        // What cannot be found is wrong in the given path.
        let at = path.span();
        quote_spanned!(at=> #path::__private)
    }
}

/// The path `::core`, for what is shown at `at`: also in edition 2015, where such a path of the user's means another
/// crate.
pub(crate) fn core_at(at: Span) -> TokenStream {
    // The edition is that of the colons.
    let colons = quote_spanned!(at.resolved_at(Span::call_site())=> ::);
    let core = Ident::new("core", Span::call_site());
    quote!(#colons #core)
}
