//! `key = ..`.

macro_rules! key {
    ($scope:ident) => {
        #[test]
        fn key_is_any_expression_over_the_arguments() {
            struct User {
                id: u32,
                name: String,
            }
            #[lru_cache(key = (a.min(b), a.max(b)), scope = $scope)]
            fn symmetric(a: u32, b: u32) -> u32 {
                a + b
            }
            #[lru_cache(key = user.id, scope = $scope)]
            fn field_of_reference(user: &User) -> String {
                user.name.clone()
            }
            #[lru_cache(key = user.id, scope = $scope)]
            fn field_of_value(user: User) -> String {
                user.name
            }
            #[lru_cache(key = text.to_lowercase(), scope = $scope)]
            fn method_call(text: &str) -> usize {
                text.len()
            }
            #[lru_cache(key = { let half = x / 2; half }, scope = $scope)]
            fn block(x: u32) -> u32 {
                x
            }
            #[lru_cache(key = a + b, scope = $scope)]
            fn patterns((a, _): (u32, u32), [b, ..]: [u32; 2]) -> u32 {
                a + b
            }
            #[lru_cache(key = if *x > 0.0 { 1 } else { 0 }, scope = $scope)]
            fn of_what_has_no_hash(x: &f64, _: &dyn Fn()) -> bool {
                *x > 0.0
            }
            let user = |id, name: &str| User { id, name: name.to_owned() };
            assert_eq!((symmetric(1, 2), symmetric(2, 1), symmetric(2, 2)), (3, 3, 4));
            assert_eq!((field_of_reference(&user(1, "a")), field_of_reference(&user(1, "b"))), ("a".into(), "a".into()));
            assert_eq!((field_of_value(user(1, "a")), field_of_value(user(1, "b"))), ("a".into(), "a".into()));
            assert_eq!((method_call("ABC"), method_call("abc"), method_call("b")), (3, 3, 1));
            assert_eq!((block(2), block(3), block(4)), (2, 2, 4));
            assert_eq!((patterns((1, 2), [3, 4]), patterns((3, 0), [1, 0]), patterns((9, 0), [1, 0])), (4, 4, 10));
            assert!(of_what_has_no_hash(&1.0, &|| ()) && of_what_has_no_hash(&2.0, &|| ()));
            let infos = [
                symmetric_cache_info(),
                field_of_reference_cache_info(),
                field_of_value_cache_info(),
                method_call_cache_info(),
                block_cache_info(),
                patterns_cache_info(),
                of_what_has_no_hash_cache_info(),
            ];
            assert_eq!(infos.map(|info| info.hits), [1; 7]);
            assert_eq!(infos.map(|info| info.misses), [2, 1, 1, 2, 2, 2, 1]);
        }

        #[test]
        fn companions_go_by_the_key_expression_too() {
            #[lru_cache(key = x / 10, scope = $scope)]
            fn f(x: u32) -> u32 {
                x
            }
            f(11);
            assert_eq!((f_cache_peek(12), f_cache_refresh(13), f_cache_peek(14)), (Some(11), 13, Some(13)));
            f_cache_put(15, 100);
            assert_eq!((f(16), f_uncached(16)), (100, 16));
            assert_eq!((f_cache_invalidate(17), f_cache_invalidate(11)), (true, false));
        }

        #[test]
        fn key_may_use_self_generics_and_floats() {
            struct Shop<T> {
                id: T,
                name: &'static str,
            }
            impl<T: Clone + Eq + Hash + Send + Sync + 'static> Shop<T> {
                #[lru_cache(key = (self.id.clone(), price), scope = $scope)]
                fn label(&self, price: f64) -> String {
                    format!("{} {price}", self.name)
                }
            }
            let shops = [Shop { id: 1_u8, name: "a" }, Shop { id: 1, name: "b" }, Shop { id: 2, name: "c" }];
            let found: Vec<String> = shops.iter().map(|shop| shop.label(0.0)).collect();
            assert_eq!(found, ["a 0", "a 0", "c 0"]);
            assert_eq!(shops[0].label(-0.0), "a 0");
            assert_eq!(Shop { id: "1", name: "d" }.label(0.0), "d 0");
            assert_eq!(counts(Shop::<u8>::label_cache_info()), (2, 2, 2));
            assert_eq!(counts(Shop::<&str>::label_cache_info()), (0, 1, 1));
        }

        #[test]
        fn key_is_computed_once_for_each_call() {
            thread_local!(static RUNS: Cell<u32> = const { Cell::new(0) });
            fn of(x: u32) -> u32 {
                RUNS.set(RUNS.get() + 1);
                x
            }
            #[lru_cache(key = of(x), scope = $scope)]
            fn f(x: u32) -> u32 {
                x
            }
            f(1);
            assert_eq!(RUNS.get(), 1, "a miss");
            f(1);
            assert_eq!(RUNS.get(), 2, "a hit");
            f_cache_peek(1);
            f_cache_put(1, 1);
            f_cache_invalidate(1);
            f_cache_refresh(1);
            assert_eq!(RUNS.get(), 6, "companions");
        }

        #[test]
        fn a_constant_key_is_one_entry() {
            #[lru_cache(key = (), scope = $scope)]
            fn unit(x: u32) -> u32 {
                x
            }
            #[lru_cache(key = 0, scope = $scope)]
            fn zero(x: u32) -> u32 {
                x
            }
            assert_eq!((unit(1), unit(2), zero(1), zero(2)), (1, 1, 1, 1));
        }

        #[test]
        fn a_lock_in_the_key_expression_is_free_while_the_function_runs() {
            #[lru_cache(key = state.lock().map_or(0, |state| *state), scope = $scope)]
            fn by_statement(state: &Mutex<u32>) -> bool {
                state.try_lock().is_ok()
            }
            #[lru_cache(key = *state.lock().unwrap(), scope = $scope)]
            fn by_temporary(state: &Mutex<u32>) -> bool {
                state.try_lock().is_ok()
            }
            assert!(by_statement(&Mutex::new(1)));
            assert!(by_temporary(&Mutex::new(1)), "still locked");
        }
    };
}
