//! The questions about `fixtures/editor`, and their answers.

use crate::ide::editor::Ask::{Completion, Definition, Hover, Mistakes, References, Rename, Signature};
use crate::ide::editor::{Ask, Edit};

pub(crate) struct Question {
    /// A change of the file, as if a user had typed it.
    pub(crate) edit: Edit,
    pub(crate) ask: Ask,
    /// A text of the file; `|` is the cursor.
    pub(crate) at: &'static str,
    pub(crate) answer: &'static str,
}

/// A question about the file as it is.
const fn of(ask: Ask, at: &'static str, answer: &'static str) -> Question {
    Question { edit: None, ask, at, answer }
}

/// A question about the file, changed.
const fn with(
    edit: (&'static str, &'static str),
    ask: Ask,
    at: &'static str,
    answer: &'static str,
) -> Question {
    Question { edit: Some(edit), ask, at, answer }
}

/// Types at the end of a memoized body.
const fn in_body(text: &'static str) -> (&'static str, &'static str) {
    ("base * u64::from(height)", text)
}

/// Types in a function that uses the memoized ones.
const fn in_caller(text: &'static str) -> (&'static str, &'static str) {
    ("let answer = area(2, 3);", text)
}

pub(crate) const QUESTIONS: &[Question] = &[
    // A correct file has no mistakes.
    of(Mistakes, "", ""),
    // Results have their types, and those of companions too.
    of(Hover, "let ans|wer", "let answer: u64"),
    of(Hover, "let kno|wn", "let known: Option<u64>"),
    of(Hover, "let sco|re ", "let score: Option<String>"),
    of(Hover, "let surf|aces", "let surfaces: CacheInfo"),
    of(Hover, "let wo|rds", "let words: Split<'_, char>"),
    of(Signature, "= area(|2", "fn area(width: u32, height: u32) -> u64"),
    of(Signature, "area_cache_peek(|", "fn area_cache_peek(width: u32, height: u32) -> Option<u64>"),
    // A tooltip shows what the user wrote, or would have written.
    of(Hover, "= ar|ea(2", "pub fn area(width: u32, height: u32) -> u64"),
    of(Hover, "area_cache_in|fo", "pub fn area_cache_info() -> ::lru_memo::CacheInfo"),
    of(Hover, "Engine::score_cache_in|fo", "pub fn score_cache_info() -> ::lru_memo::CacheInfo"),
    of(Hover, "board: &Bo|ard", "pub struct Board(pub Vec<u8>)"),
    of(Hover, "board: Bo|ard", "pub struct Board(pub Vec<u8>)"),
    of(Hover, "-> Pl|an", "pub struct Plan(pub String)"),
    of(Hover, "impl Sha|pe for", "pub trait Shape"),
    of(Hover, "impl Shape for Eng|ine", "pub struct Engine {\n    depth: u32,\n}"),
    of(Hover, "#[lru_ca|che(maxsize = 128", "proc_macro lru_cache"),
    // The function itself shows its companions as well.
    of(
        Hover,
        "fn sur|face(&self, scale: u32) -> u32 {",
        "fn surface(&self, scale: u32) -> u32\n\
         pub fn surface_uncached(&self, scale: u32) -> u32\n\
         pub fn surface_cache_info() -> ::lru_memo::CacheInfo\n\
         pub fn surface_cache_totals() -> ::lru_memo::CacheTotals\n\
         pub fn surface_cache_clear()\n\
         pub fn surface_cache_parameters() -> ::lru_memo::CacheParameters\n\
         pub fn surface_cache_invalidate(&self, scale: u32) -> ::core::primitive::bool\n\
         pub fn surface_cache_peek(&self, scale: u32) -> ::core::option::Option<u32>\n\
         pub fn surface_cache_put(&self, scale: u32, __lru_memo_value: u32)\n\
         pub fn surface_cache_refresh(&self, scale: u32) -> u32\n\
         pub fn surface_with_outcome(&self, scale: u32) -> (u32, ::lru_memo::Outcome)\n\
         pub fn surface_cache_invalidate_if(__lru_memo_predicate: \
         impl ::core::ops::FnMut(&u32, &u32) -> ::core::primitive::bool) -> ::core::primitive::usize\n\
         pub fn surface_cache_resize(__lru_memo_maxsize: ::core::primitive::usize)",
    ),
    // A definition is the user's own, and there is one.
    of(Definition, "= ar|ea(2", "pub fn [area]"),
    of(Definition, "pub fn ar|ea", "pub fn [area]"),
    of(Definition, "engine.sco|re(", "pub fn [score]"),
    of(Definition, "area_cache_in|fo", "pub fn [area]"),
    of(Definition, "Engine::score_cache_in|fo", "pub fn [score]"),
    of(Definition, "Engine::surface_cache_in|fo", "fn [surface]"),
    of(Definition, "board: &Bo|ard", "pub struct [Board]"),
    of(Definition, "board: Bo|ard", "pub struct [Board]"),
    of(Definition, "-> Pl|an", "pub struct [Plan]"),
    of(Definition, "from(wid|th)", "pub fn area([width]"),
    // A new name reaches every use, and a function's new name its companions.
    of(References, "area(wid|th: u32", "pub fn area([width]\nlet base = u64::from([width]"),
    of(
        Rename("breadth"),
        "area(wid|th: u32",
        "pub fn area([width] = breadth\n\
         let base = u64::from([width] = breadth",
    ),
    of(
        Rename("size"),
        "pub fn ar|ea",
        "pub fn [area] = size\n\
         let answer = [area] = size\n\
         let info = [area_cache_info] = size_cache_info\n\
         let known = [area_cache_peek] = size_cache_peek",
    ),
    // Completion offers companions, and no name that is reserved.
    with(
        in_caller("area_cache_"),
        Completion,
        "    area_cache_|",
        "area_cache_clear, area_cache_info, area_cache_invalidate, area_cache_invalidate_if, \
         area_cache_parameters, area_cache_peek, area_cache_put, area_cache_refresh, area_cache_resize, \
         area_cache_totals",
    ),
    with(
        in_caller("engine.sc"),
        Completion,
        "engine.sc|\n",
        "score, score_cache_invalidate, score_cache_peek, score_cache_put, score_cache_refresh, \
         score_uncached, score_with_outcome",
    ),
    with(in_caller("_"), Completion, " _|\n", ""),
    // The same holds in a body that is being typed.
    with(in_body("ba"), Completion, " ba|\n", "base"),
    with(in_body("base.is_pow"), Completion, "base.is_pow|", "is_power_of_two"),
    with(("words.last()", "words.las"), Completion, "words.las|", "last(as Iterator)"),
    with(in_body("base."), Hover, "let ba|se", "let base: u64"),
    with(in_body("(base."), Definition, "from(wid|th)", "pub fn area([width]"),
    // A mistake is told once, at its place.
    with(in_body("base."), Mistakes, "", "base.[]: Syntax Error: expected field name or number"),
    with(
        in_body("let wrong: u8 = base;\n    base"),
        Mistakes,
        "",
        "let wrong: u8 = [base]: expected u8, found u64",
    ),
    with(
        ("maxsize = 128", "maxsiz = 128"),
        Mistakes,
        "",
        "#[lru_cache([maxsiz]: unknown option `maxsiz`; did you mean `maxsize`?",
    ),
];
