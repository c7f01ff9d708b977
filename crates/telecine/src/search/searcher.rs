//! The searcher of a server: checks a query, embeds it, gathers hits, ranks them, and keeps the pages.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures::future::try_join_all;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::calibration::Bands;
use super::gather::{Gatherer, Passing};
use super::pages::{PageToken, Results, grouped};
use super::rank::{Rules, clips};
use super::vectors::{Shelf, ShelfConfig};
use super::words::Terms;
use super::{Clip, ConversationOption, GroupBy, ResultPage, SearchPool, SearchRequest, SortOption};
use crate::fault::{Code, Fault, Result};
use crate::files::DataDir;
use crate::ids::WorkspaceId;
use crate::index::{Index, IndexSummary, ModelOption, ModelRef};
use crate::pipeline::Engines;
use crate::store::{Paging, SortBy, Store, VideoFilter};
use crate::time::Clock;
use crate::video::SegmentKind;

/// How long the other pages of a search can be had.
const KEPT: Duration = Duration::from_secs(3_600);
const MAX_PAGE_LIMIT: u32 = 50;
/// Characters of a query; far more than the models look at.
const MAX_QUERY_CHARS: usize = 2_000;
/// Videos that pass a filter are read so many at a time.
const PASSING_PAGE: u64 = 1_000;

/// Searches.
#[derive(Debug)]
pub struct Searcher {
    store: Arc<dyn Store>,
    engines: Engines,
    clock: Arc<dyn Clock>,
    shelf: Shelf,
}

/// A query as vectors and words.
struct Query {
    seen: Option<Arc<[f32]>>,
    meant: Option<Arc<[f32]>>,
    terms: Option<Terms>,
    exact_speech: Option<Terms>,
}

impl Searcher {
    /// A searcher with the usual bounds on memory.
    pub fn new(store: Arc<dyn Store>, engines: Engines, clock: Arc<dyn Clock>, files: DataDir) -> Self {
        Self::with_shelf(store, engines, clock, files, ShelfConfig::default())
    }

    /// A searcher with these bounds.
    pub fn with_shelf(
        store: Arc<dyn Store>,
        engines: Engines,
        clock: Arc<dyn Clock>,
        files: DataDir,
        config: ShelfConfig,
    ) -> Self {
        let shelf = Shelf::new(Arc::clone(&store), files, config);
        Self { store, engines, clock, shelf }
    }

    /// The first page of what is found.
    ///
    /// # Errors
    /// `parameter_invalid`, `resource_not_exists`, `index_not_supported_for_search`, `search_option_not_supported`,
    /// `index_model_mismatch`.
    pub async fn search(&self, workspace: WorkspaceId, request: &SearchRequest) -> Result<ResultPage> {
        check_request(request)?;
        let Some(IndexSummary { index, video_count, total_duration_s }) =
            self.store.index(workspace, request.index).await?
        else {
            return Err(Fault::new(Code::ResourceNotExists).value(format!("index {}", request.index)).into());
        };
        check_options(&index, request)?;
        self.check_models(&index, request)?;
        let whole = SearchPool { total_count: video_count, total_duration_s, index: index.id };
        let (pool, passing) = self.pool(workspace, whole, &request.filter).await?;
        let query = self.understand(request).await?;
        let clips = self.clips(&index, passing.as_ref(), query, request).await?;
        let expires_at = self.clock.now().after(KEPT);
        let items = grouped(clips, request.group_by, request.sort);
        let results = Results { pool, items, limit: request.page_limit, expires_at };
        self.first_page(workspace, results).await
    }

    /// Another page of a search.
    ///
    /// # Errors
    /// `search_page_token_expired`, also when the token is another workspace's or nobody's.
    pub async fn page(&self, workspace: WorkspaceId, token: &str) -> Result<ResultPage> {
        let expired = || {
            let given: String = token.chars().take(64).collect();
            Fault::new(Code::SearchPageTokenExpired).value(given)
        };
        let PageToken { id, page } = PageToken::parse(token).ok_or_else(expired)?;
        let kept = self.store.kept_results(workspace, &id.to_string(), self.clock.now()).await?;
        let kept = kept.ok_or_else(expired)?;
        let results: Results = serde_json::from_slice(&kept).context("read kept results")?;
        Ok(results.page(id, page).ok_or_else(expired)?)
    }

    /// Loads the vector indexes that were saved, so that the first queries need not wait: for the start of a server.
    pub async fn warm(&self) -> Result<()> {
        let models = self.engines.models();
        let of_kind = move |kind| match kind {
            SegmentKind::Shot => models.see.clone(),
            SegmentKind::Speech | SegmentKind::Text => models.words.clone(),
        };
        self.shelf.warm(of_kind).await
    }

    /// Saves the vector indexes and stops the work on them: for the end of a server.
    pub async fn close(&self) -> Result<()> {
        self.shelf.close().await
    }

    /// Its vector indexes; for tests and benches.
    pub fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// The vectors of one kind of segments are of one model, and so must the query's be.
    fn check_models(&self, index: &Index, request: &SearchRequest) -> Result<()> {
        let own = self.engines.models();
        for option in &request.options {
            let (made_with, runs): (&ModelRef, &ModelRef) = match option {
                ModelOption::Visual => (&index.models.see, &own.see),
                ModelOption::Conversation | ModelOption::TextInVideo => (&index.models.words, &own.words),
            };
            if made_with != runs {
                let value = format!("index: {}, server: {}", made_with.id, runs.id);
                return Err(Fault::new(Code::IndexModelMismatch).value(value).into());
            }
        }
        Ok(())
    }

    /// What is searched, and which videos pass the filter if there is one.
    async fn pool(
        &self,
        workspace: WorkspaceId,
        whole: SearchPool,
        filter: &VideoFilter,
    ) -> Result<(SearchPool, Option<Passing>)> {
        if *filter == VideoFilter::default() {
            return Ok((whole, None));
        }
        let mut pool = SearchPool { total_count: 0, total_duration_s: 0.0, ..whole };
        let mut ids = Vec::new();
        for page in 1.. {
            let paging = Paging { page, limit: PASSING_PAGE, sort_by: SortBy::CreatedAt, descending: false };
            let listed = self.store.videos(workspace, whole.index, filter, paging).await?;
            pool.total_duration_s += listed.rows.iter().map(|video| video.meta.duration_s).sum::<f64>();
            ids.extend(listed.rows.iter().map(|video| video.id));
            if (listed.rows.len() as u64) < PASSING_PAGE {
                break;
            }
        }
        let set: HashSet<_> = ids.iter().copied().collect();
        // A video that came in between two pages may be told twice.
        let ids: Vec<_> = set.iter().copied().collect();
        pool.total_count = ids.len() as u64;
        Ok((pool, Some(Passing { ids, set })))
    }

    /// Embeds the text, on a thread that may block.
    async fn understand(&self, request: &SearchRequest) -> Result<Query> {
        let asks = |option| request.options.contains(&option);
        let is_exact = request.conversation == ConversationOption::ExactMatch;
        let needs_meaning = asks(ModelOption::TextInVideo) || (asks(ModelOption::Conversation) && !is_exact);
        let (engines, text) = (self.engines.clone(), request.text.trim().to_owned());
        let sees = asks(ModelOption::Visual);
        let embed = move || -> anyhow::Result<_> {
            let seen = sees.then(|| engines.see.embed_text(&text)).transpose()?;
            let meant = needs_meaning.then(|| engines.words.embed(&[&text])).transpose()?;
            Ok((seen, meant.map(|mut vectors| vectors.remove(0))))
        };
        let (seen, meant) = spawn_blocking(embed).await.context("embed a query")?.context("embed a query")?;
        Ok(Query {
            seen: seen.map(Arc::from),
            meant: meant.map(Arc::from),
            terms: Terms::of(&request.text),
            exact_speech: is_exact.then(|| Terms::exact(&request.text)).flatten(),
        })
    }

    async fn clips(
        &self,
        index: &Index,
        passing: Option<&Passing>,
        query: Query,
        request: &SearchRequest,
    ) -> Result<Vec<Clip>> {
        let Query { seen, meant, terms, exact_speech } = query;
        let gatherer = Gatherer {
            store: self.store.as_ref(),
            shelf: &self.shelf,
            index: index.id,
            models: &index.models,
            passing,
            seen,
            meant,
            terms,
            exact_speech,
        };
        let hits = try_join_all(request.options.iter().map(|option| gatherer.hits(*option))).await?;
        let rules = Rules {
            operator: request.operator,
            options: request.options.clone(),
            threshold: request.threshold,
            bands: Bands::of(request),
        };
        Ok(clips(hits.concat(), &rules))
    }

    async fn first_page(&self, workspace: WorkspaceId, results: Results) -> Result<ResultPage> {
        let id = Uuid::new_v4();
        let first = results.page(id, 0).context("the first page is always there")?;
        if results.has_more() {
            let kept = serde_json::to_vec(&results).context("write results")?;
            let (token, until, now) = (id.to_string(), results.expires_at, self.clock.now());
            self.store.keep_results(workspace, &token, &kept, until, now).await?;
        }
        Ok(first)
    }
}

fn check_request(request: &SearchRequest) -> Result<()> {
    let fault = |message: String| Err(Fault::parameter(message).into());
    let text = request.text.trim();
    if text.is_empty() {
        return fault("The query is empty; say in words what to look for.".into());
    }
    if text.chars().count() > MAX_QUERY_CHARS {
        return fault(format!("The query is longer than {MAX_QUERY_CHARS} characters."));
    }
    let is_exact = request.conversation == ConversationOption::ExactMatch;
    if is_exact && request.options.contains(&ModelOption::Conversation) && Terms::exact(text).is_none() {
        return fault("The query has no word that could be matched exactly.".into());
    }
    if request.options.is_empty() {
        return fault("search_options is empty; name at least one option of the index.".into());
    }
    if !(1..=MAX_PAGE_LIMIT).contains(&request.page_limit) {
        return fault(format!("page_limit is {}; it must be 1 to {MAX_PAGE_LIMIT}.", request.page_limit));
    }
    if !(0.0..=1.0).contains(&request.adjust_confidence_level) {
        let given = request.adjust_confidence_level;
        return fault(format!("adjust_confidence_level is {given}; it must be 0 to 1."));
    }
    if request.sort == SortOption::ClipCount && request.group_by != GroupBy::Video {
        return fault("sort_option is clip_count, which needs group_by to be video.".into());
    }
    Ok(())
}

fn check_options(index: &Index, request: &SearchRequest) -> Result<()> {
    let has = index.search_options();
    if has.is_empty() {
        let engines: Vec<&str> = index.engines.iter().map(|engine| engine.name.as_str()).collect();
        return Err(Fault::new(Code::IndexNotSupportedForSearch).value(engines.join(", ")).into());
    }
    let lacking: Vec<&str> = request.options.difference(&has).map(|option| option.as_str()).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    let has: Vec<&str> = has.iter().map(|option| option.as_str()).collect();
    let fault = Fault::new(Code::SearchOptionNotSupported)
        .value(lacking.join(", "))
        .rule(format!("this index can be searched by {}", has.join(", ")));
    Err(fault.into())
}
