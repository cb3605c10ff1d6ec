//! The web app: a memoized view, and a view of its cache.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::scope::Scope;

/// The header with the worker that answered.
pub(crate) const WORKER_PID: &str = "x-worker-pid";

/// The routes. Every answer names its worker process.
pub(crate) fn app(scope: Scope) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/get_cache_info", get(get_cache_info))
        .route("/metrics", get(metrics))
        .with_state(scope)
        .layer(map_response(name_worker))
}

async fn index(State(scope): State<Scope>) -> Json<Value> {
    Json(json!({ "message": scope.message() }))
}

/// The fields of Python's `CacheInfo`, with capitals.
async fn get_cache_info(State(scope): State<Scope>) -> Json<Value> {
    let info = scope.cache_info();
    Json(json!({
        "Currsize": info.currsize,
        "Hits": info.hits,
        "Maxsize": info.maxsize,
        "Misses": info.misses,
    }))
}

/// The totals of all caches, in the text format of Prometheus. Those of a shared function are the fleet's, and the same
/// from each worker, so a collector does not add them up. The feature `metrics` gives the same numbers
/// to an exporter.
async fn metrics() -> String {
    let of_cache = |cache: lru_memo::RegisteredCache| {
        let (name, info, totals) = (cache.name(), cache.info(), cache.totals());
        let (saved, hits, misses) = (totals.saved_time().as_secs_f64(), totals.hits, totals.misses);
        format!(
            "cache_gets_total{{cache=\"{name}\",result=\"hit\"}} {hits}\n\
             cache_gets_total{{cache=\"{name}\",result=\"miss\"}} {misses}\n\
             cache_saved_seconds_total{{cache=\"{name}\"}} {saved}\n\
             cache_size{{cache=\"{name}\"}} {}\n",
            info.currsize
        )
    };
    lru_memo::caches().map(of_cache).collect()
}

async fn name_worker<B>(mut response: Response<B>) -> Response<B> {
    response.headers_mut().insert(WORKER_PID, HeaderValue::from(std::process::id()));
    response
}
