-- Tickets of a private team are its members' alone. `team` is what the document says, so that nobody has to open it to know
-- who sees it; `team_known` is 0 for documents of before this migration, until the server has looked (at its next start).
ALTER TABLE documents ADD COLUMN team TEXT;
ALTER TABLE documents ADD COLUMN team_known INTEGER NOT NULL DEFAULT 0;
CREATE INDEX documents_by_team ON documents (workspace, team, id) WHERE team IS NOT NULL;
CREATE INDEX documents_without_team ON documents (id) WHERE team_known = 0;

-- Where documents went, beside the log: with the change of this number the document left `from_team` for `to_team`. Whoever
-- is behind that number is told, by who sees which team now.
CREATE TABLE moves (
    workspace BLOB NOT NULL,
    seq       INTEGER NOT NULL,
    doc       BLOB NOT NULL,
    from_team TEXT,
    to_team   TEXT,
    PRIMARY KEY (workspace, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX moves_of_document ON moves (doc, seq);

-- The database does it, so that no way of writing a document forgets it.
CREATE TRIGGER documents_moved AFTER UPDATE OF team ON documents
WHEN OLD.team IS NOT NEW.team AND OLD.team_known = 1
BEGIN
    INSERT INTO moves (workspace, seq, doc, from_team, to_team)
    VALUES (NEW.workspace, NEW.seq, NEW.id, OLD.team, NEW.team);
END;

-- Segments are made again: each is one audience's now. `about` is JSON.
DELETE FROM segments;
DELETE FROM segment_sets;
ALTER TABLE segments ADD COLUMN about TEXT NOT NULL DEFAULT '{}';
ALTER TABLE segments ADD COLUMN cursor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE segment_sets ADD COLUMN private TEXT NOT NULL DEFAULT '[]';
