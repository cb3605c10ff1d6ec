//! The key of a function: which arguments make it, and how.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Ident, Index, Type};

use crate::function::Function;
use crate::options::Options;
use crate::shape::{shape, with_elided_lifetimes};

/// The key of a function.
pub(crate) struct Key {
    /// Statements that bring the names of the user's patterns into the scope of a key expression.
    pub(crate) bindings: TokenStream,
    /// Makes the key, borrowing the arguments: `(part, (part, ()))`.
    pub(crate) value: TokenStream,
    /// Its stored form, unless only the compiler knows it.
    pub(crate) stored: Option<TokenStream>,
    /// The types of the arguments that make the key, in the form of the key; as known as `stored`.
    pub(crate) arguments: TokenStream,
    /// Proves that the key may be shared between threads; mentions a variable `key`.
    pub(crate) proof: TokenStream,
    /// The number of its parts.
    pub(crate) parts: usize,
}

impl Key {
    pub(crate) fn of(function: &Function, options: &Options) -> Self {
        match &options.key {
            Some(key) => Self::of_expression(key, function, options),
            None => Self::of_arguments(function, options),
        }
    }

    fn of_arguments(function: &Function, options: &Options) -> Self {
        let mut parts: Vec<(TokenStream, Type)> = Vec::new();
        if let (Some(receiver), Some(ty)) = (function.receiver(), function.receiver_type()) {
            if !options.skip.iter().any(|skipped| skipped == "self") {
                let token = receiver.self_token;
                parts.push((quote!(#token), ty));
            }
        }
        for argument in &function.arguments {
            if !argument.is_skipped && !options.skip.contains(&argument.name) {
                let name = &argument.name;
                parts.push((quote!(#name), argument.ty.clone()));
            }
        }
        let mut key = Self {
            bindings: TokenStream::new(),
            value: quote!(()),
            stored: Some(quote!(())),
            arguments: quote!(()),
            proof: quote!(()),
            parts: parts.len(),
        };
        for (name, ty) in parts.iter().rev() {
            let at = ty.span();
            let here = options.runtime.at(at);
            let shape = shape(ty, &options.runtime);
            let (how, stored, ty) = (shape.how, shape.stored, with_elided_lifetimes(ty));
            let (value, rest, arguments, proof) = (key.value, key.stored, key.arguments, key.proof);
            key.value = quote_spanned!(at=> (#here::part::<#how, #ty, _, _>(&#name), #value));
            key.stored = Some(quote!((#stored, #rest)));
            key.arguments = quote!((#ty, #arguments));
            key.proof = quote_spanned!(at=> (#here::shareable::<#stored>(), #proof));
        }
        key
    }

    /// A tuple makes as many parts as it has elements.
    fn of_expression(expression: &Expr, function: &Function, options: &Options) -> Self {
        let parts: Vec<&Expr> = match expression {
            Expr::Tuple(tuple) => tuple.elems.iter().collect(),
            other => vec![other],
        };
        let mut key = Self {
            bindings: bindings(function),
            value: quote!(()),
            stored: None,
            arguments: quote!(()),
            proof: quote!(()),
            parts: parts.len(),
        };
        for (index, part) in parts.iter().enumerate().rev() {
            let at = part.span();
            let here = options.runtime.at(at);
            let (value, proof) = (key.value, key.proof);
            key.value = quote_spanned!(at=> (#here::part::<#here::Leaf<_>, _, _, _>(&(#part)), #value));
            let part = part_of_key(index);
            key.proof = quote_spanned!(at=> (#here::shareable_part(#part), #proof));
        }
        key
    }
}

/// `&key.1.1.0` for part 2 of a variable `key`.
fn part_of_key(index: usize) -> TokenStream {
    let variable = Ident::new("key", Span::mixed_site());
    let tails = std::iter::repeat_n(Index::from(1), index);
    quote!(&#variable #(.#tails)* .0)
}

/// Brings the names of patterns into scope, as copies: the argument itself is needed whole.
fn bindings(function: &Function) -> TokenStream {
    let bindings = function.arguments.iter().filter_map(|argument| {
        let (name, pattern) = (&argument.name, argument.pattern.as_ref()?);
        Some(quote_spanned! {pattern.span()=>
            #[allow(unused_variables, unused_mut)]
            let #pattern = ::core::clone::Clone::clone(&#name);
        })
    });
    bindings.collect()
}

/// What `weigh` is given for a stored `key`: the only part by reference, or a tuple of references to the parts.
pub(crate) fn parts_by_reference(count: usize) -> TokenStream {
    let parts: Vec<TokenStream> = (0..count).map(part_of_key).collect();
    match parts.as_slice() {
        [only] => only.clone(),
        parts => quote!((#(#parts),*)),
    }
}
