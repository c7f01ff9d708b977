//! Greedy CTC decoding of one text line: class probabilities per step to characters and a score. Pure.

/// The class that means "no new character".
const BLANK: usize = 0;

/// The characters that a recognition model can write, by class.
#[derive(Debug)]
pub(crate) struct Alphabet {
    /// `characters[0]` is the blank's empty string.
    characters: Vec<String>,
}

impl Alphabet {
    /// From the model's metadata value `character`: one character per line; the blank comes before, the space after.
    pub(crate) fn from_metadata(lines: &str) -> Self {
        let listed = lines.split('\n').map(|line| line.trim_end_matches('\r').to_owned());
        let mut characters: Vec<String> = std::iter::once(String::new()).chain(listed).collect();
        if characters.last().is_some_and(String::is_empty) {
            characters.pop();
        }
        characters.push(" ".to_owned());
        Self { characters }
    }

    /// How many classes the model must have.
    pub(crate) fn len(&self) -> usize {
        self.characters.len()
    }
}

/// Text of a line and the mean probability (0–1) of its characters; an empty line scores 0.
///
/// `probabilities` holds `alphabet.len()` values per step. Each run of one class counts once; blanks part runs.
pub(crate) fn decode(probabilities: &[f32], alphabet: &Alphabet) -> (String, f32) {
    let mut text = String::new();
    let mut sum = 0.0;
    let mut count = 0u32;
    let mut previous = BLANK;
    for step in probabilities.chunks_exact(alphabet.len()) {
        let (class, probability) = most_probable(step);
        if class != BLANK && class != previous {
            text.push_str(&alphabet.characters[class]);
            sum += probability;
            count += 1;
        }
        previous = class;
    }
    let score = if count == 0 { 0.0 } else { sum / count as f32 };
    (text, score)
}

/// Two passes, because finding the largest value first is a loop that the compiler can vectorise: with 18 710
/// classes a step this is most of the decoder's time.
fn most_probable(step: &[f32]) -> (usize, f32) {
    const LANES: usize = 8;
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = step.chunks_exact(LANES);
    let rest = chunks.remainder().iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = if value > *lane { value } else { *lane };
        }
    }
    let largest = lanes.into_iter().fold(rest, f32::max);
    let class = step.iter().position(|&value| value == largest).unwrap_or(BLANK);
    (class, largest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn alphabet() -> Alphabet {
        Alphabet::from_metadata("a\nb\nc")
    }

    fn steps(classes: &[usize]) -> Vec<f32> {
        let one = |class: usize| (0..5).map(move |i| if i == class { 0.8 } else { 0.05 });
        classes.iter().flat_map(|&class| one(class)).collect()
    }

    #[test]
    fn the_blank_comes_first_and_the_space_last() {
        assert_eq!(alphabet().len(), 5);
        assert_eq!(decode(&steps(&[1, 4, 3]), &alphabet()).0, "a c");
    }

    #[test]
    fn a_trailing_line_break_in_the_metadata_adds_no_class() {
        assert_eq!(Alphabet::from_metadata("a\nb\nc\n").len(), 5);
    }

    #[test]
    fn runs_count_once_and_blanks_part_them() {
        assert_eq!(decode(&steps(&[1, 1, 2, 0, 2, 2]), &alphabet()).0, "abb");
    }

    #[test]
    fn an_empty_line_scores_zero() {
        assert_eq!(decode(&steps(&[0, 0]), &alphabet()), (String::new(), 0.0));
        assert_eq!(decode(&[], &alphabet()), (String::new(), 0.0));
    }

    proptest! {
        #[test]
        fn decoding_never_writes_more_than_one_character_per_step(
            probabilities in prop::collection::vec(0.0f32..1.0, 0..200),
        ) {
            let (text, score) = decode(&probabilities, &alphabet());
            prop_assert!(text.chars().count() <= probabilities.len() / 5);
            prop_assert!((0.0..=1.0).contains(&score));
        }

        #[test]
        fn the_most_probable_class_is_the_first_largest(step in prop::collection::vec(0.0f32..1.0, 1..100)) {
            let expected = step.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let (class, value) = most_probable(&step);
            prop_assert_eq!(value, expected);
            prop_assert_eq!(step.iter().position(|v| *v == expected).unwrap(), class);
        }
    }
}
