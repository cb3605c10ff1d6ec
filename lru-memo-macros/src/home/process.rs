//! `scope = process`: one cache for all threads, in a static.

use proc_macro2::TokenStream;

use super::Home;
use super::cache_type::hasher;
use super::parts::Parts;
use crate::body::body;
use crate::cached::Cached;
use crate::key::KeyTypes;

pub(crate) fn home(parts: Parts<'_>) -> Home {
    match &parts.key.types {
        Some(types) => typed(parts, types),
        None => erased(parts),
    }
}

fn typed(parts: Parts<'_>, KeyTypes { arguments, stored, proof }: &KeyTypes) -> Home {
    let Parts { options, cached: Cached { value, .. }, private, .. } = parts;
    let (path, site) = (parts.path(), parts.path_to_site());
    let (hasher, check_hasher) = hasher(options, true, private);
    let (kind, check_kind) = parts.kind(arguments);
    let of_cache = body!(#private::Cache<#private::AllThreads, #kind, #stored, #value, #hasher>);
    let proof_of_value = parts.proof_of_value();
    let cache = body!(#path());
    Home {
        output: Some(body!(&'static #of_cache)),
        body: body! {
            #check_hasher
            #check_kind
            static __LRU_MEMO_CACHE: #private::Slot<#of_cache> = #private::Slot::new();
            __LRU_MEMO_CACHE.get(#proof, #proof_of_value, || #site())
        },
        is_found_at_once: true,
        way: Some(cache.clone()),
        used: None,
        clone: parts.clone_value(),
        check: None,
        store: None,
        site: Some(parts.site_of_only()),
        answers: parts.answers_of_cache(&cache, &site),
        cache,
    }
}

fn erased(parts: Parts<'_>) -> Home {
    let Parts { function, options, key, cached: Cached { value, .. }, private, .. } = parts;
    let path = parts.path();
    let (output, body, instance) = if function.may_be_dispatched() {
        // A default method that may be called through `dyn Trait` cannot call a method without a receiver, but it can name it.
        (None, TokenStream::new(), body!(#private::instance_of(#path)))
    } else {
        let body = body! {
            static __LRU_MEMO_INSTANCES: #private::Instances = #private::Instances::new();
            __LRU_MEMO_INSTANCES.of(#private::instantiation(|| ()))
        };
        (Some(body!(&'static #private::Instance)), body, body!(#path()))
    };
    let (kind, (hasher, _)) = (parts.any_kind(), hasher(options, false, private));
    let (proof, proof_of_value) = (key.proof("shareable_part", &options.runtime), parts.proof_of_value());
    let site = parts.site();
    let cache = body!(#instance.cache::<#kind, _, #value, #hasher>(#proof, #proof_of_value, #site));
    Home {
        output,
        body,
        is_found_at_once: false,
        way: Some(cache.clone()),
        cache,
        used: Some(parts.used_of_instance(&instance)),
        clone: parts.clone_value(),
        check: parts.checks_plain(),
        store: None,
        site: None,
        answers: parts.answers_of_instance(&instance),
    }
}
