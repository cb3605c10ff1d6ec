//! `scope = self.memo`: caches that live in an object. This module parses the path from a parameter, the *owner*, to
//! the `Memo` of the object, and decides how generated functions take the owner.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Expr, ExprMethodCall, FnArg, Ident, Member, Receiver, ReceiverKind, Token, Type, parse_quote};

use crate::diagnostics::Diagnostics;
use crate::expand::body;
use crate::function::{Argument, Function, Setting};
use crate::home::{Answers, Home, Parts, hasher, name_of, new_bound, of_kind, storage};
use crate::options::Options;
use crate::parameters::{Parameters, limits};
use crate::shape::{first_mutable_borrow, peel};

/// The path to the `Memo` of an object: a chain of fields and methods from a parameter.
pub(crate) struct Object {
    chain: Expr,
    /// The name of the parameter.
    pub(crate) owner: Ident,
    /// Whether the chain calls a method. The method may return a guard, or the owner of the `Memo`.
    calls: bool,
}

impl Object {
    /// Reads a chain.
    ///
    /// # Errors
    /// If the expression is no chain.
    pub(crate) fn read(chain: Expr) -> syn::Result<Self> {
        let mut calls = false;
        let mut at = &chain;
        let owner = loop {
            at = match at {
                Expr::Field(field) if !is_await(&field.member) => &field.base,
                Expr::MethodCall(call) => {
                    calls = true;
                    &call.receiver
                }
                Expr::Paren(inner) => &inner.expr,
                Expr::Group(inner) => &inner.expr,
                Expr::Path(path) => match path.path.get_ident() {
                    Some(owner) => break owner.clone(),
                    None => return Err(no_chain(&chain)),
                },
                _ => return Err(no_chain(&chain)),
            }
        };
        Ok(Self { chain, owner, calls })
    }

    /// Reports mistakes in the chain, in the owner, and in the options that may use no parameter but the owner.
    pub(crate) fn validate(&self, function: &Function<'_>, options: &Options, diagnostics: &mut Diagnostics) {
        let owner = &self.owner;
        let Some(parameter) = self.parameter(function) else {
            diagnostics.error(owner, self.no_parameter(function));
            return;
        };
        if parameter.is_mutable() {
            let what = parameter.as_written();
            let message = format!(
                "`{what}` borrows the cache in it as well, where the call is to store what the function returns; take `&{owner}`, and keep what changes in a `Mutex`"
            );
            diagnostics.error(parameter.tokens(), message);
        }
        let others: Vec<&Ident> = function
            .arguments
            .iter()
            .filter(|argument| argument.is_named && argument.name != *owner)
            .map(|argument| &argument.name)
            .collect();
        let mut finder = Arguments { others: &others, found: Vec::new() };
        finder.visit_expr(&self.chain);
        for other in finder.found {
            let message = format!("`scope` starts from `{owner}` alone; put `{other}` into the key instead");
            diagnostics.error(other, message);
        }
        for (name, limit) in limits(options) {
            if let Some(other) = first_mention(limit.into_token_stream(), &others) {
                let message = format!(
                    "`{name}` holds for the whole cache, which is made once; it may use `{owner}`, but no other parameter"
                );
                diagnostics.error(other, message);
            }
        }
    }

    /// Returns the message for a chain that does not start from a parameter.
    fn no_parameter(&self, function: &Function<'_>) -> String {
        let owner = &self.owner;
        let receiver = function.receiver().map(|_| "self".to_owned());
        let named = function.arguments.iter().filter(|argument| argument.is_named);
        let names: Vec<String> =
            receiver.into_iter().chain(named.map(|argument| argument.name.to_string())).collect();
        let there_are = if names.is_empty() {
            "the function has none".to_owned()
        } else {
            format!("the parameters are `{}`", names.join("`, `"))
        };
        format!(
            "`scope` starts from a parameter that has a `Memo`, and there is no parameter `{owner}`; {there_are}"
        )
    }

    fn parameter<'f>(&self, function: &'f Function<'_>) -> Option<Owner<'f>> {
        if self.owner == "self" {
            return function.receiver().map(Owner::Receiver);
        }
        let argument =
            function.arguments.iter().find(|argument| argument.is_named && argument.name == self.owner);
        argument.map(Owner::Argument)
    }

    /// Returns the parameter of companions without a key: the owner. A method takes it by reference.
    pub(crate) fn owner_input(&self, function: &Function<'_>) -> Option<FnArg> {
        Some(match self.parameter(function)? {
            Owner::Receiver(receiver) => {
                let token = &receiver.self_token;
                parse_quote!(&#token)
            }
            Owner::Argument(Argument { name, ty, .. }) => parse_quote!(#name: #ty),
        })
    }

    /// Returns the parameters of companions with a key: the owner, then the others.
    pub(crate) fn inputs(&self, function: &Function<'_>) -> Punctuated<FnArg, Token![,]> {
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

    /// Returns the name of the owner, which is not part of the key.
    pub(crate) fn skipped(&self, function: &Function<'_>) -> Option<Ident> {
        self.parameter(function).map(|_| self.owner.clone())
    }

    /// Whether a call counts a reference to the cache, rather than borrowing it from the owner: if the function moves the owner,
    /// or if the value that a method returned is dropped before the function runs.
    fn is_held(&self, function: &Function<'_>) -> bool {
        self.calls || !self.parameter(function).is_some_and(|owner| owner.is_reference())
    }

    /// Returns an expression of the runtime's type `InObject`, which finds the cache.
    fn way(&self, function: &Function<'_>, options: &Options, private: &TokenStream) -> TokenStream {
        let path = function.path(&function.names.cache);
        let instance = if function.may_be_dispatched() {
            body!(#private::instantiation_of(#path))
        } else {
            body!(#path())
        };
        let (chain, at) = (&self.chain, self.chain.span());
        let in_object = options.runtime.item(at, "InObject");
        quote_spanned!(at=> #in_object::new(&#chain, #instance))
    }

    /// Returns the code that finds the cache.
    pub(crate) fn home(&self, parts: Parts<'_>) -> Home {
        let Parts { function, options, key, cached, parameters, private } = parts;
        let hidden = &function.names.cache;
        let way = self.way(function, options, private);
        let (value, at) = (&cached.value, function.output.span());
        let shareable = options.runtime.item(at, "shareable_in_object");
        let proof_of_value = quote_spanned!(at=> #shareable::<#value>());
        let proof_of_key = &key.proof;
        let (hasher, _) = hasher(options, false, private);
        let storage = match &key.types {
            Some(types) => storage(&types.arguments, value, options, private),
            None => {
                let is_plain = parts.checks_plain().is_some();
                of_kind(options, &quote!(#is_plain), options.ttl.is_some(), private)
            }
        };
        let site = site(function, options, parameters, private);
        let found = |find: TokenStream| {
            body! {
                #way.#find::<#storage, _, #value, #hasher>(#proof_of_key, #proof_of_value, || #site)
            }
        };
        let (borrowed, held) = (found(quote!(cache)), found(quote!(held)));
        let (cache, hit) = match self.is_held(function) {
            // The owner is moved only when the function runs.
            true => (held, Some(borrowed).filter(|_| !self.calls && options.tags.is_empty())),
            false => (borrowed, None),
        };
        let (head, body) = if function.may_be_dispatched() {
            (body!(fn #hidden(&self)), TokenStream::new())
        } else {
            (body!(fn #hidden() -> #private::TypeId), body!(#private::instantiation(|| ())))
        };
        let maxsize = new_bound();
        Home {
            head,
            body,
            cache,
            way: hit,
            // The value that a method has returned is dropped before the cache is used.
            used: {
                let key = key.type_of_stored(options);
                body! {{
                    let __lru_memo_used = #way.used::<#storage, #key, #value, #hasher>();
                    __lru_memo_used
                }}
            },
            answers: Answers {
                info: body!(#way.info(|| #site)),
                totals: body!(#way.totals()),
                advice: body!(#way.advice(|| #site)),
                clear: body!(#way.clear()),
                resize: options.is_bounded().then(|| body!(#way.resize(#maxsize, || #site))),
                // Those that the cache was made with, if it exists.
                parameters: body!(#way.parameters(|| #site)),
            },
        }
    }
}

/// Returns the parts that a cache is made from.
fn site(
    function: &Function<'_>,
    options: &Options,
    parameters: &Parameters,
    private: &TokenStream,
) -> TokenStream {
    let (name, whole) = (name_of(function, options, private), &parameters.compiled);
    // This type differs from that of the cache, because both are in one table.
    let bound = if matches!(function.place, Setting::Free) {
        function.instantiation(private)
    } else {
        let path = function.path(&function.names.cache);
        body!(#private::instantiation_of((#path, ())))
    };
    body! {
        #private::SiteInObject {
            name: || #name,
            parameters: #whole,
            bound: #bound,
        }
    }
}

/// Returns the parameter that a chain starts from.
enum Owner<'f> {
    Receiver(&'f Receiver),
    Argument(&'f Argument),
}

impl Owner<'_> {
    fn is_reference(&self) -> bool {
        match self {
            Self::Receiver(Receiver { kind: ReceiverKind::Reference(..), .. }) => true,
            Self::Receiver(Receiver { kind: ReceiverKind::Typed(_, ty), .. }) => is_reference(ty),
            Self::Receiver(_) => false,
            Self::Argument(argument) => is_reference(&argument.ty),
        }
    }

    fn is_mutable(&self) -> bool {
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
    fn tokens(&self) -> TokenStream {
        match self {
            Self::Receiver(receiver) => receiver.to_token_stream(),
            Self::Argument(argument) => argument.ty.to_token_stream(),
        }
    }

    fn as_written(&self) -> String {
        match self {
            Self::Receiver(_) => "&mut self".to_owned(),
            Self::Argument(argument) => format!("&mut {}", argument.name),
        }
    }
}

fn is_reference(ty: &Type) -> bool {
    matches!(peel(ty), Type::Reference(_))
}

fn is_await(member: &Member) -> bool {
    matches!(member, Member::Named(name) if name == "await")
}

fn no_chain(chain: &Expr) -> syn::Error {
    let message = "`scope` is one of `process`, `thread` and `shared`, or leads by fields and methods from a parameter to a `Memo`; write `scope = self.memo`, say";
    syn::Error::new_spanned(chain, message)
}

/// Finds other parameters in the arguments of a chain's methods.
struct Arguments<'a> {
    others: &'a [&'a Ident],
    found: Vec<Ident>,
}

impl<'ast> Visit<'ast> for Arguments<'_> {
    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        for argument in &call.args {
            self.found.extend(first_mention(argument.to_token_stream(), self.others));
        }
        visit::visit_expr(self, &call.receiver);
    }
}

/// Returns the first of these names that an expression uses, except as the name of a field or method.
fn first_mention(tokens: TokenStream, names: &[&Ident]) -> Option<Ident> {
    let mut is_member = false;
    for token in tokens {
        let was_member = is_member;
        // The second dot of a range belongs to no field.
        is_member = !was_member && matches!(&token, TokenTree::Punct(dot) if dot.as_char() == '.');
        match token {
            TokenTree::Ident(ident) if !was_member && names.contains(&&ident) => return Some(ident),
            TokenTree::Group(group) => {
                if let Some(found) = first_mention(group.stream(), names) {
                    return Some(found);
                }
            }
            _ => {}
        }
    }
    None
}
