-- Streams that are kept of videos, tasks that crash the server, limits of keys.

ALTER TABLE task ADD COLUMN without_stream INTEGER NOT NULL DEFAULT 0 CHECK (without_stream IN (0, 1));
-- Claims in a row that a crash of the server ended.
ALTER TABLE task ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;

-- Begun a moment before its video is there, so it refers to none; it goes with it.
CREATE TABLE video_stream (
    video_id   TEXT PRIMARY KEY NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('PROCESSING', 'COMPLETE', 'CANCELED', 'ERROR')),
    -- Why there is none (JSON).
    fault      TEXT,
    bytes      INTEGER NOT NULL DEFAULT 0,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX video_stream_unfinished ON video_stream (video_id) WHERE status = 'PROCESSING';
CREATE TRIGGER video_stream_removed AFTER DELETE ON video BEGIN
    DELETE FROM video_stream WHERE video_id = old.id;
END;

-- What a key may do instead of what the settings say (JSON).
ALTER TABLE api_key ADD COLUMN rate_limits TEXT;
