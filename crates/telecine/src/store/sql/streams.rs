//! Streams of videos.

use std::collections::HashMap;

use anyhow::Context as _;
use async_trait::async_trait;

use super::SqlStore;
use super::rows::{from_json_if_any, parsed, signed, to_json, unsigned};
use crate::fault::Result;
use crate::ids::VideoId;
use crate::store::StreamStore;
use crate::time::{MediaTime, Timestamp};
use crate::video::{StreamStatus, VideoStream};

#[async_trait]
impl StreamStore for SqlStore {
    async fn begin_stream(&self, video: VideoId, now: Timestamp) -> Result<()> {
        sqlx::query(
            "INSERT INTO video_stream (video_id, status, updated_at) VALUES ($1, 'PROCESSING', $2) \
             ON CONFLICT (video_id) DO UPDATE SET status = excluded.status, fault = NULL, bytes = 0, \
             updated_at = excluded.updated_at",
        )
        .bind(video.to_string())
        .bind(now.as_millis())
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn end_stream(&self, video: VideoId, stream: &VideoStream) -> Result<bool> {
        let VideoStream { status, fault, bytes, updated_at } = stream;
        let done = sqlx::query(
            "UPDATE video_stream SET status = $1, fault = $2, bytes = $3, updated_at = $4 \
             WHERE video_id = $5 AND EXISTS (SELECT 1 FROM video WHERE id = $5)",
        )
        .bind(status.as_str())
        .bind(fault.as_ref().map(to_json).transpose()?)
        .bind(signed(*bytes)?)
        .bind(updated_at.as_millis())
        .bind(video.to_string())
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn forget_stream(&self, video: VideoId) -> Result<()> {
        sqlx::query("DELETE FROM video_stream WHERE video_id = $1")
            .bind(video.to_string())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn streams(&self, videos: &[VideoId]) -> Result<HashMap<VideoId, VideoStream>> {
        let rows: Vec<(String, String, Option<String>, i64, i64)> = sqlx::query_as(concat!(
            "SELECT video_id, status, fault, bytes, updated_at FROM video_stream WHERE video_id IN ",
            among!("$1")
        ))
        .bind(to_json(&videos)?)
        .fetch_all(&self.readers)
        .await?;
        let read = |(video, status, fault, bytes, updated_at): (String, String, Option<String>, i64, i64)| {
            let stream = VideoStream {
                status: StreamStatus::parse(&status).context("a row holds an unknown status of a stream")?,
                fault: from_json_if_any(fault.as_deref())?,
                bytes: unsigned(bytes)?,
                updated_at: Timestamp::from_millis(updated_at),
            };
            Ok((parsed(&video)?, stream))
        };
        rows.into_iter().map(read).collect()
    }

    async fn unfinished_streams(&self) -> Result<Vec<VideoId>> {
        let rows: Vec<String> = sqlx::query_scalar(
            "SELECT video_id FROM video_stream WHERE status = 'PROCESSING' ORDER BY video_id",
        )
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|id| parsed(id)).collect()
    }

    async fn middle_pictures(&self, videos: &[VideoId]) -> Result<HashMap<VideoId, MediaTime>> {
        let rows: Vec<(String, i64)> = sqlx::query_as(concat!(
            "SELECT id, at_us FROM (SELECT v.id, t.at_us, row_number() OVER (PARTITION BY v.id \
             ORDER BY abs(t.at_us - CAST(v.duration_s * 500000 AS BIGINT)), t.at_us) AS place \
             FROM video v JOIN thumbnail t ON t.video_id = v.id WHERE v.id IN ",
            among!("$1"),
            ") placed WHERE place = 1"
        ))
        .bind(to_json(&videos)?)
        .fetch_all(&self.readers)
        .await?;
        let mut found = HashMap::new();
        for (video, at) in rows {
            found.insert(parsed(&video)?, MediaTime::from_micros(at));
        }
        Ok(found)
    }
}
