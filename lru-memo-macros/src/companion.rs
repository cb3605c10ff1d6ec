//! A companion: its signature and its body, with the attributes that it shares with the memoized function.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Signature};

use crate::function::Setting;
use crate::pieces::Pieces;

/// A function beside the memoized one.
pub(crate) struct Companion {
    /// Its documentation. Hidden functions have none.
    pub(crate) doc: Option<TokenStream>,
    /// The attributes of the function, and of the function that forwards to it.
    pub(crate) attributes: TokenStream,
    pub(crate) forward_attributes: TokenStream,
    /// Whether the body is the user's, so that lints apply to it.
    pub(crate) is_written: bool,
    pub(crate) signature: Signature,
    /// The signature, with names for all parameters.
    pub(crate) declaration: Signature,
    pub(crate) body: TokenStream,
}

impl Pieces<'_> {
    /// Makes a function for users.
    pub(crate) fn companion(
        &self,
        doc: TokenStream,
        mut signature: Signature,
        body: TokenStream,
    ) -> Companion {
        if let Some(store) = &self.home.store {
            signature.asyncness = store.asyncness;
        }
        let (all, generated) = (&self.attributes.all, self.allow_of_generated(&signature));
        let forward_attributes = quote!(#(#all)* #generated);
        // Compiled where it is called, and not at all if nothing calls it.
        let inline = (!doc.is_empty()).then(|| quote!(#[inline]));
        let attributes = quote!(#forward_attributes #inline);
        let (declaration, bindings) = (signature.clone(), self.function.bindings());
        let body = quote!({ #bindings #body });
        Companion {
            doc: Some(doc),
            attributes,
            forward_attributes,
            is_written: false,
            signature,
            declaration,
            body,
        }
    }

    /// Makes a function that only generated code calls.
    pub(crate) fn hidden(&self, signature: Signature, body: TokenStream) -> Companion {
        let asyncness = signature.asyncness;
        let mut companion = self.companion(TokenStream::new(), signature, body);
        (companion.signature.asyncness, companion.declaration.asyncness) = (asyncness, asyncness);
        Companion { doc: None, ..companion }
    }

    /// Adds the attributes of a companion with the parameters of the function, which may run it.
    pub(crate) fn calling(&self, mut companion: Companion) -> Companion {
        let (alike, allow) = (&self.attributes.alike, self.allow_of_documented(&companion.signature));
        let attributes = quote!(#(#alike)* #allow);
        companion.attributes.extend(attributes.clone());
        companion.forward_attributes.extend(attributes);
        companion
    }

    /// Returns the signature of the function under another name, with names for all parameters.
    pub(crate) fn like_the_function(&self, name: &Ident) -> Signature {
        let mut signature = self.function.item.sig.clone();
        signature.ident = name.clone();
        signature.generics = self.function.generics.clone();
        signature.inputs = self.function.inputs();
        signature.abi = None;
        signature
    }

    /// Writes a doc comment. `{}` stands for the name of the function.
    pub(crate) fn doc(&self, text: &str) -> TokenStream {
        let name = self.function.item.sig.ident.to_string();
        let name = match self.function.place {
            Setting::Free => name,
            _ => format!("Self::{name}"),
        };
        let text = text.replace("{}", &name);
        quote!(#[doc = #text])
    }
}
