//! A hit returns what was returned before.

use lru_memo::lru_cache;

use super::in_memory;

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
