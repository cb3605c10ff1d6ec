//! Threads that take turns: exactly one acts at any time, and hands over to the next one.
//!
//! An operation whose function runs may have others done meanwhile, by whatever thread. A thread that waits for another
//! therefore does what it is asked to.

use std::cell::RefCell;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use lru_memo::CacheInfo;
use lru_memo_tests::model::{Body, Ending, Given, Operation, Outcome};
use lru_memo_tests::subject::{Asked, Subject};

/// How the baton goes from thread to thread.
pub(crate) enum Baton {
    /// A channel to each thread.
    Channels(Vec<(Sender<()>, Mutex<Receiver<()>>)>),
    /// The number of the thread that has it, at which the others look without pause.
    Spinning(AtomicUsize),
}

impl Baton {
    pub(crate) fn channels(threads: usize) -> Self {
        let each = |_| {
            let (sender, receiver) = channel();
            (sender, Mutex::new(receiver))
        };
        Self::Channels((0..threads).map(each).collect())
    }

    pub(crate) fn spinning() -> Self {
        Self::Spinning(AtomicUsize::new(0))
    }

    fn give(&self, to: usize) {
        match self {
            Self::Channels(channels) => channels[to].0.send(()).expect("it waits"),
            Self::Spinning(holder) => holder.store(to, Release),
        }
    }

    fn wait(&self, me: usize) {
        match self {
            Self::Channels(channels) => channels[me].1.lock().unwrap().recv().expect("it will come"),
            Self::Spinning(holder) => {
                let mut spins = 0_u32;
                while holder.load(Acquire) != me {
                    spins += 1;
                    if spins % 256 == 0 { thread::yield_now() } else { spin_loop() }
                }
            }
        }
    }
}

/// What comes with the baton.
enum Message {
    /// Do this and give the baton back to that thread.
    Do(Operation, usize),
    /// It is done.
    Done,
    /// There is nothing left to do.
    End,
}

/// What an operation gave, and the counters after it. Not after a hit: to ask for them takes the lock, and a hit
/// should be seen without.
pub(crate) type Seen = (Given, Option<CacheInfo>);

/// A memoized function, and the threads that use it.
pub(crate) struct Stage {
    subject: Subject,
    baton: Baton,
    message: Mutex<Option<Message>>,
    threads: usize,
    /// The threads that do the first operation, the second one, ...; then again from the beginning.
    plan: Vec<usize>,
    begun: AtomicUsize,
    numbers: Mutex<u32>,
    seen: Mutex<Vec<Seen>>,
}

thread_local! {
    /// On what stage, and as which thread, the calling thread acts, and what its next run does.
    static ACTING: RefCell<Option<(Arc<Stage>, usize)>> = const { RefCell::new(None) };
    static NEXT: RefCell<Option<Body>> = const { RefCell::new(None) };
}

/// The body of every function that is a subject here.
pub(crate) fn run() -> Outcome {
    let body = NEXT.take().expect("a run that an operation asked for");
    let (stage, me) = ACTING.with_borrow(|acting| acting.clone()).expect("on a stage");
    let number = stage.next_number();
    for operation in body.meanwhile {
        stage.have_done(me, operation);
    }
    match body.ending {
        Ending::Returns => Ok(number),
        Ending::Fails => Err(number),
        Ending::Panics => resume_unwind(Box::new(Asked)),
    }
}

impl Stage {
    /// What was seen of the operations, done to an empty cache by so many threads.
    pub(crate) fn seen(
        subject: Subject,
        baton: Baton,
        threads: usize,
        plan: &[usize],
        operations: &[Operation],
    ) -> Vec<Seen> {
        (subject.clear)();
        let stage = Arc::new(Self {
            subject,
            baton,
            message: Mutex::new(None),
            threads,
            plan: plan.iter().map(|number| number % threads).collect(),
            begun: AtomicUsize::new(0),
            numbers: Mutex::new(0),
            seen: Mutex::new(Vec::new()),
        });
        thread::scope(|scope| {
            for me in 1..threads {
                let stage = &stage;
                scope.spawn(move || stage.act(me, || stage.serve(me)));
            }
            stage.act(0, || {
                for operation in operations {
                    stage.have_done(0, operation.clone());
                }
                stage.end(1);
            });
        });
        stage.seen.lock().unwrap().drain(..).collect()
    }

    fn act(self: &Arc<Self>, me: usize, what: impl FnOnce()) {
        ACTING.set(Some((self.clone(), me)));
        what();
        ACTING.set(None);
    }

    fn next_number(&self) -> u32 {
        let mut numbers = self.numbers.lock().unwrap();
        *numbers += 1;
        *numbers
    }

    fn send(&self, to: usize, message: Message) {
        *self.message.lock().unwrap() = Some(message);
        self.baton.give(to);
    }

    /// Ends all threads from this one on.
    fn end(&self, first: usize) {
        if first < self.threads {
            self.send(first, Message::End);
        }
    }

    /// Has the next thread of the plan do an operation, and waits until that is done.
    fn have_done(&self, me: usize, operation: Operation) {
        let turn = self.begun.load(Relaxed);
        self.begun.store(turn + 1, Relaxed);
        let next = self.plan[turn % self.plan.len()];
        if next == me {
            self.perform(&operation);
        } else {
            self.send(next, Message::Do(operation, me));
            self.serve(me);
        }
    }

    /// Does what is asked of a thread, until what it has asked for is done, or everything is.
    fn serve(&self, me: usize) {
        loop {
            self.baton.wait(me);
            let message = self.message.lock().unwrap().take().expect("it comes with the baton");
            match message {
                Message::Do(operation, from) => {
                    self.perform(&operation);
                    self.send(from, Message::Done);
                }
                Message::Done => return,
                Message::End => return self.end(me + 1),
            }
        }
    }

    fn perform(&self, operation: &Operation) {
        let given = catch_unwind(AssertUnwindSafe(|| self.give(operation)))
            .unwrap_or_else(|panic| if panic.is::<Asked>() { Given::Panic } else { resume_unwind(panic) });
        let is_hit = NEXT.take().is_some();
        let info = (!is_hit).then(self.subject.info);
        self.seen.lock().unwrap().push((given, info));
    }

    fn give(&self, operation: &Operation) -> Given {
        let with_body = |body: &Body, function: fn(u8) -> Outcome, key: u8| {
            NEXT.set(Some(body.clone()));
            Given::Outcome(function(key))
        };
        match operation {
            Operation::Call(key, body) => return with_body(body, self.subject.call, *key),
            Operation::Refresh(key, body) => return with_body(body, self.subject.refresh, *key),
            Operation::Peek(key) => return Given::Peeked((self.subject.peek)(*key)),
            Operation::Invalidate(key) => return Given::Invalidated((self.subject.invalidate)(*key)),
            Operation::Put(key) => (self.subject.put)(*key, self.next_number()),
            Operation::Clear => (self.subject.clear)(),
            Operation::Resize(maxsize) => (self.subject.resize)(usize::from(*maxsize)),
            Operation::Advance(_) => unreachable!("nothing here expires"),
        }
        Given::Nothing
    }
}
