//! The parallel listing of a store that lists in the order of bytes: which range is asked for a page, which is split, and
//! the proof that nothing is lost where they meet.
//!
//! A range is a chain of pages: the store itself says what comes next, so nothing is lost within one. Where a range that
//! was split ends, the chain goes one key further, and that key must be the one with which the next range begins: then
//! all chains together are one, from the first key of the prefix to the last. That, and that keys only ever grow, holds
//! the order of the bytes for proved, whatever a store says of itself.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::pace::Pace;
use super::span::{Listed, Span, State, Taken};
use super::split::{Search, Seeker, first_after};
use super::{Batch, KeyRange, ListOptions, ListingSummary};
use crate::source::{Page, Source, SourceError, SourceErrorKind};

/// Pages to wait after a search for a split that found nothing.
const REST: u32 = 8;

/// How a listing ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// All was told.
    Whole,
    /// Nobody listens any more.
    Unwanted,
    /// The store's order is not that of the bytes; what was told is void.
    Disorder,
}

/// What a request brought, of the range with this id.
enum Done {
    Page(Result<Page, SourceError>),
    Search(Result<Search, SourceError>),
    Look(Result<(Option<String>, u32), SourceError>),
}

struct Answer {
    id: u64,
    /// The era of the pace in which it was asked.
    era: u64,
    done: Done,
}

pub(super) struct Ranges<'a> {
    source: Arc<dyn Source>,
    options: &'a ListOptions,
    out: &'a mpsc::Sender<Batch>,
    summary: &'a mut ListingSummary,
    /// In the order of their keys.
    spans: Vec<Span>,
    ids: u64,
    requests: JoinSet<Answer>,
    pace: Pace,
    can_begin_anywhere: bool,
    can_split: bool,
}

impl<'a> Ranges<'a> {
    pub(super) fn new(
        source: Arc<dyn Source>,
        options: &'a ListOptions,
        out: &'a mpsc::Sender<Batch>,
        summary: &'a mut ListingSummary,
    ) -> Self {
        let mut ranges = options.resume.clone().unwrap_or_else(|| vec![KeyRange::default()]);
        ranges.sort_unstable_by(|one, other| one.after.cmp(&other.after));
        let can_begin_anywhere = source.lists_from_any_key();
        Self {
            source,
            options,
            out,
            summary,
            ids: ranges.len() as u64,
            spans: (0..).zip(ranges).map(|(id, range)| Span::new(id, range)).collect(),
            requests: JoinSet::new(),
            pace: Pace::new(options.parallel_at_first, options.parallel, options.pause, Instant::now()),
            can_begin_anywhere,
            can_split: can_begin_anywhere,
        }
    }

    pub(super) async fn run(mut self) -> Result<Ending, SourceError> {
        while !self.spans.is_empty() {
            if self.pace.paused_until.is_none() {
                self.ask();
            }
            let pause = self.pace.paused_until;
            let answer = tokio::select! {
                biased;
                () = self.out.closed() => return Ok(Ending::Unwanted),
                Some(answer) = self.requests.join_next() => answer,
                () = tokio::time::sleep_until(pause.unwrap_or_else(Instant::now)), if pause.is_some() => {
                    self.pace.go_on(Instant::now());
                    continue;
                }
            };
            let answer = match answer {
                Ok(answer) => answer,
                Err(failed) => match failed.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => return Ok(Ending::Unwanted),
                },
            };
            if let Some(ending) = self.answered(answer).await? {
                return Ok(ending);
            }
        }
        Ok(Ending::Whole)
    }

    /// Sends requests until as many are on their way as may be.
    fn ask(&mut self) {
        while self.requests.len() < self.pace.width() {
            match self.spans.iter().position(Span::waits) {
                Some(index) => self.go_on(index),
                None if !self.search() => return,
                None => {}
            }
        }
        let listing = self.spans.iter().filter(|span| matches!(span.state, State::Listing)).count();
        self.summary.widest = self.summary.widest.max(listing);
    }

    /// Asks for what a range waits for: its next page, or what follows it.
    fn go_on(&mut self, index: usize) {
        let span = &mut self.spans[index];
        let (id, source) = (span.id, self.source.clone());
        let (prefix, limit) = (self.options.prefix.clone(), self.options.page);
        let (next, after) = (span.next.clone(), span.after.clone());
        if let State::Ending { is_checking, .. } = &mut span.state {
            *is_checking = true;
            let until = span.until.clone().unwrap_or_default();
            self.send(id, async move { Done::Look(first_after(&*source, &prefix, &until).await) });
            return;
        }
        span.state = State::Listing;
        self.send(id, async move {
            Done::Page(match (next, after) {
                (None, Some(after)) => source.list_after(&prefix, &after, limit).await,
                (next, _) => source.list(&prefix, next.as_deref(), limit).await,
            })
        });
    }

    /// Looks for where the range with most left may be split. False when there is none worth it.
    fn search(&mut self) -> bool {
        // What comes with two pages is there before a split is of use.
        let least = f64::from(self.options.page) * 2.0;
        let is_worth = |span: &&mut Span| span.may_be_split() && span.estimate >= least;
        let spans = self.spans.iter_mut().filter(is_worth).filter(|_| self.can_split);
        let Some(span) = spans.max_by(|one, other| one.estimate.total_cmp(&other.estimate)) else {
            return false;
        };
        span.is_being_split = true;
        let seeker = Seeker {
            prefix: self.options.prefix.clone(),
            known: span.known.clone().unwrap_or_default(),
            until: span.until.clone(),
            end: span.end().map(str::to_owned),
        };
        let (id, source) = (span.id, self.source.clone());
        self.send(id, async move { Done::Search(seeker.search(&*source).await) });
        true
    }

    fn send(&mut self, id: u64, request: impl Future<Output = Done> + Send + 'static) {
        let era = self.pace.era;
        self.requests.spawn(async move { Answer { id, era, done: request.await } });
    }

    async fn answered(&mut self, Answer { id, era, done }: Answer) -> Result<Option<Ending>, SourceError> {
        let listing = self.spans.iter().filter(|span| matches!(span.state, State::Listing)).count();
        let Some(index) = self.spans.iter().position(|span| span.id == id) else { return Ok(None) };
        match done {
            Done::Page(page) => {
                self.summary.pages += 1;
                self.spans[index].state = State::Idle;
                let begins_at_key = self.spans[index].after.is_some() && self.spans[index].next.is_none();
                match page {
                    Ok(page) => {
                        self.pace.page_came(page.objects.len(), listing, Instant::now());
                        return self.page_came(index, page).await;
                    }
                    // A store that was listed in ranges before need not be one that can do it.
                    Err(error) if error.kind == SourceErrorKind::Unsupported && begins_at_key => {
                        return Ok(Some(Ending::Disorder));
                    }
                    Err(error) => self.failed(era, error)?,
                }
            }
            Done::Search(searched) => {
                self.spans[index].is_being_split = false;
                match searched {
                    Ok(search) => self.searched(index, search),
                    Err(error) if error.kind == SourceErrorKind::Throttled => self.failed(era, error)?,
                    // The listing itself does not need it.
                    Err(error) => {
                        tracing::debug!(%error, "a range of keys could not be split");
                        self.spans[index].rest = REST;
                    }
                }
            }
            Done::Look(Ok((first, requests))) => {
                self.summary.probes += u64::from(requests);
                return self.looked(index, first).await;
            }
            Done::Look(Err(error)) => {
                if let State::Ending { is_checking, .. } = &mut self.spans[index].state {
                    *is_checking = false;
                }
                self.failed(era, error)?;
            }
        }
        Ok(None)
    }

    fn failed(&mut self, era: u64, error: SourceError) -> Result<(), SourceError> {
        let is_patient = error.kind == SourceErrorKind::Throttled && self.pace.throttled(era, Instant::now());
        if is_patient { Ok(()) } else { Err(error) }
    }

    async fn page_came(&mut self, index: usize, page: Page) -> Result<Option<Ending>, SourceError> {
        self.tell_neighbour(index, &page);
        let span = &mut self.spans[index];
        Ok(match span.take(&*self.source, &self.options.prefix, page)? {
            Taken::Disorder => Some(Ending::Disorder),
            Taken::Some(listed) => self.tell(listed).await,
            Taken::Last(listed) => self.end(index, listed).await,
            Taken::Unsure { last, found } => {
                span.state = State::Ending { last, found, is_checking: false };
                None
            }
        })
    }

    /// The key with which a range begins is the one that the range below it must come to.
    fn tell_neighbour(&mut self, index: usize, page: &Page) {
        let (span, first) = (&mut self.spans[index], page.objects.first());
        if std::mem::replace(&mut span.is_begun, true) {
            return;
        }
        let begin = span.after.clone();
        if let Some(below) = self.spans.iter_mut().find(|span| begin.is_some() && span.until == begin) {
            below.neighbour = first.map(|first| first.key.clone());
        }
    }

    fn searched(&mut self, index: usize, search: Search) {
        self.summary.probes += u64::from(search.probes);
        self.can_split &= !search.is_deaf;
        let span = &mut self.spans[index];
        span.empty_above = search.empty_above;
        let upper = search.at.and_then(|at| span.split(self.ids, at));
        match upper {
            Some(upper) => {
                self.ids += 1;
                self.spans.insert(index + 1, upper);
            }
            None => span.rest = REST,
        }
    }

    /// Someone looked at the first key after a range that is at its end.
    async fn looked(&mut self, index: usize, first: Option<String>) -> Result<Option<Ending>, SourceError> {
        let span = &mut self.spans[index];
        let State::Ending { last, found, .. } = std::mem::replace(&mut span.state, State::Idle) else {
            return Ok(None);
        };
        if found == first {
            return Ok(self.end(index, last).await);
        }
        Ok(match span.look_again(last, first) {
            Some(listed) => self.tell(listed).await,
            None => Some(Ending::Disorder),
        })
    }

    async fn end(&mut self, index: usize, last: Listed) -> Option<Ending> {
        self.spans.remove(index);
        self.tell(last).await
    }

    /// Tells what was listed; the ranges are already as they are after it.
    async fn tell(&mut self, listed: Listed) -> Option<Ending> {
        let Listed { objects, covers } = listed;
        if covers.is_empty() {
            return None;
        }
        self.summary.count(&objects);
        let left = self.spans.iter().map(Span::left).filter(|left| !left.is_empty());
        let left = self.can_begin_anywhere.then(|| left.collect());
        let batch = Batch { objects, covers: Some(covers), left, starts_over: false };
        let is_heard = self.out.send(batch).await.is_ok();
        (!is_heard).then_some(Ending::Unwanted)
    }
}
