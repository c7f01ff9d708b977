//! Content in an index: who has it, and the one transaction that makes a video visible.

use std::collections::BTreeMap;

use anyhow::anyhow;
use half::f16;
use half::slice::HalfFloatSliceExt as _;

use super::claims::{Held, held};
use super::filters::Sql;
use super::rows::{SourceRow, parsed, signed, status};
use super::{HalfVector, ROWS_PER_STATEMENT, SqlStore, Write, alone, push_words, storable, stored_key};
use crate::fault::Result;
use crate::ids::{IndexId, TaskId, VideoId};
use crate::queue::{Claim, Stale};
use crate::store::{ContentHolder, TaskChange};
use crate::time::Timestamp;
use crate::transfer::{Event, ObjectRef, ObjectStamp};
use crate::video::{NewSegment, NewThumbnail, Publication, SegmentKind};

/// Vectors in a statement: about 32 KB of values each.
const VECTORS_PER_STATEMENT: usize = 16;

pub(super) async fn video_of_object(
    store: &SqlStore,
    index: IndexId,
    object: &ObjectRef,
    stamp: &ObjectStamp,
) -> Result<Option<VideoId>> {
    if stamp.etag.is_empty() {
        return Ok(None);
    }
    let video: Option<String> = sqlx::query_scalar(
        "SELECT v.id FROM task t JOIN video v ON v.id = t.video_id \
         WHERE t.integration_id = $1 AND t.locator = $2 AND t.index_id = $3 AND t.video_id IS NOT NULL \
         AND t.source = 'object' AND t.scheme = $4 AND t.bucket = $5 AND t.etag = $6 AND t.object_bytes = $7 LIMIT 1",
    )
    .bind(object.integration.to_string())
    .bind(stored_key(&object.key))
    .bind(index.to_string())
    .bind(object.scheme.as_str())
    .bind(&object.bucket)
    .bind(&stamp.etag)
    .bind(signed(stamp.size_bytes)?)
    .fetch_optional(&store.readers)
    .await?;
    video.as_deref().map(parsed).transpose()
}

pub(super) async fn hold(
    store: &SqlStore,
    claim: &Claim,
    hash: &str,
) -> Result<Result<ContentHolder, Stale>> {
    let mut write = store.write_beside().await?;
    let held = match held(&mut write, claim).await? {
        Ok(held) => held,
        Err(stale) => return Ok(Err(stale)),
    };
    let key = key(&held, claim.task, hash);
    if let Some(other) = holder(&mut write, &held, hash, claim.task).await? {
        return Ok(Ok(other));
    }
    // The object may have had other content when the task was tried before.
    sqlx::query("DELETE FROM content WHERE task_id = $1 AND hash <> $2")
        .bind(claim.task.to_string())
        .bind(&key)
        .execute(&mut *write)
        .await?;
    sqlx::query(HOLD)
        .bind(held.index.to_string())
        .bind(&key)
        .bind(claim.task.to_string())
        .execute(&mut *write)
        .await?;
    write.commit().await?;
    Ok(Ok(ContentHolder::Mine))
}

/// What content is held and unique by: its hash; where a task takes content that the index may have already, with the
/// task's id, so that it is in nobody's way and everybody else's stays unique.
fn key(held: &Held, task: TaskId, hash: &str) -> String {
    if held.allows_duplicate { format!("{hash}{SALT}{task}") } else { hash.to_owned() }
}

const HOLD: &str = "INSERT INTO content (index_id, hash, task_id) VALUES ($1, $2, $3) \
    ON CONFLICT (index_id, hash) DO UPDATE SET task_id = excluded.task_id";

/// Between hash and task in a key. The character that comes next is [`AFTER_SALT`].
const SALT: char = '#';
const AFTER_SALT: char = '$';

/// The hash in a key.
pub(super) fn hash_of(key: &str) -> &str {
    key.split_once(SALT).map_or(key, |(hash, _)| hash)
}

/// Another task that holds the content, alone or as one of several, and has not lost it by failing; one that has made a
/// video of it, if there is one. None for a task that does not mind.
async fn holder(write: &mut Write, held: &Held, hash: &str, mine: TaskId) -> Result<Option<ContentHolder>> {
    alone(write, &[&held.index.to_string(), hash]).await?;
    if held.allows_duplicate {
        return Ok(None);
    }
    // One range first: by the alternative alone, SQLite would look at all contents of the index.
    let found: Vec<(String, Option<String>, bool)> = sqlx::query_as(
        "SELECT c.task_id, t.status, EXISTS (SELECT 1 FROM video v WHERE v.id = c.task_id) AS has_video \
         FROM content c LEFT JOIN task t ON t.id = c.task_id \
         WHERE c.index_id = $1 AND c.hash BETWEEN $2 AND $4 AND (c.hash = $2 OR c.hash >= $3) AND c.task_id <> $5 \
         ORDER BY has_video DESC, c.hash",
    )
    .bind(held.index.to_string())
    .bind(hash)
    .bind(format!("{hash}{SALT}"))
    .bind(format!("{hash}{AFTER_SALT}"))
    .bind(mine.to_string())
    .fetch_all(&mut **write)
    .await?;
    for (id, name, has_video) in found {
        let task: TaskId = parsed(&id)?;
        if has_video {
            return Ok(Some(ContentHolder::Video(task.into())));
        }
        let is_at_work = name.map(|name| status(&name)).transpose()?.is_some_and(|status| !status.is_final());
        if is_at_work {
            return Ok(Some(ContentHolder::InProgress(task)));
        }
    }
    Ok(None)
}

pub(super) async fn publish(
    store: &SqlStore,
    claim: &Claim,
    publication: &Publication,
    now: Timestamp,
) -> Result<Result<(), Stale>> {
    // Made before the writer's lock is taken.
    let vectors: Vec<Vec<Encoded>> = publication.segments.iter().map(encode_vectors).collect();
    let mut write = store.write_beside().await?;
    let held = match held(&mut write, claim).await? {
        Ok(held) if publication.task == claim.task => held,
        Ok(_) => return Err(anyhow!("a publication of another task than the claim's").into()),
        Err(stale) => return Ok(Err(stale)),
    };
    insert_video(&mut write, &held, publication, now).await?;
    let mut spaces = BTreeMap::new();
    for (segment, vectors) in publication.segments.iter().zip(vectors) {
        let space = match spaces.get(&segment.kind) {
            Some(space) => *space,
            None => space_of(&mut write, held.index, segment.kind).await?,
        };
        spaces.insert(segment.kind, space);
        insert_segment(&mut write, publication.task, space, segment, vectors).await?;
    }
    insert_thumbnails(&mut write, publication.task, &publication.thumbnails).await?;
    let learnt = TaskChange {
        event: Event::Published,
        stamp: None,
        content_hash: Some(publication.content_hash.clone()),
        meta: Some(publication.meta.clone()),
    };
    held.happens(&mut write, &Event::Published, &learnt, now).await?;
    sqlx::query("UPDATE video_index SET updated_at = $1 WHERE id = $2")
        .bind(now.as_millis())
        .bind(held.index.to_string())
        .execute(&mut *write)
        .await?;
    write.commit().await?;
    Ok(Ok(()))
}

async fn insert_video(
    write: &mut Write,
    held: &Held,
    publication: &Publication,
    now: Timestamp,
) -> Result<()> {
    let Publication { task, content_hash, meta, segments: _, thumbnails: _ } = publication;
    let key = key(held, *task, content_hash);
    if let Some(other) = holder(write, held, content_hash, *task).await? {
        return Err(anyhow!("{task} publishes content that another task holds: {other:?}").into());
    }
    let source: SourceRow =
        sqlx::query_as("SELECT source, integration_id, scheme, bucket, locator FROM task WHERE seq = $1")
            .bind(held.seq)
            .fetch_one(&mut **write)
            .await?;
    let address = source.into_source()?.address();
    sqlx::query(HOLD)
        .bind(held.index.to_string())
        .bind(&key)
        .bind(task.to_string())
        .execute(&mut **write)
        .await?;
    sqlx::query(
        "INSERT INTO video (id, workspace_id, index_id, content_hash, address, filename, duration_s, fps, width, \
         height, size_bytes, user_metadata, created_at, updated_at, indexed_at) \
         SELECT id, workspace_id, index_id, $1, $2, $3, $4, $5, $6, $7, $8, coalesce(user_metadata, '{}'), created_at, $9, $10 \
         FROM task WHERE seq = $11",
    )
    .bind(&key)
    .bind(storable(&address).into_owned())
    .bind(storable(&meta.filename).into_owned())
    .bind(meta.duration_s)
    .bind(meta.fps)
    .bind(i64::from(meta.width))
    .bind(i64::from(meta.height))
    .bind(signed(meta.size_bytes)?)
    .bind(now.as_millis())
    .bind(now.as_millis())
    .bind(held.seq)
    .execute(&mut **write)
    .await?;
    Ok(())
}

/// A vector as it is stored: its moment in microseconds, and its values.
pub(super) type Encoded = (i64, HalfVector);

pub(super) fn encode_vectors(segment: &NewSegment) -> Vec<Encoded> {
    let encode = |values: &[f32]| {
        let mut half = vec![f16::ZERO; values.len()];
        half.convert_from_f32_slice(values);
        HalfVector::from(half)
    };
    segment.vectors.iter().map(|vector| (vector.at.as_micros(), encode(&vector.values))).collect()
}

pub(super) async fn insert_segment(
    write: &mut Write,
    task: TaskId,
    space: i64,
    segment: &NewSegment,
    vectors: Vec<Encoded>,
) -> Result<()> {
    let NewSegment { kind, range, text, score, vectors: _ } = segment;
    let text = storable(text);
    let mut sql = Sql::new(concat!(
        "INSERT INTO segment (video_id, space, kind, start_us, end_us, score, text",
        words_column!(),
        ") VALUES ("
    ));
    sql.push_bind(task.to_string()).push(", ").push_bind(space).push(", ").push_bind(kind.as_str());
    sql.push(", ").push_bind(range.start().as_micros()).push(", ").push_bind(range.end().as_micros());
    sql.push(", ").push_bind(f64::from(*score)).push(", ").push_bind(text.to_string());
    push_words(&mut sql, space, &text);
    let id: i64 = sql.push(") RETURNING id").build_query_scalar().fetch_one(&mut **write).await?;
    let mut rows = vectors.into_iter();
    while rows.len() > 0 {
        let mut sql = Sql::new("INSERT INTO segment_vector (space, segment_id, at_us, value) ");
        sql.push_values(rows.by_ref().take(VECTORS_PER_STATEMENT), |mut row, (at, value)| {
            row.push_bind(space).push_bind(id).push_bind(at).push_bind(value);
        });
        sql.build().execute(&mut **write).await?;
    }
    Ok(())
}

pub(super) async fn space_of(write: &mut Write, index: IndexId, kind: SegmentKind) -> Result<i64> {
    let kind = kind.as_str();
    loop {
        let find = sqlx::query_scalar("SELECT id FROM space WHERE index_id = $1 AND kind = $2");
        if let Some(id) = find.bind(index.to_string()).bind(kind).fetch_optional(&mut **write).await? {
            return Ok(id);
        }
        // Another may make it at the same moment.
        let make = sqlx::query("INSERT INTO space (index_id, kind) VALUES ($1, $2) ON CONFLICT DO NOTHING");
        make.bind(index.to_string()).bind(kind).execute(&mut **write).await?;
    }
}

async fn insert_thumbnails(write: &mut Write, task: TaskId, thumbnails: &[NewThumbnail]) -> Result<()> {
    for some in thumbnails.chunks(ROWS_PER_STATEMENT) {
        let mut sql = Sql::new("INSERT INTO thumbnail (video_id, at_us, jpeg) ");
        sql.push_values(some, |mut row, NewThumbnail { at, jpeg }| {
            row.push_bind(task.to_string()).push_bind(at.as_micros()).push_bind(jpeg.clone());
        });
        sql.push(" ON CONFLICT DO NOTHING");
        sql.build().persistent(false).execute(&mut **write).await?;
    }
    Ok(())
}
