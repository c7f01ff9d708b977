//! Validate: what the file really is, whether the index admits it, and where its words will come from. Decodes
//! nothing.

use telecine_media::captions::Cue;
use telecine_media::{MediaError, Probe, SubtitleStream};

use super::fetch::Fetched;
use super::job::Job;
use super::stop::{Stop, language_not_supported};
use crate::fault::{Code, Fault};
use crate::index::{Measured, ModelOption};
use crate::transfer::{TaskSource, VideoMeta};

/// A video that may enter.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) probe: Probe,
    pub(super) meta: VideoMeta,
    pub(super) said: Said,
}

/// Where what is said comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// The index does not ask.
    NotAsked,
    /// Captions: given along, or a track of the file.
    Cues(Vec<Cue>),
    /// It must be heard.
    Sound,
}

/// Probes the file and holds it against the rules of the index.
pub(super) async fn validate(
    job: &Job,
    fetched: &Fetched,
    given: Option<Vec<Cue>>,
) -> Result<Admitted, Stop> {
    let probing = job.app().media.probe(&fetched.file);
    let probe = job.unless_cancelled(probing).await?.map_err(|error| {
        match (media_fault(&error), &job.task.source) {
            (Some(fault), TaskSource::Url { .. }) if fault.code == Code::UnsupportedFileType => {
                fault.remedy("The link must lead to the file itself, and not to a page that shows it.").into()
            }
            _ => media_stop(error),
        }
    })?;
    let video = probe
        .video
        .as_ref()
        .ok_or_else(|| Fault::new(Code::UnsupportedFileType).value("there is no video track in it"))?;
    let meta = VideoMeta {
        filename: job.task.source.filename().to_owned(),
        duration_s: probe.duration.as_secs_f64(),
        fps: video.fps,
        width: video.width,
        height: video.height,
        size_bytes: fetched.size_bytes,
    };
    job.index.admit(&Measured {
        width: meta.width,
        height: meta.height,
        duration_s: meta.duration_s,
        has_audio: probe.audio.iter().any(telecine_media::AudioStream::is_decodable),
    })?;
    let said = who_says(job, fetched, &probe, given).await?;
    Ok(Admitted { probe, meta, said })
}

/// Captions that were given, else a text track of the file, else the sound.
async fn who_says(
    job: &Job,
    fetched: &Fetched,
    probe: &Probe,
    given: Option<Vec<Cue>>,
) -> Result<Said, Stop> {
    if !job.index.options().contains(&ModelOption::Conversation) {
        return Ok(Said::NotAsked);
    }
    if let Some(cues) = given {
        return Ok(Said::Cues(cues));
    }
    if let Some(track) = text_track(&probe.subtitles, &job.task.language) {
        let extracting = job.app().media.extract_captions(&fetched.file, probe, track.index);
        let cues = job.unless_cancelled(extracting).await?.map_err(media_stop)?;
        if !cues.is_empty() {
            return Ok(Said::Cues(cues));
        }
    }
    let heard = job.app().engines.hear.languages();
    let language = primary_subtag(&job.task.language);
    if heard.contains(&language) {
        Ok(Said::Sound)
    } else {
        Err(language_not_supported(&job.task.language, &heard).into())
    }
}

/// The text track in the language that is spoken, else one that tells no language. A track in another language is a
/// translation: it is not what is said.
fn text_track<'a>(tracks: &'a [SubtitleStream], spoken: &str) -> Option<&'a SubtitleStream> {
    let spoken = primary_subtag(spoken);
    let text = || tracks.iter().filter(|track| track.text);
    let is_spoken = |track: &&SubtitleStream| track.language.as_deref().is_some_and(|l| is_same(l, &spoken));
    let is_untold =
        |track: &&SubtitleStream| track.language.as_deref().is_none_or(|l| matches!(l, "" | "und"));
    text().find(is_spoken).or_else(|| text().find(is_untold))
}

/// Containers tell languages by the three letters of ISO 639-2, tasks by the two of ISO 639-1.
fn is_same(told: &str, spoken: &str) -> bool {
    const THREE_LETTERS: [(&str, &[&str]); 24] = [
        ("ar", &["ara"]),
        ("cs", &["cze", "ces"]),
        ("da", &["dan"]),
        ("de", &["ger", "deu"]),
        ("el", &["gre", "ell"]),
        ("en", &["eng"]),
        ("es", &["spa"]),
        ("fi", &["fin"]),
        ("fr", &["fre", "fra"]),
        ("he", &["heb"]),
        ("hi", &["hin"]),
        ("hu", &["hun"]),
        ("it", &["ita"]),
        ("ja", &["jpn"]),
        ("ko", &["kor"]),
        ("nl", &["dut", "nld"]),
        ("no", &["nor", "nob"]),
        ("pl", &["pol"]),
        ("pt", &["por"]),
        ("ru", &["rus"]),
        ("sv", &["swe"]),
        ("tr", &["tur"]),
        ("uk", &["ukr"]),
        ("zh", &["chi", "zho"]),
    ];
    let told = primary_subtag(told);
    let long = THREE_LETTERS.iter().find(|(short, _)| *short == spoken).map(|(_, long)| *long);
    told == spoken || long.is_some_and(|long| long.contains(&told.as_str()))
}

fn primary_subtag(language: &str) -> String {
    language.split(['-', '_']).next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// What a media tool's failure means for the task.
pub(super) fn media_stop(error: MediaError) -> Stop {
    match media_fault(&error) {
        Some(fault) => fault.into(),
        None => Stop::Internal(error.into()),
    }
}

/// What is wrong with a file that a media tool failed on; none when the fault is not the file's.
pub fn media_fault(error: &MediaError) -> Option<Fault> {
    let code = match error {
        MediaError::NotMedia { .. }
        | MediaError::FormatNotAllowed { .. }
        | MediaError::NoSuchStream { .. } => Code::UnsupportedFileType,
        MediaError::Broken { .. } => Code::VideoFileBroken,
        MediaError::TooLarge { .. } | MediaError::Timeout { .. } => Code::ProcessingLimitExceeded,
        // Killed from outside: most often this machine's memory, which may be free again soon.
        MediaError::Killed { limit, .. } if *limit != telecine_media::Limit::Unknown => {
            Code::ProcessingLimitExceeded
        }
        _ => return None,
    };
    Some(Fault::new(code).value(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(index: u32, language: Option<&str>, text: bool) -> SubtitleStream {
        SubtitleStream { index, codec: "mov_text".into(), language: language.map(str::to_owned), text }
    }

    fn chosen(tracks: &[SubtitleStream], spoken: &str) -> Option<u32> {
        text_track(tracks, spoken).map(|track| track.index)
    }

    #[test]
    fn the_track_in_the_spoken_language_is_taken() {
        let tracks = [track(2, Some("fre"), true), track(3, None, true), track(4, Some("eng"), true)];
        assert_eq!(chosen(&tracks, "en"), Some(4));
        assert_eq!(chosen(&tracks, "en-GB"), Some(4));
        assert_eq!(chosen(&tracks, "fr"), Some(2));
        assert_eq!(chosen(&tracks, "xx"), Some(3), "a track that tells no language");
    }

    #[test]
    fn pictures_of_text_and_translations_are_not_what_is_said() {
        assert_eq!(chosen(&[track(2, Some("eng"), false), track(3, Some("ger"), true)], "en"), None);
    }
}
