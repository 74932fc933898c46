-- Compatibility number 3: texts on their way into the search index, which an older program would overtake.
--
-- FTS5 takes more than everything else of an edit together. So an edit writes the terms of its text here, in its own
-- transaction; they are moved into the index when nothing else is going on, and before anybody searches. `title` and
-- `terms` are NULL when the document is not found any more.
CREATE TABLE search_pending (
    doc        INTEGER PRIMARY KEY REFERENCES documents (doc) ON DELETE CASCADE,
    changed_at INTEGER NOT NULL,
    text_hash  BLOB NOT NULL,
    title      TEXT,
    terms      TEXT
) STRICT;

PRAGMA user_version = 3;
