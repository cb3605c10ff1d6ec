//! Writes runs of the memoized function, and what becomes of the return value.

use proc_macro2::TokenStream;
use quote::quote;

use crate::body::{body, call, call_unawaited};
use crate::cached::Cached;
use crate::key::{Key, tags};
use crate::options::CacheIf;
use crate::pieces::Pieces;

/// What a generated function returns.
#[derive(Clone, Copy)]
pub(crate) enum Returns {
    /// The return value of the function.
    Value,
    /// The return value, and the outcome of the call.
    WithOutcome,
}

impl Pieces<'_> {
    /// Writes statements that run the function for `__lru_memo_miss` of a lookup, and complete that.
    pub(super) fn run_for_miss(&self, returns: Returns) -> TokenStream {
        let (kind, output) = (&self.cached.kind, &self.function.output);
        let (before_run, run, completed) = (self.before_run(), self.run_as_leader(), self.completed());
        let has_old =
            self.options.stale.as_ref().map(|_| body!(let __lru_memo_has_old = __lru_memo_miss.has_old();));
        let share_error = self.options.single_flight.as_ref().map(|_| {
            let errors = self.cached.errors(self.function, self.options);
            body!(__lru_memo_miss.share_error::<#kind, #output>(&__lru_memo_returned, #errors);)
        });
        let completed = match (&self.options.stale, returns) {
            (None, _) => self.told(returns, &completed, quote!(Miss)),
            (Some(_), Returns::WithOutcome) => completed,
            (Some(_), Returns::Value) => body!(#completed.0),
        };
        body! {
            #before_run
            #has_old
            let __lru_memo_returned = #run;
            #share_error
            #completed
        }
    }

    /// Writes statements that run the function and complete `__lru_memo_miss`, for which there is neither a flight nor an old
    /// value.
    pub(crate) fn run_and_complete(&self, returns: Returns) -> TokenStream {
        let run = self.run_function();
        let completed = self.told(returns, &self.completed(), quote!(Miss));
        body! {
            let __lru_memo_returned = #run;
            #completed
        }
    }

    /// Writes a run of the function.
    pub(crate) fn run_function(&self) -> TokenStream {
        self.run(self.function.path_to_itself(), &self.function.handed_on())
    }

    /// Writes a call of a function with the user's signature.
    pub(crate) fn run(&self, path: TokenStream, arguments: &TokenStream) -> TokenStream {
        call(&self.function.item.sig, path, arguments)
    }

    /// Writes a run of the function. With single flight, this thread is marked as the leader. With `stale`, a panic is caught if
    /// there is an old value to return instead.
    fn run_as_leader(&self) -> TokenStream {
        let private = &self.private;
        let (leads, is_stale) = (self.options.single_flight.is_some(), self.options.stale.is_some());
        if self.is_async() {
            let path = self.function.path_to_itself();
            let mut future = call_unawaited(&self.function.item.sig, path, &self.function.handed_on());
            if is_stale {
                future = body!(#private::caught_while_polled(#future, __lru_memo_has_old));
            }
            if leads {
                future = body!(__lru_memo_miss.inside(#future));
            }
            return body!(#future.await);
        }
        let mut run = self.run_function();
        if is_stale {
            // Without an old value, no closure is around the run: it would become the caller of a function with
            // `#[track_caller]`.
            run = body! {
                if __lru_memo_has_old {
                    #private::caught(|| #run)
                } else {
                    ::core::result::Result::Ok(#run)
                }
            };
        }
        if leads {
            run = body! {{
                let __lru_memo_inside = __lru_memo_miss.enter();
                #run
            }};
        }
        run
    }

    /// Writes the end of a run.
    fn completed(&self) -> TokenStream {
        let (kind, output) = (&self.cached.kind, &self.function.output);
        if self.stores_by_default() && self.options.cache_if.is_none() && self.options.stale.is_none() {
            let clone = &self.home.clone;
            return body!(__lru_memo_miss.complete_by_default::<#kind, #output>(__lru_memo_returned, #clone));
        }
        let hooks = self.hooks();
        self.finished(body!(__lru_memo_miss.complete::<#kind, #output>(__lru_memo_returned, #hooks)))
    }

    /// Turns a return value of the function into that of the generated function.
    pub(super) fn told(&self, returns: Returns, returned: &TokenStream, outcome: TokenStream) -> TokenStream {
        let private = &self.private;
        match returns {
            Returns::Value => returned.clone(),
            Returns::WithOutcome => body!((#returned, <#private::Outcome>::#outcome)),
        }
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

    /// Writes statements that copy the arguments that a miss needs after the run, before the run moves them.
    pub(crate) fn before_run(&self) -> TokenStream {
        let (copy, tag) = (self.copy_of_key(), self.tag_on_store());
        quote!(#copy #tag)
    }

    /// Writes the statement that copies the key for `cache_if`, if the cache has only the bytes of the key.
    fn copy_of_key(&self) -> Option<TokenStream> {
        let Some(CacheIf::OfKeyAndValue(_)) = &self.options.cache_if else { return None };
        self.home.store.as_ref()?;
        let (private, Key { bindings, value, .. }) =
            (&self.private, Key::without_tags(self.function, self.options));
        Some(body! {
            let __lru_memo_key = {
                #bindings
                #private::copy_of_key(#value)
            };
        })
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

    /// Returns the texts of the tags, if the store needs them.
    pub(crate) fn texts_of_tags(&self) -> Option<TokenStream> {
        self.home.store.as_ref().filter(|_| !self.options.tags.is_empty())?;
        Some(tags(self.function, self.options, quote!(texts)))
    }
}
