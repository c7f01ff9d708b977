//! Whether words about a video can be so: quotations must have been said or shown, times must lie in the video. Pure.

use std::sync::LazyLock;

use regex::Regex;

use super::material::Material;

static QUOTATION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("[\"“„«]([^\"“”„«»]{3,300})[\"”“»]").expect("it is a regular expression"));
static CLOCK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(?:(\d{1,2}):)?(\d{1,2}):([0-5]\d)\b").expect("it is a regular expression")
});
/// Quotations of fewer words are names and titles.
const QUOTED_WORDS: usize = 3;

/// Refuses what cannot be so, with the reason.
pub(super) fn check(text: &str, material: &Material) -> Result<(), String> {
    let known = normal(&material.words().collect::<Vec<_>>().join(" "));
    for quotation in QUOTATION.captures_iter(text) {
        let quoted = normal(&quotation[1]);
        let is_quotation = quoted.split(' ').count() >= QUOTED_WORDS;
        if is_quotation && !format!(" {known} ").contains(&format!(" {quoted} ")) {
            return Err(format!("nobody says or shows \"{}\"", &quotation[1]));
        }
    }
    let end_s = material.range.end().as_secs_f64();
    for time in CLOCK.captures_iter(text) {
        let part = |n: usize| time.get(n).and_then(|part| part.as_str().parse::<f64>().ok()).unwrap_or(0.0);
        if part(1) * 3600.0 + part(2) * 60.0 + part(3) > end_s + 1.0 {
            return Err(format!("{} lies outside the video", &time[0]));
        }
    }
    Ok(())
}

/// Lower-case words alone.
fn normal(text: &str) -> String {
    let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '\'' && letter != '’');
    let words = words.map(|word| word.trim_matches(['\'', '’']).to_lowercase().replace('’', "'"));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::scenes::tests::{range, said};
    use super::*;

    #[test]
    fn quotations_must_be_said_and_times_lie_in_the_video() {
        let material = Material {
            range: range(0, 90_000),
            seen: Vec::new(),
            said: vec![said(0, 5_000, "It was the best of times, it was the worst of times.")],
            written: vec![said(0, 5_000, "AN UNLUCKY BIRD")],
        };
        for good in [
            "He says \"it was the best of times\" at 0:05.",
            "The screen reads “An unlucky bird”.",
            "A so-called \"good idea\" of 1:30.",
            "Nothing is quoted.",
        ] {
            assert_eq!(check(good, &material), Ok(()), "{good}");
        }
        for bad in ["\"I have a dream today\"", "It ends at 2:10.", "“worst of the times”"] {
            assert!(check(bad, &material).is_err(), "{bad}");
        }
    }
}
