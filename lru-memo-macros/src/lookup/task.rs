//! Writes lookups of an `async fn`.
//!
//! A future is as large as what it keeps while it waits, and is so for each call, hits included. So the future of a
//! memoized function keeps little: the miss is in a box, as are the futures of the cache. The arguments are moved out of the
//! variables that the key borrows from: the compiler would keep a variable that was borrowed.

use proc_macro2::{Ident, Span, TokenStream};

use super::run::Returns;
use crate::body::body;
use crate::pieces::Pieces;

impl Pieces<'_> {
    /// Writes a lookup that runs the function on a miss.
    pub(super) fn lookup_in_task(&self, returns: Returns) -> TokenStream {
        let (private, check, find) = (&self.private, &self.cached.check, self.find());
        let (run, (found, hit)) = (self.run_for_miss(returns), self.hit(returns));
        let find = |miss: TokenStream| {
            body! {
                #find
                match __lru_memo_found {
                    #found => return #hit,
                    ::core::result::Result::Err(__lru_memo_missed) => #miss,
                }
            }
        };
        let in_box = body!(#private::Box::new(__lru_memo_missed));
        let find = match &self.options.single_flight {
            None => find(in_box),
            Some(single_flight) => {
                let (pending, wait) = (find(body!(__lru_memo_missed)), self.wait(single_flight));
                let (answered, answer) = self.answer_of_other(returns);
                body! {
                    let __lru_memo_pending = { #pending };
                    match #wait {
                        #answered => return #answer,
                        ::core::result::Result::Err(__lru_memo_missed) => #in_box,
                    }
                }
            }
        };
        let find = self.apart(&find);
        body! {
            #check
            #find
            #run
        }
    }

    /// Writes a statement that sets `__lru_memo_miss` to the result of statements. The arguments are borrowed only meanwhile.
    pub(crate) fn apart(&self, statements: &TokenStream) -> TokenStream {
        let owner = self.options.object().map(|object| &object.owner);
        let arguments = self.function.arguments.iter().map(|argument| &argument.name);
        let arguments = arguments.filter(|name| Some(*name) != owner);
        // At the attribute, so that an editor offers no further definition of an argument.
        let at_attribute = |name: &Ident| {
            let mut name = name.clone();
            name.set_span(Span::call_site().resolved_at(name.span()));
            name
        };
        let arguments: Vec<_> = arguments.map(at_attribute).collect();
        let cache = self.cache_apart();
        body! {
            #cache
            let (mut __lru_memo_miss, #(#arguments,)*) = {
                let (#(#arguments,)*) = (#(#arguments,)*);
                let __lru_memo_result = { #statements };
                (__lru_memo_result, #(#arguments,)*)
            };
        }
    }

    /// Declares the variable of the cache, if that lives longer than the lookup: as long as the miss of a task.
    pub(super) fn cache_apart(&self) -> Option<TokenStream> {
        (self.is_async() && self.home.store.is_none()).then(|| body!(let __lru_memo_cache;))
    }
}
