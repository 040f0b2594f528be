CREATE TABLE import_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    key_id TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    private_key {blob} NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX import_tokens_of_key ON import_tokens (key_id);

CREATE INDEX import_tokens_by_expiry ON import_tokens (expires_at);
