//! What the user's own fields may be.

use serde_json::{Map, Value};

use crate::fault::Fault;

/// Fields that are measured, and cannot be overridden.
const PROTECTED: [&str; 8] =
    ["duration", "filename", "fps", "height", "model_names", "size", "video_title", "width"];
const MAX_FIELDS: usize = 100;
const MAX_TEXT: usize = 10_000;

/// Refuses fields that no filter could find or that would hide what was measured.
///
/// # Errors
/// `parameter_invalid`.
pub fn check_user_metadata(fields: &Map<String, Value>) -> Result<(), Fault> {
    if fields.len() > MAX_FIELDS {
        return Err(Fault::parameter("There are too many fields in user_metadata.")
            .value(format!("{} fields", fields.len()))
            .rule(format!("at most {MAX_FIELDS} fields")));
    }
    for (name, value) in fields {
        let named = || name.chars().take(120).collect::<String>();
        if PROTECTED.contains(&name.as_str()) {
            return Err(Fault::parameter("A field of user_metadata has the name of a measured one.")
                .value(named())
                .rule(format!("none of {}", PROTECTED.join(", "))));
        }
        let is_flat = match value {
            Value::String(text) => text.len() <= MAX_TEXT,
            Value::Number(_) | Value::Bool(_) => true,
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        };
        if !is_flat {
            return Err(Fault::parameter("A field of user_metadata has a value that cannot be kept.")
                .value(named())
                .rule(format!("texts of at most {MAX_TEXT} bytes, numbers, true, false"))
                .remedy("Write lists and objects as text."));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(fields: Value) -> Result<(), Fault> {
        check_user_metadata(fields.as_object().expect("an object"))
    }

    #[test]
    fn texts_numbers_and_booleans_are_kept_and_measured_names_are_not() {
        assert_eq!(check(json!({ "category": "x", "n": 5, "r": 9.3, "b": true })), Ok(()));
        for refused in [json!({ "width": 1 }), json!({ "a": [1] }), json!({ "a": {} }), json!({ "a": null })]
        {
            assert!(check(refused.clone()).is_err(), "{refused}");
        }
    }
}
