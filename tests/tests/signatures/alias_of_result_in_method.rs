//! `type R<T> = Result<T, E>` where the macro cannot ask the compiler about the signature.

use std::hash::Hash;

use lru_memo::lru_cache;

type R<T> = Result<T, String>;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Id(u32);

impl Id {
    #[lru_cache]
    fn get(&self) -> R<u32> {
        if self.0 == 0 { Err("zero".to_owned()) } else { Ok(self.0) }
    }
}

#[lru_cache]
fn generic<T: Clone + Eq + Hash + Send + Sync + 'static>(x: T) -> R<T> {
    Ok(x)
}

fn main() {
    assert!(Id(0).get().is_err() && Id(0).get().is_err());
    assert_eq!((Id(1).get(), Id(1).get()), (Ok(1), Ok(1)));
    assert_eq!((Id::get_cache_info().hits, Id::get_cache_info().misses), (1, 3));
    assert_eq!((generic('a'), generic('a'), generic_cache_info::<char>().hits), (Ok('a'), Ok('a'), 1));
}
