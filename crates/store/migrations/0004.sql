CREATE TABLE certificates (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    spec TEXT NOT NULL,
    status TEXT NOT NULL,
    subject TEXT NOT NULL,
    alternative_names TEXT NOT NULL,
    exportable BIGINT NOT NULL,
    public_key {blob} NOT NULL,
    private_key {blob} NOT NULL,
    csr TEXT NOT NULL,
    certificate TEXT NOT NULL,
    chain TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
