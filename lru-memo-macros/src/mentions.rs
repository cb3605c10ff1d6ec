//! Whether types and code mention a name.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::visit::{self, Visit};
use syn::{Ident, ItemFn, Path, Type, TypePath};

/// Whether a type contains a name that passes a test.
pub(crate) fn mentions(ty: &Type, mut is_sought: impl FnMut(&Ident) -> bool) -> bool {
    struct Finder<F>(F, bool);
    impl<'ast, F: FnMut(&Ident) -> bool> Visit<'ast> for Finder<F> {
        fn visit_ident(&mut self, ident: &'ast Ident) {
            self.1 |= (self.0)(ident);
        }
    }
    let mut finder = Finder(&mut is_sought, false);
    finder.visit_type(ty);
    finder.1
}

/// Returns the parameters that the compiler infers from an argument of this type. An associated type does not tell its parameter.
pub(crate) fn inferable<'p>(ty: &Type, parameters: &[&'p Ident]) -> Vec<&'p Ident> {
    struct Finder<'a, 'p>(&'a [&'p Ident], Vec<&'p Ident>);
    impl<'ast> Visit<'ast> for Finder<'_, '_> {
        fn visit_path(&mut self, path: &'ast Path) {
            match path.get_ident() {
                Some(ident) => self.1.extend(self.0.iter().copied().filter(|parameter| *parameter == ident)),
                None => visit::visit_path(self, path),
            }
        }
        fn visit_type_path(&mut self, path: &'ast TypePath) {
            if path.qself.is_none() {
                visit::visit_type_path(self, path);
            }
        }
    }
    let mut finder = Finder(parameters, Vec::new());
    finder.visit_type(ty);
    finder.1
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

/// Whether a function has a receiver or names `Self`, and so is in an `impl` block or a trait.
pub(crate) fn mentions_self(item: &ItemFn) -> bool {
    let (statements, own) = (&item.block.stmts, Ident::new("Self", Span::call_site()));
    item.sig.receiver().is_some()
        || mentions_ident(item.sig.to_token_stream(), &own)
        || names_self(quote!(#(#statements)*))
}

/// Whether tokens name `Self`. What is nested in them has a `Self` of its own.
fn names_self(tokens: TokenStream) -> bool {
    let mut is_nested = false;
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) if ["impl", "trait", "struct", "enum"].iter().any(|item| ident == item) => {
            is_nested = true;
            false
        }
        TokenTree::Ident(ident) => !is_nested && ident == "Self",
        TokenTree::Group(group) => {
            let found = !is_nested && names_self(group.stream());
            is_nested &= group.delimiter() != Delimiter::Brace;
            found
        }
        TokenTree::Punct(punct) => {
            is_nested &= punct.as_char() != ';';
            false
        }
        TokenTree::Literal(_) => false,
    })
}
