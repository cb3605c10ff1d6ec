//! Holds the integration tests of lru-memo; see `tests/`.
