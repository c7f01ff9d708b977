//! What a file is that was brought here: pictures by their headers, all else by the sandboxed prober. Believes no name.

use std::path::Path;

use serde_json::{Map, Value, json};
use telecine_media::{AudioStream, MediaError, MediaTools, Probe};

use super::limits::{Kind, file_type_of};
use super::{Measured, picture};
use crate::fault::{Code, Fault, Result};
use crate::pipeline::media_fault;

/// Looks at the file and says what it is.
///
/// # Errors
/// `unsupported_file_type`, `video_file_broken`, `processing_limit_exceeded`.
pub(super) async fn measure(
    media: &MediaTools,
    path: &Path,
    filename: &str,
    content_hash: String,
) -> Result<Measured> {
    let looking = path.to_owned();
    let found = tokio::task::spawn_blocking(move || picture::read(&looking)).await;
    if let Some(picture) = found.map_err(anyhow::Error::from)?.map_err(anyhow::Error::from)? {
        let size_bytes = tokio::fs::metadata(path).await.map_err(anyhow::Error::from)?.len();
        let mut technical = general(size_bytes, picture.file_type, picture.format);
        technical.insert("image_width".into(), picture.width.into());
        technical.insert("image_height".into(), picture.height.into());
        technical.insert("image_format".into(), picture.format.into());
        let file_type = picture.file_type.to_owned();
        return Ok(Measured {
            kind: Kind::Image,
            file_type,
            size_bytes,
            duration_s: None,
            content_hash,
            technical,
        });
    }
    let probe = probe(media, path).await?;
    let sound = probe.default_audio().filter(|stream| stream.is_decodable());
    let kind = match (&probe.video, sound) {
        (Some(_), _) => Kind::Video,
        (None, Some(_)) => Kind::Audio,
        (None, None) => {
            let fault =
                Fault::because(Code::UnsupportedFileType, "There is neither picture nor sound in the file.");
            return Err(fault.value(probe.container).into());
        }
    };
    let file_type = file_type(&probe.container, kind, filename);
    let (size_bytes, duration_s) = (probe.size_bytes, probe.duration.as_secs_f64());
    let mut technical = general(size_bytes, &file_type, &probe.container);
    technical.append(&mut streams(&probe, sound));
    Ok(Measured { kind, file_type, size_bytes, duration_s: Some(duration_s), content_hash, technical })
}

/// Videos and what else has a container; else sound alone.
async fn probe(media: &MediaTools, path: &Path) -> Result<Probe> {
    let first = match media.probe(path).await {
        Ok(probe) => return Ok(probe),
        Err(error) => error,
    };
    if matches!(first, MediaError::NotMedia { .. } | MediaError::FormatNotAllowed { .. })
        && let Ok(probe) = media.probe_sound(path).await
    {
        return Ok(probe);
    }
    Err(media_fault(&first).map_or_else(|| anyhow::Error::new(first).into(), Into::into))
}

fn general(size_bytes: u64, file_type: &str, container: &str) -> Map<String, Value> {
    let all = json!({
        "file_size_bytes": size_bytes, "file_mime_type": file_type, "file_container_format": container,
    });
    all.as_object().cloned().unwrap_or_default()
}

fn streams(probe: &Probe, sound: Option<&AudioStream>) -> Map<String, Value> {
    let mut told = Map::new();
    if let Some(video) = &probe.video {
        told.insert("video_codec".into(), video.codec.as_str().into());
        told.insert("video_width".into(), video.width.into());
        told.insert("video_height".into(), video.height.into());
        told.insert("video_fps".into(), video.fps.into());
        told.insert("video_duration_seconds".into(), probe.duration.as_secs_f64().into());
    }
    if let Some(sound) = sound {
        told.insert("audio_codec".into(), sound.codec.as_str().into());
        told.insert("audio_sample_rate".into(), sound.sample_rate.into());
        told.insert("audio_channels".into(), sound.channels.into());
    }
    told
}

/// The MIME type of a container; where it goes by several, the one that the file's name says.
fn file_type(container: &str, kind: Kind, filename: &str) -> String {
    const SUBTYPES: [(&str, &str, &[&str]); 13] = [
        ("mov", "mp4", &["quicktime", "3gpp", "3gpp2"]),
        ("matroska", "x-matroska", &["webm"]),
        ("avi", "x-msvideo", &[]),
        ("mpegts", "mp2t", &[]),
        ("mpeg", "mpeg", &[]),
        ("flv", "x-flv", &[]),
        ("ogg", "ogg", &[]),
        ("asf", "x-ms-asf", &[]),
        ("mxf", "mxf", &[]),
        ("mp3", "mpeg", &[]),
        ("wav", "wav", &[]),
        ("flac", "flac", &[]),
        ("aac", "aac", &[]),
    ];
    let first = container.split(',').next().unwrap_or_default();
    let known = SUBTYPES.iter().find(|(name, ..)| *name == first);
    let Some((_, usual, others)) = known else { return "application/octet-stream".to_owned() };
    let named = file_type_of(filename).and_then(|named| named.split_once('/'));
    let subtype = named.map(|(_, subtype)| subtype).filter(|named| others.contains(named)).unwrap_or(usual);
    let family = if first == "mxf" { "application" } else { kind.as_str() };
    format!("{family}/{subtype}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_that_of_the_container_and_the_name_only_chooses_among_its_names() {
        let mov = "mov,mp4,m4a,3gp,3g2,mj2";
        assert_eq!(file_type(mov, Kind::Video, "a.mp4"), "video/mp4");
        assert_eq!(file_type(mov, Kind::Video, "a.mov"), "video/quicktime");
        assert_eq!(file_type(mov, Kind::Video, "a.webm"), "video/mp4");
        assert_eq!(file_type(mov, Kind::Audio, "a.m4a"), "audio/mp4");
        assert_eq!(file_type("matroska,webm", Kind::Video, "a.webm"), "video/webm");
        assert_eq!(file_type("mp3", Kind::Audio, "a.mp4"), "audio/mpeg");
        assert_eq!(file_type("mxf", Kind::Video, "a"), "application/mxf");
        assert_eq!(file_type("new", Kind::Video, "a.mp4"), "application/octet-stream");
    }
}
