//! Wakers are foreign code: they panic, call back, and have destructors.

use super::*;

#[test]
fn the_waker_of_the_last_poll_is_the_one_that_is_woken() {
    let first = Flight::<u32>::begin();
    let mut waiting = first.flight().join();
    let [old, new] = [Arc::new(Alarm::default()), Arc::new(Alarm::default())];
    assert!(poll_with(&mut waiting, &Waker::from(Arc::clone(&old))).is_pending());
    assert!(poll_with(&mut waiting, &Waker::from(Arc::clone(&new))).is_pending());
    assert_eq!(Arc::strong_count(&old), 1, "the old one is dropped");
    first.land(Arc::new(1));
    assert_eq!((old.0.load(SeqCst), new.0.load(SeqCst)), (0, 1));
    assert_eq!(*value(&mut waiting), 1);
}

#[test]
fn a_waker_that_panics_keeps_nobody_asleep_and_does_not_reach_the_runner() {
    for panic_in_runner in [false, true] {
        let first = Flight::<u32>::begin();
        let flight = Arc::clone(first.flight());
        let woken = Arc::new(Alarm::default());
        let mut waiters: Vec<_> = (0..3).map(|_| flight.join()).collect();
        let hostile = calling(|| std::panic::resume_unwind(Box::new("hostile")));
        assert!(poll_with(&mut waiters[0], &hostile).is_pending());
        assert!(poll_with(&mut waiters[1], &hostile).is_pending());
        assert!(poll_with(&mut waiters[2], &Waker::from(Arc::clone(&woken))).is_pending());
        if panic_in_runner {
            let body = catch_unwind(AssertUnwindSafe(|| {
                let _turn = first;
                std::panic::resume_unwind(Box::new("no value"))
            }));
            assert_eq!(body.unwrap_err().downcast_ref(), Some(&"no value"));
            turn(&mut waiters[0]).land(Arc::new(1));
        } else {
            first.land(Arc::new(1));
            assert_eq!(*value(&mut waiters[0]), 1);
        }
        assert_eq!(woken.0.load(SeqCst), 1);
        assert_eq!(*value(&mut waiters[1]), 1);
        assert_eq!(*value(&mut waiters[2]), 1);
    }
}

#[test]
fn a_panic_that_panics_again_when_dropped_goes_no_further() {
    struct Again;
    impl Drop for Again {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("again"));
        }
    }
    let first = Flight::<u32>::begin();
    let mut waiting = first.flight().join();
    let hostile = calling(|| std::panic::resume_unwind(Box::new(Again)));
    assert!(poll_with(&mut waiting, &hostile).is_pending());
    first.land(Arc::new(1));
    assert_eq!(*value(&mut waiting), 1);
}

#[test]
fn a_waker_that_calls_back_finds_the_flight_unlocked() {
    let first = Flight::<u32>::begin();
    let flight = Arc::clone(first.flight());
    let mut waiting = flight.join();
    let called = Arc::new(AtomicUsize::new(0));
    let waker = {
        let (flight, called) = (Arc::clone(&flight), Arc::clone(&called));
        calling(move || {
            assert_eq!(*value(&mut flight.join()), 1);
            assert!(!flight.has_waiters());
            called.fetch_add(1, SeqCst);
        })
    };
    assert!(poll_with(&mut waiting, &waker).is_pending());
    first.land(Arc::new(1));
    assert_eq!(called.load(SeqCst), 1);
}

#[test]
fn a_waker_that_polls_its_task_at_once_takes_the_turn() {
    let first = Flight::<u32>::begin();
    let flight = Arc::clone(first.flight());
    let waiting = Arc::new(Mutex::new(Some(flight.join())));
    let waker = {
        let waiting = Arc::clone(&waiting);
        calling(move || {
            let taken = waiting.lock().unwrap().take();
            turn(&mut taken.unwrap()).land(Arc::new(2));
        })
    };
    assert!(poll_with(waiting.lock().unwrap().as_mut().unwrap(), &waker).is_pending());
    assert!(first.abandon());
    assert_eq!(*value(&mut flight.join()), 2);
}

/// A waker whose drop asks for the flight, and panics if it is told to.
struct Dropping {
    flight: Weak<Flight<u32>>,
    asked: Arc<AtomicUsize>,
    panics: bool,
}

impl Wake for Dropping {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Dropping {
    fn drop(&mut self) {
        if let Some(flight) = self.flight.upgrade() {
            flight.has_waiters();
            self.asked.fetch_add(1, SeqCst);
        }
        if self.panics {
            std::panic::resume_unwind(Box::new("hostile"));
        }
    }
}

#[test]
fn wakers_are_dropped_outside_of_the_lock() {
    for panics in [false, true] {
        let first = Flight::<u32>::begin();
        let asked = Arc::new(AtomicUsize::new(0));
        let register = |waiting: &mut Waiting<u32>| {
            let dropping =
                Dropping { flight: Arc::downgrade(first.flight()), asked: Arc::clone(&asked), panics };
            // The flight holds the only one when this returns.
            let waker = Waker::from(Arc::new(dropping));
            assert!(poll_with(waiting, &waker).is_pending());
        };
        let [mut replaced, mut cancelled, mut landed] = [(); 3].map(|()| first.flight().join());
        register(&mut replaced);
        register(&mut cancelled);
        register(&mut landed);
        let again = catch_unwind(AssertUnwindSafe(|| is_waiting(&mut replaced)));
        assert!(again.unwrap_or(panics));
        assert_eq!(asked.load(SeqCst), 1);
        drop(cancelled);
        assert_eq!(asked.load(SeqCst), 2);
        first.land(Arc::new(1));
        assert_eq!(asked.load(SeqCst), 3);
        assert_eq!(*value(&mut replaced), 1);
        assert_eq!(*value(&mut landed), 1);
    }
}

#[test]
fn a_waker_that_is_of_no_use_any_more_is_not_kept() {
    let first = Flight::<u32>::begin();
    let mut waiting = first.flight().join();
    let alarm = Arc::new(Alarm::default());
    assert!(poll_with(&mut waiting, &Waker::from(Arc::clone(&alarm))).is_pending());
    drop(waiting);
    assert_eq!(Arc::strong_count(&alarm), 1);
}
