//! `_cache_invalidate_if`.

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::thread;

use lru_memo::{cache, lru_cache};

use super::{until, watched};

#[test]
fn the_entries_for_which_a_predicate_holds_are_removed_and_counted() {
    #[cache]
    fn square(x: u64) -> u64 {
        x * x
    }
    (0..1_000).for_each(|x| _ = square(x));
    assert_eq!(square_cache_invalidate_if(|key, value| key % 2 == 1 && *value > 100), 495);
    assert_eq!(square_cache_info().currsize, 505);
    assert_eq!(
        (square_cache_peek(9), square_cache_peek(11), square_cache_peek(12)),
        (Some(81), None, Some(144))
    );
    assert_eq!(square_cache_invalidate_if(|_, _| false), 0);
    assert_eq!(square_cache_invalidate_if(|_, _| true), 505);
    assert_eq!(square_cache_info().misses, 1_000, "no counter is touched");
}

#[test]
fn the_key_is_given_as_weigh_gets_it() {
    #[lru_cache]
    fn joined(name: &str, numbers: &[u32], flag: Option<f64>) -> String {
        format!("{name}{numbers:?}{flag:?}")
    }
    #[lru_cache]
    fn nothing() -> u8 {
        7
    }
    #[lru_cache(key = (id, name))]
    fn of_expression(id: u32, name: &str, _other: bool) -> usize {
        id as usize + name.len()
    }
    joined("a", &[1, 2], None);
    joined("b", &[], Some(0.5));
    let is_b = |(name, numbers, flag): (&String, &Vec<u32>, &Option<f64>), value: &String| {
        name == "b" && numbers.is_empty() && *flag == Some(0.5) && value.starts_with('b')
    };
    assert_eq!(joined_cache_invalidate_if(is_b), 1);
    nothing();
    assert_eq!(nothing_cache_invalidate_if(|(), value| *value == 7), 1);
    of_expression(1, "x", true);
    assert_eq!(
        of_expression_cache_invalidate_if(|(id, name), value| *id == 1 && name == "x" && *value == 2),
        1
    );
}

#[test]
fn methods_generic_functions_threads_and_tasks_have_it() {
    #[derive(Clone, Copy, PartialEq, Eq, Hash)]
    struct Shop(u32);
    #[lru_cache]
    impl Shop {
        #[lru_cache]
        fn price(&self, item: u32) -> u32 {
            self.0 + item
        }
    }
    #[derive(Clone, Copy, PartialEq, Eq, Hash)]
    struct Of<T>(T);
    #[lru_cache]
    impl<T: Copy + Eq + std::hash::Hash + ToString + Send + Sync + 'static> Of<T> {
        #[lru_cache]
        fn text(self, times: usize) -> String {
            self.0.to_string().repeat(times)
        }
    }
    #[lru_cache(tags = ["generic"])]
    fn shown<T: ToString + Clone + Eq + std::hash::Hash + Send + Sync + 'static>(
        x: &T,
        name: &str,
    ) -> String {
        x.to_string() + name
    }
    #[lru_cache(scope = thread)]
    fn of_thread(x: std::rc::Rc<str>) -> std::rc::Rc<str> {
        x
    }
    #[lru_cache(scope = thread)]
    fn generic_of_thread<T: Clone + Eq + std::hash::Hash + 'static>(x: T) -> T {
        x
    }
    #[lru_cache]
    async fn task(x: u32) -> u32 {
        x
    }
    Shop(1).price(2);
    Shop(1).price(3);
    Shop(2).price(2);
    assert_eq!(Shop::price_cache_invalidate_if(|(shop, _), _| shop.0 == 1), 2);
    assert_eq!(shown_cache_invalidate_if::<u8>(|_, _| true), 0, "it has not been used");
    shown(&1_u8, "a");
    shown(&2_u8, "a");
    shown(&1_u16, "a");
    assert_eq!(shown_cache_invalidate_if::<u8>(|(x, name), _| *x == 1 && name == "a"), 1);
    Of(1_u8).text(2);
    Of('c').text(2);
    assert_eq!(Of::<u8>::text_cache_invalidate_if(|(of, times), _| of.0 == 1 && *times == 2), 1);
    of_thread("a".into());
    assert_eq!(of_thread_cache_invalidate_if(|x, value| **x == **value), 1);
    generic_of_thread("a");
    assert_eq!(generic_of_thread_cache_invalidate_if::<&'static str>(|x, _| *x == "a"), 1);
    pollster::block_on(task(1));
    assert_eq!(task_cache_invalidate_if(|x, _| *x == 1), 1);
}

#[test]
fn a_predicate_may_panic_and_may_call_the_function() {
    #[cache]
    fn identity(x: u32) -> u32 {
        x
    }
    watched(|| {
        (0..200).for_each(|x| _ = identity(x));
        let caught = catch_unwind(|| {
            identity_cache_invalidate_if(|x, _| {
                assert!(*x != 50, "user code");
                true
            })
        });
        assert!(caught.is_err());
        let left = identity_cache_info().currsize;
        let removed = identity_cache_invalidate_if(|x, _| {
            identity(1_000 + x);
            identity_cache_invalidate(*x);
            true
        });
        assert_eq!(removed, 0, "each was removed meanwhile");
        assert_eq!(identity_cache_info().currsize, left);
        identity_cache_clear();
        assert_eq!(identity_cache_info().currsize, 0);
    });
}

#[test]
fn what_was_being_computed_is_not_stored() {
    static INSIDE: AtomicU32 = AtomicU32::new(0);
    static GO_ON: AtomicBool = AtomicBool::new(false);
    #[lru_cache(single_flight = true)]
    fn slow(_x: u32) -> u32 {
        let run = INSIDE.fetch_add(1, SeqCst);
        until(|| run > 0 || GO_ON.load(SeqCst));
        run
    }
    watched(|| {
        let first = thread::spawn(|| slow(1));
        until(|| INSIDE.load(SeqCst) == 1);
        assert_eq!(slow_cache_invalidate_if(|_, _| true), 0);
        assert_eq!(slow(1), 1, "it does not wait for the run from before");
        GO_ON.store(true, SeqCst);
        assert_eq!(first.join().expect("no panic"), 0);
        assert_eq!(slow_cache_peek(1), Some(1));
    });
}

#[test]
fn entries_that_are_hit_and_evicted_meanwhile_are_asked_at_most_once() {
    #[lru_cache(maxsize = 64)]
    fn identity(x: u32) -> String {
        x.to_string()
    }
    watched(|| {
        let stop = &AtomicBool::new(false);
        thread::scope(|scope| {
            for thread in 0..2 {
                scope.spawn(move || {
                    let mut x = thread;
                    while !stop.load(SeqCst) {
                        assert_eq!(identity(x % 128), (x % 128).to_string());
                        x += 7;
                    }
                });
            }
            for _ in 0..500 {
                let mut asked = 0;
                identity_cache_invalidate_if(|x, value| {
                    asked += 1;
                    assert_eq!(*value, x.to_string());
                    x % 3 == 0
                });
                assert!(asked <= 64, "{asked}");
            }
            stop.store(true, SeqCst);
        });
    });
}
