-- The numbers beside the navigation's entries. ?1: the member, ?2: now.
SELECT
    (SELECT count(*) FROM tickets WHERE deleted = 0 AND assignee = ?1 AND done = 0),
    (SELECT count(*) FROM tickets WHERE deleted = 0 AND assignee IS NULL AND done = 0),
    (SELECT count(*) FROM tickets WHERE deleted = 0 AND done = 0),
    (SELECT count(*) FROM tickets WHERE deleted = 0 AND done = 0 AND due_key <= ?2),
    (SELECT count(*) FROM incidents WHERE deleted = 0 AND is_over = 0),
    (SELECT count(*) FROM articles WHERE deleted = 0 AND status IN ('published', 'draft'))
