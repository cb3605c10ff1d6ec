//! Objects that come and go, with their caches, while threads use them and others.

use std::sync::{Arc, Mutex, Weak};

use lru_memo::{Memo, lru_cache};

use super::in_threads;

#[derive(Default)]
struct Owner {
    /// Whatever the object has computed.
    made: Mutex<Vec<Weak<u64>>>,
    memo: Memo,
}

impl Owner {
    #[lru_cache(maxsize = 3, scope = self.memo)]
    fn few(&self, x: u64) -> Arc<u64> {
        let value = Arc::new(x);
        self.made.lock().unwrap().push(Arc::downgrade(&value));
        value
    }

    #[lru_cache(maxsize = None, scope = self.memo, single_flight = true)]
    fn all(self: Arc<Self>, text: &str) -> Arc<u64> {
        let value = self.few(text.len() as u64);
        drop(self);
        value
    }
}

/// Ends an object, of which nobody else has anything.
fn end(owner: Owner) {
    let made = std::mem::take(&mut *owner.made.lock().unwrap());
    drop(owner);
    assert_eq!(made.iter().filter(|value| value.strong_count() > 0).count(), 0);
}

#[test]
fn objects_that_threads_share_come_and_go() {
    static SHARED: Mutex<Option<Arc<Owner>>> = Mutex::new(None);
    in_threads(|thread, at| {
        let owner = Arc::clone(SHARED.lock().unwrap().get_or_insert_default());
        let x = at % 7;
        assert_eq!((*owner.few(x), *Arc::clone(&owner).all(&"a".repeat(x as usize))), (x, x));
        if at % 16 == thread {
            drop(SHARED.lock().unwrap().take());
        } else if at % 16 == thread + 4 {
            owner.memo.clear();
        }
        if let Some(owner) = Arc::into_inner(owner) {
            end(owner);
        }
    });
    if let Some(owner) = SHARED.lock().unwrap().take().and_then(Arc::into_inner) {
        end(owner);
    }
}

#[test]
fn each_thread_makes_and_drops_objects_of_its_own() {
    in_threads(|_, at| {
        let owner = Owner::default();
        for x in [at, at, at + 1] {
            assert_eq!(*owner.few(x), x);
        }
        let info = owner.few_cache_info();
        assert_eq!((info.hits, info.misses, info.currsize), (1, 2, 2));
        end(owner);
    });
}
