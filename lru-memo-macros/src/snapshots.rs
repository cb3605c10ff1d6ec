//! What the macro writes for five functions, as files beside this one: a reader sees the generated code, and a review
//! sees what a change does to it.
//!
//! `UPDATE_EXPECT=1 cargo test -p lru-memo-macros --features shared` writes the files anew.
//!
//! Two things are left out, because they repeat on every line and other tests check them: the path
//! `::lru_memo::__private::`, and the attributes that switch lints off.

use expect_test::{ExpectFile, expect_file};
use proc_macro2::TokenStream;
use syn::visit_mut::{VisitMut, visit_impl_item_fn_mut, visit_item_fn_mut};
use syn::{Attribute as SynAttribute, ImplItemFn, ItemFn};

use crate::item::memoize;
use crate::own::Attribute;

#[track_caller]
fn check(options: &str, item: &str, expected: ExpectFile) {
    let tokens = |text: &str| text.parse::<TokenStream>().expect("tokens");
    let expansion = memoize(Attribute::LruCache, tokens(options), tokens(item)).to_string();
    let mut file = syn::parse_file(&expansion.replace(":: lru_memo :: __private :: ", "")).expect("items");
    WithoutLints.visit_file_mut(&mut file);
    expected.assert_eq(&prettyplease::unparse(&file));
}

struct WithoutLints;

impl VisitMut for WithoutLints {
    fn visit_item_fn_mut(&mut self, item: &mut ItemFn) {
        item.attrs.retain(is_no_lint);
        visit_item_fn_mut(self, item);
    }

    fn visit_impl_item_fn_mut(&mut self, item: &mut ImplItemFn) {
        item.attrs.retain(is_no_lint);
        visit_impl_item_fn_mut(self, item);
    }
}

fn is_no_lint(attribute: &SynAttribute) -> bool {
    !attribute.path().is_ident("allow")
}

#[test]
fn a_plain_function() {
    let item = "fn area(width: u32, height: u32) -> u32 { width * height }";
    check("maxsize = 128", item, expect_file!["snapshots/plain.rs"]);
}

#[test]
fn a_method() {
    let item = "impl Engine { \
                #[lru_cache(maxsize = 128)] fn score(&self, position: &str) -> i32 { self.search(position) } }";
    check("", item, expect_file!["snapshots/method.rs"]);
}

#[test]
fn a_generic_function() {
    let item = "fn largest<T: Clone + Ord + Hash + Send + Sync + 'static>(values: Vec<T>) -> Option<T> { \
                values.into_iter().max() }";
    check("maxsize = 128", item, expect_file!["snapshots/generic.rs"]);
}

#[test]
fn an_async_function_with_single_flight() {
    let item = "async fn fetch(id: u64) -> Result<Page, FetchError> { get(id).await }";
    check("maxsize = 128, single_flight = true", item, expect_file!["snapshots/asynchronous.rs"]);
}

#[cfg(feature = "shared")]
#[test]
fn a_function_with_a_shared_cache() {
    let item = "fn report(customer: u64, month: &str) -> String { render(customer, month) }";
    check("maxsize = 128, ttl = \"10m\", scope = shared", item, expect_file!["snapshots/shared.rs"]);
}
