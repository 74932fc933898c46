-- $1 workspace, $2 reader, $3 after, $4 head, $5 most changes, $6 most bytes (of what the reader may see; the first
-- such change always comes). Sizes are known without reading the bytes.
WITH looked_at AS (
    SELECT c.seq, c.doc, d.kind, c.hash, d.owner, c.bytes,
           d.owner IS NULL OR d.owner = $2 AS visible,
           CASE WHEN d.owner IS NULL OR d.owner = $2 THEN octet_length(c.bytes) ELSE 0 END AS size_bytes
    FROM changes c JOIN documents d ON d.id = c.doc
    WHERE c.workspace = $1 AND c.seq > $3 AND c.seq <= $4
    ORDER BY c.seq
    LIMIT $5
), measured AS (
    SELECT *, sum(size_bytes) OVER (ORDER BY seq) AS total_bytes FROM looked_at
)
SELECT seq, doc, kind, hash, owner, CASE WHEN visible THEN bytes END AS bytes
FROM measured
WHERE total_bytes <= $6 OR total_bytes = size_bytes
ORDER BY seq
