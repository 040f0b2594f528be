CREATE TABLE audit_events (
    account TEXT NOT NULL,
    time BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    id TEXT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (account, time, seq, id)
) {clustered};

CREATE INDEX audit_events_by_time ON audit_events (time);

CREATE TABLE audit_terms (
    account TEXT NOT NULL,
    term TEXT NOT NULL,
    time BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (account, term, time, seq, id)
) {clustered};

CREATE INDEX audit_terms_by_time ON audit_terms (time);

CREATE TABLE audit_positions (
    trail TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL
);

CREATE TABLE key_uses (
    key_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    uses BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    last_by TEXT NOT NULL,
    PRIMARY KEY (key_id, operation)
) {clustered};
