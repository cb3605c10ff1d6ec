//! Functions that are called alike, and written alike, and are not the same.

use lru_memo::lru_cache;

use super::{in_memory, info};

#[test]
fn functions_within_two_functions_are_two() {
    fn doubled(x: u32) -> u32 {
        const FACTOR: u32 = 2;
        #[lru_cache(scope = shared)]
        fn scaled(x: u32) -> u32 {
            x * FACTOR
        }
        scaled(x)
    }
    fn tripled(x: u32) -> u32 {
        const FACTOR: u32 = 3;
        #[lru_cache(scope = shared)]
        fn scaled(x: u32) -> u32 {
            x * FACTOR
        }
        scaled(x)
    }
    in_memory();
    assert_eq!((doubled(10), tripled(10)), (20, 30));
    assert_eq!((doubled(10), tripled(10)), (20, 30));
}

/// Two traits that a foreign type implements, each with a memoized method.
mod by_twos {
    use lru_memo::lru_cache;

    pub(super) trait Scale {
        const FACTOR: u32;
        fn scaled(&self) -> u32;
    }

    #[lru_cache]
    impl Scale for u32 {
        const FACTOR: u32 = 2;

        #[lru_cache(scope = shared)]
        fn scaled(&self) -> u32 {
            self * Self::FACTOR
        }
    }
}

mod by_threes {
    use lru_memo::lru_cache;

    pub(super) trait Scale {
        const FACTOR: u32;
        fn scaled(&self) -> u32;
    }

    #[lru_cache]
    impl Scale for u32 {
        const FACTOR: u32 = 3;

        #[lru_cache(scope = shared)]
        fn scaled(&self) -> u32 {
            self * Self::FACTOR
        }
    }
}

#[test]
fn methods_of_two_traits_are_two() {
    in_memory();
    assert_eq!((by_twos::Scale::scaled(&10), by_threes::Scale::scaled(&10)), (20, 30));
    assert_eq!((by_twos::Scale::scaled(&10), by_threes::Scale::scaled(&10)), (20, 30));
}

#[test]
fn instantiations_are_as_many_as_there_are_types_and_constants() {
    #[lru_cache(scope = shared)]
    fn described<T, const N: usize>(x: u8) -> String {
        format!("{} {N} {x}", std::any::type_name::<T>())
    }
    in_memory();
    for _ in 0..2 {
        assert_eq!(described::<u8, 1>(1), "u8 1 1");
        assert_eq!(described::<u8, 2>(1), "u8 2 1");
        assert_eq!(described::<i8, 1>(1), "i8 1 1");
    }
    assert_eq!(described_cache_info::<u8, 2>(), info(1, 1, 128, 1));
}
