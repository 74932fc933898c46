-- What a part does not have is filled up with NULL. Each pair leads to one place of an index.
SELECT 0, w.id, w.slug, w.name, w.settings_doc, w.server_device, w.head, w.created_at, d.seq, c.chain, NULL
FROM workspaces w LEFT JOIN documents d ON d.id = w.settings_doc
     LEFT JOIN changes c ON c.workspace = w.id AND c.seq = w.head
WHERE w.id = ?1
UNION ALL
SELECT 1, d.id, m.id, m.workspace, m.email, m.name, m.role, m.password_hash, m.personal_doc, m.active, m.created_at
FROM json_each(?2) AS asked CROSS JOIN devices d ON d.id = unhex(asked.value) JOIN members m ON m.id = d.member
WHERE d.revoked_at IS NULL AND m.active = 1 AND m.workspace = ?1
UNION ALL
SELECT 2, d.id, d.workspace, d.kind, d.owner, d.seq, NULL, NULL, NULL, NULL, NULL
FROM json_each(?3) AS asked CROSS JOIN documents d ON d.id = unhex(asked.value)
UNION ALL
SELECT 3, r.doc, r.hash, r.code, r.reason, r.refused_at, NULL, NULL, NULL, NULL, NULL
FROM json_each(?4) AS pair CROSS JOIN refused AS r
     ON r.doc = unhex(substr(pair.value, 1, 32)) AND r.hash = unhex(substr(pair.value, 33))
UNION ALL
SELECT 4, c.doc, c.hash, c.seq, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM json_each(?4) AS pair CROSS JOIN changes AS c
     ON c.doc = unhex(substr(pair.value, 1, 32)) AND c.hash = unhex(substr(pair.value, 33))
UNION ALL
SELECT 5, pair.key, (SELECT coalesce(max(actor_seq), 0) FROM changes
                     WHERE doc = unhex(substr(pair.value, 1, 32)) AND actor = unhex(substr(pair.value, 33))),
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM json_each(?5) AS pair
