-- The server's database in PostgreSQL: the tables of `../sqlite`, whose comments hold here too. Rules of this folder: a
-- migration is never changed once it was released, only followed by another; instants are UTC milliseconds (`_at`),
-- sizes bytes (`_bytes`), hashes raw bytes.
--
-- Every writer of a workspace holds an advisory lock on its id (`server/src/storage/postgres.rs`).

CREATE TABLE secrets (
    name  TEXT PRIMARY KEY,
    value BYTEA NOT NULL
);

-- A row changes with every transaction of its workspace: room beside it keeps the new version on the same page.
CREATE TABLE workspaces (
    id            UUID PRIMARY KEY,
    slug          TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    settings_doc  UUID NOT NULL,
    server_device UUID NOT NULL,
    head          BIGINT NOT NULL DEFAULT 0,
    created_at    BIGINT NOT NULL
) WITH (fillfactor = 25);

CREATE TABLE members (
    id            UUID PRIMARY KEY,
    workspace     UUID NOT NULL REFERENCES workspaces (id),
    email         TEXT NOT NULL,
    name          TEXT NOT NULL,
    role          TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    personal_doc  UUID NOT NULL,
    active        BOOLEAN NOT NULL DEFAULT TRUE,
    created_at    BIGINT NOT NULL,
    UNIQUE (workspace, email)
);

CREATE TABLE devices (
    id         UUID PRIMARY KEY,
    workspace  UUID NOT NULL REFERENCES workspaces (id),
    member     UUID REFERENCES members (id),
    name       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX devices_by_member ON devices (member);
CREATE INDEX devices_by_workspace ON devices (workspace);
CREATE INDEX devices_revoked ON devices (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE sessions (
    id         UUID PRIMARY KEY,
    member     UUID NOT NULL REFERENCES members (id),
    device     UUID NOT NULL REFERENCES devices (id),
    created_at BIGINT NOT NULL,
    ended_at   BIGINT,
    ended_by   TEXT
);
CREATE INDEX sessions_by_device ON sessions (device);

CREATE TABLE refresh_tokens (
    hash       BYTEA PRIMARY KEY,
    session    UUID NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session);

CREATE TABLE documents (
    id        UUID PRIMARY KEY,
    workspace UUID NOT NULL REFERENCES workspaces (id),
    kind      SMALLINT NOT NULL,
    owner     UUID REFERENCES members (id),
    seq       BIGINT NOT NULL,
    heads     BYTEA NOT NULL,
    snapshot  BYTEA NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX documents_by_workspace ON documents (workspace, kind);

-- No reference to `workspaces`: a number is taken from the workspace's row in the same transaction, and checking the
-- reference of every row anew would cost as much as writing it.
CREATE TABLE changes (
    workspace   UUID NOT NULL,
    seq         BIGINT NOT NULL,
    doc         UUID NOT NULL,
    hash        BYTEA NOT NULL,
    actor       UUID NOT NULL,
    actor_seq   BIGINT NOT NULL,
    member      UUID,
    received_at BIGINT NOT NULL,
    bytes       BYTEA NOT NULL,
    PRIMARY KEY (workspace, seq)
);
CREATE UNIQUE INDEX changes_by_hash ON changes (doc, hash);
CREATE UNIQUE INDEX changes_by_actor ON changes (doc, actor, actor_seq);
-- Automerge has compressed what is worth it.
ALTER TABLE changes ALTER COLUMN bytes SET STORAGE EXTERNAL;
