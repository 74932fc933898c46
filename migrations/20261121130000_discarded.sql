-- A refused edit that its author discarded stays for a while, so that discarding can be taken back. Older programs may
-- ignore the column: they list it again.
ALTER TABLE rejected ADD COLUMN discarded_at INTEGER;
