//! Writes the lookups of the memoized function, with its hit and its miss, and those of the companions.

use proc_macro2::TokenStream;
use quote::quote;

use crate::cached::Cached;
use crate::expand::{Pieces, body, call};
use crate::key::{Key, parts_by_reference, tags};
use crate::options::{CacheIf, Scope, SingleFlight};

/// What a generated function returns.
#[derive(Clone, Copy)]
pub(crate) enum Returns {
    /// The return value of the function.
    Value,
    /// The return value, and the outcome of the call.
    WithOutcome,
}

impl Pieces<'_> {
    /// Writes a lookup that runs the function on a miss.
    pub(crate) fn lookup(&self, returns: Returns) -> TokenStream {
        if self.options.stale.is_some() {
            return self.lookup_with_stale(returns);
        }
        let Self { clone, cached: Cached { kind, check, .. }, .. } = self;
        let (before_run, hit) = (self.before_run(), self.told(returns, &self.of_hit(), quote!(Hit)));
        if let Some(single_flight) = &self.options.single_flight {
            let (output, complete) = (&self.function.output, self.complete(returns));
            let run = self.run_function();
            let run = if self.is_async() {
                body!(__lru_memo_miss.inside(async { #run }).await)
            } else {
                body! {{
                    let __lru_memo_inside = __lru_memo_miss.enter();
                    #run
                }}
            };
            let wait = self.wait(single_flight);
            let errors = self.cached.errors(self.function, self.options);
            let waited = self.waited(returns, &errors);
            let look_up = self.ask(quote!(get_or_join), clone);
            return body! {
                #check
                #look_up
                match __lru_memo_found {
                    ::core::result::Result::Ok(__lru_memo_value) => #hit,
                    ::core::result::Result::Err(__lru_memo_pending) => match #wait {
                        #waited,
                        ::core::result::Result::Err(mut __lru_memo_miss) => {
                            #before_run
                            let __lru_memo_returned = #run;
                            __lru_memo_miss.share_error::<#kind, #output>(&__lru_memo_returned, #errors);
                            #complete
                        }
                    },
                }
            };
        }
        let run_and_complete = self.run_and_complete(returns);
        let run_at_once = body! {
            let mut __lru_memo_miss = __lru_memo_miss;
            #before_run
            #run_and_complete
        };
        let (look_up, miss) = if self.is_shared() {
            (self.ask(quote!(get), clone), run_at_once)
        } else if self.misses_apart() {
            let (key, cache, missed) = (&self.key.value, &self.home.cache, &self.function.names.missed);
            let way = self.home.way.as_ref().unwrap_or(cache);
            let path = self.function.path(missed);
            let (receiver, arguments) = self.function.handed_on_apart();
            let missed = self.run(path, &body!(#receiver __lru_memo_miss, #arguments));
            let miss = match returns {
                Returns::Value => body!(#missed.0),
                Returns::WithOutcome => missed,
            };
            let look_up = body! {
                let __lru_memo_key = #key;
                let __lru_memo_cache = #way;
                let __lru_memo_found = __lru_memo_cache.get(__lru_memo_key, #clone);
            };
            (look_up, miss)
        } else {
            let found = body! {
                match __lru_memo_cache.get(__lru_memo_key, #clone) {
                    ::core::result::Result::Ok(__lru_memo_value) => ::core::result::Result::Ok(__lru_memo_value),
                    ::core::result::Result::Err(ref __lru_memo_unseen) => __lru_memo_cache.look(__lru_memo_unseen, __lru_memo_key, #clone),
                }
            };
            (self.look_up(found), run_at_once)
        };
        body! {
            #check
            #look_up
            match __lru_memo_found {
                ::core::result::Result::Ok(__lru_memo_value) => #hit,
                ::core::result::Result::Err(__lru_memo_miss) => { #miss }
            }
        }
    }

    /// Whether what a hit does not need is in a function of its own, so that a hit needs fewer registers. Not with
    /// `#[track_caller]`, because that function would become the caller. Not with a key expression, which would run twice.
    pub(crate) fn misses_apart(&self) -> bool {
        let is_plain = !self.is_shared()
            && !self.is_async()
            && self.options.stale.is_none()
            && self.options.single_flight.is_none();
        is_plain && self.options.key.is_none() && self.attributes.track_caller.is_empty()
    }

    /// Returns the return value for the cached value `__lru_memo_value`.
    pub(crate) fn of_hit(&self) -> TokenStream {
        let (Self { private, cached: Cached { kind, is_whole, .. }, .. }, output) =
            (self, &self.function.output);
        match is_whole {
            true => body!(__lru_memo_value),
            false => body!(<#output as #private::Returned<#kind>>::from_value(__lru_memo_value)),
        }
    }

    /// Writes statements that run the function and complete `__lru_memo_miss`.
    pub(crate) fn run_and_complete(&self, returns: Returns) -> TokenStream {
        let (run, complete) = (self.run_function(), self.complete(returns));
        body! {
            let __lru_memo_returned = #run;
            #complete
        }
    }

    /// Writes a run of the function.
    pub(crate) fn run_function(&self) -> TokenStream {
        self.run(self.function.path_to_itself(), &self.function.handed_on())
    }

    /// Writes the end of a run.
    fn complete(&self, returns: Returns) -> TokenStream {
        let (kind, output, hooks) = (&self.cached.kind, &self.function.output, self.hooks());
        let complete =
            self.finished(body!(__lru_memo_miss.complete::<#kind, #output>(__lru_memo_returned, #hooks)));
        self.told(returns, &complete, quote!(Miss))
    }

    pub(crate) fn is_async(&self) -> bool {
        self.function.item.sig.asyncness.is_some()
    }

    /// Writes the wait for the run of another caller.
    pub(crate) fn wait(&self, single_flight: &SingleFlight) -> TokenStream {
        let clone = &self.clone;
        let limit = match single_flight {
            SingleFlight::AtMost(limit) => body!(::core::option::Option::Some(#limit)),
            _ => body!(::core::option::Option::None),
        };
        match (self.is_shared(), self.is_async()) {
            (true, _) => self.finished(body!(__lru_memo_pending.wait(#limit, #clone))),
            (false, true) => body!(__lru_memo_pending.wait(#limit, #clone).await),
            (false, false) => body!(__lru_memo_pending.block(#limit, #clone)),
        }
    }

    /// Writes the arm for the result of another caller's run.
    pub(crate) fn waited(&self, returns: Returns, errors: &TokenStream) -> TokenStream {
        let kind = &self.cached.kind;
        let answer = body!(#errors.answer::<#kind>(__lru_memo_answer));
        match returns {
            Returns::Value => body!(::core::result::Result::Ok((__lru_memo_answer, _)) => #answer),
            Returns::WithOutcome => body! {
                ::core::result::Result::Ok((__lru_memo_answer, __lru_memo_outcome)) => (#answer, __lru_memo_outcome)
            },
        }
    }

    /// Turns a return value of the function into that of the generated function.
    fn told(&self, returns: Returns, returned: &TokenStream, outcome: TokenStream) -> TokenStream {
        let private = &self.private;
        match returns {
            Returns::Value => returned.clone(),
            Returns::WithOutcome => body!((#returned, <#private::Outcome>::#outcome)),
        }
    }

    /// Writes a body that calls a method of the cache with the key, and returns its result.
    pub(crate) fn answer(&self, method: TokenStream, arguments: &TokenStream) -> TokenStream {
        let is_found_by_key = self.key.types.is_none() || self.options.object.is_some();
        if !is_found_by_key && !self.is_shared() {
            let (Key { value, .. }, cache) = (&self.key, &self.home.cache);
            return body!(#cache.#method(#value, #arguments));
        }
        let ask = self.ask(method, arguments);
        body! {
            #ask
            __lru_memo_found
        }
    }

    /// Writes statements that set `__lru_memo_found` to the result of a method of the cache.
    pub(crate) fn ask(&self, method: TokenStream, arguments: &TokenStream) -> TokenStream {
        if !self.is_shared() {
            return self.look_up(body!(__lru_memo_cache.#method(__lru_memo_key, #arguments)));
        }
        let is_async = self.is_async();
        // Only the bytes of the key live across an `await`.
        let call = self.look_up(if is_async {
            body!(__lru_memo_cache.by_task(__lru_memo_key))
        } else {
            body!(__lru_memo_cache.by_thread(__lru_memo_key))
        });
        let answer = self.finished(body!(__lru_memo_found.#method(#arguments)));
        body! {
            let __lru_memo_found = {
                #call
                __lru_memo_found
            };
            let __lru_memo_found = #answer;
        }
    }

    /// Writes the wait for a future, which only methods of a shared cache return.
    pub(crate) fn finished(&self, future: TokenStream) -> TokenStream {
        let private = &self.private;
        match (self.is_shared(), self.is_async()) {
            (false, _) => future,
            (true, true) => body!(#future.await),
            (true, false) => body!(#private::at_once(#future)),
        }
    }

    /// Writes statements that set `__lru_memo_cache`, and `__lru_memo_found` to the value of an expression of it and of
    /// `__lru_memo_key`.
    pub(crate) fn look_up(&self, expression: TokenStream) -> TokenStream {
        let (Key { bindings, value, .. }, cache) = (&self.key, &self.home.cache);
        if self.options.key.is_none() {
            return body! {
                let __lru_memo_key = #value;
                let __lru_memo_cache = #cache;
                let __lru_memo_found = #expression;
            };
        }
        // Temporaries of a key expression, perhaps the guard of a lock, live as long as the key. They are dropped before the
        // function runs.
        body! {
            #bindings
            let __lru_memo_cache;
            let __lru_memo_found = match #value {
                __lru_memo_key => {
                    __lru_memo_cache = #cache;
                    #expression
                }
            };
        }
    }

    /// Returns the texts of the tags, if the store needs them.
    pub(crate) fn texts_of_tags(&self) -> Option<TokenStream> {
        let needs_texts = self.is_shared() && !self.options.tags.is_empty();
        needs_texts.then(|| tags(self.function, self.options, quote!(texts)))
    }

    /// Writes statements that copy the arguments that a miss needs after the run, before the run moves them.
    pub(crate) fn before_run(&self) -> TokenStream {
        let (copy, tag) = (self.copy_of_key(), self.tag_on_store());
        quote!(#copy #tag)
    }

    /// Writes the statement that sets the tags of a miss.
    fn tag_on_store(&self) -> Option<TokenStream> {
        let texts = self.texts_of_tags()?;
        let tell = self.finished(body!(__lru_memo_miss.with_tags(__lru_memo_tags)));
        Some(body! {
            let __lru_memo_tags = #texts;
            #tell;
        })
    }

    /// Writes the statement that copies the key for `cache_if`, if the cache has only the bytes of the key.
    fn copy_of_key(&self) -> Option<TokenStream> {
        let is_needed = self.is_shared() && matches!(self.options.cache_if, Some(CacheIf::OfKeyAndValue(_)));
        let private = &self.private;
        is_needed.then(|| {
            let Key { bindings, value, .. } = Key::to_copy(self.function, self.options);
            body! {
                let __lru_memo_key = {
                    #bindings
                    #private::copy_of_key(#value)
                };
            }
        })
    }

    /// Writes a call of a function with the user's signature.
    pub(crate) fn run(&self, path: TokenStream, arguments: &TokenStream) -> TokenStream {
        call(&self.function.item.sig, path, arguments)
    }

    pub(crate) fn is_shared(&self) -> bool {
        self.options.scope == Scope::Shared
    }

    /// Returns the arguments that clone a value and decide whether and how to store it.
    pub(crate) fn hooks(&self) -> TokenStream {
        let Self { private, clone, .. } = self;
        let key = if self.is_shared() { None } else { Some(body!(__lru_memo_key,)) };
        let admits = match &self.options.cache_if {
            Some(CacheIf::OfKeyAndValue(cache_if)) => {
                let parts = parts_by_reference(self.key.parts);
                body!(|#key __lru_memo_value| #private::admits_with_key(#cache_if, #parts, __lru_memo_value))
            }
            Some(CacheIf::OfValue(cache_if)) => {
                let unused = key.map(|_| quote!(_,));
                body!(|#unused __lru_memo_value| #private::admits(#cache_if, __lru_memo_value))
            }
            None if self.is_shared() => body!(|_| true),
            None => body!(#private::admit_all),
        };
        let ttl_of = self.ttl_of();
        if self.is_shared() {
            return body!(#clone, #admits, #ttl_of);
        }
        let weigh = self.weigh();
        body!(#clone, #admits, #weigh, #ttl_of)
    }

    /// Returns the argument for `ttl_of`.
    pub(crate) fn ttl_of(&self) -> TokenStream {
        let Self { private, .. } = self;
        match &self.options.ttl_of {
            Some(ttl_of) => body!(|__lru_memo_value| #private::own_ttl(#ttl_of, __lru_memo_value)),
            None => body!(#private::no_own_ttl),
        }
    }

    pub(crate) fn weigh(&self) -> TokenStream {
        let Self { private, .. } = self;
        match &self.options.weigh {
            Some(weigh) => {
                let parts = parts_by_reference(self.key.parts);
                body!(|__lru_memo_key, __lru_memo_value| #private::weigh(#weigh, #parts, __lru_memo_value))
            }
            None => body!(#private::weigh_nothing),
        }
    }
}
