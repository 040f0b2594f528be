CREATE TABLE managed_data_keys (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    number BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    material {blob} NOT NULL,
    PRIMARY KEY (account, name, version)
) {clustered};

CREATE UNIQUE INDEX managed_data_keys_in_order ON managed_data_keys (account, name, number);
