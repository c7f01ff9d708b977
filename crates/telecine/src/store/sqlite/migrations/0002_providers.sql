-- Integrations of any store: how each is reached is JSON, secrets are sealed, deletion can be undone for a while.

CREATE TABLE integration_2 (
    id              TEXT PRIMARY KEY NOT NULL,
    workspace_id    TEXT NOT NULL REFERENCES workspace (id),
    -- How addresses of its objects begin, which with bucket and prefix says whose an object is.
    scheme          TEXT NOT NULL,
    bucket          TEXT NOT NULL,
    prefix          TEXT NOT NULL DEFAULT '',
    -- How the store is reached; holds no secret.
    provider        TEXT NOT NULL,
    -- One per integration, and never given twice.
    external_id     TEXT UNIQUE,
    -- Sealed with a key that lies outside the database.
    secret          BLOB,
    region          TEXT,
    status          TEXT NOT NULL,
    checks          TEXT NOT NULL,
    checked_at      INTEGER,
    drift           TEXT,
    filters         TEXT NOT NULL DEFAULT '{}',
    schedule        TEXT NOT NULL DEFAULT '{}',
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    synchronized_at INTEGER,
    deleted_at      INTEGER,
    -- The number of the newest listing, and of the newest that reached its end.
    begun_sync      INTEGER NOT NULL DEFAULT 0,
    ended_sync      INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO integration_2 (id, workspace_id, scheme, bucket, provider, external_id, region, status, checks, created_at,
    updated_at, synchronized_at, begun_sync, ended_sync)
SELECT id, workspace_id, CASE provider WHEN 'folder' THEN 'folder' ELSE 's3' END, bucket,
    CASE provider
        WHEN 'folder' THEN json_object('store', 'folder', 'path', path)
        ELSE json_object('store', 's3', 'owner', account_id, 'credentials', json_object('kind', 'role',
            'account_id', account_id, 'arn', role_arn, 'external_id', external_id))
    END,
    external_id, region, status, checks, created_at, updated_at, synchronized_at, begun_sync, ended_sync
FROM integration;

CREATE TABLE inventory_2 (
    integration_id TEXT NOT NULL REFERENCES integration_2 (id) ON DELETE CASCADE,
    key            TEXT NOT NULL,
    size_bytes     INTEGER NOT NULL,
    etag           TEXT NOT NULL,
    modified_at    INTEGER,
    storage_class  TEXT NOT NULL,
    is_video       INTEGER NOT NULL CHECK (is_video IN (0, 1)),
    -- The listings that first saw it, that last saw another version, that last saw it.
    added_in       INTEGER NOT NULL,
    changed_in     INTEGER NOT NULL,
    seen_in        INTEGER NOT NULL,
    PRIMARY KEY (integration_id, key)
) STRICT, WITHOUT ROWID;
INSERT INTO inventory_2 SELECT integration_id, key, size_bytes, etag, modified_at, storage_class, is_video, added_in,
    changed_in, seen_in FROM inventory;

DROP TABLE inventory;
DROP TABLE integration;
ALTER TABLE integration_2 RENAME TO integration;
ALTER TABLE inventory_2 RENAME TO inventory;
CREATE UNIQUE INDEX integration_of_prefix ON integration (workspace_id, scheme, bucket, prefix)
    WHERE deleted_at IS NULL;
