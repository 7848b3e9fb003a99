//! The list of what has to hold.

/// One check: a query for the rows that break an invariant.
pub(super) struct Check {
    /// The invariant.
    pub(super) invariant: &'static str,
    /// What is said of each row, with `{}` for each of its columns.
    pub(super) says: &'static str,
    /// The query.
    pub(super) sql: &'static str,
}

/// A table whose rows are sealed.
pub(super) struct Sealed {
    /// The kind of row, as its seal has it.
    pub(super) kind: &'static str,
    /// The table.
    pub(super) table: &'static str,
    /// The columns that are sealed, in the order of the seal. The first names the row.
    pub(super) terms: &'static str,
}

pub(super) const SEALED: &[Sealed] = &[
    Sealed {
        kind: "hold",
        table: "hold",
        terms: "id, account_id, service_id, amount, created_at, expires_at, description",
    },
    Sealed {
        kind: "order",
        table: "purchase",
        terms: "id, service_id, account_id, pack_id, pack_name, credits, price_cents, \
                commission_bp, commission_cents, created_at",
    },
    Sealed {
        kind: "warning",
        table: "outbox",
        terms: "account_id, available, warn_at, created_at",
    },
];

/// What every store has to keep to.
pub(super) const EVERYWHERE: &[Check] = &[
    Check {
        invariant: MISSING,
        says: "posting {} refers to a missing order {}",
        sql: "SELECT id, order_id FROM posting WHERE order_id IS NOT NULL AND NOT EXISTS \
              (SELECT 1 FROM purchase WHERE purchase.id = posting.order_id)",
    },
    Check {
        invariant: MISSING,
        says: "account {} has no balance",
        sql: "SELECT id FROM account WHERE NOT EXISTS \
              (SELECT 1 FROM account_balance WHERE account_id = account.id)",
    },
    Check {
        invariant: "a posting's entries sum to zero in each unit",
        says: "posting {} sums to {} micro-credits and {} cents",
        sql: "SELECT id, amount + issuance + earned, cash + commission + payable FROM posting \
              WHERE amount + issuance + earned <> 0 OR cash + commission + payable <> 0",
    },
    Check {
        // Holds move credits from and to what was earned, all else from and to what was issued.
        invariant: "a posting is of its account's service, and of a kind that fits its amounts",
        says: "posting {} of kind {} adds {}, takes {} from what was issued and {} from what was earned",
        sql: "SELECT posting.id, kind, amount, -issuance, -earned FROM posting \
              LEFT JOIN account ON account.id = posting.account_id \
              WHERE amount = 0 OR (kind IN (3, 5)) <> (amount < 0) \
              OR amount <> CASE WHEN kind IN (3, 4) THEN -earned ELSE -issuance END \
              OR (kind NOT IN (2, 5) AND (cash <> 0 OR commission <> 0 OR payable <> 0)) \
              OR posting.service_id <> coalesce(account.service_id, 0)",
    },
    Check {
        invariant: "a posting follows the one before it of its account, and adds to the balance",
        says: "posting {} is number {} with a balance of {}, posting {} before it has {} and {}",
        sql: "SELECT posting.id, posting.number, posting.balance, posting.previous_id, \
              previous.number, previous.balance FROM posting \
              LEFT JOIN posting AS previous ON previous.id = posting.previous_id \
              WHERE posting.number <> coalesce(previous.number, 0) + 1 \
              OR posting.balance <> coalesce(previous.balance, 0) + posting.amount \
              OR posting.account_id <> coalesce(previous.account_id, posting.account_id) \
              OR posting.id <= coalesce(posting.previous_id, 0)",
    },
    Check {
        invariant: "an account's balance is the sum of its postings",
        says: "account {} has {} after {} postings, they sum to {} in {}",
        sql: "SELECT id, account_balance.balance, posting_count, coalesce(posted, 0), \
              coalesce(count, 0) FROM account \
              JOIN account_balance ON account_balance.account_id = id \
              LEFT JOIN (SELECT account_id, CAST(sum(amount) AS bigint) AS posted, \
              count(*) AS count, max(id) AS last FROM posting GROUP BY account_id) AS sums \
              ON sums.account_id = id WHERE account_balance.balance <> coalesce(posted, 0) OR posting_count <> coalesce(count, 0) \
              OR coalesce(last_posting_id, 0) <> coalesce(last, 0)",
    },
    Check {
        invariant: "what an account has held is the sum of its open holds",
        says: "account {} has {} held, its open holds sum to {}",
        sql: "SELECT account_balance.account_id, held, coalesce(set_aside, 0) FROM account_balance \
              LEFT JOIN (SELECT account_id, CAST(sum(amount) AS bigint) AS set_aside \
              FROM hold WHERE state = 0 GROUP BY account_id) AS sums \
              ON sums.account_id = account_balance.account_id WHERE held <> coalesce(set_aside, 0)",
    },
    Check {
        invariant: "0 <= held <= balance",
        says: "account {} has {} held of {}",
        sql: "SELECT account_id, held, balance FROM account_balance WHERE held < 0 OR held > balance",
    },
    Check {
        invariant: "captured <= authorized",
        says: "hold {} captured {} of {}",
        sql: "SELECT id, captured, amount FROM hold \
              WHERE captured > amount OR captured < 0 OR amount <= 0",
    },
    Check {
        invariant: CAPTURED,
        says: "posting {} took {} of hold {}, which captured {}",
        sql: "SELECT posting.id, -posting.amount, posting.hold_id, captured FROM posting \
              LEFT JOIN hold ON hold.id = posting.hold_id \
              WHERE posting.kind = 3 AND (coalesce(captured, 0) <> -posting.amount \
              OR posting.account_id <> coalesce(hold.account_id, 0))",
    },
    Check {
        invariant: CAPTURED,
        says: "hold {} has {}",
        sql: "SELECT hold_id, count(*) FROM posting WHERE kind = 3 \
              GROUP BY hold_id HAVING count(*) > 1",
    },
    Check {
        invariant: CAPTURED,
        says: "hold {} has none",
        sql: "SELECT id FROM hold WHERE captured > 0 \
              EXCEPT SELECT hold_id FROM posting WHERE kind = 3",
    },
    Check {
        invariant: "what was given back of a hold is not above what it captured",
        says: "hold {} captured {}, gave back {}",
        sql: "SELECT posting.hold_id, captured, CAST(sum(posting.amount) AS bigint) FROM posting \
              LEFT JOIN hold ON hold.id = posting.hold_id \
              WHERE posting.kind = 4 GROUP BY posting.hold_id, captured \
              HAVING sum(posting.amount) > coalesce(captured, 0) \
              OR sum(CASE WHEN posting.account_id <> hold.account_id THEN 1 ELSE 0 END) > 0",
    },
    Check {
        invariant: "an account had trial credits once for each database that asked for them",
        says: "account {} had them {} times for {} databases",
        sql: "SELECT account.id, coalesce(granted, 0), coalesce(databases, 0) FROM account \
              LEFT JOIN (SELECT account_id, count(*) AS granted FROM posting WHERE kind = 1 \
              GROUP BY account_id) AS given ON given.account_id = account.id \
              LEFT JOIN (SELECT account_id, service_id, count(*) AS databases FROM trial \
              GROUP BY account_id, service_id) AS asked \
              ON asked.account_id = account.id AND asked.service_id = account.service_id \
              WHERE coalesce(granted, 0) <> coalesce(databases, 0)",
    },
    Check {
        invariant: "a hold has ended exactly when it is not open",
        says: "hold {} has state {}",
        sql: "SELECT id, state FROM hold \
              WHERE (state = 0) <> (ended_at IS NULL) OR (state <> 1 AND captured <> 0)",
    },
    Check {
        invariant: "a hold belongs to its account's service",
        says: "hold {} of account {}",
        sql: "SELECT hold.id, hold.account_id FROM hold \
              LEFT JOIN account ON account.id = hold.account_id \
              WHERE hold.service_id <> coalesce(account.service_id, 0)",
    },
    Check {
        invariant: "an order that was paid, or refunded, has the postings for it, and no other has any",
        says: "order {} is {} and has {} postings",
        sql: "SELECT purchase.id, status, count(posting.id) FROM purchase \
              LEFT JOIN posting ON posting.order_id = purchase.id GROUP BY purchase.id, status \
              HAVING count(posting.id) <> \
              CASE status WHEN 'pending' THEN 0 WHEN 'paid' THEN 1 ELSE 2 END",
    },
    Check {
        invariant: "an order's postings move its credits and split its price",
        says: "order {} was for {} and {} cents",
        // Half a cent is the most by which rounding may move the commission.
        sql: "SELECT purchase.id, credits, price_cents FROM purchase \
              LEFT JOIN posting ON posting.order_id = purchase.id \
              WHERE abs(commission_cents * 10000 - price_cents * commission_bp) > 5000 \
              OR (posting.id IS NOT NULL AND (posting.account_id <> purchase.account_id \
              OR posting.service_id <> purchase.service_id \
              OR credits * CASE kind WHEN 2 THEN 1 ELSE -1 END <> amount \
              OR price_cents * CASE kind WHEN 2 THEN 1 ELSE -1 END <> cash \
              OR commission_cents * CASE kind WHEN 2 THEN -1 ELSE 1 END <> commission))",
    },
    Check {
        invariant: "a call has a hold of what it is authorized for, and ends with it",
        says: "call {} for {} is {}, its hold of {} has state {}",
        sql: "SELECT call.id, credits, status, amount, state \
              FROM call LEFT JOIN hold ON hold.id = call.id \
              LEFT JOIN account ON account.id = hold.account_id \
              WHERE credits <> coalesce(amount, 0) \
              OR account.service_id <> call.service_id OR account.key <> call.account_key \
              OR (status = 'captured') <> (state = 1) OR (status = 'cancelled' AND state = 0)",
    },
    Check {
        invariant: "what an account spends on a day with a limit is what that day's calls cost",
        says: "service {}, day {}: {} counted, {} spent",
        sql: "SELECT counted.service_id, counted.day, counted.credits, coalesce(cost, 0) \
              FROM spending AS counted \
              LEFT JOIN (SELECT call.service_id, call.account_key, counted_day AS day, \
              CAST(sum(CASE WHEN call.ended_at IS NULL THEN call.credits \
              ELSE coalesce(hold.captured, 0) END) AS bigint) AS cost \
              FROM call LEFT JOIN hold ON hold.id = call.id WHERE counted_day IS NOT NULL \
              GROUP BY call.service_id, call.account_key, counted_day) AS spent \
              ON spent.service_id = counted.service_id \
              AND spent.account_key = counted.account_key AND spent.day = counted.day \
              WHERE counted.credits <> coalesce(cost, 0)",
    },
];

/// What SQLite finds out by itself.
pub(super) const SQLITE: &[Check] = &[
    Check {
        // A look at every page, index and CHECK constraint.
        invariant: "the database is sound",
        says: "{}",
        sql: "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    },
    Check {
        // Holds and postings do not say what they refer to: that is looked at above.
        invariant: MISSING,
        says: "{} row {} refers to a missing {}",
        sql: "SELECT \"table\", missing.rowid, parent \
              FROM sqlite_schema AS each JOIN pragma_foreign_key_check(each.name) AS missing \
              WHERE each.type = 'table'",
    },
];

const CAPTURED: &str = "a hold that captured has one posting of that amount, and no other has one";
const MISSING: &str = "no row refers to one that is not there";
