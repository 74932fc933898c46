-- What new devices get instead of the log, see `../sqlite`.
CREATE TABLE segments (
    workspace  UUID NOT NULL REFERENCES workspaces (id),
    id         BYTEA NOT NULL,
    bytes      BYTEA NOT NULL,
    retired_at BIGINT,
    PRIMARY KEY (workspace, id)
);
-- They are compressed.
ALTER TABLE segments ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE segment_sets (
    workspace  UUID PRIMARY KEY REFERENCES workspaces (id),
    cursor     BIGINT NOT NULL,
    projection INTEGER NOT NULL,
    rules      BYTEA NOT NULL,
    entries    TEXT NOT NULL
);

-- They are packed page by page.
CREATE INDEX documents_in_order ON documents (workspace, id);
