//! The memory of objects' caches: little, and none once the object is dropped.

use std::hint::black_box;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Barrier};
use std::thread;

use lru_memo::{Memo, lru_cache};
use lru_memo_tests::counting::{IN_USE, alone};

/// What the harness may allocate meanwhile.
const LITTLE: isize = 16 * 1024;

/// How many more bytes are in use after something than before.
fn grown<R>(act: impl FnOnce() -> R) -> (isize, R) {
    let before = IN_USE.load(Relaxed);
    let result = act();
    (IN_USE.load(Relaxed) - before, result)
}

#[derive(Default)]
struct Owner {
    memo: Memo,
}

impl Owner {
    #[lru_cache(scope = self.memo)]
    fn number(&self, x: u64) -> u64 {
        x
    }

    #[lru_cache(maxsize = None, scope = self.memo)]
    fn text(&self, x: u64) -> String {
        x.to_string()
    }
}

#[test]
fn a_million_objects_that_come_and_go_leave_nothing() {
    let _alone = alone();
    let make_and_drop = |number: u64| {
        for x in 0..number {
            let owner = Owner::default();
            assert_eq!(owner.number(x), x);
            if x % 16 == 0 {
                assert_eq!(owner.text(x), x.to_string());
            }
        }
    };
    make_and_drop(1_000);
    let (bytes, ()) = grown(|| make_and_drop(1_000_000));
    assert!(bytes < LITTLE, "{bytes} bytes");
}

#[test]
fn a_cache_that_is_used_takes_few_bytes_and_one_that_is_not_takes_none() {
    const OWNERS: isize = 1_000;
    let _alone = alone();
    Owner::default().number(1);
    let (_, owners) = grown(|| (0..OWNERS).map(|_| Owner::default()).collect::<Vec<_>>());
    let (bytes, ()) = grown(|| {
        for owner in &owners {
            assert_eq!(
                (owner.number_cache_info().currsize, owner.number_cache_parameters().maxsize),
                (0, Some(128))
            );
        }
    });
    assert!(bytes < LITTLE, "{bytes} bytes for caches that are looked at");
    let (bytes, ()) = grown(|| owners.iter().for_each(|owner| assert_eq!(owner.number(1), 1)));
    println!("{} bytes for a cache", bytes / OWNERS);
    assert!(bytes / OWNERS <= 512, "{} bytes for a cache", bytes / OWNERS);
}

#[test]
fn a_thread_that_uses_one_of_many_objects_takes_few_bytes() {
    let _alone = alone();
    let owners: Vec<Owner> = (0..20_000).map(|_| Owner::default()).collect();
    owners.iter().for_each(|owner| assert_eq!(owner.number(1), 1));
    let (bytes, ()) = thread::scope(|scope| {
        let other = scope.spawn(|| grown(|| assert_eq!(owners[0].number(1), 1)));
        other.join().expect("it does not panic")
    });
    assert!(bytes < LITTLE, "{bytes} bytes");
}

#[test]
fn all_memory_of_objects_goes_with_them_while_threads_that_have_read_them_live_on() {
    const OWNERS: u64 = 200;
    let _alone = alone();
    let (all_have_read, all_are_gone) = (Barrier::new(4), Barrier::new(4));
    thread::scope(|scope| {
        let owners: Arc<Vec<Owner>> = Arc::new((0..OWNERS).map(|_| Owner::default()).collect());
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let (owners, have_read, are_gone) = (Arc::clone(&owners), &all_have_read, &all_are_gone);
                scope.spawn(move || {
                    for x in 0..20 {
                        for owner in &*owners {
                            black_box((owner.number(x), owner.text(x)));
                        }
                    }
                    drop(owners);
                    have_read.wait();
                    are_gone.wait();
                })
            })
            .collect();
        all_have_read.wait();
        let (bytes, ()) = grown(|| drop(Arc::into_inner(owners).expect("the threads have let go")));
        // An entry of a text alone is larger than that.
        let least = (OWNERS * 2 * 20 * 24) as isize;
        assert!(bytes < -least, "{bytes} bytes");
        all_are_gone.wait();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    // Once more, from nothing to nothing.
    let (bytes, ()) = grown(|| {
        let owner = Owner::default();
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..500).for_each(|x| drop((owner.number(x), owner.text(x)))));
            }
        });
    });
    assert!(bytes < LITTLE, "{bytes} bytes");
}
