//! Which function, or which instantiation of one, entries belong to.
//!
//! The names of types and functions need not be unique. All closures of one body are called `f::{{closure}}`, items of
//! one name in two blocks of a body are called alike, and so are those of two versions of a crate. A `TypeId` is
//! unique, but within one build only: a closure whose body was changed keeps its `TypeId`.
//!
//! Hence an identity is made of names where those are certain to be unique, and its entries outlive a build. Elsewhere
//! the `TypeId` and the build are part of the identity, and its entries live as long as the build.
//!
//! The path of an item that stands in a module is the module's path and one more segment. The path of an item that
//! stands in a body has at least one segment more, for `module_path!()` does not name bodies.

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

/// Tells what this version writes from what others do.
const FORMAT: &[u8] = b"3";

/// What tells a memoized function from all others, as far as its macro can see.
#[derive(Debug)]
pub struct Identity {
    /// A hash of the function's tokens.
    pub tokens: u128,
    /// Whether the user has named the function, and thus answers for its being one.
    pub is_named: bool,
    /// Whether it stands in no `impl` block and no trait.
    pub is_free: bool,
    /// Its `module_path!()`.
    pub module: &'static str,
    /// The name of the hidden function beside it that leads to the cache.
    pub hidden: &'static str,
    /// The type name of the hidden function, or of a closure in it: `module::hidden::{{closure}}` for a function of a
    /// module.
    pub within: &'static str,
    /// The package that it was compiled in, and the version of that.
    pub package: [Option<&'static str>; 2],
    /// The names of all its types, and its constants.
    pub types: Vec<String>,
    /// The names of those types that differ from instantiation to instantiation.
    pub arguments: Vec<String>,
    /// The name of `Self` where the macro cannot see whether that is one of them.
    pub own: Option<&'static str>,
    /// Code of this instantiation.
    pub code: fn(),
}

/// The names that [`Identity`] has lists of.
#[must_use]
pub fn names(all: &[&dyn Display]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

impl Identity {
    /// The number that tells the function from all others.
    ///
    /// # Errors
    /// When that needs a build id, and the program has none.
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

    /// Whether no other function, nor another instantiation of this one, has the same names.
    fn is_told_by_names(&self) -> bool {
        let is_own_known = self.own.is_none_or(|own| self.is_of_impl_of(own) || is_unmistakable(own));
        (self.is_named || self.is_of_module())
            && is_own_known
            && self.arguments.iter().all(|name| is_unmistakable(name))
    }

    /// What the function stands in: `module`, `module::Type<T>`, `module::<impl Trait for Type>` or `<Type as Trait>`.
    fn home(&self) -> Option<&str> {
        let (home, rest) = self.within.split_once(&format!("::{}", self.hidden))?;
        (rest.is_empty() || rest.starts_with("::{{") || rest.starts_with('<')).then_some(home)
    }

    /// Whether the function, or the `impl` block or the trait around it, is certain to be an item of the module.
    fn is_of_module(&self) -> bool {
        let Some(home) = self.home() else { return false };
        let is_of_name = |character: char| character.is_alphanumeric() || character == '_';
        if self.is_free {
            return home == self.module;
        }
        // Further in: a body.
        if home.contains(">::") {
            return false;
        }
        if let Some(item) = home.strip_prefix(self.module).and_then(|rest| rest.strip_prefix("::")) {
            let rest = item.trim_start_matches(is_of_name);
            return rest.is_empty() || rest.starts_with('<');
        }
        // Written so where the `impl` block stands beside its trait or its type.
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
        // What a block is generic over, its type mentions.
        !own.contains('<') && self.home().is_some_and(is_own)
    }

    /// Tells this build's instantiations from all others.
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

/// The part of a version by which Cargo decides whether a program may have another one beside it.
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

/// Whether nothing but one type can have this name: one that is made of types of the language and of well-known types
/// of the standard library.
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
    // `'static`, as long as `fn` and `dyn` are not among these words.
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
