//! A process that runs `src/bin/function_worker.rs`: it is told commands, and answers each with a line.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A worker, killed in the end.
pub struct Worker {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Worker {
    /// A worker on the store with this URL.
    pub fn start(url: &str) -> Self {
        Self::start_program(Path::new(env!("CARGO_BIN_EXE_function-worker")), url)
    }

    /// A worker that is another build of the program.
    pub fn start_program(program: &Path, url: &str) -> Self {
        Self::start_command(Command::new(program), url)
    }

    /// A worker in PID and mount namespaces of its own, as in a container.
    pub fn start_in_container(url: &str) -> Self {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
        command.arg(env!("CARGO_BIN_EXE_function-worker"));
        Self::start_command(command, url)
    }

    /// A worker as an ordinary user who is root in a user namespace of his own, as in a rootless container.
    pub fn start_rootless(program: &Path, user: u32, url: &str) -> Self {
        let user = user.to_string();
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &user, "--regid", &user, "--clear-groups"]);
        command.args(["unshare", "--user", "--map-root-user"]).arg(program);
        Self::start_command(command, url)
    }

    /// A worker that this command starts.
    pub fn start_command(mut command: Command, url: &str) -> Self {
        command.env("LRU_MEMO_STORE", url).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = loop {
            match command.spawn() {
                // Another test forked while the program was written.
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => thread::yield_now(),
                started => break started.expect("the worker starts"),
            }
        };
        let input = process.stdin.take().expect("an input");
        let output = BufReader::new(process.stdout.take().expect("an output"));
        Self { process, input, output }
    }

    /// Gives a command, and does not wait for the answer.
    pub fn tell(&mut self, command: &str) {
        writeln!(self.input, "{command}").expect("the worker listens");
    }

    /// The next line that the worker prints.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the worker answers");
        line.trim_end().to_owned()
    }

    /// Gives a command, and waits for the answer.
    pub fn ask(&mut self, command: &str) -> String {
        self.tell(command);
        self.line()
    }

    /// Stops the worker wherever it is, as a debugger does, or lets it go on.
    pub fn stop(&self, stop: bool) {
        super::hang(self.process.id(), stop);
    }

    /// Calls the functions until everything that was removed is delivered; they never have another value.
    pub fn sees_nothing_but(&mut self, value: u64) {
        let end = Instant::now() + Duration::from_secs(120);
        let expected = [value; 4].map(|value| value.to_string()).join(" ");
        loop {
            assert_eq!(self.ask("rows 1"), expected);
            if self.ask("undelivered") == "0" {
                break;
            }
            assert!(Instant::now() < end, "it is never delivered: {}", self.ask("told"));
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(self.ask("rows 1"), expected);
    }

    /// What the worker answers, and how often functions ran before.
    pub fn answer_and_runs(&mut self) -> (String, usize) {
        let mut runs = 0;
        loop {
            match self.line() {
                line if line.starts_with("runs") => runs += 1,
                line => return (line, runs),
            }
        }
    }

    /// Kills the worker at once, as `kill -9` does.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Workers of two deployments, one of which has two, on the store with this URL and a prefix.
///
/// # Panics
/// When those with one prefix do not meet, or those with another do.
pub fn workers_meet_with_the_same_prefix_only(url: &str) {
    let worker = |prefix: &str| Worker::start(&format!("{url}&prefix={prefix}"));
    let mut workers = ["shop1", "shop2", "shop1"].map(worker);
    let asked = workers.each_mut().map(|worker| worker.ask("double 4"));
    assert!(asked.iter().all(|answer| *answer == asked[0]));
    let infos = workers.each_mut().map(|worker| worker.ask("double_info"));
    let info = |hits| format!("CacheInfo(hits={hits}, misses=1, maxsize=3, currsize=1)");
    assert_eq!(infos, [info(1), info(0), info(1)]);
    workers[1].ask("double_clear");
    assert_eq!(workers[0].ask("double_info"), info(1));
}

/// A worker that computes without end, and another one, on the store with this URL.
///
/// # Panics
/// When the second one does not compute after its limit.
pub fn a_worker_waits_for_another_one_no_longer_than_its_limit(url: &str) {
    let [mut first, mut second] = [Worker::start(url), Worker::start(url)];
    first.tell("impatient_for_ever 1");
    assert_eq!(first.line(), "runs 1");
    second.tell("impatient 1");
    assert_eq!(second.answer_and_runs(), ("2".to_owned(), 1));
    second.tell("impatient 1");
    assert_eq!(second.answer_and_runs(), ("2".to_owned(), 0));
    assert_eq!(second.ask("impatient_info"), "CacheInfo(hits=1, misses=2, maxsize=128, currsize=1)");
    let mut first = Worker::start(url);
    first.tell("impatient_task_for_ever 2");
    assert_eq!(first.line(), "runs 2");
    second.tell("impatient_task 2");
    assert_eq!(second.answer_and_runs(), ("3".to_owned(), 1));
    assert_eq!(second.ask("health"), "[]");
}

/// Workers on the store with this URL.
///
/// # Panics
/// When one of them has what another one has invalidated by a tag, or does not have the rest.
pub fn a_tag_that_one_worker_invalidates_is_seen_by_all(url: &str) {
    let [mut one, mut other] = [Worker::start(url), Worker::start(url)];
    // The first thing that a worker does may be to invalidate.
    assert_eq!(one.ask("invalidate_tag 1"), "");
    for (command, source) in [("invalidate_tag 1", 0), ("invalidate_tag_as_task 1", 10)] {
        [&mut one, &mut other].into_iter().for_each(|worker| _ = worker.ask(&format!("source {source}")));
        let values = |x| format!("{} {}", source + x, source + x);
        assert_eq!((one.ask("tagged_refresh 1"), one.ask("tagged_refresh 2")), (values(1), values(2)));
        [&mut one, &mut other].into_iter().for_each(|worker| _ = worker.ask("source 1000"));
        assert_eq!((other.ask("tagged 1"), other.ask("tagged 2")), (values(1), values(2)), "they are shared");
        assert_eq!(other.ask(command), "");
        assert_eq!(
            (one.ask("tagged_peek 1"), other.ask("tagged_peek 1")),
            ("None None".into(), "None None".into())
        );
        assert_eq!((one.ask("tagged 2"), other.ask("tagged 2")), (values(2), values(2)), "another tag");
        assert_eq!(other.ask("tagged 1"), "1001 1001");
        assert_eq!(one.ask("tagged 1"), "1001 1001");
        assert_eq!(one.ask("tagged_put 1"), "");
        assert_eq!(other.ask("tagged 1"), "1 1");
        assert_eq!(one.ask("invalidate_tag 1"), "");
        assert_eq!(other.ask("tagged_peek 1"), "None None");
    }
    assert_eq!(one.ask("tagged_info"), "CacheInfo(hits=12, misses=2, maxsize=128, currsize=2)");
    assert_eq!((one.ask("health"), other.ask("health")), ("[]".to_owned(), "[]".to_owned()));
}
