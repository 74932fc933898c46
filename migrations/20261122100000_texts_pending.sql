-- Compatibility number 5: texts on their way into the search index stand here as they are, and are made into terms when they
-- get there; an older program would take them for terms. What it left here as terms is made into the same terms once more.
ALTER TABLE search_pending RENAME COLUMN terms TO body;

PRAGMA user_version = 5;
