//! What search reads: vectors, words, kept results.

use std::ops::RangeInclusive;

use async_trait::async_trait;

use super::filters::Sql;
use super::rows::{SEGMENT_COLUMNS, SegmentRow, from_json, parsed, parsed_if_any, to_json, unsigned};
use super::{HalfVector, SqlStore, push_each};
use crate::fault::Result;
use crate::ids::{IndexId, VideoId, WorkspaceId};
use crate::store::{Found, SearchStore, VectorRow, WordQuery};
use crate::time::{MediaTime, Timestamp};
use crate::video::{Segment, SegmentKind};

impl SqlStore {
    /// The number of a space; none while nothing was published to it.
    async fn space(&self, index: IndexId, kind: SegmentKind) -> Result<Option<i64>> {
        let sql = "SELECT id FROM space WHERE index_id = $1 AND kind = $2";
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

#[async_trait]
impl SearchStore for SqlStore {
    async fn vectors_after(
        &self,
        index: IndexId,
        kind: SegmentKind,
        after: i64,
        limit: u32,
    ) -> Result<Vec<VectorRow>> {
        let Some(space) = self.space(index, kind).await? else { return Ok(Vec::new()) };
        let rows: Vec<(i64, HalfVector)> = sqlx::query_as(
            "SELECT id, value FROM segment_vector WHERE space = $1 AND id > $2 ORDER BY id LIMIT $3",
        )
        .bind(space)
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(|(id, value)| VectorRow { id, values: value.into_values() }).collect())
    }

    async fn vector_extent(&self, index: IndexId, kind: SegmentKind) -> Result<(u64, i64)> {
        let Some(space) = self.space(index, kind).await? else { return Ok((0, 0)) };
        let (count, greatest): (i64, i64) =
            sqlx::query_as("SELECT count(*), coalesce(max(id), 0) FROM segment_vector WHERE space = $1")
                .bind(space)
                .fetch_one(&self.readers)
                .await?;
        Ok((unsigned(count)?, greatest))
    }

    async fn last_vector(&self, index: IndexId, kind: SegmentKind) -> Result<i64> {
        let Some(space) = self.space(index, kind).await? else { return Ok(0) };
        let last = sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM segment_vector WHERE space = $1");
        Ok(last.bind(space).fetch_one(&self.readers).await?)
    }

    async fn vectors_by_video(
        &self,
        index: IndexId,
        kind: SegmentKind,
        numbers: RangeInclusive<i64>,
        limit: u32,
    ) -> Result<Vec<(VideoId, Vec<i64>)>> {
        let Some(space) = self.space(index, kind).await? else { return Ok(Vec::new()) };
        let rows: Vec<(String, String)> = sqlx::query_as(concat!(
            "SELECT video_id, ",
            list_of!("id"),
            " FROM (SELECT x.id, s.video_id FROM segment_vector x",
            in_turn!(),
            "segment s ON s.id = x.segment_id WHERE x.space = $1 AND x.id BETWEEN $2 AND $3 ORDER BY x.id LIMIT $4) v \
             GROUP BY video_id"
        ))
        .bind(space)
        .bind(numbers.start())
        .bind(numbers.end())
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|(video, numbers)| Ok((parsed(video)?, from_json(numbers)?))).collect()
    }

    async fn vectors_of_videos(
        &self,
        index: IndexId,
        kind: SegmentKind,
        videos: &[VideoId],
    ) -> Result<Vec<i64>> {
        let Some(space) = self.space(index, kind).await? else { return Ok(Vec::new()) };
        let ids = sqlx::query_scalar(concat!(
            "SELECT x.id FROM ",
            each!("$1", "j"),
            in_turn!(),
            "segment s ON s.video_id = j.value ",
            in_turn!(),
            "segment_vector x ON x.segment_id = s.id WHERE s.kind = $2 AND s.space = $3 ORDER BY x.id"
        ));
        let ids = ids.bind(to_json(&videos)?).bind(kind.as_str()).bind(space);
        Ok(ids.fetch_all(&self.readers).await?)
    }

    async fn segments_of_vectors(&self, vectors: &[i64]) -> Result<Vec<(i64, MediaTime, Segment)>> {
        let mut sql = Sql::new(format!("SELECT x.id AS vector_id, x.at_us, {SEGMENT_COLUMNS} FROM "));
        push_each(&mut sql, to_json(&vectors)?, "j");
        sql.push(
            " JOIN segment_vector x ON x.id = CAST(j.value AS BIGINT) JOIN segment s ON s.id = x.segment_id ORDER BY j.key",
        );
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
        self.segments_with(space, query, limit).await
    }

    async fn video_elsewhere(
        &self,
        workspace: WorkspaceId,
        index: IndexId,
        videos: &[VideoId],
    ) -> Result<Option<VideoId>> {
        let found: Option<String> = sqlx::query_scalar(concat!(
            "SELECT v.id FROM ",
            each!("$1", "j"),
            in_turn!(),
            "video v ON v.id = j.value WHERE v.workspace_id = $2 AND v.index_id <> $3 LIMIT 1"
        ))
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
        let mut write = self.write_in("kept_result").await?;
        sqlx::query("DELETE FROM kept_result WHERE until_at <= $1")
            .bind(now.as_millis())
            .execute(&mut *write)
            .await?;
        sqlx::query(
            "INSERT INTO kept_result (token, workspace_id, results, until_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (token) DO UPDATE SET workspace_id = excluded.workspace_id, results = excluded.results, \
             until_at = excluded.until_at",
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
            "SELECT results FROM kept_result WHERE token = $1 AND workspace_id = $2 AND until_at > $3",
        );
        let kept = kept.bind(token).bind(workspace.to_string()).bind(now.as_millis());
        Ok(kept.fetch_optional(&self.readers).await?)
    }
}
