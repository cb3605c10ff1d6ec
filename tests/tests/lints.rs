//! Expansions are silent under every lint that a user may have turned on: compiling this file is the better part
//! of the test, under `cargo check` as under `cargo clippy`.

#![forbid(unsafe_code)]
#![deny(
    warnings,
    unused,
    future_incompatible,
    nonstandard_style,
    rust_2018_idioms,
    rust_2021_compatibility,
    rust_2024_compatibility,
    keyword_idents,
    let_underscore,
    absolute_paths_not_starting_with_crate,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_docs,
    non_ascii_idents,
    redundant_imports,
    redundant_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unnameable_types,
    unreachable_pub,
    unused_crate_dependencies,
    unused_extern_crates,
    unused_import_braces,
    unused_lifetimes,
    unused_macro_rules,
    unused_qualifications,
    unused_results,
    variant_size_differences,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::cargo
)]
#![allow(
    unused_crate_dependencies,
    clippy::cargo,
    clippy::redundant_pub_crate,
    reason = "about these tests, not about expansions"
)]

/// Visible from outside as far as the lints can tell.
pub mod public {
    use lru_memo::{cache, lru_cache};

    /// With no argument.
    #[lru_cache]
    #[must_use]
    pub fn nothing() -> u32 {
        1
    }

    /// With no value.
    #[lru_cache]
    pub fn no_value(_x: u32) {}

    /// With a value that is easily forgotten.
    ///
    /// # Panics
    ///
    /// Never, but says so.
    #[lru_cache(maxsize = 2)]
    #[must_use = "it is all there is"]
    #[inline]
    pub fn documented(x: u32, name: &str, names: &[&str]) -> String {
        assert!(x < u32::MAX);
        format!("{x}{name}{}", names.len())
    }

    /// With an error.
    ///
    /// # Errors
    ///
    /// When there is no name.
    #[cache]
    #[inline]
    pub fn fallible(name: &str) -> Result<String, std::fmt::Error> {
        if name.is_empty() { Err(std::fmt::Error) } else { Ok(name.to_owned()) }
    }

    /// With owned arguments that are only looked at.
    #[lru_cache(scope = thread, typed = true)]
    #[must_use]
    #[allow(clippy::needless_pass_by_value)]
    pub fn owned(name: String, values: Vec<f64>) -> Option<usize> {
        name.len().checked_sub(values.len())
    }

    /// With more arguments than are good.
    #[lru_cache]
    #[must_use]
    #[expect(clippy::too_many_arguments, clippy::many_single_char_names, reason = "many is what this is about")]
    #[rustfmt::skip]
    pub fn many(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8, j: u8) -> u8 {
        a + b + c + d + e + f + g + h + i + j
    }

    /// With as many arguments as are good, to which companions add one.
    #[lru_cache]
    #[must_use]
    #[allow(clippy::many_single_char_names)]
    pub fn not_too_many(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8) -> u8 {
        a + b + c + d + e + f + g
    }

    /// For old users only.
    #[lru_cache]
    #[must_use]
    #[deprecated(since = "0.1.0", note = "use `nothing`")]
    pub fn old(x: u32) -> u32 {
        x
    }

    /// There on some machines.
    #[lru_cache]
    #[must_use]
    #[cfg(any())]
    pub fn absent(x: Absent) -> Absent {
        x
    }

    /// There on all machines.
    #[lru_cache]
    #[must_use]
    #[cfg(not(any()))]
    #[cfg_attr(not(any()), inline)]
    pub fn present(x: u32) -> u32 {
        x
    }

    /// With lifetimes that need not be named.
    #[lru_cache]
    #[must_use]
    #[allow(clippy::needless_pass_by_value)]
    pub fn borrowing(text: std::borrow::Cow<'_, str>, path: &std::path::Path, option: Option<&str>) -> usize {
        text.len() + path.as_os_str().len() + option.map_or(0, str::len)
    }
}

mod private {
    use lru_memo::lru_cache;

    #[lru_cache]
    pub(crate) fn changing(mut x: u32, mut name: String) -> String {
        x += 1;
        name.push('!');
        format!("{x}{name}")
    }

    #[lru_cache]
    pub(super) fn patterns((a, b): (u32, u32), _: u32, _ignored: &str, [first, ..]: [u32; 3]) -> u32 {
        a + b + first
    }

    #[lru_cache]
    pub(super) fn unused_argument(#[allow(unused_variables)] x: u32) -> u32 {
        2
    }

    #[lru_cache]
    #[expect(clippy::needless_pass_by_value, reason = "owned is what this is about")]
    pub(super) fn expected(name: String) -> usize {
        name.len()
    }

    #[lru_cache]
    #[allow(non_snake_case)]
    pub(super) fn camelCase(someName: u32) -> u32 {
        someName
    }

    #[lru_cache]
    #[deprecated]
    fn only_cleared(x: u32) -> u32 {
        x
    }

    #[lru_cache(scope = thread)]
    fn only_told<T: Clone + Eq + std::hash::Hash + 'static>(_x: T) -> u32 {
        1
    }

    #[lru_cache]
    fn only_with_outcome(x: u32) -> u32 {
        x
    }

    /// Calls what is called by its companions alone.
    pub(super) fn uses_companions() -> usize {
        #[allow(deprecated)]
        only_cleared_cache_clear();
        let told = only_told_cache_info::<u8>().currsize;
        let (value, _) = only_with_outcome_with_outcome(1);
        told + value as usize
    }

    #[lru_cache]
    #[expect(dead_code, reason = "nobody calls it")]
    fn dead(x: u32) -> u32 {
        x
    }

    /// Uses what is deprecated.
    #[lru_cache]
    #[allow(deprecated)]
    pub(super) fn uses_old(x: u32) -> u32 {
        super::public::old(x)
    }
}

#[test]
fn what_is_silent_works() {
    use lru_memo::lru_cache;

    #[lru_cache]
    fn local(x: u32) -> u32 {
        x
    }

    for _ in 0..2 {
        assert_eq!(public::nothing(), 1);
        public::no_value(1);
        assert_eq!(public::documented(1, "2", &["3"]), "121");
        assert_eq!(public::fallible(""), Err(std::fmt::Error));
        assert_eq!(public::owned("12".to_owned(), vec![1.0]), Some(1));
        assert_eq!(public::many(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), 45);
        assert_eq!(public::present(1), 1);
        assert_eq!(public::borrowing("12".into(), "3".as_ref(), Some("4")), 4);
        assert_eq!(private::changing(1, "2".to_owned()), "22!");
        assert_eq!(private::patterns((1, 2), 3, "4", [5, 6, 7]), 8);
        assert_eq!(private::unused_argument(1), 2);
        assert_eq!(private::expected("12".to_owned()), 2);
        assert_eq!(private::camelCase(1), 1);
        assert_eq!(private::uses_old(1), 1);
        assert_eq!(private::uses_companions(), 1);
        assert_eq!(local(1), 1);
    }
    let hits = [
        public::nothing_cache_info(),
        public::no_value_cache_info(),
        public::documented_cache_info(),
        public::owned_cache_info(),
        public::many_cache_info(),
        public::present_cache_info(),
        public::borrowing_cache_info(),
        private::changing_cache_info(),
        private::patterns_cache_info(),
        private::unused_argument_cache_info(),
        private::expected_cache_info(),
        private::camelCase_cache_info(),
        private::uses_old_cache_info(),
        local_cache_info(),
    ]
    .map(|info| info.hits);
    assert_eq!(hits, [1; 14]);
    assert_eq!(public::fallible_cache_info().misses, 2);
}

/// The tenant is a part of the key, and of nothing else.
mod arguments_that_only_the_key_uses {
    use lru_memo::lru_cache;

    #[lru_cache(key = (tenant, id))]
    fn row(tenant: u32, id: u32) -> u32 {
        id
    }

    #[lru_cache(key = tenant.len(), scope = thread)]
    fn of_length(tenant: &str) -> u32 {
        1
    }

    #[test]
    fn arguments_that_only_the_key_uses_are_used() {
        assert_eq!((row(1, 2), row(2, 2), row_cache_info().misses), (2, 2, 2));
        assert_eq!((of_length("a"), of_length("b"), of_length_cache_info().misses), (1, 1, 1));
    }
}

/// Values that may be old.
pub mod old_values {
    use lru_memo::lru_cache;

    /// Of a function that fails.
    ///
    /// # Errors
    /// For 0.
    #[lru_cache(ttl = "1h", stale = "1h")]
    pub fn fallible(x: u32) -> Result<u32, String> {
        x.checked_sub(1).ok_or_else(|| x.to_string())
    }

    /// Of a task, with single flight.
    #[lru_cache(ttl = "1h", stale = "1h", single_flight = "5s")]
    pub async fn waited_for(x: u32) -> u32 {
        std::future::ready(x).await
    }

    #[cfg(feature = "shared")]
    /// Of all processes.
    #[lru_cache(ttl = "1h", stale = "1h", scope = shared)]
    #[must_use]
    pub fn of_all(x: u32) -> u32 {
        x
    }

    #[test]
    fn what_is_silent_works() {
        assert_eq!((fallible(1), pollster::block_on(waited_for(1))), (Ok(0), 1));
        #[cfg(feature = "shared")]
        {
            lru_memo_tests::in_memory_or_chosen();
            assert_eq!(of_all(1), 1);
        }
    }
}

/// Caches that live in objects.
pub mod objects {
    use std::sync::Arc;

    use lru_memo::{Memo, lru_cache};

    /// An object.
    #[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct Owner {
        /// How many entries there may be.
        pub rows: usize,
        memo: Memo,
    }

    impl Owner {
        /// Of a reference.
        #[lru_cache(maxsize = self.rows, scope = self.memo)]
        #[must_use]
        pub fn borrowed(&self, x: u32) -> u32 {
            x
        }

        /// Of a counted pointer.
        #[lru_cache(scope = self.memo)]
        #[must_use]
        pub fn given_away(self: Arc<Self>, name: &str) -> usize {
            name.len()
        }

        /// Of a method.
        #[lru_cache(scope = self.memo(), single_flight = true)]
        pub async fn waited_for(&self, x: u32) -> u32 {
            std::future::ready(x).await
        }

        /// The caches.
        #[must_use]
        pub const fn memo(&self) -> &Memo {
            &self.memo
        }
    }

    /// With the object as an argument.
    #[lru_cache(scope = owner.memo)]
    #[must_use]
    pub fn function(owner: &Owner, x: u32) -> u32 {
        x
    }

    #[test]
    fn what_is_silent_works() {
        let owner = Arc::new(Owner { rows: 2, ..Owner::default() });
        for _ in 0..2 {
            assert_eq!(
                (owner.borrowed(1), Arc::clone(&owner).given_away("a"), function(&owner, 1)),
                (1, 1, 1)
            );
            assert_eq!(pollster::block_on(owner.waited_for(1)), 1);
        }
        assert!(owner.memo.caches().all(|cache| cache.info().hits == 1));
        assert_eq!(owner.memo.caches().count(), 4);
    }
}
