//! A trait with a memoized default method can be used as `dyn Trait`.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use lru_memo::lru_cache;

thread_local!(static RUNS: Cell<u32> = const { Cell::new(0) });

/// How often a method of this thread has run since it was asked.
fn runs() -> u32 {
    RUNS.replace(0)
}

fn run() {
    RUNS.set(RUNS.get() + 1);
}

macro_rules! default_methods {
    ($scope:ident) => {
        use super::*;

        trait Shape {
            fn sides(&self) -> u32;

            #[lru_cache(scope = $scope, key = (self.sides(), length))]
            fn perimeter(&self, length: u32) -> u32 {
                run();
                self.sides() * length
            }

            #[lru_cache(scope = $scope, skip(self))]
            fn name<'a>(self: Arc<Self>, prefix: &'a str, n: Option<&str>) -> Result<String, ()> {
                run();
                n.map(|n| format!("{prefix}{n}{}", self.sides())).ok_or(())
            }
        }

        struct Square;
        impl Shape for Square {
            fn sides(&self) -> u32 {
                4
            }
        }

        struct Triangle<'a>(&'a u32);
        impl Shape for Triangle<'_> {
            fn sides(&self) -> u32 {
                *self.0
            }
        }

        #[test]
        fn a_memoized_default_method_hits_when_it_is_called_through_dyn() {
            crate::prepare();
            let three = 3;
            let shapes: [Box<dyn Shape + '_>; 2] = [Box::new(Square), Box::new(Triangle(&three))];
            let perimeters = || shapes.each_ref().map(|shape| shape.perimeter(2));
            assert_eq!((perimeters(), runs()), ([8, 6], 2));
            assert_eq!((perimeters(), runs()), ([8, 6], 0));
            let infos = [Square::perimeter_cache_info(), <Triangle<'_> as Shape>::perimeter_cache_info()];
            assert_eq!(infos.map(|info| (info.hits, info.misses)), [(1, 1), (1, 1)]);
        }

        #[test]
        fn companions_with_a_receiver_are_called_through_dyn() {
            crate::prepare();
            struct Pentagon;
            impl Shape for Pentagon {
                fn sides(&self) -> u32 {
                    5
                }
            }
            let shape: &dyn Shape = &Pentagon;
            shape.perimeter_cache_put(1, 50);
            assert_eq!((shape.perimeter_cache_peek(1), shape.perimeter(1), runs()), (Some(50), 50, 0));
            assert_eq!((shape.perimeter_cache_refresh(1), shape.perimeter_uncached(1), runs()), (5, 5, 2));
            assert!(shape.perimeter_cache_invalidate(1));
            assert_eq!((shape.perimeter(1), Pentagon.perimeter(1), runs()), (5, 5, 1));
            Pentagon::perimeter_cache_clear();
            assert_eq!(
                (Pentagon::perimeter_cache_info().currsize, Pentagon::perimeter_cache_parameters().maxsize),
                (0, Some(128))
            );
            assert_eq!((shape.perimeter(1), runs()), (5, 1));
        }

        #[test]
        fn other_receivers_are_called_through_dyn() {
            crate::prepare();
            struct Hexagon;
            impl Shape for Hexagon {
                fn sides(&self) -> u32 {
                    6
                }
            }
            let shape: Arc<dyn Shape> = Arc::new(Hexagon);
            for _ in 0..2 {
                assert_eq!(Arc::clone(&shape).name("a", Some("b")), Ok("ab6".to_owned()));
                assert_eq!(Arc::clone(&shape).name("a", None), Err(()));
            }
            assert_eq!((runs(), Hexagon::name_cache_info().hits), (3, 1));
        }
    };
}

mod in_the_process {
    default_methods!(process);
}

mod in_a_thread {
    default_methods!(thread);
}

#[cfg(feature = "shared")]
mod in_all_processes {
    default_methods!(shared);
}

#[test]
fn all_methods_of_one_trait_have_caches_of_their_own_in_every_thread() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    trait Numbers: Sync {
        #[lru_cache(skip(self))]
        fn one(&self, x: u32) -> u32 {
            RUNS.fetch_add(1, Relaxed);
            x + 1
        }
        #[lru_cache(skip(self))]
        fn two(&self, x: u32) -> u32 {
            RUNS.fetch_add(1, Relaxed);
            x + 2
        }
    }
    impl Numbers for () {}
    impl Numbers for u8 {}
    let all: [&dyn Numbers; 2] = [&(), &1_u8];
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let ran = scope.spawn(move || all.map(|numbers| (numbers.one(1), numbers.two(1)))).join();
            assert_eq!(ran.expect("it ran"), [(2, 3); 2]);
        }
    });
    assert_eq!(RUNS.load(Relaxed), 4);
}
