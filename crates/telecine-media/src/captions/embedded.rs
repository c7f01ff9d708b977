//! Caption tracks inside of a media file, taken out by ffmpeg.

use std::path::Path;

use super::Cue;
use crate::captions::{ParseLimits, parse};
use crate::tools::{Run, Tool};
use crate::{MediaError, MediaTools, Probe};

impl MediaTools {
    /// The text track with this stream number, as cues on the same timeline as frames and audio. No cues at all is
    /// an empty list.
    ///
    /// # Errors
    /// [`MediaError::NoSuchStream`] when the stream is not a text track; otherwise as for decoding.
    pub async fn extract_captions(
        &self,
        path: &Path,
        probe: &Probe,
        stream_index: u32,
    ) -> Result<Vec<Cue>, MediaError> {
        let is_there = probe.subtitles.iter().any(|stream| stream.index == stream_index && stream.text);
        if !is_there {
            return Err(MediaError::NoSuchStream { wanted: format!("text caption (number {stream_index})") });
        }
        let limits = self.limits();
        let mut run = Run::whole(limits, probe.duration);
        run.args(["-hide_banner", "-nostdin", "-nostats", "-v", "error"]).args(self.input_options());
        run.input(path)?;
        run.args(["-map", &format!("0:{stream_index}"), "-c:s", "srt", "-f", "srt", "pipe:1"]);
        let (srt, ended) = self.start(Tool::Ffmpeg, run)?.output(limits.captions_bytes).await?;
        ended.within_limits()?;
        if !ended.status.success() {
            return Err(MediaError::Broken { detail: ended.detail() });
        }
        // A track without a single readable caption is as good as none.
        Ok(parse(&srt, &ParseLimits { max_bytes: srt.len(), ..ParseLimits::default() }).unwrap_or_default())
    }
}
