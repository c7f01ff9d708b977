-- Imports: what was asked of an integration, the transfer that carries it out, and what was refused before it began.

ALTER TABLE task ADD COLUMN allows_duplicate INTEGER NOT NULL DEFAULT 0 CHECK (allows_duplicate IN (0, 1));

-- An import outlives its integration and its index, so it refers to neither. It can be seen once its transfer is
-- accepted, and is over when that is.
CREATE TABLE import (
    seq            INTEGER PRIMARY KEY,
    id             TEXT NOT NULL UNIQUE,
    workspace_id   TEXT NOT NULL REFERENCES workspace (id),
    integration_id TEXT NOT NULL,
    -- Of the bucket and prefix, as they were.
    address        TEXT NOT NULL,
    index_id       TEXT NOT NULL,
    index_name     TEXT NOT NULL,
    transfer_id    TEXT NOT NULL UNIQUE,
    is_incremental INTEGER NOT NULL CHECK (is_incremental IN (0, 1)),
    retries_failed INTEGER NOT NULL CHECK (retries_failed IN (0, 1)),
    user_metadata  TEXT,
    -- Files that were refused before anything was moved.
    refused        INTEGER NOT NULL DEFAULT 0,
    created_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX import_of_integration ON import (integration_id, index_id);

CREATE TABLE import_refusal (
    import_id TEXT NOT NULL REFERENCES import (id) ON DELETE CASCADE,
    key       TEXT NOT NULL,
    -- The fault, as JSON.
    reason    TEXT NOT NULL,
    PRIMARY KEY (import_id, key)
) STRICT, WITHOUT ROWID;
