//! Videos, their segments and pictures.

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::filters::{Sql, equals, in_index, user_field, within, within_moments};
use super::lists::List;
use super::rows::{SEGMENT_COLUMNS, SegmentRow, VIDEO_COLUMNS, VideoRow, to_json};
use super::{SqlStore, push_among};
use crate::fault::Result;
use crate::ids::{IndexId, VideoId, WorkspaceId};
use crate::store::{Listed, Paging, VideoFilter, VideoStore};
use crate::time::{MediaTime, Timestamp};
use crate::video::{Segment, SegmentKind, Video};

#[async_trait]
impl VideoStore for SqlStore {
    async fn video(&self, workspace: WorkspaceId, index: IndexId, id: VideoId) -> Result<Option<Video>> {
        let mut sql = Sql::new(format!("SELECT {VIDEO_COLUMNS} FROM video v"));
        conditions(&mut sql, workspace, index, &VideoFilter::default(), "[]");
        equals(&mut sql, "v.id", Some(id.to_string()));
        let row: Option<VideoRow> = sql.build_query_as().fetch_optional(&self.readers).await?;
        row.map(VideoRow::into_video).transpose()
    }

    async fn videos(
        &self,
        workspace: WorkspaceId,
        index: IndexId,
        filter: &VideoFilter,
        paging: Paging,
    ) -> Result<Listed<Video>> {
        let ids = to_json(&filter.ids)?;
        let conditions = |sql: &mut Sql| conditions(sql, workspace, index, filter, &ids);
        let list =
            List { columns: VIDEO_COLUMNS, from: "video v", alias: "v", tie: "seq", conditions: &conditions };
        list.page(self, paging, VideoRow::into_video).await
    }

    async fn delete_video(&self, workspace: WorkspaceId, index: IndexId, id: VideoId) -> Result<bool> {
        let mut write = self.write().await?;
        // Segments, vectors, words and pictures go with the row.
        let done = sqlx::query("DELETE FROM video WHERE id = $1 AND index_id = $2 AND workspace_id = $3")
            .bind(id.to_string())
            .bind(index.to_string())
            .bind(workspace.to_string())
            .execute(&mut *write)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query("DELETE FROM content WHERE task_id = $1")
            .bind(id.to_string())
            .execute(&mut *write)
            .await?;
        write.commit().await?;
        Ok(true)
    }

    async fn set_user_metadata(
        &self,
        workspace: WorkspaceId,
        index: IndexId,
        id: VideoId,
        metadata: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE video SET user_metadata = $1, updated_at = $2 \
             WHERE id = $3 AND index_id = $4 AND workspace_id = $5",
        )
        .bind(to_json(metadata)?)
        .bind(now.as_millis())
        .bind(id.to_string())
        .bind(index.to_string())
        .bind(workspace.to_string())
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn segments(&self, video: VideoId, kind: SegmentKind) -> Result<Vec<Segment>> {
        let mut sql = Sql::new(format!("SELECT {SEGMENT_COLUMNS} FROM segment s WHERE s.video_id = "));
        sql.push_bind(video.to_string()).push(" AND s.kind = ").push_bind(kind.as_str());
        sql.push(" ORDER BY s.start_us, s.id");
        let rows: Vec<SegmentRow> = sql.build_query_as().fetch_all(&self.readers).await?;
        rows.into_iter().map(SegmentRow::into_segment).collect()
    }

    async fn thumbnail(&self, video: VideoId, at: Option<MediaTime>) -> Result<Option<(MediaTime, Vec<u8>)>> {
        let found: Option<(i64, Vec<u8>)> = sqlx::query_as(
            "WITH wanted (us) AS (SELECT coalesce($2, CAST(duration_s * 500000 AS BIGINT)) FROM video WHERE id = $1) \
             SELECT at_us, jpeg FROM thumbnail WHERE video_id = $1 AND at_us = ( \
                 SELECT t.at_us FROM thumbnail t, wanted WHERE t.video_id = $1 \
                 ORDER BY abs(t.at_us - wanted.us), t.at_us LIMIT 1)",
        )
        .bind(video.to_string())
        .bind(at.map(MediaTime::as_micros))
        .fetch_optional(&self.readers)
        .await?;
        Ok(found.map(|(at, jpeg)| (MediaTime::from_micros(at), jpeg)))
    }
}

/// `ids` are those of the filter as JSON.
fn conditions(sql: &mut Sql, workspace: WorkspaceId, index: IndexId, filter: &VideoFilter, ids: &str) {
    let VideoFilter {
        ids: wanted,
        filename,
        duration_s,
        fps,
        width,
        height,
        size_bytes,
        created_at,
        updated_at,
        indexed_at,
        user_metadata,
    } = filter;
    in_index(sql, "v.index_id", workspace, index);
    if !wanted.is_empty() {
        sql.push(" AND v.id IN ");
        push_among(sql, ids.to_owned());
    }
    equals(sql, "v.filename", filename.clone());
    within(sql, "v.duration_s", *duration_s);
    within(sql, "v.fps", *fps);
    within(sql, "v.width", *width);
    within(sql, "v.height", *height);
    within(sql, "v.size_bytes", *size_bytes);
    within_moments(sql, "v.created_at", *created_at);
    within_moments(sql, "v.updated_at", *updated_at);
    within_moments(sql, "v.indexed_at", *indexed_at);
    for (name, test) in user_metadata {
        user_field(sql, "v.user_metadata", name, test);
    }
}
