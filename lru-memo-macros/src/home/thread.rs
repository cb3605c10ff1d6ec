//! `scope = thread`: a cache for each thread, in a thread-local.

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

fn typed(parts: Parts<'_>, KeyTypes { arguments, stored, .. }: &KeyTypes) -> Home {
    let Parts { function, options, cached: Cached { value, .. }, private, .. } = parts;
    let (hidden, path, site) = (&function.names.cache, parts.path(), parts.site());
    let (hasher, check_hasher) = hasher(options, true, private);
    let (kind, check_kind) = parts.kind(arguments);
    let cache = body!(#path().cache());
    Home {
        head: body!(fn #hidden() -> #private::OfThread<#kind, #stored, #value, #hasher>),
        body: body! {
            #check_hasher
            #check_kind
            #private::thread_local! {
                static __LRU_MEMO_CACHE: #private::OnceCell<
                    #private::Rc<#private::Cache<#private::OneThread, #kind, #stored, #value, #hasher>>
                > = const { #private::OnceCell::new() };
            }
            #private::OfThread { local: &__LRU_MEMO_CACHE, site: #site }
        },
        way: Some(body!(#path())),
        used: body!(::core::option::Option::Some(#cache)),
        answers: parts.answers_of_cache(&cache),
        cache,
    }
}

fn erased(parts: Parts<'_>) -> Home {
    let Parts { function, options, cached: Cached { value, .. }, private, .. } = parts;
    let (hidden, path) = (&function.names.cache, parts.path());
    let (head, body, instance) = if function.may_be_dispatched() {
        // As with `scope = process`.
        (body!(fn #hidden(&self)), TokenStream::new(), body!(#private::thread_instance_of(#path)))
    } else {
        let body = body! {
            #private::thread_local! {
                static __LRU_MEMO_INSTANCES: #private::ThreadInstances = const { #private::ThreadInstances::new() };
            }
            #private::ThreadInstance { instances: &__LRU_MEMO_INSTANCES, of: #private::instantiation(|| ()) }
        };
        (body!(fn #hidden() -> #private::ThreadInstance), body, body!(#path()))
    };
    let (kind, (hasher, _)) = (parts.any_kind(), hasher(options, false, private));
    let site = parts.site();
    Home {
        head,
        body,
        cache: body!(#instance.cache::<#kind, _, #value, #hasher>(#site)),
        way: None,
        used: parts.used_of_instance(&instance),
        answers: parts.answers_of_instance(&instance),
    }
}
