//! The same pictures and sound in every container, and in its unusual forms.

use super::Make;

pub(super) const ALL: &[(&str, Make)] = &[
    ("moov-last.mp4", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy"))),
    ("moov-first.mp4", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy -movflags +faststart"))),
    ("fragmented.mp4", |zoo, name| {
        zoo.make(name, "-i base.mp4 -c copy -movflags +frag_keyframe+empty_moov+default_base_moof");
    }),
    ("fragmented-small.mp4", |zoo, name| {
        zoo.make(name, "-i base.mp4 -c copy -movflags +empty_moov+separate_moof -frag_duration 100000");
    }),
    ("dash.mp4", |zoo, name| {
        zoo.make(name, "-i base.mp4 -c copy -movflags +dash+delay_moov+global_sidx -frag_duration 1000000");
    }),
    ("quicktime.mov", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy"))),
    ("phone.3gp", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy"))),
    ("apple.m4v", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy -f ipod"))),
    ("matroska.mkv", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy"))),
    ("matroska-live.mkv", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy -live 1"))),
    ("matroska-cues-first.mkv", |zoo, name| {
        zoo.make(name, "-i base.mp4 -c copy -reserve_index_space 4096 -cluster_time_limit 300");
    }),
    ("transport.ts", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy"))),
    ("camcorder.m2ts", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy -mpegts_m2ts_mode 1"))),
    ("two-programs.ts", |zoo, name| {
        let programs = "-program program_num=1:st=0:st=1 -program program_num=2:st=2";
        zoo.make(name, &format!("-i base.mp4 -map 0 -map 0:a -c copy {programs}"));
    }),
    ("flash.flv", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy"))),
    ("flash-without-duration.flv", |zoo, name| {
        zoo.make(name, "-i base.mp4 -c copy -flvflags no_duration_filesize+no_metadata");
    }),
    ("video.avi", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c:v mpeg4 -q:v 2 -c:a ac3"))),
    ("opendml.avi", |zoo, name| {
        zoo.make(name, "-i base.mp4 -c:v mpeg4 -q:v 2 -c:a ac3 -reserve_index_space 4096");
    }),
    ("program.mpg", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c:v mpeg2video -q:v 2 -c:a mp2 -f vob"))),
    ("disc.vob", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c:v mpeg2video -q:v 2 -c:a ac3 -f dvd"))),
    ("windows.asf", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c:v msmpeg4 -q:v 2 -c:a wmav2"))),
    ("broadcast.mxf", |zoo, name| {
        zoo.make(name, "-i base.mp4 -c:v mpeg2video -q:v 2 -bf 0 -g 1 -c:a pcm_s16le -ar 48000 -ac 1");
    }),
    ("ogg.ogv", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c:v libtheora -q:v 9 -c:a flac"))),
    ("matroska-named.mp4", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy -f matroska"))),
    ("mp4-named.avi", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy -f mp4"))),
    ("mp4-named.txt", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy -f mp4"))),
    ("name-without-ending", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy -f mp4"))),
    ("nut.nut", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy"))),
    ("real.rm", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c:v rv10 -bf 0 -q:v 2 -an -s 176x144"))),
    ("elementary.h264", |zoo, name| drop(zoo.make(name, "-i base.mp4 -c copy -an -bsf:v h264_mp4toannexb"))),
    ("animation.gif", |zoo, name| drop(zoo.make(name, "-i base.mp4 -an"))),
];
