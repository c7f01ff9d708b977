-- Processes that share the database.
CREATE TABLE process (
    id TEXT COLLATE "C" PRIMARY KEY,
    role TEXT NOT NULL,
    version TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    -- Until then it is there.
    lease_until BIGINT NOT NULL
);

-- Background work that one process does at a time.
CREATE TABLE duty (
    name TEXT COLLATE "C" PRIMARY KEY,
    process_id TEXT COLLATE "C" NOT NULL,
    lease_until BIGINT NOT NULL
);

-- What a process has in hand that others must end when it is gone.
CREATE TABLE in_hand (
    kind TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    process_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (kind, id, process_id)
);

-- What all processes must agree on.
CREATE TABLE fact (
    name TEXT COLLATE "C" PRIMARY KEY,
    value TEXT NOT NULL
);
