-- Analytics: what is measured when, sums and facts that are not in them, and who
-- sees whose (sql/api/82_analytics.sql, sql/migrations/*_analytics.sql).
BEGIN;
\ir support.psql
SELECT plan(70);

CREATE TABLE ecs_test.who AS SELECT
    ecs_test.person('ada', 'admin') AS admin,
    ecs_test.person('sam', 'seller') AS sam,
    ecs_test.person('sue', 'seller') AS sue,
    ecs_test.person('bob', 'user', 10000) AS bob,
    ecs_test.person('dan', 'delivery') AS dan;
CREATE FUNCTION ecs_test.me(p_name text) RETURNS ecs.caller LANGUAGE plpgsql AS $$
DECLARE v ecs.caller;
BEGIN
    EXECUTE format('SELECT (w.%I).* FROM ecs_test.who w', p_name) INTO v;
    RETURN v;
END $$;
CREATE FUNCTION ecs_test.holds() RETURNS text LANGUAGE sql
AS $$ SELECT coalesce(string_agg(name || ': ' || figure, '; '), 'all')
      FROM ecs_lib.audit_invariants() WHERE NOT holds $$;

-- Sales of some days: 'placed orders/units/amount, completed …' of a seller, or
-- of the shop.
CREATE FUNCTION ecs_test.told(p_sales json) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s/%s/%s, %s/%s/%s-%s=%s, %s/%s, %s/%s',
        p_sales #>> '{placed,orders}', p_sales #>> '{placed,units}', p_sales #>> '{placed,amount}',
        p_sales #>> '{completed,orders}', p_sales #>> '{completed,units}',
        p_sales #>> '{completed,amount}', p_sales #>> '{completed,fees}',
        p_sales #>> '{completed,net}', p_sales #>> '{cancelled,orders}',
        p_sales #>> '{cancelled,amount}', p_sales #>> '{refunded,orders}',
        p_sales #>> '{refunded,amount}') $$;
CREATE FUNCTION ecs_test.summary(p_name text, VARIADIC p_path text[]) RETURNS json
LANGUAGE sql AS $$
    SELECT (CASE p_name WHEN 'admin' THEN ecs_api.analytics_admin_summary(ecs_test.me('admin'))
               ELSE ecs_api.analytics_seller_summary(ecs_test.me(p_name)) END).body #> p_path $$;
CREATE FUNCTION ecs_test.ever(p_name text) RETURNS text LANGUAGE sql
AS $$ SELECT ecs_test.told(ecs_test.summary(p_name, 'ever')) $$;
-- The same before and after what is measured has been added up.
CREATE FUNCTION ecs_test.both(p_sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_fresh text;
    v_sum   text;
BEGIN
    EXECUTE p_sql INTO v_fresh;
    WHILE ecs_lib.job_facts_fold(2) > 0 LOOP
    END LOOP;
    EXECUTE p_sql INTO v_sum;
    RETURN CASE WHEN v_fresh = v_sum THEN v_sum ELSE format('%s, then %s', v_fresh, v_sum) END;
END $$;

-- An order of some pieces each of some products.
CREATE FUNCTION ecs_test.buy(p_name text, VARIADIC p_what bigint[]) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_api.cart_add(ecs_test.me(p_name), p_what[i], p_what[i + 1]::integer)
        FROM generate_series(1, cardinality(p_what), 2) i;
    RETURN (ecs_api.orders_checkout(ecs_test.me(p_name), NULL)).body ->> 'id';
END $$;
CREATE FUNCTION ecs_test.deliver(p_order bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_step text;
    o      ecs.orders;
BEGIN
    FOREACH v_step IN ARRAY '{PROCESSING,SHIPPED,DELIVERED}'::text[] LOOP
        SELECT * INTO o FROM ecs.orders WHERE id = p_order;
        o.courier_id := (ecs_test.me('dan')).id;
        PERFORM ecs_lib.order_move(o, v_step, ecs_test.me('dan'));
    END LOOP;
END $$;
CREATE FUNCTION ecs_test.line(p_order bigint, p_product bigint) RETURNS bigint LANGUAGE sql
AS $$ SELECT id FROM ecs.order_items WHERE (order_id, product_id) = (p_order, p_product) $$;

SELECT ecs_test.product(ecs_test.me('sam'), 'Lamp', 12.50, 100) AS lamp,
       ecs_test.product(ecs_test.me('sam'), 'Rug', 20, 20) AS rug,
       ecs_test.product(ecs_test.me('sue'), 'Pot', 30, 3) AS pot \gset

-- Nothing yet ---------------------------------------------------------------------------

SELECT is(ecs_test.ever('sam'), '0/0/0.00, 0/0/0.00-0.00=0.00, 0/0.00, 0/0.00', 'no sales');
SELECT is(ecs_test.summary('admin', 'under_way')::jsonb, '{"orders": 0, "amount": "0.00"}',
    'nothing under way');
SELECT is((ecs_api.analytics_seller_top(ecs_test.me('sam'), NULL, 'revenue', 10)).body
    ->> 'products', '[]', 'nothing sold');
SELECT is((ecs_api.analytics_seller_returns(ecs_test.me('sam'), NULL, NULL)).body
    ->> 'returned_percent', NULL, 'nothing of nothing came back');

-- An order of two sellers ------------------------------------------------------------------

SELECT ecs_test.buy('bob', :lamp, 2, :rug, 1, :pot, 1) AS first \gset
SELECT is(ecs_test.both($$ SELECT ecs_test.ever('sam') $$),
    '1/3/45.00, 0/0/0.00-0.00=0.00, 0/0.00, 0/0.00', 'a seller counts own lines, in one order');
SELECT is(ecs_test.ever('sue'), '1/1/30.00, 0/0/0.00-0.00=0.00, 0/0.00, 0/0.00', 'so does the other');
SELECT is(ecs_test.ever('admin'), '1/4/75.00, 0/0/0.00-0.00=0.00, 0/0.00, 0/0.00',
    'the shop counts the order once');
SELECT is(ecs_test.summary('sam', 'under_way')::jsonb, '{"orders": 1, "amount": "45.00"}',
    'it is under way');
SELECT is(ecs_test.holds(), 'all', 'the books are right');
SELECT ecs_test.deliver(:first) \g /dev/null
SELECT is(ecs_test.summary('admin', 'under_way')::jsonb, '{"orders": 1, "amount": "75.00"}',
    'and still is when it is delivered');
SELECT ecs_test.pass('4 days') \g /dev/null
SELECT ecs_api.orders_complete(ecs_test.me('bob'), :first, NULL) \g /dev/null
SELECT is(ecs_test.both($$ SELECT ecs_test.ever('sam') $$),
    '1/3/45.00, 1/3/45.00-1.80=43.20, 0/0.00, 0/0.00', 'paid out, less the fee');
SELECT is(ecs_test.ever('admin'), '1/4/75.00, 1/4/75.00-3.00=72.00, 0/0.00, 0/0.00', 'of all sellers');
SELECT is(ecs_test.summary('admin', 'platform_balance') #>> '{}', '3.00', 'which the platform has');
SELECT is(ecs_test.summary('sam', 'under_way')::jsonb, '{"orders": 0, "amount": "0.00"}',
    'nothing is under way');
SELECT is(ecs_test.told(ecs_test.summary('sam', 'today')),
    '0/0/0.00, 1/3/45.00-1.80=43.20, 0/0.00, 0/0.00', 'today it was only paid');
SELECT is(ecs_test.told(ecs_test.summary('sam', 'last_7_days')),
    '1/3/45.00, 1/3/45.00-1.80=43.20, 0/0.00, 0/0.00', 'in the last seven days ordered, too');

-- Other ends ---------------------------------------------------------------------------------

SELECT ecs_test.buy('bob', :lamp, 4) AS second \gset
SELECT ecs_api.orders_refund(ecs_test.me('admin'), :second, 'late', 10.00) \g /dev/null
SELECT is(ecs_test.both($$ SELECT ecs_test.ever('sam') $$),
    '2/7/95.00, 1/3/45.00-1.80=43.20, 0/0.00, 0/10.00', 'a part is refunded');
SELECT is(ecs_test.summary('sam', 'under_way')::jsonb, '{"orders": 1, "amount": "40.00"}',
    'the rest is under way');
SELECT ecs_api.orders_cancel(ecs_test.me('bob'), :second, NULL) \g /dev/null
SELECT is(ecs_test.both($$ SELECT ecs_test.ever('sam') $$),
    '2/7/95.00, 1/3/45.00-1.80=43.20, 1/40.00, 0/10.00', 'the rest is cancelled');
SELECT ecs_test.buy('bob', :rug, 1, :pot, 1) AS third \gset
SELECT ecs_test.deliver(:third) \g /dev/null
SELECT ecs_api.orders_refund(ecs_test.me('admin'), :third, 'lost', NULL) \g /dev/null
SELECT is(ecs_test.both($$ SELECT ecs_test.ever('sam') $$),
    '3/8/115.00, 1/3/45.00-1.80=43.20, 1/40.00, 1/30.00', 'an order is refunded');
SELECT is(ecs_test.ever('admin'), '3/10/175.00, 1/4/75.00-3.00=72.00, 1/40.00, 1/60.00',
    'one order for the shop');
SELECT is(ecs_test.summary('admin', 'under_way')::jsonb, '{"orders": 0, "amount": "0.00"}',
    'nothing is under way');
SELECT is(ecs_test.holds(), 'all', 'the books are right');

-- Over time ------------------------------------------------------------------------------------

-- 22 November 2026 was a Sunday; the orders above were completed on the 26th.
SELECT ecs_test.buy('bob', :lamp, 1) AS fourth \gset
CREATE FUNCTION ecs_test.series(p_from text, p_to text, p_bucket text) RETURNS text LANGUAGE sql
AS $$ SELECT string_agg(format('%s..%s %s %s', substr(b ->> 'from', 6), substr(b ->> 'to', 6),
                               b #>> '{sales,placed,orders}', b #>> '{sales,completed,amount}'), ', ')
      FROM json_array_elements((ecs_api.analytics_seller_sales(ecs_test.me('sam'), p_from, p_to,
          p_bucket)).body -> 'buckets') b $$;
SELECT is(ecs_test.series('2026-11-22', '2026-11-26', 'day'),
    '11-22..11-22 1 0.00, 11-23..11-23 0 0.00, 11-24..11-24 0 0.00, 11-25..11-25 0 0.00, '
    '11-26..11-26 3 45.00', 'days, also those without sales');
SELECT is(ecs_test.series('2026-11-18', '2026-11-26', 'week'),
    '11-18..11-22 1 0.00, 11-23..11-26 3 45.00', 'weeks begin on Monday, and end where asked');
SELECT is(ecs_test.series('2026-10-05', '2026-12-02', 'month'),
    '10-05..10-31 0 0.00, 11-01..11-30 4 45.00, 12-01..12-02 0 0.00', 'months');
SELECT is((SELECT json_array_length(b -> 'buckets') || ' ' || (b ->> 'from') || ' ' || (b ->> 'to')
    FROM (SELECT (ecs_api.analytics_seller_sales(ecs_test.me('sam'), NULL, NULL, 'day')).body) x (b)),
    '30 2026-10-28 2026-11-26', 'thirty days when nobody says how many');
SELECT is((SELECT json_array_length(b -> 'buckets') || ' ' || (b ->> 'from')
    FROM (SELECT (ecs_api.analytics_seller_sales(ecs_test.me('sam'), NULL, NULL, 'week')).body) x (b)),
    '12 2026-09-07', 'or twelve weeks');
SELECT is((SELECT json_array_length(b -> 'buckets') || ' ' || (b ->> 'from')
    FROM (SELECT (ecs_api.analytics_seller_sales(ecs_test.me('sam'), NULL, NULL, 'month')).body) x (b)),
    '12 2025-12-01', 'or twelve months');
SELECT is(ecs_test.told((ecs_api.analytics_admin_sales(ecs_test.me('admin'), '2026-11-26', '2026-11-26',
    'day')).body -> 'total'), '3/7/112.50, 1/4/75.00-3.00=72.00, 1/40.00, 1/60.00',
    'the total of a day of the shop');
CREATE FUNCTION ecs_test.sales(p_from text, p_to text, p_bucket text DEFAULT 'day') RETURNS text
LANGUAGE sql AS $$ SELECT ecs_test.code_of(format(
    'SELECT ecs_api.analytics_seller_sales(ecs_test.me(''sam''), %L, %L, %L)', p_from, p_to,
    p_bucket)) $$;
SELECT is(ecs_test.sales('yesterday', NULL),
    '{"from" : ["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."]}',
    'a day has a form');
SELECT is(ecs_test.sales(NULL, '2026-02-30'),
    '{"to" : ["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."]}',
    'and is one there is');
SELECT is(ecs_test.sales('2026-11-27', '2026-11-26'),
    '{"from" : ["Ensure this date is not after the last one."]}', 'time goes one way');
SELECT is(ecs_test.sales('2020-01-01', '2026-11-26'),
    '{"from" : ["There are more than 400 days between the days."]}', 'there is a limit');
SELECT is(ecs_test.sales('2020-01-01', '2026-11-26', 'month'), 'not refused', 'not of months');

-- What sold best ----------------------------------------------------------------------------------

CREATE FUNCTION ecs_test.top(p_name text, p_period text, p_by text DEFAULT 'revenue',
    p_limit integer DEFAULT 10) RETURNS text LANGUAGE sql
AS $$ SELECT string_agg(format('%s %s %s', x #>> '{product,name}', x ->> 'units', x ->> 'amount'), ', ')
      FROM json_array_elements((CASE p_name
          WHEN 'admin' THEN ecs_api.analytics_admin_top(ecs_test.me('admin'), p_period, p_by, p_limit)
          ELSE ecs_api.analytics_seller_top(ecs_test.me(p_name), p_period, p_by, p_limit) END).body
          -> 'products') x $$;
SELECT is(ecs_test.top('sam', NULL), 'Lamp 2 25.00, Rug 1 20.00', 'of a seller, this month');
SELECT is(ecs_test.top('admin', '2026'), 'Pot 1 30.00, Lamp 2 25.00, Rug 1 20.00', 'of the shop, this year');
SELECT is(ecs_test.top('admin', 'all', 'units', 1), 'Lamp 2 25.00', 'by pieces, the first');
SELECT is(ecs_test.top('admin', '2026-10'), NULL, 'nothing in another month');
SELECT ecs_test.deliver(:fourth) \g /dev/null
SELECT ecs_test.buy('bob', :rug, 5) AS fifth \gset
SELECT ecs_test.deliver(:fifth) \g /dev/null
SELECT ecs_api.orders_complete(ecs_test.me('admin'), :fourth, 'asked for') \g /dev/null
SELECT ecs_api.orders_complete(ecs_test.me('admin'), :fifth, 'asked for') \g /dev/null
SELECT is(ecs_test.both($$ SELECT ecs_test.top('admin', 'all', 'revenue', 2) $$),
    'Rug 6 120.00, Lamp 3 37.50', 'what is not added up yet may be the best');
SELECT is(ecs_test.top('sue', 'all'), 'Pot 1 30.00', 'each has their own');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.top('sam', '2026-13') $$),
    '{"period" : ["Write a month as YYYY-MM, a year as YYYY, or all."]}', 'a period has a form');

-- What runs short -----------------------------------------------------------------------------------

CREATE FUNCTION ecs_test.low(p_name text, p_at_most integer DEFAULT NULL) RETURNS text LANGUAGE sql
AS $$ SELECT (a).total || ': ' || coalesce((SELECT string_agg(format('%s %s', x ->> 'name', x ->> 'quantity'), ', ')
          FROM json_array_elements((a).body) x), '')
      FROM (SELECT CASE p_name
          WHEN 'admin' THEN ecs_api.analytics_admin_low_stock(ecs_test.me('admin'), p_at_most, 1, 20, NULL)
          ELSE ecs_api.analytics_seller_low_stock(ecs_test.me(p_name), p_at_most, 1, 20, NULL) END AS a) x $$;
SELECT is(ecs_test.low('sam'), '0: ', 'a seller who has enough');
SELECT is(ecs_test.low('sue'), '1: Pot 1', 'one who has not');
SELECT is(ecs_test.summary('sue', 'low_stock') #>> '{}', '1', 'which the summary counts');
SELECT is(ecs_test.low('sam', 14), '1: Rug 13', 'below another limit');
SELECT is(ecs_test.low('sam', 93), '1: Rug 13', 'a rough level is exact in the end');
SELECT is(ecs_test.low('admin', 97), '3: Pot 1, Rug 13, Lamp 97', 'of all, scarcest first');
SELECT is((ecs_api.analytics_admin_low_stock(ecs_test.me('admin'), 97, NULL, 1,
    (ecs_api.analytics_admin_low_stock(ecs_test.me('admin'), 97, NULL, 1, NULL)).next_key)).body
    -> 0 ->> 'name', 'Rug', 'page by page');
SELECT is((SELECT string_agg(q::text, ' ') FROM generate_series(1, 100000) q
    WHERE ecs.stock_level(q) < ecs.stock_level(q - 1)), NULL, 'more pieces are no lower level');

-- Ratings ---------------------------------------------------------------------------------------------

SELECT ecs_api.reviews_create(ecs_test.me('bob'), ecs_test.line(:first, :lamp), 4, NULL, NULL) \g /dev/null
SELECT ecs_api.reviews_create(ecs_test.me('bob'), ecs_test.line(:first, :rug), 1, NULL, NULL) \g /dev/null
SELECT ecs_api.reviews_create(ecs_test.me('bob'), ecs_test.line(:first, :pot), 5, NULL, NULL) \g /dev/null
SELECT is((ecs_api.analytics_seller_ratings(ecs_test.me('sam'))).body -> 'ratings' ->> 'average', '2.50',
    'the stars of a seller');
SELECT is((ecs_api.analytics_seller_ratings(ecs_test.me('sam'))).body #>> '{lowest_products,0,name}', 'Rug',
    'and the product with the fewest');
SELECT is((ecs_api.analytics_admin_ratings(ecs_test.me('admin'))).body -> 'ratings' ->> 'average', '3.33',
    'the stars of the shop');
SELECT is((SELECT string_agg(s ->> 'username', ' ') FROM json_array_elements(
    (ecs_api.analytics_admin_ratings(ecs_test.me('admin'))).body -> 'lowest_sellers') s), 'sam sue',
    'the sellers with the fewest first');

-- Returns ------------------------------------------------------------------------------------------------

CREATE FUNCTION ecs_test.came_back(p_name text) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s open, %s/%s asked, %s/%s/%s accepted, %s refused, %s taken back, %s points, %s%%',
        b ->> 'open', b #>> '{requested,returns}', b #>> '{requested,units}',
        b #>> '{approved,returns}', b #>> '{approved,units}', b #>> '{approved,refunded}',
        b ->> 'rejected', b ->> 'cancelled', b ->> 'penalty_points', b ->> 'returned_percent')
    FROM (SELECT (CASE p_name WHEN 'admin' THEN ecs_api.analytics_admin_returns(ecs_test.me('admin'), NULL, NULL)
              ELSE ecs_api.analytics_seller_returns(ecs_test.me(p_name), NULL, NULL) END).body AS b) x $$;
SELECT ecs_test.buy('bob', :lamp, 6) AS sixth \gset
SELECT ecs_test.deliver(:sixth) \g /dev/null
SELECT (ecs_api.returns_create(ecs_test.me('bob'), ecs_test.line(:sixth, :lamp), 3, 'Dark.')).body ->> 'id' AS r1 \gset
SELECT (ecs_api.returns_create(ecs_test.me('bob'), ecs_test.line(:sixth, :lamp), 1, 'Dim.')).body ->> 'id' AS r2 \gset
SELECT (ecs_api.returns_create(ecs_test.me('bob'), ecs_test.line(:sixth, :lamp), 1, 'No.')).body ->> 'id' AS r3 \gset
SELECT ecs_api.returns_cancel(ecs_test.me('bob'), :r3) \g /dev/null
SELECT is(ecs_test.both($$ SELECT ecs_test.came_back('sam') $$),
    '2 open, 3/5 asked, 0/0/0.00 accepted, 0 refused, 1 taken back, 0 points, 0.00%', 'asked for');
SELECT is(ecs_test.summary('sam', 'open_returns') #>> '{}', '2', 'which the summary counts');
SELECT ecs_api.returns_inspect(ecs_test.me('admin'), :r1,
    '[{"condition": "USED", "quantity": 2}, {"condition": "DAMAGED", "quantity": 1}]') \g /dev/null
SELECT ecs_api.returns_inspect(ecs_test.me('admin'), :r2, '[{"condition": "NEW", "quantity": 1}]') \g /dev/null
SELECT ecs_api.returns_update(ecs_test.me('admin'), :r1, '{"status": "APPROVED", "seller_fault": true}') \g /dev/null
SELECT ecs_api.returns_update(ecs_test.me('admin'), :r2, '{"status": "REJECTED"}') \g /dev/null
SELECT is(ecs_test.both($$ SELECT ecs_test.came_back('sam') $$),
    '0 open, 3/5 asked, 1/3/37.50 accepted, 1 refused, 1 taken back, 5 points, 25.00%', 'decided');
SELECT is((ecs_api.analytics_seller_returns(ecs_test.me('sam'), NULL, NULL)).body -> 'conditions' ->> 'USED',
    '2', 'by condition');
SELECT is((ecs_api.analytics_seller_returns(ecs_test.me('sam'), NULL, NULL)).body -> 'conditions' ->> 'NEW',
    '0', 'only what was accepted');
SELECT is(ecs_test.came_back('admin'),
    '0 open, 3/5 asked, 1/3/37.50 accepted, 1 refused, 1 taken back, 5 points, 23.08%', 'of the shop');
SELECT ecs_api.orders_complete(ecs_test.me('admin'), :sixth, 'asked for') \g /dev/null
SELECT is(ecs_test.both($$ SELECT ecs_test.top('sam', 'all', 'units', 5) $$), 'Rug 6 120.00, Lamp 6 75.00',
    'what came back was not sold');
SELECT is(ecs_test.holds(), 'all', 'the books are right');

-- Auctions -----------------------------------------------------------------------------------------------

INSERT INTO ecs.auctions (seller_id, product_id, title, start_price, start_at, end_at, planned_end_at,
        status, submitted_at, bids_count)
    SELECT (ecs_test.me('sue')).id, :pot, 'Pot ' || n, 1, ecs.now(), ecs.now() + '3 hours',
           ecs.now() + '3 hours', 'SUBMITTED', ecs.now(), 2 * n
    FROM generate_series(1, 3) n;
UPDATE ecs.auctions SET status = 'SCHEDULED';
UPDATE ecs.auctions SET status = 'ACTIVE' WHERE title <> 'Pot 3';
UPDATE ecs.auctions SET status = 'ENDED', result = 'UNSOLD', ended_at = ecs.now() WHERE title = 'Pot 1';
UPDATE ecs.auctions SET status = 'ENDED', result = 'SOLD', order_id = :third, ended_at = ecs.now()
    WHERE title = 'Pot 2';
CREATE FUNCTION ecs_test.auctions(p_name text) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s proposed, %s to come, %s running, %s/%s sold, %s not, %s bids, %s%%',
        b ->> 'submitted', b ->> 'scheduled', b ->> 'active', b #>> '{sold,auctions}',
        b #>> '{sold,amount}', b ->> 'unsold', b ->> 'bids', b ->> 'sold_percent')
    FROM (SELECT (CASE p_name WHEN 'admin' THEN ecs_api.analytics_admin_auctions(ecs_test.me('admin'), NULL, NULL)
              ELSE ecs_api.analytics_seller_auctions(ecs_test.me(p_name), NULL, NULL) END).body AS b) x $$;
SELECT is(ecs_test.both($$ SELECT ecs_test.auctions('sue') $$),
    '3 proposed, 1 to come, 0 running, 1/50.00 sold, 1 not, 6 bids, 50.00%', 'auctions of a seller');
SELECT is(ecs_test.auctions('sam'), '0 proposed, 0 to come, 0 running, 0/0.00 sold, 0 not, 0 bids, %',
    'not of another');
SELECT is(ecs_test.auctions('admin'),
    '3 proposed, 1 to come, 0 running, 1/50.00 sold, 1 not, 6 bids, 50.00%', 'and of the shop');

-- The audit ----------------------------------------------------------------------------------------------

CREATE FUNCTION ecs_test.broken_by(p_sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_broken text;
BEGIN
    EXECUTE p_sql;
    SELECT string_agg(name, '; ' ORDER BY name) INTO v_broken FROM (
        SELECT * FROM ecs_lib.audit_sales() UNION ALL SELECT * FROM ecs_lib.audit_measures()) x
        WHERE NOT holds;
    RAISE EXCEPTION 'undo' USING ERRCODE = 'TEST1', DETAIL = v_broken;
EXCEPTION WHEN SQLSTATE 'TEST1' THEN
    GET STACKED DIAGNOSTICS v_broken = PG_EXCEPTION_DETAIL;
    RETURN v_broken;
END $$;
SELECT is(ecs_test.broken_by(s), w, w) FROM (VALUES
    ('UPDATE ecs.seller_days SET n = n + 1 WHERE seller_id = 0 AND day > ''-infinity'' AND measure = ''placed''',
     'all days of a seller are the sum of the days; each day of a seller has the sales of the day'),
    ('UPDATE ecs.seller_days SET amount = amount + 1 WHERE measure = ''refund''',
     'each seller has the refunds, returns and auctions that there were'),
    ('UPDATE ecs.seller_days SET fee = 0 WHERE measure = ''completed''',
     'each day of a seller has the sales of the day; sales and fees of each seller are those of the ledger'),
    ('UPDATE ecs.product_sums SET units = units + 1', 'each product has the sales of each month and year'),
    ('INSERT INTO ecs.facts (seller_id, day, measure) SELECT 1, ''2026-11-22'', ''return_approved''',
     'each seller has the refunds, returns and auctions that there were')) v (s, w);

SELECT * FROM finish();
ROLLBACK;
