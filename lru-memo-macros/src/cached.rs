//! The cached part of a return value: the `T` of a `Result<T, E>`, or else the value itself.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericArgument, PathArguments, Type};

use crate::function::{Function, Setting};
use crate::mentions::mentions;
use crate::options::Options;
use crate::types::peel;

/// The cached part of the output.
pub(crate) struct Cached {
    /// Whether the output is a `Result`, as the type `Is<..>`.
    pub(crate) kind: TokenStream,
    /// The cached type.
    pub(crate) value: TokenStream,
    /// Whether it is the whole output, as far as the macro can tell.
    pub(crate) is_whole: bool,
    /// A statement that does not compile if `kind` was guessed wrong.
    pub(crate) check: TokenStream,
}

impl Cached {
    pub(crate) fn of(function: &Function<'_>, options: &Options) -> Self {
        let output = &function.output;
        let at = output.span();
        let is = options.runtime.item(at, "Is");
        let whole = Self {
            kind: quote_spanned!(at=> #is<false>),
            value: output.to_token_stream(),
            check: TokenStream::new(),
            is_whole: true,
        };
        if options.cache_err {
            return whole;
        }
        // By the name, if the compiler cannot be asked, or if the name can mean no other type.
        let by_name = !function.knows(output) || is_in_std(output);
        if let Some(value) = value_of_result(output).filter(|_| by_name) {
            return Self { kind: quote_spanned!(at=> #is<true>), value, is_whole: false, ..whole };
        }
        if !is_path_to_unknown(output) {
            return whole;
        }
        // The name may be an alias of `Result`: the compiler is asked.
        let ask = |question| options.runtime.ask("Probe", "NotResult", output, &question);
        if !function.knows(output) {
            // A constant in a signature cannot use generics: the macro guesses, and the body checks.
            let kind = ask(quote!(kind()));
            let check = match function.place {
                Setting::Member => "no_alias_in_method",
                _ => "no_generic_alias",
            };
            let check = options.runtime.item(at, check);
            return Self { check: quote_spanned!(at=> #check::<_>(#kind);), ..whole };
        }
        let (probe, value) = (ask(quote!(IS_RESULT)), options.runtime.item(at, "Value"));
        let kind = quote_spanned!(at=> #is<#probe>);
        Self { value: quote_spanned!(at=> #value<#output, #kind>), kind, is_whole: false, ..whole }
    }
}

impl Cached {
    /// Returns how followers get errors: as copies, if the compiler can tell that errors can be copied.
    pub(crate) fn errors(&self, function: &Function<'_>, options: &Options) -> TokenStream {
        let output = &function.output;
        let is_seen = function.knows(output)
            || matches!(function.place, Setting::Member) && !may_mention_parameter(output);
        if options.cache_err || !is_seen {
            let errors = options.runtime.item(output.span(), "Errors");
            return quote!(#errors::<#output>::kept());
        }
        options.runtime.ask("ErrorProbe", "UnsharedErrors", output, &quote!(errors()))
    }
}

/// Whether a type may use a parameter of a block that the macro cannot see: `Self`, or a name such as `E`.
fn may_mention_parameter(ty: &Type) -> bool {
    mentions(ty, |ident| {
        let name = ident.to_string();
        name == "Self" || name.len() <= 2 && name.starts_with(|first: char| first.is_ascii_uppercase())
    })
}

/// `T` of a type that is named `Result<T, ..>`.
fn value_of_result(output: &Type) -> Option<TokenStream> {
    let Type::Path(path) = peel(output) else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty.to_token_stream()),
        _ => None,
    })
}

/// Whether a type is written as `result::Result`, with the module.
fn is_in_std(output: &Type) -> bool {
    let Type::Path(path) = peel(output) else { return false };
    path.path.segments.iter().rev().nth(1).is_some_and(|module| module.ident == "result")
}

/// Whether a type may be an alias of something.
fn is_path_to_unknown(output: &Type) -> bool {
    const KNOWN: [&str; 18] = [
        "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64",
        "bool", "char", "String", "Self",
    ];
    match peel(output) {
        Type::Path(path) => {
            !path.path.get_ident().is_some_and(|ident| KNOWN.iter().any(|known| ident == known))
        }
        _ => false,
    }
}
