//! A trait is implemented for a `dyn` type with several bounds: behind `&` these need parentheses.

use lru_memo::lru_cache;

trait Named {
    fn name(&self) -> String;
}

trait Greets {
    fn greeting(&self, word: &str) -> String;
}

struct Cat;

impl Named for Cat {
    fn name(&self) -> String {
        "Cat".to_owned()
    }
}

#[lru_cache]
impl Greets for dyn Named + Send + Sync {
    #[lru_cache(skip(self))]
    fn greeting(&self, word: &str) -> String {
        format!("{word}, {}", self.name())
    }
}

#[test]
fn a_method_of_a_dyn_type_with_several_bounds_is_memoized() {
    let cat: &(dyn Named + Send + Sync) = &Cat;
    assert_eq!(
        (cat.greeting("Hello"), cat.greeting("Hello")),
        ("Hello, Cat".to_owned(), "Hello, Cat".to_owned())
    );
}
