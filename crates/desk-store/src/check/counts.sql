-- Rows against documents. Kinds: 1 ticket, 2 article, 3 incident.
SELECT
    (SELECT count(*) FROM documents),
    -- No row.
    (SELECT count(*) FROM documents d WHERE d.projected = 1 AND (
           (d.kind = 1 AND NOT EXISTS (SELECT 1 FROM tickets t WHERE t.doc = d.doc))
        OR (d.kind = 2 AND NOT EXISTS (SELECT 1 FROM articles a WHERE a.doc = d.doc))
        OR (d.kind = 3 AND NOT EXISTS (SELECT 1 FROM incidents i WHERE i.doc = d.doc)))),
    -- A row too many.
    (SELECT count(*) FROM tickets t JOIN documents d USING (doc) WHERE d.kind <> 1 OR d.projected = 0)
    + (SELECT count(*) FROM articles a JOIN documents d USING (doc) WHERE d.kind <> 2 OR d.projected = 0)
    + (SELECT count(*) FROM incidents i JOIN documents d USING (doc) WHERE d.kind <> 3 OR d.projected = 0),
    -- Not in the index. Of a document in a block whose turn has not come that is no fault.
    (SELECT count(*) FROM tickets t WHERE t.deleted = 0 AND NOT EXISTS (SELECT 1 FROM search_docs s WHERE s.doc = t.doc)
        AND NOT EXISTS (SELECT 1 FROM documents d JOIN blocks b USING (block) WHERE d.doc = t.doc AND b.indexed = 0))
    + (SELECT count(*) FROM articles a WHERE a.deleted = 0 AND NOT EXISTS (SELECT 1 FROM search_docs s WHERE s.doc = a.doc)
        AND NOT EXISTS (SELECT 1 FROM documents d JOIN blocks b USING (block) WHERE d.doc = a.doc AND b.indexed = 0))
    + (SELECT count(*) FROM incidents i WHERE i.deleted = 0 AND NOT EXISTS (SELECT 1 FROM search_docs s WHERE s.doc = i.doc)
        AND NOT EXISTS (SELECT 1 FROM documents d JOIN blocks b USING (block) WHERE d.doc = i.doc AND b.indexed = 0)),
    -- In the index without being shown anywhere.
    (SELECT count(*) FROM search_docs s
     WHERE NOT EXISTS (SELECT 1 FROM tickets t WHERE t.doc = s.doc AND t.deleted = 0)
       AND NOT EXISTS (SELECT 1 FROM articles a WHERE a.doc = s.doc AND a.deleted = 0)
       AND NOT EXISTS (SELECT 1 FROM incidents i WHERE i.doc = s.doc AND i.deleted = 0))
