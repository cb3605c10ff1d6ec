#[lru_cache]
fn same(n: u32) -> u32 { #![allow(unused_variables)] let unused = n; n }
