//! The lints that generated functions switch off: those about code that users have not written.
//!
//! Rustc looks up each lint in an `allow` attribute. That takes a good part of the time that an expansion adds to a build. So a
//! generated function allows the lints that can concern it, and no others.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{ReturnType, Safety, Signature, Type, Visibility};

use crate::block::Block;
use crate::function::{Function, Setting};
use crate::pieces::Pieces;
use crate::types::plain_value;

impl Pieces<'_> {
    /// Allows the lints about sections that only the documentation of the memoized function has.
    pub(crate) fn allow_of_documented(&self, signature: &Signature) -> TokenStream {
        if !is_seen_from_outside(self.function) {
            return TokenStream::new();
        }
        // A type that the macro has written is no `Result`.
        let may_fail = match &signature.output {
            ReturnType::Default => false,
            ReturnType::Type(_, ty) => !matches!(**ty, Type::Verbatim(_)) && plain_value(ty).is_none(),
        };
        let errors = may_fail.then(|| quote!(clippy::missing_errors_doc,));
        let safety = is_unsafe(signature).then(|| quote!(clippy::missing_safety_doc,));
        allow(&quote!(#errors #safety))
    }

    /// Allows the lints about the body of the function itself, beside another documentation.
    pub(crate) fn allow_of_uncached(&self, signature: &Signature) -> TokenStream {
        let documented = self.allow_of_documented(signature);
        let seen = is_seen_from_outside(self.function)
            .then(|| quote!(clippy::missing_panics_doc, clippy::must_use_candidate,));
        // A `const fn` would be of no use to the memoized function.
        let body = allow(&quote!(#seen clippy::missing_const_for_fn));
        quote!(#documented #body)
    }

    /// Allows the lints about code that users have not written.
    pub(crate) fn allow_of_generated(&self, signature: &Signature) -> TokenStream {
        let Self { function, options, key, .. } = self;
        let arguments = || function.arguments.iter();
        // Arguments that a companion has only to infer a type, and those that a key expression leaves out.
        let leaves_out = options.key.is_some() || arguments().any(|argument| argument.is_skipped);
        let unused = leaves_out.then(|| quote!(unused_variables,));
        let generic = (!signature.generics.params.is_empty()).then(|| {
            quote!(unused_lifetimes, clippy::extra_unused_lifetimes, clippy::extra_unused_type_parameters,)
        });
        let is_underscored = arguments().any(|argument| argument.name.to_string().starts_with('_'));
        let underscored = is_underscored.then(|| quote!(clippy::used_underscore_binding,));
        // Other companions hand their arguments on.
        let names = &function.names;
        let keeps = [&names.invalidate, &names.peek, &names.put].contains(&&signature.ident);
        let may_take_values = key.plain.is_none() && keeps || options.object().is_some();
        let by_value = (may_take_values && !signature.inputs.is_empty())
            .then(|| quote!(clippy::needless_pass_by_value,));
        // Nobody allows fewer arguments than three.
        let count = signature.inputs.len();
        let is_longer = count > function.item.sig.inputs.len().max(3);
        let longer = is_longer.then(|| quote!(clippy::too_many_arguments,));
        // The signature of a method is written with the user's tokens.
        let method =
            (!self.is_seen_as_used()).then(|| quote!(clippy::must_use_candidate, clippy::type_complexity,));
        let task = signature.asyncness.map(|_| quote!(clippy::unused_async,));
        allow(&quote!(#unused #generic #underscored #by_value #longer #method #task))
    }
}

/// Whether other crates may see the function, so that lints about interfaces concern it.
fn is_seen_from_outside(function: &Function<'_>) -> bool {
    // The functions that forward to those in a trait are public.
    matches!(function.place, Setting::Block(Block { implemented: Some(_), .. }))
        || !matches!(function.item.vis, Visibility::Inherited)
}

fn is_unsafe(signature: &Signature) -> bool {
    matches!(signature.safety, Safety::Unsafe(_))
}

fn allow(lints: &TokenStream) -> TokenStream {
    if lints.is_empty() { TokenStream::new() } else { quote!(#[allow(#lints)]) }
}
