// mistakes: 3
//! An alias of `Result` with something generic in it cannot be seen.

use std::hash::Hash;

use lru_memo::lru_cache;

type Fallible<T> = Result<T, String>;

trait Part: Clone + Eq + Hash + Send + Sync + 'static {}
impl<T: Clone + Eq + Hash + Send + Sync + 'static> Part for T {}

#[lru_cache]
fn same<T: Part>(x: T) -> Fallible<T> {
    Ok(x)
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Pair<T>(T, T);

#[lru_cache]
impl<T: Part> Pair<T> {
    #[lru_cache]
    fn first(self) -> Fallible<T> {
        Ok(self.0)
    }

    #[lru_cache]
    fn swapped(self) -> Fallible<Self> {
        Ok(Self(self.1, self.0))
    }
}

fn main() {}
