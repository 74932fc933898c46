-- What the incident list and the response times need: where a proposal stands (NULL: a person declared it), the affected
-- services (a JSON array), and the known instants (a JSON object). `is_over` holds for dismissed
-- proposals, too.
ALTER TABLE incidents ADD COLUMN proposal TEXT;
ALTER TABLE incidents ADD COLUMN services TEXT NOT NULL DEFAULT '[]';
ALTER TABLE incidents ADD COLUMN milestones TEXT NOT NULL DEFAULT '{}';
-- Lines of before have none of it; they are derived anew.
INSERT OR IGNORE INTO meta (key, value) SELECT 'rederive', x'31' WHERE EXISTS (SELECT 1 FROM incidents);
