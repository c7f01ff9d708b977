//! What an asset may be, and how large: by its name before there is a byte of it, by what is in it afterwards. Pure.

use serde::{Deserialize, Serialize};

use super::Origin;
use crate::config::AssetsConfig;
use crate::fault::{Code, Fault};

/// What an asset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Moving pictures, with or without sound.
    Video,
    /// Sound alone.
    Audio,
    /// A picture.
    Image,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Video, Self::Audio, Self::Image];

    /// The name in the store and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Image => "image",
        }
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

const TYPES: [(&[&str], &str); 27] = [
    (&["mp4", "m4v"], "video/mp4"),
    (&["mov", "qt"], "video/quicktime"),
    (&["mkv"], "video/x-matroska"),
    (&["webm"], "video/webm"),
    (&["avi"], "video/x-msvideo"),
    (&["ts", "mts", "m2ts"], "video/mp2t"),
    (&["mpg", "mpeg"], "video/mpeg"),
    (&["flv"], "video/x-flv"),
    (&["ogv"], "video/ogg"),
    (&["wmv", "asf"], "video/x-ms-asf"),
    (&["mxf"], "application/mxf"),
    (&["3gp"], "video/3gpp"),
    (&["3g2"], "video/3gpp2"),
    (&["mp3"], "audio/mpeg"),
    (&["wav"], "audio/wav"),
    (&["flac"], "audio/flac"),
    (&["aac"], "audio/aac"),
    (&["m4a"], "audio/mp4"),
    (&["ogg", "oga", "opus"], "audio/ogg"),
    (&["wma"], "audio/x-ms-wma"),
    (&["mka"], "audio/x-matroska"),
    (&["weba"], "audio/webm"),
    (&["jpg", "jpeg"], "image/jpeg"),
    (&["png"], "image/png"),
    (&["webp"], "image/webp"),
    (&["gif"], "image/gif"),
    (&["pdf"], "application/pdf"),
];

/// The MIME type that a file's name promises.
pub fn file_type_of(filename: &str) -> Option<&'static str> {
    let (_, extension) = filename.rsplit_once('.')?;
    let known = TYPES.iter().find(|(all, _)| all.iter().any(|one| one.eq_ignore_ascii_case(extension)));
    known.map(|(_, file_type)| *file_type)
}

/// What a MIME type stands for.
pub fn kind_of_type(file_type: &str) -> Option<Kind> {
    match file_type.split('/').next().unwrap_or_default() {
        "video" => Some(Kind::Video),
        "audio" => Some(Kind::Audio),
        "image" => Some(Kind::Image),
        _ if file_type == "application/mxf" => Some(Kind::Video),
        _ => None,
    }
}

/// Refuses more bytes than the way they come by, and what they are, may have.
///
/// # Errors
/// `video_filesize_too_large`, `audio_filesize_too_large`, `media_filesize_too_large`.
pub(super) fn check_size(
    config: &AssetsConfig,
    origin: &Origin,
    kind: Option<Kind>,
    size_bytes: u64,
) -> Result<(), Fault> {
    let by_way = match (origin, kind) {
        (Origin::Direct, _) => config.direct_bytes,
        (Origin::Url { .. }, _) => config.url_bytes,
        (Origin::Multipart { .. }, _) => config.multipart_bytes,
        (Origin::Connector(_), Some(Kind::Audio)) => config.import_audio_bytes,
        (Origin::Connector(_), _) => config.import_video_bytes,
    };
    let limit = if kind == Some(Kind::Image) { by_way.min(config.image_bytes) } else { by_way };
    if size_bytes <= limit { Ok(()) } else { Err(too_large(kind, size_bytes, limit)) }
}

/// The fault of a file with more bytes than are allowed.
pub(super) fn too_large(kind: Option<Kind>, size_bytes: u64, limit: u64) -> Fault {
    let code = match kind {
        Some(Kind::Video) => Code::VideoFilesizeTooLarge,
        Some(Kind::Audio) => Code::AudioFilesizeTooLarge,
        Some(Kind::Image) | None => Code::MediaFilesizeTooLarge,
    };
    Fault::new(code)
        .value(format!("{size_bytes} bytes"))
        .rule(format!("at most {limit} bytes"))
        .remedy("Send large files in chunks (POST /assets/multipart-uploads), or make the file smaller.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_promises_a_type() {
        assert_eq!(file_type_of("a/Pier.MP4"), Some("video/mp4"));
        assert_eq!(file_type_of("photo.jpeg"), Some("image/jpeg"));
        assert_eq!(file_type_of("notes"), None);
        assert_eq!(kind_of_type("application/mxf"), Some(Kind::Video));
        assert_eq!(kind_of_type("application/pdf"), None);
    }

    #[test]
    fn each_way_and_each_kind_has_its_bound() {
        let config = AssetsConfig::default();
        let url = Origin::Url { url: "https://h.test/a".into() };
        let check =
            |origin: &Origin, kind, bytes| check_size(&config, origin, kind, bytes).err().map(|it| it.code);
        assert_eq!(check(&Origin::Direct, Some(Kind::Video), 200 << 20), None);
        assert_eq!(
            check(&Origin::Direct, Some(Kind::Video), (200 << 20) + 1),
            Some(Code::VideoFilesizeTooLarge)
        );
        assert_eq!(check(&url, Some(Kind::Video), 4 << 30), None);
        assert_eq!(check(&url, Some(Kind::Audio), (4 << 30) + 1), Some(Code::AudioFilesizeTooLarge));
        assert_eq!(check(&url, Some(Kind::Image), (32 << 20) + 1), Some(Code::MediaFilesizeTooLarge));
        assert_eq!(check(&Origin::Direct, None, (200 << 20) + 1), Some(Code::MediaFilesizeTooLarge));
    }
}
