-- The entries of a posting are columns of it, one for each book: no row can hold a posting that does not sum to zero.
DROP TRIGGER posting_immutable ON posting;
ALTER TABLE posting
    ADD COLUMN amount     bigint NOT NULL DEFAULT 0,  -- what it adds to the account, in micro-credits
    ADD COLUMN issuance   bigint NOT NULL DEFAULT 0,  -- to what was ever granted, which is below zero
    ADD COLUMN earned     bigint NOT NULL DEFAULT 0,  -- to what was captured
    ADD COLUMN cash       bigint NOT NULL DEFAULT 0,  -- to the money received, in cents
    ADD COLUMN commission bigint NOT NULL DEFAULT 0,  -- to the operator's share, which is below zero
    ADD COLUMN payable    bigint NOT NULL DEFAULT 0;  -- to the provider's share, which is below zero
UPDATE posting SET amount = sums.amount, issuance = sums.issuance, earned = sums.earned, cash = sums.cash,
    commission = sums.commission, payable = sums.payable
FROM (SELECT posting_id,
        sum(CASE WHEN book = 0 THEN entry.amount ELSE 0 END) AS issuance,
        sum(CASE WHEN book = 1 THEN entry.amount ELSE 0 END) AS amount,
        sum(CASE WHEN book = 2 THEN entry.amount ELSE 0 END) AS earned,
        sum(CASE WHEN book = 3 THEN entry.amount ELSE 0 END) AS cash,
        sum(CASE WHEN book = 4 THEN entry.amount ELSE 0 END) AS commission,
        sum(CASE WHEN book = 5 THEN entry.amount ELSE 0 END) AS payable
    FROM entry GROUP BY posting_id) AS sums
WHERE posting_id = posting.id;
ALTER TABLE posting
    ALTER COLUMN amount DROP DEFAULT,
    ADD CHECK (amount <> 0),
    ADD CHECK (amount + issuance + earned = 0),
    ADD CHECK (cash + commission + payable = 0);
CREATE TRIGGER posting_immutable BEFORE UPDATE OR DELETE ON posting FOR EACH ROW
EXECUTE FUNCTION refuse('postings are immutable');
DROP TABLE entry;
