//! Reports functions that cannot be memoized, each mistake at the token to change.

#[path = "validate/object.rs"]
mod object;

use proc_macro2::Span;
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{
    Expr, ExprCall, ExprPath, GenericArgument, Ident, PathArguments, Receiver, ReceiverKind, Token, Type,
    TypeParamBound,
};

use self::object::validate_object;
use crate::borrows::{first_borrow, first_borrow_in_leaf, first_mutable_borrow};
use crate::diagnostics::Diagnostics;
use crate::function::{Argument, Function, Misplaced};
use crate::mentions::mentions_ident;
use crate::options::{Options, Scope};
use crate::types::{is_unsized, peel, referable};

/// Reports everything about the function that cannot be memoized.
pub(crate) fn validate(function: &Function<'_>, options: &Options, diagnostics: &mut Diagnostics) {
    let signature = &function.item.sig;
    if signature.generics.lifetimes().any(|param| param.lifetime.ident == "async_trait") {
        // What that macro has made of the function is nothing to tell the user about.
        let message = "put `#[lru_cache]` above `#[async_trait]`, on the block: below, it sees what that has made of the function";
        diagnostics.add(syn::Error::new(Span::call_site(), message));
        return;
    }
    if let Some(token) = &signature.constness {
        diagnostics.error(token, "a `const fn` cannot consult a cache; remove `const`");
    }
    if let Some(variadic) = &signature.variadic {
        diagnostics
            .error(variadic, "a variadic function cannot be memoized: its arguments cannot be read twice");
    }
    for misplaced in &function.misplaced {
        match misplaced {
            Misplaced::OnParameter(attribute) => diagnostics.error(
                attribute,
                "on a parameter, `#[lru_cache(skip)]` leaves it out of the key; write options above the function",
            ),
            Misplaced::AgainOnFunction(attribute) => {
                diagnostics.error(attribute, "the function is memoized twice; remove one of the two");
            }
        }
    }
    validate_skip(function, options, diagnostics);
    validate_tags(function, options, diagnostics);
    validate_limits(function, options, diagnostics);
    let is_owner = |name: &str| options.object().is_some_and(|object| object.owner == name);
    if let Some(object) = options.object() {
        validate_object(object, function, options, diagnostics);
    }
    let is_passed_through = function.is_self_skipped || is_owner("self");
    if let Some(receiver) = function.receiver().filter(|_| !is_passed_through) {
        validate_receiver(receiver, diagnostics);
    }
    for argument in function.arguments.iter().filter(|argument| !is_owner(&argument.name.to_string())) {
        validate_argument(argument, options, diagnostics);
    }
    validate_output(&function.output, options, diagnostics);
}

fn validate_skip(function: &Function<'_>, options: &Options, diagnostics: &mut Diagnostics) {
    let named = function.arguments.iter().filter(|argument| argument.is_named);
    let all_named = named.clone().count() == function.arguments.len();
    let receiver = function.receiver().map(|_| "self".to_owned());
    let names: Vec<String> =
        receiver.into_iter().chain(named.map(|argument| argument.name.to_string())).collect();
    for skipped in options.skip.iter().filter(|skipped| !names.contains(&skipped.to_string())) {
        let message = if !all_named {
            format!("no parameter is named `{skipped}`; write `#[lru_cache(skip)]` on a pattern to skip it")
        } else if names.is_empty() {
            format!("there is no parameter `{skipped}`: the function has none")
        } else {
            format!("there is no parameter `{skipped}`; the parameters are `{}`", names.join("`, `"))
        };
        diagnostics.error(skipped, message);
    }
    // `self` may be in it: companions are called on it.
    for name in skipped_but_owner(function, options) {
        if let Some(used) = options.key.as_ref().and_then(|key| first_use(key, name, true)) {
            let message = format!("`key` uses `{name}`, which companions do not take; do not skip it");
            diagnostics.error(used, message);
        }
    }
}

/// The first place where an expression uses a variable; if that counts, also where it is called.
fn first_use<'e>(expression: &'e Expr, variable: &Ident, is_call_use: bool) -> Option<&'e ExprPath> {
    struct Finder<'e, 'v> {
        variable: &'v Ident,
        is_call_use: bool,
        found: Option<&'e ExprPath>,
    }
    impl<'e> Visit<'e> for Finder<'e, '_> {
        fn visit_expr_path(&mut self, path: &'e ExprPath) {
            if path.path.is_ident(self.variable) {
                self.found.get_or_insert(path);
            }
        }
        fn visit_expr_call(&mut self, call: &'e ExprCall) {
            if self.is_call_use || !matches!(&*call.func, Expr::Path(_)) {
                self.visit_expr(&call.func);
            }
            call.args.iter().for_each(|argument| self.visit_expr(argument));
        }
    }
    let mut finder = Finder { variable, is_call_use, found: None };
    finder.visit_expr(expression);
    finder.found
}

/// The limits of a cache are evaluated once, for all calls.
fn validate_limits(function: &Function<'_>, options: &Options, diagnostics: &mut Diagnostics) {
    if options.object().is_some() {
        return;
    }
    let receiver = function.receiver().map(|receiver| Ident::from(receiver.self_token));
    let named = function.arguments.iter().filter(|argument| argument.is_named);
    let parameters: Vec<&Ident> = receiver.iter().chain(named.map(|argument| &argument.name)).collect();
    for (name, limit) in options.limits() {
        // A function may be called like a parameter.
        let used = parameters.iter().find_map(|parameter| first_use(&limit, parameter, false));
        if let Some(used) = used {
            let message = if used.path.is_ident("self") {
                format!(
                    "`{name}` is evaluated once, for all objects; give each its own cache with `scope = self.memo`"
                )
            } else {
                format!("`{name}` is evaluated once, for all calls; it may use no parameter")
            };
            diagnostics.error(used, message);
        }
    }
}

fn validate_tags(function: &Function<'_>, options: &Options, diagnostics: &mut Diagnostics) {
    // `self` may be in it, as in the key.
    for tag in &options.tags {
        let mentioned =
            skipped_but_owner(function, options).find(|name| mentions_ident(tag.to_token_stream(), name));
        if let Some(name) = mentioned {
            let message = format!(
                "a tag cannot be made of `{name}`, which is skipped: the companion `_cache_put` does not have it"
            );
            diagnostics.error(tag, message);
        }
    }
}

/// The arguments that companions do not take.
fn skipped_but_owner<'f>(
    function: &'f Function<'_>,
    options: &'f Options,
) -> impl Iterator<Item = &'f Ident> {
    let owner = options.object().map(|object| &object.owner);
    let skipped = function.arguments.iter().filter(|argument| argument.is_skipped);
    skipped.map(|argument| &argument.name).filter(move |name| owner != Some(*name))
}

fn validate_receiver(receiver: &Receiver, diagnostics: &mut Diagnostics) {
    if let ReceiverKind::Typed(_, ty) = &receiver.kind {
        if is_unsized(ty) {
            needs_a_size(ty, diagnostics);
        }
    }
    let is_mutable = match &receiver.kind {
        ReceiverKind::Reference(_, _, mutability) => mutability.is_some(),
        ReceiverKind::Typed(_, ty) => first_mutable_borrow(ty).is_some(),
        _ => false,
    };
    if is_mutable {
        diagnostics.error(
            receiver,
            "a hit would not change `self`; write `skip(self)` to pass it through to a miss, or take `&self`",
        );
    }
}

fn needs_a_size(ty: &Type, diagnostics: &mut Diagnostics) {
    let written = referable(ty.clone());
    let message = format!("an argument needs a size; take a reference: `&{}`", quote!(#written));
    diagnostics.error(ty, message);
}

fn validate_argument(argument: &Argument, options: &Options, diagnostics: &mut Diagnostics) {
    let Argument { name, ty, is_named, is_skipped, .. } = argument;
    if is_unsized(ty) {
        needs_a_size(ty, diagnostics);
    } else if *is_skipped {
        // It is passed through.
    } else if let Some(reference) = first_mutable_borrow(ty) {
        let skip = if *is_named { format!("skip({name})") } else { "#[lru_cache(skip)]".to_owned() };
        let message = format!(
            "a hit would not change this; write `{skip}` to pass it through to a miss, or take the value and return the changed one"
        );
        diagnostics.error(reference, message);
    } else if let Some(borrow) = first_borrow_in_leaf(ty).filter(|_| options.key.is_none()) {
        diagnostics.error(
            borrow,
            "a key cannot keep a type that borrows; take a reference to the data itself, such as `&str`, or an owned type",
        );
    }
}

fn validate_output(ty: &Type, options: &Options, diagnostics: &mut Diagnostics) {
    struct Opaque<'d>(&'d mut Diagnostics);
    impl<'ast> Visit<'ast> for Opaque<'_> {
        fn visit_type_impl_trait(&mut self, ty: &'ast syn::TypeImplTrait) {
            self.0.error(
                ty,
                "a returned `impl Trait` has no name to cache it by; name the type, or return `Arc<dyn Trait + Send + Sync>`",
            );
        }
    }
    if is_future(ty) {
        let message = "a future cannot be cached, for it runs once; memoize an `async fn`, and put `#[lru_cache]` above what makes a future of it, such as `#[async_recursion]`";
        diagnostics.error(ty, message);
        return;
    }
    if let Type::TraitObject(object) = peel(ty) {
        diagnostics
            .error(object, "a returned `dyn Trait` has no size; return `Arc<dyn Trait + Send + Sync>`");
        return;
    }
    if is_unsized(ty) {
        let message =
            format!("a returned `{0}` has no size; return an owned type, such as `Arc<{0}>`", quote!(#ty));
        diagnostics.error(ty, message);
        return;
    }
    if let Some(borrow) = first_borrow(ty) {
        diagnostics.error(
            borrow,
            "a cached value cannot borrow from the arguments; return an owned type, such as `String` or `Arc<str>`, or a `&'static` reference",
        );
    } else if let (Type::Reference(reference), Scope::Shared) = (peel(ty), &options.scope) {
        let message = "a value on a shared store is read into memory of its own; return an owned type, such as `String`";
        diagnostics.error(reference, message);
    }
    visit::visit_type(&mut Opaque(diagnostics), ty);
}

/// Whether a type is a future that can only be awaited once, as far as its name says: `impl Future`,
/// `Pin<Box<dyn Future>>`.
fn is_future(ty: &Type) -> bool {
    let of_bounds = |bounds: &Punctuated<TypeParamBound, Token![+]>| {
        bounds.iter().any(|bound| match bound {
            TypeParamBound::Trait(bound) => {
                bound.path.segments.last().is_some_and(|last| last.ident == "Future")
            }
            _ => false,
        })
    };
    match peel(ty) {
        Type::ImplTrait(opaque) => of_bounds(&opaque.bounds),
        Type::TraitObject(object) => of_bounds(&object.bounds),
        Type::Path(path) => path.path.segments.last().is_some_and(|last| match &last.arguments {
            PathArguments::AngleBracketed(inside) if last.ident == "Pin" || last.ident == "Box" => {
                inside.args.iter().any(|inside| matches!(inside, GenericArgument::Type(ty) if is_future(ty)))
            }
            _ => last.ident == "BoxFuture" || last.ident == "LocalBoxFuture",
        }),
        _ => false,
    }
}
