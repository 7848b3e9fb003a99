-- The simplest ledger of prepaid credits that one would write by hand for PostgreSQL: a balance, what is
-- held of it, and holds that end once. No history of entries, no idempotency, no expiry.
CREATE TABLE account (
    id bigint PRIMARY KEY,
    balance bigint NOT NULL,
    held bigint NOT NULL DEFAULT 0,
    CHECK (held >= 0 AND held <= balance)
) WITH (fillfactor = 50);

CREATE TABLE hold (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account,
    amount bigint NOT NULL CHECK (amount > 0),
    captured bigint,
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);

CREATE INDEX hold_open ON hold (account_id) WHERE captured IS NULL;

CREATE FUNCTION authorize(payer bigint, credits bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    made bigint;
BEGIN
    UPDATE account SET held = held + credits WHERE id = payer AND balance - held >= credits;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'not enough credits';
    END IF;
    INSERT INTO hold (account_id, amount) VALUES (payer, credits) RETURNING id INTO made;
    RETURN made;
END $$;

CREATE FUNCTION capture(token bigint, credits bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ended hold%ROWTYPE;
BEGIN
    UPDATE hold SET captured = credits
        WHERE id = token AND captured IS NULL AND amount >= credits RETURNING * INTO ended;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such hold';
    END IF;
    UPDATE account SET held = held - ended.amount, balance = balance - credits
        WHERE id = ended.account_id;
END $$;

INSERT INTO account (id, balance) SELECT number, 4000000000000000 FROM generate_series(1, 1000) AS number;
VACUUM ANALYZE account;
