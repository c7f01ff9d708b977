-- Videos that are embedded for their own sake, without an index. Tasks and vectors are kept for a week.

CREATE TABLE embed_task (
    seq            INTEGER PRIMARY KEY,
    id             TEXT NOT NULL UNIQUE,
    workspace_id   TEXT NOT NULL REFERENCES workspace (id),
    -- As the client named it, and the model that does the work.
    model_name     TEXT NOT NULL,
    served_by      TEXT NOT NULL,
    source         TEXT NOT NULL CHECK (source IN ('upload', 'url')),
    -- The file's name, or the URL.
    locator        TEXT NOT NULL,
    clip_length_us INTEGER NOT NULL,
    -- A JSON list.
    scopes         TEXT NOT NULL,
    start_us       INTEGER NOT NULL,
    end_us         INTEGER,
    state          TEXT NOT NULL CHECK (state IN ('processing', 'ready', 'failed')),
    fault          TEXT,
    duration_us    INTEGER,
    attempts       INTEGER NOT NULL DEFAULT 0,
    -- Grows with each claim.
    fence          INTEGER NOT NULL DEFAULT 0,
    lease_until    INTEGER,
    due_at         INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX embed_task_of_workspace ON embed_task (workspace_id, created_at);
CREATE INDEX embed_task_due ON embed_task (due_at) WHERE state = 'processing';
CREATE INDEX embed_task_expires ON embed_task (expires_at);

CREATE TABLE embedding (
    seq      INTEGER PRIMARY KEY,
    task_id  TEXT NOT NULL REFERENCES embed_task (id) ON DELETE CASCADE,
    scope    TEXT NOT NULL CHECK (scope IN ('clip', 'video')),
    start_us INTEGER NOT NULL,
    end_us   INTEGER NOT NULL CHECK (end_us >= start_us),
    -- Unit length, f32, little-endian.
    value    BLOB NOT NULL
) STRICT;
CREATE INDEX embedding_of_task ON embedding (task_id);
