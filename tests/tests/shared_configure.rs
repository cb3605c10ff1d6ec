//! Choosing a store. There is one for each process, so all of it is one test, and others are in processes of their
//! own.

mod shared;

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
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
    let scratch = Scratch::new();
    fs::set_permissions(scratch.path(), Permissions::from_mode(0o777)).expect("it is ours");
    for unsafe_place in [scratch.path().to_owned(), scratch.path().join("inside")] {
        let error =
            configure(&format!("file://{}", unsafe_place.display())).expect_err("others can write there");
        assert_eq!(error.kind(), Kind::Directory);
        assert!(error.to_string().contains("others may write to it"), "{error}");
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
    described_by(|worker| _ = worker.envs(url.map(|url| ("LRU_MEMO_STORE", url))))
}

/// What a process says about its store that is started so.
fn described_by(change: impl FnOnce(&mut Command)) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shared-worker"));
    command.args(["-", "describe"]).env_remove("LRU_MEMO_STORE");
    change(&mut command);
    let output = command.output().expect("the worker starts");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_choice_that_is_not_text_is_an_error_and_not_the_default() {
    let url = OsStr::from_bytes(b"file:///caf\xe9");
    let told = described_by(|worker| _ = worker.env("LRU_MEMO_STORE", url));
    assert!(told.contains("Err") && told.contains("`LRU_MEMO_STORE` is not UTF-8"), "{told}");
}

#[test]
fn a_directory_that_is_missing_is_told_by_configure() {
    let scratch = Scratch::new();
    let missing = scratch.path().join("missing");
    let url = format!("file://{}/inside/store", missing.display());
    let error = configure(&url).expect_err("there is no such directory");
    assert_eq!(error.kind(), Kind::Directory);
    assert!(error.to_string().contains(&format!("there is no directory {}:", missing.display())), "{error}");
    let error = configure(&format!("file://{}/store?size=tiny", scratch.path().display()));
    assert_eq!(error.map_err(|error| error.kind()), Err(Kind::Url));
    assert!(!missing.exists() && !scratch.path().join("store").exists(), "nothing is made");
}

#[test]
fn another_users_directory_in_the_default_place_does_not_disable_the_default_store() {
    // Users that there are not, so that nobody else uses their default place.
    let (mine, other) = (2_012_345, 2_054_321);
    let base = Path::new("/dev/shm");
    let taken = [format!("lru-memo-{mine}"), format!("lru-memo-{mine}-1")].map(|name| base.join(name));
    let own = base.join(format!("lru-memo-{mine}-2"));
    let as_user = |worker: &mut Command| _ = worker.uid(mine).gid(mine);
    let remove = || {
        taken.iter().chain([&own]).for_each(|path| {
            let _ = fs::remove_dir_all(path);
        });
    };
    remove();
    fs::create_dir(&taken[0]).expect("a directory");
    if chown(&taken[0], Some(other), None).is_err() {
        eprintln!("NOT TESTED: only root can give a directory away");
        return remove();
    }
    symlink("/tmp", &taken[1]).and_then(|()| lchown(&taken[1], Some(other), None)).expect("a link");
    let first = described_by(as_user);
    assert!(first.contains(&format!("{}/", own.display())) && first.contains("Ok(Counts"), "{first}");
    // Those who come later find the same store, also when the other user has gone.
    fs::remove_dir(&taken[0]).expect("it is removed");
    let second = described_by(as_user);
    assert!(
        second.contains(&format!("{}/", own.display())) && second.contains("hits: 3, misses: 1"),
        "{second}"
    );
    remove();
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
    fs::remove_dir_all(directory).expect("it is removed");
    assert!(!stores().expect("the place is readable").contains(&url), "{url} is gone");
}
