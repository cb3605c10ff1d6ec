//! The companions: the parameters, the result and the body of each function beside the memoized one.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Ident, ReturnType, Signature, parse_quote};

use crate::attributes::Attributes;
use crate::cached::Cached;
use crate::expand::{Companion, Pieces, allow_of_documented, allow_of_generated, body, in_braces_of};
use crate::function::Setting;
use crate::home::{Home, new_bound};
use crate::key::{parts_by_reference, types_of_parts};
use crate::lookup::Returns;
use crate::names::Names;

impl Pieces<'_> {
    /// The memoized function with names for all parameters, if it has `impl Trait` arguments.
    pub(crate) fn call(&self) -> Option<Companion> {
        let signature = self.like_the_function(&self.function.names.call);
        let track_caller = &self.attributes.track_caller;
        self.function.has_impl_trait.then(|| {
            let mut call = self.hidden(signature, self.lookup(Returns::Value));
            call.attributes.extend(quote!(#(#track_caller)*));
            call
        })
    }

    pub(crate) fn uncached(&self) -> Companion {
        let mut signature = self.function.item.sig.clone();
        signature.ident = self.function.names.uncached.clone();
        let mut declaration = signature.clone();
        declaration.inputs = self.function.own_inputs();
        let block = &self.function.item.block;
        let (statements, bindings) = (&block.stmts, self.function.bindings());
        let uses_by_key = self.uses_by_key();
        let doc = self.doc("Runs [`{}`] itself: touches no cache and no counter, as Python's `__wrapped__`.");
        let Attributes { inner, alike, all, .. } = &self.attributes;
        let (allow, unused) = (allow_of_documented(), allow_of_generated());
        Companion {
            doc: Some(doc),
            // A `const fn` would be of no use to the memoized function.
            attributes: quote!(#(#inner)* #allow #[allow(clippy::missing_const_for_fn, clippy::must_use_candidate)]),
            forward_attributes: quote!(#(#all)* #(#alike)* #allow #unused),
            signature,
            declaration,
            body: in_braces_of(block, quote!(#bindings #uses_by_key #(#statements)*)),
        }
    }

    pub(crate) fn info(&self) -> Companion {
        let (Self { public, home, .. }, Names { info, .. }) = (self, &self.function.names);
        let doc = self.doc("The hits, misses and size of the cache of [`{}`].");
        let owner = self.owner();
        let signature = self.function.companion(quote!(fn #info(#owner) -> #public::CacheInfo));
        let info = &home.answers.info;
        self.companion(doc, signature, body!(#info))
    }

    pub(crate) fn totals(&self) -> Companion {
        let (Self { public, home, .. }, Names { totals, .. }) = (self, &self.function.names);
        let doc =
            self.doc("What the cache of [`{}`] has done since it was made, and how long its runs took.");
        let owner = self.owner();
        let signature = self.function.companion(quote!(fn #totals(#owner) -> #public::CacheTotals));
        let totals = &home.answers.totals;
        self.companion(doc, signature, body!(#totals))
    }

    pub(crate) fn advice(&self) -> Companion {
        let (Self { public, home, .. }, Names { advice, .. }) = (self, &self.function.names);
        let doc =
            self.doc("The hit ratios that the cache of [`{}`] would have had with any other `maxsize`.");
        let owner = self.owner();
        let signature = self.function.companion(quote!(fn #advice(#owner) -> #public::CacheAdvice));
        let advice = &home.answers.advice;
        self.companion(doc, signature, body!(#advice))
    }

    pub(crate) fn near_info(&self) -> Companion {
        let (Self { public, home, .. }, Names { near_info, .. }) = (self, &self.function.names);
        let doc = self.doc("The hits, misses and size of the near cache that this process has of [`{}`].");
        let signature = self.function.companion(quote!(fn #near_info() -> #public::CacheInfo));
        let cache = &home.cache;
        self.companion(doc, signature, body!(#cache.near_info()))
    }

    pub(crate) fn clear(&self) -> Companion {
        let (home, Names { clear, .. }) = (&self.home, &self.function.names);
        let doc = self.doc("Drops every entry of the cache of [`{}`] and zeroes its counters.");
        let owner = self.owner();
        let signature = self.function.companion(quote!(fn #clear(#owner)));
        let clear = &home.answers.clear;
        self.companion(doc, signature, body!(#clear;))
    }

    /// None without a bound.
    pub(crate) fn resize(&self) -> Option<Companion> {
        let (body, Names { resize, .. }) = (self.home.answers.resize.as_ref()?, &self.function.names);
        let doc = self.doc(
            "Changes how many entries the cache of [`{}`] may hold; evicts the least recent ones if it holds more.",
        );
        // The name must differ from the user's names.
        let (new, owner) = (new_bound(), self.owner().into_iter());
        let head = quote!(fn #resize(#(#owner,)* #new: ::core::primitive::usize));
        Some(self.companion(doc, self.function.companion(head), body!(#body;)))
    }

    pub(crate) fn parameters(&self) -> Companion {
        let (Self { public, home, .. }, Names { parameters, .. }) = (self, &self.function.names);
        let doc = self.doc("The configuration of the cache of [`{}`].");
        let owner = self.owner();
        let signature = self.function.companion(quote!(fn #parameters(#owner) -> #public::CacheParameters));
        let parameters = &home.answers.parameters;
        self.companion(doc, signature, body!(#parameters))
    }

    pub(crate) fn invalidate(&self) -> Companion {
        let (inputs, Names { invalidate, .. }) = (self.inputs_for_key(), &self.function.names);
        let doc = self.doc("Removes one entry from the cache of [`{}`]; says whether it was there.");
        let signature = self.function.companion(quote!(fn #invalidate(#inputs) -> ::core::primitive::bool));
        self.companion(doc, signature, self.answer(quote!(invalidate), &TokenStream::new()))
    }

    /// None if the store has the entries, or if only the compiler knows the type of the key.
    pub(crate) fn invalidate_if(&self) -> Option<Companion> {
        let stored = self.key.stored.as_ref().filter(|_| !self.is_shared())?;
        let Names { invalidate_if, .. } = &self.function.names;
        let Self { cached: Cached { value, .. }, home, .. } = self;
        let doc = self.doc(
            "Removes the entries of the cache of [`{}`] for which a predicate holds, and says how many. The predicate gets the key as `weigh` does: a reference, or a tuple of references.",
        );
        // The name must differ from the user's names.
        let new = Ident::new("__lru_memo_predicate", Span::mixed_site());
        let (key, parts) = (types_of_parts(stored), parts_by_reference(self.key.parts));
        let predicate = quote!(impl ::core::ops::FnMut(#key, &#value) -> ::core::primitive::bool);
        let owner = self.owner().into_iter();
        let head = quote!(fn #invalidate_if(#(#owner,)* #new: #predicate) -> ::core::primitive::usize);
        let mut signature = self.function.companion(head);
        if signature.receiver().is_some() && self.function.may_be_dispatched() {
            // A `dyn Trait` has no generic methods.
            signature.generics.make_where_clause().predicates.push(parse_quote!(Self: ::core::marker::Sized));
        }
        let used = &home.used;
        let body = body! {
            match #used {
                ::core::option::Option::Some(__lru_memo_cache) => {
                    let mut __lru_memo_predicate = #new;
                    __lru_memo_cache.invalidate_if(|__lru_memo_key, __lru_memo_value| {
                        __lru_memo_predicate(#parts, __lru_memo_value)
                    })
                }
                ::core::option::Option::None => 0,
            }
        };
        Some(self.companion(doc, signature, body))
    }

    pub(crate) fn peek(&self) -> Companion {
        let (inputs, Names { peek, .. }) = (self.inputs_for_key(), &self.function.names);
        let Self { clone, cached: Cached { value, .. }, .. } = self;
        let doc = self
            .doc("The value that the cache of [`{}`] holds, if any; touches neither recency nor counters.");
        let signature = self.function.companion(quote!(fn #peek(#inputs) -> ::core::option::Option<#value>));
        self.companion(doc, signature, self.answer(quote!(peek), clone))
    }

    pub(crate) fn put(&self) -> Companion {
        let (mut inputs, Names { put, .. }) = (self.inputs_for_key(), &self.function.names);
        let value = &self.cached.value;
        let doc = self
            .doc("Stores a value for [`{}`] as its most recent, replacing an older one; touches no counter.");
        // The name must differ from the user's names.
        let new = Ident::new("__lru_memo_value", Span::mixed_site());
        inputs.push(parse_quote!(#new: #value));
        let signature = self.function.companion(quote!(fn #put(#inputs)));
        let how = if self.is_shared() { self.clone.clone() } else { self.weigh() };
        let ttl_of = self.ttl_of();
        let put = match self.texts_of_tags() {
            Some(texts) => quote!(with_tags(#texts).put),
            None => quote!(put),
        };
        self.companion(doc, signature, self.answer(put, &quote!(#new, #how, #ttl_of)))
    }

    pub(crate) fn refresh(&self) -> Companion {
        let Names { refresh, .. } = &self.function.names;
        let doc = self.doc(
            "Runs [`{}`] and stores its value as the most recent; counts neither hit nor miss. Callers hit the old value meanwhile.",
        );
        let run_and_complete = self.run_and_complete(Returns::Value);
        let look_up = self.ask(quote!(refresh), &TokenStream::new());
        let before_run = self.before_run();
        let body = body! {
            #look_up
            let mut __lru_memo_miss = __lru_memo_found;
            #before_run
            #run_and_complete
        };
        self.calling(self.companion(doc, self.like_the_function(refresh), body))
    }

    pub(crate) fn with_outcome(&self) -> Companion {
        let doc = self.doc("Calls [`{}`] and tells the outcome of the call as well.");
        let signature = self.with_outcome_in(&self.function.names.with_outcome);
        self.calling(self.companion(doc, signature, self.lookup(Returns::WithOutcome)))
    }

    /// Returns the signature of a function like the memoized one, which returns the outcome as well.
    fn with_outcome_in(&self, name: &Ident) -> Signature {
        let (mut signature, public) = (self.like_the_function(name), &self.public);
        let output = match &signature.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, ty) => ty.to_token_stream(),
        };
        signature.output = parse_quote!(-> (#output, #public::Outcome));
        signature
    }

    /// The function that returns the identity of an instantiation, if [`Function::instantiation`] calls it.
    pub(crate) fn instantiation(&self) -> Option<Companion> {
        let Self { private, function, .. } = self;
        let name = &function.names.instantiation;
        let signature = function.companion(quote!(fn #name() -> #private::TypeId));
        let body = || body!(#private::instantiation(|| ()));
        matches!(function.place, Setting::Free).then(|| self.hidden(signature, body()))
    }

    /// The function for what the fast path of a hit has not answered. It runs the memoized function on a miss.
    pub(crate) fn missed(&self) -> Option<Companion> {
        if !self.misses_apart() {
            return None;
        }
        let Self { private, clone, .. } = self;
        let mut signature = self.with_outcome_in(&self.function.names.missed);
        let unseen = Ident::new("__lru_memo_unseen", Span::mixed_site());
        let at = usize::from(signature.receiver().is_some());
        signature.inputs.insert(at, parse_quote!(#unseen: #private::Unseen));
        let (key, cache) = (&self.key.value, &self.home.cache);
        let (found, miss) = (self.of_hit(), self.run_and_complete(Returns::WithOutcome));
        let body = body! {
            let __lru_memo_key = #key;
            let __lru_memo_cache = #cache;
            match __lru_memo_cache.look(&#unseen, __lru_memo_key, #clone) {
                ::core::result::Result::Ok(__lru_memo_value) => (#found, <#private::Outcome>::Hit),
                // By reference: moving the miss would cost more than half of a lookup.
                ::core::result::Result::Err(ref mut __lru_memo_miss) => { #miss }
            }
        };
        let mut companion = self.hidden(signature, body);
        companion.attributes.extend(quote!(#[cold] #[inline(never)]));
        Some(companion)
    }

    /// The function that returns the cache. It names the memoized function, so a use of a companion is a use of that.
    pub(crate) fn cache(&self) -> Companion {
        let Home { head, body, .. } = &self.home;
        let signature = self.function.companion(head.clone());
        let uses_itself = self.uses_itself();
        let mut companion = self.hidden(signature, quote!(#uses_itself #body));
        companion.attributes.extend(quote!(#[inline]));
        companion
    }
}
