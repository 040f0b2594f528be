CREATE TABLE audit_keys (
    name TEXT NOT NULL PRIMARY KEY,
    secret {blob} NOT NULL,
    created_at BIGINT NOT NULL
);
