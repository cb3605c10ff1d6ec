//! A cache on SQLite: exact LRU and counters, with one transaction for each call.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

/// The bound of the cache.
const MAXSIZE: u64 = 128;

pub(crate) struct Sqlite(Connection);

impl Sqlite {
    pub(crate) fn open(directory: &Path) -> Self {
        std::fs::create_dir_all(directory).expect("a directory");
        let connection = Connection::open(directory.join("cache.sqlite")).expect("it opens");
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
                 CREATE TABLE entries(key BLOB PRIMARY KEY, value BLOB NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;
                 CREATE INDEX by_use ON entries(used);
                 CREATE TABLE counters(hits INTEGER NOT NULL, misses INTEGER NOT NULL, uses INTEGER NOT NULL);
                 INSERT INTO counters VALUES (0, 0, 0);",
            )
            .expect("it works");
        Self(connection)
    }

    /// Returns the value of a key, and makes the key the most recent one.
    pub(crate) fn hit(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        let transaction = self.0.transaction().expect("it works");
        let value = {
            let mut use_it = transaction
                .prepare_cached(
                    "UPDATE entries SET used = (SELECT uses + 1 FROM counters) WHERE key = ?1 RETURNING value",
                )
                .expect("it works");
            use_it.query_row([key], |row| row.get(0)).optional().expect("it works")
        };
        let count = match value {
            Some(_) => "UPDATE counters SET hits = hits + 1, uses = uses + 1",
            None => "UPDATE counters SET misses = misses + 1",
        };
        transaction.prepare_cached(count).expect("it works").execute([]).expect("it works");
        transaction.commit().expect("it works");
        value
    }

    /// Stores a value after a miss, and evicts the least recently used one.
    pub(crate) fn store(&mut self, key: &[u8], value: &[u8]) {
        let transaction = self.0.transaction().expect("it works");
        for statement in [
            "UPDATE counters SET uses = uses + 1",
            "DELETE FROM entries WHERE (SELECT count(*) FROM entries) >= ?3
             AND key = (SELECT key FROM entries ORDER BY used LIMIT 1)",
            "INSERT OR REPLACE INTO entries SELECT ?1, ?2, uses FROM counters",
        ] {
            let mut statement = transaction.prepare_cached(statement).expect("it works");
            match statement.parameter_count() {
                0 => statement.execute([]),
                3 => statement.execute(params![key, value, MAXSIZE]),
                _ => statement.execute(params![key, value]),
            }
            .expect("it works");
        }
        transaction.commit().expect("it works");
    }
}
