//! The type of a cache: the kind of its entries, and its hasher.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::options::Options;

/// Returns the kind of entries: they are plain if the arguments and the value are.
pub(super) fn storage(
    arguments: &TokenStream,
    value: &TokenStream,
    options: &Options,
    private: &TokenStream,
) -> TokenStream {
    let is_plain = quote! {{
        use #private::NotPlain as _;
        #private::Plainness::<#arguments, #value>::IS_PLAIN
    }};
    let expires = options.ttl.is_some();
    of_kind(options, &is_plain, expires, private)
}

/// Returns the kind of entries, given an expression for whether they are plain.
pub(super) fn of_kind(
    options: &Options,
    is_plain: &TokenStream,
    expires: bool,
    private: &TokenStream,
) -> TokenStream {
    let mut kind = quote!(#private::Kept<#is_plain, #expires>);
    if options.idle.is_some() {
        kind = quote!(#private::Idling<#private::Kept<#is_plain, true>>);
    }
    if options.stale.is_some() {
        kind = quote!(#private::Staling<#kind>);
    }
    if options.advise { quote!(#private::Advising<#kind>) } else { kind }
}

/// Returns the hasher, and a statement that does not compile if the type is no hasher. In a signature, such a type is replaced, if
/// the compiler can tell.
pub(super) fn hasher(options: &Options, is_typed: bool, private: &TokenStream) -> (TokenStream, TokenStream) {
    let Some(hasher) = &options.hasher else {
        return (quote!(#private::DefaultHasher), TokenStream::new());
    };
    if !is_typed {
        return (quote!(#hasher), TokenStream::new());
    }
    let at = hasher.span();
    let item = |name| options.runtime.item(at, name);
    let (chosen, is, usable) = (item("HasherOf"), item("Is"), item("usable_hasher"));
    let is_usable = options.runtime.ask("HasherProbe", "NotUsable", hasher, &quote!(IS_USABLE));
    let chosen = quote_spanned!(at=> #chosen<#hasher, #is<#is_usable>>);
    (chosen, quote_spanned!(at=> #usable::<#hasher>();))
}
