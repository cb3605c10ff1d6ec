//! The names of what the macro writes beside a function.

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
    /// Not for users: what a call does that the fast path of a hit has not answered.
    pub(crate) missed: Ident,
}

impl Names {
    pub(crate) fn beside(function: &Ident) -> Self {
        let function = function.unraw();
        Self {
            info: format_ident!("{function}_cache_info"),
            totals: format_ident!("{function}_cache_totals"),
            advice: format_ident!("{function}_cache_advice"),
            clear: format_ident!("{function}_cache_clear"),
            resize: format_ident!("{function}_cache_resize"),
            parameters: format_ident!("{function}_cache_parameters"),
            uncached: format_ident!("{function}_uncached"),
            invalidate: format_ident!("{function}_cache_invalidate"),
            invalidate_if: format_ident!("{function}_cache_invalidate_if"),
            peek: format_ident!("{function}_cache_peek"),
            put: format_ident!("{function}_cache_put"),
            refresh: format_ident!("{function}_cache_refresh"),
            with_outcome: format_ident!("{function}_with_outcome"),
            near_info: format_ident!("{function}_cache_near_info"),
            cache: format_ident!("{function}_needs_lru_cache_on_its_impl_block"),
            call: format_ident!("__lru_memo_call_of_{function}"),
            missed: format_ident!("__lru_memo_missed_{function}"),
            instantiation: format_ident!("__lru_memo_instantiation_of_{function}"),
        }
    }
}
