//! Writes the lookups of the memoized function, with its hit and its miss.

#[path = "lookup/ask.rs"]
mod ask;
#[path = "lookup/hooks.rs"]
mod hooks;
#[path = "lookup/run.rs"]
mod run;
#[path = "lookup/single_flight.rs"]
mod single_flight;
#[path = "lookup/task.rs"]
mod task;

use proc_macro2::TokenStream;
use quote::quote;

pub(crate) use self::run::Returns;
use crate::body::body;
use crate::pieces::Pieces;

impl Pieces<'_> {
    /// Writes a lookup that runs the function on a miss.
    pub(crate) fn lookup(&self, returns: Returns) -> TokenStream {
        if let Some(way) = self.fast_way() {
            return self.lookup_with_misses_apart(way);
        }
        if self.is_async() {
            return self.lookup_in_task(returns);
        }
        let (check, find, run) = (&self.cached.check, self.find(), self.run_for_miss(returns));
        let (found, hit) = self.hit(returns);
        let miss = body!(::core::result::Result::Err(mut __lru_memo_miss) => { #run });
        let miss = match &self.options.single_flight {
            None => miss,
            Some(single_flight) => {
                let (wait, (answered, answer)) = (self.wait(single_flight), self.answer_of_other(returns));
                body! {
                    ::core::result::Result::Err(__lru_memo_pending) => match #wait {
                        #answered => #answer,
                        #miss
                    }
                }
            }
        };
        body! {
            #check
            #find
            match __lru_memo_found {
                #found => #hit,
                #miss
            }
        }
    }

    /// Writes a lookup by a fast way, whose miss is in a function of its own.
    fn lookup_with_misses_apart(&self, way: &TokenStream) -> TokenStream {
        let (check, clone, key) = (&self.cached.check, &self.home.clone, &self.key.value);
        let missed = self.missed_after(&body!(::core::option::Option::Some(__lru_memo_miss)));
        let (found, hit) = self.hit(Returns::Value);
        body! {
            #check
            let __lru_memo_key = #key;
            let __lru_memo_cache = #way;
            let __lru_memo_found = __lru_memo_cache.get(__lru_memo_key, #clone);
            match __lru_memo_found {
                #found => #hit,
                ::core::result::Result::Err(__lru_memo_miss) => #missed.0,
            }
        }
    }

    /// Writes a call of the function for a key that the fast path has not found, given what its search has seen.
    pub(crate) fn missed_after(&self, unseen: &TokenStream) -> TokenStream {
        let missed = self.function.path(&self.function.names.missed);
        let (receiver, arguments) = self.function.handed_on_apart();
        self.run(missed, &body!(#receiver #unseen, #arguments))
    }

    /// Writes statements that set `__lru_memo_found` to what a lookup finds: a value, or what the caller has to do.
    fn find(&self) -> TokenStream {
        let (private, clone) = (&self.private, &self.home.clone);
        let (value, look) = match (&self.options.single_flight, &self.options.stale) {
            (Some(_), None) => return self.ask(quote!(get_or_join), clone),
            (Some(_), Some(_)) => return self.ask(quote!(join_or_claim), clone),
            (None, None) if self.home.store.is_some() => return self.ask(quote!(get), clone),
            (None, Some(_)) if self.home.store.is_some() => return self.ask(quote!(look_or_claim), clone),
            (None, None) => (body!(__lru_memo_value), quote!(look)),
            (None, Some(_)) => (body!((__lru_memo_value, <#private::Outcome>::Hit)), quote!(look_or_claim)),
        };
        self.look_up(body! {
            match __lru_memo_cache.get(__lru_memo_key, #clone) {
                ::core::result::Result::Ok(__lru_memo_value) => ::core::result::Result::Ok(#value),
                ::core::result::Result::Err(ref __lru_memo_unseen) => {
                    __lru_memo_cache.#look(__lru_memo_unseen, __lru_memo_key, #clone)
                }
            }
        })
    }

    /// Returns the pattern of a hit that [`find`](Self::find) has found, and the result of the call.
    fn hit(&self, returns: Returns) -> (TokenStream, TokenStream) {
        let value = self.of_hit();
        match (&self.options.stale, returns) {
            (None, _) => {
                let found = body!(::core::result::Result::Ok(__lru_memo_value));
                (found, self.told(returns, &value, quote!(Hit)))
            }
            (Some(_), Returns::Value) => (body!(::core::result::Result::Ok((__lru_memo_value, _))), value),
            (Some(_), Returns::WithOutcome) => {
                let found = body!(::core::result::Result::Ok((__lru_memo_value, __lru_memo_outcome)));
                (found, body!((#value, __lru_memo_outcome)))
            }
        }
    }

    /// Returns what finds a value, if what a hit does not need is in a function of its own, so that a hit needs fewer registers.
    /// Not with `#[track_caller]`, because that function would become the caller. Not with a key expression, which would run
    /// twice.
    pub(crate) fn fast_way(&self) -> Option<&TokenStream> {
        let is_plain =
            !self.is_async() && self.options.stale.is_none() && self.options.single_flight.is_none();
        let is_apart = is_plain && self.options.key.is_none() && self.attributes.track_caller.is_empty();
        self.home.way.as_ref().filter(|_| is_apart)
    }
}
