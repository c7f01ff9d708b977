-- The first shape of the database.
--
-- Ids are 24 hex digits. `_at` is a moment in milliseconds since 1970 (UTC), `_us` a media time in microseconds.
-- Columns named in the plural that hold lists, and `meta`-like ones, are JSON.

CREATE TABLE workspace (
    id         TEXT PRIMARY KEY NOT NULL,
    is_default INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX workspace_default ON workspace (is_default) WHERE is_default = 1;

CREATE TABLE api_key (
    id            TEXT PRIMARY KEY NOT NULL,
    workspace_id  TEXT NOT NULL REFERENCES workspace (id),
    name          TEXT NOT NULL,
    prefix        TEXT NOT NULL,
    secret_sha256 BLOB NOT NULL UNIQUE CHECK (length(secret_sha256) = 32),
    created_at    INTEGER NOT NULL,
    revoked_at    INTEGER
) STRICT;
CREATE INDEX api_key_of_workspace ON api_key (workspace_id, created_at);

CREATE TABLE video_index (
    id           TEXT PRIMARY KEY NOT NULL,
    workspace_id TEXT NOT NULL REFERENCES workspace (id),
    name         TEXT NOT NULL,
    engines      TEXT NOT NULL,
    addons       TEXT NOT NULL,
    models       TEXT NOT NULL,
    -- What filters ask of `engines`: the options and the families of all of them.
    options      TEXT NOT NULL,
    families     TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    -- Set while what is in it is being removed; nobody sees it any more.
    deleted_at   INTEGER
) STRICT;
CREATE UNIQUE INDEX video_index_name ON video_index (workspace_id, name) WHERE deleted_at IS NULL;
CREATE INDEX video_index_of_workspace ON video_index (workspace_id, created_at);

CREATE TABLE transfer (
    id           TEXT PRIMARY KEY NOT NULL,
    workspace_id TEXT NOT NULL REFERENCES workspace (id),
    state        TEXT NOT NULL CHECK (state IN ('receiving', 'accepted', 'cancelled')),
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    ended_at     INTEGER,
    repeated     INTEGER NOT NULL DEFAULT 0,
    -- The least and greatest id of its tasks: where to look for them.
    first_task   TEXT,
    last_task    TEXT,
    -- Its tasks by status.
    validating   INTEGER NOT NULL DEFAULT 0 CHECK (validating >= 0),
    pending      INTEGER NOT NULL DEFAULT 0 CHECK (pending >= 0),
    queued       INTEGER NOT NULL DEFAULT 0 CHECK (queued >= 0),
    indexing     INTEGER NOT NULL DEFAULT 0 CHECK (indexing >= 0),
    ready        INTEGER NOT NULL DEFAULT 0 CHECK (ready >= 0),
    failed       INTEGER NOT NULL DEFAULT 0 CHECK (failed >= 0),
    skipped      INTEGER NOT NULL DEFAULT 0 CHECK (skipped >= 0)
) STRICT;
CREATE INDEX transfer_of_workspace ON transfer (workspace_id, created_at);
CREATE INDEX transfer_receiving ON transfer (id) WHERE state = 'receiving';

-- Who takes turns when tasks are claimed: each transfer, and the single tasks of each workspace.
CREATE TABLE lane (
    id           INTEGER PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspace (id),
    transfer_id  TEXT UNIQUE REFERENCES transfer (id) ON DELETE CASCADE,
    -- Whether its tasks may be claimed.
    is_open      INTEGER NOT NULL CHECK (is_open IN (0, 1)),
    -- Grows with each claim; the least comes next.
    turn         INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX lane_of_single_tasks ON lane (workspace_id) WHERE transfer_id IS NULL;
CREATE INDEX lane_turn ON lane (turn) WHERE is_open = 1;

CREATE TABLE task (
    seq            INTEGER PRIMARY KEY,
    id             TEXT NOT NULL UNIQUE,
    workspace_id   TEXT NOT NULL,
    index_id       TEXT NOT NULL REFERENCES video_index (id),
    -- Removing a transfer removes its tasks by their range of ids; a foreign key would need an index of its own.
    transfer_id    TEXT,
    lane           INTEGER NOT NULL,
    source         TEXT NOT NULL CHECK (source IN ('object', 'upload', 'url')),
    integration_id TEXT,
    -- How an object's address begins: `s3` or `folder`.
    scheme         TEXT,
    bucket         TEXT,
    -- The key, the file's name, or the URL.
    locator        TEXT NOT NULL,
    filename       TEXT NOT NULL,
    transcription  TEXT,
    language       TEXT NOT NULL,
    user_metadata  TEXT,
    -- Equal for entries of one manifest that ask for the same.
    entry_hash     BLOB,
    status         TEXT NOT NULL DEFAULT 'validating',
    waiting_for    TEXT,
    attempts       INTEGER NOT NULL DEFAULT 0,
    -- From when it may be claimed: the lease's end while it is; none when it is final.
    due_at         INTEGER,
    lease_until    INTEGER,
    fence          INTEGER NOT NULL DEFAULT 0,
    etag           TEXT,
    object_bytes   INTEGER,
    content_hash   TEXT,
    duration_s     REAL,
    fps            REAL,
    width          INTEGER,
    height         INTEGER,
    size_bytes     INTEGER,
    fault_code     TEXT,
    fault          TEXT,
    -- The video that holds its content: its own when it is ready, another when it was skipped.
    video_id       TEXT,
    duplicate_by   TEXT,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    CHECK ((due_at IS NULL) = (status IN ('ready', 'failed', 'skipped'))),
    CHECK (lease_until IS NULL OR due_at = lease_until)
) STRICT;
CREATE INDEX task_due ON task (lane, due_at) WHERE due_at IS NOT NULL;
-- In the order of lists, with all that counting needs, so that it reads no row.
CREATE INDEX task_of_index ON task (index_id, created_at, seq, status, lane);
CREATE INDEX task_of_workspace ON task (workspace_id, created_at, seq, lane);
CREATE INDEX task_claimed ON task (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX task_ended ON task (transfer_id, updated_at) WHERE due_at IS NULL;
CREATE INDEX task_failed ON task (transfer_id, fault_code) WHERE status = 'failed';
CREATE INDEX task_object ON task (integration_id, locator, index_id) WHERE video_id IS NOT NULL;

-- Who made, or is about to make, the one video of some content in an index.
CREATE TABLE content (
    index_id TEXT NOT NULL REFERENCES video_index (id) ON DELETE CASCADE,
    hash     TEXT NOT NULL,
    task_id  TEXT NOT NULL,
    PRIMARY KEY (index_id, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX content_of_task ON content (task_id);

CREATE TABLE video (
    seq           INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    workspace_id  TEXT NOT NULL,
    index_id      TEXT NOT NULL REFERENCES video_index (id),
    content_hash  TEXT NOT NULL,
    address       TEXT NOT NULL,
    filename      TEXT NOT NULL,
    duration_s    REAL NOT NULL,
    fps           REAL NOT NULL,
    width         INTEGER NOT NULL,
    height        INTEGER NOT NULL,
    size_bytes    INTEGER NOT NULL,
    user_metadata TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    indexed_at    INTEGER NOT NULL,
    UNIQUE (index_id, content_hash)
) STRICT;
CREATE INDEX video_of_index ON video (index_id, created_at, seq, duration_s);

CREATE TABLE thumbnail (
    video_id TEXT NOT NULL REFERENCES video (id) ON DELETE CASCADE,
    at_us    INTEGER NOT NULL,
    jpeg     BLOB NOT NULL,
    PRIMARY KEY (video_id, at_us)
) STRICT;

-- The vectors of one kind in one index: what is searched together and never mixed with others.
CREATE TABLE space (
    id       INTEGER PRIMARY KEY,
    index_id TEXT NOT NULL REFERENCES video_index (id) ON DELETE CASCADE,
    kind     TEXT NOT NULL,
    UNIQUE (index_id, kind)
) STRICT;

-- Numbers of segments and vectors are never used again, for indexes over them are caught up by number.
CREATE TABLE segment (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    video_id TEXT NOT NULL REFERENCES video (id) ON DELETE CASCADE,
    space    INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    start_us INTEGER NOT NULL,
    end_us   INTEGER NOT NULL CHECK (end_us >= start_us),
    text     TEXT NOT NULL,
    score    REAL NOT NULL
) STRICT;
CREATE INDEX segment_of_video ON segment (video_id, kind, start_us);

-- A row must stay below half a page with 1000 dimensions, hence `space` and not the index's id.
CREATE TABLE vector (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    space      INTEGER NOT NULL,
    segment_id INTEGER NOT NULL REFERENCES segment (id) ON DELETE CASCADE,
    at_us      INTEGER NOT NULL,
    -- Unit length, f16, little-endian.
    value      BLOB NOT NULL
) STRICT;
CREATE INDEX vector_of_space ON vector (space);
CREATE INDEX vector_of_segment ON vector (segment_id);

-- The words of speech and text. `scope` is one token per space, so that a query reads no other index's matches.
-- No stemming: an exact match means the very words (case and diacritics aside).
CREATE VIEW segment_words (id, scope, text) AS
    SELECT id, 'space' || space, text FROM segment WHERE text <> '';
CREATE VIRTUAL TABLE words USING fts5 (
    scope, text, content = 'segment_words', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TRIGGER segment_words_added AFTER INSERT ON segment WHEN new.text <> '' BEGIN
    INSERT INTO words (rowid, scope, text) VALUES (new.id, 'space' || new.space, new.text);
END;
CREATE TRIGGER segment_words_removed AFTER DELETE ON segment WHEN old.text <> '' BEGIN
    INSERT INTO words (words, rowid, scope, text) VALUES ('delete', old.id, 'space' || old.space, old.text);
END;

CREATE TABLE integration (
    id              TEXT PRIMARY KEY NOT NULL,
    workspace_id    TEXT NOT NULL REFERENCES workspace (id),
    provider        TEXT NOT NULL CHECK (provider IN ('aws_s3', 'folder')),
    bucket          TEXT NOT NULL,
    account_id      TEXT,
    role_arn        TEXT,
    external_id     TEXT UNIQUE,
    path            TEXT,
    region          TEXT,
    status          TEXT NOT NULL,
    checks          TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    synchronized_at INTEGER,
    -- The number of the newest listing, and of the newest that reached its end.
    begun_sync      INTEGER NOT NULL DEFAULT 0,
    ended_sync      INTEGER NOT NULL DEFAULT 0,
    UNIQUE (workspace_id, provider, bucket)
) STRICT;

CREATE TABLE inventory (
    integration_id TEXT NOT NULL REFERENCES integration (id) ON DELETE CASCADE,
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

CREATE TABLE kept_result (
    token        TEXT PRIMARY KEY NOT NULL,
    workspace_id TEXT NOT NULL REFERENCES workspace (id),
    results      BLOB NOT NULL,
    until_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX kept_result_until ON kept_result (until_at);
