-- What changes of an account with each operation stands apart from what hardly ever does: a group of operations then
-- writes fewer pages.
CREATE TABLE account_balance (
    account_id      INTEGER PRIMARY KEY REFERENCES account (id),
    balance         INTEGER NOT NULL,
    held            INTEGER NOT NULL,
    warn_at         INTEGER CHECK (warn_at > 0),
    posting_count   INTEGER NOT NULL,    -- the number of the last one
    last_posting_id INTEGER,
    CHECK (held >= 0 AND held <= balance)
) STRICT;
INSERT INTO account_balance (account_id, balance, held, warn_at, posting_count, last_posting_id)
SELECT id, balance, held, warn_at, posting_count, last_posting_id FROM account ORDER BY id;

CREATE TABLE account_of_now (
    id          INTEGER PRIMARY KEY,
    service_id  INTEGER NOT NULL REFERENCES service (id),
    key         BLOB NOT NULL,           -- SHA-1 of the token without a suffix
    token       TEXT,                    -- the token, once it was given
    refill_at   INTEGER NOT NULL DEFAULT 0 CHECK (refill_at >= 0),
    refill_pack INTEGER NOT NULL DEFAULT 0,
    created_at  INTEGER NOT NULL,
    UNIQUE (key, service_id)
) STRICT;
INSERT INTO account_of_now (id, service_id, key, token, refill_at, refill_pack, created_at)
SELECT id, service_id, key, token, refill_at, refill_pack, created_at FROM account ORDER BY id;
DROP TABLE account;
ALTER TABLE account_of_now RENAME TO account;

-- A statement that changes one row has nothing to undo of itself: it is spared the copies for it.
DROP TRIGGER hold_ends_once;
CREATE TRIGGER hold_ends_once BEFORE UPDATE ON hold WHEN OLD.state <> 0
BEGIN SELECT RAISE(FAIL, 'a hold ends once'); END;
