//! Inputs and outputs of generated functions, put together without a parser.

use proc_macro2::Span;
use syn::punctuated::Punctuated;
use syn::{FnArg, Ident, Pat, PatIdent, PatType, ReturnType, Token, Type};

/// The inputs of a function.
pub(crate) type Inputs = Punctuated<FnArg, Token![,]>;

/// Returns an input that is a name with a type.
pub(crate) fn input(name: Ident, ty: Type) -> FnArg {
    let pattern = PatIdent { attrs: Vec::new(), by_ref: None, mutability: None, ident: name, subpat: None };
    let (pat, at) = (Box::new(Pat::Ident(pattern)), Span::call_site());
    FnArg::Typed(PatType { attrs: Vec::new(), pat, colon_token: Token![:](at), ty: Box::new(ty) })
}

/// Returns what stands behind an arrow.
pub(crate) fn returned(ty: Type) -> ReturnType {
    ReturnType::Type(Token![->](Span::call_site()), Box::new(ty))
}
