//! Reads the counters of a cache, and changes its entries: `cargo run --example cache_info`.

use lru_memo::lru_cache;

#[lru_cache(maxsize = 5)]
fn page(letter: char) -> String {
    println!("    (reading page {letter})");
    format!("page {letter}")
}

/// Returns the letters whose pages are cached. `peek` does not change the order of eviction.
fn cached() -> String {
    let letters: String = ('A'..='Z').filter(|&letter| page_cache_peek(letter).is_some()).collect();
    if letters.is_empty() { "nothing".to_owned() } else { letters }
}

fn show(event: &str) {
    println!("{event}: holds {}, {}", cached(), page_cache_info());
}

fn main() {
    println!("{:?}", page_cache_parameters());

    "ABCDE".chars().for_each(|letter| drop(page(letter)));
    show("A to E are read");

    page('A');
    show("A again, a hit: now B is the least recent");

    page('F');
    show("F is read: B goes");

    println!("peek: A is {:?}, B is {:?}", page_cache_peek('A'), page_cache_peek('B'));

    println!(
        "invalidate: C was there: {}, B was: {}",
        page_cache_invalidate('C'),
        page_cache_invalidate('B')
    );
    show("without C");

    page_cache_put('D', "another page D".to_owned());
    println!("put: D is now {:?}", page('D'));
    println!("refresh: D is now {:?}", page_cache_refresh('D'));
    println!("uncached: {:?}, {}", page_uncached('G'), page_cache_info());

    for cache in lru_memo::caches() {
        println!("{} at {}:{}: {}", cache.name(), cache.file(), cache.line(), cache.info());
    }

    page_cache_clear();
    show("clear");
}
