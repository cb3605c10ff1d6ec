//! The simplest request to a store, by its own client.

use std::hint::black_box;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// A store, used by its own client.
pub(crate) trait Raw: Send {
    fn set(&mut self, key: &str, value: &[u8]);

    /// Gets a value, and returns its length.
    fn get(&mut self, key: &str) -> usize;

    /// Runs the cheapest transaction that could make a hit exact, if the store has transactions.
    fn write_little(&mut self) -> bool {
        false
    }
}

/// Returns the client for the store of a URL. An embedded store keeps its files in the directory.
pub(crate) fn raw(url: &str, directory: &Path) -> Box<dyn Raw> {
    match url.split_once("://") {
        Some(("unix", _)) => {
            let client = redis::Client::open(url).expect("a URL");
            Box::new(RawRedis(client.get_connection().expect("it is there")))
        }
        Some(("memcached+unix", path)) => {
            Box::new(RawMemcached(UnixStream::connect(path).expect("it is there")))
        }
        _ => Box::new(RawLmdb::open(directory)),
    }
}

struct RawRedis(redis::Connection);

impl Raw for RawRedis {
    fn set(&mut self, key: &str, value: &[u8]) {
        redis::cmd("SET").arg(key).arg(value).query::<()>(&mut self.0).expect("it works");
    }

    fn get(&mut self, key: &str) -> usize {
        redis::cmd("GET").arg(key).query::<Vec<u8>>(&mut self.0).expect("it works").len()
    }
}

struct RawMemcached(UnixStream);

impl RawMemcached {
    fn read_to(&mut self, end: &[u8]) -> Vec<u8> {
        let (mut answer, mut part) = (Vec::new(), [0; 1 << 16]);
        while !answer.ends_with(end) {
            let length = self.0.read(&mut part).expect("it works");
            answer.extend_from_slice(&part[..length]);
        }
        answer
    }
}

impl Raw for RawMemcached {
    fn set(&mut self, key: &str, value: &[u8]) {
        let command = [format!("set {key} 0 0 {}\r\n", value.len()).as_bytes(), value, b"\r\n"].concat();
        self.0.write_all(&command).expect("it works");
        self.read_to(b"STORED\r\n");
    }

    fn get(&mut self, key: &str) -> usize {
        self.0.write_all(format!("get {key}\r\n").as_bytes()).expect("it works");
        self.read_to(b"END\r\n").len()
    }
}

type Database = heed::Database<'static, heed::types::Str, heed::types::Bytes>;

/// The environments. They cannot be opened twice, and are never closed.
struct RawLmdb(&'static heed::Env, Database);

impl RawLmdb {
    fn open(directory: &Path) -> Self {
        std::fs::create_dir_all(directory).expect("a directory");
        let mut options = heed::EnvOpenOptions::new();
        options.map_size(64 << 20);
        let flags = heed::EnvFlags::NO_SYNC | heed::EnvFlags::WRITE_MAP;
        // SAFETY: nobody else uses the directory, and it is opened once.
        let environment = unsafe { options.flags(flags).open(directory) }.expect("it opens");
        let environment: &'static heed::Env = Box::leak(Box::new(environment));
        let txn = environment.write_txn().expect("it works");
        let made = environment.create_databases_and_commit(txn, |databases, txn| {
            databases.create_database(txn, None).map(heed::CommitOrAbort::<_, ()>::Commit)
        });
        Self(environment, made.expect("it works").unwrap_commit())
    }
}

impl Raw for RawLmdb {
    fn set(&mut self, key: &str, value: &[u8]) {
        let mut txn = self.0.write_txn().expect("it works");
        self.1.put(&mut txn, key, value).expect("it works");
        txn.commit().expect("it works");
    }

    fn get(&mut self, key: &str) -> usize {
        let txn = self.0.read_txn().expect("it works");
        self.1.get(&txn, key).expect("it works").map_or(0, |value| black_box(value.to_vec()).len())
    }

    fn write_little(&mut self) -> bool {
        self.set("used", &[7; 8]);
        true
    }
}
