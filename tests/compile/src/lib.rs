//! Holds the tests of what the compiler says, see `tests/`.
