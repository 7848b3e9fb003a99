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
