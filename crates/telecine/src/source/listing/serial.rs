//! Page by page, in whatever order the store has. Each page is told as it is.

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::pace::Pace;
use super::span::EmptyPages;
use super::{Batch, ListOptions, ListingSummary};
use crate::source::{Page, Source, SourceError, SourceErrorKind};

/// Whether it came to its end, which it does not when nobody listens any more.
pub(super) async fn list(
    source: &dyn Source,
    options: &ListOptions,
    mut starts_over: bool,
    out: &mpsc::Sender<Batch>,
    summary: &mut ListingSummary,
) -> Result<bool, SourceError> {
    let mut pace = Pace::new(1, 1, options.pause, Instant::now());
    let mut empty = EmptyPages::default();
    let mut circle = Circle::default();
    let mut from = None::<String>;
    summary.widest = summary.widest.max(1);
    loop {
        if let Some(until) = pace.paused_until {
            tokio::time::sleep_until(until).await;
            pace.go_on(Instant::now());
        }
        let asked = source.list(&options.prefix, from.as_deref(), options.page);
        let answer = tokio::select! {
            biased;
            () = out.closed() => return Ok(false),
            answer = asked => answer,
        };
        summary.pages += 1;
        let page = match answer {
            Ok(page) => page,
            Err(error) if error.kind == SourceErrorKind::Throttled => {
                if pace.throttled(pace.era, Instant::now()) {
                    continue;
                }
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        pace.page_came(page.objects.len(), 1, Instant::now());
        empty.check(source, &options.prefix, &page)?;
        circle.check(source, &options.prefix, &page)?;
        summary.count(&page.objects);
        let batch = Batch { objects: page.objects, starts_over, ..Batch::default() };
        starts_over = false;
        if out.send(batch).await.is_err() {
            return Ok(false);
        }
        match page.next {
            Some(next) => from = Some(next),
            None => return Ok(true),
        }
    }
}

/// Tells a store that leads in circles, in constant memory (Brent): one page is kept in mind, another one each time that
/// twice as many have gone by, so that any circle is met again.
#[derive(Debug, Default)]
struct Circle {
    first_key: Option<String>,
    token: Option<String>,
    pages: u64,
    until: u64,
}

impl Circle {
    fn check(&mut self, source: &dyn Source, prefix: &str, page: &Page) -> Result<(), SourceError> {
        let first_key = page.objects.first().map(|first| &first.key);
        let is_met = |met: Option<&String>, kept: &Option<String>| met.is_some() && met == kept.as_ref();
        if is_met(first_key, &self.first_key) || is_met(page.next.as_ref(), &self.token) {
            return Err(SourceError {
                kind: SourceErrorKind::Unavailable,
                operation: "LIST",
                address: source.address(prefix),
                detail: "the listing leads in a circle: a page comes that came before".to_owned(),
            });
        }
        self.pages += 1;
        if self.pages >= self.until {
            (self.pages, self.until) = (0, (self.until * 2).max(1));
            (self.first_key, self.token) = (first_key.cloned(), page.next.clone());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FolderSource, ObjectInfo};

    /// Pages until the circle is told, if it is, of a listing whose pages these are.
    fn told_after(tokens: impl Iterator<Item = usize>) -> Option<usize> {
        let folder = tempfile::tempdir().unwrap();
        let source = FolderSource::open("b", folder.path(), &[folder.path().to_owned()]).unwrap();
        let mut circle = Circle::default();
        let mut pages = tokens.map(|token| Page {
            objects: vec![ObjectInfo::unknown(format!("key of {token}"))],
            next: Some(token.to_string()),
        });
        pages.position(|page| circle.check(&source, "", &page).is_err())
    }

    #[test]
    fn any_circle_is_told_soon_and_a_long_listing_is_none() {
        for (before, length) in [(0, 1), (0, 2), (0, 3), (5, 7), (100, 64), (1000, 3)] {
            let pages = (0..before).chain((before..before + length).cycle().take(100_000));
            let told = told_after(pages).expect("it is told");
            assert!(told <= 3 * (before + length) + 2, "{before} and {length}: after {told}");
        }
        assert_eq!(told_after(0..100_000), None);
    }
}
