//! What must compile, beside the mistakes in `ui`, and work.

mod implementation_for_several_bounds;
mod inferred_duration;
mod key_behind_a_lock;
mod key_of_borrowed_text;
mod lifetimes_of_a_signature;
mod long_tuples;
mod named_lifetimes;
mod parentheses_around_impl_trait;
