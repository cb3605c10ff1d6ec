#[lru_cache]
fn length(text: &str, factor: f64) -> Option<usize> { Some(text.len()) }
