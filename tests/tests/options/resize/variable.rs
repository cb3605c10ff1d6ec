//! `LRU_MEMO_MAXSIZE`, read by processes of their own.

use std::env;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

use lru_memo::{Memo, lru_cache};
use lru_memo_tests::assert_one_passed;

const IN_CHILD: &str = "LRU_MEMO_TEST_OF_MAXSIZE";

#[lru_cache(maxsize = 4)]
fn plain(x: u32) -> u32 {
    x
}

#[lru_cache(maxsize = 4, scope = thread)]
fn generic<T: Copy + std::hash::Hash + Eq + 'static, const N: usize>(x: T) -> T {
    x
}

#[lru_cache(maxsize = None)]
fn unbounded(x: u32) -> u32 {
    x
}

#[lru_cache(maxsize = 4, name = "named")]
fn with_name(x: u32) -> u32 {
    x
}

#[lru_cache(maxsize = 4, scope = memo)]
fn of_object(memo: &Memo, x: u32) -> u32 {
    let _ = memo;
    x
}

/// Runs a test of this program in a process of its own, which prints.
fn child(test: &str, value: &std::ffi::OsStr) -> Output {
    child_of(&env::current_exe().expect("the path of the tests"), test, value)
}

fn child_of(program: &Path, test: &str, value: &std::ffi::OsStr) -> Output {
    let mut again = Command::new(program);
    again.args([&format!("resize::variable::{test}"), "--exact", "--nocapture"]);
    again.env(IN_CHILD, "yes").env("LRU_MEMO_MAXSIZE", value);
    let output = loop {
        match again.output() {
            // Another test forked while the program was written.
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => thread::yield_now(),
            ended => break ended.expect("it starts"),
        }
    };
    assert_one_passed(&output, test);
    output
}

/// Says whether the test is to be done here, else does it in processes with these values.
fn is_child(test: &str, value: &str) -> bool {
    if env::var_os(IN_CHILD).is_some() {
        return true;
    }
    let errors = child(test, value.as_ref()).stderr;
    let errors = String::from_utf8_lossy(&errors);
    assert!(!errors.contains("LRU_MEMO_MAXSIZE"), "{errors}");
    false
}

#[test]
fn the_environment_chooses_the_bounds() {
    let value = "options::resize::variable::plain=2;options::resize::variable::*=3; named = 7;\
                 options::resize::variable::generic::<[u8; 2], 5>=1;options::resize::variable::generic::<u8*=6";
    if !is_child("the_environment_chooses_the_bounds", value) {
        return;
    }
    let memo = Memo::new();
    // Before the first use, and after.
    assert_eq!(generic_cache_parameters::<u8, 1>().maxsize, Some(6));
    assert_eq!(of_object_cache_info(&memo).maxsize, Some(3));
    assert_eq!(with_name_cache_parameters().maxsize, Some(7));
    for x in 0..9 {
        let _ = (plain(x), unbounded(x), with_name(x), of_object(&memo, x));
        let _ = (generic::<_, 5>([x as u8; 2]), generic::<_, 1>(x as u8), generic::<_, 2>(x));
    }
    assert_eq!(plain_cache_info().to_string(), "CacheInfo(hits=0, misses=9, maxsize=2, currsize=2)");
    assert_eq!(plain_cache_parameters().maxsize, Some(2));
    assert_eq!(unbounded_cache_info().maxsize, None);
    assert_eq!(with_name_cache_info().currsize, 7);
    assert_eq!(of_object_cache_info(&memo).currsize, 3);
    assert_eq!(of_object_cache_parameters(&memo).maxsize, Some(3));
    assert_eq!(generic_cache_info::<[u8; 2], 5>().currsize, 1);
    assert_eq!(generic_cache_info::<u8, 1>().currsize, 6);
    assert_eq!(generic_cache_info::<u32, 2>().currsize, 3);
    let registered = lru_memo::caches()
        .find(|cache| cache.name() == "options::resize::variable::plain")
        .expect("it is used");
    assert_eq!(registered.parameters().maxsize, Some(2));
    // What the program says later counts.
    plain_cache_resize(5);
    of_object_cache_resize(&memo, 1);
    assert_eq!((plain_cache_info().maxsize, of_object_cache_info(&memo).maxsize), (Some(5), Some(1)));
}

#[test]
fn what_cannot_be_read_is_told_once_and_the_compiled_bounds_count() {
    if env::var_os(IN_CHILD).is_some() {
        (0..9).for_each(|x| _ = plain(x) + with_name(x) + generic::<u32, 3>(x));
        assert_eq!(plain_cache_info().currsize, 4);
        assert_eq!(with_name_cache_info().currsize, 2);
        #[cfg(feature = "shared")]
        {
            let health = lru_memo::shared::health();
            assert_eq!(health.errors, [(lru_memo::shared::Kind::Variable, 1)]);
            assert!(health.last_error.is_some_and(|error| error.contains("`none` is no number of entries")));
        }
        return;
    }
    let test = "what_cannot_be_read_is_told_once_and_the_compiled_bounds_count";
    let output = child(test, "options::resize::variable::plain=none;oops\u{1b}[31m;named=2".as_ref());
    let errors = String::from_utf8(output.stderr).expect("it is text");
    let told: Vec<&str> = errors.lines().filter(|line| line.contains("LRU_MEMO_MAXSIZE")).collect();
    assert_eq!(told.len(), 1, "{errors}");
    assert!(told[0].contains("`none` is no number of entries") && told[0].contains("oops"), "{errors}");
    assert!(!errors.contains('\u{1b}'), "{errors}");
}

#[cfg(unix)]
#[test]
fn what_is_no_text_is_told() {
    use std::os::unix::ffi::OsStrExt;
    if env::var_os(IN_CHILD).is_some() {
        (0..9).for_each(|x| _ = plain(x));
        assert_eq!(plain_cache_info().currsize, 4);
        return;
    }
    let output = child("what_is_no_text_is_told", std::ffi::OsStr::from_bytes(b"a=\xff"));
    let errors = String::from_utf8(output.stderr).expect("it is text");
    assert_eq!(errors.matches("LRU_MEMO_MAXSIZE: it is not UTF-8").count(), 1, "{errors}");
}

#[cfg(target_os = "linux")]
#[test]
fn whoever_starts_a_privileged_program_does_not_choose_its_bounds() {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, chown};
    if env::var_os(IN_CHILD).is_some() {
        (0..9).for_each(|x| _ = plain(x));
        assert_eq!(plain_cache_info().to_string(), "CacheInfo(hits=0, misses=9, maxsize=4, currsize=4)");
        return;
    }
    /// `nobody`, or whoever it is.
    const USER: u32 = 65_534;
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let program = directory.path().join("tests");
    fs::copy(env::current_exe().expect("the path of the tests"), &program).expect("a copy");
    if chown(&program, Some(USER), None).is_err() {
        return eprintln!("NOT TESTED: a program of another user, for want of privileges");
    }
    fs::set_permissions(&program, Permissions::from_mode(0o4755)).expect("it is ours");
    let test = "whoever_starts_a_privileged_program_does_not_choose_its_bounds";
    for value in ["*=2", "oops"] {
        let errors = child_of(&program, test, value.as_ref()).stderr;
        assert!(!String::from_utf8_lossy(&errors).contains("LRU_MEMO_MAXSIZE"), "nothing was read");
    }
}
