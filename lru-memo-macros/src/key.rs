//! The key of a function, made from its arguments or from the option `key`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Ident, Index, Type};

use crate::borrows::with_elided_lifetimes;
use crate::function::Function;
use crate::options::Options;
use crate::runtime::{Runtime, core_at};
use crate::shape::{Sight, shape, stored_of_generic};
use crate::types::is_plain_part;

/// The key of a function.
pub(crate) struct Key {
    /// Statements that bind the names of the user's patterns, for a key expression.
    pub(crate) bindings: TokenStream,
    /// Makes the key, borrowing the arguments: `(part, (part, ()))`.
    pub(crate) value: TokenStream,
    /// The types of the parts, if they can be written.
    pub(crate) types: Option<KeyTypes>,
    /// Expressions for the names of the types, if they can be written.
    pub(crate) names: Vec<TokenStream>,
    /// The stored types of the parts, if they can be written in a signature.
    pub(crate) stored: Option<Vec<TokenStream>>,
    /// The places of the parts.
    pub(crate) parts: Vec<Span>,
    /// The types of the arguments in the form of the key, if their names are those of plain types.
    pub(crate) plain: Option<TokenStream>,
}

/// The types of a key, each in the form of the key.
pub(crate) struct KeyTypes {
    /// Of the arguments.
    pub(crate) arguments: TokenStream,
    /// Of the stored parts.
    pub(crate) stored: TokenStream,
    /// Proves that threads may share all parts, without a variable.
    pub(crate) proof: TokenStream,
}

impl Key {
    /// Returns the key that borrows the arguments. It ends with the tags, if there are any.
    pub(crate) fn borrowed(function: &Function<'_>, options: &Options) -> Self {
        if options.tags.is_empty() {
            return Self::without_tags(function, options);
        }
        let private = options.runtime.private();
        let tags = tags(function, options, quote!(Tags::new));
        Self::in_form(false, quote!(#private::TagsOfCall(|| #tags)), function, options)
    }

    /// Returns the key that borrows the arguments, without tags.
    pub(crate) fn without_tags(function: &Function<'_>, options: &Options) -> Self {
        Self::in_form(false, quote!(()), function, options)
    }

    /// Returns the key as bytes, for a store.
    pub(crate) fn in_bytes(function: &Function<'_>, options: &Options) -> Self {
        Self::in_form(true, quote!(()), function, options)
    }

    fn in_form(is_bytes: bool, end: TokenStream, function: &Function<'_>, options: &Options) -> Self {
        match &options.key {
            Some(key) => Self::of_expression(key, is_bytes, end, function, options),
            None => Self::of_arguments(is_bytes, end, function, options),
        }
    }

    fn of_arguments(is_bytes: bool, end: TokenStream, function: &Function<'_>, options: &Options) -> Self {
        let mut parts: Vec<(TokenStream, Type)> = Vec::new();
        if let (Some(receiver), Some(ty)) = (function.receiver(), function.receiver_type()) {
            if !function.is_self_skipped {
                let token = receiver.self_token;
                parts.push((quote!(#token), ty));
            }
        }
        for argument in function.arguments.iter().filter(|argument| !argument.is_skipped) {
            let name = &argument.name;
            parts.push((quote!(#name), argument.ty.clone()));
        }
        let mut key = Self::empty(TokenStream::new(), end);
        let mut types = KeyTypes { arguments: quote!(()), stored: quote!(()), proof: quote!(()) };
        if !options.tags.is_empty() {
            let private = options.runtime.private();
            types = KeyTypes { arguments: quote!(#private::Tags), stored: quote!(#private::Tags), ..types };
        }
        for (index, (name, ty)) in parts.iter().enumerate().rev() {
            let at = ty.span();
            let item = |name| options.runtime.item(at, name);
            let shape = shape(ty, sight(function, ty, options));
            let (how, stored, ty) = (shape.how, shape.stored, with_elided_lifetimes(ty));
            // Written rather than inferred, so that an unfit type is one error.
            let as_stored = if function.is_generic() { quote!(_) } else { stored.clone() };
            let part = match is_bytes {
                true => {
                    let shared_part = item("shared_part");
                    quote_spanned!(at=> #shared_part::<#ty>(&#name))
                }
                false => {
                    let part = item("part");
                    quote_spanned!(at=> #part::<#how, #ty, #as_stored, _>(&#name))
                }
            };
            key.add(part, at);
            key.add_stored(stored_in_signature(function, options, &parts[index].1));
            let core = core_at(at);
            key.names.push(quote!(#core::any::type_name::<#ty>()));
            let shareable = item("shareable");
            let KeyTypes { arguments: other_arguments, stored: other_stored, proof } = types;
            types = KeyTypes {
                arguments: quote!((#ty, #other_arguments)),
                stored: quote!((#stored, #other_stored)),
                proof: quote_spanned!(at=> (#shareable::<#stored>(), #proof)),
            };
        }
        key.plain = parts.iter().all(|(_, ty)| is_plain_part(ty)).then(|| types.arguments.clone());
        key.types = Some(types).filter(|_| !function.is_generic());
        key
    }

    /// A tuple has a part for each element.
    fn of_expression(
        expression: &Expr,
        is_bytes: bool,
        end: TokenStream,
        function: &Function<'_>,
        options: &Options,
    ) -> Self {
        let parts: Vec<&Expr> = match expression {
            Expr::Tuple(tuple) => tuple.elems.iter().collect(),
            other => vec![other],
        };
        let (private, bindings) = (options.runtime.private(), bindings(function));
        let for_any = (!is_bytes).then(|| {
            quote! {
                #[allow(unused_imports)]
                use #private::AnyExpression as _;
            }
        });
        let bindings = quote!(#for_any #bindings);
        let mut key = Self::empty(bindings, end);
        for part in parts.iter().rev() {
            let at = part.span();
            let item = |name| options.runtime.item(at, name);
            // A plain argument is treated as it would be without `key`. For other expressions, the compiler finds out whether they
            // are references.
            let made = match argument_named(part, function) {
                _ if is_bytes => {
                    let shared_part = item("shared_part");
                    quote_spanned!(at=> #shared_part(&(#part)))
                }
                Some(ty) => {
                    let (how, made) = (shape(ty, sight(function, ty, options)).how, item("part"));
                    quote_spanned!(at=> #made::<#how, _, _, _>(&(#part)))
                }
                None => {
                    let (expression, made) =
                        (item("Expression"), Ident::new("lru_memo_part", Span::call_site()));
                    quote_spanned!(at=> #expression(&(#part)).#made())
                }
            };
            key.add(made, at);
            let ty = argument_named(part, function);
            key.add_stored(ty.and_then(|ty| stored_in_signature(function, options, ty)));
        }
        key
    }

    fn empty(bindings: TokenStream, end: TokenStream) -> Self {
        Self {
            bindings,
            value: end,
            types: None,
            names: Vec::new(),
            stored: Some(Vec::new()),
            parts: Vec::new(),
            plain: None,
        }
    }

    /// Returns the type of a stored key, if it can be written.
    pub(crate) fn type_of_stored(&self, options: &Options) -> Option<TokenStream> {
        let private = options.runtime.private();
        let end = if options.tags.is_empty() { quote!(()) } else { quote!(#private::Tags) };
        let parts = self.stored.as_ref()?.iter().rev();
        Some(parts.fold(end, |rest, part| quote!((#part, #rest))))
    }

    /// Puts a stored type before the others.
    fn add_stored(&mut self, stored: Option<TokenStream>) {
        match (&mut self.stored, stored) {
            (Some(all), Some(stored)) => all.insert(0, stored),
            (all, _) => *all = None,
        }
    }

    /// Puts a part before the others.
    fn add(&mut self, part: TokenStream, at: Span) {
        let value = &self.value;
        self.value = quote_spanned!(at=> (#part, #value));
        self.parts.insert(0, at);
    }

    /// Proves that threads may share the key, part by part, by a function of the runtime. Uses the variable `__lru_memo_key`.
    pub(crate) fn proof(&self, shareable: &str, runtime: &Runtime) -> TokenStream {
        self.parts.iter().enumerate().rev().fold(quote!(()), |proof, (index, &at)| {
            let (part, shareable) = (part_of_key(index), runtime.item(at, shareable));
            quote_spanned!(at=> (#shareable::<_, _, _>(#part), #proof))
        })
    }
}

/// Returns the tags of a call: a list, as an argument of a function of the runtime.
pub(crate) fn tags(function: &Function<'_>, options: &Options, made: TokenStream) -> TokenStream {
    let bindings = bindings(function);
    let tags = options.tags.iter().map(|tag| {
        let at = tag.span();
        // Borrowed, so that an argument that is a tag is not moved.
        quote_spanned!(at=> &(#tag))
    });
    let private = options.runtime.private();
    quote!({ #bindings #private::#made(&[#(#tags),*]) })
}

/// Returns the stored type of an argument, if it can be written in a signature.
fn stored_in_signature(function: &Function<'_>, options: &Options, ty: &Type) -> Option<TokenStream> {
    if function.knows(ty) {
        Some(shape(ty, sight(function, ty, options)).stored)
    } else {
        stored_of_generic(ty, &options.runtime)
    }
}

/// The context in which the type of an argument is read.
fn sight<'o>(function: &Function<'_>, ty: &Type, options: &'o Options) -> Sight<'o> {
    Sight { runtime: &options.runtime, can_ask: function.knows(ty) }
}

/// `&__lru_memo_key.1.1.0` for part 2 of that variable.
fn part_of_key(index: usize) -> TokenStream {
    let variable = Ident::new("__lru_memo_key", Span::mixed_site());
    let tails = std::iter::repeat_n(Index::from(1), index);
    quote!(&#variable #(.#tails)* .0)
}

/// The type of the argument that an expression names, if it is nothing but a name.
fn argument_named<'f>(expression: &Expr, function: &'f Function<'_>) -> Option<&'f Type> {
    let Expr::Path(path) = expression else { return None };
    let name = path.path.get_ident()?;
    let argument =
        function.arguments.iter().find(|argument| argument.name == *name && argument.pattern.is_none());
    argument.map(|argument| &argument.ty)
}

/// Binds the names of patterns to copies, because the argument itself is needed whole.
fn bindings(function: &Function<'_>) -> TokenStream {
    let arguments = function.arguments.iter().filter(|argument| !argument.is_skipped);
    let bindings = arguments.filter_map(|argument| {
        let (name, pattern) = (&argument.name, argument.pattern.as_ref()?);
        let core = core_at(pattern.span());
        Some(quote_spanned! {pattern.span()=>
            #[allow(unused_variables, unused_mut)]
            let #pattern = #core::clone::Clone::clone(&#name);
        })
    });
    bindings.collect()
}

/// Returns the argument of `weigh` for a stored `key`: a reference to the only part, or a tuple of references to the parts.
pub(crate) fn parts_by_reference(count: usize) -> TokenStream {
    let parts: Vec<TokenStream> = (0..count).map(part_of_key).collect();
    match parts.as_slice() {
        [only] => only.clone(),
        parts => quote!((#(#parts),*)),
    }
}

/// Returns the type of that argument.
pub(crate) fn types_of_parts(stored: &[TokenStream]) -> TokenStream {
    match stored {
        [only] => quote!(&#only),
        parts => quote!((#(&#parts),*)),
    }
}
