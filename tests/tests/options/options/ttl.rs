//! `ttl`, by the driven clock.

macro_rules! ttl {
    ($scope:ident) => {
        #[test]
        fn an_expired_entry_is_a_miss_and_a_hit_does_not_extend() {
            let _clock = clock_for_me_alone();
            #[lru_cache(ttl = "10h", scope = $scope)]
            fn literal(x: u32) -> u32 {
                x
            }
            #[lru_cache(ttl = Duration::from_secs(3600) * 10, scope = $scope)]
            fn expression(x: u32) -> u32 {
                x
            }
            #[lru_cache(ttl = "10h", scope = $scope)]
            fn generic<T: Clone + Eq + Hash + Send + Sync + 'static>(x: T) -> T {
                x
            }
            #[lru_cache(ttl = "10h", scope = $scope)]
            fn not_plain(x: &str) -> String {
                x.to_owned()
            }
            let call = || (literal(1), expression(1), generic(1), not_plain("1"));
            let infos = || {
                [
                    literal_cache_info(),
                    expression_cache_info(),
                    generic_cache_info::<i32>(),
                    not_plain_cache_info(),
                ]
                .map(counts)
            };
            call();
            hours_later(6);
            call();
            assert_eq!(infos(), [(1, 1, 1); 4], "after six hours");
            hours_later(6);
            assert_eq!(call(), (1, 1, 1, "1".to_owned()));
            assert_eq!(infos(), [(1, 2, 1); 4], "after twelve, though used after six");
            hours_later(9);
            call();
            assert_eq!(infos(), [(2, 2, 1); 4], "the new entry counts from when it was stored");
            let ttl = Some(Duration::from_secs(36_000));
            assert_eq!([literal_cache_parameters().ttl, expression_cache_parameters().ttl], [ttl; 2]);
        }

        #[test]
        fn an_observed_expired_entry_is_no_longer_counted() {
            let _clock = clock_for_me_alone();
            #[lru_cache(ttl = "10h", scope = $scope)]
            fn f(x: u32) -> Option<u32> {
                (x > 0).then_some(x)
            }
            for_each([1, 2, 3, 4], f);
            hours_later(10);
            assert_eq!((f_cache_peek(1), f_cache_invalidate(2)), (None, false), "as if not there");
            assert_eq!(f_cache_info().currsize, 2, "seen by peek and by invalidate");
            f_cache_put(3, Some(3));
            assert_eq!(f_cache_info().currsize, 2, "replaced by put");
            f(4);
            assert_eq!(counts(f_cache_info()), (0, 5, 2), "replaced by a miss");
        }

        #[test]
        fn put_and_refresh_renew() {
            let _clock = clock_for_me_alone();
            #[lru_cache(ttl = "10h", scope = $scope)]
            fn f(x: u32) -> u32 {
                x
            }
            for_each([1, 2, 3], f);
            hours_later(6);
            f_cache_put(1, 10);
            f_cache_refresh(2);
            hours_later(6);
            assert_eq!([1, 2, 3].map(f_cache_peek), [Some(10), Some(2), None]);
            hours_later(6);
            assert_eq!([1, 2, 3].map(f_cache_peek), [None; 3]);
        }

        #[test]
        fn an_expired_entry_makes_room_before_a_fresh_one_does() {
            let _clock = clock_for_me_alone();
            #[lru_cache(maxsize = 3, ttl = "10h", scope = $scope)]
            fn f(x: u32) -> u32 {
                x
            }
            f(1);
            hours_later(6);
            for_each([2, 3], f);
            f(1);
            hours_later(6);
            // 2 is the least recent, but 1 is expired.
            f(4);
            assert_eq!([1, 2, 3, 4].map(f_cache_peek), [None, Some(2), Some(3), Some(4)]);
            f(5);
            assert_eq!(
                [2, 3, 4, 5].map(f_cache_peek),
                [None, Some(3), Some(4), Some(5)],
                "then the least recent"
            );
        }

        #[test]
        fn an_expired_entry_frees_its_weight_first() {
            let _clock = clock_for_me_alone();
            #[lru_cache(ttl = "10h", max_weight = 10, weigh = |_, v| *v, scope = $scope)]
            fn f(x: usize) -> usize {
                x
            }
            f(5);
            hours_later(6);
            for_each([2, 3], f);
            f(5);
            hours_later(6);
            f(4);
            assert_eq!([5, 2, 3, 4].map(f_cache_peek), [None, Some(2), Some(3), Some(4)]);
        }

        #[test]
        fn a_value_is_as_old_as_its_storing_not_as_its_call() {
            let _clock = clock_for_me_alone();
            #[lru_cache(ttl = "10h", scope = $scope)]
            fn f(x: u32) -> u32 {
                hours_later(20);
                x
            }
            assert_eq!((f(1), f(1)), (1, 1));
            assert_eq!(counts(f_cache_info()), (1, 1, 1));
        }

        #[test]
        fn an_error_after_expiry_leaves_nothing() {
            let _clock = clock_for_me_alone();
            static FAILS: AtomicU32 = AtomicU32::new(0);
            #[lru_cache(ttl = "10h", scope = $scope)]
            fn f(x: u32) -> Result<u32, ()> {
                if FAILS.load(SeqCst) > 0 { Err(()) } else { Ok(x) }
            }
            assert_eq!(f(1), Ok(1));
            FAILS.store(1, SeqCst);
            assert_eq!(f(1), Ok(1), "a hit");
            hours_later(10);
            assert_eq!((f(1), f_cache_peek(1)), (Err(()), None));
            assert_eq!(counts(f_cache_info()), (1, 2, 0));
        }

        #[test]
        fn the_longest_ttl_never_expires_and_the_shortest_expires_at_once() {
            let _clock = clock_for_me_alone();
            #[lru_cache(ttl = Duration::MAX, scope = $scope)]
            fn never(x: u32) -> u32 {
                x
            }
            #[lru_cache(ttl = Duration::ZERO, scope = $scope)]
            fn at_once(x: u32) -> u32 {
                x
            }
            let call = || (never(1), at_once(1));
            call();
            hours_later(1_000);
            assert_eq!(call(), (1, 1));
            assert_eq!((counts(never_cache_info()), counts(at_once_cache_info())), ((1, 1, 1), (0, 2, 0)));
        }
    };
}
