//! Real Memcached servers, each for one test.

#![allow(dead_code, reason = "not every test needs all of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use lru_memo::shared::Memcached;

use super::Scratch;
use super::ports::on_free_port;

/// A server that is killed in the end.
pub struct Server {
    process: Child,
    place: Place,
    options: Vec<String>,
}

#[derive(Clone)]
enum Place {
    Socket(PathBuf),
    Port(u16),
}

impl Server {
    /// A server that listens on a socket in this directory.
    pub fn on_socket(scratch: &Scratch, options: &[&str]) -> Self {
        let socket = Place::Socket(scratch.path().join("memcached.sock"));
        Self::started(socket, options).expect("memcached runs")
    }

    /// A server that listens on a free port of this machine.
    pub fn on_port(options: &[&str]) -> Self {
        on_free_port(|port| Self::started(Place::Port(port), options))
    }

    fn started(place: Place, options: &[&str]) -> Option<Self> {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        Some(Self { process: start(&place, &options)?, place, options })
    }

    pub fn url(&self) -> String {
        match &self.place {
            Place::Socket(path) => format!("memcached+unix://{}", path.display()),
            Place::Port(port) => format!("memcached://127.0.0.1:{port}"),
        }
    }

    /// The part of a URL that names the server.
    pub fn host(&self) -> String {
        self.url().rsplit('/').next().expect("a host").to_owned()
    }

    /// The URL of a store that waits as long as a busy machine takes.
    pub fn patient_url(&self) -> String {
        format!("{}?timeout=60s&connect_timeout=60s", self.url())
    }

    pub fn store(&self) -> Memcached {
        self.store_with("")
    }

    /// With more options of the URL, such as `&lease=6s`.
    pub fn store_with(&self, more: &str) -> Memcached {
        Memcached::new(&format!("{}{more}", self.patient_url())).expect("it is a URL")
    }

    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts it again, empty, where it was.
    pub fn restart(&mut self) {
        self.kill();
        self.process = start(&self.place, &self.options).expect("memcached runs where it was");
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends lines to the server, and returns what it answers to the last, `END` or a line.
    pub fn tell(&self, lines: &str) -> Vec<String> {
        let mut stream = connect(&self.place).expect("the server listens");
        stream.write_all(lines.as_bytes()).expect("the server reads");
        let mut answers = Vec::new();
        for line in BufReader::new(stream).lines() {
            let line = line.expect("the server answers");
            let is_last = !line.starts_with("STAT ") && !line.starts_with("key=");
            answers.push(line);
            if is_last {
                break;
            }
        }
        answers
    }

    /// The names of all items that begin like this.
    pub fn items(&self, beginning: &str) -> Vec<String> {
        let lines = loop {
            let lines = self.tell("lru_crawler metadump all\r\n");
            // The crawler is at its own work now and then.
            if !lines.iter().any(|line| line.starts_with("BUSY")) {
                break lines;
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        };
        let names = lines.iter().filter_map(|line| line.strip_prefix("key=")?.split(' ').next());
        // What is special in a URL is written in hexadecimal there.
        names.map(|name| name.replace("%3A", ":")).filter(|name| name.starts_with(beginning)).collect()
    }

    /// One of the numbers that the server counts.
    pub fn statistic(&self, name: &str) -> u64 {
        let found = self.tell("stats\r\n").into_iter().find_map(|line| {
            let (of, number) = line.strip_prefix("STAT ")?.split_once(' ')?;
            (of == name).then(|| number.parse().expect("a number"))
        });
        found.unwrap_or_else(|| panic!("there is no statistic {name}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

fn connect(place: &Place) -> std::io::Result<Box<dyn Stream>> {
    Ok(match place {
        Place::Socket(path) => Box::new(UnixStream::connect(path)?),
        Place::Port(port) => Box::new(TcpStream::connect(("127.0.0.1", *port))?),
    })
}

/// Whether a server answers there: that something accepts does not tell it, as the system may connect a socket that asks
/// for a free port with itself.
fn answers(place: &Place) -> std::io::Result<bool> {
    const QUESTION: &str = "version\r\n";
    let mut stream = connect(place)?;
    stream.write_all(QUESTION.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(!answer.is_empty() && answer != QUESTION)
}

/// Starts a server; none when it ends at once.
fn start(place: &Place, options: &[String]) -> Option<Child> {
    let mut command = Command::new("memcached");
    match place {
        Place::Socket(path) => command.arg("-s").arg(path),
        Place::Port(port) => command.args(["-l", "127.0.0.1", "-U", "0", "-p"]).arg(port.to_string()),
    };
    // It does not start as root unless it is told to stay so.
    let mut process = command
        .args(["-u", "root", "-t", "2"])
        .args(options)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program `memcached` is installed");
    let begun = Instant::now();
    while !answers(place).unwrap_or(false) {
        if process.try_wait().expect("it is ours").is_some() {
            return None;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "memcached does not listen");
        thread::sleep(Duration::from_millis(2));
    }
    Some(process)
}

/// Hands on what is sent to a server and back, and counts.
pub struct Proxy {
    port: u16,
    counted: Arc<Counted>,
}

#[derive(Default)]
struct Counted {
    round_trips: AtomicUsize,
    bytes: AtomicUsize,
    is_asking: AtomicBool,
}

impl Proxy {
    pub fn of(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it has an address").port();
        let counted = Arc::new(Counted::default());
        let (Place::Port(target), counts) = (server.place.clone(), Arc::clone(&counted)) else {
            panic!("there is no port");
        };
        // It ends with the process.
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else { continue };
                let both = [&client, &server].map(|stream| {
                    stream.set_nodelay(true).expect("a socket");
                    stream.try_clone().expect("a socket")
                });
                let [client_too, server_too] = both;
                let (asked, answered) = (Arc::clone(&counts), Arc::clone(&counts));
                thread::spawn(move || pass(client, server, &asked, true));
                thread::spawn(move || pass(server_too, client_too, &answered, false));
            }
        });
        Self { port, counted }
    }

    pub fn store(&self) -> Memcached {
        self.store_with("")
    }

    /// With more options of the URL, such as `&lease=6s`.
    pub fn store_with(&self, more: &str) -> Memcached {
        Memcached::new(&format!("memcached://127.0.0.1:{}?timeout=60s{more}", self.port))
            .expect("it is a URL")
    }

    /// How often something was asked, and how many bytes were sent in all, while this was done.
    pub fn count(&self, act: impl FnOnce()) -> (usize, usize) {
        let read = || (self.counted.round_trips.load(SeqCst), self.counted.bytes.load(SeqCst));
        let before = read();
        act();
        let after = read();
        (after.0 - before.0, after.1 - before.1)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, counted: &Counted, asks: bool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        counted.bytes.fetch_add(length, SeqCst);
        if counted.is_asking.swap(asks, SeqCst) != asks && asks {
            counted.round_trips.fetch_add(1, SeqCst);
        }
        if to.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}
