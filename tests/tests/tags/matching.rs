//! `_cache_invalidate_if`.
