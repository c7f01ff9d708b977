//! Lists everything below a prefix: in parallel ranges of keys that split themselves while that pays, streaming, in
//! constant memory. Trusts no store's order: what it rests on is checked, and what proves wrong is listed anew, page by
//! page. Knows pages of a `Source`, no store and no database.

mod keys;
mod pace;
mod ranges;
mod serial;
mod span;
mod split;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use self::ranges::{Ending, Ranges};
use super::{ObjectInfo, Source, SourceError};

/// Keys in the order of their bytes, after `after` and up to `until`, which is one of them. None: to that side without
/// an end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct KeyRange {
    /// The range begins behind this key.
    pub after: Option<String>,
    /// The range ends with this key.
    pub until: Option<String>,
}

impl KeyRange {
    /// Whether it ends where it begins.
    fn is_empty(&self) -> bool {
        self.after.is_some() && self.after == self.until
    }
}

/// A piece of the listing, about a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// What was found; in the order of the bytes if `covers` is there.
    pub objects: Vec<ObjectInfo>,
    /// All keys of this range that were there all the time are in `objects`: a key of it that is not was removed. None
    /// when the store's order is not that of the bytes: then only the end of the whole listing tells what is gone.
    pub covers: Option<KeyRange>,
    /// What is to be listed after this batch: give it as [`ListOptions::resume`] to go on later. None when the listing
    /// can only begin anew.
    pub left: Option<Vec<KeyRange>>,
    /// The store's order proved not to be that of the bytes: what came before this batch, its `covers` above all, is
    /// void; the whole listing begins anew here.
    pub starts_over: bool,
}

/// What is to be listed, and how.
#[derive(Debug, Clone)]
pub struct ListOptions {
    /// Keys that begin with this.
    pub prefix: String,
    /// Requests at once, at most (default 16).
    pub parallel: usize,
    /// Requests at once at first (default 1): more than one splits the range before it is known whether that pays.
    pub parallel_at_first: usize,
    /// The first wait when the store asks to go slower; doubles with each time (default 1 s).
    pub pause: Duration,
    /// Keys asked for at once (1 to 1000, the default).
    pub page: u32,
    /// What an earlier listing of this prefix had left.
    pub resume: Option<Vec<KeyRange>>,
    /// Whether the store is tried for the order of bytes (default). When [`ListingSummary::was_ordered`] was false the
    /// last time, there is no need to find out again.
    pub tries_order: bool,
}

impl Default for ListOptions {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            parallel: 16,
            parallel_at_first: 1,
            pause: Duration::from_secs(1),
            page: 1000,
            resume: None,
            tries_order: true,
        }
    }
}

impl ListOptions {
    /// Everything below a prefix.
    pub fn below(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..Self::default() }
    }
}

/// What a listing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListingSummary {
    /// Objects told, since it last started over.
    pub objects: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Requests for pages.
    pub pages: u64,
    /// Requests for single keys, by which ranges are split and checked.
    pub probes: u64,
    /// Most requests for pages at once.
    pub widest: usize,
    /// Whether the store's order is that of the bytes.
    pub was_ordered: bool,
    /// False when the receiver was dropped before the end.
    pub is_complete: bool,
}

/// Lists everything below a prefix. Every key that is there all the time is told exactly once after the last batch that
/// `starts_over`, also while others come and go. Ends soon after the receiver is dropped, or with this future.
///
/// The source is asked as often as its own retries allow; a store that still asks to go slower is waited for, any other
/// failure is given back at once.
///
/// # Errors
/// What the source says. What was left by then is in the last batch.
pub async fn list_all(
    source: Arc<dyn Source>,
    options: ListOptions,
    out: mpsc::Sender<Batch>,
) -> Result<ListingSummary, SourceError> {
    let mut summary = ListingSummary {
        objects: 0,
        bytes: 0,
        pages: 0,
        probes: 0,
        widest: 0,
        was_ordered: true,
        is_complete: true,
    };
    let is_resumed = options.resume.is_some();
    let can_begin = source.lists_from_any_key() || !is_resumed;
    if options.tries_order && can_begin {
        match Ranges::new(source.clone(), &options, &out, &mut summary).run().await? {
            Ending::Whole => return Ok(summary),
            Ending::Unwanted => return Ok(ListingSummary { is_complete: false, ..summary }),
            Ending::Disorder => {
                let address = source.address(&options.prefix);
                tracing::info!(address, "a store does not list in the order of bytes; it is listed serially");
            }
        }
    }
    let starts_over = is_resumed || summary.objects > 0;
    summary = ListingSummary { objects: 0, bytes: 0, was_ordered: false, ..summary };
    summary.is_complete = serial::list(&*source, &options, starts_over, &out, &mut summary).await?;
    Ok(summary)
}

impl ListingSummary {
    fn count(&mut self, objects: &[ObjectInfo]) {
        self.objects += objects.len() as u64;
        self.bytes += objects.iter().map(|object| object.size_bytes).sum::<u64>();
    }
}
