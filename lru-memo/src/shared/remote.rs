//! Connections to servers: what the stores on Memcached and Redis have in common.

pub(crate) mod pool;
pub(crate) mod socket;
