-- What new devices get instead of the log: a cache that can be made again from `documents` at any time. A segment's
-- bytes never change; `id` is their SHA-256. `retired_at` is set once no set names it any more: devices that are
-- fetching may still ask for it for a while.
CREATE TABLE segments (
    workspace  BLOB NOT NULL REFERENCES workspaces (id),
    id         BLOB NOT NULL,
    bytes      BLOB NOT NULL,
    retired_at INTEGER,
    PRIMARY KEY (workspace, id)
) STRICT;

-- The present set of each workspace. `entries` is JSON, in the order of the documents' ids.
CREATE TABLE segment_sets (
    workspace  BLOB PRIMARY KEY NOT NULL REFERENCES workspaces (id),
    cursor     INTEGER NOT NULL,
    projection INTEGER NOT NULL,
    rules      BLOB NOT NULL,
    entries    TEXT NOT NULL
) STRICT;
