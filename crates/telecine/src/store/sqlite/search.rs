//! What search reads: vectors, words, kept results.

use async_trait::async_trait;
use half::f16;

use super::SqliteStore;
use super::filters::Sql;
use super::rows::{SEGMENT_COLUMNS, SegmentRow, parsed_if_any, to_json, unsigned};
use super::words::match_expression;
use crate::fault::Result;
use crate::ids::{IndexId, VideoId, WorkspaceId};
use crate::store::{Found, SearchStore, VectorRow, WordQuery};
use crate::time::{MediaTime, Timestamp};
use crate::video::{Segment, SegmentKind};

impl SqliteStore {
    /// The number of a space; none while nothing was published to it.
    async fn space(&self, index: IndexId, kind: SegmentKind) -> Result<Option<i64>> {
        let sql = "SELECT id FROM space WHERE index_id = ? AND kind = ?";
        let query = sqlx::query_scalar(sql).bind(index.to_string()).bind(kind.as_str());
        Ok(query.fetch_optional(&self.readers).await?)
    }
}

#[derive(sqlx::FromRow)]
struct PlacedRow {
    vector_id: i64,
    at_us: i64,
    #[sqlx(flatten)]
    segment: SegmentRow,
}

#[derive(sqlx::FromRow)]
struct RankedRow {
    rank: f64,
    #[sqlx(flatten)]
    segment: SegmentRow,
}

#[async_trait]
impl SearchStore for SqliteStore {
    async fn vectors_after(
        &self,
        index: IndexId,
        kind: SegmentKind,
        after: i64,
        limit: u32,
    ) -> Result<Vec<VectorRow>> {
        let Some(space) = self.space(index, kind).await? else { return Ok(Vec::new()) };
        let rows: Vec<(i64, Vec<u8>)> =
            sqlx::query_as("SELECT id, value FROM vector WHERE space = ? AND id > ? ORDER BY id LIMIT ?")
                .bind(space)
                .bind(after)
                .bind(limit)
                .fetch_all(&self.readers)
                .await?;
        Ok(rows.into_iter().map(|(id, bytes)| VectorRow { id, values: halves(&bytes) }).collect())
    }

    async fn vector_extent(&self, index: IndexId, kind: SegmentKind) -> Result<(u64, i64)> {
        let Some(space) = self.space(index, kind).await? else { return Ok((0, 0)) };
        let (count, greatest): (i64, i64) =
            sqlx::query_as("SELECT count(*), coalesce(max(id), 0) FROM vector WHERE space = ?")
                .bind(space)
                .fetch_one(&self.readers)
                .await?;
        Ok((unsigned(count)?, greatest))
    }

    async fn vectors_of_videos(
        &self,
        index: IndexId,
        kind: SegmentKind,
        videos: &[VideoId],
    ) -> Result<Vec<i64>> {
        let Some(space) = self.space(index, kind).await? else { return Ok(Vec::new()) };
        let ids = sqlx::query_scalar(
            "SELECT x.id FROM json_each(?) j CROSS JOIN segment s ON s.video_id = j.value \
             CROSS JOIN vector x ON x.segment_id = s.id WHERE s.kind = ? AND s.space = ? ORDER BY x.id",
        );
        let ids = ids.bind(to_json(&videos)?).bind(kind.as_str()).bind(space);
        Ok(ids.fetch_all(&self.readers).await?)
    }

    async fn segments_of_vectors(&self, vectors: &[i64]) -> Result<Vec<(i64, MediaTime, Segment)>> {
        let mut sql =
            Sql::new(format!("SELECT x.id AS vector_id, x.at_us, {SEGMENT_COLUMNS} FROM json_each("));
        sql.push_bind(to_json(&vectors)?);
        sql.push(") j JOIN vector x ON x.id = j.value JOIN segment s ON s.id = x.segment_id ORDER BY j.key");
        let rows: Vec<PlacedRow> = sql.build_query_as().fetch_all(&self.readers).await?;
        let place = |row: PlacedRow| {
            Ok((row.vector_id, MediaTime::from_micros(row.at_us), row.segment.into_segment()?))
        };
        rows.into_iter().map(place).collect()
    }

    async fn match_words(
        &self,
        index: IndexId,
        kind: SegmentKind,
        query: &WordQuery,
        limit: u32,
    ) -> Result<Vec<Found>> {
        let Some(space) = self.space(index, kind).await? else { return Ok(Vec::new()) };
        let Some(expression) = match_expression(space, query) else { return Ok(Vec::new()) };
        // The scope has no part in the score.
        let mut sql = Sql::new(format!(
            "SELECT w.rank, {SEGMENT_COLUMNS} FROM \
             (SELECT rowid AS id, bm25(words, 0.0, 1.0) AS rank FROM words WHERE words MATCH "
        ));
        sql.push_bind(expression).push(" ORDER BY 2 LIMIT ").push_bind(limit);
        sql.push(") w JOIN segment s ON s.id = w.id ORDER BY w.rank, s.id");
        let rows: Vec<RankedRow> = sql.build_query_as().fetch_all(&self.readers).await?;
        let found =
            |row: RankedRow| Ok(Found { score: -row.rank as f32, segment: row.segment.into_segment()? });
        rows.into_iter().map(found).collect()
    }

    async fn video_elsewhere(
        &self,
        workspace: WorkspaceId,
        index: IndexId,
        videos: &[VideoId],
    ) -> Result<Option<VideoId>> {
        let found: Option<String> = sqlx::query_scalar(
            "SELECT v.id FROM json_each(?) j CROSS JOIN video v ON v.id = j.value \
             WHERE v.workspace_id = ? AND v.index_id <> ? LIMIT 1",
        )
        .bind(to_json(&videos)?)
        .bind(workspace.to_string())
        .bind(index.to_string())
        .fetch_optional(&self.readers)
        .await?;
        parsed_if_any(found.as_deref())
    }

    async fn keep_results(
        &self,
        workspace: WorkspaceId,
        token: &str,
        results: &[u8],
        until: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        let mut write = self.write().await?;
        sqlx::query("DELETE FROM kept_result WHERE until_at <= ?")
            .bind(now.as_millis())
            .execute(&mut *write)
            .await?;
        sqlx::query(
            "INSERT OR REPLACE INTO kept_result (token, workspace_id, results, until_at) VALUES (?, ?, ?, ?)",
        )
        .bind(token)
        .bind(workspace.to_string())
        .bind(results)
        .bind(until.as_millis())
        .execute(&mut *write)
        .await?;
        write.commit().await?;
        Ok(())
    }

    async fn kept_results(
        &self,
        workspace: WorkspaceId,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>> {
        let kept = sqlx::query_scalar(
            "SELECT results FROM kept_result WHERE token = ? AND workspace_id = ? AND until_at > ?",
        );
        let kept = kept.bind(token).bind(workspace.to_string()).bind(now.as_millis());
        Ok(kept.fetch_optional(&self.readers).await?)
    }
}

/// What was stored as f16, little-endian.
fn halves(bytes: &[u8]) -> Vec<f16> {
    bytes.as_chunks::<2>().0.iter().map(|pair| f16::from_le_bytes(*pair)).collect()
}
