//! Questions about a type that its name answers.

use syn::token::Paren;
use syn::{
    GenericArgument, Ident, PathArguments, Type, TypeImplTrait, TypeParen, TypeReference, TypeTraitObject,
};

/// Returns the type without parentheses and invisible groups.
pub(crate) fn peel(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => peel(&inner.elem),
        Type::Group(inner) => peel(&inner.elem),
        other => other,
    }
}

/// Returns a type that may follow `&`: in parentheses if it has several bounds.
pub(crate) fn referable(ty: Type) -> Type {
    match &ty {
        Type::ImplTrait(TypeImplTrait { bounds, .. }) | Type::TraitObject(TypeTraitObject { bounds, .. })
            if bounds.len() > 1 =>
        {
            Type::Paren(TypeParen { attrs: Vec::new(), paren_token: Paren::default(), elem: Box::new(ty) })
        }
        _ => ty,
    }
}

/// The name of a type around another one: the compiler knows whether it is that of the standard library.
#[derive(Clone, Copy)]
pub(crate) enum Wrapper {
    Option,
    Vec,
    Cow,
}

/// Returns the wrapper of a type such as `std::option::Option<T>`, and the wrapped type.
pub(crate) fn wrapper(ty: &Type) -> Option<(Wrapper, &Type)> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|_| path.qself.is_none())?;
    let wrapper = match last.ident.to_string().as_str() {
        "Option" => Wrapper::Option,
        "Vec" => Wrapper::Vec,
        "Cow" => Wrapper::Cow,
        _ => return None,
    };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    let mut arguments =
        arguments.args.iter().filter(|argument| !matches!(argument, GenericArgument::Lifetime(_)));
    match (arguments.next(), arguments.next()) {
        (Some(GenericArgument::Type(elem)), None) => Some((wrapper, elem)),
        _ => None,
    }
}

pub(crate) fn is_static(reference: &TypeReference) -> bool {
    reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static")
}

/// Whether a type has no size, as far as its name says.
pub(crate) fn is_unsized(ty: &Type) -> bool {
    match peel(ty) {
        Type::TraitObject(_) | Type::Slice(_) => true,
        Type::Path(path) => path.path.is_ident("str"),
        _ => false,
    }
}

pub(crate) fn is_float(ty: &Type) -> bool {
    matches!(peel(ty), Type::Path(path) if path.path.is_ident("f32") || path.path.is_ident("f64"))
}

fn is_primitive(ty: &Type) -> bool {
    const NUMBERS: [&str; 14] = [
        "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64",
    ];
    let Type::Path(path) = peel(ty) else { return false };
    let known =
        |ident: &Ident| ident == "bool" || ident == "char" || NUMBERS.iter().any(|known| ident == known);
    path.path.get_ident().is_some_and(known)
}

/// Whether a type is written as a primitive type, or as a reference or slice of these.
pub(crate) fn is_plain_part(ty: &Type) -> bool {
    match peel(ty) {
        Type::Reference(reference) => is_plain_part(&reference.elem),
        Type::Slice(slice) => is_plain_part(&slice.elem),
        Type::Path(path) => path.path.is_ident("str") || is_primitive(ty),
        _ => false,
    }
}

/// Whether a value of this type is plain, if its name tells.
pub(crate) fn plain_value(ty: &Type) -> Option<bool> {
    const OWNERS: [&str; 5] = ["String", "Vec", "Box", "Arc", "Rc"];
    let Type::Path(path) = peel(ty) else { return None };
    let last = path.path.segments.last()?;
    let is_owner = OWNERS.iter().any(|owner| last.ident == owner);
    is_primitive(ty).then_some(true).or(is_owner.then_some(false))
}
