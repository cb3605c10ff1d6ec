//! Which `maxsize` is good for the calls that come: `cargo run --example advice`.

use lru_memo::lru_cache;

#[lru_cache(maxsize = 50, advise = true)]
fn article(id: u32) -> String {
    format!("article {id}")
}

fn main() {
    for request in 0..30_000 {
        // What is new is read a few times; a list of favourites is read in turn.
        article(1_000 + request / 3);
        article(request % 120);
    }
    let advice = article_cache_advice();
    println!("{advice}");
    article_cache_resize(advice.smallest(0.01));
    println!("{}", article_cache_info());
}
