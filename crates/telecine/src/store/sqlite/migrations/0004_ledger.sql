-- The inventory as a ledger: what is gone stays, every key has a decision, synchronizations have rows of their own.

ALTER TABLE inventory ADD COLUMN is_archived INTEGER NOT NULL DEFAULT 0 CHECK (is_archived IN (0, 1));
-- Taken, or why not; see `integration::Decision`.
ALTER TABLE inventory ADD COLUMN decision TEXT NOT NULL DEFAULT 'not_a_video';
ALTER TABLE inventory ADD COLUMN first_seen_at INTEGER;
-- When it was found to be gone; none while it is there.
ALTER TABLE inventory ADD COLUMN removed_at INTEGER;
-- What the file's header says (JSON), and of which version.
ALTER TABLE inventory ADD COLUMN header TEXT;
ALTER TABLE inventory ADD COLUMN header_etag TEXT;
-- The newest event about the key; later ones are greater when padded on the right.
ALTER TABLE inventory ADD COLUMN sequencer TEXT;
-- The newest listing that had begun when an event told of it: that listing's pages may be older.
ALTER TABLE inventory ADD COLUMN told_in INTEGER NOT NULL DEFAULT 0;
UPDATE inventory SET decision = 'taken' WHERE is_video = 1;

CREATE TABLE sync_run (
    id             TEXT PRIMARY KEY NOT NULL,
    integration_id TEXT NOT NULL REFERENCES integration (id) ON DELETE CASCADE,
    trigger        TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('running', 'done', 'cancelled', 'failed')),
    -- The number that rows carry which it saw first, changed or saw last.
    number         INTEGER NOT NULL,
    -- Grows with each claim; who has another one changes nothing.
    fence          INTEGER NOT NULL DEFAULT 0,
    lease_until    INTEGER,
    -- Whether the store lists in the order of bytes.
    is_ordered     INTEGER NOT NULL DEFAULT 1 CHECK (is_ordered IN (0, 1)),
    listed         INTEGER NOT NULL DEFAULT 0,
    videos         INTEGER NOT NULL DEFAULT 0,
    requests       INTEGER NOT NULL DEFAULT 0,
    added          INTEGER NOT NULL DEFAULT 0,
    changed        INTEGER NOT NULL DEFAULT 0,
    removed        INTEGER NOT NULL DEFAULT 0,
    -- Ranges of keys that are still to be listed (JSON); none when it can only begin anew.
    left_ranges    TEXT,
    fault          TEXT,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    ended_at       INTEGER,
    CHECK ((ended_at IS NULL) = (state = 'running'))
) STRICT;
CREATE UNIQUE INDEX sync_run_running ON sync_run (integration_id) WHERE state = 'running';
CREATE INDEX sync_run_of_integration ON sync_run (integration_id, created_at);

-- What the queue of a bucket has told so far.
CREATE TABLE queue_log (
    integration_id TEXT PRIMARY KEY NOT NULL REFERENCES integration (id) ON DELETE CASCADE,
    applied        INTEGER NOT NULL DEFAULT 0,
    -- Older than what is known already, or known already.
    late           INTEGER NOT NULL DEFAULT 0,
    -- Of other buckets or keys, or of no concern.
    ignored        INTEGER NOT NULL DEFAULT 0,
    malformed      INTEGER NOT NULL DEFAULT 0,
    told_at        INTEGER,
    -- When it was last read without a failure, and what went wrong since.
    read_at        INTEGER,
    failures       INTEGER NOT NULL DEFAULT 0,
    failed_at      INTEGER,
    fault          TEXT
) STRICT;

-- All that is asked of the tasks of an object, also of those without a video.
CREATE INDEX task_of_object ON task (integration_id, locator, index_id, seq) WHERE integration_id IS NOT NULL;
CREATE INDEX task_failed_object ON task (integration_id, fault_code, locator, index_id) WHERE status = 'failed';
DROP INDEX task_object;
CREATE INDEX task_object ON task (integration_id, locator, index_id, video_id, etag, object_bytes)
    WHERE video_id IS NOT NULL;
