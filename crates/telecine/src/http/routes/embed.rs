//! `/embed`: vectors of texts and pictures at once; of videos as tasks.

pub(in crate::http) mod tasks;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};

use crate::app::App;
use crate::embedding::{self, Truncate};
use crate::fault::{Code, Fault, Result};
use crate::http::error::Failure;
use crate::http::form::Form;
use crate::http::multipart::FileLimit;
use crate::http::params::{Params, missing};
use crate::http::version::ApiVersion;
use crate::http::views;
use crate::http::views::embed::{EmbedForm, EmbedInput, EmbeddedAtOnce};
use crate::keys::Caller;
use crate::picture::{self, PictureInput};

const FILES: [&str; 2] = ["image_file", "audio_file"];
const TRUNCATE: [(&str, Truncate); 3] =
    [("start", Truncate::Start), ("end", Truncate::End), ("none", Truncate::None)];

/// The model that the client names: `model_name`, before v1.3 `engine_name`; either is taken by every version.
pub(super) fn model_name(app: &App, params: &Params, version: ApiVersion) -> Result<String, Fault> {
    let (usual, other) = match version {
        ApiVersion::V1_3 => ("model_name", "engine_name"),
        ApiVersion::V1_1 | ApiVersion::V1_2 => ("engine_name", "model_name"),
    };
    let name = match params.text(usual)? {
        Some(name) => name,
        None => params.text(other)?.ok_or_else(|| missing(usual))?,
    };
    embedding::check_model(usual, name, app.engines.see.model_id())?;
    Ok(name.to_owned())
}

/// Sounds that cannot be embedded are refused, never left out in silence.
pub(super) fn no_sounds(what: &str) -> Fault {
    Fault::because(Code::EmbeddingNotSupported, "This server has no model that embeds sounds.").value(what)
}

/// Embeds a text, a picture, or each for itself. Sounds are refused.
#[utoipa::path(post, path = "/embed", tag = "embeddings",
    request_body(content((EmbedForm = "multipart/form-data"), (EmbedForm = "application/json"))),
    responses((status = 200, body = EmbeddedAtOnce)))]
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    _: Caller,
    version: ApiVersion,
    request: Request,
) -> Result<Json<EmbeddedAtOnce>, Failure> {
    let max_bytes = picture::MAX_BYTES;
    let too_large = |at_least: u64| -> Fault {
        let checked = picture::check_size("image_file", at_least, max_bytes);
        checked.err().unwrap_or_else(|| Fault::parameter("The file is too large."))
    };
    let limit = |_: &str| -> FileLimit<'_> { (max_bytes, &too_large) };
    let form = Form::read(&app, request, &FILES, limit).await?;
    let params = &form.params;
    let name = model_name(&app, params, version)?;
    if let Some(sound) = ["audio_url", "audio_file"].into_iter().find(|sound| params.has(sound)) {
        return Err(no_sounds(sound).into());
    }
    if form.files("audio_file").next().is_some() {
        return Err(no_sounds("audio_file").into());
    }
    let text = match params.text("text")? {
        Some(text) => {
            let truncate = params.word("text_truncate", &TRUNCATE)?.unwrap_or_default();
            Some(embedding::text(&app.engines, "text", text, truncate).await?)
        }
        None => None,
    };
    let image = match image(&form)? {
        Some((parameter, source, input)) => {
            let picture = picture::read(&app, parameter, &source, max_bytes).await?;
            Some((embedding::picture(&app.engines, picture).await?, input))
        }
        None => None,
    };
    if text.is_none() && image.is_none() {
        return Err(missing("text").rule("`text`, `image_url` or `image_file`").into());
    }
    Ok(Json(views::embed::answer(&name, app.engines.see.model_id(), version, text, image)))
}

/// The picture; a link wins over a file.
fn image(form: &Form) -> Result<Option<(&'static str, PictureInput, EmbedInput)>, Fault> {
    if let Some(url) = form.params.text("image_url")? {
        let input = EmbedInput { input_url: Some(url.to_owned()), input_filename: None };
        return Ok(Some(("image_url", PictureInput::Url(url.to_owned()), input)));
    }
    Ok(form.files("image_file").next().map(|upload| {
        let input = EmbedInput { input_url: None, input_filename: Some(upload.filename.clone()) };
        ("image_file", PictureInput::File(upload.path.to_path_buf()), input)
    }))
}
