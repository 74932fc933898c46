CREATE TABLE refused (
    doc        UUID NOT NULL,
    hash       BYTEA NOT NULL,
    workspace  UUID NOT NULL REFERENCES workspaces (id),
    code       TEXT NOT NULL,
    reason     TEXT NOT NULL,
    refused_at BIGINT NOT NULL,
    PRIMARY KEY (doc, hash)
);
