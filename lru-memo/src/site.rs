//! What generated code tells of a memoized function.

use core::any::TypeId;

use crate::info::CacheParameters;

/// A memoized function and its place in the source.
#[derive(Clone, Copy)]
pub struct Site {
    /// Identifies the function, and the instantiation.
    pub of: TypeId,
    /// Makes the name, such as `crate::module::function::<u32>`. Called once, at registration.
    pub name: fn() -> &'static str,
    /// The source file, as the compiler names it.
    pub file: &'static str,
    /// The line of the function.
    pub line: u32,
    /// The configuration.
    pub parameters: CacheParameters,
    /// Whether the function has tags.
    pub is_tagged: bool,
}
