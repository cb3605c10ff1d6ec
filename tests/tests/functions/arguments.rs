//! What can be an argument and a result, and when two calls have the same key.

#![expect(clippy::toplevel_ref_arg, reason = "`ref` is one of the patterns")]

use std::borrow::Cow;
use std::cell::RefCell;
use std::ffi::{CStr, OsStr};
use std::hint::black_box;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use lru_memo::lru_cache;

/// Asserts the hits and misses of a function.
macro_rules! assert_counts {
    ($info:ident, $hits:literal, $misses:literal) => {
        let info = $info();
        assert_eq!((info.hits, info.misses), ($hits, $misses), stringify!($info));
    };
}

#[test]
fn floats_are_compared_by_bits_with_one_zero_and_a_nan_that_equals_itself() {
    #[lru_cache]
    fn f(x: f64) -> u64 {
        x.to_bits()
    }
    let quiet = f64::from_bits(0x7ff8_0000_0000_0001);
    let signalling = f64::from_bits(0x7ff0_0000_0000_0001);
    let negative = f64::from_bits(0xfff8_0000_0000_0000);
    for x in [1.0, f64::NAN, quiet, signalling, negative, f64::INFINITY, f64::MIN_POSITIVE / 2.0] {
        assert_eq!((f(x), f(black_box(x))), (x.to_bits(), x.to_bits()));
    }
    assert_counts!(f_cache_info, 7, 7);
    assert_eq!((f(0.0), f(-0.0), f(black_box(-0.0))), (0, 0, 0));
    assert_counts!(f_cache_info, 9, 8);
}

#[test]
fn floats_may_be_in_options_tuples_slices_arrays_and_vectors() {
    type Alias = f32;
    #[lru_cache]
    fn f(
        a: Option<f64>,
        b: (f32, u8),
        c: &[f64],
        d: [f32; 2],
        e: Vec<(f32, f64)>,
        g: &f32,
        h: Alias,
    ) -> usize {
        let _ = (a, b, d, g, h);
        c.len() + e.len()
    }
    for zero in [0.0, -0.0] {
        let single = zero as f32;
        let pairs = vec![(single, f64::NAN)];
        let found = f(Some(zero), (f32::NAN, 1), &[zero, f64::NAN], [single, 1.0], pairs, &single, single);
        assert_eq!(found, 3);
    }
    assert_counts!(f_cache_info, 1, 1);
    f(None, (f32::NAN, 1), &[0.0, f64::NAN], [0.0, 1.0], vec![(0.0, f64::NAN)], &0.0, 0.0);
    assert_counts!(f_cache_info, 1, 2);
}

#[test]
fn references_are_compared_by_what_they_refer_to() {
    #[lru_cache]
    fn f(
        text: &str,
        numbers: &[u32],
        path: &Path,
        name: &OsStr,
        c: &CStr,
        number: &u32,
        deep: &&str,
    ) -> usize {
        text.len()
            + numbers.len()
            + path.as_os_str().len()
            + name.len()
            + c.to_bytes().len()
            + deep.len()
            + *number as usize
    }
    for _ in 0..2 {
        // Made anew, so that only the contents are the same.
        let (text, numbers) = (String::from("ab"), vec![1, 2, 3]);
        let found = f(&text, &numbers, Path::new("x/y"), OsStr::new("z"), c"c", &4, &text.as_str());
        assert_eq!(found, 16);
    }
    assert_counts!(f_cache_info, 1, 1);
}

#[test]
fn references_may_be_in_options_tuples_slices_and_arrays() {
    #[lru_cache]
    fn f(a: Option<&str>, b: (&str, u32), c: &[&str], d: [&str; 2], e: Option<(&[u8], &str)>) -> usize {
        let texts = [a.unwrap_or_default(), b.0, d[0], d[1], e.map_or("", |e| e.1)];
        texts.iter().chain(c).map(|text| text.len()).sum()
    }
    for _ in 0..2 {
        let text = String::from("abc");
        let text = text.as_str();
        assert_eq!(f(Some(text), (text, 1), &[text, ""], [text, text], Some((text.as_bytes(), text))), 18);
    }
    assert_counts!(f_cache_info, 1, 1);
    assert_eq!(f(None, ("", 1), &[], ["", ""], None), 0);
    assert_eq!(f(Some(""), ("", 1), &[], ["", ""], None), 0);
    assert_counts!(f_cache_info, 1, 3);
}

#[test]
fn the_boundaries_between_arguments_and_elements_matter() {
    #[lru_cache]
    fn strings(a: &str, b: &str) -> String {
        format!("{a}|{b}")
    }
    #[lru_cache]
    fn slices(a: &[&str], b: &[&str]) -> (usize, usize) {
        (a.len(), b.len())
    }
    assert_eq!((strings("ab", "c"), strings("a", "bc")), ("ab|c".to_owned(), "a|bc".to_owned()));
    assert_eq!((slices(&["a", "b"], &["c"]), slices(&["a"], &["b", "c"])), ((2, 1), (1, 2)));
    assert_eq!((slices(&["ab"], &[]), slices(&["a", "b"], &[])), ((1, 0), (2, 0)));
}

#[test]
fn a_cow_is_compared_by_what_it_holds() {
    #[lru_cache]
    fn f(text: Cow<'_, str>) -> usize {
        text.len()
    }
    assert_eq!((f(Cow::Borrowed("ab")), f(Cow::Owned("ab".to_owned()))), (2, 2));
    assert_counts!(f_cache_info, 1, 1);
}

#[test]
fn many_kinds_of_owned_arguments_make_keys() {
    #[lru_cache]
    fn f(
        a: String,
        b: Vec<u8>,
        c: Option<Box<str>>,
        d: Arc<str>,
        e: char,
        g: (),
        h: Result<u8, String>,
    ) -> usize {
        let _ = (e, g, h);
        a.len() + b.len() + c.map_or(0, |c| c.len()) + d.len()
    }
    for _ in 0..2 {
        assert_eq!(f("a".into(), vec![1, 2], Some("b".into()), "c".into(), 'd', (), Err("e".into())), 5);
    }
    assert_counts!(f_cache_info, 1, 1);
}

#[test]
fn patterns_unnamed_arguments_and_mutable_ones_make_keys() {
    struct Point {
        x: u32,
        y: u32,
    }
    // A struct pattern needs a key type of the user's.
    impl std::hash::Hash for Point {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            (self.x, self.y).hash(state);
        }
    }
    impl PartialEq for Point {
        fn eq(&self, other: &Self) -> bool {
            (self.x, self.y) == (other.x, other.y)
        }
    }
    impl Eq for Point {}
    impl Clone for Point {
        fn clone(&self) -> Self {
            Self { ..*self }
        }
    }
    #[lru_cache]
    fn f(
        (a, b): (u32, u32),
        mut c: u32,
        _: u32,
        Point { x, y }: Point,
        [d, ..]: [u32; 3],
        ref e: u32,
        &g: &u32,
    ) -> u32 {
        c += 1;
        a + b + c + x + y + d + e + g
    }
    for _ in 0..2 {
        assert_eq!(f((1, 2), 3, 4, Point { x: 5, y: 6 }, [7, 8, 9], 10, &11), 46);
    }
    assert_counts!(f_cache_info, 1, 1);
    assert_eq!(f((1, 2), 3, 5, Point { x: 5, y: 6 }, [7, 8, 9], 10, &11), 46);
    assert_counts!(f_cache_info, 1, 2);
    assert_eq!(f_cache_peek((1, 2), 3, 4, Point { x: 5, y: 6 }, [7, 8, 9], 10, &11), Some(46));
    f_cache_put((1, 2), 3, 4, Point { x: 5, y: 6 }, [7, 8, 9], 10, &11, 0);
    assert!(f_cache_invalidate((1, 2), 3, 5, Point { x: 5, y: 6 }, [7, 8, 9], 10, &11));
    assert_eq!(f((1, 2), 3, 4, Point { x: 5, y: 6 }, [7, 8, 9], 10, &11), 0);
    assert_eq!(f_cache_refresh((1, 2), 3, 4, Point { x: 5, y: 6 }, [7, 8, 9], 10, &11), 46);
}

#[test]
fn arguments_may_have_the_names_that_generated_code_uses() {
    #[lru_cache]
    fn f(
        cache: u32,
        value: u32,
        miss: u32,
        key: u32,
        f: u32,
        argument_0: u32,
        (state, _): (u32, u32),
    ) -> u32 {
        cache + value + miss + key + f + argument_0 + state
    }
    assert_eq!((f(1, 2, 3, 4, 5, 6, (7, 8)), f(1, 2, 3, 4, 5, 6, (7, 8))), (28, 28));
    f_cache_put(1, 2, 3, 4, 5, 6, (7, 8), 9);
    assert_eq!(f_cache_peek(1, 2, 3, 4, 5, 6, (7, 8)), Some(9));
    assert_eq!(f_cache_refresh(1, 2, 3, 4, 5, 6, (7, 8)), 28);
    assert!(f_cache_invalidate(1, 2, 3, 4, 5, 6, (7, 8)));
}

#[test]
fn no_argument_is_one_key() {
    #[lru_cache]
    fn f() -> u32 {
        1
    }
    assert_eq!((f(), f(), f_cache_peek()), (1, 1, Some(1)));
    f_cache_put(2);
    assert_eq!((f(), f_cache_refresh()), (2, 1));
    assert!(f_cache_invalidate());
    assert_counts!(f_cache_info, 2, 1);
}

#[test]
fn functions_of_one_name_have_caches_of_their_own() {
    fn one() -> u32 {
        #[lru_cache]
        fn f(x: u32) -> u32 {
            x + 1
        }
        f(1)
    }
    fn two() -> u32 {
        #[lru_cache]
        fn f(x: u32) -> u32 {
            x + 2
        }
        f(1)
    }
    assert_eq!((one(), two(), one(), two()), (2, 3, 2, 3));
}

#[test]
fn errors_are_not_cached_however_the_result_is_spelt() {
    type Mine<T> = Result<T, String>;
    type Exact = Result<u32, String>;
    type Swapped<E, T> = Result<T, E>;
    macro_rules! spelt {
        ($($name:ident: $ty:ty, $error:expr;)*) => {$(
            #[lru_cache]
            fn $name(x: u32) -> $ty {
                if x == 0 { Err($error) } else { Ok(x) }
            }
            assert!($name(0).is_err() && $name(0).is_err());
            assert!([$name(1), $name(1)].iter().all(|result| matches!(result, Ok(1))));
            let cache = lru_memo::caches().find(|cache| cache.name().ends_with(concat!("::", stringify!($name))));
            let info = cache.expect("a used cache").info();
            assert_eq!((info.hits, info.misses, info.currsize), (1, 3, 1), stringify!($name));
        )*};
    }
    spelt! {
        plain: Result<u32, String>, String::new();
        with_its_path: ::core::result::Result<u32, ()>, ();
        of_io: io::Result<u32>, io::Error::other("not `Clone`");
        by_an_alias_with_one_parameter: Mine<u32>, String::new();
        by_an_alias_without_parameters: Exact, String::new();
        by_an_alias_that_swaps: Swapped<String, u32>, String::new();
    }
}

#[test]
fn peek_and_put_speak_of_the_value_inside_the_result() {
    type Mine<T> = Result<T, String>;
    #[lru_cache]
    fn f(x: u32) -> Mine<u32> {
        Ok(x)
    }
    f_cache_put(1, 10_u32);
    let peeked: Option<u32> = f_cache_peek(1);
    assert_eq!((peeked, f(1), f_cache_refresh(1)), (Some(10), Ok(10), Ok(1)));
}

#[test]
fn an_absent_option_and_a_unit_are_cached_like_any_value() {
    #[lru_cache]
    fn option(x: u32) -> Option<u32> {
        x.checked_sub(1)
    }
    #[lru_cache]
    fn unit(_: u32) {}
    #[lru_cache]
    fn nested(x: u32) -> Option<Result<u32, String>> {
        (x > 0).then(|| Err("kept".to_owned()))
    }
    assert_eq!((option(0), option(0)), (None, None));
    assert_eq!((unit(0), unit(0)), ((), ()));
    assert_eq!((nested(1), nested(1)), (Some(Err("kept".to_owned())), Some(Err("kept".to_owned()))));
    assert_eq!((option_cache_peek(0), unit_cache_peek(0)), (Some(None), Some(())));
    assert_counts!(option_cache_info, 1, 1);
    assert_counts!(unit_cache_info, 1, 1);
    assert_counts!(nested_cache_info, 1, 1);
}

#[test]
fn with_scope_thread_arguments_and_values_need_not_be_send() {
    #[lru_cache(scope = thread)]
    fn f(name: Rc<str>) -> Rc<RefCell<Vec<u32>>> {
        Rc::new(RefCell::new(vec![name.len() as u32]))
    }
    f("abc".into()).borrow_mut().push(1);
    assert_eq!(*f("abc".into()).borrow(), [3, 1], "one value, shared");
}

#[test]
fn static_references_are_returned_as_they_are() {
    #[lru_cache]
    fn f(word: &'static str) -> &'static str {
        &word[1..]
    }
    let word = "abc";
    assert!(std::ptr::eq(f(word), f(word)) && std::ptr::eq(f(word), &word[1..]));
    assert_counts!(f_cache_info, 2, 1);
}

#[test]
fn unsafe_and_foreign_abi_functions_stay_what_they_are() {
    /// # Safety
    /// `x` is below 3.
    #[lru_cache]
    unsafe fn nth(x: usize) -> u8 {
        // SAFETY: by the caller's promise.
        unsafe { *b"abc".get_unchecked(x) }
    }
    #[lru_cache]
    extern "C" fn foreign(x: u32) -> u32 {
        x + 1
    }
    let pointer: extern "C" fn(u32) -> u32 = foreign;
    // SAFETY: 1 is below 3.
    assert_eq!(unsafe { (nth(1), nth(1)) }, (b'b', b'b'));
    assert_eq!((pointer(1), pointer(1)), (2, 2));
    assert_counts!(nth_cache_info, 1, 1);
    assert_counts!(foreign_cache_info, 1, 1);
}
