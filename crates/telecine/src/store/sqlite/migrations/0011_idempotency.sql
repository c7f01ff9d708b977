-- Requests that a client may send again: one row per key that it chose, kept for a day.
CREATE TABLE idempotent_request (
    workspace_id TEXT NOT NULL REFERENCES workspace (id),
    key TEXT NOT NULL,
    -- What was asked: method, address and body.
    fingerprint BLOB NOT NULL,
    -- Null while the request is carried out.
    status INTEGER,
    -- Null when it was too large to keep.
    body BLOB,
    -- Whether a crash ended it: then it may have been carried out or not.
    is_lost INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, key)
) WITHOUT ROWID;
CREATE INDEX idempotent_request_by_age ON idempotent_request (created_at);
