//! The owner: the parameter with the object that has the cache, for `scope = self.memo`, and how companions take it.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{FnArg, Ident, Receiver, ReceiverKind, Type, parse_quote};

use crate::borrows::first_mutable_borrow;
use crate::function::{Argument, Function};
use crate::inputs::{Inputs, input};
use crate::object::Object;
use crate::types::peel;

/// The parameter that a chain starts from.
pub(crate) enum Owner<'f> {
    Receiver(&'f Receiver),
    Argument(&'f Argument),
}

impl Owner<'_> {
    pub(crate) fn is_reference(&self) -> bool {
        match self {
            Self::Receiver(Receiver { kind: ReceiverKind::Reference(..), .. }) => true,
            Self::Receiver(Receiver { kind: ReceiverKind::Typed(_, ty), .. }) => is_reference(ty),
            Self::Receiver(_) => false,
            Self::Argument(argument) => is_reference(&argument.ty),
        }
    }

    pub(crate) fn is_mutable(&self) -> bool {
        match self {
            Self::Receiver(Receiver { kind: ReceiverKind::Reference(_, _, mutability), .. }) => {
                mutability.is_some()
            }
            Self::Receiver(Receiver { kind: ReceiverKind::Typed(_, ty), .. }) => {
                first_mutable_borrow(ty).is_some()
            }
            Self::Receiver(_) => false,
            Self::Argument(argument) => first_mutable_borrow(&argument.ty).is_some(),
        }
    }

    /// What is to be changed.
    pub(crate) fn tokens(&self) -> TokenStream {
        match self {
            Self::Receiver(receiver) => receiver.to_token_stream(),
            Self::Argument(argument) => argument.ty.to_token_stream(),
        }
    }

    pub(crate) fn as_written(&self) -> String {
        match self {
            Self::Receiver(_) => "&mut self".to_owned(),
            Self::Argument(argument) => format!("&mut {}", argument.name),
        }
    }
}

impl Object {
    /// Returns the owner, if the function has a parameter of its name.
    pub(crate) fn parameter<'f>(&self, function: &'f Function<'_>) -> Option<Owner<'f>> {
        if self.owner == "self" {
            return function.receiver().map(Owner::Receiver);
        }
        let argument =
            function.arguments.iter().find(|argument| argument.is_named && argument.name == self.owner);
        argument.map(Owner::Argument)
    }

    /// Returns the name of the owner, which is not part of the key.
    pub(crate) fn skipped(&self, function: &Function<'_>) -> Option<Ident> {
        self.parameter(function).map(|_| self.owner.clone())
    }

    /// Returns the parameter of companions without a key: the owner. A method takes it by reference.
    pub(crate) fn owner_input(&self, function: &Function<'_>) -> Option<FnArg> {
        Some(match self.parameter(function)? {
            Owner::Receiver(receiver) => {
                let token = &receiver.self_token;
                parse_quote!(&#token)
            }
            Owner::Argument(Argument { name, ty, .. }) => input(name.clone(), ty.clone()),
        })
    }

    /// Returns the parameters of companions with a key: the owner, then the others.
    pub(crate) fn inputs(&self, function: &Function<'_>) -> Inputs {
        let is_owner = |input: &FnArg| match input {
            FnArg::Receiver(_) => self.owner == "self",
            FnArg::Typed(typed) => matches!(&*typed.pat, syn::Pat::Ident(name) if name.ident == self.owner),
        };
        let others = function.inputs_of_key(Some(&self.owner)).into_iter().filter(|input| !is_owner(input));
        // `self` always comes first.
        let (receiver, others): (Vec<_>, Vec<_>) =
            others.partition(|input| matches!(input, FnArg::Receiver(_)));
        receiver.into_iter().chain(self.owner_input(function)).chain(others).collect()
    }
}

fn is_reference(ty: &Type) -> bool {
    matches!(peel(ty), Type::Reference(_))
}
