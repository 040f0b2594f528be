CREATE TABLE secrets (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    description TEXT NOT NULL,
    sought_description TEXT NOT NULL,
    key_id TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    extended_config TEXT NOT NULL,
    rotation TEXT NOT NULL,
    rotation_seconds BIGINT NOT NULL,
    last_rotated_at BIGINT NOT NULL,
    next_rotation_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    delete_at BIGINT NOT NULL,
    owing_service TEXT NOT NULL,
    creator TEXT NOT NULL
);

CREATE UNIQUE INDEX secrets_by_name ON secrets (account, name);

CREATE INDEX secrets_by_kind ON secrets (account, kind, creator, instance_id, name);

CREATE INDEX secrets_by_name_with_kind ON secrets (account, name, kind, creator, instance_id);

CREATE INDEX secrets_by_description ON secrets (account, sought_description, name, kind, creator, instance_id);

CREATE INDEX secrets_to_purge ON secrets (delete_at) WHERE delete_at > 0;

CREATE INDEX secrets_to_rotate ON secrets (next_rotation_at) WHERE next_rotation_at > 0;

CREATE TABLE secret_counts (
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    creator TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    shard BIGINT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (account, kind, creator, instance_id, shard)
) {clustered};

CREATE TABLE secret_versions (
    secret_id TEXT NOT NULL REFERENCES secrets (id),
    number BIGINT NOT NULL,
    version_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    data_type TEXT NOT NULL,
    value {blob} NOT NULL,
    PRIMARY KEY (secret_id, number)
);

CREATE UNIQUE INDEX secret_versions_by_id ON secret_versions (secret_id, version_id);

CREATE TABLE secret_stages (
    secret_id TEXT NOT NULL REFERENCES secrets (id),
    label TEXT NOT NULL,
    version_id TEXT NOT NULL,
    PRIMARY KEY (secret_id, label)
) {clustered};

CREATE TABLE secret_policies (
    secret_id TEXT NOT NULL PRIMARY KEY REFERENCES secrets (id),
    policy TEXT NOT NULL
);

CREATE TABLE secret_rotations (
    secret_id TEXT NOT NULL PRIMARY KEY REFERENCES secrets (id),
    version_id TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    step TEXT NOT NULL,
    value {blob} NOT NULL,
    attempts BIGINT NOT NULL,
    holder TEXT NOT NULL,
    held_until BIGINT NOT NULL
);

CREATE INDEX secret_rotations_in_order ON secret_rotations (requested_at, secret_id);

CREATE INDEX tags_by_value ON tags (account, resource_type, tag_value, resource);
