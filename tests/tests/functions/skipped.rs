//! Parameters that `skip` names: what companions take, and what is passed through.

use std::cell::Cell;

use lru_memo::{CacheInfo, Memo, Outcome, lru_cache};
use pollster::block_on;

fn counts(info: CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

/// The store of this process, whichever test comes first.
fn prepare() {
    #[cfg(feature = "shared")]
    lru_memo_tests::in_memory_or_chosen();
}

trait Read {
    type Key: Copy;
    fn read(&self, id: u32) -> u32;
}

/// Neither `Hash` nor `Eq` nor `Clone`.
struct Database(Cell<u32>);

impl Read for Database {
    type Key = u32;
    fn read(&self, id: u32) -> u32 {
        self.0.set(self.0.get() + 1);
        10 * id
    }
}

/// Another implementation.
struct Constant(u32);

impl Read for Constant {
    type Key = u32;
    fn read(&self, _: u32) -> u32 {
        self.0
    }
}

fn database() -> Database {
    Database(Cell::new(0))
}

macro_rules! companions {
    ($scope:ident) => {
        use super::*;

        #[test]
        fn companions_that_need_the_key_alone_take_no_skipped_parameter() {
            prepare();
            #[lru_cache(skip(db), scope = $scope)]
            fn user(db: &Database, id: u32, #[lru_cache(skip)] (shift, _): (u32, u32)) -> u32 {
                db.read(id) + shift
            }
            let db = database();
            assert_eq!((user(&db, 1, (0, 0)), user_cache_peek(1)), (10, Some(10)));
            user_cache_put(1, 11);
            assert_eq!(user(&db, 1, (0, 0)), 11);
            assert_eq!((user_cache_invalidate(1), user_cache_invalidate(1)), (true, false));
            assert_eq!((user_uncached(&db, 1, (2, 0)), user_cache_refresh(&db, 1, (3, 0))), (12, 13));
            assert_eq!((user_cache_peek(1), db.0.get()), (Some(13), 3));
        }

        #[test]
        fn a_skipped_parameter_that_alone_determines_a_type_parameter_stays() {
            prepare();
            #[lru_cache(skip(db, name), scope = $scope)]
            fn user<D: Read + 'static>(db: &D, name: &str, id: u32) -> u32 {
                db.read(id) + name.len() as u32
            }
            #[lru_cache(skip(db), scope = $scope)]
            fn by_impl(db: &impl Read, id: u32) -> u32 {
                db.read(id)
            }
            let (db, constant) = (database(), Constant(5));
            assert_eq!((user(&db, "", 1), user(&constant, "", 1)), (10, 5));
            assert_eq!((user_cache_peek(&db, 1), user_cache_peek(&constant, 1)), (Some(10), Some(5)));
            user_cache_put(&db, 1, 11);
            assert!(user_cache_invalidate(&constant, 1));
            assert_eq!((user(&db, "", 1), user(&constant, "a", 1)), (11, 6));
            assert_eq!((by_impl(&db, 2), by_impl_cache_peek(&db, 2)), (20, Some(20)));
            assert_eq!(by_impl_cache_peek(&constant, 2), None);
        }

        #[test]
        fn a_skipped_parameter_goes_where_another_determines_its_type_parameters() {
            prepare();
            #[lru_cache(skip(log, first), scope = $scope)]
            fn sum<T>(log: &dyn Fn(T), first: [T; 2], all: &[T]) -> u64
            where
                T: Copy + Into<u64> + std::hash::Hash + Eq + Send + Sync + 'static + serde::Serialize,
            {
                log(first[0]);
                all.iter().map(|&one| one.into()).sum()
            }
            // The key names an associated type, from which nothing is inferred.
            #[lru_cache(skip(db, other), key = id.into(), scope = $scope)]
            fn by_key<D: Read + 'static>(db: &D, other: &D, id: D::Key) -> u32
            where
                D::Key: Into<u32>,
            {
                db.read(id.into()) + other.read(0)
            }
            assert_eq!(sum(&|_| (), [1_u8, 2], &[1, 2]), 3);
            assert_eq!((sum_cache_peek(&[1_u8, 2]), sum_cache_peek(&[1_u8])), (Some(3), None));
            let db = database();
            assert_eq!((by_key(&db, &db, 1), by_key_cache_peek(&db, 1)), (10, Some(10)));
        }

        #[test]
        fn key_and_skip_stand_together() {
            prepare();
            #[lru_cache(key = id / 10, skip(db), scope = $scope)]
            fn user(db: &Database, id: u32) -> u32 {
                db.read(id)
            }
            #[lru_cache(key = a + b, scope = $scope)]
            fn pattern((a, b): (u32, u32), #[lru_cache(skip)] (c, _): (u32, Cell<u32>)) -> u32 {
                a * b * c
            }
            let db = database();
            assert_eq!((user(&db, 10), user(&db, 11), user(&db, 20)), (100, 100, 200));
            assert_eq!((user_cache_peek(12), user_cache_invalidate(13), user_cache_peek(14)), (Some(100), true, None));
            assert_eq!(pattern((1, 2), (3, Cell::new(0))), 6);
            assert_eq!(pattern_cache_peek((2, 1)), Some(6));
        }

        #[test]
        fn companions_of_methods_are_called_on_self_and_take_no_other_skipped_parameter() {
            prepare();
            struct Store<T>(T);
            impl<T: Copy + Into<u32> + 'static> Store<T> {
                #[lru_cache(skip(self, db), scope = $scope)]
                fn user(&self, db: &Database, id: u32) -> u32 {
                    db.read(id) + self.0.into()
                }
                #[lru_cache(key = (self.0.into(), id), skip(self, db), scope = $scope)]
                fn of_mine(&self, id: u32, db: &Database) -> u32 {
                    db.read(id) + self.0.into()
                }
            }
            let (store, db) = (Store(1_u8), database());
            assert_eq!((store.user(&db, 1), store.user_cache_peek(1)), (11, Some(11)));
            assert!(store.user_cache_invalidate(1) && !store.user_cache_invalidate(1));
            store.user_cache_put(1, 5);
            assert_eq!((Store(2_u8).user(&db, 1), Store(2_u16).user_cache_peek(1)), (5, None));
            assert_eq!((store.of_mine(1, &db), Store(2_u8).of_mine(1, &db)), (11, 12));
            assert_eq!((store.of_mine_cache_peek(1), Store(3_u8).of_mine_cache_peek(1)), (Some(11), None));
            assert_eq!(counts(Store::<u8>::user_cache_info()), (1, 1, 1));
        }

        #[test]
        fn companions_of_trait_methods_take_no_skipped_parameter() {
            prepare();
            trait Look {
                fn look(&self, db: &Database, id: u32) -> u32;
                #[lru_cache(skip(self, db), scope = $scope)]
                fn twice(&self, db: &Database, id: u32) -> u32 {
                    2 * db.read(id)
                }
            }
            struct Reader;
            #[lru_cache]
            impl Look for Reader {
                #[lru_cache(skip(self, db), scope = $scope)]
                fn look(&self, db: &Database, id: u32) -> u32 {
                    db.read(id)
                }
            }
            let db = database();
            assert_eq!((Reader.look(&db, 1), Reader.look_cache_peek(1)), (10, Some(10)));
            let reader: &dyn Look = &Reader;
            assert_eq!((reader.twice(&db, 1), reader.twice_cache_peek(1)), (20, Some(20)));
            assert!(reader.twice_cache_invalidate(1));
            Reader.look_cache_put(1, 7);
            assert_eq!(Reader.look(&db, 1), 7);
        }

        #[test]
        fn companions_of_an_async_function_take_no_skipped_parameter() {
            prepare();
            #[lru_cache(skip(db), scope = $scope)]
            async fn user(db: &Database, id: u32) -> Result<u32, ()> {
                Ok(db.read(id))
            }
            let db = database();
            block_on(async {
                assert_eq!(user(&db, 1).await, Ok(10));
                assert_eq!(finished!($scope: user_cache_peek(1)), Some(10));
                finished!($scope: user_cache_put(1, 11));
                assert_eq!(user(&db, 1).await, Ok(11));
                assert!(finished!($scope: user_cache_invalidate(1)));
                assert_eq!(user_cache_refresh(&db, 1).await, Ok(10));
            });
        }
    };
}

macro_rules! passed_through {
    ($scope:ident) => {
        use super::*;

        #[test]
        fn mutable_references_are_passed_through_to_a_miss_and_a_hit_does_not_touch_them() {
            prepare();
            #[lru_cache(skip(calls, log), scope = $scope)]
            fn f(calls: &mut u32, x: u32, log: Option<&mut Vec<u32>>) -> u32 {
                *calls += 1;
                if let Some(log) = log {
                    log.push(x);
                }
                2 * x
            }
            #[lru_cache(key = x / 2, scope = $scope)]
            fn by_key(x: u32, #[lru_cache(skip)] (calls, _): (&mut u32, u32)) -> u32 {
                *calls += 1;
                x
            }
            let (mut calls, mut log) = (0, Vec::new());
            assert_eq!((f(&mut calls, 1, Some(&mut log)), f(&mut calls, 1, Some(&mut log))), (2, 2));
            assert_eq!((calls, &log[..]), (1, &[1][..]));
            assert_eq!((f_cache_peek(1), f_cache_invalidate(1)), (Some(2), true));
            assert_eq!(f_with_outcome(&mut calls, 1, None), (2, Outcome::Miss));
            assert_eq!((f_cache_refresh(&mut calls, 1, None), f_uncached(&mut calls, 1, None), calls), (2, 2, 4));
            assert_eq!((by_key(2, (&mut calls, 0)), by_key(3, (&mut calls, 0)), calls), (2, 2, 5));
        }

        #[test]
        fn mutable_references_of_generic_functions_are_passed_through() {
            prepare();
            #[lru_cache(skip(out), scope = $scope)]
            fn write<W: std::io::Write + 'static>(out: &mut W, text: &str) -> Result<usize, std::io::ErrorKind> {
                out.write(text.as_bytes()).map_err(|error| error.kind())
            }
            #[lru_cache(skip(out), scope = $scope)]
            fn by_impl(out: &mut impl Extend<u32>, x: u32) -> u32 {
                out.extend([x]);
                x
            }
            let (mut bytes, mut numbers) = (Vec::new(), Vec::new());
            assert_eq!((write(&mut bytes, "ab"), write(&mut bytes, "ab")), (Ok(2), Ok(2)));
            assert_eq!((by_impl(&mut numbers, 1), by_impl(&mut numbers, 1)), (1, 1));
            assert_eq!((bytes, numbers), (b"ab".to_vec(), vec![1]));
        }

        #[test]
        fn mutable_receivers_are_passed_through() {
            prepare();
            #[derive(Default)]
            struct Client<T> {
                calls: u32,
                id: T,
            }
            impl<T: Copy + Into<u32> + 'static> Client<T> {
                #[lru_cache(skip(self), scope = $scope)]
                fn get(&mut self, x: u32) -> u32 {
                    self.calls += 1;
                    x + self.id.into()
                }
                #[lru_cache(skip(self), key = (self.id.into(), x), scope = $scope)]
                fn of_mine(self: &mut Self, x: u32) -> u32 {
                    self.calls += 1;
                    x + self.id.into()
                }
            }
            trait Fetch {
                fn fetch(&mut self, x: u32) -> u32;
                #[lru_cache(skip(self), scope = $scope)]
                fn twice(&mut self, x: u32) -> u32 {
                    2 * self.fetch(x)
                }
            }
            #[lru_cache]
            impl Fetch for Client<u8> {
                #[lru_cache(skip(self), scope = $scope)]
                fn fetch(&mut self, x: u32) -> u32 {
                    self.calls += 1;
                    x
                }
            }
            let (mut one, mut two) = (Client { calls: 0, id: 1_u8 }, Client { calls: 0, id: 2_u8 });
            assert_eq!((one.get(1), one.get(1), two.get(1), one.calls, two.calls), (2, 2, 2, 1, 0));
            let shared = &one;
            assert_eq!(shared.get_cache_peek(1), Some(2));
            assert_eq!((one.of_mine(1), one.of_mine(1), two.of_mine(1)), (2, 2, 3));
            assert_eq!((one.calls, two.calls), (2, 1));
            let fetch: &mut dyn Fetch = &mut one;
            assert_eq!((fetch.twice(3), fetch.twice(3), fetch.twice_cache_peek(3)), (6, 6, Some(6)));
            assert_eq!((one.fetch(3), one.fetch_cache_peek(3), one.calls), (3, Some(3), 3));
        }

        #[test]
        fn mutable_references_of_async_functions_are_passed_through() {
            prepare();
            struct Transaction(u32);
            impl Transaction {
                #[lru_cache(skip(self, log), scope = $scope, single_flight = true)]
                async fn user(&mut self, id: u32, log: &mut Vec<u32>) -> Result<u32, ()> {
                    self.0 += 1;
                    log.push(id);
                    Ok(id)
                }
            }
            let (mut transaction, mut log) = (Transaction(0), Vec::new());
            block_on(async {
                assert_eq!(transaction.user(1, &mut log).await, Ok(1));
                assert_eq!(transaction.user(1, &mut log).await, Ok(1));
                assert_eq!(finished!($scope: transaction.user_cache_peek(1)), Some(1));
            });
            assert_eq!((transaction.0, log), (1, vec![1]));
        }
    };
}

/// What a companion of an `async fn` returns; with `scope = shared`, it is awaited.
macro_rules! finished {
    (shared: $companion:expr) => {
        $companion.await
    };
    ($scope:ident: $companion:expr) => {
        $companion
    };
}

#[test]
fn companions_of_an_object_s_cache_take_its_owner_and_no_skipped_parameter() {
    struct Store<D> {
        memo: Memo,
        db: D,
    }
    impl<D: Read + 'static> Store<D> {
        #[lru_cache(scope = self.memo, skip(log))]
        fn user(&self, log: &dyn Fn(u32), id: u32) -> u32 {
            log(id);
            self.db.read(id)
        }
    }
    #[lru_cache(scope = store.memo, skip(db))]
    fn other<D: Read + 'static>(db: &D, id: u32, store: &Store<D>) -> u32 {
        db.read(id) + store.db.read(id)
    }
    let store = Store { memo: Memo::new(), db: database() };
    assert_eq!((store.user(&|_| (), 1), store.user_cache_peek(1)), (10, Some(10)));
    store.user_cache_put(1, 11);
    assert!(store.user_cache_invalidate(1) && !store.user_cache_invalidate(1));
    assert_eq!((other(&store.db, 1, &store), other_cache_peek(&store, 1)), (20, Some(20)));
}

mod in_the_process {
    mod companions {
        companions!(process);
    }
    mod passed_through {
        passed_through!(process);
    }
    use super::*;
}

mod in_a_thread {
    mod companions {
        companions!(thread);
    }
    mod passed_through {
        passed_through!(thread);
    }
    use super::*;
}

#[cfg(feature = "shared")]
mod in_all_processes {
    mod companions {
        companions!(shared);
    }
    mod passed_through {
        passed_through!(shared);
    }
    use super::*;
}
