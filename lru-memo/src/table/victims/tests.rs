//! Victims compared with a search through all stamps.

use super::*;

/// As many entries as are wanted, each with a stamp, at places that come and go.
struct Entries {
    stamps: Vec<AtomicU64>,
    live: Live,
    length: usize,
    latest: u64,
    victims: Victims,
    random: u64,
}

impl Entries {
    fn new(places: Place) -> Self {
        let mut live = Live::default();
        (0..=places).for_each(|place| live.extend_to(place));
        let stamps = (0..places).map(|_| AtomicU64::new(0)).collect();
        Self { stamps, live, length: 0, latest: 0, victims: Victims::new(), random: 1 }
    }

    fn stamp(&mut self, place: Place) {
        self.latest += 2;
        self.stamps[place as usize - 1].store(self.latest, Relaxed);
    }

    fn stamp_of(&self, place: Place) -> u64 {
        self.stamps[place as usize - 1].load(Relaxed)
    }

    fn random(&mut self, below: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.random >> 33) as usize % below
    }

    fn any(&mut self) -> Place {
        loop {
            let place = self.random(self.stamps.len()) as Place + 1;
            if self.live.has(place) {
                return place;
            }
        }
    }

    fn store(&mut self) {
        let place = (1..).find(|&place| !self.live.has(place)).expect("there is a free place");
        self.live.add(place);
        self.length += 1;
        self.stamp(place);
        self.victims.add(Candidate { stamp: self.latest, place }, self.length);
    }

    fn remove(&mut self, place: Place) {
        self.live.remove(place);
        self.length -= 1;
    }

    fn evict(&mut self) {
        let least_recent = self.live.places().min_by_key(|&place| self.stamp_of(place));
        let last = self.stamps.len() as Place;
        let Self { stamps, live, victims, .. } = self;
        let stamp_of = |place| live.has(place).then(|| stamps[place as usize - 1].load(Relaxed));
        let victim = loop {
            let head = victims.head().filter(|head| stamp_of(head.place) == Some(head.stamp));
            if let Some(head) = head {
                victims.take_head();
                break head.place;
            }
            let slices = |first: Place, last: Place| {
                core::iter::once((first, &stamps[first as usize - 1..last as usize]))
            };
            if let Some(victim) = victims.next(stamp_of) {
                victims.walk_on(slices);
                break victim;
            }
            victims.find(slices, live, self.length, last);
        };
        assert_eq!(Some(victim), least_recent, "of {} entries", self.length);
        self.remove(victim);
    }
}

/// Stores, evicts, removes and hits, in the given shares of a hundred; what is left of it is hits.
fn expect_the_least_recent(places: Place, fill: Place, steps: usize, [misses, removals]: [usize; 2]) {
    let mut entries = Entries::new(places);
    (0..fill).for_each(|_| entries.store());
    for _ in 0..steps {
        let step = entries.random(100);
        if step < misses {
            if entries.length >= fill as usize {
                entries.evict();
            }
            entries.store();
        } else if step < misses + removals && entries.length > 2 {
            let place = entries.any();
            entries.remove(place);
        } else {
            let place = entries.any();
            entries.stamp(place);
        }
    }
    while entries.length > 0 {
        entries.evict();
    }
}

#[test]
fn the_least_recent_of_few_entries_is_evicted() {
    for fill in [1, 2, 3, 30, FEW as Place] {
        for shares in [[100, 0], [50, 0], [50, 10], [50, 40], [5, 0], [60, 39]] {
            expect_the_least_recent(fill + 8, fill, 3_000, shares);
        }
    }
}

#[test]
fn the_least_recent_of_many_entries_is_evicted() {
    for fill in [FEW as Place + 1, 300, 1_000] {
        for shares in [[100, 0], [50, 0], [50, 10], [5, 1]] {
            expect_the_least_recent(fill + 8, fill, 2_000, shares);
        }
    }
}

#[test]
fn the_order_is_kept_when_stamps_begin_to_grow_much_faster_or_slower() {
    for fill in [3, 30, FEW as Place, 300] {
        let mut entries = Entries::new(fill + 8);
        (0..fill).for_each(|_| entries.store());
        for step in 0..4_000 {
            entries.latest += [0, 1 << 40, 0, 1 << 12][step / 1_000];
            if step % 500 == 499 {
                // All entries are used before the next eviction.
                (0..10 * fill).for_each(|_| {
                    let place = entries.any();
                    entries.stamp(place);
                });
            }
            if entries.random(3) == 0 {
                entries.evict();
                entries.store();
            } else {
                let place = entries.any();
                entries.stamp(place);
            }
        }
    }
}

#[test]
fn entries_that_become_many_and_few_again_are_evicted_in_order() {
    let mut entries = Entries::new(1_000);
    for length in [50, 800, 20, 900, 3] {
        while entries.length > length {
            entries.evict();
        }
        while entries.length < length {
            (0..2).for_each(|_| entries.store());
            let place = entries.any();
            entries.stamp(place);
            entries.evict();
        }
    }
}

#[test]
fn entries_that_are_removed_are_forgotten_in_the_end() {
    let mut entries = Entries::new(64);
    (0..32).for_each(|_| entries.store());
    for _ in 0..10_000 {
        entries.evict();
        (0..2).for_each(|_| entries.store());
        let place = entries.any();
        entries.remove(place);
        let place = entries.any();
        entries.stamp(place);
    }
    let candidates = entries.victims.queue.capacity() + entries.victims.used.len();
    assert!(candidates < 1_000, "{candidates} candidates for 32 entries");
}
