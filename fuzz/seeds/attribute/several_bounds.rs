#[lru_cache]
impl<T> A for dyn B + 'static where T: A {
    #[lru_cache(skip(self))]
    fn f(&self, x: &impl A<T>, g: for<'b> fn(&'b T) -> u32) -> u32 { 1 }
}
