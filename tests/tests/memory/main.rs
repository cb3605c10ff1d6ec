//! The memory that caches take, and that they give back. One allocator counts it for the whole program, so that one
//! test runs at a time.

mod advice_memory;
mod caches_that_come_and_go;
mod object_memory;

use lru_memo_tests::counting::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;
