//! Calls from the destructor of a thread-local, when the thread may have left the cache already.

use std::cell::Cell;
use std::sync::Mutex;
use std::thread;

use lru_memo::{CacheInfo, lru_cache};

/// Runs a function when its thread ends.
struct AtExit(Cell<fn()>);

impl Drop for AtExit {
    fn drop(&mut self) {
        self.0.get()();
    }
}

thread_local! {
    static AT_EXIT: AtExit = const { AtExit(Cell::new(|| ())) };
}

/// When a thread's destructor is registered: they run in the order of that, or in the reverse one.
const MOMENTS: [Moment; 3] = [Moment::Before, Moment::After, Moment::Instead];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Before,
    After,
    Instead,
}

/// Runs a thread that uses a cache, and again at its end.
fn thread_with(moment: Moment, uses: fn(), at_exit: fn()) {
    let thread = thread::spawn(move || {
        if moment == Moment::After {
            uses();
        }
        AT_EXIT.with(|exit| exit.0.set(at_exit));
        if moment == Moment::Before {
            uses();
        }
    });
    thread.join().unwrap();
}

macro_rules! tests {
    ($($name:ident: $value:ty;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn everything_works_while_a_thread_ends() {
                #[lru_cache(maxsize = 3)]
                fn function(x: u8) -> $value {
                    x.into()
                }
                type Seen = ([Option<$value>; 7], bool, CacheInfo);
                // What panics there ends the process: so it only takes notes.
                static SEEN: Mutex<Vec<Seen>> = Mutex::new(Vec::new());
                fn at_exit() {
                    let hit = function(1);
                    let miss = function(4);
                    let there = function_cache_peek(4);
                    let was_there = function_cache_invalidate(4);
                    let gone = function_cache_peek(4);
                    function_cache_put(5, 6_u8.into());
                    let put = function(5);
                    let refreshed = function_cache_refresh(5);
                    let again = function(5);
                    let values = [Some(hit), Some(miss), there, gone, Some(put), Some(refreshed), Some(again)];
                    SEEN.lock().unwrap().push((values, was_there, function_cache_info()));
                }
                for moment in MOMENTS.repeat(30) {
                    function_cache_clear();
                    let _ = [function(1), function(2)];
                    thread_with(moment, || _ = function(2), at_exit);
                    let values = [1_u8, 4, 4, 0, 6, 5, 5].map(|x| (x != 0).then(|| x.into()));
                    let hits = 3 + u64::from(moment != Moment::Instead);
                    let info = CacheInfo { hits, misses: 3, maxsize: Some(3), currsize: 3 };
                    assert_eq!(SEEN.lock().unwrap().drain(..).collect::<Vec<_>>(), [(values, true, info)], "{moment:?}");
                }
            }

            #[test]
            fn a_hit_while_a_thread_ends_counts_for_the_order_of_eviction() {
                #[lru_cache(maxsize = 2)]
                fn function(x: u8) -> $value {
                    x.into()
                }
                for moment in MOMENTS.repeat(30) {
                    function_cache_clear();
                    let _ = [function(1), function(2)];
                    thread_with(moment, || _ = function(2), || _ = function(1));
                    let _ = function(3);
                    let left = [1, 2, 3].map(|x| function_cache_peek(x).is_some());
                    assert_eq!(left, [true, false, true], "{moment:?}");
                }
            }
        }
    )*};
}

/// A user's type.
#[derive(Debug, Clone, PartialEq, Eq)]
struct User(u8);

impl From<u8> for User {
    fn from(number: u8) -> Self {
        Self(number)
    }
}

tests! {
    with_numbers: u32;
    with_the_users_type: User;
}
