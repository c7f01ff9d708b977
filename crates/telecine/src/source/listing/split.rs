//! Looks for the key at which a range is split, by requests for single keys.
//!
//! Keys cluster behind long beginnings (`videos/2024/…`), so halving what may be a key would ask about much where nothing
//! is. Instead: where do the keys that are left first differ from the one that was listed last? There, which characters
//! are in use? The first key that is found in the upper half of these is where the range is split: a key that is there, for
//! some stores skip what is in a folder when they shall begin after its bare name. For the same reason what is asked
//! about ends with a slash.

use super::keys::{above, common, halfway, successor};
use crate::source::{Source, SourceError};

/// Requests for one search.
const MOST_PROBES: u32 = 40;
/// Pages that are followed for one key.
const MOST_PAGES: u32 = 10;

/// What a search found.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// Where to split: a key that is there.
    pub(super) at: Option<String>,
    /// No key of the range is above this, it seems.
    pub(super) empty_above: Option<String>,
    /// The store does not begin where it is told to.
    pub(super) is_deaf: bool,
    pub(super) probes: u32,
}

/// A range as it was when the search began.
#[derive(Debug)]
pub(super) struct Seeker {
    pub(super) prefix: String,
    /// A key that is there.
    pub(super) known: String,
    pub(super) until: Option<String>,
    /// No key of the range is above this, as far as is known.
    pub(super) end: Option<String>,
}

impl Seeker {
    pub(super) async fn search(self, source: &dyn Source) -> Result<Search, SourceError> {
        let mut search = Search { empty_above: self.end.clone(), ..Search::default() };
        let known: Vec<char> = self.known.chars().collect();
        let Some((length, first)) = self.differs_at(source, &known, &mut search).await? else {
            return Ok(search);
        };
        // All that is left begins with this.
        let begin: String = known.iter().take(length - 1).collect();
        let low = known[length - 1];
        let rest_of = |key: &str| key.strip_prefix(&begin).and_then(|rest| rest.chars().next());
        let mut high = search.empty_above.as_deref().and_then(rest_of).and_then(|c| {
            let is_bare =
                search.empty_above.as_ref().is_some_and(|end| end.len() == begin.len() + c.len_utf8());
            if is_bare { Some(c) } else { successor(c) }
        });
        let found = rest_of(&first).unwrap_or(low);
        loop {
            let middle = match high {
                Some(high) => halfway(low, high),
                None => likely_middle(low, found),
            };
            // Up to the one that was found first, it is known what is there.
            if middle <= found || search.probes >= MOST_PROBES {
                search.at = Some(first);
                return Ok(search);
            }
            match self.probe(source, &format!("{begin}{middle}/"), &mut search).await? {
                Some(first) => {
                    search.at = Some(first);
                    return Ok(search);
                }
                None if search.is_deaf => return Ok(search),
                None => high = Some(middle),
            }
        }
    }

    /// The least number of characters of the known key such that keys of the range come after all that begin with
    /// these, and the first that does. What begins with fewer of them is all there is.
    async fn differs_at(
        &self,
        source: &dyn Source,
        known: &[char],
        search: &mut Search,
    ) -> Result<Option<(usize, String)>, SourceError> {
        let shared = match &self.end {
            Some(end) => common(&self.known, end).max(self.prefix.chars().count()),
            None => self.prefix.chars().count(),
        };
        // None of the range after the first `none` characters; some after the first `some`.
        let (mut none, mut some) = (shared, None::<(usize, String)>);
        let mut step = 1;
        while search.probes < MOST_PROBES && !search.is_deaf {
            let next = match &some {
                Some((some, _)) if none + 1 >= *some => break,
                Some((some, _)) => none + (some - none) / 2,
                None if none >= known.len() => break,
                None => (none + step).min(known.len()),
            };
            step *= 2;
            let at = above(&known[..next])
                .map(|at| at + "/")
                .filter(|at| self.end.as_ref().is_none_or(|end| at < end));
            let found = match at {
                Some(at) => self.probe(source, &at, search).await?,
                None => None,
            };
            match found {
                Some(first) => some = Some((next, first)),
                None => none = next,
            }
        }
        Ok(some)
    }

    /// The first key of the range above this.
    async fn probe(
        &self,
        source: &dyn Source,
        at: &str,
        search: &mut Search,
    ) -> Result<Option<String>, SourceError> {
        let (first, requests) = first_after(source, &self.prefix, at).await?;
        search.probes += requests;
        search.is_deaf = first.as_deref().is_some_and(|first| first <= at);
        // The last key of the range alone is no other half.
        let is_within = |first: &String| self.until.as_ref().is_none_or(|until| first < until);
        let first = first.filter(is_within).filter(|_| !search.is_deaf);
        if first.is_none() && search.empty_above.as_deref().is_none_or(|end| at < end) && !search.is_deaf {
            search.empty_above = Some(at.to_owned());
        }
        Ok(first)
    }
}

/// Halfway to the last of what these are: numbers, letters, ASCII, anything. A guess: it is asked about.
fn likely_middle(low: char, found: char) -> char {
    let ends = [('0'..='9', ':'), ('A'..='Z', '['), ('a'..='z', '{'), ('\0'..='\u{7e}', '\u{7f}')];
    let end = ends.into_iter().find(|(class, _)| class.contains(&low) && class.contains(&found));
    halfway(low, end.map_or(char::MAX, |(_, end)| end))
}

/// The first key after this one, and how many requests it took.
pub(super) async fn first_after(
    source: &dyn Source,
    prefix: &str,
    after: &str,
) -> Result<(Option<String>, u32), SourceError> {
    let mut page = source.list_after(prefix, after, 1).await?;
    let mut requests = 1;
    loop {
        if let Some(object) = page.objects.into_iter().next() {
            return Ok((Some(object.key), requests));
        }
        // Some stores give pages without a key before one with.
        match page.next.filter(|_| requests < MOST_PAGES) {
            Some(next) => page = source.list(prefix, Some(&next), 1).await?,
            None => return Ok((None, requests)),
        }
        requests += 1;
    }
}
