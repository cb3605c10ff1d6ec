//! Writes calls of a cache's methods with the key.

use proc_macro2::TokenStream;
use quote::quote;

use crate::body::body;
use crate::key::Key;
use crate::pieces::Pieces;

impl Pieces<'_> {
    /// Writes a body that calls a method of the cache with the key, and returns its result.
    pub(crate) fn answer(&self, method: TokenStream, arguments: &TokenStream) -> TokenStream {
        if self.home.is_found_at_once {
            let (Key { value, .. }, cache) = (&self.key, &self.home.cache);
            return body!(#cache.#method(#value, #arguments));
        }
        let (variable, ask) = (self.cache_apart(), self.ask(method, arguments));
        body! {
            #variable
            #ask
            __lru_memo_found
        }
    }

    /// Writes statements that set `__lru_memo_found` to the result of a method of the cache.
    pub(crate) fn ask(&self, method: TokenStream, arguments: &TokenStream) -> TokenStream {
        let Some(store) = &self.home.store else {
            return self.look_up(body!(__lru_memo_cache.#method(__lru_memo_key, #arguments)));
        };
        // Only the bytes of the key live across an `await`.
        let call = self.look_up(store.asked_by(&body!(__lru_memo_cache), &body!(__lru_memo_key)));
        let answer = store.finished(&body!(__lru_memo_found.#method(#arguments)));
        body! {
            let __lru_memo_found = {
                #call
                __lru_memo_found
            };
            let __lru_memo_found = #answer;
        }
    }

    /// Writes statements that set `__lru_memo_cache`, and `__lru_memo_found` to the value of an expression of it and of
    /// `__lru_memo_key`.
    pub(crate) fn look_up(&self, expression: TokenStream) -> TokenStream {
        let (Key { bindings, value, .. }, cache) = (&self.key, &self.home.cache);
        let is_declared = self.cache_apart().is_some();
        if self.options.key.is_none() {
            let declare = (!is_declared).then(|| quote!(let));
            return body! {
                let __lru_memo_key = #value;
                #declare __lru_memo_cache = #cache;
                let __lru_memo_found = #expression;
            };
        }
        let variable = (!is_declared).then(|| body!(let __lru_memo_cache;));
        // Temporaries of a key expression, perhaps the guard of a lock, live as long as the key. They are dropped before the
        // function runs.
        body! {
            #bindings
            #variable
            let __lru_memo_found = match #value {
                __lru_memo_key => {
                    __lru_memo_cache = #cache;
                    #expression
                }
            };
        }
    }

    /// Writes the wait for what a method of the cache returns, if it is a future.
    pub(super) fn finished(&self, returned: TokenStream) -> TokenStream {
        match &self.home.store {
            Some(store) => store.finished(&returned),
            None => returned,
        }
    }
}
