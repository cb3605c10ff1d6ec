//! Signatures of generated functions, put together without a parser: parsing tokens that the macro has written itself took a third
//! of its time.

use proc_macro2::{Span, TokenStream};
use syn::token::Paren;
use syn::{Ident, ReturnType, Safety, Signature, Token, Type, parse_quote};

use crate::block::Block;
use crate::function::{Function, Setting};
use crate::inputs::{Inputs, returned};

impl Function<'_> {
    /// Returns a type that the macro has written. Only where types are spelled in another way is it parsed.
    pub(crate) fn written(&self, ty: TokenStream) -> Type {
        match self.place {
            Setting::Block(Block { implemented: Some(_), .. }) => parse_quote!(#ty),
            _ => Type::Verbatim(ty),
        }
    }

    /// Returns the signature of a companion. It has the generics of the function.
    pub(crate) fn companion(&self, name: &Ident, inputs: Inputs, output: Option<TokenStream>) -> Signature {
        let at = Span::call_site();
        let mut signature = Signature {
            constness: None,
            asyncness: None,
            safety: Safety::Default,
            abi: None,
            fn_token: Token![fn](at),
            ident: name.clone(),
            generics: self.generics.clone(),
            paren_token: Paren(at),
            inputs,
            variadic: None,
            output: output.map_or(ReturnType::Default, |ty| returned(self.written(ty))),
        };
        if signature.receiver().is_none() && self.may_be_dispatched() {
            signature.generics.make_where_clause().predicates.push(parse_quote!(Self: ::core::marker::Sized));
        }
        signature
    }
}
