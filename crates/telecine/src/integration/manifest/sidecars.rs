//! Captions that lie beside videos: `name.srt`, `name.vtt`, `name.en.srt`, `name.en-US.vtt` beside `name.mp4`. A name is
//! the same only byte by byte. Captions in another language than what is asked for are never taken; a name without a
//! language may be in any, so it comes after those that say theirs.

use std::collections::HashMap;

use crate::fault::Result;
use crate::ids::IntegrationId;
use crate::store::InventoryStore;

/// Keys of captions that are read at once.
const ROWS: u32 = 1000;

/// How well captions fit: the least is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// They name the very language.
    SameTag,
    /// They name it with another region, or with none.
    SameLanguage,
    /// They name none.
    Untagged,
}

/// The captions of some videos.
#[derive(Debug)]
pub(in crate::integration) struct Sidecars<'a> {
    language: &'a str,
    /// By the video's key without its extension.
    found: HashMap<String, Option<(Fit, String)>>,
}

impl<'a> Sidecars<'a> {
    pub(in crate::integration) fn new(language: &'a str) -> Self {
        Self { language, found: HashMap::new() }
    }

    /// Looks for the captions of these videos. What lies beside a name begins with it and a dot, so it lies near it in
    /// the order of keys.
    pub(in crate::integration) async fn find(
        &mut self,
        store: &dyn InventoryStore,
        integration: IntegrationId,
        videos: impl Iterator<Item = &str>,
    ) -> Result<()> {
        self.found = videos.map(|key| (stem(key).to_owned(), None)).collect();
        // `/` is what comes after `.`.
        let from = self.found.keys().map(|stem| format!("{stem}.")).min();
        let below = self.found.keys().map(|stem| format!("{stem}/")).max();
        let Some((mut from, below)) = from.zip(below) else { return Ok(()) };
        loop {
            let keys = store.captions_between(integration, &from, &below, ROWS).await?;
            keys.iter().for_each(|key| self.take(key));
            let Some(next) = keys.last().filter(|_| keys.len() == ROWS as usize) else { return Ok(()) };
            from = format!("{next}\0");
        }
    }

    fn take(&mut self, captions: &str) {
        let base = stem(captions);
        let (name, fit) = if self.found.contains_key(base) {
            (base, Some(Fit::Untagged))
        } else {
            let Some((name, tag)) = base.rsplit_once('.') else { return };
            (name, self.fit(tag))
        };
        let (Some(place), Some(fit)) = (self.found.get_mut(name), fit) else { return };
        // Keys come in order: of two that fit alike, `name.srt` comes before `name.vtt`.
        if place.as_ref().is_none_or(|(before, _)| fit < *before) {
            *place = Some((fit, captions.to_owned()));
        }
    }

    fn fit(&self, tag: &str) -> Option<Fit> {
        let primary = |tag: &'_ str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        if tag.eq_ignore_ascii_case(self.language) {
            Some(Fit::SameTag)
        } else if primary(tag) == primary(self.language) {
            Some(Fit::SameLanguage)
        } else {
            None
        }
    }

    /// The key of a video's captions.
    pub(in crate::integration) fn of(&self, video: &str) -> Option<&str> {
        let found = self.found.get(stem(video))?;
        found.as_ref().map(|(_, key)| key.as_str())
    }
}

/// A key without its extension.
fn stem(key: &str) -> &str {
    key.rsplit_once('.').map_or(key, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captions_of(language: &str, videos: &[&str], captions: &[&str]) -> Vec<Option<String>> {
        let mut sidecars = Sidecars::new(language);
        sidecars.found = videos.iter().map(|key| (stem(key).to_owned(), None)).collect();
        let mut captions = captions.to_vec();
        captions.sort_unstable();
        captions.iter().for_each(|key| sidecars.take(key));
        videos.iter().map(|video| sidecars.of(video).map(str::to_owned)).collect()
    }

    #[test]
    fn captions_are_those_in_the_language_then_those_in_none() {
        let table: [(&str, &[&str], Option<&str>); 12] = [
            ("en", &["a.srt"], Some("a.srt")),
            ("en", &["a.vtt", "a.srt"], Some("a.srt")),
            ("en", &["a.srt", "a.en.vtt"], Some("a.en.vtt")),
            ("en", &["a.en-US.srt", "a.en.vtt"], Some("a.en.vtt")),
            ("en", &["a.srt", "a.en-GB.vtt"], Some("a.en-GB.vtt")),
            ("en-US", &["a.en.srt", "a.en-us.vtt"], Some("a.en-us.vtt")),
            ("en", &["a.de.srt"], None),
            ("en", &["a.de.srt", "a.vtt"], Some("a.vtt")),
            ("de", &["a.en.srt", "a.DE.SRT"], Some("a.DE.SRT")),
            ("en", &["A.srt", "b.srt", "x/a.srt", "a.mp4.srt"], None),
            ("en", &["a.forced.srt", "a..srt"], None),
            ("en", &[], None),
        ];
        for (language, captions, expected) in table {
            let found = captions_of(language, &["a.mp4"], captions);
            assert_eq!(found, [expected.map(str::to_owned)], "{language} {captions:?}");
        }
    }

    #[test]
    fn two_videos_of_one_name_share_and_a_name_with_a_tag_has_its_own() {
        let some = |key: &str| Some(key.to_owned());
        assert_eq!(captions_of("en", &["a.mp4", "a.mov"], &["a.srt"]), [some("a.srt"), some("a.srt")]);
        assert_eq!(captions_of("en", &["a.mp4", "a.en.mp4"], &["a.en.srt"]), [None, some("a.en.srt")]);
    }
}
