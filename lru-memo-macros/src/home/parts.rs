//! What the homes of all scopes are made of.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::cache_type::{hasher, of_kind, storage};
use super::{Answers, new_bound};
use crate::body::body;
use crate::cached::Cached;
use crate::function::Function;
use crate::instantiation::name_of;
use crate::key::Key;
use crate::options::Options;
use crate::parameters::Parameters;
use crate::types::plain_value;

/// The input for a home.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'p> {
    pub(crate) function: &'p Function<'p>,
    pub(crate) options: &'p Options,
    pub(crate) key: &'p Key,
    pub(crate) cached: &'p Cached,
    /// The path of the runtime.
    pub(crate) private: &'p TokenStream,
}

impl Parts<'_> {
    /// Returns the answers of an expression for a cache, which a function describes.
    pub(super) fn answers_of_cache(self, cache: &TokenStream, site: &TokenStream) -> Answers {
        let (maxsize, private) = (new_bound(), self.private);
        Answers {
            info: body!(#cache.info()),
            totals: body!(#cache.totals()),
            advice: body!(#cache.advice()),
            clear: body!(#cache.clear()),
            resize: self.options.is_bounded().then(|| body!(#cache.resize(#maxsize))),
            parameters: match self.options.is_bounded() {
                true => body!(#private::present_at(#site())),
                false => body!(#site().parameters),
            },
        }
    }

    /// Returns the answers of an expression for an instance, which may have no cache yet.
    pub(super) fn answers_of_instance(self, instance: &TokenStream) -> Answers {
        let Parameters { maxsize, whole } = Parameters::present(self.function, self.options, self.private);
        let (of, new) = (self.function.instantiation(self.private), new_bound());
        Answers {
            info: body!(#instance.info(|| #maxsize)),
            totals: body!(#instance.totals()),
            advice: body!(#instance.advice(|| #maxsize)),
            clear: body!(#instance.clear()),
            resize: self.options.is_bounded().then(|| body!(#instance.resize(#of, #new))),
            parameters: whole,
        }
    }

    /// Returns the cache of an instance, if it has been used.
    pub(super) fn used_of_instance(self, instance: &TokenStream) -> TokenStream {
        let Parts { options, key, cached: Cached { value, .. }, private, .. } = self;
        let (kind, key) = (self.any_kind(), key.type_of_stored(options));
        let (hasher, _) = hasher(options, false, private);
        body!(#instance.used::<#kind, #key, #value, #hasher>())
    }

    /// Returns the kind of entries in the cache of an instance. They are plain if the types have the names of plain ones:
    /// in a constant, the compiler cannot be asked about types of a generic function.
    pub(super) fn any_kind(self) -> TokenStream {
        let is_plain = self.checks_plain().is_some();
        of_kind(self.options, &quote!(#is_plain), true, self.private)
    }

    /// Returns a statement that does not compile unless the types with the names of plain ones are plain, if all have such
    /// names.
    pub(super) fn checks_plain(self) -> Option<TokenStream> {
        let Parts { function, key, cached: Cached { value, is_whole, .. }, private, .. } = self;
        let is_named = *is_whole && plain_value(&function.output) == Some(true);
        let arguments = key.plain.as_ref().filter(|_| is_named)?;
        Some(quote!(#private::plain::<#arguments, #value>();))
    }

    /// Returns the place of what is about a value, marked as generated, so that rustc suggests no change to it.
    pub(super) fn at_value(self) -> Span {
        self.function.output.span().resolved_at(Span::call_site())
    }

    /// Returns a function that clones a value. A pointer: so `Clone` is demanded only here, and functions with the same types share
    /// the code that is called with it.
    pub(super) fn clone_value(self) -> TokenStream {
        let (value, at) = (&self.cached.value, self.at_value());
        let clone = self.options.runtime.item(at, "clone_value");
        quote_spanned!(at=> #clone::<#value>())
    }

    /// Returns a path to the function that describes the memoized one.
    pub(super) fn path_to_site(self) -> TokenStream {
        self.function.path(&self.function.names.site)
    }

    /// Returns a path to the hidden function.
    pub(super) fn path(self) -> TokenStream {
        self.function.path(&self.function.names.cache)
    }

    /// Proves that threads may share the values.
    pub(super) fn proof_of_value(self) -> TokenStream {
        let (value, at) = (&self.cached.value, self.function.output.span());
        let shareable = self.options.runtime.item(at, "shareable");
        quote_spanned!(at=> #shareable::<#value>())
    }

    /// Returns a closure that describes the function to the registry.
    pub(super) fn site(self) -> TokenStream {
        let site = self.site_of(&self.function.instantiation(self.private));
        body!(|| #site)
    }

    /// Returns the body of a function that does so, for a function with one instantiation.
    pub(super) fn site_of_only(self) -> TokenStream {
        let (private, site) = (self.private, self.site_of(&body!(__lru_memo_of)));
        body! {
            let __lru_memo_of = #private::instantiation(|| ());
            #site
        }
    }

    /// Describes an instantiation, given its identity.
    fn site_of(self, of: &TokenStream) -> TokenStream {
        let Parts { function, options, private, .. } = self;
        let compiled = Parameters::compiled(options, of, private).whole;
        // At the keyword, because an editor shows what stands at the name.
        let line = options.runtime.line(function.item.sig.fn_token.span);
        let name = name_of(function, options, private);
        let is_tagged = !options.tags.is_empty();
        body! {
            #private::Site {
                of: #of,
                name: || #name,
                file: ::core::file!(),
                line: #line,
                parameters: #compiled,
                is_tagged: #is_tagged,
            }
        }
    }

    /// Returns the kind of entries, and a statement that does not compile if the kind was guessed wrong.
    pub(super) fn kind(self, arguments: &TokenStream) -> (TokenStream, TokenStream) {
        let Parts { function, options, key, cached: Cached { value, is_whole, .. }, private, .. } = self;
        let guess =
            plain_value(&function.output).filter(|is_plain| *is_whole && (!is_plain || key.plain.is_some()));
        match guess {
            None => (storage(arguments, value, options, private), TokenStream::new()),
            Some(is_plain) => {
                let check = is_plain.then(|| quote!(#private::plain::<#arguments, #value>();));
                let is_plain = quote!(#is_plain);
                (of_kind(options, &is_plain, options.ttl.is_some(), private), quote!(#check))
            }
        }
    }
}
