//! The dashboard on the screen of a terminal emulator, and keys that are pressed there.

use std::fs;
use std::num::NonZero;
use std::path::Path;
use std::time::{Duration, Instant};

use crossterm::event::KeyCode;

use super::{Dashboard, Wish};
use crate::row::{Row, Totals};
use crate::terminal::paint;

/// What is on a screen of this size, and the rows that are shown reversed.
fn screen(dashboard: &Dashboard, width: u16, height: u16) -> (String, Vec<String>) {
    let size = |length| NonZero::new(length).expect("not zero");
    let mut terminal = vt100::Parser::new(size(height), size(width), 0);
    let mut bytes = Vec::new();
    let lines = dashboard.page(width.into(), height.into());
    assert_eq!(lines.len(), usize::from(height), "a line for each row of the screen");
    paint(&mut bytes, &lines).expect("it is written to memory");
    terminal.process(&bytes);
    let screen = terminal.screen();
    let rows: Vec<_> = screen.rows(0, width).map(|row| row.trim_end().to_owned()).collect();
    let is_reversed = |row: &usize| screen.cell(*row as u16, 0).is_some_and(vt100::Cell::inverse);
    let reversed = (0..rows.len()).filter(is_reversed).map(|row| rows[row].clone()).collect();
    (rows.join("\n") + "\n", reversed)
}

/// Compares with the file of this name, and names what differs.
fn is_snapshot(name: &str, shown: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/top/dashboard/snapshots").join(name);
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(shown == expected, "{} differs from this:\n{shown}", path.display());
}

fn row(name: &str, hits: u64, misses: u64, currsize: usize, maxsize: Option<usize>) -> Row {
    let bytes = Some(currsize as u64 * 333);
    let totals = Totals {
        hits,
        misses,
        evictions: misses - (currsize as u64).min(misses),
        expirations: 0,
        stale_hits: 0,
        errors: misses / 100,
        waits: 0,
        compute_seconds: misses as f64 * 0.03,
        saved_seconds: hits as f64 * 0.03,
    };
    Row {
        currsize,
        maxsize,
        bytes,
        totals: Some(totals),
        idle_seconds: Some(59),
        ..Row::named(name, hits, misses)
    }
}

/// Namespaces that were looked at for a minute and a half.
fn dashboard() -> Dashboard {
    let mut dashboard = Dashboard::new(Duration::from_secs(1));
    let start = Instant::now();
    for second in 0..90 {
        let (second, now) = (second as u64, start + Duration::from_secs(second as u64));
        let warm = (0..second).map(|second| second.min(40)).sum();
        let rows = vec![
            row("shop::catalog::price_of", warm, second * 40 - warm, 9_999, Some(10_000)),
            row("shop::user", 1_200_345 + second * 1_234, 30_400, 128, Some(128)),
            row(
                "shop::recommendations::similar_products_of_a_customer",
                second / 10 * 3,
                second / 10,
                7,
                None,
            ),
            row("shop::never_called", 0, 0, 0, Some(16)),
        ];
        dashboard.update(rows, Vec::new(), now);
    }
    dashboard
}

fn press(dashboard: &mut Dashboard, keys: &str) -> Wish {
    let mut wish = Wish::Nothing;
    for key in keys.chars() {
        wish = dashboard.press(match key {
            '\n' => KeyCode::Enter,
            '\x1b' => KeyCode::Esc,
            '\x08' => KeyCode::Backspace,
            '\u{2191}' => KeyCode::Up,
            '\u{2193}' => KeyCode::Down,
            character => KeyCode::Char(character),
        });
    }
    wish
}

/// The names of the namespaces from above.
fn names(dashboard: &Dashboard) -> Vec<String> {
    dashboard.shown().into_iter().map(|row| row.name.replace("shop::", "")).collect()
}

#[test]
fn a_screen_of_80_columns_has_whole_columns_and_the_most_important_ones() {
    let (shown, _) = screen(&dashboard(), 80, 24);
    is_snapshot("80x24.txt", &shown);
}

#[test]
fn a_wide_screen_has_all_columns_and_a_long_sparkline() {
    let (shown, _) = screen(&dashboard(), 200, 12);
    is_snapshot("200x12.txt", &shown);
}

#[test]
fn a_wide_screen_has_the_advised_bounds_and_a_narrow_one_leaves_them_out() {
    let mut dashboard = dashboard();
    dashboard
        .rows
        .iter_mut()
        .filter(|row| row.name.ends_with("user"))
        .for_each(|row| row.advised = Some(4_096));
    is_snapshot("advised.txt", &screen(&dashboard, 200, 12).0);
    is_snapshot("80x24.txt", &screen(&dashboard, 80, 24).0);
}

#[test]
fn a_small_screen_has_what_fits() {
    let (shown, _) = screen(&dashboard(), 40, 6);
    is_snapshot("40x6.txt", &shown);
    for (width, height) in [(1, 1), (2, 3), (20, 4), (500, 2)] {
        screen(&dashboard(), width, height);
    }
}

#[test]
fn two_stores_and_what_fails_are_told() {
    let mut dashboard = Dashboard::new(Duration::from_millis(500));
    let other = Row { store: "/dev/shm/lru-memo-0/worker-1f".to_owned(), ..row("shop::user", 3, 1, 2, None) };
    let unreadable = Row { error: Some("no".to_owned()), ..row("shop::broken", 0, 0, 0, None) };
    let errors =
        (1..=5).map(|number| format!("store {number} does not work: {}", "why ".repeat(40))).collect();
    dashboard.update(vec![row("shop::user", 1, 1, 2, None), other, unreadable], errors, Instant::now());
    is_snapshot("two_stores.txt", &screen(&dashboard, 80, 16).0);
}

#[test]
fn keys_sort_by_each_number_and_reverse() {
    let mut dashboard = dashboard();
    let price_of = "catalog::price_of";
    let similar = "recommendations::similar_products_of_a_customer";
    let (user, never) = ("user", "never_called");
    for (keys, expected) in [
        ("", [user, price_of, similar, never]),
        ("s", [price_of, never, similar, user]),
        ("s", [user, price_of, similar, never]),
        ("s", [user, price_of, similar, never]),
        ("s", [user, price_of, similar, never]),
        ("s", [price_of, user, similar, never]),
        ("r", [never, similar, user, price_of]),
    ] {
        press(&mut dashboard, keys);
        assert_eq!(names(&dashboard), expected, "{}", dashboard.title(4));
    }
    assert_eq!(dashboard.title(4), "4 namespaces, every 1s, by currsize, reversed");
    press(&mut dashboard, "rss");
    assert_eq!(dashboard.title(4), "4 namespaces, every 1s, by calls per second");
}

#[test]
fn a_filter_shows_names_with_a_text_until_it_is_removed() {
    let mut dashboard = dashboard();
    press(&mut dashboard, "/PRICEX\x08");
    assert_eq!(names(&dashboard), ["catalog::price_of"]);
    assert_eq!(dashboard.bottom(80), "filter: PRICE_  (Enter keeps it, Esc removes it)");
    // Keys are letters of the filter for now.
    assert_eq!(press(&mut dashboard, "q"), Wish::Nothing);
    press(&mut dashboard, "\x08\n");
    let (shown, _) = screen(&dashboard, 80, 8);
    is_snapshot("filtered.txt", &shown);
    press(&mut dashboard, "/\x1b");
    assert_eq!(names(&dashboard).len(), 4);
    assert_eq!(press(&mut dashboard, "\x1b"), Wish::Quit);
}

#[test]
fn a_namespace_is_cleared_after_a_question_and_only_with_y() {
    let mut dashboard = dashboard();
    assert_eq!(press(&mut dashboard, "cy"), Wish::Nothing, "none is selected");
    press(&mut dashboard, "\u{2193}\u{2193}");
    press(&mut dashboard, "c");
    let (shown, reversed) = screen(&dashboard, 80, 9);
    is_snapshot("clear.txt", &shown);
    assert!(reversed.len() == 1 && reversed[0].starts_with("shop::catalog::price"), "{reversed:?}");
    for no in ["n", "\n", "q", "Y", "\x1b"] {
        assert_eq!(press(&mut dashboard, no), Wish::Nothing, "{no:?}");
        assert_eq!(dashboard.bottom(80), "nothing was cleared");
        press(&mut dashboard, "c");
    }
    // While it is asked, the table goes on, and the question stays.
    let rows = vec![row("shop::user", 0, 0, 0, None), row("shop::catalog::price_of", 0, 0, 5, None)];
    dashboard.update(rows, Vec::new(), Instant::now());
    let full_id = row("shop::catalog::price_of", 0, 0, 0, None).full_id();
    assert_eq!(press(&mut dashboard, "y"), Wish::Clear(full_id));
    dashboard.tell("cleared".to_owned());
    assert_eq!(dashboard.bottom(80), "cleared");
    press(&mut dashboard, "\u{2191}");
    assert!(dashboard.bottom(80).starts_with("q quit"));
}

#[test]
fn what_is_selected_stays_so_and_is_on_the_screen() {
    let mut dashboard = Dashboard::new(Duration::from_secs(1));
    let rows = |last: u64| {
        (0..100).map(|n| row(&format!("f{n:02}"), if n == 42 { last } else { 100 - n }, 0, 0, None)).collect()
    };
    dashboard.update(rows(58), Vec::new(), Instant::now());
    for _ in 0..43 {
        press(&mut dashboard, "j");
    }
    let selected = |dashboard: &Dashboard| {
        let (_, reversed) = screen(dashboard, 80, 24);
        assert_eq!(reversed.len(), 1);
        reversed[0][..3].to_owned()
    };
    assert_eq!(selected(&dashboard), "f42");
    dashboard.update(rows(1000), Vec::new(), Instant::now());
    assert_eq!(selected(&dashboard), "f42");
    press(&mut dashboard, "j");
    assert_eq!(selected(&dashboard), "f00");
    dashboard.press(KeyCode::PageDown);
    assert_eq!(selected(&dashboard), "f10");
    for _ in 0..20 {
        dashboard.press(KeyCode::PageDown);
    }
    assert_eq!(selected(&dashboard), "f99");
}
