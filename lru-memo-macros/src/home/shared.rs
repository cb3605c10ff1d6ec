//! `scope = shared`: entries in a store, and in this process a handle for the function.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::parts::Parts;
use super::store::Store;
use super::{Answers, Home, new_bound};
use crate::body::body;
use crate::fingerprint::fingerprint;
use crate::function::Setting;
use crate::instantiation::names_of_parameters;
use crate::parameters::Parameters;

pub(crate) fn home(parts: Parts<'_>) -> Home {
    let Parts { function, options, private, .. } = parts;
    let path = parts.path();
    let (site, identity) = (parts.site(), identity(parts));
    let (output, body, cache) = if function.may_be_dispatched() {
        // As with `scope = process`.
        let cache_of = if options.advise { quote!(advising_cache_of) } else { quote!(shared_cache_of) };
        let cache = body!(#private::#cache_of(#path, #site, || #identity));
        (None, TokenStream::new(), cache)
    } else {
        let new = if options.advise { quote!(advising) } else { quote!(new) };
        let body = body! {
            static __LRU_MEMO_CACHES: #private::SharedCaches = #private::SharedCaches::#new();
            __LRU_MEMO_CACHES.of(#private::instantiation(|| ()), #site, || #identity)
        };
        (Some(body!(&'static #private::SharedCache)), body, body!(#path()))
    };
    let (value, at) = (&parts.cached.value, parts.at_value());
    let codec = options.runtime.item(at, "codec");
    let store = Store { asyncness: function.item.sig.asyncness, private: private.clone() };
    Home {
        output,
        body,
        is_found_at_once: false,
        way: None,
        used: None,
        clone: quote_spanned!(at=> #codec::<#value>()),
        check: None,
        site: None,
        answers: answers(parts, &store, &cache),
        store: Some(store),
        cache,
    }
}

fn answers(parts: Parts<'_>, store: &Store, cache: &TokenStream) -> Answers {
    let Parts { function, options, private, .. } = parts;
    let asked_by = store.asked_by(cache, &body!(()));
    let asked = |question: TokenStream| store.finished(&body!(#asked_by.#question));
    let (compiled, maxsize) =
        (Parameters::compiled(options, &function.instantiation(private), private).whole, new_bound());
    Answers {
        info: asked(quote!(info())),
        totals: asked(quote!(totals())),
        advice: asked(quote!(advice())),
        clear: asked(quote!(clear())),
        resize: options.is_bounded().then(|| asked(quote!(resize(#maxsize)))),
        // The store knows the present bound.
        parameters: match options.is_bounded() {
            true => asked(quote!(parameters(#compiled))),
            false => compiled,
        },
    }
}

/// Returns the identity of the function, different for each instantiation.
fn identity(parts: Parts<'_>) -> TokenStream {
    let Parts { function, options, key, cached, private, .. } = parts;
    let (tokens, value, types) = (fingerprint(function, options), &cached.value, &key.names);
    let parameters = names_of_parameters(function);
    let (is_named, is_free) = (options.name.is_some(), matches!(function.place, Setting::Free));
    let hidden = function.names.cache.to_string();
    let within = if function.may_be_dispatched() {
        let path = function.path(&function.names.cache);
        quote!(&#path)
    } else {
        quote!(&|| ())
    };
    let around = match function.place {
        Setting::Block(block) => block.generics.type_params().map(|param| &param.ident).collect(),
        _ => Vec::new(),
    };
    let arguments = function.generics.type_params().map(|param| &param.ident).chain(around);
    let of_self = quote!(::core::any::type_name::<Self>());
    let own = (!matches!(function.place, Setting::Free)).then(|| quote!(&#of_self,));
    let unseen = match function.place {
        Setting::Member => quote!(::core::option::Option::Some(#of_self)),
        _ => quote!(::core::option::Option::None),
    };
    body! {
        #private::Identity {
            tokens: #tokens,
            is_named: #is_named,
            is_free: #is_free,
            module: ::core::module_path!(),
            hidden: #hidden,
            within: ::core::any::type_name_of_val(#within),
            package: [
                ::core::option_env!("CARGO_PKG_NAME"),
                ::core::option_env!("CARGO_PKG_VERSION"),
            ],
            types: #private::names(&[
                &::core::any::type_name::<#value>(), #own #(&#types,)* #(&#parameters),*
            ]),
            arguments: #private::names(&[#(&::core::any::type_name::<#arguments>()),*]),
            own: #unseen,
            code: || (),
        }
    }
}
