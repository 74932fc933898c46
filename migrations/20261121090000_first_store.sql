-- The client's store, compatibility number 1.
--
-- `documents` and `snapshots` are what is true; `outbox`, `rejected`, `drafts`, `alerts` and `meta` belong to this
-- device; everything else is derived from the documents when they are written and can be made again from them.
--
-- Instants (`…_at`) are UTC milliseconds. Ids are the 16 bytes of a UUID; heads and hashes are 32 bytes each.
-- A migration that an older program could not write to raises `user_version`, the store's compatibility number; one
-- that older programs may ignore leaves it alone.

-- "WNDS", so that file(1) and we know whose file it is.
PRAGMA application_id = 0x574E4453;
PRAGMA user_version = 1;

-- What the device knows about itself: workspace, device, sync cursor, session, settings.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One row per document. Narrow: the bytes stand in `snapshots`, so that comparing heads reads few pages.
CREATE TABLE documents (
    doc        INTEGER PRIMARY KEY,
    id         BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    kind       INTEGER NOT NULL,
    heads      BLOB NOT NULL CHECK (length(heads) % 32 = 0),
    schema     INTEGER NOT NULL,
    -- 0: of a schema that the program could not read, so that nothing was derived from it.
    projected  INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX documents_by_kind ON documents (kind, id);

-- The Automerge document: codec 0 as it is, 1 as zstd.
CREATE TABLE snapshots (
    doc       INTEGER PRIMARY KEY REFERENCES documents (doc) ON DELETE CASCADE,
    codec     INTEGER NOT NULL,
    raw_bytes INTEGER NOT NULL,
    bytes     BLOB NOT NULL
) STRICT;

-- A line of the ticket list. `status` and `priority` are small numbers; `priority` grows with haste. `done`: the status
-- is resolved, closed or cancelled.
-- `due_key` sorts by the clock that runs out next: its instant, or, without a clock, 2^62 - updated_at, which stands
-- behind every instant and brings the newest change first.
CREATE TABLE tickets (
    doc        INTEGER PRIMARY KEY REFERENCES documents (doc) ON DELETE CASCADE,
    id         BLOB NOT NULL,
    number     TEXT NOT NULL,
    title      TEXT NOT NULL,
    status     INTEGER NOT NULL,
    done       INTEGER NOT NULL,
    priority   INTEGER NOT NULL,
    category   TEXT,
    assignee   TEXT,
    unassigned INTEGER NOT NULL,
    team       TEXT,
    requester  TEXT,
    tags       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    due_key    INTEGER NOT NULL,
    due_metric TEXT,
    conflicted INTEGER NOT NULL,
    deleted    INTEGER NOT NULL
) STRICT;
CREATE INDEX tickets_by_number ON tickets (number);
-- Every list walks one of these, or two at once (done and not done): the facet that the filter names first, then what
-- is sorted by; what else is filtered by stands behind that, so that only the lines of the page are read. `unassigned`
-- says in one byte what `assignee` would in forty.
CREATE INDEX tickets_by_updated           ON tickets
    (done, updated_at, doc, status, priority, due_key, unassigned) WHERE deleted = 0;
CREATE INDEX tickets_by_created           ON tickets
    (done, created_at, doc, status, priority, due_key, unassigned) WHERE deleted = 0;
CREATE INDEX tickets_by_priority          ON tickets
    (done, priority, updated_at, doc, status, due_key, unassigned) WHERE deleted = 0;
CREATE INDEX tickets_by_due               ON tickets
    (done, due_key, doc, status, priority, unassigned) WHERE deleted = 0;
CREATE INDEX tickets_assignee_by_updated  ON tickets
    (assignee, done, updated_at, doc, status, priority, due_key) WHERE deleted = 0;
CREATE INDEX tickets_assignee_by_created  ON tickets
    (assignee, done, created_at, doc, status, priority, due_key) WHERE deleted = 0;
CREATE INDEX tickets_assignee_by_priority ON tickets
    (assignee, done, priority, updated_at, doc, status, due_key) WHERE deleted = 0;
CREATE INDEX tickets_assignee_by_due      ON tickets
    (assignee, done, due_key, doc, status, priority) WHERE deleted = 0;
CREATE INDEX tickets_team_by_updated      ON tickets
    (team, done, updated_at, doc, status, priority, due_key, unassigned) WHERE deleted = 0;
CREATE INDEX tickets_team_by_created      ON tickets
    (team, done, created_at, doc, status, priority, due_key, unassigned) WHERE deleted = 0;
CREATE INDEX tickets_team_by_priority     ON tickets
    (team, done, priority, updated_at, doc, status, due_key, unassigned) WHERE deleted = 0;
CREATE INDEX tickets_team_by_due          ON tickets
    (team, done, due_key, doc, status, priority, unassigned) WHERE deleted = 0;
CREATE INDEX tickets_category_by_updated  ON tickets
    (category, done, updated_at, doc, status, priority, due_key, unassigned, team) WHERE deleted = 0;
CREATE INDEX tickets_category_by_created  ON tickets
    (category, done, created_at, doc, status, priority, due_key, unassigned, team) WHERE deleted = 0;
CREATE INDEX tickets_category_by_priority ON tickets
    (category, done, priority, updated_at, doc, status, due_key, unassigned, team) WHERE deleted = 0;
CREATE INDEX tickets_category_by_due      ON tickets
    (category, done, due_key, doc, status, priority, unassigned, team) WHERE deleted = 0;
-- A few combinations of status and priority, which may be rare among all tickets, are ranges of these.
CREATE INDEX tickets_grid_by_updated      ON tickets (status, priority, updated_at, doc, due_key) WHERE deleted = 0;
CREATE INDEX tickets_grid_by_created      ON tickets (status, priority, created_at, doc, due_key) WHERE deleted = 0;
CREATE INDEX tickets_grid_by_due          ON tickets (status, priority, due_key) WHERE deleted = 0;

-- The tags of the tickets that are not deleted, with copies of what lists filter and sort by.
CREATE TABLE ticket_tags (
    doc        INTEGER NOT NULL REFERENCES tickets (doc) ON DELETE CASCADE,
    tag        TEXT NOT NULL,
    status     INTEGER NOT NULL,
    done       INTEGER NOT NULL,
    priority   INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    due_key    INTEGER NOT NULL
) STRICT;
CREATE INDEX ticket_tags_of_doc      ON ticket_tags (doc);
CREATE INDEX ticket_tags_by_updated  ON ticket_tags (tag, done, updated_at, doc, status, priority, due_key);
CREATE INDEX ticket_tags_by_created  ON ticket_tags (tag, done, created_at, doc, status, priority, due_key);
CREATE INDEX ticket_tags_by_priority ON ticket_tags (tag, done, priority, updated_at, doc, status, due_key);
CREATE INDEX ticket_tags_by_due      ON ticket_tags (tag, done, due_key, doc, status, priority);

-- A line of the article list.
CREATE TABLE articles (
    doc        INTEGER PRIMARY KEY REFERENCES documents (doc) ON DELETE CASCADE,
    id         BLOB NOT NULL,
    title      TEXT NOT NULL,
    status     TEXT NOT NULL,
    category   TEXT,
    tags       TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted    INTEGER NOT NULL
) STRICT;
CREATE INDEX articles_updated ON articles (updated_at) WHERE deleted = 0;

-- A line of the incident list. `is_over`: resolved or closed.
CREATE TABLE incidents (
    doc          INTEGER PRIMARY KEY REFERENCES documents (doc) ON DELETE CASCADE,
    id           BLOB NOT NULL,
    number       TEXT NOT NULL,
    title        TEXT NOT NULL,
    severity     TEXT NOT NULL,
    status       TEXT NOT NULL,
    is_over      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    escalates_at INTEGER,
    deleted      INTEGER NOT NULL
) STRICT;
CREATE INDEX incidents_by_number ON incidents (number);
CREATE INDEX incidents_in_order  ON incidents (is_over, created_at) WHERE deleted = 0;

-- When which alert falls due, for the scheduler: thresholds and ends of SLA targets, escalations of incidents.
CREATE TABLE deadlines (
    doc     INTEGER NOT NULL REFERENCES documents (doc) ON DELETE CASCADE,
    rule    TEXT NOT NULL,
    percent INTEGER NOT NULL,
    metric  TEXT,
    due_at  INTEGER NOT NULL,
    PRIMARY KEY (doc, rule, percent)
) STRICT, WITHOUT ROWID;
CREATE INDEX deadlines_due ON deadlines (due_at);

-- Alerts that this device raised; they outlive the document, so that none is raised twice.
-- `silent`: not this member's business; kept so that it is not raised again, and never listed.
CREATE TABLE alerts (
    subject         BLOB NOT NULL,
    rule            TEXT NOT NULL,
    percent         INTEGER NOT NULL,
    due_at          INTEGER NOT NULL,
    raised_at       INTEGER NOT NULL,
    notified_at     INTEGER,
    acknowledged_at INTEGER,
    silent          INTEGER NOT NULL,
    PRIMARY KEY (subject, rule, percent, due_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX alerts_open         ON alerts (raised_at) WHERE acknowledged_at IS NULL;
CREATE INDEX alerts_acknowledged ON alerts (acknowledged_at) WHERE acknowledged_at IS NOT NULL;

-- Changes that wait for the server, in the order in which they were made. A document with unsent changes cannot go.
CREATE TABLE outbox (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    doc       INTEGER NOT NULL REFERENCES documents (doc),
    hash      BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    bytes     BLOB NOT NULL,
    edit      TEXT NOT NULL,
    edited_at INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_by_doc ON outbox (doc);

-- Edits that the server refused, until their author deals with them. They outlive the document.
CREATE TABLE rejected (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    doc         BLOB NOT NULL,
    kind        INTEGER NOT NULL,
    hash        BLOB NOT NULL UNIQUE,
    bytes       BLOB NOT NULL,
    edit        TEXT NOT NULL,
    code        TEXT NOT NULL,
    reason      TEXT NOT NULL,
    subject     TEXT NOT NULL,
    edited_at   INTEGER NOT NULL,
    rejected_at INTEGER NOT NULL
) STRICT;

-- Texts that are being typed.
CREATE TABLE drafts (
    key      TEXT PRIMARY KEY NOT NULL,
    body     TEXT NOT NULL,
    saved_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Where imported documents came from, so that a repeated import finds them. Two devices may have imported the same.
CREATE TABLE sources (
    system TEXT NOT NULL,
    key    TEXT NOT NULL,
    doc    INTEGER NOT NULL REFERENCES documents (doc) ON DELETE CASCADE,
    PRIMARY KEY (system, key, doc)
) STRICT, WITHOUT ROWID;
CREATE INDEX sources_by_doc ON sources (doc);
CREATE INDEX sources_by_key ON sources (key COLLATE NOCASE);

-- The full-text index: `search` over everything, `search_titles` over titles and numbers alone, which rank first. They
-- hold terms that the program made (lower case, stems), not the text; the tokenizer only splits at blanks. Keys count
-- down with the time of the last change of the text, so that an ascending walk meets the newest first and may stop
-- early. The larger `hashsize` means fewer flushes while thousands of documents are written at once.
CREATE VIRTUAL TABLE search USING fts5 (
    terms, content = '', contentless_delete = 1, detail = none, prefix = '2 3', tokenize = 'ascii'
);
CREATE VIRTUAL TABLE search_titles USING fts5 (
    terms, content = '', contentless_delete = 1, detail = none, prefix = '2 3', tokenize = 'ascii'
);
INSERT INTO search (search, rank) VALUES ('hashsize', 8388608);

-- Every term that was ever indexed, so that a beginning that is typed can be spelled out: exact terms are read lazily,
-- while FTS5 would first merge everything that begins so.
CREATE TABLE search_terms (
    term TEXT PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;

-- Which document stands behind a key of both, and a hash of the text that was indexed.
CREATE TABLE search_docs (
    key       INTEGER PRIMARY KEY,
    doc       INTEGER NOT NULL UNIQUE REFERENCES documents (doc) ON DELETE CASCADE,
    text_hash BLOB NOT NULL
) STRICT;
