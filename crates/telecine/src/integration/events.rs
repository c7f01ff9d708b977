//! What a bucket tells of its changes: S3's own notifications, those of EventBridge, and either wrapped by SNS. Pure.

use serde::Deserialize;
use serde_json::Value;

use crate::time::Timestamp;

/// Messages within messages, at most.
const MAX_DEPTH: u32 = 3;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectEvent {
    /// In which bucket.
    pub bucket: String,
    /// The key, exactly.
    pub key: String,
    /// What happened.
    pub what: ObjectChange,
    /// Orders the changes of one key; see [`is_newer`].
    pub sequencer: Option<String>,
    /// When it happened.
    pub at: Option<Timestamp>,
}

/// What happened to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectChange {
    /// It was written.
    Created {
        /// Bytes.
        size_bytes: u64,
        /// Without quotes.
        etag: String,
    },
    /// It is gone.
    Removed,
    /// It can be read although it lies in an archive.
    Restored,
    /// It cannot be read any more: what was restored has expired.
    Archived,
    /// Nothing that matters here, or what cannot be told from this event alone.
    Other,
}

/// The changes that a message tells; none for a test of the connection.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn parse(body: &str) -> Result<Vec<ObjectEvent>, String> {
    let message = serde_json::from_str(body).map_err(|error| format!("it is no JSON: {error}"))?;
    parse_value(message, MAX_DEPTH)
}

fn parse_value(message: Value, depth: u32) -> Result<Vec<ObjectEvent>, String> {
    if depth == 0 {
        return Err("it is wrapped too often".to_owned());
    }
    if message["Event"] == "s3:TestEvent" {
        return Ok(Vec::new());
    }
    if message["Type"] == "Notification" {
        let inner = message["Message"].as_str().ok_or("a notification of SNS without a message")?;
        let inner =
            serde_json::from_str(inner).map_err(|error| format!("its message is no JSON: {error}"))?;
        return parse_value(inner, depth - 1);
    }
    if message["Records"].is_array() {
        let Records { records } = read(message)?;
        return records.into_iter().map(Record::into_event).collect();
    }
    if message["source"] == "aws.s3" {
        let event: BridgeEvent = read(message)?;
        return Ok(vec![event.into_event()]);
    }
    Err("it is not a notification of S3".to_owned())
}

fn read<T: for<'de> Deserialize<'de>>(message: Value) -> Result<T, String> {
    serde_json::from_value(message).map_err(|error| format!("it is not a notification of S3: {error}"))
}

#[derive(Deserialize)]
struct Records {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_name: String,
    #[serde(default)]
    event_time: Option<String>,
    s3: Place,
}

#[derive(Deserialize)]
struct Place {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Object {
    key: String,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default, alias = "eTag")]
    etag: Option<String>,
    #[serde(default)]
    sequencer: Option<String>,
    #[serde(default, alias = "versionId", rename = "version-id")]
    version: Option<String>,
}

impl Object {
    fn created(&self) -> ObjectChange {
        match (&self.etag, self.size) {
            (Some(etag), Some(size_bytes)) => {
                ObjectChange::Created { size_bytes, etag: etag.trim_matches('"').to_owned() }
            }
            // The next listing knows more.
            _ => ObjectChange::Other,
        }
    }

    /// Of a bucket with versions, an old one may have been deleted: whether the object is gone is not told.
    fn deleted(&self) -> ObjectChange {
        let has_version = self.version.as_deref().is_some_and(|version| !matches!(version, "" | "null"));
        if has_version { ObjectChange::Other } else { ObjectChange::Removed }
    }
}

impl Record {
    fn into_event(self) -> Result<ObjectEvent, String> {
        let Place { bucket, object } = self.s3;
        let name = self.event_name.strip_prefix("s3:").unwrap_or(&self.event_name);
        let what = match name {
            "ObjectRestore:Completed" => ObjectChange::Restored,
            "ObjectRestore:Delete" => ObjectChange::Archived,
            "ObjectRemoved:DeleteMarkerCreated" | "LifecycleExpiration:DeleteMarkerCreated" => {
                ObjectChange::Removed
            }
            "ObjectRemoved:Delete" | "LifecycleExpiration:Delete" => object.deleted(),
            created if created.starts_with("ObjectCreated:") => object.created(),
            _ => ObjectChange::Other,
        };
        let key = form_decoded(&object.key).ok_or_else(|| format!("its key is no text: {}", object.key))?;
        let at = self.event_time.and_then(|time| time.parse().ok());
        Ok(ObjectEvent { bucket: bucket.name, key, what, sequencer: object.sequencer, at })
    }
}

#[derive(Deserialize)]
struct BridgeEvent {
    #[serde(rename = "detail-type")]
    detail_type: String,
    #[serde(default)]
    time: Option<String>,
    detail: Detail,
}

#[derive(Deserialize)]
struct Detail {
    bucket: Bucket,
    object: Object,
    #[serde(default, rename = "deletion-type")]
    deletion: Option<String>,
}

impl BridgeEvent {
    fn into_event(self) -> ObjectEvent {
        let Detail { bucket, object, deletion } = self.detail;
        let what = match self.detail_type.as_str() {
            "Object Created" => object.created(),
            "Object Deleted" if deletion.as_deref() == Some("Delete Marker Created") => ObjectChange::Removed,
            "Object Deleted" => object.deleted(),
            "Object Restore Completed" => ObjectChange::Restored,
            "Object Restore Expired" => ObjectChange::Archived,
            _ => ObjectChange::Other,
        };
        let at = self.time.and_then(|time| time.parse().ok());
        // Unlike S3 itself, EventBridge tells keys as they are.
        ObjectEvent { bucket: bucket.name, key: object.key, what, sequencer: object.sequencer, at }
    }
}

/// `a+b%2Bc` → `a b+c`. None when it is not UTF-8.
fn form_decoded(key: &str) -> Option<String> {
    let spaced = key.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// Whether a change comes after what is known already. Sequencers are compared as if the shorter one went on with zeros.
pub fn is_newer(sequencer: &str, known: &str) -> bool {
    let length = sequencer.len().max(known.len());
    let padded = |text: &str| format!("{text:0<length$}").to_ascii_uppercase();
    padded(sequencer) > padded(known)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn record(name: &str, key: &str) -> Value {
        json!({
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-west-2",
            "eventTime": "2024-03-01T09:15:02.417Z", "eventName": name,
            "s3": {
                "s3SchemaVersion": "1.0", "configurationId": "TelecineChanges",
                "bucket": {"name": "films", "arn": "arn:aws:s3:::films"},
                "object": {"key": key, "size": 7, "eTag": "abc", "sequencer": "0055AED6DCD90281E5"},
            },
        })
    }

    fn event(what: ObjectChange, key: &str) -> ObjectEvent {
        ObjectEvent {
            bucket: "films".to_owned(),
            key: key.to_owned(),
            what,
            sequencer: Some("0055AED6DCD90281E5".to_owned()),
            at: Some("2024-03-01T09:15:02.417Z".parse().unwrap()),
        }
    }

    fn created() -> ObjectChange {
        ObjectChange::Created { size_bytes: 7, etag: "abc".to_owned() }
    }

    #[test]
    fn notifications_of_s3_tell_changes() {
        let table = [
            ("ObjectCreated:Put", created()),
            ("ObjectCreated:CompleteMultipartUpload", created()),
            ("s3:ObjectCreated:Copy", created()),
            ("ObjectRemoved:Delete", ObjectChange::Removed),
            ("ObjectRemoved:DeleteMarkerCreated", ObjectChange::Removed),
            ("LifecycleExpiration:Delete", ObjectChange::Removed),
            ("ObjectRestore:Completed", ObjectChange::Restored),
            ("ObjectRestore:Delete", ObjectChange::Archived),
            ("ObjectRestore:Post", ObjectChange::Other),
            ("ObjectTagging:Put", ObjectChange::Other),
        ];
        for (name, what) in table {
            let body = json!({"Records": [record(name, "a+b%2Bc%C3%A9/x.mp4")]}).to_string();
            assert_eq!(parse(&body), Ok(vec![event(what, "a b+cé/x.mp4")]), "{name}");
        }
        let mut versioned = record("ObjectRemoved:Delete", "a.mp4");
        versioned["s3"]["object"]["versionId"] = "v1".into();
        let body = json!({"Records": [versioned]}).to_string();
        assert_eq!(
            parse(&body),
            Ok(vec![event(ObjectChange::Other, "a.mp4")]),
            "another version may be there"
        );
    }

    #[test]
    fn what_wraps_them_is_taken_off() {
        let inner = json!({"Records": [record("ObjectCreated:Put", "a.mp4")]}).to_string();
        let sns = json!({"Type": "Notification", "TopicArn": "arn", "Message": inner}).to_string();
        assert_eq!(parse(&sns), Ok(vec![event(created(), "a.mp4")]));
        let bridge = json!({
            "version": "0", "detail-type": "Object Created", "source": "aws.s3", "time": "2024-03-01T09:15:02.417Z",
            "detail": {
                "bucket": {"name": "films"},
                "object": {"key": "a+b%20.mp4", "size": 7, "etag": "abc", "sequencer": "0055AED6DCD90281E5"},
            },
        });
        assert_eq!(
            parse(&bridge.to_string()),
            Ok(vec![event(created(), "a+b%20.mp4")]),
            "keys are as they are"
        );
        let sns = json!({"Type": "Notification", "Message": bridge.to_string()}).to_string();
        assert_eq!(parse(&sns).map(|events| events.len()), Ok(1));
        let mut deleted = bridge;
        deleted["detail-type"] = "Object Deleted".into();
        deleted["detail"]["deletion-type"] = "Delete Marker Created".into();
        deleted["detail"]["object"]["version-id"] = "v2".into();
        assert_eq!(parse(&deleted.to_string()).unwrap()[0].what, ObjectChange::Removed);
        let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "films"}).to_string();
        assert_eq!(parse(&test), Ok(vec![]));
    }

    #[test]
    fn what_cannot_be_understood_is_said_to_be_so() {
        let mut deep = json!({"Records": []});
        for _ in 0..3 {
            deep = json!({"Type": "Notification", "Message": deep.to_string()});
        }
        let not_text = json!({"Records": [record("ObjectCreated:Put", "%FF.mp4")]});
        let lacking = json!({"Records": [{"eventName": "ObjectCreated:Put"}]});
        for body in ["", "[]", "{}", "null", &deep.to_string(), &not_text.to_string(), &lacking.to_string()] {
            assert!(parse(body).is_err(), "{body}");
        }
    }

    #[test]
    fn sequencers_are_compared_as_if_padded() {
        assert!(is_newer("0055AED6DCD90281E5", "0055AED6DCD90281E4"));
        assert!(is_newer("0055AED6DCD90281E51", "0055AED6DCD90281E5"));
        assert!(!is_newer("0055AED6DCD90281E5", "0055AED6DCD90281E50"), "the same");
        assert!(is_newer("0b", "0A"));
        assert!(!is_newer("0A", "0A"));
    }

    proptest! {
        #[test]
        fn whatever_is_sent_does_no_harm(body in any::<String>()) {
            let _ = parse(&body);
        }

        #[test]
        fn of_two_sequencers_at_most_one_is_newer(one in "[0-9A-F]{1,20}", other in "[0-9A-F]{1,20}") {
            prop_assert!(!(is_newer(&one, &other) && is_newer(&other, &one)));
        }
    }
}
