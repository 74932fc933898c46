-- ?1 workspace, ?2 reader, ?3 after, ?4 most changes. One row without an entry where the log has nothing after that.
SELECT w.head AS "head!: i64", coalesce(s.seq, 0) AS "settings_seq!: i64", t.chain AS "chain: Vec<u8>",
       c.seq AS "seq: i64", c.doc AS "doc: Vec<u8>", d.kind AS "kind: i64", c.hash AS "hash: Vec<u8>",
       d.owner AS "owner: Vec<u8>",
       CASE WHEN d.owner IS NULL OR d.owner = ?2 THEN c.bytes END AS "bytes: Vec<u8>"
FROM workspaces w
     LEFT JOIN documents s ON s.id = w.settings_doc
     LEFT JOIN changes t ON t.workspace = w.id AND t.seq = w.head
     LEFT JOIN changes c ON c.workspace = w.id AND c.seq > ?3
     LEFT JOIN documents d ON d.id = c.doc
WHERE w.id = ?1 ORDER BY c.seq LIMIT ?4
