-- ?1 workspace, ?2 reader, ?3 after, ?4 most changes, ?5 private teams, ?6 those that the reader does not see (JSON).
SELECT c.seq AS "seq!: i64", c.doc AS "doc!: Vec<u8>", c.kind AS "kind!: i64", c.hash AS "hash!: Vec<u8>",
       c.owner AS "owner: Vec<u8>", c.team AS "team: String", c.moved AS "moved!: i64",
       c.from_team AS "from_team: String", c.crossed AS "crossed: i64",
       CASE WHEN NOT c.seen THEN NULL
            WHEN c.crossed IS NULL OR c.crossed < c.seq THEN c.bytes
            WHEN c.crossed = c.seq THEN c.snapshot END AS "bytes: Vec<u8>"
FROM (
    SELECT c.seq, c.doc, d.kind, c.hash, d.owner, d.team, m.seq IS NOT NULL AS moved, m.from_team,
           (SELECT max(x.seq) FROM moves x
            WHERE x.doc = c.doc AND (x.from_team IN (SELECT value FROM json_each(?5))
                                     OR x.to_team IN (SELECT value FROM json_each(?5)))) AS crossed,
           (d.owner IS NULL OR d.owner = ?2)
               AND (d.team IS NULL OR d.team NOT IN (SELECT value FROM json_each(?6))) AS seen,
           c.bytes, d.snapshot
    FROM changes c JOIN documents d ON d.id = c.doc
         LEFT JOIN moves m ON m.workspace = c.workspace AND m.seq = c.seq
    WHERE c.workspace = ?1 AND c.seq > ?3 ORDER BY c.seq LIMIT ?4
) c
ORDER BY c.seq
