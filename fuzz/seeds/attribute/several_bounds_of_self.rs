#[lru_cache]
fn f<T>(mut self: impl A + 'a, x: for<'b> fn(&'b for<'c> fn(&'c str))) -> Option<(&'static str, T)> {}
