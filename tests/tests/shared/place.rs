//! The stores where several processes meet, each with its server.

use std::any::Any;

use super::Scratch;

/// A store for a test, and the server that it is on.
pub struct Place {
    pub url: String,
    #[cfg_attr(not(feature = "memcached"), expect(dead_code, reason = "it is removed in the end"))]
    scratch: Scratch,
    _server: Option<Box<dyn Any>>,
}

impl Place {
    pub fn embedded() -> Self {
        let scratch = Scratch::new();
        Self { url: scratch.embedded_url(), scratch, _server: None }
    }

    #[cfg(feature = "redis")]
    pub fn redis() -> Self {
        let server = super::RedisServer::start();
        Self { url: server.url(), _server: Some(Box::new(server)), ..Self::embedded() }
    }

    #[cfg(feature = "memcached")]
    pub fn memcached() -> Self {
        let place = Self::embedded();
        let server = super::memcached_server::Server::on_socket(&place.scratch, &["-m", "256"]);
        let url = server.patient_url();
        Self { url, _server: Some(Box::new(server)), ..place }
    }
}
