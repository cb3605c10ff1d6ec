//! Reports mistakes in `scope = self.memo`.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{ExprMethodCall, Ident};

use crate::diagnostics::Diagnostics;
use crate::function::Function;
use crate::object::Object;
use crate::options::Options;

/// Reports mistakes in the chain, in the owner, and in the options that may use no parameter but the owner.
pub(super) fn validate_object(
    object: &Object,
    function: &Function<'_>,
    options: &Options,
    diagnostics: &mut Diagnostics,
) {
    let owner = &object.owner;
    let Some(parameter) = object.parameter(function) else {
        diagnostics.error(owner, no_parameter(object, function));
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
    finder.visit_expr(&object.chain);
    for other in finder.found {
        let message = format!("`scope` starts from `{owner}` alone; put `{other}` into the key instead");
        diagnostics.error(other, message);
    }
    for (name, limit) in options.limits() {
        if let Some(other) = first_mention(limit.into_token_stream(), &others) {
            let message = format!(
                "`{name}` holds for the whole cache, which is made once; it may use `{owner}`, but no other parameter"
            );
            diagnostics.error(other, message);
        }
    }
}

/// Returns the message for a chain that does not start from a parameter.
fn no_parameter(object: &Object, function: &Function<'_>) -> String {
    let owner = &object.owner;
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
