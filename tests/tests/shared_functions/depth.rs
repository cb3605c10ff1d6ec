//! Values and keys that are nested deeply: what is nested too deeply for a thread is computed each time, and aborts nothing.

use std::collections::BTreeMap;
use std::thread;

use lru_memo::lru_cache;
use lru_memo::shared::{self, Health, Kind};
use serde::{Deserialize, Serialize};

/// Threads as the standard library makes them, and small ones.
const STACKS: [usize; 2] = [2 << 20, 256 << 10];

#[derive(Debug, Serialize, Deserialize, Hash, PartialEq, Eq, Clone)]
struct List {
    number: u64,
    next: Option<Box<List>>,
}

/// Not one level inside of the other, so that only serde goes deep.
impl Drop for List {
    fn drop(&mut self) {
        let mut next = self.next.take();
        while let Some(mut list) = next {
            next = list.next.take();
        }
    }
}

impl List {
    fn of(length: u64) -> Self {
        let first = Self { number: 0, next: None };
        (0..length).fold(first, |list, number| Self { number, next: Some(Box::new(list)) })
    }

    fn len(&self) -> u64 {
        let (mut length, mut list) = (0, self);
        while let Some(next) = &list.next {
            (length, list) = (length + 1, next);
        }
        length
    }
}

#[derive(Debug, Serialize, Deserialize, PartialEq)]
enum Tree {
    Leaf(u64),
    Branch { name: String, below: (Box<Tree>, Vec<Tree>) },
}

impl Tree {
    fn of(depth: u64) -> Self {
        let branch = |below, number| {
            let below = (Box::new(below), vec![Self::Leaf(number)]);
            Self::Branch { name: "branch".into(), below }
        };
        (0..depth).fold(Self::Leaf(7), branch)
    }
}

/// As serde has it to be tried which variant it is.
#[derive(Debug, Serialize, Deserialize, PartialEq)]
#[serde(untagged)]
enum Json {
    Number(f64),
    List(Vec<Json>),
    Map(BTreeMap<String, Json>),
}

impl Json {
    fn of(depth: u64) -> Self {
        (0..depth).fold(Self::Number(7.0), |inner, number| match number % 2 {
            0 => Self::List(vec![inner]),
            _ => Self::Map([("key".to_owned(), inner)].into()),
        })
    }
}

#[lru_cache(maxsize = None, scope = shared)]
fn list(length: u64) -> List {
    List::of(length)
}

#[lru_cache(maxsize = None, scope = shared)]
fn tree(depth: u64) -> Tree {
    Tree::of(depth)
}

#[lru_cache(maxsize = None, scope = shared)]
fn json(depth: u64) -> Json {
    Json::of(depth)
}

#[lru_cache(maxsize = None, scope = shared)]
fn length(list: &List) -> u64 {
    list.len()
}

/// Does something in a thread with so much stack.
fn in_thread<R: Send + 'static>(stack: usize, act: impl FnOnce() -> R + Send + 'static) -> R {
    let _ = shared::configure("memory://");
    thread::Builder::new().stack_size(stack).spawn(act).expect("it starts").join().expect("it ends")
}

/// How many values could not be written.
fn errors() -> u64 {
    let Health { errors, .. } = shared::health();
    errors.iter().find(|(kind, _)| *kind == Kind::Value).map_or(0, |(_, count)| *count)
}

#[test]
fn a_list_of_thousands_is_computed_each_time_and_counted_as_an_error() {
    #[lru_cache(scope = shared)]
    fn long(length: u64) -> List {
        List::of(length)
    }
    for stack in STACKS {
        in_thread(stack, || {
            let (before, info) = (errors(), long_cache_info());
            assert_eq!([20_000, 20_000].map(|length| long(length).len()), [20_000; 2]);
            assert_eq!(long_cache_info().misses, info.misses + 2);
            assert_eq!(long_cache_peek(20_000), None);
            assert!(errors() >= before + 2);
            let before = errors();
            assert_eq!(length(&List::of(20_000)), 20_000);
            assert!(errors() > before);
        });
    }
}

#[test]
fn no_depth_ends_a_thread_and_what_is_cached_is_what_was_computed() {
    // Small threads read what large ones have stored as well.
    for stack in STACKS {
        in_thread(stack, || {
            for depth in 0..200 {
                for _ in 0..2 {
                    assert_eq!(list(depth), List::of(depth));
                    assert_eq!(tree(depth), Tree::of(depth));
                    assert_eq!(json(depth), Json::of(depth));
                    assert_eq!(length(&List::of(depth)), depth);
                }
            }
        });
    }
}

#[test]
fn what_the_documentation_promises_is_cached_in_threads_of_any_size() {
    #[lru_cache(scope = shared)]
    fn shallow(depth: u64) -> (List, Tree, Json) {
        (List::of(depth), Tree::of(depth), Json::of(depth))
    }
    for (stack, depth) in STACKS.into_iter().zip([8, 9]) {
        in_thread(stack, move || {
            for _ in 0..2 {
                assert_eq!(shallow(depth), (List::of(depth), Tree::of(depth), Json::of(depth)));
            }
        });
    }
    assert_eq!((shallow_cache_info().hits, shallow_cache_info().misses), (2, 2));
}
