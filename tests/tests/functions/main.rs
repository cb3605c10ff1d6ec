//! Which functions can be memoized, and how a memoized function looks to its callers and to the compiler.

mod arguments;
mod async_functions;
mod futures;
mod hygiene;
mod implementations;
mod recursion;
mod result_aliases;
mod skipped;
