//! The same small web app under two worker processes: Flask and gunicorn with `functools.lru_cache`, and the example
//! `workers` with each scope and store: `cargo xtask bench web`.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::servers::start_all;
use crate::statistics::{median, quantile};

/// The numbers of worker processes of each app, and of concurrent clients.
const WORKERS: &str = "2";
const CLIENTS: usize = 8;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(1);
/// How often an app is asked for its counters while no other request is made.
const QUESTIONS: usize = 64;

const COUNTERS: &str = "/get_cache_info";
const PATHS: [&str; 2] = ["/", COUNTERS];

/// A running app. Dropping it stops the app.
struct App {
    name: String,
    process: Child,
    address: String,
}

impl App {
    /// Starts an app, and waits for the line with its address, on either output.
    fn start(name: String, command: &mut Command) -> Result<Self, String> {
        let (output, input) = std::io::pipe().map_err(|error| format!("{name}: {error}"))?;
        let both = input.try_clone().map_err(|error| format!("{name}: {error}"))?;
        command.stdin(Stdio::null()).stdout(both).stderr(input);
        let process = command.spawn().map_err(|error| format!("{name}: {command:?}: {error}"))?;
        let mut app = Self { name, process, address: String::new() };
        // Drops this process's ends of the pipe, so that reading ends when the app does.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let (mut said, mut lines) = (String::new(), BufReader::new(output).lines());
        for line in lines.by_ref() {
            let line = line.map_err(|error| format!("{}: {error}", app.name))?;
            if let Some((_, rest)) = line.split_once("http://") {
                app.address = rest.split_whitespace().next().unwrap_or_default().to_owned();
                // Further output is read and dropped, so that the app never blocks.
                std::thread::spawn(move || lines.for_each(drop));
                return app.answers().map(|()| app);
            }
            said += &format!("{line}\n");
        }
        Err(format!("{} does not listen; it says:\n{said}", app.name))
    }

    /// Waits until the app answers.
    fn answers(&self) -> Result<(), String> {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            match self.get(COUNTERS) {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > end => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// Sends `GET path` over a new connection, so that any worker may get it, and returns the answer.
    fn get(&self, path: &str) -> Result<String, String> {
        let failed = |what: &dyn std::fmt::Display| format!("{}: GET {path}: {what}", self.name);
        let mut stream = TcpStream::connect(&self.address).map_err(|error| failed(&error))?;
        let timeout = Some(Duration::from_secs(10));
        stream.set_read_timeout(timeout).map_err(|error| failed(&error))?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).map_err(|error| failed(&error))?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(|error| failed(&error))?;
        match answer.split_once("\r\n\r\n") {
            Some((head, body)) if head.starts_with("HTTP/1.1 200 ") => Ok(body.trim().to_owned()),
            _ => Err(failed(&answer.lines().next().unwrap_or("an empty answer"))),
        }
    }

    /// Lets all clients send requests for a while, and returns the milliseconds of each answer.
    fn round(&self) -> Result<Vec<f64>, String> {
        let end = Instant::now() + ROUND;
        let client = || {
            let mut times = Vec::new();
            for path in PATHS.into_iter().cycle() {
                let begun = Instant::now();
                if begun >= end {
                    break;
                }
                self.get(path)?;
                times.push(begun.elapsed().as_secs_f64() * 1e3);
            }
            Ok(times)
        };
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
            let times: Result<Vec<_>, String> =
                clients.into_iter().map(|client| client.join().expect("it does not panic")).collect();
            Ok(times?.concat())
        })
    }

    /// Returns the number of different counters that the workers report while no other request is made.
    fn different_counters(&self) -> Result<usize, String> {
        (0..QUESTIONS).map(|_| self.get(COUNTERS)).collect::<Result<BTreeSet<_>, _>>().map(|told| told.len())
    }
}

impl Drop for App {
    fn drop(&mut self) {
        // By SIGTERM, so that the app stops its workers.
        let id = self.process.id().to_string();
        let _ = Command::new("kill").args(["-s", "TERM", &id]).status();
        let _ = self.process.wait();
    }
}

/// Prints the number of requests that each app answers. The apps take turns.
pub(crate) fn report(gunicorn: &Path, workers: &Path) -> Result<(), String> {
    let directory = tempfile::Builder::new()
        .prefix("lru-memo-bench")
        .tempdir_in("/dev/shm")
        .map_err(|error| format!("/dev/shm: {error}"))?;
    let stores = start_all(directory.path());
    let mut flask = Command::new(gunicorn);
    flask.args(["--workers", WORKERS, "--bind", "127.0.0.1:0", "app:app"]);
    flask.arg("--chdir").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python"));
    let serve = |name: String, caching: &[&str]| {
        let mut command = Command::new(workers);
        command.args(["serve", "--workers", WORKERS, "--port", "0"]).args(caching);
        App::start(name, &mut command)
    };
    let mut apps = vec![
        App::start("Flask, gunicorn, functools.lru_cache".to_owned(), &mut flask)?,
        serve("lru-memo, `scope = process`".to_owned(), &[])?,
    ];
    for store in &stores {
        let name = format!("lru-memo, `scope = shared`, {}", store.name);
        apps.push(serve(name, &["--scope", "shared", "--store", &store.url])?);
    }
    let mut times: Vec<Vec<Vec<f64>>> = vec![Vec::new(); apps.len()];
    for round in 0..=ROUNDS {
        eprintln!("round {round} of {ROUNDS}");
        for (app, times) in apps.iter().zip(&mut times) {
            let found = app.round()?;
            // The first round warms up.
            if round > 0 {
                times.push(found);
            }
        }
    }
    println!(
        "{WORKERS} worker processes, {CLIENTS} clients on the same processors, a connection for each request.\n"
    );
    println!("| app | requests per s | of Flask's | p50, ms | p99, ms | different answers of {COUNTERS} |");
    println!("|---|--:|--:|--:|--:|--:|");
    let answered = |round: &Vec<f64>| round.len() as f64 / ROUND.as_secs_f64();
    for (app, rounds) in apps.iter().zip(&times) {
        let ratios: Vec<f64> =
            rounds.iter().zip(&times[0]).map(|(ours, flask)| answered(ours) / answered(flask)).collect();
        let rate = median(&rounds.iter().map(answered).collect::<Vec<_>>());
        let [half, high] = [0.5, 0.99].map(|part| quantile(&rounds.concat(), part));
        let counters = app.different_counters()?;
        let ratio = median(&ratios);
        println!("| {} | {rate:.0} | {ratio:.1} | {half:.2} | {high:.2} | {counters} |", app.name);
    }
    Ok(())
}
