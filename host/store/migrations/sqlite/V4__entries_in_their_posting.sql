-- The entries of a posting are columns of it, one for each book: no row can hold a posting that does not sum to zero. What
-- a hold or a posting refers to was loaded by the transaction that writes it, and is looked at by `ledger verify`; asking
-- again with each row that is written is what made them slow.

CREATE TABLE posting_of_now (
    id          INTEGER PRIMARY KEY,
    kind        INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 5),   -- gift, trial, order, capture, refund, order refund
    service_id  INTEGER NOT NULL,
    account_id  INTEGER NOT NULL,
    number      INTEGER NOT NULL,                                -- among its account's, from 1
    previous_id INTEGER,                                         -- the account's posting before it
    balance     INTEGER NOT NULL,                                -- the account's after it
    amount      INTEGER NOT NULL CHECK (amount <> 0),            -- what it adds to the account, in micro-credits
    issuance    INTEGER NOT NULL,                                -- to what was ever granted, which is below zero
    earned      INTEGER NOT NULL,                                -- to what was captured
    cash        INTEGER NOT NULL,                                -- to the money received, in cents
    commission  INTEGER NOT NULL,                                -- to the operator's share, which is below zero
    payable     INTEGER NOT NULL,                                -- to the provider's share, which is below zero
    hold_id     BLOB,                                            -- what was captured or given back
    order_id    BLOB,                                            -- what was paid or given back
    reason      TEXT,
    at          INTEGER NOT NULL,
    CHECK (amount + issuance + earned = 0),
    CHECK (cash + commission + payable = 0),
    CHECK ((kind IN (3, 4)) = (hold_id IS NOT NULL)),
    CHECK ((kind IN (2, 5)) = (order_id IS NOT NULL))
) STRICT;
INSERT INTO posting_of_now (id, kind, service_id, account_id, number, previous_id, balance, amount, issuance, earned, cash,
    commission, payable, hold_id, order_id, reason, at)
SELECT id, kind, service_id, account_id, number, previous_id, balance,
    sum(entry.amount) FILTER (WHERE book = 1),
    coalesce(sum(entry.amount) FILTER (WHERE book = 0), 0), coalesce(sum(entry.amount) FILTER (WHERE book = 2), 0),
    coalesce(sum(entry.amount) FILTER (WHERE book = 3), 0), coalesce(sum(entry.amount) FILTER (WHERE book = 4), 0),
    coalesce(sum(entry.amount) FILTER (WHERE book = 5), 0), hold_id, order_id, reason, at
FROM posting JOIN entry ON posting_id = posting.id GROUP BY posting.id ORDER BY posting.id;
DROP TABLE entry;
DROP TABLE posting;
ALTER TABLE posting_of_now RENAME TO posting;
CREATE        INDEX posting_refund       ON posting (hold_id)  WHERE kind = 4;
CREATE UNIQUE INDEX posting_order        ON posting (order_id) WHERE kind = 2;
CREATE UNIQUE INDEX posting_order_refund ON posting (order_id) WHERE kind = 5;
CREATE UNIQUE INDEX posting_milestone    ON posting (account_id, number) WHERE number % 64 = 0;
CREATE TRIGGER posting_immutable BEFORE UPDATE ON posting BEGIN SELECT RAISE(ABORT, 'postings are immutable'); END;
CREATE TRIGGER posting_kept      BEFORE DELETE ON posting BEGIN SELECT RAISE(ABORT, 'postings are immutable'); END;

CREATE TABLE hold_of_now (
    id          BLOB PRIMARY KEY,
    account_id  INTEGER NOT NULL,
    service_id  INTEGER NOT NULL,
    amount      INTEGER NOT NULL CHECK (amount > 0),
    state       INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),  -- open, captured, cancelled, expired
    captured    INTEGER NOT NULL CHECK (captured BETWEEN 0 AND amount),
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    ended_at    INTEGER,
    description TEXT,
    seal        INTEGER NOT NULL,
    CHECK ((state = 0) = (ended_at IS NULL)),
    CHECK (state = 1 OR captured = 0)
) STRICT, WITHOUT ROWID;
INSERT INTO hold_of_now (id, account_id, service_id, amount, state, captured, created_at, expires_at, ended_at,
    description, seal)
SELECT id, account_id, service_id, amount, state, captured, created_at, expires_at, ended_at, description, seal
FROM hold ORDER BY id;
DROP TABLE hold;
ALTER TABLE hold_of_now RENAME TO hold;
CREATE INDEX hold_due  ON hold (expires_at, account_id)     WHERE state = 0;
CREATE INDEX hold_open ON hold (service_id, id, account_id) WHERE state = 0;
CREATE TRIGGER hold_ends_once BEFORE UPDATE ON hold WHEN OLD.state <> 0
BEGIN SELECT RAISE(ABORT, 'a hold ends once'); END;
CREATE TRIGGER hold_immutable BEFORE UPDATE OF id, account_id, service_id, amount, created_at, expires_at, description,
seal ON hold BEGIN SELECT RAISE(ABORT, 'a hold keeps its terms'); END;
CREATE TRIGGER hold_kept BEFORE DELETE ON hold BEGIN SELECT RAISE(ABORT, 'holds are kept'); END;
