//! How a store is asked: its methods return futures, on which tasks wait, and threads block.

use proc_macro2::TokenStream;
use syn::Token;

use crate::body::{awaited, body};

/// How the store of a function is asked.
pub(crate) struct Store {
    /// That of the function, and of its companions: the store may be on another machine.
    pub(crate) asyncness: Option<Token![async]>,
    /// The path of the runtime.
    pub(super) private: TokenStream,
}

impl Store {
    /// Writes how a cache takes a key, before one of its methods is called.
    pub(crate) fn asked_by(&self, cache: &TokenStream, key: &TokenStream) -> TokenStream {
        match self.asyncness {
            Some(_) => body!(#cache.by_task(#key)),
            None => body!(#cache.by_thread(#key)),
        }
    }

    /// Writes the wait for a future that a method returns.
    pub(crate) fn finished(&self, future: &TokenStream) -> TokenStream {
        let private = &self.private;
        match self.asyncness {
            Some(_) => awaited(future, private),
            None => body!(#private::at_once(#future)),
        }
    }
}
