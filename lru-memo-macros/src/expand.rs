//! Writes the memoized function and its companions.

use proc_macro2::TokenStream;
use quote::quote;

use crate::body::{body, in_braces_of};
use crate::function::Function;
use crate::lookup::Returns;
use crate::options::Options;
use crate::pieces::Pieces;
use crate::placement::Companions;

/// The output of the macro.
pub(crate) struct Expansion {
    /// The memoized function, in place of the original one.
    pub(crate) memoized: TokenStream,
    /// The functions beside it.
    pub(crate) companions: Companions,
}

/// Writes the whole expansion.
pub(crate) fn expand(options: &Options, function: &Function<'_>) -> Expansion {
    let pieces = Pieces::of(options, function);
    let public = [
        Pieces::uncached,
        Pieces::info,
        Pieces::totals,
        Pieces::clear,
        Pieces::parameters,
        Pieces::invalidate,
        Pieces::peek,
        Pieces::put,
        Pieces::refresh,
        Pieces::with_outcome,
    ];
    let public = public.into_iter().map(|companion| companion(&pieces));
    let public = public.chain(options.near.as_ref().map(|_| pieces.near_info()));
    let public = public.chain(options.advise.then(|| pieces.advice()));
    let public = public.chain(pieces.invalidate_if()).chain(pieces.resize());
    let hidden =
        [pieces.call(), pieces.instantiation(), pieces.site(), Some(pieces.cache()), pieces.missed()];
    // If the attribute is missing on the `impl` block, rustc shows the first function that does not belong there, and of the
    // names that it cannot find the last one. Both have to be the name that says what to do.
    let mut companions = Companions::default();
    for companion in hidden.into_iter().flatten().chain(public) {
        companions.extend(pieces.placed(companion));
    }
    Expansion { memoized: pieces.memoized(), companions }
}

impl Pieces<'_> {
    /// Writes the memoized function.
    fn memoized(&self) -> TokenStream {
        let mut signature = self.function.item.sig.clone();
        signature.inputs = self.function.own_inputs();
        let body = if self.function.has_impl_trait {
            // An unnamed type parameter cannot be passed on to the function that finds the cache.
            let prefix = self.function.prefix();
            let (call, handed_on) = (&self.function.names.call, self.function.handed_on());
            let call = self.run(quote!(#prefix #call), &handed_on);
            body!(#call)
        } else {
            self.lookup(Returns::Value)
        };
        let (attributes, vis) = (&self.attributes.outer, &self.function.item.vis);
        let block = in_braces_of(&self.function.item.block, body);
        quote!(#(#attributes)* #[allow(clippy::used_underscore_binding)] #vis #signature #block)
    }
}
