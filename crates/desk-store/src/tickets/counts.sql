-- The numbers beside the navigation's entries. ?1: the member, ?2: now. Statuses 0, 1, 2: not done.
SELECT
    (SELECT count(*) FROM tickets WHERE deleted = 0 AND assignee = ?1 AND status IN (0, 1, 2)),
    (SELECT count(*) FROM tickets WHERE deleted = 0 AND assignee IS NULL AND status IN (0, 1, 2)),
    (SELECT count(*) FROM tickets INDEXED BY tickets_grid_due WHERE deleted = 0 AND status IN (0, 1, 2)),
    (SELECT count(*) FROM tickets INDEXED BY tickets_grid_due WHERE deleted = 0 AND status IN (0, 1, 2)
        AND priority IN (10, 20, 30, 40, 50) AND due_key <= ?2),
    (SELECT count(*) FROM incidents WHERE deleted = 0 AND is_over = 0),
    (SELECT count(*) FROM articles WHERE deleted = 0 AND status IN ('published', 'draft'))
