//! TLS, for `rediss://`.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use std::io;

use once_cell::race::OnceBox;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::shared::remote::socket::Timed;

/// An encrypted socket.
pub(super) type Encrypted = StreamOwned<ClientConnection, Timed>;

/// Makes a TLS session with the server of this name. The first bytes start the handshake.
pub(super) fn encrypted(host: &str, socket: Timed) -> io::Result<Encrypted> {
    let name = ServerName::try_from(String::from(host)).map_err(io::Error::other)?;
    let session = ClientConnection::new(trusting()?, name).map_err(io::Error::other)?;
    Ok(StreamOwned::new(session, socket))
}

/// Returns the configuration, which trusts the certificate authorities of the system.
fn trusting() -> io::Result<Arc<ClientConfig>> {
    static TRUSTING: OnceBox<Arc<ClientConfig>> = OnceBox::new();
    if let Some(config) = TRUSTING.get() {
        return Ok(Arc::clone(config));
    }
    let mut authorities = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (usable, _) = authorities.add_parsable_certificates(found.certs);
    if usable == 0 {
        let why = found.errors.first().map_or_else(|| "there are none".to_string(), ToString::to_string);
        return Err(io::Error::other(alloc::format!("no trusted certificate authorities: {why}")));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(authorities)
        .with_no_client_auth();
    Ok(Arc::clone(TRUSTING.get_or_init(|| Box::new(Arc::new(config)))))
}
