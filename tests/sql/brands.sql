-- Brands: from a seller's request to products that carry them, points, ranks
-- and low stock (sql/api/23_brands.sql, 26_moderation.sql, 41_checkout.sql).
BEGIN;
\ir support.psql
SELECT plan(86);

CREATE TABLE ecs_test.who AS SELECT
    ecs_test.person('ada', 'admin') AS admin,
    ecs_test.person('root', 'superadmin') AS root,
    ecs_test.person('sam', 'seller') AS sam,
    ecs_test.person('sue', 'seller') AS sue,
    ecs_test.person('bob', 'user', 100000) AS bob;
CREATE FUNCTION ecs_test.me(p_name text) RETURNS ecs.caller LANGUAGE plpgsql AS $$
DECLARE v ecs.caller;
BEGIN
    EXECUTE format('SELECT (w.%I).* FROM ecs_test.who w', p_name) INTO v;
    RETURN v;
END $$;
CREATE FUNCTION ecs_test.brand(p_name text) RETURNS bigint LANGUAGE sql
AS $$ SELECT id FROM ecs.brands WHERE name = p_name $$;
CREATE FUNCTION ecs_test.named(p_name text) RETURNS bigint LANGUAGE sql
AS $$ SELECT id FROM ecs.products WHERE name = p_name $$;
CREATE FUNCTION ecs_test.of(p_answer ecs.answer, VARIADIC p_path text[]) RETURNS text LANGUAGE sql
AS $$ SELECT p_answer.body #>> p_path $$;
CREATE FUNCTION ecs_test.all(p_answer ecs.answer, p_member text) RETURNS text LANGUAGE sql
AS $$ SELECT string_agg(x ->> p_member, ' ') FROM json_array_elements(p_answer.body) x $$;
CREATE FUNCTION ecs_test.heard(p_name text, p_type text) RETURNS bigint LANGUAGE sql
AS $$ SELECT count(*) FROM ecs.notifications
      WHERE user_id = (ecs_test.me(p_name)).id AND type = p_type $$;
CREATE FUNCTION ecs_test.holds() RETURNS text LANGUAGE sql
AS $$ SELECT coalesce(string_agg(name || ': ' || figure, '; '), 'all')
      FROM ecs_lib.audit_invariants() WHERE NOT holds $$;
CREATE FUNCTION ecs_test.points(p_name text, p_points integer) RETURNS void LANGUAGE sql
AS $$ UPDATE ecs.users SET points = p_points, rank = ecs_lib.rank_of(p_points, ecs_lib.settings())
      WHERE id = (ecs_test.me(p_name)).id $$;

-- Asking for one ----------------------------------------------------------------------

SELECT is(ecs_test.code_of($$ SELECT ecs_api.brands_create(ecs_test.me('sam'), 'Acme', NULL) $$),
    'not_enough_points', 'a beginner may not');
SELECT ecs_test.points('sam', 299) \g /dev/null
SELECT is(ecs_test.code_of($$ SELECT ecs_api.brands_create(ecs_test.me('sam'), 'Acme', NULL) $$),
    'not_enough_points', 'nor one who lacks one point');
SELECT throws_like($$ SELECT ecs_api.brands_create(ecs_test.me('sam'), 'Acme', NULL) $$,
    '%300 points; you have 299%', 'and is told how many');
SELECT ecs_test.points('sam', 300) \g /dev/null
SELECT is(ecs_test.of(ecs_api.brands_create(ecs_test.me('sam'), 'Acme', 'Since 1920.'), 'status'),
    'PENDING', 'with enough points, a request');
UPDATE ecs.users SET is_verified_seller = true WHERE id = (ecs_test.me('sue')).id;
SELECT is((ecs_api.brands_create(ecs_test.me('sue'), 'Sunny', NULL)).location,
    format('/api/product/brands/%s/', ecs_test.brand('Sunny')), 'or with verification');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.brands_create(ecs_test.me('sue'), 'ACME', NULL) $$),
    '{"name" : ["brand with this name already exists."]}', 'names are unique, in any case');
SELECT is(ecs_test.heard('admin', 'brand_request_submitted'), 2::bigint, 'the admin hears of both');
SELECT is(ecs_test.heard('root', 'brand_request_submitted'), 2::bigint, 'every one of them');
SELECT is(ecs_test.heard('bob', 'brand_request_submitted'), 0::bigint, 'and nobody else');
SELECT is(ecs_test.all(ecs_api.brands_pending(ecs_test.me('admin'), 1, 20, NULL), 'name'),
    'Acme Sunny', 'they wait, oldest first');
SELECT is((ecs_api.brands_pending(ecs_test.me('admin'), NULL, 1, NULL)).next_key,
    ecs_test.brand('Acme')::text, 'a page of one has a next');
SELECT is(ecs_test.all(ecs_api.brands_pending(ecs_test.me('admin'), NULL, 1,
    ecs_test.brand('Acme')), 'name'), 'Sunny', 'which goes on there');
SELECT is((ecs_api.brands_list(NULL, NULL, NULL, 1, 20, NULL)).total, 0::bigint,
    'nobody else sees them');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.brands_get(NULL, ecs_test.brand('Acme')) $$),
    'not_found', 'not even by id');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.brands_get(ecs_test.me('sue'), ecs_test.brand('Acme')) $$),
    'not_found', 'nor another seller');
SELECT is(ecs_test.of(ecs_api.brands_get(ecs_test.me('sam'), ecs_test.brand('Acme')), 'name'),
    'Acme', 'its seller does');
SELECT is(ecs_test.of(ecs_api.brands_get(ecs_test.me('admin'), ecs_test.brand('Acme')), 'name'),
    'Acme', 'and the admin');
SELECT is(ecs_test.all(ecs_api.brands_mine(ecs_test.me('sam'), NULL, 1, 20, NULL), 'name'),
    'Acme', 'each has their own');
SELECT is((ecs_api.brands_mine(ecs_test.me('sam'), 'APPROVED', 1, 20, NULL)).total, 0::bigint,
    'by state');

-- Deciding ------------------------------------------------------------------------------

SELECT is(ecs_test.of(ecs_api.brands_reject(ecs_test.me('admin'), ecs_test.brand('Acme'),
    'taken elsewhere'), 'rejection_reason'), 'taken elsewhere', 'an admin refuses');
SELECT is((SELECT message FROM ecs.notifications WHERE type = 'brand_rejected'),
    'Your brand Acme was not approved: taken elsewhere', 'the seller is told why');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.brands_reject(ecs_test.me('admin'),
    ecs_test.brand('Acme'), 'x') $$), 'wrong_state', 'once');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.brands_approve(ecs_test.me('admin'),
    ecs_test.brand('Acme')) $$), 'wrong_state', 'it is not approved afterwards');
SELECT is(ecs_test.of(ecs_api.brands_update(ecs_test.me('sam'), ecs_test.brand('Acme'),
    '{"is_active": true}'), 'status'), 'REJECTED', 'a switch is no new request');
SELECT is(ecs_test.of(ecs_api.brands_update(ecs_test.me('sam'), ecs_test.brand('Acme'),
    '{"description": "With a licence."}'), 'status'), 'PENDING', 'other words are');
SELECT is(ecs_test.heard('admin', 'brand_request_submitted'), 3::bigint, 'the admin hears again');
SELECT is(ecs_test.of(ecs_api.brands_update(ecs_test.me('sam'), ecs_test.brand('Acme'),
    '{"description": "With the licence."}'), 'rejection_reason'), NULL, 'the old reason is gone');
SELECT is(ecs_test.heard('admin', 'brand_request_submitted'), 3::bigint,
    'what waits already is not announced again');
SELECT is(ecs_test.of(ecs_api.brands_approve(ecs_test.me('admin'), ecs_test.brand('Acme')),
    'status'), 'APPROVED', 'an admin approves');
SELECT is(ecs_test.heard('sam', 'brand_approved'), 1::bigint, 'the seller hears of it');
SELECT is(ecs_test.of(ecs_api.brands_get(NULL, ecs_test.brand('Acme')), 'seller', 'username'),
    'sam', 'everybody sees it');
SELECT ok(NOT (ecs_api.brands_get(NULL, ecs_test.brand('Acme'))).body::jsonb
    ? 'rejection_reason', 'but not all of it');
SELECT is(ecs_test.code_of('SELECT ecs_api.brands_approve(ecs_test.me(''admin''), 0)'),
    'not_found', 'only what is there can be approved');

-- Finding ---------------------------------------------------------------------------------

SELECT lives_ok($$ SELECT ecs_api.brands_approve(ecs_test.me('admin'), ecs_test.brand('Sunny')) $$,
    'another');
SELECT is(ecs_test.all(ecs_api.brands_list(NULL, NULL, NULL, 1, 20, NULL), 'name'), 'Acme Sunny',
    'the list is by name');
SELECT is(ecs_test.all(ecs_api.brands_list(NULL, 'UNN', NULL, 1, 20, NULL), 'name'), 'Sunny',
    'a part of the name finds');
SELECT is(ecs_test.all(ecs_api.brands_list(NULL, NULL, (ecs_test.me('sam')).id, 1, 20, NULL),
    'name'), 'Acme', 'so does the seller');
SELECT is((ecs_api.brands_list(NULL, NULL, NULL, NULL, 1, NULL)).next_key, 'acme',
    'a page of one has a next');
SELECT is(ecs_test.all(ecs_api.brands_list(NULL, NULL, NULL, NULL, 1, 'acme'), 'name'), 'Sunny',
    'which goes on there');
SELECT is((ecs_api.brands_list(NULL, NULL, NULL, NULL, 1, 'acme')).next_key, NULL, 'to the end');
SELECT is(ecs_test.of(ecs_api.accounts_seller(NULL, (ecs_test.me('sam')).id), 'brands', '0', 'name'),
    'Acme', 'the card of the seller has it');

-- On products --------------------------------------------------------------------------------

SELECT ecs_test.product(ecs_test.me('sam'), 'Lamp', 10, 50) \g /dev/null
SELECT ecs_test.product(ecs_test.me('sam'), 'Chair', 10, 50) \g /dev/null
SELECT ecs_test.product(ecs_test.me('sue'), 'Table', 10, 50) \g /dev/null
CREATE FUNCTION ecs_test.assign(p_who text, p_product text, p_brand bigint) RETURNS text
LANGUAGE sql AS $$ SELECT ecs_test.of(ecs_api.products_assign_brand(ecs_test.me(p_who),
    ecs_test.named(p_product), jsonb_build_object('brand', p_brand)), 'brand', 'name') $$;

SELECT is(ecs_test.assign('sam', 'Lamp', ecs_test.brand('Acme')), 'Acme', 'on an own product');
SELECT is(ecs_test.of(ecs_api.products_get(NULL, ecs_test.named('Lamp')), 'brand', 'id'),
    ecs_test.brand('Acme')::text, 'everybody sees it there at once');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.assign('sam', 'Table', ecs_test.brand('Acme')) $$),
    'not_found', 'not on the product of another');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.assign('sam', 'Lamp', ecs_test.brand('Sunny')) $$),
    format('{"brand" : ["Invalid pk \"%s\" - object does not exist."]}', ecs_test.brand('Sunny')),
    'not the brand of another');
SELECT throws_ok(format('UPDATE ecs.products SET brand_id = %s WHERE name = ''Lamp''',
    ecs_test.brand('Sunny')), '23503', NULL, 'the table refuses that, too');
SELECT ecs_test.points('sam', 299) \g /dev/null
SELECT is(ecs_test.code_of($$ SELECT ecs_test.assign('sam', 'Chair', ecs_test.brand('Acme')) $$),
    'not_enough_points', 'it takes the points');
SELECT is(ecs_test.assign('sam', 'Lamp', NULL), NULL, 'taking it off does not');
SELECT is((SELECT products_count FROM ecs.brands WHERE name = 'Acme'), 0, 'and is counted');
SELECT ecs_test.points('sam', 300) \g /dev/null
SELECT is(ecs_test.assign('sam', 'Lamp', ecs_test.brand('Acme'))
    || ecs_test.assign('sam', 'Chair', ecs_test.brand('Acme')), 'AcmeAcme', 'two of a brand');
SELECT is(ecs_test.all(ecs_api.brands_products(NULL, ecs_test.brand('Acme'), 1, 20, NULL), 'name'),
    'Chair Lamp', 'are listed, newest first');
SELECT is((ecs_api.brands_products(NULL, ecs_test.brand('Acme'), 1, 20, NULL)).total, 2::bigint,
    'and counted');
SELECT is(ecs_test.all(ecs_api.brands_products(NULL, ecs_test.brand('Acme'), NULL, 1,
    (ecs_api.brands_products(NULL, ecs_test.brand('Acme'), NULL, 1, NULL)).next_key::bigint),
    'name'), 'Lamp', 'page by page');
SELECT is(ecs_test.of(ecs_api.products_create(ecs_test.me('sam'), 'Shelf', 'x', 5, 5,
    (SELECT min(id) FROM ecs.categories), ecs_test.brand('Acme')), 'brand', 'name'), 'Acme',
    'a new product may come with one');
SELECT is((SELECT products_count FROM ecs.brands WHERE name = 'Acme'), 2,
    'which counts when it is on sale');
SELECT lives_ok($$ SELECT ecs_api.products_approve(ecs_test.me('admin'), ecs_test.named('Shelf')) $$,
    'approved');
SELECT is((SELECT products_count FROM ecs.brands WHERE name = 'Acme'), 3, 'now');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.products_create(ecs_test.me('sue'), 'X', 'x', 5, 5,
    (SELECT min(id) FROM ecs.categories), ecs_test.brand('Acme')) $$),
    format('{"brand" : ["Invalid pk \"%s\" - object does not exist."]}', ecs_test.brand('Acme')),
    'not with that of another');
SELECT is(ecs_test.of(ecs_api.products_update(ecs_test.me('sam'), ecs_test.named('Lamp'),
    '{"brand": null}'), 'pending_change', 'brand'), NULL, 'taking it off by PATCH waits');
SELECT is((ecs_api.products_changes(ecs_test.me('admin'), 1, 20, NULL)).total, 1::bigint,
    'in the list of changes');
SELECT is(ecs_test.all(ecs_api.products_changes(ecs_test.me('admin'), 1, 20, NULL),
    'pending_change'), '{"brand": null}', 'which says what would change');
SELECT is(ecs_test.of(ecs_api.products_get(NULL, ecs_test.named('Lamp')), 'brand', 'name'),
    'Acme', 'and so long it stays');
SELECT is(ecs_test.of(ecs_api.products_change_approve(ecs_test.me('admin'),
    ecs_test.named('Lamp')), 'brand', 'name'), NULL, 'an admin agrees');
SELECT is((ecs_api.products_changes(ecs_test.me('admin'), 1, 20, NULL)).total, 0::bigint,
    'nothing waits');
SELECT is(ecs_test.of(ecs_api.products_update(ecs_test.me('sam'), ecs_test.named('Lamp'),
    jsonb_build_object('brand', ecs_test.brand('Acme'))), 'pending_change', 'brand'),
    ecs_test.brand('Acme')::text, 'putting it on waits, too');

-- In use, and hidden ---------------------------------------------------------------------------

CREATE FUNCTION ecs_test.remove() RETURNS text LANGUAGE sql AS $$ SELECT ecs_test.code_of(
    'SELECT ecs_api.brands_delete(ecs_test.me(''sam''), ecs_test.brand(''Acme''))') $$;
SELECT is(ecs_test.remove(), 'in_use', 'a brand of products stays');
SELECT ecs_test.assign('sam', 'Chair', NULL), ecs_test.assign('sam', 'Shelf', NULL) \g /dev/null
SELECT is(ecs_test.remove(), 'in_use', 'also one that a change asks for');
SELECT is(ecs_test.assign('sam', 'Lamp', ecs_test.brand('Acme')), 'Acme',
    'assigning takes the place of the change');
SELECT is((SELECT pending_change FROM ecs.products WHERE name = 'Lamp'), NULL,
    'which does not wait any more');
SELECT is(ecs_test.of(ecs_api.brands_update(ecs_test.me('sam'), ecs_test.brand('Acme'),
    '{"is_active": false}'), 'status'), 'APPROVED', 'its seller hides it');
SELECT is(ecs_test.of(ecs_api.products_get(NULL, ecs_test.named('Lamp')), 'brand', 'name'), NULL,
    'on products as well');
SELECT is(ecs_test.of(ecs_api.products_get(ecs_test.me('sam'), ecs_test.named('Lamp')), 'brand',
    'name'), 'Acme', 'but for themselves');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.brands_products(NULL, ecs_test.brand('Acme'), 1, 20,
    NULL) $$), 'not_found', 'its products are not listed');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.assign('sam', 'Chair', ecs_test.brand('Acme')) $$),
    '{"brand" : ["The brand has to be approved and active."]}', 'nor is it put on others');
SELECT is(ecs_test.of(ecs_api.brands_update(ecs_test.me('sam'), ecs_test.brand('Acme'),
    '{"is_active": true, "name": "Acme & Sons"}'), 'status'), 'PENDING',
    'another name has to be approved');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.brands_update(ecs_test.me('sam'),
    ecs_test.brand('Acme & Sons'), '{"name": "sunny"}') $$),
    '{"name" : ["brand with this name already exists."]}', 'and be free');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.brands_update(ecs_test.me('sue'),
    ecs_test.brand('Acme & Sons'), '{}') $$), 'not_found', 'only its seller changes it');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.brands_delete(ecs_test.me('sue'),
    ecs_test.brand('Acme & Sons')) $$), 'not_found', 'or removes it');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.brands_update(ROW((ecs_test.me('sam')).id, 'seller',
    1, NULL, NULL, 99)::ecs.caller, ecs_test.brand('Acme & Sons'), '{}') $$), 'stale',
    'If-Match is honoured');
SELECT ecs_api.products_delete(ecs_test.me('sam'), ecs_test.named('Lamp')) \g /dev/null
SELECT is((ecs_api.brands_delete(ecs_test.me('sam'), ecs_test.brand('Acme & Sons'))).status, 204,
    'archived products hold nothing');
SELECT is(ecs_test.holds(), 'all', 'the counts are right');

-- Low stock ---------------------------------------------------------------------------------------

SELECT ecs_api.products_stock(ecs_test.me('sam'), ecs_test.named('Chair'), -44) \g /dev/null
SELECT is(ecs_test.heard('sam', 'low_stock'), 0::bigint, 'six are enough');
SELECT ecs_api.products_stock(ecs_test.me('sam'), ecs_test.named('Chair'), -1) \g /dev/null
SELECT ecs_api.products_stock(ecs_test.me('sam'), ecs_test.named('Chair'), -1) \g /dev/null
SELECT ecs_api.products_update(ecs_test.me('sam'), ecs_test.named('Chair'), '{"quantity": 3}') \g /dev/null
SELECT is(ecs_test.heard('sam', 'low_stock'), 1::bigint, 'falling to five is told, once');
SELECT ecs_api.products_update(ecs_test.me('sam'), ecs_test.named('Chair'), '{"quantity": 20}') \g /dev/null
SELECT is(ecs_test.heard('sam', 'low_stock'), 1::bigint, 'rising is not');
SELECT ecs_api.products_update(ecs_test.me('sam'), ecs_test.named('Chair'), '{"quantity": 2}') \g /dev/null
SELECT is(ecs_test.heard('sam', 'low_stock'), 2::bigint, 'falling again is told again');

-- Ranks -----------------------------------------------------------------------------------------------

UPDATE ecs.users SET rank = 'GOLD' WHERE id = (ecs_test.me('sam')).id;
SELECT is(ecs_test.holds(), 'each rank follows from the points: 1 of 5', 'a wrong rank is found');

SELECT * FROM finish();
ROLLBACK;
