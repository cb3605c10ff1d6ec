//! Wakes tasks at a deadline. Runtimes have timers of their own, but a memoized function does not know its runtime.
//!
//! One thread serves all alarms of a process. The first alarm starts it. The child of a fork starts its own.

use crate::sys::clock::Instant;
use alloc::collections::BTreeMap;
use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicU64, Ordering};
use core::task::{Context, Poll, Waker};

use super::wakers::{shield, wake};
use crate::sys::fork::{Own, start_thread};
use crate::sys::sync::{Condvar, Mutex};

/// A future that is ready once a deadline has passed.
pub(super) struct Alarm {
    key: AlarmKey,
    is_set: bool,
}

/// The deadline, and a number that is different for each alarm.
type AlarmKey = (Instant, u64);

static TIMER: Own<Timer> = Own::none();

struct Timer {
    state: Mutex<Alarms>,
    changed: Condvar,
}

struct Alarms {
    alarms: BTreeMap<AlarmKey, Waker>,
    has_thread: bool,
}

impl Alarm {
    pub(super) fn at(deadline: Instant) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { key: (deadline, NEXT.fetch_add(1, Ordering::Relaxed)), is_set: false }
    }
}

impl Future for Alarm {
    type Output = ();

    /// Returns `Ready` early if no thread can be started, because a caller that cannot be woken must not sleep.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.key.0 {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        self.is_set = true;
        if TIMER.get_or_make(Timer::new).set(self.key, waker) { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(timer) = TIMER.get().filter(|_| self.is_set) {
            let waker = timer.state.lock().alarms.remove(&self.key);
            shield(|| drop(waker));
        }
    }
}

impl Timer {
    fn new() -> Self {
        let state = Alarms { alarms: BTreeMap::new(), has_thread: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Sets an alarm, or changes its waker. Returns false if there is no thread to wake it.
    fn set(&'static self, key: AlarmKey, waker: Waker) -> bool {
        let (former, had_thread) = {
            let mut state = self.state.lock();
            let former = state.alarms.insert(key, waker);
            if state.alarms.first_key_value().is_some_and(|(first, _)| *first == key) {
                self.changed.notify_one();
            }
            (former, core::mem::replace(&mut state.has_thread, true))
        };
        shield(|| drop(former));
        had_thread || self.start()
    }

    fn start(&'static self) -> bool {
        let is_started = start_thread("lru-memo timer", || self.serve()).is_ok();
        if !is_started {
            self.state.lock().has_thread = false;
        }
        is_started
    }

    fn serve(&self) {
        let mut state = self.state.lock();
        loop {
            let later = state.alarms.split_off(&(Instant::now(), u64::MAX));
            let due = core::mem::replace(&mut state.alarms, later);
            if !due.is_empty() {
                drop(state);
                due.into_values().for_each(wake);
                state = self.state.lock();
                continue;
            }
            state = match state.alarms.first_key_value().map(|(&(deadline, _), _)| deadline) {
                Some(deadline) => self.changed.wait_until(state, deadline),
                None => self.changed.wait(state),
            };
        }
    }
}
