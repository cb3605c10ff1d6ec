//! What calls return and count, on any path: through companions, when user code fails, and as CPython does it.

mod companions;
mod cpython;
mod cpython_test_functools;
mod drop_of_expired;
mod failing_backend;
#[cfg(feature = "shared")]
#[path = "../shared/mod.rs"]
mod shared;
mod tags;
mod user_code;
mod with_outcome;
mod wrong_elsewhere;
