//! `/indexes/{index_id}/videos/{video_id}/transcription`, when a person changes it. Reading it is in `videos`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use serde_json::Value;
use utoipa::ToSchema;

use super::{absent, index, videos};
use crate::app::App;
use crate::fault::{Fault, Result};
use crate::http::error::Failure;
use crate::http::params::{Params, missing};
use crate::http::path::PathIds;
use crate::http::views;
use crate::http::views::video::Texts;
use crate::keys::Caller;
use crate::video::transcript::{self, Line};
use crate::video::{SegmentKind, Video};

/// Bytes of a transcript: more than the lines that are taken need.
const MAX_BYTES: u64 = 16 << 20;

/// What is said in a video, in any order; each line replaces nothing but all of them together replace what was there.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct Transcript {
    /// As `GET` answers it; an empty list where nothing is said.
    data: Vec<TranscriptLine>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
struct TranscriptLine {
    /// Seconds.
    #[schema(minimum = 0)]
    start: f64,
    /// Seconds; greater than `start`.
    #[schema(minimum = 0)]
    end: f64,
    /// What is said.
    #[schema(min_length = 1, max_length = 2000)]
    value: String,
}

/// Replaces what is said in a video. It can be searched when the answer comes. What was heard is kept, and `DELETE` puts it
/// back.
#[utoipa::path(put, path = "/indexes/{index_id}/videos/{video_id}/transcription", tag = "videos",
    request_body = Transcript, responses((status = 200, body = Texts)))]
pub(in crate::http) async fn edit(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
    request: Request,
) -> Result<Json<Texts>, Failure> {
    let video = videos::video(&app, caller, &path).await?;
    let index = index(&app, caller.workspace, video.index).await?.index;
    let params = Params::read(request, MAX_BYTES).await?;
    let lines = lines(&params)?;
    if transcript::edit(&app, &index, &video, &lines).await?.is_none() {
        return Err(absent("video", video.id).into());
    }
    told(&app, &video).await
}

/// Takes back what people changed of what is said in a video: what was heard is searched again. Without a change nothing
/// happens.
#[utoipa::path(delete, path = "/indexes/{index_id}/videos/{video_id}/transcription", tag = "videos",
    responses((status = 200, body = Texts)))]
pub(in crate::http) async fn restore(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: PathIds,
) -> Result<Json<Texts>, Failure> {
    let video = videos::video(&app, caller, &path).await?;
    let index = index(&app, caller.workspace, video.index).await?.index;
    if !transcript::restore(&app, &index, &video).await? {
        return Err(absent("video", video.id).into());
    }
    told(&app, &video).await
}

async fn told(app: &App, video: &Video) -> Result<Json<Texts>, Failure> {
    let segments = app.store.segments(video.id, SegmentKind::Speech).await?;
    let edited_at = app.store.edited_at(video.id).await?;
    Ok(Json(views::video::texts(video.id, video.index, &segments).with_edited_at(edited_at)))
}

fn lines(params: &Params) -> Result<Vec<Line>, Fault> {
    let form = || Fault::parameter("The data parameter must be a list of lines.").rule(FORM);
    match params.get("data").ok_or_else(|| missing("data").rule(FORM))? {
        Value::Array(lines) => lines.iter().enumerate().map(|(place, line)| one(place + 1, line)).collect(),
        _ => Err(form()),
    }
}

const FORM: &str = "a list of {start, end, value}: seconds from the begin, and what is said";

fn one(number: usize, line: &Value) -> Result<Line, Fault> {
    let lacks = |name: &str, what: &str| {
        Fault::parameter(format!("Line {number} has no `{name}` that is {what}."))
            .value(line[name].to_string().chars().take(120).collect::<String>())
            .rule(FORM)
    };
    let seconds = |name| line[name].as_f64().ok_or_else(|| lacks(name, "a number of seconds"));
    let text = line["value"].as_str().ok_or_else(|| lacks("value", "a text"))?;
    Ok(Line { start_s: seconds("start")?, end_s: seconds("end")?, text: text.to_owned() })
}
