-- Cart: lines, what they cost today, and what stands in their way
-- (sql/api/30_cart.sql).
BEGIN;
\ir support.psql
SELECT plan(34);

CREATE TABLE ecs_test.who AS SELECT
    ecs_test.person('sam', 'seller') AS sam,
    ecs_test.person('bob', 'user', 100) AS bob,
    ecs_test.person('eve', 'user') AS eve;
CREATE FUNCTION ecs_test.me(p_name text) RETURNS ecs.caller LANGUAGE plpgsql AS $$
DECLARE v ecs.caller;
BEGIN
    EXECUTE format('SELECT (w.%I).* FROM ecs_test.who w', p_name) INTO v;
    RETURN v;
END $$;
SELECT ecs_test.product(ecs_test.me('sam'), 'Lamp', 12.35, 5) AS lamp \gset
SELECT ecs_test.product(ecs_test.me('sam'), 'Rug', 40, 2) AS rug \gset
CREATE FUNCTION ecs_test.line(p_product bigint) RETURNS bigint LANGUAGE sql
AS $$ SELECT id FROM ecs.cart_items WHERE product_id = p_product
      AND user_id = (ecs_test.me('bob')).id $$;
-- Lines and totals of bob's cart in one text.
CREATE FUNCTION ecs_test.cart() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce((SELECT string_agg(concat_ws(' ', i ->> 'quantity', i #>> '{product,name}',
                i ->> 'line_total', i ->> 'problem'), ', ')
            FROM json_array_elements(c.body -> 'items') i), 'nothing')
        || ' = ' || (c.body ->> 'total') || CASE c.body ->> 'can_checkout' WHEN 'true' THEN ' ok'
                                             ELSE '' END
    FROM ecs_api.cart_get(ecs_test.me('bob')) c
$$;

SELECT is((ecs_api.cart_get(ecs_test.me('bob'))).body::jsonb,
    '{"items": [], "subtotal": "0.00", "discount_total": "0.00", "total": "0.00",
      "can_checkout": false}'::jsonb, 'an empty cart');
SELECT is((ecs_api.cart_add(ecs_test.me('bob'), :lamp, 2)).status, 201, 'a product goes in');
SELECT is(ecs_test.cart(), '2 Lamp 24.70 = 24.70 ok', 'and costs what it costs');
SELECT is((ecs_api.cart_get(ecs_test.me('bob'))).body::jsonb #- '{items,0,id}',
    jsonb_build_object('items', jsonb_build_array(jsonb_build_object(
        'product', jsonb_build_object('id', :lamp, 'name', 'Lamp', 'slug', 'x'),
        'quantity', 2, 'unit_price', '12.35', 'line_total', '24.70', 'available', 5,
        'problem', NULL)), 'subtotal', '24.70', 'discount_total', '0.00', 'total', '24.70',
        'can_checkout', true), 'every member of it');
SELECT is((ecs_api.cart_add(ecs_test.me('bob'), :lamp, 3)).body #>> '{items,0,quantity}', '5',
    'more of it goes to its line, and the answer is the cart');
SELECT throws_ok(format('SELECT ecs_api.cart_add(ecs_test.me(''bob''), %s, 1)', :lamp),
    'EC000', 'There are only 5.', 'not more than there is');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.cart_add(ecs_test.me(''bob''), %s, 3)', :rug)),
    'out_of_stock', 'not at once either');
SELECT is(ecs_test.cart(), '5 Lamp 61.75 = 61.75 ok', 'a refusal leaves the cart alone');
SELECT is((SELECT quantity FROM ecs.products WHERE id = :lamp), 5, 'a cart reserves nothing');
SELECT is(ecs_test.code_of('SELECT ecs_api.cart_add(ecs_test.me(''bob''), 0, 1)'),
    '{"product" : ["Invalid pk \"0\" - object does not exist."]}', 'the product has to be there');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.cart_add(ecs_test.me(''sam''), %s, 1)', :rug)),
    'own_product', 'nobody buys from themselves');
SELECT lives_ok(format('SELECT ecs_api.cart_add(ecs_test.me(''bob''), %s, 1)', :rug), 'a rug');

SELECT is((ecs_api.cart_update(ecs_test.me('bob'), ecs_test.line(:lamp), '{"quantity": 1}')).body
    ->> 'total', '52.35', 'a line is changed');
SELECT is((ecs_api.cart_update(ecs_test.me('bob'), ecs_test.line(:lamp), '{}')).body ->> 'total',
    '52.35', 'or not');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.cart_update(ecs_test.me(''bob''), %s, ''{"quantity": 6}'')',
    ecs_test.line(:lamp))), 'out_of_stock', 'not beyond the stock');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.cart_update(ecs_test.me(''eve''), %s, ''{"quantity": 2}'')',
    ecs_test.line(:lamp))), 'not_found', 'nor by somebody else');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.cart_remove(ecs_test.me(''eve''), %s)',
    ecs_test.line(:lamp))), 'not_found', 'nobody takes it out for them');
SELECT is((ecs_api.cart_get(ecs_test.me('eve'))).body ->> 'total', '0.00', 'carts are apart');

UPDATE ecs.products SET price = 10 WHERE id = :lamp;
SELECT is(ecs_test.cart(), '1 Lamp 10.00, 1 Rug 40.00 = 50.00 ok', 'the price is today''s');
UPDATE ecs.products SET quantity = 0 WHERE id = :lamp;
UPDATE ecs.products SET status = 'ARCHIVED' WHERE id = :rug;
SELECT is(ecs_test.cart(), '1 Lamp 10.00 out_of_stock, 1 Rug 40.00 unavailable = 50.00',
    'what cannot be ordered says why');
SELECT is((ecs_api.cart_get(ecs_test.me('bob'))).body #>> '{items,1,available}', '0',
    'of what is not on sale there is nothing');
SELECT is(ecs_test.cart(), '1 Lamp 10.00 out_of_stock, 1 Rug 40.00 unavailable = 50.00',
    'reading changes nothing');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.cart_add(ecs_test.me(''bob''), %s, 1)', :rug)),
    format('{"product" : ["Invalid pk \"%s\" - object does not exist."]}', :rug),
    'what is not on sale cannot be added');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.cart_update(ecs_test.me(''bob''), %s, ''{"quantity": 1}'')',
    ecs_test.line(:rug))), 'out_of_stock', 'nor kept on purpose');
SELECT is((ecs_api.cart_remove(ecs_test.me('bob'), ecs_test.line(:rug))).status, 204,
    'but taken out');
SELECT is(ecs_test.code_of('SELECT ecs_api.cart_remove(ecs_test.me(''bob''), 0)'), 'not_found',
    'once');
SELECT is(ecs_test.cart(), '1 Lamp 10.00 out_of_stock = 10.00', 'the rest stays');
SELECT is((ecs_api.cart_clear(ecs_test.me('bob'))).status, 204, 'a cart is emptied');
SELECT is((ecs_api.cart_clear(ecs_test.me('bob'))).status, 204, 'again is no mistake');
SELECT is(ecs_test.cart(), 'nothing = 0.00', 'nothing is left');

-- Two hundred lines and one more.
INSERT INTO ecs.products (seller_id, category_id, name, slug, status, price, quantity)
SELECT (ecs_test.me('sam')).id, (SELECT min(id) FROM ecs.categories), 'Pin ' || i, 'pin',
    'APPROVED', 0.01, 1 FROM generate_series(1, 201) i;
SELECT count((ecs_api.cart_add(ecs_test.me('bob'), id, 1)).status) AS added
    FROM ecs.products WHERE name LIKE 'Pin %' AND name <> 'Pin 201' \gset
SELECT is((SELECT count(*) FROM ecs.cart_items), 200::bigint, 'two hundred lines go in');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.cart_add(ecs_test.me('bob'),
    (SELECT id FROM ecs.products WHERE name = 'Pin 201'), 1) $$), 'cart_full', 'not one more');
SELECT is((ecs_api.cart_get(ecs_test.me('bob'))).body ->> 'total', '2.00', 'cents add up');
SELECT is((SELECT count(*) FROM ecs_lib.audit_invariants() WHERE NOT holds), 0::bigint,
    'the books balance');

SELECT * FROM finish();
ROLLBACK;
