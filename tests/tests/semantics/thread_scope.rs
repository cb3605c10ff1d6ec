//! `scope = thread`: a cache for each thread, for what is not `Send`, and until the very end of the thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::hash::Hash;
use std::rc::Rc;
use std::sync::atomic::{AtomicIsize, AtomicU32, Ordering::SeqCst};
use std::thread;

use lru_memo::{CacheInfo, RegisteredCache, Scope, lru_cache};
use lru_memo_tests::without_hanging;

fn counts(info: CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

fn in_a_thread<R: Send + 'static>(test: impl FnOnce() -> R + Send + 'static) -> R {
    without_hanging(|| "a thread".to_owned(), test)
}

#[test]
fn each_thread_has_a_cache_and_counters_of_its_own() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(maxsize = 2, scope = thread)]
    fn f(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        x
    }
    for _ in 0..2 {
        f(1);
    }
    let seen = in_a_thread(|| {
        let before = (counts(f_cache_info()), f_cache_peek(1));
        f_cache_put(1, 100);
        (before, f(1), f(2), counts(f_cache_info()), f_cache_invalidate(2))
    });
    assert_eq!(seen, (((0, 0, 0), None), 100, 2, (1, 1, 2), true));
    in_a_thread(f_cache_clear);
    assert_eq!((f_cache_peek(1), counts(f_cache_info()), RUNS.load(SeqCst)), (Some(1), (1, 1, 1), 2));
    assert_eq!(f_cache_parameters().scope, Scope::Thread);
}

#[test]
fn generic_functions_and_methods_have_a_cache_for_each_thread_too() {
    #[lru_cache(scope = thread)]
    fn generic<T: Clone + Eq + Hash + 'static, const N: usize>(x: T) -> (T, usize) {
        (x, N)
    }
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Owner<T>(T);
    impl<T: Clone + Eq + Hash + 'static> Owner<T> {
        #[lru_cache(scope = thread)]
        fn method(&self, x: u32) -> (T, u32) {
            (self.0.clone(), x)
        }
        #[lru_cache(scope = thread)]
        fn new(x: T) -> Self {
            Self(x)
        }
    }
    #[lru_cache(scope = thread, key = x.0)]
    fn by_key(x: &Owner<u32>) -> u32 {
        x.0
    }
    let use_twice = || {
        for _ in 0..2 {
            assert_eq!((generic::<_, 1>('a'), generic::<_, 2>('a')), (('a', 1), ('a', 2)));
            assert_eq!((Owner(1).method(2), Owner('a').method(2)), ((1, 2), ('a', 2)));
            assert_eq!((Owner::new(3).0, by_key(&Owner(4))), (3, 4));
        }
        let infos = [
            generic_cache_info::<char, 1>(),
            generic_cache_info::<char, 2>(),
            Owner::<i32>::method_cache_info(),
            Owner::<char>::method_cache_info(),
            Owner::<i32>::new_cache_info(),
            by_key_cache_info(),
        ];
        assert_eq!(infos.map(counts), [(1, 1, 1); 6]);
    };
    use_twice();
    in_a_thread(use_twice);
    in_a_thread(use_twice);
}

#[test]
fn arguments_and_values_need_not_be_send() {
    #[lru_cache(scope = thread)]
    fn free(x: Rc<str>, y: &Rc<u32>) -> Rc<Cell<usize>> {
        Rc::new(Cell::new(x.len() + **y as usize))
    }
    #[lru_cache(scope = thread)]
    fn generic<T: Clone + Eq + Hash + 'static>(x: T) -> Rc<RefCell<T>> {
        Rc::new(RefCell::new(x))
    }
    #[lru_cache(scope = thread, key = Rc::clone(x))]
    fn by_key(x: &Rc<u32>) -> Result<Rc<u32>, Rc<str>> {
        if **x == 0 { Err("zero".into()) } else { Ok(Rc::clone(x)) }
    }
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Owner(Rc<u32>);
    impl Owner {
        #[lru_cache(scope = thread)]
        fn method(self: Rc<Self>) -> Rc<u32> {
            Rc::clone(&self.0)
        }
    }
    free("a".into(), &Rc::new(1)).set(7);
    assert_eq!(free("a".into(), &Rc::new(1)).get(), 7, "one value, shared");
    generic(Rc::new(1)).replace(Rc::new(2));
    assert_eq!(*generic(Rc::new(1)).borrow(), Rc::new(2));
    assert_eq!((by_key(&Rc::new(0)), by_key(&Rc::new(1))), (Err("zero".into()), Ok(Rc::new(1))));
    let owner = Rc::new(Owner(Rc::new(1)));
    assert!(Rc::ptr_eq(&Rc::clone(&owner).method(), &owner.method()));
    free_cache_clear();
    assert_eq!(free("a".into(), &Rc::new(1)).get(), 2);
}

#[test]
fn a_value_kept_by_its_user_outlives_its_cache() {
    #[lru_cache(maxsize = 1, scope = thread)]
    fn f(x: u32) -> Rc<u32> {
        Rc::new(x)
    }
    let one = f(1);
    assert_eq!(Rc::strong_count(&one), 2);
    f(2);
    assert_eq!((Rc::strong_count(&one), *one), (1, 1), "evicted");
}

/// Counts the values that are alive.
struct Counted(&'static AtomicIsize);

impl Counted {
    fn new(alive: &'static AtomicIsize) -> Self {
        alive.fetch_add(1, SeqCst);
        Self(alive)
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::new(self.0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

#[test]
fn many_short_lived_threads_leave_no_value_behind() {
    static ALIVE: AtomicIsize = AtomicIsize::new(0);
    #[lru_cache(maxsize = 3, scope = thread)]
    fn plain(_x: u32) -> Counted {
        Counted::new(&ALIVE)
    }
    #[lru_cache(maxsize = 3, scope = thread)]
    fn generic<T: Clone + Eq + Hash + 'static>(_x: T) -> Counted {
        Counted::new(&ALIVE)
    }
    for _ in 0..100 {
        in_a_thread(|| {
            for x in 0..5 {
                drop((plain(x), generic(x), generic(x.to_string())));
            }
            assert!(ALIVE.load(SeqCst) >= 9, "three caches of three");
        });
        assert_eq!(ALIVE.load(SeqCst), 0, "after the end of the thread");
    }
}

/// The system's allocator; counts what the marked threads hold.
struct Marked;

/// Allocations of marked threads that were not freed by one.
static HELD: AtomicIsize = AtomicIsize::new(0);

thread_local!(static IS_MARKED: Cell<bool> = const { Cell::new(false) });

// SAFETY: all is left to the system's allocator; the counters allocate nothing, and the thread-local has no destructor.
unsafe impl GlobalAlloc for Marked {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if IS_MARKED.get() {
            HELD.fetch_add(1, SeqCst);
        }
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if IS_MARKED.get() {
            HELD.fetch_sub(1, SeqCst);
        }
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Marked = Marked;

/// How many allocations remain of each of many threads that run `test` one after the other, to the nearest whole
/// number: what a single thread leaves or frees beside them (a shared table that grows) is no leak of each.
fn held_by_each_thread(test: fn()) -> isize {
    const THREADS: isize = 20;
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let run = move || {
        let thread = thread::spawn(move || {
            IS_MARKED.set(true);
            test();
        });
        thread.join().expect("no panic");
    };
    run();
    let before = HELD.load(SeqCst);
    (0..THREADS).for_each(|_| run());
    (HELD.load(SeqCst) - before + THREADS / 2).div_euclid(THREADS)
}

#[test]
fn many_short_lived_threads_leave_no_memory_behind_of_a_plain_function() {
    #[lru_cache(scope = thread)]
    fn f(x: u32) -> String {
        x.to_string()
    }
    let nothing = held_by_each_thread(|| ());
    assert_eq!(held_by_each_thread(|| (0..5).for_each(|x| drop(f(x)))), nothing);
}

#[test]
fn many_short_lived_threads_leave_no_memory_behind_of_a_generic_function() {
    #[lru_cache(scope = thread)]
    fn f<T: ToString + Clone + Eq + Hash + 'static>(x: T) -> String {
        x.to_string()
    }
    let nothing = held_by_each_thread(|| ());
    assert_eq!(held_by_each_thread(|| (0..5).for_each(|x| drop(f(x)))), nothing);
}

#[test]
fn many_short_lived_threads_leave_no_memory_behind_of_a_method() {
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Owner(u32);
    impl Owner {
        #[lru_cache(scope = thread)]
        fn f(&self) -> String {
            self.0.to_string()
        }
    }
    let nothing = held_by_each_thread(|| ());
    assert_eq!(held_by_each_thread(|| (0..5).for_each(|x| drop(Owner(x).f()))), nothing);
}

/// Runs a closure when its thread-local is destroyed.
struct AtTheEnd(Cell<Option<fn()>>);

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        if let Some(run) = self.0.take() {
            run();
        }
    }
}

thread_local! {
    static FIRST: AtTheEnd = const { AtTheEnd(Cell::new(None)) };
    static LAST: AtTheEnd = const { AtTheEnd(Cell::new(None)) };
}

/// Runs `test` in a thread, with `at_the_end` both before and after the caches of the thread are destroyed: in
/// whichever order thread-locals are, one is made before the caches and one after.
fn with_an_end(test: fn(), at_the_end: fn()) {
    in_a_thread(move || {
        let thread = thread::spawn(move || {
            FIRST.with(|first| first.0.set(Some(at_the_end)));
            test();
            LAST.with(|last| last.0.set(Some(at_the_end)));
        });
        thread.join().expect("a destructor panicked");
    });
}

macro_rules! called_at_the_end {
    ($($name:ident: [$($path:tt)*] $f:ident $info:ident $peek:ident $put:ident $invalidate:ident $refresh:ident $clear:ident
        ($($argument:tt)*) [$($generics:tt)*], { $($items:tt)* })*) => {$(
        #[test]
        fn $name() {
            static ENDS: AtomicU32 = AtomicU32::new(0);
            $($items)*
            fn call_all() {
                for _ in 0..3 {
                    assert_eq!($($path)* $f($($argument)*), 2);
                    assert_eq!($($path)* $refresh($($argument)*), 2);
                    $($path)* $put($($argument)*, 2);
                    assert!(matches!($($path)* $peek($($argument)*), None | Some(2)));
                    assert!($($path)* $info $($generics)* ().currsize <= 1);
                    $($path)* $invalidate($($argument)*);
                    assert_eq!($($path)* $f($($argument)*), 2);
                }
                $($path)* $clear $($generics)* ();
                // Tests of other files may have many hits.
                let is_ours = |cache: &RegisteredCache| cache.file() == file!();
                lru_memo::caches().filter(is_ours).for_each(|cache| assert!(cache.info().hits < 1000));
                lru_memo::caches().for_each(|cache| assert!(!cache.name().is_empty()));
                ENDS.fetch_add(1, SeqCst);
            }
            fn nothing() {}
            for (test, ends) in [(call_all as fn(), 3), (nothing, 2)] {
                ENDS.store(0, SeqCst);
                with_an_end(test, call_all);
                // A panic of a destructor of a thread-local ends the process.
                assert_eq!(ENDS.load(SeqCst), ends);
            }
        }
    )*};
}

called_at_the_end! {
    a_function_can_be_called_while_its_thread_ends: [] f f_cache_info f_cache_peek f_cache_put f_cache_invalidate
        f_cache_refresh f_cache_clear (1) [], {
        #[lru_cache(scope = thread)]
        fn f(x: u32) -> u32 { x + 1 }
    }
    a_generic_function_can_be_called_while_its_thread_ends: [] f f_cache_info f_cache_peek f_cache_put f_cache_invalidate
        f_cache_refresh f_cache_clear ("1".to_owned()) [::<String>], {
        #[lru_cache(scope = thread)]
        fn f<T: ToString + Clone + Eq + Hash + 'static>(x: T) -> u32 { x.to_string().len() as u32 + 1 }
    }
    a_method_can_be_called_while_its_thread_ends: [Owner::] f f_cache_info f_cache_peek f_cache_put f_cache_invalidate
        f_cache_refresh f_cache_clear (&Owner(1)) [], {
        #[derive(Clone, PartialEq, Eq, Hash)]
        struct Owner(u32);
        impl Owner {
            #[lru_cache(scope = thread, ttl = "1000h", max_weight = 10, weigh = |_, _| 1)]
            fn f(&self) -> u32 { self.0 + 1 }
        }
    }
    a_function_in_single_flight_can_be_called_while_its_thread_ends: [] f f_cache_info f_cache_peek f_cache_put
        f_cache_invalidate f_cache_refresh f_cache_clear (1) [], {
        #[lru_cache(scope = thread, single_flight = true)]
        fn f(x: u32) -> u32 { x + 1 }
    }
    a_function_of_the_process_can_be_called_while_a_thread_ends: [] f f_cache_info f_cache_peek f_cache_put
        f_cache_invalidate f_cache_refresh f_cache_clear (1) [], {
        #[lru_cache(single_flight = true)]
        fn f(x: u32) -> u32 { x + 1 }
    }
}

#[test]
fn values_that_call_the_function_while_the_cache_of_their_thread_is_destroyed() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    /// Its destructor calls the function, which makes values that do not.
    struct Calling(bool);
    impl Clone for Calling {
        fn clone(&self) -> Self {
            Self(false)
        }
    }
    impl Drop for Calling {
        fn drop(&mut self) {
            if self.0 {
                drop((f(1), generic('a')));
                let _ = (f_cache_info(), generic_cache_info::<char>());
                CALLS.fetch_add(1, SeqCst);
            }
        }
    }
    #[lru_cache(scope = thread)]
    fn f(_x: u32) -> Calling {
        Calling(false)
    }
    #[lru_cache(scope = thread)]
    fn generic<T: Clone + Eq + Hash + 'static>(_x: T) -> Calling {
        Calling(false)
    }
    in_a_thread(|| {
        let thread = thread::spawn(|| {
            f_cache_put(1, Calling(true));
            f_cache_put(2, Calling(true));
            generic_cache_put('a', Calling(true));
        });
        thread.join().expect("no panic");
    });
    assert_eq!(CALLS.load(SeqCst), 3);
}

#[test]
fn recursion_and_errors_are_as_in_the_process() {
    #[lru_cache(maxsize = 3, scope = thread)]
    fn fib(n: u64) -> u64 {
        if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
    }
    #[lru_cache(scope = thread)]
    fn even(x: u32) -> Result<u32, Rc<str>> {
        if x % 2 == 0 { Ok(x) } else { Err("odd".into()) }
    }
    in_a_thread(|| {
        assert_eq!((fib(20), counts(fib_cache_info())), (6765, (18, 21, 3)));
        assert_eq!([1, 1, 2, 2].map(even), [Err("odd".into()), Err("odd".into()), Ok(2), Ok(2)]);
        assert_eq!(counts(even_cache_info()), (1, 3, 1));
    });
}
