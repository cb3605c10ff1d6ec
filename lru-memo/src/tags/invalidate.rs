//! The invalidation of a tag: in the caches of all functions, and in the shared store.

use alloc::vec::Vec;

use super::Fingerprint;
use crate::registry;
#[cfg(feature = "_stores")]
use crate::shared::function::tags;
#[cfg(feature = "_stores")]
use crate::shared::task::{Caller, at_once};

/// Removes every entry that has this tag, from the caches of all functions.
///
/// The option `tags = [..]` names the tags of a function's entries. The invalidation reaches the caches of the process,
/// of the calling thread and of the shared store at once, and the caches of other threads and of objects before their
/// next hit. The value of a run that began before is returned to its caller, and not stored.
///
/// With a feature for `scope = shared`, this function opens the store if it is not open, and blocks while it asks the
/// store; a task calls [`invalidate_tag_async`] instead. If the store fails, the invalidation is delivered later, and
/// functions with tags run uncached until then.
///
/// ```
/// use lru_memo::{invalidate_tag, lru_cache};
///
/// #[lru_cache(tags = [format!("user:{user}"), "orders"])]
/// fn orders(user: u32, year: u16) -> Vec<u32> {
///     vec![user, year.into()]
/// }
///
/// #[lru_cache(tags = [format!("user:{user}")])]
/// fn name(user: u32) -> String {
///     format!("name of {user}")
/// }
///
/// orders(7, 2026);
/// name(7);
/// name(8);
/// invalidate_tag("user:7");
/// assert_eq!((orders_cache_peek(7, 2026), name_cache_peek(7)), (None, None));
/// assert!(name_cache_peek(8).is_some());
/// ```
pub fn invalidate_tag(tag: &str) {
    invalidate_here(tag);
    #[cfg(feature = "_stores")]
    at_once(tags::invalidate(tag, Caller::Thread));
}

/// Like [`invalidate_tag`], for tasks: it does not block the thread.
pub async fn invalidate_tag_async(tag: &str) {
    invalidate_here(tag);
    #[cfg(feature = "_stores")]
    tags::invalidate(tag, Caller::Task).await;
}

/// Invalidates a tag in all caches of this process.
fn invalidate_here(tag: &str) {
    let tag = Fingerprint::of(tag);
    // First, so that a run whose value is stored after the search notices the invalidation.
    tag.outdate();
    let caches: Vec<_> = registry::caches().collect();
    caches.iter().for_each(|cache| cache.invalidate_tag(tag));
}
