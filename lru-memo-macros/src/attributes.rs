//! The attributes of a function, sorted by the generated function they belong to.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::{Attribute, Ident, Meta, Token};

/// The attributes of the function, sorted by the generated function they belong to.
#[derive(Default)]
pub(crate) struct Attributes {
    /// On the memoized function.
    pub(crate) outer: Vec<TokenStream>,
    /// On the function itself, beside its body.
    pub(crate) inner: Vec<TokenStream>,
    /// On the companion with the function's arguments and return type.
    pub(crate) alike: Vec<TokenStream>,
    /// On every companion.
    pub(crate) all: Vec<TokenStream>,
    /// `#[track_caller]`, where it stands, and each condition it stands under.
    pub(crate) track_caller: Vec<TokenStream>,
}

impl Attributes {
    pub(crate) fn sort(attributes: &[Attribute]) -> Self {
        let mut sorted = Self::default();
        for attribute in attributes {
            // Where the user wrote it: lints do not look at documentation that a macro wrote.
            sorted.add(&attribute.meta, &|meta| {
                let mut tokens = attribute.pound_token.to_token_stream();
                attribute.bracket_token.surround(&mut tokens, |inside| inside.extend(meta));
                tokens
            });
        }
        sorted
    }

    /// Sorts one attribute; `written` writes it as the user did, under its conditions.
    fn add(&mut self, meta: &Meta, written: &dyn Fn(TokenStream) -> TokenStream) {
        let name = meta.path().get_ident().map(Ident::to_string).unwrap_or_default();
        if name == "cfg_attr" && self.add_conditional(meta, written).is_some()
            || name == "expect" && self.add_expectation(meta, written).is_some()
        {
            return;
        }
        let (outer, inner, alike, all) = match name.as_str() {
            "cfg" | "allow" | "warn" | "deny" | "forbid" => (true, true, false, true),
            "must_use" | "track_caller" => (true, true, true, false),
            "cfg_attr" | "inline" => (true, true, false, false),
            "doc" | "deprecated" | "no_mangle" | "export_name" | "link_section" | "unsafe" => {
                (true, false, false, false)
            }
            // An attribute below this one is applied before it, as with Python's decorators.
            _ => (false, true, false, false),
        };
        let lists = [
            (outer, &mut self.outer),
            (inner, &mut self.inner),
            (alike, &mut self.alike),
            (all, &mut self.all),
            (name == "track_caller", &mut self.track_caller),
        ];
        for (_, list) in lists.into_iter().filter(|(wanted, _)| *wanted) {
            list.push(written(meta.to_token_stream()));
        }
    }

    /// Sorts each attribute of a `cfg_attr` for itself.
    fn add_conditional(&mut self, meta: &Meta, written: &dyn Fn(TokenStream) -> TokenStream) -> Option<()> {
        let parse = Punctuated::<Meta, Token![,]>::parse_terminated;
        let parts = meta.require_list().and_then(|list| list.parse_args_with(parse)).ok()?;
        let mut parts = parts.iter();
        let condition = parts.next()?;
        for part in parts {
            self.add(part, &|meta| written(quote!(cfg_attr(#condition, #meta))));
        }
        Some(())
    }

    /// An expectation stays where it is met, and is a permission elsewhere: what is generated must neither
    /// break it nor be warned of.
    fn add_expectation(&mut self, meta: &Meta, written: &dyn Fn(TokenStream) -> TokenStream) -> Option<()> {
        let parse = Punctuated::<Meta, Token![,]>::parse_terminated;
        let expected = meta.require_list().and_then(|list| list.parse_args_with(parse)).ok()?;
        let (reason, lints): (Vec<_>, Vec<_>) =
            expected.iter().partition(|meta| meta.path().is_ident("reason"));
        let is_about_name = |meta: &&Meta| {
            meta.path().segments.last().is_some_and(|lint| {
                ["dead_code", "missing_docs", "must_use_candidate"].iter().any(|name| lint.ident == name)
            })
        };
        let (name, body): (Vec<_>, Vec<_>) = lints.iter().copied().partition(is_about_name);
        let level = |level: TokenStream, lints: &[&Meta]| {
            (!lints.is_empty()).then(|| written(quote!(#level(#(#lints,)* #(#reason)*))))
        };
        let expect = |lints: &[&Meta]| level(quote!(expect), lints);
        let allow = |lints: &[&Meta]| level(quote!(allow), lints);
        self.outer.extend([expect(&name), allow(&body)].into_iter().flatten());
        self.inner.extend([expect(&body), allow(&name)].into_iter().flatten());
        self.all.extend(allow(&lints));
        Some(())
    }
}
