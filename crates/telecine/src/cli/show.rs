//! How things look to people: tables, moments, lengths, sizes. Colour only on a terminal and without NO_COLOR.

use std::fmt;
use std::io::{ErrorKind, IsTerminal, Write};

use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};
use serde_json::Value;

use super::failure::Outcome;

/// `println!` that ends the program quietly when nobody reads on, as in `telecine … | head`.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::show::line(format_args!($($text)*)) };
}
pub(in crate::cli) use say;

/// See [`say`].
pub(super) fn line(text: fmt::Arguments<'_>) {
    if let Err(error) = writeln!(std::io::stdout(), "{text}") {
        if error.kind() != ErrorKind::BrokenPipe {
            eprintln!("error: cannot write to standard output: {error}");
        }
        std::process::exit(1);
    }
}

/// A table with these headings, as wide as the terminal at most.
pub(super) fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    if let Some(width) = width() {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    if !has_colour() {
        table.force_no_tty();
    }
    table.set_header(headings.iter().map(|text| Cell::new(text).add_attribute(Attribute::Bold)));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// Of the terminal, or as whoever reads our output says (COLUMNS).
fn width() -> Option<u16> {
    let said = || std::env::var("COLUMNS").ok()?.parse().ok();
    if std::io::stdout().is_terminal() { Table::new().width().or_else(said) } else { said() }
}

/// Prints a table without the blanks that pad its lines.
pub(super) fn print_table(table: &Table) {
    table.lines().for_each(|row| say!("{}", row.trim_end()));
}

/// Prints what a server said.
pub(super) fn print_json(value: &Value) -> Outcome {
    say!("{value:#}");
    Ok(())
}

fn has_colour() -> bool {
    std::io::stdout().is_terminal() && !is_without_colour()
}

/// Whether the person asked for no colours (no-color.org).
pub(super) fn is_without_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// A status in its colour; the word alone says it all.
pub(super) fn status(word: &str) -> Cell {
    let cell = Cell::new(word.replace('_', " "));
    match word {
        "ready" | "active" | "ok" | "taken" => cell.fg(Color::Green),
        "failed" | "refused" => cell.fg(Color::Red),
        "skipped" | "pending" | "not_supported" => cell.fg(Color::Yellow),
        _ => cell,
    }
}

/// A text of an answer, or a dash.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) if text.is_empty() => "–".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `2024-03-01T09:15:02.417Z` → `2024-03-01 09:15:02Z`.
pub(super) fn moment(value: &Value) -> String {
    match value.as_str() {
        Some(text) if text.len() >= 19 && text.is_ascii() => format!("{} {}Z", &text[..10], &text[11..19]),
        _ => text(value),
    }
}

/// A length of media: `1:05`, `2:03:10`.
pub(super) fn length(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// A place in a video, to a tenth of a second: `1:05.2`.
pub(super) fn place(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0).round() as u64;
    let (hours, minutes, tenths) = (tenths / 36_000, tenths / 600 % 60, tenths % 600);
    let (seconds, tenth) = (tenths / 10, tenths % 10);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}.{tenth}")
    } else {
        format!("{minutes}:{seconds:02}.{tenth}")
    }
}

/// A size: `512 B`, `31.2 MB`.
pub(super) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut units = ["B", "kB", "MB", "GB", "TB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for next in units {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if unit == "B" || value >= 99.95 { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") }
}

/// How long something will take: `8 s`, `3 min`, `2 h`.
pub(super) fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{:.0} s", s.max(1.0)),
        s if s < 5_400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}

/// `1 task`, `2 tasks`.
pub(super) fn count(number: u64, noun: &str) -> String {
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) if noun.ends_with('x') => format!("{number} {noun}es"),
        (_, None) => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_lengths_and_numbers_read_naturally() {
        assert_eq!([size(512), size(31_234_567), size(999_999)], ["512 B", "31.2 MB", "1.0 MB"]);
        assert_eq!([length(65.0), length(7_390.4)], ["1:05", "2:03:10"]);
        assert_eq!([place(65.24), place(59.96), place(3_600.0)], ["1:05.2", "1:00.0", "1:00:00.0"]);
        assert_eq!(
            [count(1, "entry"), count(2, "entry"), count(2, "index")],
            ["1 entry", "2 entries", "2 indexes"]
        );
        assert_eq!([duration(0.2), duration(100.0), duration(7_200.0)], ["1 s", "2 min", "2.0 h"]);
    }
}
