-- A database as version 4 of the tables made it, brought there from the fixture of version 3.
PRAGMA foreign_keys = OFF;
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
    created_at       INTEGER NOT NULL, posting_count   INTEGER NOT NULL DEFAULT 0, last_posting_id INTEGER,
    UNIQUE (key, service_id),
    CHECK (held >= 0 AND held <= balance)
) STRICT;
INSERT INTO "account" VALUES(1,1,X'2BC1ECB410E142BCE83BCE6F212B41E1781536DC','anna',549999954,700009,549299945,0,0,1795375830954693,8,10);
INSERT INTO "account" VALUES(2,1,X'73675DEBCD8A436BE48EC22211DCF44FE0DF0A64','ben',50000000,0,NULL,0,0,1795375830955076,1,2);
INSERT INTO "account" VALUES(3,2,X'F424A008788B13311CFED23F86813510963E9BCD','cleo',50000000,0,NULL,0,0,1795375830955341,1,3);
CREATE TABLE alert_address (
    account_id INTEGER NOT NULL REFERENCES account (id),
    email      TEXT NOT NULL,
    lang       TEXT NOT NULL,
    PRIMARY KEY (account_id, email)
) STRICT, WITHOUT ROWID;
INSERT INTO "alert_address" VALUES(1,'anna@example.com','');
CREATE TABLE api_token (
    id         INTEGER PRIMARY KEY,
    role       TEXT NOT NULL CHECK (role IN ('operator', 'provider', 'client')),
    name       TEXT NOT NULL,
    hash       BLOB NOT NULL UNIQUE,     -- SHA-256 of the token
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
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
INSERT INTO "call" VALUES(X'000000000000000000000000000000CA',1,1,X'2BC1ECB410E142BCE83BCE6F212B41E1781536DC',NULL,'roll','','captured','ok',NULL,NULL,NULL,'','1',9,NULL,1000,900,'{}',65536,3,1795375830965477,1795375830965477,1795375830985173,NULL);
INSERT INTO "call" VALUES(X'000000000000000000000000000000CB',1,1,X'2BC1ECB410E142BCE83BCE6F212B41E1781536DC',NULL,'roll','','cancelled','ok',NULL,NULL,NULL,'','1',8,NULL,1000,900,'{}',65536,3,1795375830973147,1795375830973147,1795375830986082,NULL);
INSERT INTO "call" VALUES(X'000000000000000000000000000000CC',1,1,X'2BC1ECB410E142BCE83BCE6F212B41E1781536DC',NULL,'roll','','running',NULL,NULL,NULL,NULL,'','1',7,NULL,1000,0,'{}',0,0,1795375830973518,1795375830973518,NULL,NULL);
INSERT INTO "call" VALUES(X'000000000000000000000000000000CD',1,1,X'2BC1ECB410E142BCE83BCE6F212B41E1781536DC',NULL,'roll','','captured','ok',NULL,NULL,NULL,'','1',0,NULL,1000,900,'{}',65536,3,1795375830977129,1795375830977129,1795375830989123,NULL);
CREATE TABLE call_sweep (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    call_id BLOB NOT NULL
) STRICT;
INSERT INTO "call_sweep" VALUES(1,X'00000000000000000000000000000000');
CREATE TABLE component (
    digest TEXT PRIMARY KEY,             -- SHA-256, hexadecimal
    bytes  BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "component" VALUES('d1',X'0061736D');
CREATE TABLE eligible_database (
    dbuuid     TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "eligible_database" VALUES('db1',1795375830997145);
CREATE TABLE "hold" (
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
INSERT INTO "hold" VALUES(X'000000000000000000000000000000CA',1,1,9,1,5,1795375830965477,4957615830965477,1795375830985173,'Coal',7827939650032281652);
INSERT INTO "hold" VALUES(X'000000000000000000000000000000CB',1,1,8,2,0,1795375830973147,4957615830973147,1795375830986082,'Coal',-6925909725176935879);
INSERT INTO "hold" VALUES(X'000000000000000000000000000000CC',1,1,7,0,0,1795375830973518,4957615830973518,NULL,'Coal',1893710346060619414);
INSERT INTO "hold" VALUES(X'01A204BD17AD735F804E797C1B6D1AA7',1,1,700000,1,300000,1795375830957933,4957615830957933,1795375830958730,NULL,4608309582967572308);
INSERT INTO "hold" VALUES(X'01A204BD17AE75FEA47F7ABE265C3B10',1,1,700000,2,0,1795375830958201,4957615830958201,1795375830965133,NULL,-485946589378007560);
INSERT INTO "hold" VALUES(X'01A204BD17AE75FEA47F7ABF029728AE',1,1,700000,0,0,1795375830958462,4957615830958462,NULL,NULL,3674757377593381817);
INSERT INTO "hold" VALUES(X'01A204BD17D574028E9F1EADC9AA9AAA',1,1,1,0,0,1795375830997470,4957615830997470,NULL,NULL,4261802009808308995);
INSERT INTO "hold" VALUES(X'01A204BD17E1744AB399D55803282CC0',1,1,1,0,0,1795375831009287,4957615831009287,NULL,NULL,3457222104932569870);
CREATE TABLE host (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT NOT NULL,
    batch        INTEGER NOT NULL DEFAULT 0,  -- how many transactions it has committed: the fence
    last_instant INTEGER NOT NULL DEFAULT 0,  -- its clock never goes behind it
    started_at   INTEGER NOT NULL,
    lease_until  INTEGER NOT NULL             -- the others take over what it does after that
) STRICT;
INSERT INTO "host" VALUES(1,'vm/10354',0,0,1795409124965581,9223372036854775807);
CREATE TABLE instance (
    one          INTEGER PRIMARY KEY CHECK (one = 1),
    sandbox      INTEGER NOT NULL CHECK (sandbox IN (0, 1)),
    secret       BLOB NOT NULL,          -- 32 random bytes: client ids are derived from it
    last_instant INTEGER NOT NULL        -- the ledger's clock never goes behind it
, catalogue INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "instance" VALUES(1,1,X'0707070707070707070707070707070707070707070707070707070707070707',1795375831009287,0);
CREATE TABLE key_value (
    service_id INTEGER NOT NULL REFERENCES service (id),
    key        BLOB NOT NULL,            -- UTF-8
    value      BLOB NOT NULL,
    PRIMARY KEY (service_id, key)
) STRICT;
CREATE TABLE key_value_sum (
    service_id INTEGER PRIMARY KEY REFERENCES service (id),
    keys       INTEGER NOT NULL CHECK (keys >= 0),
    bytes      INTEGER NOT NULL CHECK (bytes >= 0)               -- of keys and values
) STRICT;
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
, seal INTEGER NOT NULL DEFAULT 0, host_id INTEGER) STRICT;
INSERT INTO "outbox" VALUES(1,1,'anna@example.com','',549299945,549299945,1795375831009287,0,1795375831009287,NULL,NULL,1253350123754390999,NULL);
CREATE TABLE pack (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    service_id  INTEGER NOT NULL REFERENCES service (id),
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    credits     INTEGER NOT NULL CHECK (credits > 0),
    price_cents INTEGER NOT NULL CHECK (price_cents >= 0),
    created_at  INTEGER NOT NULL
) STRICT;
INSERT INTO "pack" VALUES(1,1,'500000000 for 10000','',500000000,10000,1795375830953131);
CREATE TABLE "posting" (
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
INSERT INTO "posting" VALUES(1,0,1,1,1,NULL,50000000,50000000,-50000000,0,0,0,0,NULL,NULL,'a gift',1795375830954693);
INSERT INTO "posting" VALUES(2,0,1,2,1,NULL,50000000,50000000,-50000000,0,0,0,0,NULL,NULL,'a gift',1795375830955076);
INSERT INTO "posting" VALUES(3,0,2,3,1,NULL,50000000,50000000,-50000000,0,0,0,0,NULL,NULL,'a gift',1795375830955341);
INSERT INTO "posting" VALUES(4,2,1,1,2,1,550000000,500000000,-500000000,0,10000,-2500,-7500,NULL,X'01A204BD17AB76238DE9DBF55A8F1A2F',NULL,1795375830955593);
INSERT INTO "posting" VALUES(5,2,1,1,3,4,1050000000,500000000,-500000000,0,10000,-2500,-7500,NULL,X'01A204BD17AB76238DE9DBF654B88A07',NULL,1795375830955997);
INSERT INTO "posting" VALUES(6,5,1,1,4,5,550000000,-500000000,500000000,0,-10000,2500,7500,NULL,X'01A204BD17AB76238DE9DBF654B88A07','a mistake',1795375830957249);
INSERT INTO "posting" VALUES(7,3,1,1,5,6,549700000,-300000,0,300000,0,0,0,X'01A204BD17AD735F804E797C1B6D1AA7',NULL,NULL,1795375830958730);
INSERT INTO "posting" VALUES(8,4,1,1,6,7,549999950,299950,0,-299950,0,0,0,X'01A204BD17AD735F804E797C1B6D1AA7',NULL,'half of it failed',1795375830959199);
INSERT INTO "posting" VALUES(9,3,1,1,7,8,549999945,-5,0,5,0,0,0,X'000000000000000000000000000000CA',NULL,NULL,1795375830985173);
INSERT INTO "posting" VALUES(10,1,1,1,8,9,549999954,9,-9,0,0,0,0,NULL,NULL,NULL,1795375830997470);
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
    ended_at         INTEGER, seal INTEGER NOT NULL DEFAULT 0,            -- when it was paid, or else refunded
    CHECK ((status = 'pending') = (ended_at IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO "purchase" VALUES(X'01A204BD17AB76238DE9DBF55A8F1A2F',1,1,1,'500000000 for 10000',500000000,10000,2500,2500,'paid',1795375830955593,1795375830955593,-8606377784299687390);
INSERT INTO "purchase" VALUES(X'01A204BD17AB76238DE9DBF654B88A07',1,1,1,'500000000 for 10000',500000000,10000,2500,2500,'refunded',1795375830955997,1795375830957249,-1897280989612280320);
INSERT INTO "purchase" VALUES(X'01A204BD17AD735F804E797B4C48D822',1,1,1,'500000000 for 10000',500000000,10000,2500,2500,'pending',1795375830957630,NULL,-391572619350701364);
CREATE TABLE queued_call (
    call_id BLOB PRIMARY KEY REFERENCES call (id),
    params  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE refinery_schema_history(
             version int4 PRIMARY KEY,
             name VARCHAR(255),
             applied_on VARCHAR(255),
             checksum VARCHAR(255));
INSERT INTO "refinery_schema_history" VALUES(1,'ledger_and_catalogue','2026-11-22T19:30:30.946170659Z','5521942453777026274');
INSERT INTO "refinery_schema_history" VALUES(2,'seals_and_replays','2026-11-23T04:45:24.943846946Z','18228122552804161363');
INSERT INTO "refinery_schema_history" VALUES(3,'queue_and_hosts','2026-11-23T04:45:24.943852244Z','4927721717839167103');
INSERT INTO "refinery_schema_history" VALUES(4,'entries_in_their_posting','2026-11-23T15:33:26.706544805Z','14438634044782232277');
CREATE TABLE replay (
    day         INTEGER NOT NULL,        -- the day of `at`, counted from 1970
    key         BLOB NOT NULL,           -- SHA-256 of whose key it is and the key
    fingerprint BLOB NOT NULL,           -- SHA-256 of what was asked
    answer      TEXT NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (day, key)
) STRICT, WITHOUT ROWID;
INSERT INTO "replay" VALUES(20779,X'6100000000000000000000000000000000000000000000000000000000000000',X'3100000000000000000000000000000000000000000000000000000000000000','01a204bd17ae75fea47f7abf029728ae',1795375830958462);
INSERT INTO "replay" VALUES(20779,X'6300000000000000000000000000000000000000000000000000000000000000',X'3100000000000000000000000000000000000000000000000000000000000000','unknown account',1795375830958464);
CREATE TABLE request (
    id      INTEGER PRIMARY KEY,
    digest  BLOB NOT NULL,               -- SHA-256 of whose request it is and its text
    hold_id BLOB NOT NULL,
    at      INTEGER NOT NULL
) STRICT;
CREATE TABLE secret (
    service_id INTEGER NOT NULL REFERENCES service (id),
    name       TEXT NOT NULL,
    sealed     BLOB NOT NULL,            -- nonce and ChaCha20-Poly1305, bound to service and name
    set_at     INTEGER NOT NULL,
    PRIMARY KEY (service_id, name)
) STRICT, WITHOUT ROWID;
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
INSERT INTO "service" VALUES(1,'coalroller','COALROLLER','Credits','','',9,2500,'active',X'636F616C726F6C6C657200000000000000000000000000000000000000000000',NULL,1,1795375830948219);
INSERT INTO "service" VALUES(2,'other','OTHER','Credits','','',0,2500,'active',X'6F74686572000000000000000000000000000000000000000000000000000000',NULL,NULL,1795375830948676);
CREATE TABLE signing_key (
    id         INTEGER PRIMARY KEY,
    kid        TEXT NOT NULL UNIQUE,
    seed       BLOB,                     -- the private part; gone once a newer key signs
    public     BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE spending (
    day         INTEGER NOT NULL,        -- counted from 1970
    service_id  INTEGER NOT NULL REFERENCES service (id),
    account_key BLOB NOT NULL,
    credits     INTEGER NOT NULL CHECK (credits >= 0),
    PRIMARY KEY (day, service_id, account_key)
) STRICT, WITHOUT ROWID;
CREATE TABLE suspension (
    version_id INTEGER PRIMARY KEY REFERENCES version (id),
    outcome    TEXT NOT NULL,            -- of the last call that failed
    failures   INTEGER NOT NULL CHECK (failures > 0),
    since      INTEGER NOT NULL
) STRICT;
CREATE TABLE trial (
    service_id INTEGER NOT NULL REFERENCES service (id),
    dbuuid     TEXT NOT NULL,
    account_id INTEGER NOT NULL REFERENCES account (id),
    at         INTEGER NOT NULL,
    PRIMARY KEY (service_id, dbuuid)
) STRICT, WITHOUT ROWID;
INSERT INTO "trial" VALUES(1,'db1',1,1795375830997470);
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
INSERT INTO "version" VALUES(1,1,1,'d1','','',1795375830948966);
CREATE INDEX pack_service ON pack (service_id);
CREATE INDEX outbox_due ON outbox (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX purchase_pending ON purchase (service_id, account_id) WHERE status = 'pending';
CREATE TRIGGER purchase_kept      BEFORE DELETE ON purchase BEGIN SELECT RAISE(ABORT, 'orders are kept'); END;
CREATE TRIGGER purchase_immutable BEFORE UPDATE OF id, service_id, account_id, pack_id, pack_name, credits,
price_cents, commission_bp, commission_cents, created_at, seal ON purchase
BEGIN SELECT RAISE(ABORT, 'an order keeps its terms'); END;
CREATE INDEX call_open ON call (status, host_id) WHERE ended_at IS NULL;
CREATE INDEX posting_refund       ON posting (hold_id)  WHERE kind = 4;
CREATE UNIQUE INDEX posting_order        ON posting (order_id) WHERE kind = 2;
CREATE UNIQUE INDEX posting_order_refund ON posting (order_id) WHERE kind = 5;
CREATE UNIQUE INDEX posting_milestone    ON posting (account_id, number) WHERE number % 64 = 0;
CREATE TRIGGER posting_immutable BEFORE UPDATE ON posting BEGIN SELECT RAISE(ABORT, 'postings are immutable'); END;
CREATE TRIGGER posting_kept      BEFORE DELETE ON posting BEGIN SELECT RAISE(ABORT, 'postings are immutable'); END;
CREATE INDEX hold_due  ON hold (expires_at, account_id)     WHERE state = 0;
CREATE INDEX hold_open ON hold (service_id, id, account_id) WHERE state = 0;
CREATE TRIGGER hold_ends_once BEFORE UPDATE ON hold WHEN OLD.state <> 0
BEGIN SELECT RAISE(ABORT, 'a hold ends once'); END;
CREATE TRIGGER hold_immutable BEFORE UPDATE OF id, account_id, service_id, amount, created_at, expires_at, description,
seal ON hold BEGIN SELECT RAISE(ABORT, 'a hold keeps its terms'); END;
CREATE TRIGGER hold_kept BEFORE DELETE ON hold BEGIN SELECT RAISE(ABORT, 'holds are kept'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('pack',1);
INSERT INTO "sqlite_sequence" VALUES('host',1);
