//! The generics of a function.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{GenericParam, Generics, Ident, Type, TypeImplTrait, TypeParam, parse_quote};

/// The names of the type and constant parameters.
pub(crate) fn type_parameters(generics: &Generics) -> Vec<&Ident> {
    let parameters = generics.params.iter().filter_map(|param| match param {
        GenericParam::Type(param) => Some(&param.ident),
        GenericParam::Const(param) => Some(&param.ident),
        GenericParam::Lifetime(_) => None,
    });
    parameters.collect()
}

/// Hands on the type and constant parameters: `::<T, N>`.
pub(crate) fn turbofish(generics: &Generics) -> Option<TokenStream> {
    let parameters = type_parameters(generics);
    (!parameters.is_empty()).then(|| quote!(::<#(#parameters),*>))
}

/// Replaces `impl Trait` by a parameter of its own, which is added to the generics.
pub(crate) fn name_impl_trait(ty: &Type, at: usize, generics: &mut Generics) -> Type {
    struct Namer<'g> {
        at: usize,
        generics: &'g mut Generics,
    }
    impl syn::visit_mut::VisitMut for Namer<'_> {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            syn::visit_mut::visit_type_mut(self, ty);
            if let Type::ImplTrait(TypeImplTrait { bounds, .. }) = ty {
                let count = self.generics.params.len();
                let ident = format_ident!("ImplTrait{}{count}", self.at, span = Span::mixed_site());
                let parameter: TypeParam = parse_quote!(#ident: #bounds);
                self.generics.params.push(GenericParam::Type(parameter));
                *ty = parse_quote!(#ident);
            }
            // A name needs no parentheses, as `&(impl A + B)` does.
            if let Type::Paren(inner) = ty {
                if matches!(*inner.elem, Type::Path(_)) {
                    *ty = (*inner.elem).clone();
                }
            }
        }
    }
    let mut ty = ty.clone();
    syn::visit_mut::VisitMut::visit_type_mut(&mut Namer { at, generics }, &mut ty);
    ty
}
