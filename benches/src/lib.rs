//! Benchmarks of lru-memo.
