//! One file for each codec, in a container that is usual for it.

use super::Make;

pub(super) const ALL: &[(&str, Make)] = &[
    ("h264-422.mp4", |zoo, name| zoo.coded(name, "", "-pix_fmt yuv422p -profile:v high422")),
    ("h264-10bit.mp4", |zoo, name| zoo.coded(name, "", "-pix_fmt yuv420p10le -profile:v high10")),
    ("h264-lossless.mkv", |zoo, name| zoo.coded(name, "", "-pix_fmt yuv444p -qp 0 -c:a flac")),
    ("h264-interlaced.mp4", |zoo, name| zoo.coded(name, "", "-flags +ildct+ilme -x264-params tff=1")),
    ("h264-one-key-frame.mp4", |zoo, name| zoo.coded(name, "", "-g 999 -sc_threshold 0 -bf 8")),
    ("h264-intra-refresh.mp4", |zoo, name| zoo.coded(name, "", "-x264-params intra-refresh=1:keyint=30")),
    ("hevc.mp4", |zoo, name| zoo.coded(name, "", "-c:v libx265 -x265-params log-level=none")),
    ("hevc-10bit.ts", |zoo, name| {
        zoo.coded(name, "", "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p10le -c:a ac3");
    }),
    ("av1.mp4", |zoo, name| zoo.coded(name, "", "-c:v libaom-av1 -usage realtime -cpu-used 8 -bf 0")),
    ("av1.webm", |zoo, name| {
        zoo.coded(name, "", "-c:v libaom-av1 -usage realtime -cpu-used 8 -bf 0 -c:a libopus");
    }),
    ("vp8.webm", |zoo, name| zoo.coded(name, "", "-c:v libvpx -deadline realtime -b:v 2M -c:a libvorbis")),
    ("vp8-alpha.webm", |zoo, name| {
        zoo.coded(name, "", "-c:v libvpx -deadline realtime -b:v 2M -pix_fmt yuva420p -auto-alt-ref 0 -an");
    }),
    ("vp9.webm", |zoo, name| {
        zoo.coded(name, "", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus");
    }),
    ("vp9-10bit.webm", |zoo, name| {
        let options =
            "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -pix_fmt yuv420p10le -profile:v 2 -c:a libopus";
        zoo.coded(name, "", options);
    }),
    ("vp9-hidden-frames.webm", |zoo, name| {
        let options = "-c:v libvpx-vp9 -deadline good -cpu-used 5 -lag-in-frames 16 -auto-alt-ref 1 -b:v 300k -c:a libopus";
        zoo.coded(name, "", options);
    }),
    ("prores.mov", |zoo, name| zoo.coded(name, "", "-c:v prores_ks -bf 0 -c:a pcm_s16le")),
    ("prores-4444.mov", |zoo, name| {
        zoo.coded(name, "", "-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le -bf 0 -c:a pcm_s24le");
    }),
    ("dnxhr.mxf", |zoo, name| {
        let options = "-c:v dnxhd -profile:v dnxhr_lb -pix_fmt yuv422p -bf 0 -c:a pcm_s16le -ar 48000";
        zoo.coded(name, ",scale=320:128:flags=neighbor,setsar=1", options);
    }),
    ("dv.avi", |zoo, name| {
        let filters = ",setpts=N/25/TB,scale=720:576:flags=neighbor,setsar=1";
        zoo.coded(
            name,
            filters,
            "-r 25 -frames:v 75 -c:v dvvideo -bf 0 -pix_fmt yuv420p -c:a pcm_s16le -ar 48000 -ac 2",
        );
    }),
    ("mpeg1.mpg", |zoo, name| zoo.coded(name, "", "-c:v mpeg1video -q:v 2 -c:a mp2")),
    ("mpeg2-interlaced.mpg", |zoo, name| {
        zoo.coded(name, "", "-c:v mpeg2video -q:v 2 -flags +ildct+ilme -top 1 -c:a mp2");
    }),
    ("mpeg2.ts", |zoo, name| zoo.coded(name, "", "-c:v mpeg2video -q:v 2 -c:a mp2")),
    ("mpeg2-422.mov", |zoo, name| {
        zoo.coded(name, "", "-c:v mpeg2video -q:v 2 -pix_fmt yuv422p -c:a pcm_s16le");
    }),
    ("mpeg4.mp4", |zoo, name| zoo.coded(name, "", "-c:v mpeg4 -q:v 2")),
    ("mpeg4.avi", |zoo, name| zoo.coded(name, "", "-c:v mpeg4 -q:v 2 -bf 0 -c:a libmp3lame")),
    ("xvid.avi", |zoo, name| zoo.coded(name, "", "-c:v libxvid -q:v 2 -bf 0 -c:a libmp3lame")),
    ("msmpeg4.avi", |zoo, name| zoo.coded(name, "", "-c:v msmpeg4 -q:v 2 -bf 0 -c:a adpcm_ms")),
    ("wmv2.wmv", |zoo, name| zoo.coded(name, "", "-c:v wmv2 -q:v 2 -bf 0 -c:a wmav2")),
    ("h263.3gp", |zoo, name| {
        zoo.coded(name, ",scale=176:144:flags=neighbor,setsar=1", "-c:v h263 -q:v 2 -bf 0 -c:a aac");
    }),
    ("sorenson.flv", |zoo, name| zoo.coded(name, "", "-c:v flv -q:v 2 -bf 0 -c:a libmp3lame")),
    ("theora.ogv", |zoo, name| zoo.coded(name, "", "-c:v libtheora -q:v 9 -bf 0 -c:a libvorbis")),
    ("mjpeg.avi", |zoo, name| zoo.coded(name, "", "-c:v mjpeg -q:v 3 -bf 0 -pix_fmt yuvj420p -c:a pcm_u8")),
    ("mjpeg.mov", |zoo, name| zoo.coded(name, "", "-c:v mjpeg -q:v 3 -bf 0 -pix_fmt yuvj444p -c:a alac")),
    ("jpeg2000.mov", |zoo, name| zoo.coded(name, "", "-c:v jpeg2000 -bf 0 -c:a pcm_s16be")),
    ("png.mov", |zoo, name| zoo.coded(name, "", "-c:v png -bf 0 -pix_fmt rgb24 -c:a pcm_s16le")),
    ("animation.mov", |zoo, name| zoo.coded(name, "", "-c:v qtrle -bf 0 -pix_fmt rgb24 -c:a adpcm_ima_qt")),
    ("cinepak.avi", |zoo, name| {
        zoo.coded(name, "", "-c:v cinepak -frames:v 20 -bf 0 -pix_fmt rgb24 -c:a pcm_s16le")
    }),
    ("huffyuv.avi", |zoo, name| zoo.coded(name, "", "-c:v huffyuv -bf 0 -pix_fmt yuv422p -c:a pcm_s16le")),
    ("ffv1.mkv", |zoo, name| zoo.coded(name, "", "-c:v ffv1 -level 3 -bf 0 -pix_fmt yuv420p16le -c:a flac")),
    ("utvideo.mkv", |zoo, name| zoo.coded(name, "", "-c:v utvideo -bf 0 -pix_fmt rgb24 -c:a pcm_f32le")),
    ("uncompressed.mov", |zoo, name| {
        zoo.coded(name, "", "-c:v v210 -bf 0 -pix_fmt yuv422p10le -c:a pcm_s32le")
    }),
    ("uncompressed.avi", |zoo, name| {
        zoo.coded(name, "", "-c:v rawvideo -bf 0 -pix_fmt bgr24 -c:a pcm_s16le")
    }),
    ("gray.mkv", |zoo, name| zoo.coded(name, "", "-pix_fmt gray -c:a libopus")),
];
