-- The log's hash chain, and workspaces that were restored from a backup, see `../sqlite`.
ALTER TABLE changes ADD COLUMN chain BYTEA NOT NULL DEFAULT ''::bytea;

CREATE TABLE recoveries (
    workspace UUID PRIMARY KEY REFERENCES workspaces (id),
    until     BIGINT NOT NULL
);
