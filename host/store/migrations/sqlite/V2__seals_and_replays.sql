-- `seal` is a function of the store's: a digest of a row's terms, which `ledger verify` computes again.

DROP TRIGGER hold_ends_once;
DROP TRIGGER hold_immutable;
ALTER TABLE hold ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
UPDATE hold SET seal = seal('hold', id, account_id, service_id, amount, created_at, expires_at, description);
CREATE TRIGGER hold_ends_once BEFORE UPDATE ON hold WHEN OLD.state <> 0
BEGIN SELECT RAISE(ABORT, 'a hold ends once'); END;
CREATE TRIGGER hold_immutable BEFORE UPDATE OF id, account_id, service_id, amount, created_at, expires_at, description,
seal ON hold BEGIN SELECT RAISE(ABORT, 'a hold keeps its terms'); END;

-- What is due on one account, and what is open of a service.
DROP INDEX hold_of_account;
CREATE INDEX hold_of_account ON hold (service_id, account_id, expires_at) WHERE state = 0;

DROP TRIGGER purchase_immutable;
ALTER TABLE purchase ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
UPDATE purchase SET seal = seal('order', id, service_id, account_id, pack_id, pack_name, credits, price_cents,
commission_bp, commission_cents, created_at);
CREATE TRIGGER purchase_immutable BEFORE UPDATE OF id, service_id, account_id, pack_id, pack_name, credits,
price_cents, commission_bp, commission_cents, created_at, seal ON purchase
BEGIN SELECT RAISE(ABORT, 'an order keeps its terms'); END;

ALTER TABLE outbox ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
UPDATE outbox SET seal = seal('warning', account_id, available, warn_at, created_at);

-- One tree, so that what is kept for a repeat costs one insert. Whole days are dropped. A refusal for want of credits
-- is not carried over: it did not say what was asked for.
ALTER TABLE replay RENAME TO replay_before;
CREATE TABLE replay (
    day         INTEGER NOT NULL,        -- the day of `at`, counted from 1970
    key         BLOB NOT NULL,           -- SHA-256 of whose key it is and the key
    fingerprint BLOB NOT NULL,           -- SHA-256 of what was asked
    answer      TEXT NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (day, key)
) STRICT, WITHOUT ROWID;
INSERT INTO replay (day, key, fingerprint, answer, at)
SELECT at / 86400000000, key, fingerprint, answer, at FROM replay_before WHERE answer NOT LIKE 'available %';
DROP TABLE replay_before;
