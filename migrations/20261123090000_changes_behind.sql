-- Compatibility number 6: changes may stand behind the document in a snapshot. An older program would take it for a damaged one.
PRAGMA user_version = 6;
