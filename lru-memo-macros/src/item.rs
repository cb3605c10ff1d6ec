//! The item under an attribute: a function, or an `impl` block with memoized functions.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::{
    Attribute as SynAttribute, Expr, FnArg, FnModifiers, ImplItem, ImplItemFn, Item, ItemFn, ItemImpl, Meta,
    ReturnType, Stmt, TraitItemFn, braced, parse_quote,
};

use crate::block::{Block, permission};
use crate::conditions::{Case, cases, may_be_own};
use crate::diagnostics::Diagnostics;
use crate::expand::{Expansion, expand};
use crate::function::{Function, Setting};
use crate::options::Options;
use crate::own::{Attribute, ends_like_own};
use crate::placement::{Companions, beside};
use crate::types::is_unsized;
use crate::validate::validate;

/// Expands an attribute.
pub(crate) fn memoize(attribute: Attribute, options: TokenStream, item: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    if let Ok(block) = parse_block(item.clone()) {
        return memoize_block(attribute, &options, block);
    }
    let item = match parse_function.parse2(item.clone()) {
        Ok(item) => item,
        Err(error) => {
            Options::parse(attribute, options, None, &mut diagnostics);
            diagnostics.add(not_a_function(attribute.name(), error, &item));
            let errors = diagnostics.into_tokens(&[]);
            return quote!(#errors #item);
        }
    };
    let cases = match cases(item.clone()) {
        Ok(cases) => cases,
        Err(error) => {
            let error = error.into_compile_error();
            return quote!(#error #item);
        }
    };
    let written = cases.into_iter().map(|case| {
        match memoize_case(attribute, Ok(options.clone()), case, Setting::Free) {
            Ok(expansion) => {
                let (memoized, companions) = (expansion.memoized, expansion.companions.functions);
                quote!(#memoized #companions)
            }
            Err(Mistakes { errors, item }) => quote!(#errors #item),
        }
    });
    written.collect()
}

/// Reads a function. Its body stays as it is: what is wrong there, the compiler says once.
fn parse_function(input: ParseStream<'_>) -> syn::Result<ItemFn> {
    let mut attrs = input.call(SynAttribute::parse_outer)?;
    let (vis, sig) = (input.parse()?, input.parse()?);
    let content;
    let brace_token = braced!(content in input);
    attrs.extend(content.call(SynAttribute::parse_inner)?);
    let stmts = vec![Stmt::Expr(Expr::Verbatim(content.parse()?), None)];
    let block = Box::new(syn::Block { brace_token, stmts });
    Ok(ItemFn { attrs, vis, modifiers: FnModifiers::default(), sig, block })
}

/// Reads an `impl` block. The bodies of its functions stay as they are.
fn parse_block(item: TokenStream) -> syn::Result<ItemImpl> {
    let mut tokens: Vec<TokenTree> = item.into_iter().collect();
    let mut members = TokenStream::new();
    if let Some(TokenTree::Group(body)) = tokens.last_mut() {
        members = body.stream();
        let mut emptied = Group::new(body.delimiter(), TokenStream::new());
        emptied.set_span(body.span());
        *body = emptied;
    }
    let mut block: ItemImpl = syn::parse2(tokens.into_iter().collect())?;
    let read = |input: ParseStream<'_>| {
        block.attrs.extend(input.call(SynAttribute::parse_inner)?);
        while !input.is_empty() {
            block.items.push(input.call(parse_member)?);
        }
        Ok(())
    };
    read.parse2(members).map(|()| block)
}

/// Reads an item of an `impl` block.
fn parse_member(input: ParseStream<'_>) -> syn::Result<ImplItem> {
    let ahead = input.fork();
    let Ok(ItemFn { attrs, vis, modifiers, sig, block }) = ahead.call(parse_function) else {
        return input.parse();
    };
    input.advance_to(&ahead);
    Ok(ImplItem::Fn(ImplItemFn { attrs, vis, modifiers, sig, block: *block }))
}

/// What is wrong with a function.
struct Mistakes {
    /// One `compile_error!` for each.
    errors: TokenStream,
    /// The function without them, so that nothing else fails for want of it.
    item: Box<ItemFn>,
}

/// The expansion of one function, or its mistakes.
fn memoize_case(
    attribute: Attribute,
    options: syn::Result<TokenStream>,
    case: Case,
    place: Setting<'_>,
) -> Result<Expansion, Mistakes> {
    let Case { item, left_out } = case;
    let mut diagnostics = Diagnostics::default();
    let options = diagnostics.ok(options).unwrap_or_default();
    let mut options = Options::parse(attribute, options, Some(&item.sig), &mut diagnostics);
    options.skip.retain(|name| !left_out.contains(name));
    let conditions = item.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    let conditions: Vec<_> = conditions.cloned().collect();
    let mut function = Function::new(item, place);
    let owner = options.object().and_then(|object| object.skipped(&function));
    options.skip.extend(owner);
    function.skip(&options.skip);
    validate(&function, &options, &mut diagnostics);
    match diagnostics.into_tokens(&conditions) {
        None => Ok(expand(&options, &function)),
        Some(errors) => Err(Mistakes { errors, item: Box::new(repaired(function)) }),
    }
}

/// `#[lru_cache] impl ..`: expands every memoized function in it.
fn memoize_block(attribute: Attribute, options: &TokenStream, mut block: ItemImpl) -> TokenStream {
    let mut errors = TokenStream::new();
    if !options.is_empty() {
        let message = format!(
            "options belong to the functions; write `#[{}]` on the `impl` block alone",
            attribute.name()
        );
        errors.extend(syn::Error::new_spanned(options, message).into_compile_error());
    }
    let header = Block::new(&block);
    let mut companions = Companions::default();
    let mut memoized = 0;
    for item in &mut block.items {
        let ImplItem::Fn(function) = item else { continue };
        let is_memoized = |attribute: &SynAttribute| ends_like_own(attribute.path()) || may_be_own(attribute);
        if !function.attrs.iter().any(is_memoized) {
            continue;
        }
        memoized += 1;
        let Ok(function) = parse_function.parse2(function.to_token_stream()) else { continue };
        let cases = match cases(function) {
            Ok(cases) => cases,
            Err(error) => {
                errors.extend(error.into_compile_error());
                continue;
            }
        };
        let mut written = TokenStream::new();
        for mut case in cases {
            let Some((attribute, options)) = take_attribute(&mut case.item.attrs) else {
                case.item.to_tokens(&mut written);
                continue;
            };
            match memoize_case(attribute, options, case, Setting::Block(&header)) {
                Ok(expansion) => {
                    written.extend(expansion.memoized);
                    companions.extend(expansion.companions);
                }
                Err(mistakes) => {
                    mistakes.item.to_tokens(&mut written);
                    errors.extend(mistakes.errors);
                }
            }
        }
        *item = ImplItem::Verbatim(written);
    }
    if memoized == 0 {
        let message = format!(
            "no function in this `impl` block is memoized; write `#[{}(..)]` on one",
            attribute.name()
        );
        errors.extend(syn::Error::new(Span::call_site(), message).into_compile_error());
    }
    if header.implemented.is_some() {
        for attribute in &mut block.attrs {
            *attribute = permission(attribute);
        }
        let beside = beside(&header, &companions);
        return quote!(#block #beside #errors);
    }
    block.items.push(ImplItem::Verbatim(companions.functions));
    quote!(#block #errors)
}

/// Takes the macro's attribute off a function in a block, with its options.
fn take_attribute(attributes: &mut Vec<SynAttribute>) -> Option<(Attribute, syn::Result<TokenStream>)> {
    let named = |attribute: &SynAttribute| {
        let name = attribute.path().segments.last()?.ident.to_string();
        Attribute::ALL.into_iter().find(|known| known.name() == name)
    };
    let at = attributes.iter().position(|attribute| named(attribute).is_some())?;
    let attribute = attributes.remove(at);
    let options = match &attribute.meta {
        Meta::Path(_) => Ok(TokenStream::new()),
        Meta::List(list) => Ok(list.tokens.clone()),
        Meta::NameValue(_) => Err(syn::Error::new_spanned(&attribute, "write the options in parentheses")),
    };
    named(&attribute).map(|name| (name, options))
}

fn not_a_function(attribute: &str, error: syn::Error, item: &TokenStream) -> syn::Error {
    let message = match syn::parse2::<Item>(item.clone()) {
        _ if syn::parse2::<TraitItemFn>(item.clone()).is_ok() => {
            format!("`#[{attribute}]` goes on a function with a body; put it on the implementations instead")
        }
        // A function or a block that cannot be read.
        Err(_) if item.clone().into_iter().any(|token| ["fn", "impl"].contains(&&*token.to_string())) => {
            return error;
        }
        _ => format!(
            "`#[{attribute}]` goes on a function, or on an `impl` block with memoized functions; remove it here"
        ),
    };
    syn::Error::new(Span::call_site(), message)
}

/// The function such that nothing but the reported mistakes is wrong with it.
fn repaired(function: Function<'_>) -> ItemFn {
    let mut item = function.item;
    let mut is_wrong = item.sig.variadic.take().is_some();
    let outputs = match &mut item.sig.output {
        ReturnType::Type(_, ty) => Some(ty),
        ReturnType::Default => None,
    };
    let inputs = item.sig.inputs.iter_mut().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(&mut typed.ty),
        FnArg::Receiver(_) => None,
    });
    for ty in inputs.chain(outputs).filter(|ty| is_unsized(ty)) {
        **ty = parse_quote!(&'static (#ty));
        is_wrong = true;
    }
    if is_wrong {
        item.attrs.push(parse_quote!(#[allow(unused)]));
        item.block = parse_quote!({ loop {} });
    }
    item
}
