// mistakes: 1
//! A field that is no `Memo`.

use lru_memo::lru_cache;

struct Store {
    rows: usize,
}

impl Store {
    #[lru_cache(scope = self.rows)]
    fn row(&self, x: usize) -> usize {
        self.rows + x
    }
}

fn main() {
    Store { rows: 1 }.row(2);
}
