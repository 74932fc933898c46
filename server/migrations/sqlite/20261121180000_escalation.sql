-- When the escalation of which incident is to be looked at: what a process finds due, it looks at in the incident's document. `due_at` is
-- NULL while nothing can happen until the settings change. No row: nothing can happen until the incident changes.
CREATE TABLE escalations (
    doc       BLOB NOT NULL PRIMARY KEY,
    workspace BLOB NOT NULL,
    due_at    INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX escalations_due ON escalations (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX escalations_waiting ON escalations (workspace) WHERE due_at IS NULL;

-- The database does it, so that no way of writing an incident or settings forgets it: what changed is looked at at once.
CREATE TRIGGER incident_made AFTER INSERT ON documents WHEN NEW.kind = 3
BEGIN
    INSERT INTO escalations (doc, workspace, due_at) VALUES (NEW.id, NEW.workspace, 0)
    ON CONFLICT (doc) DO UPDATE SET due_at = 0;
END;
CREATE TRIGGER incident_changed AFTER UPDATE OF seq ON documents WHEN NEW.kind = 3 AND NEW.seq IS NOT OLD.seq
BEGIN
    INSERT INTO escalations (doc, workspace, due_at) VALUES (NEW.id, NEW.workspace, 0)
    ON CONFLICT (doc) DO UPDATE SET due_at = 0;
END;
CREATE TRIGGER settings_changed AFTER UPDATE OF seq ON documents WHEN NEW.kind = 4 AND NEW.seq IS NOT OLD.seq
BEGIN
    UPDATE escalations SET due_at = 0 WHERE workspace = NEW.workspace AND due_at IS NULL;
END;

-- Incidents of before are looked at once.
INSERT INTO escalations (doc, workspace, due_at) SELECT id, workspace, 0 FROM documents WHERE kind = 3;

-- E-mail that is to be sent, was sent or could not be. `next_try_at` is NULL once nothing is tried any more. The id derives from
-- what the mail is about and whom it is for, so that nobody is written to twice.
CREATE TABLE mail (
    id          BLOB NOT NULL PRIMARY KEY,
    workspace   BLOB NOT NULL,
    recipient   TEXT NOT NULL,
    subject     TEXT NOT NULL,
    body        TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    next_try_at INTEGER,
    tries       INTEGER NOT NULL DEFAULT 0,
    sent_at     INTEGER,
    error       TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_due ON mail (next_try_at) WHERE next_try_at IS NOT NULL;
