//! Ports of this machine that nobody listens on.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::iter::repeat_with;
use std::net::TcpListener;

/// By how much the port of a Redis node for the other nodes is higher.
pub const BUS: u16 = 10_000;

/// A port that nobody listens on, and neither on the one that is higher by [`BUS`]. Neither is one of those that the
/// system gives to outgoing connections, so that it is still free a moment later unless another test takes it.
pub fn free_port() -> u16 {
    let random = || 10_000 + (RandomState::new().hash_one(()) % 10_000) as u16;
    let is_free =
        |port: &u16| [*port, port + BUS].iter().all(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok());
    repeat_with(random).take(1000).find(is_free).expect("a free port")
}

/// Starts something on a free port, on another one if that is somebody else's by then.
pub fn on_free_port<T>(start: impl Fn(u16) -> Option<T>) -> T {
    repeat_with(free_port).take(8).find_map(start).expect("it starts on some port")
}
