//! The command as its users run it: stores filled through the public API, then the binary, what it prints, and its
//! exit code.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::time::{Duration, Instant};

use common::{Outcome, Scratch, call, command, outcome, run, space};
use lru_memo::shared::{Embedded, Options, Store};
use serde_json::{Value, json};

/// A store with four namespaces, two of one name.
fn filled() -> Scratch {
    let scratch = Scratch::new();
    let store = scratch.store();
    let page = space("app::page", 0, Some(2));
    for key in [b"A", b"B", b"A", b"A"] {
        call(&store, &page, key, 1000);
    }
    let user = space("app::user", 0, None).with_ttl(Some(Duration::from_secs(90))).with_max_weight(Some(100));
    call(&store, &user, b"\x01\x00user \xff", 10);
    call(&store, &user, &[b'x'; 300], 20);
    call(&store, &space("app::twice", 1, Some(8)), b"1", 1);
    call(&store, &space("app::twice", 2, Some(8)), b"2", 1);
    call(&store, &space("app::twice", 2, Some(8)), b"2", 1);
    scratch
}

#[test]
fn ls_lists_every_namespace_with_its_counters() {
    let scratch = filled();
    let listed = run(&scratch, &["ls"]);
    assert_eq!((listed.code, listed.stderr.as_str()), (Some(0), ""));
    assert_eq!(listed.stdout.lines().next(), scratch.0.to_str());
    let headings = "NAMESPACE ID HITS MISSES RATIO CURRSIZE MAXSIZE BYTES EVICTIONS ERRORS SAVED IDLE";
    assert_eq!(listed.line("NAMESPACE").join(" "), headings);
    let page = listed.line("app::page");
    assert_eq!(page[1].len(), 8);
    assert_eq!(page[2..7], ["2", "2", "50.0%", "2", "2"]);
    assert_eq!(page[8..], ["KiB", "0", "0", "0ms", "<1m"]);
    assert_eq!(listed.line("app::user")[2..7], ["0", "2", "0.0%", "2", "None"]);
    assert_eq!(listed.stdout.matches("app::twice").count(), 2);
    assert!(listed.stdout.lines().all(|line| line == line.trim_end()), "{}", listed.stdout);
}

#[test]
fn ls_prints_json_in_the_order_of_names() {
    let scratch = filled();
    let listed = run(&scratch, &["ls", "--json"]).json();
    let names: Vec<_> = listed.as_array().expect("an array").iter().map(|row| &row["name"]).collect();
    assert_eq!(names, ["app::page", "app::twice", "app::twice", "app::user"]);
    let page = &listed[0];
    let id = format!("{:032x}", space("app::page", 0, Some(2)).id());
    for (field, value) in [
        ("store", json!(scratch.0)),
        ("id", json!(id)),
        ("hits", json!(2)),
        ("misses", json!(2)),
        ("hit_ratio", json!(0.5)),
        ("currsize", json!(2)),
        ("maxsize", json!(2)),
        ("max_weight", Value::Null),
        ("ttl_seconds", Value::Null),
        ("weight", json!(10)),
    ] {
        assert_eq!(page[field], value, "{field}");
    }
    let totals =
        ["hits", "misses", "evictions", "errors", "saved_seconds"].map(|total| &page["totals"][total]);
    assert_eq!(totals, [&json!(2), &json!(2), &json!(0), &json!(0), &json!(0.0)]);
    assert!(page["bytes"].as_u64().is_some_and(|bytes| bytes > 2000), "{page}");
    assert!(page["idle_seconds"].is_u64(), "{page}");
    let user = &listed[3];
    assert_eq!(
        (&user["maxsize"], &user["ttl_seconds"], &user["max_weight"]),
        (&Value::Null, &json!(90.0), &json!(100))
    );
}

#[test]
fn totals_stay_after_a_clear() {
    let scratch = filled();
    let store = scratch.store();
    let page = space("app::page", 0, Some(2));
    call(&store, &page, b"C", 1);
    store.clear(&page).expect("it works");
    call(&store, &page, b"C", 1);
    let row = &run(&scratch, &["show", "app::page", "--json"]).json()[0];
    let totals = ["hits", "misses", "evictions"].map(|total| &row["totals"][total]);
    assert_eq!(totals, [&json!(2), &json!(4), &json!(1)]);
    assert_eq!((&row["hits"], &row["misses"]), (&json!(0), &json!(1)));
    let shown = run(&scratch, &["show", "app::page"]);
    for (what, value) in [("all hits", "2"), ("all misses", "4"), ("evictions", "1"), ("time saved", "0ms")] {
        assert!(shown.stdout.lines().any(|line| line.trim() == format!("{what:<11} {value}")), "{what}");
    }
}

#[test]
fn the_environment_names_the_store_as_it_does_for_programs() {
    let scratch = filled();
    let listed = outcome(command(&["ls", "--json"]).env("LRU_MEMO_STORE", scratch.url())).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(4));
}

#[test]
fn show_tells_limits_counters_and_what_was_used_last() {
    let scratch = filled();
    let shown = run(&scratch, &["show", "app::user"]);
    assert_eq!((shown.code, shown.stderr.as_str()), (Some(0), ""));
    for (what, value) in [
        ("hits", "0"),
        ("misses", "2"),
        ("currsize", "2"),
        ("maxsize", "None"),
        ("weight", "10"),
        ("max", "weight 100"),
        ("ttl", "1m 30s"),
    ] {
        assert_eq!(shown.line(what)[1..].join(" "), value, "{what}");
    }
    assert_eq!(shown.line("KEY").join(" "), "KEY KEY BYTES VALUE BYTES WEIGHT AGE");
    let long = format!("b\"{}\u{2026}", "x".repeat(77));
    assert_eq!(shown.line(&long)[1..4], ["300", "20", "5"]);
    assert_eq!(shown.line(r#"b"\x01\x00user"#)[1..5], [r#"\xff""#, "8", "10", "5"]);
    let (of_long, of_short) = (shown.stdout.find(&long), shown.stdout.find(r#"b"\x01\x00user"#));
    assert!(of_long < of_short, "the latest is first: {}", shown.stdout);

    let one = run(&scratch, &["show", "app::user", "--entries", "1", "--json"]).json();
    let recent = one[0]["recent"].as_array().expect("an array");
    assert_eq!(
        (recent.len(), &recent[0]["key_bytes"], &recent[0]["value_bytes"]),
        (1, &json!(300), &json!(20))
    );
    assert_eq!(
        (&one[0]["name"], &one[0]["misses"]),
        (&json!("app::user"), &json!(2)),
        "looking counts nothing"
    );
}

#[test]
fn show_shows_all_of_one_name_and_one_of_an_id() {
    let scratch = filled();
    let shown = run(&scratch, &["show", "app::twice", "--json"]).json();
    let both = shown.as_array().expect("an array");
    assert_eq!(both.len(), 2);
    let mut hits: Vec<_> = both.iter().filter_map(|row| row["hits"].as_u64()).collect();
    hits.sort_unstable();
    assert_eq!(hits, [0, 1]);
    for row in both {
        let id = row["id"].as_str().expect("an id");
        let shown = run(&scratch, &["show", &id[..10].to_uppercase(), "--json"]).json();
        assert_eq!((shown.as_array().map(Vec::len), &shown[0]["id"]), (Some(1), &row["id"]));
    }
    assert_eq!(run(&scratch, &["show", "app::twice"]).stdout.matches("hit ratio").count(), 2);
}

#[test]
fn clear_empties_one_namespace_and_no_other() {
    let scratch = filled();
    let cleared = run(&scratch, &["clear", "app::page"]);
    assert_eq!((cleared.code, cleared.stderr.as_str()), (Some(0), ""));
    assert!(cleared.stdout.starts_with("cleared app::page (") && cleared.stdout.ends_with(": 2 entries\n"));
    let store = scratch.store();
    let counts = store.info(&space("app::page", 0, Some(2))).expect("the store works");
    assert_eq!((counts.hits, counts.misses, counts.currsize), (0, 0, 0));
    let counts = store.info(&space("app::twice", 2, Some(8))).expect("the store works");
    assert_eq!((counts.hits, counts.misses, counts.currsize), (1, 1, 1));
    assert_eq!(store.namespaces().expect("the store works").len(), 4);
}

#[test]
fn clear_asks_which_when_two_have_one_name() {
    let scratch = filled();
    let refused = run(&scratch, &["clear", "app::twice"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""));
    let ids = [1, 2].map(|version| format!("{:032x}", space("app::twice", version, Some(8)).id()));
    assert!(ids.iter().all(|id| refused.stderr.contains(id)), "{}", refused.stderr);
    let sizes = || {
        let store = scratch.store();
        let currsize =
            |version| store.info(&space("app::twice", version, Some(8))).expect("it works").currsize;
        [1, 2].map(currsize)
    };
    assert_eq!(sizes(), [1, 1]);
    assert_eq!(run(&scratch, &["clear", &ids[0]]).code, Some(0));
    assert_eq!(sizes(), [0, 1]);
    let cleared = run(&scratch, &["clear", "app::twice", "--all"]);
    assert_eq!((cleared.code, cleared.stdout.lines().count()), (Some(0), 2));
    assert_eq!(sizes(), [0, 0]);
}

#[test]
fn top_once_prints_the_most_called_first() {
    let scratch = filled();
    let printed = run(&scratch, &["top", "--once"]);
    assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""));
    assert_eq!(printed.stdout.lines().nth(2).and_then(|line| line.split(' ').next()), Some("app::page"));
    let rows = run(&scratch, &["top", "--once", "--json"]).json();
    let calls: Vec<_> = rows
        .as_array()
        .expect("an array")
        .iter()
        .map(|row| row["hits"].as_u64().expect("a number") + row["misses"].as_u64().expect("a number"))
        .collect();
    assert_eq!(calls, [4, 2, 2, 1]);
}

#[test]
fn top_without_a_terminal_says_what_to_do() {
    let refused = run(&filled(), &["top"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""));
    assert!(refused.stderr.contains("--once"), "{}", refused.stderr);
}

#[test]
fn a_missing_store_is_not_found_and_not_made() {
    let scratch = Scratch::new();
    let missing = scratch.0.join("missing");
    let url = format!("file://{}", missing.display());
    for arguments in [
        &["ls"][..],
        &["ls", "--json"],
        &["show", "f"],
        &["get", "f", "1"],
        &["forget", "f", "1"],
        &["clear", "f"],
        &["top", "--once"],
        &["top"],
    ] {
        for url in [&url, &scratch.url()] {
            let told = outcome(command(arguments).args(["--store", url]));
            assert_eq!((told.code, told.stdout.as_str()), (Some(1), ""), "{arguments:?}: {told:?}");
            let directory = url.strip_prefix("file://").expect("a directory");
            let expected = format!("error: there is no shared store in {directory}\n");
            assert_eq!(told.stderr, expected, "{arguments:?}");
        }
    }
    assert_eq!(scratch.names(), Vec::<PathBuf>::new());
}

#[test]
fn an_unknown_namespace_is_not_found_and_not_made() {
    let scratch = filled();
    for arguments in [&["show", "app::pag"][..], &["clear", "app::nothing"], &["clear", "0"], &["show", ""]] {
        let told = run(&scratch, arguments);
        assert_eq!((told.code, told.stdout.as_str()), (Some(1), ""), "{arguments:?}: {told:?}");
        assert!(told.stderr.contains(&format!("`{}`", arguments[1])), "{told:?}");
    }
    assert_eq!(scratch.store().namespaces().expect("the store works").len(), 4);
}

#[test]
fn an_empty_store_lists_nothing() {
    let scratch = Scratch::new();
    drop(scratch.store());
    assert_eq!(run(&scratch, &["ls", "--json"]).json(), json!([]));
    let listed = run(&scratch, &["ls"]);
    assert_eq!((listed.code, listed.stdout.as_str()), (Some(0), "no function has used the store yet\n"));
}

#[test]
fn a_broken_store_is_an_error_and_is_left_alone() {
    let scratch = filled();
    let base = scratch.0.join("v1");
    let instance = base.join(fs::read_to_string(base.join("current")).expect("the store is there"));
    fs::write(instance.join("data.mdb"), b"broken").expect("it is broken");
    let told = run(&scratch, &["ls"]);
    assert_eq!((told.code, told.stdout.as_str()), (Some(3), ""), "{told:?}");
    assert!(told.stderr.contains("not an LMDB file"), "{told:?}");
    assert_eq!(fs::read(instance.join("data.mdb")).expect("it is still there"), b"broken");
}

#[test]
fn a_directory_that_others_may_write_to_is_an_error() {
    let scratch = filled();
    fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o775)).expect("the mode changes");
    let told = run(&scratch, &["ls"]);
    assert_eq!((told.code, told.stdout.as_str()), (Some(3), ""), "{told:?}");
    assert!(told.stderr.contains("its mode is 775"), "{told:?}");
}

#[test]
fn a_wrong_command_line_is_status_2() {
    for arguments in [
        &[][..],
        &["list"],
        &["show"],
        &["top", "--interval", "0"],
        &["top", "--interval", "NaN"],
        &["top", "--json"],
        &["ls", "--store", "gopher://host"],
        &["ls", "--store", "/a/directory"],
        &["ls", "--store", "file://relative"],
        &["ls", "--store", "file://"],
        &["ls", "--store", "file:///tmp?age=3"],
    ] {
        let told = outcome(&mut command(arguments));
        assert_eq!((told.code, told.stdout.as_str()), (Some(2), ""), "{arguments:?}: {told:?}");
        assert!(!told.stderr.is_empty());
    }
}

#[test]
fn the_help_tells_the_exit_codes() {
    let help = outcome(&mut command(&["--help"]));
    assert_eq!(help.code, Some(0));
    for word in
        ["ls", "show", "get", "forget", "clear", "top", "--store", "Exit codes", "3  a store does not work"]
    {
        assert!(help.stdout.contains(word), "{word}: {}", help.stdout);
    }
}

#[test]
fn names_and_keys_cannot_steer_the_terminal() {
    let scratch = Scratch::new();
    let hostile = space("f\x1b[2J\nNAMESPACE", 0, None);
    call(&scratch.store(), &hostile, b"\x1b[31mkey", 1);
    for arguments in [&["ls"][..], &["show", hostile.name()], &["clear", hostile.name()], &["show", "f\x1b"]]
    {
        let told = run(&scratch, arguments);
        assert!(!told.stdout.contains('\x1b') && !told.stderr.contains('\x1b'), "{arguments:?}: {told:?}");
    }
    let told = outcome(&mut command(&["ls", "--store", "file:///no/such/\x1b[2J"]));
    assert_eq!(told.stderr, "error: there is no shared store in /no/such/\\u{1b}[2J\n");
    let told = run(&scratch, &["show", "two\nlines"]);
    assert_eq!(told.stderr.lines().count(), 1, "{told:?}");
}

#[test]
fn names_hide_nothing_and_turn_nothing_around() {
    const HOSTILE: [char; 9] =
        ['\u{7f}', '\u{85}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}', '\u{ad}', '\u{e0041}'];
    let scratch = Scratch::new();
    let hostile = space(&format!("app::\u{fc}{}\"f", String::from_iter(HOSTILE)), 0, None);
    call(&scratch.store(), &hostile, b"key", 1);
    for arguments in [
        &["ls"][..],
        &["ls", "--json"],
        &["show", hostile.name()],
        &["show", hostile.name(), "--json"],
        &["top", "--once"],
        &["clear", hostile.name()],
        &["show", "f\u{202e}"],
    ] {
        let told = run(&scratch, arguments);
        assert!(!told.stdout.contains(HOSTILE) && !told.stderr.contains(HOSTILE), "{arguments:?}: {told:?}");
        assert!(told.stdout.contains("app::\u{fc}") || arguments[1..] == ["f\u{202e}"], "{told:?}");
    }
    assert_eq!(run(&scratch, &["ls", "--json"]).json()[0]["name"], hostile.name());
}

#[test]
fn a_long_name_is_cut() {
    let scratch = Scratch::new();
    let (long, other) = (space(&"n\u{e9}".repeat(150), 0, None), space(&"n\u{e9}".repeat(150), 1, None));
    call(&scratch.store(), &long, b"key", 1);
    call(&scratch.store(), &other, b"key", 1);
    for arguments in [
        &["ls"][..],
        &["show", long.name()],
        &["top", "--once"],
        &["clear", long.name()],
        &["clear", long.name(), "--all"],
        &["show", &long.name()[3..]],
    ] {
        let told = run(&scratch, arguments);
        let lines = told.stdout.lines().chain(told.stderr.lines());
        let longest = lines.map(|line| line.chars().count()).max().expect("it says something");
        assert!(longest < 200 && format!("{told:?}").contains('\u{2026}'), "{arguments:?}: {told:?}");
    }
    assert_eq!(run(&scratch, &["ls", "--json"]).json()[0]["name"], long.name());
}

/// A program's store in the default place, which every process of this user has in common; removed in the end.
struct Program {
    directory: PathBuf,
    namespace: String,
}

impl Program {
    fn new(name: &str) -> Self {
        let user = fs::metadata("/proc/self").expect("the system tells").uid();
        let memory = Path::new("/dev/shm");
        let is_usable = fs::metadata(memory).is_ok_and(|shm| shm.is_dir() && shm.mode() & 0o1777 == 0o1777);
        let base = if is_usable { memory.to_owned() } else { std::env::temp_dir() };
        let place = base.join(format!("lru-memo-{user}"));
        let directory = place.join(format!("{name}-{}", process::id()));
        for directory in [&place, &directory] {
            match fs::DirBuilder::new().mode(0o700).create(directory) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => panic!("{error}"),
                _ => {}
            }
        }
        let mut options = Options::default();
        options.size = 16 << 20;
        let store = Embedded::open(&directory, options).expect("the store opens");
        let namespace = format!("{name}_{}::f", process::id());
        call(&store, &space(&namespace, 0, None), b"key", 1);
        Self { directory, namespace }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

#[test]
fn without_a_store_those_of_all_programs_of_this_user_are_listed_and_a_broken_one_hides_none() {
    let (one, other) = (Program::new("one"), Program::new("other"));
    let listed = outcome(&mut command(&["ls"]));
    let text = |program: &Program| program.directory.to_str().expect("it is text").to_owned();
    let expect = |listed: &Outcome, program: &Program| {
        assert!(listed.stdout.lines().any(|line| line == text(program)), "{listed:?}");
        assert_eq!(listed.line(&program.namespace)[2..4], ["0", "1"]);
    };
    expect(&listed, &one);
    expect(&listed, &other);
    // Another run of this test may have a broken store in the place, for a moment.
    let end = Instant::now() + Duration::from_secs(60);
    let shown = loop {
        let shown = outcome(&mut command(&["show", &one.namespace]));
        if shown.code == Some(0) || Instant::now() > end {
            break shown;
        }
    };
    assert_eq!((shown.code, shown.line("store")[1]), (Some(0), text(&one).as_str()));

    fs::write(one.directory.join("v1/current"), "nonsense").expect("it is broken");
    let listed = outcome(&mut command(&["ls"]));
    expect(&listed, &other);
    assert_eq!(listed.code, Some(3));
    assert!(listed.stderr.contains(&text(&one)), "{listed:?}");
}

#[test]
fn an_empty_choice_is_none_and_makes_nothing_in_the_default_place() {
    let program = Program::new("third");
    let listed = outcome(command(&["ls"]).env("LRU_MEMO_STORE", ""));
    assert_eq!(listed.line(&program.namespace)[2..4], ["0", "1"]);
    let place = program.directory.parent().expect("a directory");
    let names =
        fs::read_dir(place).expect("it is readable").map(|entry| entry.expect("an entry").file_name());
    let mine: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with("lrumemo-")).collect();
    assert!(mine.is_empty(), "{mine:?}");
}
