// mistakes: 2
//! Threads that have an object share its caches.

use std::rc::Rc;

use lru_memo::{Memo, lru_cache};

struct Store {
    memo: Memo,
}

impl Store {
    #[lru_cache(scope = self.memo)]
    fn argument(&self, x: Rc<str>) -> usize {
        x.len()
    }

    #[lru_cache(scope = self.memo)]
    fn output(&self, x: u32) -> Rc<str> {
        x.to_string().into()
    }
}

fn main() {
    Store { memo: Memo::new() }.argument("a".into());
}
