//! The borrows and lifetimes in a type.

use proc_macro2::TokenStream;
use quote::quote;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{Ident, Lifetime, Type, TypeReference};

use crate::types::{is_static, peel, wrapper};

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
pub(crate) fn with_lifetimes(ty: &Type, name: &str) -> Type {
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
