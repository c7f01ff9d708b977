//! The filter of a search: an object of fields and tests → [`VideoFilter`].

use serde_json::{Map, Value};

use crate::fault::{Code, Fault};
use crate::store::{MetaTest, VideoFilter, Within};
use crate::time::Timestamp;

/// Reads a filter.
///
/// # Errors
/// `search_filter_invalid`, with the field.
pub fn video_filter(filter: &Map<String, Value>) -> Result<VideoFilter, Fault> {
    let mut videos = VideoFilter::default();
    for (field, test) in filter {
        match field.as_str() {
            "id" => videos.ids = ids(test)?,
            "filename" | "title" => {
                let name = test.as_str().ok_or_else(|| invalid(field, test, "a text"))?;
                videos.filename = Some(name.to_owned());
            }
            "duration" => videos.duration_s = numbers(field, test)?,
            "width" => videos.width = numbers(field, test)?,
            "height" => videos.height = numbers(field, test)?,
            "size" => videos.size_bytes = numbers(field, test)?,
            "fps" => videos.fps = numbers(field, test)?,
            "created_at" => videos.created_at = moments(field, test)?,
            "updated_at" => videos.updated_at = moments(field, test)?,
            "indexed_at" => videos.indexed_at = moments(field, test)?,
            _ => videos.user_metadata.push((field.clone(), user_test(field, test)?)),
        }
    }
    Ok(videos)
}

fn ids<T: std::str::FromStr>(test: &Value) -> Result<Vec<T>, Fault> {
    let malformed = || invalid("id", test, "an id, or a list of at least one");
    let id = |text: &Value| text.as_str()?.parse().ok();
    let ids: Option<Vec<T>> = match test {
        Value::Array(ids) => ids.iter().map(id).collect(),
        one => id(one).map(|id| vec![id]),
    };
    ids.filter(|ids| !ids.is_empty()).ok_or_else(malformed)
}

fn numbers(field: &str, test: &Value) -> Result<Within<f64>, Fault> {
    if let Some(exact) = test.as_f64() {
        return Ok(Within { min: Some(exact), max: Some(exact) });
    }
    range(test).ok_or_else(|| invalid(field, test, "a number, or an object with `gte` and `lte`"))
}

/// A moment (from then on), or `{"gte": "…", "lte": "…"}`.
fn moments(field: &str, test: &Value) -> Result<Within<Timestamp>, Fault> {
    let malformed = || {
        invalid(
            field,
            test,
            "a moment (RFC 3339, such as 2024-03-01T09:15:02Z), or an object with `gte` and `lte`",
        )
    };
    let moment = |text: &Value| text.as_str()?.parse().ok();
    if test.is_string() {
        return Ok(Within { min: Some(moment(test).ok_or_else(malformed)?), max: None });
    }
    let bounds = test.as_object().filter(|bounds| !bounds.is_empty()).ok_or_else(malformed)?;
    let mut within = Within::default();
    for (name, bound) in bounds {
        let bound = Some(moment(bound).ok_or_else(malformed)?);
        match name.as_str() {
            "gte" => within.min = bound,
            "lte" => within.max = bound,
            _ => return Err(malformed()),
        }
    }
    Ok(within)
}

/// `{"gte": 1, "lte": 2}`, either of them, nothing else.
fn range(test: &Value) -> Option<Within<f64>> {
    let bounds = test.as_object().filter(|bounds| !bounds.is_empty())?;
    let mut within = Within::default();
    for (name, bound) in bounds {
        let bound = Some(bound.as_f64()?);
        match name.as_str() {
            "gte" => within.min = bound,
            "lte" => within.max = bound,
            _ => return None,
        }
    }
    Some(within)
}

fn user_test(field: &str, test: &Value) -> Result<MetaTest, Fault> {
    match test {
        Value::String(_) | Value::Number(_) | Value::Bool(_) => Ok(MetaTest::Equals(test.clone())),
        _ => range(test).map(MetaTest::Within).ok_or_else(|| {
            invalid(field, test, "a text, a number, a boolean, or an object with `gte` and `lte`")
        }),
    }
}

fn invalid(field: &str, test: &Value, expected: &str) -> Fault {
    Fault::because(Code::SearchFilterInvalid, format!("The filter on `{field}` is not valid."))
        .value(test.to_string().chars().take(120).collect::<String>())
        .rule(format!("`{field}` is {expected}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filter(value: Value) -> Result<VideoFilter, Fault> {
        video_filter(value.as_object().expect("an object"))
    }

    #[test]
    fn fields_are_compared_bounded_and_listed() {
        let id = "65f0c1d2e3a4b5c6d7e8f9aa";
        let read = filter(json!({
            "id": [id], "width": 1280, "duration": {"gte": 4, "lte": 60.5}, "title": "pier.mp4",
            "category": "harbour", "rating": {"gte": 3}, "needsReview": true,
        }));
        let read = read.unwrap();
        assert_eq!(read.ids, [id.parse().unwrap()]);
        assert_eq!(read.width, Within { min: Some(1280.0), max: Some(1280.0) });
        assert_eq!(read.duration_s, Within { min: Some(4.0), max: Some(60.5) });
        assert_eq!(read.filename.as_deref(), Some("pier.mp4"));
        let mut own = read.user_metadata;
        own.sort_by(|(a, _), (b, _)| a.cmp(b));
        assert_eq!(
            own,
            [
                ("category".to_owned(), MetaTest::Equals(json!("harbour"))),
                ("needsReview".to_owned(), MetaTest::Equals(json!(true))),
                ("rating".to_owned(), MetaTest::Within(Within { min: Some(3.0), max: None })),
            ]
        );
        assert_eq!(filter(json!({ "id": id })).unwrap().ids.len(), 1);
    }

    #[test]
    fn moments_are_bounded_too() {
        let read = filter(json!({
            "created_at": "2024-03-01", "indexed_at": {"gte": "2024-03-01T09:00:00Z", "lte": "2024-03-02"},
        }));
        let (read, moment) = (read.unwrap(), |text: &str| Some(text.parse::<Timestamp>().unwrap()));
        assert_eq!(read.created_at, Within { min: moment("2024-03-01"), max: None });
        let day = Within { min: moment("2024-03-01T09:00:00Z"), max: moment("2024-03-02") };
        assert_eq!((read.indexed_at, read.user_metadata.len()), (day, 0));
    }

    #[test]
    fn what_is_not_a_filter_is_refused_with_its_field() {
        let table = [
            json!({ "id": "pier" }),
            json!({ "id": [] }),
            json!({ "width": "wide" }),
            json!({ "width": { "gt": 1 } }),
            json!({ "width": {} }),
            json!({ "filename": 1 }),
            json!({ "created_at": 1 }),
            json!({ "indexed_at": { "gte": "soon" } }),
            json!({ "updated_at": { "gt": "2024-03-01" } }),
            json!({ "category": ["a"] }),
            json!({ "category": null }),
        ];
        for bad in table {
            let fault = filter(bad.clone()).unwrap_err();
            assert_eq!(fault.code, Code::SearchFilterInvalid, "{bad}");
            let field = bad.as_object().unwrap().keys().next().unwrap();
            assert!(fault.message.contains(field.as_str()), "{bad}: {}", fault.message);
        }
    }
}
