//! What a cache does with the flight of one key, written out: the protocol that the other tests follow.

use super::*;

/// What a cache does for one of its keys, with a body that is told how often it has run.
#[derive(Default)]
pub(super) struct OneKey {
    pub(super) table: Mutex<Option<Arc<Flight<u32>>>>,
    pub(super) runs: AtomicUsize,
    pub(super) running: AtomicUsize,
}

/// Takes the flight out of the table when a caller leaves it vacant.
struct Tidy<'k> {
    key: &'k OneKey,
    flight: Arc<Flight<u32>>,
}

impl Drop for Tidy<'_> {
    fn drop(&mut self) {
        let mut table = self.key.table.lock().unwrap();
        let _dropped_outside = match &*table {
            Some(flight) if Arc::ptr_eq(flight, &self.flight) && flight.is_vacant() => table.take(),
            _ => None,
        };
        drop(table);
    }
}

enum Place {
    Runner(Turn<u32>),
    Waiter(Waiting<u32>),
}

impl OneKey {
    fn place(&self) -> (Tidy<'_>, Place) {
        let mut table = self.table.lock().unwrap();
        let (flight, place) = match &*table {
            Some(flight) => (Arc::clone(flight), Place::Waiter(flight.join())),
            None => {
                let turn = Flight::begin();
                *table = Some(Arc::clone(turn.flight()));
                (Arc::clone(turn.flight()), Place::Runner(turn))
            }
        };
        (Tidy { key: self, flight }, place)
    }

    fn starts(&self) -> usize {
        assert_eq!(self.running.fetch_add(1, SeqCst), 0, "two runners at once");
        self.runs.fetch_add(1, SeqCst)
    }

    fn lands(&self, turn: Turn<u32>, value: u32) {
        assert_eq!(self.running.fetch_sub(1, SeqCst), 1);
        let forgotten = self.table.lock().unwrap().take();
        assert!(forgotten.is_some_and(|flight| Arc::ptr_eq(&flight, turn.flight())));
        turn.land(Arc::new(value));
    }

    fn fails(&self, turn: Turn<u32>) {
        assert_eq!(self.running.fetch_sub(1, SeqCst), 1);
        turn.abandon();
    }

    /// A call on a thread: the value, or the number of the run that failed.
    pub(super) fn call(&self, body: impl Fn(usize) -> Option<u32>) -> Result<u32, usize> {
        let (_tidy, place) = self.place();
        let turn = match place {
            Place::Runner(turn) => turn,
            Place::Waiter(waiting) => match waiting.block(None).expect("there is no deadline") {
                Landed::Value(value) => return Ok(*value),
                Landed::Error(_) => unreachable!("no run has an error"),
                Landed::YourTurn(turn) => turn,
            },
        };
        let run = self.starts();
        let inside = turn.enter();
        let outcome = body(run);
        drop(inside);
        match outcome {
            Some(value) => {
                self.lands(turn, value);
                Ok(value)
            }
            None => {
                self.fails(turn);
                Err(run)
            }
        }
    }

    /// A call in a task, with a body of three steps.
    pub(super) async fn call_async(&self, value: u32) -> u32 {
        struct Ends<'k>(&'k AtomicUsize);
        impl Drop for Ends<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, SeqCst);
            }
        }
        let (_tidy, place) = self.place();
        let mut turn = match place {
            Place::Runner(turn) => turn,
            Place::Waiter(waiting) => match waiting.await {
                Landed::Value(value) => return *value,
                Landed::Error(_) => unreachable!("no run has an error"),
                Landed::YourTurn(turn) => turn,
            },
        };
        let flight = Arc::clone(turn.flight());
        Turn::inside(Some(&mut turn), async {
            self.starts();
            let _ends = Ends(&self.running);
            for _ in 0..3 {
                assert!(flight.is_entered());
                step().await;
            }
        })
        .await;
        let forgotten = self.table.lock().unwrap().take();
        assert!(forgotten.is_some());
        turn.land(Arc::new(value));
        value
    }
}
