-- Compatibility number 2: a document may stand in a block, where an older program would not find it.
--
-- A new device gets its documents in blocks of some dozens, compressed together (`desk_docs::Block`), and keeps them so:
-- a document moves to `snapshots` when it is written the first time here. `indexed`: its texts are in the search index,
-- which is filled after the lists are usable. A block goes with its last document.
CREATE TABLE blocks (
    block     INTEGER PRIMARY KEY,
    indexed   INTEGER NOT NULL,
    raw_bytes INTEGER NOT NULL,
    bytes     BLOB NOT NULL
) STRICT;
CREATE INDEX blocks_unindexed ON blocks (block) WHERE indexed = 0;

-- Where the document's bytes are if they are not in `snapshots`.
ALTER TABLE documents ADD COLUMN block INTEGER REFERENCES blocks (block);
CREATE INDEX documents_by_block ON documents (block) WHERE block IS NOT NULL;

PRAGMA user_version = 2;
