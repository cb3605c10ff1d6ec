//! The identity of a function, or of one instantiation: the number that its namespace is found by.
//!
//! The names of types and functions need not be unique. All closures of one body are called `f::{{closure}}`. Items of
//! one name in two blocks of a body have the same path, and so have items of two versions of a crate. A `TypeId` is
//! unique, but within one build only: a closure whose body was changed keeps its `TypeId`.
//!
//! So there are two cases. If the names are certain to be unique, the identity is made of names, and entries outlive a
//! build. If not, the `TypeId` and the build are part of the identity, and entries live as long as the build.
//!
//! The path of an item in a module is the module's path and one more segment. The path of an item in a body has at
//! least two more segments, because `module_path!()` does not name bodies.
//!
//! Line and column take no part: two expansions of a macro have the same ones. Two sources of one crate with the same
//! version have the same identities.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::any::TypeId;
use core::fmt::Display;
use core::hash::{Hash, Hasher};

use siphasher::sip::SipHasher24;

use super::build::build_of;
use super::error::{Error, Kind};
use super::namespace::fingerprint;

/// The version of the format of keys and values.
const FORMAT: &[u8] = b"3";

/// The parts of an identity, as far as the macro can see them.
#[derive(Debug)]
pub struct Identity {
    /// A hash of the function's tokens.
    pub tokens: u128,
    /// Whether the option `name` names the function. The user then answers for the name being unique.
    pub is_named: bool,
    /// Whether the function stands in no `impl` block and no trait.
    pub is_free: bool,
    /// Its `module_path!()`.
    pub module: &'static str,
    /// The name of the hidden function beside it, which leads to the cache.
    pub hidden: &'static str,
    /// The type name of the hidden function, or of a closure in it: `module::hidden::{{closure}}` for a function of a
    /// module.
    pub within: &'static str,
    /// The name and the version of the package.
    pub package: [Option<&'static str>; 2],
    /// The names of all types of the function, and its constants.
    pub types: Vec<String>,
    /// The names of the types that differ between instantiations.
    pub arguments: Vec<String>,
    /// The name of `Self`, if the macro cannot see whether `Self` differs between instantiations.
    pub own: Option<&'static str>,
    /// A function pointer into the code of this instantiation.
    pub code: fn(),
}

/// Collects names for the lists of an [`Identity`].
#[must_use]
pub fn names(all: &[&dyn Display]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

impl Identity {
    /// Returns the number of the identity.
    ///
    /// # Errors
    /// When the identity needs a build id, and the program has none.
    pub(super) fn id(&self, name: &str, version: u64, of: TypeId) -> Result<u128, Error> {
        let build = if self.is_told_by_names() { Vec::new() } else { self.of_build(name, of)? };
        let [package, of_package] = self.package.map(Option::unwrap_or_default);
        let place = [self.within, package, compatible(of_package)];
        let place = if self.is_named { [""; 3] } else { place };
        let (tokens, version) = (self.tokens.to_le_bytes(), version.to_le_bytes());
        let parts = [FORMAT, name.as_bytes(), &tokens, &version, &build].into_iter();
        let names = place.into_iter().chain(self.types.iter().map(String::as_str)).map(str::as_bytes);
        Ok(fingerprint(&parts.chain(names).collect::<Vec<_>>()))
    }

    /// Whether the names are certain to be unique: no other function or instantiation has them.
    fn is_told_by_names(&self) -> bool {
        let is_own_known = self.own.is_none_or(|own| self.is_of_impl_of(own) || is_unmistakable(own));
        (self.is_named || self.is_of_module())
            && is_own_known
            && self.arguments.iter().all(|name| is_unmistakable(name))
    }

    /// Returns the parent of the function: `module`, `module::Type<T>`, `module::<impl Trait for Type>` or
    /// `<Type as Trait>`.
    fn home(&self) -> Option<&str> {
        let (home, rest) = self.within.split_once(&format!("::{}", self.hidden))?;
        (rest.is_empty() || rest.starts_with("::{{") || rest.starts_with('<')).then_some(home)
    }

    /// Whether the function, or the `impl` block or trait around it, is certain to be an item of the module.
    fn is_of_module(&self) -> bool {
        let Some(home) = self.home() else { return false };
        let is_of_name = |character: char| character.is_alphanumeric() || character == '_';
        if self.is_free {
            return home == self.module;
        }
        // The path goes on inside a body.
        if home.contains(">::") {
            return false;
        }
        if let Some(item) = home.strip_prefix(self.module).and_then(|rest| rest.strip_prefix("::")) {
            let rest = item.trim_start_matches(is_of_name);
            return rest.is_empty() || rest.starts_with('<');
        }
        // The form of an `impl` block that stands beside its trait or its type.
        let own = self.module.split("::").next();
        let mut paths = home
            .split(|character| !is_of_name(character) && character != ':')
            .filter(|path| path.split("::").next() == own)
            .peekable();
        home.starts_with('<')
            && paths.peek().is_some()
            && paths.all(|path| path.rsplit_once("::").is_some_and(|(parent, _)| parent == self.module))
    }

    /// Whether the function stands in an `impl` block of this type, and the block is generic over nothing.
    fn is_of_impl_of(&self, own: &str) -> bool {
        let is_own = |home: &str| home == own || home.ends_with(&format!("::<impl {own}>"));
        // The type of a block mentions all that the block is generic over.
        !own.contains('<') && self.home().is_some_and(is_own)
    }

    /// Returns a name of this instantiation that is unique to this build.
    fn of_build(&self, name: &str, of: TypeId) -> Result<Vec<u8>, Error> {
        let Some(mut build) = build_of(self.code as usize) else {
            let message = format!(
                "`{name}` is not cached: other functions or types may have the same names, and this program has no build id; put the function into a module and give it no closures, or link with `--build-id`"
            );
            return Err(Error::new(Kind::Identity, message));
        };
        let mut hash = SipHasher24::new();
        of.hash(&mut hash);
        build.extend(hash.finish().to_le_bytes());
        Ok(build)
    }
}

/// Returns the part of a version that Cargo compares: a program has at most one version with the same part.
fn compatible(version: &str) -> &str {
    let mut end = 0;
    for number in version.split('.') {
        end += number.len();
        if number != "0" {
            break;
        }
        end += 1;
    }
    version.get(..end).unwrap_or(version)
}

/// Whether only one type can have this name: it is made of primitive types and well-known types of the standard
/// library.
fn is_unmistakable(name: &str) -> bool {
    let mut words = name.split(['<', '>', '(', ')', '[', ']', '&', ',', ';', ' ']);
    words.all(|word| word.bytes().all(|byte| byte.is_ascii_digit()) || WELL_KNOWN.contains(&word))
}

const WELL_KNOWN: &[&str] = &[
    "bool",
    "char",
    "f32",
    "f64",
    "false",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "str",
    "true",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    // This is `'static`, because `fn` and `dyn`, which have other lifetimes, are not in the list.
    "'_",
    "alloc::borrow::Cow",
    "alloc::boxed::Box",
    "alloc::collections::btree::map::BTreeMap",
    "alloc::collections::btree::set::BTreeSet",
    "alloc::collections::vec_deque::VecDeque",
    "alloc::rc::Rc",
    "alloc::string::String",
    "alloc::sync::Arc",
    "alloc::vec::Vec",
    "core::net::ip_addr::IpAddr",
    "core::num::nonzero::NonZero",
    "core::option::Option",
    "core::result::Result",
    "core::time::Duration",
    "std::collections::hash::map::HashMap",
    "std::collections::hash::set::HashSet",
    "std::path::Path",
    "std::path::PathBuf",
    "std::time::SystemTime",
];

#[cfg(test)]
mod tests;
