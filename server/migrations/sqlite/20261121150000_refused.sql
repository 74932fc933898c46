-- Changes that were refused where another moment might decide otherwise (another role, other settings, a later clock): the
-- verdict stands, so that a request that comes late does not bring in what its author has already taken back.
CREATE TABLE refused (
    doc        BLOB NOT NULL,
    hash       BLOB NOT NULL,
    workspace  BLOB NOT NULL REFERENCES workspaces (id),
    code       TEXT NOT NULL,
    reason     TEXT NOT NULL,
    refused_at INTEGER NOT NULL,
    PRIMARY KEY (doc, hash)
) STRICT, WITHOUT ROWID;
