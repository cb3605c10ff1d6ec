//! The values of options: what each kind is, and how it is read.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Expr, ExprLit, ExprUnary, FnArg, Ident, Lit, LitBool, LitStr, Pat, Signature, Token, UnOp};

use crate::diagnostics::Diagnostics;
use crate::object::Object;
use crate::runtime::core_at;

/// Who shares a cache.
pub(crate) enum Scope {
    Process,
    Thread,
    Shared,
    /// Whoever has the object.
    Object(Object),
}

impl Scope {
    /// The name of its variant in the runtime.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Process => "Process",
            Self::Thread => "Thread",
            Self::Shared => "Shared",
            Self::Object(_) => "Object",
        }
    }
}

/// How many entries a cache may hold.
pub(crate) enum Maxsize {
    Unbounded,
    Bounded(TokenStream),
}

/// Whether callers of a missing key wait for the one that computes it.
#[derive(Clone)]
pub(crate) enum SingleFlight {
    No,
    Yes,
    /// Yes, for so long; an expression of type `Duration`.
    AtMost(TokenStream),
}

/// A `cache_if`, by what it takes.
pub(crate) enum CacheIf {
    OfValue(Expr),
    /// A closure of two parameters.
    OfKeyAndValue(Expr),
}

impl CacheIf {
    pub(super) fn read(expression: Expr) -> Self {
        match &expression {
            Expr::Closure(closure) if closure.inputs.len() == 2 => Self::OfKeyAndValue(expression),
            _ => Self::OfValue(expression),
        }
    }
}

pub(super) fn boolean(name: &Ident, input: ParseStream<'_>) -> syn::Result<bool> {
    let literal = input.parse::<LitBool>();
    literal.map(|literal| literal.value).map_err(|error| {
        let message = format!("`{name}` is one of `true` and `false`; write `{name} = true`");
        syn::Error::new(error.span(), message)
    })
}

pub(super) fn single_flight(
    name: &Ident,
    input: ParseStream<'_>,
    diagnostics: &mut Diagnostics,
) -> syn::Result<SingleFlight> {
    if let Ok(literal) = input.fork().parse::<LitBool>() {
        input.parse::<LitBool>()?;
        return Ok(if literal.value { SingleFlight::Yes } else { SingleFlight::No });
    }
    let at = input.span();
    if input.peek(Lit) && !input.peek(LitStr) {
        let message = "`single_flight` is `true`, `false`, or how long to wait; write `single_flight = true` or \
                       `single_flight = \"5s\"`";
        return Err(syn::Error::new(at, message));
    }
    Ok(SingleFlight::AtMost(duration(name, input, diagnostics)?.expression))
}

/// A duration as it was given.
pub(super) struct Length {
    /// Of type `Duration`.
    pub(super) expression: TokenStream,
    /// As it was written.
    pub(super) given: Expr,
    /// Known of a literal.
    pub(super) nanoseconds: Option<u64>,
}

/// A duration: a literal is read here, any other expression is a `Duration` when the program runs. A literal that cannot be
/// read is reported, and is a duration for all other mistakes.
pub(super) fn duration(
    name: &Ident,
    input: ParseStream<'_>,
    diagnostics: &mut Diagnostics,
) -> syn::Result<Length> {
    let given = input.parse::<Expr>()?;
    let mut length = Length { expression: given.to_token_stream(), given, nanoseconds: None };
    let Expr::Lit(ExprLit { lit, .. }) = &length.given else { return Ok(length) };
    let read = match lit {
        Lit::Str(text) => crate::duration::parse(&name.to_string(), &text.value()),
        _ => Err(format!(
            "a duration needs a unit; write it as a string, such as `{name} = \"90s\"`, or as a `Duration`"
        )),
    };
    match read {
        Ok(nanoseconds) => {
            let (at, core) = (lit.span(), core_at(lit.span()));
            length.expression = quote_spanned!(at=> #core::time::Duration::from_nanos(#nanoseconds));
            length.nanoseconds = Some(nanoseconds);
        }
        Err(message) => diagnostics.error(lit, message),
    }
    Ok(length)
}

pub(super) fn maxsize(input: ParseStream<'_>) -> syn::Result<Maxsize> {
    let expr = input.parse::<Expr>()?;
    match &expr {
        Expr::Path(path) if path.path.is_ident("None") => return Ok(Maxsize::Unbounded),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), .. }) => return Err(negative(&expr)),
        Expr::Lit(ExprLit { lit, .. }) if !matches!(lit, Lit::Int(_)) => {
            let message = "`maxsize` is a number of entries, or `None`; write `maxsize = 128`";
            return Err(syn::Error::new_spanned(lit, message));
        }
        Expr::Call(call) if matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Some")) => {
            let bound = call.args.to_token_stream();
            let message = format!("`Some` is understood; write `maxsize = {bound}`");
            return Err(syn::Error::new_spanned(&call.func, message));
        }
        _ => {}
    }
    Ok(Maxsize::Bounded(expr.into_token_stream()))
}

/// A `key`, which is no closure, as other options are.
pub(super) fn key(input: ParseStream<'_>) -> syn::Result<Expr> {
    let expr = input.parse::<Expr>()?;
    if let Expr::Closure(closure) = &expr {
        let message =
            "`key` is an expression in which the arguments have their own names; write `key = user.id`, say";
        return Err(syn::Error::new_spanned(closure, message));
    }
    // Text is what other crates write here: with it, every call would hit the first value.
    if let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &expr {
        return Err(syn::Error::new_spanned(
            text,
            "`key` is an expression, not a string: write `key = (a, b)`",
        ));
    }
    Ok(expr)
}

/// A list of tags, at least one.
pub(super) fn tags(input: ParseStream<'_>) -> syn::Result<Vec<Expr>> {
    const HELP: &str = "`tags` is a list, such as `tags = [\"orders\", format!(\"user:{user}\")]`";
    match input.parse::<Expr>()? {
        Expr::Array(list) if !list.elems.is_empty() => Ok(list.elems.into_iter().collect()),
        other => Err(syn::Error::new_spanned(other, HELP)),
    }
}

/// The names in `skip(..)`, each once.
pub(super) fn skipped(
    name: &Ident,
    input: ParseStream<'_>,
    diagnostics: &mut Diagnostics,
) -> syn::Result<Vec<Ident>> {
    const HELP: &str = "`skip` needs the names of parameters, such as `skip(ctx)`";
    if !input.peek(syn::token::Paren) {
        return Err(syn::Error::new_spanned(name, HELP));
    }
    let inside;
    syn::parenthesized!(inside in input);
    let mut names: Vec<Ident> = Vec::new();
    while !inside.is_empty() {
        let one = inside.call(Ident::parse_any).map_err(|error| syn::Error::new(error.span(), HELP))?;
        if names.contains(&one) {
            diagnostics.error(&one, format!("`{one}` is skipped twice; remove one of the two"));
        }
        names.push(one);
        if !inside.is_empty() && inside.parse::<Token![,]>().is_err() {
            let message = "`skip` leaves out whole parameters; say what the key is with `key = ..` instead";
            return Err(inside.error(message));
        }
    }
    if names.is_empty() { Err(syn::Error::new_spanned(name, HELP)) } else { Ok(names) }
}

pub(super) fn negative(maxsize: &Expr) -> syn::Error {
    let message =
        "`maxsize` cannot be negative; write `maxsize = 0` to cache nothing, `maxsize = None` for no bound";
    syn::Error::new_spanned(maxsize, message)
}

const SCOPES: &str = "`scope` is one of `process`, `thread` and `shared`; write `scope = thread`, say";

pub(super) fn scope(input: ParseStream<'_>, function: Option<&Signature>) -> syn::Result<Scope> {
    let span = input.span();
    let mut expression = input.parse::<Expr>()?;
    // What a macro was given, such as `$scope:path`, is in a group.
    while let Expr::Group(group) = expression {
        expression = *group.expr;
    }
    let word = match &expression {
        Expr::Path(path) => path.path.get_ident().map(Ident::to_string),
        Expr::Lit(_) => return Err(syn::Error::new(span, SCOPES)),
        _ => None,
    };
    match word.as_deref() {
        Some("process") => Ok(Scope::Process),
        Some("thread") => Ok(Scope::Thread),
        Some("shared") if cfg!(feature = "shared") => Ok(Scope::Shared),
        Some("shared") => {
            let message = "`scope = shared` needs the feature `shared`; write `lru-memo = { version = \"..\", features = [\"shared\"] }` in Cargo.toml";
            Err(syn::Error::new(span, message))
        }
        Some(word) if !function.is_some_and(|function| has_parameter(function, word)) => {
            Err(syn::Error::new(span, SCOPES))
        }
        _ => Object::read(expression).map(Scope::Object),
    }
}

/// Whether a function has a parameter that is called like that.
fn has_parameter(function: &Signature, name: &str) -> bool {
    function.inputs.iter().any(|input| match input {
        FnArg::Receiver(_) => name == "self",
        FnArg::Typed(typed) => matches!(&*typed.pat, Pat::Ident(pattern) if pattern.ident == name),
    })
}
