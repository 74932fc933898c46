-- Whom a deadline is for: a JSON array of member ids, for pages of an escalation; NULL when that follows from the subject.
ALTER TABLE deadlines ADD COLUMN members TEXT;
