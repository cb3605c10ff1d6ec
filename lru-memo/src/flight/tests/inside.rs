//! Who is inside the body of a flight.

use super::*;

#[test]
fn only_the_thread_that_runs_the_body_is_inside() {
    let first = Flight::<u32>::begin();
    let flight = Arc::clone(first.flight());
    let other = Flight::<u32>::begin();
    assert!(!flight.is_entered());
    let inside = first.enter();
    assert!(flight.is_entered());
    assert!(!other.flight().is_entered());
    let elsewhere = thread::scope(|scope| scope.spawn(|| flight.is_entered()).join().unwrap());
    assert!(!elsewhere);
    drop(inside);
    assert!(!flight.is_entered());
}

#[test]
fn flights_may_be_left_in_any_order() {
    let turns: Vec<_> = (0..3).map(|_| Flight::<u32>::begin()).collect();
    let flights: Vec<_> = turns.iter().map(|turn| Arc::clone(turn.flight())).collect();
    let entered = || flights.iter().map(|flight| flight.is_entered()).collect::<Vec<_>>();
    let mut insides: Vec<_> = turns.iter().map(Turn::enter).collect();
    assert_eq!(entered(), [true, true, true]);
    drop(insides.remove(0));
    assert_eq!(entered(), [false, true, true]);
    drop(insides.remove(1));
    assert_eq!(entered(), [false, true, false]);
    drop(insides);
    assert_eq!(entered(), [false, false, false]);
}

#[test]
fn a_body_that_panics_leaves_the_flight() {
    let mut first = Flight::<u32>::begin();
    let flight = Arc::clone(first.flight());
    let body = catch_unwind(AssertUnwindSafe(|| {
        let _inside = first.enter();
        assert!(flight.is_entered());
        std::panic::resume_unwind(Box::new("no value"))
    }));
    assert!(body.is_err());
    assert!(!flight.is_entered());
    let body = catch_unwind(AssertUnwindSafe(|| {
        cancel_after(
            1,
            Turn::inside(Some(&mut first), async { std::panic::resume_unwind(Box::new("no value")) }),
        )
    }));
    assert!(body.is_err());
    assert!(!flight.is_entered());
}

#[test]
fn a_task_is_inside_only_while_it_is_polled() {
    let mut first = Flight::<u32>::begin();
    let flight = Arc::clone(first.flight());
    let polls = AtomicUsize::new(0);
    let mut body = Box::pin(Turn::inside(Some(&mut first), async {
        for _ in 0..9 {
            assert!(flight.is_entered());
            polls.fetch_add(1, SeqCst);
            step().await;
        }
    }));
    for _ in 0..3 {
        assert!(poll(&mut body).is_pending());
        assert!(!flight.is_entered(), "another task on this thread is not inside");
    }
    thread::scope(|scope| {
        scope.spawn(|| assert!(poll(&mut body).is_pending()));
    });
    assert_eq!(polls.load(SeqCst), 4);
    assert!(!flight.is_entered());
}

#[test]
fn destructors_of_a_body_are_inside_too() {
    struct Asks<'f>(&'f Flight<u32>, &'f AtomicUsize);
    impl Drop for Asks<'_> {
        fn drop(&mut self) {
            assert!(self.0.is_entered());
            self.1.fetch_add(1, SeqCst);
        }
    }
    let mut first = Flight::<u32>::begin();
    let flight = Arc::clone(first.flight());
    let asked = AtomicUsize::new(0);
    for (polls, ends) in [(1, false), (2, true)] {
        let (captured, local) = (Asks(&flight, &asked), Asks(&flight, &asked));
        let body = async move {
            let _local = local;
            step().await;
            let _keep = &captured;
        };
        assert_eq!(cancel_after(polls, Turn::inside(Some(&mut first), body)).is_some(), ends);
        assert!(!flight.is_entered());
    }
    assert_eq!(asked.load(SeqCst), 4);
}

#[test]
fn a_thread_at_its_end_can_still_be_told_from_others() {
    struct AtTheEnd(Mutex<Option<Turn<u32>>>, std::sync::mpsc::Sender<bool>);
    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            let turn = self.0.lock().unwrap().take().unwrap();
            let flight = Arc::clone(turn.flight());
            let inside = turn.enter();
            let entered = flight.is_entered();
            drop(inside);
            self.1.send(entered && !flight.is_entered()).unwrap();
        }
    }
    std::thread_local!(static LAST: std::cell::OnceCell<AtTheEnd> = const { std::cell::OnceCell::new() });
    let (sender, receiver) = std::sync::mpsc::channel();
    let ends = thread::spawn(move || {
        LAST.with(|last| {
            let at_the_end = AtTheEnd(Mutex::new(Some(Flight::begin())), sender);
            assert!(last.set(at_the_end).is_ok());
        });
    });
    ends.join().unwrap();
    assert!(receiver.recv().unwrap());
}
