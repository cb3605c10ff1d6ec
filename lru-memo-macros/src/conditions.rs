//! Conditions inside a function: `#[cfg(..)]` and `#[cfg_attr(..)]` on its parameters, and `#[cfg_attr(.., lru_cache)]`
//! on a function in an `impl` block.
//!
//! A macro cannot evaluate conditions. So the whole function is written once for each case, under `#[cfg(..)]`.

use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Attribute, FnArg, Ident, ItemFn, Meta, Pat, Path, Token, parse_quote};

use crate::own::ends_like_own;

/// The most conditions of one function: each doubles what is written.
const MOST: usize = 4;

/// A function in one case.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) item: ItemFn,
    /// The parameters that it does not have in this case.
    pub(crate) left_out: Vec<Ident>,
}

/// A function in each case; in one where there are no conditions.
///
/// # Errors
/// When there are too many.
pub(crate) fn cases(item: ItemFn) -> syn::Result<Vec<Case>> {
    let mut cases = Vec::new();
    split(Case { item, left_out: Vec::new() }, 0, &mut cases)?;
    Ok(cases)
}

/// Whether a condition decides whether one of this crate's attributes stands here.
pub(crate) fn may_be_own(attribute: &Attribute) -> bool {
    holds_own(&attribute.meta)
}

fn split(case: Case, depth: usize, cases: &mut Vec<Case>) -> syn::Result<()> {
    let Some((attribute, condition)) = case.first() else {
        cases.push(case);
        return Ok(());
    };
    if depth == MOST {
        let message = format!(
            "a function with more than {MOST} different conditions inside cannot be memoized; write it once for each case, as a whole under `#[cfg(..)]`"
        );
        return Err(syn::Error::new_spanned(attribute, message));
    }
    for holds in [true, false] {
        split(case.decided(&condition, holds), depth + 1, cases)?;
    }
    Ok(())
}

impl Case {
    /// The first condition that is to be decided, and where it stands.
    fn first(&self) -> Option<(Attribute, Condition)> {
        let on_function = self.item.attrs.iter().filter(|attribute| may_be_own(attribute));
        let on_parameters = self.item.sig.inputs.iter().flat_map(attributes);
        let on_parameters =
            on_parameters.filter(|attribute| attribute.path().is_ident("cfg") || may_be_own(attribute));
        on_function.chain(on_parameters).find_map(|attribute| {
            Condition::of(&attribute.meta).map(|condition| (attribute.clone(), condition))
        })
    }

    /// The function where a predicate is true, or is not.
    fn decided(&self, condition: &Condition, is_true: bool) -> Self {
        let predicate = &condition.predicate;
        let Self { mut item, mut left_out } = self.clone();
        decide(&mut item.attrs, condition, is_true, |path| path.is_ident("cfg_attr"));
        item.attrs.insert(
            0,
            if is_true { parse_quote!(#[cfg(#predicate)]) } else { parse_quote!(#[cfg(not(#predicate))]) },
        );
        let inputs = std::mem::take(&mut item.sig.inputs);
        item.sig.inputs = inputs
            .into_iter()
            .filter_map(|mut input| {
                let attributes = match &mut input {
                    FnArg::Receiver(receiver) => &mut receiver.attrs,
                    FnArg::Typed(typed) => &mut typed.attrs,
                };
                if decide(attributes, condition, is_true, |_| true) {
                    return Some(input);
                }
                left_out.extend(name(&input));
                None
            })
            .collect();
        Self { item, left_out }
    }
}

/// Decides the attributes that are about a predicate, of those that are to be decided; says whether what they stand on
/// stays.
fn decide(
    attributes: &mut Vec<Attribute>,
    decided_on: &Condition,
    is_true: bool,
    is_decided: impl Fn(&Path) -> bool,
) -> bool {
    let mut stays = true;
    let mut decided = Vec::new();
    for attribute in attributes.drain(..) {
        match Condition::of(&attribute.meta) {
            Some(condition) if condition.is_about(decided_on) && is_decided(attribute.path()) => {
                let holds = condition.is_negated != is_true;
                stays &= holds || !attribute.path().is_ident("cfg");
                if holds {
                    decided.extend(
                        condition.attributes.iter().map(|meta| -> Attribute { parse_quote!(#[#meta]) }),
                    );
                }
            }
            _ => decided.push(attribute),
        }
    }
    *attributes = decided;
    stays
}

/// What a `cfg` or a `cfg_attr` says.
struct Condition {
    /// Without a `not(..)` around it.
    predicate: Meta,
    is_negated: bool,
    /// The attributes of a `cfg_attr`.
    attributes: Vec<Meta>,
}

impl Condition {
    fn of(meta: &Meta) -> Option<Self> {
        if !meta.path().is_ident("cfg") && !meta.path().is_ident("cfg_attr") {
            return None;
        }
        let parse = Punctuated::<Meta, Token![,]>::parse_terminated;
        let mut parts = meta.require_list().and_then(|list| list.parse_args_with(parse)).ok()?.into_iter();
        let (mut predicate, mut is_negated) = (parts.next()?, false);
        while let Meta::List(list) = &predicate {
            let Some(inner) = list.path.is_ident("not").then(|| list.parse_args().ok()).flatten() else {
                break;
            };
            (predicate, is_negated) = (inner, !is_negated);
        }
        Some(Self { predicate, is_negated, attributes: parts.collect() })
    }

    /// Whether two are about the same predicate.
    fn is_about(&self, other: &Self) -> bool {
        let text = |condition: &Self| condition.predicate.to_token_stream().to_string();
        text(self) == text(other)
    }
}

/// Whether an attribute is a `cfg_attr` with one of this crate's in it.
fn holds_own(meta: &Meta) -> bool {
    let is_own = |meta: &Meta| ends_like_own(meta.path()) || holds_own(meta);
    meta.path().is_ident("cfg_attr")
        && Condition::of(meta).is_some_and(|condition| condition.attributes.iter().any(is_own))
}

fn attributes(input: &FnArg) -> &[Attribute] {
    match input {
        FnArg::Receiver(receiver) => &receiver.attrs,
        FnArg::Typed(typed) => &typed.attrs,
    }
}

fn name(input: &FnArg) -> Option<Ident> {
    match input {
        FnArg::Receiver(receiver) => Some(Ident::new("self", receiver.self_token.span)),
        FnArg::Typed(typed) => match &*typed.pat {
            Pat::Ident(pattern) => Some(pattern.ident.clone()),
            _ => None,
        },
    }
}
