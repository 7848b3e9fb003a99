-- A database as version 2 of the tables made it: a service with an order, holds in each state, a warning, and what is kept
-- for repeats, of requests as well as under keys. The component's bytes were left out.
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
    created_at       INTEGER NOT NULL,
    UNIQUE (key, service_id),
    CHECK (held >= 0 AND held <= balance)
) STRICT;
INSERT INTO "account" VALUES(1,2,X'2BC1ECB410E142BCE83BCE6F212B41E1781536DC','anna',543500000,8700000,540000000,0,0,1795393504058170);
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
INSERT INTO "api_token" VALUES(1,'operator','first operator',X'7216BC2B9D357AC11B2FB6763815983A7DD460FF73A2E67511168665C17DCE93',1795393503343701,NULL);
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
CREATE TABLE component (
    digest TEXT PRIMARY KEY,             -- SHA-256, hexadecimal
    bytes  BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "component" VALUES('9ee333bb6b606abf3f7eab659200c9b0c74a92fcbe29d11caeae82f0349108c4',X'00');
CREATE TABLE eligible_database (
    dbuuid     TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE entry (
    posting_id INTEGER NOT NULL REFERENCES posting (id),
    book       INTEGER NOT NULL CHECK (book BETWEEN 0 AND 5),    -- issuance, account, earned, cash, commission, payable
    amount     INTEGER NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (posting_id, book)
) STRICT, WITHOUT ROWID;
INSERT INTO "entry" VALUES(1,0,-50000000);
INSERT INTO "entry" VALUES(1,1,50000000);
INSERT INTO "entry" VALUES(2,0,-500000000);
INSERT INTO "entry" VALUES(2,1,500000000);
INSERT INTO "entry" VALUES(2,3,10000);
INSERT INTO "entry" VALUES(2,4,-2500);
INSERT INTO "entry" VALUES(2,5,-7500);
INSERT INTO "entry" VALUES(3,1,-1500000);
INSERT INTO "entry" VALUES(3,2,1500000);
INSERT INTO "entry" VALUES(4,1,-5000000);
INSERT INTO "entry" VALUES(4,2,5000000);
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
    description TEXT, seal INTEGER NOT NULL DEFAULT 0,
    CHECK ((state = 0) = (ended_at IS NULL)),
    CHECK (state = 1 OR captured = 0)
) STRICT, WITHOUT ROWID;
INSERT INTO "hold" VALUES(X'01A205CAC33F742293FF48385643752B',1,2,700000,0,0,1795393504063501,1810945504063501,NULL,'one',5382789903526515455);
INSERT INTO "hold" VALUES(X'01A205CAC3467153B8B317EACA7EEEEC',1,2,2000000,0,0,1795393504070187,1810945504070187,NULL,'one',-7950216308112840116);
INSERT INTO "hold" VALUES(X'01A205CAC35C72B9B892A6A3BF332416',1,2,3000000,1,1500000,1795393504092160,1810945504092160,1795393504106922,'one',6223309786185109715);
INSERT INTO "hold" VALUES(X'01A205CAC36C7687B4652BBF85DA04C3',1,2,4000000,2,0,1795393504108388,1810945504108388,1795393504130306,'one',-5207488635384214420);
INSERT INTO "hold" VALUES(X'01A205CAC38373EE97F1CA1869BED54D',1,2,5000000,1,5000000,1795393504131469,1810945504131469,1795393504177165,'one',-4920267933501615183);
INSERT INTO "hold" VALUES(X'01A205CAC3BE7254BD50062FEB63029B',1,2,6000000,0,0,1795393504190986,1810945504190986,NULL,'one',4986149450658346749);
CREATE TABLE instance (
    one          INTEGER PRIMARY KEY CHECK (one = 1),
    sandbox      INTEGER NOT NULL CHECK (sandbox IN (0, 1)),
    secret       BLOB NOT NULL,          -- 32 random bytes: client ids are derived from it
    last_instant INTEGER NOT NULL        -- the ledger's clock never goes behind it
) STRICT;
INSERT INTO "instance" VALUES(1,1,X'91C887908B70A66EA4369D9E4EE2E04A6CF01B21D1379ADFDC6881DCF831DC5A',1795393504190986);
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
, seal INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "outbox" VALUES(1,1,'anna@example.com','',534800000,540000000,1795393504190986,0,1795393504190986,NULL,NULL,1287535009351943050);
CREATE TABLE pack (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    service_id  INTEGER NOT NULL REFERENCES service (id),
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    credits     INTEGER NOT NULL CHECK (credits > 0),
    price_cents INTEGER NOT NULL CHECK (price_cents >= 0),
    created_at  INTEGER NOT NULL
) STRICT;
INSERT INTO "pack" VALUES(1,1,'10 credits','',10000000,250,1795393504026895);
INSERT INTO "pack" VALUES(2,1,'500 credits','',500000000,10000,1795393504027235);
INSERT INTO "pack" VALUES(3,2,'500','',500000000,10000,1795393504053000);
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
INSERT INTO "posting" VALUES(1,0,2,1,NULL,NULL,'welcome',1795393504058170);
INSERT INTO "posting" VALUES(2,2,2,1,NULL,X'01A205CAC33C75ED8345F15A3DACDAF8',NULL,1795393504060702);
INSERT INTO "posting" VALUES(3,3,2,1,X'01A205CAC35C72B9B892A6A3BF332416',NULL,NULL,1795393504106922);
INSERT INTO "posting" VALUES(4,3,2,1,X'01A205CAC38373EE97F1CA1869BED54D',NULL,NULL,1795393504177165);
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
INSERT INTO "purchase" VALUES(X'01A205CAC33C75ED8345F15A3DACDAF8',2,1,3,'500',500000000,10000,2500,2500,'paid',1795393504060702,1795393504060702,-1846000673615951397);
CREATE TABLE refinery_schema_history(
             version int4 PRIMARY KEY,
             name VARCHAR(255),
             applied_on VARCHAR(255),
             checksum VARCHAR(255));
INSERT INTO "refinery_schema_history" VALUES(1,'ledger_and_catalogue','2026-11-23T00:25:03.320351508Z','5521942453777026274');
INSERT INTO "refinery_schema_history" VALUES(2,'seals_and_replays','2026-11-23T00:25:03.320363355Z','18228122552804161363');
CREATE TABLE replay (
    day         INTEGER NOT NULL,        -- the day of `at`, counted from 1970
    key         BLOB NOT NULL,           -- SHA-256 of whose key it is and the key
    fingerprint BLOB NOT NULL,           -- SHA-256 of what was asked
    answer      TEXT NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (day, key)
) STRICT, WITHOUT ROWID;
INSERT INTO "replay" VALUES(20780,X'0F0FC5A7D82DB63CCC1C862E6D374382B4242C807EE2BDE95223360EFCCCCAD1',X'0000000000000000000000000000000000000000000000000000000000000000','01a205cac3be7254bd50062feb63029b',1795393504190986);
INSERT INTO "replay" VALUES(20780,X'173E38B1F003F905903FC6F16F5147C9309D27414F636159A04F7C778D614703',X'0000000000000000000000000000000000000000000000000000000000000000','01a205cac33f742293ff48385643752b',1795393504063501);
INSERT INTO "replay" VALUES(20780,X'2A38778EF7DD622DCB29CAEB7F63DD34FBB60A1581B87318B432D7449592E7C7',X'8A8EAC209C30AE8EDD46F3066B9FAE188E4D8B287612753D9CE428F8CA4B7203','01a205cac3467153b8b317eaca7eeeec',1795393504070187);
INSERT INTO "replay" VALUES(20780,X'5B6AF0F739337223C0674F53E7167022CE975DAD899D35647A3148A5895786CA',X'281A828B9FEF13DCE018CA3C7C7C520175E728F80E49F80549FBD17B30D5A143','short 5000000000 547300000',1795393504078222);
INSERT INTO "replay" VALUES(20780,X'AFD0748D86911A1EA5BBB08CB9FDCF4FDF863E63603964359FA22AEF35E834B7',X'0000000000000000000000000000000000000000000000000000000000000000','01a205cac35c72b9b892a6a3bf332416',1795393504092160);
INSERT INTO "replay" VALUES(20780,X'EA76585D677502138777A39480E5FB42E065A144740816A36CB460DBC5D38C13',X'0000000000000000000000000000000000000000000000000000000000000000','01a205cac36c7687b4652bbf85da04c3',1795393504108388);
INSERT INTO "replay" VALUES(20780,X'F915203AA7415CC6F75D19E3FD56580C8D6798EBFFB170C11569D5BF25AAA479',X'0000000000000000000000000000000000000000000000000000000000000000','01a205cac38373ee97f1ca1869bed54d',1795393504131469);
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
INSERT INTO "service" VALUES(1,'coalroller','Coal Roller','Credits','Burns CPU, for a price','',1000000,2500,'active',X'788B35FC8F8D4F023B8FE1EB66520549D3C2023EDBA70605D2A8B5545F8829F2',NULL,1,1795393503344455);
INSERT INTO "service" VALUES(2,'smoker','Smoker','Credits','','',1000000,2500,'active',X'CDF54D99A0C70F306124213C3BD9940228122F571DB6D06A4E1E49A890E94F7D',NULL,NULL,1795393504045185);
CREATE TABLE trial (
    service_id INTEGER NOT NULL REFERENCES service (id),
    dbuuid     TEXT NOT NULL,
    account_id INTEGER NOT NULL REFERENCES account (id),
    at         INTEGER NOT NULL,
    PRIMARY KEY (service_id, dbuuid)
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
INSERT INTO "version" VALUES(1,1,1,'9ee333bb6b606abf3f7eab659200c9b0c74a92fcbe29d11caeae82f0349108c4','# What the host must know to sell this service: see the manifest''s reference.
[service]
name = "coalroller"
label = "Coal Roller"
unit = "Credits"
description = "Burns CPU, for a price"
trial_credits = 1.0
credit_template = "no-credit.html"

[component]
path = "coalroller.wasm"

[tariff]
# Some 290 hashes: up to 10 s of a core of the 2020s.
fuel_per_credit = 120_000_000_000
settle = "authorized"

[limits]
memory_mib = 16
deadline_s = 120
concurrency = 4

[[pack]]
name = "10 credits"
credits = 10.0
price_eur = 2.50

[[pack]]
name = "500 credits"
credits = 500.0
price_eur = 100.00
','<h2>Your coal bunker is empty</h2>
<p>The Coal Roller needs credits to consume electricity doing nothing useful. With credits in your account it will:</p>
<ul>
  <li>make up passphrases that nobody asked for;</li>
  <li>hash each of them 25,000 times over, with great care;</li>
  <li>throw all of them away but one, which you may keep.</li>
</ul>
<p>One credit keeps a processor core warm for up to ten seconds. Buy a pack, and the fire goes on.</p>
',1795393504013830);
CREATE INDEX pack_service ON pack (service_id);
CREATE INDEX outbox_due ON outbox (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX hold_open ON hold (expires_at) WHERE state = 0;
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
CREATE TRIGGER purchase_kept      BEFORE DELETE ON purchase BEGIN SELECT RAISE(ABORT, 'orders are kept'); END;
CREATE TRIGGER hold_kept BEFORE DELETE ON hold BEGIN SELECT RAISE(ABORT, 'holds are kept'); END;
CREATE INDEX call_running ON call (status) WHERE status = 'running';
CREATE TRIGGER hold_ends_once BEFORE UPDATE ON hold WHEN OLD.state <> 0
BEGIN SELECT RAISE(ABORT, 'a hold ends once'); END;
CREATE TRIGGER hold_immutable BEFORE UPDATE OF id, account_id, service_id, amount, created_at, expires_at, description,
seal ON hold BEGIN SELECT RAISE(ABORT, 'a hold keeps its terms'); END;
CREATE INDEX hold_of_account ON hold (service_id, account_id, expires_at) WHERE state = 0;
CREATE TRIGGER purchase_immutable BEFORE UPDATE OF id, service_id, account_id, pack_id, pack_name, credits,
price_cents, commission_bp, commission_cents, created_at, seal ON purchase
BEGIN SELECT RAISE(ABORT, 'an order keeps its terms'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('pack',3);
