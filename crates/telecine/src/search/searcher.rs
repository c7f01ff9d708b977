//! The searcher of a server: checks a query, embeds it, gathers hits, ranks them, and keeps the pages.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use futures::future::try_join_all;
use uuid::Uuid;

use super::calibration::Bands;
use super::evaluate::{evaluate, thresholds};
use super::gather::{Gatherer, Passing};
use super::pages::{PageToken, Results, grouped};
use super::rank::{Rules, clips};
use super::understand::{Question, Understood, understand};
use super::vectors::{InDatabase, Shelf, ShelfConfig, Vectors};
use super::{Clip, Combined, ResultPage, SearchPool, SearchRequest, Wanted, check};
use crate::fault::{Code, Error, Fault, Result};
use crate::files::DataDir;
use crate::ids::WorkspaceId;
use crate::index::{Index, IndexSummary};
use crate::pipeline::Engines;
use crate::store::{Paging, SortBy, Store, VideoFilter};
use crate::time::Clock;
use crate::video::SegmentKind;

/// How long the other pages of a search can be had.
const KEPT: Duration = Duration::from_secs(3_600);
/// Videos that pass a filter are read so many at a time.
const PASSING_PAGE: u64 = 1_000;

/// Searches.
#[derive(Debug)]
pub struct Searcher {
    store: Arc<dyn Store>,
    engines: Engines,
    clock: Arc<dyn Clock>,
    vectors: Vectors,
}

impl Searcher {
    /// A searcher whose vectors are searched in memory, within the usual bounds.
    pub fn new(store: Arc<dyn Store>, engines: Engines, clock: Arc<dyn Clock>, files: DataDir) -> Self {
        let shelf = Shelf::new(Arc::clone(&store), files, ShelfConfig::default());
        Self::with_vectors(store, engines, clock, Vectors::Memory(shelf))
    }

    /// A searcher whose vectors are searched in the database.
    ///
    /// # Errors
    /// When the database does not do that.
    pub fn in_database(store: Arc<dyn Store>, engines: Engines, clock: Arc<dyn Clock>) -> Result<Self> {
        let database = InDatabase::new(Arc::clone(&store)).context("the database does not search vectors")?;
        Ok(Self::with_vectors(store, engines, clock, Vectors::Database(database)))
    }

    /// A searcher whose vectors are searched by this.
    pub fn with_vectors(
        store: Arc<dyn Store>,
        engines: Engines,
        clock: Arc<dyn Clock>,
        vectors: Vectors,
    ) -> Self {
        Self { store, engines, clock, vectors }
    }

    /// The first page of what is found.
    ///
    /// # Errors
    /// `parameter_invalid`, `resource_not_exists`, `index_not_supported_for_search`, `search_option_not_supported`,
    /// `search_option_combination_not_supported`, `search_parameter_not_allowed`, `search_video_not_in_same_index`,
    /// `index_model_mismatch`.
    pub async fn search(&self, workspace: WorkspaceId, request: &SearchRequest) -> Result<ResultPage> {
        let begun = Instant::now();
        let found = self.found(workspace, request).await;
        let outcome = match &found {
            Ok(_) => "found",
            Err(Error::Fault(_)) => "refused",
            Err(Error::Internal(_)) => "failed",
        };
        metrics::histogram!("telecine_search_duration_seconds", "outcome" => outcome).record(begun.elapsed());
        found
    }

    async fn found(&self, workspace: WorkspaceId, request: &SearchRequest) -> Result<ResultPage> {
        check::request(request)?;
        let Some(IndexSummary { index, video_count, total_duration_s }) =
            self.store.index(workspace, request.index).await?
        else {
            return Err(Fault::new(Code::ResourceNotExists).value(format!("index {}", request.index)).into());
        };
        let options = check::options(&index, request)?;
        check::models(&index, &self.engines.models(), &options)?;
        check::videos(&*self.store, workspace, &index, &request.filter).await?;
        let whole = SearchPool { total_count: video_count, total_duration_s, index: index.id };
        let (pool, passing) = self.pool(workspace, whole, &request.filter).await?;
        let clips = self.wanted(&index, passing.as_ref(), request).await?;
        let expires_at = self.clock.now().after(KEPT);
        let items = grouped(clips, request.group_by, request.sort);
        let is_combined = matches!(request.wanted, Wanted::Combined(_));
        let results = Results { pool, items, limit: request.page_limit, expires_at, is_combined };
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
        self.vectors.warm(of_kind).await
    }

    /// Saves the vector indexes and stops the work on them: for the end of a server.
    pub async fn close(&self) -> Result<()> {
        self.vectors.close().await
    }

    /// What searches vectors for it.
    pub fn vectors(&self) -> &Vectors {
        &self.vectors
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

    async fn wanted(
        &self,
        index: &Index,
        passing: Option<&Passing>,
        request: &SearchRequest,
    ) -> Result<Vec<Clip>> {
        let question = Question::of(request);
        match &request.wanted {
            Wanted::Text(text) => self.clips(index, passing, question.text(text)).await,
            Wanted::Pictures(pictures, text) => {
                self.clips(index, passing, question.pictures(pictures, text.as_deref())).await
            }
            Wanted::Combined(query) => self.combined(index, passing, query, request).await,
        }
    }

    /// One text after the other: each is a search of its own, and there may be dozens.
    async fn combined(
        &self,
        index: &Index,
        passing: Option<&Passing>,
        query: &Combined,
        request: &SearchRequest,
    ) -> Result<Vec<Clip>> {
        let mut lists = Vec::new();
        for (leaf, threshold) in query.leaves().into_iter().zip(thresholds(query, request.threshold)) {
            let question = Question {
                options: leaf.options.clone().unwrap_or_else(|| request.options.clone()),
                conversation: leaf.conversation.unwrap_or(request.conversation),
                threshold,
                ..Question::of(request)
            };
            lists.push(self.clips(index, passing, question.text(&leaf.text)).await?);
        }
        let (query, bands) = (query.clone(), Bands::of(request));
        let evaluated = tokio::task::spawn_blocking(move || evaluate(&query, lists, bands)).await;
        Ok(evaluated.context("evaluate a combined query")?)
    }

    async fn clips(&self, index: &Index, passing: Option<&Passing>, question: Question) -> Result<Vec<Clip>> {
        let Understood { seen, meant, terms, exact_speech } = understand(&self.engines, &question).await?;
        let gatherer = Gatherer {
            store: self.store.as_ref(),
            vectors: &self.vectors,
            index: index.id,
            models: &index.models,
            passing,
            seen,
            meant,
            terms,
            exact_speech,
        };
        let hits = try_join_all(question.options.iter().map(|option| gatherer.hits(*option))).await?;
        let rules = Rules {
            operator: question.operator,
            options: question.options,
            threshold: question.threshold,
            bands: question.bands,
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
