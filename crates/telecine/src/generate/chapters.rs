//! Chapters and highlights: the model picks scenes by their numbers and writes words for them, and only what can be so is
//! taken. Times are those of the scenes. Pure.

use serde::Deserialize;

use super::material::Material;
use super::scenes::{Embed, between};
use super::{extract, grounding};
use crate::time::TimeRange;

/// A part of a video, with words for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// When.
    pub range: TimeRange,
    /// Its title.
    pub title: String,
    /// What it is about.
    pub summary: String,
}

/// A part of several that follow each other and cover the video.
pub type Chapter = Part;

/// A moment worth seeing.
pub type Highlight = Part;

/// How alike a summary and the words of its part must be (cosine of their vectors), and how much more alike the words of
/// another part may be: small models mix parts up.
const LEAST_LIKENESS: f32 = 0.15;
const MIX_UP: f32 = 0.1;

/// Gives parts whose summary is about another part, or about none, words of their own: those of the video itself. How many.
///
/// # Errors
/// When there are no vectors.
pub(super) fn tie(
    parts: &mut [Part],
    material: &Material,
    embed: &mut Embed<'_>,
) -> crate::fault::Result<usize> {
    let own: Vec<String> = parts.iter().map(|part| words_of(&material.within(part.range))).collect();
    let told: Vec<String> = parts.iter().map(|part| format!("{}. {}", part.title, part.summary)).collect();
    let texts: Vec<&str> = own.iter().chain(&told).map(String::as_str).collect();
    let vectors = embed(&texts)?;
    let (own, told) = vectors.split_at(parts.len());
    let alike = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let mut replaced = 0;
    for (number, part) in parts.iter_mut().enumerate() {
        let likeness = alike(&told[number], &own[number]);
        let others = own.iter().enumerate().filter(|(other, _)| *other != number);
        let best = others.map(|(_, vector)| alike(&told[number], vector)).fold(f32::MIN, f32::max);
        if likeness < LEAST_LIKENESS || likeness < best - MIX_UP {
            (part.title, part.summary) = extract::part(material, part.range, embed)?;
            replaced += 1;
        }
    }
    Ok(replaced)
}

/// As much as a vector is made of.
fn words_of(part: &Material) -> String {
    let words = part.words().collect::<Vec<_>>().join(" ");
    if words.is_empty() { extract::labels(part).join(" ") } else { words }
}

/// What the model picked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Pick {
    #[serde(alias = "first_scene")]
    pub(super) scene: usize,
    pub(super) title: String,
    pub(super) summary: String,
}

/// Chapters that begin with the scenes that were picked and cover the video. Refuses picks that are not in order or not
/// there, and words that cannot be so.
pub(super) fn chapters(
    picks: &[Pick],
    scenes: &[TimeRange],
    material: &Material,
) -> Result<Vec<Chapter>, String> {
    check(picks, scenes, material)?;
    if !picks.windows(2).all(|pair| pair[0].scene < pair[1].scene) {
        return Err("each chapter must begin with a later scene than the one before".to_owned());
    }
    // Whatever came before the first pick belongs to it: chapters cover the video.
    let starts: Vec<usize> =
        picks.iter().enumerate().map(|(n, pick)| if n == 0 { 0 } else { pick.scene - 1 }).collect();
    let end_of = |n: usize| starts.get(n + 1).map_or(material.range.end(), |next| scenes[*next].start());
    Ok(picks
        .iter()
        .enumerate()
        .map(|(n, pick)| Chapter {
            range: between(scenes[starts[n]].start(), end_of(n)),
            title: pick.title.trim().to_owned(),
            summary: pick.summary.trim().to_owned(),
        })
        .collect())
}

/// The scenes that were picked, in their order. Refuses what is not there, and words that cannot be so.
pub(super) fn highlights(
    picks: &[Pick],
    scenes: &[TimeRange],
    material: &Material,
) -> Result<Vec<Highlight>, String> {
    check(picks, scenes, material)?;
    let mut picks: Vec<&Pick> = picks.iter().collect();
    picks.sort_by_key(|pick| pick.scene);
    if picks.windows(2).any(|pair| pair[0].scene == pair[1].scene) {
        return Err("each scene may be chosen once".to_owned());
    }
    let highlight = |pick: &&Pick| Highlight {
        range: scenes[pick.scene - 1],
        title: pick.title.trim().to_owned(),
        summary: pick.summary.trim().to_owned(),
    };
    Ok(picks.iter().map(highlight).collect())
}

/// What the model gets to read has these labels; who copies them has not written a summary.
const LABELS: [&str; 3] = ["said:", "seen:", "shown as text:"];

/// `Scene 3`, `Chapter 1`: says nothing.
fn is_form(title: &str) -> bool {
    let title = title.trim().to_lowercase();
    let rest = title.strip_prefix("scene").or_else(|| title.strip_prefix("chapter"));
    rest.is_some_and(|rest| rest.chars().all(|letter| !letter.is_alphabetic()))
}

fn check(picks: &[Pick], scenes: &[TimeRange], material: &Material) -> Result<(), String> {
    if picks.is_empty() {
        return Err("nothing was chosen".to_owned());
    }
    for pick in picks {
        if !(1..=scenes.len()).contains(&pick.scene) {
            return Err(format!("there is no scene {}", pick.scene));
        }
        if pick.title.trim().is_empty() || pick.summary.trim().is_empty() {
            return Err(format!("scene {} lacks its title or summary", pick.scene));
        }
        if is_form(&pick.title) || LABELS.iter().any(|label| pick.summary.contains(label)) {
            return Err("titles and summaries must be in your own words".to_owned());
        }
        grounding::check(&pick.title, material)?;
        grounding::check(&pick.summary, material)?;
    }
    if picks.len() > 1 && picks.windows(2).all(|pair| pair[0].title == pair[1].title) {
        return Err("all titles are the same".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::scenes::tests::{by_letter, range, said};
    use super::*;

    fn material(end_ms: i64) -> Material {
        Material { range: range(0, end_ms), seen: Vec::new(), said: Vec::new(), written: Vec::new() }
    }

    fn scenes(count: usize) -> Vec<TimeRange> {
        (0..count as i64).map(|n| range(n * 2_000, (n + 1) * 2_000)).collect()
    }

    fn pick(scene: usize) -> Pick {
        Pick { scene, title: format!("Title {scene}"), summary: "What happens.".to_owned() }
    }

    #[test]
    fn a_chapter_lasts_until_the_next_one_begins() {
        let made = chapters(&[pick(2), pick(4)], &scenes(5), &material(10_000)).unwrap();
        let ranges: Vec<TimeRange> = made.iter().map(|chapter| chapter.range).collect();
        assert_eq!(ranges, [range(0, 6_000), range(6_000, 10_000)]);
    }

    #[test]
    fn what_is_copied_from_the_form_is_refused() {
        let with = |title: &str, summary: &str| {
            let pick = Pick { scene: 1, title: title.to_owned(), summary: summary.to_owned() };
            chapters(&[pick], &scenes(2), &material(4_000)).is_ok()
        };
        assert!(with("Scenes of a harbour", "A boat leaves."));
        assert!(!with("Scene 1", "A boat leaves.") && !with("chapter 2:", "A boat leaves."));
        assert!(!with("Leaving", "said: A boat leaves."));
    }

    #[test]
    fn a_summary_of_another_part_gives_way_to_the_parts_own_words() {
        let material = Material {
            said: vec![said(0, 2_000, "apples are red"), said(2_000, 4_000, "bees can fly")],
            ..material(4_000)
        };
        let part = |start, title: &str, summary: &str| Part {
            range: range(start, start + 2_000),
            title: title.to_owned(),
            summary: summary.to_owned(),
        };
        let mut parts =
            vec![part(0, "a red fruit", "It is red."), part(2_000, "a fruit again", "It is red.")];
        assert_eq!(tie(&mut parts, &material, &mut by_letter).unwrap(), 1);
        assert_eq!(parts[0].title, "a red fruit");
        assert_eq!(parts[1].summary, "Said: bees can fly");
    }

    #[test]
    fn highlights_are_told_in_the_order_of_the_video() {
        let made = highlights(&[pick(4), pick(1)], &scenes(5), &material(10_000)).unwrap();
        assert_eq!(made.iter().map(|found| found.range.start().as_millis()).collect::<Vec<_>>(), [0, 6_000]);
        assert!(highlights(&[pick(1), pick(1)], &scenes(5), &material(10_000)).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_picked_chapters_are_in_order_and_cover_the_video_or_are_refused(
            picked in prop::collection::vec(0_usize..12, 0..8), count in 1_usize..10,
        ) {
            let (scenes, material) = (scenes(count), material(count as i64 * 2_000));
            let picks: Vec<Pick> = picked.iter().map(|scene| pick(*scene)).collect();
            let are_in_order = picked.windows(2).all(|pair| pair[0] < pair[1]);
            let are_there = !picked.is_empty() && picked.iter().all(|scene| (1..=count).contains(scene));
            match chapters(&picks, &scenes, &material) {
                Ok(made) => {
                    prop_assert!(are_there && are_in_order);
                    prop_assert_eq!(made.len(), picks.len());
                    prop_assert_eq!(made[0].range.start(), material.range.start());
                    prop_assert_eq!(made[made.len() - 1].range.end(), material.range.end());
                    prop_assert!(made.windows(2).all(|pair| pair[0].range.end() == pair[1].range.start()));
                    prop_assert!(made.iter().all(|chapter| chapter.range.start() < chapter.range.end()));
                }
                Err(_) => prop_assert!(!are_there || !are_in_order),
            }
        }

        #[test]
        fn whatever_is_picked_highlights_are_scenes_or_are_refused(
            picked in prop::collection::vec(0_usize..12, 0..8), count in 1_usize..10,
        ) {
            let (scenes, material) = (scenes(count), material(count as i64 * 2_000));
            let picks: Vec<Pick> = picked.iter().map(|scene| pick(*scene)).collect();
            if let Ok(made) = highlights(&picks, &scenes, &material) {
                prop_assert!(made.iter().all(|found| scenes.contains(&found.range)));
                prop_assert!(made.windows(2).all(|pair| pair[0].range.end() <= pair[1].range.start()));
            }
        }
    }
}
