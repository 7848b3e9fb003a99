-- What changes of an account with each operation stands apart from what hardly ever does. Its rows change all the time: the
-- room that is left in each page keeps them where they are.
CREATE TABLE account_balance (
    account_id      bigint PRIMARY KEY REFERENCES account (id),
    balance         bigint NOT NULL,
    held            bigint NOT NULL,
    warn_at         bigint CHECK (warn_at > 0),
    posting_count   bigint NOT NULL,      -- the number of the last one
    last_posting_id bigint,
    CHECK (held >= 0 AND held <= balance)
) WITH (fillfactor = 50);
INSERT INTO account_balance (account_id, balance, held, warn_at, posting_count, last_posting_id)
SELECT id, balance, held, warn_at, posting_count, last_posting_id FROM account ORDER BY id;
ALTER TABLE account
    DROP COLUMN balance,
    DROP COLUMN held,
    DROP COLUMN warn_at,
    DROP COLUMN posting_count,
    DROP COLUMN last_posting_id,
    RESET (fillfactor);
