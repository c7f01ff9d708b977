-- Assets: files that users bring here before, and apart from, any index; uploads of them in chunks; which task indexes
-- which asset; imports of a bucket's objects as assets.

CREATE TABLE asset (
    seq              INTEGER PRIMARY KEY,
    id               TEXT NOT NULL UNIQUE,
    workspace_id     TEXT NOT NULL REFERENCES workspace (id),
    method           TEXT NOT NULL CHECK (method IN ('direct', 'url', 'multipart', 'connector')),
    -- Where it comes from (JSON).
    origin           TEXT NOT NULL,
    -- Of connectors, to find what was imported before.
    integration_id   TEXT,
    object_key       TEXT,
    status           TEXT NOT NULL CHECK (status IN ('processing', 'ready', 'failed')),
    kind             TEXT CHECK (kind IN ('video', 'audio', 'image')),
    file_type        TEXT,
    filename         TEXT NOT NULL,
    -- As announced, until it is measured; counts against the workspace's room.
    size_bytes       INTEGER NOT NULL,
    duration_s       REAL,
    -- What was measured (JSON).
    technical        TEXT,
    content_hash     TEXT,
    fault_code       TEXT,
    fault            TEXT,
    user_metadata    TEXT NOT NULL DEFAULT '{}',
    wants_hls        INTEGER NOT NULL DEFAULT 0 CHECK (wants_hls IN (0, 1)),
    wants_thumbnail  INTEGER NOT NULL DEFAULT 0 CHECK (wants_thumbnail IN (0, 1)),
    -- From when it may be worked on: the lease's end while it is; none when there is nothing to do (yet).
    due_at           INTEGER,
    lease_until      INTEGER,
    fence            INTEGER NOT NULL DEFAULT 0,
    attempts         INTEGER NOT NULL DEFAULT 0,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    CHECK (lease_until IS NULL OR due_at = lease_until)
) STRICT;
CREATE INDEX asset_of_workspace ON asset (workspace_id, created_at, seq);
CREATE INDEX asset_due ON asset (due_at) WHERE due_at IS NOT NULL;
CREATE UNIQUE INDEX asset_object ON asset (workspace_id, integration_id, object_key) WHERE integration_id IS NOT NULL;

CREATE TABLE asset_upload (
    seq          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    workspace_id TEXT NOT NULL REFERENCES workspace (id),
    asset_id     TEXT NOT NULL UNIQUE REFERENCES asset (id) ON DELETE CASCADE,
    status       TEXT NOT NULL CHECK (status IN ('active', 'completed', 'failed', 'expired')),
    total_bytes  INTEGER NOT NULL,
    chunk_bytes  INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX asset_upload_of_workspace ON asset_upload (workspace_id, created_at, seq);
CREATE INDEX asset_upload_open ON asset_upload (expires_at) WHERE status = 'active';

-- Chunks that are on disk. A chunk that is being written has no row.
CREATE TABLE asset_chunk (
    upload_id   TEXT NOT NULL REFERENCES asset_upload (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    size_bytes  INTEGER NOT NULL,
    -- BLAKE3 in hex; half of it is the ETag.
    hash        TEXT NOT NULL,
    stored_at   INTEGER NOT NULL,
    -- When the client said that it is done with it.
    reported_at INTEGER,
    PRIMARY KEY (upload_id, number)
) STRICT, WITHOUT ROWID;

-- Which task indexes which asset. The asset may be deleted; the indexed one stays.
CREATE TABLE indexed_asset (
    task_id      TEXT PRIMARY KEY NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    asset_id     TEXT NOT NULL,
    index_id     TEXT NOT NULL,
    workspace_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX indexed_asset_of_asset ON indexed_asset (asset_id, index_id);

-- Imports of objects as assets; they outlive integration and assets.
CREATE TABLE asset_import (
    seq            INTEGER PRIMARY KEY,
    id             TEXT NOT NULL UNIQUE,
    workspace_id   TEXT NOT NULL REFERENCES workspace (id),
    integration_id TEXT NOT NULL,
    provider       TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX asset_import_of_integration ON asset_import (integration_id, created_at, seq);

CREATE TABLE asset_import_item (
    import_id TEXT NOT NULL REFERENCES asset_import (id) ON DELETE CASCADE,
    position  INTEGER NOT NULL,
    source_id TEXT NOT NULL,
    action    TEXT NOT NULL CHECK (action IN ('created', 'skipped', 'retried', 'rejected')),
    asset_id  TEXT,
    -- The fault, as JSON.
    reason    TEXT,
    PRIMARY KEY (import_id, position)
) STRICT, WITHOUT ROWID;
