//! The parts that generated functions are put together from.

use proc_macro2::TokenStream;
use syn::FnArg;

use crate::attributes::Attributes;
use crate::cached::Cached;
use crate::function::{Function, Setting};
use crate::home::parts::Parts;
use crate::home::{self, Home};
use crate::inputs::Inputs;
use crate::key::Key;
use crate::options::{Options, Scope};

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
}

impl<'a> Pieces<'a> {
    pub(crate) fn of(options: &'a Options, function: &'a Function<'a>) -> Self {
        let (private, public) = (options.runtime.private(), options.runtime.public());
        let key = match options.scope {
            Scope::Shared => Key::in_bytes(function, options),
            _ => Key::borrowed(function, options),
        };
        let mut cached = Cached::of(function, options);
        let parts = Parts { function, options, key: &key, cached: &cached, private: &private };
        let mut home = match &options.scope {
            Scope::Process => home::process::home(parts),
            Scope::Thread => home::thread::home(parts),
            Scope::Shared => home::shared::home(parts),
            Scope::Object(object) => home::object::home(object, parts),
        };
        cached.check.extend(home.check.take());
        let attributes = Attributes::sort(&function.item.attrs);
        Self { function, options, attributes, private, public, key, cached, home }
    }

    pub(crate) fn is_async(&self) -> bool {
        self.function.item.sig.asyncness.is_some()
    }

    /// Whether a use of a companion counts as a use of the function. Rustc does not warn of unused companions of such a function,
    /// because they are marked as the macro's. With methods that does not work: rustc would not warn of other unused
    /// methods beside them either. A function with `impl Trait` cannot be named.
    pub(crate) fn is_seen_as_used(&self) -> bool {
        matches!(self.function.place, Setting::Free) && !self.function.has_impl_trait
    }

    /// Returns the parameter of companions without a key: the object with the cache, if there is one.
    pub(crate) fn owner(&self) -> Option<FnArg> {
        self.options.object().and_then(|object| object.owner_input(self.function))
    }

    /// Returns the parameters of companions with a key.
    pub(crate) fn inputs_for_key(&self) -> Inputs {
        match self.options.object() {
            Some(object) => object.inputs(self.function),
            None => self.function.inputs_of_key(None),
        }
    }
}
