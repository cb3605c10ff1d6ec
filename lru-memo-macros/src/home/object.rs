//! `scope = self.memo`: caches that live in an object.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::cache_type::{hasher, of_kind, storage};
use super::parts::Parts;
use super::{Answers, Home, new_bound};
use crate::body::body;
use crate::function::{Function, Setting};
use crate::instantiation::name_of;
use crate::object::Object;
use crate::options::Options;
use crate::parameters::Parameters;

/// Returns the code that finds the cache.
pub(crate) fn home(object: &Object, parts: Parts<'_>) -> Home {
    let Parts { function, options, key, cached, private } = parts;
    let way = way(object, function, options, private);
    let (value, at) = (&cached.value, function.output.span());
    let shareable = options.runtime.item(at, "shareable_in_object");
    let proof_of_value = quote_spanned!(at=> #shareable::<#value>());
    let proof_of_key = key.proof("shareable_part_in_object", &options.runtime);
    let (hasher, _) = hasher(options, false, private);
    let storage = match &key.types {
        Some(types) => storage(&types.arguments, value, options, private),
        None => {
            let is_plain = parts.checks_plain().is_some();
            of_kind(options, &quote!(#is_plain), options.ttl.is_some(), private)
        }
    };
    let site = site(function, options, private);
    let found = |find: TokenStream| {
        body! {
            #way.#find::<#storage, _, #value, #hasher>(#proof_of_key, #proof_of_value, || #site)
        }
    };
    let (borrowed, held) = (found(quote!(cache)), found(quote!(held)));
    let (cache, hit) = match is_held(object, function) {
        // The owner is moved only when the function runs.
        true => (held, Some(borrowed).filter(|_| !object.calls && options.tags.is_empty())),
        false => (borrowed, None),
    };
    let (output, body) = if function.may_be_dispatched() {
        (None, TokenStream::new())
    } else {
        (Some(body!(#private::TypeId)), body!(#private::instantiation(|| ())))
    };
    let maxsize = new_bound();
    let home = Home {
        output,
        body,
        is_found_at_once: false,
        way: Some(hit.unwrap_or_else(|| cache.clone())),
        cache,
        // The value that a method has returned is dropped before the cache is used.
        used: {
            let key = key.type_of_stored(options);
            Some(body! {{
                let __lru_memo_used = #way.used::<#storage, #key, #value, #hasher>();
                __lru_memo_used
            }})
        },
        clone: parts.clone_value(),
        check: parts.checks_plain().filter(|_| key.types.is_none()),
        store: None,
        site: None,
        answers: Answers {
            info: body!(#way.info(|| #site)),
            totals: body!(#way.totals()),
            advice: body!(#way.advice(|| #site)),
            clear: body!(#way.clear()),
            resize: options.is_bounded().then(|| body!(#way.resize(#maxsize, || #site))),
            // Those that the cache was made with, if it exists.
            parameters: body!(#way.parameters(|| #site)),
        },
    };
    home.catching_up_with_tags(options, private)
}

/// Returns an expression of the runtime's type `InObject`, which finds the cache.
fn way(object: &Object, function: &Function<'_>, options: &Options, private: &TokenStream) -> TokenStream {
    let path = function.path(&function.names.cache);
    let instance =
        if function.may_be_dispatched() { body!(#private::instantiation_of(#path)) } else { body!(#path()) };
    let (chain, at) = (&object.chain, object.chain.span());
    let in_object = options.runtime.item(at, "InObject");
    quote_spanned!(at=> #in_object::new(&#chain, #instance))
}

/// Whether a call counts a reference to the cache, rather than borrowing it from the owner: if the function moves the owner,
/// or if the value that a method returned is dropped before the function runs.
fn is_held(object: &Object, function: &Function<'_>) -> bool {
    object.calls || !object.parameter(function).is_some_and(|owner| owner.is_reference())
}

/// Returns the parts that a cache is made from.
fn site(function: &Function<'_>, options: &Options, private: &TokenStream) -> TokenStream {
    let (name, whole) = (name_of(function, options, private), Parameters::in_object(options, private).whole);
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
