-- Calls may wait in a queue, and keep what their receipts say. A call that is not free has a hold of the same id and
-- amount.
DROP INDEX call_running;
ALTER TABLE call RENAME TO call_before;
CREATE TABLE call (
    id                BLOB PRIMARY KEY,
    service_id        INTEGER NOT NULL REFERENCES service (id),
    version_id        INTEGER NOT NULL REFERENCES version (id),
    account_key       BLOB NOT NULL,
    client_id         TEXT,              -- what the guest knows the account by; none on calls made before receipts were
    route             TEXT NOT NULL,
    params_digest     TEXT NOT NULL,     -- SHA-256, hexadecimal
    status            TEXT NOT NULL CHECK (status IN ('queued', 'running', 'captured', 'cancelled')),
    outcome           TEXT,
    result            TEXT,              -- until it is swept
    result_digest     TEXT,              -- SHA-256, hexadecimal
    error             TEXT,
    log               TEXT NOT NULL DEFAULT '',                  -- until it is swept
    price_list        TEXT NOT NULL,
    credits           INTEGER NOT NULL CHECK (credits >= 0),     -- authorized; 0: a free call
    counted_day       INTEGER,           -- the day of `spending` that it counts towards, if it does
    fuel_bought       INTEGER NOT NULL CHECK (fuel_bought >= 0),
    fuel_used         INTEGER NOT NULL DEFAULT 0 CHECK (fuel_used BETWEEN 0 AND fuel_bought),
    host_calls        TEXT NOT NULL DEFAULT '{}',                -- JSON: for each kind, how many and their fuel
    memory_peak_bytes INTEGER NOT NULL DEFAULT 0,
    duration_ms       INTEGER NOT NULL DEFAULT 0,
    created_at        INTEGER NOT NULL,
    started_at        INTEGER,           -- when it left the queue
    ended_at          INTEGER,
    host_id           INTEGER,           -- the host that it waits or runs on; none once it has ended
    CHECK ((status IN ('queued', 'running')) = (ended_at IS NULL)),
    CHECK (status <> 'queued' OR started_at IS NULL)
) STRICT, WITHOUT ROWID;
INSERT INTO call (id, service_id, version_id, account_key, route, params_digest, status, outcome, result, error, log,
    price_list, credits, fuel_bought, fuel_used, memory_peak_bytes, duration_ms, created_at, started_at, ended_at)
SELECT id, service_id, version_id, account_key, route, params_digest, status, outcome, result, error, log,
    price_list, credits, fuel_bought, fuel_used, memory_peak_bytes, duration_ms, created_at, created_at, ended_at
FROM call_before;
DROP TABLE call_before;
CREATE INDEX call_open ON call (status, host_id) WHERE ended_at IS NULL;

-- What a queued call is to be made with, until it starts.
CREATE TABLE queued_call (
    call_id BLOB PRIMARY KEY REFERENCES call (id),
    params  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- How far results and logs have been swept: those of calls with lower ids, which begin with their time, are gone.
CREATE TABLE call_sweep (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    call_id BLOB NOT NULL
) STRICT;
INSERT INTO call_sweep (one, call_id) VALUES (1, x'00000000000000000000000000000000');

-- What the calls of an account have captured or hold, on days with a limit: of a call that ended, what it captured.
CREATE TABLE spending (
    day         INTEGER NOT NULL,        -- counted from 1970
    service_id  INTEGER NOT NULL REFERENCES service (id),
    account_key BLOB NOT NULL,
    credits     INTEGER NOT NULL CHECK (credits >= 0),
    PRIMARY KEY (day, service_id, account_key)
) STRICT, WITHOUT ROWID;

-- Versions that were suspended because call after call failed.
CREATE TABLE suspension (
    version_id INTEGER PRIMARY KEY REFERENCES version (id),
    outcome    TEXT NOT NULL,            -- of the last call that failed
    failures   INTEGER NOT NULL CHECK (failures > 0),
    since      INTEGER NOT NULL
) STRICT;

-- Keys that receipts and quotes are signed with. The newest one signs.
CREATE TABLE signing_key (
    id         INTEGER PRIMARY KEY,
    kid        TEXT NOT NULL UNIQUE,
    seed       BLOB,                     -- the private part; gone once a newer key signs
    public     BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

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

-- The host that is sending a mail, while it is.
ALTER TABLE outbox ADD COLUMN host_id INTEGER;

-- A request that has made a hold is found by its text for a day. Rows stand in the order of their arrival; what finds
-- them by their digest is in the memory of the process that writes.
CREATE TABLE request (
    id      INTEGER PRIMARY KEY,
    digest  BLOB NOT NULL,               -- SHA-256 of whose request it is and its text
    hold_id BLOB NOT NULL,
    at      INTEGER NOT NULL
) STRICT;
INSERT INTO request (digest, hold_id, at)
SELECT key, unhex(replace(answer, '-', '')), at FROM replay WHERE fingerprint = zeroblob(32) ORDER BY at;
DELETE FROM replay WHERE fingerprint = zeroblob(32);

-- What is due, of all accounts or of some, and what is open of a service: in the order in which holds are made, so that
-- a group of them touches few pages.
DROP INDEX hold_of_account;
DROP INDEX hold_open;
CREATE INDEX hold_due  ON hold (expires_at, account_id)     WHERE state = 0;
CREATE INDEX hold_open ON hold (service_id, id, account_id) WHERE state = 0;

-- The postings of an account are a chain, of which every 64th link is indexed: a statement needs no page of its own to be
-- written with each posting. That a hold is captured once is seen to by `hold_ends_once`.
ALTER TABLE account ADD COLUMN posting_count   INTEGER NOT NULL DEFAULT 0;  -- the number of the last one
ALTER TABLE account ADD COLUMN last_posting_id INTEGER;
ALTER TABLE posting ADD COLUMN number      INTEGER NOT NULL DEFAULT 0;      -- among its account's, from 1
ALTER TABLE posting ADD COLUMN previous_id INTEGER;                         -- the account's posting before it
ALTER TABLE posting ADD COLUMN balance     INTEGER NOT NULL DEFAULT 0;      -- the account's after it
DROP INDEX posting_account;
DROP INDEX posting_capture;
DROP TRIGGER posting_immutable;
UPDATE posting SET number = chain.number, previous_id = chain.previous_id, balance = chain.balance
FROM (SELECT posting.id, row_number() OVER earlier AS number, lag(posting.id) OVER earlier AS previous_id,
        sum(amount) OVER earlier AS balance
    FROM posting JOIN entry ON posting_id = posting.id AND book = 1
    WINDOW earlier AS (PARTITION BY account_id ORDER BY posting.id)) AS chain
WHERE chain.id = posting.id;
UPDATE account SET posting_count = chain.count, last_posting_id = chain.last
FROM (SELECT account_id, count(*) AS count, max(id) AS last FROM posting GROUP BY account_id) AS chain
WHERE account_id = account.id;
CREATE TRIGGER posting_immutable BEFORE UPDATE ON posting BEGIN SELECT RAISE(ABORT, 'postings are immutable'); END;
CREATE UNIQUE INDEX posting_milestone ON posting (account_id, number) WHERE number % 64 = 0;

-- What services keep for themselves. Not without row ids: its index has the keys alone, so that listing them does not
-- read values.
CREATE TABLE key_value (
    service_id INTEGER NOT NULL REFERENCES service (id),
    key        BLOB NOT NULL,            -- UTF-8
    value      BLOB NOT NULL,
    PRIMARY KEY (service_id, key)
) STRICT;

-- How much that is, so that a limit is checked without looking at all of it.
CREATE TABLE key_value_sum (
    service_id INTEGER PRIMARY KEY REFERENCES service (id),
    keys       INTEGER NOT NULL CHECK (keys >= 0),
    bytes      INTEGER NOT NULL CHECK (bytes >= 0)               -- of keys and values
) STRICT;

-- Secrets of services, sealed with a key that is not in the database.
CREATE TABLE secret (
    service_id INTEGER NOT NULL REFERENCES service (id),
    name       TEXT NOT NULL,
    sealed     BLOB NOT NULL,            -- nonce and ChaCha20-Poly1305, bound to service and name
    set_at     INTEGER NOT NULL,
    PRIMARY KEY (service_id, name)
) STRICT, WITHOUT ROWID;
