-- Instants are microseconds since 1970 in UTC, credits are millionths, money is cents.

-- What belongs to this database as a whole.
CREATE TABLE instance (
    one          INTEGER PRIMARY KEY CHECK (one = 1),
    sandbox      INTEGER NOT NULL CHECK (sandbox IN (0, 1)),
    secret       BLOB NOT NULL,          -- 32 random bytes: client ids are derived from it
    last_instant INTEGER NOT NULL        -- the ledger's clock never goes behind it
) STRICT;

CREATE TABLE api_token (
    id         INTEGER PRIMARY KEY,
    role       TEXT NOT NULL CHECK (role IN ('operator', 'provider', 'client')),
    name       TEXT NOT NULL,
    hash       BLOB NOT NULL UNIQUE,     -- SHA-256 of the token
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE TABLE service (
    id             INTEGER PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE,
    label          TEXT NOT NULL UNIQUE,
    unit           TEXT NOT NULL,
    description    TEXT NOT NULL,
    privacy_policy TEXT NOT NULL,
    trial_credits  INTEGER NOT NULL CHECK (trial_credits >= 0),
    commission_bp  INTEGER NOT NULL CHECK (commission_bp BETWEEN 0 AND 10000),
    status         TEXT NOT NULL CHECK (status IN ('pending', 'active', 'suspended')),
    key_hash       BLOB NOT NULL UNIQUE, -- SHA-256 of the service key
    owner_id       INTEGER REFERENCES api_token (id),
    active_version INTEGER REFERENCES version (id),
    created_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE component (
    digest TEXT PRIMARY KEY,             -- SHA-256, hexadecimal
    bytes  BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE version (
    id              INTEGER PRIMARY KEY,
    service_id      INTEGER NOT NULL REFERENCES service (id),
    number          INTEGER NOT NULL CHECK (number > 0),
    digest          TEXT NOT NULL REFERENCES component (digest),
    manifest        TEXT NOT NULL,
    credit_template TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    UNIQUE (service_id, number)
) STRICT;

CREATE TABLE pack (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    service_id  INTEGER NOT NULL REFERENCES service (id),
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    credits     INTEGER NOT NULL CHECK (credits > 0),
    price_cents INTEGER NOT NULL CHECK (price_cents >= 0),
    created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX pack_service ON pack (service_id);

CREATE TABLE account (
    id               INTEGER PRIMARY KEY,
    service_id       INTEGER NOT NULL REFERENCES service (id),
    key              BLOB NOT NULL,      -- SHA-1 of the token without a suffix
    token            TEXT,               -- the token, once it was given
    balance          INTEGER NOT NULL,
    held             INTEGER NOT NULL,
    warn_at          INTEGER CHECK (warn_at > 0),
    refill_at        INTEGER NOT NULL DEFAULT 0 CHECK (refill_at >= 0),
    refill_pack      INTEGER NOT NULL DEFAULT 0,
    created_at       INTEGER NOT NULL,
    UNIQUE (key, service_id),
    CHECK (held >= 0 AND held <= balance)
) STRICT;

-- Who is warned when an account runs low.
CREATE TABLE alert_address (
    account_id INTEGER NOT NULL REFERENCES account (id),
    email      TEXT NOT NULL,
    lang       TEXT NOT NULL,
    PRIMARY KEY (account_id, email)
) STRICT, WITHOUT ROWID;

-- Mail that is to be sent, written in the transaction of what it is about.
CREATE TABLE outbox (
    id         INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id),
    email      TEXT NOT NULL,
    lang       TEXT NOT NULL,
    available  INTEGER NOT NULL,
    warn_at    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    due_at     INTEGER,                  -- none once it was sent or given up
    sent_at    INTEGER,
    error      TEXT                      -- what the last attempt said
) STRICT;
CREATE INDEX outbox_due ON outbox (due_at) WHERE due_at IS NOT NULL;

-- Databases that may receive trial credits, and those that have.
CREATE TABLE eligible_database (
    dbuuid     TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE trial (
    service_id INTEGER NOT NULL REFERENCES service (id),
    dbuuid     TEXT NOT NULL,
    account_id INTEGER NOT NULL REFERENCES account (id),
    at         INTEGER NOT NULL,
    PRIMARY KEY (service_id, dbuuid)
) STRICT, WITHOUT ROWID;

CREATE TABLE hold (
    id          BLOB PRIMARY KEY,
    account_id  INTEGER NOT NULL REFERENCES account (id),
    service_id  INTEGER NOT NULL REFERENCES service (id),
    amount      INTEGER NOT NULL CHECK (amount > 0),
    state       INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),  -- open, captured, cancelled, expired
    captured    INTEGER NOT NULL CHECK (captured BETWEEN 0 AND amount),
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    ended_at    INTEGER,
    description TEXT,
    CHECK ((state = 0) = (ended_at IS NULL)),
    CHECK (state = 1 OR captured = 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX hold_open ON hold (expires_at) WHERE state = 0;
CREATE INDEX hold_of_account ON hold (service_id, account_id) WHERE state = 0;

CREATE TABLE purchase (
    id               BLOB PRIMARY KEY,
    service_id       INTEGER NOT NULL REFERENCES service (id),
    account_id       INTEGER NOT NULL REFERENCES account (id),
    pack_id          INTEGER NOT NULL,
    pack_name        TEXT NOT NULL,
    credits          INTEGER NOT NULL CHECK (credits > 0),
    price_cents      INTEGER NOT NULL CHECK (price_cents >= 0),
    commission_bp    INTEGER NOT NULL CHECK (commission_bp BETWEEN 0 AND 10000),
    commission_cents INTEGER NOT NULL CHECK (commission_cents BETWEEN 0 AND price_cents),
    status           TEXT NOT NULL CHECK (status IN ('pending', 'paid', 'refunded')),
    created_at       INTEGER NOT NULL,
    ended_at         INTEGER,            -- when it was paid, or else refunded
    CHECK ((status = 'pending') = (ended_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX purchase_pending ON purchase (service_id, account_id) WHERE status = 'pending';

CREATE TABLE posting (
    id         INTEGER PRIMARY KEY,
    kind       INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 5),    -- gift, trial, order, capture, refund, order refund
    service_id INTEGER NOT NULL REFERENCES service (id),
    account_id INTEGER NOT NULL REFERENCES account (id),
    hold_id    BLOB REFERENCES hold (id),                        -- what was captured or given back
    order_id   BLOB REFERENCES purchase (id),                    -- what was paid or given back
    reason     TEXT,
    at         INTEGER NOT NULL,
    CHECK ((kind IN (3, 4)) = (hold_id IS NOT NULL)),
    CHECK ((kind IN (2, 5)) = (order_id IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX posting_capture      ON posting (hold_id)  WHERE kind = 3;
CREATE        INDEX posting_refund       ON posting (hold_id)  WHERE kind = 4;
CREATE UNIQUE INDEX posting_order        ON posting (order_id) WHERE kind = 2;
CREATE UNIQUE INDEX posting_order_refund ON posting (order_id) WHERE kind = 5;
CREATE INDEX posting_account ON posting (account_id, id);

CREATE TABLE entry (
    posting_id INTEGER NOT NULL REFERENCES posting (id),
    book       INTEGER NOT NULL CHECK (book BETWEEN 0 AND 5),    -- issuance, account, earned, cash, commission, payable
    amount     INTEGER NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (posting_id, book)
) STRICT, WITHOUT ROWID;

-- What is written once is never altered.
CREATE TRIGGER entry_immutable    BEFORE UPDATE ON entry    BEGIN SELECT RAISE(ABORT, 'entries are immutable'); END;
CREATE TRIGGER entry_kept         BEFORE DELETE ON entry    BEGIN SELECT RAISE(ABORT, 'entries are immutable'); END;
CREATE TRIGGER posting_immutable  BEFORE UPDATE ON posting  BEGIN SELECT RAISE(ABORT, 'postings are immutable'); END;
CREATE TRIGGER posting_kept       BEFORE DELETE ON posting  BEGIN SELECT RAISE(ABORT, 'postings are immutable'); END;
CREATE TRIGGER purchase_immutable BEFORE UPDATE OF id, service_id, account_id, pack_id, pack_name, credits,
price_cents, commission_bp, commission_cents, created_at ON purchase
BEGIN SELECT RAISE(ABORT, 'an order keeps its terms'); END;
CREATE TRIGGER purchase_kept      BEFORE DELETE ON purchase BEGIN SELECT RAISE(ABORT, 'orders are kept'); END;

-- A hold ends once, and until then and after it stays what it was.
CREATE TRIGGER hold_ends_once BEFORE UPDATE ON hold WHEN OLD.state <> 0
BEGIN SELECT RAISE(ABORT, 'a hold ends once'); END;
CREATE TRIGGER hold_immutable BEFORE UPDATE OF id, account_id, service_id, amount, created_at, expires_at, description
ON hold BEGIN SELECT RAISE(ABORT, 'a hold keeps its terms'); END;
CREATE TRIGGER hold_kept BEFORE DELETE ON hold BEGIN SELECT RAISE(ABORT, 'holds are kept'); END;

-- The answers to requests that may be repeated, for a day. The oldest stand first.
CREATE TABLE replay (
    id          INTEGER PRIMARY KEY,
    key         BLOB NOT NULL UNIQUE,    -- SHA-256 of whose key it is and the key
    fingerprint BLOB NOT NULL,           -- SHA-256 of what was asked
    answer      TEXT NOT NULL,
    at          INTEGER NOT NULL
) STRICT;

-- A call that is not free has a hold of the same id and amount.
CREATE TABLE call (
    id                BLOB PRIMARY KEY,
    service_id        INTEGER NOT NULL REFERENCES service (id),
    version_id        INTEGER NOT NULL REFERENCES version (id),
    account_key       BLOB NOT NULL,
    route             TEXT NOT NULL,
    params_digest     TEXT NOT NULL,
    status            TEXT NOT NULL CHECK (status IN ('running', 'captured', 'cancelled')),
    outcome           TEXT,
    result            TEXT,
    error             TEXT,
    log               TEXT NOT NULL DEFAULT '',
    price_list        TEXT NOT NULL,
    credits           INTEGER NOT NULL CHECK (credits >= 0),     -- authorized; 0: a free call
    fuel_bought       INTEGER NOT NULL CHECK (fuel_bought >= 0),
    fuel_used         INTEGER NOT NULL DEFAULT 0 CHECK (fuel_used BETWEEN 0 AND fuel_bought),
    memory_peak_bytes INTEGER NOT NULL DEFAULT 0,
    duration_ms       INTEGER NOT NULL DEFAULT 0,
    created_at        INTEGER NOT NULL,
    ended_at          INTEGER,
    CHECK ((status = 'running') = (ended_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX call_running ON call (status) WHERE status = 'running';
