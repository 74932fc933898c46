-- When the escalation of which incident is to be looked at, and e-mail that is to be sent: see `../sqlite`.
CREATE TABLE escalations (
    doc       UUID PRIMARY KEY,
    workspace UUID NOT NULL,
    due_at    BIGINT
);
CREATE INDEX escalations_due ON escalations (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX escalations_waiting ON escalations (workspace) WHERE due_at IS NULL;

CREATE FUNCTION look_at_incident() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO escalations (doc, workspace, due_at) VALUES (NEW.id, NEW.workspace, 0)
    ON CONFLICT (doc) DO UPDATE SET due_at = 0;
    RETURN NULL;
END
$$;
CREATE TRIGGER incident_made AFTER INSERT ON documents
FOR EACH ROW WHEN (NEW.kind = 3) EXECUTE FUNCTION look_at_incident();
CREATE TRIGGER incident_changed AFTER UPDATE OF seq ON documents
FOR EACH ROW WHEN (NEW.kind = 3 AND NEW.seq IS DISTINCT FROM OLD.seq) EXECUTE FUNCTION look_at_incident();

CREATE FUNCTION look_at_waiting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE escalations SET due_at = 0 WHERE workspace = NEW.workspace AND due_at IS NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER settings_changed AFTER UPDATE OF seq ON documents
FOR EACH ROW WHEN (NEW.kind = 4 AND NEW.seq IS DISTINCT FROM OLD.seq) EXECUTE FUNCTION look_at_waiting();

INSERT INTO escalations (doc, workspace, due_at) SELECT id, workspace, 0 FROM documents WHERE kind = 3;

CREATE TABLE mail (
    id          UUID PRIMARY KEY,
    workspace   UUID NOT NULL,
    recipient   TEXT NOT NULL,
    subject     TEXT NOT NULL,
    body        TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    next_try_at BIGINT,
    tries       BIGINT NOT NULL DEFAULT 0,
    sent_at     BIGINT,
    error       TEXT
);
CREATE INDEX mail_due ON mail (next_try_at) WHERE next_try_at IS NOT NULL;
