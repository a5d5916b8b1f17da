-- The search finds what people look for (sql/api/22_search.sql): forty queries on
-- the demo shop, then its rules, on the same shop.
\set ON_ERROR_STOP 1
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
BEGIN;
SELECT set_config('ecs.demo_password_hash', '$y$demo', true) AS ignored \gset
\o /dev/null
\ir ../../sql/demo.sql
\o
CREATE SCHEMA ecs_test;
SELECT plan(70);

-- What is typed, and the beginning of the name that has to be among the first
-- three products of the list.
CREATE TABLE ecs_test.queries (n serial, what text, typed text, expected text);
INSERT INTO ecs_test.queries (what, typed, expected) VALUES
    ('a word', 'hammock', 'Hammock'),
    ('a word', 'turntable', 'Turntable'),
    ('in capitals', 'LIGHTHOUSE', 'Lighthouse'),
    ('two words', 'desk lamp', 'Banker''s desk lamp'),
    ('the other way round', 'lamp desk', 'Banker''s desk lamp'),
    ('two words', 'olive oil', 'Olive oil'),
    ('the other way round', 'oil olive', 'Olive oil'),
    ('the other way round', 'tent trekking', 'Trekking tent'),
    ('the other way round', 'vinegar raspberry', 'Raspberry vinegar'),
    ('three words', 'walnut bread box', 'Bread box, walnut'),
    ('words like "of" do not count', 'map of the alps', 'Relief map of the Alps'),
    ('one of several', 'helmets', 'Helmet'),
    ('one of several', 'earbud', 'Wireless earbuds'),
    ('one of several', 'tents', 'Trekking tent'),
    ('one of several', 'shelves wall', 'Wall shelf'),
    ('one of several', 'coat racks', 'Coat rack'),
    ('another ending', 'carve wood', 'Wood carving'),
    ('another ending', 'bookbind', 'Bookbinding'),
    ('a beginning', 'thermos', 'Radiator thermostat'),
    ('a beginning', 'headph', 'Headphone amplifier'),
    ('a beginning', 'trek', 'Trekking tent'),
    ('a beginning', 'trekkin', 'Trekking tent'),
    ('beginnings', 'mech keyb', 'Mechanical keyboard'),
    ('a beginning', 'choco haz', 'Hazelnut'),
    ('an accent too many', 'Espréssó dark', 'Espresso, dark roast'),
    ('an accent too many', 'saddlé', 'Saddle'),
    ('an accent too many', 'câmera bàg', 'Camera bag'),
    ('ligatures', 'ﬁlter wallet', 'Filter wallet'),
    ('an apostrophe', 'banker''s lamp', 'Banker''s desk lamp'),
    ('an apostrophe left out', 'bankers lamp', 'Banker''s desk lamp'),
    ('letters swapped', 'lmap desk', 'Banker''s desk lamp'),
    ('letters swapped', 'hemlet', 'Helmet'),
    ('a letter missing', 'keybord', 'Mechanical keyboard'),
    ('a letter missing', 'rasberry', 'Raspberry vinegar'),
    ('a letter too many', 'webccam', 'Webcam'),
    ('a wrong letter', 'hammack', 'Hammock'),
    ('slips in both words', 'radiater thermastat', 'Radiator thermostat'),
    ('several slips', 'embroderie', 'Embroidery'),
    ('as it sounds', 'headfones', 'Over-ear headphones'),
    ('slips in both words', 'choclate ornge', 'Orange peel');

-- The names on a page of a list.
CREATE FUNCTION ecs_test.found(p_search text, p_rows integer DEFAULT 3) RETURNS text[]
LANGUAGE sql AS $$
    SELECT ARRAY(SELECT x ->> 'name' FROM json_array_elements((ecs_api.products_list(
        p_me => NULL, p_search => p_search, p_category => NULL, p_seller => NULL,
        p_min_price => NULL, p_max_price => NULL, p_min_rating => NULL, p_in_stock => NULL,
        p_has_discount => NULL, p_sale => NULL, p_ordering => NULL, p_page => 1,
        p_page_size => p_rows, p_cursor => NULL)).body) x)
$$;
SELECT ok(EXISTS (SELECT FROM unnest(f.names) AS name WHERE starts_with(name, q.expected)),
          format('%s: %s finds %s, not %s', q.what, q.typed, q.expected, f.names))
FROM ecs_test.queries q, ecs_test.found(q.typed) AS f (names) ORDER BY q.n;

-- The rules ----------------------------------------------------------------------------

-- The same list with what a test is about; the names on it, or its answer.
CREATE FUNCTION ecs_test.list(p_search text, p_ordering text DEFAULT NULL,
    p_page integer DEFAULT 1, p_page_size integer DEFAULT 20, p_cursor text DEFAULT NULL,
    p_facets boolean DEFAULT NULL, p_max numeric DEFAULT NULL, p_category bigint DEFAULT NULL)
RETURNS ecs.answer LANGUAGE sql AS $$
    SELECT ecs_api.products_list(p_me => NULL, p_search => p_search, p_category => p_category,
        p_seller => NULL, p_min_price => NULL, p_max_price => p_max, p_min_rating => NULL,
        p_in_stock => NULL, p_has_discount => NULL, p_sale => NULL, p_ordering => p_ordering,
        p_page => p_page, p_page_size => p_page_size, p_cursor => p_cursor,
        p_facets => p_facets)
$$;
CREATE FUNCTION ecs_test.ids(p_answer ecs.answer) RETURNS bigint[] LANGUAGE sql AS $$
    SELECT ARRAY(SELECT (x ->> 'id')::bigint FROM json_array_elements(p_answer.body) x)
$$;
-- Everything a walk by pages, or by cursors, comes to.
CREATE FUNCTION ecs_test.walk(p_search text, p_ordering text, p_by_cursor boolean,
    p_rows integer, p_max numeric DEFAULT NULL)
RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    v_ids    bigint[] := '{}';
    v_answer ecs.answer;
BEGIN
    FOR v_page IN 1 .. 600 LOOP
        v_answer := ecs_test.list(p_search, p_ordering, CASE WHEN NOT p_by_cursor THEN v_page END,
            p_rows, v_answer.next_key, p_max => p_max);
        v_ids := v_ids || ecs_test.ids(v_answer);
        EXIT WHEN CASE WHEN p_by_cursor THEN v_answer.next_key IS NULL
                       ELSE v_page * p_rows >= v_answer.total END;
    END LOOP;
    RETURN v_ids;
END $$;
CREATE FUNCTION ecs_test.code_of(p_sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_detail text;
BEGIN
    EXECUTE p_sql;
    RETURN 'not refused';
EXCEPTION WHEN SQLSTATE 'EC000' THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
    RETURN v_detail::json ->> 'code';
END $$;

-- What cannot be found.
SELECT is(ecs_test.found('zxqvw'), '{}', 'a word like no other finds nothing');
SELECT is(ecs_test.found('hammock zxqvw'), '{}', 'also beside one that is there');
SELECT is(ecs_test.found('the of and'), '{}', 'words that do not count find nothing');
SELECT is(ecs_test.found('  %_\&|!():*''  '), '{}', 'signs are no words');
SELECT is(ecs_test.found('down sleeping bag'), '{}', 'what waits for approval is not found');
UPDATE ecs.products SET status = 'APPROVED' WHERE name = 'Down sleeping bag, one person';
SELECT is(ecs_test.found('down sleeping bag'), '{"Down sleeping bag, one person"}',
    'and is when it is approved');
SELECT is(ecs_test.found('slepping bag'), '{"Down sleeping bag, one person"}',
    'its words are known now');
SELECT is((ecs_test.list('hammock')).extra::text, '{ "count_is_exact" : true }',
    'a few are counted');

-- Names of categories and brands.
UPDATE ecs.categories SET name = 'Luminaires' WHERE name = 'Lamps';
UPDATE ecs.products SET category_id = category_id
    WHERE category_id = (SELECT id FROM ecs.categories WHERE name = 'Luminaires');
SELECT cmp_ok((ecs_test.list('luminaire')).total, '=', (SELECT count(*) FROM ecs.products p
    JOIN ecs.categories c ON c.id = p.category_id WHERE c.name = 'Luminaires'
    AND p.status = 'APPROVED'), 'products are found by the new name of their category');
INSERT INTO ecs.brands (seller_id, name, slug, status)
    SELECT seller_id, 'Zephyrine', 'z', 'PENDING' FROM ecs.products WHERE name = 'Tarp, one person';
UPDATE ecs.products SET brand_id = (SELECT id FROM ecs.brands WHERE name = 'Zephyrine')
    WHERE name = 'Tarp, one person';
SELECT is(ecs_test.found('zephyrine'), '{}', 'a brand nobody sees is not searched');
UPDATE ecs.brands SET status = 'APPROVED' WHERE name = 'Zephyrine';
SELECT is(ecs_test.found('zephyrine tarp'), '{"Tarp, one person"}', 'one that is approved is');
UPDATE ecs.brands SET name = 'Quillon' WHERE name = 'Zephyrine';
SELECT is(ecs_test.found('quillon'), '{"Tarp, one person"}', 'by its new name');
SELECT is(ecs_test.found('zephyrine'), '{}', 'and no longer by the old one');

-- Facets are what SQL counts.
SELECT is((ecs_test.list('walnut', p_facets => true)).extra::jsonb #> '{facets,categories}',
    (SELECT jsonb_agg(jsonb_build_object('id', c.id, 'name', c.name, 'count', c.n)
                      ORDER BY c.n DESC, c.name)
     FROM (SELECT c.id, c.name, count(*) AS n FROM ecs.products p
           JOIN ecs.categories c ON c.id = p.category_id
           WHERE p.status = 'APPROVED' AND p.name || p.description ILIKE '%walnut%'
           GROUP BY c.id) c), 'categories');
SELECT is((SELECT sum((x ->> 'count')::integer) FROM jsonb_array_elements(
    (ecs_test.list('walnut', p_facets => true)).extra::jsonb #> '{facets,prices}') x),
    (ecs_test.list('walnut')).total, 'every product has one price');
SELECT is((SELECT (x ->> 'count')::bigint FROM jsonb_array_elements(
    (ecs_test.list(NULL, p_facets => true)).extra::jsonb #> '{facets,prices}') x
    WHERE x ->> 'min' = '25.00'),
    (SELECT count(*) FROM ecs.products p WHERE status = 'APPROVED'
     AND ecs_lib.current_price(p, ecs.now()) >= 25 AND ecs_lib.current_price(p, ecs.now()) < 50),
    'prices are those of now');
UPDATE ecs.products SET avg_rating = id % 6, ratings_count = 1;
SELECT is((SELECT string_agg(x ->> 'count', ' ') FROM jsonb_array_elements(
    (ecs_test.list(NULL, p_facets => true)).extra::jsonb #> '{facets,ratings}') x),
    (SELECT string_agg(n::text, ' ' ORDER BY stars DESC) FROM (
        SELECT stars, count(*) AS n FROM generate_series(1, 4) stars JOIN ecs.products p
        ON p.avg_rating >= stars AND p.status = 'APPROVED' GROUP BY stars) r), 'ratings');
SELECT is((ecs_test.list('quillon', p_facets => true)).extra::jsonb #> '{facets,brands}',
    (SELECT jsonb_build_array(jsonb_build_object('id', id, 'name', name, 'count', 1))
     FROM ecs.brands WHERE name = 'Quillon'), 'brands');

-- Suggestions.
SELECT is((SELECT x ->> 'text' FROM json_array_elements((ecs_api.products_suggest(NULL,
    'choc')).body -> 'suggestions') x WHERE x ->> 'type' = 'category'), 'Chocolate',
    'a category is suggested by its beginning');
SELECT ok((ecs_api.products_suggest(NULL, 'hamock')).body::text LIKE '%Hammock, one person%',
    'a product in spite of a slip');
SELECT is(json_array_length((ecs_api.products_suggest(NULL, 'o')).body -> 'suggestions'), 0,
    'a letter that is no word suggests nothing');
SELECT cmp_ok(json_array_length((ecs_api.products_suggest(NULL, 's')).body -> 'suggestions'),
    '<=', 10, 'never more than ten');

-- Walks: the demo shop by rank, then by a price with offers in it.
SELECT is(ecs_test.walk('oak', NULL, true, 3), ecs_test.walk('oak', NULL, false, 3),
    'cursors and pages come to the same, by rank');
SELECT is(ecs_test.walk('one', '-price', true, 3, 60), ecs_test.walk('one', '-price', false, 3, 60),
    'by price');
SELECT is(ecs_test.code_of(format('SELECT ecs_test.list(NULL, NULL, NULL, 3, %L)',
    (ecs_test.list('oak', NULL, NULL, 3)).next_key)), 'invalid_cursor',
    'the cursor of a search is none of a list');

-- Counting one by one what comes by thousands would take a minute.
ALTER TABLE ecs.products DISABLE TRIGGER products_count_insert;

-- More matches than are ranked: 60 have the word in the name, the others behind.
INSERT INTO ecs.products (seller_id, category_id, name, slug, description, status, price,
        quantity, sold_count)
    SELECT (SELECT min(seller_id) FROM ecs.products), (SELECT max(id) FROM ecs.categories),
           CASE WHEN n % 20 = 0 THEN 'Whatsit ' ELSE 'Thing ' END || n, 'x', 'A kind of whatsit.',
           'APPROVED', n, 1, n * 7 % 101
    FROM generate_series(1, 1200) n;
CREATE TABLE ecs_test.by_sales AS SELECT array_agg(id ORDER BY name LIKE 'Whatsit %' DESC,
    sold_count DESC, id DESC) AS ids FROM ecs.products WHERE description = 'A kind of whatsit.';
SELECT is(ecs_test.walk('whatsits', NULL, false, 50), ids,
    'pages have what has it in the name first, both by pieces sold') FROM ecs_test.by_sales;
SELECT is(ecs_test.walk('whatsits', NULL, true, 7), ids, 'cursors the same')
    FROM ecs_test.by_sales;
SELECT is((ecs_test.list('whatsit', '-popularity')).total, 1200::bigint, 'all are counted');

-- More than are counted.
INSERT INTO ecs.products (seller_id, category_id, name, slug, description, status, price, quantity)
    SELECT (SELECT min(seller_id) FROM ecs.products), (SELECT max(id) FROM ecs.categories),
           'Doodad', 'x', '', 'APPROVED', 1, 1 FROM generate_series(1, 10001) n;
SELECT is(concat_ws(' ', a.total, a.extra ->> 'count_is_exact', a.extra #>> '{facets,counted}'),
    '10000 false 10000', 'the count ends at 10,000 and says so')
    FROM ecs_test.list('doodad', p_facets => true) a;
SELECT is(json_array_length((ecs_test.list('doodad', NULL, 334, 30)).body), 10,
    'the last page ends there');

SELECT * FROM finish();
ROLLBACK;
