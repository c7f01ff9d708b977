//! What is said in a video when people change it: the segments that are searched, and what was heard, kept beside them.

use async_trait::async_trait;

use super::content::{encode_vectors, insert_segment, space_of};
use super::rows::{from_json, to_json};
use super::{Connection, SqlStore, Write};
use crate::fault::Result;
use crate::ids::VideoId;
use crate::store::SpeechStore;
use crate::time::{MediaTime, TimeRange, Timestamp};
use crate::video::transcript::{Heard, HeardSegment};
use crate::video::{NewSegment, SegmentKind, Video};

/// A segment of what was heard, as it is kept: start and end in microseconds, text, score.
type Kept = (i64, i64, String, f64);

#[async_trait]
impl SpeechStore for SqlStore {
    async fn edit_speech(&self, video: &Video, segments: &[NewSegment], now: Timestamp) -> Result<bool> {
        let mut write = self.write().await?;
        if !touch(&mut write, video, now).await? {
            return Ok(false);
        }
        let heard = to_json(&spoken(&mut write, video.id).await?)?;
        // Only what was heard first is kept: later edits replace edits.
        sqlx::query(
            "INSERT INTO transcript_edit (video_id, edited_at, heard) VALUES ($1, $2, $3) \
             ON CONFLICT (video_id) DO UPDATE SET edited_at = $2",
        )
        .bind(video.id.to_string())
        .bind(now.as_millis())
        .bind(heard)
        .execute(&mut *write)
        .await?;
        replace(&mut write, video, segments).await?;
        write.commit().await?;
        Ok(true)
    }

    async fn restore_speech(&self, video: &Video, segments: &[NewSegment], now: Timestamp) -> Result<bool> {
        let mut write = self.write().await?;
        if !touch(&mut write, video, now).await? {
            return Ok(false);
        }
        let done = sqlx::query("DELETE FROM transcript_edit WHERE video_id = $1")
            .bind(video.id.to_string())
            .execute(&mut *write)
            .await?;
        // Somebody else was faster.
        if done.rows_affected() == 0 {
            return Ok(true);
        }
        replace(&mut write, video, segments).await?;
        write.commit().await?;
        Ok(true)
    }

    async fn heard(&self, video: VideoId) -> Result<Option<Heard>> {
        let found: Option<(i64, String)> =
            sqlx::query_as("SELECT edited_at, heard FROM transcript_edit WHERE video_id = $1")
                .bind(video.to_string())
                .fetch_optional(&self.readers)
                .await?;
        let Some((edited_at, heard)) = found else { return Ok(None) };
        let segment = |(start, end, text, score): Kept| -> Result<HeardSegment> {
            let range = TimeRange::new(MediaTime::from_micros(start), MediaTime::from_micros(end))
                .map_err(anyhow::Error::from)?;
            Ok(HeardSegment { range, text, score: score as f32 })
        };
        let segments = from_json::<Vec<Kept>>(&heard)?.into_iter().map(segment).collect::<Result<_>>()?;
        Ok(Some(Heard { edited_at: Timestamp::from_millis(edited_at), segments }))
    }

    async fn edited_at(&self, video: VideoId) -> Result<Option<Timestamp>> {
        let found: Option<i64> =
            sqlx::query_scalar("SELECT edited_at FROM transcript_edit WHERE video_id = $1")
                .bind(video.to_string())
                .fetch_optional(&self.readers)
                .await?;
        Ok(found.map(Timestamp::from_millis))
    }
}

/// Marks the video and its index as changed; whether it is still there.
async fn touch(write: &mut Write, video: &Video, now: Timestamp) -> Result<bool> {
    let done = sqlx::query("UPDATE video SET updated_at = $1 WHERE id = $2 AND index_id = $3")
        .bind(now.as_millis())
        .bind(video.id.to_string())
        .bind(video.index.to_string())
        .execute(&mut **write)
        .await?;
    sqlx::query("UPDATE video_index SET updated_at = $1 WHERE id = $2")
        .bind(now.as_millis())
        .bind(video.index.to_string())
        .execute(&mut **write)
        .await?;
    Ok(done.rows_affected() > 0)
}

async fn spoken(connection: &mut Connection, video: VideoId) -> Result<Vec<Kept>> {
    let spoken = sqlx::query_as(
        "SELECT start_us, end_us, text, score FROM segment WHERE video_id = $1 AND kind = $2 ORDER BY start_us, id",
    );
    Ok(spoken.bind(video.to_string()).bind(SegmentKind::Speech.as_str()).fetch_all(connection).await?)
}

/// Vectors and words go and come with the segments. Numbers are never used again, so that vector indexes find out.
async fn replace(write: &mut Write, video: &Video, segments: &[NewSegment]) -> Result<()> {
    sqlx::query("DELETE FROM segment WHERE video_id = $1 AND kind = $2")
        .bind(video.id.to_string())
        .bind(SegmentKind::Speech.as_str())
        .execute(&mut **write)
        .await?;
    let space = space_of(write, video.index, SegmentKind::Speech).await?;
    for segment in segments {
        insert_segment(write, video.id.into(), space, segment, encode_vectors(segment)).await?;
    }
    Ok(())
}
