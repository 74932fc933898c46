-- The server's database. Rules of this folder: a migration is never changed once it was released, only followed by
-- another; instants are UTC milliseconds (`_at`), sizes bytes (`_bytes`), ids and hashes raw bytes.

-- Secrets of this installation, made at its first start: `token_key` signs access tokens.
CREATE TABLE secrets (
    name  TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT;

-- Tenants. `head` is the newest sequence number of the log and moves only in the transaction that writes the
-- change which bears it, so that numbers have no gaps. `server_device` is the Automerge actor of the server's own
-- changes in this workspace.
CREATE TABLE workspaces (
    id            BLOB PRIMARY KEY NOT NULL,
    slug          TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    settings_doc  BLOB NOT NULL,
    server_device BLOB NOT NULL,
    head          INTEGER NOT NULL DEFAULT 0,
    created_at    INTEGER NOT NULL
) STRICT;

-- People. What colleagues see of them (name, teams) stands in the settings document too; who may sign in and what
-- they may do is decided from here alone. `email` is lower case. `password_hash` is an argon2id PHC string.
CREATE TABLE members (
    id            BLOB PRIMARY KEY NOT NULL,
    workspace     BLOB NOT NULL REFERENCES workspaces (id),
    email         TEXT NOT NULL,
    name          TEXT NOT NULL,
    role          TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    personal_doc  BLOB NOT NULL,
    active        INTEGER NOT NULL DEFAULT 1,
    created_at    INTEGER NOT NULL,
    UNIQUE (workspace, email)
) STRICT;

-- Installations. One id belongs to one member for good; the server's own actor stands here without a member, so
-- that nobody can sign in as it.
CREATE TABLE devices (
    id         BLOB PRIMARY KEY NOT NULL,
    workspace  BLOB NOT NULL REFERENCES workspaces (id),
    member     BLOB REFERENCES members (id),
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
CREATE INDEX devices_by_member ON devices (member);
-- Counted every second by the live hint; stays small.
CREATE INDEX devices_revoked ON devices (revoked_at) WHERE revoked_at IS NOT NULL;

-- A sign-in and the refresh tokens that followed from it (a family). `ended_by`: `signed_out`, `reuse`, `revoked`.
CREATE TABLE sessions (
    id         BLOB PRIMARY KEY NOT NULL,
    member     BLOB NOT NULL REFERENCES members (id),
    device     BLOB NOT NULL REFERENCES devices (id),
    created_at INTEGER NOT NULL,
    ended_at   INTEGER,
    ended_by   TEXT
) STRICT;
CREATE INDEX sessions_by_device ON sessions (device);

-- `hash` is SHA-256 of the token. A used one is kept while its session lives: seeing it again is how theft shows.
CREATE TABLE refresh_tokens (
    hash       BLOB PRIMARY KEY NOT NULL,
    session    BLOB NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    issued_at  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT;
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session);

-- Documents as the accepted changes make them. `owner` is set for personal documents. `heads` are 32-byte hashes,
-- sorted, one after the other; `seq` is the number of the newest change in `snapshot` (uncompressed Automerge).
CREATE TABLE documents (
    id        BLOB PRIMARY KEY NOT NULL,
    workspace BLOB NOT NULL REFERENCES workspaces (id),
    kind      INTEGER NOT NULL,
    owner     BLOB REFERENCES members (id),
    seq       INTEGER NOT NULL,
    heads     BLOB NOT NULL,
    snapshot  BLOB NOT NULL
) STRICT;
CREATE INDEX documents_by_workspace ON documents (workspace, kind);

-- The log of accepted changes: append-only, the audit history. `member` is empty for the server's own changes.
-- `actor_seq` is the change's number among its actor's changes to the document.
CREATE TABLE changes (
    workspace   BLOB NOT NULL REFERENCES workspaces (id),
    seq         INTEGER NOT NULL,
    doc         BLOB NOT NULL,
    hash        BLOB NOT NULL,
    actor       BLOB NOT NULL,
    actor_seq   INTEGER NOT NULL,
    member      BLOB,
    received_at INTEGER NOT NULL,
    bytes       BLOB NOT NULL,
    PRIMARY KEY (workspace, seq)
) STRICT;
CREATE UNIQUE INDEX changes_by_hash ON changes (doc, hash);
CREATE UNIQUE INDEX changes_by_actor ON changes (doc, actor, actor_seq);
