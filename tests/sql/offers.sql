-- Offers: what a product costs at any moment, and that every place which shows
-- a price shows the same (sql/api/15_prices.sql, 21_offers.sql).
BEGIN;
\ir support.psql
SELECT plan(132);

CREATE TABLE ecs_test.who AS SELECT
    ecs_test.person('ada', 'admin') AS admin,
    ecs_test.person('sam', 'seller') AS sam,
    ecs_test.person('sue', 'seller') AS sue,
    ecs_test.person('bob', 'user', 10000) AS bob;
CREATE FUNCTION ecs_test.me(p_name text, p_version bigint DEFAULT NULL) RETURNS ecs.caller
LANGUAGE plpgsql AS $$
DECLARE v ecs.caller;
BEGIN
    EXECUTE format('SELECT (w.%I).* FROM ecs_test.who w', p_name) INTO v;
    v.if_match := p_version;
    RETURN v;
END $$;
CREATE FUNCTION ecs_test.holds() RETURNS text LANGUAGE sql
AS $$ SELECT coalesce(string_agg(name || ': ' || figure, '; '), 'all')
      FROM ecs_lib.audit_invariants() WHERE NOT holds $$;
CREATE FUNCTION ecs_test.named(p_name text) RETURNS bigint LANGUAGE sql
AS $$ SELECT id FROM ecs.products WHERE name = p_name $$;
CREATE FUNCTION ecs_test.sale(p_name text) RETURNS bigint LANGUAGE sql
AS $$ SELECT id FROM ecs.sales WHERE name = p_name $$;
CREATE FUNCTION ecs_test.at(p_time interval) RETURNS timestamptz LANGUAGE sql
AS $$ SELECT ecs.now() + p_time $$;
-- Opens a sale and joins it; both with times from now.
CREATE FUNCTION ecs_test.open(p_name text, p_from interval, p_to interval) RETURNS bigint
LANGUAGE sql AS $$
    SELECT ((ecs_api.sales_create(ecs_test.me('admin'), p_name, NULL, ecs_test.at(p_from),
                                  ecs_test.at(p_to))).body ->> 'id')::bigint
$$;
CREATE FUNCTION ecs_test.join(p_sale text, p_product text, p_percentage numeric) RETURNS integer
LANGUAGE sql AS $$
    SELECT (ecs_api.sales_join(ecs_test.me('sam'), ecs_test.sale(p_sale),
                               ecs_test.named(p_product), p_percentage)).status
$$;
-- A list of products by named parameters.
CREATE FUNCTION ecs_test.list(p_ordering text DEFAULT 'name', p_min numeric DEFAULT NULL,
    p_max numeric DEFAULT NULL, p_discount boolean DEFAULT NULL, p_sale bigint DEFAULT NULL,
    p_page integer DEFAULT 1, p_page_size integer DEFAULT 100, p_cursor text DEFAULT NULL)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_answer ecs.answer;
    v_others text;
BEGIN
    -- parameters that other tests are about
    SELECT string_agg(format(', %I => NULL', a), '') INTO v_others
        FROM pg_proc, unnest(proargnames) a
        WHERE oid = 'ecs_api.products_list'::regproc AND a <> ALL (ARRAY['p_me', 'p_ordering',
            'p_min_price', 'p_max_price', 'p_has_discount', 'p_sale', 'p_page', 'p_page_size',
            'p_cursor']);
    EXECUTE format('SELECT * FROM ecs_api.products_list(p_me => NULL, p_ordering => $1,
            p_min_price => $2, p_max_price => $3, p_has_discount => $4, p_sale => $5,
            p_page => $6, p_page_size => $7, p_cursor => $8%s)', v_others)
        INTO v_answer
        USING p_ordering, p_min, p_max, p_discount, p_sale, p_page, p_page_size, p_cursor;
    RETURN v_answer;
END $$;
CREATE FUNCTION ecs_test.names(p_answer ecs.answer) RETURNS text LANGUAGE sql
AS $$ SELECT coalesce(string_agg(x ->> 'name', ' '), '') FROM json_array_elements(p_answer.body) x $$;

-- The price, percentage and source of a product as each place shows them; one
-- text when all agree.
CREATE FUNCTION ecs_test.shown(p_product bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_shown text[];
    v_price numeric;
    v_cut   boolean;
    v_sales bigint[] := ARRAY(SELECT sale_id FROM ecs.sale_products WHERE product_id = p_product);
    v_line  json;
BEGIN
    SELECT array_agg(concat_ws(' ', x.product ->> 'current_price',
               x.product ->> 'discount_percentage', x.product ->> 'discount_source')) INTO v_shown
    FROM (
        SELECT (ecs_api.products_get(NULL, p_product)).body AS product
        UNION ALL
        SELECT (ecs_api.products_get(ecs_test.me('sam'), p_product)).body
        UNION ALL
        SELECT (ecs_api.products_get(ecs_test.me('admin'), p_product)).body
        UNION ALL
        SELECT json_array_elements((ecs_test.list(o)).body)
            FROM unnest('{-created_at,created_at,price,-price,name}'::text[]) o
        UNION ALL
        SELECT json_array_elements((ecs_api.products_mine(ecs_test.me('sam'), NULL, 1, 100,
                                                          NULL)).body)
        UNION ALL
        SELECT json_array_elements((ecs_api.sales_products(NULL, s, 1, 100, NULL)).body) -> 'product'
            FROM unnest(v_sales) s
        UNION ALL
        SELECT json_array_elements((ecs_test.list(p_sale => s)).body) FROM unnest(v_sales) s
    ) x WHERE (x.product ->> 'id')::bigint = p_product;
    IF cardinality(v_shown) <> 9 + 2 * cardinality(v_sales) THEN
        RETURN format('%s places show it', cardinality(v_shown));
    END IF;
    IF v_shown[1] <> ALL (v_shown) THEN
        RETURN 'different: ' || array_to_string(v_shown, ', ');
    END IF;
    v_price := split_part(v_shown[1], ' ', 1)::numeric;
    v_cut := v_shown[1] LIKE '% %';
    -- the filters stand exactly at the price
    IF NOT EXISTS (SELECT FROM json_array_elements((ecs_test.list(p_min => v_price,
               p_max => v_price)).body) x WHERE (x ->> 'id')::bigint = p_product)
       OR EXISTS (SELECT FROM json_array_elements((ecs_test.list(p_min => v_price + 0.01)).body) x
                  WHERE (x ->> 'id')::bigint = p_product)
       OR EXISTS (SELECT FROM json_array_elements((ecs_test.list(p_max => v_price - 0.01)).body) x
                  WHERE (x ->> 'id')::bigint = p_product) THEN
        RETURN 'the price filters differ from ' || v_price;
    END IF;
    IF v_cut IS DISTINCT FROM EXISTS (
           SELECT FROM json_array_elements((ecs_test.list(p_discount => true)).body) x
           WHERE (x ->> 'id')::bigint = p_product)
       OR v_cut IS NOT DISTINCT FROM EXISTS (
           SELECT FROM json_array_elements((ecs_test.list(p_discount => false)).body) x
           WHERE (x ->> 'id')::bigint = p_product) THEN
        RETURN 'has_discount differs from ' || v_cut;
    END IF;
    -- cart, and checkout rolled back after a look at the order
    BEGIN
        DELETE FROM ecs.cart_items WHERE user_id = (ecs_test.me('bob')).id;
        PERFORM ecs_api.cart_add(ecs_test.me('bob'), p_product, 2);
        v_line := (ecs_api.cart_get(ecs_test.me('bob'))).body;
        IF (v_line #>> '{items,0,unit_price}')::numeric <> v_price
           OR (v_line ->> 'total')::numeric <> 2 * v_price
           OR (v_line ->> 'subtotal')::numeric <> (v_line ->> 'total')::numeric
                                                   + (v_line ->> 'discount_total')::numeric THEN
            RETURN 'the cart has ' || v_line;
        END IF;
        v_line := (ecs_api.orders_checkout(ecs_test.me('bob'), 2 * v_price)).body;
        IF NOT EXISTS (SELECT FROM ecs.order_items i JOIN ecs.products p ON p.id = i.product_id
                WHERE i.order_id = (v_line ->> 'id')::bigint
                  AND (i.unit_price, i.list_price) = (v_price, p.price))
           OR (v_line #>> '{items,0,unit_price}')::numeric <> v_price
           OR (v_line ->> 'total')::numeric <> 2 * v_price
           OR (v_line ->> 'discount_total')::numeric
              <> (v_line ->> 'subtotal')::numeric - 2 * v_price THEN
            RETURN 'the order has ' || v_line;
        END IF;
        RAISE EXCEPTION 'undo' USING ERRCODE = 'ZZ000';
    EXCEPTION
        WHEN SQLSTATE 'ZZ000' THEN
            NULL;
        WHEN SQLSTATE 'EC000' THEN
            RETURN 'refused: ' || SQLERRM;
    END;
    RETURN v_shown[1];
END $$;

SELECT ecs_test.product(ecs_test.me('sam'), 'Lamp', 80.00, 100) AS lamp \gset
SELECT ecs_test.product(ecs_test.me('sam'), 'Rug', 60.00, 100) AS rug \gset
SELECT ecs_test.product(ecs_test.me('sam'), 'Vase', 40.00, 100) AS vase \gset
SELECT ecs_test.product(ecs_test.me('sue'), 'Pin', 0.01, 100) AS pin \gset

-- Arithmetic --------------------------------------------------------------------------

SELECT is(ecs_lib.reduced(80, 25), 60.00, 'a quarter off');
SELECT is(ecs_lib.reduced(0.05, 10), 0.05, '0.045 is 0.05');
SELECT is(ecs_lib.reduced(0.03, 50), 0.02, '0.015 is 0.02: half a cent up');
SELECT is(ecs_lib.reduced(10.01, 50), 5.01, '5.005 is 5.01');
SELECT is(ecs_lib.reduced(1.00, 0.5), 1.00, '0.995 is 1.00');
SELECT is(ecs_lib.reduced(0.01, 50), 0.01, '0.005 is 0.01');
SELECT is(ecs_lib.reduced(0.01, 90), 0.01, 'never for nothing');
SELECT is(ecs_lib.reduced(0.04, 90), 0.01, 'nor for 0.004');
SELECT is(ecs_lib.reduced(9999999999.99, 90), 1000000000.00, 'the highest price');
SELECT is(ecs_lib.reduced(12.34, NULL), 12.34, 'nothing off');
SELECT is(ecs_lib.reduced(100, 33.33), 66.67, 'parts of percents');

-- Discounts ---------------------------------------------------------------------------

SELECT is(ecs_test.shown(:lamp), '80.00', 'the list price everywhere');
SELECT is((ecs_api.discount_set(ecs_test.me('sam'), :lamp, 10, NULL, NULL)).body ->> 'current_price',
    '72.00', 'a discount');
SELECT is(ecs_test.shown(:lamp), '72.00 10.00 DISCOUNT', 'is everywhere at once');
SELECT is((ecs_api.products_get(ecs_test.me('sam'), :lamp)).body ->> 'discount',
    '{"percentage" : 10.00, "starts_at" : null, "ends_at" : null}', 'its seller sees what it is');
SELECT is((ecs_api.products_get(NULL, :lamp)).body::jsonb ? 'discount', false, 'and nobody else');
SELECT lives_ok(format($$ SELECT ecs_api.discount_set(ecs_test.me('sam'), %s, 20,
    ecs_test.at('1 hour'), ecs_test.at('2 hours')) $$, :lamp), 'another in its place');
SELECT is(ecs_test.shown(:lamp), '80.00', 'that has not begun');
SELECT ecs_test.pass('59 minutes 59.999 seconds');
SELECT is(ecs_test.shown(:lamp), '80.00', 'nor a millisecond before its time');
SELECT ecs_test.pass('1 millisecond');
SELECT is(ecs_test.shown(:lamp), '64.00 20.00 DISCOUNT', 'it begins with its first moment');
SELECT ecs_test.pass('59 minutes 59.999 seconds');
SELECT is(ecs_test.shown(:lamp), '64.00 20.00 DISCOUNT', 'it lasts');
SELECT ecs_test.pass('1 millisecond');
SELECT is(ecs_test.shown(:lamp), '80.00', 'and is over at its end');
SELECT is((ecs_api.discount_remove(ecs_test.me('sam'), :lamp)).status, 204, 'it is taken away');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.discount_remove(ecs_test.me(''sam''), %s)', :lamp)),
    'not_found', 'once');

SELECT is(ecs_test.code_of(format('SELECT ecs_api.discount_set(ecs_test.me(''sue''), %s, 10, NULL, NULL)',
    :lamp)), 'not_found', 'nobody else gives discounts');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.discount_remove(ecs_test.me(''sue''), %s)', :lamp)),
    'not_found', 'nor takes them');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.discount_set(ecs_test.me(''sam''), %s, 10.125, NULL, NULL)',
    :lamp)), '{"percentage" : ["Ensure that there are no more than 2 decimal places."]}',
    'two places, no more');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.discount_set(ecs_test.me('sam'), %s, 10,
    ecs_test.at('2 hours'), ecs_test.at('2 hours')) $$, :lamp)),
    '{"ends_at" : ["The end has to be after the start."]}', 'the end is after the start');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.discount_set(ecs_test.me('sam'), %s, 10,
    NULL, ecs_test.at('0')) $$, :lamp)),
    '{"ends_at" : ["The end has to be in the future."]}', 'and not over');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.discount_set(ecs_test.me(''sam'', 99), %s, 10, NULL, NULL)',
    :lamp)), 'stale', 'If-Match is honoured');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.discount_remove(ecs_test.me(''sam'', 99), %s)', :lamp)),
    'stale', 'there, too');
SELECT throws_ok(format('UPDATE ecs.products SET discount_percentage = 90.5 WHERE id = %s', :lamp),
    '23514', NULL, 'the table knows the bounds');
SELECT throws_ok(format('UPDATE ecs.products SET discount_ends_at = ecs.now() WHERE id = %s', :lamp),
    '23514', NULL, 'and that times belong to a discount');

-- Sales ---------------------------------------------------------------------------------

SELECT is((ecs_api.sales_create(ecs_test.me('admin'), 'Autumn', 'Leaves fall, prices, too.',
    ecs_test.at('1 day'), ecs_test.at('3 days'))).body::jsonb - '{id,created_at,updated_at}'::text[],
    jsonb_build_object('name', 'Autumn', 'description', 'Leaves fall, prices, too.',
        'status', 'UPCOMING', 'starts_at', ecs_lib.ts(ecs_test.at('1 day')),
        'ends_at', ecs_lib.ts(ecs_test.at('3 days'))), 'a sale is opened');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.sales_create(ecs_test.me('admin'), 'x', NULL,
    ecs_test.at('2 days'), ecs_test.at('1 day')) $$),
    '{"ends_at" : ["The end has to be after the start."]}', 'it ends after it starts');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.sales_create(ecs_test.me('admin'), 'x', NULL,
    ecs_test.at('-2 days'), ecs_test.at('-1 day')) $$),
    '{"ends_at" : ["The end has to be in the future."]}', 'not in the past');
SELECT ok(ecs_test.open('Winter', '2 days', '5 days') > 0, 'another sale');
SELECT is(ecs_test.join('Autumn', 'Lamp', 30), 201, 'a seller joins');
SELECT is(ecs_test.join('Winter', 'Lamp', 50), 201, 'and the other one');
SELECT is(ecs_test.join('Autumn', 'Rug', 40), 201, 'with another product');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.join('Autumn', 'Rug', 41) $$), 'duplicate', 'each once');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.join('Autumn', 'Pin', 10) $$),
    format('{"product" : ["Invalid pk \"%s\" - object does not exist."]}', :pin),
    'with own products');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.join('Autumn', 'Vase', 10.001) $$),
    '{"percentage" : ["Ensure that there are no more than 2 decimal places."]}', 'two places here, too');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.join('none', 'Vase', 10) $$), 'not_found',
    'the sale is there');
UPDATE ecs.products SET status = 'PENDING' WHERE id = :vase;
SELECT is(ecs_test.code_of($$ SELECT ecs_test.join('Autumn', 'Vase', 10) $$),
    format('{"product" : ["Invalid pk \"%s\" - object does not exist."]}', :vase),
    'and the product approved');
UPDATE ecs.products SET status = 'APPROVED' WHERE id = :vase;
SELECT is(ecs_test.names(ecs_test.list(p_sale => ecs_test.sale('Autumn'))), 'Lamp Rug',
    'the list by sale knows who is in it');
SELECT is((SELECT string_agg(x ->> 'percentage', ' ')
           FROM json_array_elements((ecs_api.sales_products(NULL, ecs_test.sale('Autumn'), 1, 20,
                                                            NULL)).body) x),
    '40.00 30.00', 'the sale''s list says what each gives off, before it begins');
SELECT is((ecs_api.sales_products(NULL, ecs_test.sale('Autumn'), NULL, 1, NULL)).next_key,
    :'rug', 'it goes on after a cursor');
SELECT is((ecs_api.sales_products(NULL, ecs_test.sale('Autumn'), NULL, 1, :rug)).body
    #>> '{0,product,name}', 'Lamp', 'with the rest');
SELECT is(ecs_test.code_of('SELECT ecs_api.sales_products(NULL, 0, 1, 20, NULL)'), 'not_found',
    'of a sale that is there');

-- One product through overlapping offers: a discount of 35 from day 1.5 to 4,
-- Autumn 30 from 1 to 3, Winter 50 from 2 to 5.
SELECT lives_ok(format($$ SELECT ecs_api.discount_set(ecs_test.me('sam'), %s, 35,
    ecs_test.at('1.5 days'), ecs_test.at('4 days')) $$, :lamp), 'a discount beside two sales');
SELECT is(ecs_test.shown(:lamp), '80.00', 'day 0: nothing has begun');
SELECT ecs_test.pass('1 day');
SELECT is(ecs_test.shown(:lamp), '56.00 30.00 SALE', 'day 1: Autumn');
SELECT is(ecs_test.shown(:rug), '36.00 40.00 SALE', 'the rug, too');
SELECT is(ecs_test.shown(:vase), '40.00', 'not what is in no sale');
SELECT is(ecs_test.names(ecs_test.list('price')), 'Pin Rug Vase Lamp', 'in the order of these prices');
SELECT is(ecs_test.names(ecs_test.list('-price')), 'Lamp Vase Rug Pin', 'and backwards');
SELECT is(ecs_test.names(ecs_test.list('price', p_page => 2, p_page_size => 2)), 'Vase Lamp',
    'on the second page');
SELECT is(ecs_test.names(ecs_test.list('price', p_page => NULL, p_page_size => 1,
    p_cursor => format('["36.00", %s]', :rug))), 'Vase', 'after a cursor that stands at an offer');
SELECT is(ecs_test.names(ecs_test.list('price', p_page => NULL, p_page_size => 1,
    p_cursor => format('["40.00", %s]', :vase))), 'Lamp', 'after one that stands at a list price');
SELECT is((ecs_test.list('price', p_page => NULL, p_page_size => 2)).next_key,
    format('["36.00", %s]', :rug), 'which the page before gave');
SELECT ecs_test.pass('12 hours');
SELECT is(ecs_test.shown(:lamp), '52.00 35.00 DISCOUNT', 'day 1.5: the discount is better');
SELECT ecs_test.pass('12 hours');
SELECT is(ecs_test.shown(:lamp), '40.00 50.00 SALE', 'day 2: Winter beats both');
SELECT is((ecs_api.sales_product_update(ecs_test.me('sam'), ecs_test.sale('Winter'), :lamp,
    '{"percentage": "35"}')).body ->> 'percentage', '35.00', 'its seller gives less');
SELECT is(ecs_test.shown(:lamp), '52.00 35.00 DISCOUNT', 'as much as the discount: that is named');
SELECT is((ecs_api.sales_product_update(ecs_test.me('sam'), ecs_test.sale('Winter'), :lamp,
    '{"percentage": "20"}')).version, 3::bigint, 'and less; it counts its versions');
SELECT is(ecs_test.shown(:lamp), '52.00 35.00 DISCOUNT', 'the discount is better than both');
SELECT ecs_test.pass('1 day');
SELECT is(ecs_test.shown(:lamp), '52.00 35.00 DISCOUNT', 'day 3: Autumn is over');
SELECT is(ecs_test.shown(:rug), '60.00', 'and the rug costs its price');
SELECT ecs_test.pass('1 day');
SELECT is(ecs_test.shown(:lamp), '64.00 20.00 SALE', 'day 4: what Winter gives is left');
SELECT ecs_test.pass('1 day');
SELECT is(ecs_test.shown(:lamp), '80.00', 'day 5: all is over, without a job');
SELECT is(ecs_test.names(ecs_test.list(p_discount => true)), '', 'nothing costs less');
SELECT is((ecs_test.list(p_discount => false)).total, 4::bigint, 'everything its price');

-- What is over stays as it was -------------------------------------------------------------

SELECT is(ecs_test.code_of($$ SELECT ecs_test.join('Winter', 'Vase', 10) $$), 'wrong_state',
    'nobody joins a past sale');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.sales_product_update(ecs_test.me('sam'),
    ecs_test.sale('Winter'), %s, '{"percentage": 90}') $$, :lamp)), 'wrong_state', 'or changes its part');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.sales_leave(ecs_test.me('sam'),
    ecs_test.sale('Winter'), %s) $$, :lamp)), 'wrong_state', 'or leaves');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.sales_update(ecs_test.me('admin'),
    ecs_test.sale('Winter'), '{"name": "x"}') $$), 'wrong_state', 'nobody changes it');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.sales_delete(ecs_test.me('admin'),
    ecs_test.sale('Winter')) $$), 'wrong_state', 'or deletes it');

-- Changes of sales ----------------------------------------------------------------------------

SELECT ok(ecs_test.open('Spring', '1 day', '2 days') > 0, 'a sale to change');
SELECT is(ecs_test.join('Spring', 'Lamp', 25), 201, 'with a product');
SELECT is(ecs_test.holds(), 'all', 'the product knows when it ends');
SELECT is((ecs_api.sales_update(ecs_test.me('admin'), ecs_test.sale('Spring'), jsonb_build_object(
    'description', 'Earlier', 'starts_at', ecs_test.at('-1 hour')))).body ->> 'status', 'ACTIVE',
    'it begins earlier');
SELECT is(ecs_test.shown(:lamp), '60.00 25.00 SALE', 'at once');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.sales_update(ecs_test.me('admin'), ecs_test.sale('Spring'),
    jsonb_build_object('starts_at', ecs_test.at('1 hour'))) $$),
    '{"starts_at" : ["The sale has begun already."]}', 'begun is begun');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.sales_update(ecs_test.me('admin'), ecs_test.sale('Spring'),
    jsonb_build_object('ends_at', ecs_test.at('-1 minute'))) $$),
    '{"ends_at" : ["The end has to be in the future."]}', 'it does not end in the past');
SELECT is((ecs_api.sales_update(ecs_test.me('admin'), ecs_test.sale('Spring'), jsonb_build_object(
    'ends_at', ecs_test.at('10 days')))).status, 200, 'it lasts longer');
SELECT is(ecs_test.holds(), 'all', 'which the product knows');
SELECT ecs_test.pass('9 days');
SELECT is(ecs_test.shown(:lamp), '60.00 25.00 SALE', 'until then');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.sales_update(ecs_test.me('admin', 1),
    ecs_test.sale('Spring'), '{"name": "x"}') $$), 'stale', 'If-Match is honoured');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.sales_delete(ecs_test.me('admin', 1),
    ecs_test.sale('Spring')) $$), 'stale', 'there, too');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.sales_leave(ecs_test.me('sue'),
    ecs_test.sale('Spring'), %s) $$, :lamp)), 'not_found', 'others do not take it out');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.sales_product_update(ecs_test.me('sue'),
    ecs_test.sale('Spring'), %s, '{"percentage": 90}') $$, :lamp)), 'not_found', 'or change it');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.sales_leave(ecs_test.me('sam', 99),
    ecs_test.sale('Spring'), %s) $$, :lamp)), 'stale', 'not by an old version');
SELECT is((ecs_api.sales_leave(ecs_test.me('sam'), ecs_test.sale('Spring'), :lamp)).status, 204,
    'its seller does');
SELECT is(ecs_test.shown(:lamp), '80.00', 'and it costs its price');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.sales_leave(ecs_test.me('sam'),
    ecs_test.sale('Spring'), %s) $$, :lamp)), 'not_found', 'once');
SELECT is(ecs_test.join('Spring', 'Lamp', 25), 201, 'it joins again');
SELECT is((ecs_api.sales_delete(ecs_test.me('admin'), ecs_test.sale('Spring'))).status, 204,
    'deleting a running sale');
SELECT is((ecs_api.sales_get(NULL, ecs_test.sale('Spring'))).body ->> 'status', 'PAST', 'ends it');
SELECT is(ecs_test.shown(:lamp), '80.00', 'now');
SELECT ok(ecs_test.open('Never', '1 day', '2 days') > 0, 'one that has not begun');
SELECT is(ecs_test.join('Never', 'Rug', 25), 201, 'with a product');
SELECT is((ecs_api.sales_delete(ecs_test.me('admin'), ecs_test.sale('Never'))).status, 204,
    'is called off');
SELECT is(ecs_test.sale('Never'), NULL, 'and is gone');
SELECT is(ecs_test.holds(), 'all', 'its products know');
SELECT is((SELECT string_agg(action, ' ' ORDER BY id) FROM ecs.audit_log WHERE object_id =
    ecs_test.sale('Spring') AND object_type = 'sale'),
    'sale.create sale.join sale.update sale.update sale.leave sale.join sale.end',
    'all of it is written down');

-- Lists of sales ----------------------------------------------------------------------------------

SELECT ok(ecs_test.open('Summer', '3 days', '4 days') < ecs_test.open('Now', '0', '1 day'), 'two more');
SELECT is((SELECT string_agg(concat_ws(':', w, ecs_test.names(ecs_api.sales_list(NULL, w, 1, 20, NULL)),
                                       (ecs_api.sales_list(NULL, w, 1, 20, NULL)).total), '; ')
           FROM unnest('{active,upcoming,past,NULL}'::text[]) w),
    'active:Now:1; upcoming:Summer:1; past:Spring Winter Autumn:3; Summer Now Spring Winter Autumn:5',
    'by when they are');
SELECT is(ecs_test.names(ecs_api.sales_list(NULL, NULL, NULL, 2, (ecs_api.sales_list(NULL, NULL,
    NULL, 3, NULL)).next_key)), 'Winter Autumn', 'by cursor');

SELECT ok(ecs_test.open('Short', '0', '1 hour') < ecs_test.open('Long', '0', '2 hours'),
    'a short sale and a long one');
SELECT is(ecs_test.join('Short', 'Vase', 60) + ecs_test.join('Long', 'Vase', 10), 402, 'one in both');
SELECT is(ecs_test.shown(:vase), '16.00 60.00 SALE', 'costs the lowest');
SELECT ecs_test.pass('1 hour');
SELECT is(ecs_test.shown(:vase), '36.00 10.00 SALE', 'at the end of the short one what is left');

-- Between cart and checkout --------------------------------------------------------------------------

SELECT lives_ok(format($$ SELECT ecs_api.discount_set(ecs_test.me('sam'), %s, 90, NULL,
    ecs_test.at('1 hour')) $$, :lamp), 'ninety percent for an hour');
SELECT is((ecs_api.cart_add(ecs_test.me('bob'), :lamp, 3)).body::jsonb
    - '{items,can_checkout}'::text[],
    '{"subtotal": "240.00", "discount_total": "216.00", "total": "24.00"}'::jsonb,
    'the cart says what is saved');
SELECT ecs_test.pass('1 hour');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.orders_checkout(ecs_test.me('bob'), 24.00) $$),
    'price_changed', 'the buyer is not charged more than they saw');
SELECT is((ecs_api.orders_checkout(ecs_test.me('bob'), 240.00)).body ->> 'discount_total', '0.00',
    'unless they say so');
SELECT lives_ok(format($$ SELECT ecs_api.discount_set(ecs_test.me('sue'), %s, 90, NULL, NULL) $$, :pin),
    'ninety percent off a cent');
SELECT is((ecs_api.products_get(NULL, :pin)).body ->> 'current_price', '0.01', 'is a cent');
SELECT is((ecs_api.cart_add(ecs_test.me('bob'), :pin, 7)).body ->> 'total', '0.07', 'in the cart');
SELECT is((ecs_api.orders_checkout(ecs_test.me('bob'), 0.07)).body ->> 'total', '0.07', 'and ordered');

-- The book is right ------------------------------------------------------------------------------------

SELECT is(ecs_test.holds(), 'all', 'every figure is right');
UPDATE ecs.products SET sales_until = 'infinity' WHERE id = :vase;
SELECT is(ecs_test.holds(), 'each product knows when the last of its sales ends: 1 of 4',
    'and the audit sees when one is not');

-- Lists compute prices in their own way, and come to the same --------------------------------------------

-- Products in sales that run, ran and will run, in two at once, with discounts
-- that are in force, over and planned, and with all of that; the same in prices
-- at which lists have to tell them by their ids.
INSERT INTO ecs.sales (name, starts_at, ends_at, created_by)
    SELECT 'Sale ' || n, ecs.now() + (n - 3) * interval '1 day', ecs.now() + (n - 1) * interval '1 day',
           (SELECT (admin).id FROM ecs_test.who)
    FROM generate_series(1, 4) n;
CREATE TABLE ecs_test.many AS
    SELECT ecs_test.product(ecs_test.me('sam'), 'P' || n, 1 + n % 23 + 0.37 * (n % 7), 5) AS id, n
    FROM generate_series(1, 240) n;
INSERT INTO ecs.sale_products (sale_id, product_id, percentage, starts_at, ends_at)
    SELECT s.id, m.id, 1 + (m.n * s.id) % 77, s.starts_at, s.ends_at
    FROM ecs.sales s, ecs_test.many m
    WHERE s.name LIKE 'Sale _' AND m.n % (2 + right(s.name, 1)::integer) = 0;
UPDATE ecs.products p SET discount_percentage = 1 + m.n % 60,
        discount_starts_at = CASE m.n % 3 WHEN 0 THEN ecs.now() + (m.n % 5 - 2) * interval '1 hour' END,
        discount_ends_at = CASE WHEN m.n % 2 = 0 THEN ecs.now() + (m.n % 5 + 1) * interval '1 hour' END
    FROM ecs_test.many m WHERE m.id = p.id AND m.n % 4 = 1;
SELECT ok((SELECT count(DISTINCT (p.offers_until > ecs.now(),
        ecs_lib.offer_source(p, ecs.now()))) >= 4 FROM ecs.products p),
    'products with all kinds of offers');

-- All ids of a list, walked by cursor; and those the prices say, in their order.
CREATE FUNCTION ecs_test.walk(p_ordering text, p_min numeric, p_max numeric, p_discount boolean)
RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    v_ids    bigint[] := '{}';
    v_answer ecs.answer;
BEGIN
    LOOP
        v_answer := ecs_test.list(p_ordering, p_min, p_max, p_discount, p_page => NULL,
                                  p_page_size => 50, p_cursor => v_answer.next_key);
        v_ids := v_ids || ARRAY(SELECT (x ->> 'id')::bigint FROM json_array_elements(v_answer.body) x);
        EXIT WHEN v_answer.next_key IS NULL;
    END LOOP;
    RETURN v_ids;
END $$;
CREATE FUNCTION ecs_test.expected(p_ordering text, p_min numeric, p_max numeric, p_discount boolean)
RETURNS bigint[] LANGUAGE sql AS $$
    SELECT coalesce(array_agg(x.id ORDER BY x.key, x.id * x.sign), '{}') FROM (
        SELECT p.id, y.sign, ecs_lib.current_price(p, ecs.now()) * y.sign AS key
        FROM ecs.products p, (SELECT CASE p_ordering WHEN 'price' THEN 1 ELSE -1 END AS sign) y
        WHERE p.status = 'APPROVED'
          AND (p_min IS NULL OR ecs_lib.current_price(p, ecs.now()) >= p_min)
          AND (p_max IS NULL OR ecs_lib.current_price(p, ecs.now()) <= p_max)
          AND (p_discount IS NULL
               OR (ecs_lib.offer_percentage(p, ecs.now()) IS NOT NULL) = p_discount)) x
$$;
SELECT is(cardinality(ecs_test.walk('price', NULL, NULL, NULL)),
    (SELECT count(*)::integer FROM ecs.products WHERE status = 'APPROVED'), 'a list has them all');
SELECT is(ecs_test.walk(o, NULL, NULL, NULL), ecs_test.expected(o, NULL, NULL, NULL),
    'in the order of ' || o) FROM unnest('{price,-price}'::text[]) o;
SELECT is(ecs_test.walk(o, 3.33, 11, NULL), ecs_test.expected(o, 3.33, 11, NULL),
    'between two prices by ' || o) FROM unnest('{price,-price}'::text[]) o;
SELECT is(ecs_test.walk('price', NULL, 7.5, d), ecs_test.expected('price', NULL, 7.5, d),
    'below a price, offered: ' || d) FROM unnest('{true,false}'::boolean[]) d;
SELECT is((SELECT array_agg((ecs_test.list('-created_at', n, n + 2, d)).total ORDER BY n, d)
           FROM generate_series(1, 24) n, unnest('{true,false,null}'::boolean[]) d),
    (SELECT array_agg(cardinality(ecs_test.expected('price', n, n + 2, d))::bigint ORDER BY n, d)
     FROM generate_series(1, 24) n, unnest('{true,false,null}'::boolean[]) d),
    'in numbers that are counted');

SELECT * FROM finish();
ROLLBACK;
