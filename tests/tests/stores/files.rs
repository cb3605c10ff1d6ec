//! The files of the embedded store: whose they are, what happens when they are broken, and when there is no room.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lru_memo::clock;
use lru_memo::shared::{Embedded, Entry, Found, Kind, Namespace, Options, Store, attach, health};
use lru_memo_tests::forks::in_fresh_processes;

use crate::shared::{Scratch, info, peek, put, space, square};

fn open(directory: &Path) -> Result<Embedded, Kind> {
    Embedded::open(directory, Options::default()).map_err(|error| error.kind())
}

/// A file of the store that is in use.
fn file(scratch: &Scratch, name: &str) -> PathBuf {
    let base = scratch.path().join("v1");
    base.join(fs::read_to_string(base.join("current")).expect("the store is there")).join(name)
}

/// Makes a store with an entry, breaks it, and checks that it is made anew, and works.
fn breaks(what: &str, act: impl FnOnce(&Scratch)) {
    let scratch = Scratch::new();
    let space = space("f", Some(1000));
    {
        let store = scratch.store();
        (0..500).for_each(|x| _ = square(&store, &space, x));
    }
    act(&scratch);
    let rebuilt = health().rebuilt;
    let store = scratch.store();
    assert!(health().rebuilt > rebuilt, "{what}");
    assert_eq!(info(&store, &space), (0, 0, 0), "{what}");
    assert!(!square(&store, &space, 1) && square(&store, &space, 1), "{what}");
}

fn truncate(path: &Path, length: u64) {
    OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(length)).expect("it is truncated");
}

#[test]
fn what_was_stored_is_there_when_the_store_is_opened_again() {
    let scratch = Scratch::new();
    let space = space("f", Some(3));
    [1, 2, 3, 1].into_iter().for_each(|x| _ = square(&scratch.store(), &space, x));
    let store = scratch.store();
    square(&store, &space, 4);
    assert_eq!(peek(&store, &space, &2_u64.to_le_bytes()), None);
    assert_eq!(info(&store, &space), (1, 4, 3));
}

#[test]
fn truncated_files_are_made_anew() {
    for name in ["data.mdb", "table"] {
        for length in [0, 1, 100, 4096, 20_000] {
            breaks(&format!("{name} of {length} bytes"), |scratch| truncate(&file(scratch, name), length));
        }
    }
}

#[test]
fn files_of_garbage_are_made_anew() {
    for name in ["data.mdb", "table"] {
        breaks(name, |scratch| {
            let path = file(scratch, name);
            let length = fs::metadata(&path).expect("the file").len().min(1 << 20);
            let mut file = OpenOptions::new().write(true).open(&path).expect("the file");
            let garbage: Vec<u8> = (0..length).map(|at| (at * 31 % 253) as u8).collect();
            file.write_all(&garbage).expect("garbage is written");
        });
    }
    breaks("current", |scratch| fs::write(scratch.path().join("v1/current"), "../../etc").expect("written"));
}

#[test]
fn files_that_are_far_too_long_are_made_anew() {
    for name in ["table", "../current"] {
        breaks(name, |scratch| truncate(&file(scratch, name), 1 << 46));
    }
}

#[test]
fn missing_files_are_made_anew() {
    for name in ["data.mdb", "table"] {
        breaks(name, |scratch| fs::remove_file(file(scratch, name)).expect("it is removed"));
    }
}

#[test]
fn files_of_different_instances_are_not_mixed() {
    breaks("another's table", |scratch| {
        let other = Scratch::new();
        square(&other.store(), &space("f", Some(1000)), 1);
        fs::copy(file(&other, "table"), file(scratch, "table")).expect("it is copied");
    });
}

fn worker(scratch: &Scratch, arguments: &[&str]) -> String {
    let worker =
        Command::new(env!("CARGO_BIN_EXE_shared-worker")).arg(scratch.path()).args(arguments).output();
    let output = worker.expect("the worker starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_store_that_another_process_gave_up_is_opened_again() {
    let (scratch, space) = (Scratch::new(), space("f", Some(3)));
    let directory = scratch.path().join("store");
    let store = open(&directory).expect("the store opens");
    square(&store, &space, 1);
    fs::write(directory.join("v1/current"), "broken").expect("it is written");
    worker(&scratch, &["calls", "1", "5", "5", "5"]);
    assert!(!square(&store, &space, 1));
    assert!(square(&store, &space, 1));
    assert_eq!(store.namespaces().expect("it works").len(), 2);
}

#[test]
fn what_was_stored_in_the_future_has_expired() {
    let _clock = lru_memo_tests::clock_for_me_alone();
    let scratch = Scratch::new();
    let store = open(&scratch.path().join("store")).expect("the store opens");
    let space = space("aging", Some(10)).with_ttl(Some(Duration::from_secs(1000)));
    // The clock of this process only: the other's seems to have been set back.
    clock::advance(Duration::from_secs(500));
    (0..10).for_each(|x| _ = square(&store, &space, x));
    assert_eq!(worker(&scratch, &["aging", "5"]), "0 5\n");
    // Making room for the first of these, the worker has removed the others, too.
    assert_eq!(info(&store, &space), (0, 15, 5));
}

#[test]
fn a_value_that_is_not_what_was_stored_is_a_miss() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let space = space("f", Some(3));
    for length in [100, 100_000] {
        let value: Vec<u8> = (0..length).map(|at| (at * 7 % 241) as u8).collect();
        put(&store, &space, b"k", &value, 1);
        let path = file(&scratch, "data.mdb");
        let data = fs::read(&path).expect("the data");
        let places = data.windows(64).enumerate().filter(|(_, window)| *window == &value[..64]);
        let data = OpenOptions::new().write(true).open(&path).expect("the data");
        for (at, _) in places {
            data.write_all_at(b"?", at as u64 + 5).expect("it is written");
        }
        let (rejected, misses) = (health().rejected, info(&store, &space).1);
        assert!(matches!(store.get(&space, b"k"), Ok(Found::Miss(_))));
        assert!(health().rejected > rejected);
        assert_eq!(info(&store, &space), (0, misses + 1, 0));
    }
}

#[test]
fn a_clock_that_is_days_ahead_removes_nothing_that_others_use() {
    // In processes of their own, for the clock of all stores here is moved.
    let scratch = Scratch::new();
    let named = |days: &str, name: &str| worker(&scratch, &["later", days, name]);
    assert_eq!(named("0", "1"), "1\n");
    assert_eq!(named("0", "2"), "1 2\n");
    assert_eq!(named("2", "12"), "1 2 2\n");
    assert_eq!(named("8", "3"), "1 2 2 3\n");
}

#[test]
fn other_layouts_are_left_alone() {
    let scratch = Scratch::new();
    let foreign = scratch.path().join("v2");
    fs::create_dir(&foreign).expect("a directory");
    fs::write(foreign.join("current"), "something else").expect("a file");
    fs::write(scratch.path().join("data.mdb"), "foreign").expect("a file");
    square(&scratch.store(), &space("f", None), 1);
    assert_eq!(fs::read(foreign.join("current")).expect("it is there"), b"something else");
    assert_eq!(fs::read(scratch.path().join("data.mdb")).expect("it is there"), b"foreign");
}

#[test]
fn all_files_are_private() {
    fn check(path: &Path) {
        let mode = fs::symlink_metadata(path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", path.display());
        if path.is_dir() {
            fs::read_dir(path)
                .expect("a directory")
                .for_each(|entry| check(&entry.expect("an entry").path()));
        }
    }
    let scratch = Scratch::new();
    let store = scratch.store();
    drop(store.lease(&space("f", None), b"k").expect("it works"));
    check(&scratch.path().join("v1"));
}

#[test]
fn a_program_that_the_process_starts_inherits_no_file_of_the_store() {
    let scratch = Scratch::new();
    let store = scratch.store();
    square(&store, &space("f", None), 1);
    let listed = Command::new("ls").args(["-l", "/proc/self/fd"]).output().expect("`ls` is there");
    let listed = String::from_utf8_lossy(&listed.stdout);
    let directory = scratch.path().display().to_string();
    assert!(listed.contains("/proc") && !listed.contains(&directory), "{listed}");
}

#[test]
fn what_is_not_the_stores_is_not_removed() {
    let scratch = Scratch::new();
    let (others, ours) = (scratch.path().join("v1/0123456789abcdef"), file_of_store(&scratch));
    fs::create_dir(&others).expect("a directory");
    fs::write(others.join("precious"), "yes").expect("a file");
    truncate(&ours, 100);
    scratch.store();
    assert_eq!(fs::read_to_string(others.join("precious")).expect("it is there"), "yes");
    assert!(!ours.exists(), "the broken instance is");
}

/// The books of a store that was made.
fn file_of_store(scratch: &Scratch) -> PathBuf {
    scratch.store();
    file(scratch, "table")
}

#[test]
fn a_directory_that_others_can_read_holds_a_private_one() {
    let scratch = Scratch::new();
    let directory = scratch.path().join("readable");
    fs::create_dir(&directory).expect("a directory");
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).expect("permissions");
    let store = Embedded::open(&directory, Options::default()).expect("it opens");
    assert!(put(&store, &space("f", None), b"key", b"value", 1));
    for entry in fs::read_dir(&directory).expect("it is readable") {
        let metadata = entry.expect("an entry").metadata().expect("it is there");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o700);
    }
}

#[test]
fn directories_that_others_can_write_to_are_refused() {
    let scratch = Scratch::new();
    let directory = scratch.path().join("open");
    fs::create_dir(&directory).expect("a directory");
    for mode in [0o775, 0o757, 0o777, 0o1777] {
        fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).expect("permissions");
        assert_eq!(open(&directory).err(), Some(Kind::Directory));
    }
    // Neither may others be able to put another directory in its place.
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).expect("permissions");
    assert_eq!(open(&directory.join("inside")).err(), Some(Kind::Directory));
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o1777)).expect("permissions");
    assert!(open(&directory.join("inside")).is_ok());
}

#[test]
fn symbolic_links_that_others_could_make_are_not_followed() {
    let scratch = Scratch::new();
    let (real, link) = (scratch.path().join("real"), scratch.path().join("link"));
    fs::create_dir(&real).expect("a directory");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o700)).expect("permissions");
    symlink(&real, &link).expect("a link");
    assert_eq!(open(&link).err(), Some(Kind::Directory));
    // On the way, they are, unless others could have put them there.
    let inside = link.join("inside");
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o1777)).expect("permissions");
    assert_eq!(open(&inside).err(), Some(Kind::Directory));
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o700)).expect("permissions");
    assert!(open(&inside).is_ok());
}

#[test]
fn directories_of_other_users_are_refused() {
    let scratch = Scratch::new();
    let directory = scratch.path().join("theirs");
    fs::create_dir(&directory).expect("a directory");
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).expect("permissions");
    if chown(&directory, Some(12_345), None).is_err() {
        eprintln!("NOT TESTED: only root can give a directory away");
        return;
    }
    assert_eq!(open(&directory).err(), Some(Kind::Directory));
    assert_eq!(open(&directory.join("inside")).err(), Some(Kind::Directory));
}

#[test]
fn a_file_in_the_place_of_the_directory_is_refused() {
    let scratch = Scratch::new();
    let path = scratch.path().join("file");
    File::create(&path).expect("a file");
    assert_eq!(open(&path).err(), Some(Kind::Directory));
    assert_eq!(open(&scratch.path().join("not/there")).err(), Some(Kind::Directory));
    assert_eq!(open(Path::new("relative/directory")).err(), Some(Kind::Directory));
}

#[test]
fn a_store_is_open_once_in_a_process() {
    let scratch = Scratch::new();
    let store = scratch.store();
    assert_eq!(open(scratch.path()).err(), Some(Kind::InUse));
    drop(store);
    assert!(open(scratch.path()).is_ok());
}

#[test]
fn two_stores_side_by_side_do_not_mix() {
    let (one, other) = (Scratch::new(), Scratch::new());
    let space = space("f", Some(2));
    let (one, other) = (one.store(), other.store());
    assert!(!square(&one, &space, 1));
    assert!(!square(&other, &space, 1));
    assert!(square(&one, &space, 1));
    assert_eq!(info(&other, &space), (0, 1, 1));
}

#[test]
fn ten_thousand_namespaces_fit() {
    let scratch = Scratch::new();
    let store = scratch.store_of(256 << 20);
    let spaces: Vec<Namespace> = (0..10_000).map(|at| space(&format!("f{at}"), Some(2))).collect();
    for space in &spaces {
        [1, 2, 3].into_iter().for_each(|x| _ = square(&store, space, x));
    }
    for space in &spaces {
        assert!(square(&store, space, 3));
        assert_eq!(info(&store, space), (1, 3, 2));
    }
    assert_eq!(store.namespaces().expect("it works").len(), 10_000);
}

#[test]
fn a_full_store_makes_room_by_evicting_what_was_not_used_for_longest() {
    let scratch = Scratch::new();
    let store = scratch.store_of(4 << 20);
    let value = vec![7; 10_000];
    for namespace in 0..20 {
        let space = space(&format!("f{namespace}"), None);
        for key in 0..100_u64 {
            assert!(put(&store, &space, &key.to_le_bytes(), &value, 1));
            assert_eq!(peek(&store, &space, &key.to_le_bytes()).as_ref(), Some(&value));
        }
    }
    let kept: usize = store.namespaces().expect("it works").iter().map(|space| space.counts.currsize).sum();
    assert!((50..420).contains(&kept), "{kept} entries of 10,000 bytes in 4 MiB");
}

#[test]
fn what_does_not_fit_at_all_is_an_error_and_the_store_works_on() {
    let scratch = Scratch::new();
    let store = scratch.store_of(4 << 20);
    let space = space("f", Some(3));
    [1, 2, 3, 1].into_iter().for_each(|x| _ = square(&store, &space, x));
    let value = vec![7; 8 << 20];
    let entry = Entry { value: &value, weight: 1, computed_since: None, replace: true, age: Duration::ZERO };
    assert_eq!(store.store(&space, b"k", entry).map_err(|error| error.kind()), Err(Kind::Full));
    // Nothing was evicted for it.
    assert_eq!(info(&store, &space), (1, 3, 3));
    square(&store, &space, 4);
    let kept = |x: u64| peek(&store, &space, &x.to_le_bytes()).is_some();
    assert_eq!([1, 2, 3, 4].map(kept), [true, false, true, true]);
}

/// A file system of this size, in memory, until the end of the test.
struct Disk(PathBuf);

impl Disk {
    fn new(scratch: &Scratch, size: &str) -> Option<Self> {
        let path = scratch.path().join("disk");
        fs::create_dir(&path).ok()?;
        let options = format!("size={size},mode=0700");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&path).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(path))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_kills_nobody() {
    let scratch = Scratch::new();
    let Some(disk) = Disk::new(&scratch, "2m") else {
        eprintln!("NOT TESTED: a full disk, because it takes root to mount one");
        return;
    };
    let store = Embedded::open(disk.0.join("store"), Options::default()).expect("the store opens");
    let space = space("f", None);
    let value = vec![7; 10_000];
    for key in 0..1000_u64 {
        // Others fill what there is.
        if key == 50 {
            let _ = fs::write(disk.0.join("others"), vec![1; 1 << 20]);
        }
        let entry =
            Entry { value: &value, weight: 1, computed_since: None, replace: true, age: Duration::ZERO };
        match store.store(&space, &key.to_le_bytes(), entry) {
            Ok(_) => assert_eq!(peek(&store, &space, &key.to_le_bytes()).as_ref(), Some(&value)),
            Err(error) => assert_eq!(error.kind(), Kind::Full),
        }
    }
    let (_, _, currsize) = info(&store, &space);
    let kept = (0..1000_u64).filter(|key| peek(&store, &space, &key.to_le_bytes()).is_some()).count();
    assert_eq!(kept, currsize);
    assert!(kept > 0);
    drop(store);
}

#[test]
fn a_disk_on_which_nothing_fits_is_an_error() {
    let scratch = Scratch::new();
    let Some(disk) = Disk::new(&scratch, "8k") else {
        eprintln!("NOT TESTED: a full disk, because it takes root to mount one");
        return;
    };
    let error = open(&disk.0.join("store")).err();
    assert!(matches!(error, Some(Kind::Full | Kind::Directory)), "{error:?}");
}

#[test]
fn a_store_that_is_not_to_be_made_is_not_made() {
    let scratch = Scratch::new();
    let mut options = Options::default();
    options.create = false;
    let empty = scratch.path().join("empty");
    fs::create_dir(&empty).expect("a directory");
    for directory in [scratch.path().to_owned(), empty.clone(), scratch.path().join("missing")] {
        let error = Embedded::open(&directory, options.clone()).expect_err("there is no store");
        assert_eq!(error.kind(), Kind::NotFound, "{error}");
        assert!(error.to_string().contains(&*directory.to_string_lossy()), "{error}");
    }
    let left = fs::read_dir(scratch.path()).expect("the directory").count();
    assert_eq!((left, fs::read_dir(&empty).expect("the directory").count()), (1, 0));
}

#[test]
fn a_broken_store_that_is_not_to_be_made_stays_as_it_is() {
    let scratch = Scratch::new();
    square(&scratch.store(), &space("f", None), 1);
    let broken = file(&scratch, "data.mdb");
    truncate(&broken, 100);
    let mut options = Options::default();
    options.create = false;
    let error = Embedded::open(scratch.path(), options).expect_err("it is broken");
    assert_eq!(error.kind(), Kind::Corrupt, "{error}");
    assert_eq!(fs::metadata(&broken).expect("it is still there").len(), 100);
}

#[test]
fn a_store_that_is_there_is_attached_by_its_url_and_is_not_that_of_the_process() {
    let name = "files::a_store_that_is_there_is_attached_by_its_url_and_is_not_that_of_the_process";
    in_fresh_processes(1, name, "", attach_by_url);
}

fn attach_by_url() {
    let scratch = Scratch::new();
    let space = space("f", None);
    let url = format!("file://{}", scratch.path().display());
    assert_eq!(attach(&url).err().map(|error| error.kind()), Some(Kind::NotFound));
    square(&scratch.store(), &space, 1);
    let store = attach(&url).expect("it is there");
    assert!(square(&*store, &space, 1));
    assert_eq!(health().store, "");
    for (wrong, kind) in [("memory://", Kind::NotFound), ("gopher://host", Kind::Url), ("", Kind::Url)] {
        assert_eq!(attach(wrong).err().map(|error| error.kind()), Some(kind), "{wrong}");
    }
}
