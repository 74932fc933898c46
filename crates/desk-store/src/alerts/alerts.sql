-- Alerts that are the member's business and whose subject can be shown.
SELECT a.subject, a.rule, a.percent, a.due_at, a.raised_at, a.acknowledged_at,
       d.kind, coalesce(t.number, i.number), coalesce(t.title, i.title),
       t.priority, i.severity, a.notified_at, a.snoozed_until, a.held_by, a.held_until,
       EXISTS (SELECT 1 FROM deadlines x WHERE x.doc = d.doc AND x.rule = a.rule
               AND x.percent = a.percent AND x.due_at = a.due_at)
FROM alerts a
JOIN documents d ON d.id = a.subject
LEFT JOIN tickets t ON t.doc = d.doc AND t.deleted = 0
LEFT JOIN incidents i ON i.doc = d.doc AND i.deleted = 0
WHERE a.silent = 0 AND (t.doc IS NOT NULL OR i.doc IS NOT NULL)
