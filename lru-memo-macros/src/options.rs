//! The options in the parentheses of `#[lru_cache(..)]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::Parse;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprLit, ExprUnary, Ident, Lit, LitInt, LitStr, Path, Signature, Token, Type, UnOp};

use self::unknown::unknown;
pub(crate) use self::values::{CacheIf, Maxsize, Scope, SingleFlight};
use self::values::{Length, boolean, duration, key, maxsize, negative, scope, single_flight, skipped, tags};
use crate::diagnostics::Diagnostics;
use crate::object::Object;
use crate::own::Attribute;
use crate::runtime::Runtime;

/// The options of one attribute, with their defaults filled in.
pub(crate) struct Options {
    pub(crate) key: Option<Expr>,
    /// The parameters that are left out of the key.
    pub(crate) skip: Vec<Ident>,
    /// Expressions of the tags of an entry, over the arguments.
    pub(crate) tags: Vec<Expr>,
    pub(crate) cache_if: Option<CacheIf>,
    pub(crate) cache_err: bool,
    /// Whether a companion advises on the bound.
    pub(crate) advise: bool,
    pub(crate) single_flight: Option<SingleFlight>,
    /// Expressions of type `Duration`.
    pub(crate) ttl: Option<TokenStream>,
    pub(crate) jitter: Option<TokenStream>,
    pub(crate) idle: Option<TokenStream>,
    pub(crate) stale: Option<TokenStream>,
    pub(crate) near: Option<TokenStream>,
    pub(crate) ttl_of: Option<Expr>,
    pub(crate) max_weight: Option<Expr>,
    pub(crate) weigh: Option<Expr>,
    pub(crate) hasher: Option<Type>,
    pub(crate) name: Option<LitStr>,
    pub(crate) version: u64,
    pub(crate) maxsize: Maxsize,
    pub(crate) typed: bool,
    pub(crate) scope: Scope,
    pub(crate) runtime: Runtime,
}

/// The options as they were given; each is absent until it is met.
#[derive(Default)]
struct Given {
    maxsize: Option<Maxsize>,
    typed: Option<bool>,
    scope: Option<Scope>,
    runtime: Option<Runtime>,
    key: Option<Expr>,
    skip: Option<Vec<Ident>>,
    tags: Option<Vec<Expr>>,
    cache_if: Option<Expr>,
    cache_err: Option<bool>,
    /// With the name as it was given.
    advise: Option<bool>,
    single_flight: Option<SingleFlight>,
    ttl: Option<Length>,
    jitter: Option<Length>,
    idle: Option<Length>,
    stale: Option<Length>,
    ttl_of: Option<Expr>,
    near: Option<Length>,
    max_weight: Option<Expr>,
    weigh: Option<Expr>,
    hasher: Option<Type>,
    name: Option<LitStr>,
    version: Option<u64>,
}

const NAMES: [&str; 22] = [
    "maxsize",
    "typed",
    "scope",
    "ttl",
    "ttl_of",
    "jitter",
    "idle",
    "stale",
    "near",
    "key",
    "skip",
    "tags",
    "cache_if",
    "cache_err",
    "single_flight",
    "advise",
    "max_weight",
    "weigh",
    "hasher",
    "name",
    "version",
    "crate",
];

impl Options {
    pub(crate) fn is_bounded(&self) -> bool {
        matches!(self.maxsize, Maxsize::Bounded(_))
    }

    /// Leads to the object that has the cache, if one has.
    pub(crate) fn object(&self) -> Option<&Object> {
        match &self.scope {
            Scope::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Returns the limits that are given, by the names of their options.
    pub(crate) fn limits(&self) -> Vec<(&'static str, Expr)> {
        let maxsize = match &self.maxsize {
            Maxsize::Bounded(maxsize) => Some(maxsize.clone()),
            Maxsize::Unbounded => None,
        };
        let max_weight = self.max_weight.as_ref().map(ToTokens::to_token_stream);
        let limits = [
            ("maxsize", maxsize),
            ("ttl", self.ttl.clone()),
            ("jitter", self.jitter.clone()),
            ("idle", self.idle.clone()),
            ("stale", self.stale.clone()),
            ("near", self.near.clone()),
            ("max_weight", max_weight),
        ];
        let limits = limits.into_iter().filter_map(|(name, limit)| Some((name, syn::parse2(limit?).ok()?)));
        limits.collect()
    }

    /// Reads the options of a function, reporting every mistake.
    pub(crate) fn parse(
        attribute: Attribute,
        tokens: TokenStream,
        function: Option<&Signature>,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let mut given = Given::default();
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                if let Err(error) = given.option(attribute, input, function, diagnostics) {
                    diagnostics.add(error);
                    skip_to_comma(input)?;
                }
                if !input.is_empty() && input.parse::<Token![,]>().is_err() {
                    diagnostics.add(input.error("expected `,` between two options"));
                    skip_to_comma(input)?;
                    input.parse::<Option<Token![,]>>()?;
                }
            }
            Ok(())
        };
        // The parser has reported its errors itself.
        let _: Option<()> = parser.parse2(tokens).ok();
        given.conflicts(diagnostics);
        Self {
            maxsize: given.maxsize.unwrap_or(match attribute {
                Attribute::LruCache => Maxsize::Bounded(quote!(128)),
                Attribute::Cache => Maxsize::Unbounded,
            }),
            typed: given.typed.unwrap_or(false),
            scope: given.scope.unwrap_or(Scope::Process),
            runtime: given.runtime.unwrap_or_default(),
            key: given.key,
            skip: given.skip.unwrap_or_default(),
            tags: given.tags.unwrap_or_default(),
            cache_if: given.cache_if.map(CacheIf::read),
            cache_err: given.cache_err.unwrap_or(false),
            advise: given.advise.unwrap_or(false),
            single_flight: given
                .single_flight
                .filter(|single_flight| !matches!(single_flight, SingleFlight::No)),
            ttl: given.ttl.map(|ttl| ttl.expression),
            jitter: given.jitter.map(|jitter| jitter.expression),
            idle: given.idle.map(|idle| idle.expression),
            stale: given.stale.map(|stale| stale.expression),
            ttl_of: given.ttl_of,
            near: given.near.map(|near| near.expression),
            max_weight: given.max_weight,
            weigh: given.weigh,
            hasher: given.hasher,
            name: given.name,
            version: given.version.unwrap_or(0),
        }
    }
}

impl Given {
    /// Reports options that do not go together.
    fn conflicts(&self, diagnostics: &mut Diagnostics) {
        let is_shared = matches!(self.scope, Some(Scope::Shared));
        if let Some(hasher) = self.hasher.as_ref().filter(|_| is_shared) {
            diagnostics.error(
                hasher,
                "`scope = shared` needs no `hasher`: all processes have to agree; leave it out",
            );
        }
        if let Some(near) = self.near.as_ref().filter(|_| !is_shared) {
            diagnostics.error(
                &near.given,
                "`near` is for a store that is far away; write `scope = shared`, or leave it out",
            );
        }
        match (&self.max_weight, &self.weigh) {
            (_, Some(weigh)) if is_shared => {
                let message = "with `scope = shared` entries weigh their bytes; leave `weigh` out";
                diagnostics.error(weigh, message);
            }
            (Some(_), None) if is_shared => {}
            (Some(max_weight), None) => {
                diagnostics.error(
                    max_weight,
                    "`max_weight` needs `weigh`, such as `weigh = |key, value| value.len()`",
                );
            }
            (None, Some(weigh)) => {
                diagnostics.error(weigh, "`weigh` needs `max_weight`, such as `max_weight = 64 * 1024`");
            }
            _ => {}
        }
        self.conflicts_of_lifetimes(diagnostics);
    }

    fn conflicts_of_lifetimes(&self, diagnostics: &mut Diagnostics) {
        let jitter = self.jitter.as_ref();
        if let Some(ttl) = &self.ttl {
            let is_longer =
                |jitter: &&Length| jitter.nanoseconds.zip(ttl.nanoseconds).is_some_and(|(j, t)| j > t);
            if let Some(jitter) = jitter.filter(is_longer) {
                let message = "`jitter` is longer than `ttl`, which it shortens; write a part of `ttl`";
                diagnostics.error(&jitter.given, message);
            }
            return;
        }
        if let Some(jitter) = jitter {
            let message = "`jitter` shortens `ttl`; write `ttl` as well, such as `ttl = \"10m\"`";
            diagnostics.error(&jitter.given, message);
        }
        if let Some(stale) = &self.stale {
            let message = "`stale` begins when `ttl` ends; write `ttl` as well, such as `ttl = \"10m\"`";
            diagnostics.error(&stale.given, message);
        }
        if let Some(ttl_of) = &self.ttl_of {
            let message =
                "`ttl_of` needs `ttl`, the longest age; write `ttl` as well, such as `ttl = \"1h\"`";
            diagnostics.error(ttl_of, message);
        }
    }

    /// Reads one option.
    fn option(
        &mut self,
        attribute: Attribute,
        input: ParseStream<'_>,
        function: Option<&Signature>,
        diagnostics: &mut Diagnostics,
    ) -> syn::Result<()> {
        if let Some(mistake) = positional(input) {
            return Err(mistake);
        }
        let name = input.call(Ident::parse_any)?;
        match name.to_string().as_str() {
            "maxsize" => {
                let maxsize = value(&name, input, maxsize)?;
                if attribute == Attribute::Cache {
                    diagnostics.error(
                        &name,
                        "`#[cache]` is unbounded; write `#[lru_cache(maxsize = ..)]` to bound it",
                    );
                }
                once(&mut self.maxsize, &name, maxsize, diagnostics);
            }
            "typed" => {
                once(&mut self.typed, &name, value(&name, input, |input| boolean(&name, input))?, diagnostics)
            }
            "cache_err" => {
                once(
                    &mut self.cache_err,
                    &name,
                    value(&name, input, |input| boolean(&name, input))?,
                    diagnostics,
                );
            }
            "advise" => {
                let given = value(&name, input, |input| boolean(&name, input))?;
                once(&mut self.advise, &name, given, diagnostics);
            }
            "single_flight" => {
                let given = value(&name, input, |input| single_flight(&name, input, diagnostics))?;
                once(&mut self.single_flight, &name, given, diagnostics);
            }
            "key" => once(&mut self.key, &name, value(&name, input, key)?, diagnostics),
            "tags" => once(&mut self.tags, &name, value(&name, input, tags)?, diagnostics),
            "cache_if" => once(&mut self.cache_if, &name, value(&name, input, Expr::parse)?, diagnostics),
            "weigh" => once(&mut self.weigh, &name, value(&name, input, Expr::parse)?, diagnostics),
            "max_weight" => once(&mut self.max_weight, &name, value(&name, input, Expr::parse)?, diagnostics),
            "hasher" => {
                let hasher = value(&name, input, |input| {
                    input.parse::<Type>().map_err(|error| {
                        syn::Error::new(
                            error.span(),
                            "`hasher` is a type, such as `hasher = std::hash::RandomState`",
                        )
                    })
                })?;
                once(&mut self.hasher, &name, hasher, diagnostics);
            }
            "ttl" | "jitter" | "idle" | "stale" | "near" => {
                let length = value(&name, input, |input| duration(&name, input, diagnostics))?;
                let slot = match name.to_string().as_str() {
                    "ttl" => &mut self.ttl,
                    "jitter" => &mut self.jitter,
                    "idle" => &mut self.idle,
                    "stale" => &mut self.stale,
                    _ => &mut self.near,
                };
                once(slot, &name, length, diagnostics);
            }
            "ttl_of" => once(&mut self.ttl_of, &name, value(&name, input, Expr::parse)?, diagnostics),
            "name" => {
                let text = value(&name, input, |input| {
                    input.parse::<LitStr>().map_err(|error| {
                        syn::Error::new(error.span(), "`name` is a string, such as `name = \"orders\"`")
                    })
                })?;
                once(&mut self.name, &name, text, diagnostics);
            }
            "version" => {
                let number = value(&name, input, |input| {
                    let literal = input.parse::<LitInt>();
                    literal.and_then(|literal| literal.base10_parse::<u64>()).map_err(|error| {
                        syn::Error::new(error.span(), "`version` is a whole number, such as `version = 2`")
                    })
                })?;
                once(&mut self.version, &name, number, diagnostics);
            }
            "skip" => {
                let names = skipped(&name, input, diagnostics)?;
                once(&mut self.skip, &name, names, diagnostics);
            }
            "scope" => {
                let scope = value(&name, input, |input| scope(input, function))?;
                once(&mut self.scope, &name, scope, diagnostics);
            }
            "crate" => {
                let path = value(&name, input, |input| {
                    let path = input.call(Path::parse_mod_style).and_then(|path| {
                        // `use` takes no such path.
                        let is_self = |segment: &&syn::PathSegment| segment.ident == "Self";
                        match path.segments.iter().find(is_self) {
                            Some(segment) => Err(syn::Error::new_spanned(segment, "")),
                            None => Ok(path),
                        }
                    });
                    path.map_err(|error| {
                        syn::Error::new(
                            error.span(),
                            "`crate` is the path of the crate, such as `crate = my_crate::lru_memo`",
                        )
                    })
                })?;
                once(&mut self.runtime, &name, Runtime::at(path), diagnostics);
            }
            other => return Err(unknown(&name, other, &NAMES, input)),
        }
        Ok(())
    }
}

/// The mistake of a value without the name of its option, as in Python's `@lru_cache(128)`.
fn positional(input: ParseStream<'_>) -> Option<syn::Error> {
    if input.peek(Ident::peek_any) && !input.peek(Ident) {
        return None; // A keyword, such as `crate`.
    }
    let Ok(value) = input.fork().parse::<Expr>() else {
        let is_name = input.peek(Ident);
        return (!is_name).then(|| input.error("expected an option, such as `maxsize = 128`"));
    };
    let text = match &value {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.to_string(),
        Expr::Path(path) => path.path.get_ident().map(Ident::to_string).filter(|name| is_constant(name))?,
        Expr::Assign(_) | Expr::Call(_) if input.peek(Ident) => return None,
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), .. }) => return Some(negative(&value)),
        _ => "128".to_owned(),
    };
    let message = format!("this value needs the name of its option; write `maxsize = {text}`");
    Some(syn::Error::new_spanned(value, message))
}

/// Whether a name is that of a constant, or `None`.
fn is_constant(name: &str) -> bool {
    name == "None" || !name.chars().any(char::is_lowercase)
}

/// Stores an option that may be given once.
fn once<T>(slot: &mut Option<T>, name: &Ident, value: T, diagnostics: &mut Diagnostics) {
    if slot.replace(value).is_some() {
        diagnostics.error(name, format!("`{name}` is given twice; remove one of the two"));
    }
}

/// Reads `= value`.
fn value<T>(
    name: &Ident,
    input: ParseStream<'_>,
    parse: impl FnOnce(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<T> {
    if !input.peek(Token![=]) {
        return Err(without_value(name));
    }
    input.parse::<Token![=]>()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(without_value(name));
    }
    parse(input)
}

fn without_value(name: &Ident) -> syn::Error {
    let example = match name.to_string().as_str() {
        "maxsize" => "128",
        "typed" => "true",
        "scope" => "thread",
        "crate" => "my_crate::lru_memo",
        "ttl" => "\"90s\"",
        "near" => "\"1s\"",
        "jitter" => "\"1m\"",
        "idle" => "\"10m\"",
        "stale" => "\"1h\"",
        "ttl_of" => "|value| Duration::from_secs(value.max_age)",
        "key" => "user.id",
        "tags" => "[\"orders\"]",
        "cache_if" => "|value| value.is_some()",
        "cache_err" | "single_flight" | "advise" => "true",
        "max_weight" => "64 * 1024",
        "weigh" => "|key, value| value.len()",
        "hasher" => "std::hash::RandomState",
        "name" => "\"orders\"",
        "version" => "2",
        _ => "..",
    };
    syn::Error::new_spanned(name, format!("`{name}` needs a value, such as `{name} = {example}`"))
}

/// Skips what is left of an option that could not be read.
fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}

// Spelt out for those who include this file by its path, as the fuzz targets do.
#[path = "options/unknown.rs"]
mod unknown;
#[path = "options/values.rs"]
mod values;

#[cfg(test)]
// Spelt out for those who include this file by its path, as the fuzz targets do.
#[path = "options/tests.rs"]
mod tests;
