//! Whether an object is taken for a video to index, or why not. Pure.

use serde::{Serialize, Serializer};

use super::filters::Rules;
use crate::index::MAX_FILE_BYTES;
use crate::source::ObjectInfo;
use crate::transfer::MAX_KEY_BYTES;

const VIDEO_EXTENSIONS: [&str; 18] = [
    "mp4", "mov", "m4v", "mkv", "webm", "avi", "ts", "mts", "m2ts", "mpg", "mpeg", "flv", "ogv", "wmv",
    "asf", "mxf", "3gp", "3g2",
];
const CAPTION_EXTENSIONS: [&str; 2] = ["srt", "vtt"];

macro_rules! decisions {
    ($($variant:ident $name:literal $message:literal;)*) => {
        /// What is decided about an object: the first of these that holds.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "each variant is explained by its message")]
        pub enum Decision { $($variant,)* }

        impl Decision {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in the store and the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// For people.
            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)* }
            }
        }
    };
}

decisions! {
    FolderMarker "folder_marker" "It stands for a folder: its key ends with a slash.";
    UnsupportedName "unsupported_name" "Its key cannot be written into a manifest: it is no text, or has more than 1024 bytes.";
    SidecarCaptions "sidecar_captions" "It holds captions, which are taken with the video beside it.";
    NotAVideo "not_a_video" "Its name has no extension of a video.";
    NotIncluded "not_included" "No glob of the filter's `include` matches its key.";
    Excluded "excluded" "A glob of the filter's `exclude` matches its key.";
    BelowMinBytes "below_min_bytes" "It is smaller than the filter's `min_bytes`.";
    AboveMaxBytes "above_max_bytes" "It is larger than the filter's `max_bytes`.";
    TooOld "too_old" "It was written before the filter's `modified_after`.";
    TooNew "too_new" "It was written at or after the filter's `modified_before`.";
    OtherStorageClass "other_storage_class" "Its storage class is not among the filter's `storage_classes`.";
    Empty "empty" "It has no bytes.";
    TooLarge "too_large" "It is larger than 2 GB (2147483648 bytes), which no index takes.";
    Archived "archived" "It lies in an archive and must be restored first.";
    Taken "taken" "It is taken for a video to index.";
}

impl Decision {
    /// The decision of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|decision| decision.as_str() == name)
    }
}

impl Serialize for Decision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Rules {
    /// What is decided about an object.
    pub fn decide(&self, object: &ObjectInfo) -> Decision {
        let key = object.key.as_str();
        if key.ends_with('/') {
            Decision::FolderMarker
        } else if key.len() > MAX_KEY_BYTES || key.contains(char::REPLACEMENT_CHARACTER) {
            Decision::UnsupportedName
        } else if is_captions(key) {
            Decision::SidecarCaptions
        } else if !is_video(key) {
            Decision::NotAVideo
        } else if let Some(refusal) = self.refusal(object) {
            refusal
        } else if object.size_bytes == 0 {
            Decision::Empty
        } else if object.size_bytes > MAX_FILE_BYTES {
            Decision::TooLarge
        } else if object.is_archived {
            Decision::Archived
        } else {
            Decision::Taken
        }
    }
}

/// Whether a key's name says that it is a video.
pub(super) fn is_video(key: &str) -> bool {
    has_extension(key, &VIDEO_EXTENSIONS)
}

/// Whether a key's name says that it holds captions.
pub(super) fn is_captions(key: &str) -> bool {
    has_extension(key, &CAPTION_EXTENSIONS)
}

fn has_extension(key: &str, known: &[&str]) -> bool {
    // Of a link, the path counts.
    let is_link = key.starts_with("https://") || key.starts_with("http://");
    let key = if is_link { key.split(['?', '#']).next().unwrap_or(key) } else { key };
    let name = key.rsplit('/').next().unwrap_or(key);
    // `._film.mp4` is what macOS keeps beside `film.mp4`.
    let Some((stem, extension)) = name.rsplit_once('.').filter(|_| !name.starts_with("._")) else {
        return false;
    };
    !stem.is_empty() && known.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests {
    use super::super::Filters;
    use super::*;

    #[test]
    fn videos_are_known_by_their_names() {
        for key in [
            "film.mp4",
            "a/b/Film.MOV",
            "a.b.mkv",
            "odd//x.webm",
            "tape.mts",
            "ví deo.Ts",
            "https://x.test/a.mp4?t=1#x",
        ] {
            assert!(is_video(key), "{key}");
        }
        for key in
            ["film.srt", "mp4", ".mp4", "a/.mp4", "film.mp4/", "film.mp4.part", "a/._film.mp4", "film", ""]
        {
            assert!(!is_video(key), "{key}");
        }
    }

    #[test]
    fn every_object_has_a_decision_and_every_decision_an_object() {
        let object = |key: &str, size_bytes| ObjectInfo {
            key: key.to_owned(),
            size_bytes,
            etag: "1".to_owned(),
            modified_at: Some("2024-02-01".parse().unwrap()),
            storage_class: "STANDARD".to_owned(),
            is_archived: false,
        };
        let filters = Filters {
            include: vec!["films/**".to_owned(), "deep/*/x.mp4".to_owned()],
            exclude: vec!["**/draft-*".to_owned()],
            min_bytes: Some(10),
            max_bytes: Some(3 << 30),
            modified_after: Some("2024-01-01".parse().unwrap()),
            modified_before: Some("2024-03-01".parse().unwrap()),
            storage_classes: vec!["STANDARD".to_owned(), "GLACIER".to_owned()],
        };
        let film = || object("films/a.mp4", 100);
        let at = |modified: &str| ObjectInfo { modified_at: Some(modified.parse().unwrap()), ..film() };
        let table = [
            (object("films/", 0), Decision::FolderMarker),
            (object("films/\u{fffd}.mp4", 100), Decision::UnsupportedName),
            (object(&format!("films/{}.mp4", "x".repeat(1024)), 100), Decision::UnsupportedName),
            (object("films/a.en.srt", 100), Decision::SidecarCaptions),
            (object("films/a.txt", 100), Decision::NotAVideo),
            (object("other/a.mp4", 100), Decision::NotIncluded),
            (object("films/draft-a.mp4", 100), Decision::Excluded),
            (object("films/a.mp4", 9), Decision::BelowMinBytes),
            (object("films/a.mp4", (3 << 30) + 1), Decision::AboveMaxBytes),
            (at("2023-12-31"), Decision::TooOld),
            (at("2024-03-01"), Decision::TooNew),
            (ObjectInfo { storage_class: "COLD".to_owned(), ..film() }, Decision::OtherStorageClass),
            (object("films/a.mp4", 3 << 30), Decision::TooLarge),
            (ObjectInfo { is_archived: true, ..film() }, Decision::Archived),
            (film(), Decision::Taken),
            (object("deep/er/x.mp4", 10), Decision::Taken),
            // What tells no time is not held to times.
            (ObjectInfo { modified_at: None, ..film() }, Decision::Taken),
        ];
        let rules = filters.rules().unwrap();
        for (object, expected) in &table {
            assert_eq!(rules.decide(object), *expected, "{}", object.key);
        }
        let without = Filters::default().rules().unwrap();
        assert_eq!(without.decide(&object("a.mp4", 0)), Decision::Empty);
        for decision in Decision::ALL.iter().filter(|decision| **decision != Decision::Empty) {
            assert!(table.iter().any(|(_, told)| told == decision), "{decision:?}");
            assert_eq!(Decision::parse(decision.as_str()), Some(*decision));
        }
    }
}
