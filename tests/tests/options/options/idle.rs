//! `idle`, by the driven clock.

macro_rules! idle {
    ($scope:ident) => {
        #[test]
        fn what_nobody_uses_expires_and_a_hit_puts_it_off() {
            let _clock = clock_for_me_alone();
            #[lru_cache(idle = "10h", scope = $scope)]
            fn plain(x: u32) -> u32 {
                x
            }
            #[lru_cache(idle = Duration::from_secs(36_000), scope = $scope)]
            fn not_plain(x: &str) -> String {
                x.to_owned()
            }
            #[lru_cache(idle = "10h", scope = $scope)]
            fn generic<T: Clone + Eq + Hash + Send + Sync + 'static>(x: T) -> T {
                x
            }
            #[lru_cache(idle = "10h", single_flight = true, key = x % 2, scope = $scope)]
            fn by_key(x: u32) -> u32 {
                x
            }
            let call = || (plain(1), not_plain("1"), generic(1), by_key(1));
            let infos = || {
                let generic = generic_cache_info::<i32>();
                [plain_cache_info(), not_plain_cache_info(), generic, by_key_cache_info()].map(counts)
            };
            call();
            for hits in 1..10 {
                hours_later(9);
                call();
                assert_eq!(infos(), [(hits, 1, 1); 4]);
            }
            hours_later(10);
            call();
            assert_eq!(infos(), [(9, 2, 1); 4]);
            assert_eq!(plain_cache_totals().expirations, 1);
            let idle = Some(Duration::from_secs(36_000));
            assert_eq!([plain_cache_parameters().idle, not_plain_cache_parameters().idle], [idle; 2]);
            assert_eq!(plain_cache_parameters().ttl, None);
        }

        #[test]
        fn a_peek_puts_nothing_off_and_put_and_refresh_do() {
            let _clock = clock_for_me_alone();
            #[lru_cache(idle = "10h", scope = $scope)]
            fn f(x: u32) -> u32 {
                x
            }
            for_each([1, 2, 3, 4], f);
            hours_later(6);
            assert_eq!((f_cache_peek(1), f_cache_refresh(2), f(4)), (Some(1), 2, 4));
            f_cache_put(3, 30);
            hours_later(6);
            assert_eq!([1, 2, 3, 4].map(f_cache_peek), [None, Some(2), Some(30), Some(4)]);
            assert_eq!(f_cache_info().currsize, 3, "seen by peek");
            hours_later(4);
            assert!(!f_cache_invalidate(2), "as if not there");
        }

        #[test]
        fn ttl_ends_also_what_is_used_all_the_time() {
            let _clock = clock_for_me_alone();
            #[lru_cache(ttl = "20h", idle = "10h", scope = $scope)]
            fn f(x: u32) -> u32 {
                x
            }
            #[lru_cache(ttl = "20h", ttl_of = |hours| Duration::from_secs(3600) * *hours, idle = "10h", scope = $scope)]
            fn own(hours: u32) -> u32 {
                hours
            }
            (f(1), f(2), own(12), own(20));
            hours_later(9);
            (f(1), own(12), own(20));
            hours_later(9);
            assert_eq!([1, 2].map(f_cache_peek), [Some(1), None]);
            assert_eq!([12, 20].map(own_cache_peek), [None, Some(20)]);
            (f(1), own(20));
            assert_eq!((f_cache_info().hits, own_cache_info().hits), (2, 3));
            hours_later(2);
            assert_eq!((f_cache_peek(1), own_cache_peek(20)), (None, None));
        }

        #[test]
        fn what_was_unused_for_so_long_makes_room_before_what_was_used() {
            let _clock = clock_for_me_alone();
            #[lru_cache(maxsize = 3, ttl = "20h", idle = "10h", scope = $scope)]
            fn f(x: u32) -> u32 {
                x
            }
            f(1);
            hours_later(9);
            f(1);
            for_each([2, 3], f);
            hours_later(9);
            for_each([2, 3, 1], f);
            hours_later(2);
            // 1 is the most recent, but its `ttl` is over.
            f(4);
            assert_eq!([1, 2, 3, 4].map(f_cache_peek), [None, Some(2), Some(3), Some(4)]);
            hours_later(8);
            f(5);
            f(6);
            assert_eq!([2, 3, 4].map(f_cache_peek), [None, None, Some(4)], "both unused for ten hours");
            let totals = f_cache_totals();
            assert_eq!((totals.expirations, totals.evictions), (3, 0));
        }

        #[test]
        fn jitter_leaves_idle_as_it_is() {
            let _clock = clock_for_me_alone();
            #[lru_cache(maxsize = None, ttl = "20h", jitter = "1h", idle = "10h", scope = $scope)]
            fn f(x: u32) -> u32 {
                x
            }
            (0..50).for_each(|x| _ = f(x));
            hours_later(9);
            (0..50).for_each(|x| _ = f(x));
            assert_eq!(f_cache_info().hits, 50);
            hours_later(9);
            assert!((0..50).all(|x| f_cache_peek(x).is_some()));
            hours_later(1);
            assert!((0..50).all(|x| f_cache_peek(x).is_none()));
        }

        #[test]
        fn the_longest_idle_never_expires_and_the_shortest_stores_nothing() {
            let _clock = clock_for_me_alone();
            #[lru_cache(idle = Duration::MAX, scope = $scope)]
            fn never(x: u32) -> u32 {
                x
            }
            #[lru_cache(idle = Duration::ZERO, scope = $scope)]
            fn at_once(x: u32) -> u32 {
                x
            }
            (never(1), at_once(1));
            hours_later(1_000);
            assert_eq!((never(1), at_once(1)), (1, 1));
            assert_eq!((counts(never_cache_info()), counts(at_once_cache_info())), ((1, 1, 1), (0, 2, 0)));
        }
    };
}
