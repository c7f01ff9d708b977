//! Keys as points on a line, in the order of their bytes, which is that of their characters. Pure.

/// The text that comes after all that begin with these characters, but for what begins with itself. None when there is
/// no higher last character.
pub(super) fn above(begin: &[char]) -> Option<String> {
    let (last, before) = begin.split_last()?;
    Some(before.iter().copied().chain([successor(*last)?]).collect())
}

/// The next character.
pub(super) fn successor(c: char) -> Option<char> {
    match c {
        // The numbers of surrogates are no characters.
        '\u{d7ff}' => Some('\u{e000}'),
        _ => char::from_u32(u32::from(c) + 1),
    }
}

/// The character halfway between two; at least the lower one.
pub(super) fn halfway(low: char, high: char) -> char {
    let (low_code, high_code) = (u32::from(low), u32::from(high));
    let code = low_code + high_code.saturating_sub(low_code) / 2;
    char::from_u32(code).unwrap_or('\u{e000}').max(low)
}

/// How many characters two keys begin with in common.
pub(super) fn common(one: &str, other: &str) -> usize {
    one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count()
}

/// How many keys may lie between `here` and `end`, if they lie as densely as the `count` keys from `before` to `here`.
/// All three begin with the prefix; an end that is none is that of the prefix.
pub(super) fn estimate(prefix: &str, before: &str, here: &str, end: Option<&str>, count: usize) -> f64 {
    let common = end.map_or_else(|| prefix.chars().count(), |end| common(before, end));
    let place = |key: &str| fraction(key.chars().skip(common));
    let passed = place(here) - place(before);
    let left = end.map_or(1.0, place) - place(here);
    if left <= 0.0 {
        0.0
    } else if passed <= 0.0 {
        f64::INFINITY
    } else {
        count as f64 * left / passed
    }
}

/// Characters as digits after the point. All that are not ASCII count as the last one.
fn fraction(rest: impl Iterator<Item = char>) -> f64 {
    let (mut sum, mut weight) = (0.0, 1.0);
    // More digits than these a number does not hold.
    for c in rest.take(7) {
        weight /= 128.0;
        sum += f64::from(u32::from(c).min(127)) * weight;
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn above_is_above_all_that_begin_alike(begin in "\\PC{1,8}", rest in any::<String>(), other: String) {
            let chars: Vec<char> = begin.chars().collect();
            let Some(above) = above(&chars) else { return Ok(()) };
            let begun = format!("{begin}{rest}");
            prop_assert!(above > begun);
            // Nothing lies between them that begins otherwise.
            prop_assert!(other <= begin || other >= above || other.starts_with(&begin));
        }

        #[test]
        fn halfway_is_between(a: char, b: char) {
            let (low, high) = (a.min(b), a.max(b));
            let mid = halfway(low, high);
            prop_assert!(low <= mid && mid <= high);
            prop_assert!(mid < high || low == high || successor(low) == Some(high));
        }
    }

    #[test]
    fn estimates_follow_the_density() {
        let estimate = |before, here, end| estimate("v/", before, here, end, 1000);
        let half = estimate("v/clip-01000", "v/clip-02000", Some("v/clip-03000"));
        assert!((900.0..1100.0).contains(&half), "{half}");
        assert!(estimate("v/clip-00100", "v/clip-00200", Some("v/clip-9")) > 10_000.0);
        assert!(estimate("v/clip-00100", "v/clip-00200", None) > 100_000.0, "the end is not known");
        assert!(estimate("v/a", "v/y", Some("v/z")) < 100.0);
        let dense = estimate("v/z/clips/2024/a", "v/z/clips/2024/b", Some("v/{"));
        assert!(dense.is_infinite(), "too dense to tell: {dense}");
    }
}
