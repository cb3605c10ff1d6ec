//! A process that forks while its bounds change.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use lru_memo::lru_cache;
use lru_memo_tests::forks::{in_child, in_child_without_handlers, in_fresh_processes};
use lru_memo_tests::without_hanging;

#[lru_cache(maxsize = 4)]
fn number(x: u32) -> u32 {
    x
}

#[lru_cache(maxsize = 4, scope = thread)]
fn of_thread(x: u32) -> u32 {
    x
}

fn fill() {
    (0..20).for_each(|x| _ = number(x) + of_thread(x));
}

fn expect_all_of(maxsize: usize) {
    for info in [number_cache_info(), of_thread_cache_info()] {
        assert_eq!((info.maxsize, info.currsize), (Some(maxsize), maxsize));
    }
    assert_eq!(number_cache_parameters().maxsize, Some(maxsize));
}

fn goes_on_with_its_own() {
    fill();
    expect_all_of(6);
    number_cache_resize(3);
    of_thread_cache_resize(3);
    expect_all_of(3);
    thread::spawn(|| {
        number_cache_resize(2);
        of_thread_cache_resize(2);
        fill();
        expect_all_of(2);
    })
    .join()
    .expect("no panic");
}

#[test]
fn a_child_goes_on_with_the_bound_of_its_parent_and_has_bounds_of_its_own() {
    number_cache_resize(6);
    of_thread_cache_resize(6);
    fill();
    in_child_without_handlers(goes_on_with_its_own).expect("the child goes on");
    in_child(|| {
        goes_on_with_its_own();
        // The thread that has forked follows the other one.
        of_thread(19);
        expect_all_of(2);
    })
    .expect("the child goes on");
    expect_all_of(6);
}

#[test]
fn forks_go_well_while_threads_change_bounds() {
    let test = || {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            for first in [0, 5] {
                let is_over = &is_over;
                scope.spawn(move || {
                    for maxsize in (first..10).cycle() {
                        number_cache_resize(maxsize);
                        of_thread_cache_resize(maxsize);
                        fill();
                        if is_over.load(SeqCst) {
                            return;
                        }
                    }
                });
            }
            let outcome = (0..30).try_for_each(|_| {
                in_child(|| {
                    number_cache_resize(5);
                    of_thread_cache_resize(5);
                    fill();
                    expect_all_of(5);
                })
            });
            is_over.store(true, SeqCst);
            outcome.expect("children go on");
        });
    };
    let name = "resize::forks::forks_go_well_while_threads_change_bounds";
    in_fresh_processes(3, name, "memory://", || {
        without_hanging(|| "a process that forks".to_owned(), test);
    });
}
