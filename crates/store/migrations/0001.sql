CREATE TABLE barrier_keys (
    term BIGINT NOT NULL PRIMARY KEY,
    wrapped {blob} NOT NULL,
    uses BIGINT NOT NULL
);

CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL
);

CREATE TABLE access_keys (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id),
    secret {blob} NOT NULL,
    active BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX access_keys_of_account ON access_keys (account, created_at, id);

CREATE TABLE keys (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    spec TEXT NOT NULL,
    usage TEXT NOT NULL,
    origin TEXT NOT NULL,
    protection_level TEXT NOT NULL,
    state TEXT NOT NULL,
    description TEXT NOT NULL,
    creator TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    delete_at BIGINT NOT NULL,
    deletion_protection BIGINT NOT NULL,
    deletion_protection_description TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    primary_version TEXT NOT NULL,
    rotation_seconds BIGINT NOT NULL,
    last_rotated_at BIGINT NOT NULL,
    next_rotation_at BIGINT NOT NULL,
    material_expires_at BIGINT NOT NULL,
    material_fingerprint TEXT NOT NULL DEFAULT ''
);

CREATE INDEX keys_of_account ON keys
    (account, created_at, id, state, spec, usage, protection_level, creator, instance_id);

CREATE INDEX keys_to_delete ON keys (delete_at) WHERE delete_at > 0;

CREATE INDEX keys_to_rotate ON keys (next_rotation_at) WHERE next_rotation_at > 0;

CREATE INDEX keys_to_expire ON keys (material_expires_at) WHERE material_expires_at > 0;

CREATE TABLE key_counts (
    account TEXT NOT NULL,
    shard BIGINT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (account, shard)
) {clustered};

CREATE TABLE key_versions (
    id TEXT NOT NULL PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES keys (id),
    created_at BIGINT NOT NULL,
    material {blob} NOT NULL
) {clustered};

CREATE INDEX key_versions_of_key ON key_versions (key_id, created_at, id);

CREATE TABLE key_policies (
    key_id TEXT NOT NULL PRIMARY KEY REFERENCES keys (id),
    policy TEXT NOT NULL
);

CREATE TABLE aliases (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    key_id TEXT NOT NULL REFERENCES keys (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account, name)
) {clustered};

CREATE INDEX aliases_of_key ON aliases (key_id, name);

CREATE TABLE tags (
    account TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource TEXT NOT NULL,
    tag_key TEXT NOT NULL,
    tag_value TEXT NOT NULL,
    PRIMARY KEY (account, resource_type, resource, tag_key)
) {clustered};

CREATE INDEX tags_by_key ON tags (account, resource_type, tag_key, tag_value, resource);

-- postgres

CREATE TABLE changes (
    id TEXT NOT NULL PRIMARY KEY,
    node TEXT NOT NULL,
    kind TEXT NOT NULL,
    first TEXT NOT NULL,
    second TEXT NOT NULL,
    at BIGINT NOT NULL
);

CREATE INDEX changes_by_time ON changes (at);
