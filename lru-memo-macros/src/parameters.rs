//! The configuration of a cache, as expressions.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprBinary, ExprCall, ExprCast, ExprGroup, ExprParen, ExprUnary, Ident};

use crate::function::Function;
use crate::instantiation::name_of;
use crate::options::{Maxsize, Options};
use crate::runtime::{Runtime, core_at};

/// The configuration of a cache, as expressions.
pub(crate) struct Parameters {
    /// The bound, of type `Option<usize>`.
    pub(crate) maxsize: TokenStream,
    /// All of it, of type `CacheParameters`.
    pub(crate) whole: TokenStream,
}

impl Parameters {
    /// Returns the configuration for the cache of an object, which is evaluated with the parameters of the function in scope.
    pub(crate) fn in_object(options: &Options, private: &TokenStream) -> Self {
        Self::written(options, false, private)
    }

    /// Returns the configuration that an instantiation was compiled with, given its identity. Evaluated once, in a function that
    /// does not see the parameters of the memoized one.
    pub(crate) fn compiled(options: &Options, of: &TokenStream, private: &TokenStream) -> Self {
        let is_constant = options.limits().into_iter().all(|(_, limit)| is_constant(&limit));
        let written = Self::written(options, is_constant, private);
        if is_constant {
            return written;
        }
        let (whole, at) = (written.whole, Span::mixed_site());
        let kept = quote_spanned! {at=>
            #private::kept_parameters(#of, || #whole)
        };
        Self { maxsize: quote_spanned!(at=> #kept.maxsize), whole: kept }
    }

    /// Returns the present configuration: the bound may have changed.
    pub(crate) fn present(function: &Function<'_>, options: &Options, private: &TokenStream) -> Self {
        let of = function.instantiation(private);
        let compiled = Self::compiled(options, &of, private);
        if !options.is_bounded() {
            return compiled;
        }
        let name = name_of(function, options, private);
        let (compiled, at) = (compiled.whole, Span::mixed_site());
        let present = quote_spanned! {at=>
            #private::present(#of, || #name, #compiled)
        };
        Self { maxsize: quote_spanned!(at=> #present.maxsize), whole: present }
    }

    /// Writes the configuration as the options have it.
    fn written(options: &Options, is_constant: bool, private: &TokenStream) -> Self {
        let at = Span::mixed_site();
        let maxsize = match &options.maxsize {
            Maxsize::Unbounded => quote_spanned!(at=> ::core::option::Option::None),
            Maxsize::Bounded(maxsize) => {
                let here = maxsize.span();
                let core = core_at(here);
                let maxsize = if is_constant {
                    quote_spanned!(here=> const { #maxsize })
                } else {
                    quote_spanned!(here=> {
                        let __lru_memo_maxsize: #core::primitive::usize = #maxsize;
                        __lru_memo_maxsize
                    })
                };
                quote_spanned!(at=> ::core::option::Option::Some(#maxsize))
            }
        };
        let (typed, scope) = (options.typed, Ident::new(options.scope.name(), at));
        let length = |name, given: &Option<TokenStream>| {
            given.as_ref().map(|given| length(name, given, &options.runtime))
        };
        let (ttl, jitter) = (length("with_ttl", &options.ttl), length("with_jitter", &options.jitter));
        let (idle, stale) = (length("with_idle", &options.idle), length("with_stale", &options.stale));
        let near = length("with_near", &options.near);
        let max_weight =
            options.max_weight.as_ref().map(|max| quote_spanned!(max.span()=> .with_max_weight(#max)));
        let version = Some(options.version).filter(|&version| version > 0);
        let version = version.map(|version| quote!(.with_version(#version)));
        let whole = quote_spanned! {at=>
            #private::CacheParameters::new(#maxsize, #typed, <#private::Scope>::#scope) #ttl #jitter #idle #stale #near #max_weight #version
        };
        Self { maxsize, whole }
    }
}

/// Writes the method call that notes a duration. An expression without brackets has a type that need not be inferred: if that is not
/// `Duration`, the message says what to write.
fn length(method: &str, given: &TokenStream, runtime: &Runtime) -> TokenStream {
    let at = given.span();
    if given.clone().into_iter().any(|token| matches!(token, TokenTree::Group(_))) {
        let method = Ident::new(method, at);
        return quote_spanned!(at=> .#method(#given));
    }
    let (method, private) = (Ident::new(method, Span::call_site()), runtime.private_at(at));
    quote_spanned!(at=> .#method(#private::length(#given)))
}

/// Whether an expression consists of literals only; `Duration::from_secs(1)` counts as one.
fn is_constant(expression: &Expr) -> bool {
    match expression {
        Expr::Lit(_) => true,
        Expr::Unary(ExprUnary { expr, .. })
        | Expr::Paren(ExprParen { expr, .. })
        | Expr::Group(ExprGroup { expr, .. })
        | Expr::Cast(ExprCast { expr, .. }) => is_constant(expr),
        Expr::Binary(ExprBinary { left, right, .. }) => is_constant(left) && is_constant(right),
        Expr::Call(ExprCall { func, args, .. }) => {
            const OF_DURATION: [&str; 4] = ["from_secs", "from_millis", "from_micros", "from_nanos"];
            let Expr::Path(path) = &**func else { return false };
            let last = path.path.segments.last();
            last.is_some_and(|last| OF_DURATION.iter().any(|name| last.ident == name))
                && args.iter().all(is_constant)
        }
        _ => false,
    }
}
