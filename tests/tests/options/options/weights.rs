//! `max_weight` and `weigh`.

macro_rules! weights {
    ($scope:ident) => {
        #[test]
        fn the_sum_of_weights_never_exceeds_the_bound() {
            #[lru_cache(maxsize = None, max_weight = 20, weigh = |_, v: &String| v.len(), scope = $scope)]
            fn f(x: usize) -> String {
                "x".repeat(x)
            }
            // A small generator of sizes; deterministic.
            let mut state = 1_usize;
            let mut present: Vec<usize> = Vec::new();
            for _ in 0..2000 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let x = (state >> 33) % 24;
                assert_eq!(f(x).len(), x);
                // The naive model: least recent first.
                present.retain(|&other| other != x);
                if x <= 20 {
                    present.push(x);
                }
                while present.iter().sum::<usize>() > 20 {
                    present.remove(0);
                }
                let found: Vec<usize> = (0..24).filter(|&x| f_cache_peek(x).is_some()).collect();
                let mut expected = present.clone();
                expected.sort_unstable();
                assert_eq!((found, f_cache_info().currsize), (expected, present.len()));
            }
        }

        #[test]
        fn what_is_too_heavy_is_returned_and_not_stored() {
            #[lru_cache(max_weight = 10, weigh = |_, v| *v, scope = $scope)]
            fn f(x: usize) -> usize {
                x
            }
            assert_eq!((f(4), f(6), f(11), f(11), f(usize::MAX)), (4, 6, 11, 11, usize::MAX));
            assert_eq!((f_cache_peek(4), f_cache_peek(6), f_cache_peek(11)), (Some(4), Some(6), None));
            assert_eq!(counts(f_cache_info()), (0, 5, 2));
            f_cache_put(5, 11);
            assert_eq!((f_cache_peek(5), f_cache_peek(4)), (None, Some(4)));
        }

        #[test]
        fn a_heavier_value_in_the_same_place_evicts_the_least_recent() {
            #[lru_cache(max_weight = 10, weigh = |_, v| *v, scope = $scope)]
            fn f(x: usize) -> usize {
                x
            }
            let present = || [1, 2, 3, 4].map(|x| f_cache_peek(x).is_some());
            for_each([1, 2, 3, 4], f);
            assert_eq!(present(), [true; 4]);
            f_cache_put(1, 3);
            assert_eq!(present(), [true, false, true, true], "2 was the least recent");
            f_cache_put(3, 1);
            f_cache_put(5, 2);
            assert_eq!((present(), f_cache_info().currsize), ([true, false, true, true], 4), "room was freed");
            f_cache_put(1, 10);
            assert_eq!((present(), f_cache_peek(1)), ([true, false, false, false], Some(10)));
            f_cache_put(1, 11);
            assert_eq!((present(), f_cache_info().currsize), ([false; 4], 0), "neither the old nor the new");
        }

        #[test]
        fn weights_and_count_are_bounds_together() {
            #[lru_cache(maxsize = 2, max_weight = 10, weigh = |_, v| *v, scope = $scope)]
            fn f(x: usize) -> usize {
                x
            }
            for_each([1, 2, 3], f);
            assert_eq!([1, 2, 3].map(f_cache_peek), [None, Some(2), Some(3)]);
            f(8);
            assert_eq!([2, 3, 8].map(f_cache_peek), [None, None, Some(8)]);
        }

        #[test]
        fn weigh_sees_the_parts_of_the_key_as_they_are_stored() {
            #[lru_cache(max_weight = 10, weigh = |(text, n): (&String, &u32), v: &()| { let () = v; text.len() + *n as usize }, scope = $scope)]
            fn f(text: &str, n: u32) {
                let _ = (text, n);
            }
            #[lru_cache(max_weight = 10, weigh = |key: &u64, _| *key as usize, key = u64::from(x) * 2, scope = $scope)]
            fn by_key(x: u32) -> u32 {
                x
            }
            #[lru_cache(max_weight = 10, weigh = |(): (), v: &u32| *v as usize, scope = $scope)]
            fn without_arguments() -> u32 {
                1
            }
            #[lru_cache(max_weight = limit(), weigh = |_, v: &Vec<T>| v.len() * size_of::<T>(), scope = $scope)]
            fn generic<T: Clone + Eq + Hash + Send + Sync + 'static>(x: T, n: usize) -> Vec<T> {
                vec![x; n]
            }
            fn limit() -> usize {
                10
            }
            f("abc", 3);
            f("abcd", 0);
            assert_eq!(f_cache_info().currsize, 2);
            f("a", 0);
            assert_eq!((f_cache_peek("abc", 3), f_cache_peek("abcd", 0)), (None, Some(())));
            for_each([3, 2, 1], by_key);
            assert_eq!([3, 2, 1].map(by_key_cache_peek), [None, Some(2), Some(1)]);
            assert_eq!((without_arguments(), without_arguments_cache_info().currsize), (1, 1));
            generic(1_u32, 2);
            generic(1_u32, 3);
            generic(1_u8, 10);
            assert_eq!((generic_cache_info::<u32>().currsize, generic_cache_info::<u8>().currsize), (1, 1));
            assert_eq!(generic_cache_parameters::<u8>().max_weight, Some(10));
        }

        #[test]
        fn entries_of_no_weight_are_bounded_by_count_alone() {
            #[lru_cache(maxsize = 3, max_weight = 0, weigh = |_, v| *v, scope = $scope)]
            fn f(x: usize) -> usize {
                x / 10
            }
            (0..20).for_each(|x| assert_eq!(f(x), x / 10));
            assert_eq!(counts(f_cache_info()), (0, 20, 3));
        }

        #[test]
        fn weights_whose_sum_is_no_number_do_not_overflow() {
            #[lru_cache(max_weight = usize::MAX, weigh = |_, v| *v, scope = $scope)]
            fn f(x: usize) -> usize {
                x
            }
            f(usize::MAX);
            f(usize::MAX - 1);
            assert_eq!((f_cache_peek(usize::MAX), f_cache_peek(usize::MAX - 1)), (None, Some(usize::MAX - 1)));
            f(1);
            f_cache_put(1, usize::MAX);
            assert_eq!((f_cache_peek(1), f_cache_info().currsize), (Some(usize::MAX), 1));
        }
    };
}
