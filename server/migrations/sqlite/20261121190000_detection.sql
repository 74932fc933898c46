-- Tokens by which programs post heartbeats and metrics of a workspace. A token is 256 random bits; its SHA-256 is kept.
CREATE TABLE signal_tokens (
    id         BLOB PRIMARY KEY,
    workspace  BLOB NOT NULL REFERENCES workspaces (id),
    name       TEXT NOT NULL,
    scope      TEXT NOT NULL,
    hash       BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    used_at    INTEGER,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX signal_tokens_of_workspace ON signal_tokens (workspace);

-- When each heartbeat last came, by the server's clock.
CREATE TABLE heartbeats (
    workspace BLOB NOT NULL REFERENCES workspaces (id),
    name      TEXT NOT NULL,
    last_at   INTEGER NOT NULL,
    PRIMARY KEY (workspace, name)
) STRICT, WITHOUT ROWID;

-- The newest samples of each metric, for evidence.
CREATE TABLE samples (
    workspace BLOB NOT NULL REFERENCES workspaces (id),
    name      TEXT NOT NULL,
    at        INTEGER NOT NULL,
    value     REAL NOT NULL,
    PRIMARY KEY (workspace, name, at)
) STRICT, WITHOUT ROWID;

-- A rule's running episode beyond its threshold, as JSON with the threshold that it is of: nobody has to look at older samples.
CREATE TABLE episodes (
    workspace BLOB NOT NULL REFERENCES workspaces (id),
    rule      TEXT NOT NULL,
    episode   TEXT NOT NULL,
    PRIMARY KEY (workspace, rule)
) STRICT, WITHOUT ROWID;

-- How many tickets of a category (empty: of none) came into being in which hour since 1970, UTC: what bursts are held against.
CREATE TABLE ticket_hours (
    workspace BLOB NOT NULL REFERENCES workspaces (id),
    category  TEXT NOT NULL,
    hour      INTEGER NOT NULL,
    tickets   INTEGER NOT NULL,
    PRIMARY KEY (workspace, category, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX ticket_hours_by_age ON ticket_hours (workspace, hour);

-- The tickets of the last day, for the windows in which bursts are looked for.
CREATE TABLE recent_tickets (
    id         BLOB PRIMARY KEY,
    workspace  BLOB NOT NULL REFERENCES workspaces (id),
    category   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    title      TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX recent_tickets_in_order ON recent_tickets (workspace, category, created_at);
CREATE INDEX recent_tickets_by_age ON recent_tickets (workspace, created_at);

-- The last incident that was proposed for a rule and what it watches.
CREATE TABLE proposals (
    workspace BLOB NOT NULL REFERENCES workspaces (id),
    rule      TEXT NOT NULL,
    subject   TEXT NOT NULL,
    incident  BLOB NOT NULL,
    PRIMARY KEY (workspace, rule, subject)
) STRICT, WITHOUT ROWID;
