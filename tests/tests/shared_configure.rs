//! Choosing a store. There is one for each process, so all of it is one test, and others are in processes of their
//! own.

mod shared;

use std::process::Command;

use lru_memo::shared::{Kind, Memory, configure, configure_store, health, store, stores};
use shared::{Scratch, info, space, square};

#[test]
fn a_store_is_chosen_once_before_it_is_used() {
    let (of_memcached, of_redis) = (
        if cfg!(feature = "memcached") { "memcached://host" } else { "feature `memcached`" },
        if cfg!(feature = "redis") { "redis://host" } else { "feature `redis`" },
    );
    let of_tls = if cfg!(feature = "redis-tls") { "rediss://host" } else { "feature `redis-tls`" };
    for (url, part) in [
        ("memcached://localhost:port", of_memcached),
        ("redis://me:secret@localhost:port", of_redis),
        ("rediss://me:secret@", of_tls),
        ("http://localhost", "`http://`"),
        ("file://relative", "file:///"),
        ("nonsense", "memory://"),
        ("memory://here", "no host"),
        ("memory://?size=1MiB", "`prefix`"),
        ("memory://?prefix=a/b", "prefix=shop1"),
    ] {
        let error = configure(url).expect_err("there is no such store");
        assert_eq!(error.kind(), Kind::Url);
        assert!(error.to_string().contains(part), "{error}");
        assert!(!format!("{error:?} {error}").contains("secret"));
    }
    configure("memory://?prefix=shop1").expect("the first choice");
    assert_eq!(configure("memory://").map_err(|error| error.kind()), Err(Kind::InUse));
    let space = space("f", Some(2));
    let store = store().expect("it opens");
    assert!(!square(store, &space, 1));
    assert!(square(store, &space, 1));
    assert_eq!(info(store, &space), (1, 1, 1));
    assert_eq!(configure_store(Memory::new()).map_err(|error| error.kind()), Err(Kind::InUse));
    assert_eq!(health().store, "memory://?prefix=shop1");
    assert_eq!(health().errors, []);
}

/// What a process with this store says about it.
fn described(url: Option<&str>) -> String {
    let scratch = Scratch::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_shared-worker"));
    command.arg(scratch.path()).arg("describe").env_remove("LRU_MEMO_STORE");
    let output = command.envs(url.map(|url| ("LRU_MEMO_STORE", url))).output().expect("the worker starts");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_environment_chooses_where_the_program_does_not() {
    let scratch = Scratch::new();
    assert_eq!(described(Some("memory://")), "memory:// Ok(Counts { hits: 1, misses: 1, currsize: 1 })\n");
    let url = format!("file://{}/store", scratch.path().display());
    assert_eq!(
        described(Some(&format!("{url}?size=8MiB"))),
        format!("{url} Ok(Counts {{ hits: 1, misses: 1, currsize: 1 }})\n")
    );
    // The next process finds what this one has left.
    assert_eq!(described(Some(&url)), format!("{url} Ok(Counts {{ hits: 3, misses: 1, currsize: 1 }})\n"));
    for wrong in ["file:///x?size=tiny", "file:///x?color=red", "gopher://host", "file:///no/such/directory"]
    {
        assert!(described(Some(wrong)).contains("Err"), "{wrong}");
    }
}

#[test]
fn without_a_choice_the_store_is_private_to_user_and_program() {
    let told = described(None);
    assert!(
        told.starts_with("file:///") && told.contains("/lru-memo-") && told.contains("sharedworker"),
        "{told}"
    );
    assert!(told.contains("Ok(Counts"), "{told}");
    let directory =
        told.split_once("file://").and_then(|(_, rest)| rest.split(' ').next()).expect("a directory");
    let url = format!("file://{directory}");
    assert!(stores().expect("the place is readable").contains(&url), "{url} is listed");
    std::fs::remove_dir_all(directory).expect("it is removed");
    assert!(!stores().expect("the place is readable").contains(&url), "{url} is gone");
}
