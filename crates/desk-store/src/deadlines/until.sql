-- What fell due and has no alert yet. ?1: now.
SELECT d.id, d.kind, x.rule, x.percent, x.due_at, x.metric,
       coalesce(t.number, i.number), coalesce(t.title, i.title), t.assignee, t.team, x.members,
       t.priority, i.severity
FROM deadlines x
JOIN documents d ON d.doc = x.doc
LEFT JOIN tickets t ON t.doc = x.doc
LEFT JOIN incidents i ON i.doc = x.doc
WHERE x.raised = 0 AND x.due_at <= ?1
  AND (t.doc IS NOT NULL OR i.doc IS NOT NULL)
ORDER BY x.due_at, d.id, x.rule, x.percent
