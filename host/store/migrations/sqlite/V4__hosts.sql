-- The hosts that share a database. With SQLite there is one at a time.
CREATE TABLE host (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT NOT NULL,
    batch        INTEGER NOT NULL DEFAULT 0,  -- how many transactions it has committed: the fence
    last_instant INTEGER NOT NULL DEFAULT 0,  -- its clock never goes behind it
    started_at   INTEGER NOT NULL,
    lease_until  INTEGER NOT NULL             -- the others take over what it does after that
) STRICT;

-- Rises with every change of the catalogue, so that every host hears of it.
ALTER TABLE instance ADD COLUMN catalogue INTEGER NOT NULL DEFAULT 0;

-- The host that a call waits or runs on; none once it has ended.
ALTER TABLE call ADD COLUMN host_id INTEGER;
DROP INDEX call_open;
CREATE INDEX call_open ON call (status, host_id) WHERE ended_at IS NULL;

-- The host that is sending a mail, while it is.
ALTER TABLE outbox ADD COLUMN host_id INTEGER;
