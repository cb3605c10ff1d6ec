//! An embedded store that survives the end of the system's run, and what a store was made with.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lru_memo::shared::{Embedded, Entry, Found, Kind, Namespace, Options, Store, attach, configure, health};

use crate::shared::{Scratch, info, peek, space, square};

fn options(durable: bool) -> Options {
    let mut options = Options::default();
    options.size = 8 << 20;
    options.durable = durable;
    options
}

fn open(scratch: &Scratch, durable: bool) -> Embedded {
    Embedded::open(scratch.path(), options(durable)).expect("the store opens")
}

/// A file of the store that is in use.
fn file(scratch: &Scratch, name: &str) -> PathBuf {
    let base = scratch.path().join("v1");
    base.join(fs::read_to_string(base.join("current")).expect("the store is there")).join(name)
}

type Damage = fn(&Path);

/// As if the system had gone down since: the number of its run is another one.
fn reboot(table: &Path) {
    let table = OpenOptions::new().write(true).open(table).expect("the table");
    table.write_all_at(&[7; 8], 16).expect("it is written");
}

fn keys(store: &Embedded, of: &Namespace) -> Vec<u64> {
    (0..100_u64).filter(|x| peek(store, of, &x.to_le_bytes()).is_some()).collect()
}

#[test]
fn a_durable_store_survives_a_reboot_with_all_its_entries_in_the_order_of_storing() {
    let scratch = Scratch::new();
    let (first, second) = (space("f", Some(40)), space("g", None));
    {
        let store = open(&scratch, true);
        (0..50).for_each(|x| _ = square(&store, &first, x));
        (0..3).for_each(|x| _ = square(&store, &second, x));
        store.invalidate(&first, &20_u64.to_le_bytes()).expect("it works");
    }
    let damages: [(&str, Damage); 4] = [
        ("nothing", reboot),
        ("its table is lost", |table| fs::remove_file(table).expect("removed")),
        ("its table is torn", |table| {
            let table = OpenOptions::new().write(true).open(table).expect("the table");
            table.write_all_at(&[0; 4096], 0).expect("it is written");
        }),
        ("its locks are lost", |table| {
            fs::remove_file(table.with_file_name("lock.mdb")).expect("removed");
            reboot(table);
        }),
    ];
    let rebuilt = health().rebuilt;
    for (what, damage) in damages {
        damage(&file(&scratch, "table"));
        let store = open(&scratch, true);
        let expected: Vec<u64> = (10..50).filter(|x| *x != 20).collect();
        assert_eq!(keys(&store, &first), expected, "{what}");
        assert_eq!(keys(&store, &second), [0, 1, 2], "{what}");
        assert_eq!((info(&store, &first).2, info(&store, &second).2), (39, 3), "{what}");
    }
    assert_eq!(health().rebuilt, rebuilt);
    // The books are whole: what was stored first goes first.
    let store = open(&scratch, true);
    assert!(square(&store, &first, 10) && !square(&store, &first, 60) && !square(&store, &first, 61));
    assert_eq!(keys(&store, &first)[..2], [10, 12]);
    store.clear(&first).expect("it works");
    assert_eq!((info(&store, &first), keys(&store, &second)), ((0, 0, 0), vec![0, 1, 2]));
}

#[test]
fn a_durable_store_knows_after_a_reboot_what_was_used_unless_its_table_is_lost() {
    for (is_lost, expected) in [(false, [1, 3, 4]), (true, [2, 3, 4])] {
        let (scratch, space) = (Scratch::new(), space("f", Some(3)));
        let hit = |x| square(&open(&scratch, true), &space, x);
        [1, 2, 3].into_iter().for_each(|x| assert!(!hit(x)));
        assert!(hit(1));
        let table = file(&scratch, "table");
        if is_lost {
            fs::remove_file(table).expect("it is removed")
        } else {
            reboot(&table)
        }
        assert!(!hit(4));
        assert_eq!(keys(&open(&scratch, true), &space), expected);
        assert!(!hit(5));
        assert_eq!(keys(&open(&scratch, true), &space), if is_lost { [3, 4, 5] } else { [1, 4, 5] });
    }
}

#[test]
fn a_reboot_does_not_keep_what_nobody_uses() {
    let scratch = Scratch::new();
    let mut options = options(true);
    options.unused = Duration::from_secs(2);
    let open = || Embedded::open(scratch.path(), options.clone()).expect("the store opens");
    let (used, unused) = (space("used", None), space("unused", None));
    let store = open();
    [&used, &unused].into_iter().for_each(|space| _ = square(&store, space, 1));
    // As long as no namespace is made, none goes.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(4) {
        assert!(square(&store, &used, 1));
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(store);
    reboot(&file(&scratch, "table"));
    let store = open();
    square(&store, &space("new", None), 1);
    let mut names: Vec<String> =
        store.namespaces().expect("it works").into_iter().map(|summary| summary.name).collect();
    names.sort();
    assert_eq!(names, ["new", "used"]);
}

#[test]
fn a_store_that_is_not_durable_begins_anew_after_a_reboot() {
    let scratch = Scratch::new();
    let space = space("f", None);
    square(&open(&scratch, false), &space, 1);
    reboot(&file(&scratch, "table"));
    let rebuilt = health().rebuilt;
    assert_eq!(info(&open(&scratch, false), &space), (0, 0, 0));
    assert!(health().rebuilt > rebuilt);
}

#[test]
fn a_durable_store_stays_one_for_whoever_opens_it_and_when_it_is_made_anew() {
    let scratch = Scratch::new();
    let space = space("f", None);
    square(&open(&scratch, true), &space, 1);
    reboot(&file(&scratch, "table"));
    assert_eq!(keys(&open(&scratch, false), &space), [1]);
    let data = file(&scratch, "data.mdb");
    OpenOptions::new().write(true).open(&data).and_then(|data| data.set_len(5000)).expect("it is truncated");
    square(&open(&scratch, false), &space, 2);
    reboot(&file(&scratch, "table"));
    assert_eq!(keys(&open(&scratch, false), &space), [2]);
}

#[test]
fn a_durable_store_that_was_given_up_does_not_come_back_with_a_reboot() {
    let scratch = Scratch::new();
    let space = space("f", None);
    let store = open(&scratch, true);
    square(&store, &space, 1);
    let table = file(&scratch, "table");
    // A change that is not finished, of a namespace that cannot be.
    let books = OpenOptions::new().write(true).open(&table).expect("the table");
    books.write_all_at(&[1_u64, u64::MAX].map(u64::to_le_bytes).concat(), 88).expect("it is written");
    assert_eq!(store.clear(&space).map_err(|error| error.kind()), Err(Kind::Corrupt));
    drop(store);
    reboot(&table);
    assert_eq!(keys(&open(&scratch, true), &space), [0; 0]);
}

#[test]
fn what_a_store_was_made_with_cannot_be_said_otherwise() {
    let scratch = Scratch::new();
    let url = format!("file://{}", scratch.path().display());
    let mut options = options(true);
    options.unused = Duration::from_secs(90 * 24 * 3600);
    let space = space("f", None);
    square(&Embedded::open(scratch.path(), options).expect("it opens"), &space, 1);
    let place = scratch.path().display();
    for (said, made) in
        [("size=64MiB", "size=8MiB"), ("durable=false", "durable=true"), ("unused=30d", "unused=90d")]
    {
        let expected =
            format!("the store in {place} was made with {made}; remove `?{said}`, or clear the directory");
        let error = configure(&format!("{url}?{said}")).expect_err("it was made otherwise");
        assert_eq!((error.kind(), error.to_string()), (Kind::Url, expected.clone()));
        let error = attach(&format!("{url}?{said}")).err().expect("it was made otherwise");
        assert_eq!(error.to_string(), expected);
    }
    let same = attach(&format!("{url}?size=8MiB&durable=true&unused=90d")).expect("it is as it was made");
    assert_eq!(info(&*same, &space).2, 1);
    drop(same);
    for wrong in ["durable=yes", "durable", "unused=0d", "unused=1500ms", "unused=long"] {
        assert_eq!(configure(&format!("{url}?{wrong}")).map_err(|error| error.kind()), Err(Kind::Url));
    }
    configure(&url).expect("it says nothing else");
}

#[test]
fn a_value_that_the_disk_has_torn_is_a_miss_and_no_other_is() {
    let scratch = Scratch::new();
    let space = space("f", None);
    {
        let store = open(&scratch, true);
        for (key, value) in [(b"a", [b'x'; 9000]), (b"b", [b'b'; 9000])] {
            let entry =
                Entry { value: &value, weight: 1, computed_since: None, replace: false, age: Duration::ZERO };
            store.store(&space, key, entry).expect("there is room");
        }
    }
    let (path, torn) = (file(&scratch, "data.mdb"), [b'x'; 4096]);
    let bytes = fs::read(&path).expect("the data");
    let at = bytes.windows(4096).position(|window| window == torn).expect("it is there");
    let data = OpenOptions::new().write(true).open(&path).expect("the data");
    data.write_all_at(&[0; 4096], at as u64).expect("it is written");
    reboot(&file(&scratch, "table"));
    let (store, rejected) = (open(&scratch, true), health().rejected);
    assert!(matches!(store.get(&space, b"a"), Ok(Found::Miss(_))));
    assert!(health().rejected > rejected);
    assert_eq!(peek(&store, &space, b"b"), Some(vec![b'b'; 9000]));
}

/// Uses one namespace and makes others, called `new`, until this one is gone; says after how long.
fn make_until_gone(unused: u64, gone: &str, rest: &[&str]) -> Duration {
    let scratch = Scratch::new();
    let mut options = Options::default();
    options.unused = Duration::from_secs(unused);
    let store = Embedded::open(scratch.path(), options).expect("the store opens");
    let used = space("used", None);
    square(&store, &used, 1);
    rest.iter().for_each(|name| _ = square(&store, &space(name, None), 1));
    let begun = Instant::now();
    square(&store, &space(gone, None), 1);
    for id in 0.. {
        assert!(square(&store, &used, 1), "it is used");
        square(&store, &Namespace::new("new", id), 1);
        let all = store.namespaces().expect("it works");
        let is_there = |name: &&str| all.iter().any(|summary| summary.name == *name);
        assert!(["used"].iter().chain(rest).all(is_there));
        if !is_there(&gone) || gone == "new" && !all.iter().any(|summary| summary.id == 0) {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it stays");
        std::thread::sleep(Duration::from_millis(50));
    }
    begun.elapsed()
}

#[test]
fn namespaces_go_that_nobody_uses_for_as_long_as_the_store_says() {
    assert!(make_until_gone(2, "unused", &[]) > Duration::from_secs(1), "too soon");
}

#[test]
fn what_a_function_has_left_that_was_changed_goes_sooner() {
    assert!(make_until_gone(21, "new", &["unused"]) > Duration::from_secs(2), "too soon");
}
