-- What detection needs, see `../sqlite`.
CREATE TABLE signal_tokens (
    id         UUID PRIMARY KEY,
    workspace  UUID NOT NULL REFERENCES workspaces (id),
    name       TEXT NOT NULL,
    scope      TEXT NOT NULL,
    hash       BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    used_at    BIGINT,
    revoked_at BIGINT
);
CREATE INDEX signal_tokens_of_workspace ON signal_tokens (workspace);

CREATE TABLE heartbeats (
    workspace UUID NOT NULL REFERENCES workspaces (id),
    name      TEXT NOT NULL,
    last_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace, name)
);

CREATE TABLE samples (
    workspace UUID NOT NULL REFERENCES workspaces (id),
    name      TEXT NOT NULL,
    at        BIGINT NOT NULL,
    value     DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (workspace, name, at)
);

CREATE TABLE episodes (
    workspace UUID NOT NULL REFERENCES workspaces (id),
    rule      TEXT NOT NULL,
    episode   TEXT NOT NULL,
    PRIMARY KEY (workspace, rule)
);

CREATE TABLE ticket_hours (
    workspace UUID NOT NULL REFERENCES workspaces (id),
    category  TEXT NOT NULL,
    hour      BIGINT NOT NULL,
    tickets   BIGINT NOT NULL,
    PRIMARY KEY (workspace, category, hour)
);
CREATE INDEX ticket_hours_by_age ON ticket_hours (workspace, hour);

CREATE TABLE recent_tickets (
    id         UUID PRIMARY KEY,
    workspace  UUID NOT NULL REFERENCES workspaces (id),
    category   TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    title      TEXT NOT NULL
);
CREATE INDEX recent_tickets_in_order ON recent_tickets (workspace, category, created_at);
CREATE INDEX recent_tickets_by_age ON recent_tickets (workspace, created_at);

CREATE TABLE proposals (
    workspace UUID NOT NULL REFERENCES workspaces (id),
    rule      TEXT NOT NULL,
    subject   TEXT NOT NULL,
    incident  UUID NOT NULL,
    PRIMARY KEY (workspace, rule, subject)
);
