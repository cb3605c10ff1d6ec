//! The option `scope = self.memo`: the path from a parameter, the *owner*, to the `Memo` of an object that has the cache.

use syn::{Expr, Ident, Member};

/// The path to the `Memo` of an object: a chain of fields and methods from a parameter.
pub(crate) struct Object {
    pub(crate) chain: Expr,
    /// The name of the parameter.
    pub(crate) owner: Ident,
    /// Whether the chain calls a method. The method may return a guard, or the owner of the `Memo`.
    pub(crate) calls: bool,
}

impl Object {
    /// Reads a chain.
    ///
    /// # Errors
    /// If the expression is no chain.
    pub(crate) fn read(chain: Expr) -> syn::Result<Self> {
        let mut calls = false;
        let mut at = &chain;
        let owner = loop {
            at = match at {
                Expr::Field(field) if !is_await(&field.member) => &field.base,
                Expr::MethodCall(call) => {
                    calls = true;
                    &call.receiver
                }
                Expr::Paren(inner) => &inner.expr,
                Expr::Group(inner) => &inner.expr,
                Expr::Path(path) => match path.path.get_ident() {
                    Some(owner) => break owner.clone(),
                    None => return Err(no_chain(&chain)),
                },
                _ => return Err(no_chain(&chain)),
            }
        };
        Ok(Self { chain, owner, calls })
    }
}

fn is_await(member: &Member) -> bool {
    matches!(member, Member::Named(name) if name == "await")
}

fn no_chain(chain: &Expr) -> syn::Error {
    let message = "`scope` is one of `process`, `thread` and `shared`, or leads by fields and methods from a parameter to a `Memo`; write `scope = self.memo`, say";
    syn::Error::new_spanned(chain, message)
}
