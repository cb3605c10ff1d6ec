//! Random operations on objects that come and go, each against a naive model of its own.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use lru_memo::{Memo, lru_cache};
use lru_memo_tests::model::{Operation, Outcome};
use lru_memo_tests::subject::{Subject, keeps_its_bound, run, seen};
use proptest::prelude::*;

use crate::operations::{User, WORDS, operations};

struct Owner {
    maxsize: usize,
    memo: Memo,
}

impl Owner {
    fn new(maxsize: usize) -> Arc<Self> {
        Arc::new(Self { maxsize, memo: Memo::new() })
    }
}

const OWNERS: usize = 3;

thread_local! {
    static OWNER: Cell<usize> = const { Cell::new(0) };
    static ALL: RefCell<Vec<Arc<Owner>>> = const { RefCell::new(Vec::new()) };
}

/// The object that operations are about.
fn owner() -> Arc<Owner> {
    ALL.with_borrow(|all| Arc::clone(&all[OWNER.get()]))
}

#[derive(Debug, Clone)]
enum Step {
    /// Operations on one of the objects.
    Use(usize, Vec<Operation>),
    /// One is dropped, and another with this size comes.
    Replace(usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..OWNERS, operations()).prop_map(|(owner, operations)| Step::Use(owner, operations)),
        1 => (0..OWNERS, 0..5_usize).prop_map(|(owner, maxsize)| Step::Replace(owner, maxsize)),
    ];
    prop::collection::vec(step, 1..12)
}

fn agrees_with_a_model_of_each_object(subject: Subject) {
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(steps in steps())| {
        ALL.set((0..OWNERS).map(Owner::new).collect());
        let at = |owner| {
            OWNER.set(owner);
            subject.model()
        };
        let mut models: Vec<_> = (0..OWNERS).map(at).collect();
        OWNER.set(0);
        subject.reset();
        let mut numbers = 0;
        for step in &steps {
            match step {
                Step::Use(owner, operations) => {
                    OWNER.set(*owner);
                    let model = &mut models[*owner];
                    model.numbers = numbers;
                    for operation in operations {
                        model.apply(operation);
                        subject.apply(operation);
                    }
                    numbers = model.numbers;
                    prop_assert_eq!(seen(), std::mem::take(&mut model.trace));
                }
                Step::Replace(owner, maxsize) => {
                    ALL.with_borrow_mut(|all| all[*owner] = Owner::new(*maxsize));
                    OWNER.set(*owner);
                    models[*owner] = subject.model();
                }
            }
        }
    });
}

/// A test for each kind of key, of a function whose owner is borrowed, and of one whose owner is given away.
macro_rules! subjects {
    ($($name:ident, [$($maxsize:tt)*], $owner:ident: $type:ty, $of:expr, $key:ty, |$n:ident| $make:expr;)*) => {$(
        #[test]
        fn $name() {
            #[lru_cache(maxsize = $($maxsize)*, scope = $owner.memo)]
            fn function($owner: $type, _: $key) -> Outcome {
                run()
            }
            agrees_with_a_model_of_each_object(Subject {
                call: |$n| function($of(&owner()), $make),
                info: || function_cache_info($of(&owner())),
                clear: || function_cache_clear($of(&owner())),
                parameters: || function_cache_parameters($of(&owner())),
                peek: |$n| function_cache_peek($of(&owner()), $make),
                put: |$n, value| function_cache_put($of(&owner()), $make, value),
                refresh: |$n| function_cache_refresh($of(&owner()), $make),
                invalidate: |$n| function_cache_invalidate($of(&owner()), $make),
                resize: keeps_its_bound,
                admits: |_| true,
            });
        }
    )*};
}

fn same(owner: &Arc<Owner>) -> &Arc<Owner> {
    owner
}

subjects! {
    plain_keys, [owner.maxsize], owner: &Owner, same, u8, |n| n;
    plain_keys_of_owners_that_are_given_away, [owner.maxsize], owner: Arc<Owner>, Arc::clone, u8, |n| n;
    the_users_keys, [owner.maxsize], owner: &Owner, same, User<false>, |n| User(n);
    keys_with_one_hash, [owner.maxsize], owner: &Owner, same, User<true>, |n| User(n);
    keys_with_one_hash_of_owners_that_are_given_away, [owner.maxsize], owner: Arc<Owner>, Arc::clone, User<true>, |n| User(n);
    borrowed_keys, [owner.maxsize], owner: &Owner, same, &str, |n| WORDS[usize::from(n)];
    borrowed_keys_without_a_bound, [None], owner: &Owner, same, &str, |n| WORDS[usize::from(n)];
}
