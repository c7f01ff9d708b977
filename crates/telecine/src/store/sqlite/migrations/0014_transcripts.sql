-- Transcripts that people changed: what was heard before (JSON, a list of [start_us, end_us, text, score]) is kept beside the
-- segments that are searched, so that a change can be taken back.
CREATE TABLE transcript_edit (
    video_id  TEXT PRIMARY KEY NOT NULL REFERENCES video (id) ON DELETE CASCADE,
    edited_at INTEGER NOT NULL,
    heard     TEXT NOT NULL
) STRICT;
