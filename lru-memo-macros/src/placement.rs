//! The place of companions.
//!
//! In an inherent block, companions stand beside the functions. The `impl` of a trait can have only the trait's items,
//! so there the companions go into a private trait, which works for every type: foreign ones, references, a type
//! parameter. Only code in the same module can call a private trait. So a type that may belong to the crate also gets
//! functions of its own, which forward to the trait.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, Safety, Signature};

use crate::block::{Block, Implemented};
use crate::body::call;
use crate::companion::Companion;
use crate::function::Setting;
use crate::generics::turbofish;
use crate::names::without_place;
use crate::pieces::Pieces;

/// The functions beside a memoized one.
#[derive(Default)]
pub(crate) struct Companions {
    /// The functions themselves.
    pub(crate) functions: TokenStream,
    /// For a function of a trait: their declarations, in a trait of their own.
    pub(crate) declarations: TokenStream,
    /// For a function of a trait: functions of the type, which forward to the companions.
    pub(crate) forwards: TokenStream,
}

impl Companions {
    pub(crate) fn extend(&mut self, other: Self) {
        self.functions.extend(other.functions);
        self.declarations.extend(other.declarations);
        self.forwards.extend(other.forwards);
    }
}

impl Pieces<'_> {
    /// Writes a companion in its place.
    pub(crate) fn placed(&self, companion: Companion) -> Companions {
        let Companion { doc, attributes, forward_attributes, is_written, signature, declaration, body } =
            companion;
        let Setting::Block(block @ Block { implemented: Some(implemented), .. }) = self.function.place else {
            let mut vis = match doc {
                Some(_) => self.function.item.vis.to_token_stream(),
                None => TokenStream::new(),
            };
            let mut signature = signature;
            let permit = if self.is_seen_as_used() && !is_written {
                vis = vis.into_iter().map(as_the_macros).collect();
                mark_keywords(&mut signature);
                None
            } else {
                Some(quote!(#[allow(dead_code)]))
            };
            let doc = doc.unwrap_or_else(|| quote!(#[doc(hidden)]));
            return Companions {
                functions: quote!(#doc #attributes #permit #vis #signature #body),
                ..Companions::default()
            };
        };
        let all = &self.attributes.all;
        let (mut in_trait, mut declaration) = (signature, declaration);
        let forwards = doc.filter(|_| implemented.forwards).map(|doc| {
            let mut signature = declaration.clone();
            block.spell_in_forward(&mut signature);
            let (prefix, name, turbofish) =
                (block.prefix(), &signature.ident, turbofish(&signature.generics));
            let arguments = signature.inputs.iter().map(argument_to_hand_on);
            // Only the function of the type is one for editors.
            (in_trait.ident, declaration.ident) = (without_place(name), without_place(name));
            let of_trait = &declaration.ident;
            let call = call(&signature, quote!(#prefix #of_trait #turbofish), &quote!(#(#arguments),*));
            // If two traits have a memoized function of this name, the compiler points at its head.
            let written = &self.function.item.sig;
            let (start, end) = (written.fn_token.span, written.paren_token.span.open());
            let mut at = start;
            let forward = quote!(pub #signature { #call }).into_iter().map(|mut token| {
                if matches!(&token, TokenTree::Ident(ident) if ident == name) {
                    at = end;
                } else {
                    // The colons of a path decide its edition.
                    let is_colon = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ':');
                    token.set_span(if is_colon { at.resolved_at(token.span()) } else { at });
                }
                token
            });
            let forward: TokenStream = forward.collect();
            quote!(#doc #forward_attributes #[allow(dead_code)] #forward)
        });
        block.spell_in_declaration(&mut declaration);
        Companions {
            functions: quote!(#attributes #[allow(dead_code)] #in_trait #body),
            declarations: quote!(#(#all)* #declaration;),
            forwards: forwards.unwrap_or_default(),
        }
    }
}

/// The items that hold what is generated beside the functions of a block that implements a trait.
pub(crate) fn beside(block: &Block, companions: &Companions) -> TokenStream {
    let Some(Implemented { path, companions: name, forwards, .. }) = &block.implemented else {
        return TokenStream::new();
    };
    let Block { start, generics, ty, attributes, .. } = block;
    let clause = &generics.where_clause;
    let arguments = block.arguments(true);
    let Companions { declarations, functions, forwards: forwarding } = companions;
    // What is wrong with the block is wrong with the type: it is another crate's.
    let forwarding = forwards.then(|| {
        quote_spanned! {ty.span()=>
            #(#attributes)*
            #start #generics #ty #clause { #forwarding }
        }
    });
    quote! {
        #(#attributes)*
        #[doc(hidden)]
        #[allow(dead_code, non_camel_case_types, clippy::all, clippy::pedantic, clippy::nursery)]
        trait #name #generics: #path #clause { #declarations }

        #(#attributes)*
        impl #generics #name #arguments for #ty #clause { #functions }

        #forwarding
    }
}

/// Marks a token as written by the macro. A function counts as generated if the tokens before its
/// name are marked. The name keeps its own place, so that an editor leads there.
fn as_the_macros(mut token: TokenTree) -> TokenTree {
    token.set_span(token.span().resolved_at(Span::call_site()));
    token
}

/// Marks the keywords before the name of a function.
fn mark_keywords(signature: &mut Signature) {
    let Signature { constness, asyncness, safety, fn_token, .. } = signature;
    let safety = match safety {
        Safety::Unsafe(token) => Some(&mut token.span),
        _ => None,
    };
    let [constness, asyncness] =
        [constness.as_mut().map(|token| &mut token.span), asyncness.as_mut().map(|token| &mut token.span)];
    for span in [constness, asyncness, safety].into_iter().flatten().chain([&mut fn_token.span]) {
        *span = span.resolved_at(Span::call_site());
    }
}

/// Returns the argument to pass on for a parameter that is only a name.
fn argument_to_hand_on(input: &FnArg) -> TokenStream {
    match input {
        FnArg::Receiver(receiver) => receiver.self_token.to_token_stream(),
        FnArg::Typed(typed) => typed.pat.to_token_stream(),
    }
}
