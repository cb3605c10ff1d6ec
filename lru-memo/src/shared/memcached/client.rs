//! The client: what each operation on Memcached uses of the store.

use alloc::sync::Arc;

use super::remembered::Remembered;
use super::servers::Servers;
use super::url::Options;

/// The servers, and what this process remembers of them.
pub(super) struct Client {
    pub(super) servers: Arc<Servers>,
    pub(super) options: Options,
    pub(super) remembered: Remembered,
}
