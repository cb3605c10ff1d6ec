//! The fingerprint of a function: a number that changes with its signature, its body, or the options that make its key.

use proc_macro2::TokenStream;

use crate::function::Function;
use crate::options::Options;

/// Returns the fingerprint as a literal. Spaces, comments and documentation do not matter.
#[cfg(feature = "shared")]
pub(crate) fn fingerprint(function: &Function<'_>, options: &Options) -> TokenStream {
    use quote::{ToTokens, quote};
    use siphasher::sip128::{Hasher128, SipHasher24};

    let (signature, body) = (&function.item.sig, &function.item.block);
    let key = &options.key;
    let skipped =
        function.arguments.iter().filter(|argument| argument.is_skipped).map(|argument| &argument.name);
    let is_self_skipped = function.is_self_skipped;
    let cache_err = options.cache_err;
    let tokens = quote!(#signature #body, #key, #(#skipped)*, #is_self_skipped, #cache_err);
    // A fixed key: each build has to find the same number.
    let mut hash = SipHasher24::new_with_keys(0x6c72_755f_6d65_6d6f, 0x0074_6f6b_656e_7321);
    feed(tokens, &mut hash);
    u128::from_le_bytes(hash.finish128().as_bytes()).into_token_stream()
}

/// Never called: without the feature, `scope = shared` is an error.
#[cfg(not(feature = "shared"))]
pub(crate) fn fingerprint(_: &Function<'_>, _: &Options) -> TokenStream {
    unreachable!("`scope = shared` is refused without the feature")
}

/// Feeds tokens to a hash without ambiguity: each token follows its length, and each group has delimiters.
#[cfg(feature = "shared")]
fn feed(tokens: TokenStream, hash: &mut impl core::hash::Hasher) {
    use proc_macro2::{Delimiter, TokenTree};

    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                hash.write(match group.delimiter() {
                    Delimiter::Parenthesis => b"(",
                    Delimiter::Brace => b"{",
                    Delimiter::Bracket => b"[",
                    Delimiter::None => b"<",
                });
                feed(group.stream(), hash);
                hash.write(b".");
            }
            other => {
                let text = other.to_string();
                hash.write(b"t");
                hash.write(&(text.len() as u64).to_le_bytes());
                hash.write(text.as_bytes());
            }
        }
    }
}
