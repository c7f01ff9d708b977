//! Headers by ranges: the same as of the whole file, for a small part of its bytes; hostile files are refused in time.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use telecine::fault::{Code, Error, Fault};
use telecine::integration::{CaptionTrack, HeaderLimits, MediaHeader, probe_header};
use telecine::source::{Count, Counts, FolderSource, ObjectInfo, Source};
use telecine_media::{MediaConfig, MediaTools};
use tempfile::TempDir;

struct Shelf {
    media: MediaTools,
    films: TempDir,
    work: TempDir,
}

impl Shelf {
    async fn new() -> Self {
        let media = MediaTools::discover(MediaConfig::default()).await.unwrap();
        Self { media, films: TempDir::new().unwrap(), work: TempDir::new().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.films.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    async fn probe(&self, name: &str) -> Result<(MediaHeader, Counts), Fault> {
        self.probe_within(name, &HeaderLimits::default(), |info| info).await
    }

    /// As `disguise` lets the listing tell of it.
    async fn probe_within(
        &self,
        name: &str,
        limits: &HeaderLimits,
        disguise: impl FnOnce(ObjectInfo) -> ObjectInfo,
    ) -> Result<(MediaHeader, Counts), Fault> {
        let root = self.films.path();
        let folder = FolderSource::open("films", root, &[root.to_owned()]).unwrap();
        let info = disguise(folder.head(name).await.unwrap());
        let source = Count::new(folder, "folder");
        let counts = source.counts();
        let header = probe_header(&self.media, &source, &info, limits, self.work.path()).await;
        assert_eq!(fs::read_dir(self.work.path()).unwrap().count(), 0, "nothing is left in the work folder");
        assert!(counts.bytes() <= limits.bytes && counts.reads() <= u64::from(limits.requests));
        drop(source);
        let counts = std::sync::Arc::into_inner(counts).expect("nobody else counts");
        match header {
            Ok(header) => Ok((header, counts)),
            Err(Error::Fault(fault)) => Err(*fault),
            Err(error) => panic!("{name}: {error:?}"),
        }
    }

    async fn refusal(&self, name: &str) -> Fault {
        self.probe(name).await.map(|(header, _)| header).expect_err(name)
    }

    fn ffmpeg(&self, args: &str, name: &str) {
        let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
        let mut command = std::process::Command::new("ffmpeg");
        command.current_dir(self.films.path()).args(["-v", "error", "-nostdin", "-y"]).args(args).arg(name);
        let done = command.output().expect("ffmpeg is installed");
        assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

const NOISE: &str = "-f lavfi -i testsrc2=size=640x360:rate=25:duration=8,noise=alls=60:allf=t \
    -f lavfi -i sine=frequency=440:duration=8";

#[tokio::test]
async fn a_header_tells_what_the_whole_file_tells() {
    let shelf = Shelf::new().await;
    shelf.write(
        "words.srt",
        b"1\n00:00:01,000 --> 00:00:03,000\nGood morning.\n\n2\n00:00:06,000 --> 00:00:07,000\nNight.\n",
    );
    let coding = "-c:v libx264 -preset ultrafast -b:v 14M -g 50 -c:a aac";
    shelf.ffmpeg(&format!("{NOISE} {coding}"), "plain.mkv");
    let with =
        |rest: &str| format!("-i plain.mkv -i words.srt -map 0 -map 1 -metadata:s:s:0 language=eng {rest}");
    shelf.ffmpeg(&with("-c copy -c:s mov_text"), "end.mp4");
    shelf.ffmpeg(&with("-c copy -c:s mov_text -movflags +faststart"), "start.mp4");
    shelf.ffmpeg(&with("-c copy -c:s mov_text"), "end.mov");
    shelf.ffmpeg(&with("-c copy -c:s srt"), "words.mkv");
    shelf.ffmpeg("-i plain.mkv -c copy", "plain.ts");
    shelf.ffmpeg("-i plain.mkv -c copy -movflags +frag_keyframe+empty_moov+global_sidx", "fragments.mp4");
    shelf.ffmpeg("-i plain.mkv -c:v mpeg4 -b:v 14M -c:a mp3", "plain.avi");
    shelf.ffmpeg(
        "-i plain.mkv -c:v libvpx -deadline realtime -cpu-used 16 -b:v 14M -c:a libopus",
        "plain.webm",
    );
    for (name, most_bytes, captions) in [
        ("end.mp4", 600 << 10, Some("mov_text")),
        ("start.mp4", 600 << 10, Some("mov_text")),
        ("end.mov", 600 << 10, Some("mov_text")),
        ("fragments.mp4", 600 << 10, None),
        ("words.mkv", 6 << 20, Some("subrip")),
        ("plain.mkv", 6 << 20, None),
        ("plain.ts", 6 << 20, None),
        ("plain.avi", 6 << 20, None),
        ("plain.webm", 6 << 20, None),
    ] {
        let size = fs::metadata(shelf.path(name)).unwrap().len();
        assert!(size > 7 << 20, "{name} has {size} bytes");
        let (header, counts) = shelf.probe(name).await.unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert!(header.bytes_read <= most_bytes, "{name}: {header:?}");
        assert_eq!((header.bytes_read, u64::from(header.requests)), (counts.bytes(), counts.reads()));
        let whole = shelf.media.probe(&shelf.path(name)).await.unwrap();
        let video = whole.video.clone().unwrap();
        let duration = header.duration_s.unwrap_or_else(|| panic!("{name} tells its duration"));
        assert!((duration - whole.duration.as_secs_f64()).abs() < 0.001, "{name}: {duration} {whole:?}");
        assert!((7.9..8.3).contains(&duration), "{name}: {duration}");
        let expected = MediaHeader {
            duration_s: header.duration_s,
            width: 640,
            height: 360,
            fps: header.fps,
            container: whole.container.clone(),
            video_codec: video.codec,
            audio_codec: whole.default_audio().map(|audio| audio.codec.clone()),
            captions: captions.map(caption).into_iter().collect(),
            ..header
        };
        assert_eq!(header, expected, "{name}");
        // Of fragments, it is that of those that were seen.
        assert!(
            (header.fps - video.fps).abs() < 0.5 && (header.fps - 25.0).abs() < 0.5,
            "{name}: {header:?}"
        );
        assert!(header.audio_codec.is_some());
    }
    // The size of what is between beginning and index does not matter.
    let film = fs::read(shelf.path("end.mp4")).unwrap();
    let index = film.windows(4).rposition(|name| name == b"moov").unwrap() - 4;
    let (begin, size) = (u32::from_be_bytes(film[..4].try_into().unwrap()) as usize, 1_u64 << 40);
    let media = [&sized(1, b"mdat")[..], &(size - begin as u64).to_be_bytes()].concat();
    let parts = [(0, film[..begin].to_vec()), (begin as u64, media), (size, film[index..].to_vec())];
    sparse(&shelf.path("huge.mp4"), size + (film.len() - index) as u64, &parts);
    let (small, _) = shelf.probe("end.mp4").await.unwrap();
    let (huge, _) = shelf.probe("huge.mp4").await.unwrap();
    assert_eq!(huge, MediaHeader { bytes_read: huge.bytes_read, ..small });
}

fn caption(codec: &str) -> CaptionTrack {
    CaptionTrack { codec: codec.to_owned(), language: Some("eng".to_owned()), is_text: true }
}

fn sized(size: u32, name: &[u8; 4]) -> Vec<u8> {
    [&size.to_be_bytes()[..], name].concat()
}

#[tokio::test]
async fn hostile_files_are_refused_for_few_bytes() {
    let shelf = Shelf::new().await;
    let ftyp = [&sized(16, b"ftyp")[..], b"isom\0\0\0\0"].concat();
    let with = |rest: &[u8]| [&ftyp[..], rest].concat();
    let huge = |size: u64| with(&[&sized(1, b"mdat")[..], &size.to_be_bytes(), &[0; 100]].concat());

    shelf.write("text.mp4", b"Holiday films, to be sorted. This file is no video.");
    shelf.write("empty.mp4", b"");
    for name in ["text.mp4", "empty.mp4"] {
        assert_eq!(shelf.refusal(name).await.code, Code::UnsupportedFileType, "{name}");
    }
    shelf.write("garbage", &with(&[&sized(5000, b"moov")[..], &[0xff; 4992]].concat()));
    assert_eq!(shelf.refusal("garbage").await.value.as_deref(), Some("there is no video track in it"));
    let broken: [(&str, Vec<u8>); 8] = [
        ("no-index", with(&[&sized(100, b"mdat")[..], &[0; 92]].concat())),
        ("cut", with(&[&sized(1 << 30, b"mdat")[..], &[0; 1000]].concat())),
        ("back", with(&[&sized(4, b"free")[..], &[0; 1000]].concat())),
        ("2^64", huge(u64::MAX)),
        ("2^63", huge(1 << 63)),
        ("no room", with(&sized(1, b"mdat"))),
        ("stump", with(&[0, 0, 0])),
        ("cut index", with(&[&sized(5000, b"moov")[..], &[0; 1000]].concat())),
    ];
    for (name, bytes) in broken {
        shelf.write(name, &bytes);
        let fault = shelf.refusal(name).await;
        assert_eq!(fault.code, Code::VideoFileBroken, "{name}: {fault}");
    }
}

/// A file of this size, of which only the beginning is written.
fn sparse(path: &Path, size: u64, parts: &[(u64, Vec<u8>)]) {
    let file = fs::File::create(path).unwrap();
    file.set_len(size).unwrap();
    for (at, bytes) in parts {
        file.write_all_at(bytes, *at).unwrap();
    }
}

#[tokio::test]
async fn what_would_cost_too_much_is_refused() {
    let shelf = Shelf::new().await;
    let ftyp = [&sized(16, b"ftyp")[..], b"isom\0\0\0\0"].concat();
    // An index of a gigabyte.
    sparse(&shelf.path("index"), 2 << 30, &[(0, ftyp.clone()), (16, sized(1 << 30, b"moov"))]);
    let fault = shelf.refusal("index").await;
    assert_eq!(fault.code, Code::ProcessingLimitExceeded);
    assert!(fault.value.unwrap().contains("bytes are to be read"));
    // Boxes, and no end of them.
    let far: Vec<(u64, Vec<u8>)> = (0..40).map(|n| (n << 20, sized(1 << 20, b"mdat"))).collect();
    sparse(&shelf.path("boxes"), 100 << 20, &far);
    let fault = shelf.refusal("boxes").await;
    assert_eq!(fault.code, Code::ProcessingLimitExceeded);
    assert_eq!(fault.value.as_deref(), Some("24 requests did not find its index"));
    // Nothing but zeros behind what may be a Matroska file.
    sparse(&shelf.path("hole"), 1 << 40, &[(0, vec![0x1a, 0x45, 0xdf, 0xa3, 0x80])]);
    let fault = shelf.refusal("hole").await;
    assert!(matches!(fault.code, Code::VideoFileBroken | Code::UnsupportedFileType), "{fault}");
    let limits = HeaderLimits { time: std::time::Duration::ZERO, ..HeaderLimits::default() };
    let fault = shelf.probe_within("hole", &limits, |info| info).await.map(drop).unwrap_err();
    assert_eq!(fault.code, Code::ProcessingLimitExceeded);
}

#[tokio::test]
async fn only_the_version_that_was_listed_is_read() {
    let shelf = Shelf::new().await;
    shelf.write("film.mp4", b"film");
    let limits = HeaderLimits::default();
    let other = |info| ObjectInfo { etag: "another".to_owned(), ..info };
    let fault = shelf.probe_within("film.mp4", &limits, other).await.map(drop).unwrap_err();
    assert_eq!(fault.code, Code::ObjectChanged);
    let cold = |info| ObjectInfo { is_archived: true, storage_class: "GLACIER".to_owned(), ..info };
    let fault = shelf.probe_within("film.mp4", &limits, cold).await.map(drop).unwrap_err();
    assert_eq!((fault.code, fault.value.as_deref()), (Code::ObjectArchived, Some("storage class GLACIER")));
    let gone = |info| ObjectInfo { key: "gone.mp4".to_owned(), ..info };
    let fault = shelf.probe_within("film.mp4", &limits, gone).await.map(drop).unwrap_err();
    assert_eq!(fault.code, Code::ObjectNotExists);
}
