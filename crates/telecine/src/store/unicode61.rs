//! The words of a text, exactly as SQLite's FTS5 sees them with its tokenizer `unicode61 remove_diacritics 2`, for databases
//! that have no such thing. It knows the characters of Unicode 6.1; what came later counts as a letter.
//!
//! `unicode61.txt` has three lists. Separators and marks: `a-b` is all from a to b; a mark is left out of a word, and begins
//! none. Folded: `a>b` is written as b; `a+n>b`, so are the n characters from a on, as those from b on (`=`: all as b);
//! with `/2`, every second one of them.

use std::collections::HashMap;
use std::sync::LazyLock;

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("unicode61.txt")));

/// What each character is, where it is not just a letter.
#[derive(Debug, Default)]
struct Table {
    separators: Vec<(u32, u32)>,
    marks: Vec<(u32, u32)>,
    folded: HashMap<u32, char>,
}

impl Table {
    fn read(text: &str) -> Self {
        let mut table = Self::default();
        let mut section = "";
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if line.starts_with('[') {
                section = line;
                continue;
            }
            for item in line.split(' ') {
                match section {
                    "[separators]" => table.separators.push(range(item)),
                    "[marks]" => table.marks.push(range(item)),
                    _ => table.folded.extend(folds(item)),
                }
            }
        }
        table
    }
}

fn number(hex: &str) -> u32 {
    u32::from_str_radix(hex, 16).expect("the table is of hexadecimal numbers")
}

fn range(item: &str) -> (u32, u32) {
    let (first, last) = item.split_once('-').unwrap_or((item, item));
    (number(first), number(last))
}

fn folds(item: &str) -> impl Iterator<Item = (u32, char)> {
    let is_one = item.contains('=');
    let (from, to) = item.split_once(['>', '=']).expect("what is folded, and how it is written");
    let (from, step) = from.strip_suffix("/2").map_or((from, 1), |from| (from, 2));
    let (first, count) =
        from.split_once('+').map_or_else(|| (number(from), 1), |(first, n)| (number(first), number(n)));
    let to = number(to);
    (0..count).map(move |i| {
        let written = if is_one { to } else { to + i * step };
        (first + i * step, char::from_u32(written).expect("the table is of characters"))
    })
}

fn is_in(ranges: &[(u32, u32)], letter: char) -> bool {
    let code = u32::from(letter);
    let after = ranges.partition_point(|(first, _)| *first <= code);
    after > 0 && code <= ranges[after - 1].1
}

fn is_separator(letter: char) -> bool {
    letter == '\0' || is_in(&TABLE.separators, letter)
}

/// How a letter is written in a word; none for a mark.
fn folded(letter: char) -> Option<char> {
    if is_in(&TABLE.marks, letter) {
        return None;
    }
    Some(TABLE.folded.get(&u32::from(letter)).copied().unwrap_or(letter))
}

/// The words of a text, in their order.
pub(super) fn words(text: &str) -> Vec<String> {
    let runs = text.split(is_separator);
    let begun = runs.map(|run| run.trim_start_matches(|letter| folded(letter).is_none()));
    begun.filter(|run| !run.is_empty()).map(|run| run.chars().filter_map(folded).collect()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::{Config, TestRunner};
    use sqlx::{Connection as _, Row as _, SqliteConnection};

    use super::*;

    /// SQLite's own tokenizer.
    struct Fts5(SqliteConnection);

    impl Fts5 {
        async fn open() -> Self {
            let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
            for table in [
                "CREATE VIRTUAL TABLE w USING fts5(t, tokenize = 'unicode61 remove_diacritics 2')",
                "CREATE VIRTUAL TABLE v USING fts5vocab(w, instance)",
            ] {
                sqlx::query(table).execute(&mut connection).await.unwrap();
            }
            Self(connection)
        }

        /// The words of each text.
        async fn words(&mut self, texts: &[String]) -> Vec<Vec<String>> {
            let mut all = self.0.begin().await.unwrap();
            sqlx::query("DELETE FROM w").execute(&mut *all).await.unwrap();
            for (row, text) in (0i64..).zip(texts) {
                sqlx::query("INSERT INTO w (rowid, t) VALUES (?, ?)")
                    .bind(row)
                    .bind(text)
                    .execute(&mut *all)
                    .await
                    .unwrap();
            }
            let rows = sqlx::query("SELECT doc, term FROM v ORDER BY doc, offset").fetch_all(&mut *all).await;
            let mut words = vec![Vec::new(); texts.len()];
            for row in rows.unwrap() {
                words[row.get::<i64, _>(0) as usize].push(row.get::<String, _>(1));
            }
            all.commit().await.unwrap();
            words
        }
    }

    #[test]
    fn words_are_small_and_bare() {
        assert_eq!(words("A red car's Façade"), ["a", "red", "car", "s", "facade"]);
        assert_eq!(words("Cafe\u{301} ΣΊΣΥΦΟΣ \u{301}x"), ["cafe", "σίσυφοσ", "x"]);
        assert!(words("— … !").is_empty());
    }

    /// Every character by itself, and between two letters.
    #[tokio::test]
    async fn every_character_is_what_it_is_to_sqlite() {
        let mut fts5 = Fts5::open().await;
        let all: Vec<char> = ('\u{1}'..=char::MAX).collect();
        // Beyond the planes that have characters, each 64th.
        let asked = all.into_iter().filter(|c| u32::from(*c) < 0x2_0000 || u32::from(*c) % 64 == 0);
        let texts: Vec<String> = asked.map(|c| format!("{c} x{c}y")).collect();
        for texts in texts.chunks(20_000) {
            let truth = fts5.words(texts).await;
            for (text, truth) in texts.iter().zip(truth) {
                assert_eq!(words(text), truth, "{text:?}");
            }
        }
    }

    #[tokio::test]
    async fn every_text_has_the_words_that_it_has_to_sqlite() {
        let mut fts5 = Fts5::open().await;
        let mut runner = TestRunner::new(Config { cases: 3_000, ..Config::default() });
        let letter = prop_oneof![
            any::<char>(),
            proptest::char::range('\u{80}', '\u{5ff}'),
            proptest::char::range('\u{300}', '\u{36f}'),
            proptest::char::range('\u{1e00}', '\u{206f}'),
            proptest::char::range('\u{1f300}', '\u{1fabf}'),
            proptest::sample::select(vec![
                ' ',
                'a',
                'É',
                'ß',
                'İ',
                'ﬁ',
                '\u{200d}',
                '\u{1f1e9}',
                '字',
                'か',
                '\u{3099}',
                '한'
            ]),
        ];
        let text = proptest::collection::vec(letter, 0..40)
            .prop_map(|letters| letters.into_iter().filter(|letter| *letter != '\0').collect::<String>());
        let mut texts = Vec::new();
        for _ in 0..3_000 {
            texts.push(text.new_tree(&mut runner).unwrap().current());
        }
        let truth = fts5.words(&texts).await;
        for (text, truth) in texts.iter().zip(truth) {
            assert_eq!(words(text), truth, "{text:?}");
        }
    }
}
