//! Derives from an argument's type its part of the key, and the stored form.
//!
//! The macro looks for references and floats, alone or inside tuples, slices, arrays, `Option`, `Vec` and `Cow`. Any other type is
//! a leaf, with its own hash and equality.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{GenericArgument, Ident, Lifetime, Path, PathArguments, Type, TypePath, TypeReference};

use crate::options::Runtime;

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
        inner => (!needs_structure(inner)).then(|| inner.to_token_stream()),
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

#[derive(Clone, Copy)]
enum Wrapper {
    Option,
    Vec,
    Cow,
}

/// Returns the wrapper of a type such as `std::option::Option<T>`, and the wrapped type.
fn wrapper(ty: &Type) -> Option<(Wrapper, &Type)> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|_| path.qself.is_none())?;
    let wrapper = match last.ident.to_string().as_str() {
        "Option" => Wrapper::Option,
        "Vec" => Wrapper::Vec,
        "Cow" => Wrapper::Cow,
        _ => return None,
    };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    let mut arguments =
        arguments.args.iter().filter(|argument| !matches!(argument, GenericArgument::Lifetime(_)));
    match (arguments.next(), arguments.next()) {
        (Some(GenericArgument::Type(elem)), None) => Some((wrapper, elem)),
        _ => None,
    }
}

fn is_float(ty: &Type) -> bool {
    matches!(peel(ty), Type::Path(path) if path.path.is_ident("f32") || path.path.is_ident("f64"))
}

/// Whether a type is written as a primitive type, or as a reference or slice of these.
pub(crate) fn is_plain_part(ty: &Type) -> bool {
    match peel(ty) {
        Type::Reference(reference) => is_plain_part(&reference.elem),
        Type::Slice(slice) => is_plain_part(&slice.elem),
        Type::Path(path) => path.path.is_ident("str") || is_primitive(ty),
        _ => false,
    }
}

/// Whether a value of this type is plain, if its name tells.
pub(crate) fn plain_value(ty: &Type) -> Option<bool> {
    const OWNERS: [&str; 5] = ["String", "Vec", "Box", "Arc", "Rc"];
    let Type::Path(path) = peel(ty) else { return None };
    let last = path.path.segments.last()?;
    let is_owner = OWNERS.iter().any(|owner| last.ident == owner);
    is_primitive(ty).then_some(true).or(is_owner.then_some(false))
}

fn is_primitive(ty: &Type) -> bool {
    const NUMBERS: [&str; 14] = [
        "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64",
    ];
    let Type::Path(path) = peel(ty) else { return false };
    let known =
        |ident: &Ident| ident == "bool" || ident == "char" || NUMBERS.iter().any(|known| ident == known);
    path.path.get_ident().is_some_and(known)
}

fn is_static(reference: &TypeReference) -> bool {
    reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static")
}

/// Returns the type without parentheses and invisible groups.
pub(crate) fn peel(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => peel(&inner.elem),
        Type::Group(inner) => peel(&inner.elem),
        other => other,
    }
}

/// Whether a type contains a name that passes a test.
pub(crate) fn mentions(ty: &Type, mut is_sought: impl FnMut(&Ident) -> bool) -> bool {
    struct Finder<F>(F, bool);
    impl<'ast, F: FnMut(&Ident) -> bool> Visit<'ast> for Finder<F> {
        fn visit_ident(&mut self, ident: &'ast Ident) {
            self.1 |= (self.0)(ident);
        }
    }
    let mut finder = Finder(&mut is_sought, false);
    finder.visit_type(ty);
    finder.1
}

/// Returns the parameters that the compiler infers from an argument of this type. An associated type does not tell its parameter.
pub(crate) fn inferable<'p>(ty: &Type, parameters: &[&'p Ident]) -> Vec<&'p Ident> {
    struct Finder<'a, 'p>(&'a [&'p Ident], Vec<&'p Ident>);
    impl<'ast> Visit<'ast> for Finder<'_, '_> {
        fn visit_path(&mut self, path: &'ast Path) {
            match path.get_ident() {
                Some(ident) => self.1.extend(self.0.iter().copied().filter(|parameter| *parameter == ident)),
                None => visit::visit_path(self, path),
            }
        }
        fn visit_type_path(&mut self, path: &'ast TypePath) {
            if path.qself.is_none() {
                visit::visit_type_path(self, path);
            }
        }
    }
    let mut finder = Finder(parameters, Vec::new());
    finder.visit_type(ty);
    finder.1
}

/// Returns the first borrow in a type that is not `'static`: `&T`, `&'a T` or `Type<'a>`.
pub(crate) fn first_borrow(ty: &Type) -> Option<TokenStream> {
    struct Finder(Option<TokenStream>);
    impl<'ast> Visit<'ast> for Finder {
        fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
            if !is_static(reference) {
                self.0.get_or_insert_with(|| quote!(#reference));
            }
            visit::visit_type_reference(self, reference);
        }
        fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
            if lifetime.ident != "static" {
                self.0.get_or_insert_with(|| quote!(#lifetime));
            }
        }
        // The lifetimes in a function pointer are its own.
        fn visit_type_fn_ptr(&mut self, _: &'ast syn::TypeFnPtr) {}
        fn visit_parenthesized_generic_arguments(&mut self, _: &'ast syn::ParenthesizedGenericArguments) {}
    }
    let mut finder = Finder(None);
    finder.visit_type(ty);
    finder.0
}

/// Returns the first `&mut` in a type, except in the signature of a function pointer or closure.
pub(crate) fn first_mutable_borrow(ty: &Type) -> Option<&TypeReference> {
    struct Finder<'ast>(Option<&'ast TypeReference>);
    impl<'ast> Visit<'ast> for Finder<'ast> {
        fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
            if reference.mutability.is_some() {
                self.0.get_or_insert(reference);
            }
            visit::visit_type_reference(self, reference);
        }
        fn visit_type_fn_ptr(&mut self, _: &'ast syn::TypeFnPtr) {}
        fn visit_parenthesized_generic_arguments(&mut self, _: &'ast syn::ParenthesizedGenericArguments) {}
    }
    let mut finder = Finder(None);
    finder.visit_type(ty);
    finder.0
}

/// Returns the first borrow in the part of a type that would be stored as it is.
pub(crate) fn first_borrow_in_leaf(ty: &Type) -> Option<TokenStream> {
    match peel(ty) {
        Type::Reference(reference) => first_borrow_in_leaf(&reference.elem),
        Type::Tuple(tuple) => tuple.elems.iter().find_map(first_borrow_in_leaf),
        Type::Slice(slice) => first_borrow_in_leaf(&slice.elem),
        Type::Array(array) => first_borrow_in_leaf(&array.elem),
        inner => match wrapper(inner) {
            Some((_, elem)) => first_borrow_in_leaf(elem),
            None => first_borrow(inner),
        },
    }
}

/// Returns the type with each named lifetime replaced by `'_`, for use inside a constant, where lifetimes have no names.
pub(crate) fn with_elided_lifetimes(ty: &Type) -> Type {
    with_lifetimes(ty, "_")
}

/// Returns the type with this lifetime in place of each other one, except `'static`.
fn with_lifetimes(ty: &Type, name: &str) -> Type {
    struct Setter<'n>(&'n str);
    impl VisitMut for Setter<'_> {
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            if lifetime.ident != "static" {
                lifetime.ident = Ident::new(self.0, lifetime.ident.span());
            }
        }
        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            let at = reference.and_token.span;
            reference.lifetime.get_or_insert_with(|| Lifetime::new("'_", at));
            visit_mut::visit_type_reference_mut(self, reference);
        }
    }
    let mut ty = ty.clone();
    Setter(name).visit_type_mut(&mut ty);
    ty
}
