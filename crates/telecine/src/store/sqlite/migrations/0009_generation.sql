-- Analyses: questions about videos that are answered in the background, alone or in batches.

CREATE TABLE analysis_batch (
    seq          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    workspace_id TEXT NOT NULL REFERENCES workspace (id),
    model_name   TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    canceled_at  INTEGER,
    expired_at   INTEGER
) STRICT;
CREATE INDEX analysis_batch_of_workspace ON analysis_batch (workspace_id, created_at);

-- An analysis outlives its video, so it does not refer to it.
CREATE TABLE analysis (
    seq          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    workspace_id TEXT NOT NULL REFERENCES workspace (id),
    batch_id     TEXT REFERENCES analysis_batch (id) ON DELETE CASCADE,
    custom_id    TEXT,
    video_id     TEXT NOT NULL,
    -- What is asked, as JSON.
    request      TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('queued', 'processing', 'ready', 'failed', 'canceled')),
    attempts     INTEGER NOT NULL DEFAULT 0,
    due_at       INTEGER NOT NULL,
    fence        INTEGER NOT NULL DEFAULT 0,
    lease_until  INTEGER,
    -- What came of it, as JSON.
    result       TEXT,
    fault        TEXT,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    completed_at INTEGER
) STRICT;
CREATE INDEX analysis_of_workspace ON analysis (workspace_id, created_at);
CREATE INDEX analysis_of_batch ON analysis (batch_id, seq);
CREATE INDEX analysis_open ON analysis (due_at) WHERE state IN ('queued', 'processing');

-- Where a batch stands follows from its analyses.
CREATE VIEW analysis_batch_state AS
    SELECT c.*, c.created_at AS updated_at, CASE
        WHEN c.expired_at IS NOT NULL THEN 'expired'
        WHEN c.canceled_at IS NOT NULL AND c.processing > 0 THEN 'canceling'
        WHEN c.canceled_at IS NOT NULL THEN 'canceled'
        WHEN c.queued + c.processing = 0 THEN 'completed'
        WHEN c.processing + c.ready + c.failed > 0 THEN 'processing'
        ELSE 'pending'
    END AS state
    FROM (
        SELECT b.seq AS seq, b.seq AS rowid, b.id, b.workspace_id, b.model_name, b.created_at, b.canceled_at, b.expired_at,
            sum(a.state = 'queued') AS queued, sum(a.state = 'processing') AS processing, sum(a.state = 'ready') AS ready,
            sum(a.state = 'failed') AS failed, sum(a.state = 'canceled') AS canceled, max(a.completed_at) AS ended_at
        FROM analysis_batch b JOIN analysis a ON a.batch_id = b.id GROUP BY b.seq
    ) c;
