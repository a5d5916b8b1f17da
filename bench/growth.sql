-- SPDX-License-Identifier: MIT
--
-- growth.sql - a catalogue of :products approved products for bench/growth, with
-- names and descriptions of common words, some of them much more common than
-- others, as in a shop. For a freshly migrated database, as superuser.
--
-- Everything is inserted by sets, with the row triggers that would do it one by
-- one put aside, so what they keep up (words, counts) is written here.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET synchronous_commit = off;
SET maintenance_work_mem = '512MB';
BEGIN;

INSERT INTO ecs.users (id, email, username, role) OVERRIDING SYSTEM VALUE
    SELECT n, 'seller' || n || '@example.test', 'seller' || n, 'seller'
    FROM generate_series(1, 1000) n;
INSERT INTO ecs.categories (id, parent_id, name, slug) OVERRIDING SYSTEM VALUE
    SELECT n, CASE WHEN n > 20 THEN (n - 1) % 20 + 1 END,
           'Department ' || n, 'department-' || n
    FROM generate_series(1, 200) n;
INSERT INTO ecs.brands (id, seller_id, name, slug, status) OVERRIDING SYSTEM VALUE
    SELECT n, n, 'Maker ' || n, 'maker-' || n, 'APPROVED' FROM generate_series(1, 300) n;

-- The w-th word of a kind, the first ones far more often than the last.
CREATE TEMPORARY TABLE words (things text[], materials text[], looks text[], uses text[])
    ON COMMIT DROP;
INSERT INTO words VALUES (
    string_to_array('lamp chair table bowl shelf basket kettle blanket cushion notebook tent '
        'helmet jacket backpack headphones keyboard speaker camera tripod bottle mug teapot '
        'knife spoon pan pot tray clock mirror vase frame curtain carpet pillow towel hammock '
        'lantern saddle pannier rake spade shears planter map atlas puzzle dominoes easel '
        'brush loom spindle radio turntable recorder plug sensor thermostat switch bulb '
        'webcam dock stand mouse drive strap wallet belt cap glove scarf sock boot sandal '
        'umbrella trunk crate bench stool desk cabinet wardrobe hook ladder hammer saw chisel '
        'drill vice plane level compass telescope binoculars kite sledge paddle oar', ' '),
    string_to_array('oak walnut linen cotton brass copper enamel steel glass wool leather cork '
        'bamboo slate marble ceramic felt canvas rattan birch', ' '),
    string_to_array('small large round square folding plain striped dark light warm soft heavy '
        'narrow wide tall low quiet bright green blue red grey', ' '),
    string_to_array('kitchen garden office bedroom travel winter summer children picnic balcony '
        'workshop library bathroom hallway camping cycling sailing reading', ' '));

ALTER TABLE ecs.products DISABLE TRIGGER USER;
ALTER TABLE ecs.products ENABLE TRIGGER products_words;
DROP INDEX ecs.products_words;
INSERT INTO ecs.products (seller_id, category_id, brand_id, name, slug, description, status,
        price, quantity, sold_count, avg_rating, ratings_count, created_at)
    SELECT CASE WHEN r.brand THEN n % 300 ELSE n % 1000 END + 1, n % 180 + 21,
           CASE WHEN r.brand THEN n % 300 + 1 END,
           initcap(r.look) || ' ' || r.material || ' ' || r.thing || ' M' || n % 5000,
           'thing-' || n,
           format('A %s %s of %s for the %s, made to last. Goes well with a %s.',
                  r.look, r.thing, r.material, r.use, r.other),
           'APPROVED', (1 + (n * 7919::bigint) % 99900) / 100.0 + 0.99, n % 40,
           (5000 / (1 + n * 31 % 4999))::integer, (n * 13 % 41 + 10) / 10.0, n % 9,
           '2026-01-01Z'::timestamptz + n * interval '20 seconds'
    FROM words w, generate_series(1, least(:products, 100000)) n
    CROSS JOIN LATERAL (SELECT n % 3 = 0 AS brand,
        w.things[1 + floor(cardinality(w.things) * pow(hashint4(n)::bigint & 65535, 2)
                           / 4294967296)] AS thing,
        w.things[1 + floor(cardinality(w.things) * pow(hashint4(n + 1)::bigint & 65535, 2)
                           / 4294967296)] AS other,
        w.materials[1 + (hashint4(n + 2) & 65535) % cardinality(w.materials)] AS material,
        w.looks[1 + (hashint4(n + 3) & 65535) % cardinality(w.looks)] AS look,
        w.uses[1 + (hashint4(n + 4) & 65535) % cardinality(w.uses)] AS use) r;
-- From there on the texts repeat, at other prices and times.
SET LOCAL session_replication_role = replica;
INSERT INTO ecs.products (seller_id, category_id, brand_id, name, slug, description, status,
        price, quantity, sold_count, avg_rating, ratings_count, created_at, words)
    SELECT p.seller_id, p.category_id, p.brand_id, p.name, p.slug, p.description, p.status,
           (1 + (p.id * 31 + n * 7919) % 99900) / 100.0 + 0.99, p.quantity,
           (5000 / (1 + (p.id * 17 + n * 101) % 4999))::integer, p.avg_rating, p.ratings_count,
           p.created_at + n * interval '25 days', p.words
    FROM generate_series(1, :products / 100000 - 1) n, ecs.products p WHERE p.id <= 100000;
SET LOCAL session_replication_role = origin;
CREATE INDEX products_words ON ecs.products USING gin (words) WITH (fastupdate = off)
    WHERE status = 'APPROVED';
ALTER TABLE ecs.products ENABLE TRIGGER USER;
SELECT ecs.learn_words(string_agg(word, ' ')) AS ignored FROM (
    SELECT unnest(things || materials || looks || uses) AS word FROM words
    UNION ALL SELECT 'm' || n FROM generate_series(0, 4999) n
    UNION ALL VALUES ('made'), ('last'), ('goes'), ('well'), ('department'), ('maker')
    UNION ALL SELECT n::text FROM generate_series(1, 300) n) w \gset

UPDATE ecs.categories c SET products_count = n.n
    FROM (SELECT category_id, count(*) AS n FROM ecs.products GROUP BY category_id) n
    WHERE n.category_id = c.id;
UPDATE ecs.categories c SET products_count = (SELECT coalesce(sum(k.products_count), 0)
    FROM ecs.categories k WHERE k.parent_id = c.id) WHERE c.parent_id IS NULL;
UPDATE ecs.users u SET products_count = n.n
    FROM (SELECT seller_id, count(*) AS n FROM ecs.products GROUP BY seller_id) n
    WHERE n.seller_id = u.id;
UPDATE ecs.brands b SET products_count = n.n
    FROM (SELECT brand_id, count(*) AS n FROM ecs.products GROUP BY brand_id) n
    WHERE n.brand_id = b.id;
COMMIT;
VACUUM ANALYZE;
