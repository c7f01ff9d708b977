-- Sessions of browsers, and codes that begin one. Of the secrets, the SHA-256 is kept.
CREATE TABLE session (
    secret_sha256 BLOB PRIMARY KEY NOT NULL CHECK (length(secret_sha256) = 32),
    key_id        TEXT NOT NULL REFERENCES api_key (id),
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_of_key ON session (key_id, created_at);
CREATE INDEX session_by_end ON session (expires_at);

CREATE TABLE sign_in_code (
    secret_sha256 BLOB PRIMARY KEY NOT NULL CHECK (length(secret_sha256) = 32),
    key_id        TEXT NOT NULL REFERENCES api_key (id),
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_code_of_key ON sign_in_code (key_id, created_at);
CREATE INDEX sign_in_code_by_end ON sign_in_code (expires_at);
