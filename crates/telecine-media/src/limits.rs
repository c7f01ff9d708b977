//! How much one file may cost: every bound on a child process, with its default and its reason.

use serde::{Deserialize, Serialize};

use crate::MediaTime;

/// Demuxers that may open a file. Playlists (`hls`, `concat`, `dash`) are absent on purpose: they open other files.
pub(crate) const ALLOWED_FORMATS: &str =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,mxf";

/// Demuxers of sound alone. They are not among the others, for the one of MP3 takes much for its own that is none.
pub(crate) const SOUND_FORMATS: &str = "mp3,wav,flac,aac";

/// Bounds on what a child may use. The defaults let a two-hour 4K film through on a slow core.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Largest coded picture, in pixels (default 40,000,000: 8K fits).
    pub max_pixels: u64,
    /// Most streams in a container (default 64).
    pub max_streams: u32,
    /// Wall-clock seconds for a probe (default 60).
    pub probe_wall_s: u64,
    /// CPU seconds for a probe (default 20).
    pub probe_cpu_s: u64,
    /// Wall-clock seconds of waiting for the child that every decode gets (default 120). Time in which the child
    /// waits for a slow consumer does not count.
    pub wall_base_s: u64,
    /// Further wall-clock seconds per second of media (default 10).
    pub max_wall_per_media_second: f64,
    /// CPU seconds that every decode gets (default 60).
    pub cpu_base_s: u64,
    /// Further CPU seconds per second of media (default 4; 4K HEVC needs about 0.7).
    pub cpu_per_media_second: f64,
    /// No decode gets more than this many seconds, CPU or wall, whatever duration its file declares (default
    /// 43,200: twelve hours).
    pub cap_s: u64,
    /// Address space of a child, in bytes (default 4 GiB; 4K HEVC maps over 1 GiB with its frame threads).
    pub address_space_bytes: u64,
    /// Bytes of messages kept from a child (default 16 KiB, the newest).
    pub stderr_bytes: usize,
    /// Bytes of captions taken from a file (default 16 MiB).
    pub captions_bytes: u64,
    /// Open files of a child (default 64).
    pub open_files: u64,
    /// Decoder threads of a child (default 2).
    pub threads: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pixels: 40_000_000,
            max_streams: 64,
            probe_wall_s: 60,
            probe_cpu_s: 20,
            wall_base_s: 120,
            max_wall_per_media_second: 10.0,
            cpu_base_s: 60,
            cpu_per_media_second: 4.0,
            cap_s: 43_200,
            address_space_bytes: 4 << 30,
            stderr_bytes: 16 << 10,
            captions_bytes: 16 << 20,
            open_files: 64,
            threads: 2,
        }
    }
}

impl Limits {
    /// Wall-clock seconds for a pass over this much media.
    pub(crate) fn wall_s(&self, media: MediaTime) -> u64 {
        self.budget(self.wall_base_s, self.max_wall_per_media_second, media)
    }

    /// CPU seconds for a pass over this much media.
    pub(crate) fn cpu_s(&self, media: MediaTime) -> u64 {
        self.budget(self.cpu_base_s, self.cpu_per_media_second, media)
    }

    fn budget(&self, base_s: u64, per_second: f64, media: MediaTime) -> u64 {
        let extra_s = (media.as_secs_f64().max(0.0) * per_second).max(0.0) as u64;
        base_s.saturating_add(extra_s).min(self.cap_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_grows_with_the_media_and_stops_at_the_cap() {
        let limits = Limits::default();
        assert_eq!(limits.cpu_s(MediaTime::ZERO), 60);
        assert_eq!(limits.wall_s(MediaTime::from_secs_f64(60.0)), 720);
        assert_eq!(limits.cpu_s(MediaTime::MAX), limits.cap_s);
    }
}
