//! What a file says about itself, read by `ffprobe` from its headers. Values are reported, not believed: validation
//! and limits are for those who know the rules.

use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use crate::boxes;
use crate::child::{Ended, PROTOCOLS};
use crate::limits::{ALLOWED_FORMATS, SOUND_FORMATS};
use crate::sight;
use crate::tools::{Run, Tool};
use crate::{MediaError, MediaTime, MediaTools};

/// What the headers declare.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// The demuxer's name, such as `mov,mp4,m4a,3gp,3g2,mj2`.
    pub container: String,
    /// How long a player plays. When the headers do not say, the packets were read to find out.
    pub duration: MediaTime,
    /// The container's own first timestamp. Frames, audio and captions are told relative to it.
    pub start: MediaTime,
    /// Size of the file.
    pub size_bytes: u64,
    /// The video stream that is played by default, if any. Cover art is not video.
    pub video: Option<VideoStream>,
    /// Audio streams in the file's order.
    pub audio: Vec<AudioStream>,
    /// Subtitle streams in the file's order.
    pub subtitles: Vec<SubtitleStream>,
}

/// A video stream.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoStream {
    /// Number of the stream in the file.
    pub index: u32,
    /// ffmpeg's name of the codec, such as `h264`.
    pub codec: String,
    /// Width as shown: sample aspect ratio and rotation applied.
    pub width: u32,
    /// Height as shown: sample aspect ratio and rotation applied.
    pub height: u32,
    /// Width as coded.
    pub coded_width: u32,
    /// Height as coded.
    pub coded_height: u32,
    /// Average frames per second; zero when unknown.
    pub fps: f64,
    /// Clockwise turn that a player applies: 0, 90, 180 or 270.
    pub rotation_deg: u32,
    /// When the last picture ends, if the headers tell.
    pub end: Option<MediaTime>,
}

/// An audio stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioStream {
    /// Number of the stream in the file.
    pub index: u32,
    /// ffmpeg's name of the codec, such as `aac`.
    pub codec: String,
    /// Channels; zero when unknown.
    pub channels: u32,
    /// Samples per second; zero when unknown.
    pub sample_rate: u32,
    /// ISO 639 code, as far as the file tells one.
    pub language: Option<String>,
    /// Whether a player plays this one by default.
    pub default: bool,
}

impl AudioStream {
    /// Whether ffmpeg knows the codec and there is something to hear.
    pub fn is_decodable(&self) -> bool {
        self.codec != "unknown" && self.channels > 0
    }
}

/// A subtitle stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubtitleStream {
    /// Number of the stream in the file.
    pub index: u32,
    /// ffmpeg's name of the codec, such as `mov_text`.
    pub codec: String,
    /// ISO 639 code, as far as the file tells one.
    pub language: Option<String>,
    /// Text, as opposed to pictures of text.
    pub text: bool,
}

impl Probe {
    /// The audio stream that is heard by default.
    pub fn default_audio(&self) -> Option<&AudioStream> {
        self.audio.iter().find(|stream| stream.default).or(self.audio.first())
    }
}

/// ffprobe's JSON is small; a file that makes it larger is up to something.
const MAX_JSON_BYTES: u64 = 4 << 20;

/// The longest tag of a language that RFC 5646 wants to be taken; files can have megabytes there.
const LONGEST_LANGUAGE: usize = 35;

const ENTRIES: &str = "format=format_name,duration,start_time:\
    stream=index,codec_type,codec_name,width,height,sample_aspect_ratio,avg_frame_rate,r_frame_rate,\
    channels,sample_rate,start_time,duration:stream_disposition=default,attached_pic,still_image,timed_thumbnails:\
    stream_tags=language,rotate:stream_side_data=rotation";

impl MediaTools {
    /// Reads the headers of a local file.
    ///
    /// # Errors
    /// [`MediaError::NotMedia`], [`MediaError::Broken`] and [`MediaError::FormatNotAllowed`] are the file's fault;
    /// the limits' errors and [`MediaError::Io`] are not.
    pub async fn probe(&self, path: &Path) -> Result<Probe, MediaError> {
        sight::refuse(path).await?;
        let mut probe = self.ask(path, &[]).await?;
        if probe.duration <= MediaTime::ZERO {
            probe.duration = self.read_duration(path).await?;
        }
        Ok(probe)
    }

    /// Reads the headers of a local file of which only these may be there, the rest being zeros: of packets, no more
    /// than `packet_bytes` are looked at. A duration that the headers do not tell is zero.
    ///
    /// # Errors
    /// As [`MediaTools::probe`].
    pub async fn probe_headers(&self, path: &Path, packet_bytes: u64) -> Result<Probe, MediaError> {
        self.ask(path, &["-probesize", &packet_bytes.to_string()]).await
    }

    /// Reads the headers of a local file that holds sound alone, such as MP3, WAV or FLAC. A duration that the headers do
    /// not tell is zero.
    ///
    /// # Errors
    /// As [`MediaTools::probe`].
    pub async fn probe_sound(&self, path: &Path) -> Result<Probe, MediaError> {
        // The last one of an option counts.
        self.ask(path, &["-format_whitelist", SOUND_FORMATS]).await
    }

    async fn ask(&self, path: &Path, options: &[&str]) -> Result<Probe, MediaError> {
        let size_bytes = tokio::fs::metadata(path).await.map_err(MediaError::opening(path))?.len();
        if size_bytes == 0 {
            return Err(MediaError::NotMedia { detail: "the file is empty (0 bytes)".into() });
        }
        let mut run = Run::brief(self.limits());
        run.args(["-hide_banner", "-v", "error", "-of", "json=compact=1", "-show_entries", ENTRIES]);
        run.args(self.input_options()).args(options);
        run.input(path)?;
        let (printed, ended) = self.start(Tool::Ffprobe, run)?.output(MAX_JSON_BYTES).await?;
        if !ended.status.success() {
            if ended.stderr.contains(" exceeds max_streams ") {
                let limit = u64::from(self.limits().max_streams);
                return Err(MediaError::TooLarge { what: "the number of streams", value: limit + 1, limit });
            }
            ended.within_limits()?;
            return Err(refusal(&ended, path, self.limits().max_pixels));
        }
        let raw: Raw = serde_json::from_slice(&printed)
            .map_err(|e| MediaError::Broken { detail: format!("its headers cannot be told: {e}") })?;
        let probe = raw.into_probe(size_bytes);
        let has_no_size =
            probe.video.as_ref().is_some_and(|video| video.coded_width.min(video.coded_height) == 0);
        match refused_size(&ended.stderr).filter(|_| has_no_size) {
            Some(value) => {
                let limit = self.limits().max_pixels;
                Err(MediaError::TooLarge { what: "the picture (pixels)", value, limit })
            }
            None => Ok(probe),
        }
    }

    /// Options for every input: which demuxers and protocols, how large a picture, how many streams.
    pub(crate) fn input_options(&self) -> Vec<String> {
        let limits = self.limits();
        let options = [
            ("-protocol_whitelist", PROTOCOLS.to_owned()),
            ("-format_whitelist", ALLOWED_FORMATS.to_owned()),
            ("-max_pixels", limits.max_pixels.to_string()),
            ("-max_streams", limits.max_streams.to_string()),
            ("-threads", limits.threads.to_string()),
        ];
        options.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
    }

    /// The duration by reading every packet, without decoding. Live recordings often do not declare one.
    async fn read_duration(&self, path: &Path) -> Result<MediaTime, MediaError> {
        let mut run = Run::brief(self.limits());
        run.args(["-hide_banner", "-nostdin", "-nostats", "-v", "error"]).args(self.input_options());
        run.input(path)?;
        run.args([
            "-map",
            "0:v?",
            "-map",
            "0:a?",
            "-c",
            "copy",
            "-progress",
            "pipe:1",
            "-stats_period",
            "30",
        ]);
        run.args(["-f", "null", "-"]);
        let (printed, ended) = self.start(Tool::Ffmpeg, run)?.output(MAX_JSON_BYTES).await?;
        ended.within_limits()?;
        let text = String::from_utf8_lossy(&printed);
        let reached = text.lines().filter_map(|line| line.strip_prefix("out_time_us=")).next_back();
        let micros = reached.and_then(|value| value.trim().parse().ok()).unwrap_or(0);
        Ok(MediaTime::from_micros(micros))
    }
}

/// Why ffprobe gave up, from its messages.
fn refusal(ended: &Ended, path: &Path, max_pixels: u64) -> MediaError {
    let message = ended.stderr.as_str();
    if let Some(value) = refused_size(message) {
        return MediaError::TooLarge { what: "the picture (pixels)", value, limit: max_pixels };
    }
    if let Some(line) = message.lines().find(|line| line.contains("not on whitelist")) {
        let format = line.trim_start_matches('[').split([' ', ']']).next().unwrap_or("unknown").to_owned();
        return MediaError::FormatNotAllowed { format };
    }
    let detail = ended.detail();
    // A demuxer that speaks up under its own name has recognised its format; but MP4's is chosen by the file's name
    // alone when nothing else fits.
    let recognised = message.lines().any(|line| line.starts_with('[') && line.contains(" @ 0x"));
    let by_name_only = message.contains("moov atom not found") && !begins_like_mp4(path);
    if recognised && !by_name_only { MediaError::Broken { detail } } else { MediaError::NotMedia { detail } }
}

/// The size that ffmpeg's messages say was too large, if any does.
pub(crate) fn refused_size(messages: &str) -> Option<u64> {
    messages.lines().find_map(refused_pixels)
}

/// `Picture size 9999x9999 exceeds specified max pixel count …`, or `is invalid` for sizes beyond what ffmpeg can address →
/// the pixels.
fn refused_pixels(line: &str) -> Option<u64> {
    let (_, size) = line.split_once("Picture size ")?;
    let (width, rest) = size.split_once('x')?;
    let (height, _) = rest.split_once(" exceeds").or_else(|| rest.split_once(" is invalid"))?;
    let pixels = width.parse::<u64>().ok()?.saturating_mul(height.parse().ok()?);
    (pixels > 0).then_some(pixels)
}

/// Whether the file's first box is one that MP4 or QuickTime files begin with.
fn begins_like_mp4(path: &Path) -> bool {
    let mut head = [0; 8];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && boxes::begins(&head)
}

/// ffprobe's answer. Everything may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Raw {
    format: RawFormat,
    streams: Vec<RawStream>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawFormat {
    format_name: Option<String>,
    duration: Option<String>,
    start_time: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawStream {
    index: u32,
    codec_type: Option<String>,
    codec_name: Option<String>,
    width: Option<i64>,
    height: Option<i64>,
    sample_aspect_ratio: Option<String>,
    avg_frame_rate: Option<String>,
    r_frame_rate: Option<String>,
    channels: Option<i64>,
    sample_rate: Option<String>,
    start_time: Option<String>,
    duration: Option<String>,
    disposition: RawDisposition,
    tags: RawTags,
    side_data_list: Vec<RawSideData>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawDisposition {
    default: i64,
    attached_pic: i64,
    still_image: i64,
    timed_thumbnails: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawTags {
    language: Option<String>,
    rotate: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawSideData {
    rotation: Option<f64>,
}

impl Raw {
    fn into_probe(self, size_bytes: u64) -> Probe {
        let of_type = |wanted: &'static str| {
            self.streams.iter().filter(move |stream| stream.codec_type.as_deref() == Some(wanted))
        };
        let declared = self.format.duration.as_deref().and_then(seconds);
        let longest = self.streams.iter().filter_map(|stream| seconds(stream.duration.as_deref()?)).max();
        let start = self.format.start_time.as_deref().and_then(seconds).unwrap_or(MediaTime::ZERO);
        Probe {
            container: self.format.format_name.clone().unwrap_or_default(),
            duration: declared.or(longest).unwrap_or(MediaTime::ZERO),
            start,
            size_bytes,
            video: of_type("video")
                .filter(|stream| !stream.is_picture())
                .max_by_key(|stream| (stream.disposition.default, std::cmp::Reverse(stream.index)))
                .map(|stream| stream.video(start)),
            audio: of_type("audio").map(RawStream::audio).collect(),
            subtitles: of_type("subtitle").map(RawStream::subtitle).collect(),
        }
    }
}

impl RawStream {
    /// Cover art and thumbnails are streams of type video, too.
    fn is_picture(&self) -> bool {
        let RawDisposition { default: _, attached_pic, still_image, timed_thumbnails } = self.disposition;
        attached_pic + still_image + timed_thumbnails > 0
    }

    fn codec(&self) -> String {
        self.codec_name.clone().unwrap_or_else(|| "unknown".to_owned())
    }

    fn language(&self) -> Option<String> {
        let is_code = |code: &String| code != "und" && (1..=LONGEST_LANGUAGE).contains(&code.len());
        self.tags.language.clone().filter(is_code)
    }

    fn video(&self, start: MediaTime) -> VideoStream {
        let (coded_width, coded_height) = (unsigned(self.width), unsigned(self.height));
        let rotation_deg = self.rotation_deg();
        let stretch =
            self.sample_aspect_ratio.as_deref().and_then(ratio).filter(|&sar| sar > 0.0).unwrap_or(1.0);
        let shown = (f64::from(coded_width) * stretch).round() as u32;
        let (width, height) =
            if rotation_deg.is_multiple_of(180) { (shown, coded_height) } else { (coded_height, shown) };
        let average = self.avg_frame_rate.as_deref().and_then(ratio).filter(|&fps| fps > 0.0);
        let fps = average.or_else(|| self.r_frame_rate.as_deref().and_then(ratio)).unwrap_or(0.0);
        VideoStream {
            index: self.index,
            codec: self.codec(),
            width,
            height,
            coded_width,
            coded_height,
            fps,
            rotation_deg,
            end: self.end(start),
        }
    }

    /// End of the stream on the timeline that begins at the container's `start`.
    fn end(&self, start: MediaTime) -> Option<MediaTime> {
        let duration = seconds(self.duration.as_deref()?)?;
        let first = self.start_time.as_deref().and_then(seconds).unwrap_or(start);
        Some(first - start + duration)
    }

    /// ffprobe tells the display matrix as a counter-clockwise angle, older muxers a clockwise tag.
    fn rotation_deg(&self) -> u32 {
        let matrix = self.side_data_list.iter().find_map(|data| data.rotation).map(|angle| -angle);
        let tag = || self.tags.rotate.as_deref().and_then(|tag| tag.parse::<f64>().ok());
        let clockwise = matrix.or_else(tag).unwrap_or(0.0);
        ((clockwise / 90.0).round() as i64).rem_euclid(4) as u32 * 90
    }

    fn audio(&self) -> AudioStream {
        AudioStream {
            index: self.index,
            codec: self.codec(),
            channels: unsigned(self.channels),
            sample_rate: self.sample_rate.as_deref().and_then(|rate| rate.parse().ok()).unwrap_or(0),
            language: self.language(),
            default: self.disposition.default > 0,
        }
    }

    fn subtitle(&self) -> SubtitleStream {
        const PICTURES: &[&str] =
            &["dvd_subtitle", "dvb_subtitle", "hdmv_pgs_subtitle", "xsub", "dvb_teletext"];
        let codec = self.codec();
        let text = codec != "unknown" && !PICTURES.contains(&codec.as_str());
        SubtitleStream { index: self.index, language: self.language(), text, codec }
    }
}

fn seconds(text: &str) -> Option<MediaTime> {
    text.parse::<f64>().ok().filter(|s| s.is_finite()).map(MediaTime::from_secs_f64)
}

fn unsigned(value: Option<i64>) -> u32 {
    value.and_then(|v| u32::try_from(v).ok()).unwrap_or(0)
}

/// `30000/1001` or `4:3`; none when a side is missing or the lower one is zero.
fn ratio(text: &str) -> Option<f64> {
    let (over, under) = text.split_once(['/', ':'])?;
    let (over, under): (f64, f64) = (over.parse().ok()?, under.parse().ok()?);
    Some(over / under).filter(|ratio| ratio.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn video(json: &str) -> VideoStream {
        serde_json::from_str::<RawStream>(json).unwrap().video(MediaTime::ZERO)
    }

    #[test]
    fn the_shown_size_has_aspect_ratio_and_rotation_applied() {
        let upright = video(r#"{"width":720,"height":576,"sample_aspect_ratio":"64:45"}"#);
        assert_eq!((upright.width, upright.height), (1024, 576));
        let turned = video(r#"{"width":1920,"height":1080,"side_data_list":[{},{"rotation":-90}]}"#);
        assert_eq!((turned.width, turned.height, turned.rotation_deg), (1080, 1920, 90));
        let tagged = video(r#"{"width":1920,"height":1080,"tags":{"rotate":"270"}}"#);
        assert_eq!((tagged.width, tagged.rotation_deg), (1080, 270));
    }

    #[test]
    fn an_unknown_frame_rate_or_aspect_ratio_is_not_a_division_by_zero() {
        let odd = video(r#"{"width":10,"height":10,"sample_aspect_ratio":"0:1","avg_frame_rate":"0/0"}"#);
        assert_eq!((odd.width, odd.fps), (10, 0.0));
    }

    #[test]
    fn a_size_that_was_refused_is_read_off_the_message() {
        let told = "x\n[mjpeg] Picture size 8192x5120 exceeds specified max pixel count 40000000, see\n";
        assert_eq!(refused_size(told), Some(41_943_040));
        assert_eq!(refused_size("[IMGUTILS @ 0x7] Picture size 65500x65500 is invalid"), Some(4_290_250_000));
        assert_eq!(refused_size("Picture size 0x0 is invalid"), None);
    }

    #[test]
    fn cover_art_is_not_video_and_the_default_stream_wins() {
        let raw: Raw = serde_json::from_str(
            r#"{"streams":[{"index":0,"codec_type":"video","disposition":{"attached_pic":1,"default":1}},
                {"index":1,"codec_type":"video"},{"index":2,"codec_type":"video","disposition":{"default":1}}]}"#,
        )
        .unwrap();
        assert_eq!(raw.into_probe(1).video.unwrap().index, 2);
    }
}
