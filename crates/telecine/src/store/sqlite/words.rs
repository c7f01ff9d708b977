//! A query by words as FTS5 reads it. Words come from anybody: each phrase is a quoted string, and nothing of it is
//! syntax.

use crate::store::WordQuery;

/// The expression that finds the query in one space; none when no word is left that could be found.
pub(super) fn match_expression(space: i64, query: &WordQuery) -> Option<String> {
    let phrases: Vec<String> = query.phrases.iter().filter_map(|words| phrase(words)).collect();
    if phrases.is_empty() {
        return None;
    }
    let operator = if query.all { " AND " } else { " OR " };
    Some(format!("scope : \"space{space}\" AND text : ({})", phrases.join(operator)))
}

/// A quoted phrase, without words that have no letter or digit: the tokenizer sees none in them.
fn phrase(words: &[String]) -> Option<String> {
    let can_be_found = |word: &&String| word.chars().any(char::is_alphanumeric);
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
