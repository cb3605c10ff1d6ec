//! Arbitrary attributes on arbitrary items: the macros never panic, and write items for an item.
//!
//! An input is text, or, when it begins with a byte that no ASCII text has, what attributes and functions are put
//! together from.

#![no_main]

#[path = "../../lru-memo-macros/src/attributes.rs"]
mod attributes;
#[path = "../../lru-memo-macros/src/block.rs"]
mod block;
#[path = "../../lru-memo-macros/src/body.rs"]
mod body;
#[path = "../../lru-memo-macros/src/borrows.rs"]
mod borrows;
#[path = "../../lru-memo-macros/src/cached.rs"]
mod cached;
#[path = "../../lru-memo-macros/src/companion.rs"]
mod companion;
#[path = "../../lru-memo-macros/src/companions.rs"]
mod companions;
#[path = "../../lru-memo-macros/src/conditions.rs"]
mod conditions;
#[path = "../../lru-memo-macros/src/diagnostics.rs"]
mod diagnostics;
#[path = "../../lru-memo-macros/src/duration.rs"]
mod duration;
#[path = "../../lru-memo-macros/src/expand.rs"]
mod expand;
#[path = "../../lru-memo-macros/src/fingerprint.rs"]
mod fingerprint;
#[path = "../../lru-memo-macros/src/function.rs"]
mod function;
#[path = "../../lru-memo-macros/src/generics.rs"]
mod generics;
#[path = "attribute/grammar.rs"]
mod grammar;
#[path = "../../lru-memo-macros/src/home.rs"]
mod home;
#[path = "../../lru-memo-macros/src/inputs.rs"]
mod inputs;
#[path = "../../lru-memo-macros/src/instantiation.rs"]
mod instantiation;
#[path = "attribute/invocation.rs"]
mod invocation;
#[path = "../../lru-memo-macros/src/item.rs"]
mod item;
#[path = "../../lru-memo-macros/src/key.rs"]
mod key;
#[path = "../../lru-memo-macros/src/lints.rs"]
mod lints;
#[path = "../../lru-memo-macros/src/lookup.rs"]
mod lookup;
#[path = "../../lru-memo-macros/src/mentions.rs"]
mod mentions;
#[path = "../../lru-memo-macros/src/names.rs"]
mod names;
#[path = "../../lru-memo-macros/src/object.rs"]
mod object;
#[path = "../../lru-memo-macros/src/options.rs"]
mod options;
#[path = "../../lru-memo-macros/src/own.rs"]
mod own;
#[path = "../../lru-memo-macros/src/owner.rs"]
mod owner;
#[path = "../../lru-memo-macros/src/parameters.rs"]
mod parameters;
#[path = "../../lru-memo-macros/src/pieces.rs"]
mod pieces;
#[path = "../../lru-memo-macros/src/placement.rs"]
mod placement;
#[path = "../../lru-memo-macros/src/runtime.rs"]
mod runtime;
#[path = "../../lru-memo-macros/src/shape.rs"]
mod shape;
#[path = "../../lru-memo-macros/src/signature.rs"]
mod signature;
#[path = "../../lru-memo-macros/src/types.rs"]
mod types;
#[path = "../../lru-memo-macros/src/validate.rs"]
mod validate;

use libfuzzer_sys::{Corpus, fuzz_target};
use proc_macro2::TokenStream;

use crate::grammar::Source;
use crate::invocation::Invocation;

fuzz_target!(|source: Source| -> Corpus {
    let Some(invocation) = Invocation::read(&source.text) else { return Corpus::Reject };
    let Invocation { attribute, options, item } = invocation;
    let output = item::memoize(attribute, options, item.clone());
    let was_item = items(item).is_ok();
    match items(output) {
        Err(mistake) if was_item => panic!("not written as items: {mistake}\n\nfrom: {}", source.text),
        _ => Corpus::Keep,
    }
});

fn items(tokens: TokenStream) -> syn::Result<syn::File> {
    syn::parse2(tokens)
}
