//! The function as the expansion needs it: its arguments by name, and what it returns.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{Attribute, FnArg, Ident, Item, Meta, Token, ItemFn, Pat, ReturnType, TraitItemFn, Type, parse_quote};

use crate::shape::peel;

/// One argument of the function.
pub(crate) struct Argument {
    /// What the generated functions call it: its own name if it has one.
    pub(crate) name: Ident,
    pub(crate) ty: Type,
}

impl ToTokens for Argument {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { name, ty } = self;
        tokens.extend(quote!(#name: #ty));
    }
}

/// The arguments, named; a receiver is left out.
pub(crate) fn arguments(function: &ItemFn) -> Vec<Argument> {
    let typed = function.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    });
    let named = typed.enumerate().map(|(at, typed)| {
        let name = match &*typed.pat {
            Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => {
                pattern.ident.clone()
            }
            _ => Ident::new(&format!("argument_{at}"), Span::mixed_site()),
        };
        Argument {
            name,
            ty: (*typed.ty).clone(),
        }
    });
    named.collect()
}

/// The return type, `()` when none is written.
pub(crate) fn output(function: &ItemFn) -> Type {
    match &function.sig.output {
        ReturnType::Default => Type::Verbatim(quote!(())),
        ReturnType::Type(_, ty) => (**ty).clone(),
    }
}

/// Why an item is not a function that can be memoized; `error` is what its parser says.
pub(crate) fn not_a_function(attribute: &str, error: syn::Error, item: &TokenStream) -> syn::Error {
    let message = match syn::parse2::<Item>(item.clone()) {
        _ if syn::parse2::<TraitItemFn>(item.clone()).is_ok() => {
            format!("`#[{attribute}]` goes on a function with a body; put it on the implementations instead")
        }
        // A function whose body cannot be read.
        Err(_) if item.clone().into_iter().any(|token| token.to_string() == "fn") => return error,
        _ => format!("`#[{attribute}]` goes on a function; remove it here"),
    };
    syn::Error::new(Span::call_site(), message)
}

/// The function without what the compiler refuses, too, so that one mistake is reported once.
pub(crate) fn repaired(mut function: ItemFn) -> ItemFn {
    let is_unsized = matches!(peel(&output(&function)), Type::TraitObject(_));
    if is_unsized {
        let ty = output(&function);
        function.sig.output = parse_quote!(-> &'static (#ty));
    }
    if is_unsized || function.sig.variadic.take().is_some() {
        function.attrs.push(parse_quote!(#[allow(unused)]));
        function.block = parse_quote!({ loop {} });
    }
    function
}

/// The names of what is generated beside the function.
pub(crate) struct Names {
    pub(crate) info: Ident,
    pub(crate) clear: Ident,
    pub(crate) parameters: Ident,
    pub(crate) uncached: Ident,
    pub(crate) invalidate: Ident,
    pub(crate) peek: Ident,
    pub(crate) put: Ident,
    pub(crate) refresh: Ident,
    /// Not for users: the function that finds the cache.
    pub(crate) cache: Ident,
}

impl Names {
    pub(crate) fn beside(function: &Ident) -> Self {
        let function = function.unraw();
        Self {
            info: format_ident!("{function}_cache_info"),
            clear: format_ident!("{function}_cache_clear"),
            parameters: format_ident!("{function}_cache_parameters"),
            uncached: format_ident!("{function}_uncached"),
            invalidate: format_ident!("{function}_cache_invalidate"),
            peek: format_ident!("{function}_cache_peek"),
            put: format_ident!("{function}_cache_put"),
            refresh: format_ident!("{function}_cache_refresh"),
            cache: format_ident!("__lru_memo_cache_of_{function}"),
        }
    }
}

/// The attributes of the function, sorted by the generated function they belong to.
#[derive(Default)]
pub(crate) struct Attributes {
    /// On the memoized function.
    pub(crate) outer: Vec<TokenStream>,
    /// On the function itself, beside its body.
    pub(crate) inner: Vec<TokenStream>,
    /// On all functions with the function's arguments and return type.
    pub(crate) alike: Vec<TokenStream>,
    /// On every companion.
    pub(crate) all: Vec<TokenStream>,
}

impl Attributes {
    pub(crate) fn sort(function: &ItemFn) -> Self {
        let mut sorted = Self::default();
        for attribute in &function.attrs {
            let name = attribute
                .path()
                .get_ident()
                .map(Ident::to_string)
                .unwrap_or_default();
            if name == "expect" && sorted.sort_expectation(attribute).is_some() {
                continue;
            }
            let (outer, inner, alike, all) = match name.as_str() {
                "cfg" => (true, true, true, true),
                "allow" | "warn" | "deny" | "forbid" => (true, true, true, true),
                "must_use" | "track_caller" => (true, true, true, false),
                "cfg_attr" | "inline" => (true, true, false, false),
                "doc" | "deprecated" | "no_mangle" | "export_name" | "link_section" | "unsafe" => {
                    (true, false, false, false)
                }
                // An attribute below this one is applied before it, as with Python's decorators.
                _ => (false, true, false, false),
            };
            let lists = [
                (outer, &mut sorted.outer),
                (inner, &mut sorted.inner),
                (alike, &mut sorted.alike),
                (all, &mut sorted.all),
            ];
            for (_, list) in lists.into_iter().filter(|(wanted, _)| *wanted) {
                list.push(quote!(#attribute));
            }
        }
        sorted
    }

    /// An expectation stays where it is met, and is a permission elsewhere: what is generated must neither
    /// break it nor be warned of.
    fn sort_expectation(&mut self, attribute: &Attribute) -> Option<()> {
        let parse = Punctuated::<Meta, Token![,]>::parse_terminated;
        let expected = attribute.parse_args_with(parse).ok()?;
        let (reason, lints): (Vec<_>, Vec<_>) = expected.iter().partition(|meta| meta.path().is_ident("reason"));
        let is_about_name = |meta: &&Meta| ["dead_code", "missing_docs"].iter().any(|lint| meta.path().is_ident(lint));
        let (name, body): (Vec<_>, Vec<_>) = lints.iter().copied().partition(is_about_name);
        self.outer.push(quote!(#[expect(#(#name,)* #(#reason)*)] #[allow(#(#body,)* #(#reason)*)]));
        self.inner.push(quote!(#[expect(#(#body,)* #(#reason)*)] #[allow(#(#name,)* #(#reason)*)]));
        self.all.push(quote!(#[allow(#(#lints,)* #(#reason)*)]));
        Some(())
    }
}
