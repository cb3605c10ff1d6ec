//! Derives from an argument's type its part of the key, and the stored form.
//!
//! The macro looks for references and floats, alone or inside tuples, slices, arrays, `Option`, `Vec` and `Cow`. Any other type is
//! a leaf, with its own hash and equality.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use crate::borrows::{with_elided_lifetimes, with_lifetimes};
use crate::runtime::Runtime;
use crate::types::{Wrapper, is_float, is_plain_part, is_static, peel, wrapper};

/// How a type is part of a key.
pub(crate) struct Shape {
    /// The `How` of the runtime's `KeyPart<How>`.
    pub(crate) how: TokenStream,
    /// The stored type. It uses constants, so it can be written only without generics.
    pub(crate) stored: TokenStream,
}

/// Returns the stored type of a generic type, if it can be written without a constant.
pub(crate) fn stored_of_generic(ty: &Type, runtime: &Runtime) -> Option<TokenStream> {
    match peel(ty) {
        Type::Reference(reference) if !is_static(reference) => {
            let elem = &reference.elem;
            // An object is stored as its own type, which needs no bound here: if it is not `Clone`, only the key reports it.
            let is_own = matches!(peel(elem), Type::Path(path) if path.path.is_ident("Self"));
            let owned = runtime.item(ty.span(), "ToOwned");
            let stored = || if is_own { quote!(#elem) } else { quote!(<#elem as #owned>::Owned) };
            (!needs_structure(elem)).then(stored)
        }
        _ => (!needs_structure(ty)).then(|| ty.to_token_stream()),
    }
}

/// Writes how a leaf is part of a key.
type LeafOf<'l> = &'l dyn Fn(&Type) -> TokenStream;

/// The context in which a shape is derived.
#[derive(Clone, Copy)]
pub(crate) struct Sight<'r> {
    /// The path of the runtime.
    pub(crate) runtime: &'r Runtime,
    /// Whether the compiler can be asked what a name means: not for generic types.
    pub(crate) can_ask: bool,
}

/// Returns the shape of an argument of this type.
pub(crate) fn shape(ty: &Type, sight: Sight<'_>) -> Shape {
    let leaf = |ty: &Type| {
        let leaf = sight.runtime.item(ty.span(), "Leaf");
        quote_spanned!(ty.span()=> #leaf<_>)
    };
    shape_of(ty, sight, &leaf)
}

/// Returns the shape of a type, given that of a leaf.
fn shape_of(ty: &Type, sight: Sight<'_>, leaf: LeafOf<'_>) -> Shape {
    match peel(ty) {
        Type::Reference(reference) if !is_static(reference) => {
            let inner = behind_reference(&reference.elem, sight, leaf);
            let (how, reference) = (inner.how, sight.runtime.item(ty.span(), "Ref"));
            Shape { how: quote_spanned!(ty.span()=> #reference<#how>), stored: inner.stored }
        }
        Type::Tuple(tuple) if needs_structure(ty) => {
            let parts: Vec<Shape> = tuple.elems.iter().map(|elem| shape_of(elem, sight, leaf)).collect();
            let (hows, stored) = (parts.iter().map(|part| &part.how), parts.iter().map(|part| &part.stored));
            Shape { how: quote!((#(#hows,)*)), stored: quote!((#(#stored,)*)) }
        }
        Type::Slice(slice) if needs_structure(ty) => sequence("SliceOf", &slice.elem, sight, leaf),
        Type::Array(array) if needs_structure(ty) => sequence("ArrayOf", &array.elem, sight, leaf),
        inner => match wrapper(inner) {
            Some((wrapper, elem)) if needs_structure(inner) => wrapped(inner, wrapper, elem, sight, leaf),
            _ => Shape { how: leaf(ty), stored: quote!(#ty) },
        },
    }
}

/// Returns the shape of a type with the name of a wrapper: that of a wrapper if it is one, else that of a leaf.
fn wrapped(ty: &Type, wrapper: Wrapper, elem: &Type, sight: Sight<'_>, leaf: LeafOf<'_>) -> Shape {
    let at = ty.span();
    let item = |name| sight.runtime.item(at, name);
    let (chosen, by_hash, leaf_of) = (item("Chosen"), item("ByHash"), item("Leaf"));
    // Inference could not find the types in the shape that is not chosen, so the compiler is asked for them.
    let asked = |ty: &Type| {
        let is_float = ask(ty, quote!(IS_FLOAT), sight);
        let by_bits = item("ByBits");
        quote_spanned!(at=> #leaf_of<#chosen<#is_float, #by_bits, #by_hash>>)
    };
    let leaf: LeafOf<'_> = if sight.can_ask { &asked } else { leaf };
    let (question, shape) = match wrapper {
        Wrapper::Cow => {
            let Shape { how, stored } = behind_reference(elem, sight, leaf);
            let cow = item("CowOf");
            (quote!(IS_COW), Shape { how: quote_spanned!(at=> #cow<#how>), stored })
        }
        Wrapper::Option => {
            let Shape { how, stored } = shape_of(elem, sight, leaf);
            let option = item("OptionOf");
            let how = quote_spanned!(at=> #option<#how>);
            (quote!(IS_OPTION), Shape { how, stored: quote!(::core::option::Option<#stored>) })
        }
        Wrapper::Vec => (quote!(IS_VEC), sequence("VecOf", elem, sight, leaf)),
    };
    if !sight.can_ask {
        return shape;
    }
    let (is_it, Shape { how, stored }) = (ask(ty, question, sight), shape);
    let own = with_lifetimes(ty, "static");
    Shape {
        how: quote_spanned!(at=> #chosen<#is_it, #how, #leaf_of<#by_hash>>),
        stored: quote_spanned!(at=> #chosen<#is_it, #stored, #own>),
    }
}

/// Returns the answer to a question about a type, as the type `Is<..>`.
fn ask(ty: &Type, question: TokenStream, sight: Sight<'_>) -> TokenStream {
    let ty = with_elided_lifetimes(ty);
    let (is, answer) =
        (sight.runtime.item(ty.span(), "Is"), sight.runtime.ask("Wrapper", "NoWrapper", &ty, &question));
    quote_spanned!(ty.span()=> #is<#answer>)
}

/// Returns the shape of the target of a reference. A leaf may be unsized there.
fn behind_reference(ty: &Type, sight: Sight<'_>, leaf: LeafOf<'_>) -> Shape {
    let is_leaf = match peel(ty) {
        Type::Reference(reference) => is_static(reference),
        _ => !needs_structure(ty) || is_float(ty),
    };
    if is_leaf {
        let at = ty.span();
        let (owned, is) = (sight.runtime.item(at, "Owned"), sight.runtime.item(at, "Is"));
        let is_ownable = match is_plain_part(ty) {
            true => quote!(true),
            false => sight.runtime.ask("Ownable", "NotOwnable", ty, &quote!(IS_OWNABLE)),
        };
        let stored = quote_spanned!(at=> #owned<#ty, #is<#is_ownable>>);
        Shape { how: leaf(ty), stored }
    } else {
        shape_of(ty, sight, leaf)
    }
}

fn sequence(how: &str, elem: &Type, sight: Sight<'_>, leaf: LeafOf<'_>) -> Shape {
    let inner = shape_of(elem, sight, leaf);
    let (inner_how, stored) = (inner.how, inner.stored);
    let at = elem.span();
    let (how, boxed) = (sight.runtime.item(at, how), sight.runtime.item(at, "Box"));
    Shape { how: quote_spanned!(at=> #how<#inner_how>), stored: quote!(#boxed<[#stored]>) }
}

/// Whether a type holds a reference or a float where the runtime can reach it.
fn needs_structure(ty: &Type) -> bool {
    match peel(ty) {
        Type::Reference(reference) => !is_static(reference),
        Type::Tuple(tuple) => tuple.elems.iter().any(needs_structure),
        Type::Slice(slice) => needs_structure(&slice.elem),
        Type::Array(array) => needs_structure(&array.elem),
        inner => match wrapper(inner) {
            Some((Wrapper::Cow, _)) => true,
            Some((_, elem)) => needs_structure(elem),
            None => is_float(inner),
        },
    }
}
