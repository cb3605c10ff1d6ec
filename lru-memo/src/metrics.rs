//! Counters and gauges of all caches, for the program's exporter: feature `metrics`.
//!
//! The names follow the convention of Micrometer and Spring Boot.

use metrics::{counter, gauge};

use crate::registry::caches;

/// Sets the counters and gauges of all caches that have been used. Call it before each scrape, or periodically.
///
/// The facade crate [`metrics`] passes them to the exporter that the program has installed. Each metric has the label
/// `cache` with the [name](crate::RegisteredCache::name) of the function:
///
/// | metric | kind | unit and labels |
/// |---|---|---|
/// | `cache_gets_total` | counter | calls; `result` is `hit` or `miss` |
/// | `cache_stale_hits_total` | counter | those of the hits that were older than their `ttl` |
/// | `cache_evictions_total`, `cache_expirations_total` | counter | entries |
/// | `cache_errors_total`, `cache_waits_total` | counter | runs that failed, calls that waited for another one's run |
/// | `cache_size`, `cache_max_size` | gauge | entries; a cache without a bound has no `cache_max_size` |
/// | `cache_compute_seconds_total`, `cache_saved_seconds_total` | gauge | seconds |
///
/// With [`Scope::Shared`](crate::Scope::Shared), the numbers are those of all processes, and the same from each of them:
/// a query does not add them up, but takes the largest. `publish` then asks the store, and waits for it.
///
/// The instantiations of a generic function have different names. With [`Scope::Thread`](crate::Scope::Thread), the
/// numbers are those of the calling thread's cache.
///
/// ```
/// use lru_memo::lru_cache;
///
/// #[lru_cache(name = "square")]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// // First install an exporter: `PrometheusBuilder::new().install()` of `metrics-exporter-prometheus`, say.
/// square(2);
/// square(2);
/// lru_memo::metrics::publish(); // cache_gets_total{cache="square",result="hit"} 1
/// ```
pub fn publish() {
    for cache in caches() {
        let (name, totals, info) = (cache.name(), cache.totals(), cache.info());
        counter!("cache_gets_total", "cache" => name, "result" => "hit").absolute(totals.hits);
        counter!("cache_gets_total", "cache" => name, "result" => "miss").absolute(totals.misses);
        counter!("cache_stale_hits_total", "cache" => name).absolute(totals.stale_hits);
        counter!("cache_evictions_total", "cache" => name).absolute(totals.evictions);
        counter!("cache_expirations_total", "cache" => name).absolute(totals.expirations);
        counter!("cache_errors_total", "cache" => name).absolute(totals.errors);
        counter!("cache_waits_total", "cache" => name).absolute(totals.waits);
        gauge!("cache_compute_seconds_total", "cache" => name).set(totals.compute_time.as_secs_f64());
        gauge!("cache_saved_seconds_total", "cache" => name).set(totals.saved_time().as_secs_f64());
        gauge!("cache_size", "cache" => name).set(info.currsize as f64);
        if let Some(maxsize) = info.maxsize {
            gauge!("cache_max_size", "cache" => name).set(maxsize as f64);
        }
    }
}
