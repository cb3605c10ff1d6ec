//! Every home of a cache has the companion.

use std::cell::Cell;
use std::rc::Rc;

use lru_memo::{Memo, lru_cache};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Number(u32);

#[lru_cache]
impl Number {
    #[lru_cache(maxsize = 3)]
    fn plus(&self, x: u32) -> u32 {
        self.0 + x
    }

    #[lru_cache(maxsize = 3)]
    fn one(x: u32) -> u32 {
        x + 1
    }
}

trait Twice {
    fn twice(&self, x: u32) -> u32;
}

#[lru_cache]
impl Twice for Number {
    #[lru_cache(maxsize = 3)]
    fn twice(&self, x: u32) -> u32 {
        2 * (self.0 + x)
    }
}

struct Wrapped<T>(T);

#[lru_cache]
impl<T: Copy + Into<u64> + Send + Sync + std::hash::Hash + Eq + 'static> Wrapped<T> {
    #[lru_cache(maxsize = 3, skip(self))]
    fn sum<const N: usize>(&self, x: u64) -> u64 {
        self.0.into() + x + N as u64
    }
}

trait Named {
    fn number(&self) -> u32;

    #[lru_cache(maxsize = 3, skip(self))]
    fn named(&self, x: u32) -> u32
    where
        Self: 'static,
    {
        self.number() + x
    }
}

impl Named for Number {
    fn number(&self) -> u32 {
        self.0
    }
}

impl Named for Wrapped<u8> {
    fn number(&self) -> u32 {
        u32::from(self.0)
    }
}

#[test]
fn methods_and_functions_of_types_and_traits_have_it() {
    (0..3).for_each(|x| _ = Number(1).plus(x) + Number::one(x) + Number(1).twice(x) + Number(1).named(x));
    Number::plus_cache_resize(1);
    Number::one_cache_resize(2);
    Number::twice_cache_resize(1);
    Number::named_cache_resize(2);
    assert_eq!((Number::plus_cache_info().currsize, Number::one_cache_info().currsize), (1, 2));
    assert_eq!((Number::twice_cache_info().currsize, Number::named_cache_info().currsize), (1, 2));
    assert_eq!(Number::named_cache_parameters().maxsize, Some(2));
    let dynamic: &dyn Named = &Number(5);
    assert_eq!(dynamic.named(7), 12);
    assert_eq!(Number::named_cache_info().currsize, 2);
    Wrapped::<u8>::named_cache_resize(9);
    assert_eq!(Wrapped::<u8>::named_cache_info().maxsize, Some(9));
    assert_eq!(Number::named_cache_info().maxsize, Some(2));
}

#[test]
fn each_instantiation_has_a_bound_of_its_own() {
    let (eight, sixteen) = (Wrapped(1_u8), Wrapped(1_u16));
    for x in 0..3 {
        let _ = (eight.sum::<1>(x), eight.sum::<2>(x), sixteen.sum::<1>(x));
    }
    Wrapped::<u8>::sum_cache_resize::<1>(1);
    assert_eq!(Wrapped::<u8>::sum_cache_info::<1>().currsize, 1);
    assert_eq!(Wrapped::<u8>::sum_cache_info::<2>().currsize, 3);
    assert_eq!(Wrapped::<u16>::sum_cache_info::<1>().currsize, 3);
}

#[test]
fn parameters_named_as_the_new_bound_are_others() {
    #[allow(non_upper_case_globals)]
    const maxsize: usize = 5;
    #[lru_cache(maxsize = maxsize)]
    fn number(x: usize) -> usize {
        x + maxsize
    }
    number_cache_resize(2);
    (0..9).for_each(|x| _ = number(x));
    assert_eq!(number_cache_info().currsize, 2);
}

#[test]
fn bounds_that_are_computed_once_are_changed_as_well() {
    thread_local! {
        static COMPUTED: Cell<u32> = const { Cell::new(0) };
    }
    fn entries() -> usize {
        COMPUTED.set(COMPUTED.get() + 1);
        4
    }
    #[lru_cache(maxsize = entries(), scope = thread)]
    fn number(x: u32) -> Rc<u32> {
        Rc::new(x)
    }
    (0..9).for_each(|x| _ = number(x));
    assert_eq!(number_cache_info().currsize, 4);
    number_cache_resize(2);
    assert_eq!((number_cache_info().currsize, number_cache_parameters().maxsize), (2, Some(2)));
    assert_eq!(COMPUTED.get(), 1);
}

#[test]
fn objects_that_are_given_away_have_it() {
    use std::sync::Arc;
    #[derive(Default)]
    struct App(Memo);
    impl App {
        fn memo(&self) -> &Memo {
            &self.0
        }
        #[lru_cache(maxsize = 2, scope = self.memo())]
        fn twice(self: Arc<Self>, x: u32) -> u32 {
            2 * x
        }
    }
    #[lru_cache(maxsize = 2, scope = app.memo())]
    fn times(app: &App, x: u32) -> u32 {
        let _ = app;
        3 * x
    }
    let app = Arc::new(App::default());
    app.twice_cache_resize(1);
    times_cache_resize(&app, 3);
    (0..5).for_each(|x| _ = Arc::clone(&app).twice(x) + times(&app, x));
    assert_eq!((app.twice_cache_info().currsize, times_cache_info(&app).currsize), (1, 3));
}
