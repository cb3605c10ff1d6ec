//! The bodies of generated functions.

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::ToTokens;
use syn::Signature;

/// `quote!` for function bodies: its local variables cannot clash with the user's. Their names begin with `__lru_memo_`, because a
/// pattern with the name of a constant, a static or a unit struct would mean that.
macro_rules! body {
    ($($tokens:tt)*) => { ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*) };
}
pub(crate) use body;

/// Writes a call as the signature demands: `async`, `unsafe` or plain.
pub(crate) fn call(signature: &Signature, path: TokenStream, arguments: &TokenStream) -> TokenStream {
    let call = call_unawaited(signature, path, arguments);
    if signature.asyncness.is_some() { body!(#call.await) } else { call }
}

/// As [`call`], but of an `async fn` this is the future.
pub(crate) fn call_unawaited(
    signature: &Signature,
    path: TokenStream,
    arguments: &TokenStream,
) -> TokenStream {
    let call = body!(#path(#arguments));
    match signature.safety {
        syn::Safety::Unsafe(_) => body!(unsafe { #call }),
        _ => call,
    }
}

/// Writes the wait for a future of the runtime. In a box, so that the future of the function stays small.
pub(crate) fn awaited(future: &TokenStream, private: &TokenStream) -> TokenStream {
    body!(#private::Box::pin(#future).await)
}

/// Puts a body into the user's braces: rustc does not warn of dead code in those of a macro.
pub(crate) fn in_braces_of(block: &syn::Block, body: TokenStream) -> TokenStream {
    let mut group = Group::new(Delimiter::Brace, body);
    group.set_span(block.brace_token.span.join());
    group.into_token_stream()
}
