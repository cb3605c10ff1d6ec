//! The `impl` block around memoized functions: its generics, and what types mean in it.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, GenericParam, Generics, Ident, ImplItem, ItemImpl, Lifetime, LifetimeParam, Meta, Path,
    PathArguments, PathSegment as Segment, Receiver, Signature, Token, Type, TypePath, parse_quote,
};

use crate::generics::type_parameters;
use crate::mentions::mentions;
use crate::types::{peel, referable};

/// An `impl` block.
pub(crate) struct Block {
    pub(crate) start: Token![impl],
    /// Its generics; every lifetime has a name.
    pub(crate) generics: Generics,
    pub(crate) ty: Type,
    pub(crate) implemented: Option<Implemented>,
    pub(crate) attributes: Vec<Attribute>,
}

/// The trait that a block implements.
pub(crate) struct Implemented {
    pub(crate) path: Path,
    /// The trait that holds what is generated.
    pub(crate) companions: Ident,
    /// The types that the block gives to the trait: `type Output = u32`.
    types: Vec<(Ident, Type)>,
    /// Whether the type may be the crate's, and can have functions of its own that forward to the companions.
    pub(crate) forwards: bool,
}

impl Block {
    pub(crate) fn new(block: &ItemImpl) -> Self {
        let mut generics = block.generics.clone();
        let mut ty = referable((*block.self_ty).clone());
        let mut name = LifetimeNamer { generics: &mut generics };
        name.visit_type_mut(&mut ty);
        let implemented = block.trait_.as_ref().map(|(path, _)| {
            let mut path = path.clone();
            let text = quote!(#path for #ty).to_string();
            name.visit_path_mut(&mut path);
            let types = block.items.iter().filter_map(|item| match item {
                ImplItem::Type(item) if item.generics.params.is_empty() => {
                    Some((item.ident.clone(), item.ty.clone()))
                }
                _ => None,
            });
            Implemented {
                path,
                companions: format_ident!("LruMemoOf{}", as_identifier(&text)),
                types: types.collect(),
                forwards: may_be_own(&ty, &block.generics),
            }
        });
        let attributes = block.attrs.iter().filter_map(of_all).collect();
        Self { start: block.impl_token, generics, ty, implemented, attributes }
    }

    /// What stands before the name of something generated, where it is used.
    pub(crate) fn prefix(&self) -> TokenStream {
        match &self.implemented {
            Some(Implemented { companions, .. }) => {
                let arguments = self.arguments(false);
                quote!(<Self as #companions #arguments>::)
            }
            None => quote!(Self::),
        }
    }

    /// `<'a, T, N>`.
    pub(crate) fn arguments(&self, with_lifetimes: bool) -> TokenStream {
        let arguments = self.generics.params.iter().filter_map(|param| match param {
            GenericParam::Lifetime(param) => with_lifetimes.then(|| param.lifetime.to_token_stream()),
            GenericParam::Type(param) => Some(param.ident.to_token_stream()),
            GenericParam::Const(param) => Some(param.ident.to_token_stream()),
        });
        let arguments: Vec<_> = arguments.collect();
        if arguments.is_empty() { TokenStream::new() } else { quote!(<#(#arguments),*>) }
    }

    /// The type that the block gives to its trait, where `ty` names it: `u32` for `Self::Output`.
    pub(crate) fn resolved(&self, ty: &Type) -> Option<&Type> {
        let Type::Path(path) = peel(ty) else { return None };
        self.implemented.as_ref()?.named(path).map(|(_, ty)| ty)
    }

    /// The type, where it is made of others by the language: a reference, a tuple.
    pub(crate) fn structure(&self) -> Option<&Type> {
        Some(&self.ty).filter(|ty| !matches!(peel(ty), Type::Path(_) | Type::TraitObject(_)))
    }

    /// Makes the trait methods callable that are callable in the block itself.
    pub(crate) fn bindings(&self) -> TokenStream {
        let Some(Implemented { path, .. }) = &self.implemented else { return TokenStream::new() };
        let mut path = path.clone();
        for segment in &mut path.segments {
            segment.arguments = PathArguments::None;
        }
        quote! {
            #[allow(unused_imports)]
            use #path as _;
        }
    }

    /// Spells a type, as it is in the block, such that it means the same in the trait of the companions.
    pub(crate) fn spell_in_declaration(&self, signature: &mut Signature) {
        self.spell(Some(&self.ty), signature);
    }

    /// Spells a type, as it is in the block, such that it means the same in a block without the trait.
    pub(crate) fn spell_in_forward(&self, signature: &mut Signature) {
        self.spell(None, signature);
    }

    fn spell(&self, ty: Option<&Type>, signature: &mut Signature) {
        if let Some(implemented) = &self.implemented {
            SelfSpeller { ty, implemented }.visit_signature_mut(signature);
        }
    }
}

impl Implemented {
    /// The type that a path names as one of `Self`.
    fn named(&self, path: &TypePath) -> Option<&(Ident, Type)> {
        let mut segments = path.path.segments.iter();
        let (of_self, name) = (segments.next()?, segments.next()?);
        let is_named = path.qself.is_none() && of_self.ident == "Self" && segments.next().is_none();
        self.types.iter().find(|(known, _)| is_named && *known == name.ident)
    }
}

/// Writes `Self::Output` as `<Self as Not>::Output`, and `Self` as the type itself where it has another meaning.
struct SelfSpeller<'b> {
    ty: Option<&'b Type>,
    implemented: &'b Implemented,
}

impl VisitMut for SelfSpeller<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Type::Path(path) = ty {
            if let Some((name, _)) = self.implemented.named(path) {
                let implemented = &self.implemented.path;
                *ty = parse_quote!(<Self as #implemented>::#name);
            }
        }
        if let (Some(own), true) = (self.ty, matches!(ty, Type::Path(path) if path.path.is_ident("Self"))) {
            *ty = own.clone();
            return;
        }
        visit_mut::visit_type_mut(self, ty);
    }

    // `&self` has to stay what it is.
    fn visit_receiver_mut(&mut self, _: &mut Receiver) {}
}

/// Gives a name to every lifetime that has none: in a trait they need one.
struct LifetimeNamer<'g> {
    generics: &'g mut Generics,
}

impl LifetimeNamer<'_> {
    fn named(&mut self, at: Span) -> Lifetime {
        let at = at.resolved_at(Span::mixed_site());
        let lifetime = Lifetime::new(&format!("'elided_{}", self.generics.params.len()), at);
        let param = GenericParam::Lifetime(LifetimeParam::new(lifetime.clone()));
        self.generics.params.insert(0, param);
        lifetime
    }
}

impl VisitMut for LifetimeNamer<'_> {
    fn visit_type_reference_mut(&mut self, reference: &mut syn::TypeReference) {
        if reference.lifetime.is_none() {
            reference.lifetime = Some(self.named(reference.and_token.span()));
        }
        visit_mut::visit_type_reference_mut(self, reference);
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident == "_" {
            *lifetime = self.named(lifetime.span());
        }
    }

    // The lifetimes of a function pointer's arguments are its own.
    fn visit_type_fn_ptr_mut(&mut self, _: &mut syn::TypeFnPtr) {}
    fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut syn::ParenthesizedGenericArguments) {}
}

/// Whether a type may be one of the crate's, and names all that the block is generic over: then it can have functions
/// of its own. Only the compiler knows where a type is from; known here is what the language and its prelude bring.
fn may_be_own(ty: &Type, generics: &Generics) -> bool {
    const PRELUDE: [&str; 22] = [
        "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64",
        "bool", "char", "str", "String", "Vec", "Box", "Option", "Result",
    ];
    const CRATES: [&str; 3] = ["std", "core", "alloc"];
    let parameters = type_parameters(generics);
    let is_foreign = match peel(ty) {
        Type::Path(TypePath { qself: None, path, .. }) => {
            let known: &[&str] = if path.segments.len() == 1 { &PRELUDE } else { &CRATES };
            path.segments.first().is_some_and(|Segment { ident, .. }| {
                known.iter().any(|known| ident == known) || parameters.contains(&ident)
            })
        }
        Type::TraitObject(_) => false,
        _ => true,
    };
    !is_foreign && parameters.iter().all(|parameter| mentions(ty, |ident| ident == *parameter))
}

/// An attribute, if what it says holds for all that a block becomes.
fn of_all(attribute: &Attribute) -> Option<Attribute> {
    let name = attribute.path().get_ident()?.to_string();
    match name.as_str() {
        "cfg" | "allow" | "warn" | "deny" | "forbid" => Some(attribute.clone()),
        "expect" => Some(permission(attribute)),
        _ => None,
    }
}

/// Makes an expectation a permission: it is met in one of the blocks at most.
pub(crate) fn permission(attribute: &Attribute) -> Attribute {
    match &attribute.meta {
        Meta::List(list) if list.path.is_ident("expect") => {
            let lints = &list.tokens;
            parse_quote!(#[allow(#lints)])
        }
        _ => attribute.clone(),
    }
}

/// A name that differs where texts differ.
fn as_identifier(text: &str) -> String {
    let spell = |c: char| match c {
        c if c.is_alphanumeric() => c.to_string(),
        '_' | ' ' => "_".to_owned(),
        other => u32::from(other).to_string(),
    };
    text.chars().map(spell).collect()
}
