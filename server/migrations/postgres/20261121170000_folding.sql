-- Large documents are folded in the background, see `../sqlite`.
ALTER TABLE documents ADD COLUMN snapshot_seq BIGINT NOT NULL DEFAULT 0;
UPDATE documents SET snapshot_seq = seq;
CREATE INDEX documents_to_fold ON documents (id) WHERE snapshot_seq < seq;
