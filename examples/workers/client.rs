//! A client of the app for the demonstration.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use crate::app::WORKER_PID;
use crate::failure::Failure;

/// What a worker answered.
pub(crate) struct Answer {
    pub(crate) worker: u32,
    pub(crate) body: Value,
}

/// Sends `GET path` over a connection of its own, so that any worker may get it.
pub(crate) async fn get(server: SocketAddr, path: &'static str) -> Result<Answer, Failure> {
    tokio::task::spawn_blocking(move || get_blocking(server, path))
        .await
        .map_err(Failure::of("the client panicked"))?
}

fn get_blocking(server: SocketAddr, path: &str) -> Result<Answer, Failure> {
    let failed = || Failure::of(format!("GET {path}"));
    let client = ureq::Agent::config_builder()
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .new_agent();
    let mut response = client.get(format!("http://{server}{path}")).call().map_err(failed())?;
    let worker = response
        .headers()
        .get(WORKER_PID)
        .and_then(|pid| pid.to_str().ok()?.parse().ok())
        .ok_or_else(|| Failure::new(format!("GET {path}: no {WORKER_PID} in the answer")))?;
    let body = response.body_mut().read_json().map_err(Failure::of(format!("GET {path}")))?;
    Ok(Answer { worker, body })
}
