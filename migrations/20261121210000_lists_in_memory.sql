-- Compatibility number 4: lists filter, sort and count in memory (`desk-store/src/columns.rs`), and every write of a line
-- of theirs is told to whoever has them there; an older program would walk indexes that are gone.
--
-- Those indexes carried what nearly every edit changes: most of the pages that one wrote were theirs.
DROP INDEX IF EXISTS tickets_by_updated;
DROP INDEX IF EXISTS tickets_by_created;
DROP INDEX IF EXISTS tickets_by_priority;
DROP INDEX IF EXISTS tickets_by_due;
DROP INDEX IF EXISTS tickets_assignee_by_updated;
DROP INDEX IF EXISTS tickets_assignee_by_created;
DROP INDEX IF EXISTS tickets_assignee_by_priority;
DROP INDEX IF EXISTS tickets_assignee_by_due;
DROP INDEX IF EXISTS tickets_team_by_updated;
DROP INDEX IF EXISTS tickets_team_by_created;
DROP INDEX IF EXISTS tickets_team_by_priority;
DROP INDEX IF EXISTS tickets_team_by_due;
DROP INDEX IF EXISTS tickets_category_by_updated;
DROP INDEX IF EXISTS tickets_category_by_created;
DROP INDEX IF EXISTS tickets_category_by_priority;
DROP INDEX IF EXISTS tickets_category_by_due;
DROP INDEX IF EXISTS tickets_grid_by_updated;
DROP INDEX IF EXISTS tickets_grid_by_created;
DROP INDEX IF EXISTS tickets_grid_by_due;
DROP TABLE ticket_tags;
ALTER TABLE tickets DROP COLUMN unassigned;
-- Some of what a new device was still to make is gone; what is not, is made here.
DELETE FROM meta WHERE key = 'indexes.later';
CREATE INDEX IF NOT EXISTS documents_by_kind ON documents (kind, id);

-- Which lines were written or went, in order; the newest `rev` is the state of the lists. Inserts are appends, so they
-- write one page. The triggers see to it whoever writes, foreign keys included. What is long past is forgotten: who has
-- not read it by then reads all lines anew.
CREATE TABLE ticket_changes (
    rev INTEGER PRIMARY KEY,
    doc INTEGER NOT NULL
) STRICT;
CREATE TRIGGER ticket_changes_of_new AFTER INSERT ON tickets BEGIN
    INSERT INTO ticket_changes (doc) VALUES (NEW.doc);
END;
CREATE TRIGGER ticket_changes_of_written AFTER UPDATE ON tickets BEGIN
    INSERT INTO ticket_changes (doc) VALUES (NEW.doc);
END;
CREATE TRIGGER ticket_changes_of_gone AFTER DELETE ON tickets BEGIN
    INSERT INTO ticket_changes (doc) VALUES (OLD.doc);
END;
CREATE TRIGGER ticket_changes_forgotten AFTER INSERT ON ticket_changes WHEN NEW.rev % 1024 = 0 BEGIN
    DELETE FROM ticket_changes WHERE rev <= NEW.rev - 8192;
END;

-- What lists need of every ticket, packed together, as of some `rev`, so that a start need not read every line.
CREATE TABLE list_columns (
    only      INTEGER PRIMARY KEY CHECK (only = 1),
    codec     INTEGER NOT NULL,
    raw_bytes INTEGER NOT NULL,
    bytes     BLOB NOT NULL
) STRICT;

PRAGMA user_version = 4;
