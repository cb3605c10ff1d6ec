// mistakes: 3
//! What is wrong in a body is told once.

use lru_memo::lru_cache;

#[lru_cache]
fn half(x: u32) -> u32 {
    let y = x +;
    y
}

struct Engine(u32);

#[lru_cache]
impl Engine {
    fn depth(&self) -> u32 {
        let depth = self.0 1;
        depth
    }

    #[lru_cache(skip(self))]
    fn score(&self, x: u32) -> u32 {
        self.;
        x
    }
}

fn main() {
    half(1);
    Engine(1).score(2);
}
