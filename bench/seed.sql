-- SPDX-License-Identifier: MIT
--
-- seed.sql - the shop that is measured: 200,000 accounts with money, a place
-- and a session each, 20,000 approved products of 1,000 sellers in 100
-- categories. The Django twin's seed has the same numbers, texts and prices.
--
-- For a freshly migrated database without accounts, as ecs_owner. Everything
-- is inserted by sets, with the row triggers that would do it one by one put
-- aside, so what they keep up (counts, and the ledger that ecs.transfer
-- writes) is written here; `ecsctl audit` holds afterwards.
--
-- Variable: hash, the password hash of the accounts that sign in.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;

-- People: 1 to 1,000 sell, the others buy. Session n belongs to user n.
INSERT INTO ecs.users (id, email, username, role, products_count, password_hash)
    OVERRIDING SYSTEM VALUE
    SELECT n, 'user' || n || '@example.test', 'user' || n,
           CASE WHEN n <= 1000 THEN 'seller' ELSE 'user' END,
           CASE WHEN n <= 1000 THEN 20 ELSE 0 END,
           CASE WHEN n BETWEEN 1001 AND 1050 THEN :'hash' END
    FROM generate_series(1, 200000) n;
SELECT setval(pg_get_serial_sequence('ecs.users', 'id'), 200000);

INSERT INTO ecs.profiles (user_id, location_lat, location_lng, location_address,
                          city, country)
    SELECT n, 52.5, 13.4, n % 200 + 1 || ' Long Street', 'Berlin', 'Germany'
    FROM generate_series(1, 200000) n;

INSERT INTO ecs.sessions (id, user_id, address, expires_at)
    OVERRIDING SYSTEM VALUE
    SELECT n, n, '127.0.0.1', ecs.now() + interval '30 days'
    FROM generate_series(1, 200000) n;
SELECT setval(pg_get_serial_sequence('ecs.sessions', 'id'), 200000);

-- Money: one deposit of 1,000,000.00 to each. The first account's wallet is
-- the next after those of the house.
CREATE TEMPORARY TABLE deposit ON COMMIT DROP AS
    SELECT n, o.max_id + n AS wallet_id, 1000000.00 AS amount,
           o.id AS outside_id, o.available - n * 1000000.00 AS outside_available,
           o.held AS outside_held, o.version + n AS outside_version
    FROM generate_series(1, 200000) n,
         (SELECT *, (SELECT max(id) FROM ecs.wallets) AS max_id
            FROM ecs.wallets WHERE kind = 'outside') o;
INSERT INTO ecs.wallets (id, user_id, available, version) OVERRIDING SYSTEM VALUE
    SELECT wallet_id, n, amount, 2 FROM deposit;
SELECT setval(pg_get_serial_sequence('ecs.wallets', 'id'), max(id)) FROM ecs.wallets;
UPDATE ecs.wallets w
    SET available = d.outside_available, version = d.outside_version
    FROM deposit d WHERE d.n = 200000 AND w.id = d.outside_id;
INSERT INTO ecs.transfers (kind, amount, from_wallet, from_part, to_wallet, to_part,
        from_available_after, from_held_after, from_version,
        to_available_after, to_held_after, to_version, reference, note)
    SELECT 'DEPOSIT', amount, outside_id, 'available', wallet_id, 'available',
           outside_available, outside_held, outside_version,
           amount, 0, 2, 'bench-' || n, 'seed' FROM deposit ORDER BY n;

-- Goods. Categories 1 to 20 are the parents of the other 80.
INSERT INTO ecs.categories (id, parent_id, name, slug, products_count)
    OVERRIDING SYSTEM VALUE
    SELECT n, CASE WHEN n > 20 THEN (n - 1) % 20 + 1 END,
           'Category ' || n, 'category-' || n,
           CASE WHEN n > 20 THEN 200 ELSE 1000 END -- with those below it
    FROM generate_series(1, 100) n;
SELECT setval(pg_get_serial_sequence('ecs.categories', 'id'), 100);

ALTER TABLE ecs.products DISABLE TRIGGER products_count_insert;
INSERT INTO ecs.products (id, seller_id, category_id, name, slug, description,
        status, price, quantity, created_at)
    OVERRIDING SYSTEM VALUE
    SELECT n, n % 1000 + 1, n % 100 + 1, 'Product number ' || n,
           'product-number-' || n,
           repeat('A plain description of product ' || n
                  || ', with what a buyer wants to know. ', 14),
           'APPROVED', n % 500 + 9.99, 2000000000,
           ecs.now() - n * interval '1 minute'
    FROM generate_series(1, 20000) n;
SELECT setval(pg_get_serial_sequence('ecs.products', 'id'), 20000);
ALTER TABLE ecs.products ENABLE TRIGGER products_count_insert;

-- Empties all carts and puts three products into each of the carts of p_users
-- buyers from user 1001 on: what a checkout run uses up.
CREATE SCHEMA bench;
CREATE FUNCTION bench.fill_carts(p_users integer) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE ecs.cart_items;
    INSERT INTO ecs.cart_items (user_id, product_id, quantity)
        SELECT u, (u * 7919 + k * 6661) % 19999 + 2, 1
        FROM generate_series(1001, 1000 + p_users) u, generate_series(0, 2) k;
    ANALYZE ecs.cart_items;
END $$;
COMMIT;
