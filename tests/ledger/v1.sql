-- A database as version 1 of the tables made it: two services, three accounts, orders that wait, were paid and were
-- refunded, holds and calls in each state, a warning, trial credits, and what is kept for repeats.
PRAGMA foreign_keys = OFF;
CREATE TABLE refinery_schema_history(
             version int4 PRIMARY KEY,
             name VARCHAR(255),
             applied_on VARCHAR(255),
             checksum VARCHAR(255));
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
CREATE TABLE alert_address (
    account_id INTEGER NOT NULL REFERENCES account (id),
    email      TEXT NOT NULL,
    lang       TEXT NOT NULL,
    PRIMARY KEY (account_id, email)
) STRICT, WITHOUT ROWID;
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
CREATE TABLE entry (
    posting_id INTEGER NOT NULL REFERENCES posting (id),
    book       INTEGER NOT NULL CHECK (book BETWEEN 0 AND 5),    -- issuance, account, earned, cash, commission, payable
    amount     INTEGER NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (posting_id, book)
) STRICT, WITHOUT ROWID;
CREATE TABLE replay (
    id          INTEGER PRIMARY KEY,
    key         BLOB NOT NULL UNIQUE,    -- SHA-256 of whose key it is and the key
    fingerprint BLOB NOT NULL,           -- SHA-256 of what was asked
    answer      TEXT NOT NULL,
    at          INTEGER NOT NULL
) STRICT;
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
INSERT INTO refinery_schema_history VALUES (1, 'ledger_and_catalogue', '2026-11-22T19:30:30.946170659Z', '5521942453777026274');
INSERT INTO instance VALUES (1, 1, x'0707070707070707070707070707070707070707070707070707070707070707', 1795375831009287);
INSERT INTO service VALUES (1, 'coalroller', 'COALROLLER', 'Credits', '', '', 9, 2500, 'active', x'636f616c726f6c6c657200000000000000000000000000000000000000000000', NULL, 1, 1795375830948219);
INSERT INTO service VALUES (2, 'other', 'OTHER', 'Credits', '', '', 0, 2500, 'active', x'6f74686572000000000000000000000000000000000000000000000000000000', NULL, NULL, 1795375830948676);
INSERT INTO component VALUES ('d1', x'0061736d');
INSERT INTO version VALUES (1, 1, 1, 'd1', '', '', 1795375830948966);
INSERT INTO pack VALUES (1, 1, '500000000 for 10000', '', 500000000, 10000, 1795375830953131);
INSERT INTO account VALUES (1, 1, x'2bc1ecb410e142bce83bce6f212b41e1781536dc', 'anna', 549999954, 700009, 549299945, 0, 0, 1795375830954693);
INSERT INTO account VALUES (2, 1, x'73675debcd8a436be48ec22211dcf44fe0df0a64', 'ben', 50000000, 0, NULL, 0, 0, 1795375830955076);
INSERT INTO account VALUES (3, 2, x'f424a008788b13311cfed23f86813510963e9bcd', 'cleo', 50000000, 0, NULL, 0, 0, 1795375830955341);
INSERT INTO alert_address VALUES (1, 'anna@example.com', '');
INSERT INTO outbox VALUES (1, 1, 'anna@example.com', '', 549299945, 549299945, 1795375831009287, 0, 1795375831009287, NULL, NULL);
INSERT INTO eligible_database VALUES ('db1', 1795375830997145);
INSERT INTO trial VALUES (1, 'db1', 1, 1795375830997470);
INSERT INTO hold VALUES (x'000000000000000000000000000000ca', 1, 1, 9, 1, 5, 1795375830965477, 4957615830965477, 1795375830985173, 'Coal');
INSERT INTO hold VALUES (x'000000000000000000000000000000cb', 1, 1, 8, 2, 0, 1795375830973147, 4957615830973147, 1795375830986082, 'Coal');
INSERT INTO hold VALUES (x'000000000000000000000000000000cc', 1, 1, 7, 0, 0, 1795375830973518, 4957615830973518, NULL, 'Coal');
INSERT INTO hold VALUES (x'01a204bd17ad735f804e797c1b6d1aa7', 1, 1, 700000, 1, 300000, 1795375830957933, 4957615830957933, 1795375830958730, NULL);
INSERT INTO hold VALUES (x'01a204bd17ae75fea47f7abe265c3b10', 1, 1, 700000, 2, 0, 1795375830958201, 4957615830958201, 1795375830965133, NULL);
INSERT INTO hold VALUES (x'01a204bd17ae75fea47f7abf029728ae', 1, 1, 700000, 0, 0, 1795375830958462, 4957615830958462, NULL, NULL);
INSERT INTO hold VALUES (x'01a204bd17d574028e9f1eadc9aa9aaa', 1, 1, 1, 0, 0, 1795375830997470, 4957615830997470, NULL, NULL);
INSERT INTO hold VALUES (x'01a204bd17e1744ab399d55803282cc0', 1, 1, 1, 0, 0, 1795375831009287, 4957615831009287, NULL, NULL);
INSERT INTO purchase VALUES (x'01a204bd17ab76238de9dbf55a8f1a2f', 1, 1, 1, '500000000 for 10000', 500000000, 10000, 2500, 2500, 'paid', 1795375830955593, 1795375830955593);
INSERT INTO purchase VALUES (x'01a204bd17ab76238de9dbf654b88a07', 1, 1, 1, '500000000 for 10000', 500000000, 10000, 2500, 2500, 'refunded', 1795375830955997, 1795375830957249);
INSERT INTO purchase VALUES (x'01a204bd17ad735f804e797b4c48d822', 1, 1, 1, '500000000 for 10000', 500000000, 10000, 2500, 2500, 'pending', 1795375830957630, NULL);
INSERT INTO posting VALUES (1, 0, 1, 1, NULL, NULL, 'a gift', 1795375830954693);
INSERT INTO posting VALUES (2, 0, 1, 2, NULL, NULL, 'a gift', 1795375830955076);
INSERT INTO posting VALUES (3, 0, 2, 3, NULL, NULL, 'a gift', 1795375830955341);
INSERT INTO posting VALUES (4, 2, 1, 1, NULL, x'01a204bd17ab76238de9dbf55a8f1a2f', NULL, 1795375830955593);
INSERT INTO posting VALUES (5, 2, 1, 1, NULL, x'01a204bd17ab76238de9dbf654b88a07', NULL, 1795375830955997);
INSERT INTO posting VALUES (6, 5, 1, 1, NULL, x'01a204bd17ab76238de9dbf654b88a07', 'a mistake', 1795375830957249);
INSERT INTO posting VALUES (7, 3, 1, 1, x'01a204bd17ad735f804e797c1b6d1aa7', NULL, NULL, 1795375830958730);
INSERT INTO posting VALUES (8, 4, 1, 1, x'01a204bd17ad735f804e797c1b6d1aa7', NULL, 'half of it failed', 1795375830959199);
INSERT INTO posting VALUES (9, 3, 1, 1, x'000000000000000000000000000000ca', NULL, NULL, 1795375830985173);
INSERT INTO posting VALUES (10, 1, 1, 1, NULL, NULL, NULL, 1795375830997470);
INSERT INTO entry VALUES (1, 0, -50000000);
INSERT INTO entry VALUES (1, 1, 50000000);
INSERT INTO entry VALUES (2, 0, -50000000);
INSERT INTO entry VALUES (2, 1, 50000000);
INSERT INTO entry VALUES (3, 0, -50000000);
INSERT INTO entry VALUES (3, 1, 50000000);
INSERT INTO entry VALUES (4, 0, -500000000);
INSERT INTO entry VALUES (4, 1, 500000000);
INSERT INTO entry VALUES (4, 3, 10000);
INSERT INTO entry VALUES (4, 4, -2500);
INSERT INTO entry VALUES (4, 5, -7500);
INSERT INTO entry VALUES (5, 0, -500000000);
INSERT INTO entry VALUES (5, 1, 500000000);
INSERT INTO entry VALUES (5, 3, 10000);
INSERT INTO entry VALUES (5, 4, -2500);
INSERT INTO entry VALUES (5, 5, -7500);
INSERT INTO entry VALUES (6, 0, 500000000);
INSERT INTO entry VALUES (6, 1, -500000000);
INSERT INTO entry VALUES (6, 3, -10000);
INSERT INTO entry VALUES (6, 4, 2500);
INSERT INTO entry VALUES (6, 5, 7500);
INSERT INTO entry VALUES (7, 1, -300000);
INSERT INTO entry VALUES (7, 2, 300000);
INSERT INTO entry VALUES (8, 1, 299950);
INSERT INTO entry VALUES (8, 2, -299950);
INSERT INTO entry VALUES (9, 1, -5);
INSERT INTO entry VALUES (9, 2, 5);
INSERT INTO entry VALUES (10, 0, -9);
INSERT INTO entry VALUES (10, 1, 9);
INSERT INTO replay VALUES (1, x'6100000000000000000000000000000000000000000000000000000000000000', x'3100000000000000000000000000000000000000000000000000000000000000', '01a204bd17ae75fea47f7abf029728ae', 1795375830958462);
INSERT INTO replay VALUES (2, x'6200000000000000000000000000000000000000000000000000000000000000', x'3100000000000000000000000000000000000000000000000000000000000000', 'available 5', 1795375830958463);
INSERT INTO replay VALUES (3, x'6300000000000000000000000000000000000000000000000000000000000000', x'3100000000000000000000000000000000000000000000000000000000000000', 'unknown account', 1795375830958464);
INSERT INTO call VALUES (x'000000000000000000000000000000ca', 1, 1, x'2bc1ecb410e142bce83bce6f212b41e1781536dc', 'roll', '', 'captured', 'ok', NULL, NULL, '', '1', 9, 1000, 900, 65536, 3, 1795375830965477, 1795375830985173);
INSERT INTO call VALUES (x'000000000000000000000000000000cb', 1, 1, x'2bc1ecb410e142bce83bce6f212b41e1781536dc', 'roll', '', 'cancelled', 'ok', NULL, NULL, '', '1', 8, 1000, 900, 65536, 3, 1795375830973147, 1795375830986082);
INSERT INTO call VALUES (x'000000000000000000000000000000cc', 1, 1, x'2bc1ecb410e142bce83bce6f212b41e1781536dc', 'roll', '', 'running', NULL, NULL, NULL, '', '1', 7, 1000, 0, 0, 0, 1795375830973518, NULL);
INSERT INTO call VALUES (x'000000000000000000000000000000cd', 1, 1, x'2bc1ecb410e142bce83bce6f212b41e1781536dc', 'roll', '', 'captured', 'ok', NULL, NULL, '', '1', 0, 1000, 900, 65536, 3, 1795375830977129, 1795375830989123);
CREATE INDEX pack_service ON pack (service_id);
CREATE INDEX outbox_due ON outbox (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX hold_open ON hold (expires_at) WHERE state = 0;
CREATE INDEX hold_of_account ON hold (service_id, account_id) WHERE state = 0;
CREATE INDEX purchase_pending ON purchase (service_id, account_id) WHERE status = 'pending';
CREATE UNIQUE INDEX posting_capture      ON posting (hold_id)  WHERE kind = 3;
CREATE INDEX posting_refund       ON posting (hold_id)  WHERE kind = 4;
CREATE UNIQUE INDEX posting_order        ON posting (order_id) WHERE kind = 2;
CREATE UNIQUE INDEX posting_order_refund ON posting (order_id) WHERE kind = 5;
CREATE INDEX posting_account ON posting (account_id, id);
CREATE TRIGGER entry_immutable    BEFORE UPDATE ON entry    BEGIN SELECT RAISE(ABORT, 'entries are immutable'); END;
CREATE TRIGGER entry_kept         BEFORE DELETE ON entry    BEGIN SELECT RAISE(ABORT, 'entries are immutable'); END;
CREATE TRIGGER posting_immutable  BEFORE UPDATE ON posting  BEGIN SELECT RAISE(ABORT, 'postings are immutable'); END;
CREATE TRIGGER posting_kept       BEFORE DELETE ON posting  BEGIN SELECT RAISE(ABORT, 'postings are immutable'); END;
CREATE TRIGGER purchase_immutable BEFORE UPDATE OF id, service_id, account_id, pack_id, pack_name, credits,
price_cents, commission_bp, commission_cents, created_at ON purchase
BEGIN SELECT RAISE(ABORT, 'an order keeps its terms'); END;
CREATE TRIGGER purchase_kept      BEFORE DELETE ON purchase BEGIN SELECT RAISE(ABORT, 'orders are kept'); END;
CREATE TRIGGER hold_ends_once BEFORE UPDATE ON hold WHEN OLD.state <> 0
BEGIN SELECT RAISE(ABORT, 'a hold ends once'); END;
CREATE TRIGGER hold_immutable BEFORE UPDATE OF id, account_id, service_id, amount, created_at, expires_at, description
ON hold BEGIN SELECT RAISE(ABORT, 'a hold keeps its terms'); END;
CREATE TRIGGER hold_kept BEFORE DELETE ON hold BEGIN SELECT RAISE(ABORT, 'holds are kept'); END;
CREATE INDEX call_running ON call (status) WHERE status = 'running';
