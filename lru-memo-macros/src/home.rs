//! Where the cache of a function lives, and the code that finds it. Each scope has a module that answers the questions of
//! [`Home`]; that of `scope = self.memo` is [`object`](crate::object).
//!
//! If all types are known, the cache is a static of its own type. In a generic function, or if only the compiler knows
//! the type of the key, the static holds type-erased caches, one for each instantiation.

#[path = "home/process.rs"]
mod process;
#[path = "home/shared.rs"]
mod shared;
#[path = "home/thread.rs"]
mod thread;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{ConstParam, GenericParam, Ident, TypeParam};

use crate::cached::Cached;
use crate::expand::body;
use crate::function::{Function, Setting};
use crate::key::Key;
use crate::options::{Options, Scope};
use crate::parameters::Parameters;
use crate::shape::plain_value;

/// Where the cache of a function lives.
pub(crate) struct Home {
    /// The head and the body of the hidden function that returns the cache.
    pub(crate) head: TokenStream,
    pub(crate) body: TokenStream,
    /// Finds the cache, given a variable `__lru_memo_key` if the key has no types.
    pub(crate) cache: TokenStream,
    /// Finds a value with the method `get` of the cache, if a hit is cheaper that way.
    pub(crate) way: Option<TokenStream>,
    /// Finds the cache without a key, as an `Option`, if the type of a stored key can be written.
    pub(crate) used: TokenStream,
    pub(crate) answers: Answers,
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

/// The input for a home.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'p> {
    pub(crate) function: &'p Function<'p>,
    pub(crate) options: &'p Options,
    pub(crate) key: &'p Key,
    pub(crate) cached: &'p Cached,
    pub(crate) parameters: &'p Parameters,
    /// The path of the runtime.
    pub(crate) private: &'p TokenStream,
}

impl Home {
    pub(crate) fn of(parts: Parts<'_>) -> Self {
        let Parts { options, private, .. } = parts;
        let home = match (options.scope, &options.object) {
            (_, Some(object)) => object.home(parts),
            (Scope::Thread, _) => thread::home(parts),
            (Scope::Shared, _) => return shared::home(parts),
            (Scope::Process | Scope::Object, _) => return process::home(parts),
        };
        if options.tags.is_empty() {
            return home;
        }
        // Other threads cannot reach this cache when they invalidate a tag, so it looks for itself.
        let cache = &home.cache;
        Self { cache: body!(#private::caught_up_with_tags(#cache)), way: None, ..home }
    }
}

impl Parts<'_> {
    /// Returns the answers of an expression for a cache.
    fn answers_of_cache(self, cache: &TokenStream) -> Answers {
        let maxsize = new_bound();
        Answers {
            info: body!(#cache.info()),
            totals: body!(#cache.totals()),
            advice: body!(#cache.advice()),
            clear: body!(#cache.clear()),
            resize: self.options.is_bounded().then(|| body!(#cache.resize(#maxsize))),
            parameters: self.parameters.whole.clone(),
        }
    }

    /// Returns the answers of an expression for an instance, which may have no cache yet.
    fn answers_of_instance(self, instance: &TokenStream) -> Answers {
        let Parameters { maxsize, whole, .. } = self.parameters;
        let (of, new) = (self.function.instantiation(self.private), new_bound());
        Answers {
            info: body!(#instance.info(|| #maxsize)),
            totals: body!(#instance.totals()),
            advice: body!(#instance.advice(|| #maxsize)),
            clear: body!(#instance.clear()),
            resize: self.options.is_bounded().then(|| body!(#instance.resize(#of, #new))),
            parameters: whole.clone(),
        }
    }

    /// Returns the cache of an instance, if it has been used.
    fn used_of_instance(self, instance: &TokenStream) -> TokenStream {
        let Parts { options, key, cached: Cached { value, .. }, private, .. } = self;
        let (kind, key) = (self.any_kind(), key.type_of_stored(options));
        let (hasher, _) = hasher(options, false, private);
        body!(#instance.used::<#kind, #key, #value, #hasher>())
    }

    /// Returns the kind of entries in the cache of an instance. They are plain if the types have the names of plain ones:
    /// in a constant, the compiler cannot be asked about types of a generic function.
    fn any_kind(self) -> TokenStream {
        let is_plain = self.checks_plain().is_some();
        of_kind(self.options, &quote!(#is_plain), true, self.private)
    }

    /// Returns a statement that does not compile unless the types with the names of plain ones are plain, if all have such
    /// names.
    pub(crate) fn checks_plain(self) -> Option<TokenStream> {
        let Parts { function, key, cached: Cached { value, is_whole, .. }, private, .. } = self;
        let is_named = *is_whole && plain_value(&function.output) == Some(true);
        let arguments = key.plain.as_ref().filter(|_| is_named)?;
        Some(quote!(#private::plain::<#arguments, #value>();))
    }

    /// Returns a path to the hidden function.
    fn path(self) -> TokenStream {
        self.function.path(&self.function.names.cache)
    }

    /// Proves that threads may share the values.
    fn proof_of_value(self) -> TokenStream {
        let (value, at) = (&self.cached.value, self.function.output.span());
        let shareable = self.options.runtime.item(at, "shareable");
        quote_spanned!(at=> #shareable::<#value>())
    }

    /// Returns a closure that describes the function to the registry.
    fn site(self) -> TokenStream {
        let Parts { function, options, parameters: Parameters { compiled, .. }, private, .. } = self;
        // At the keyword, because an editor shows what stands at the name.
        let line = options.runtime.line(function.item.sig.fn_token.span);
        let (of, name) = (function.instantiation(private), name_of(function, options, private));
        let is_tagged = !options.tags.is_empty();
        body! {
            || #private::Site {
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
    fn kind(self, arguments: &TokenStream) -> (TokenStream, TokenStream) {
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

/// Returns the hasher, and a statement that does not compile if the type is no hasher. In a signature, such a type is replaced, if
/// the compiler can tell.
pub(crate) fn hasher(options: &Options, is_typed: bool, private: &TokenStream) -> (TokenStream, TokenStream) {
    let Some(hasher) = &options.hasher else {
        return (quote!(#private::DefaultHasher), TokenStream::new());
    };
    if !is_typed {
        return (quote!(#hasher), TokenStream::new());
    }
    let at = hasher.span();
    let item = |name| options.runtime.item(at, name);
    let (chosen, is, usable) = (item("HasherOf"), item("Is"), item("usable_hasher"));
    let is_usable = options.runtime.ask("HasherProbe", "NotUsable", hasher, &quote!(IS_USABLE));
    let chosen = quote_spanned!(at=> #chosen<#hasher, #is<#is_usable>>);
    (chosen, quote_spanned!(at=> #usable::<#hasher>();))
}

/// Returns the kind of entries: they are plain if the arguments and the value are.
pub(crate) fn storage(
    arguments: &TokenStream,
    value: &TokenStream,
    options: &Options,
    private: &TokenStream,
) -> TokenStream {
    let is_plain = quote! {{
        #[allow(unused_imports)]
        use #private::NotPlain as _;
        #private::Plainness::<#arguments, #value>::IS_PLAIN
    }};
    let expires = options.ttl.is_some();
    of_kind(options, &is_plain, expires, private)
}

/// Returns the kind of entries, given an expression for whether they are plain.
pub(crate) fn of_kind(
    options: &Options,
    is_plain: &TokenStream,
    expires: bool,
    private: &TokenStream,
) -> TokenStream {
    let mut kind = quote!(#private::Kept<#is_plain, #expires>);
    if options.idle.is_some() {
        kind = quote!(#private::Idling<#private::Kept<#is_plain, true>>);
    }
    if options.stale.is_some() {
        kind = quote!(#private::Staling<#kind>);
    }
    if options.advise { quote!(#private::Advising<#kind>) } else { kind }
}

/// Returns the name of the function, as an expression of type `&'static str`.
pub(crate) fn name_of(function: &Function<'_>, options: &Options, private: &TokenStream) -> TokenStream {
    let text = function.item.sig.ident.unraw().to_string();
    let module = quote!(::core::module_path!());
    let parameters_of_function = names_of_parameters(function);
    match (&options.name, function.place) {
        (Some(name), _) => quote!(#name),
        (None, Setting::Free) if parameters_of_function.is_empty() => {
            quote!(::core::concat!(#module, "::", #text))
        }
        (None, place) => {
            let of = match place {
                Setting::Free => module,
                _ => quote!(::core::any::type_name::<Self>()),
            };
            quote!(#private::name_of_instantiation(#of, #text, &[#(&#parameters_of_function),*]))
        }
    }
}

/// Returns the types and constants of an instantiation, as expressions that can be displayed.
pub(crate) fn names_of_parameters(function: &Function<'_>) -> Vec<TokenStream> {
    let names = function.generics.params.iter().filter_map(|param| match param {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(TypeParam { ident, .. }) => Some(quote!(::core::any::type_name::<#ident>())),
        GenericParam::Const(ConstParam { ident, .. }) => Some(quote!(::core::format_args!("{:?}", #ident))),
    });
    names.collect()
}
