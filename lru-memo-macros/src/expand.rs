//! Writes the memoized function and its companions.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, FnArg, Ident, ReturnType, Signature, Token, parse_quote};

use crate::block::Block;
use crate::cached::Cached;
use crate::function::{Attributes, Function, Names, Place, turbofish};
use crate::home::{Home, Parts, new_bound};
use crate::key::{Key, parts_by_reference, types_of_parts};
use crate::lookup::Returns;
use crate::options::{Options, Scope};
use crate::parameters::Parameters;

/// What the macro writes.
pub(crate) struct Expansion {
    /// What stands in the place of the function.
    pub(crate) memoized: TokenStream,
    /// What stands beside it.
    pub(crate) companions: Companions,
}

/// What stands beside a function.
#[derive(Default)]
pub(crate) struct Companions {
    /// The functions.
    pub(crate) functions: TokenStream,
    /// Beside a function of a trait: their declarations, for a trait of their own.
    pub(crate) declarations: TokenStream,
    /// Beside a function of a trait: functions of the type that forward to those which are for users.
    pub(crate) forwards: TokenStream,
}

impl Companions {
    pub(crate) fn extend(&mut self, other: Self) {
        self.functions.extend(other.functions);
        self.declarations.extend(other.declarations);
        self.forwards.extend(other.forwards);
    }
}

/// The whole expansion.
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
    let hidden = [pieces.call(), pieces.instantiation(), Some(pieces.cache())].into_iter().flatten();
    // Where an attribute is missing on the `impl` block, rustc shows the first thing that does not belong there, but
    // the last that cannot be found: that is to be the one with the telling name.
    let mut companions = Companions::default();
    for companion in hidden.chain(public) {
        companions.extend(pieces.placed(companion));
    }
    Expansion { memoized: pieces.memoized(), companions }
}

/// One function beside the memoized one.
struct Companion {
    /// Its documentation; what is hidden has none.
    doc: Option<TokenStream>,
    /// What stands on the function, and on what forwards to it.
    attributes: TokenStream,
    forward_attributes: TokenStream,
    signature: Signature,
    /// The signature, all of its parameters named.
    declaration: Signature,
    body: TokenStream,
}

/// `quote!` for function bodies: its local variables cannot meet the user's. Their names begin with `__lru_memo_`, for
/// a pattern with the name of a constant, a static or a unit struct means that.
macro_rules! body {
    ($($tokens:tt)*) => { quote_spanned!(Span::mixed_site()=> $($tokens)*) };
}
pub(crate) use body;

/// The pieces from which the generated functions are put together.
pub(crate) struct Pieces<'a> {
    pub(crate) function: &'a Function<'a>,
    pub(crate) options: &'a Options,
    pub(crate) attributes: Attributes,
    pub(crate) private: TokenStream,
    pub(crate) key: Key,
    pub(crate) cached: Cached,
    parameters: Parameters,
    pub(crate) home: Home,
    /// Clones a value, or makes it bytes and back; its span is the return type.
    pub(crate) clone: TokenStream,
}

impl<'a> Pieces<'a> {
    fn of(options: &'a Options, function: &'a Function<'a>) -> Self {
        let private = options.runtime.at(Span::call_site());
        let key = Key::of(function, options);
        let cached = Cached::of(function, options);
        let parameters = Parameters::of(function, options, &private);
        let home = Home::of(Parts {
            function,
            options,
            key: &key,
            cached: &cached,
            parameters: &parameters,
            private: &private,
        });
        let at = function.output.span();
        // Seen as generated, so that no change to it is suggested.
        let at = at.resolved_at(Span::call_site());
        let (here, value) = (options.runtime.at(at), &cached.value);
        // A pointer: `Clone` is asked for here and not also where it is handed over, and all functions with the same
        // types share one copy of what is called with it.
        let clone = match options.scope {
            Scope::Shared => quote_spanned!(at=> #here::codec::<#value>()),
            _ => quote_spanned!(at=> #here::clone_value::<#value> as fn(&_) -> _),
        };
        let attributes = Attributes::sort(&function.item.attrs);
        Self { function, options, attributes, private, key, cached, parameters, home, clone }
    }

    /// The function itself under its own name.
    fn memoized(&self) -> TokenStream {
        let mut signature = self.function.item.sig.clone();
        signature.inputs = self.function.own_inputs();
        let body = if self.function.has_impl_trait {
            // A parameter without a name cannot be handed on to the function that finds the cache.
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

    /// The memoized function with all of its parameters named, where it hides some.
    fn call(&self) -> Option<Companion> {
        let signature = self.like_the_function(&self.function.names.call);
        let track_caller = &self.attributes.track_caller;
        self.function.has_impl_trait.then(|| {
            let mut call = self.hidden(signature, self.lookup(Returns::Value));
            call.attributes.extend(quote!(#(#track_caller)*));
            call
        })
    }

    fn uncached(&self) -> Companion {
        let mut signature = self.function.item.sig.clone();
        signature.ident = self.function.names.uncached.clone();
        let mut declaration = signature.clone();
        declaration.inputs = self.function.own_inputs();
        let block = &self.function.item.block;
        let (statements, bindings) = (&block.stmts, self.function.bindings());
        let uses_by_key = self.uses_by_key();
        let doc = self.doc("Runs [`{}`] itself: touches no cache and no counter, as Python's `__wrapped__`.");
        let Attributes { inner, alike, all, .. } = &self.attributes;
        let (allow, unused) = (allow_of_documented(), allow_of_generated());
        Companion {
            doc: Some(doc),
            // That it could be a `const fn` is of no use to the memoized one.
            attributes: quote!(#(#inner)* #allow #[allow(clippy::missing_const_for_fn, clippy::must_use_candidate)]),
            forward_attributes: quote!(#(#all)* #(#alike)* #allow #unused),
            signature,
            declaration,
            body: in_braces_of(block, quote!(#bindings #uses_by_key #(#statements)*)),
        }
    }

    fn info(&self) -> Companion {
        let (Self { private, home, .. }, Names { info, .. }) = (self, &self.function.names);
        let doc = self.doc("The hits, misses and size of the cache of [`{}`].");
        let owner = self.owner();
        let signature = self.function.companion(quote!(fn #info(#owner) -> #private::CacheInfo));
        let info = &home.info;
        self.companion(doc, signature, body!(#info))
    }

    fn totals(&self) -> Companion {
        let (Self { private, home, .. }, Names { totals, .. }) = (self, &self.function.names);
        let doc =
            self.doc("What the cache of [`{}`] has done since it was made, and how long its runs took.");
        let owner = self.owner();
        let signature = self.function.companion(quote!(fn #totals(#owner) -> #private::CacheTotals));
        let totals = &home.totals;
        self.companion(doc, signature, body!(#totals))
    }

    fn advice(&self) -> Companion {
        let (Self { private, home, .. }, Names { advice, .. }) = (self, &self.function.names);
        let doc =
            self.doc("The hit ratios that the cache of [`{}`] would have had with any other `maxsize`.");
        let owner = self.owner();
        let signature = self.function.companion(quote!(fn #advice(#owner) -> #private::CacheAdvice));
        let advice = &home.advice;
        self.companion(doc, signature, body!(#advice))
    }

    fn near_info(&self) -> Companion {
        let (Self { private, home, .. }, Names { near_info, .. }) = (self, &self.function.names);
        let doc = self.doc("The hits, misses and size of the near cache that this process has of [`{}`].");
        let signature = self.function.companion(quote!(fn #near_info() -> #private::CacheInfo));
        let cache = &home.cache;
        self.companion(doc, signature, body!(#cache.near_info()))
    }

    fn clear(&self) -> Companion {
        let (home, Names { clear, .. }) = (&self.home, &self.function.names);
        let doc = self.doc("Drops every entry of the cache of [`{}`] and zeroes its counters.");
        let owner = self.owner();
        let signature = self.function.companion(quote!(fn #clear(#owner)));
        let clear = &home.clear;
        self.companion(doc, signature, body!(#clear;))
    }

    /// Not where there is no bound.
    fn resize(&self) -> Option<Companion> {
        let (body, Names { resize, .. }) = (self.home.resize.as_ref()?, &self.function.names);
        let doc = self.doc(
            "Changes how many entries the cache of [`{}`] may hold; evicts the least recent ones if it holds more.",
        );
        // It must not be named as one of the user's.
        let (new, owner) = (new_bound(), self.owner().into_iter());
        let head = quote!(fn #resize(#(#owner,)* #new: ::core::primitive::usize));
        Some(self.companion(doc, self.function.companion(head), body!(#body;)))
    }

    fn parameters(&self) -> Companion {
        let (Self { private, home, parameters: values, .. }, Names { parameters, .. }) =
            (self, &self.function.names);
        let doc = self.doc("The configuration of the cache of [`{}`].");
        let owner = self.owner();
        let signature = self.function.companion(quote!(fn #parameters(#owner) -> #private::CacheParameters));
        let whole = match &self.options.object {
            Some(object) => &object.parameters(self.function, self.options, values, private),
            // The store has the present bound.
            None if self.is_shared() && home.resize.is_some() => {
                let (whole, cache) = (&values.whole, &home.cache);
                match self.function.item.sig.asyncness {
                    Some(_) => &body!(#cache.by_task(()).parameters(#whole).await),
                    None => &body!(#private::at_once(#cache.by_thread(()).parameters(#whole))),
                }
            }
            None => &values.whole,
        };
        self.companion(doc, signature, body!(#whole))
    }

    fn invalidate(&self) -> Companion {
        let (inputs, Names { invalidate, .. }) = (self.inputs_for_key(), &self.function.names);
        let doc = self.doc("Removes one entry from the cache of [`{}`]; says whether it was there.");
        let signature = self.function.companion(quote!(fn #invalidate(#inputs) -> ::core::primitive::bool));
        self.companion(doc, signature, self.answer(quote!(invalidate), &TokenStream::new()))
    }

    /// Not where the store has the entries, nor where the type of the key is known to the compiler alone.
    fn invalidate_if(&self) -> Option<Companion> {
        let stored = self.key.stored.as_ref().filter(|_| !self.is_shared())?;
        let Names { invalidate_if, .. } = &self.function.names;
        let Self { cached: Cached { value, .. }, home, .. } = self;
        let doc = self.doc(
            "Removes the entries of the cache of [`{}`] for which a predicate holds, and says how many. The predicate gets the key as `weigh` does: a reference, or a tuple of references.",
        );
        // It must not be named as one of the user's.
        let new = Ident::new("__lru_memo_predicate", Span::mixed_site());
        let (key, parts) = (types_of_parts(stored), parts_by_reference(self.key.parts));
        let predicate = quote!(impl ::core::ops::FnMut(#key, &#value) -> ::core::primitive::bool);
        let owner = self.owner().into_iter();
        let head = quote!(fn #invalidate_if(#(#owner,)* #new: #predicate) -> ::core::primitive::usize);
        let mut signature = self.function.companion(head);
        if signature.receiver().is_some() && self.function.may_be_dispatched() {
            // A `dyn Trait` has no generic methods.
            signature.generics.make_where_clause().predicates.push(parse_quote!(Self: ::core::marker::Sized));
        }
        let used = &home.used;
        let body = body! {
            match #used {
                ::core::option::Option::Some(__lru_memo_cache) => {
                    let mut __lru_memo_predicate = #new;
                    __lru_memo_cache.invalidate_if(|__lru_memo_key, __lru_memo_value| {
                        __lru_memo_predicate(#parts, __lru_memo_value)
                    })
                }
                ::core::option::Option::None => 0,
            }
        };
        Some(self.companion(doc, signature, body))
    }

    fn peek(&self) -> Companion {
        let (inputs, Names { peek, .. }) = (self.inputs_for_key(), &self.function.names);
        let Self { clone, cached: Cached { value, .. }, .. } = self;
        let doc = self
            .doc("The value that the cache of [`{}`] holds, if any; touches neither recency nor counters.");
        let signature = self.function.companion(quote!(fn #peek(#inputs) -> ::core::option::Option<#value>));
        self.companion(doc, signature, self.answer(quote!(peek), clone))
    }

    fn put(&self) -> Companion {
        let (mut inputs, Names { put, .. }) = (self.inputs_for_key(), &self.function.names);
        let value = &self.cached.value;
        let doc = self
            .doc("Stores a value for [`{}`] as its most recent, replacing an older one; touches no counter.");
        // It must not be named as one of the user's.
        let new = Ident::new("__lru_memo_value", Span::mixed_site());
        inputs.push(parse_quote!(#new: #value));
        let signature = self.function.companion(quote!(fn #put(#inputs)));
        let how = if self.is_shared() { self.clone.clone() } else { self.weigh() };
        let ttl_of = self.ttl_of();
        let put = match self.texts_of_tags() {
            Some(texts) => quote!(with_tags(#texts).put),
            None => quote!(put),
        };
        self.companion(doc, signature, self.answer(put, &quote!(#new, #how, #ttl_of)))
    }

    fn refresh(&self) -> Companion {
        let Names { refresh, .. } = &self.function.names;
        let (kind, output) = (&self.cached.kind, &self.function.output);
        let doc = self.doc(
            "Runs [`{}`] and stores its value as the most recent; counts neither hit nor miss. Callers hit the old value meanwhile.",
        );
        let run = self.run(self.function.path_to_itself(), &self.function.handed_on());
        let hooks = self.hooks();
        let complete =
            self.finished(body!(__lru_memo_miss.complete::<#kind, #output>(__lru_memo_returned, #hooks)));
        let look_up = self.ask(quote!(refresh), &TokenStream::new());
        let before_run = self.before_run();
        let body = body! {
            #look_up
            let mut __lru_memo_miss = __lru_memo_found;
            #before_run
            let __lru_memo_returned = #run;
            #complete
        };
        self.calling(self.companion(doc, self.like_the_function(refresh), body))
    }

    fn with_outcome(&self) -> Companion {
        let Self { private, .. } = self;
        let doc = self.doc("Calls [`{}`] and tells the outcome of the call as well.");
        let mut signature = self.like_the_function(&self.function.names.with_outcome);
        let output = match &signature.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, ty) => ty.to_token_stream(),
        };
        signature.output = parse_quote!(-> (#output, #private::Outcome));
        self.calling(self.companion(doc, signature, self.lookup(Returns::WithOutcome)))
    }

    /// A companion that takes what the function takes, and may run it.
    fn calling(&self, mut companion: Companion) -> Companion {
        let alike = &self.attributes.alike;
        companion.attributes.extend(quote!(#(#alike)*));
        companion.forward_attributes.extend(quote!(#(#alike)*));
        companion
    }

    /// The function that tells instantiations apart, where [`Function::instantiation`] calls it.
    fn instantiation(&self) -> Option<Companion> {
        let Self { private, function, .. } = self;
        let name = &function.names.instantiation;
        let signature = function.companion(quote!(fn #name() -> #private::TypeId));
        let uses_itself = self.uses_itself();
        let body = || body!(#uses_itself #private::instantiation(|| ()));
        matches!(function.place, Place::Free).then(|| self.hidden(signature, body()))
    }

    /// The function that leads to the cache. It names the memoized function: whoever uses a companion uses that, too.
    fn cache(&self) -> Companion {
        let Home { head, body, .. } = &self.home;
        let signature = self.function.companion(head.clone());
        let uses_itself = self.uses_itself();
        let mut companion = self.hidden(signature, quote!(#uses_itself #body));
        companion.attributes.extend(quote!(#[inline]));
        companion
    }

    /// The parameter of the companions that ask for no key: the object that has the cache, if one has.
    fn owner(&self) -> Option<FnArg> {
        self.options.object.as_ref().and_then(|object| object.owner_input(self.function))
    }

    /// The parameters of the companions that ask for a key.
    fn inputs_for_key(&self) -> Punctuated<FnArg, Token![,]> {
        match &self.options.object {
            Some(object) => object.inputs(self.function),
            None => self.function.inputs_of_key(None),
        }
    }

    /// The signature of the function under another name, all of its parameters and arguments named.
    fn like_the_function(&self, name: &Ident) -> Signature {
        let mut signature = self.function.item.sig.clone();
        signature.ident = name.clone();
        signature.generics = self.function.generics.clone();
        signature.inputs = self.function.inputs();
        signature.abi = None;
        signature
    }

    /// A function that is generated for users beside the memoized one.
    fn companion(&self, doc: TokenStream, mut signature: Signature, body: TokenStream) -> Companion {
        if self.is_shared() {
            // The store may be far away.
            signature.asyncness = self.function.item.sig.asyncness;
        }
        let (all, allow, unused) = (&self.attributes.all, allow_of_documented(), allow_of_generated());
        let attributes = quote!(#(#all)* #allow #unused);
        let forward_attributes = attributes.clone();
        let (declaration, bindings) = (signature.clone(), self.function.bindings());
        let body = quote!({ #bindings #body });
        Companion { doc: Some(doc), attributes, forward_attributes, signature, declaration, body }
    }

    /// A function that is generated for the memoized one.
    fn hidden(&self, signature: Signature, body: TokenStream) -> Companion {
        let asyncness = signature.asyncness;
        let mut companion = self.companion(TokenStream::new(), signature, body);
        (companion.signature.asyncness, companion.declaration.asyncness) = (asyncness, asyncness);
        Companion { doc: None, ..companion }
    }

    /// Uses the arguments that the key or the tags are made of, and the object that has the cache: the function itself
    /// may have no other use for them.
    fn uses_by_key(&self) -> TokenStream {
        let owner = self.options.object.iter().map(|object| &object.owner);
        let expressions = self.options.key.iter().chain(&self.options.tags);
        let expressions: TokenStream = expressions.map(ToTokens::to_token_stream).collect();
        let arguments = self.function.arguments.iter().filter(|argument| argument.is_named);
        let names = arguments.map(|argument| &argument.name);
        let names = names.filter(|name| mentions_ident(expressions.clone(), name));
        body!(#(let _ = &#owner;)* #(let _ = &#names;)*)
    }

    /// A companion where it belongs.
    fn placed(&self, companion: Companion) -> Companions {
        let Companion { doc, attributes, forward_attributes, signature, declaration, body } = companion;
        let Place::Block(block @ Block { implemented: Some(implemented), .. }) = self.function.place else {
            let vis = doc.is_some().then_some(&self.function.item.vis);
            let head = quote!(#vis #signature);
            // Lints are about what the user wrote: the body in the uncached function, too.
            let is_written = signature.ident == self.function.names.uncached;
            let (permit, function) = match self.is_seen_as_used() && !is_written {
                true => (None, in_the_macros_name(head)),
                false => (Some(quote!(#[allow(dead_code)])), head),
            };
            let doc = doc.unwrap_or_else(|| quote!(#[doc(hidden)]));
            return Companions {
                functions: quote!(#doc #attributes #permit #function #body),
                ..Companions::default()
            };
        };
        let all = &self.attributes.all;
        let forwards = doc.filter(|_| implemented.forwards).map(|doc| {
            let mut signature = declaration.clone();
            block.spell_in_forward(&mut signature);
            let (prefix, name, turbofish) =
                (block.prefix(), &signature.ident, turbofish(&signature.generics));
            let arguments = signature.inputs.iter().map(argument_to_hand_on);
            let call = call(&signature, quote!(#prefix #name #turbofish), &quote!(#(#arguments),*));
            // Where two traits have a memoized function of one name, the compiler points there.
            let at = self.function.item.sig.ident.span();
            let forward = quote_spanned!(at=> pub #signature { #call }).into_iter().map(|mut token| {
                // The edition of a path is that of its colons.
                let is_colon = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ':');
                token.set_span(if is_colon { at.resolved_at(token.span()) } else { at });
                token
            });
            quote!(#doc #forward_attributes #[allow(dead_code)] #(#forward)*)
        });
        let mut declaration = declaration;
        block.spell_in_declaration(&mut declaration);
        Companions {
            functions: quote!(#attributes #[allow(dead_code)] #signature #body),
            declarations: quote!(#(#all)* #declaration;),
            forwards: forwards.unwrap_or_default(),
        }
    }

    /// Whether rustc finds out by itself that the function is used where only its companions are. It does not warn of
    /// unused companions, because their names are the macro's. Beside other methods it would then not warn of those
    /// either, so companions that are methods are permitted to be unused instead. A function with `impl Trait` cannot be
    /// named without a call.
    fn is_seen_as_used(&self) -> bool {
        matches!(self.function.place, Place::Free) && !self.function.has_impl_trait
    }

    /// A call of the function that is never made, unless its user expects it to be unused; with arguments that have any type. A call, because of several
    /// functions that cannot be found rustc shows the last one, but shows all names that are not called.
    fn uses_itself(&self) -> Option<TokenStream> {
        let lint = Ident::new("dead_code", Span::call_site());
        let is_expected = |attribute: &Attribute| mentions_ident(attribute.to_token_stream(), &lint);
        if !self.is_seen_as_used() || self.function.item.attrs.iter().any(is_expected) {
            return None;
        }
        let signature = &self.function.item.sig;
        let mut name = signature.ident.clone();
        name.set_span(Span::call_site());
        let path = self.function.path(&name);
        let arguments = signature.inputs.iter().map(|_| body!(loop {}));
        let call = body!(#path(#(#arguments),*));
        let call = match signature.safety {
            syn::Safety::Unsafe(_) => body!(unsafe { #call }),
            _ => call,
        };
        Some(body!(#[allow(deprecated, unreachable_code)] let _ = || #call;))
    }

    /// A doc comment, `{}` in it standing for the function's name.
    fn doc(&self, text: &str) -> TokenStream {
        let name = self.function.item.sig.ident.to_string();
        let name = match self.function.place {
            Place::Free => name,
            _ => format!("Self::{name}"),
        };
        let text = text.replace("{}", &name);
        quote!(#[doc = #text])
    }
}

/// Whether tokens have this name among them, also as what a format string captures.
pub(crate) fn mentions_ident(tokens: TokenStream, name: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => mentions_ident(group.stream(), name),
        TokenTree::Literal(literal) => {
            let text = literal.to_string();
            text.contains(&format!("{{{name}}}")) || text.contains(&format!("{{{name}:"))
        }
        TokenTree::Punct(_) => false,
    })
}

/// Permits the sections that stand in the documentation of the memoized function alone.
fn allow_of_documented() -> TokenStream {
    quote!(#[allow(clippy::missing_errors_doc, clippy::missing_panics_doc, clippy::missing_safety_doc)])
}

/// Permits what users have not written.
fn allow_of_generated() -> TokenStream {
    quote!(#[allow(unused_variables, unused_lifetimes, clippy::extra_unused_lifetimes, clippy::extra_unused_type_parameters, clippy::used_underscore_binding, clippy::needless_pass_by_value, clippy::too_many_arguments, clippy::must_use_candidate, clippy::type_complexity, clippy::unused_async)])
}

/// Marks the head of a function up to its name as written by the macro, whoever has written its parts.
fn in_the_macros_name(head: TokenStream) -> TokenStream {
    let mut is_after_name = false;
    let mut is_after_fn = false;
    head.into_iter()
        .map(|mut token| {
            if !is_after_name {
                token.set_span(token.span().resolved_at(Span::call_site()));
                is_after_name = is_after_fn;
                is_after_fn = matches!(&token, TokenTree::Ident(ident) if ident == "fn");
            }
            token
        })
        .collect()
}

/// A body in the user's braces: the compiler does not warn of dead code in those of a macro.
fn in_braces_of(block: &syn::Block, body: TokenStream) -> TokenStream {
    let mut group = Group::new(Delimiter::Brace, body);
    group.set_span(block.brace_token.span.join());
    group.into_token_stream()
}

/// Calls a function as its signature demands: `async`, `unsafe` or plain.
pub(crate) fn call(signature: &Signature, path: TokenStream, arguments: &TokenStream) -> TokenStream {
    let call = body!(#path(#arguments));
    let call = if signature.asyncness.is_some() { body!(#call.await) } else { call };
    match signature.safety {
        syn::Safety::Unsafe(_) => body!(unsafe { #call }),
        _ => call,
    }
}

/// The argument to hand on for a parameter that is nothing but a name.
fn argument_to_hand_on(input: &FnArg) -> TokenStream {
    match input {
        FnArg::Receiver(receiver) => receiver.self_token.to_token_stream(),
        FnArg::Typed(typed) => typed.pat.to_token_stream(),
    }
}
