//! Formats numbers and names for people.

use std::fmt::{self, Display, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// `512 B`, `1.5 KiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut scaled = bytes as f64;
    let mut shown = format!("{bytes} B");
    for unit in UNITS {
        // A number that rounds to 1024 is 1 of the next unit.
        if scaled < 1023.95 {
            break;
        }
        scaled /= 1024.0;
        shown = format!("{scaled:.1} {unit}");
    }
    shown
}

/// `250ms`, `1.5s`, `2m 5s`, `3h 20m`, `4d 1h`.
pub(crate) fn duration(seconds: f64) -> String {
    if seconds < 1.0 {
        return format!("{:.0}ms", (seconds * 1000.0).floor());
    }
    if seconds < 10.0 && seconds.fract() != 0.0 {
        return format!("{:.1}s", (seconds * 10.0).floor() / 10.0);
    }
    let seconds = seconds as u64;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, ..) => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

/// Formats the time since the last use, which stores know to the minute.
pub(crate) fn idle(seconds: u64) -> String {
    if seconds < 60 { "<1m".to_owned() } else { duration(seconds as f64).replace(" 0s", "") }
}

/// `1 entry`, `2 entries`.
pub(crate) fn count(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// `75.0%`.
pub(crate) fn ratio(ratio: f64) -> String {
    format!("{:.1}%", ratio * 100.0)
}

/// Formats a value, or `-` if there is none.
pub(crate) fn or_dash<T>(value: Option<T>, format: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), format)
}

/// Formats a limit, or `None` as Python does if there is none.
pub(crate) fn limit<T: ToString>(limit: Option<T>) -> String {
    limit.map_or_else(|| "None".to_owned(), |limit| limit.to_string())
}

/// Whether a character is invisible, or may affect the terminal or its neighbours. These are the characters that Rust's
/// `Debug` escapes, except those that matter in literals only.
pub(crate) fn is_hidden(c: char) -> bool {
    !matches!(c, '"' | '\'' | '\\') && c.escape_debug().len() > 1
}

/// Returns a text with all such characters escaped.
pub(crate) fn visible(text: &str) -> String {
    let escape = |c: char| if is_hidden(c) { c.escape_debug().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

/// The maximum width of a name, and of a key or a value without a screen.
pub(crate) const LONGEST: usize = 80;

/// Returns a name, [visible] and cut to its maximum width with an ellipsis.
pub(crate) fn name(name: &str) -> String {
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => visible(&name[..end]) + "\u{2026}",
        None => visible(name),
    }
}

/// Returns the id of a namespace.
pub(crate) fn id(id: u128) -> String {
    format!("{id:032x}")
}

/// Returns a text, [visible] and cut to this width with an ellipsis.
pub(crate) fn cut(text: &impl Display, width: usize) -> String {
    let mut cut = Cut { text: String::new(), left: width };
    // Only the part of a long text that is shown is formatted.
    if write!(cut, "{text}").is_err() {
        while cut.text.width() >= width && cut.text.pop().is_some() {}
        cut.text.push('\u{2026}');
    }
    cut.text
}

/// A text that has an end.
struct Cut {
    text: String,
    left: usize,
}

impl Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            for character in visible(character.encode_utf8(&mut [0; 4])).chars() {
                let width = character.width().unwrap_or(0);
                self.left = self.left.checked_sub(width).ok_or(fmt::Error)?;
                self.text.push(character);
            }
        }
        Ok(())
    }
}

/// The end of a text, no longer than this.
pub(crate) fn cut_start(text: &str, length: usize) -> String {
    let count = text.chars().count();
    text.chars().skip(count.saturating_sub(length)).collect()
}

#[cfg(test)]
mod tests {
    use super::{bytes, cut, duration, idle, name, visible};

    #[test]
    fn bytes_are_told_in_the_largest_unit_that_fits() {
        let told = [0, 1023, 1024, 1536, 1 << 20, (1 << 20) - 1, 3 << 30, u64::MAX].map(bytes);
        let expected =
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "1.0 MiB", "3.0 GiB", "16777216.0 TiB"];
        assert_eq!(told, expected);
    }

    #[test]
    fn durations_are_told_in_their_two_largest_units() {
        let told = [0.0, 0.25, 1.0, 1.59, 59.9, 125.0, 12_000.0, 349_200.0].map(duration);
        assert_eq!(told, ["0ms", "250ms", "1s", "1.5s", "59s", "2m 5s", "3h 20m", "4d 1h"]);
        assert_eq!([0, 59, 60, 3600].map(idle), ["<1m", "<1m", "1m", "1h 0m"]);
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(name("f\u{1b}[2J\n<ü>"), "f\\u{1b}[2J\\n<ü>");
        assert_eq!(visible("\u{9b}\u{7f}\u{202e}\u{200b}"), "\\u{9b}\\u{7f}\\u{202e}\\u{200b}");
        assert_eq!(visible("<F as \\ \"a'b\">"), "<F as \\ \"a'b\">");
    }

    #[test]
    fn no_character_at_all_steers_the_terminal_turns_text_around_or_hides() {
        let does_something = |c: char| {
            c.is_control()
                || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{feff}')
                || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e007f}')
        };
        let shown = ('\0'..=char::MAX).map(|c| visible(c.encode_utf8(&mut [0; 4])));
        let wrong: Vec<String> = shown.filter(|shown| shown.chars().any(does_something)).collect();
        assert_eq!(wrong, [""; 0]);
    }

    #[test]
    fn a_name_is_cut_where_a_screen_ends() {
        assert_eq!(name(&"é".repeat(80)), "é".repeat(80));
        assert_eq!(name(&"é".repeat(81)), "é".repeat(80) + "…");
    }

    #[test]
    fn a_text_is_as_wide_as_it_looks() {
        let of_width = |text: &'static str| move |width| cut(&text, width);
        let wide = "\u{65e5}\u{672c}";
        assert_eq!([3, 4, 5].map(of_width(wide)), ["\u{65e5}\u{2026}", wide, wide]);
        assert_eq!([0, 1, 2, 3].map(of_width("abc")), ["\u{2026}", "\u{2026}", "a\u{2026}", "abc"]);
        assert_eq!(cut(&"\u{202e}abc", 9), "\\u{202e}\u{2026}");
    }
}
