//! The borrows and lifetimes in a type.

use proc_macro2::TokenStream;
use quote::quote;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{
    BoundLifetimes, GenericParam, Ident, Lifetime, ParenthesizedGenericArguments, TraitBound, Type,
    TypeFnPtr, TypeReference,
};

use crate::types::{peel, wrapper};

/// What makes a type borrow.
enum Borrow<'t> {
    Reference(&'t mut TypeReference),
    Lifetime(&'t mut Lifetime),
}

/// Visits what makes a type borrow. The lifetimes that `for<..>` names, and those without a name in the signature of a function
/// pointer or of `Fn(..)`, are not the type's.
struct Borrows<F> {
    visit: F,
    /// How many signatures are around.
    signatures: usize,
    /// The names of each `for<..>` around.
    named: Vec<Vec<Ident>>,
}

impl<F: FnMut(Borrow<'_>)> Borrows<F> {
    fn visit(ty: &mut Type, visit: F) {
        Self { visit, signatures: 0, named: Vec::new() }.visit_type_mut(ty);
    }

    fn enter(&mut self, bound: Option<&BoundLifetimes>) {
        let names = bound.into_iter().flat_map(|bound| &bound.lifetimes).filter_map(|param| match param {
            GenericParam::Lifetime(param) => Some(param.lifetime.ident.clone()),
            _ => None,
        });
        self.named.push(names.collect());
    }

    fn is_of_type(&self, lifetime: Option<&Lifetime>) -> bool {
        match lifetime {
            Some(Lifetime { ident, .. }) if ident == "static" => false,
            Some(Lifetime { ident, .. }) if ident != "_" => {
                !self.named.iter().flatten().any(|name| name == ident)
            }
            _ => self.signatures == 0,
        }
    }
}

impl<F: FnMut(Borrow<'_>)> VisitMut for Borrows<F> {
    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        if self.is_of_type(reference.lifetime.as_ref()) {
            (self.visit)(Borrow::Reference(reference));
        }
        self.visit_type_mut(&mut reference.elem);
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if self.is_of_type(Some(lifetime)) {
            (self.visit)(Borrow::Lifetime(lifetime));
        }
    }

    fn visit_type_fn_ptr_mut(&mut self, pointer: &mut TypeFnPtr) {
        self.enter(pointer.lifetimes.as_ref());
        self.signatures += 1;
        visit_mut::visit_type_fn_ptr_mut(self, pointer);
        self.signatures -= 1;
        self.named.pop();
    }

    fn visit_parenthesized_generic_arguments_mut(&mut self, arguments: &mut ParenthesizedGenericArguments) {
        self.signatures += 1;
        visit_mut::visit_parenthesized_generic_arguments_mut(self, arguments);
        self.signatures -= 1;
    }

    fn visit_trait_bound_mut(&mut self, bound: &mut TraitBound) {
        self.enter(bound.lifetimes.as_ref());
        visit_mut::visit_trait_bound_mut(self, bound);
        self.named.pop();
    }
}

/// Returns the first borrow in a type that is not `'static`: `&T`, `&'a T` or `Type<'a>`.
pub(crate) fn first_borrow(ty: &Type) -> Option<TokenStream> {
    let mut first = None;
    Borrows::visit(&mut ty.clone(), |borrow| {
        first.get_or_insert_with(|| match borrow {
            Borrow::Reference(reference) => quote!(#reference),
            Borrow::Lifetime(lifetime) => quote!(#lifetime),
        });
    });
    first
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
pub(crate) fn with_lifetimes(ty: &Type, name: &str) -> Type {
    let mut ty = ty.clone();
    Borrows::visit(&mut ty, |borrow| match borrow {
        Borrow::Reference(TypeReference { and_token, lifetime, .. }) => {
            let at = lifetime.as_ref().map_or(and_token.span, Lifetime::span);
            *lifetime = Some(Lifetime { apostrophe: at, ident: Ident::new(name, at) });
        }
        Borrow::Lifetime(lifetime) => lifetime.ident = Ident::new(name, lifetime.ident.span()),
    });
    ty
}
