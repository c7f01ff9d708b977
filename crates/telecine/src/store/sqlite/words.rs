//! Exact search by words, by FTS5. Words come from anybody: each phrase is a quoted string, and nothing of it is
//! syntax.

use super::sql::SqlStore;
use super::sql::filters::Sql;
use super::sql::rows::{SEGMENT_COLUMNS, SegmentRow};
use crate::fault::Result;
use crate::store::unicode61;
use crate::store::{Found, WordQuery};

#[derive(sqlx::FromRow)]
struct RankedRow {
    rank: f64,
    #[sqlx(flatten)]
    segment: SegmentRow,
}

impl SqlStore {
    /// Segments of a space that hold the words, best first.
    pub(super) async fn segments_with(
        &self,
        space: i64,
        query: &WordQuery,
        limit: u32,
    ) -> Result<Vec<Found>> {
        let Some(expression) = match_expression(space, query) else { return Ok(Vec::new()) };
        // The scope has no part in the score.
        let mut sql = Sql::new(format!(
            "SELECT w.rank, {SEGMENT_COLUMNS} FROM \
             (SELECT rowid AS id, bm25(words, 0.0, 1.0) AS rank FROM words WHERE words MATCH "
        ));
        sql.push_bind(expression).push(" ORDER BY 2 LIMIT ").push_bind(i64::from(limit));
        sql.push(") w JOIN segment s ON s.id = w.id ORDER BY w.rank, s.id");
        let rows: Vec<RankedRow> = sql.build_query_as().fetch_all(&self.readers).await?;
        let found =
            |row: RankedRow| Ok(Found { score: -row.rank as f32, segment: row.segment.into_segment()? });
        rows.into_iter().map(found).collect()
    }
}

/// The expression that finds the query in one space; none when no word is left that could be found.
fn match_expression(space: i64, query: &WordQuery) -> Option<String> {
    let phrases: Vec<String> = query.phrases.iter().filter_map(|words| phrase(words)).collect();
    if phrases.is_empty() {
        return None;
    }
    let operator = if query.all { " AND " } else { " OR " };
    Some(format!("scope : \"space{space}\" AND text : ({})", phrases.join(operator)))
}

/// A quoted phrase, without words in which the tokenizer sees none.
fn phrase(words: &[String]) -> Option<String> {
    let can_be_found = |word: &&String| !unicode61::words(word).is_empty();
    let words: Vec<String> = words.iter().filter(can_be_found).map(|word| quotable(word)).collect();
    (!words.is_empty()).then(|| format!("\"{}\"", words.join(" ")))
}

/// A quote ends a string and NUL ends the expression; neither is part of a word.
fn quotable(word: &str) -> String {
    word.replace(['"', '\0'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(phrases: &[&[&str]], all: bool) -> Option<String> {
        let phrases = phrases.iter().map(|words| words.iter().map(|word| (*word).to_owned()).collect());
        match_expression(7, &WordQuery { phrases: phrases.collect(), all })
    }

    #[test]
    fn phrases_are_quoted_and_joined() {
        assert_eq!(
            expression(&[&["red", "car"], &["dog"]], true).as_deref(),
            Some("scope : \"space7\" AND text : (\"red car\" AND \"dog\")")
        );
        assert_eq!(
            expression(&[&["red"], &["dog"]], false).as_deref(),
            Some("scope : \"space7\" AND text : (\"red\" OR \"dog\")")
        );
    }

    #[test]
    fn nothing_of_a_word_is_syntax() {
        assert_eq!(
            expression(&[&["a\" OR scope : \"b", "c*", "x\0y"]], true).as_deref(),
            Some("scope : \"space7\" AND text : (\"a  OR scope :  b c* x y\")")
        );
    }

    #[test]
    fn words_without_letters_or_digits_are_left_out() {
        assert_eq!(expression(&[&["—", "…"], &["!"]], true), None);
        assert_eq!(
            expression(&[&["wait", "—", "what"]], true).as_deref(),
            Some("scope : \"space7\" AND text : (\"wait what\")")
        );
    }
}
