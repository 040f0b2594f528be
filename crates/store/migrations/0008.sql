ALTER TABLE accounts ADD COLUMN name TEXT NOT NULL DEFAULT '';

ALTER TABLE accounts ADD COLUMN disabled_at BIGINT NOT NULL DEFAULT 0;

ALTER TABLE access_keys ADD COLUMN last_used_at BIGINT NOT NULL DEFAULT 0;

CREATE TABLE ram_users (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    mobile_phone TEXT NOT NULL,
    email TEXT NOT NULL,
    comments TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX ram_users_by_name ON ram_users (account, name);

CREATE TABLE ram_access_keys (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES ram_users (id),
    account TEXT NOT NULL,
    secret {blob} NOT NULL,
    active BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL
);

CREATE INDEX ram_access_keys_of_user ON ram_access_keys (user_id, created_at, id);

CREATE TABLE ram_groups (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    comments TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX ram_groups_by_name ON ram_groups (account, name);

CREATE TABLE ram_memberships (
    user_id TEXT NOT NULL REFERENCES ram_users (id),
    group_id TEXT NOT NULL REFERENCES ram_groups (id),
    joined_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, group_id)
) {clustered};

CREATE INDEX ram_memberships_of_group ON ram_memberships (group_id, user_id);

CREATE TABLE ram_roles (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    trust_policy TEXT NOT NULL,
    max_session_seconds BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX ram_roles_by_name ON ram_roles (account, name);

CREATE TABLE ram_policies (
    account TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    default_version BIGINT NOT NULL,
    last_version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account, name)
) {clustered};

CREATE TABLE ram_policy_versions (
    account TEXT NOT NULL,
    policy TEXT NOT NULL,
    version BIGINT NOT NULL,
    document TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account, policy, version)
) {clustered};

CREATE TABLE ram_attachments (
    entity_id TEXT NOT NULL,
    policy_type TEXT NOT NULL,
    policy TEXT NOT NULL,
    account TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    attached_at BIGINT NOT NULL,
    PRIMARY KEY (entity_id, policy_type, policy)
) {clustered};

CREATE INDEX ram_attachments_of_policy ON ram_attachments (account, policy_type, policy, entity_type, entity_id);

CREATE TABLE oidc_providers (
    account TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    issuer_url TEXT NOT NULL,
    client_ids TEXT NOT NULL,
    fingerprints TEXT NOT NULL,
    issuance_limit_hours BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account, name)
) {clustered};

CREATE INDEX secrets_with_access_keys ON secrets (last_rotated_at) WHERE kind = 'RAMCredentials';

CREATE UNIQUE INDEX oidc_providers_by_issuer ON oidc_providers (account, issuer_url);
