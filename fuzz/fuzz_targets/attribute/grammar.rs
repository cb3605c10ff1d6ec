//! Attributes and items put together from pieces that belong there, so that they get deep into the macros.

use std::fmt;

use arbitrary::{Arbitrary, Result, Unstructured};

/// An attribute on an item, as text.
pub(crate) struct Source {
    pub(crate) text: String,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'a> Arbitrary<'a> for Source {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        Self::arbitrary_take_rest(std::mem::replace(bytes, Unstructured::new(&[])))
    }

    fn arbitrary_take_rest(mut bytes: Unstructured<'a>) -> Result<Self> {
        if bytes.peek_bytes(1).is_none_or(|first| first[0].is_ascii()) {
            let text =
                std::str::from_utf8(bytes.take_rest()).map_err(|_| arbitrary::Error::IncorrectFormat)?;
            return Ok(Self { text: text.to_owned() });
        }
        bytes.bytes(1)?;
        let mut text = String::new();
        invocation(&mut Writer { bytes, text: &mut text })?;
        Ok(Self { text })
    }
}

/// The options; `$e` stands for an expression, `$t` for a type, `$p` for the name of a parameter.
const OPTIONS: &[&str] = &[
    "maxsize = $e",
    "maxsize = None",
    "maxsize = 2",
    "maxsize = -1",
    "maxsize",
    "$e",
    "typed = true",
    "typed = $e",
    "scope = process",
    "scope = thread",
    "scope = shared",
    "scope = $p",
    "scope = $e",
    "scope = self.memo",
    "scope = a.0.memo()",
    "scope = self.of(a).memo",
    "ttl = \"90s\"",
    "ttl = \"1h 30m\"",
    "ttl = \"18446744073709551616ns\"",
    "ttl = \"584942417355d\"",
    "ttl = \"9\u{b5}s x\"",
    "ttl = $e",
    "ttl_of = |$p| $e",
    "ttl_of = $p",
    "jitter = \"1m\"",
    "jitter = $e",
    "idle = \"10m\"",
    "idle = $e",
    "stale = \"1h\"",
    "stale = $e",
    "key = $e",
    "key = $p",
    "key = ($p, $e, $e)",
    "key = ()",
    "skip($p)",
    "skip($p, self)",
    "skip()",
    "skip = $p",
    "cache_if = |$p| $e",
    "cache_if = $e",
    "cache_err = true",
    "single_flight = true",
    "advise = true",
    "advise = $e",
    "max_weight = $e",
    "weigh = |$p, _| $e",
    "hasher = $t",
    "name = \"n\"",
    "name = $e",
    "version = 2",
    "version = 18446744073709551616",
    "version = $e",
    "crate = a::b",
    "crate = crate::$p",
    "crate = $t",
    "maxsise = 3",
    "r#maxsize = 3",
    "fn = 3",
];

const EXPRESSIONS: &[&str] = &[
    "1",
    "LIMIT",
    "$p",
    "$p.id",
    "&$p",
    "&&$p[..]",
    "-$e",
    "!$e",
    "$e + $e",
    "($e, $e)",
    "($e,)",
    "()",
    "[$e; 3]",
    "|$p: $t| $e",
    "move || $e",
    "{ let $n = $e; $e }",
    "if $e { $e } else { $e }",
    "match $e { $n => $e }",
    "$p.f::<$t>($e)",
    "<$t>::g($e)",
    "unsafe { $e }",
    "async { $e }",
    "const { $e }",
    "$e?",
    "$e as $t",
    "S { x: $e }",
    "m!($e)",
    "return $e",
    "\"text\"",
    "1.5",
    "$p = $e",
    "self",
    "..",
    "loop { break $e; }",
    "|| -> $t { $e }",
];

const TYPES: &[&str] = &[
    "u32",
    "f64",
    "String",
    "()",
    "!",
    "_",
    "T",
    "Self",
    "Self::A",
    "&str",
    "&$t",
    "&'a $t",
    "&'static $t",
    "&mut $t",
    "($t, $t)",
    "($t,)",
    "($t)",
    "[$t]",
    "[$t; N]",
    "[$t; { $e }]",
    "Option<$t>",
    "Vec<$t>",
    "Cow<'a, $t>",
    "Cow<$t>",
    "Option<$t, $t>",
    "Option",
    "Option()",
    "Option<'a>",
    "Result<$t, $t>",
    "std::result::Result<$t, ()>",
    "io::Result<$t>",
    "Result",
    "Result<>",
    "Result<'a>",
    "<$t as A>::Result<$t>",
    "impl Fn($t) -> $t",
    "impl A + 'a",
    "impl A<$t>",
    "dyn A + 'a",
    "dyn Fn(&mut $t)",
    "fn(&mut $t) -> $t",
    "for<'b> fn(&'b $t)",
    "*const $t",
    "Box<dyn A>",
    "m!($t)",
    "C<{ $e }>",
    "C<A = $t>",
    "C<A: B>",
    "impl for<'b> A<'b>",
    "&(impl A + B)",
    "&(dyn A + Send)",
];

const PATTERNS: &[&str] = &[
    "x",
    "y",
    "r#type",
    "_",
    "mut x",
    "ref x",
    "ref mut y",
    "x @ _",
    "($n, $n)",
    "(a, ..)",
    "&$n",
    "S { x, .. }",
    "S(x)",
    "[a, b]",
    "[a, ..]",
    "_x",
    "value",
    "key",
    "cache",
    "(x)",
    "m!()",
    "1 | 2",
];

const NAMES: &[&str] = &["x", "y", "a", "value", "r#type", "_x", "self", "key", "argument_0", "None"];

const RECEIVERS: &[&str] = &[
    "self",
    "&self",
    "&'a self",
    "&mut self",
    "mut self",
    "self: &Self",
    "self: &mut Self",
    "self: Arc<Self>",
    "self: $t",
    "mut self: $t",
    "#[lru_cache(skip)] &self",
];

const MODIFIERS: &[&str] = &[
    "",
    "",
    "",
    "",
    "pub ",
    "pub(crate) ",
    "pub(in a::b) ",
    "async ",
    "unsafe ",
    "const ",
    "extern \"C\" ",
    "extern ",
    "async unsafe ",
    "default ",
    "safe ",
    "pub const unsafe extern \"C\" ",
];

const GENERICS: &[&str] = &[
    "",
    "",
    "",
    "",
    "<T>",
    "<'a>",
    "<'a, T: A + 'a>",
    "<const N: usize>",
    "<T, const N: usize>",
    "<T: ?Sized = u8>",
    "<'a, 'b: 'a, T>",
    "<>",
    "<#[cfg(a)] T>",
];

const ATTRIBUTES: &[&str] = &[
    "",
    "",
    "",
    "",
    "#[inline] ",
    "#[must_use = \"so\"] ",
    "/// Says.\n",
    "#[cfg(a)] ",
    "#[cfg_attr(a, inline)] ",
    "#[allow(dead_code)] ",
    "#[deprecated] ",
    "#[no_mangle] ",
    "#[unsafe(no_mangle)] ",
    "#[a::b = $e] ",
    "#[lru_cache(skip)] ",
    "#[track_caller] ",
    "#[expect(unused)] ",
    "#[test] ",
    "#[doc(hidden)] ",
    "#[target_feature(enable = \"a\")] ",
];

const BODIES: &[&str] = &[
    "{}",
    "{ $e }",
    "{ Self::f() }",
    "{ #![allow(a)] $e }",
    "{ fn g(&self) -> Self { $e } $e }",
    ";",
    "{ $e; }",
];

/// How deep expressions and types may be nested.
const DEPTH: usize = 5;

struct Writer<'a, 't> {
    bytes: Unstructured<'a>,
    text: &'t mut String,
}

impl Writer<'_, '_> {
    /// Writes one of the pieces, its `$` filled in.
    fn one_of(&mut self, pieces: &[&str], depth: usize) -> Result<()> {
        // What is out of depth, or out of bytes, is the first, which has nothing to be filled in.
        let piece = if depth == 0 { pieces[0] } else { self.bytes.choose(pieces)? };
        let mut parts = piece.split('$');
        self.text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let (kind, rest) = part.split_at(1);
            let pieces = match kind {
                "e" => EXPRESSIONS,
                "t" => TYPES,
                "n" => PATTERNS,
                _ => NAMES,
            };
            self.one_of(pieces, depth.saturating_sub(1))?;
            self.text.push_str(rest);
        }
        Ok(())
    }

    /// Writes up to so many elements with something after each.
    fn several(&mut self, most: usize, after: &str, element: impl Fn(&mut Self) -> Result<()>) -> Result<()> {
        for _ in 0..self.bytes.int_in_range(0..=most)? {
            element(self)?;
            self.text.push_str(after);
        }
        Ok(())
    }
}

fn invocation(to: &mut Writer<'_, '_>) -> Result<()> {
    match to.bytes.int_in_range(0..=7)? {
        0..=4 => {
            attribute(to)?;
            function(to)
        }
        5 | 6 => {
            to.one_of(&["#[lru_cache] ", "#[cache] ", "#[lru_cache()] ", "#[lru_cache(maxsize = 1)] "], 1)?;
            block(to)
        }
        _ => {
            attribute(to)?;
            to.one_of(
                &[
                    "struct S;",
                    "const X: $t = $e;",
                    "static X: $t = $e;",
                    "mod m {}",
                    "trait A { fn f(&self); }",
                    "$e",
                    "",
                ],
                DEPTH,
            )
        }
    }
}

fn attribute(to: &mut Writer<'_, '_>) -> Result<()> {
    to.one_of(&["#[lru_cache(", "#[cache(", "#[lru_memo::lru_cache("], 1)?;
    let after = *to.bytes.choose(&[", ", ", ", ", ", ", ", " ", "; "])?;
    to.several(4, after, |to| to.one_of(OPTIONS, DEPTH))?;
    to.text.push_str(")]\n");
    Ok(())
}

fn function(to: &mut Writer<'_, '_>) -> Result<()> {
    to.several(2, "", |to| to.one_of(ATTRIBUTES, DEPTH))?;
    to.one_of(MODIFIERS, 1)?;
    to.text.push_str("fn ");
    to.one_of(&["f", "g", "r#fn", "r#async", "_f", "f_cache_info"], 1)?;
    to.one_of(GENERICS, 1)?;
    to.text.push('(');
    if to.bytes.ratio(1_u8, 3)? {
        to.one_of(RECEIVERS, DEPTH)?;
        to.text.push_str(", ");
    }
    to.several(4, ", ", |to| {
        to.one_of(ATTRIBUTES, 1)?;
        to.one_of(PATTERNS, 2)?;
        to.text.push_str(": ");
        to.one_of(TYPES, DEPTH)
    })?;
    to.one_of(&["", "", "", "", "...", "args: ..."], 1)?;
    to.text.push(')');
    if to.bytes.ratio(3_u8, 4)? {
        to.text.push_str(" -> ");
        to.one_of(TYPES, DEPTH)?;
    }
    to.one_of(&[" ", " ", " where T: A ", " where $t: A<$t>, ", " where for<'b> &'b T: A, "], DEPTH)?;
    to.one_of(BODIES, DEPTH)
}

fn block(to: &mut Writer<'_, '_>) -> Result<()> {
    to.one_of(
        &[
            "impl",
            "unsafe impl",
            "impl<T>",
            "impl<'a, T: A, const N: usize>",
            "#[cfg(a)] impl",
            "default impl",
        ],
        1,
    )?;
    to.one_of(&[" ", " A for ", " A<T> for ", " !A for ", " a::A<$t> for ", " const A for "], DEPTH)?;
    to.one_of(&["S", "S<T>", "S<'a, T, N>", "$t"], DEPTH)?;
    to.one_of(&[" ", " where T: A "], 1)?;
    to.text.push_str("{ ");
    to.several(3, "\n", |to| {
        match to.bytes.int_in_range(0..=7)? {
            0 => to.text.push_str("#[lru_cache]\n"),
            1 => to.text.push_str("#[a::cache = 3]\n"),
            2 => to
                .one_of(&["const X: $t = $e;", "type A = $t;", "m!();", "fn plain(&self) {}"], DEPTH)
                .map(drop)?,
            _ => attribute(to)?,
        }
        function(to)
    })?;
    to.text.push('}');
    Ok(())
}
