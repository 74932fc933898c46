-- A large document is not written anew with each change: its row moves on (`seq`, `heads`, `team`), its snapshot stays at
-- `snapshot_seq`, and what came after that stands in the log alone until it is folded in, in the background.
ALTER TABLE documents ADD COLUMN snapshot_seq INTEGER NOT NULL DEFAULT 0;
UPDATE documents SET snapshot_seq = seq;
CREATE INDEX documents_to_fold ON documents (id) WHERE snapshot_seq < seq;
