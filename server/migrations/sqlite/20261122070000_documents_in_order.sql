-- A workspace's documents in the order of their ids: segments are packed page by page, and without this each page went
-- through all documents and sorted them.
CREATE INDEX documents_in_order ON documents (workspace, id);
