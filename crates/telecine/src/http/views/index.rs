//! Indexes and engines, as each version shows them.

use std::collections::BTreeSet;

use serde::Serialize;
use utoipa::ToSchema;

use crate::http::version::ApiVersion;
use crate::ids::IndexId;
use crate::index::{EngineSpec, Family, IndexModels, IndexSummary, ModelOption};
use crate::time::Timestamp;

/// An index. Which engines it has is told in the shape of the version: `models`, `engines`, or flat.
#[derive(Serialize, ToSchema)]
#[schema(as = Index)]
pub(in crate::http) struct IndexView {
    #[serde(rename = "_id")]
    id: IndexId,
    index_name: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Never: always null.
    expires_at: Option<Timestamp>,
    video_count: u64,
    /// Seconds.
    total_duration: f64,
    addons: Vec<String>,
    /// The models of this server that stand behind the names.
    served_by: IndexModels,
    /// v1.3.
    #[serde(skip_serializing_if = "Option::is_none")]
    models: Option<Vec<IndexModel>>,
    /// v1.1 and v1.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    engines: Option<Vec<IndexEngine>>,
    /// v1.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    engine_id: Option<String>,
    /// v1.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    index_options: Option<BTreeSet<ModelOption>>,
}

/// A model of an index (v1.3).
#[derive(Serialize, ToSchema)]
struct IndexModel {
    model_name: String,
    #[schema(value_type = Vec<String>)]
    model_options: Vec<&'static str>,
}

/// An engine of an index (up to v1.2).
#[derive(Serialize, ToSchema)]
struct IndexEngine {
    engine_name: String,
    engine_options: BTreeSet<ModelOption>,
}

/// An index.
pub(in crate::http) fn index(summary: &IndexSummary, version: ApiVersion) -> IndexView {
    let IndexSummary { index, video_count, total_duration_s } = summary;
    let is_v1_1 = version == ApiVersion::V1_1;
    let is_v1_3 = version == ApiVersion::V1_3;
    IndexView {
        id: index.id,
        index_name: index.name.clone(),
        created_at: index.created_at,
        updated_at: index.updated_at,
        expires_at: None,
        video_count: *video_count,
        total_duration: *total_duration_s,
        addons: index.addons.clone(),
        served_by: index.models.clone(),
        models: is_v1_3.then(|| index.engines.iter().map(model).collect()),
        engines: (!is_v1_3).then(|| index.engines.iter().map(engine).collect()),
        engine_id: index.engines.first().filter(|_| is_v1_1).map(|engine| engine.name.clone()),
        index_options: is_v1_1.then(|| index.options()),
    }
}

fn engine(engine: &EngineSpec) -> IndexEngine {
    IndexEngine { engine_name: engine.name.clone(), engine_options: engine.options.clone() }
}

fn model(engine: &EngineSpec) -> IndexModel {
    IndexModel { model_name: engine.name.clone(), model_options: v1_3_options(&engine.options) }
}

/// Options in the names of v1.3, whose `visual` takes in the text that is seen.
fn v1_3_options(options: &BTreeSet<ModelOption>) -> Vec<&'static str> {
    let sees = options.contains(&ModelOption::Visual);
    let shown = options.iter().filter(|option| !(sees && **option == ModelOption::TextInVideo));
    shown.map(|option| option_name(*option, ApiVersion::V1_3)).collect()
}

/// The name of an option.
pub(in crate::http) fn option_name(option: ModelOption, version: ApiVersion) -> &'static str {
    match (option, version) {
        (ModelOption::Conversation, ApiVersion::V1_3) => "audio",
        (option, _) => option.as_str(),
    }
}

/// The engines that clients may name.
const ENGINES: [(&str, &str); 6] = [
    ("marengo2.5", "2023-08-01T00:00:00.000Z"),
    ("marengo2.6", "2024-03-01T00:00:00.000Z"),
    ("marengo2.7", "2024-12-01T00:00:00.000Z"),
    ("pegasus1", "2023-10-01T00:00:00.000Z"),
    ("pegasus1.1", "2024-06-01T00:00:00.000Z"),
    ("pegasus1.2", "2025-02-01T00:00:00.000Z"),
];

/// A name that an index may be made with (up to v1.2).
#[derive(Serialize, ToSchema)]
#[schema(as = Engine)]
pub(in crate::http) struct EngineView {
    #[serde(rename = "_id")]
    id: String,
    allowed_engine_options: Vec<ModelOption>,
    author: &'static str,
    /// Unknown of versions that are not listed.
    created_at: Option<&'static str>,
    updated_at: Option<&'static str>,
    finetune: bool,
    ready: bool,
}

/// All engines that clients may name.
pub(in crate::http) fn engines() -> Vec<EngineView> {
    ENGINES.into_iter().filter_map(|(name, _)| named_engine(name)).collect()
}

/// The engine of this name; other versions of the families are taken, too.
pub(in crate::http) fn named_engine(name: &str) -> Option<EngineView> {
    let family = Family::of(name)?;
    let made_at = ENGINES.into_iter().find(|(known, _)| *known == name).map(|(_, made_at)| made_at);
    let options: &[ModelOption] = match family {
        Family::Marengo => &ModelOption::ALL,
        Family::Pegasus => &[ModelOption::Visual, ModelOption::Conversation],
    };
    Some(EngineView {
        id: name.to_owned(),
        allowed_engine_options: options.to_vec(),
        author: "Telecine",
        created_at: made_at,
        updated_at: made_at,
        finetune: false,
        ready: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_3_sees_text_as_a_part_of_visual() {
        let options = |options: &[ModelOption]| v1_3_options(&options.iter().copied().collect());
        use ModelOption::{Conversation, TextInVideo, Visual};
        assert_eq!(options(&[Visual, Conversation, TextInVideo]), ["visual", "audio"]);
        assert_eq!(options(&[Visual]), ["visual"]);
        assert_eq!(options(&[TextInVideo, Conversation]), ["audio", "text_in_video"]);
    }
}
