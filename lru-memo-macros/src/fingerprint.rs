//! A number that differs when a function was changed: of its signature, its body, and what makes its key.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};

use crate::function::Function;
use crate::options::Options;

/// The number, as a literal. Neither spaces nor comments matter, nor what is documented.
pub(crate) fn fingerprint(function: &Function<'_>, options: &Options) -> TokenStream {
    let (signature, body) = (&function.item.sig, &function.item.block);
    let (key, skip) = (&options.key, &options.skip);
    let skipped =
        function.arguments.iter().filter(|argument| argument.is_skipped).map(|argument| &argument.name);
    let is_self_skipped = function.is_self_skipped;
    let cache_err = options.cache_err;
    let mut hash = Fnv::new();
    hash.tokens(quote!(#signature #body, #key, #(#skip)*, #(#skipped)*, #is_self_skipped, #cache_err));
    let hash = hash.0;
    quote!(#hash).into_token_stream()
}

/// FNV-1a of 128 bits.
struct Fnv(u128);

impl Fnv {
    fn new() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    fn text(&mut self, text: &str) {
        // What no token contains tells where one ends.
        for byte in text.bytes().chain([0]) {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }

    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => {
                    self.text(&format!("{:?}", group.delimiter()));
                    self.tokens(group.stream());
                    self.text("end");
                }
                other => self.text(&other.to_string()),
            }
        }
    }
}
