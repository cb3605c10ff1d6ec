//! Functions and types that have one name, and are not the same.

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

/// What the function makes of a number.
#[lru_cache(scope = shared, skip(f))]
fn applied<F: Fn(u32) -> u32 + 'static>(f: F, x: u32) -> u32 {
    f(x)
}

#[test]
fn two_closures_are_two_instantiations() {
    in_memory();
    for _ in 0..2 {
        assert_eq!((applied(|x| x + 1, 5), applied(|x| x * 2, 5)), (6, 10));
    }
}

#[test]
fn two_functions_of_one_name_in_two_blocks_are_two_instantiations() {
    in_memory();
    for _ in 0..2 {
        let first = {
            fn changed(x: u32) -> u32 {
                x + 1
            }
            applied(changed, 6)
        };
        let second = {
            fn changed(x: u32) -> u32 {
                x * 2
            }
            applied(changed, 6)
        };
        assert_eq!((first, second), (7, 12));
    }
}

trait Numbered: 'static {
    const NUMBER: u32;
}

#[lru_cache(scope = shared)]
fn numbered<T: Numbered>(x: u32) -> u32 {
    x * T::NUMBER
}

/// A type of one name wherever it is written, with a number of its own.
macro_rules! a_kind_with {
    ($number:expr) => {
        #[allow(dead_code)]
        struct Kind;
        impl Numbered for Kind {
            const NUMBER: u32 = $number;
        }
        #[allow(dead_code)]
        impl Kind {
            #[lru_cache(scope = shared, skip(self))]
            fn times(&self, x: u32) -> u32 {
                x * Self::NUMBER
            }
        }
    };
}

#[test]
fn two_types_of_one_name_are_two_types() {
    in_memory();
    for _ in 0..2 {
        let first = {
            a_kind_with!(2);
            [numbered::<Kind>(5), numbered::<Vec<Kind>>(5), Kind.times(5)]
        };
        let second = {
            a_kind_with!(3);
            [numbered::<Kind>(5), numbered::<Vec<Kind>>(5), Kind.times(5)]
        };
        assert_eq!((first, second), ([10; 3], [15; 3]));
    }
}

impl<T: Numbered> Numbered for Vec<T> {
    const NUMBER: u32 = T::NUMBER;
}

#[test]
fn functions_of_one_name_in_two_blocks_are_two() {
    macro_rules! times {
        ($factor:expr) => {{
            const FACTOR: u32 = $factor;
            #[lru_cache(scope = shared)]
            fn times(x: u32) -> u32 {
                x * FACTOR
            }
            times(10)
        }};
    }
    in_memory();
    for _ in 0..2 {
        assert_eq!((times!(2), times!(3)), (20, 30));
    }
}

#[test]
fn futures_of_one_body_are_two_instantiations() {
    #[lru_cache(scope = shared, skip(_future))]
    fn size<F: Future + 'static>(_future: F) -> usize {
        size_of::<F>()
    }
    in_memory();
    for _ in 0..2 {
        let larger = async {
            let held = [0_u8; 100];
            std::future::ready(()).await;
            std::hint::black_box(held);
        };
        assert!(size(async {}) < 100 && size(larger) >= 100);
    }
}

impl Numbered for twin_1::Kind {
    const NUMBER: u32 = Self::NUMBER;
}

impl Numbered for twin_2::Kind {
    const NUMBER: u32 = Self::NUMBER;
}

#[test]
fn two_versions_of_a_crate_are_two_crates() {
    in_memory();
    for _ in 0..2 {
        assert_eq!((numbered::<twin_1::Kind>(7), numbered::<twin_2::Kind>(7)), (7, 14));
        assert_eq!((twin_1::times(7), twin_2::times(7)), (7, 14));
        assert_eq!((twin_1::Kind.times(7), twin_2::Kind.times(7)), (7, 14));
    }
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
