//! The web app: a memoized view, and a view of its cache.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::scope::Scope;

/// The header that says which worker answered.
pub(crate) const WORKER_PID: &str = "x-worker-pid";

/// The routes; every answer names the process it comes from.
pub(crate) fn app(scope: Scope) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/get_cache_info", get(get_cache_info))
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

async fn name_worker<B>(mut response: Response<B>) -> Response<B> {
    response.headers_mut().insert(WORKER_PID, HeaderValue::from(std::process::id()));
    response
}
