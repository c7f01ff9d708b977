-- Processes that share the database. On SQLite there is one, and nothing of this is used but facts.
CREATE TABLE process (
    id TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    version TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    -- Until then it is there.
    lease_until INTEGER NOT NULL
) WITHOUT ROWID;

-- Background work that one process does at a time.
CREATE TABLE duty (
    name TEXT PRIMARY KEY,
    process_id TEXT NOT NULL,
    lease_until INTEGER NOT NULL
) WITHOUT ROWID;

-- What a process has in hand that others must end when it is gone.
CREATE TABLE in_hand (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    process_id TEXT NOT NULL,
    PRIMARY KEY (kind, id, process_id)
) WITHOUT ROWID;

-- What all processes must agree on.
CREATE TABLE fact (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
