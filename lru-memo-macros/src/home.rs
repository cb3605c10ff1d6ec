//! Where the cache of a function lives, and the code that finds it. Each scope has a module that answers the questions of
//! [`Home`].
//!
//! If all types are known, the cache is a static of its own type. In a generic function, or if only the compiler knows
//! the type of the key, the static holds type-erased caches, one for each instantiation.

#[path = "home/cache_type.rs"]
mod cache_type;
#[path = "home/object.rs"]
pub(crate) mod object;
#[path = "home/parts.rs"]
pub(crate) mod parts;
#[path = "home/process.rs"]
pub(crate) mod process;
#[path = "home/shared.rs"]
pub(crate) mod shared;
#[path = "home/store.rs"]
mod store;
#[path = "home/thread.rs"]
pub(crate) mod thread;

use proc_macro2::{Span, TokenStream};
use syn::Ident;

use self::store::Store;
use crate::body::body;
use crate::options::Options;

/// Where the cache of a function lives.
pub(crate) struct Home {
    /// The return type and the body of the hidden function that returns the cache. Without a return type, it has a receiver and is
    /// never called.
    pub(crate) output: Option<TokenStream>,
    pub(crate) body: TokenStream,
    /// Finds the cache, given a variable `__lru_memo_key` if the cache is not found at once.
    pub(crate) cache: TokenStream,
    pub(crate) is_found_at_once: bool,
    /// Finds a value with the method `get` of the cache. None if a store has the values.
    pub(crate) way: Option<TokenStream>,
    /// Finds the cache without a key, as an `Option`, if the type of a stored key can be written. None if the cache is found at once,
    /// or if a store has the keys.
    pub(crate) used: Option<TokenStream>,
    /// Clones a value, or encodes and decodes it. Its span is that of the return type.
    pub(crate) clone: TokenStream,
    /// A statement that does not compile if the kind of entries was guessed wrong.
    pub(crate) check: Option<TokenStream>,
    /// How the store is asked. None if the cache is in this process.
    pub(crate) store: Option<Store>,
    /// The body of the hidden function that describes the memoized one to the registry, if there is only one instantiation.
    pub(crate) site: Option<TokenStream>,
    pub(crate) answers: Answers,
}

impl Home {
    /// Has the cache invalidate by tags what it holds: other threads cannot reach the cache when they invalidate a tag, so it
    /// looks for itself.
    fn catching_up_with_tags(self, options: &Options, private: &TokenStream) -> Self {
        if options.tags.is_empty() {
            return self;
        }
        let cache = &self.cache;
        let cache = body!(#private::caught_up_with_tags(#cache));
        Self { way: Some(cache.clone()), cache, ..self }
    }
}

/// The bodies of the companions without a key.
pub(crate) struct Answers {
    pub(crate) info: TokenStream,
    pub(crate) totals: TokenStream,
    pub(crate) advice: TokenStream,
    pub(crate) clear: TokenStream,
    /// Changes the bound to the variable that [`new_bound`] names, if the bound can change.
    pub(crate) resize: Option<TokenStream>,
    pub(crate) parameters: TokenStream,
}

/// Returns the name of the variable with a new bound.
pub(crate) fn new_bound() -> Ident {
    Ident::new("__lru_memo_maxsize", Span::mixed_site())
}
