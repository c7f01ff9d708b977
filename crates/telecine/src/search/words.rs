//! The text of a query as words and phrases for exact search, and how much of them a text holds. Pure; which words a
//! segment has is the store's to find.

use std::collections::HashSet;

use crate::store::WordQuery;

/// Words that tell nothing while others remain.
const STOP_WORDS: &str = "a about an and any are as at be been but by can could did do does for from had has have he \
    her him his how i if in into is it its me my of on or our she should so some that the their them there these they \
    this those to us was we were what when where which who why will with would you your";

/// What is looked for by its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms(Vec<Vec<String>>);

impl Terms {
    /// The words of a text, those that tell nothing left out where others remain; what stands in double quotes is a
    /// phrase. None when there is no word at all.
    pub fn of(text: &str) -> Option<Self> {
        let mut terms: Vec<Vec<String>> = Vec::new();
        for (place, part) in text.split(['"', '“', '”']).enumerate() {
            let words = words(part);
            if place % 2 == 1 && !words.is_empty() {
                terms.push(words);
            } else {
                terms.extend(words.into_iter().map(|word| vec![word]));
            }
        }
        let mut seen = HashSet::new();
        terms.retain(|term| seen.insert(term.clone()));
        let tells = |term: &[String]| term.len() > 1 || !STOP_WORDS.split(' ').any(|stop| stop == term[0]);
        if terms.iter().any(|term| tells(term)) {
            terms.retain(|term| tells(term));
        }
        (!terms.is_empty()).then_some(Self(terms))
    }

    /// The whole text as one phrase. None when there is no word at all.
    pub fn exact(text: &str) -> Option<Self> {
        let words = words(text);
        (!words.is_empty()).then(|| Self(vec![words]))
    }

    /// For the store: all of them in one segment, or any.
    pub fn query(&self, all: bool) -> WordQuery {
        WordQuery { phrases: self.0.clone(), all }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The share of them that a text holds, 0 to 1. Forms of a word count as the word.
    pub fn coverage(&self, text: &str) -> f32 {
        let words = words(text);
        let holds = |term: &&Vec<String>| {
            words.windows(term.len()).any(|run| run.iter().zip(*term).all(|(a, b)| is_form_of(a, b)))
        };
        self.0.iter().filter(holds).count() as f32 / self.0.len() as f32
    }
}

/// Runs of letters and digits in lower case, as the store's index has them.
fn words(text: &str) -> Vec<String> {
    let runs = text.split(|letter: char| !letter.is_alphanumeric());
    runs.filter(|run| !run.is_empty()).map(str::to_lowercase).collect()
}

/// Equal, or equal up to short endings: `stations` and `station`, `running` and `runs` not quite.
fn is_form_of(a: &str, b: &str) -> bool {
    const STEM: usize = 4;
    const ENDING: usize = 3;
    if a == b {
        return true;
    }
    let common = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let rest = |word: &str| word.chars().count() - common;
    common >= STEM && rest(a) <= ENDING && rest(b) <= ENDING
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn terms(text: &str) -> Vec<String> {
        Terms::of(text)
            .map_or_else(Vec::new, |Terms(terms)| terms.iter().map(|term| term.join(" ")).collect())
    }

    #[test]
    fn words_that_tell_nothing_are_left_out_while_others_remain() {
        assert_eq!(terms("The age of wisdom"), ["age", "wisdom"]);
        assert_eq!(terms("to be or"), ["to", "be", "or"]);
        assert_eq!(terms("?!"), [""; 0]);
    }

    #[test]
    fn quotes_make_phrases_and_repeated_words_count_once() {
        assert_eq!(terms("say \"the best of times\" say it"), ["say", "the best of times"]);
        assert_eq!(terms("\"open"), ["open"]);
        assert_eq!(terms("\"open end of"), ["open end of"]);
    }

    #[test]
    fn words_of_any_script_are_words() {
        assert_eq!(terms("Größe, 東京 и Москва-2"), ["größe", "東京", "и", "москва", "2"]);
    }

    #[test]
    fn an_exact_query_keeps_every_word_in_order() {
        let exact = Terms::exact("It was the best, of times").unwrap().query(true);
        assert_eq!(exact.phrases, [["it", "was", "the", "best", "of", "times"]]);
        assert_eq!(Terms::exact(" … "), None);
    }

    #[test]
    fn coverage_is_the_share_of_terms_that_a_text_holds() {
        let terms = Terms::of("space stations \"per cent\" moon").unwrap();
        assert_eq!(terms.coverage("A space station, ten per cent done"), 0.75);
        assert_eq!(terms.coverage("per moon cent"), 0.25);
        assert_eq!(terms.coverage(""), 0.0);
    }

    proptest! {
        #[test]
        fn a_text_covers_itself_and_coverage_is_a_share(text in "\\PC{0,60}", other in "\\PC{0,60}") {
            if let Some(terms) = Terms::of(&text) {
                prop_assert!(terms.count() > 0);
                prop_assert!((0.0..=1.0).contains(&terms.coverage(&other)));
                prop_assert_eq!(terms.coverage(&text.replace(['"', '“', '”'], " ")), 1.0);
            }
        }
    }
}
