//! Taking on a video to be embedded. An upload lies in the media store under the task's name before the task is
//! stored; a crash between the two leaves a file without a task, which is removed later.

use std::sync::Arc;

use super::{EmbedSource, EmbedState, EmbedTask, KEPT, Plan, Scope};
use crate::app::App;
use crate::fault::{Fault, Result};
use crate::ids::{EmbedTaskId, WorkspaceId};
use crate::index::check_size;
use crate::media_store::{MediaFolder, MediaKey};
use crate::time::MediaTime;
use crate::transfer::create::{VideoInput, direct_link, shown_name, take_over};

/// Seconds of a clip, unless it is said.
const MIN_CLIP_S: f64 = 2.0;
const MAX_CLIP_S: f64 = 10.0;

/// What is to be embedded, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbedRequest {
    /// The model as the client named it; checked.
    pub model_name: String,
    /// The video.
    pub video: VideoInput,
    /// Seconds of a clip.
    pub clip_length_s: f64,
    /// What vectors are wanted of.
    pub scopes: Vec<Scope>,
    /// Seconds.
    pub start_s: f64,
    /// Seconds.
    pub end_s: Option<f64>,
}

impl EmbedRequest {
    /// # Errors
    /// `parameter_invalid`.
    fn plan(&self) -> Result<Plan, Fault> {
        let wrong = |what: &str, value: f64, rule: String| {
            Err(Fault::parameter(format!("The {what} is out of range.")).value(value.to_string()).rule(rule))
        };
        if !(MIN_CLIP_S..=MAX_CLIP_S).contains(&self.clip_length_s) {
            let rule = format!("{MIN_CLIP_S} to {MAX_CLIP_S} seconds");
            return wrong("length of a clip", self.clip_length_s, rule);
        }
        if !(0.0..=86_400.0).contains(&self.start_s) {
            return wrong("start of what is embedded", self.start_s, "seconds from the video's start".into());
        }
        if let Some(end_s) = self.end_s.filter(|end_s| !(self.start_s < *end_s && *end_s <= 86_400.0)) {
            return wrong(
                "end of what is embedded",
                end_s,
                format!("later than its start, {} s", self.start_s),
            );
        }
        let scopes = if self.scopes.is_empty() { vec![Scope::Clip] } else { self.scopes.clone() };
        Ok(Plan {
            clip_length: MediaTime::from_secs_f64(self.clip_length_s),
            scopes: scopes.into_iter().collect(),
            start: MediaTime::from_secs_f64(self.start_s),
            end: self.end_s.map(MediaTime::from_secs_f64),
        })
    }
}

/// Takes it on. When it returns, task and upload are on disk. An upload that was not taken stays where it is; the caller
/// removes it.
///
/// # Errors
/// `parameter_invalid`, `video_filesize_too_large`.
pub async fn create(app: &Arc<App>, workspace: WorkspaceId, request: EmbedRequest) -> Result<EmbedTask> {
    let plan = request.plan()?;
    let now = app.clock.now();
    let id = EmbedTaskId::generate(now);
    let (mut files, mut copied) = (Vec::new(), None);
    let source = match request.video {
        VideoInput::File { path, filename } => {
            let size = tokio::fs::metadata(&path).await.map_err(anyhow::Error::from)?.len();
            check_size(size)?;
            files.push((path, MediaKey::EmbedUpload(id)));
            EmbedSource::Upload { filename: shown_name(&filename) }
        }
        VideoInput::Url(url) => EmbedSource::Url { url: direct_link("video_url", &url)? },
        VideoInput::Asset { id, filename, .. } => {
            copied = Some(MediaKey::Asset(id));
            EmbedSource::Upload { filename: shown_name(&filename) }
        }
    };
    let has_files = copied.is_some() || !files.is_empty();
    take_over(&*app.media_store, copied, MediaKey::EmbedUpload(id), &files).await?;
    let task = EmbedTask {
        id,
        workspace,
        model_name: request.model_name,
        served_by: app.engines.see.model_id().to_owned(),
        source,
        plan,
        state: EmbedState::Processing,
        fault: None,
        duration: None,
        attempts: 0,
        created_at: now,
        updated_at: now,
        expires_at: now.after(KEPT),
    };
    if let Err(error) = app.store.insert_embed_task(&task).await {
        if has_files {
            // The file has no task; were it to stay, it would be removed later.
            let _ = app.media_store.remove(MediaFolder::EmbedTask(id)).await;
        }
        return Err(error);
    }
    app.keeper.wake();
    Ok(task)
}
