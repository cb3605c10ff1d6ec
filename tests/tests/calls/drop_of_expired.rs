//! What an expired entry leaves behind when its `Drop` panics in the lookup that removes it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use lru_memo::{clock, lru_cache};
use lru_memo_tests::subject;

use crate::user_code::alone;
use crate::user_code::trap::{Hook, Key, Value, alive, arm, disarm};

#[lru_cache(ttl = "10s")]
fn function(key: Key<false>) -> Value {
    Value::of(key.id())
}

#[test]
fn a_lookup_whose_expired_entry_panics_when_it_is_dropped_has_ended() {
    let _alone = alone();
    let _clock = lru_memo_tests::clock_for_me_alone();
    function(Key::new(1));
    clock::advance(Duration::from_secs(10));
    arm(Hook::DropKey, 0, || subject::panic());
    let outcome = catch_unwind(AssertUnwindSafe(|| function(Key::new(1))));
    assert!(disarm() && outcome.is_err(), "the expired key was not dropped");

    // Copies of invalidated keys are kept while something is computed, and nothing is.
    for id in 0..10 {
        assert!(!function_cache_invalidate(Key::new(id)));
    }
    assert_eq!(alive(), (0, 0), "keys and values alive in an empty cache");
}
