//! Writes the hooks: what options say about cloning, admitting, weighing and expiring a value.

use proc_macro2::TokenStream;
use quote::quote;

use crate::body::body;
use crate::key::parts_by_reference;
use crate::options::CacheIf;
use crate::pieces::Pieces;

impl Pieces<'_> {
    /// Returns the arguments that clone a value and decide whether and how to store it.
    pub(crate) fn hooks(&self) -> TokenStream {
        let (private, clone, is_here) = (&self.private, &self.home.clone, self.home.store.is_none());
        let key = is_here.then(|| body!(__lru_memo_key,));
        let admits = match &self.options.cache_if {
            Some(CacheIf::OfKeyAndValue(cache_if)) => {
                let parts = parts_by_reference(self.key.parts.len());
                body!(|#key __lru_memo_value| #private::admits_with_key(#cache_if, #parts, __lru_memo_value))
            }
            Some(CacheIf::OfValue(cache_if)) => {
                let unused = key.map(|_| quote!(_,));
                body!(|#unused __lru_memo_value| #private::admits(#cache_if, __lru_memo_value))
            }
            None if is_here => body!(#private::admit_all),
            None => body!(|_| true),
        };
        // A store weighs bytes.
        let weigh = is_here.then(|| self.weigh()).into_iter();
        let ttl_of = self.ttl_of();
        body!(#clone, #admits, #(#weigh,)* #ttl_of)
    }

    /// Whether options say nothing about weights and ages, and the cache is in this process.
    pub(crate) fn stores_by_default(&self) -> bool {
        self.home.store.is_none() && self.options.weigh.is_none() && self.options.ttl_of.is_none()
    }

    pub(crate) fn weigh(&self) -> TokenStream {
        let Self { private, .. } = self;
        match &self.options.weigh {
            Some(weigh) => {
                let parts = parts_by_reference(self.key.parts.len());
                body!(|__lru_memo_key, __lru_memo_value| #private::weigh(#weigh, #parts, __lru_memo_value))
            }
            None => body!(#private::weigh_nothing),
        }
    }

    /// Returns the argument for `ttl_of`.
    pub(crate) fn ttl_of(&self) -> TokenStream {
        let Self { private, .. } = self;
        match &self.options.ttl_of {
            Some(ttl_of) => body!(|__lru_memo_value| #private::own_ttl(#ttl_of, __lru_memo_value)),
            None => body!(#private::no_own_ttl),
        }
    }
}
