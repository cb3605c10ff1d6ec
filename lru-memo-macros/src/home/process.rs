//! `scope = process`: one cache for all threads, in a static.

use proc_macro2::TokenStream;

use super::{Home, Parts, hasher};
use crate::cached::Cached;
use crate::expand::body;
use crate::key::KeyTypes;

pub(super) fn home(parts: Parts<'_>) -> Home {
    match &parts.key.types {
        Some(types) => typed(parts, types),
        None => erased(parts),
    }
}

fn typed(parts: Parts<'_>, KeyTypes { arguments, stored, proof }: &KeyTypes) -> Home {
    let Parts { function, options, cached: Cached { value, .. }, private, .. } = parts;
    let (hidden, path, site) = (&function.names.cache, parts.path(), parts.site());
    let (hasher, check_hasher) = hasher(options, true, private);
    let (kind, check_kind) = parts.kind(arguments);
    let of_cache = body!(#private::Cache<#private::AllThreads, #kind, #stored, #value, #hasher>);
    let proof_of_value = parts.proof_of_value();
    let cache = body!(#path());
    Home {
        head: body!(fn #hidden() -> &'static #of_cache),
        body: body! {
            #check_hasher
            #check_kind
            static __LRU_MEMO_CACHE: #private::Slot<#of_cache> = #private::Slot::new();
            __LRU_MEMO_CACHE.get(#proof, #proof_of_value, #site)
        },
        way: None,
        used: body!(::core::option::Option::Some(#cache)),
        answers: parts.answers_of_cache(&cache),
        cache,
    }
}

fn erased(parts: Parts<'_>) -> Home {
    let Parts { function, options, key, cached: Cached { value, .. }, private, .. } = parts;
    let (hidden, path) = (&function.names.cache, parts.path());
    let (head, body, instance) = if function.may_be_dispatched() {
        // A default method that may be called through `dyn Trait` cannot call a method without a receiver, but it can name it.
        (body!(fn #hidden(&self)), TokenStream::new(), body!(#private::instance_of(#path)))
    } else {
        let body = body! {
            static __LRU_MEMO_INSTANCES: #private::Instances = #private::Instances::new();
            __LRU_MEMO_INSTANCES.of(#private::instantiation(|| ()))
        };
        (body!(fn #hidden() -> &'static #private::Instance), body, body!(#path()))
    };
    let (kind, (hasher, _)) = (parts.any_kind(), hasher(options, false, private));
    let (proof, proof_of_value) = (&key.proof, parts.proof_of_value());
    let site = parts.site();
    Home {
        head,
        body,
        cache: body!(#instance.cache::<#kind, _, #value, #hasher>(#proof, #proof_of_value, #site)),
        way: None,
        used: parts.used_of_instance(&instance),
        answers: parts.answers_of_instance(&instance),
    }
}
