//! An attribute with its options and the item under it, read from text as a compiler reads it.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::own::Attribute;

/// How deep groups may be nested, and how many of the same token may follow each other: parsers are recursive, and
/// the compiler's own would give up on more.
const DEPTH: usize = 32;

/// What a macro is called with.
pub(crate) struct Invocation {
    pub(crate) attribute: Attribute,
    pub(crate) options: TokenStream,
    pub(crate) item: TokenStream,
}

impl Invocation {
    /// Reads `#[lru_cache(..)] item` or `#[cache(..)] item`; text without an attribute is an item under a bare one.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let tokens: TokenStream = text.parse().ok()?;
        if depth(&tokens) > DEPTH || has_run(&tokens) {
            return None;
        }
        let mut rest = tokens.clone().into_iter();
        match (rest.next(), rest.next()) {
            (Some(TokenTree::Punct(hash)), Some(TokenTree::Group(group)))
                if hash.as_char() == '#' && group.delimiter() == Delimiter::Bracket =>
            {
                let (attribute, options) = read_attribute(&group);
                Some(Self { attribute, options, item: rest.collect() })
            }
            _ => Some(Self { attribute: Attribute::LruCache, options: TokenStream::new(), item: tokens }),
        }
    }
}

/// The attribute in the brackets: a path that is not `cache` stands for the other one.
fn read_attribute(group: &Group) -> (Attribute, TokenStream) {
    let mut attribute = Attribute::LruCache;
    for token in group.stream() {
        match token {
            TokenTree::Ident(ident) if ident == Attribute::Cache.name() => attribute = Attribute::Cache,
            TokenTree::Group(options) => return (attribute, options.stream()),
            _ => {}
        }
    }
    (attribute, TokenStream::new())
}

fn depth(tokens: &TokenStream) -> usize {
    let inner = tokens.clone().into_iter().map(|token| match token {
        TokenTree::Group(group) => 1 + depth(&group.stream()),
        _ => 0,
    });
    inner.max().unwrap_or(0)
}

/// Whether so many tokens without a delimiter or comma between them are alike that the parser might nest them.
fn has_run(tokens: &TokenStream) -> bool {
    let mut run = 0;
    tokens.clone().into_iter().any(|token| {
        match &token {
            TokenTree::Group(group) if has_run(&group.stream()) => return true,
            TokenTree::Punct(punct) if punct.as_char() != ',' && punct.as_char() != ';' => run += 1,
            TokenTree::Punct(_) => run = 0,
            _ => {}
        }
        run > 4 * DEPTH
    })
}
