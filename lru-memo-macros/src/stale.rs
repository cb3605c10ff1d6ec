//! Writes the lookups of functions with `stale`. A run may be for an old value, which is returned if the run fails.

use proc_macro2::TokenStream;
use quote::quote;

use crate::cached::Cached;
use crate::expand::{Pieces, body};
use crate::lookup::Returns;

impl Pieces<'_> {
    /// Writes a lookup that runs the function on a miss, or for an old value.
    pub(crate) fn lookup_with_stale(&self, returns: Returns) -> TokenStream {
        let Self { private, clone, cached: Cached { kind, check, .. }, .. } = self;
        let output = &self.function.output;
        let before_run = self.before_run();
        let hooks = self.hooks();
        let from_value = body!(<#output as #private::Returned<#kind>>::from_value(__lru_memo_value));
        let complete =
            self.finished(body!(__lru_memo_miss.complete::<#kind, #output>(__lru_memo_returned, #hooks)));
        let (hit, complete) = match returns {
            Returns::Value => (from_value, body!(#complete.0)),
            Returns::WithOutcome => (body!((#from_value, __lru_memo_outcome)), complete),
        };
        let hit = body! {
            ::core::result::Result::Ok((__lru_memo_value, __lru_memo_outcome)) => {
                let _ = __lru_memo_outcome;
                #hit
            }
        };
        let run = self.caught_run();
        if let Some(single_flight) = &self.options.single_flight {
            let errors = self.cached.errors(self.function, self.options);
            let (wait, waited) = (self.wait(single_flight), self.waited(returns, &errors));
            let run = if self.is_async() {
                body!(__lru_memo_miss.inside(async { #run }).await)
            } else {
                body! {{
                    let __lru_memo_inside = __lru_memo_miss.enter();
                    #run
                }}
            };
            let look_up = self.ask(quote!(join_or_claim), clone);
            return body! {
                #check
                #look_up
                match __lru_memo_found {
                    #hit
                    ::core::result::Result::Err(__lru_memo_pending) => match #wait {
                        #waited,
                        ::core::result::Result::Err(mut __lru_memo_miss) => {
                            #before_run
                            let __lru_memo_has_old = __lru_memo_miss.has_old();
                            let __lru_memo_returned = #run;
                            __lru_memo_miss.share_error::<#kind, #output>(&__lru_memo_returned, #errors);
                            #complete
                        }
                    },
                }
            };
        }
        let look_up = if self.is_shared() {
            self.ask(quote!(look_or_claim), clone)
        } else {
            self.look_up(body! {
                match __lru_memo_cache.get(__lru_memo_key, #clone) {
                    ::core::result::Result::Ok(__lru_memo_value) => {
                        ::core::result::Result::Ok((__lru_memo_value, <#private::Outcome>::Hit))
                    }
                    ::core::result::Result::Err(ref __lru_memo_unseen) => {
                        __lru_memo_cache.look_or_claim(__lru_memo_unseen, __lru_memo_key, #clone)
                    }
                }
            })
        };
        body! {
            #check
            #look_up
            match __lru_memo_found {
                #hit
                ::core::result::Result::Err(mut __lru_memo_miss) => {
                    #before_run
                    let __lru_memo_has_old = __lru_memo_miss.has_old();
                    let __lru_memo_returned = #run;
                    #complete
                }
            }
        }
    }

    /// Writes a run whose panic is caught if there is an old value to return instead. Without an old value, no closure is around
    /// the run: it would become the caller of a function with `#[track_caller]`.
    fn caught_run(&self) -> TokenStream {
        let private = &self.private;
        let run = self.run_function();
        let caught = if self.is_async() {
            body!(#private::caught_while_polled(async { #run }).await)
        } else {
            body!(#private::caught(|| #run))
        };
        body! {
            if __lru_memo_has_old {
                #caught
            } else {
                ::core::result::Result::Ok(#run)
            }
        }
    }
}
