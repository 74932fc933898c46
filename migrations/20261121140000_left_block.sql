-- Which block a document stood in before it was written here: a copy of what it was then stands there still, and has to go
-- when the member may not see the document any more. Older programs may ignore the column.
ALTER TABLE documents ADD COLUMN left_block INTEGER;
