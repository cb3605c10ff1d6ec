//! What a memoized function does in the scopes of a process and of a thread, on every system: the tests for other
//! compilers and other targets.

mod model;
mod model_limits;
mod operations;
mod semantics;
mod single_flight;
mod thread_scope;
