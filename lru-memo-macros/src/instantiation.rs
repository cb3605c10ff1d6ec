//! The instantiations of a function: their identities and their names, as expressions.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{ConstParam, GenericParam, TypeParam};

use crate::function::{Function, Setting};
use crate::options::Options;

impl Function<'_> {
    /// The `TypeId` that stands for an instantiation, as an expression. Where it may be that an attribute is missing on the
    /// `impl` block, all names have to be called: of those that rustc cannot find it shows one, but not where they are named alone.
    pub(crate) fn instantiation(&self, private: &TokenStream) -> TokenStream {
        if matches!(self.place, Setting::Free) {
            let path = self.path(&self.names.instantiation);
            quote!(#path())
        } else {
            let path = self.path(&self.names.cache);
            quote!(#private::instantiation_of(#path))
        }
    }
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
