//! Page by page, in whatever order the store has. Each page is told as it is.

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::pace::Pace;
use super::span::EmptyPages;
use super::{Batch, ListOptions, ListingSummary};
use crate::source::{Source, SourceError, SourceErrorKind};

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
