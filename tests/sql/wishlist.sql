-- Wish lists: what is on them, and the notice of a lower price
-- (sql/api/24_wishlist.sql).
BEGIN;
\ir support.psql
SELECT plan(36);

CREATE TABLE ecs_test.who AS SELECT
    ecs_test.person('ada', 'admin') AS admin,
    ecs_test.person('sam', 'seller') AS sam,
    ecs_test.person('bob', 'user') AS bob,
    ecs_test.person('eve', 'user') AS eve,
    ecs_test.person('dan', 'delivery') AS dan;
CREATE FUNCTION ecs_test.me(p_name text) RETURNS ecs.caller LANGUAGE plpgsql AS $$
DECLARE v ecs.caller;
BEGIN
    EXECUTE format('SELECT (w.%I).* FROM ecs_test.who w', p_name) INTO v;
    RETURN v;
END $$;
CREATE FUNCTION ecs_test.named(p_name text) RETURNS bigint LANGUAGE sql
AS $$ SELECT id FROM ecs.products WHERE name = p_name $$;
CREATE FUNCTION ecs_test.wish(p_name text, p_product text) RETURNS ecs.answer LANGUAGE sql
AS $$ SELECT ecs_api.wishlist_add(ecs_test.me(p_name), ecs_test.named(p_product)) $$;
CREATE FUNCTION ecs_test.list(p_name text) RETURNS jsonb LANGUAGE sql
AS $$ SELECT (ecs_api.wishlist_list(ecs_test.me(p_name), 1, 20, NULL)).body::jsonb $$;
CREATE FUNCTION ecs_test.price(p_price numeric) RETURNS void LANGUAGE sql
AS $$ SELECT ecs_api.products_update(ecs_test.me('sam'), ecs_test.named('Lamp'),
          jsonb_build_object('price', p_price::text)) $$;
-- What a person was told of prices, in order.
CREATE FUNCTION ecs_test.heard(p_name text) RETURNS text LANGUAGE sql
AS $$ SELECT string_agg((extra_data ->> 'old_price') || '>' || (extra_data ->> 'price'), ' '
                        ORDER BY id)
      FROM ecs.notifications
      WHERE user_id = (ecs_test.me(p_name)).id AND type = 'wishlist_discount' $$;

SELECT ecs_test.product(ecs_test.me('sam'), 'Lamp', 100, 50) \g /dev/null
SELECT ecs_test.product(ecs_test.me('sam'), 'Chair', 10, 0) \g /dev/null
SELECT ecs_test.product(ecs_test.me('sam'), 'Secret', 10, 50) \g /dev/null
UPDATE ecs.products SET status = 'PENDING' WHERE name = 'Secret';

-- The list -----------------------------------------------------------------------------

SELECT is((ecs_test.wish('bob', 'Lamp')).status, 201, 'a wish');
SELECT is((ecs_test.wish('bob', 'Lamp')).body ->> 'lowest_price', '100.00', 'again is no mistake');
SELECT is((ecs_test.wish('bob', 'Chair')).body ->> 'problem', 'out_of_stock',
    'also for what is sold out');
SELECT is((ecs_test.wish('dan', 'Lamp')).status, 201, 'couriers may wish');
SELECT is((ecs_test.wish('sam', 'Lamp')).status, 201, 'so may its seller');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.wish('bob', 'Secret') $$),
    format('{"product" : ["Invalid pk \"%s\" - object does not exist."]}',
           ecs_test.named('Secret')), 'not for what is not on sale');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.wishlist_add(ecs_test.me('bob'), 0) $$),
    '{"product" : ["Invalid pk \"0\" - object does not exist."]}', 'or not there');
SELECT is(jsonb_path_query_array(ecs_test.list('bob'), '$[*].product.name'), '["Chair", "Lamp"]',
    'newest first');
SELECT is(ecs_test.list('bob') #>> '{1,problem}', NULL, 'the lamp can be bought');
SELECT is((ecs_api.wishlist_list(ecs_test.me('bob'), 1, 20, NULL)).total, 2::bigint, 'counted');
SELECT is((ecs_api.wishlist_list(ecs_test.me('bob'), NULL, 1,
    (ecs_api.wishlist_list(ecs_test.me('bob'), NULL, 1, NULL)).next_key::bigint)).body
    #>> '{0,product,name}', 'Lamp', 'page by page');
SELECT is(jsonb_array_length(ecs_test.list('eve')), 0, 'each their own');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.wishlist_remove(ecs_test.me('eve'),
    ecs_test.named('Lamp')) $$), 'not_found', 'nobody removes that of another');
SELECT is((ecs_api.wishlist_remove(ecs_test.me('bob'), ecs_test.named('Chair'))).status, 204,
    'removed');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.wishlist_remove(ecs_test.me('bob'),
    ecs_test.named('Chair')) $$), 'not_found', 'once');

-- Lower prices ----------------------------------------------------------------------------

SELECT ecs_test.price(110) \g /dev/null
SELECT is(ecs_test.heard('bob'), NULL, 'a higher price is no news');
SELECT ecs_test.price(90) \g /dev/null
SELECT is(ecs_test.heard('bob'), '100.00>90.00', 'a lower one is');
SELECT is(ecs_test.heard('dan'), '100.00>90.00', 'for everybody who wishes');
SELECT is(ecs_test.heard('sam'), NULL, 'but its seller');
SELECT is(ecs_test.heard('eve'), NULL, 'and for nobody else');
SELECT ecs_test.price(100) \g /dev/null
SELECT ecs_test.price(90) \g /dev/null
SELECT ecs_test.price(95) \g /dev/null
SELECT is(ecs_test.heard('bob'), '100.00>90.00', 'up and down again is no news');
SELECT is((ecs_test.wish('eve', 'Lamp')).body ->> 'lowest_price', '95.00',
    'who comes later knows the price of then');
INSERT INTO ecs.notification_preferences (user_id, type, in_app)
    VALUES ((ecs_test.me('dan')).id, 'wishlist_discount', false);
UPDATE ecs.products SET discount_percentage = 10 WHERE name = 'Lamp';
SELECT ecs_lib.price_changed(ecs_test.named('Lamp')) \g /dev/null
SELECT is(ecs_test.heard('bob'), '100.00>90.00 90.00>85.50', 'a discount is a lower price');
SELECT is(ecs_test.heard('eve'), '95.00>85.50', 'from the one each of them knew');
SELECT is(ecs_test.heard('dan'), '100.00>90.00', 'who does not want to hear does not');
SELECT ecs_lib.price_changed(ecs_test.named('Lamp')) \g /dev/null
SELECT is(ecs_test.heard('eve'), '95.00>85.50', 'once');
UPDATE ecs.products SET discount_starts_at = ecs.now() + interval '1 day', discount_percentage = 50
    WHERE name = 'Lamp';
SELECT ecs_lib.price_changed(ecs_test.named('Lamp')) \g /dev/null
SELECT is(ecs_test.heard('eve'), '95.00>85.50', 'what begins tomorrow is none yet');
SELECT is(ecs_lib.job_prices_tell(100), 0, 'nor for the job');
SELECT ecs_test.pass('2 days') \g /dev/null
SELECT is(ecs_lib.job_prices_tell(100), 1, 'which finds it when it has begun');
SELECT is(ecs_test.heard('eve'), '95.00>85.50 85.50>47.50', 'and tells');
SELECT is(ecs_lib.job_prices_tell(100), 0, 'once');
UPDATE ecs.products SET status = 'PENDING', price = 1 WHERE name = 'Lamp';
SELECT ecs_lib.price_changed(ecs_test.named('Lamp')) \g /dev/null
SELECT is(ecs_test.heard('eve'), '95.00>85.50 85.50>47.50', 'what is not on sale is no news');
SELECT lives_ok('SELECT ecs_lib.price_changed(0)', 'a product that is gone is no mistake');

-- Off sale, and too many --------------------------------------------------------------------

UPDATE ecs.products SET status = 'APPROVED' WHERE name = 'Lamp';
SELECT ecs_api.products_delete(ecs_test.me('sam'), ecs_test.named('Lamp')) \g /dev/null
SELECT is(ecs_test.list('bob') #>> '{0,problem}', 'unavailable', 'what is off sale says so');
INSERT INTO ecs.products (seller_id, category_id, name, slug, status, price, quantity)
    SELECT (ecs_test.me('sam')).id, (SELECT min(id) FROM ecs.categories), 'Pin ' || n, 'x',
           'APPROVED', 1, 1 FROM generate_series(1, 500) n;
SELECT is((SELECT count(ecs_test.wish('eve', 'Pin ' || n)) FROM generate_series(1, 499) n),
    499::bigint, 'five hundred wishes');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.wish('eve', 'Pin 500') $$), 'list_full',
    'not one more');

SELECT * FROM finish();
ROLLBACK;
