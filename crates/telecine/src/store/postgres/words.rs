//! Exact search by words: texts as `tsvector`s that we make ourselves, so that the same words are found as by SQLite's FTS5
//! (`store/unicode61.rs`), and BM25 over what was found.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::sql::SqlStore;
use super::sql::filters::Sql;
use super::sql::rows::{SEGMENT_COLUMNS, SegmentRow};
use crate::fault::Result;
use crate::store::unicode61;
use crate::store::{Found, WordQuery};

/// Bytes of a word that a `tsvector` stores.
const MAX_WORD_BYTES: usize = 2_046;
/// Greatest place of a word that a `tsvector` tells apart.
const MAX_PLACE: usize = 16_383;
/// Words of a query: PostgreSQL takes expressions apart by recursion, and no segment has as many.
const MAX_WORDS: usize = 1_000;
/// Segments whose words are compared; of more that hold the words, some are not looked at.
const MAX_COMPARED: i64 = 20_000;
/// Segments that are ranked for each one that is asked for, at least [`MIN_RANKED`].
const RANKED_PER_FOUND: i64 = 4;
const MIN_RANKED: i64 = 400;
/// How long what is known of all texts of a space is believed.
const BELIEVED: Duration = Duration::from_secs(60);
/// Texts that the mean length is taken of.
const SAMPLE: i64 = 1_000;

/// The words of a text. Of words that are longer than PostgreSQL stores, how they begin.
fn words(text: &str) -> Vec<String> {
    let mut words = unicode61::words(text);
    for word in &mut words {
        word.truncate(word.floor_char_boundary(MAX_WORD_BYTES));
    }
    words
}

/// A word that stands for a space, which no text has.
fn space_word(space: i64) -> String {
    format!("'space {space}'")
}

/// A text as a `tsvector` is written, with a word for the space.
pub(super) fn vector_of(space: i64, text: &str) -> Option<String> {
    let words = words(text);
    if words.is_empty() {
        return None;
    }
    let mut vector = space_word(space);
    for (place, word) in words.iter().enumerate().take(MAX_PLACE) {
        let _ = write!(vector, " '{word}':{}", place + 1);
    }
    Some(vector)
}

/// The phrases of a query, without those of which no word could be found; the first ones of very many words.
fn phrases(query: &WordQuery) -> Vec<Vec<String>> {
    let phrases = query.phrases.iter().map(|phrase| words(&phrase.join(" ")));
    let mut left = MAX_WORDS;
    phrases
        .map(|mut phrase| {
            phrase.truncate(left);
            left -= phrase.len();
            phrase
        })
        .filter(|phrase| !phrase.is_empty())
        .collect()
}

/// A query as a `tsquery` is written.
fn query_of(space: i64, phrases: &[Vec<String>], all: bool) -> String {
    let phrase = |words: &Vec<String>| {
        let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        format!("({})", words.join(" <-> "))
    };
    let phrases: Vec<String> = phrases.iter().map(phrase).collect();
    format!("{} & ({})", space_word(space), phrases.join(if all { " & " } else { " | " }))
}

/// How many texts there are in a space, and how many words one has.
#[derive(Debug, Clone, Copy)]
struct Texts {
    number: f64,
    mean_words: f64,
}

/// What is known of the texts of spaces, for a while.
#[derive(Debug, Default)]
pub(super) struct Statistics(Mutex<HashMap<i64, (Instant, Texts)>>);

impl SqlStore {
    async fn texts(&self, space: i64) -> Result<Texts> {
        let known = self.aside.statistics.0.lock().ok().and_then(|known| known.get(&space).copied());
        if let Some((_, texts)) = known.filter(|(since, _)| since.elapsed() < BELIEVED) {
            return Ok(texts);
        }
        let number: i64 =
            sqlx::query_scalar("SELECT count(*) FROM segment WHERE space = $1 AND words IS NOT NULL")
                .bind(space)
                .fetch_one(&self.readers)
                .await?;
        let sample: Vec<String> = sqlx::query_scalar(
            "SELECT text FROM segment WHERE space = $1 AND words IS NOT NULL ORDER BY id DESC LIMIT $2",
        )
        .bind(space)
        .bind(SAMPLE)
        .fetch_all(&self.readers)
        .await?;
        let sum: usize = sample.iter().map(|text| words(text).len()).sum();
        let mean_words = sum as f64 / sample.len().max(1) as f64;
        let texts = Texts { number: number as f64, mean_words };
        if let Ok(mut known) = self.aside.statistics.0.lock() {
            known.retain(|_, (since, _)| since.elapsed() < BELIEVED);
            known.insert(space, (Instant::now(), texts));
        }
        Ok(texts)
    }

    /// Segments of a space that hold the words, best first.
    pub(super) async fn segments_with(
        &self,
        space: i64,
        query: &WordQuery,
        limit: u32,
    ) -> Result<Vec<Found>> {
        let phrases = phrases(query);
        if phrases.is_empty() {
            return Ok(Vec::new());
        }
        let expression = query_of(space, &phrases, query.all);
        let ranked = (RANKED_PER_FOUND * i64::from(limit)).max(MIN_RANKED);
        let mut sql =
            Sql::new(format!("SELECT {SEGMENT_COLUMNS} FROM (SELECT s.* FROM segment s WHERE s.words @@ "));
        sql.push_bind(expression.clone()).push("::tsquery LIMIT ").push_bind(MAX_COMPARED);
        sql.push(") s ORDER BY ts_rank(s.words, ").push_bind(expression);
        sql.push("::tsquery, 1) DESC, s.id LIMIT ").push_bind(ranked);
        let rows: Vec<SegmentRow> = sql.build_query_as().fetch_all(&self.readers).await?;
        let segments = rows.into_iter().map(SegmentRow::into_segment).collect::<Result<Vec<_>>>()?;
        let texts = self.texts(space).await?;
        let bodies: Vec<&str> = segments.iter().map(|segment| segment.text.as_str()).collect();
        let scores = bm25(&bodies, &phrases, texts);
        let mut found: Vec<Found> =
            segments.into_iter().zip(scores).map(|(segment, score)| Found { segment, score }).collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.segment.id.cmp(&b.segment.id)));
        found.truncate(limit as usize);
        Ok(found)
    }
}

/// BM25 of each text, as FTS5 computes it (<https://sqlite.org/fts5.html>, "The bm25() function"); how many texts hold a
/// phrase is counted among those that were found.
fn bm25(texts: &[&str], phrases: &[Vec<String>], all: Texts) -> Vec<f32> {
    const K1: f64 = 1.2;
    const B: f64 = 0.75;
    let words: Vec<Vec<String>> = texts.iter().map(|text| words(text)).collect();
    let times = |words: &[String], phrase: &[String]| {
        words.windows(phrase.len()).filter(|window| *window == phrase).count() as f64
    };
    let counts: Vec<Vec<f64>> =
        words.iter().map(|words| phrases.iter().map(|phrase| times(words, phrase)).collect()).collect();
    let weight = |phrase: usize| {
        let holders = counts.iter().filter(|counts| counts[phrase] > 0.0).count() as f64;
        ((all.number - holders + 0.5) / (holders + 0.5)).ln().max(1e-6)
    };
    let weights: Vec<f64> = (0..phrases.len()).map(weight).collect();
    let score = |(words, counts): (&Vec<String>, &Vec<f64>)| {
        let length = words.len() as f64 / all.mean_words.max(1.0);
        let parts = counts.iter().zip(&weights);
        parts.map(|(f, weight)| weight * f * (K1 + 1.0) / (f + K1 * (1.0 - B + B * length))).sum::<f64>()
            as f32
    };
    words.iter().zip(&counts).map(score).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(phrases: &[&[&str]], all: bool) -> Option<String> {
        let lists = phrases.iter().map(|words| words.iter().map(|word| (*word).to_owned()).collect());
        let phrases = super::phrases(&WordQuery { phrases: lists.collect(), all });
        (!phrases.is_empty()).then(|| query_of(7, &phrases, all))
    }

    #[test]
    fn texts_are_words_with_places() {
        assert_eq!(
            vector_of(7, "A red car's Façade").as_deref(),
            Some("'space 7' 'a':1 'red':2 'car':3 's':4 'facade':5")
        );
        assert_eq!(vector_of(7, "— … !"), None);
        assert_eq!(words("Cafe\u{301} ΣΊΣΥΦΟΣ"), ["cafe", "σίσυφοσ"]);
    }

    #[test]
    fn very_long_words_are_cut() {
        let long = words(&"字".repeat(1_000));
        assert_eq!((long.len(), long[0].len()), (1, 2_046));
        assert_eq!(words(&"é".repeat(3_000))[0].len(), 2_046);
    }

    #[test]
    fn phrases_are_joined_and_nothing_of_a_word_is_syntax() {
        assert_eq!(
            query(&[&["red", "car"], &["dog"]], true).as_deref(),
            Some("'space 7' & (('red' <-> 'car') & ('dog'))")
        );
        assert_eq!(query(&[&["a' | 'b"], &["!"]], false).as_deref(), Some("'space 7' & (('a' <-> 'b'))"));
        assert_eq!(query(&[&["—"]], true), None);
    }

    #[test]
    fn rare_words_in_short_texts_are_best() {
        let phrases = vec![vec!["car".to_owned()], vec!["red".to_owned()]];
        let all = Texts { number: 100.0, mean_words: 5.0 };
        let scores =
            bm25(&["a car", "a car and a car and a very long way", "a red car", "car"], &phrases, all);
        assert!(scores[2] > scores[0] && scores[3] > scores[0] && scores[0] > 0.0, "{scores:?}");
    }
}
