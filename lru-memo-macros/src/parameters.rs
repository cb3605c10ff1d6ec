//! The configuration of a cache, as expressions.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprBinary, ExprCall, ExprCast, ExprGroup, ExprParen, ExprUnary};

use crate::function::Function;
use crate::home::name_of;
use crate::options::{Maxsize, Options, Scope, core_at};

/// The configuration of a cache, as expressions.
pub(crate) struct Parameters {
    /// The present bound, of type `Option<usize>`.
    pub(crate) maxsize: TokenStream,
    /// All of it, of type `CacheParameters`, with the present bound.
    pub(crate) whole: TokenStream,
    /// All of it, with the bound that the function was compiled with.
    pub(crate) compiled: TokenStream,
}

impl Parameters {
    pub(crate) fn of(function: &Function<'_>, options: &Options, private: &TokenStream) -> Self {
        let is_constant = limits(options).into_iter().all(|(_, limit)| is_constant(&limit));
        let at = Span::mixed_site();
        let maxsize = match &options.maxsize {
            Maxsize::Unbounded => quote_spanned!(at=> ::core::option::Option::None),
            Maxsize::Bounded(maxsize) => {
                let here = maxsize.span();
                let is_constant = is_constant && options.scope != Scope::Object;
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
        let typed = options.typed;
        let scope = match options.scope {
            Scope::Process => quote_spanned!(at=> Process),
            Scope::Thread => quote_spanned!(at=> Thread),
            Scope::Shared => quote_spanned!(at=> Shared),
            Scope::Object => quote_spanned!(at=> Object),
        };
        let ttl = options.ttl.as_ref().map(|ttl| quote_spanned!(ttl.span()=> .with_ttl(#ttl)));
        let jitter =
            options.jitter.as_ref().map(|jitter| quote_spanned!(jitter.span()=> .with_jitter(#jitter)));
        let idle = options.idle.as_ref().map(|idle| quote_spanned!(idle.span()=> .with_idle(#idle)));
        let stale = options.stale.as_ref().map(|stale| quote_spanned!(stale.span()=> .with_stale(#stale)));
        let near = options.near.as_ref().map(|near| quote_spanned!(near.span()=> .with_near(#near)));
        let max_weight =
            options.max_weight.as_ref().map(|max| quote_spanned!(max.span()=> .with_max_weight(#max)));
        let version = Some(options.version).filter(|&version| version > 0);
        let version = version.map(|version| quote!(.with_version(#version)));
        let whole = quote_spanned! {at=>
            #private::CacheParameters::new(#maxsize, #typed, <#private::Scope>::#scope) #ttl #jitter #idle #stale #near #max_weight #version
        };
        if options.scope == Scope::Object {
            return Self { maxsize, compiled: whole.clone(), whole };
        }
        let of = function.instantiation(private);
        // Evaluated once, in a function that does not see the parameters of the memoized one.
        let (compiled, maxsize) = if is_constant {
            (whole, maxsize)
        } else {
            let kept = quote_spanned! {at=>
                #private::kept_parameters(#of, || #whole)
            };
            (kept.clone(), quote_spanned!(at=> #kept.maxsize))
        };
        if !options.is_bounded() || options.scope == Scope::Shared {
            return Self { maxsize, whole: compiled.clone(), compiled };
        }
        let name = name_of(function, options, private);
        let whole = quote_spanned! {at=>
            #private::present(#of, || #name, #compiled)
        };
        Self { maxsize: quote_spanned!(at=> #whole.maxsize), whole, compiled }
    }
}

/// Returns the limits that are given, by the names of their options.
pub(crate) fn limits(options: &Options) -> Vec<(&'static str, Expr)> {
    let maxsize = match &options.maxsize {
        Maxsize::Bounded(maxsize) => Some(maxsize.clone()),
        Maxsize::Unbounded => None,
    };
    let max_weight = options.max_weight.as_ref().map(ToTokens::to_token_stream);
    let limits = [
        ("maxsize", maxsize),
        ("ttl", options.ttl.clone()),
        ("jitter", options.jitter.clone()),
        ("idle", options.idle.clone()),
        ("stale", options.stale.clone()),
        ("near", options.near.clone()),
        ("max_weight", max_weight),
    ];
    let limits = limits.into_iter().filter_map(|(name, limit)| Some((name, syn::parse2(limit?).ok()?)));
    limits.collect()
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
