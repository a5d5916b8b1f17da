-- Returns: who may ask when, what was found, and what a decision does to money,
-- stock, points and the order.
BEGIN;
\ir support.psql
SELECT plan(144);

CREATE FUNCTION ecs_test.buy(p_me ecs.caller, p_product bigint, p_quantity integer DEFAULT 1)
RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ecs.cart_items (user_id, product_id, quantity)
        VALUES (p_me.id, p_product, p_quantity);
    RETURN (ecs_api.orders_checkout(p_me, NULL)).body ->> 'id';
END $$;

-- Brings an order to its buyer. The proof is 'pin' and 'token'.
CREATE FUNCTION ecs_test.deliver(p_courier ecs.caller, p_order bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_api.delivery_claim(p_courier, p_order);
    PERFORM ecs_api.delivery_advance(p_courier, p_order, NULL, NULL, NULL, NULL, NULL,
                                     'nonce', 'pin', 'token');
    PERFORM ecs_api.orders_proof_confirm(p_courier, p_order, NULL, NULL, NULL, 'pin', NULL);
    RETURN p_order;
END $$;

-- The line of a product in an order.
CREATE FUNCTION ecs_test.line(p_order bigint, p_product bigint) RETURNS bigint LANGUAGE sql
AS $$ SELECT id FROM ecs.order_items WHERE order_id = p_order AND product_id = p_product $$;

-- Asks for a return.
CREATE FUNCTION ecs_test.ask(p_me ecs.caller, p_line bigint, p_quantity integer DEFAULT 1)
RETURNS bigint LANGUAGE sql AS $$
    SELECT ((ecs_api.returns_create(p_me, p_line, p_quantity, 'It hums.')).body ->> 'id')::bigint
$$;

-- Writes down what was found: "2 NEW, 1 USED".
CREATE FUNCTION ecs_test.look(p_me ecs.caller, p_return bigint, p_found text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
BEGIN
    RETURN ecs_api.returns_inspect(p_me, p_return, (
        SELECT jsonb_agg(jsonb_build_object('quantity', split_part(x, ' ', 1)::integer,
                                            'condition', split_part(x, ' ', 2)))
        FROM unnest(string_to_array(p_found, ', ')) x));
END $$;

CREATE FUNCTION ecs_test.decide(p_me ecs.caller, p_return bigint, p_changes jsonb)
RETURNS json LANGUAGE sql
AS $$ SELECT (ecs_api.returns_update(p_me, p_return, p_changes)).body $$;

CREATE FUNCTION ecs_test.stock(p_product bigint) RETURNS integer LANGUAGE sql
AS $$ SELECT quantity FROM ecs.products WHERE id = p_product $$;

CREATE FUNCTION ecs_test.told(p_me ecs.caller, p_type text) RETURNS bigint LANGUAGE sql
AS $$ SELECT count(*) FROM ecs.notifications WHERE user_id = p_me.id AND type = p_type $$;

CREATE FUNCTION ecs_test.order_is(p_order bigint) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', status, held_amount, refunded_amount) FROM ecs.orders WHERE id = p_order
$$;

CREATE FUNCTION ecs_test.payouts(p_order bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(p.amount || ' - ' || p.fee, ', ' ORDER BY p.seller_id)
    FROM ecs_lib.order_payouts(p_order) p
$$;

SELECT ecs_test.person('buyer', 'user', 1000) AS buyer, ecs_test.person('other', 'user', 100) AS other,
       ecs_test.person('rose', 'seller') AS rose, ecs_test.person('omar', 'seller') AS omar,
       ecs_test.person('courier', 'delivery') AS courier,
       ecs_test.person('courier2', 'delivery') AS courier2,
       ecs_test.person('boss', 'admin') AS boss, ecs_test.person('gone', 'admin') AS gone \gset
UPDATE ecs.users SET is_active = false WHERE username = 'gone';
UPDATE ecs.settings SET max_active_deliveries = 100;
SELECT ecs_test.product(:'rose', 'Brass lamp', 12.50, 100) AS lamp,
       ecs_test.product(:'omar', 'Wool rug', 40.00, 100) AS rug \gset

-- Asking ------------------------------------------------------------------------------

INSERT INTO ecs.cart_items (user_id, product_id, quantity)
    VALUES ((:'buyer'::ecs.caller).id, :rug, 1);
SELECT ecs_test.buy(:'buyer', :lamp, 3) AS first \gset
SELECT ecs_test.line(:first, :lamp) AS lamps, ecs_test.line(:first, :rug) AS rugs \gset
SELECT is(ecs_test.code_of(format('SELECT ecs_api.returns_create(%L, %s, 1, ''x'')', :'buyer', :lamps)),
    'wrong_state', 'what has not come cannot go back');
SELECT ecs_test.deliver(:'courier', :first) \g /dev/null
SELECT is(ecs_test.code_of(format('SELECT ecs_api.returns_create(%L, %s, 1, ''x'')', p, :lamps)),
    format('{"order_item" : ["Invalid pk \"%s\" - object does not exist."]}', :lamps),
    n || ' returns nothing of it')
FROM (VALUES ('another buyer', :'other'::ecs.caller), ('its seller', :'rose')) v (n, p);
SELECT is(ecs_test.code_of(format('SELECT ecs_api.returns_create(%L, 999999, 1, ''x'')', :'buyer')),
    '{"order_item" : ["Invalid pk \"999999\" - object does not exist."]}', 'nor of nothing');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.returns_create(%L, %s, 4, ''x'')', :'buyer', :lamps)),
    '{"quantity" : ["Ensure this value is less than or equal to 3."]}', 'not more than bought');
SELECT (a).status, (a).location, (a).version, (a).body, (a).body ->> 'id' AS id
    FROM ecs_api.returns_create(:'buyer', :lamps, 2, 'It hums.') a \gset r1_
SELECT is(:r1_status || ' ' || :'r1_location' || ' ' || :r1_version,
    '201 /api/returns/' || :r1_id || '/ 1', 'a return is made');
SELECT is(:'r1_body'::jsonb - 'id' - 'order', jsonb_build_object(
    'status', 'REQUESTED', 'order_item', :lamps, 'product', :lamp, 'product_name', 'Brass lamp',
    'buyer', jsonb_build_object('id', (:'buyer'::ecs.caller).id, 'username', 'buyer'),
    'seller', jsonb_build_object('id', (:'rose'::ecs.caller).id, 'username', 'rose'),
    'quantity', 2, 'reason', 'It hums.', 'images', '[]'::json, 'items', '[]'::json,
    'inspected_by', NULL, 'paid_amount', NULL, 'refund_amount', NULL, 'seller_fault', NULL,
    'penalty_points', NULL, 'notes', NULL, 'created_at', '2026-11-22T12:00:00.000Z',
    'inspected_at', NULL, 'decided_at', NULL), 'this is how it looks');
SELECT is((SELECT string_agg(u.username || ': ' || n.message, ', ' ORDER BY u.id)
           FROM ecs.notifications n JOIN ecs.users u ON u.id = n.user_id
           WHERE n.type = 'return_requested'),
    format('rose: %1$s, boss: %1$s', 'buyer wants to return 2 × Brass lamp of order '
           || (:'r1_body'::json #>> '{order,order_number}') || '.'),
    'its seller and the active administrators are told');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.returns_create(%L, %s, 2, ''x'')', :'buyer', :lamps)),
    '{"quantity" : ["Ensure this value is less than or equal to 1."]}', 'an open return counts');
SELECT ecs_test.ask(:'buyer', :lamps) AS r2 \gset
SELECT is(ecs_test.code_of(format('SELECT ecs_api.returns_create(%L, %s, 1, ''x'')', :'buyer', :lamps)),
    'already_returned', 'until all are asked back');
SELECT is((ecs_api.returns_cancel(:'buyer', :r2)).status, 204, 'a return can be taken back');
SELECT is((SELECT status FROM ecs.returns WHERE id = :r2), 'CANCELLED', 'it stays, cancelled');
SELECT ecs_test.ask(:'buyer', :lamps) AS r2 \gset
SELECT pass('then there is room again');
SELECT ecs_test.pass('3 days') \g /dev/null
SELECT ecs_test.ask(:'buyer', :rugs) AS r3 \gset
SELECT pass('three days are enough');
SELECT ecs_api.returns_cancel(:'buyer', :r3), ecs_test.pass('1 millisecond') \g /dev/null
SELECT is(ecs_test.code_of(format('SELECT ecs_api.returns_create(%L, %s, 1, ''x'')', :'buyer', :rugs)),
    'too_late', 'a moment more is too late');
UPDATE ecs.settings SET return_window_days = 0;
SELECT is(ecs_test.code_of(format('SELECT ecs_api.returns_create(%L, %s, 1, ''x'')', :'buyer', :rugs)),
    'too_late', 'the settings say how many days');
UPDATE ecs.settings SET return_window_days = 3;

-- Who sees it ---------------------------------------------------------------------------

SELECT is((ecs_api.returns_get(p, :r1_id)).body ->> 'id', :'r1_id', n || ' sees it')
FROM (VALUES ('its buyer', :'buyer'::ecs.caller), ('its seller', :'rose'), ('a courier', :'courier2'),
             ('an administrator', :'boss')) v (n, p);
SELECT is(ecs_test.code_of(format('SELECT ecs_api.returns_get(%L, %s)', p, :r1_id)), 'not_found',
    n || ' does not')
FROM (VALUES ('another buyer', :'other'::ecs.caller), ('the seller of the rug', :'omar')) v (n, p);
SELECT is(ecs_test.code_of(format('SELECT ecs_api.returns_get(%L, 999999)', :'boss')), 'not_found',
    'nobody sees what is not there');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.returns_get(%L, %s)', :'courier2', :r3)), 'not_found',
    'a courier sees what is open');
SELECT is((a).total || ' ' || ((a).body #>> '{0,id}') || ' ' || (a).next_key, '4 ' || :r3 || ' ' || :r3,
    'a buyer lists the own, newest first')
    FROM ecs_api.returns_list(:'buyer', NULL, NULL, NULL, NULL, 1, 1, NULL) a;
SELECT is((a).body #>> '{0,id}', :'r2', 'and goes on')
    FROM ecs_api.returns_list(:'buyer', NULL, NULL, NULL, NULL, NULL, 1, :r3) a;
SELECT is((a).total, n::bigint, p) FROM (VALUES
    ('as a buyer', 4, ecs_api.returns_list(:'buyer', 'buyer', NULL, NULL, NULL, 1, 20, NULL)),
    ('nothing sold', 0, ecs_api.returns_list(:'buyer', 'seller', NULL, NULL, NULL, 1, 20, NULL)),
    ('a seller lists what was sold', 3, ecs_api.returns_list(:'rose', 'seller', NULL, NULL, NULL, 1, 20, NULL)),
    ('and bought nothing', 0, ecs_api.returns_list(:'rose', 'buyer', NULL, NULL, NULL, 1, 20, NULL)),
    ('another seller the own', 1, ecs_api.returns_list(:'omar', NULL, NULL, NULL, NULL, 1, 20, NULL)),
    ('a stranger none', 0, ecs_api.returns_list(:'other', NULL, NULL, NULL, NULL, 1, 20, NULL)),
    ('a courier what is open', 2, ecs_api.returns_list(:'courier', NULL, NULL, NULL, NULL, 1, 20, NULL)),
    ('an administrator all', 4, ecs_api.returns_list(:'boss', NULL, NULL, NULL, NULL, 1, 20, NULL)),
    ('by state', 2, ecs_api.returns_list(:'boss', NULL, 'CANCELLED', NULL, NULL, 1, 20, NULL)),
    ('open ones', 2, ecs_api.returns_list(:'boss', NULL, NULL, true, NULL, 1, 20, NULL)),
    ('by order', 4, ecs_api.returns_list(:'boss', NULL, NULL, NULL, :first, 1, 20, NULL)),
    ('of another order', 0, ecs_api.returns_list(:'boss', NULL, NULL, NULL, 999999, 1, 20, NULL)))
    v (p, n, a);

-- Pictures --------------------------------------------------------------------------------

SELECT (a).body ->> 'images' AS images, (a).version, (a).status FROM ecs_api.returns_images_add(
    :'buyer', :r1_id, repeat('a', 64) || '.jpg', 640, 480, 1000) a \gset
SELECT is(:'images'::jsonb -> 0 ->> 'url', '/media/aa/' || repeat('a', 62) || '.jpg', 'a picture is shown');
SELECT is(:version || ' ' || :status, '2 201', 'with another version');
SELECT is(json_array_length((ecs_api.returns_images_add(:'buyer', :r1_id, repeat('a', 64) || '.jpg',
    640, 480, 1000)).body -> 'images'), 1, 'the same one is there once');
SELECT is((ecs_api.media_unused(json_build_array(repeat('a', 64) || '.jpg'), 0)).body::text, '[]',
    'its file stays');
SELECT count(ecs_api.returns_images_add(:'buyer', :r1_id, repeat(n::text, 64) || '.jpg', 1, 1, 1))
    FROM generate_series(1, 9) n \g /dev/null
SELECT is(ecs_test.code_of(format('SELECT ecs_api.returns_images_add(%L, %s, %L, 1, 1, 1)', :'buyer',
    :r1_id, repeat('b', 64) || '.jpg')), 'too_many_images', 'ten are the most');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.returns_images_add(%L, %s, %L, 1, 1, 1)', p,
    :r1_id, repeat('b', 64) || '.jpg')), 'not_found', 'only its buyer adds one')
FROM (VALUES (:'rose'::ecs.caller), (:'other')) v (p);
SELECT is(ecs_test.code_of(format('SELECT ecs_api.returns_cancel(%L, %s)', :'rose', :r1_id)),
    'not_found', 'or takes it back');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.returns_cancel(%L, %s)',
    jsonb_populate_record(:'buyer'::ecs.caller, '{"if_match": 1}'), :r1_id)), 'stale',
    'and not what has changed');

-- The inspection --------------------------------------------------------------------------

SELECT is(ecs_test.code_of(format('SELECT ecs_test.look(%L, %s, ''1 NEW, 2 USED'')', :'courier', :r1_id)),
    '{"items" : ["The quantities add up to 3, and the return is of 2."]}', 'as many as were sent');
SELECT is(ecs_test.code_of(format('SELECT ecs_test.look(%L, 999999, ''1 NEW'')', :'courier')),
    'not_found', 'nothing else');
SELECT is(ecs_test.code_of(format('SELECT ecs_test.decide(%L, %s, ''{"status": "APPROVED"}'')', :'boss',
    :r1_id)), 'wrong_state', 'no decision before it');
SELECT is((a).body ->> 'status' || ' ' || ((a).body -> 'items') || ' ' || ((a).body #>> '{inspected_by,username}'),
    'UNDER_INSPECTION [{"condition" : "NEW", "quantity" : 1, "notes" : null}, '
    '{"condition" : "USED", "quantity" : 1, "notes" : null}] courier', 'a courier writes it down')
    FROM ecs_test.look(:'courier', :r1_id, '1 NEW, 1 USED') a;
SELECT is(ecs_test.stock(:lamp), 97, 'nothing moves yet');
SELECT is((SELECT string_agg(u.username || ' ' || split_part(n.message, ': ', 2), ', ' ORDER BY u.id)
           FROM ecs.notifications n JOIN ecs.users u ON u.id = n.user_id WHERE n.type = 'return_inspected'),
    'buyer 1 new, 1 used., rose 1 new, 1 used.', 'buyer and seller are told');
SELECT is(ecs_test.code_of(format('SELECT ecs_test.look(%L, %s, ''2 NEW'')', :'boss', :r1_id)),
    'wrong_state', 'once');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.returns_cancel(%L, %s)', :'buyer', :r1_id)),
    'wrong_state', 'now it is not taken back any more');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.returns_images_add(%L, %s, %L, 1, 1, 1)', :'buyer',
    :r1_id, repeat('b', 64) || '.jpg')), 'wrong_state', 'nor shown more of');
SELECT throws_ok('UPDATE ecs.return_items SET condition = ''NEW''', '42501', NULL,
    'what was found is not rewritten');

-- An open return keeps the order ---------------------------------------------------------------

SELECT ecs_test.pass('10 days') \g /dev/null
SELECT is(ecs_test.code_of(format('SELECT ecs_api.orders_complete(%L, %s, NULL)', :'buyer', :first)),
    'return_open', 'it does not complete');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.orders_complete(%L, %s, ''x'')', :'boss', :first)),
    'return_open', 'nor for an administrator');
SELECT is(ecs_lib.job_orders_complete(100), 0, 'nor by itself');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.orders_refund(%L, %s, ''x'', NULL)', :'boss', :first)),
    'return_open', 'a full refund would end it');

-- Decisions ---------------------------------------------------------------------------------------

SELECT is(ecs_test.code_of(format('SELECT ecs_test.decide(%L, %s, %L)', :'boss', :r1_id, c)), w, c)
FROM (VALUES
    ('{"status": "APPROVED", "refund_amount": "25.01"}',
     '{"refund_amount" : ["Ensure this value is less than or equal to 25.00."]}'),
    ('{"status": "REJECTED", "refund_amount": "1.00"}',
     '{"refund_amount" : ["Only a return that is accepted has this."]}'),
    ('{"status": "REJECTED", "seller_fault": true}',
     '{"seller_fault" : ["Only a return that is accepted has this."]}'),
    ('{"status": "APPROVED", "seller_fault": false, "penalty_points": 1}',
     '{"penalty_points" : ["Only a seller at fault loses points."]}')) v (c, w);
SELECT is(ecs_test.code_of(format('SELECT ecs_test.decide(%L, %s, ''{"status": "REJECTED"}'')',
    jsonb_populate_record(:'boss'::ecs.caller, '{"if_match": 1}'), :r1_id)), 'stale',
    'not what has changed since');
SELECT is(ecs_test.code_of(format('SELECT ecs_test.decide(%L, 999999, ''{"status": "REJECTED"}'')', :'boss')),
    'not_found', 'nor what is not there');
SELECT ecs_test.decide(:'boss', :r1_id, '{"status": "APPROVED", "notes": "Fine."}') AS body \gset
SELECT is(concat_ws(' ', :'body'::json ->> 'status', :'body'::json ->> 'paid_amount',
    :'body'::json ->> 'refund_amount', :'body'::json ->> 'seller_fault',
    :'body'::json ->> 'penalty_points', :'body'::json ->> 'notes'),
    'APPROVED 25.00 25.00 false 0 Fine.', 'two lamps are accepted, for what they cost');
SELECT is(ecs_test.balance(:'buyer'), '947.50 + 52.50', 'the buyer has it back');
SELECT is(ecs_test.order_is(:first), 'DELIVERED 52.50 25.00', 'out of escrow');
SELECT is((SELECT returned_quantity || ' ' || refunded_amount FROM ecs.order_items WHERE id = :lamps),
    '2 25.00', 'counted at its line');
SELECT is(ecs_test.payouts(:first), '12.50 - 0.50, 40.00 - 1.60', 'of which the seller gets less, no other');
SELECT is(ecs_test.stock(:lamp), 98, 'a new one is back on the shelf');
SELECT results_eq(format('SELECT condition, status, seller_id, product_id FROM ecs.return_units
    WHERE return_id = %s', :r1_id), format('VALUES (''USED'', ''WAITING'', %s::bigint, %s::bigint)',
    (:'rose'::ecs.caller).id, :lamp), 'a used one waits for its seller');
SELECT is(ecs_test.told(:'buyer', 'return_approved') + ecs_test.told(:'rose', 'return_approved'), 2::bigint,
    'both are told');
SELECT is((SELECT details ->> 'refund_amount' FROM ecs.audit_log WHERE action = 'return.approve'), '25.00',
    'it is audited');
SELECT is((SELECT note FROM ecs.order_history WHERE order_id = :first ORDER BY id DESC LIMIT 1),
    format('Return %s accepted: 25.00 refunded.', :r1_id), 'and in the history of the order');
SELECT is((SELECT reference || ' ' || amount FROM ecs.transfers WHERE order_id = :first AND kind = 'REFUND'),
    format('return %s 25.00', :r1_id), 'and in the ledger');
SELECT is(ecs_test.code_of(format('SELECT ecs_test.decide(%L, %s, %L)', :'boss', :r1_id, c)), 'wrong_state',
    'decided once')
FROM (VALUES ('{"status": "APPROVED"}'), ('{"status": "REJECTED"}')) v (c);
SELECT is((ecs_api.returns_get(:'courier', :r1_id)).body ->> 'status', 'APPROVED',
    'who inspected it still sees it');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.returns_get(%L, %s)', :'courier2', :r1_id)), 'not_found',
    'another courier does not');
SELECT is_empty('SELECT name, figure FROM ecs_lib.audit_invariants() WHERE NOT holds', 'the books balance');

SELECT ecs_test.look(:'boss', :r2, '1 DAMAGED') \g /dev/null
SELECT ecs_test.decide(:'boss', :r2, '{"status": "REJECTED", "notes": "It was dropped."}') AS body \gset
SELECT is(concat_ws(' ', :'body'::json ->> 'status', :'body'::json ->> 'refund_amount'), 'REJECTED',
    'a return can be refused');
SELECT is(ecs_test.order_is(:first) || ' ' || ecs_test.stock(:lamp), 'DELIVERED 52.50 25.00 98',
    'which moves nothing');
SELECT is((SELECT right(message, 25) FROM ecs.notifications WHERE type = 'return_rejected'
    AND user_id = (:'buyer'::ecs.caller).id), ' refused: It was dropped.', 'and says why');
SELECT is((ecs_api.orders_complete(:'buyer', :first, NULL)).body ->> 'status', 'COMPLETED',
    'then the order completes');
SELECT is(ecs_test.balance(:'rose') || ', ' || ecs_test.balance(:'omar') || ', ' || ecs_test.balance(:'buyer'),
    '12.00 + 0.00, 38.40 + 0.00, 947.50 + 0.00', 'and pays what was kept');
SELECT is((SELECT sold_count FROM ecs.products WHERE id = :lamp), 1, 'one lamp was sold');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.returns_create(%L, %s, 1, ''x'')', :'buyer', :lamps)),
    'wrong_state', 'what is completed is not returned');

-- Bit by bit ------------------------------------------------------------------------------------------

SELECT ecs_test.product(:'rose', 'Cup', 3.33, 100) AS cup, ecs_test.product(:'omar', 'Pot', 10.00, 100) AS pot \gset
INSERT INTO ecs.cart_items (user_id, product_id, quantity)
    VALUES ((:'buyer'::ecs.caller).id, :pot, 1);
SELECT ecs_test.deliver(:'courier', ecs_test.buy(:'buyer', :cup, 7)) AS bits \gset
SELECT ecs_api.orders_refund(:'boss', :bits, 'Late', 10) \g /dev/null
SELECT is(ecs_test.payouts(:bits), '16.31 - 0.65, 7.00 - 0.28', 'a partial refund is taken from all alike');
CREATE TABLE ecs_test.bits AS
    SELECT n, ecs_test.ask(:'buyer', ecs_test.line(:bits, :cup)) AS id, NULL::text AS refunded
    FROM generate_series(1, 7) n;
DO $$
DECLARE
    b record;
BEGIN
    FOR b IN SELECT * FROM ecs_test.bits ORDER BY n LOOP
        PERFORM ecs_test.look((SELECT (id, 'admin', 1, NULL, NULL, NULL)::ecs.caller FROM ecs.users
                               WHERE username = 'boss'), b.id, '1 MISSING_PARTS');
        UPDATE ecs_test.bits SET refunded = ecs_test.decide((SELECT (id, 'admin', 1, NULL, NULL, NULL)::ecs.caller
            FROM ecs.users WHERE username = 'boss'), b.id, '{"status": "APPROVED"}') ->> 'refund_amount'
            WHERE n = b.n;
    END LOOP;
END $$;
SELECT is((SELECT string_agg(refunded, ' ' ORDER BY n) FROM ecs_test.bits),
    '2.33 2.33 2.33 2.33 2.33 2.33 2.33', 'each unit for what was paid for it');
SELECT is((SELECT line_total - refunded_amount || ' ' || returned_quantity FROM ecs.order_items
    WHERE id = ecs_test.line(:bits, :cup)), '0.00 7', 'all of them are the line, to the cent');
SELECT is(ecs_test.payouts(:bits), '0.00 - 0.00, 7.00 - 0.28', 'the pot is not touched');
SELECT is((SELECT count(*) FROM ecs.return_units WHERE return_id IN (SELECT id FROM ecs_test.bits)), 0::bigint,
    'what misses parts is nothing any more');
SELECT is((SELECT points FROM ecs.users WHERE username = 'rose'), 1, 'nobody is at fault');

-- Any price, any number, any refund before: returned in any order of sizes it adds up.
CREATE FUNCTION ecs_test.paid_in_parts(p_total numeric, p_quantity integer, p_part integer) RETURNS numeric
LANGUAGE plpgsql AS $$
DECLARE
    i ecs.order_items;
    r ecs.returns;
    v_sum numeric := 0;
BEGIN
    i.line_total := p_total; i.refunded_amount := 0; i.retained_amount := 0;
    i.quantity := p_quantity; i.returned_quantity := 0;
    WHILE i.returned_quantity < p_quantity LOOP
        r.quantity := least(p_part, p_quantity - i.returned_quantity);
        r.paid_amount := ecs_lib.return_paid(r, i);
        IF r.paid_amount < 0 THEN RETURN NULL; END IF;
        v_sum := v_sum + r.paid_amount;
        i.refunded_amount := i.refunded_amount + r.paid_amount;
        i.returned_quantity := i.returned_quantity + r.quantity;
    END LOOP;
    RETURN v_sum;
END $$;
SELECT is_empty($$ SELECT * FROM generate_series(0, 40) c, generate_series(1, 12) q, generate_series(1, 3) k
    WHERE ecs_test.paid_in_parts(c * 0.01, q, k) IS DISTINCT FROM c * 0.01 $$, 'in parts as in whole');

-- Less than was paid: the seller keeps the rest -------------------------------------------------------

SELECT ecs_test.deliver(:'courier', ecs_test.buy(:'buyer', :lamp, 2)) AS kept \gset
SELECT ecs_test.ask(:'buyer', ecs_test.line(:kept, :lamp)) AS k1 \gset
SELECT ecs_test.look(:'courier', :k1, '1 USED'), ecs_test.decide(:'boss', :k1,
    '{"status": "APPROVED", "refund_amount": "5.00"}') \g /dev/null
SELECT is(ecs_test.order_is(:kept) || ', ' || ecs_test.payouts(:kept), 'DELIVERED 20.00 5.00, 20.00 - 0.80',
    'a part is refunded');
SELECT ecs_test.ask(:'buyer', ecs_test.line(:kept, :lamp)) AS k2 \gset
SELECT ecs_test.look(:'courier', :k2, '1 NEW') \g /dev/null
SELECT is(ecs_test.code_of(format('SELECT ecs_test.decide(%L, %s, ''{"status": "APPROVED", "refund_amount": "12.51"}'')',
    :'boss', :k2)), '{"refund_amount" : ["Ensure this value is less than or equal to 12.50."]}',
    'what was kept of one is not paid back with another');
SELECT ecs_api.orders_refund(:'boss', :kept, 'Late, too', 10) \g /dev/null
SELECT is(ecs_test.decide(:'boss', :k2, '{"status": "APPROVED"}') ->> 'refund_amount', '6.25',
    'a partial refund while it is open makes it less');
SELECT is(ecs_test.order_is(:kept), 'DELIVERED 3.75 21.25', 'the order waits to pay what was kept');
SELECT is_empty('SELECT name, figure FROM ecs_lib.audit_invariants() WHERE NOT holds', 'the books balance');
SELECT ecs_api.orders_complete(:'boss', :kept, 'All is said') \g /dev/null
SELECT is((SELECT sum(CASE kind WHEN 'PAYMENT' THEN amount WHEN 'REFUND' THEN amount ELSE 0 END)
    FROM ecs.transfers WHERE order_id = :kept), 25.00, 'payments and refunds are the total');

-- Everything comes back -------------------------------------------------------------------------------------

SELECT ecs_test.deliver(:'courier', ecs_test.buy(:'buyer', :rug, 2)) AS whole \gset
SELECT ecs_test.ask(:'buyer', ecs_test.line(:whole, :rug)) AS w1 \gset
SELECT ecs_test.ask(:'buyer', ecs_test.line(:whole, :rug)) AS w2 \gset
SELECT ecs_test.look(:'courier', :w1, '1 NEW'), ecs_test.look(:'courier', :w2, '1 DAMAGED') \g /dev/null
SELECT ecs_test.decide(:'boss', :w1, '{"status": "APPROVED"}') \g /dev/null
SELECT is(ecs_test.order_is(:whole), 'DELIVERED 40.00 40.00', 'half is back');
SELECT ecs_test.decide(:'boss', :w2, '{"status": "APPROVED"}') \g /dev/null
SELECT is(ecs_test.order_is(:whole), 'REFUNDED 0.00 80.00', 'when nothing is held the order was refunded');
SELECT is((SELECT string_agg(u.username, ' ' ORDER BY u.id) FROM ecs.notifications n JOIN ecs.users u
    ON u.id = n.user_id WHERE n.object_type = 'order' AND n.object_id = :whole AND n.type = 'order_refunded'),
    'buyer omar courier', 'which everybody in it is told');
SELECT is(ecs_lib.job_orders_complete(100), 0, 'nothing is left to complete');

-- Cents that cannot be halved: the first return takes the last one.
SELECT ecs_test.product(:'rose', 'Bead', 0.01, 100) AS bead \gset
SELECT ecs_test.deliver(:'courier', ecs_test.buy(:'buyer', :bead, 2)) AS beads \gset
SELECT ecs_api.orders_refund(:'boss', :beads, 'Dull', 0.01) \g /dev/null
SELECT ecs_test.ask(:'buyer', ecs_test.line(:beads, :bead)) AS b1 \gset
SELECT ecs_test.ask(:'buyer', ecs_test.line(:beads, :bead)) AS b2 \gset
SELECT ecs_test.look(:'courier', :b1, '1 NEW'), ecs_test.look(:'courier', :b2, '1 NEW') \g /dev/null
SELECT ecs_test.decide(:'boss', :b1, '{"status": "APPROVED"}') \g /dev/null
SELECT is(ecs_test.order_is(:beads), 'DELIVERED 0.00 0.02', 'nothing is held, but something is to decide');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.orders_refund(%L, %s, ''x'', NULL)', :'boss', :beads)),
    'wrong_state', 'and nothing to refund');
SELECT is(ecs_test.decide(:'boss', :b2, '{"status": "APPROVED"}') ->> 'refund_amount', '0.00',
    'the other one is for nothing');
SELECT is(ecs_test.order_is(:beads), 'REFUNDED 0.00 0.02', 'and ends it');

-- Points ------------------------------------------------------------------------------------------------------

-- What rose has after a return with these findings and decision.
CREATE FUNCTION ecs_test.points_after(p_points integer, p_found text, p_decision jsonb, p_quantity integer,
    p_buyer ecs.caller, p_courier ecs.caller, p_boss ecs.caller, p_product bigint) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_order bigint := ecs_test.deliver(p_courier, ecs_test.buy(p_buyer, p_product, p_quantity));
    v_id    bigint := ecs_test.ask(p_buyer, ecs_test.line(v_order, p_product), p_quantity);
    v_told  bigint;
BEGIN
    UPDATE ecs.users u SET points = p_points, rank = ecs_lib.rank_of(p_points, ecs_lib.settings())
        WHERE username = 'rose';
    PERFORM ecs_test.look(p_courier, v_id, p_found);
    PERFORM ecs_test.decide(p_boss, v_id, '{"status": "APPROVED"}' || p_decision);
    SELECT count(*) INTO v_told FROM ecs.notifications
        WHERE type = 'points_penalty' AND object_id = v_id AND object_type = 'return';
    RETURN (SELECT concat_ws(' ', u.points, u.rank, r.penalty_points, r.seller_fault, v_told)
            FROM ecs.users u, ecs.returns r WHERE u.username = 'rose' AND r.id = v_id);
END $$;
SELECT is(ecs_test.points_after(p, f, d, q, :'buyer', :'courier', :'boss', :cup), w, f || ' ' || d)
FROM (VALUES
    (100, '1 DAMAGED, 2 MISSING_PARTS, 1 USED', '{"seller_fault": true}'::jsonb, 4, '89 STARTER 11 t 1'),
    (100, '2 DAMAGED', '{}', 2, '100 STARTER 0 f 0'),
    (100, '2 DAMAGED', '{"seller_fault": false}', 2, '100 STARTER 0 f 0'),
    (100, '2 DAMAGED', '{"seller_fault": true, "penalty_points": 40}', 2, '60 STARTER 40 t 1'),
    (100, '1 NEW', '{"penalty_points": 7}', 1, '93 STARTER 7 t 1'),
    (100, '1 DAMAGED', '{"penalty_points": 0, "seller_fault": true}', 1, '100 STARTER 0 t 0'),
    (3, '1 DAMAGED', '{"seller_fault": true}', 1, '0 STARTER 5 t 1'),
    (503, '1 DAMAGED', '{"seller_fault": true}', 1, '498 STARTER 5 t 1')) v (p, f, d, q, w);
SELECT is((SELECT extra_data ->> 'points' FROM ecs.notifications WHERE type = 'points_penalty'
    ORDER BY id LIMIT 1 OFFSET 3), '3', 'told is what was lost');

-- Units that wait for their seller -----------------------------------------------------------------------------

SELECT ecs_test.deliver(:'courier', ecs_test.buy(:'buyer', :pot, 4)) AS units \gset
SELECT ecs_test.ask(:'buyer', ecs_test.line(:units, :pot), 4) AS u \gset
SELECT ecs_test.look(:'courier', :u, '1 NEW, 2 OPEN_BOX, 1 USED'),
       ecs_test.decide(:'boss', :u, '{"status": "APPROVED"}') \g /dev/null
INSERT INTO ecs.images (name, width, height, bytes, uploader_id)
    VALUES (repeat('c', 64) || '.jpg', 9, 9, 9, (:'omar'::ecs.caller).id);
UPDATE ecs.products SET status = 'PENDING' WHERE id = :pot;
SELECT ecs_api.product_images_add(:'omar', :pot, repeat('c', 64) || '.jpg', 9, 9, 9) \g /dev/null
UPDATE ecs.products SET status = 'APPROVED' WHERE id = :pot;
SELECT is((a).total || ' ' || ((a).body #>> '{0,condition}') || ' ' || ((a).body #>> '{0,product_name}'),
    '3 USED Pot', 'a seller lists them')
    FROM ecs_api.return_units_list(:'omar', 'WAITING', 1, 20, NULL) a;
SELECT is((ecs_api.return_units_list(:'rose', NULL, 1, 20, NULL)).total,
    (SELECT count(*) FROM ecs.return_units WHERE seller_id = (:'rose'::ecs.caller).id), 'everybody the own');
SELECT id AS u1 FROM ecs.return_units WHERE return_id = :u ORDER BY id LIMIT 1 \gset
SELECT is(ecs_test.code_of(format('SELECT ecs_api.return_units_decide(%L, %s, %L, %s)', p, :u1, a, d)), w, a || ' ' || d)
FROM (VALUES
    (:'rose'::ecs.caller, 'resell', '10', 'not_found'),
    (:'omar', 'resell', 'NULL', '{"discount_percentage" : ["This field is required."]}'),
    (:'omar', 'discard', '10', '{"discount_percentage" : ["Only for what is sold again."]}')) v (p, a, d, w);
SELECT (ecs_api.return_units_decide(:'omar', :u1, 'resell', 15)).body AS body \gset
SELECT is(concat_ws(' ', :'body'::json ->> 'status', :'body'::json ->> 'discount_percentage'), 'RESOLD 15.00',
    'one is sold again');
SELECT results_eq(format('SELECT name, price, quantity, condition, status, seller_id FROM ecs.products WHERE id = %s',
    :'body'::json ->> 'listing'), format('VALUES (''Pot (open box)'', 8.50, 1, ''OPEN_BOX'', ''PENDING'', %s::bigint)',
    (:'omar'::ecs.caller).id), 'as what it is, for less, when it is approved');
SELECT is((SELECT images -> 0 ->> 'url' FROM ecs.products WHERE id = (:'body'::json ->> 'listing')::bigint),
    '/media/cc/' || repeat('c', 62) || '.jpg', 'with the pictures it had');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.return_units_decide(%L, %s, ''discard'', NULL)', :'omar', :u1)),
    'wrong_state', 'decided once');
SELECT is((ecs_api.return_units_decide(:'omar', :u1 + 1, 'discard', NULL)).body ->> 'status', 'DISCARDED',
    'one is thrown away');
SELECT is((ecs_api.return_units_list(:'omar', 'WAITING', 1, 20, NULL)).total, 1::bigint, 'one waits');
SELECT ecs_api.products_approve(:'boss', (:'body'::json ->> 'listing')::bigint) \g /dev/null
SELECT ecs_test.deliver(:'courier', ecs_test.buy(:'buyer', (:'body'::json ->> 'listing')::bigint)) AS again \gset
SELECT ecs_test.ask(:'buyer', ecs_test.line(:again, (:'body'::json ->> 'listing')::bigint)) AS a \gset
SELECT ecs_test.look(:'courier', :a, '1 USED'), ecs_test.decide(:'boss', :a, '{"status": "APPROVED"}') \g /dev/null
SELECT (ecs_api.return_units_decide(:'omar', (SELECT max(id) FROM ecs.return_units), 'resell', 90)).body
    ->> 'listing' AS listing \gset
SELECT is((SELECT name FROM ecs.products WHERE id = :listing), 'Pot (used)', 'which can come back again');

-- Edges ---------------------------------------------------------------------------------------------------------

CREATE FUNCTION ecs_test.may_go(p_return bigint, p_from text, p_to text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    ALTER TABLE ecs.returns DROP CONSTRAINT returns_decided, DROP CONSTRAINT returns_approved,
        DROP CONSTRAINT returns_inspected;
    SET LOCAL session_replication_role = replica; -- no guard while it is put there
    UPDATE ecs.returns SET status = p_from WHERE id = p_return;
    SET LOCAL session_replication_role = origin;
    UPDATE ecs.returns SET status = p_to WHERE id = p_return;
    RAISE EXCEPTION 'undo' USING ERRCODE = 'TEST1';
EXCEPTION
    WHEN check_violation THEN RETURN false;
    WHEN SQLSTATE 'TEST1' THEN RETURN true;
END $$;
SELECT set_eq(format($$
    SELECT f.s AS a, t.s AS b FROM unnest('{REQUESTED,UNDER_INSPECTION,APPROVED,REJECTED,CANCELLED}'::text[]) f (s),
        unnest('{REQUESTED,UNDER_INSPECTION,APPROVED,REJECTED,CANCELLED}'::text[]) t (s)
    WHERE f.s <> t.s AND ecs_test.may_go(%s, f.s, t.s)$$, :a),
    $$VALUES ('REQUESTED', 'UNDER_INSPECTION'), ('REQUESTED', 'CANCELLED'),
        ('UNDER_INSPECTION', 'APPROVED'), ('UNDER_INSPECTION', 'REJECTED')$$, 'four edges, no other');
SELECT throws_ok(format('UPDATE ecs.order_items SET refunded_amount = line_total + 0.01 WHERE id = %s', :lamps),
    '23514', NULL, 'no line gives back more than it cost');

-- The books at the end --------------------------------------------------------------------------------------------

SELECT is_empty('SELECT name, figure FROM ecs_lib.audit_invariants() WHERE NOT holds', 'all invariants hold');
CREATE FUNCTION ecs_test.broken_by(p_sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_broken text;
BEGIN
    SET LOCAL session_replication_role = replica;
    EXECUTE p_sql;
    SELECT string_agg(name, '; ') INTO v_broken FROM ecs_lib.audit_invariants()
        WHERE NOT holds AND name NOT IN ( -- the analytics, which are counted from the same
            SELECT a.name FROM ecs_lib.audit_sales() a
            UNION ALL SELECT m.name FROM ecs_lib.audit_measures() m);
    RAISE EXCEPTION 'undo' USING ERRCODE = 'TEST1', DETAIL = v_broken;
EXCEPTION WHEN SQLSTATE 'TEST1' THEN
    GET STACKED DIAGNOSTICS v_broken = PG_EXCEPTION_DETAIL;
    RETURN v_broken;
END $$;
SELECT is(ecs_test.broken_by(s), w, w) FROM (VALUES
    (format('UPDATE ecs.order_items SET returned_quantity = 1 WHERE id = %s', :lamps),
     'each product counts what completed orders sold; each line counts the units of its accepted returns'),
    (format('UPDATE ecs.order_items SET returned_quantity = 1 WHERE id = %s', :rugs),
     'each product counts what completed orders sold; each line counts the units of its accepted returns; '
     'lines without accepted returns count and retain none'),
    (format('UPDATE ecs.order_items SET retained_amount = 1 WHERE id = %s', :rugs),
     'lines without accepted returns count and retain none'),
    (format('UPDATE ecs.order_items SET refunded_amount = 1 WHERE id = %s', :lamps),
     'the refunds of each order are those of its lines'),
    (format('UPDATE ecs.returns SET refund_amount = 1 WHERE id = %s', :r1_id),
     'each accepted return was refunded once, as decided'),
    (format('UPDATE ecs.returns SET seller_id = buyer_id WHERE id = %s', :r1_id),
     'each return has the parties of its line'),
    (format('UPDATE ecs.returns SET status = ''REQUESTED'', inspected_by = NULL, inspected_at = NULL,
             decided_by = NULL, decided_at = NULL WHERE id = %s', :r2),
     'an order with an open return stays delivered; each inspection is of all the units'),
    (format('DELETE FROM ecs.return_units WHERE id = %s', :u1),
     'each opened or used unit is its seller''s to decide about'),
    (format('UPDATE ecs.return_items SET quantity = 9 WHERE return_id = %s AND condition = ''NEW''', :r1_id),
     'each inspection is of all the units')) v (s, w);

SELECT * FROM finish();
ROLLBACK;
