//! A range of keys that is being listed: where it stands, what pages bring. Pure.

use super::KeyRange;
use super::keys;
use crate::source::{ObjectInfo, Page, Source, SourceError, SourceErrorKind};

/// Pages without a key in a row, after which a store is no longer believed.
const MOST_EMPTY_PAGES: u32 = 1000;
/// How often the end of a range may not fit to the next: it may look so while a bucket changes.
const MOST_LOOKS: u32 = 3;

/// One range.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) id: u64,
    /// Listed up to here; grows.
    pub(super) after: Option<String>,
    /// Shrinks when the range is split.
    pub(super) until: Option<String>,
    /// The key with which the next range began; none when it is not known.
    pub(super) neighbour: Option<String>,
    /// When it was looked, no key of the range was above this. A hint: nothing is left out for it.
    pub(super) empty_above: Option<String>,
    /// A key that was there, at or above `after`: where a split is looked for.
    pub(super) known: Option<String>,
    /// How many keys are still to come; a guess.
    pub(super) estimate: f64,
    /// Where the store goes on.
    pub(super) next: Option<String>,
    pub(super) state: State,
    pub(super) is_being_split: bool,
    /// Whether its first page came.
    pub(super) is_begun: bool,
    /// Pages to wait before a split is looked for again.
    pub(super) rest: u32,
    /// How often its end did not fit.
    looks: u32,
    empty: EmptyPages,
}

/// What a range does.
#[derive(Debug)]
pub(super) enum State {
    /// Waits for its turn.
    Idle,
    /// Waits for a page.
    Listing,
    /// Is at its end, which is still to be checked.
    Ending { last: Listed, found: Option<String>, is_checking: bool },
}

/// What was listed.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) objects: Vec<ObjectInfo>,
    pub(super) covers: KeyRange,
}

/// What a page made of a range.
#[derive(Debug)]
pub(super) enum Taken {
    /// It goes on.
    Some(Listed),
    /// It is at its end.
    Last(Listed),
    /// It seems to be at its end, but what follows is not what the next range begins with.
    Unsure { last: Listed, found: Option<String> },
    /// The page is not in the order of the bytes.
    Disorder,
}

impl Span {
    pub(super) fn new(id: u64, range: KeyRange) -> Self {
        Self {
            id,
            after: range.after,
            until: range.until,
            neighbour: None,
            empty_above: None,
            known: None,
            estimate: f64::INFINITY,
            next: None,
            state: State::Idle,
            is_being_split: false,
            is_begun: false,
            rest: 0,
            looks: 0,
            empty: EmptyPages::default(),
        }
    }

    /// Whether there is something to be asked for it.
    pub(super) fn waits(&self) -> bool {
        matches!(self.state, State::Idle | State::Ending { is_checking: false, .. })
    }

    pub(super) fn may_be_split(&self) -> bool {
        let is_ending = matches!(self.state, State::Ending { .. });
        self.known.is_some() && !self.is_being_split && self.rest == 0 && !is_ending
    }

    /// What is still to be listed.
    pub(super) fn left(&self) -> KeyRange {
        KeyRange { after: self.after.clone(), until: self.until.clone() }
    }

    /// No key of the range is above this, as far as is known.
    pub(super) fn end(&self) -> Option<&str> {
        match (&self.until, &self.empty_above) {
            (Some(until), Some(above)) => Some(until.min(above)),
            (until, above) => until.as_deref().or(above.as_deref()),
        }
    }

    /// Takes the next page of the chain.
    ///
    /// # Errors
    /// When it is one of too many without a key.
    pub(super) fn take(
        &mut self,
        source: &dyn Source,
        prefix: &str,
        page: Page,
    ) -> Result<Taken, SourceError> {
        self.empty.check(source, prefix, &page)?;
        self.rest = self.rest.saturating_sub(1);
        let Page { mut objects, next } = page;
        let first_is_after = objects.first().is_none_or(|first| Some(&first.key) > self.after.as_ref());
        if !first_is_after || !objects.is_sorted_by(|one, other| one.key < other.key) {
            return Ok(Taken::Disorder);
        }
        let found_above =
            self.empty_above.as_ref().zip(objects.last()).is_some_and(|(above, last)| last.key > *above);
        if found_above {
            self.empty_above = None;
        }
        let within = match &self.until {
            Some(until) => objects.partition_point(|object| object.key <= *until),
            None => objects.len(),
        };
        let found = objects.drain(within..).next().map(|object| object.key);
        if next.is_some() && found.is_none() {
            return Ok(Taken::Some(self.advance(prefix, objects, next)));
        }
        let covers = self.left();
        let is_sure = self.until.is_none() || (found.is_some() && found == self.neighbour);
        let last = Listed { objects, covers };
        Ok(if is_sure { Taken::Last(last) } else { Taken::Unsure { last, found } })
    }

    fn advance(&mut self, prefix: &str, objects: Vec<ObjectInfo>, next: Option<String>) -> Listed {
        self.next = next;
        let after = self.after.clone();
        if let (Some(first), Some(last)) = (objects.first(), objects.last()) {
            let before = after.as_deref().filter(|after| after.starts_with(prefix)).unwrap_or(&first.key);
            self.estimate = keys::estimate(prefix, before, &last.key, self.end(), objects.len());
            self.after = Some(last.key.clone());
            self.known.clone_from(&self.after);
        }
        Listed { objects, covers: KeyRange { after, until: self.after.clone() } }
    }

    /// The end was looked at: the next range begins with `first` now. What was found before does not fit to that, so what
    /// is between is listed again, from the last key on. None when that happens too often for a store with an order.
    pub(super) fn look_again(&mut self, last: Listed, first: Option<String>) -> Option<Listed> {
        self.looks += 1;
        self.state = State::Idle;
        self.next = None;
        self.neighbour = first;
        let after = self.after.clone();
        if let Some(object) = last.objects.last() {
            self.after = Some(object.key.clone());
            self.known.clone_from(&self.after);
        }
        let covers = KeyRange { after, until: self.after.clone() };
        (self.looks <= MOST_LOOKS).then_some(Listed { covers, ..last })
    }

    /// Splits it: what is above this key, which is there, is another range from now on, and this one ends there. None
    /// when it is beyond that already.
    pub(super) fn split(&mut self, id: u64, at: String) -> Option<Span> {
        let is_within =
            self.after.as_ref() < Some(&at) && self.until.as_ref().is_none_or(|until| at < *until);
        if !is_within || matches!(self.state, State::Ending { .. }) {
            return None;
        }
        self.estimate /= 2.0;
        let upper = Span {
            neighbour: self.neighbour.take(),
            empty_above: self.empty_above.take(),
            known: Some(at.clone()),
            estimate: self.estimate,
            ..Span::new(id, KeyRange { after: Some(at.clone()), until: self.until.replace(at) })
        };
        Some(upper)
    }
}

/// Counts pages without a key: a store may give some, not without an end.
#[derive(Debug, Default)]
pub(super) struct EmptyPages(u32);

impl EmptyPages {
    pub(super) fn check(
        &mut self,
        source: &dyn Source,
        prefix: &str,
        page: &Page,
    ) -> Result<(), SourceError> {
        self.0 = if page.objects.is_empty() { self.0 + 1 } else { 0 };
        if self.0 < MOST_EMPTY_PAGES {
            return Ok(());
        }
        Err(SourceError {
            kind: SourceErrorKind::Unavailable,
            operation: "LIST",
            address: source.address(prefix),
            detail: format!(
                "{MOST_EMPTY_PAGES} pages in a row have no key, and the last says that there are more"
            ),
        })
    }
}
