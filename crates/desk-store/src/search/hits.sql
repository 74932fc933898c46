-- What a search shows, in the order of the row numbers in ?1 (a JSON array).
SELECT d.kind, d.id, coalesce(t.number, i.number), coalesce(t.title, i.title, a.title),
       t.status, coalesce(i.status, a.status), coalesce(t.updated_at, i.updated_at, a.updated_at)
FROM json_each(?1) found
JOIN documents d ON d.doc = found.value
LEFT JOIN tickets t ON t.doc = d.doc AND t.deleted = 0
LEFT JOIN incidents i ON i.doc = d.doc AND i.deleted = 0
LEFT JOIN articles a ON a.doc = d.doc AND a.deleted = 0
WHERE coalesce(t.doc, i.doc, a.doc) IS NOT NULL
ORDER BY found.key
