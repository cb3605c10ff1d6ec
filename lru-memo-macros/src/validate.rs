//! Refuses what cannot be memoized, each mistake at the token to change.

use syn::visit::{self, Visit};
use syn::{Receiver, ReceiverKind, Type};

use crate::diagnostics::Diagnostics;
use crate::function::Function;
use crate::options::Options;
use crate::shape::{first_borrow, first_borrow_in_leaf, first_mutable_borrow, peel};

/// Reports everything about the function that cannot be memoized.
pub(crate) fn validate(function: &Function<'_>, options: &Options, diagnostics: &mut Diagnostics) {
    let signature = &function.item.sig;
    if let Some(token) = &signature.constness {
        diagnostics.error(token, "a `const fn` cannot consult a cache; remove `const`");
    }
    if let Some(variadic) = &signature.variadic {
        diagnostics
            .error(variadic, "a variadic function cannot be memoized: its arguments cannot be read twice");
    }
    validate_skip(function, options, diagnostics);
    let is_skipped = |name: &syn::Ident| options.key.is_some() || options.skip.contains(name);
    if let Some(receiver) = function.receiver() {
        validate_receiver(receiver, diagnostics);
    }
    for argument in &function.arguments {
        validate_argument(&argument.ty, argument.is_skipped || is_skipped(&argument.name), diagnostics);
    }
    validate_output(&function.output, diagnostics);
}

fn validate_skip(function: &Function<'_>, options: &Options, diagnostics: &mut Diagnostics) {
    for skipped in &options.skip {
        let is_there = function.arguments.iter().any(|argument| argument.name == *skipped)
            || (skipped == "self" && function.receiver().is_some());
        if !is_there {
            let mut names: Vec<String> = function.receiver().map(|_| "self".to_owned()).into_iter().collect();
            names.extend(function.arguments.iter().map(|argument| argument.name.to_string()));
            let message = match names.as_slice() {
                [] => format!("there is no parameter `{skipped}`: the function has none"),
                names => {
                    format!("there is no parameter `{skipped}`; the parameters are `{}`", names.join("`, `"))
                }
            };
            diagnostics.error(skipped, message);
        }
    }
    if let Some(argument) =
        function.arguments.iter().find(|argument| argument.is_skipped && options.key.is_some())
    {
        diagnostics.error(&argument.name, "`key` says what the key is; remove `#[lru_cache(skip)]` here");
    }
}

fn validate_receiver(receiver: &Receiver, diagnostics: &mut Diagnostics) {
    let is_mutable = match &receiver.kind {
        ReceiverKind::Reference(_, _, mutability) => mutability.is_some(),
        ReceiverKind::Typed(_, ty) => first_mutable_borrow(ty).is_some(),
        _ => false,
    };
    if is_mutable {
        diagnostics.error(
            receiver,
            "a `&mut self` method cannot be memoized: a hit would not change `self`; take `&self`, or memoize a function of what it reads",
        );
    }
}

fn validate_argument(ty: &Type, is_skipped: bool, diagnostics: &mut Diagnostics) {
    if let Some(reference) = first_mutable_borrow(ty) {
        diagnostics.error(
            reference,
            "a `&mut` argument cannot be memoized: a hit would not change it; take the value and return the changed one",
        );
    } else if let Some(borrow) = first_borrow_in_leaf(ty).filter(|_| !is_skipped) {
        diagnostics.error(
            borrow,
            "a key cannot keep a type that borrows; take a reference to the data itself, such as `&str`, or an owned type",
        );
    }
}

fn validate_output(ty: &Type, diagnostics: &mut Diagnostics) {
    struct Opaque<'d>(&'d mut Diagnostics);
    impl<'ast> Visit<'ast> for Opaque<'_> {
        fn visit_type_impl_trait(&mut self, ty: &'ast syn::TypeImplTrait) {
            self.0.error(
                ty,
                "a returned `impl Trait` has no name to cache it by; name the type, or return `Arc<dyn Trait + Send + Sync>`",
            );
        }
    }
    if let Type::TraitObject(object) = peel(ty) {
        diagnostics
            .error(object, "a returned `dyn Trait` has no size; return `Arc<dyn Trait + Send + Sync>`");
        return;
    }
    if let Some(borrow) = first_borrow(ty) {
        diagnostics.error(
            borrow,
            "a cached value cannot borrow from the arguments; return an owned type, such as `String` or `Arc<str>`, or a `&'static` reference",
        );
    }
    visit::visit_type(&mut Opaque(diagnostics), ty);
}
