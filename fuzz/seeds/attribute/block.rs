#[lru_cache]
impl Prices {
    #[lru_cache(maxsize = 1)]
    fn of(day: u32) -> Self { Self }
    #[cache]
    fn at(self: Arc<Self>, day: Cow<'_, str>) -> u32 { 0 }
    fn plain() {}
}
