//! A hit returns what was returned before.

use lru_memo::lru_cache;
use pollster::block_on;

use super::{in_memory, info};

#[test]
fn some_of_nothing_is_read_back_as_some() {
    #[lru_cache(scope = shared)]
    fn unit(is_some: bool) -> Option<()> {
        is_some.then_some(())
    }
    #[lru_cache(scope = shared)]
    fn nested(depth: u8) -> Option<Option<Option<u8>>> {
        [None, Some(None), Some(Some(None)), Some(Some(Some(3)))][usize::from(depth)]
    }
    #[lru_cache(scope = shared)]
    fn json(is_some: bool) -> Vec<Option<serde_json::Value>> {
        vec![is_some.then_some(serde_json::Value::Null)]
    }
    in_memory();
    for is_some in [false, true] {
        let (unit, json) = ([unit(is_some), unit(is_some)], [json(is_some), json(is_some)]);
        assert_eq!(unit, [unit_uncached(is_some); 2]);
        assert_eq!(json[0], json[1]);
    }
    for depth in 0..4 {
        assert_eq!([nested(depth), nested(depth)], [nested_uncached(depth); 2]);
    }
}

#[test]
fn cache_if_may_see_the_key_on_a_store() {
    #[lru_cache(scope = shared, cache_if = |(text, _), length| text.len() == *length)]
    fn two(text: String, _: Option<&str>) -> Result<usize, ()> {
        Ok(text.len().min(2))
    }
    #[lru_cache(scope = shared, cache_if = |&id, _| id > 1, key = user.0, tags = [user.1.as_str()], single_flight = true)]
    async fn by_key(user: (u32, String), (a, _): (u32, u32)) -> u32 {
        user.0 + a
    }
    in_memory();
    for _ in 0..2 {
        assert_eq!((two("ab".to_owned(), None), two("abc".to_owned(), Some("a"))), (Ok(2), Ok(2)));
        for id in [1, 2] {
            assert_eq!(block_on(by_key((id, "tag".to_owned()), (1, 1))), id + 1);
        }
    }
    assert_eq!(two_cache_info(), info(1, 3, 128, 1));
    assert_eq!(block_on(by_key_cache_info()), info(1, 3, 128, 1));
    assert_eq!(two_cache_refresh("abcd".to_owned(), None), Ok(2));
    assert_eq!(two_cache_info(), info(1, 3, 128, 1));
}
