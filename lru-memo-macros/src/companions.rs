//! The companions: the parameters, the result and the body of each function beside the memoized one.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, FnArg, Ident, Pat, PatIdent, PatType, ReturnType, Signature, Type, parse_quote};

use crate::attributes::Attributes;
use crate::body::{body, in_braces_of};
use crate::cached::Cached;
use crate::companion::Companion;
use crate::function::Setting;
use crate::home::{Home, new_bound};
use crate::inputs::{Inputs, input, returned};
use crate::key::{parts_by_reference, types_of_parts};
use crate::lookup::Returns;
use crate::mentions::mentions_ident;
use crate::names::Names;
use crate::pieces::Pieces;

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
        self.allow_unused_in_key(&mut signature.inputs);
        let doc = self.doc("Runs [`{}`] itself: touches no cache and no counter, as Python's `__wrapped__`.");
        let Attributes { inner, alike, all, .. } = &self.attributes;
        let allow = self.allow_of_documented(&signature);
        let (uncached, generated) = (self.allow_of_uncached(&signature), self.allow_of_generated(&signature));
        Companion {
            doc: Some(doc),
            attributes: quote!(#(#inner)* #uncached),
            forward_attributes: quote!(#(#all)* #(#alike)* #allow #generated),
            is_written: true,
            signature,
            declaration,
            body: in_braces_of(block, quote!(#bindings #(#statements)*)),
        }
    }

    /// Keeps rustc from warning that the function does not use the arguments in the key and the tags, and the object with the
    /// cache. By an attribute, because a statement that borrows an argument would make the future of an `async fn` larger.
    fn allow_unused_in_key(&self, inputs: &mut Inputs) {
        let owner = self.options.object().map(|object| &object.owner);
        let expressions = self.options.key.iter().chain(&self.options.tags);
        let expressions: TokenStream = expressions.map(ToTokens::to_token_stream).collect();
        for input in inputs {
            if let FnArg::Typed(PatType { attrs, pat, .. }) = input {
                if let Pat::Ident(PatIdent { ident, .. }) = &**pat {
                    if Some(ident) == owner || mentions_ident(expressions.clone(), ident) {
                        attrs.push(parse_quote!(#[allow(unused_variables)]));
                    }
                }
            }
        }
    }

    /// Returns the signature of a companion without a key.
    fn without_key(&self, name: &Ident, output: Option<TokenStream>) -> Signature {
        self.function.companion(name, self.owner().into_iter().collect(), output)
    }

    pub(crate) fn info(&self) -> Companion {
        let (Self { public, home, .. }, Names { info, .. }) = (self, &self.function.names);
        let doc = self.doc("The hits, misses and size of the cache of [`{}`].");
        let signature = self.without_key(info, Some(quote!(#public::CacheInfo)));
        let info = &home.answers.info;
        self.companion(doc, signature, body!(#info))
    }

    pub(crate) fn totals(&self) -> Companion {
        let (Self { public, home, .. }, Names { totals, .. }) = (self, &self.function.names);
        let doc =
            self.doc("What the cache of [`{}`] has done since it was made, and how long its runs took.");
        let signature = self.without_key(totals, Some(quote!(#public::CacheTotals)));
        let totals = &home.answers.totals;
        self.companion(doc, signature, body!(#totals))
    }

    pub(crate) fn advice(&self) -> Companion {
        let (Self { public, home, .. }, Names { advice, .. }) = (self, &self.function.names);
        let doc =
            self.doc("The hit ratios that the cache of [`{}`] would have had with any other `maxsize`.");
        let signature = self.without_key(advice, Some(quote!(#public::CacheAdvice)));
        let advice = &home.answers.advice;
        self.companion(doc, signature, body!(#advice))
    }

    pub(crate) fn near_info(&self) -> Companion {
        let (Self { public, home, .. }, Names { near_info, .. }) = (self, &self.function.names);
        let doc = self.doc("The hits, misses and size of the near cache that this process has of [`{}`].");
        let output = Some(quote!(#public::CacheInfo));
        let signature = self.function.companion(near_info, Inputs::new(), output);
        let cache = &home.cache;
        self.companion(doc, signature, body!(#cache.near_info()))
    }

    pub(crate) fn clear(&self) -> Companion {
        let (home, Names { clear, .. }) = (&self.home, &self.function.names);
        let doc = self.doc("Drops every entry of the cache of [`{}`] and zeroes its counters.");
        let signature = self.without_key(clear, None);
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
        let bound = input(new_bound(), Type::Verbatim(quote!(::core::primitive::usize)));
        let mut signature = self.without_key(resize, None);
        signature.inputs.push(bound);
        Some(self.companion(doc, signature, body!(#body;)))
    }

    pub(crate) fn parameters(&self) -> Companion {
        let (Self { public, home, .. }, Names { parameters, .. }) = (self, &self.function.names);
        let doc = self.doc("The configuration of the cache of [`{}`].");
        let signature = self.without_key(parameters, Some(quote!(#public::CacheParameters)));
        let parameters = &home.answers.parameters;
        self.companion(doc, signature, body!(#parameters))
    }

    pub(crate) fn invalidate(&self) -> Companion {
        let (inputs, Names { invalidate, .. }) = (self.inputs_for_key(), &self.function.names);
        let doc = self.doc("Removes one entry from the cache of [`{}`]; says whether it was there.");
        let output = Some(quote!(::core::primitive::bool));
        let signature = self.function.companion(invalidate, inputs, output);
        self.companion(doc, signature, self.answer(quote!(invalidate), &TokenStream::new()))
    }

    /// None if the store has the entries, or if only the compiler knows the type of the key.
    pub(crate) fn invalidate_if(&self) -> Option<Companion> {
        let stored = self.key.stored.as_ref().filter(|_| self.home.store.is_none())?;
        let Names { invalidate_if, .. } = &self.function.names;
        let value = &self.cached.value;
        let doc = self.doc(
            "Removes the entries of the cache of [`{}`] for which a predicate holds, and says how many. The predicate gets the key as `weigh` does: a reference, or a tuple of references.",
        );
        // The name must differ from the user's names.
        let new = Ident::new("__lru_memo_predicate", Span::mixed_site());
        let (key, parts) = (types_of_parts(stored), parts_by_reference(self.key.parts.len()));
        let predicate = quote!(impl ::core::ops::FnMut(#key, &#value) -> ::core::primitive::bool);
        let mut signature = self.without_key(invalidate_if, Some(quote!(::core::primitive::usize)));
        signature.inputs.push(input(new.clone(), self.function.written(predicate)));
        if signature.receiver().is_some() && self.function.may_be_dispatched() {
            // A `dyn Trait` has no generic methods.
            signature.generics.make_where_clause().predicates.push(parse_quote!(Self: ::core::marker::Sized));
        }
        let call = body! {
            {
                let mut __lru_memo_predicate = #new;
                __lru_memo_cache.invalidate_if(|__lru_memo_key, __lru_memo_value| {
                    __lru_memo_predicate(#parts, __lru_memo_value)
                })
            }
        };
        let body = match &self.home.used {
            None => {
                let cache = &self.home.cache;
                body! {
                    let __lru_memo_cache = #cache;
                    #call
                }
            }
            Some(used) => body! {
                match #used {
                    ::core::option::Option::Some(__lru_memo_cache) => #call,
                    ::core::option::Option::None => 0,
                }
            },
        };
        Some(self.companion(doc, signature, body))
    }

    pub(crate) fn peek(&self) -> Companion {
        let (inputs, Names { peek, .. }) = (self.inputs_for_key(), &self.function.names);
        let Self { home: Home { clone, .. }, cached: Cached { value, .. }, .. } = self;
        let doc = self
            .doc("The value that the cache of [`{}`] holds, if any; touches neither recency nor counters.");
        let output = Some(quote!(::core::option::Option<#value>));
        let signature = self.function.companion(peek, inputs, output);
        self.companion(doc, signature, self.answer(quote!(peek), clone))
    }

    pub(crate) fn put(&self) -> Companion {
        let (mut inputs, Names { put, .. }) = (self.inputs_for_key(), &self.function.names);
        let value = &self.cached.value;
        let doc = self
            .doc("Stores a value for [`{}`] as its most recent, replacing an older one; touches no counter.");
        // The name must differ from the user's names.
        let new = Ident::new("__lru_memo_value", Span::mixed_site());
        inputs.push(input(new.clone(), self.function.written(value.clone())));
        let signature = self.function.companion(put, inputs, None);
        if self.stores_by_default() {
            let body = self.answer(quote!(put_by_default), &new.to_token_stream());
            return self.companion(doc, signature, body);
        }
        let how = if self.home.store.is_some() { self.home.clone.clone() } else { self.weigh() };
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
        let look_up = if self.is_async() {
            let private = &self.private;
            self.apart(&body! {
                #look_up
                #private::Box::new(__lru_memo_found)
            })
        } else {
            body! {
                #look_up
                let mut __lru_memo_miss = __lru_memo_found;
            }
        };
        let body = body! {
            #look_up
            #before_run
            #run_and_complete
        };
        self.calling(self.companion(doc, self.like_the_function(refresh), body))
    }

    pub(crate) fn with_outcome(&self) -> Companion {
        let doc = self.doc("Calls [`{}`] and tells the outcome of the call as well.");
        let signature = self.with_outcome_in(&self.function.names.with_outcome);
        let body = match self.fast_way() {
            Some(_) => self.missed_after(&body!(::core::option::Option::None)),
            None => self.lookup(Returns::WithOutcome),
        };
        self.calling(self.companion(doc, signature, body))
    }

    /// Returns the signature of a function like the memoized one, which returns the outcome as well.
    fn with_outcome_in(&self, name: &Ident) -> Signature {
        let (mut signature, public) = (self.like_the_function(name), &self.public);
        let output = match &signature.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, ty) => ty.to_token_stream(),
        };
        signature.output = returned(self.function.written(quote!((#output, #public::Outcome))));
        signature
    }

    /// The function that returns the identity of an instantiation, if `Function::instantiation` calls it.
    pub(crate) fn instantiation(&self) -> Option<Companion> {
        let Self { private, function, home, .. } = self;
        let is_called = matches!(function.place, Setting::Free) && home.site.is_none();
        is_called.then(|| {
            let (name, output) = (&function.names.instantiation, Some(quote!(#private::TypeId)));
            let signature = function.companion(name, Inputs::new(), output);
            self.hidden(signature, body!(#private::instantiation(|| ())))
        })
    }

    /// The function that describes the memoized one to the registry, if there is only one instantiation.
    pub(crate) fn site(&self) -> Option<Companion> {
        let Self { private, function, home, .. } = self;
        home.site.as_ref().map(|site| {
            let output = Some(quote!(#private::Site));
            let signature = function.companion(&function.names.site, Inputs::new(), output);
            self.hidden(signature, site.clone())
        })
    }

    /// The function for what the fast path of a hit has not answered. It runs the memoized function on a miss.
    pub(crate) fn missed(&self) -> Option<Companion> {
        self.fast_way()?;
        let (private, clone) = (&self.private, &self.home.clone);
        let mut signature = self.with_outcome_in(&self.function.names.missed);
        let unseen = Ident::new("__lru_memo_unseen", Span::mixed_site());
        let at = usize::from(signature.receiver().is_some());
        let ty = Type::Verbatim(quote!(::core::option::Option<#private::Unseen>));
        signature.inputs.insert(at, input(unseen.clone(), ty));
        let (key, cache) = (&self.key.value, &self.home.cache);
        let (found, miss) = (self.of_hit(), self.run_and_complete(Returns::WithOutcome));
        let body = body! {
            let __lru_memo_key = #key;
            let __lru_memo_cache = #cache;
            match __lru_memo_cache.look_on(&#unseen, __lru_memo_key, #clone) {
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
        let Home { output, body, .. } = &self.home;
        let receiver: Option<FnArg> = output.is_none().then(|| parse_quote!(&self));
        let name = &self.function.names.cache;
        let signature = self.function.companion(name, receiver.into_iter().collect(), output.clone());
        let uses_itself = self.uses_itself();
        let mut companion = self.hidden(signature, quote!(#uses_itself #body));
        companion.attributes.extend(quote!(#[inline]));
        companion
    }

    /// Writes a call of the function that never runs, so that rustc counts a use. None if the user expects the function to be
    /// unused. It has to be a call: of called functions that rustc cannot find it shows one, of other names all.
    fn uses_itself(&self) -> Option<TokenStream> {
        let [lint, deprecated] = ["dead_code", "deprecated"].map(|name| Ident::new(name, Span::call_site()));
        let is_expected = |attribute: &Attribute| mentions_ident(attribute.to_token_stream(), &lint);
        if !self.is_seen_as_used() || self.function.item.attrs.iter().any(is_expected) {
            return None;
        }
        let signature = &self.function.item.sig;
        let mut name = signature.ident.clone();
        name.set_span(Span::call_site());
        let path = self.function.path(&name);
        let attributes = &self.function.item.attrs;
        let deprecated =
            attributes.iter().any(|attribute| mentions_ident(attribute.to_token_stream(), &deprecated));
        let deprecated = deprecated.then(|| quote!(, deprecated));
        let arguments = signature.inputs.iter().map(|_| body!(loop {}));
        let call = body!(#path(#(#arguments),*));
        let call = match signature.safety {
            syn::Safety::Unsafe(_) => body!(unsafe { #call }),
            _ => call,
        };
        Some(body!(#[allow(unreachable_code #deprecated)] if false { let _ = #call; }))
    }
}
