//! The questions about `fixtures/editor`, and their answers.

use crate::ide::editor::{Ask, Edit};

pub(crate) struct Question {
    /// A change of the file, as if it was typed.
    pub(crate) edit: Edit,
    pub(crate) ask: Ask,
    /// A text of the file; `|` is the cursor.
    pub(crate) at: &'static str,
    pub(crate) answer: &'static str,
}

const fn of(ask: Ask, at: &'static str, answer: &'static str) -> Question {
    Question { edit: None, ask, at, answer }
}

/// A question about the file with a text replaced.
const fn with(
    from: &'static str,
    to: &'static str,
    ask: Ask,
    at: &'static str,
    answer: &'static str,
) -> Question {
    Question { edit: Some((from, to)), ask, at, answer }
}

const LAST: &str = "base * u64::from(height)";
const STATEMENT: &str = "let answer = area(2, 3);";

pub(crate) const QUESTIONS: &[Question] = &[
    // A correct file has no mistakes.
    of(Ask::Mistakes, "", ""),
    // Calls and companions have their types.
    of(Ask::Hover, "let ans|wer", "let answer: u64"),
    of(Ask::Hover, "let kno|wn", "let known: Option<u64>"),
    of(Ask::Hover, "let sco|re ", "let score: Option<String>"),
    of(Ask::Hover, "let surf|aces", "let surfaces: CacheInfo"),
    of(Ask::Hover, "let wo|rds", "let words: Split<'_, char>"),
    of(Ask::Signature, "area(|2, 3);\n    let info", "fn area(width: u32, height: u32) -> u64"),
    of(Ask::Signature, "area_cache_peek(|", "fn area_cache_peek(width: u32, height: u32) -> Option<u64>"),
    // A tooltip shows what the user wrote, or would have written.
    of(Ask::Hover, "= ar|ea(2", "pub fn area(width: u32, height: u32) -> u64"),
    of(Ask::Hover, "area_cache_in|fo", "pub fn area_cache_info() -> ::lru_memo::CacheInfo"),
    of(Ask::Hover, "Engine::score_cache_in|fo", "pub fn score_cache_info() -> ::lru_memo::CacheInfo"),
    of(Ask::Hover, "board: Bo|ard", "pub struct Board(pub Vec<u8>)"),
    of(Ask::Hover, "-> Pl|an", "pub struct Plan(pub String)"),
    // Definitions are the user's own.
    of(Ask::Definition, "= ar|ea(2", "pub fn [area]"),
    of(Ask::Definition, "engine.sco|re(", "pub fn [score]"),
    of(Ask::Definition, "area_cache_in|fo", "pub fn [area]"),
    of(Ask::Definition, "Engine::score_cache_in|fo", "pub fn [score]"),
    of(Ask::Definition, "Engine::surface_cache_in|fo", "fn [surface]"),
    of(Ask::Definition, "board: &Bo|ard", "pub struct [Board]"),
    of(Ask::Definition, "board: Bo|ard", "pub struct [Board]"),
    of(Ask::Definition, "-> Pl|an", "pub struct [Plan]"),
    of(Ask::Definition, "from(wid|th)", "pub fn area([width]"),
    // A new name reaches all uses, those of companions too.
    of(Ask::References, "area(wid|th: u32", "pub fn area([width]\nlet base = u64::from([width]"),
    of(
        Ask::Rename("breadth"),
        "area(wid|th: u32",
        "pub fn area([width] = breadth\nlet base = u64::from([width] = breadth",
    ),
    of(Ask::Rename("size"), "pub fn ar|ea", ""),
    // Completion offers companions, and no hidden name before them.
    with(STATEMENT, "area_cache_", Ask::Completion, "    area_cache_|\n", ""),
    with(STATEMENT, "", Ask::Completion, "pub fn caller(engine: &Engine) -> u64 {\n    |\n", ""),
    with(STATEMENT, "Engine::sc", Ask::Completion, "Engine::sc|\n", ""),
    with(STATEMENT, "engine.sc", Ask::Completion, "engine.sc|\n", ""),
    // A body that is being typed.
    with(LAST, "ba", Ask::Completion, "    ba|\n", "base"),
    with(LAST, "base.wrapping_ad", Ask::Completion, "base.wrapping_ad|", "wrapping_add"),
    with(LAST, "base.", Ask::Hover, "let ba|se", "let base: u64"),
    with(LAST, "base.", Ask::Mistakes, "", ""),
    with("words.last()", "words.la", Ask::Completion, "words.la|", "last"),
    // A mistake is told once, at its place.
    with(
        LAST,
        "let wrong: u8 = base;\n    base",
        Ask::Mistakes,
        "",
        "let wrong: u8 = [base]: expected u8, found u64",
    ),
    with(
        "maxsize = 128",
        "maxsiz = 128",
        Ask::Mistakes,
        "",
        "#[lru_cache([maxsiz]: unknown option `maxsiz`; did you mean `maxsize`?",
    ),
];
