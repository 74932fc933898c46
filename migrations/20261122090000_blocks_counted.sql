-- How many blocks there are, and how many are indexed, is asked after every sync: counted in a narrow index, and not
-- among the blocks themselves, each of which has a page of its own.
DROP INDEX blocks_unindexed;
CREATE INDEX blocks_by_indexed ON blocks (indexed);
