//! What rows hold → what the domain knows: ids, moments, ranges, JSON. Runs no statement.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use anyhow::{Context as _, anyhow};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{content, storable, stored_key, told_key};
use crate::fault::Result;
use crate::time::{MediaTime, TimeRange, Timestamp};
use crate::transfer::{
    Duplicate, DuplicateBy, ObjectRef, ObjectStamp, Scheme, Status, Task, TaskSource, Transcription,
    VideoMeta,
};
use crate::video::{Segment, SegmentKind, Video};

/// A text that the store wrote and that must read as what it is.
pub(super) fn parsed<T: FromStr<Err: Display>>(text: &str) -> Result<T> {
    text.parse().map_err(|error| anyhow!("a row holds what it must not: {error}").into())
}

pub(super) fn parsed_if_any<T: FromStr<Err: Display>>(text: Option<&str>) -> Result<Option<T>> {
    text.map(parsed).transpose()
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    Ok(serde_json::from_str(text).context("a row holds JSON that cannot be read")?)
}

pub(super) fn from_json_if_any<T: DeserializeOwned>(text: Option<&str>) -> Result<Option<T>> {
    text.map(from_json).transpose()
}

pub(super) fn to_json(value: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string(value).context("a value cannot be told as JSON")?)
}

/// The databases' integers are signed; what does not fit is a fault of ours.
pub(in crate::store) fn signed(number: u64) -> Result<i64> {
    Ok(i64::try_from(number).context("a number does not fit the database")?)
}

pub(in crate::store) fn unsigned(number: i64) -> Result<u64> {
    Ok(u64::try_from(number).context("a row holds a negative number")?)
}

fn pixels(number: i64) -> Result<u32> {
    Ok(u32::try_from(number).context("a row holds a number of pixels that cannot be")?)
}

pub(super) fn http_status(number: i64) -> Result<u16> {
    Ok(u16::try_from(number).context("a row holds a status that cannot be")?)
}

pub(super) fn moment_if_any(millis: Option<i64>) -> Option<Timestamp> {
    millis.map(Timestamp::from_millis)
}

pub(super) fn status(name: &str) -> Result<Status> {
    Ok(Status::parse(name).with_context(|| format!("a row holds the unknown status `{name}`"))?)
}

/// The columns of [`TaskRow`].
pub(super) const TASK_COLUMNS: &str = "t.id, t.workspace_id, t.index_id, t.transfer_id, t.source, \
    t.integration_id, t.scheme, t.bucket, t.locator, t.transcription, t.language, t.user_metadata, \
    t.allows_duplicate, t.without_stream, t.status, \
    CASE WHEN t.due_at IS NOT NULL AND t.lease_until IS NULL AND EXISTS (SELECT 1 FROM transfer pause \
        WHERE pause.id = t.transfer_id AND pause.paused_at IS NOT NULL) THEN 'The transfer is paused.' \
        ELSE t.waiting_for END AS waiting_for, \
    t.attempts, t.etag, t.object_bytes, t.content_hash, t.filename, t.duration_s, t.fps, t.width, t.height, \
    t.size_bytes, t.fault, t.video_id, t.duplicate_by, t.created_at, t.updated_at";

#[derive(sqlx::FromRow)]
pub(super) struct TaskRow {
    id: String,
    workspace_id: String,
    index_id: String,
    transfer_id: Option<String>,
    #[sqlx(flatten)]
    source: SourceRow,
    transcription: Option<String>,
    language: String,
    user_metadata: Option<String>,
    allows_duplicate: bool,
    without_stream: bool,
    status: String,
    waiting_for: Option<String>,
    #[sqlx(try_from = "i64")]
    attempts: u32,
    etag: Option<String>,
    object_bytes: Option<i64>,
    content_hash: Option<String>,
    filename: String,
    duration_s: Option<f64>,
    fps: Option<f64>,
    width: Option<i64>,
    height: Option<i64>,
    size_bytes: Option<i64>,
    fault: Option<String>,
    video_id: Option<String>,
    duplicate_by: Option<String>,
    created_at: i64,
    updated_at: i64,
}

impl TaskRow {
    pub(super) fn into_task(self) -> Result<Task> {
        Ok(Task {
            id: parsed(&self.id)?,
            workspace: parsed(&self.workspace_id)?,
            index: parsed(&self.index_id)?,
            transfer: parsed_if_any(self.transfer_id.as_deref())?,
            transcription: from_json_if_any::<Transcription>(self.transcription.as_deref())?,
            user_metadata: from_json_if_any(self.user_metadata.as_deref())?,
            allows_duplicate: self.allows_duplicate,
            without_stream: self.without_stream,
            status: status(&self.status)?,
            attempts: self.attempts,
            stamp: self.stamp()?,
            meta: self.meta()?,
            fault: from_json_if_any(self.fault.as_deref())?,
            duplicate: self.duplicate()?,
            created_at: Timestamp::from_millis(self.created_at),
            updated_at: Timestamp::from_millis(self.updated_at),
            source: self.source.into_source()?,
            language: self.language,
            waiting_for: self.waiting_for,
            content_hash: self.content_hash,
        })
    }

    fn stamp(&self) -> Result<Option<ObjectStamp>> {
        let Some((etag, bytes)) = self.etag.clone().zip(self.object_bytes) else { return Ok(None) };
        Ok(Some(ObjectStamp { etag, size_bytes: unsigned(bytes)? }))
    }

    fn meta(&self) -> Result<Option<VideoMeta>> {
        let (Some(duration_s), Some(fps), Some(width), Some(height), Some(size)) =
            (self.duration_s, self.fps, self.width, self.height, self.size_bytes)
        else {
            return Ok(None);
        };
        let (filename, size_bytes) = (self.filename.clone(), unsigned(size)?);
        let (width, height) = (pixels(width)?, pixels(height)?);
        Ok(Some(VideoMeta { filename, duration_s, fps, width, height, size_bytes }))
    }

    fn duplicate(&self) -> Result<Option<Duplicate>> {
        let Some((video, by)) = self.video_id.as_deref().zip(self.duplicate_by.as_deref()) else {
            return Ok(None);
        };
        let by = match by {
            "object" => DuplicateBy::Object,
            _ => DuplicateBy::Content,
        };
        Ok(Some(Duplicate { video: parsed(video)?, by }))
    }
}

pub(super) fn duplicate_by(by: DuplicateBy) -> &'static str {
    match by {
        DuplicateBy::Object => "object",
        DuplicateBy::Content => "content",
    }
}

/// The columns that tell where a video comes from.
pub(super) struct SourceColumns<'a> {
    pub(super) kind: &'static str,
    pub(super) integration: Option<String>,
    pub(super) scheme: Option<&'static str>,
    pub(super) bucket: Option<&'a str>,
    pub(super) locator: Cow<'a, str>,
}

pub(super) fn source_columns<'a>(source: &'a TaskSource) -> SourceColumns<'a> {
    let elsewhere = |kind, text: &'a str| SourceColumns {
        kind,
        integration: None,
        scheme: None,
        bucket: None,
        locator: storable(text),
    };
    match source {
        TaskSource::Object(object) => SourceColumns {
            kind: "object",
            integration: Some(object.integration.to_string()),
            scheme: Some(object.scheme.as_str()),
            bucket: Some(&object.bucket),
            locator: stored_key(&object.key).into(),
        },
        TaskSource::Upload { filename } => elsewhere("upload", filename),
        TaskSource::Url { url } => elsewhere("url", url),
    }
}

/// The same columns, read.
#[derive(sqlx::FromRow)]
pub(super) struct SourceRow {
    source: String,
    integration_id: Option<String>,
    scheme: Option<String>,
    bucket: Option<String>,
    locator: String,
}

impl SourceRow {
    pub(super) fn into_source(self) -> Result<TaskSource> {
        Ok(match self.source.as_str() {
            "object" => TaskSource::Object(ObjectRef {
                scheme: self.scheme.as_deref().and_then(Scheme::parse).unwrap_or_default(),
                integration: parsed(&self.integration_id.context("an object of no integration")?)?,
                bucket: self.bucket.context("an object of no bucket")?,
                key: told_key(self.locator),
            }),
            "upload" => TaskSource::Upload { filename: self.locator },
            _ => TaskSource::Url { url: self.locator },
        })
    }
}

/// The columns of [`VideoRow`].
pub(super) const VIDEO_COLUMNS: &str = "v.id, v.workspace_id, v.index_id, v.content_hash, v.address, v.filename, \
    v.duration_s, v.fps, v.width, v.height, v.size_bytes, v.user_metadata, v.created_at, v.updated_at, v.indexed_at";

#[derive(sqlx::FromRow)]
pub(super) struct VideoRow {
    id: String,
    workspace_id: String,
    index_id: String,
    content_hash: String,
    address: String,
    filename: String,
    duration_s: f64,
    fps: f64,
    #[sqlx(try_from = "i64")]
    width: u32,
    #[sqlx(try_from = "i64")]
    height: u32,
    size_bytes: i64,
    user_metadata: String,
    created_at: i64,
    updated_at: i64,
    indexed_at: i64,
}

impl VideoRow {
    pub(super) fn into_video(self) -> Result<Video> {
        Ok(Video {
            id: parsed(&self.id)?,
            workspace: parsed(&self.workspace_id)?,
            index: parsed(&self.index_id)?,
            content_hash: content::hash_of(&self.content_hash).to_owned(),
            address: self.address,
            meta: VideoMeta {
                filename: self.filename,
                duration_s: self.duration_s,
                fps: self.fps,
                width: self.width,
                height: self.height,
                size_bytes: unsigned(self.size_bytes)?,
            },
            user_metadata: from_json::<Map<String, Value>>(&self.user_metadata)?,
            created_at: Timestamp::from_millis(self.created_at),
            updated_at: Timestamp::from_millis(self.updated_at),
            indexed_at: Timestamp::from_millis(self.indexed_at),
        })
    }
}

/// The columns of [`SegmentRow`].
pub(in crate::store) const SEGMENT_COLUMNS: &str =
    "s.id, s.video_id, s.kind, s.start_us, s.end_us, s.text, s.score";

#[derive(sqlx::FromRow)]
pub(in crate::store) struct SegmentRow {
    id: i64,
    video_id: String,
    kind: String,
    start_us: i64,
    end_us: i64,
    text: String,
    score: f64,
}

impl SegmentRow {
    pub(in crate::store) fn into_segment(self) -> Result<Segment> {
        let kind = SegmentKind::parse(&self.kind).context("a row holds an unknown kind of segment")?;
        let (start, end) = (MediaTime::from_micros(self.start_us), MediaTime::from_micros(self.end_us));
        Ok(Segment {
            id: self.id,
            video: parsed(&self.video_id)?,
            kind,
            range: TimeRange::new(start, end).context("a row holds a range that ends before it starts")?,
            text: self.text,
            score: self.score as f32,
        })
    }
}
