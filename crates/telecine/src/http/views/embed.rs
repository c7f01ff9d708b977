//! Embeddings, as each version shows them. `served_by` names the model that made them, whatever the client called it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::embedding::{EmbedSource, EmbedState, EmbedTask, Embedded, Scope};
use crate::fault::Fault;
use crate::http::openapi::FormFile;
use crate::http::version::ApiVersion;
use crate::ids::EmbedTaskId;
use crate::time::{MediaTime, Timestamp};

/// The option whose vectors there are: words and pictures find each other.
const OPTION: &str = "visual-text";
/// Its name in `/embed-v2`.
const OPTION_V2: &str = "visual";

/// The model by the name that the client gave it, under the version's key.
#[derive(Debug, Serialize, ToSchema)]
struct EmbedModel {
    #[serde(skip_serializing_if = "Option::is_none")]
    engine_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_name: Option<String>,
    served_by: String,
}

impl EmbedModel {
    fn new(name: &str, served_by: &str, version: ApiVersion) -> Self {
        let is_new = version == ApiVersion::V1_3;
        Self {
            engine_name: (!is_new).then(|| name.to_owned()),
            model_name: is_new.then(|| name.to_owned()),
            served_by: served_by.to_owned(),
        }
    }
}

/// What `POST /embed` answers.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct EmbeddedAtOnce {
    #[serde(flatten)]
    model: EmbedModel,
    #[serde(skip_serializing_if = "Option::is_none")]
    text_embedding: Option<EmbeddedVectors>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_embedding: Option<EmbeddedVectors>,
}

/// A vector of something without a time.
#[derive(Debug, Serialize, ToSchema)]
struct EmbeddedVectors {
    segments: Vec<EmbeddedValues>,
    /// The same again, for SDKs of the time before segments.
    #[serde(rename = "float", skip_serializing_if = "Option::is_none")]
    values: Option<Vec<f32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<EmbedInput>,
}

#[derive(Debug, Serialize, ToSchema)]
struct EmbeddedValues {
    #[serde(rename = "float")]
    values: Vec<f32>,
}

/// Where an input came from.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(in crate::http) struct EmbedInput {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) input_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) input_filename: Option<String>,
}

/// What was embedded at once.
pub(in crate::http) fn answer(
    name: &str,
    served_by: &str,
    version: ApiVersion,
    text: Option<Vec<f32>>,
    image: Option<(Vec<f32>, EmbedInput)>,
) -> EmbeddedAtOnce {
    let text = text.map(|values| EmbeddedVectors {
        values: (version != ApiVersion::V1_3).then(|| values.clone()),
        segments: vec![EmbeddedValues { values }],
        metadata: None,
    });
    let image = image.map(|(values, input)| EmbeddedVectors {
        segments: vec![EmbeddedValues { values }],
        values: None,
        metadata: Some(input),
    });
    EmbeddedAtOnce {
        model: EmbedModel::new(name, served_by, version),
        text_embedding: text,
        image_embedding: image,
    }
}

/// An embedding task.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EmbedTask)]
pub(in crate::http) struct EmbedTaskView {
    #[serde(rename = "_id")]
    id: EmbedTaskId,
    #[serde(flatten)]
    model: EmbedModel,
    /// `processing`, `ready` or `failed`.
    #[schema(value_type = String)]
    status: &'static str,
    created_at: Timestamp,
    updated_at: Timestamp,
    expires_at: Timestamp,
    video_embedding: EmbeddedVideo,
    /// The metadata again, for SDKs that look for it here.
    metadata: EmbedMetadata,
    /// The vectors again, for SDKs of the time before segments.
    #[serde(skip_serializing_if = "Option::is_none")]
    video_embeddings: Option<Vec<EarlySegment>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Fault>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct EmbeddedVideo {
    metadata: EmbedMetadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    segments: Option<Vec<EmbeddedSegment>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
struct EmbedMetadata {
    #[serde(flatten)]
    input: EmbedInput,
    video_clip_length: f64,
    #[schema(value_type = Vec<String>)]
    video_embedding_scope: Vec<&'static str>,
    #[schema(value_type = Vec<String>)]
    video_embedding_option: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
}

/// A vector of a stretch of video.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(in crate::http) struct EmbeddedSegment {
    #[serde(rename = "float")]
    values: Vec<f32>,
    start_offset_sec: f64,
    end_offset_sec: f64,
    #[schema(value_type = String)]
    embedding_scope: &'static str,
    embedding_option: String,
}

impl EmbeddedSegment {
    /// One of these seconds.
    pub(in crate::http) fn new(
        values: Vec<f32>,
        (start, end): (MediaTime, MediaTime),
        scope: Scope,
        option: &str,
    ) -> Self {
        Self {
            values,
            start_offset_sec: start.as_secs_f64(),
            end_offset_sec: end.as_secs_f64(),
            embedding_scope: scope.as_str(),
            embedding_option: option.to_owned(),
        }
    }
}

/// A segment for SDKs of the time before segments: 0.2 reads the numbers in place, 0.1 one level deeper.
#[derive(Debug, Serialize, ToSchema)]
struct EarlySegment {
    #[serde(flatten)]
    segment: EmbeddedSegment,
    embedding: EmbeddedValues,
}

impl EarlySegment {
    fn new(segment: EmbeddedSegment) -> Self {
        let embedding = EmbeddedValues { values: segment.values.clone() };
        Self { segment, embedding }
    }
}

fn input(task: &EmbedTask) -> EmbedInput {
    match &task.source {
        EmbedSource::Upload { filename } => {
            EmbedInput { input_url: None, input_filename: Some(filename.clone()) }
        }
        EmbedSource::Url { url } => EmbedInput { input_url: Some(url.clone()), input_filename: None },
    }
}

/// A task with its vectors, or without where they were not asked for. `option` is how the client calls their kind.
pub(in crate::http) fn task(
    task: &EmbedTask,
    embedded: Option<Vec<Embedded>>,
    option: Option<&str>,
    version: ApiVersion,
) -> EmbedTaskView {
    let option = option.unwrap_or(OPTION);
    let metadata = EmbedMetadata {
        input: input(task),
        video_clip_length: task.plan.clip_length.as_secs_f64(),
        video_embedding_scope: task.plan.scopes.iter().map(|scope| scope.as_str()).collect(),
        video_embedding_option: vec![OPTION],
        duration: task.duration.map(MediaTime::as_secs_f64),
    };
    let segments =
        embedded.filter(|_| task.state == EmbedState::Ready).map(|embedded| -> Vec<EmbeddedSegment> {
            let segment = |it: Embedded| {
                EmbeddedSegment::new(it.values, (it.range.start(), it.range.end()), it.scope, option)
            };
            embedded.into_iter().map(segment).collect()
        });
    let early = segments.clone().filter(|_| version != ApiVersion::V1_3);
    let error_message = task.fault.as_ref().map(Fault::sentence);
    EmbedTaskView {
        id: task.id,
        model: EmbedModel::new(&task.model_name, &task.served_by, version),
        status: task.state.as_str(),
        created_at: task.created_at,
        updated_at: task.updated_at,
        expires_at: task.expires_at,
        metadata: metadata.clone(),
        video_embeddings: early.map(|early| early.into_iter().map(EarlySegment::new).collect()),
        video_embedding: EmbeddedVideo { metadata, segments, error_message: error_message.clone() },
        error: task.fault.clone(),
        error_message,
    }
}

/// What `POST /embed-v2` answers.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct EmbeddedV2 {
    data: Vec<EmbedDataV2>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<EmbedMetadataV2>,
    model_name: String,
    served_by: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct EmbedDataV2 {
    embedding: Vec<f32>,
    #[schema(value_type = Option<String>)]
    embedding_option: Option<&'static str>,
    #[schema(value_type = Option<String>)]
    embedding_scope: Option<&'static str>,
    start_sec: Option<f64>,
    end_sec: Option<f64>,
}

/// What was embedded.
#[derive(Debug, Serialize, ToSchema)]
struct EmbedMetadataV2 {
    #[schema(value_type = String)]
    input_type: &'static str,
    #[serde(flatten)]
    input: EmbedInput,
    #[serde(skip_serializing_if = "Option::is_none")]
    clip_length: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    embedding_scopes: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    embedding_options: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
}

/// A vector of a text, a picture, or both; the input is told of pictures.
pub(in crate::http) fn answer_v2(
    name: &str,
    served_by: &str,
    values: Vec<f32>,
    media: Option<(&'static str, EmbedInput)>,
) -> EmbeddedV2 {
    let data = EmbedDataV2 {
        embedding: values,
        embedding_option: None,
        embedding_scope: None,
        start_sec: None,
        end_sec: None,
    };
    let metadata = media.map(|(input_type, input)| EmbedMetadataV2 {
        input_type,
        input,
        clip_length: None,
        embedding_scopes: None,
        embedding_options: None,
        duration: None,
    });
    EmbeddedV2 { data: vec![data], metadata, model_name: name.to_owned(), served_by: served_by.to_owned() }
}

/// A task of `/embed-v2/tasks`.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct EmbedTaskV2 {
    #[serde(rename = "_id")]
    id: EmbedTaskId,
    /// `processing`, `ready` or `failed`.
    #[schema(value_type = String)]
    status: &'static str,
    model_name: String,
    served_by: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    data: Option<Vec<EmbedDataV2>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<EmbedMetadataV2>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Fault>,
}

fn scope_v2(scope: Scope) -> &'static str {
    match scope {
        Scope::Clip => "clip",
        Scope::Video => "asset",
    }
}

/// A task; its data is null until it is ready.
pub(in crate::http) fn task_v2(task: &EmbedTask, embedded: Option<Vec<Embedded>>) -> EmbedTaskV2 {
    let is_ready = task.state == EmbedState::Ready;
    let data = |it: Embedded| EmbedDataV2 {
        embedding: it.values,
        embedding_option: Some(OPTION_V2),
        embedding_scope: Some(scope_v2(it.scope)),
        start_sec: Some(it.range.start().as_secs_f64()),
        end_sec: Some(it.range.end().as_secs_f64()),
    };
    // SDKs need the duration where there is metadata.
    let metadata = task.duration.map(|duration| EmbedMetadataV2 {
        input_type: "video",
        input: input(task),
        clip_length: Some(task.plan.clip_length.as_secs_f64()),
        embedding_scopes: Some(task.plan.scopes.iter().copied().map(scope_v2).collect()),
        embedding_options: Some(vec![OPTION_V2]),
        duration: Some(duration.as_secs_f64()),
    });
    EmbedTaskV2 {
        id: task.id,
        status: task.state.as_str(),
        model_name: task.model_name.clone(),
        served_by: task.served_by.clone(),
        created_at: task.created_at,
        updated_at: task.updated_at,
        data: embedded.filter(|_| is_ready).map(|embedded| embedded.into_iter().map(data).collect()),
        metadata,
        error: task.fault.clone(),
    }
}

/// What is to be embedded at once: a text, a picture, or each for itself.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
pub(in crate::http) struct EmbedForm {
    /// `engine_name` up to v1.2: `Marengo-retrieval-2.6`, `Marengo-retrieval-2.7`, `marengo3.0`, or this server's own model.
    model_name: String,
    text: Option<String>,
    /// What is cut off a text of more than 77 tokens: its `start`, its `end`, or `none`, which refuses it.
    text_truncate: Option<String>,
    /// A direct link to a JPEG or PNG file; wins over a file.
    image_url: Option<String>,
    image_file: Option<FormFile>,
}

/// A video that is to be embedded.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
pub(in crate::http) struct NewEmbedTask {
    /// `engine_name` up to v1.2.
    model_name: String,
    /// A direct link to the file; wins over a file.
    video_url: Option<String>,
    video_file: Option<FormFile>,
    #[schema(minimum = 0)]
    video_start_offset_sec: Option<f64>,
    #[schema(minimum = 0)]
    video_end_offset_sec: Option<f64>,
    /// Seconds.
    #[schema(minimum = 2, maximum = 10, default = 6)]
    video_clip_length: Option<f64>,
    /// `clip`, `video`, or both.
    video_embedding_scope: Option<Vec<String>>,
}

/// An input of `/embed-v2`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of a body, for the document")]
pub(in crate::http) struct EmbedV2Form {
    /// `text`, `image` or `text_image`; for tasks `video`.
    input_type: String,
    model_name: String,
    /// `{"input_text": …}`
    #[schema(value_type = Option<Object>)]
    text: Option<serde_json::Value>,
    /// `{"media_source": {"url": …}}`, or `base64_string` there.
    #[schema(value_type = Option<Object>)]
    image: Option<serde_json::Value>,
    /// Both.
    #[schema(value_type = Option<Object>)]
    text_image: Option<serde_json::Value>,
    /// `{"media_source": {"url": …}, "start_sec", "end_sec", "segmentation": {"strategy": "fixed", "fixed":
    /// {"duration_sec"}}, "embedding_scope": ["clip", "asset"]}`
    #[schema(value_type = Option<Object>)]
    video: Option<serde_json::Value>,
}

/// Which embedding tasks.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the form of a query, for the document")]
pub(in crate::http) struct EmbedQuery {
    /// `processing`, `ready` or `failed`.
    status: Option<String>,
    /// Made at this moment or later.
    started_at: Option<String>,
    /// Made at this moment or earlier.
    ended_at: Option<String>,
}

/// A task that was begun.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct BegunV2 {
    #[serde(rename = "_id")]
    pub(in crate::http) id: EmbedTaskId,
    #[schema(value_type = String)]
    pub(in crate::http) status: &'static str,
    /// Null until it is ready.
    #[schema(value_type = Option<Vec<Object>>)]
    pub(in crate::http) data: Option<()>,
}
