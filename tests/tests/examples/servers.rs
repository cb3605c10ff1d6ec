//! `workers` as it is built for stores on servers: `--features servers`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use rustix::process::Signal;

use super::demonstration::tells_the_story;
use super::shared::memcached_server::Server as MemcachedServer;
use super::shared::{RedisServer, Scratch};
use super::workers::{Directory, Server, called, kill, refusal};
use super::{WATCHDOG, build, output};

/// The program, built once; with TLS, too, as these tests are.
fn program() -> &'static Path {
    static BUILT: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    &BUILT
        .get_or_init(|| build("examples-with-servers", "--example workers --features lru-memo-examples/tls"))
        ["workers"]
}

/// The URL of a store, so long a wait for which is no matter of how much else the machine does.
fn patient(url: &str) -> String {
    format!("{url}?timeout=60s&connect_timeout=60s")
}

fn of_redis(server: &RedisServer) -> String {
    patient(&format!("unix://{}", server.socket().display()))
}

#[test]
fn workers_on_a_redis_server_answer_the_same() {
    workers_answer_the_same_on(&of_redis(&RedisServer::start()));
}

#[test]
fn workers_on_a_memcached_server_answer_the_same() {
    let scratch = Scratch::new();
    workers_answer_the_same_on(&patient(&MemcachedServer::on_socket(&scratch, &[]).url()));
}

fn workers_answer_the_same_on(url: &str) {
    let server = Server::of_program(program(), 2, &["--scope", "shared", "--store", url]);
    let before = server.pids(2);
    let killed = server.get("/").0;
    assert!(server.infos(2).into_values().all(|info| info == called()));
    kill(killed, Signal::KILL);
    assert_eq!(server.answer_of_a_worker_not_in(&before), called());
}

#[test]
fn the_demonstration_tells_the_same_on_a_redis_server_that_knows_an_earlier_one() {
    let redis = RedisServer::start_with(&["--requirepass", "secret"]);
    let shown = format!("unix://{}", redis.socket().display());
    tells_the_same_twice_on(&format!("{}&pass=secret", of_redis(&redis)), &shown);
}

#[test]
fn the_demonstration_tells_the_same_on_a_memcached_server_that_knows_an_earlier_one() {
    let scratch = Scratch::new();
    let memcached = MemcachedServer::on_socket(&scratch, &[]);
    tells_the_same_twice_on(&patient(&memcached.url()), &memcached.url());
}

fn tells_the_same_twice_on(url: &str, shown: &str) {
    for _ in 0..2 {
        let told = output(WATCHDOG, Command::new(program()).args(["--store", url]));
        let (printed, log) = (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
        assert!(told.status.success(), "{printed}{log}");
        tells_the_story(&printed);
        assert!(printed.contains(&format!("(scope = shared)\n   on {shown}\n")), "{printed}");
        assert!(!format!("{printed}{log}").contains("secret"), "{printed}{log}");
    }
}

#[test]
fn a_demonstration_whose_store_does_not_work_says_so_and_tells_no_story_of_it() {
    let directory = Directory::new();
    let url = format!("unix://{}/nobody.sock?pass=secret", directory.path().display());
    let told = output(WATCHDOG, Command::new(program()).args(["--store", &url]));
    let (printed, log) = (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
    assert_eq!((told.status.code(), log.lines().count()), (Some(2), 1), "{log}");
    assert!(log.starts_with("error: `--store`: ") && !log.contains("secret"), "{log}");
    assert!(!printed.contains("scope = shared"), "{printed}");
}

#[test]
fn a_malformed_url_of_a_server_is_one_line_that_says_how_to_write_it() {
    for (url, named) in [
        ("memcached://h:x", "memcached://host"),
        ("redis://me:secret@h:x", "redis://host"),
        ("rediss://me:secret@h:x", "rediss://host"),
    ] {
        let text = refusal(program(), &["serve", "--scope", "shared", "--store", url]);
        assert!(text.contains("--store") && text.contains(named) && !text.contains("secret"), "{text}");
    }
}
