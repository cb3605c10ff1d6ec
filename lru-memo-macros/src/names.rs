//! The names of what the macro writes beside a function.

use proc_macro2::Span;
use quote::format_ident;
use syn::Ident;
use syn::ext::IdentExt;

/// The names of what is generated beside the function.
pub(crate) struct Names {
    pub(crate) info: Ident,
    pub(crate) totals: Ident,
    pub(crate) advice: Ident,
    pub(crate) clear: Ident,
    pub(crate) resize: Ident,
    pub(crate) parameters: Ident,
    pub(crate) uncached: Ident,
    pub(crate) invalidate: Ident,
    pub(crate) invalidate_if: Ident,
    pub(crate) peek: Ident,
    pub(crate) put: Ident,
    pub(crate) refresh: Ident,
    pub(crate) with_outcome: Ident,
    pub(crate) near_info: Ident,
    /// Not for users: the function that finds the cache. Users meet its name where it cannot be found or does not
    /// belong: when they have put the attribute on a function in an `impl` block that needs one as well.
    pub(crate) cache: Ident,
    /// Not for users: the memoized function when `impl Trait` arguments hide a parameter of it.
    pub(crate) call: Ident,
    pub(crate) instantiation: Ident,
    /// Not for users: what the registry knows of the function, if there is only one instantiation.
    pub(crate) site: Ident,
    /// Not for users: what a call does that the fast path of a hit has not answered.
    pub(crate) missed: Ident,
}

impl Names {
    /// Each has the place of the function's name: an editor leads there, and renames them with the function.
    pub(crate) fn beside(function: &Ident) -> Self {
        let name = function.unraw();
        let companion = |suffix: &str| format_ident!("{name}_{suffix}", span = function.span());
        let hidden = |suffix: &str| format_ident!("{name}_{suffix}", span = Span::call_site());
        Self {
            info: companion("cache_info"),
            totals: companion("cache_totals"),
            advice: companion("cache_advice"),
            clear: companion("cache_clear"),
            resize: companion("cache_resize"),
            parameters: companion("cache_parameters"),
            uncached: companion("uncached"),
            invalidate: companion("cache_invalidate"),
            invalidate_if: companion("cache_invalidate_if"),
            peek: companion("cache_peek"),
            put: companion("cache_put"),
            refresh: companion("cache_refresh"),
            with_outcome: companion("with_outcome"),
            near_info: companion("cache_near_info"),
            cache: hidden("needs_lru_cache_on_its_impl_block"),
            call: hidden("lru_memo_call"),
            missed: hidden("lru_memo_missed"),
            instantiation: hidden("lru_memo_instantiation"),
            site: hidden("lru_memo_site"),
        }
    }
}

/// Returns a name that does not stand where the user wrote something.
pub(crate) fn without_place(name: &Ident) -> Ident {
    Ident::new(&name.to_string(), Span::call_site())
}
