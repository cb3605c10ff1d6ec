//! Refuses what cannot be memoized, each mistake at the token to change.

use syn::visit::{self, Visit};
use syn::{FnArg, ItemFn, Type};

use crate::diagnostics::Diagnostics;
use crate::shape::{first_borrow, first_borrow_in_leaf, first_mutable_borrow, peel};
use crate::signature::{arguments, output};

/// Reports everything about the function that cannot be memoized.
pub(crate) fn validate(function: &ItemFn, diagnostics: &mut Diagnostics) {
    let signature = &function.sig;
    if let Some(token) = &signature.constness {
        diagnostics.error(token, "a `const fn` cannot consult a cache; remove `const`");
    }
    if let Some(token) = &signature.asyncness {
        diagnostics.error(token, "an `async fn` cannot be memoized yet");
    }
    if let Some(variadic) = &signature.variadic {
        diagnostics.error(
            variadic,
            "a variadic function cannot be memoized: its arguments cannot be read twice",
        );
    }
    if let Some(FnArg::Receiver(receiver)) = signature.inputs.first() {
        diagnostics.error(receiver, "a method cannot be memoized yet");
    }
    for argument in arguments(function) {
        validate_argument(&argument.ty, diagnostics);
    }
    validate_output(&output(function), diagnostics);
}

fn validate_argument(ty: &Type, diagnostics: &mut Diagnostics) {
    if let Some(reference) = first_mutable_borrow(ty) {
        diagnostics.error(
            reference,
            "a `&mut` argument cannot be memoized: a hit would not change it; take the value and return the changed one",
        );
    } else if let Some(borrow) = first_borrow_in_leaf(ty) {
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
            self.0.error(ty, "a returned `impl Trait` has no name to cache it by; name the type, or return `Arc<dyn Trait + Send + Sync>`");
        }
    }
    if let Type::TraitObject(object) = peel(ty) {
        diagnostics.error(
            object,
            "a returned `dyn Trait` has no size; return `Arc<dyn Trait + Send + Sync>`",
        );
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
