//! `ttl_of` and `jitter`, by the driven clock.

macro_rules! lifetimes {
    ($scope:ident) => {
        #[test]
        fn ttl_of_is_the_age_of_each_entry_and_ttl_the_longest() {
            let _clock = clock_for_me_alone();
            #[lru_cache(ttl = "10h", ttl_of = whole_hours, scope = $scope)]
            fn plain(hours: u32) -> u32 {
                hours
            }
            #[lru_cache(ttl = "10h", ttl_of = |hours: &String| hours_of(hours), scope = $scope)]
            fn not_plain(hours: u32) -> String {
                hours.to_string()
            }
            fn whole_hours(hours: &u32) -> Duration {
                Duration::from_secs(3600) * *hours
            }
            fn hours_of(hours: &str) -> Duration {
                Duration::from_secs(3600) * hours.parse().expect("a number")
            }
            #[lru_cache(ttl = "10h", ttl_of = |hours| Duration::from_secs(3600) * *hours, scope = $scope)]
            fn generic<const N: u32>(hours: u32) -> u32 {
                hours
            }
            let kept = || {
                let of = |hours| {
                    let plain = plain_cache_peek(hours).is_some();
                    assert_eq!(not_plain_cache_peek(hours).is_some(), plain, "after {hours} hours");
                    assert_eq!(generic_cache_peek::<1>(hours).is_some(), plain, "after {hours} hours");
                    plain
                };
                [3, 7, 12].map(of)
            };
            for hours in [12, 3, 7] {
                (plain(hours), not_plain(hours), generic::<1>(hours));
            }
            assert_eq!(kept(), [true; 3]);
            hours_later(3);
            assert_eq!(kept(), [false, true, true]);
            hours_later(4);
            assert_eq!(kept(), [false, false, true]);
            hours_later(3);
            assert_eq!(kept(), [false; 3], "at most `ttl`");
        }

        #[test]
        fn ttl_of_sees_the_value_of_a_result_and_what_put_and_refresh_store() {
            let _clock = clock_for_me_alone();
            static NEXT: AtomicU32 = AtomicU32::new(1);
            #[lru_cache(ttl = "10h", ttl_of = |hours| Duration::from_secs(3600) * *hours, scope = $scope)]
            fn f(x: u32) -> Result<u32, u32> {
                if x == 0 { Err(x) } else { Ok(NEXT.load(SeqCst)) }
            }
            assert_eq!((f(0), f(1)), (Err(0), Ok(1)));
            f_cache_put(2, 4);
            NEXT.store(6, SeqCst);
            assert_eq!(f_cache_refresh(1), Ok(6));
            hours_later(4);
            assert_eq!([1, 2].map(f_cache_peek), [Some(6), None]);
            hours_later(2);
            assert_eq!(f_cache_peek(1), None);
        }

        #[test]
        fn what_expires_at_once_is_not_stored_and_what_it_replaces_goes() {
            let _clock = clock_for_me_alone();
            #[lru_cache(maxsize = 2, ttl = "10h", ttl_of = |hours| Duration::from_secs(3600) * *hours, scope = $scope)]
            fn f(hours: u32) -> u32 {
                hours
            }
            for_each([1, 2, 0], f);
            assert_eq!([0, 1, 2].map(f_cache_peek), [None, Some(1), Some(2)], "nothing made room");
            f_cache_put(2, 0);
            assert_eq!(([1, 2].map(f_cache_peek), f_cache_info().currsize), ([Some(1), None], 1));
        }

        #[test]
        fn the_first_to_expire_makes_room_in_whatever_order_they_were_stored() {
            let _clock = clock_for_me_alone();
            #[lru_cache(maxsize = 3, ttl = "10h", ttl_of = |hours| Duration::from_secs(3600) * *hours, scope = $scope)]
            fn f(hours: u32) -> u32 {
                hours
            }
            for_each([9, 2, 8], f);
            hours_later(2);
            // 9 is the least recent, but 2 is expired.
            f(7);
            assert_eq!([9, 2, 8, 7].map(f_cache_peek), [Some(9), None, Some(8), Some(7)]);
            let totals = f_cache_totals();
            assert_eq!((totals.expirations, totals.evictions), (1, 0));
            f(6);
            assert_eq!([9, 8, 7, 6].map(f_cache_peek), [None, Some(8), Some(7), Some(6)], "none is expired");
        }

        #[test]
        fn jitter_shortens_by_a_part_that_is_always_the_same_for_a_key() {
            let _clock = clock_for_me_alone();
            #[lru_cache(maxsize = None, ttl = "10h", jitter = "4h", scope = $scope)]
            fn f(x: u32) -> u32 {
                x
            }
            assert_eq!(f_cache_parameters().jitter, Some(Duration::from_secs(4 * 3600)));
            let all = || (0..200).filter(|&x| f_cache_peek(x).is_some()).collect::<Vec<u32>>();
            let round = || {
                (0..200).for_each(|x| _ = f(x));
                hours_later(6);
                let after_6 = all().len();
                let mut left = Vec::new();
                for _ in 0..4 {
                    minutes_later(59);
                    left.push(all());
                }
                minutes_later(4);
                (after_6, left, all())
            };
            let (after_6, left, at_last) = round();
            assert_eq!((after_6, at_last.len()), (200, 0), "never earlier, and never later");
            let counts: Vec<usize> = left.iter().map(Vec::len).collect();
            for (hour, &count) in counts.iter().enumerate() {
                let expected = 150 - 50 * hour;
                assert!(count.abs_diff(expected) <= 30, "spread evenly: {counts:?}");
            }
            assert_eq!(round().1, left);
        }

        #[test]
        fn jitter_that_is_longer_than_ttl_leaves_nothing_below_zero() {
            let _clock = clock_for_me_alone();
            #[lru_cache(ttl = "1h", jitter = Duration::MAX, scope = $scope)]
            fn all(x: u32) -> u32 {
                x
            }
            #[lru_cache(maxsize = None, ttl = "1h", jitter = Duration::from_secs(7200), scope = $scope)]
            fn half(x: u32) -> u32 {
                x
            }
            for x in 0..100 {
                (all(x), half(x));
            }
            assert_eq!(all_cache_info().currsize, 0);
            assert!(half_cache_info().currsize.abs_diff(50) < 25, "{}", half_cache_info());
        }

        #[test]
        fn jitter_shortens_what_ttl_of_says_and_spreads_hashes_that_are_not_spread() {
            let _clock = clock_for_me_alone();
            #[derive(Default)]
            struct AsItIs(u64);
            impl Hasher for AsItIs {
                fn write(&mut self, bytes: &[u8]) {
                    bytes.iter().for_each(|byte| self.0 = self.0 << 8 | u64::from(*byte));
                }
                fn finish(&self) -> u64 {
                    self.0
                }
            }
            #[lru_cache(
                maxsize = None,
                ttl = "10h",
                ttl_of = |_| Duration::from_secs(4 * 3600),
                jitter = "2h",
                hasher = std::hash::BuildHasherDefault<AsItIs>,
                scope = $scope,
            )]
            fn f(x: u8) -> u8 {
                x
            }
            let left = || (0..200).filter(|&x| f_cache_peek(x).is_some()).count();
            (0..200).for_each(|x| _ = f(x));
            hours_later(2);
            assert_eq!(left(), 200);
            hours_later(1);
            assert!(left().abs_diff(100) < 40, "{} of 200", left());
            hours_later(1);
            assert_eq!(left(), 0);
        }

        #[test]
        fn a_ttl_of_that_panics_stores_nothing_and_one_may_call_the_function() {
            let _clock = clock_for_me_alone();
            #[lru_cache(ttl = "10h", ttl_of = |x| own(*x), scope = $scope)]
            fn f(x: u32) -> u32 {
                x
            }
            fn own(x: u32) -> Duration {
                assert!(x != 1, "user code");
                if x > 2 {
                    f(x - 1);
                }
                Duration::from_secs(3600)
            }
            assert!(std::panic::catch_unwind(|| f(1)).is_err());
            assert_eq!((f_cache_peek(1), f(4)), (None, 4));
            assert_eq!([2, 3, 4].map(f_cache_peek), [Some(2), Some(3), Some(4)]);
        }
    };
}
