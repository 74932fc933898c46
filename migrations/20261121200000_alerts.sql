-- What became of an alert: put off by the member, or its banner waits.
ALTER TABLE alerts ADD COLUMN snoozed_until INTEGER;
-- What the banner waits for (`snooze`, `quiet`, `digest`) and when it is looked at again; both or neither.
ALTER TABLE alerts ADD COLUMN held_by TEXT;
ALTER TABLE alerts ADD COLUMN held_until INTEGER;
-- Alerts whose banner is still to be decided about: few, whatever came before.
CREATE INDEX alerts_pending ON alerts (raised_at, due_at, subject)
    WHERE acknowledged_at IS NULL AND notified_at IS NULL AND silent = 0;

-- Whether an alert was raised at a deadline, so that the scheduler reads only what is still to come: a workspace has
-- hundreds of thousands that are long past. The triggers keep it level with `alerts`, whoever writes.
ALTER TABLE deadlines ADD COLUMN raised INTEGER NOT NULL DEFAULT 0;
UPDATE deadlines SET raised = 1 WHERE EXISTS (
    SELECT 1 FROM documents d JOIN alerts a ON a.subject = d.id
    WHERE d.doc = deadlines.doc AND a.rule = deadlines.rule AND a.percent = deadlines.percent
      AND a.due_at = deadlines.due_at
);
DROP INDEX deadlines_due;
CREATE INDEX deadlines_waiting ON deadlines (due_at) WHERE raised = 0;

CREATE TRIGGER deadlines_heed_alert AFTER INSERT ON alerts BEGIN
    UPDATE deadlines SET raised = 1
    WHERE doc = (SELECT doc FROM documents WHERE id = NEW.subject)
      AND rule = NEW.rule AND percent = NEW.percent AND due_at = NEW.due_at;
END;
CREATE TRIGGER deadlines_raised_before AFTER INSERT ON deadlines WHEN EXISTS (
    SELECT 1 FROM documents d JOIN alerts a ON a.subject = d.id
    WHERE d.doc = NEW.doc AND a.rule = NEW.rule AND a.percent = NEW.percent AND a.due_at = NEW.due_at
) BEGIN
    UPDATE deadlines SET raised = 1 WHERE doc = NEW.doc AND rule = NEW.rule AND percent = NEW.percent;
END;
CREATE TRIGGER deadlines_moved AFTER UPDATE OF due_at ON deadlines WHEN NEW.due_at <> OLD.due_at BEGIN
    UPDATE deadlines SET raised = EXISTS (
        SELECT 1 FROM documents d JOIN alerts a ON a.subject = d.id
        WHERE d.doc = NEW.doc AND a.rule = NEW.rule AND a.percent = NEW.percent AND a.due_at = NEW.due_at
    )
    WHERE doc = NEW.doc AND rule = NEW.rule AND percent = NEW.percent;
END;
