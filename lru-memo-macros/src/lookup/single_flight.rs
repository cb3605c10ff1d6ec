//! Writes the wait for another caller's run, for functions with `single_flight`.

use proc_macro2::TokenStream;

use super::run::Returns;
use crate::body::{awaited, body};
use crate::options::SingleFlight;
use crate::pieces::Pieces;

impl Pieces<'_> {
    /// Writes the wait for the run of another caller.
    pub(super) fn wait(&self, single_flight: &SingleFlight) -> TokenStream {
        let clone = &self.home.clone;
        let limit = match single_flight {
            SingleFlight::AtMost(limit) => body!(::core::option::Option::Some(#limit)),
            _ => body!(::core::option::Option::None),
        };
        let wait = body!(__lru_memo_pending.wait(#limit, #clone));
        match &self.home.store {
            Some(store) => store.finished(&wait),
            None if self.is_async() => awaited(&wait, &self.private),
            None => body!(__lru_memo_pending.block(#limit, #clone)),
        }
    }

    /// Returns the pattern of an answer from another caller's run, and the result of the call.
    pub(super) fn answer_of_other(&self, returns: Returns) -> (TokenStream, TokenStream) {
        let (kind, errors) = (&self.cached.kind, self.cached.errors(self.function, self.options));
        let answer = body!(#errors.answer::<#kind>(__lru_memo_answer));
        match returns {
            Returns::Value => (body!(::core::result::Result::Ok((__lru_memo_answer, _))), answer),
            Returns::WithOutcome => {
                let answered = body!(::core::result::Result::Ok((__lru_memo_answer, __lru_memo_outcome)));
                (answered, body!((#answer, __lru_memo_outcome)))
            }
        }
    }
}
