//! A comparison that adds a key of the same hash each time that it is called.

use std::cell::Cell;
use std::hash::{Hash, Hasher};

use lru_memo::lru_cache;
use lru_memo_tests::without_hanging;

thread_local! {
    /// How many keys there are, while comparisons are to add more.
    static ADDED: Cell<Option<u32>> = const { Cell::new(None) };
}

#[derive(Debug, Clone)]
struct Key {
    number: u32,
    add: fn(Key),
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        0.hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        if let Some(number) = ADDED.take() {
            (self.add)(Self { number, add: self.add });
            ADDED.set(Some(number + 1));
        }
        self.number == other.number
    }
}

impl Eq for Key {}

/// Whatever is asked for ends, and means what it says, while every comparison has another key stored.
macro_rules! ends {
    ($test:ident, $($option:tt)*) => {
        #[test]
        fn $test() {
            #[lru_cache(maxsize = None, $($option)*)]
            fn f(key: Key) -> u32 {
                key.number + 1
            }

            fn add(key: Key) {
                f_cache_put(key.clone(), key.number + 1);
            }

            let key = |number| Key { number, add };
            let meanwhile = move |act: &dyn Fn()| {
                f_cache_clear();
                f_cache_put(key(1), 7);
                ADDED.set(Some(1_000));
                act();
                assert!(ADDED.take().unwrap() > 1_000, "something was compared");
            };
            without_hanging(|| stringify!($test).to_owned(), move || {
                meanwhile(&|| assert!([2, 7].contains(&f(key(1)))));
                meanwhile(&|| assert_eq!(f(key(2)), 3));
                meanwhile(&|| assert_eq!(f_cache_peek(key(2)), None));
                meanwhile(&|| f_cache_put(key(3), 5));
                assert_eq!(f_cache_peek(key(3)), Some(5));
                meanwhile(&|| _ = f_cache_invalidate(key(1)));
                assert_eq!(f_cache_peek(key(1)), None);
            });
        }
    };
}

ends!(a_lookup_ends, scope = process);
ends!(a_lookup_of_a_thread_ends, scope = thread);
ends!(a_lookup_with_single_flight_ends, single_flight = true);
