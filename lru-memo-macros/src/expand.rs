//! Writes the memoized function and its companions.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, FnArg, Ident, Signature, Token};

use crate::attributes::Attributes;
use crate::block::Block;
use crate::cached::Cached;
use crate::function::{Function, Setting};
use crate::generics::turbofish;
use crate::home::{Home, Parts};
use crate::key::Key;
use crate::lookup::Returns;
use crate::options::{Options, Scope};
use crate::parameters::Parameters;

/// The output of the macro.
pub(crate) struct Expansion {
    /// The memoized function, in place of the original one.
    pub(crate) memoized: TokenStream,
    /// The functions beside it.
    pub(crate) companions: Companions,
}

/// The functions beside a memoized one.
#[derive(Default)]
pub(crate) struct Companions {
    /// The functions themselves.
    pub(crate) functions: TokenStream,
    /// For a function of a trait: their declarations, in a trait of their own.
    pub(crate) declarations: TokenStream,
    /// For a function of a trait: functions of the type, which forward to the companions.
    pub(crate) forwards: TokenStream,
}

impl Companions {
    pub(crate) fn extend(&mut self, other: Self) {
        self.functions.extend(other.functions);
        self.declarations.extend(other.declarations);
        self.forwards.extend(other.forwards);
    }
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
        [pieces.call(), pieces.instantiation(), Some(pieces.cache()), pieces.missed()].into_iter().flatten();
    // If the attribute is missing on the `impl` block, rustc shows the first function that does not belong there, and of the
    // names that it cannot find the last one. Both have to be the name that says what to do.
    let mut companions = Companions::default();
    for companion in hidden.chain(public) {
        companions.extend(pieces.placed(companion));
    }
    Expansion { memoized: pieces.memoized(), companions }
}

/// A function beside the memoized one.
pub(crate) struct Companion {
    /// Its documentation. Hidden functions have none.
    pub(crate) doc: Option<TokenStream>,
    /// The attributes of the function, and of the function that forwards to it.
    pub(crate) attributes: TokenStream,
    pub(crate) forward_attributes: TokenStream,
    pub(crate) signature: Signature,
    /// The signature, with names for all parameters.
    pub(crate) declaration: Signature,
    pub(crate) body: TokenStream,
}

/// `quote!` for function bodies: its local variables cannot clash with the user's. Their names begin with `__lru_memo_`, because a
/// pattern with the name of a constant, a static or a unit struct would mean that.
macro_rules! body {
    ($($tokens:tt)*) => { ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*) };
}
pub(crate) use body;

/// The parts of the generated functions.
pub(crate) struct Pieces<'a> {
    pub(crate) function: &'a Function<'a>,
    pub(crate) options: &'a Options,
    pub(crate) attributes: Attributes,
    pub(crate) private: TokenStream,
    /// The path of the crate, for the types in signatures: users read them.
    pub(crate) public: TokenStream,
    pub(crate) key: Key,
    pub(crate) cached: Cached,
    pub(crate) home: Home,
    /// Clones a value, or encodes and decodes it. Its span is that of the return type.
    pub(crate) clone: TokenStream,
}

impl<'a> Pieces<'a> {
    fn of(options: &'a Options, function: &'a Function<'a>) -> Self {
        let (private, public) = (options.runtime.private(), options.runtime.public());
        let key = Key::of(function, options);
        let mut cached = Cached::of(function, options);
        let parameters = Parameters::of(function, options, &private);
        let parts = Parts {
            function,
            options,
            key: &key,
            cached: &cached,
            parameters: &parameters,
            private: &private,
        };
        let home = Home::of(parts);
        let checks_plain =
            parts.checks_plain().filter(|_| key.types.is_none() && options.scope != Scope::Shared);
        cached.check.extend(checks_plain);
        let at = function.output.span();
        // Marked as generated, so that rustc suggests no change to it.
        let at = at.resolved_at(Span::call_site());
        let (item, value) = (|name| options.runtime.item(at, name), &cached.value);
        // A pointer: so `Clone` is demanded only here, and functions with the same types share the code that is called with it.
        let clone = match options.scope {
            Scope::Shared => {
                let codec = item("codec");
                quote_spanned!(at=> #codec::<#value>())
            }
            _ => {
                let clone = item("clone_value");
                let clone = quote_spanned!(at=> #clone::<#value>);
                quote!(#clone as fn(&_) -> _)
            }
        };
        let attributes = Attributes::sort(&function.item.attrs);
        Self { function, options, attributes, private, public, key, cached, home, clone }
    }

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

    /// Adds the attributes of a companion with the parameters of the function, which may run it.
    pub(crate) fn calling(&self, mut companion: Companion) -> Companion {
        let alike = &self.attributes.alike;
        companion.attributes.extend(quote!(#(#alike)*));
        companion.forward_attributes.extend(quote!(#(#alike)*));
        companion
    }

    /// Returns the parameter of companions without a key: the object with the cache, if there is one.
    pub(crate) fn owner(&self) -> Option<FnArg> {
        self.options.object.as_ref().and_then(|object| object.owner_input(self.function))
    }

    /// Returns the parameters of companions with a key.
    pub(crate) fn inputs_for_key(&self) -> Punctuated<FnArg, Token![,]> {
        match &self.options.object {
            Some(object) => object.inputs(self.function),
            None => self.function.inputs_of_key(None),
        }
    }

    /// Returns the signature of the function under another name, with names for all parameters.
    pub(crate) fn like_the_function(&self, name: &Ident) -> Signature {
        let mut signature = self.function.item.sig.clone();
        signature.ident = name.clone();
        signature.generics = self.function.generics.clone();
        signature.inputs = self.function.inputs();
        signature.abi = None;
        signature
    }

    /// Makes a function for users.
    pub(crate) fn companion(
        &self,
        doc: TokenStream,
        mut signature: Signature,
        body: TokenStream,
    ) -> Companion {
        if self.is_shared() {
            // The store may be on another machine.
            signature.asyncness = self.function.item.sig.asyncness;
        }
        let (all, allow, unused) = (&self.attributes.all, allow_of_documented(), allow_of_generated());
        let forward_attributes = quote!(#(#all)* #allow #unused);
        // Compiled where it is called, and not at all if nothing calls it.
        let inline = (!doc.is_empty()).then(|| quote!(#[inline]));
        let attributes = quote!(#forward_attributes #inline);
        let (declaration, bindings) = (signature.clone(), self.function.bindings());
        let body = quote!({ #bindings #body });
        Companion { doc: Some(doc), attributes, forward_attributes, signature, declaration, body }
    }

    /// Makes a function that only generated code calls.
    pub(crate) fn hidden(&self, signature: Signature, body: TokenStream) -> Companion {
        let asyncness = signature.asyncness;
        let mut companion = self.companion(TokenStream::new(), signature, body);
        (companion.signature.asyncness, companion.declaration.asyncness) = (asyncness, asyncness);
        Companion { doc: None, ..companion }
    }

    /// Uses the arguments in the key and the tags, and the object with the cache, so that rustc does not warn that the function
    /// does not use them.
    pub(crate) fn uses_by_key(&self) -> TokenStream {
        let owner = self.options.object.iter().map(|object| &object.owner);
        let expressions = self.options.key.iter().chain(&self.options.tags);
        let expressions: TokenStream = expressions.map(ToTokens::to_token_stream).collect();
        let arguments = self.function.arguments.iter().filter(|argument| argument.is_named);
        let names = arguments.map(|argument| &argument.name);
        let names = names.filter(|name| mentions_ident(expressions.clone(), name));
        body!(#(let _ = &#owner;)* #(let _ = &#names;)*)
    }

    /// Writes a companion in its place.
    fn placed(&self, companion: Companion) -> Companions {
        let Companion { doc, attributes, forward_attributes, signature, declaration, body } = companion;
        let Setting::Block(block @ Block { implemented: Some(implemented), .. }) = self.function.place else {
            let vis = doc.is_some().then_some(&self.function.item.vis);
            let head = quote!(#vis #signature);
            // The body of the uncached function is the user's, so lints apply to it.
            let is_written = signature.ident == self.function.names.uncached;
            let (permit, function) = match self.is_seen_as_used() && !is_written {
                true => (None, as_the_macros(head)),
                false => (Some(quote!(#[allow(dead_code)])), head),
            };
            let doc = doc.unwrap_or_else(|| quote!(#[doc(hidden)]));
            return Companions {
                functions: quote!(#doc #attributes #permit #function #body),
                ..Companions::default()
            };
        };
        let all = &self.attributes.all;
        let (mut in_trait, mut declaration) = (signature, declaration);
        let forwards = doc.filter(|_| implemented.forwards).map(|doc| {
            let mut signature = declaration.clone();
            block.spell_in_forward(&mut signature);
            let (prefix, name, turbofish) =
                (block.prefix(), &signature.ident, turbofish(&signature.generics));
            let arguments = signature.inputs.iter().map(argument_to_hand_on);
            // Only the function of the type is one for editors.
            (in_trait.ident, declaration.ident) = (without_place(name), without_place(name));
            let of_trait = &declaration.ident;
            let call = call(&signature, quote!(#prefix #of_trait #turbofish), &quote!(#(#arguments),*));
            // If two traits have a memoized function of this name, the compiler points at its head.
            let written = &self.function.item.sig;
            let (start, end) = (written.fn_token.span, written.paren_token.span.open());
            let mut at = start;
            let forward = quote!(pub #signature { #call }).into_iter().map(|mut token| {
                if matches!(&token, TokenTree::Ident(ident) if ident == name) {
                    at = end;
                } else {
                    // The colons of a path decide its edition.
                    let is_colon = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ':');
                    token.set_span(if is_colon { at.resolved_at(token.span()) } else { at });
                }
                token
            });
            let forward: TokenStream = forward.collect();
            quote!(#doc #forward_attributes #[allow(dead_code)] #forward)
        });
        block.spell_in_declaration(&mut declaration);
        Companions {
            functions: quote!(#attributes #[allow(dead_code)] #in_trait #body),
            declarations: quote!(#(#all)* #declaration;),
            forwards: forwards.unwrap_or_default(),
        }
    }

    /// Whether a use of a companion counts as a use of the function. Rustc does not warn of unused companions of such a function,
    /// because they are marked as the macro's. With methods that does not work: rustc would not warn of other unused
    /// methods beside them either. A function with `impl Trait` cannot be named.
    fn is_seen_as_used(&self) -> bool {
        matches!(self.function.place, Setting::Free) && !self.function.has_impl_trait
    }

    /// Writes a call of the function that never runs, so that rustc counts a use. None if the user expects the function to be
    /// unused. It has to be a call: of called functions that rustc cannot find it shows one, of other names all.
    pub(crate) fn uses_itself(&self) -> Option<TokenStream> {
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
        Some(body!(#[allow(deprecated, unreachable_code)] if false { let _ = #call; }))
    }

    /// Writes a doc comment. `{}` stands for the name of the function.
    pub(crate) fn doc(&self, text: &str) -> TokenStream {
        let name = self.function.item.sig.ident.to_string();
        let name = match self.function.place {
            Setting::Free => name,
            _ => format!("Self::{name}"),
        };
        let text = text.replace("{}", &name);
        quote!(#[doc = #text])
    }
}

/// Whether tokens contain this name, also as a capture of a format string.
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

/// Allows the lints about sections that only the documentation of the memoized function has.
pub(crate) fn allow_of_documented() -> TokenStream {
    quote!(#[allow(clippy::missing_errors_doc, clippy::missing_panics_doc, clippy::missing_safety_doc)])
}

/// Allows the lints about code that users have not written.
pub(crate) fn allow_of_generated() -> TokenStream {
    quote!(#[allow(unused_variables, unused_lifetimes, clippy::extra_unused_lifetimes, clippy::extra_unused_type_parameters, clippy::used_underscore_binding, clippy::needless_pass_by_value, clippy::too_many_arguments, clippy::must_use_candidate, clippy::type_complexity, clippy::unused_async)])
}

/// Returns a name that does not stand where the user wrote something.
pub(crate) fn without_place(name: &Ident) -> Ident {
    Ident::new(&name.to_string(), Span::call_site())
}

/// Marks a function as written by the macro, by the tokens before its name. The name itself stays at its place, so that an editor
/// leads there.
fn as_the_macros(head: TokenStream) -> TokenStream {
    let mut is_before_name = true;
    head.into_iter()
        .map(|mut token| {
            if is_before_name {
                token.set_span(token.span().resolved_at(Span::call_site()));
                is_before_name = !matches!(&token, TokenTree::Ident(ident) if ident == "fn");
            }
            token
        })
        .collect()
}

/// Puts a body into the user's braces: rustc does not warn of dead code in those of a macro.
pub(crate) fn in_braces_of(block: &syn::Block, body: TokenStream) -> TokenStream {
    let mut group = Group::new(Delimiter::Brace, body);
    group.set_span(block.brace_token.span.join());
    group.into_token_stream()
}

/// Writes a call as the signature demands: `async`, `unsafe` or plain.
pub(crate) fn call(signature: &Signature, path: TokenStream, arguments: &TokenStream) -> TokenStream {
    let call = body!(#path(#arguments));
    let call = if signature.asyncness.is_some() { body!(#call.await) } else { call };
    match signature.safety {
        syn::Safety::Unsafe(_) => body!(unsafe { #call }),
        _ => call,
    }
}

/// Returns the argument to pass on for a parameter that is only a name.
fn argument_to_hand_on(input: &FnArg) -> TokenStream {
    match input {
        FnArg::Receiver(receiver) => receiver.self_token.to_token_stream(),
        FnArg::Typed(typed) => typed.pat.to_token_stream(),
    }
}
