-- Tickets of a private team are its members' alone, see `../sqlite`.
ALTER TABLE documents ADD COLUMN team TEXT;
ALTER TABLE documents ADD COLUMN team_known BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX documents_by_team ON documents (workspace, team, id) WHERE team IS NOT NULL;
CREATE INDEX documents_without_team ON documents (id) WHERE NOT team_known;

CREATE TABLE moves (
    workspace UUID NOT NULL,
    seq       BIGINT NOT NULL,
    doc       UUID NOT NULL,
    from_team TEXT,
    to_team   TEXT,
    PRIMARY KEY (workspace, seq)
);
CREATE INDEX moves_of_document ON moves (doc, seq);

CREATE FUNCTION write_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO moves (workspace, seq, doc, from_team, to_team)
    VALUES (NEW.workspace, NEW.seq, NEW.id, OLD.team, NEW.team);
    RETURN NULL;
END
$$;
CREATE TRIGGER documents_moved AFTER UPDATE OF team ON documents
FOR EACH ROW WHEN (OLD.team IS DISTINCT FROM NEW.team AND OLD.team_known)
EXECUTE FUNCTION write_move();

DELETE FROM segments;
DELETE FROM segment_sets;
ALTER TABLE segments ADD COLUMN about TEXT NOT NULL DEFAULT '{}';
ALTER TABLE segments ADD COLUMN cursor BIGINT NOT NULL DEFAULT 0;
ALTER TABLE segment_sets ADD COLUMN private TEXT NOT NULL DEFAULT '[]';
