//! What an object's caches hold goes with the object, at once, whatever threads, calls and forks are about.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex, Weak};
use std::thread;

use lru_memo::{Memo, lru_cache};
use lru_memo_tests::without_hanging;
use pollster::block_on;

use super::counts;

/// A value of which can be told whether anybody holds it.
type Value = Arc<u32>;

#[derive(Default)]
struct Owner {
    made: Mutex<Vec<Weak<u32>>>,
    memo: Memo,
}

impl Owner {
    fn make(&self, x: u32) -> Value {
        let value = Arc::new(x);
        self.made.lock().unwrap().push(Arc::downgrade(&value));
        value
    }

    #[lru_cache(maxsize = None, scope = self.memo)]
    fn get(&self, x: u32) -> Value {
        self.make(x)
    }

    #[lru_cache(maxsize = 4, scope = self.memo)]
    fn few(&self, x: u32) -> Value {
        self.make(x)
    }

    /// Ends when it is told to, the owner gone.
    #[lru_cache(scope = self.memo, skip(steps))]
    fn slow(self: Arc<Self>, x: u32, steps: &Steps) -> Value {
        let value = self.make(x);
        drop(self);
        steps.begun.send(()).unwrap();
        steps.end.recv().unwrap();
        value
    }

    #[lru_cache(scope = self.memo, single_flight = true, skip(steps))]
    async fn slow_task(self: Arc<Self>, x: u32, steps: &Steps) -> Value {
        let value = self.make(x);
        drop(self);
        steps.begun.send(()).unwrap();
        steps.end.recv().unwrap();
        value
    }
}

struct Steps {
    begun: Sender<()>,
    end: Receiver<()>,
}

/// How many of the values that an object has made are alive.
fn alive(made: &[Weak<u32>]) -> usize {
    made.iter().filter(|value| value.strong_count() > 0).count()
}

#[test]
fn all_entries_go_with_the_object() {
    let owner = Owner::default();
    for x in 0..100 {
        owner.get(x);
        owner.few(x);
    }
    let made = std::mem::take(&mut *owner.made.lock().unwrap());
    assert_eq!((made.len(), alive(&made)), (200, 104));
    drop(owner);
    assert_eq!(alive(&made), 0);
}

#[test]
fn all_entries_go_with_the_object_while_threads_that_have_read_it_live_on() {
    let test = || {
        let owner = Arc::new(Owner::default());
        let (used, gone) = (Barrier::new(4), Barrier::new(4));
        thread::scope(|scope| {
            for _ in 0..3 {
                let owner = Arc::clone(&owner);
                let (used, gone) = (&used, &gone);
                scope.spawn(move || {
                    for x in 0..300 {
                        assert_eq!((*owner.get(x % 7), *owner.few(x % 7)), (x % 7, x % 7));
                    }
                    drop(owner);
                    used.wait();
                    gone.wait();
                    // The thread goes on with other objects.
                    let other = Owner::default();
                    assert_eq!((*other.get(1), *other.get(1)), (1, 1));
                });
            }
            used.wait();
            let made = std::mem::take(&mut *owner.made.lock().unwrap());
            assert!(alive(&made) >= 7);
            drop(owner);
            assert_eq!(alive(&made), 0);
            gone.wait();
        });
    };
    without_hanging(|| "threads that have read an object".to_owned(), test);
}

#[test]
fn objects_come_and_go_while_threads_use_others() {
    let test = || {
        let shared = Mutex::new(Arc::new(Owner::default()));
        thread::scope(|scope| {
            for thread in 0..3 {
                let shared = &shared;
                scope.spawn(move || {
                    for x in 0..3_000 {
                        let owner = Arc::clone(&*shared.lock().unwrap());
                        assert_eq!((*owner.get(x % 5), *owner.few(x % 5)), (x % 5, x % 5));
                        if x % 50 == thread {
                            *shared.lock().unwrap() = Arc::new(Owner::default());
                        }
                        let own = Owner::default();
                        assert_eq!(
                            (*own.few(x), *own.few(x), counts(own.few_cache_info())),
                            (x, x, (1, 1, 1))
                        );
                    }
                });
            }
        });
    };
    without_hanging(|| "objects that come and go".to_owned(), test);
}

#[test]
fn objects_that_come_later_find_nothing_of_those_that_went() {
    for x in 0..1_000 {
        let owner = Owner::default();
        assert_eq!(counts(owner.get_cache_info()), (0, 0, 0));
        assert_eq!((owner.get_cache_peek(0), *owner.get(0)), (None, 0));
        owner.few(x);
        assert_eq!(counts(owner.few_cache_info()), (0, 1, 1));
    }
}

/// Runs a call that is in its function while the last owner goes, and says what is alive at the end.
fn outlives_its_owner(call: fn(Arc<Owner>, &Steps) -> Value) {
    let test = move || {
        let owner = Arc::new(Owner::default());
        owner.get(1);
        let (begun, has_begun) = channel();
        let (ends, end) = channel();
        let running = {
            let owner = Arc::clone(&owner);
            thread::spawn(move || call(owner, &Steps { begun, end }))
        };
        has_begun.recv().unwrap();
        let made = std::mem::take(&mut *owner.made.lock().unwrap());
        drop(Arc::into_inner(owner).expect("the call has given its own away"));
        assert_eq!(alive(&made), 1, "that of the call");
        ends.send(()).unwrap();
        assert_eq!(*running.join().unwrap(), 7);
        assert_eq!(alive(&made), 0);
    };
    without_hanging(|| "a call whose owner goes".to_owned(), test);
}

#[test]
fn a_miss_keeps_its_cache_while_the_owner_goes() {
    outlives_its_owner(|owner, steps| owner.slow(7, steps));
}

#[test]
fn a_task_keeps_its_cache_while_the_owner_goes() {
    outlives_its_owner(|owner, steps| block_on(owner.slow_task(7, steps)));
}

#[test]
fn entries_go_with_the_object_though_a_call_still_keeps_the_cache() {
    let test = || {
        let owner = Arc::new(Owner::default());
        let steps = || {
            let ((begun, has_begun), (ends, end)) = (channel(), channel());
            (Steps { begun, end }, has_begun, ends)
        };
        let (first, has_begun, ends) = steps();
        ends.send(()).unwrap();
        Arc::clone(&owner).slow(1, &first);
        has_begun.recv().unwrap();
        let (second, has_begun, ends) = steps();
        let running = {
            let owner = Arc::clone(&owner);
            thread::spawn(move || owner.slow(2, &second))
        };
        has_begun.recv().unwrap();
        let made = std::mem::take(&mut *owner.made.lock().unwrap());
        assert_eq!(alive(&made), 2);
        drop(owner);
        assert_eq!(alive(&made), 1, "the entry is gone, the value that is being computed is not");
        ends.send(()).unwrap();
        running.join().unwrap();
        assert_eq!(alive(&made), 0);
    };
    without_hanging(|| "a call whose owner goes".to_owned(), test);
}

#[test]
fn functions_that_recurse_or_use_other_objects_work() {
    struct Node {
        next: Option<Arc<Node>>,
        memo: Memo,
    }
    impl Node {
        #[lru_cache(scope = self.memo)]
        fn depth(&self) -> u32 {
            self.next.as_ref().map_or(0, |next| 1 + next.depth())
        }
        #[lru_cache(maxsize = None, scope = self.memo)]
        fn fib(&self, n: u32) -> u64 {
            if n < 2 { n.into() } else { self.fib(n - 1) + self.fib(n - 2) }
        }
        #[lru_cache(scope = self.memo)]
        fn clears(&self, x: u32) -> u32 {
            self.memo.clear();
            x
        }
        #[lru_cache(maxsize = self.fib(9) as usize, scope = self.memo)]
        fn sized_by_another(&self, x: u32) -> u32 {
            x
        }
        #[lru_cache(scope = self.memo)]
        fn checked(&self, x: u32) -> u32 {
            assert!(x > 0, "zero");
            x
        }
    }
    let end = Arc::new(Node { next: None, memo: Memo::new() });
    let node = Node { next: Some(Arc::clone(&end)), memo: Memo::new() };
    assert_eq!((node.depth(), node.depth(), end.depth()), (1, 1, 0));
    assert_eq!((counts(node.depth_cache_info()), counts(end.depth_cache_info())), ((1, 1, 1), (1, 1, 1)));
    assert_eq!((node.fib(20), counts(node.fib_cache_info())), (6765, (18, 21, 21)));
    assert_eq!(
        (node.clears(1), node.clears_cache_peek(1), counts(node.fib_cache_info())),
        (1, None, (0, 0, 0))
    );
    assert_eq!((node.sized_by_another(1), node.sized_by_another_cache_info().maxsize), (1, Some(34)));
    assert!(catch_unwind(AssertUnwindSafe(|| node.checked(0))).is_err());
    assert_eq!((node.checked(1), counts(node.checked_cache_info())), (1, (0, 2, 1)));
}

#[test]
fn a_value_may_use_its_object_when_it_is_dropped() {
    #[derive(Clone)]
    struct Uses(Weak<Owner>, u32);
    impl Drop for Uses {
        fn drop(&mut self) {
            if let Some(owner) = self.0.upgrade() {
                assert_eq!(*owner.get(self.1), self.1);
            }
        }
    }
    #[lru_cache(maxsize = 1, scope = owner.memo)]
    fn uses(owner: &Arc<Owner>, x: u32) -> Uses {
        Uses(Arc::downgrade(owner), x)
    }
    let owner = Arc::new(Owner::default());
    for x in 0..9 {
        drop(uses(&owner, x));
    }
    assert_eq!((uses_cache_info(&owner).currsize, owner.get_cache_info().currsize), (1, 9));
    owner.memo.clear();
    let made = std::mem::take(&mut *owner.made.lock().unwrap());
    drop(owner);
    assert_eq!(alive(&made), 0);
}

#[cfg(target_os = "linux")]
#[cfg(feature = "libc")]
#[test]
fn a_child_goes_on_with_the_objects_that_it_has_and_with_new_ones() {
    use std::sync::atomic::AtomicBool;
    use std::sync::atomic::Ordering::SeqCst;

    /// Without a lock of its own, which a thread might hold when the process forks.
    #[derive(Default)]
    struct Unlocked(Memo);
    impl Unlocked {
        #[lru_cache(maxsize = 4, scope = self.0)]
        fn few(&self, x: u32) -> Value {
            Arc::new(x)
        }
        #[lru_cache(maxsize = None, scope = self.0)]
        fn get(&self, x: u32) -> Value {
            Arc::new(x)
        }
    }

    let test = || {
        let shared = Unlocked::default();
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for x in (0..).take_while(|_| !is_over.load(SeqCst)) {
                        shared.few(x % 6);
                        Unlocked::default().get(x);
                    }
                });
            }
            let uses = || {
                for x in 0..200 {
                    assert_eq!((*shared.few(x % 6), *shared.get(x)), (x % 6, x));
                    let own = Unlocked::default();
                    assert_eq!((*own.get(x), *own.get(x), counts(own.get_cache_info())), (x, x, (1, 1, 1)));
                }
                assert_eq!(shared.few_cache_info().currsize, 4);
            };
            let outcome = (0..10).try_for_each(|_| lru_memo_tests::forks::in_child(uses));
            is_over.store(true, SeqCst);
            outcome.unwrap();
            uses();
        });
    };
    without_hanging(|| "a process that forks".to_owned(), test);
}
