//! What is sent: an event in the shape of the version that a webhook speaks. Pure, so that each attempt sends the same.

use serde_json::{Map, Value, json};

use super::{Delivery, EventKind, PayloadVersion};

/// The body of an event.
pub fn body(delivery: &Delivery, version: PayloadVersion) -> Value {
    let data = match delivery.event {
        EventKind::IndexTaskReady | EventKind::IndexTaskFailed => index_task(&delivery.data, version),
        EventKind::AnalyzeTaskReady
        | EventKind::AnalyzeTaskFailed
        | EventKind::TransferCompleted
        | EventKind::WebhookTest => delivery.data.clone(),
    };
    json!({
        "id": delivery.event_id(),
        "created_at": delivery.created_at,
        "type": delivery.event.as_str(),
        "data": data,
    })
}

/// The contract's fields, and what helps beside them: index, video, asset, name, and why it failed.
fn index_task(seen: &Value, version: PayloadVersion) -> Value {
    let mut data = Map::new();
    data.insert("id".into(), seen["id"].clone());
    data.insert("metadata".into(), json!({ "duration": seen["duration"].as_f64().unwrap_or(0.0) }));
    data.insert("status".into(), seen["status"].clone());
    let empty = Vec::new();
    let engines = seen["engines"].as_array().unwrap_or(&empty);
    match version {
        PayloadVersion::V1_1 => {
            data.insert(
                "engine".into(),
                engines.first().map_or(Value::Null, |engine| engine["name"].clone()),
            );
            data.insert("index_options".into(), all_options(engines));
        }
        PayloadVersion::V1_2 => {
            data.insert("engines".into(), named(engines, |options| options.clone()));
            data.insert("models".into(), named(engines, |options| options.clone()));
        }
        PayloadVersion::V1_3 => {
            data.insert("models".into(), named(engines, v1_3_options));
        }
    }
    data.insert("tags".into(), json!([]));
    for beside in ["index_id", "video_id", "asset_id", "filename", "error"] {
        if !seen[beside].is_null() {
            data.insert(beside.into(), seen[beside].clone());
        }
    }
    data.into()
}

fn named(engines: &[Value], options: impl Fn(&Value) -> Value) -> Value {
    engines
        .iter()
        .map(|engine| json!({ "name": engine["name"], "options": options(&engine["options"]) }))
        .collect()
}

fn all_options(engines: &[Value]) -> Value {
    let mut all: Vec<&str> = Vec::new();
    for option in engines.iter().filter_map(|engine| engine["options"].as_array()).flatten() {
        all.extend(option.as_str().filter(|option| !all.contains(option)));
    }
    json!(all)
}

/// `visual` takes in the text that is seen.
fn v1_3_options(options: &Value) -> Value {
    let has = |name: &str| options.as_array().is_some_and(|all| all.iter().any(|option| option == name));
    let mut shown = Vec::new();
    if has("visual") || has("text_in_video") {
        shown.push("visual");
    }
    if has("conversation") {
        shown.push("audio");
    }
    json!(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{DeliveryId, WebhookId};
    use crate::time::Timestamp;
    use crate::webhook::DeliveryState;

    fn delivery() -> Delivery {
        let at: Timestamp = "2024-03-01T09:24:11Z".parse().unwrap();
        Delivery {
            id: "65f0c1d2e3a4b5c6d7e8f9ab".parse::<DeliveryId>().unwrap(),
            webhook: WebhookId::generate(at),
            event: EventKind::IndexTaskReady,
            data: json!({
                "id": "65f0c1d2e3a4b5c6d7e8f9aa", "index_id": "65f0c1d2e3a4b5c6d7e8f901", "status": "ready",
                "duration": 61.3, "filename": "pier.mp4", "error": null,
                "engines": [{ "name": "marengo2.6", "options": ["visual", "conversation", "text_in_video"] }],
            }),
            state: DeliveryState::Pending,
            attempts: 0,
            due_at: Some(at),
            response_status: None,
            response: None,
            error: None,
            took_ms: None,
            created_at: at,
            updated_at: at,
        }
    }

    #[test]
    fn an_event_is_shaped_as_each_version_has_it() {
        let told = body(&delivery(), PayloadVersion::V1_3);
        assert_eq!(told["id"], "whe_65f0c1d2e3a4b5c6d7e8f9ab");
        assert_eq!(told["type"], "index.task.ready");
        assert_eq!(
            told["data"],
            json!({
                "id": "65f0c1d2e3a4b5c6d7e8f9aa", "metadata": { "duration": 61.3 }, "status": "ready",
                "models": [{ "name": "marengo2.6", "options": ["visual", "audio"] }], "tags": [],
                "index_id": "65f0c1d2e3a4b5c6d7e8f901", "filename": "pier.mp4",
            })
        );
        let told = body(&delivery(), PayloadVersion::V1_2)["data"].clone();
        assert_eq!(told["engines"][0]["options"], json!(["visual", "conversation", "text_in_video"]));
        assert_eq!(told["models"], told["engines"]);
        let told = body(&delivery(), PayloadVersion::V1_1)["data"].clone();
        assert_eq!((&told["engine"], told.get("models")), (&json!("marengo2.6"), None));
        assert_eq!(told["index_options"], json!(["visual", "conversation", "text_in_video"]));
    }

    #[test]
    fn other_events_are_told_as_they_happened_and_always_the_same() {
        let test = Delivery { event: EventKind::WebhookTest, data: json!({ "hello": 1 }), ..delivery() };
        assert_eq!(body(&test, PayloadVersion::V1_1)["data"], json!({ "hello": 1 }));
        assert_eq!(body(&test, PayloadVersion::V1_3), body(&test, PayloadVersion::V1_3));
    }
}
