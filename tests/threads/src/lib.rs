//! Holds the tests of many threads at once, see `tests/`.
