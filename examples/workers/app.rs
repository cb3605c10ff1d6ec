//! The web app: a memoized view, and a view of its cache.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use lru_memo::CacheInfo;
use serde::{Deserialize, Serialize};

use crate::scope::Scope;

/// The header that says which worker answered.
pub(crate) const WORKER_PID: &str = "x-worker-pid";

/// What `GET /` answers.
#[derive(Serialize)]
struct Stored {
    message: String,
}

/// What `GET /get_cache_info` answers: the fields of Python's `CacheInfo`, with capitals.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Counters {
    pub(crate) currsize: usize,
    pub(crate) hits: u64,
    pub(crate) maxsize: Option<usize>,
    pub(crate) misses: u64,
}

impl From<CacheInfo> for Counters {
    fn from(info: CacheInfo) -> Self {
        Self { currsize: info.currsize, hits: info.hits, maxsize: info.maxsize, misses: info.misses }
    }
}

/// The routes; every answer names the process it comes from.
pub(crate) fn app(scope: Scope) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/get_cache_info", get(get_cache_info))
        .with_state(scope)
        .layer(map_response(name_worker))
}

async fn index(State(scope): State<Scope>) -> Json<Stored> {
    Json(Stored { message: scope.message() })
}

async fn get_cache_info(State(scope): State<Scope>) -> Json<Counters> {
    Json(scope.cache_info().into())
}

async fn name_worker<B>(mut response: Response<B>) -> Response<B> {
    response.headers_mut().insert(WORKER_PID, HeaderValue::from(std::process::id()));
    response
}
