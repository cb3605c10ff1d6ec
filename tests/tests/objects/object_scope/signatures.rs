//! Where functions with a cache in an object may stand, and what they may look like.

use std::collections::HashMap;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use lru_memo::{Memo, lru_cache};
use pollster::block_on;

use super::counts;

#[derive(Default)]
struct App {
    factor: u32,
    state: State,
}

#[derive(Default)]
struct State {
    memo: Memo,
    memos: HashMap<u8, Memo>,
}

impl App {
    fn new(factor: u32) -> Self {
        let memos = HashMap::from([(0, Memo::new()), (1, Memo::new())]);
        Self { factor, state: State { memo: Memo::new(), memos } }
    }

    fn state(&self) -> &State {
        &self.state
    }
}

impl State {
    fn memo(&self) -> &Memo {
        &self.memo
    }

    fn of(&self, number: u8) -> &Memo {
        &self.memos[&number]
    }
}

#[test]
fn a_function_takes_the_object_as_a_parameter() {
    #[lru_cache(scope = app.state.memo)]
    fn times(app: &App, x: u32) -> u32 {
        app.factor * x
    }
    let (twice, thrice) = (App::new(2), App::new(3));
    for _ in 0..2 {
        assert_eq!((times(&twice, 5), times(&thrice, 5)), (10, 15));
    }
    assert_eq!(counts(times_cache_info(&twice)), (1, 1, 1));
    assert_eq!(times_cache_peek(&twice, 5), Some(10));
    times_cache_put(&thrice, 6, 100);
    assert_eq!((times(&thrice, 6), times(&twice, 6)), (100, 12));
    assert!(times_cache_invalidate(&thrice, 6));
    assert_eq!(
        (times(&thrice, 6), times_uncached(&thrice, 6), times_cache_refresh(&thrice, 6)),
        (18, 18, 18)
    );
    assert_eq!(times_cache_parameters(&twice).maxsize, Some(128));
    times_cache_clear(&twice);
    assert_eq!((counts(times_cache_info(&twice)), times_cache_info(&thrice).currsize), ((0, 0, 0), 2));
}

#[test]
fn the_companions_take_the_object_first() {
    #[lru_cache(scope = app.state().memo())]
    fn text(x: u32, app: &App, suffix: &str) -> String {
        format!("{}{suffix}", app.factor * x)
    }
    let app = App::new(2);
    assert_eq!(text(5, &app, "!"), "10!");
    assert_eq!(text_cache_peek(&app, 5, "!").as_deref(), Some("10!"));
    text_cache_put(&app, 6, "?", "none".to_owned());
    assert_eq!((text(6, &app, "?"), text_cache_refresh(6, &app, "?")), ("none".to_owned(), "12?".to_owned()));
    assert!(text_cache_invalidate(&app, 6, "?"));
    assert_eq!(text_uncached(1, &app, ""), "2");
    assert_eq!(counts(text_cache_info(&app)), (1, 1, 1));
}

#[test]
fn a_chain_leads_to_the_memo_by_fields_and_methods() {
    struct Deep(Arc<(App,)>);
    impl Deep {
        #[lru_cache(scope = self.0.0.state.memo)]
        fn by_fields(&self, x: u32) -> u32 {
            self.0.0.factor + x
        }
        #[lru_cache(scope = self.0.0.state().of(1))]
        fn by_a_method_with_a_constant(&self, x: u32) -> u32 {
            self.0.0.factor + x
        }
        #[lru_cache(scope = (self.0.0).state().memo)]
        fn by_both(&self, x: u32) -> u32 {
            self.0.0.factor + x
        }
    }
    #[lru_cache(scope = memo)]
    fn at_once(memo: &Memo, x: u32) -> u32 {
        x
    }
    let deep = Deep(Arc::new((App::new(4),)));
    for _ in 0..2 {
        assert_eq!((deep.by_fields(1), deep.by_a_method_with_a_constant(1), deep.by_both(1)), (5, 5, 5));
        assert_eq!(at_once(&deep.0.0.state.memo, 1), 1);
    }
    assert_eq!(
        deep.0.0.state.memo.caches().map(|cache| counts(cache.info())).collect::<Vec<_>>(),
        [(1, 1, 1); 3]
    );
    assert_eq!(deep.0.0.state.of(1).caches().count(), 1);
    assert_eq!(counts(deep.by_a_method_with_a_constant_cache_info()), (1, 1, 1));
}

#[test]
fn a_guard_on_the_way_is_gone_before_the_function_and_the_users_code_run() {
    struct Guarded(Mutex<Memo>);
    #[derive(Clone)]
    struct Key<'k>(&'k Guarded, u32);
    impl PartialEq for Key<'_> {
        fn eq(&self, other: &Self) -> bool {
            assert!(self.0.0.try_lock().is_ok());
            self.1 == other.1
        }
    }
    impl Eq for Key<'_> {}
    impl Hash for Key<'_> {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            assert!(self.0.0.try_lock().is_ok());
            self.1.hash(state);
        }
    }
    impl Guarded {
        #[lru_cache(scope = self.0.lock().unwrap())]
        fn sum(&self, x: u32) -> u32 {
            if x == 0 { 0 } else { x + self.sum(x - 1) }
        }
        #[lru_cache(scope = self.0.lock().unwrap(), single_flight = true)]
        fn alone(&self, x: u32) -> u32 {
            if x == 0 { 0 } else { x + self.sum(x - 1) }
        }
        #[lru_cache(scope = self.0.lock().unwrap(), key = x)]
        fn by_key(&self, x: u32) -> u32 {
            if x == 0 { 0 } else { x + self.by_key(x - 1) }
        }
    }
    #[lru_cache(scope = guarded.0.lock().unwrap())]
    fn keyed(guarded: &Guarded, key: Key<'static>) -> u32 {
        key.1
    }
    let guarded: &'static Guarded = Box::leak(Box::new(Guarded(Mutex::new(Memo::new()))));
    for _ in 0..2 {
        assert_eq!((guarded.sum(9), guarded.alone(9), guarded.by_key(9)), (45, 45, 45));
        assert_eq!(keyed(guarded, Key(guarded, 3)), 3);
    }
    assert_eq!(counts(guarded.sum_cache_info()), (2, 10, 10));
    let removed = guarded.sum_cache_invalidate_if(|&x, _| guarded.0.try_lock().is_ok() && x < 4);
    assert_eq!((removed, guarded.sum_cache_info().currsize), (4, 6));
    assert_eq!(counts(keyed_cache_info(guarded)), (1, 1, 1));
}

#[test]
fn every_receiver_works() {
    struct Shop {
        memo: Memo,
    }
    impl Shop {
        #[lru_cache(scope = self.memo)]
        fn by_arc(self: Arc<Self>, x: u32) -> usize {
            Arc::strong_count(&self) + x as usize
        }
        #[lru_cache(scope = self.memo)]
        fn by_reference_to_arc(self: &Arc<Self>, x: u32) -> usize {
            Arc::strong_count(self) + x as usize
        }
        #[lru_cache(scope = self.memo)]
        fn pinned(self: Pin<&Self>, x: u32) -> u32 {
            x
        }
        #[lru_cache(scope = self.memo)]
        fn with_a_lifetime<'a>(&'a self, x: &'a str) -> usize {
            x.len()
        }
        #[lru_cache(scope = self.memo)]
        fn by_value(self, x: u32) -> u32 {
            let _gone = self;
            x
        }
        #[lru_cache(scope = self.memo, single_flight = true)]
        fn by_box(self: Box<Self>, x: u32) -> u32 {
            drop(self);
            x
        }
    }
    let shop = Arc::new(Shop { memo: Memo::new() });
    assert_eq!((Arc::clone(&shop).by_arc(1), Arc::clone(&shop).by_arc(1)), (3, 3));
    assert_eq!((shop.by_reference_to_arc(1), shop.by_reference_to_arc(1)), (2, 2));
    assert_eq!((Pin::new(&*shop).pinned(1), Pin::new(&*shop).pinned(1)), (1, 1));
    assert_eq!((shop.with_a_lifetime("a"), shop.with_a_lifetime("a")), (1, 1));
    assert_eq!(counts(shop.by_arc_cache_info()), (1, 1, 1));
    assert_eq!(counts(shop.by_reference_to_arc_cache_info()), (1, 1, 1));
    assert_eq!(counts(shop.pinned_cache_info()), (1, 1, 1));
    assert_eq!(shop.with_a_lifetime_cache_peek("a"), Some(1));
    assert_eq!(shop.by_arc_cache_peek(1), Some(3));
    assert!(shop.by_arc_cache_invalidate(1));
    shop.by_value_cache_put(1, 7);
    assert_eq!(Arc::into_inner(shop).unwrap().by_value(1), 7);
    assert_eq!(Box::new(Shop { memo: Memo::new() }).by_box(1), 1);
}

#[test]
fn async_methods_wait_without_borrowing_what_is_given_away() {
    struct Client {
        name: String,
        memo: Memo,
    }
    impl Client {
        #[lru_cache(scope = self.memo, ttl = "60s", single_flight = true)]
        async fn tenant(&self, name: &str) -> Result<String, String> {
            std::future::ready(()).await;
            if name.is_empty() { Err("no name".to_owned()) } else { Ok(format!("{name} of {}", self.name)) }
        }
        #[lru_cache(scope = self.memo)]
        async fn owned(self: Arc<Self>, name: String) -> String {
            let result = format!("{name} of {}", self.name);
            drop(self);
            std::future::ready(()).await;
            result
        }
        #[lru_cache(scope = self.memo, single_flight = true)]
        async fn alone(self: Arc<Self>, name: String) -> String {
            let result = format!("{name} of {}", self.name);
            drop(self);
            std::future::ready(()).await;
            result
        }
    }
    fn is_send<F: Future + Send + 'static>(future: F) -> F {
        future
    }
    let new = |name: &str| Arc::new(Client { name: name.to_owned(), memo: Memo::new() });
    let (client, other) = (new("a"), new("b"));
    for _ in 0..2 {
        assert_eq!(block_on(client.tenant("x")).as_deref(), Ok("x of a"));
        assert_eq!(block_on(other.tenant("x")).as_deref(), Ok("x of b"));
        assert_eq!(block_on(client.tenant("")), Err("no name".to_owned()));
        assert_eq!(block_on(is_send(Arc::clone(&client).owned("y".to_owned()))), "y of a");
        assert_eq!(block_on(is_send(Arc::clone(&client).alone("y".to_owned()))), "y of a");
    }
    assert_eq!(counts(client.tenant_cache_info()), (1, 3, 1));
    assert_eq!(client.tenant_cache_peek("x").as_deref(), Some("x of a"));
    assert_eq!(counts(client.owned_cache_info()), (1, 1, 1));
    assert_eq!(block_on(client.tenant_cache_refresh("x")).as_deref(), Ok("x of a"));
    // The last owner is gone while the function runs.
    assert_eq!(block_on(is_send(client.owned("z".to_owned()))), "z of a");
    assert_eq!(block_on(is_send(other.alone("z".to_owned()))), "z of b");
}

#[test]
fn instantiations_of_types_and_methods_have_caches_of_their_own() {
    struct Engine<T, const N: usize> {
        of: T,
        memo: Memo,
    }
    impl<T: Display, const N: usize> Engine<T, N> {
        #[lru_cache(maxsize = N, scope = self.memo)]
        fn show<U>(&self, x: U) -> String
        where
            U: Display + Clone + Hash + Eq + Send + Sync + 'static,
        {
            format!("{} {x} {N}", self.of)
        }
        #[lru_cache(scope = self.memo)]
        fn constant<const M: u32>(&self, x: u32) -> u32 {
            x % M
        }
        #[lru_cache(scope = self.memo)]
        fn any(&self, x: impl Debug + Clone + Hash + Eq + Send + Sync + 'static) -> String {
            format!("{x:?}")
        }
    }
    let engine = Engine::<_, 3> { of: 'e', memo: Memo::new() };
    let other = Engine::<_, 4> { of: "f", memo: Memo::new() };
    for _ in 0..2 {
        assert_eq!((engine.show(1_u8), engine.show(1_u16)), ("e 1 3".to_owned(), "e 1 3".to_owned()));
        assert_eq!(other.show("x"), "f x 4");
        assert_eq!((engine.constant::<2>(5), engine.constant::<3>(5)), (1, 2));
        assert_eq!((engine.any("x"), engine.any('x')), ("\"x\"".to_owned(), "'x'".to_owned()));
    }
    assert_eq!(
        engine.show_cache_info::<u8>().to_string(),
        "CacheInfo(hits=1, misses=1, maxsize=3, currsize=1)"
    );
    assert_eq!(counts(engine.show_cache_info::<u32>()), (0, 0, 0));
    assert_eq!(counts(engine.constant_cache_info::<2>()), (1, 1, 1));
    assert_eq!(engine.any_cache_peek('x').as_deref(), Some("'x'"));
    assert_eq!(engine.memo.caches().count(), 6);
    assert!(engine.memo.caches().next().unwrap().name().ends_with("Engine<char, 3>::show::<u8>"));

    // One memo for objects of several types.
    let memo = Arc::new(Memo::new());
    struct Part<T>(T, Arc<Memo>);
    impl<T: Clone + Send + Sync + 'static> Part<T> {
        #[lru_cache(scope = self.1)]
        fn get(&self) -> T {
            self.0.clone()
        }
    }
    let parts = (Part('a', Arc::clone(&memo)), Part("b", Arc::clone(&memo)));
    assert_eq!((parts.0.get(), parts.1.get()), ('a', "b"));
    assert_eq!(memo.caches().count(), 2);
}

trait Animal {
    fn memo(&self) -> &Memo;
    fn sound(&self) -> &'static str;

    #[lru_cache(scope = self.memo())]
    fn call(&self, times: usize) -> String {
        self.sound().repeat(times)
    }
}

struct Cow(&'static str, Memo);
struct Crow(Memo);

impl Animal for Cow {
    fn memo(&self) -> &Memo {
        &self.1
    }
    fn sound(&self) -> &'static str {
        self.0
    }
}

impl Animal for Crow {
    fn memo(&self) -> &Memo {
        &self.0
    }
    fn sound(&self) -> &'static str {
        "caw"
    }
}

#[test]
fn default_methods_of_traits_work_through_dyn_as_well() {
    let (cow, calf, crow) = (Cow("moo", Memo::new()), Cow("mi", Memo::new()), Crow(Memo::new()));
    assert_eq!((cow.call(2), calf.call(2), crow.call(2)), ("moomoo".into(), "mimi".into(), "cawcaw".into()));
    let animals: [&dyn Animal; 3] = [&cow, &calf, &crow];
    assert_eq!(animals.map(|animal| animal.call(2)), ["moomoo", "mimi", "cawcaw"]);
    assert_eq!(animals.map(|animal| counts(animal.call_cache_info())), [(1, 1, 1); 3]);
    assert_eq!(animals[1].call_cache_peek(2).as_deref(), Some("mimi"));
    animals[0].call_cache_clear();
    assert_eq!((counts(cow.call_cache_info()), counts(calf.call_cache_info())), ((0, 0, 0), (1, 1, 1)));
    assert_eq!(animals[2].call_cache_parameters().maxsize, Some(128));
}

trait Lookup<K> {
    type Value;
    fn look(&self, key: K) -> Self::Value;
}

struct Table<T> {
    rows: Vec<T>,
    memo: Memo,
}

#[lru_cache]
impl<T: Clone + Send + Sync + 'static> Lookup<usize> for Table<T> {
    type Value = Option<T>;

    #[lru_cache(maxsize = self.rows.len(), scope = self.memo)]
    fn look(&self, key: usize) -> Self::Value {
        self.rows.get(key).cloned()
    }
}

#[lru_cache]
impl<T: Clone + Send + Sync + 'static> Table<T> {
    #[lru_cache(scope = self.memo)]
    fn first(&self) -> Option<T> {
        self.rows.first().cloned()
    }
}

#[test]
fn methods_of_blocks_with_an_attribute_work() {
    let tables =
        [Table { rows: vec!['a', 'b'], memo: Memo::new() }, Table { rows: vec!['c'], memo: Memo::new() }];
    for _ in 0..2 {
        assert_eq!(tables.each_ref().map(|table| table.look(0)), [Some('a'), Some('c')]);
        assert_eq!(tables.each_ref().map(Table::first), [Some('a'), Some('c')]);
    }
    assert_eq!(tables.each_ref().map(|table| counts(table.look_cache_info())), [(1, 1, 1); 2]);
    assert_eq!(tables.each_ref().map(|table| table.look_cache_parameters().maxsize), [Some(2), Some(1)]);
    assert_eq!(tables[0].look_cache_peek(0), Some(Some('a')));
    assert_eq!(counts(tables[1].first_cache_info()), (1, 1, 1));
}

#[test]
fn patterns_and_unusual_functions_work() {
    struct Odd(Memo);
    impl Odd {
        #[lru_cache(scope = self.0)]
        fn sum(&self, (a, b): (u32, u32), _: u8, mut c: u32) -> u32 {
            c += a + b;
            c
        }
        /// # Safety
        /// None is needed.
        #[lru_cache(scope = self.0)]
        unsafe fn danger(&self, x: u32) -> u32 {
            x
        }
        #[lru_cache(scope = self.0)]
        #[track_caller]
        fn line(&self, _x: u32) -> u32 {
            std::panic::Location::caller().line()
        }
        #[lru_cache(scope = self.0)]
        fn nothing(&self) {}
        #[lru_cache(scope = self.0)]
        fn float(&self, x: f64, y: Option<&str>) -> (f64, usize) {
            (x, y.map_or(0, str::len))
        }
    }
    let odd = Odd(Memo::new());
    assert_eq!(
        (odd.sum((1, 2), 3, 4), odd.sum((1, 2), 3, 4), counts(odd.sum_cache_info())),
        (7, 7, (1, 1, 1))
    );
    // SAFETY: none is needed.
    assert_eq!(unsafe { odd.danger(1) }, 1);
    assert_eq!((odd.line(0), line!()), (line!(), line!()));
    odd.nothing();
    odd.nothing();
    assert_eq!(counts(odd.nothing_cache_info()), (1, 1, 1));
    assert_eq!((odd.float(0.0, Some("a")), odd.float(-0.0, Some("a"))), ((0.0, 1), (0.0, 1)));
    assert_eq!(counts(odd.float_cache_info()), (1, 1, 1));
}

#[test]
fn macros_may_write_the_scope() {
    macro_rules! in_scope {
        ($name:ident, $owner:ident, $scope:expr) => {
            #[lru_cache(scope = $scope, skip($owner))]
            fn $name($owner: &Odd, x: u32) -> u32 {
                $owner.1 + x
            }
        };
        (path $name:ident, $scope:path) => {
            #[lru_cache(scope = $scope)]
            fn $name(x: u32) -> u32 {
                x
            }
        };
        (whole $type:ident) => {
            struct $type(Memo);
            impl $type {
                #[lru_cache(scope = self.0)]
                fn get(&self, x: u32) -> u32 {
                    x
                }
            }
        };
    }
    struct Odd(Memo, u32);
    in_scope!(path by_path, thread);
    in_scope!(whole Whole);
    in_scope!(in_thread, it, thread);
    in_scope!(in_object, it, it.0);
    assert_eq!((by_path(1), by_path(1), counts(by_path_cache_info())), (1, 1, (1, 1, 1)));
    let whole = Whole(Memo::new());
    assert_eq!((whole.get(1), whole.get(1), counts(whole.get_cache_info())), (1, 1, (1, 1, 1)));
    let odd = Odd(Memo::new(), 1);
    assert_eq!((in_thread(&odd, 2), in_object(&odd, 2)), (3, 3));
    assert_eq!(in_thread_cache_parameters().scope, lru_memo::Scope::Thread);
    assert_eq!(counts(in_object_cache_info(&odd)), (0, 1, 1));
}

#[test]
fn objects_may_borrow() {
    struct View<'a> {
        text: &'a str,
        limit: usize,
        memo: &'a Memo,
    }
    impl<'a> View<'a> {
        #[lru_cache(scope = self.memo, cache_if = |found| found.len() < self.limit)]
        fn after(&self, word: &str) -> String {
            self.text.split_once(word).map_or_else(String::new, |(_, rest)| rest.to_owned())
        }
        #[lru_cache(scope = self.memo)]
        async fn length(&'a self, factor: usize) -> usize {
            self.text.len() * std::future::ready(factor).await
        }
    }
    let (text, memo, other) = ("one two three".to_owned(), Memo::new(), Memo::new());
    let view = View { text: &text, limit: 6, memo: &memo };
    let short = View { text: "one", limit: 6, memo: &other };
    for _ in 0..2 {
        assert_eq!(
            (view.after("one"), view.after("two"), short.after("one")),
            (" two three".into(), " three".into(), "".into())
        );
        assert_eq!((block_on(view.length(2)), block_on(short.length(2))), (26, 6));
    }
    assert_eq!(counts(view.after_cache_info()), (0, 4, 0));
    assert_eq!(counts(short.after_cache_info()), (1, 1, 1));
    assert_eq!(counts(view.length_cache_info()), (1, 1, 1));
    assert_eq!(memo.caches().count(), 2);
}

#[test]
fn outcomes_and_exclusive_parameters_work_with_owners_that_are_borrowed_and_given_away() {
    use lru_memo::Outcome;

    struct Pool(Memo);
    impl Pool {
        #[lru_cache(scope = self.0, skip(log))]
        fn row(&self, id: u32, log: &mut Vec<u32>) -> u32 {
            log.push(id);
            id
        }
        #[lru_cache(scope = self.0, skip(log))]
        fn of_arc(self: Arc<Self>, id: u32, log: &mut Vec<u32>) -> u32 {
            drop(self);
            log.push(id);
            id
        }
        #[lru_cache(scope = self.0, single_flight = true)]
        async fn waited(self: Arc<Self>, id: u32) -> u32 {
            std::future::ready(id).await
        }
    }
    let (pool, mut log) = (Arc::new(Pool(Memo::new())), Vec::new());
    assert_eq!(pool.row_with_outcome(1, &mut log), (1, Outcome::Miss));
    assert_eq!(pool.row_with_outcome(1, &mut log), (1, Outcome::Hit));
    assert_eq!((pool.row(1, &mut log), Arc::clone(&pool).of_arc(2, &mut log)), (1, 2));
    assert_eq!(Arc::clone(&pool).of_arc_with_outcome(2, &mut log), (2, Outcome::Hit));
    assert_eq!(block_on(Arc::clone(&pool).waited_with_outcome(3)), (3, Outcome::Miss));
    assert_eq!(block_on(Arc::clone(&pool).waited_with_outcome(3)), (3, Outcome::Hit));
    assert_eq!(block_on(Arc::clone(&pool).waited(3)), 3);
    assert_eq!((log, pool.row_cache_peek(1), pool.of_arc_cache_peek(2)), (vec![1, 2], Some(1), Some(2)));
    assert!(pool.row_cache_invalidate(1));
}
