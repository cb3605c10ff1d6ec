//! Tables under random operations. Each release of the lock checks that the parts of the table agree.

use crate::sys::clock::Instant;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;
use core::time::Duration;
use std::sync::mpsc;
use std::thread;

use super::bias::Biased;
use super::counter;
use super::front::Front;
use super::hit::PinnedEntry;
use super::invalidations::SequenceNumber;
use super::locked::Locked;
use super::lru::{Left, Limits};
use super::outlined::Outlined;
use super::reader::{Owner, Pin, Stamps};
use super::readers::Life;
use super::threading::{AllThreads, OfObject, OneThread, Small};
use super::{ExpiryCheck, Inside, Mine, Table, partial_hash};

/// An entry whose fields belong together, so that a torn one is noticed.
struct Entry<'c> {
    key: u64,
    payload: [u64; 3],
    deadline: Option<Instant>,
    counted: &'c AtomicUsize,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.payload = [0; 3];
        self.counted.fetch_sub(1, Relaxed);
    }
}

/// Random numbers by a linear congruential generator.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Some keys share a home slot, and some the partial hash as well.
fn hash(key: u64) -> u64 {
    key % 3 * 8 + key % 7
}

/// What the operations do, in shares.
#[derive(Clone, Copy)]
struct Mix {
    hits: u64,
    removals: u64,
    rare: bool,
    expires: bool,
}

struct Cache<'c, T: Outlined> {
    table: Table<T, Entry<'c>, ()>,
    alive: &'c AtomicUsize,
    begun: Instant,
    mix: Mix,
}

impl<'c, T: Outlined> Cache<'c, T> {
    fn new(limits: Limits, alive: &'c AtomicUsize, mix: Mix) -> Self {
        Self { table: Table::new(limits, ()), alive, begun: Instant::now(), mix }
    }

    fn expiry(&self) -> ExpiryCheck<fn(&Entry<'c>) -> Option<Instant>> {
        ExpiryCheck { now: self.mix.expires.then(Instant::now), deadline_of: |entry| entry.deadline }
    }

    fn store(&self, key: u64, random: &mut Random) {
        self.alive.fetch_add(1, Relaxed);
        let deadline = self.mix.expires.then(|| self.begun + Duration::from_micros(random.below(20_000)));
        let entry = Entry { key, payload: [key, !key, key ^ 0x55], deadline, counted: self.alive };
        let mut left = Left::new();
        self.table.with(|mut inside, ()| {
            let there = inside.find(partial_hash(hash(key)), |entry| (entry.key == key).then_some(()));
            let weight = key as usize % 5;
            match there {
                _ if !inside.admits(weight) => left.push(entry),
                None => inside.store_new(partial_hash(hash(key)), entry, weight, &self.expiry(), &mut left),
                there => {
                    let there = there.map(|(place, ())| place);
                    inside.store(there, partial_hash(hash(key)), entry, weight, &self.expiry(), &mut left);
                }
            }
            inside.validate_partial_hashes(|entry| partial_hash(hash(entry.key)));
        });
    }

    fn remove(&self, key: u64) {
        let mut left = Left::new();
        self.table.with(|mut inside, ()| {
            if let Some((place, ())) =
                inside.find(partial_hash(hash(key)), |entry| (entry.key == key).then_some(()))
            {
                inside.remove(place, &mut left);
            }
        });
    }

    fn hit(&self, key: u64) {
        let whole = |entry: &Entry<'_>| entry.payload == [entry.key, !entry.key, entry.key ^ 0x55];
        if let Ok(found) = self.table.find_near(partial_hash(hash(key)), |entry| entry.key == key) {
            let is_whole =
                |entry: &Entry<'_>| assert!(entry.key == key && whole(entry), "the entry is whole");
            if found.hit(is_whole).is_some() {
                return;
            }
        }
        let mine = self.table.join_in().expect("the thread has not ended");
        if let Ok(found) = mine.find(partial_hash(hash(key)), |entry| entry.key == key) {
            let protected = found.protect().expect("nothing else is protected");
            assert!(protected.entry().key == key && whole(protected.entry()), "the entry is whole");
            if !protected.stamp() {
                self.table.hit(&protected);
            }
            assert!(protected.entry().key == key && whole(protected.entry()), "the entry is still whole");
        }
        if self.table.holds_back() {
            let mut left = Left::new();
            self.table.with(|mut inside, ()| inside.settle(&mut left));
        }
    }

    /// Does a rare operation.
    fn rarely(&self, random: &mut Random) {
        let mut left = Left::new();
        match random.below(3) {
            0 => self.table.with(|mut inside, ()| inside.clear(&mut left)),
            1 => {
                let maxsize = random.below(200) as usize;
                let resize =
                    || self.table.with(|mut inside, ()| inside.resize(maxsize, &self.expiry(), &mut left));
                core::iter::repeat_with(resize).find(|&reached| reached == maxsize);
            }
            _ => self.table.with(|inside, ()| inside.set_newest(SequenceNumber(random.below(9)), false)),
        }
    }

    fn run(&self, seed: u64, steps: usize, keys: u64) {
        let mut random = Random(seed);
        for _ in 0..steps {
            let (key, choice) = (random.below(keys), random.below(100));
            if choice < self.mix.hits {
                self.hit(key);
            } else if choice < self.mix.hits + self.mix.removals {
                self.remove(key);
            } else if self.mix.rare && random.below(50) == 0 {
                self.rarely(&mut random);
            } else {
                self.store(key, &mut random);
            }
        }
    }
}

impl<T: Outlined> Drop for Cache<'_, T> {
    fn drop(&mut self) {
        drop(self.table.empty());
    }
}

const MIXES: [Mix; 5] = [
    Mix { hits: 50, removals: 10, rare: true, expires: false },
    Mix { hits: 90, removals: 0, rare: false, expires: false },
    Mix { hits: 0, removals: 0, rare: false, expires: false },
    Mix { hits: 30, removals: 40, rare: true, expires: false },
    Mix { hits: 40, removals: 5, rare: false, expires: true },
];

fn limits(maxsize: Option<usize>, max_weight: Option<usize>) -> [Limits; 2] {
    [Limits { maxsize, max_weight: None }, Limits { maxsize, max_weight }]
}

/// The number of steps of each thread, each with a check of the whole table.
const STEPS: usize = if cfg!(miri) { 30 } else { 300 };

#[test]
fn the_parts_of_a_table_agree_after_each_step_of_one_thread() {
    for mix in MIXES {
        for maxsize in [Some(1), Some(2), Some(7), Some(70), None] {
            for limits in
                limits(maxsize, Some(40)).into_iter().filter(|limits| !mix.rare || limits.maxsize.is_some())
            {
                let alive = AtomicUsize::new(0);
                Cache::<OneThread>::new(limits, &alive, mix).run(1, STEPS, 100);
                Cache::<Small<OneThread>>::new(limits, &alive, mix).run(1, STEPS, 100);
                Cache::<AllThreads>::new(limits, &alive, mix).run(2, STEPS, 100);
                Cache::<OfObject>::new(limits, &alive, mix).run(2, STEPS, 100);
                assert_eq!(alive.load(Relaxed), 0, "every entry was dropped once");
            }
        }
    }
}

#[test]
fn the_parts_of_a_table_agree_after_each_step_of_many_threads() {
    agree_after_each_step_of_many_threads::<AllThreads>();
    agree_after_each_step_of_many_threads::<OfObject>();
}

fn agree_after_each_step_of_many_threads<T: Outlined>()
where
    for<'c> Table<T, Entry<'c>, ()>: Sync,
{
    for mix in MIXES {
        for maxsize in [Some(1), Some(2), Some(7), Some(70), None] {
            for limits in
                limits(maxsize, Some(40)).into_iter().filter(|limits| !mix.rare || limits.maxsize.is_some())
            {
                let alive = AtomicUsize::new(0);
                let cache = Cache::<T>::new(limits, &alive, mix);
                thread::scope(|scope| {
                    let threads: Vec<_> = (1..=4)
                        .map(|seed| {
                            scope.spawn({
                                let cache = &cache;
                                move || cache.run(seed, STEPS, 100)
                            })
                        })
                        .collect();
                    threads.into_iter().for_each(|thread| thread.join().expect("no check fails"));
                });
                drop(cache);
                assert_eq!(alive.load(Relaxed), 0, "every entry was dropped once");
            }
        }
    }
}

fn readers(table: &Table<AllThreads, u64, ()>) -> usize {
    table.with(|inside, ()| inside.guarded.readers.all().count())
}

/// Has another thread use the table, and end. So many readers are left then.
fn use_by_another_thread(table: &Table<AllThreads, u64, ()>, left: usize) {
    thread::scope(|scope| _ = scope.spawn(|| _ = table.join_in()));
    // A scope does not wait for the destructors of its threads' variables.
    while readers(table) > left {
        thread::yield_now();
    }
}

/// As if the calling thread hit so often.
fn hit_often(table: &Table<AllThreads, u64, ()>, hits: u32) {
    let owner = table.owner().expect("the thread has a reader");
    (0..hits).for_each(|_| owner.count_hit());
}

#[test]
fn the_bias_begins_again_once_all_other_threads_have_ended_until_that_does_not_pay() {
    let table = Table::<AllThreads, u64, ()>::new(Limits::default(), ());
    if !table.bias.may_begin() {
        // This system has no such barrier.
        return;
    }
    _ = table.join_in();
    for _ in 0..3 {
        use_by_another_thread(&table, 1);
        assert!(table.bias.holds(), "the other thread has ended");
        hit_often(&table, 10_000);
    }
    for _ in 0..2 {
        use_by_another_thread(&table, 1);
    }
    assert!(!table.bias.holds(), "there was no hit in between");
}

#[test]
fn there_is_no_bias_while_another_thread_has_a_reader() {
    let table = Table::<AllThreads, u64, ()>::new(Limits::default(), ());
    _ = table.join_in();
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            _ = table.join_in();
            thread::park();
        });
        while readers(&table) < 2 {
            thread::yield_now();
        }
        use_by_another_thread(&table, 2);
        assert!(!table.bias.holds());
        other.thread().unpark();
    });
}

#[test]
fn the_first_thread_of_a_small_table_has_its_reader_at_hand_until_it_ends() {
    let table = Table::<OfObject, u64, ()>::new(Limits::default(), ());
    let readers = || table.with(|inside, ()| inside.guarded.readers.all().count());
    let (is_at_hand, finds) = (|| table.readers.mine().is_some(), || table.owner().is_some());
    for _ in 0..3 {
        thread::scope(|scope| {
            let first = scope.spawn(|| {
                assert!(!finds());
                _ = table.join_in();
                assert!(is_at_hand() && finds());
                thread::park();
                assert!(is_at_hand() && finds());
            });
            while readers() < 1 {
                thread::yield_now();
            }
            let second = scope.spawn(|| {
                assert!(!finds());
                _ = table.join_in();
                assert!(!is_at_hand() && finds());
            });
            let second = second.join();
            first.thread().unpark();
            second.expect("it finds its reader");
        });
        // A scope does not wait for the destructors of its threads' variables.
        while readers() > 0 {
            thread::yield_now();
        }
    }
    _ = table.join_in();
    table.leave();
    assert!(!finds());
    _ = table.join_in();
    assert!(is_at_hand() && finds() && readers() == 1);
}

#[test]
fn a_thread_that_takes_the_lock_alone_for_a_while_has_the_bias_beside_an_idle_one() {
    let table = &Table::<AllThreads, u64, ()>::new(Limits::default(), ());
    if !table.bias.may_begin() {
        return;
    }
    _ = table.join_in();
    thread::scope(|scope| {
        let (uses, used) = mpsc::channel();
        let idle = scope.spawn(move || {
            _ = table.join_in();
            assert!(!table.bias.holds(), "this thread has a reader now");
            uses.send(()).expect("the test waits");
            thread::park();
            assert!(table.bias.holds(), "this thread was idle");
            assert!(table.pin_if_biased().is_none(), "the bias is to the other thread");
            readers(table);
            assert!(!table.bias.holds(), "this thread has taken the lock");
        });
        used.recv().expect("the other thread has used the table");
        (0..1000).for_each(|_| _ = readers(table));
        assert!(table.bias.holds(), "the other thread was idle");
        idle.thread().unpark();
    });
}

#[test]
fn the_stamps_of_a_crowd_are_no_more_than_two_for_each_place_and_tell_the_order() {
    const ENTRIES: u64 = 5_000;
    if !counter::exists() {
        // Then there is no crowd.
        return;
    }
    let table = Table::<AllThreads, u64, ()>::new(
        Limits { maxsize: Some(ENTRIES as usize), ..Limits::default() },
        (),
    );
    table.with(|mut inside, ()| {
        let (mut left, never) = (Left::new(), ExpiryCheck { now: None, deadline_of: |_: &u64| None });
        (0..ENTRIES).for_each(|key| inside.store_new(partial_hash(key), key, 0, &never, &mut left));
    });
    // As if there were four threads.
    let lives = [(); 4].map(|()| Arc::new(Life::new()));
    let readers = lives.each_ref().map(|life| {
        // SAFETY: the reader is of this table, and there as long as it, and no other thread has it.
        table.with(|inside, ()| unsafe {
            Mine::new(&table, Owner::new(&*inside.guarded.readers.of(life, false)))
        })
    });
    let own_stamps = || {
        table.with(|inside, ()| {
            let own = inside.guarded.readers.all().filter_map(Locked::stamps).map(Stamps::len);
            own.collect::<Vec<_>>()
        })
    };
    let hit_by_turns = |keys: Range<u64>| {
        for key in keys {
            for mine in readers {
                let found = mine.find(partial_hash(key), |entry| *entry == key).ok();
                let protected = found.and_then(PinnedEntry::protect).expect("it is there");
                if !protected.stamp() {
                    table.hit(&protected);
                }
            }
        }
    };
    // Whenever this thread is interrupted, the changes of the reader are not quick.
    while own_stamps().len() < readers.len() {
        hit_by_turns(0..20);
    }
    let own = own_stamps();
    assert!(own.iter().sum::<usize>() <= 2 * (ENTRIES as usize + 1) + 4 * 1024, "{own:?}");
    assert!(own.iter().any(|&own| own > ENTRIES as usize), "{own:?}");
    hit_by_turns(20..ENTRIES);
    hit_by_turns(0..10);
    let evicted: Vec<u64> = table.with(|mut inside, ()| {
        let never = ExpiryCheck { now: None, deadline_of: |_: &u64| None };
        inside.resize(ENTRIES as usize - 3, &never, &mut Left::new());
        let is_there =
            |key: u64| inside.find(partial_hash(key), |entry| (*entry == key).then_some(())).is_some();
        (0..ENTRIES).filter(|&key| !is_there(key)).collect()
    });
    assert_eq!(evicted, [10, 11, 12]);
}

#[test]
fn a_bias_that_never_paid_is_tried_again_after_a_while() {
    let table = &Table::<AllThreads, u64, ()>::new(Limits::default(), ());
    if !table.bias.may_begin() {
        return;
    }
    _ = table.join_in();
    thread::scope(|scope| {
        let (asks, asked) = mpsc::channel();
        let (answers, answered) = mpsc::channel();
        scope.spawn(move || {
            _ = table.join_in();
            while asked.recv().is_ok() {
                readers(table);
                answers.send(table.bias.holds()).expect("the test waits");
            }
        });
        for _ in 0..10 {
            asks.send(()).expect("the other thread waits");
            assert!(!answered.recv().expect("the other thread answers"), "it has taken the lock");
            (0..20_000).for_each(|_| _ = readers(table));
            assert!(table.bias.holds(), "this thread alone has taken the lock");
        }
        drop(asks);
    });
}

/// Does not compile if the type is `$bound`: then both implementations of `Unless` apply.
macro_rules! is_not {
    ($($type:ty: $bound:ident;)*) => {$(
        const _: fn() = || {
            trait Unless<A> {
                fn compiles() {}
            }
            struct Both;
            impl<T: ?Sized> Unless<()> for T {}
            impl<T: ?Sized + $bound> Unless<Both> for T {}
            <$type as Unless<_>>::compiles();
        };
    )*};
}

// A thread that holds a lock or owns a reader cannot hand either to another thread.
is_not! {
    Locked<'static, u64>: Send;
    Locked<'static, u64>: Sync;
    Inside<'static, AllThreads, u64>: Send;
    Owner<'static>: Send;
    Owner<'static>: Sync;
    Pin<'static>: Send;
    Mine<'static, AllThreads, u64>: Send;
    Table<OneThread, u64, ()>: Sync;
    Front<OneThread, u64>: Sync;
}
