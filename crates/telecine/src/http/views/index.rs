//! Indexes and engines, as each version shows them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::http::version::ApiVersion;
use crate::index::{EngineSpec, Family, IndexSummary, ModelOption};

/// An index.
pub(in crate::http) fn index(summary: &IndexSummary, version: ApiVersion) -> Value {
    let IndexSummary { index, video_count, total_duration_s } = summary;
    let mut shown = json!({
        "_id": index.id,
        "index_name": index.name,
        "created_at": index.created_at,
        "updated_at": index.updated_at,
        "expires_at": null,
        "video_count": video_count,
        "total_duration": total_duration_s,
        "addons": index.addons,
        "served_by": index.models,
    });
    match version {
        ApiVersion::V1_3 => shown["models"] = index.engines.iter().map(model).collect(),
        ApiVersion::V1_2 => shown["engines"] = index.engines.iter().map(engine).collect(),
        ApiVersion::V1_1 => {
            shown["engines"] = index.engines.iter().map(engine).collect();
            shown["engine_id"] = index.engines.first().map(|engine| engine.name.as_str()).into();
            shown["index_options"] = json!(index.options());
        }
    }
    shown
}

fn engine(engine: &EngineSpec) -> Value {
    json!({ "engine_name": engine.name, "engine_options": engine.options })
}

fn model(engine: &EngineSpec) -> Value {
    json!({ "model_name": engine.name, "model_options": v1_3_options(&engine.options) })
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

/// All engines that clients may name.
pub(in crate::http) fn engines() -> Vec<Value> {
    ENGINES.into_iter().filter_map(|(name, _)| named_engine(name)).collect()
}

/// The engine of this name; other versions of the families are taken, too.
pub(in crate::http) fn named_engine(name: &str) -> Option<Value> {
    let family = Family::of(name)?;
    let made_at = ENGINES.into_iter().find(|(known, _)| *known == name).map(|(_, made_at)| made_at);
    let options: &[ModelOption] = match family {
        Family::Marengo => &ModelOption::ALL,
        Family::Pegasus => &[ModelOption::Visual, ModelOption::Conversation],
    };
    Some(json!({
        "_id": name,
        "allowed_engine_options": options,
        "author": "Telecine",
        "created_at": made_at,
        "updated_at": made_at,
        "finetune": false,
        "ready": true,
    }))
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
