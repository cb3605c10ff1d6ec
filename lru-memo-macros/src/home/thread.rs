//! `scope = thread`: a cache for each thread, in a thread-local.

use proc_macro2::TokenStream;

use super::Home;
use super::cache_type::hasher;
use super::parts::Parts;
use crate::body::body;
use crate::cached::Cached;
use crate::key::KeyTypes;

pub(crate) fn home(parts: Parts<'_>) -> Home {
    let home = match &parts.key.types {
        Some(types) => typed(parts, types),
        None => erased(parts),
    };
    home.catching_up_with_tags(parts.options, parts.private)
}

fn typed(parts: Parts<'_>, KeyTypes { arguments, stored, .. }: &KeyTypes) -> Home {
    let Parts { options, cached: Cached { value, .. }, private, .. } = parts;
    let (path, site) = (parts.path(), parts.path_to_site());
    let (hasher, check_hasher) = hasher(options, true, private);
    let (kind, check_kind) = parts.kind(arguments);
    let cache = body!(#path().cache());
    Home {
        output: Some(body!(#private::OfThread<#kind, #stored, #value, #hasher>)),
        body: body! {
            #check_hasher
            #check_kind
            #private::thread_local! {
                static __LRU_MEMO_CACHE: #private::OnceCell<
                    #private::Rc<#private::Cache<#private::OneThread, #kind, #stored, #value, #hasher>>
                > = const { #private::OnceCell::new() };
            }
            #private::OfThread { local: &__LRU_MEMO_CACHE, site: || #site() }
        },
        is_found_at_once: true,
        way: Some(body!(#path())),
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
    let Parts { function, options, cached: Cached { value, .. }, private, .. } = parts;
    let path = parts.path();
    let (output, body, instance) = if function.may_be_dispatched() {
        // As with `scope = process`.
        (None, TokenStream::new(), body!(#private::thread_instance_of(#path)))
    } else {
        let body = body! {
            #private::thread_local! {
                static __LRU_MEMO_INSTANCES: #private::ThreadInstances = const { #private::ThreadInstances::new() };
            }
            #private::ThreadInstance { instances: &__LRU_MEMO_INSTANCES, of: #private::instantiation(|| ()) }
        };
        (Some(body!(#private::ThreadInstance)), body, body!(#path()))
    };
    let (kind, (hasher, _)) = (parts.any_kind(), hasher(options, false, private));
    let site = parts.site();
    let cache = body!(#instance.cache::<#kind, _, #value, #hasher>(#site));
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
