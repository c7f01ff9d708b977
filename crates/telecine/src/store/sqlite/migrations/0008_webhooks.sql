-- Webhooks, and the events on their way to them. An event's row is written in the transaction that makes it true.

CREATE TABLE webhook (
    seq          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    workspace_id TEXT NOT NULL REFERENCES workspace (id),
    url          TEXT NOT NULL,
    -- Names of events (JSON).
    events       TEXT NOT NULL,
    api_version  TEXT NOT NULL,
    description  TEXT NOT NULL,
    is_enabled   INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
    -- Sealed with a key that lies outside the database.
    secret       BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_of_workspace ON webhook (workspace_id, created_at, seq);

CREATE TABLE webhook_delivery (
    seq             INTEGER PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,
    webhook_id      TEXT NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    event           TEXT NOT NULL,
    -- What was true when it happened (JSON); never changes.
    data            TEXT NOT NULL,
    state           TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts        INTEGER NOT NULL DEFAULT 0,
    -- From when it may be sent: the lease's end while it is; none when it is not pending.
    due_at          INTEGER,
    lease_until     INTEGER,
    fence           INTEGER NOT NULL DEFAULT 0,
    response_status INTEGER,
    -- The beginning of the answer.
    response        TEXT,
    error           TEXT,
    took_ms         INTEGER,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    CHECK ((due_at IS NULL) = (state <> 'pending')),
    CHECK (lease_until IS NULL OR due_at = lease_until)
) STRICT;
CREATE INDEX webhook_delivery_due ON webhook_delivery (webhook_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_delivery_of_webhook ON webhook_delivery (webhook_id, created_at, seq);
CREATE INDEX webhook_delivery_leased ON webhook_delivery (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX webhook_delivery_ended ON webhook_delivery (updated_at) WHERE due_at IS NULL;
