CREATE TABLE ram_logins (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES ram_users (id),
    password_hash TEXT NOT NULL,
    password_set_at BIGINT NOT NULL,
    password_reset_required BIGINT NOT NULL,
    mfa_bind_required BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE ram_former_passwords (
    user_id TEXT NOT NULL REFERENCES ram_users (id),
    number BIGINT NOT NULL,
    password_hash TEXT NOT NULL,
    PRIMARY KEY (user_id, number)
) {clustered};

CREATE TABLE ram_password_policies (
    account TEXT NOT NULL PRIMARY KEY REFERENCES accounts (id),
    minimum_length BIGINT NOT NULL,
    require_lowercase BIGINT NOT NULL,
    require_uppercase BIGINT NOT NULL,
    require_numbers BIGINT NOT NULL,
    require_symbols BIGINT NOT NULL,
    hard_expiry BIGINT NOT NULL,
    max_age_days BIGINT NOT NULL,
    reuse_prevention BIGINT NOT NULL,
    max_login_attempts BIGINT NOT NULL
);

CREATE TABLE ram_security_preferences (
    account TEXT NOT NULL PRIMARY KEY REFERENCES accounts (id),
    enable_save_mfa_ticket BIGINT NOT NULL,
    allow_user_to_change_password BIGINT NOT NULL,
    allow_user_to_manage_access_keys BIGINT NOT NULL,
    allow_user_to_manage_mfa_devices BIGINT NOT NULL,
    allow_user_to_manage_public_keys BIGINT NOT NULL,
    login_session_hours BIGINT NOT NULL,
    login_network_masks TEXT NOT NULL
);
