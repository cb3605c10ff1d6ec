//! Parses the user's text, in the tokens of Rust.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseBuffer, ParseStream, Parser};
use syn::{Ident, Lit, Result, Token, braced, bracketed, parenthesized, token};

/// The parsed text. A type is known only if it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Spelling {
    Bool(bool),
    /// The digits, with the type if it was written: `7u32`.
    Number(String, String),
    Char(char),
    Text(String),
    Bytes(Vec<u8>),
    /// `None`, `NaN`, or the name of a variant or a struct without contents.
    Word(String),
    Tuple(Vec<Spelling>),
    List(Vec<Spelling>),
    /// A map, with its keys and values.
    Map(Vec<(Spelling, Spelling)>),
    /// `Some(1)`, `Point(1, 2)`.
    Call(String, Vec<Spelling>),
    /// `Point { x: 1, y: 2 }`.
    Record(String, Vec<(String, Spelling)>),
}

/// The maximum nesting. No store holds data that is nested more deeply.
const DEPTH: usize = 128;
const TOO_DEEP: &str = "this is nested too deeply";

/// Whether a name is an identifier without another meaning, and needs no quotes.
pub(super) fn is_word(name: &str) -> bool {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !matches!(name, "true" | "false" | "None" | "Some" | "_")
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(is_of_word)
}

impl Spelling {
    /// Reads a whole text.
    pub(super) fn read(text: &str) -> Result<Self> {
        let tokens: TokenStream = text.parse()?;
        // Asked first, because `syn` takes stack for each level.
        if is_deeper(&tokens, DEPTH) {
            return Err(syn::Error::new(Span::call_site(), TOO_DEEP));
        }
        (|input: ParseStream<'_>| parse(input, DEPTH)).parse2(tokens)
    }
}

/// Whether groups are nested in more than so many levels.
fn is_deeper(tokens: &TokenStream, levels: usize) -> bool {
    let mut groups = tokens.clone().into_iter().filter_map(|token| match token {
        TokenTree::Group(group) => Some(group.stream()),
        _ => None,
    });
    groups.any(|inside| levels == 0 || is_deeper(&inside, levels - 1))
}

fn parse(input: ParseStream<'_>, depth: usize) -> Result<Spelling> {
    let Some(depth) = depth.checked_sub(1) else { return Err(input.error(TOO_DEEP)) };
    if input.peek(token::Paren) {
        let (mut elements, has_comma) = parenthesis(input, depth)?;
        // As in Rust, one element is a tuple only with a comma.
        let one = if elements.len() == 1 && !has_comma { elements.pop() } else { None };
        return Ok(one.unwrap_or(Spelling::Tuple(elements)));
    }
    if input.peek(token::Bracket) {
        let inside;
        bracketed!(inside in input);
        return Ok(Spelling::List(all(&inside, |inside| parse(inside, depth))?.0));
    }
    if input.peek(token::Brace) {
        return Ok(Spelling::Map(entries(input, |inside| parse(inside, depth), depth)?));
    }
    let is_infinite = input.peek(Token![-]) && input.peek2(Ident::peek_any);
    if is_infinite {
        input.parse::<Token![-]>()?;
        return Ok(Spelling::Word(format!("-{}", input.call(Ident::parse_any)?)));
    }
    if input.peek(Lit) {
        let literal = input.parse()?;
        return match literal {
            Lit::Str(text) => named(input, text.value(), Spelling::Text, depth),
            Lit::ByteStr(bytes) => Ok(Spelling::Bytes(bytes.value())),
            Lit::Byte(byte) => Ok(Spelling::Number(byte.value().to_string(), "u8".to_owned())),
            Lit::Char(character) => Ok(Spelling::Char(character.value())),
            Lit::Int(number) => Ok(Spelling::Number(number.base10_digits().into(), number.suffix().into())),
            Lit::Float(number) => Ok(Spelling::Number(number.base10_digits().into(), number.suffix().into())),
            Lit::Bool(value) => Ok(Spelling::Bool(value.value)),
            other => Err(syn::Error::new(other.span(), "no key holds this")),
        };
    }
    name(input).and_then(|name| named(input, name, Spelling::Word, depth))
}

fn name(input: ParseStream<'_>) -> Result<String> {
    if input.peek(syn::LitStr) {
        return Ok(input.parse::<syn::LitStr>()?.value());
    }
    Ok(input.call(Ident::parse_any)?.to_string())
}

/// Parses a name, and the contents after it if there are any.
fn named(
    input: ParseStream<'_>,
    name_before: String,
    alone: fn(String) -> Spelling,
    depth: usize,
) -> Result<Spelling> {
    if input.peek(token::Paren) {
        return Ok(Spelling::Call(name_before, parenthesis(input, depth)?.0));
    }
    if input.peek(token::Brace) {
        return Ok(Spelling::Record(name_before, entries(input, name, depth)?));
    }
    Ok(alone(name_before))
}

/// Parses the elements in parentheses, and returns whether a comma follows the last one.
fn parenthesis(input: ParseStream<'_>, depth: usize) -> Result<(Vec<Spelling>, bool)> {
    let inside;
    parenthesized!(inside in input);
    all(&inside, |inside| parse(inside, depth))
}

/// Parses the entries in braces: keys or names, with values.
fn entries<K>(
    input: ParseStream<'_>,
    key: impl Fn(ParseStream<'_>) -> Result<K>,
    depth: usize,
) -> Result<Vec<(K, Spelling)>> {
    let inside;
    braced!(inside in input);
    let entry = |inside: ParseStream<'_>| {
        let key = key(inside)?;
        inside.parse::<Token![:]>()?;
        Ok((key, parse(inside, depth)?))
    };
    Ok(all(&inside, entry)?.0)
}

/// Parses elements between commas, and returns whether a comma follows the last one.
fn all<T>(inside: &ParseBuffer<'_>, one: impl Fn(ParseStream<'_>) -> Result<T>) -> Result<(Vec<T>, bool)> {
    let (mut all, mut has_comma) = (Vec::new(), false);
    while !inside.is_empty() {
        all.push(one(inside)?);
        has_comma = !inside.is_empty();
        if has_comma {
            inside.parse::<Token![,]>()?;
        }
    }
    Ok((all, has_comma))
}
