//! Search by vectors, by pgvector: all vectors of a space are scanned, or an HNSW graph over them is walked if there is one.
//! Graphs are partial indexes, one per space, for spaces have different dimensions and no filter may thin them out.

use async_trait::async_trait;
use half::f16;
use half::slice::HalfFloatSliceExt as _;
use sqlx::AssertSqlSafe;

use super::sql::SqlStore;
use super::sql::filters::Sql;
use super::sql::rows::{signed, unsigned};
use super::vector::HalfVector;
use crate::fault::Result;
use crate::ids::{IndexId, VideoId};
use crate::store::{GraphRules, NearestRows, NearestStats, NearestStore, Tended, VectorRow};
use crate::video::SegmentKind;

/// Candidates that a walk keeps: at least, and at most (pgvector's own bound).
const MIN_CANDIDATES: usize = 100;
const MAX_CANDIDATES: usize = 1_000;
/// Vectors that a filtered walk looks at before it gives up.
const MAX_WALKED: u32 = 100_000;
/// What a filtered walk takes for each vector that it meets, as many times what a scan takes for one: about 40 and 2.4
/// microseconds, of 100,000 vectors of 256 numbers.
const STEP_COST: f64 = 15.0;
/// Candidates among which a new vector of a graph finds its neighbours (`ef_construction`): with pgvector's 64, a walk over a million
/// misses one in fifteen to twenty of the nearest, with twice as many one in a thousand; it takes longer to build, and no more bytes.
const BUILT_AMONG: u32 = 128;
/// The greatest dimension of a vector in a graph; a row of the index must fit on a page.
const MAX_GRAPH_DIM: i32 = 4_000;
/// Memory of an entry of a graph in the making, besides its numbers.
const ENTRY_BYTES: u64 = 512;
/// The advisory lock of the one who makes and drops graphs.
const TENDING: i64 = 0x7465_6c65_7665_6374;

/// Of the transaction that scans: planning for speed costs more than it gains here.
const SCAN: &str = "BEGIN READ ONLY; SET LOCAL jit = off";

/// A space, and how many vectors are in the graph over it, if there is one.
struct Space {
    number: i64,
    graph: Option<f64>,
}

/// How many may pass a filter so that scanning them is quicker than walking until enough are met; and exact.
fn scanned(graph: f64, count: usize) -> i64 {
    (STEP_COST * count as f64 * graph.max(0.0)).sqrt() as i64
}

impl SqlStore {
    /// The database searches vectors.
    #[expect(clippy::unnecessary_wraps, reason = "others do not")]
    pub(super) fn searching(&self) -> Option<&dyn NearestStore> {
        Some(self)
    }

    async fn space_to_search(&self, index: IndexId, kind: SegmentKind) -> Result<Option<Space>> {
        let found: Option<(i64, Option<f32>)> = sqlx::query_as(
            "SELECT s.id, (SELECT c.reltuples FROM pg_index g JOIN pg_class c ON c.oid = g.indexrelid \
             WHERE g.indexrelid = to_regclass('vector_near_' || s.id) AND g.indisvalid) \
             FROM space s WHERE s.index_id = $1 AND s.kind = $2",
        )
        .bind(index.to_string())
        .bind(kind.as_str())
        .fetch_optional(&self.readers)
        .await?;
        Ok(found.map(|(number, graph)| Space { number, graph: graph.map(f64::from) }))
    }

    /// Looks at every vector of the space, or of these videos in it.
    async fn scan(&self, space: i64, wanted: &NearestRows<'_>) -> Result<Vec<(i64, f32)>> {
        let mut sql = Sql::new("SELECT x.id, x.value <#> ");
        sql.push_bind(halves(wanted.query));
        match wanted.among {
            None => {
                sql.push(" FROM segment_vector x WHERE x.space = ").push_bind(space);
            }
            Some(videos) => {
                sql.push(" FROM segment s JOIN segment_vector x ON x.segment_id = s.id WHERE ");
                sql.push("s.video_id = ANY(").push_bind(names(videos)).push(") AND s.kind = ");
                sql.push_bind(wanted.kind.as_str()).push(" AND s.space = ").push_bind(space);
            }
        }
        // By a sum, which no graph is ordered by.
        sql.push(" ORDER BY (x.value <#> ").push_bind(halves(wanted.query)).push(") + 0.0, x.id LIMIT ");
        sql.push_bind(signed(wanted.count as u64)?);
        let mut read = self.readers.begin_with(SCAN).await?;
        let rows: Vec<(i64, f64)> = sql.build_query_as().persistent(false).fetch_all(&mut *read).await?;
        read.commit().await?;
        Ok(rows.into_iter().map(|(id, distance)| (id, -distance as f32)).collect())
    }

    /// Walks the graph of the space, over vectors that do not pass the filter, too.
    async fn walk(&self, space: i64, wanted: &NearestRows<'_>) -> Result<Vec<(i64, f32)>> {
        let dim = wanted.query.len();
        // Numbers are written out, for a partial index is used only where the planner sees that it fits.
        let mut sql = Sql::new(format!("SELECT x.id, x.value::halfvec({dim}) <#> "));
        sql.push_bind(halves(wanted.query));
        sql.push(format_args!(" FROM segment_vector x WHERE x.space = {space}"));
        if let Some(videos) = wanted.among {
            // Asked of each vector that the walk meets: a join would begin with the videos, which are many.
            sql.push(" AND (SELECT s.video_id FROM segment s WHERE s.id = x.segment_id) = ANY(");
            sql.push_bind(names(videos)).push(")");
        }
        sql.push(format_args!(" ORDER BY x.value::halfvec({dim}) <#> ")).push_bind(halves(wanted.query));
        sql.push(" LIMIT ").push_bind(signed(wanted.count as u64)?);
        let candidates = wanted.count.clamp(MIN_CANDIDATES, MAX_CANDIDATES);
        let mut read = self
            .readers
            .begin_with(AssertSqlSafe(format!(
                "{SCAN}; SET LOCAL hnsw.ef_search = {candidates}; SET LOCAL hnsw.iterative_scan = relaxed_order; \
                 SET LOCAL hnsw.max_scan_tuples = {MAX_WALKED}; SET LOCAL hnsw.scan_mem_multiplier = 4; \
                 SET LOCAL work_mem = '64MB'; SET LOCAL enable_sort = off"
            )))
            .await?;
        let rows: Vec<(i64, f64)> = sql.build_query_as().persistent(false).fetch_all(&mut *read).await?;
        read.commit().await?;
        let mut found: Vec<(i64, f32)> =
            rows.into_iter().map(|(id, distance)| (id, -distance as f32)).collect();
        // The walk tells them in nearly this order.
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        Ok(found)
    }

    /// Segments of a kind that these videos have, up to a limit.
    async fn passing(&self, kind: SegmentKind, videos: &[VideoId], limit: i64) -> Result<i64> {
        let mut sql = Sql::new("SELECT count(*) FROM (SELECT 1 FROM segment s WHERE s.video_id = ANY(");
        sql.push_bind(names(videos)).push(") AND s.kind = ").push_bind(kind.as_str());
        sql.push(" LIMIT ").push_bind(limit).push(") passing");
        Ok(sql.build_query_scalar().persistent(false).fetch_one(&self.readers).await?)
    }
}

/// As an array, whose length the planner sees.
fn names(videos: &[VideoId]) -> Vec<String> {
    videos.iter().map(VideoId::to_string).collect()
}

fn halves(vector: &[f32]) -> HalfVector {
    let mut halves = vec![f16::ZERO; vector.len()];
    halves.convert_from_f32_slice(vector);
    halves.into()
}

#[async_trait]
impl NearestStore for SqlStore {
    async fn nearest_vectors(&self, wanted: NearestRows<'_>) -> Result<Vec<(i64, f32)>> {
        let Some(space) = self.space_to_search(wanted.index, wanted.kind).await? else {
            return Ok(Vec::new());
        };
        let is_few = match (space.graph, wanted.among) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(graph), Some(videos)) => {
                let few = scanned(graph, wanted.count);
                self.passing(wanted.kind, videos, few + 1).await? <= few
            }
        };
        if !is_few {
            let found = self.walk(space.number, &wanted).await?;
            // Where a walk gave up, those that pass lie far from the query.
            if found.len() == wanted.count {
                return Ok(found);
            }
        }
        self.scan(space.number, &wanted).await
    }

    async fn vector_numbers(&self, index: IndexId, kind: SegmentKind, after: i64) -> Result<Vec<i64>> {
        let numbers = sqlx::query_scalar(
            "SELECT x.id FROM segment_vector x WHERE x.id > $3 \
             AND x.space = (SELECT s.id FROM space s WHERE s.index_id = $1 AND s.kind = $2) ORDER BY x.id",
        );
        let numbers = numbers.bind(index.to_string()).bind(kind.as_str()).bind(after);
        Ok(numbers.fetch_all(&self.readers).await?)
    }

    async fn vectors_of_numbers(&self, numbers: &[i64]) -> Result<Vec<VectorRow>> {
        let rows: Vec<(i64, HalfVector)> =
            sqlx::query_as("SELECT x.id, x.value FROM segment_vector x WHERE x.id = ANY($1) ORDER BY x.id")
                .bind(numbers)
                .fetch_all(&self.readers)
                .await?;
        Ok(rows.into_iter().map(|(id, value)| VectorRow { id, values: value.into_values() }).collect())
    }

    async fn tend_graphs(&self, rules: GraphRules) -> Result<Tended> {
        // A connection of its own, that ends with what was set for it, and with the lock.
        let mut connection = self.writer.acquire().await?.detach();
        let connection = &mut connection;
        sqlx::raw_sql("SET lock_timeout = 0").execute(&mut *connection).await?;
        let is_ours: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
            .bind(TENDING)
            .fetch_one(&mut *connection)
            .await?;
        let mut tended = Tended::default();
        if !is_ours {
            return Ok(tended);
        }
        let useless: Vec<String> = sqlx::query_scalar(
            "SELECT c.relname::text FROM pg_index g JOIN pg_class c ON c.oid = g.indexrelid \
             WHERE g.indrelid = 'segment_vector'::regclass AND c.relname LIKE 'vector\\_near\\_%' \
             AND (NOT g.indisvalid OR NOT EXISTS (SELECT 1 FROM space s WHERE 'vector_near_' || s.id = c.relname))",
        )
        .fetch_all(&mut *connection)
        .await?;
        for name in useless {
            let drop = AssertSqlSafe(format!("DROP INDEX CONCURRENTLY IF EXISTS \"{name}\""));
            sqlx::raw_sql(drop).execute(&mut *connection).await?;
            tended.dropped += 1;
        }
        let large: Vec<(i64, i32)> = sqlx::query_as(
            "SELECT s.id, (SELECT vector_dims(x.value) FROM segment_vector x WHERE x.space = s.id LIMIT 1) \
             FROM space s WHERE to_regclass('vector_near_' || s.id) IS NULL \
             AND (SELECT count(*) FROM (SELECT 1 FROM segment_vector x WHERE x.space = s.id LIMIT $1) counted) >= $1",
        )
        .bind(signed(rules.min_rows.max(1))?)
        .fetch_all(&mut *connection)
        .await?;
        for (space, dim) in large.into_iter().filter(|(_, dim)| *dim <= MAX_GRAPH_DIM) {
            let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM segment_vector WHERE space = $1")
                .bind(space)
                .fetch_one(&mut *connection)
                .await?;
            let entry_bytes = 2 * dim.unsigned_abs() as u64 + ENTRY_BYTES;
            let kib = (rows.unsigned_abs() * entry_bytes).min(rules.max_build_bytes) / 1_024;
            // Where the server gives more of itself, it stays so.
            sqlx::query(
                "SELECT set_config('maintenance_work_mem', greatest($1, setting::bigint)::text || 'kB', FALSE) \
                 FROM pg_settings WHERE name = 'maintenance_work_mem'",
            )
            .bind(signed(kib)?)
            .execute(&mut *connection)
            .await?;
            let make = AssertSqlSafe(format!(
                "CREATE INDEX CONCURRENTLY vector_near_{space} ON segment_vector \
                 USING hnsw ((value::halfvec({dim})) halfvec_ip_ops) WITH (ef_construction = {BUILT_AMONG}) \
                 WHERE space = {space}"
            ));
            sqlx::raw_sql(make).execute(&mut *connection).await?;
            tended.made += 1;
        }
        Ok(tended)
    }

    async fn nearest_stats(&self) -> Result<NearestStats> {
        let (vectors, graphs, bytes, is_building): (i64, i64, i64, bool) = sqlx::query_as(
            "SELECT coalesce((SELECT n_live_tup FROM pg_stat_user_tables WHERE relid = 'segment_vector'::regclass), 0), \
             count(*), coalesce(sum(pg_relation_size(g.indexrelid)), 0)::bigint, \
             EXISTS (SELECT 1 FROM pg_stat_progress_create_index WHERE relid = 'segment_vector'::regclass) \
             FROM pg_index g JOIN pg_class c ON c.oid = g.indexrelid \
             WHERE g.indrelid = 'segment_vector'::regclass AND c.relname LIKE 'vector\\_near\\_%' AND g.indisvalid",
        )
        .fetch_one(&self.readers)
        .await?;
        Ok(NearestStats {
            vectors: unsigned(vectors)?,
            graphs: unsigned(graphs)?,
            bytes: unsigned(bytes)?,
            is_building,
        })
    }
}
