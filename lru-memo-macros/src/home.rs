//! Where the cache of a function lives, and the code that finds it.
//!
//! If all types are known, the cache is a static of its own type. In a generic function, or if only the compiler knows
//! the type of the key, the static holds type-erased caches, one for each instantiation.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{ConstParam, GenericParam, Ident, TypeParam};

use crate::cached::Cached;
use crate::fingerprint::fingerprint;
use crate::function::{Function, Setting};
use crate::key::{Key, KeyTypes};
use crate::options::{Maxsize, Options, Scope};
use crate::parameters::Parameters;

/// Where the cache of a function lives.
pub(crate) struct Home {
    /// The head and the body of the hidden function that returns the cache.
    pub(crate) head: TokenStream,
    pub(crate) body: TokenStream,
    /// Finds the cache, given a variable `__lru_memo_key`.
    pub(crate) cache: TokenStream,
    /// Finds a value with the method `get` of the cache, if a hit is cheaper that way.
    pub(crate) way: Option<TokenStream>,
    /// Finds the cache without a key, as an `Option`, if the type of a stored key can be written.
    pub(crate) used: TokenStream,
    /// Returns the counters, and clears, without a key.
    pub(crate) info: TokenStream,
    pub(crate) totals: TokenStream,
    pub(crate) advice: TokenStream,
    pub(crate) clear: TokenStream,
    /// Changes the bound to the variable that [`new_bound`] names, if the bound can change.
    pub(crate) resize: Option<TokenStream>,
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

macro_rules! body {
    ($($tokens:tt)*) => { quote_spanned!(Span::mixed_site()=> $($tokens)*) };
}

impl Home {
    pub(crate) fn of(parts: Parts<'_>) -> Self {
        let Parts { options, private, .. } = parts;
        let home = match &options.object {
            Some(object) => object.home(parts),
            None => Self::of_function(parts),
        };
        let is_reached = matches!(options.scope, Scope::Process | Scope::Shared);
        if is_reached || options.tags.is_empty() {
            return home;
        }
        // Other threads cannot reach this cache when they invalidate a tag, so it looks for itself.
        let cache = &home.cache;
        Self { cache: body!(#private::caught_up_with_tags(#cache)), way: None, ..home }
    }

    fn of_function(parts: Parts<'_>) -> Self {
        let Parts { function, options, key, cached, parameters, private } = parts;
        let maxsize = &parameters.maxsize;
        let hidden = &function.names.cache;
        let path = function.path(hidden);
        let any = of_kind(options, &quote!(false), true, private);
        let is_dispatched = function.may_be_dispatched();
        // An expression for an existing cache. A default method that may be called through `dyn Trait` cannot call a method
        // without a receiver, but it can name it.
        let instance = match options.scope {
            _ if !is_dispatched => body!(#path()),
            Scope::Thread => body!(#private::thread_instance_of(#path)),
            Scope::Process | Scope::Object => body!(#private::instance_of(#path)),
            Scope::Shared => body!(#private::used_cache_of(#path)),
        };
        let (hasher, check_hasher) = hasher(options, key.types.is_some(), private);
        let value = &cached.value;
        let at = function.output.span();
        let shareable = options.runtime.item(at, "shareable");
        let proof_of_value = quote_spanned!(at=> #shareable::<#value>());
        let proof_of_key = &key.proof;
        // Does not call the companions: if the attribute is missing on the `impl` block, then only the hidden function cannot be
        // found, whose name says what to do.
        let (info, clear) = match (options.scope, &key.types) {
            (Scope::Shared, _) => (
                body!(#private::at_once(#instance.by_thread(()).info())),
                body!(#private::at_once(#instance.by_thread(()).clear())),
            ),
            (_, None) => (body!(#instance.info(|| #maxsize)), body!(#instance.clear())),
            (Scope::Process | Scope::Object, Some(_)) => (body!(#path().info()), body!(#path().clear())),
            (Scope::Thread, Some(_)) => (body!(#path().cache().info()), body!(#path().cache().clear())),
        };
        let invalidate_tag = match (options.scope, &key.types) {
            _ if options.tags.is_empty() => body!(::core::option::Option::None),
            (Scope::Shared, _) => body!(::core::option::Option::Some(|_| #instance.forget_tags())),
            (Scope::Thread, Some(_)) => {
                body!(::core::option::Option::Some(|tag| #path().cache().invalidate_tag(tag)))
            }
            (Scope::Process | Scope::Object, Some(_)) => {
                body!(::core::option::Option::Some(|tag| #path().invalidate_tag(tag)))
            }
            (_, None) => body!(::core::option::Option::Some(|tag| #instance.invalidate_tag(tag))),
        };
        let used = match (options.scope, &key.types) {
            (Scope::Shared, _) => TokenStream::new(),
            (Scope::Process | Scope::Object, Some(_)) => body!(::core::option::Option::Some(#path())),
            (Scope::Thread, Some(_)) => body!(::core::option::Option::Some(#path().cache())),
            (_, None) => {
                let key = key.type_of_stored(options);
                body!(#instance.used::<#any, #key, #value, #hasher>())
            }
        };
        let totals = match (options.scope, &key.types) {
            (Scope::Process | Scope::Object, Some(_)) => body!(#path().totals()),
            (Scope::Thread, Some(_)) => body!(#path().cache().totals()),
            (Scope::Shared, _) => body!(#private::at_once(#instance.by_thread(()).totals())),
            (_, None) => body!(#instance.totals()),
        };
        let advice = match (options.scope, &key.types) {
            (Scope::Process | Scope::Object, Some(_)) => body!(#path().advice()),
            (Scope::Thread, Some(_)) => body!(#path().cache().advice()),
            (Scope::Shared, _) => body!(#private::at_once(#instance.by_thread(()).advice())),
            (_, None) => body!(#instance.advice(|| #maxsize)),
        };
        let (maxsize, of) = (new_bound(), function.instantiation(private));
        let resize = match (&options.maxsize, options.scope, &key.types) {
            (Maxsize::Unbounded, _, _) => None,
            (_, Scope::Shared, _) => Some(body!(#private::at_once(#instance.by_thread(()).resize(#maxsize)))),
            (_, Scope::Process | Scope::Object, Some(_)) => Some(body!(#path().resize(#maxsize))),
            (_, Scope::Thread, Some(_)) => Some(body!(#path().cache().resize(#maxsize))),
            (_, _, None) => Some(body!(#instance.resize(#of, #maxsize))),
        };
        let resize_by_site = match &resize {
            Some(resize) => body!(::core::option::Option::Some(|#maxsize| #resize)),
            None => body!(::core::option::Option::None),
        };
        let whole = &parameters.compiled;
        let site = site(
            function,
            options,
            [whole, &info, &totals, &clear, &resize_by_site, &invalidate_tag],
            private,
        );
        if options.scope == Scope::Shared {
            let identity = identity(function, options, key, cached, private);
            if is_dispatched {
                let cache_of =
                    if options.advise { quote!(advising_cache_of) } else { quote!(shared_cache_of) };
                let cache = body!(#private::#cache_of(#path, #site, || #identity));
                return Self {
                    head: body!(fn #hidden(&self)),
                    body: TokenStream::new(),
                    way: None,
                    used,
                    info: body!(#private::at_once(#cache.by_thread(()).info())),
                    totals: body!(#private::at_once(#cache.by_thread(()).totals())),
                    advice: body!(#private::at_once(#cache.by_thread(()).advice())),
                    clear: body!(#private::at_once(#cache.by_thread(()).clear())),
                    resize: resize.map(|_| body!(#private::at_once(#cache.by_thread(()).resize(#maxsize)))),
                    cache,
                };
            }
            let new = if options.advise { quote!(advising) } else { quote!(new) };
            return Self {
                body: body! {
                    static __LRU_MEMO_CACHES: #private::SharedCaches = #private::SharedCaches::#new();
                    __LRU_MEMO_CACHES.of(#private::instantiation(|| ()), #site, || #identity)
                },
                head: body!(fn #hidden() -> &'static #private::SharedCache),
                cache: body!(#path()),
                way: None,
                used,
                info: when(function, body!(#path().by_task(()).info().await), info),
                totals: when(function, body!(#path().by_task(()).totals().await), totals),
                advice: when(function, body!(#path().by_task(()).advice().await), advice),
                clear: when(function, body!(#path().by_task(()).clear().await), clear),
                resize: resize
                    .map(|resize| when(function, body!(#path().by_task(()).resize(#maxsize).await), resize)),
            };
        }
        match (&key.types, options.scope) {
            (Some(KeyTypes { arguments, stored, proof }), Scope::Process) => {
                let storage = storage(arguments, value, options, private);
                let cache = body!(#private::Cache<#private::AllThreads, #storage, #stored, #value, #hasher>);
                Self {
                    body: body! {
                        #check_hasher
                        static __LRU_MEMO_CACHE: #private::Slot<#cache> = #private::Slot::new();
                        __LRU_MEMO_CACHE.get(#proof, #proof_of_value, #site)
                    },
                    head: body!(fn #hidden() -> &'static #cache),
                    cache: body!(#path()),
                    way: None,
                    used,
                    info,
                    totals,
                    advice,
                    clear,
                    resize,
                }
            }
            (Some(KeyTypes { arguments, stored, .. }), _) => {
                let storage = storage(arguments, value, options, private);
                let cache = body!(#private::Cache<#private::OneThread, #storage, #stored, #value, #hasher>);
                Self {
                    body: body! {
                        #check_hasher
                        #private::thread_local! {
                            static __LRU_MEMO_CACHE: #private::OnceCell<#private::Rc<#cache>> =
                                const { #private::OnceCell::new() };
                        }
                        #private::OfThread { local: &__LRU_MEMO_CACHE, site: #site }
                    },
                    head: body!(fn #hidden() -> #private::OfThread<#storage, #stored, #value, #hasher>),
                    cache: body!(#path().cache()),
                    way: Some(body!(#path())),
                    used,
                    info,
                    totals,
                    advice,
                    clear,
                    resize,
                }
            }
            (None, scope) if is_dispatched => Self {
                head: body!(fn #hidden(&self)),
                body: TokenStream::new(),
                cache: match scope {
                    Scope::Thread => body!(#instance.cache::<#any, _, #value, #hasher>(#site)),
                    _ => {
                        body!(#instance.cache::<#any, _, #value, #hasher>(#proof_of_key, #proof_of_value, #site))
                    }
                },
                way: None,
                used,
                info,
                totals,
                advice,
                clear,
                resize,
            },
            (None, Scope::Process) => Self {
                body: body! {
                    static __LRU_MEMO_INSTANCES: #private::Instances = #private::Instances::new();
                    __LRU_MEMO_INSTANCES.of(#private::instantiation(|| ()))
                },
                head: body!(fn #hidden() -> &'static #private::Instance),
                cache: body!(#instance.cache::<#any, _, #value, #hasher>(#proof_of_key, #proof_of_value, #site)),
                way: None,
                used,
                info,
                totals,
                advice,
                clear,
                resize,
            },
            (None, _) => Self {
                body: body! {
                    #private::thread_local! {
                        static __LRU_MEMO_INSTANCES: #private::ThreadInstances = const { #private::ThreadInstances::new() };
                    }
                    #private::ThreadInstance { instances: &__LRU_MEMO_INSTANCES, of: #private::instantiation(|| ()) }
                },
                head: body!(fn #hidden() -> #private::ThreadInstance),
                cache: body!(#instance.cache::<#any, _, #value, #hasher>(#site)),
                way: None,
                used,
                info,
                totals,
                advice,
                clear,
                resize,
            },
        }
    }
}

/// Returns the first tokens for an `async fn`, and the second ones for other functions.
fn when(function: &Function<'_>, is_async: TokenStream, is_not: TokenStream) -> TokenStream {
    if function.item.sig.asyncness.is_some() { is_async } else { is_not }
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

/// Returns a closure that describes the function to the registry.
fn site(
    function: &Function<'_>,
    options: &Options,
    [parameters, info, totals, clear, resize, invalidate_tag]: [&TokenStream; 6],
    private: &TokenStream,
) -> TokenStream {
    // At the keyword, because an editor shows what stands at the name.
    let line = options.runtime.line(function.item.sig.fn_token.span);
    let name = name_of(function, options, private);
    let of = function.instantiation(private);
    body! {
        || #private::Site {
            of: #of,
            name: || #name,
            file: ::core::file!(),
            line: #line,
            parameters: #parameters,
            info: || #info,
            totals: || #totals,
            clear: || #clear,
            resize: #resize,
            invalidate_tag: #invalidate_tag,
        }
    }
}

/// Returns the identity of the function, different for each instantiation.
fn identity(
    function: &Function<'_>,
    options: &Options,
    key: &Key,
    cached: &Cached,
    private: &TokenStream,
) -> TokenStream {
    let (tokens, value, types) = (fingerprint(function, options), &cached.value, &key.names);
    let parameters = names_of_parameters(function);
    let (is_named, is_free) = (options.name.is_some(), matches!(function.place, Setting::Free));
    let hidden = function.names.cache.to_string();
    let within = if function.may_be_dispatched() {
        let path = function.path(&function.names.cache);
        quote!(&#path)
    } else {
        quote!(&|| ())
    };
    let around = match function.place {
        Setting::Block(block) => block.generics.type_params().map(|param| &param.ident).collect(),
        _ => Vec::new(),
    };
    let arguments = function.generics.type_params().map(|param| &param.ident).chain(around);
    let of_self = quote!(::core::any::type_name::<Self>());
    let own = (!matches!(function.place, Setting::Free)).then(|| quote!(&#of_self,));
    let unseen = match function.place {
        Setting::Member => quote!(::core::option::Option::Some(#of_self)),
        _ => quote!(::core::option::Option::None),
    };
    body! {
        #private::Identity {
            tokens: #tokens,
            is_named: #is_named,
            is_free: #is_free,
            module: ::core::module_path!(),
            hidden: #hidden,
            within: ::core::any::type_name_of_val(#within),
            package: [
                ::core::option_env!("CARGO_PKG_NAME"),
                ::core::option_env!("CARGO_PKG_VERSION"),
            ],
            types: #private::names(&[
                &::core::any::type_name::<#value>(), #own #(&#types,)* #(&#parameters),*
            ]),
            arguments: #private::names(&[#(&::core::any::type_name::<#arguments>()),*]),
            own: #unseen,
            code: || (),
        }
    }
}

/// Returns the types and constants of an instantiation, as expressions that can be displayed.
fn names_of_parameters(function: &Function<'_>) -> Vec<TokenStream> {
    let names = function.generics.params.iter().filter_map(|param| match param {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(TypeParam { ident, .. }) => Some(quote!(::core::any::type_name::<#ident>())),
        GenericParam::Const(ConstParam { ident, .. }) => Some(quote!(::core::format_args!("{:?}", #ident))),
    });
    names.collect()
}
