//! What the table of signatures has no room for: companions that cannot infer a type, functions without arguments,
//! functions inside of functions, errors, floats.

use super::*;

/// The tests in one scope.
macro_rules! other_signatures {
    ($scope:ident) => {
        #[test]
        fn arguments_of_impl_trait_have_a_cache_for_each_type() {
            #[lru_cache(scope = $scope)]
            fn f(x: impl Part + Into<u64>, text: &str) -> u64 {
                x.into() + text.len() as u64
            }
            assert_eq!((f(1_u8, "a"), f(1_u8, "a"), f(1_u32, "a"), f(2_u8, "a")), (2, 2, 2, 3));
            assert_eq!((counts(f_cache_info::<u8>()), counts(f_cache_info::<u32>())), ((1, 2, 2), (0, 1, 1)));
            assert_eq!(f_uncached(1_u8, "ab"), 3);
            f_cache_put(1_u8, "a", 20);
            assert_eq!((f_cache_peek(1_u8, "a"), f_cache_peek(1_u32, "a")), (Some(20), Some(2)));
            assert_eq!((f_cache_refresh(1_u8, "a"), f_cache_peek(1_u8, "a")), (2, Some(2)));
            assert_eq!((f_cache_invalidate(1_u8, "a"), f_cache_invalidate(1_u8, "a")), (true, false));
            f_cache_clear::<u8>();
            assert_eq!((counts(f_cache_info::<u8>()), counts(f_cache_info::<u32>())), ((0, 0, 0), (0, 1, 1)));
            assert_eq!(f_cache_parameters::<u8>().maxsize, Some(128));
        }

        #[test]
        fn arguments_of_impl_trait_stand_beside_named_parameters_and_in_methods() {
            #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
            struct Id(u32);
            impl Id {
                #[lru_cache(scope = $scope)]
                fn f<T: Part>(&self, x: T, y: impl Part + Into<u64>, z: Option<impl Part>) -> (T, u64, bool) {
                    (x, y.into() + u64::from(self.0), z.is_some())
                }
            }
            for _ in 0..2 {
                assert_eq!(Id(1).f('a', 1_u8, Some(())), ('a', 2, true));
                assert_eq!(Id(1).f('a', 1_u32, Some(())), ('a', 2, true));
                assert_eq!(Id(2).f('a', 1_u8, Some(())), ('a', 3, true));
            }
            assert_eq!(Id(1).f_cache_peek('a', 1_u8, Some(())), Some(('a', 2, true)));
            assert_eq!(counts(Id::f_cache_info::<char, u8, ()>()), (2, 2, 2));
            assert_eq!(counts(Id::f_cache_info::<char, u32, ()>()), (1, 1, 1));
        }

        #[test]
        fn async_functions_take_arguments_of_impl_trait() {
            #[lru_cache(scope = $scope)]
            async fn f(x: impl Part + Into<u64>) -> u64 {
                x.into()
            }
            assert_eq!((block_on(f(1_u8)), block_on(f(1_u8)), block_on(f_cache_refresh(1_u8))), (1, 1, 1));
            assert_eq!(counts(f_cache_info::<u8>()), (1, 1, 1));
        }

        #[test]
        fn functions_without_arguments_have_one_key() {
            #[lru_cache(scope = $scope)]
            fn f() -> u32 {
                1
            }
            assert_eq!((f(), f(), f_uncached()), (1, 1, 1));
            f_cache_put(2);
            assert_eq!((f(), f_cache_peek(), f_cache_refresh(), f()), (2, Some(2), 1, 1));
            assert_eq!((f_cache_invalidate(), f_cache_invalidate(), f_cache_peek()), (true, false, None));
            assert_eq!(counts(f_cache_info()), (3, 1, 0));
            f_cache_clear();
            assert_eq!(counts(f_cache_info()), (0, 0, 0));
        }

        #[test]
        fn functions_without_arguments_may_be_generic_async_or_associated() {
            struct Type<T>(std::marker::PhantomData<T>);
            impl<T: Default + Part> Type<T> {
                #[lru_cache(scope = $scope)]
                async fn f<const N: usize>() -> (Self, T, usize) {
                    (Self(std::marker::PhantomData), T::default(), N)
                }
            }
            impl<T> Clone for Type<T> {
                fn clone(&self) -> Self {
                    Self(std::marker::PhantomData)
                }
            }
            for _ in 0..2 {
                let (_, text, three) = block_on(Type::<String>::f::<3>());
                let (_, number, four) = block_on(Type::<u8>::f::<4>());
                assert_eq!((text.as_str(), three, number, four), ("", 3, 0, 4));
            }
            assert_eq!(counts(Type::<u8>::f_cache_info::<4>()), (1, 1, 1));
            assert_eq!(counts(Type::<u8>::f_cache_info::<3>()), (0, 0, 0));
        }

        #[test]
        fn functions_may_be_nested_in_functions_and_in_memoized_ones() {
            #[lru_cache(scope = $scope)]
            fn f(x: u32) -> u32 {
                #[lru_cache(scope = $scope)]
                fn f(x: u32) -> u32 {
                    x + 1
                }
                f(x) + f(x) + f_cache_info().hits as u32
            }
            assert_eq!((f(1), f(1), f(2)), (5, 5, 8));
            assert_eq!(counts(f_cache_info()), (1, 2, 2));
        }

        #[test]
        fn functions_may_be_nested_in_generic_functions() {
            fn outer<T: Part>(x: u32) -> u32 {
                #[lru_cache(scope = $scope)]
                fn f(x: u32) -> u32 {
                    x + 1
                }
                f(x) + f_cache_info().misses as u32
            }
            assert_eq!((outer::<u8>(1), outer::<u16>(1)), (3, 3));
        }

        #[test]
        fn the_body_may_hold_what_the_generated_code_holds_too() {
            #[lru_cache(scope = $scope)]
            fn f(cache: &str, key: u32) -> u32 {
                #[derive(Clone)]
                enum Option {
                    Some(u32),
                }
                let (value, miss) = (Option::Some(key), cache.len() as u32);
                let Option::Some(outcome) = value.clone();
                match value {
                    Option::Some(key) if key == 0 => return 0,
                    Option::Some(key) => key + miss + outcome,
                }
            }
            assert_eq!((f("a", 1), f("a", 1), f("a", 0)), (3, 3, 0));
            assert_eq!(counts(f_cache_info()), (1, 2, 2));
        }

        /// What failed is a miss each time, and what did not fail is cached; the error is not `Clone`.
        #[test]
        fn errors_are_not_cached_for_any_kind_of_function() {
            #[derive(Debug)]
            struct Failure;
            type Io<T> = io::Result<T>;
            fn unless_zero(x: u32) -> Result<u32, Failure> {
                if x == 0 { Err(Failure) } else { Ok(x) }
            }
            #[lru_cache(scope = $scope)]
            fn free(x: u32) -> Result<u32, Failure> {
                unless_zero(x)
            }
            #[lru_cache(scope = $scope)]
            fn alias_of_alias(x: u32) -> Io<u32> {
                unless_zero(x).map_err(|_| io::Error::other("zero"))
            }
            #[lru_cache(scope = $scope)]
            async fn asynchronous(x: u32) -> Io<u32> {
                unless_zero(x).map_err(|_| io::Error::other("zero"))
            }
            #[lru_cache(scope = $scope)]
            fn generic<T: Part + Into<u32>>(x: T) -> Result<u32, Failure> {
                unless_zero(x.into())
            }
            #[lru_cache(scope = $scope)]
            unsafe fn trusted(x: u32) -> std::result::Result<u32, Failure> {
                unless_zero(x)
            }
            #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
            struct Id(u32);
            impl Id {
                #[lru_cache(scope = $scope)]
                fn method(&self) -> Result<u32, Failure> {
                    unless_zero(self.0)
                }
            }
            macro_rules! assert_uncached {
                ($run:ident $of_zero:expr, $of_one:expr, $info:expr) => {
                    assert!(run!($run $of_zero).is_err() && run!($run $of_zero).is_err());
                    assert!(matches!((run!($run $of_one), run!($run $of_one)), (Ok(1), Ok(1))));
                    assert_eq!(counts($info), (1, 3, 1));
                };
            }
            assert_uncached!(plain free(0), free(1), free_cache_info());
            assert_uncached!(plain alias_of_alias(0), alias_of_alias(1), alias_of_alias_cache_info());
            assert_uncached!(awaited asynchronous(0), asynchronous(1), asynchronous_cache_info());
            assert_uncached!(plain generic(0_u8), generic(1_u8), generic_cache_info::<u8>());
            assert_uncached!(trusted trusted(0), trusted(1), trusted_cache_info());
            assert_uncached!(plain Id(0).method(), Id(1).method(), Id::method_cache_info());
        }

        floats! { $scope;
            a_float_alone: f64, x => x;
            a_small_float_alone: f32, x => x as f32;
            a_float_behind_a_reference: &f64, x => &x;
            a_float_behind_two_references: &&f64, x => &&x;
            a_float_in_an_option: Option<f64>, x => Some(x);
            a_float_in_an_option_of_an_option: Option<Option<f32>>, x => Some(Some(x as f32));
            a_float_in_a_tuple: (u8, f64), x => (1, x);
            a_float_in_a_nested_tuple: ((f32, &str), Option<(f64,)>), x => ((1.0, "a"), Some((x,)));
            a_float_in_a_slice: &[f64], x => &[1.0, x];
            a_float_in_an_array: [f32; 2], x => [1.0, x as f32];
            a_float_in_an_array_behind_a_reference: &[f64; 1], x => &[x];
            a_float_in_arrays_of_arrays: [[f64; 1]; 2], x => [[1.0], [x]];
            a_float_in_a_vector: Vec<f64>, x => vec![x, 1.0];
            a_float_in_a_vector_behind_a_reference: &Vec<f32>, x => &vec![x as f32];
            a_float_in_a_slice_of_tuples: &[(f64, &str)], x => &[(x, "a")];
            a_float_in_a_slice_in_an_option: Option<&[f64]>, x => Some(&[x]);
            a_float_behind_an_alias: Meters, x => x;
            a_float_behind_an_alias_and_a_reference: &Meters, x => &x;
        }
    };
}

/// The alias of a float.
type Meters = f64;

/// That zeros are one key, and all `NaN`s of the same bits; each row says how a float gets into an argument.
macro_rules! floats {
    ($scope:ident; $($name:ident: $Type:ty, $x:ident => $argument:expr;)*) => {$(
        #[test]
        fn $name() {
            #[lru_cache(scope = $scope)]
            fn f(argument: $Type) -> String {
                format!("{argument:?}")
            }
            let call = |$x: f64| f($argument);
            let fresh = |$x: f64| f_uncached($argument);
            let numbers = [0.0, f64::NAN, 1.0, -1.0, f64::INFINITY, 1.5];
            assert_eq!(numbers.map(call), numbers.map(fresh));
            assert_eq!(counts(f_cache_info()), (0, 6, 6), "six numbers");
            assert_eq!(numbers.map(call), numbers.map(fresh));
            assert_eq!(counts(f_cache_info()), (6, 6, 6), "each equals itself");
            assert_eq!(call(-0.0), fresh(0.0), "as the first zero that came");
            assert_eq!(counts(f_cache_info()), (7, 6, 6), "one zero");
        }
    )*};
}

mod in_the_process {
    use super::*;
    other_signatures!(process);
}

mod in_a_thread {
    use super::*;
    other_signatures!(thread);
}
