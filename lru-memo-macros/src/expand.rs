//! Writes the memoized function and what stands beside it.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{FnArg, GenericArgument, Ident, ItemFn, PathArguments, Signature, Type, parse_quote};

use crate::options::{Home, Maxsize, Options, Scope};
use crate::shape::{peel, shape, with_elided_lifetimes};
use crate::signature::{Attributes, Names, arguments, output};

/// The pieces from which the generated functions are put together.
struct Pieces<'a> {
    function: &'a ItemFn,
    options: &'a Options,
    names: Names,
    attributes: Attributes,
    private: TokenStream,
    /// `x: u32, name: &str`, every argument with a name.
    inputs: Punctuated<FnArg, syn::Token![,]>,
    /// `x, name`.
    arguments: TokenStream,
    /// Makes the key from the arguments, borrowing them.
    key: TokenStream,
    /// The stored form of the key.
    key_type: TokenStream,
    /// Proves that the key may be shared between threads.
    key_is_shared: TokenStream,
    /// The types of the arguments that make the key, in the form of the key.
    key_arguments: TokenStream,
    output: Type,
    cached: Cached,
    /// Clones a value; its span is the return type.
    clone: TokenStream,
}

/// What of the output is cached.
struct Cached {
    /// Whether the output is a `Result`, as the type `Is<..>`.
    kind: TokenStream,
    value: TokenStream,
}

/// The whole expansion.
pub(crate) fn expand(options: &Options, function: &ItemFn) -> TokenStream {
    let pieces = Pieces::of(options, function);
    let mut tokens = TokenStream::new();
    for function in [
        Pieces::memoized,
        Pieces::uncached,
        Pieces::info,
        Pieces::clear,
        Pieces::parameters,
        Pieces::invalidate,
        Pieces::peek,
        Pieces::put,
        Pieces::refresh,
        Pieces::cache,
    ] {
        tokens.extend(function(&pieces));
    }
    tokens
}

/// `quote!` for function bodies: its local variables cannot meet the user's.
macro_rules! body {
    ($($tokens:tt)*) => { quote_spanned!(Span::mixed_site()=> $($tokens)*) };
}

impl<'a> Pieces<'a> {
    fn of(options: &'a Options, function: &'a ItemFn) -> Self {
        let home = &options.home;
        let all = arguments(function);
        let (mut key, mut key_type) = (quote!(()), quote!(()));
        let (mut key_is_shared, mut key_arguments) = (quote!(()), quote!(()));
        for argument in all.iter().rev() {
            let (name, ty) = (&argument.name, &argument.ty);
            let at = ty.span();
            let part = shape(ty, home);
            let (how, stored) = (part.how, part.stored);
            let ty = with_elided_lifetimes(ty);
            let here = home.at(at);
            key = quote_spanned!(at=> (#here::part::<#how, #ty, _, _>(&#name), #key));
            key_type = quote!((#stored, #key_type));
            key_arguments = quote!((#ty, #key_arguments));
            key_is_shared = quote_spanned!(at=> (#here::shareable::<#stored>(), #key_is_shared));
        }
        let output = output(function);
        let at = output.span();
        // Seen as generated, so that no change to it is suggested.
        let generated = home.at(at.resolved_at(Span::call_site()));
        let cached = Cached::of(&output, home);
        let value = &cached.value;
        Self {
            names: Names::beside(&function.sig.ident),
            attributes: Attributes::sort(function),
            function,
            options,
            inputs: all
                .iter()
                .map::<FnArg, _>(|argument| parse_quote!(#argument))
                .collect(),
            arguments: all
                .iter()
                .map(|argument| &argument.name)
                .map(|name| quote!(#name,))
                .collect(),
            key,
            key_type,
            key_is_shared,
            key_arguments,
            // A closure, so that `Clone` is asked for here and not also where this is handed over.
            clone: {
                let it = Ident::new("value", Span::mixed_site());
                quote_spanned!(at=> |#it| #generated::clone_value::<#value>(#it))
            },
            cached,
            output,
            private: home.at(Span::call_site()),
        }
    }

    /// The function itself under its own name: looks up, and runs the body on a miss.
    fn memoized(&self) -> TokenStream {
        let Self {
            private,
            arguments,
            key,
            output,
            clone,
            ..
        } = self;
        let Names { uncached, cache, .. } = &self.names;
        let kind = &self.cached.kind;
        let mut signature = self.function.sig.clone();
        signature.inputs = self.inputs.clone();
        let body = body! {
            let cache = #cache();
            match cache.get(#key, #clone) {
                ::core::result::Result::Ok(value) => <#output as #private::Outcome<#kind>>::from_value(value),
                ::core::result::Result::Err(miss) => miss.complete::<#kind, #output>(#uncached(#arguments), #clone),
            }
        };
        let (attributes, vis) = (&self.attributes.outer, &self.function.vis);
        // In the user's braces, because the compiler does not warn of dead code in those of a macro.
        let mut block = Group::new(Delimiter::Brace, body);
        block.set_span(self.function.block.brace_token.span.join());
        quote!(#(#attributes)* #vis #signature #block)
    }

    fn uncached(&self) -> TokenStream {
        let mut signature = self.function.sig.clone();
        signature.ident = self.names.uncached.clone();
        let block = &self.function.block;
        let doc = self.doc("Runs [`{}`] itself: touches no cache and no counter, as Python's `__wrapped__`.");
        let (attributes, vis) = (&self.attributes.inner, &self.function.vis);
        quote!(#doc #(#attributes)* #vis #signature #block)
    }

    fn info(&self) -> TokenStream {
        let Self {
            private,
            names: Names { info, cache, .. },
            ..
        } = self;
        let doc = self.doc("The hits, misses and size of the cache of [`{}`].");
        let signature = self.signature(quote!(fn #info() -> #private::CacheInfo));
        self.companion(doc, signature, body!(#cache().info()))
    }

    fn clear(&self) -> TokenStream {
        let Names { clear, cache, .. } = &self.names;
        let doc = self.doc("Drops every entry of the cache of [`{}`] and zeroes its counters.");
        let signature = self.signature(quote!(fn #clear()));
        self.companion(doc, signature, body!(#cache().clear()))
    }

    fn parameters(&self) -> TokenStream {
        let Self {
            private,
            names: Names { parameters, .. },
            ..
        } = self;
        let maxsize = match &self.options.maxsize {
            Maxsize::Unbounded => body!(::core::option::Option::None),
            Maxsize::Bounded(maxsize) => {
                let at = maxsize.span();
                let maxsize = quote_spanned!(at=> const { #maxsize });
                body!(::core::option::Option::Some(#maxsize))
            }
        };
        let typed = self.options.typed;
        let scope = match self.options.scope {
            Scope::Process => body!(Process),
            Scope::Thread => body!(Thread),
        };
        let doc = self.doc("The configuration of the cache of [`{}`].");
        let signature = self.signature(quote!(fn #parameters() -> #private::CacheParameters));
        let body = body! {
            #private::CacheParameters::new(#maxsize, #typed, <#private::Scope>::#scope, ::core::option::Option::None)
        };
        self.companion(doc, signature, body)
    }

    fn invalidate(&self) -> TokenStream {
        let Self {
            inputs,
            key,
            names: Names {
                invalidate, cache, ..
            },
            ..
        } = self;
        let doc = self.doc("Removes one entry from the cache of [`{}`]; says whether it was there.");
        let signature = self.signature(quote!(fn #invalidate(#inputs) -> ::core::primitive::bool));
        self.companion(doc, signature, body!(#cache().invalidate(#key)))
    }

    fn peek(&self) -> TokenStream {
        let Self {
            inputs,
            key,
            clone,
            cached: Cached { value, .. },
            names: Names { peek, cache, .. },
            ..
        } = self;
        let doc = self
            .doc("The value that the cache of [`{}`] holds, if any; touches neither recency nor counters.");
        let signature = self.signature(quote!(fn #peek(#inputs) -> ::core::option::Option<#value>));
        self.companion(doc, signature, body!(#cache().peek(#key, #clone)))
    }

    fn put(&self) -> TokenStream {
        let Self {
            inputs,
            key,
            cached: Cached { value, .. },
            names: Names { put, cache, .. },
            ..
        } = self;
        let doc = self
            .doc("Stores a value for [`{}`] as its most recent, replacing an older one; touches no counter.");
        // The last parameter must not be named as one of the user's.
        let new = Ident::new("value", Span::mixed_site());
        let comma = (!inputs.is_empty()).then(|| quote!(,));
        let signature = self.signature(quote!(fn #put(#inputs #comma #new: #value)));
        self.companion(doc, signature, body!(#cache().put(#key, #new)))
    }

    fn refresh(&self) -> TokenStream {
        let Self {
            arguments,
            key,
            clone,
            output,
            ..
        } = self;
        let Names {
            refresh,
            uncached,
            cache,
            ..
        } = &self.names;
        let kind = &self.cached.kind;
        let doc = self.doc(
            "Runs [`{}`] and stores its value as the most recent; counts neither hit nor miss. Callers hit the old value meanwhile.",
        );
        let mut signature = self.function.sig.clone();
        signature.ident = refresh.clone();
        signature.inputs = self.inputs.clone();
        signature.abi = None;
        let body = body! {
            let cache = #cache();
            let miss = cache.refresh(#key);
            miss.overwrite::<#kind, #output>(#uncached(#arguments), #clone)
        };
        let alike = &self.attributes.alike;
        self.companion(quote!(#doc #(#alike)*), signature, body)
    }

    /// The function that finds the cache, and makes it on first use.
    fn cache(&self) -> TokenStream {
        let Self {
            private,
            key_type,
            key_is_shared,
            output,
            ..
        } = self;
        let Names {
            cache,
            info,
            clear,
            parameters,
            ..
        } = &self.names;
        let value = &self.cached.value;
        let name = &self.function.sig.ident;
        let text = name.unraw().to_string();
        let at = name.span();
        let line = quote_spanned!(at=> ::core::line!());
        let site = body! {
            || #private::Site {
                name: ::core::concat!(::core::module_path!(), "::", #text),
                file: ::core::file!(),
                line: #line,
                parameters: #parameters(),
                info: #info,
                clear: #clear,
            }
        };
        let storage = self.storage();
        let at = output.span();
        let (body, result) = match self.options.scope {
            Scope::Process => {
                let here = self.options.home.at(at);
                let value_is_shared = quote_spanned!(at=> #here::shareable::<#value>());
                let cache = body!(#private::Cache<#private::AllThreads, #storage, #key_type, #value, #private::DefaultHasher>);
                let body = body! {
                    static CACHE: #private::Slot<#cache> = #private::Slot::new();
                    CACHE.get(#key_is_shared, #value_is_shared, #site)
                };
                (body, body!(&'static #cache))
            }
            Scope::Thread => {
                let cache = body!(#private::Cache<#private::OneThread, #storage, #key_type, #value, #private::DefaultHasher>);
                let body = body! {
                    #private::thread_local! {
                        static CACHE: #private::Rc<#cache> = #private::Rc::new(#private::Cache::new(#parameters().maxsize));
                    }
                    static REGISTRATION: #private::Registration = #private::Registration::new();
                    #private::thread_cache(&CACHE, &REGISTRATION, #site)
                };
                (body, body!(#private::Rc<#cache>))
            }
        };
        let signature = self.signature(quote!(fn #cache() -> #result));
        let all = &self.attributes.all;
        quote!(#[doc(hidden)] #[inline] #(#all)* #signature { #body })
    }

    /// How entries are kept: in the slab itself when the arguments and the value are plain.
    fn storage(&self) -> TokenStream {
        let Self {
            private,
            key_arguments,
            cached: Cached { value, .. },
            ..
        } = self;
        quote! {
            #private::Kept<{
                #[allow(unused_imports)]
                use #private::NotPlain as _;
                #private::Plainness::<#key_arguments, #value>::IS_PLAIN
            }>
        }
    }

    /// A signature with the generics of the function.
    fn signature(&self, head: TokenStream) -> Signature {
        parse_quote!(#head)
    }

    /// A function that is generated for users beside the memoized one.
    fn companion(&self, doc: TokenStream, signature: Signature, body: TokenStream) -> TokenStream {
        let all = &self.attributes.all;
        let vis = &self.function.vis;
        quote! {
            #doc
            #(#all)*
            #[allow(dead_code, clippy::needless_pass_by_value, clippy::too_many_arguments, clippy::must_use_candidate)]
            #vis #signature { #body }
        }
    }

    /// A doc comment, `{}` in it standing for the function's name.
    fn doc(&self, text: &str) -> TokenStream {
        let text = text.replace("{}", &self.function.sig.ident.to_string());
        quote!(#[doc = #text])
    }
}

impl Cached {
    fn of(output: &Type, home: &Home) -> Self {
        let private = home.at(output.span());
        let whole = Self {
            kind: quote!(#private::Is<false>),
            value: output.to_token_stream(),
        };
        let Type::Path(path) = peel(output) else {
            return whole;
        };
        let Some(last) = path.path.segments.last() else {
            return whole;
        };
        // By name only where it cannot be another type: one may have a `Result` of one's own.
        let is_std = path.path.segments.iter().rev().nth(1).is_some_and(|module| module.ident == "result");
        if last.ident == "Result" && is_std {
            if let PathArguments::AngleBracketed(arguments) = &last.arguments {
                let first = arguments.args.iter().find_map(|argument| match argument {
                    GenericArgument::Type(ty) => Some(ty.to_token_stream()),
                    _ => None,
                });
                if let Some(value) = first {
                    return Self {
                        kind: quote!(#private::Is<true>),
                        value,
                    };
                }
            }
        }
        const PRIMITIVES: [&str; 17] = [
            "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32",
            "f64", "bool", "char", "String",
        ];
        if path
            .path
            .get_ident()
            .is_some_and(|ident| PRIMITIVES.iter().any(|primitive| ident == primitive))
        {
            return whole;
        }
        let at = output.span();
        let kind = quote_spanned! {at=>
            #private::Is<{
                #[allow(unused_imports)]
                use #private::NotResult as _;
                #private::Probe::<#output>::IS_RESULT
            }>
        };
        Self {
            value: quote_spanned!(at=> #private::Value<#output, #kind>),
            kind,
        }
    }
}
