-- An authorize, then its capture: two transactions, as they are two requests of the broker.
\set account random(1, :accounts)
SELECT authorize(:account, 10000) AS token \gset
SELECT capture(:token, 10000);
