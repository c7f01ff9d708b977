//! `/streams/…`: playlists and their segments, which signed links lead to; and the links themselves, as tasks and videos
//! tell them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::absent;
use crate::app::App;
use crate::fault::Result;
use crate::files::{PLAYLIST_FILE, STREAM_FILE};
use crate::http::bytes_of::{Kind, answer_media};
use crate::http::error::Failure;
use crate::http::links::{Links, Picture, Signed};
use crate::http::path::PathIds;
use crate::http::views::hls::HlsView;
use crate::ids::VideoId;
use crate::media_store::MediaKey;
use crate::video::StreamStatus;

/// The playlist of a video's stream, or the file whose ranges it names. Without a key: the path is signed and works for a
/// while, and so do the relative addresses in the playlist. Takes `Range`, `If-Range` and `If-None-Match`.
#[utoipa::path(get, path = "/streams/{video_id}/{signature}/{name}", tag = "links", responses(
    (status = 200, description = "The whole.", content(
        (String = "application/vnd.apple.mpegurl"), (String = "video/mp4"))),
    (status = 206, description = "The range that was asked for.", body = String, content_type = "video/mp4"),
    (status = 304, description = "It is as the client has it."),
))]
pub(in crate::http) async fn stream(
    State(app): State<Arc<App>>,
    State(links): State<Arc<Links>>,
    path: PathIds,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let video: VideoId = path.id("video_id")?;
    let (signature, name) = (path.text("signature"), path.text("name"));
    let (expires, signature) = signature.split_once('-').unwrap_or_default();
    let now = app.clock.now();
    let left = links.check(Signed::Stream(video), expires, signature, now).await?;
    let key = match name {
        PLAYLIST_FILE => MediaKey::Playlist(video),
        STREAM_FILE => MediaKey::Stream(video),
        _ => return Err(absent("stream", name).into()),
    };
    // A video that was deleted has no stream, though its file may still be there for a moment.
    let known = app.store.streams(&[video]).await?;
    let stream = known.get(&video).filter(|stream| stream.status == StreamStatus::Complete);
    let stream = stream.ok_or_else(|| absent("stream of the video", video))?;
    let kind = Kind {
        content_type: key.content_type(),
        etag: format!("\"{video}-{}-{name}\"", stream.updated_at.as_millis()),
        max_age: left,
    };
    let answered = answer_media(&app.media_store, key, &kind, &headers).await?;
    answered.ok_or_else(|| absent("stream of the video", video).into())
}

/// The streams of these videos, with links for the client of this request. None where streams are switched off.
pub(super) async fn hls_of(
    app: &App,
    links: &Links,
    request: &HeaderMap,
    videos: &[VideoId],
) -> Result<HashMap<VideoId, HlsView>> {
    if !app.config.streaming.enabled || videos.is_empty() {
        return Ok(HashMap::new());
    }
    let now = app.clock.now();
    let lifetime = Duration::from_secs(app.config.streaming.link_lifetime_s);
    let (streams, pictures) = (app.store.streams(videos).await?, app.store.middle_pictures(videos).await?);
    let mut shown = HashMap::with_capacity(streams.len());
    for (video, stream) in streams {
        let video_url = match stream.status {
            StreamStatus::Complete => Some(links.stream(video, request, now, lifetime).await?),
            _ => None,
        };
        let mut thumbnail_urls = Vec::new();
        if let Some(at) = pictures.get(&video) {
            let picture = Picture { video, at_ms: at.as_millis() };
            thumbnail_urls.push(links.link(picture, request, now).await?);
        }
        let (status, updated_at) = (stream.status, stream.updated_at);
        shown.insert(video, HlsView { video_url, thumbnail_urls, status, updated_at, error: stream.fault });
    }
    Ok(shown)
}
