-- The log's hash chain: `chain` is SHA-256 over the chain of the entry before and everything that this entry says but its
-- bytes, which its hash stands for (server/src/storage/chain.rs). Entries of before this migration have none.
ALTER TABLE changes ADD COLUMN chain BLOB NOT NULL DEFAULT x'';

-- Workspaces whose log was once longer: the server was restored from a backup. Until `until`, members may send what the log
-- lost although other devices made it.
CREATE TABLE recoveries (
    workspace BLOB PRIMARY KEY NOT NULL REFERENCES workspaces (id),
    until     INTEGER NOT NULL
) STRICT;
