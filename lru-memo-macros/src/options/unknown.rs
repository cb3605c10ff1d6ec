//! Options that do not exist: misspelt ones, and those of other libraries.

use syn::parse::ParseStream;
use syn::{Expr, Ident, Token};

/// What to write for an option of another library, as `cached`, `memoize` or `moka` call it.
const ELSEWHERE: [(&[&str], &str); 17] = [
    (
        &["size", "capacity", "max_size", "max_capacity", "max_entries", "limit", "Capacity"],
        "the bound is called `maxsize`; write `maxsize = 128`",
    ),
    (&["unbound", "unbounded"], "write `maxsize = None`, or `#[cache]`"),
    (
        &["time", "time_to_live", "ttl_seconds", "expire", "expires", "expiry", "TimeToLive"],
        "the age of an entry is called `ttl`; write `ttl = \"90s\"`",
    ),
    (
        &["time_to_idle", "tti", "refresh", "time_refresh"],
        "how long an entry stays that nobody uses is called `idle`; write `idle = \"10m\"`",
    ),
    (
        &[
            "stale_while_revalidate",
            "stale_if_error",
            "refresh_after_write",
            "refresh_ahead",
            "fail_safe",
            "fallback",
        ],
        "how long an old value is served while it is computed anew, or cannot be, is called `stale`; write `ttl = \"10m\", stale = \"1h\"`",
    ),
    (
        &["ty", "create", "convert", "key_type"],
        "the cache is made for you, and the arguments are its key; write `key = ..` for another key",
    ),
    (&["Ignore", "ignore"], "write `skip(..)` with the names of the parameters"),
    (&["result"], "an `Err` is not cached anyway; leave `result` out, or write `cache_err = true`"),
    (&["option"], "write `cache_if = |value| value.is_some()`"),
    (
        &["sync_writes", "sync_writes_buckets", "sync_lock", "sync"],
        "write `single_flight = true`: one run for all callers of a missing key",
    ),
    (&["with_cached_flag"], "call the companion `f_with_outcome(..)`, which says whether the call was a hit"),
    (
        &["disk", "disk_dir", "redis", "map_error", "connection_config", "cache_prefix_block"],
        "write `scope = shared`; the store is chosen by `lru_memo::shared::configure`",
    ),
    (
        &["on_evict", "listener", "eviction_listener"],
        "nothing is called when an entry leaves; the companion `f_cache_totals()` counts evictions",
    ),
    (&["in_impl"], "leave it out, and write `#[lru_cache]` on the `impl` block as well"),
    (&["SharedCache", "global"], "all threads share the cache anyway; leave it out"),
    (&["thread_local", "thread", "local"], "write `scope = thread`"),
    (&["weigher", "weight", "weights"], "write `weigh = |key, value| ..` and `max_weight = ..`"),
];

/// The mistake of an option that does not exist, given those that do; its value is read over.
pub(super) fn unknown(name: &Ident, text: &str, known: &[&str], input: ParseStream<'_>) -> syn::Error {
    // A closure has commas of its own.
    if input.parse::<Option<Token![=]>>().is_ok_and(|equals| equals.is_some())
        && input.fork().parse::<Expr>().is_ok()
    {
        let _ = input.parse::<Expr>();
    }
    let elsewhere = ELSEWHERE.iter().find(|(names, _)| names.contains(&text));
    let near = known.iter().find(|known| is_misspelt(text, known));
    let message = match (elsewhere, near) {
        (Some((_, advice)), _) => format!("unknown option `{text}`: {advice}"),
        (None, Some(near)) => format!("unknown option `{text}`; did you mean `{near}`?"),
        (None, None) => format!("unknown option `{text}`; the options are `{}`", known.join("`, `")),
    };
    syn::Error::new_spanned(name, message)
}

/// Whether one word becomes the other by at most two changes of a letter, or by cutting its end.
fn is_misspelt(word: &str, known: &str) -> bool {
    let word = word.to_lowercase().replace('_', "");
    let known = known.replace('_', "");
    word.len() >= 3 && (known.starts_with(&word) || word.starts_with(&known)) || distance(&word, &known) <= 2
}

/// The Levenshtein distance.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &r) in right.iter().enumerate() {
            let substitute = diagonal + usize::from(l != r);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}
