-- $1 documents, in the order in which they are wanted, $2 workspace, $3 reader, $4 teams that the reader does not see, $5 most
-- bytes (the first document always comes; the last column says which come). Sizes are known without reading the bytes.
WITH seen AS (
    SELECT d.id, d.kind, octet_length(d.snapshot) AS size_bytes, wanted.place
    FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, place) JOIN documents d ON d.id = wanted.id
    WHERE d.workspace = $2 AND (d.owner IS NULL OR d.owner = $3) AND (d.team IS NULL OR d.team <> ALL($4))
), measured AS (
    SELECT *, sum(size_bytes) OVER (ORDER BY place) AS total_bytes FROM seen
)
SELECT place, id, kind, total_bytes <= $5 OR total_bytes = size_bytes FROM measured ORDER BY place
