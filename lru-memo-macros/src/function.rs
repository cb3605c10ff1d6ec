//! The function as the expansion needs it: its place, its named arguments, and its return type.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::punctuated::Punctuated;
use syn::token::Paren;
use syn::{
    AttrStyle, Attribute, FnArg, GenericParam, Generics, Ident, ItemFn, Pat, Receiver, ReceiverKind,
    ReturnType, Type, TypeTuple, parse_quote,
};

use crate::block::Block;
use crate::generics::{name_impl_trait, turbofish, type_parameters};
use crate::inputs::{Inputs, input};
use crate::mentions::{inferable, mentions, mentions_self};
use crate::names::{Names, without_place};
use crate::own::{is_skip, take_own};
use crate::types::referable;

/// Where a function stands.
#[derive(Clone, Copy)]
pub(crate) enum Setting<'b> {
    /// Outside of every `impl` block and trait, as far as can be seen.
    Free,
    /// In an `impl` block or a trait that cannot be seen.
    Member,
    /// In an `impl` block with an attribute of its own.
    Block(&'b Block),
}

/// One argument of the function.
pub(crate) struct Argument {
    /// What the generated functions call it: its own name if it has one.
    pub(crate) name: Ident,
    /// The user's pattern, when it is more than a name.
    pub(crate) pattern: Option<Pat>,
    pub(crate) ty: Type,
    /// Whether it has a name that the user knows.
    pub(crate) is_named: bool,
    /// Whether `skip` leaves it out of the key: by name, or on the parameter itself.
    pub(crate) is_skipped: bool,
}

/// A function to be memoized.
pub(crate) struct Function<'b> {
    pub(crate) item: ItemFn,
    pub(crate) place: Setting<'b>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) output: Type,
    /// The generics, with a parameter for each `impl Trait` argument.
    pub(crate) generics: Generics,
    pub(crate) has_impl_trait: bool,
    /// Whether `skip` leaves `self` out of the key.
    pub(crate) is_self_skipped: bool,
    /// Attributes of this crate's that stand where they mean nothing.
    pub(crate) misplaced: Vec<Misplaced>,
    pub(crate) names: Names,
}

/// An attribute of this crate's that stands where it means nothing.
pub(crate) enum Misplaced {
    OnParameter(Attribute),
    AgainOnFunction(Attribute),
}

impl<'b> Function<'b> {
    /// Takes the macro's own attributes off the parameters.
    pub(crate) fn new(mut item: ItemFn, place: Setting<'b>) -> Self {
        let place = match place {
            Setting::Free if mentions_self(&item) => Setting::Member,
            place => place,
        };
        let mut generics = item.sig.generics.clone();
        let mut arguments = Vec::new();
        let mut misplaced = Vec::new();
        // Those at the head of the body, `#![allow(..)]`, are written before the item again.
        for attribute in &mut item.attrs {
            attribute.style = AttrStyle::Outer;
        }
        for again in take_own(&mut item.attrs) {
            misplaced.push(Misplaced::AgainOnFunction(again));
        }
        let mut is_self_skipped = false;
        for (at, input) in item.sig.inputs.iter_mut().enumerate() {
            let attributes = match input {
                FnArg::Typed(typed) => &mut typed.attrs,
                FnArg::Receiver(receiver) => &mut receiver.attrs,
            };
            let (skips, others): (Vec<_>, Vec<_>) = take_own(attributes).into_iter().partition(is_skip);
            misplaced.extend(others.into_iter().map(Misplaced::OnParameter));
            let is_skipped = !skips.is_empty();
            let FnArg::Typed(typed) = input else {
                is_self_skipped = is_skipped;
                continue;
            };
            let is_named = matches!(&*typed.pat, Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none());
            let (name, pattern) = match &*typed.pat {
                Pat::Ident(pattern) if is_named => (pattern.ident.clone(), None),
                Pat::Wild(_) => (format_ident!("__lru_memo_argument_{at}", span = Span::mixed_site()), None),
                pattern => (
                    format_ident!("__lru_memo_argument_{at}", span = Span::mixed_site()),
                    Some(pattern.clone()),
                ),
            };
            let ty = name_impl_trait(&typed.ty, at, &mut generics);
            arguments.push(Argument { name, pattern, ty, is_named, is_skipped });
        }
        let output = match &item.sig.output {
            ReturnType::Default => Type::Tuple(TypeTuple {
                attrs: Vec::new(),
                paren_token: Paren::default(),
                elems: Punctuated::new(),
            }),
            ReturnType::Type(_, ty) => match place {
                Setting::Block(block) => block.resolved(ty).unwrap_or(ty).clone(),
                _ => (**ty).clone(),
            },
        };
        let has_impl_trait = generics.params.len() > item.sig.generics.params.len();
        let names = Names::beside(&item.sig.ident);
        Self { item, place, arguments, output, generics, has_impl_trait, is_self_skipped, misplaced, names }
    }

    /// Leaves out of the key the parameters that the option `skip` names.
    pub(crate) fn skip(&mut self, names: &[Ident]) {
        self.is_self_skipped |= names.iter().any(|name| name == "self");
        for argument in &mut self.arguments {
            argument.is_skipped |= argument.is_named && names.contains(&argument.name);
        }
    }

    pub(crate) fn receiver(&self) -> Option<&Receiver> {
        self.item.sig.receiver()
    }

    /// The type of the receiver: `&Self`, `Self`, or what is written.
    pub(crate) fn receiver_type(&self) -> Option<Type> {
        // A key has to know the structure of a type that has one.
        let own = match self.place {
            Setting::Block(block) => block.structure(),
            _ => None,
        };
        let own = own.cloned().unwrap_or_else(|| parse_quote!(Self));
        self.receiver().map(|receiver| match &receiver.kind {
            ReceiverKind::Reference(and, lifetime, mutability) => {
                parse_quote!(#and #lifetime #mutability #own)
            }
            ReceiverKind::Typed(_, ty) => referable((**ty).clone()),
            _ => own,
        })
    }

    /// Whether there can be several instantiations of it, each with a cache of its own.
    pub(crate) fn is_generic(&self) -> bool {
        !matches!(self.place, Setting::Free)
            || !self.generics.params.iter().all(|param| matches!(param, GenericParam::Lifetime(_)))
    }

    /// Whether it may be a default method that is called through `dyn Trait`: what it calls needs a receiver then.
    pub(crate) fn may_be_dispatched(&self) -> bool {
        matches!(self.place, Setting::Member)
            && self.receiver().is_some()
            && self.item.sig.asyncness.is_none()
            && type_parameters(&self.generics).is_empty()
    }

    /// Whether a type mentions nothing that the function or the `impl` block around it is generic over; not when that
    /// cannot be seen.
    pub(crate) fn knows(&self, ty: &Type) -> bool {
        let mut parameters = type_parameters(&self.generics);
        match self.place {
            Setting::Free => {}
            Setting::Member => return false,
            Setting::Block(block) => {
                parameters.extend(type_parameters(&block.generics));
                let is_generic = !block.generics.params.is_empty();
                if is_generic && mentions(ty, |ident| ident == "Self") {
                    return false;
                }
            }
        }
        !mentions(ty, |ident| parameters.contains(&ident))
    }

    /// What stands before the name of something generated beside the function.
    pub(crate) fn prefix(&self) -> TokenStream {
        match self.place {
            Setting::Free => TokenStream::new(),
            Setting::Member => quote!(Self::),
            Setting::Block(block) => block.prefix(),
        }
    }

    /// Statements that bring into scope what is in scope where the function stands.
    pub(crate) fn bindings(&self) -> TokenStream {
        match self.place {
            Setting::Block(block) => block.bindings(),
            _ => TokenStream::new(),
        }
    }

    /// The inputs of a generated function: the user's, each with a name.
    pub(crate) fn inputs(&self) -> Inputs {
        self.named_inputs(self.receiver().cloned(), |_| true)
    }

    /// The inputs of a companion that only needs the key: `self`, the arguments that are not skipped, and those from
    /// which alone the compiler can infer a type parameter; and the argument that owns the cache.
    pub(crate) fn inputs_of_key(&self, owner: Option<&Ident>) -> Inputs {
        let mut receiver = self.receiver().cloned();
        if let Some(Receiver { kind: ReceiverKind::Reference(_, _, mutability), .. }) = &mut receiver {
            *mutability = None;
        }
        let parameters = type_parameters(&self.generics);
        let is_kept = |argument: &Argument| !argument.is_skipped || owner == Some(&argument.name);
        let kept = self.arguments.iter().filter(|argument| is_kept(argument));
        let mut inferred: Vec<&Ident> = kept.flat_map(|kept| inferable(&kept.ty, &parameters)).collect();
        self.named_inputs(receiver, |argument| {
            let of_it = inferable(&argument.ty, &parameters);
            let is_needed = is_kept(argument) || of_it.iter().any(|of_it| !inferred.contains(of_it));
            if is_needed {
                inferred.extend(of_it);
            }
            is_needed
        })
    }

    fn named_inputs(
        &self,
        mut receiver: Option<Receiver>,
        mut is_input: impl FnMut(&Argument) -> bool,
    ) -> Inputs {
        if let Some(Receiver { kind: ReceiverKind::Value | ReceiverKind::Typed(..), mutability, .. }) =
            &mut receiver
        {
            *mutability = None;
        }
        let typed = self.arguments.iter().filter(|argument| is_input(argument));
        let typed = typed.map(|Argument { name, ty, .. }| input(name.clone(), ty.clone()));
        receiver.map(FnArg::Receiver).into_iter().chain(typed).collect()
    }

    /// The inputs of the function itself: as [`inputs`](Self::inputs), `impl Trait` left as it is.
    pub(crate) fn own_inputs(&self) -> Inputs {
        let mut inputs = self.inputs();
        let typed = |input: &FnArg| match input {
            FnArg::Typed(typed) => Some(typed.ty.clone()),
            FnArg::Receiver(_) => None,
        };
        for (input, original) in inputs.iter_mut().zip(&self.item.sig.inputs) {
            if let (FnArg::Typed(input), Some(ty)) = (input, typed(original)) {
                input.ty = ty;
            }
        }
        inputs
    }

    /// The arguments to hand on: `self, x, name`.
    pub(crate) fn handed_on(&self) -> TokenStream {
        let (receiver, names) = self.handed_on_apart();
        quote!(#receiver #names)
    }

    /// The same as two pieces: `self,` and `x, name`.
    pub(crate) fn handed_on_apart(&self) -> (TokenStream, TokenStream) {
        let receiver = self.receiver().map(|receiver| receiver.self_token);
        let receiver = receiver.map(|receiver| quote!(#receiver,));
        let names = self.arguments.iter().map(|argument| &argument.name);
        (quote!(#receiver), quote!(#(#names),*))
    }

    /// A path to something generated beside the function, with its type and constant parameters.
    pub(crate) fn path(&self, name: &Ident) -> TokenStream {
        self.path_with(name, &self.generics)
    }

    /// The path to the function itself, whose `impl Trait` arguments have no name. If rustc cannot find it, then the same is
    /// true of the hidden function, and rustc tells one of the two, because both are at the same place.
    pub(crate) fn path_to_itself(&self) -> TokenStream {
        self.path_with(&without_place(&self.names.uncached), &self.item.sig.generics)
    }

    fn path_with(&self, name: &Ident, generics: &Generics) -> TokenStream {
        let (prefix, turbofish) = (self.prefix(), turbofish(generics));
        quote!(#prefix #name #turbofish)
    }
}
