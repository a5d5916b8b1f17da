-- Catalogue: the tree of categories, a product's way to the public and back,
-- and how it is found (sql/api/20_catalog.sql).
BEGIN;
\ir support.psql
SELECT plan(103);

CREATE TABLE ecs_test.who AS SELECT
    ecs_test.person('ada', 'admin') AS admin,
    ecs_test.person('sam', 'seller') AS sam,
    ecs_test.person('sue', 'seller') AS sue,
    ecs_test.person('bob', 'user', 100) AS bob;
CREATE FUNCTION ecs_test.me(p_name text) RETURNS ecs.caller LANGUAGE plpgsql AS $$
DECLARE v ecs.caller;
BEGIN
    EXECUTE format('SELECT (w.%I).* FROM ecs_test.who w', p_name) INTO v;
    RETURN v;
END $$;
-- The id of a thing by its name.
CREATE FUNCTION ecs_test.category(p_name text) RETURNS bigint LANGUAGE sql
AS $$ SELECT id FROM ecs.categories WHERE name = p_name $$;
CREATE FUNCTION ecs_test.named(p_name text) RETURNS bigint LANGUAGE sql
AS $$ SELECT id FROM ecs.products WHERE name = p_name $$;
-- A member of an answer's body, and the values of a member on a page.
CREATE FUNCTION ecs_test.of(p_answer ecs.answer, VARIADIC p_path text[]) RETURNS text LANGUAGE sql
AS $$ SELECT p_answer.body #>> p_path $$;
CREATE FUNCTION ecs_test.all(p_answer ecs.answer, p_member text) RETURNS text LANGUAGE sql
AS $$ SELECT string_agg(x ->> p_member, ' ') FROM json_array_elements(p_answer.body) x $$;
CREATE FUNCTION ecs_test.holds() RETURNS text LANGUAGE sql
AS $$ SELECT coalesce(string_agg(name || ': ' || figure, '; '), 'all')
      FROM ecs_lib.audit_invariants() WHERE NOT holds $$;

-- Categories ------------------------------------------------------------------------

SELECT is(ecs_test.of(ecs_api.categories_create(ecs_test.me('admin'), 'Home', NULL), 'slug'),
    'home', 'a root category');
SELECT is(ecs_test.of(ecs_api.categories_create(ecs_test.me('admin'), 'Lamps',
    ecs_test.category('Home')), 'parent'), ecs_test.category('Home')::text, 'a category below it');
SELECT is((ecs_api.categories_create(ecs_test.me('admin'), 'Floor lamps',
    ecs_test.category('Lamps'))).location,
    format('/api/product/categories/%s/', ecs_test.category('Floor lamps')), 'and below that');
SELECT lives_ok($$ SELECT ecs_api.categories_create(ecs_test.me('admin'), 'Garden', NULL) $$,
    'another root');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.categories_create(ecs_test.me('admin'), 'LAMPS',
    ecs_test.category('Home')) $$),
    '{"name" : ["category with this name already exists here."]}', 'siblings differ by name');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.categories_create(ecs_test.me('admin'), 'home', NULL) $$),
    '{"name" : ["category with this name already exists here."]}', 'roots are siblings');
SELECT lives_ok($$ SELECT ecs_api.categories_create(ecs_test.me('admin'), 'Lamps',
    ecs_test.category('Garden')) $$, 'cousins may have the same name');
DELETE FROM ecs.categories WHERE name = 'Lamps' AND parent_id = ecs_test.category('Garden');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.categories_create(ecs_test.me('admin'), 'X', 0) $$),
    '{"parent" : ["Invalid pk \"0\" - object does not exist."]}', 'the parent has to be there');
SELECT is(ecs_test.all(ecs_api.categories_list(NULL, 1, 20, NULL), 'name'), 'Garden Home',
    'the list has the roots by name');
SELECT is((ecs_api.categories_list(NULL, 1, 20, NULL)).total, 2::bigint, 'and counts them');
SELECT is(ecs_test.of(ecs_api.categories_list(NULL, 1, 20, NULL), '1', 'children', '0',
    'children', '0', 'name'), 'Floor lamps', 'with everything below');
SELECT is((ecs_api.categories_list(NULL, NULL, 1, NULL)).next_key,
    format('["Garden", %s]', ecs_test.category('Garden')), 'a cursor goes on after a root');
SELECT is(ecs_test.all(ecs_api.categories_list(NULL, NULL, 1, '["Garden", 0]'), 'name'), 'Garden',
    'it begins behind its key');
SELECT is(ecs_test.all(ecs_api.categories_list(NULL, NULL, 1,
    format('["Garden", %s]', ecs_test.category('Garden'))), 'name'), 'Home', 'and goes on there');
SELECT is((ecs_api.categories_list(NULL, NULL, 1,
    format('["Garden", %s]', ecs_test.category('Garden')))).next_key, NULL, 'to the end');
SELECT is(ecs_test.of(ecs_api.categories_get(NULL, ecs_test.category('Lamps')), 'name'), 'Lamps',
    'one category');
SELECT is(ecs_test.code_of('SELECT ecs_api.categories_get(NULL, 0)'), 'not_found',
    'one that is not there');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.categories_update(ecs_test.me('admin'),
    ecs_test.category('Home'), jsonb_build_object('parent', ecs_test.category('Floor lamps'))) $$),
    '{"parent" : ["A category cannot be below itself."]}', 'no cycles');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.categories_update(ecs_test.me('admin'),
    ecs_test.category('Home'), jsonb_build_object('parent', ecs_test.category('Home'))) $$),
    '{"parent" : ["A category cannot be below itself."]}', 'not even short ones');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.categories_update(ecs_test.me('admin'), 0, '{}') $$),
    'not_found', 'a missing one cannot be changed');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.categories_update(
    ROW(1, 'admin', 1, NULL, NULL, 99)::ecs.caller, ecs_test.category('Home'), '{"name": "x"}') $$),
    'stale', 'If-Match is honoured');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.categories_delete(ecs_test.me('admin'),
    ecs_test.category('Lamps')) $$), 'in_use', 'a category with one below stays');

-- A product's way to the public --------------------------------------------------------

SELECT is(ecs_test.of(ecs_api.products_create(ecs_test.me('sam'), 'Brass lamp', 'Bright.', 12.50, 7,
    ecs_test.category('Lamps')), 'status'), 'PENDING', 'a seller proposes');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.products_create(ecs_test.me('sam'), 'X', 'x', 1, 1, 0) $$),
    '{"category" : ["Invalid pk \"0\" - object does not exist."]}', 'in a category that is there');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.products_get(NULL, ecs_test.named('Brass lamp')) $$),
    'not_found', 'nobody sees a proposal');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.products_get(ecs_test.me('sue'),
    ecs_test.named('Brass lamp')) $$), 'not_found', 'nor does another seller');
SELECT is(ecs_test.of(ecs_api.products_get(ecs_test.me('sam'), ecs_test.named('Brass lamp')),
    'status'), 'PENDING', 'its seller does');
SELECT is(ecs_test.of(ecs_api.products_get(ecs_test.me('admin'), ecs_test.named('Brass lamp')),
    'status'), 'PENDING', 'and the admin');
SELECT is(ecs_test.all(ecs_api.products_pending(ecs_test.me('admin'), 1, 20, NULL), 'name'),
    'Brass lamp', 'it waits for the admin');
SELECT is(ecs_test.of(ecs_api.products_reject(ecs_test.me('admin'), ecs_test.named('Brass lamp'),
    'no photo'), 'rejection_reason'), 'no photo', 'who refuses it');
SELECT is((SELECT status FROM ecs.products WHERE id = ecs_test.named('Brass lamp')), 'REJECTED',
    'it is rejected');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.products_reject(ecs_test.me('admin'),
    ecs_test.named('Brass lamp'), 'again') $$), 'wrong_state', 'once');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.products_approve(ecs_test.me('admin'),
    ecs_test.named('Brass lamp')) $$), 'wrong_state', 'and not approved afterwards');
SELECT is((SELECT message FROM ecs.notifications WHERE user_id = (ecs_test.me('sam')).id),
    'Brass lamp was not approved: no photo', 'its seller is told why');
SELECT is(ecs_test.of(ecs_api.products_update(ecs_test.me('sam'), ecs_test.named('Brass lamp'),
    '{"description": "Very bright.", "price": "13.00"}'), 'status'), 'PENDING',
    'a change proposes it again');
SELECT is(ecs_test.of(ecs_api.products_get(ecs_test.me('sam'), ecs_test.named('Brass lamp')),
    'description'), 'Very bright.', 'and is made at once');
SELECT is(ecs_test.of(ecs_api.products_get(ecs_test.me('sam'), ecs_test.named('Brass lamp')),
    'rejection_reason'), NULL, 'the old reason is gone');
SELECT is((ecs_api.products_approve(ecs_test.me('admin'), ecs_test.named('Brass lamp'))).status,
    200, 'the admin approves');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.products_approve(ecs_test.me('admin'),
    ecs_test.named('Brass lamp')) $$), 'wrong_state', 'once');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.products_approve(ecs_test.me('admin'), 0) $$),
    'not_found', 'something that is there');
SELECT is((SELECT count(*) FROM ecs.notifications WHERE user_id = (ecs_test.me('sam')).id
    AND type = 'product_approved'), 1::bigint, 'the seller hears of it');
SELECT is((SELECT string_agg(action, ' ' ORDER BY id) FROM ecs.audit_log
    WHERE object_type = 'product'), 'product.reject product.approve', 'the audit log has both');
SELECT is((ecs_api.products_get(NULL, ecs_test.named('Brass lamp'))).body::jsonb
    - '{id,slug,description,category,seller,created_at,updated_at}'::text[],
    '{"name": "Brass lamp", "status": "APPROVED", "price": "13.00", "current_price": "13.00",
      "discount_percentage": null, "discount_source": null, "condition": "NEW", "quantity": 7, "in_stock": true,
      "brand": null, "images": [], "avg_rating": 0.00, "ratings_count": 0}'::jsonb,
    'everybody sees it');
SELECT is(ecs_test.of(ecs_api.products_get(NULL, ecs_test.named('Brass lamp')), 'created_at'),
    '2026-11-22T12:00:00.000Z', 'times are those of the wire');
SELECT is(ecs_test.of(ecs_api.products_get(ecs_test.me('bob'), ecs_test.named('Brass lamp')),
    'seller', 'username'), 'sam', 'a buyer too');
SELECT ok(NOT (ecs_api.products_get(ecs_test.me('sue'), ecs_test.named('Brass lamp'))).body::jsonb
    ? 'pending_change', 'another seller sees what everybody sees');
SELECT is(ecs_test.of(ecs_api.products_get(NULL, ecs_test.named('Brass lamp')),
    'category', 'parent'), ecs_test.category('Home')::text, 'with its category');
SELECT is((SELECT string_agg(products_count::text, ' ' ORDER BY name) FROM ecs.categories),
    '0 0 1 1', 'it is counted in its category and above');
SELECT is((SELECT products_count FROM ecs.users WHERE username = 'sam'), 1, 'and for its seller');

-- Changing what is on sale ----------------------------------------------------------------

SELECT is(ecs_test.of(ecs_api.products_update(ecs_test.me('sam'), ecs_test.named('Brass lamp'),
    jsonb_build_object('name', 'Gold lamp', 'price', '14.00', 'description', 'Very bright.',
        'category', ecs_test.category('Floor lamps'))), 'pending_change'),
    format('{"name": "Gold lamp", "category": %s}', ecs_test.category('Floor lamps')),
    'what was approved waits, as far as it differs');
SELECT is(ecs_test.of(ecs_api.products_get(NULL, ecs_test.named('Brass lamp')), 'price'), '14.00',
    'the price changes at once, the name does not');
SELECT is(ecs_test.all(ecs_api.products_pending(ecs_test.me('admin'), 1, 20, NULL), 'name'),
    'Brass lamp', 'the change waits for the admin');
SELECT is(ecs_test.of(ecs_api.products_update(ecs_test.me('sam'), ecs_test.named('Brass lamp'),
    '{"name": "Brass lamp"}'), 'pending_change'),
    format('{"category": %s}', ecs_test.category('Floor lamps')), 'what is taken back waits no more');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.categories_delete(ecs_test.me('admin'),
    ecs_test.category('Floor lamps')) $$), 'in_use', 'a category that is asked for stays');
SELECT is(ecs_test.of(ecs_api.products_reject(ecs_test.me('admin'), ecs_test.named('Brass lamp'),
    'it hangs'), 'status'), 'APPROVED', 'a refused change leaves the product on sale');
SELECT is(ecs_test.of(ecs_api.products_get(ecs_test.me('sam'), ecs_test.named('Brass lamp')),
    'rejection_reason'), 'it hangs', 'and says why');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.products_change_approve(ecs_test.me('admin'),
    ecs_test.named('Brass lamp')) $$), 'not_found', 'no change, nothing to decide');
SELECT is(ecs_test.of(ecs_api.products_update(ecs_test.me('sam'), ecs_test.named('Brass lamp'),
    jsonb_build_object('name', 'Gold lamp', 'category', ecs_test.category('Floor lamps'))),
    'rejection_reason'), NULL, 'the next change');
SELECT is(ecs_test.of(ecs_api.products_change_approve(ecs_test.me('admin'),
    ecs_test.named('Brass lamp')), 'slug'), 'gold-lamp', 'is approved');
SELECT is(ecs_test.of(ecs_api.products_get(NULL, ecs_test.named('Gold lamp')), 'category', 'name'),
    'Floor lamps', 'and made');
SELECT is((SELECT string_agg(name || products_count, ' ' ORDER BY name) FROM ecs.categories),
    'Floor lamps1 Garden0 Home1 Lamps1', 'and counted where it is now');
SELECT lives_ok($$ SELECT ecs_api.products_update(ecs_test.me('sam'), ecs_test.named('Gold lamp'),
    '{"name": "Silver lamp"}') $$, 'one more change');
SELECT is(ecs_test.of(ecs_api.products_change_reject(ecs_test.me('admin'),
    ecs_test.named('Gold lamp'), 'no'), 'name'), 'Gold lamp', 'is refused');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.products_update(ecs_test.me('sue'),
    ecs_test.named('Gold lamp'), '{"price": "1.00"}') $$), 'not_found',
    'another seller cannot change it');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.products_update(ecs_test.me('sam'),
    ecs_test.named('Gold lamp'), '{"category": 0}') $$),
    '{"category" : ["Invalid pk \"0\" - object does not exist."]}', 'nor put it nowhere');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.products_update(
    ROW((ecs_test.me('sam')).id, 'seller', 1, NULL, NULL, 1)::ecs.caller,
    ecs_test.named('Gold lamp'), '{"price": "1.00"}') $$), 'stale', 'nor over somebody else''s change');

SELECT is(ecs_test.of(ecs_api.products_stock(ecs_test.me('sam'), ecs_test.named('Gold lamp'), 3),
    'quantity'), '10', 'pieces come in');
SELECT is(ecs_test.of(ecs_api.products_stock(ecs_test.me('sam'), ecs_test.named('Gold lamp'), -10),
    'in_stock'), 'false', 'and go out');
SELECT throws_ok($$ SELECT ecs_api.products_stock(ecs_test.me('sam'), ecs_test.named('Gold lamp'), -1) $$,
    'EC000', 'There are only 0.', 'not below zero');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.products_stock(ecs_test.me('sam'),
    ecs_test.named('Gold lamp'), 1000001) $$),
    '{"delta" : ["Ensure this value is less than or equal to 1000000."]}', 'nor beyond the bound');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.products_stock(ecs_test.me('sue'),
    ecs_test.named('Gold lamp'), 1) $$), 'not_found', 'nor by another seller');

-- A moved category takes its products along -------------------------------------------------

SELECT is(ecs_test.of(ecs_api.categories_update(ecs_test.me('admin'), ecs_test.category('Lamps'),
    jsonb_build_object('parent', ecs_test.category('Garden'), 'name', 'Lanterns')), 'name'),
    'Lanterns', 'a category is renamed and moved');
SELECT is((SELECT string_agg(name || products_count, ' ' ORDER BY name) FROM ecs.categories),
    'Floor lamps1 Garden1 Home0 Lanterns1', 'the counts move with it');
SELECT version AS before FROM ecs.products WHERE name = 'Gold lamp' \gset
SELECT (ecs_api.categories_update(ecs_test.me('admin'), ecs_test.category('Floor lamps'),
    '{"name": "Standing lamps"}')).version AS ignored \gset
SELECT cmp_ok((ecs_api.products_get(NULL, ecs_test.named('Gold lamp'))).version, '>', :before::bigint,
    'a product that shows its category has a new version');
SELECT is(ecs_test.of(ecs_api.categories_update(ecs_test.me('admin'), ecs_test.category('Lanterns'),
    '{"parent": null}'), 'parent'), NULL, 'null makes a root');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.categories_update(ecs_test.me('admin'),
    ecs_test.category('Lanterns'), '{"name": "garden"}') $$),
    '{"name" : ["category with this name already exists here."]}', 'whose name is free there');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.categories_delete(ecs_test.me('admin'),
    ecs_test.category('Standing lamps')) $$), 'in_use', 'a category with products stays');
SELECT is((ecs_api.categories_delete(ecs_test.me('admin'), ecs_test.category('Home'))).status, 204,
    'an empty one goes');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.categories_delete(ecs_test.me('admin'), 0) $$),
    'not_found', 'one that is not there does not');

-- Finding ------------------------------------------------------------------------------------

INSERT INTO ecs.products (seller_id, category_id, name, slug, description, status, price, quantity,
    avg_rating, sold_count, created_at)
SELECT (ecs_test.me('sue')).id, ecs_test.category('Garden'), 'Chair ' || i, 'c', 'oak_100% and elm',
    'APPROVED', 10 * i, i - 1, i, 6 - i, '2026-11-01Z'::timestamptz + i * interval '1 day'
FROM generate_series(1, 5) i;
-- Product names by the parameters of a list, in page mode and then again by
-- cursors of two; both have to be the same.
CREATE FUNCTION ecs_test.find(p_ordering text, p_search text DEFAULT NULL,
    p_category bigint DEFAULT NULL, p_seller bigint DEFAULT NULL, p_min numeric DEFAULT NULL,
    p_max numeric DEFAULT NULL, p_rating numeric DEFAULT NULL, p_stock boolean DEFAULT NULL)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_paged  ecs.answer;
    v_part   ecs.answer;
    v_cursor text := '';
BEGIN
    v_paged := ecs_api.products_list(NULL, p_search, p_category, p_seller, p_min, p_max,
        p_rating, p_stock, NULL, NULL, p_ordering, 1, 100, NULL);
    LOOP
        v_part := ecs_api.products_list(NULL, p_search, p_category, p_seller, p_min, p_max,
            p_rating, p_stock, NULL, NULL, p_ordering, NULL, 2, v_part.next_key);
        v_cursor := concat_ws(' ', nullif(v_cursor, ''), ecs_test.all(v_part, 'name'));
        EXIT WHEN v_part.next_key IS NULL;
    END LOOP;
    IF v_cursor <> coalesce(ecs_test.all(v_paged, 'name'), '') THEN
        RETURN 'by cursor: ' || v_cursor;
    END IF;
    RETURN replace(v_paged.total || ': ' || coalesce(ecs_test.all(v_paged, 'name'), ''), 'Chair ', '');
END $$;
SELECT is(ecs_test.find('-created_at'), '6: Gold lamp 5 4 3 2 1', 'the newest first');
SELECT is(ecs_test.find('-created_at', p_category => ecs_test.category('Garden')), '5: 5 4 3 2 1',
    'of a category');
SELECT is(ecs_test.find('-created_at', p_category => ecs_test.category('Lanterns')), '1: Gold lamp',
    'with what is below it');
SELECT is(ecs_test.find('-created_at', p_category => 0), '0: ', 'of one that is not there');
SELECT is(ecs_test.find('created_at'), '6: 1 2 3 4 5 Gold lamp', 'the oldest first');
SELECT is(ecs_test.find('price'), '6: 1 Gold lamp 2 3 4 5', 'by price');
SELECT is(ecs_test.find('-price'), '6: 5 4 3 2 Gold lamp 1', 'and the other way');
SELECT is(ecs_test.find('-avg_rating'), '6: 5 4 3 2 1 Gold lamp', 'by rating');
SELECT is(ecs_test.find('name'), '6: 1 2 3 4 5 Gold lamp', 'by name');
SELECT is(ecs_test.find('-popularity'), '6: 1 2 3 4 5 Gold lamp', 'by pieces sold');
SELECT is(ecs_test.find('name', p_search => 'CHAIR oak'), '5: 1 2 3 4 5', 'with all the words');
SELECT is(ecs_test.find('name', p_search => 'oak_100%'), '5: 1 2 3 4 5', 'as they stand');
SELECT is(ecs_test.find('name', p_search => 'o_k'), '0: ', 'not as patterns');
SELECT is(ecs_test.find('name', p_seller => (ecs_test.me('sam')).id), '1: Gold lamp', 'of a seller');
SELECT is(ecs_test.find('price', p_min => 20, p_max => 40), '3: 2 3 4', 'between prices');
SELECT is(ecs_test.find('name', p_rating => 4), '2: 4 5', 'rated well');
SELECT is(ecs_test.find('name', p_stock => true), '4: 2 3 4 5', 'in stock');
SELECT is(ecs_test.find('name', p_stock => false, p_category => ecs_test.category('Garden')), '1: 1',
    'sold out');

-- Own products and the end of one ---------------------------------------------------------------

SELECT is((ecs_api.products_mine(ecs_test.me('sam'), NULL, 1, 20, NULL)).extra::jsonb,
    '{"counts": {"PENDING": 0, "APPROVED": 1, "REJECTED": 0, "ARCHIVED": 0,
                 "pending_changes": 0}}'::jsonb, 'own products are counted');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.products_delete(ecs_test.me('sue'),
    ecs_test.named('Gold lamp')) $$), 'not_found', 'another seller cannot archive');
SELECT is((ecs_api.products_delete(ecs_test.me('sam'), ecs_test.named('Gold lamp'))).status, 204,
    'its seller can');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.products_update(ecs_test.me('sam'),
    ecs_test.named('Gold lamp'), '{"price": "1.00"}') $$), 'wrong_state', 'for good');
SELECT is(ecs_test.all(ecs_api.products_mine(ecs_test.me('sam'), 'ARCHIVED', 1, 20, NULL), 'name'),
    'Gold lamp', 'and finds it among the archived');
UPDATE ecs.products SET sold_count = 0;
-- The stars were only for the ordering; nobody has reviewed anything.
UPDATE ecs.products SET avg_rating = 0;
SELECT is(ecs_test.holds(), 'all', 'every count is right');

SELECT * FROM finish();
ROLLBACK;
