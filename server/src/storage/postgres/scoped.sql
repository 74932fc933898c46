-- $1 workspace, $2 reader, $3 after, $4 most changes, $5 private teams, $6 those that the reader does not see, $7 most bytes
-- (of what the reader gets; the first of it always comes). Sizes are known without reading the bytes.
WITH looked_at AS (
    SELECT c.seq, c.doc, d.kind, c.hash, d.owner, d.team, m.seq IS NOT NULL AS moved, m.from_team,
           (SELECT max(x.seq) FROM moves x
            WHERE x.doc = c.doc AND (x.from_team = ANY($5) OR x.to_team = ANY($5))) AS crossed,
           (d.owner IS NULL OR d.owner = $2) AND (d.team IS NULL OR d.team <> ALL($6)) AS seen,
           c.bytes, d.snapshot
    FROM changes c JOIN documents d ON d.id = c.doc
         LEFT JOIN moves m ON m.workspace = c.workspace AND m.seq = c.seq
    WHERE c.workspace = $1 AND c.seq > $3
    ORDER BY c.seq
    LIMIT $4
), sized AS (
    SELECT *, CASE WHEN NOT seen THEN 0
                   WHEN crossed IS NULL OR crossed < seq THEN octet_length(bytes)
                   WHEN crossed = seq THEN octet_length(snapshot)
                   ELSE 0 END AS size_bytes
    FROM looked_at
), measured AS (
    SELECT *, sum(size_bytes) OVER (ORDER BY seq) AS total_bytes FROM sized
)
SELECT seq, doc, kind, hash, owner, team, moved, from_team, crossed,
       CASE WHEN NOT seen THEN NULL
            WHEN crossed IS NULL OR crossed < seq THEN bytes
            WHEN crossed = seq THEN snapshot END AS bytes
FROM measured
WHERE total_bytes <= $7 OR total_bytes = size_bytes
ORDER BY seq
