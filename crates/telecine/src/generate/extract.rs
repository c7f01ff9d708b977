//! Words about a video that are taken from it as they are, for when the model's cannot be used: frequent phrases, the
//! sentences nearest to what all of them say, the labels of what was seen. The same video always gives the same. Pure but
//! for the vectors, which come from outside.

use std::collections::HashMap;

use super::material::Material;
use super::scenes::Embed;
use crate::time::TimeRange;

const PHRASE_WORDS: usize = 3;
/// Sentences that are compared; more are thinned out evenly.
const MAX_SENTENCES: usize = 200;
const TITLE_CHARS: usize = 80;
const STOP_WORDS: &str = "a about after again all also am an and any are as at be because been before being but by can \
    could did do does doing down for from further get go going got had has have having he her here hers him his how i \
    i'm if in into is it it's its just know like me more most my no nor not now of off oh ok okay on once one only or \
    other our out over own really right said same say see she so some such than that that's the their them then there \
    these they thing things think this those through to too under up us very want was we well were what when where \
    which while who why will with would yeah yes you your";

/// The phrases that stand out, best first: runs of words between words that tell nothing.
pub(super) fn phrases(material: &Material, most: usize) -> Vec<String> {
    let mut counts: HashMap<String, (usize, usize)> = HashMap::new();
    for (place, text) in material.words().enumerate() {
        for sentence in text.split(['.', ',', ';', ':', '!', '?', '(', ')', '"']) {
            let words: Vec<String> = sentence.split_whitespace().map(bare).collect();
            for run in words.split(|word| tells_nothing(word)) {
                for length in 1..=PHRASE_WORDS {
                    for phrase in run.windows(length) {
                        counts.entry(phrase.join(" ")).or_insert((0, place)).0 += 1;
                    }
                }
            }
        }
    }
    let mut ranked: Vec<(String, f64, usize)> = counts
        .into_iter()
        .map(|(phrase, (count, place))| {
            let words = phrase.split(' ').count();
            // A long phrase tells more than a word, if it comes back: else it is only a part of a sentence.
            let longer = if count > 1 { 0.6 * (words as f64 - 1.0) } else { 0.0 };
            let score = count as f64 * (1.0 + longer);
            (phrase, score, place)
        })
        .collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.2.cmp(&b.2)).then_with(|| a.0.cmp(&b.0)));
    let mut chosen: Vec<String> = Vec::new();
    for (phrase, ..) in ranked {
        let shares = |other: &String| other.split(' ').any(|word| phrase.split(' ').any(|mine| mine == word));
        if !chosen.iter().any(shares) {
            chosen.push(phrase);
        }
        if chosen.len() == most {
            return chosen;
        }
    }
    for label in labels(material) {
        if chosen.len() < most && !chosen.contains(&label) {
            chosen.push(label);
        }
    }
    chosen
}

/// What was seen, most often first.
pub(super) fn labels(material: &Material) -> Vec<String> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for label in material.seen.iter().flat_map(|sight| &sight.labels) {
        match counts.iter_mut().find(|(known, _)| known == label) {
            Some((_, count)) => *count += 1,
            None => counts.push((label.clone(), 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.into_iter().map(|(label, _)| label).collect()
}

/// A title: the first phrases; what is seen where nothing is said.
pub(super) fn title(material: &Material) -> String {
    let words = phrases(material, 3).join(", ");
    let mut title: String = words.chars().take(TITLE_CHARS).collect();
    if let Some(first) = title.chars().next() {
        title.replace_range(..first.len_utf8(), &first.to_uppercase().to_string());
    }
    if title.is_empty() { "Nothing said, shown or recognised".to_owned() } else { title }
}

/// The sentences that say most of what all of them say, in their order; what is shown or seen where nobody speaks.
///
/// # Errors
/// When there are no vectors.
pub(super) fn summary(
    material: &Material,
    most: usize,
    embed: &mut Embed<'_>,
) -> crate::fault::Result<String> {
    let passages = if material.said.is_empty() { &material.written } else { &material.said };
    let step = passages.len().div_ceil(MAX_SENTENCES).max(1);
    let sentences: Vec<&str> = passages.iter().step_by(step).map(|passage| passage.text.as_str()).collect();
    let mut parts = Vec::new();
    if !sentences.is_empty() {
        let what = if material.said.is_empty() { "Text in the picture" } else { "Said" };
        let chosen = central(&sentences, most, embed)?;
        parts.push(format!(
            "{what}: {}",
            chosen.into_iter().map(|i| sentences[i]).collect::<Vec<_>>().join(" ")
        ));
    }
    let seen = labels(material);
    if !seen.is_empty() {
        parts.push(format!("Seen, as a classifier names it: {}.", seen[..seen.len().min(5)].join(", ")));
    }
    if parts.is_empty() {
        parts.push("Nothing was said or shown as text, and nothing was recognised.".to_owned());
    }
    Ok(parts.join(" "))
}

/// The texts nearest to the middle of all, no two alike, in their order.
fn central(texts: &[&str], most: usize, embed: &mut Embed<'_>) -> crate::fault::Result<Vec<usize>> {
    let vectors = embed(texts)?;
    let dim = vectors.iter().map(Vec::len).max().unwrap_or(0);
    let mut middle = vec![0.0_f32; dim];
    for vector in &vectors {
        middle.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
    }
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by(|&a, &b| dot(&vectors[b], &middle).total_cmp(&dot(&vectors[a], &middle)).then(a.cmp(&b)));
    let mut chosen: Vec<usize> = Vec::new();
    for i in order {
        if chosen.len() < most && chosen.iter().all(|&other| dot(&vectors[i], &vectors[other]) < 0.9) {
            chosen.push(i);
        }
    }
    chosen.sort_unstable();
    Ok(chosen)
}

/// Title and summary of a part.
pub(super) fn part(
    material: &Material,
    range: TimeRange,
    embed: &mut Embed<'_>,
) -> crate::fault::Result<(String, String)> {
    let part = material.within(range);
    Ok((title(&part), summary(&part, 1, embed)?))
}

fn bare(word: &str) -> String {
    word.trim_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase()
}

fn tells_nothing(word: &str) -> bool {
    word.chars().count() < 3 || STOP_WORDS.split(' ').any(|stop| stop == word)
}

#[cfg(test)]
mod tests {
    use super::super::scenes::tests::{by_letter, range, said};
    use super::*;

    fn garden() -> Material {
        let lines = ["We plant tomatoes in raised beds.", "Raised beds keep tomatoes warm.", "and so on"];
        let said =
            lines.iter().enumerate().map(|(n, line)| said(n as i64 * 3_000, n as i64 * 3_000 + 2_000, line));
        Material { range: range(0, 9_000), seen: Vec::new(), said: said.collect(), written: Vec::new() }
    }

    #[test]
    fn phrases_are_those_that_come_back() {
        assert_eq!(phrases(&garden(), 2), ["raised beds", "tomatoes"]);
        assert_eq!(title(&garden()), "Raised beds, tomatoes, plant");
    }

    #[test]
    fn a_summary_holds_the_very_sentences_and_says_so() {
        let text = summary(&garden(), 1, &mut by_letter).unwrap();
        assert!(
            text.starts_with("Said: ") && garden().said.iter().any(|line| text.ends_with(&line.text)),
            "{text}"
        );
        let nothing = Material { said: Vec::new(), ..garden() };
        assert_eq!(
            summary(&nothing, 1, &mut by_letter).unwrap(),
            "Nothing was said or shown as text, and nothing was recognised."
        );
    }
}
