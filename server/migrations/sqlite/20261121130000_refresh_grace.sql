-- The token that was given out for this one: while nobody has used it, the answer that held it may have been lost.
ALTER TABLE refresh_tokens ADD COLUMN successor BLOB;
