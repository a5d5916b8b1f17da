-- Orders: the main job in money, every refusal, every state, who sees what.
BEGIN;
\ir support.psql
SELECT plan(145);

CREATE FUNCTION ecs_test.put(p_me ecs.caller, p_product bigint, p_quantity integer DEFAULT 1)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO ecs.cart_items (user_id, product_id, quantity)
    VALUES (p_me.id, p_product, p_quantity)
$$;

CREATE FUNCTION ecs_test.buy(p_me ecs.caller, p_product bigint, p_quantity integer DEFAULT 1)
RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_test.put(p_me, p_product, p_quantity);
    RETURN (ecs_api.orders_checkout(p_me, NULL)).body ->> 'id';
END $$;

-- Takes an order on its way up to a state. The proof is 'pin' and 'token'.
CREATE FUNCTION ecs_test.bring(p_courier ecs.caller, p_order bigint, p_status text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_api.delivery_claim(p_courier, p_order);
    IF p_status IN ('SHIPPED', 'DELIVERED') THEN
        PERFORM ecs_api.delivery_advance(p_courier, p_order, NULL, NULL, NULL, NULL, NULL,
                                         'nonce', 'pin', 'token');
    END IF;
    IF p_status = 'DELIVERED' THEN
        PERFORM ecs_api.orders_proof_confirm(p_courier, p_order, NULL, NULL, NULL, 'pin', NULL);
    END IF;
END $$;

-- The whole refusal of a call, as the module gets it.
CREATE FUNCTION ecs_test.refusal(p_sql text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    v_detail text;
BEGIN
    EXECUTE p_sql;
    RETURN NULL;
EXCEPTION WHEN SQLSTATE 'EC000' OR SQLSTATE 'EC400' THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
    RETURN v_detail;
END $$;

-- What a call comes to ('ok' or the code), undone again.
CREATE FUNCTION ecs_test.outcome(p_sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_answer ecs.answer;
    v_detail text;
BEGIN
    EXECUTE p_sql INTO v_answer;
    RAISE EXCEPTION 'undo' USING ERRCODE = 'TEST1', DETAIL =
        CASE v_answer.status WHEN 0 THEN v_answer.body ->> 'code' ELSE 'ok' END;
EXCEPTION
    WHEN SQLSTATE 'TEST1' THEN
        GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
        RETURN v_detail;
    WHEN SQLSTATE 'EC000' THEN
        GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
        RETURN v_detail::json ->> 'code';
END $$;

CREATE FUNCTION ecs_test.stock(p_product bigint) RETURNS integer LANGUAGE sql
AS $$ SELECT quantity FROM ecs.products WHERE id = p_product $$;

CREATE FUNCTION ecs_test.told(p_me ecs.caller, p_type text) RETURNS bigint LANGUAGE sql
AS $$ SELECT count(*) FROM ecs.notifications WHERE user_id = p_me.id AND type = p_type $$;

CREATE FUNCTION ecs_test.checkout(p_me ecs.caller, p_expected text DEFAULT 'NULL')
RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT * FROM ecs_api.orders_checkout(%L, %s)', p_me, p_expected)
$$;

CREATE FUNCTION ecs_test.platform() RETURNS numeric LANGUAGE sql
AS $$ SELECT available FROM ecs.wallets WHERE kind = 'platform' $$;

SELECT ecs_test.person('buyer', 'user', 200) AS buyer,
       ecs_test.person('other', 'user', 100) AS other,
       ecs_test.person('rose', 'seller', 50) AS rose,
       ecs_test.person('omar', 'seller') AS omar,
       ecs_test.person('courier', 'delivery') AS courier,
       ecs_test.person('courier2', 'delivery') AS courier2,
       ecs_test.person('boss', 'admin') AS boss \gset
SELECT ecs_test.product(:'rose', 'Brass lamp', 12.50, 10) AS lamp \gset
SELECT ecs_test.product(:'omar', 'Wool rug', 40.00, 6) AS rug \gset

-- The main job, in money ---------------------------------------------------------

SELECT ecs_test.put(:'buyer', :rug, 1), ecs_test.put(:'buyer', :lamp, 2) \g /dev/null
SELECT (a).status, (a).body, (a).version, (a).location, (a).body ->> 'id' AS id
    FROM ecs_api.orders_checkout(:'buyer', 65.00) a \gset first_
SELECT is(:first_status, 201, 'checkout creates');
SELECT is(:'first_location', '/api/orders/' || :first_id || '/', 'and says where');
SELECT is(:first_version, 1, 'with a version');
SELECT is((SELECT string_agg(k, ' ') FROM json_object_keys(:'first_body') k),
    'id order_number status buyer items subtotal discount_total total held_amount '
    'refunded_amount location_lat location_lng location_address courier proof_method '
    'created_at claimed_at shipped_at delivered_at completed_at complete_after',
    'the members of an order');
SELECT is(:'first_body'::jsonb - 'items' - 'buyer' - 'id' - 'order_number', '{
    "status": "CREATED", "subtotal": "65.00", "discount_total": "0.00", "total": "65.00",
    "held_amount": "65.00", "refunded_amount": "0.00", "location_lat": 33.513800,
    "location_lng": 36.276500, "location_address": "12 Straight Street", "courier": null,
    "proof_method": null, "created_at": "2026-11-22T12:00:00.000Z", "claimed_at": null,
    "shipped_at": null, "delivered_at": null, "completed_at": null,
    "complete_after": null}', 'its figures');
SELECT matches(:'first_body'::json ->> 'order_number',
               '^ORD-20261122-[0-9A-HJKMNP-TV-Z]{6}$', 'its number');
SELECT is((SELECT jsonb_agg(i - 'id') FROM jsonb_array_elements(:'first_body'::jsonb -> 'items') i),
    jsonb_build_array(
        jsonb_build_object('product', :lamp, 'product_name', 'Brass lamp', 'seller',
            jsonb_build_object('id', (:'rose'::ecs.caller).id, 'username', 'rose'),
            'quantity', 2, 'unit_price', '12.50', 'line_total', '25.00', 'returned_quantity', 0),
        jsonb_build_object('product', :rug, 'product_name', 'Wool rug', 'seller',
            jsonb_build_object('id', (:'omar'::ecs.caller).id, 'username', 'omar'),
            'quantity', 1, 'unit_price', '40.00', 'line_total', '40.00', 'returned_quantity', 0)),
    'its lines, by product');
SELECT is(ecs_test.balance(:'buyer'), '135.00 + 65.00', 'the total is held');
SELECT is(ecs_test.stock(:lamp), 8, 'lamps are taken');
SELECT is(ecs_test.stock(:rug), 5, 'a rug is taken');
SELECT is_empty('SELECT * FROM ecs.cart_items', 'the cart is empty');
SELECT results_eq(
    format('SELECT kind, amount, from_part, to_part, actor_id, request_id FROM ecs.transfers
            WHERE order_id = %s', :first_id),
    format('VALUES (''ESCROW_HOLD'', 65.00, ''available'', ''held'', %s::bigint, ''test'')',
           (:'buyer'::ecs.caller).id), 'the ledger has one hold');
SELECT results_eq(
    format('SELECT list_price, unit_price, fee_percent FROM ecs.order_items
            WHERE order_id = %s ORDER BY id', :first_id),
    'VALUES (12.50, 12.50, 4.00), (40.00, 40.00, 4.00)', 'price and fee are frozen');
SELECT is(ecs_test.told(:'buyer', 'order_created'), 1::bigint, 'the buyer is told');
SELECT is((SELECT message FROM ecs.notifications WHERE user_id = (:'rose'::ecs.caller).id),
    format('Order %s has 2 × Brass lamp of yours.', :'first_body'::json ->> 'order_number'),
    'a seller is told of the own lines');
SELECT is((SELECT extra_data ->> 'total' FROM ecs.notifications
           WHERE user_id = (:'omar'::ecs.caller).id AND type = 'seller_new_order'),
    '40.00', 'and of their total');
SELECT is(ecs_test.told(:'omar', 'low_stock'), 1::bigint, 'five rugs are few');
SELECT is(ecs_test.told(:'rose', 'low_stock'), 0::bigint, 'eight lamps are not');

SELECT ecs_test.bring(:'courier', :first_id, 'DELIVERED') \g /dev/null
SELECT is(ecs_test.balance(:'buyer'), '135.00 + 65.00', 'delivery moves no money');
SELECT is(ecs_test.refusal(format('SELECT ecs_api.orders_complete(%L, %s, NULL)', :'buyer', :first_id))::jsonb,
    '{"code": "too_early", "available_at": "2026-11-25T12:00:00.000Z"}',
    'completion waits three days');
SELECT ecs_test.pass('3 days - 1 second') \g /dev/null
SELECT is(ecs_test.code_of(format('SELECT ecs_api.orders_complete(%L, %s, NULL)', :'buyer', :first_id)),
    'too_early', 'to the second');
SELECT ecs_test.pass('1 second') \g /dev/null
SELECT ecs_test.platform() AS platform \gset
SELECT (a).body, (a).status FROM ecs_api.orders_complete(:'buyer', :first_id, NULL) a \gset done_
SELECT is(:'done_body'::json ->> 'status', 'COMPLETED', 'then it completes');
SELECT is(:'done_body'::json ->> 'held_amount', '0.00', 'nothing is held');
SELECT is(:'done_body'::json ->> 'completed_at', '2026-11-25T12:00:00.000Z', 'the time is kept');
SELECT is(ecs_test.balance(:'buyer'), '135.00 + 0.00', 'buyer: minus the total');
SELECT is(ecs_test.balance(:'rose'), '74.00 + 0.00', 'rose: 25.00 less 4 %');
SELECT is(ecs_test.balance(:'omar'), '38.40 + 0.00', 'omar: 40.00 less 4 %');
SELECT is(ecs_test.platform() - :platform, 2.60, 'platform: the fees');
SELECT is((SELECT sum(available + held) FROM ecs.wallets), 0.00, 'no money was made');
SELECT results_eq(
    format('SELECT kind, amount FROM ecs.transfers WHERE order_id = %s AND kind <> ''ESCROW_HOLD''
            ORDER BY id', :first_id),
    'VALUES (''PAYMENT'', 25.00), (''FEE'', 1.00), (''PAYMENT'', 40.00), (''FEE'', 1.60)',
    'the ledger has a payment and a fee for each seller');
SELECT is((SELECT extra_data - 'order_number' FROM ecs.notifications
           WHERE user_id = (:'omar'::ecs.caller).id AND type = 'seller_payment'),
    '{"amount": "40.00", "fee": "1.60"}', 'a seller is told what was paid');
SELECT is(ecs_test.told(:'buyer', 'order_completed'), 1::bigint, 'the buyer is told too');
SELECT results_eq('SELECT points FROM ecs.users WHERE username IN (''rose'', ''omar'') ORDER BY username',
    'VALUES (4), (2)', 'points are a tenth of what was paid, half up');
SELECT results_eq(format('SELECT sold_count FROM ecs.products WHERE id IN (%s, %s) ORDER BY id', :lamp, :rug),
    'VALUES (2), (1)', 'sales are counted');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.orders_complete(%L, %s, NULL)', :'buyer', :first_id)),
    'wrong_state', 'it completes once');
SELECT is(ecs_test.balance(:'omar'), '38.40 + 0.00', 'and pays once');
SELECT is((SELECT json_agg(h ->> 'status') FROM json_array_elements(
           (ecs_api.orders_get(:'buyer', :first_id)).body -> 'history') h)::jsonb,
    '["CREATED", "PROCESSING", "SHIPPED", "DELIVERED", "COMPLETED"]', 'the history has all steps');
SELECT is((ecs_api.orders_get(:'buyer', :first_id)).body -> 'history' -> 1 -> 'by' ->> 'username',
    'courier', 'and who took them');

-- What stands in the way of a checkout ----------------------------------------------

SELECT is(ecs_test.code_of(ecs_test.checkout(:'buyer')), 'empty_cart', 'an empty cart');
UPDATE ecs.profiles SET location_lat = NULL, location_lng = NULL WHERE user_id = (:'other'::ecs.caller).id;
SELECT ecs_test.put(:'other', :lamp, 1) \g /dev/null
SELECT is(ecs_test.code_of(ecs_test.checkout(:'other')), 'location_required', 'nowhere to go');
UPDATE ecs.profiles SET location_lat = 1, location_lng = 2 WHERE user_id = (:'other'::ecs.caller).id;
SELECT ecs_test.put(:'other', :rug, 3) \g /dev/null
SELECT is(ecs_test.refusal(ecs_test.checkout(:'other'))::jsonb,
    '{"code": "insufficient_funds", "balance": "100.00", "required": "132.50"}', 'not enough money');
SELECT is(ecs_test.refusal(ecs_test.checkout(:'other', '132.49'))::jsonb,
    '{"code": "price_changed", "expected_total": "132.49", "total": "132.50"}', 'another price');
SELECT is((SELECT count(*) FROM ecs.cart_items WHERE user_id = (:'other'::ecs.caller).id), 2::bigint,
    'a refused cart stays');
SELECT is(ecs_test.stock(:rug), 5, 'and so does the stock');
UPDATE ecs.cart_items SET quantity = quantity + 10;
SELECT is(ecs_test.refusal(ecs_test.checkout(:'other'))::jsonb, jsonb_build_object(
    'code', 'out_of_stock', 'items', jsonb_build_array(
        jsonb_build_object('product', :lamp, 'name', 'Brass lamp', 'requested', 11,
                           'available', 8, 'problem', 'out_of_stock'),
        jsonb_build_object('product', :rug, 'name', 'Wool rug', 'requested', 13,
                           'available', 5, 'problem', 'out_of_stock'))),
    'all short lines at once');
UPDATE ecs.products SET status = 'ARCHIVED' WHERE id = :rug;
SELECT ecs_test.refusal(ecs_test.checkout(:'other')) AS refusal \gset
SELECT is(:'refusal'::json ->> 'code', 'unavailable', 'a product that is gone');
SELECT is(:'refusal'::json #>> '{items,1,available}', '0', 'of which there is none');
SELECT is(:'refusal'::json #>> '{items,0,problem}', 'out_of_stock', 'beside the short ones');
UPDATE ecs.products SET status = 'APPROVED' WHERE id = :rug;
SELECT ecs_test.put(:'rose', :lamp) \g /dev/null
SELECT is(ecs_test.code_of(ecs_test.checkout(:'rose')), 'own_product', 'the own product');
DELETE FROM ecs.cart_items;
SELECT ecs_test.product(:'rose', 'Palace', 9999999999.99, 100000) AS palace \gset
SELECT ecs_test.put(:'other', :palace, 100000) \g /dev/null
SELECT is(ecs_test.code_of(ecs_test.checkout(:'other')), 'insufficient_funds',
    'more money than there can be');
DELETE FROM ecs.cart_items;
SELECT ecs_test.put(:'other', :lamp, 8) \g /dev/null
SELECT is(ecs_test.outcome(ecs_test.checkout(:'other')), 'ok', 'the last unit can be bought');
SELECT ecs_test.put(:'rose', :rug) \g /dev/null
SELECT is(ecs_test.outcome(ecs_test.checkout(:'rose', '40')), 'ok', 'sellers buy too');
DELETE FROM ecs.cart_items;

INSERT INTO ecs.notification_preferences (user_id, type, in_app)
    VALUES ((:'other'::ecs.caller).id, 'order_created', false),
           ((:'rose'::ecs.caller).id, 'seller_new_order', false);
DELETE FROM ecs.notifications;
SELECT ecs_test.buy(:'other', :lamp) AS quiet \gset
SELECT is_empty('SELECT * FROM ecs.notifications', 'who does not want to hear is not told');
DELETE FROM ecs.notification_preferences;

-- Taking it back ------------------------------------------------------------------------

SELECT is(ecs_test.code_of(format('SELECT ecs_api.orders_cancel(%L, %s, NULL)', :'buyer', :quiet)),
    'not_found', 'nobody cancels for another');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.orders_cancel(%L, 999999, NULL)', :'buyer')),
    'not_found', 'or what is not there');
SELECT ecs_test.bring(:'courier', :quiet, 'PROCESSING') \g /dev/null
SELECT (ecs_api.orders_cancel(:'other', :quiet, 'Too late for me')).body AS body \gset
SELECT is(:'body'::json ->> 'status', 'CANCELLED', 'an order under way is cancelled');
SELECT is(:'body'::json ->> 'held_amount', '0.00', 'nothing is held any more');
SELECT is(ecs_test.balance(:'other'), '100.00 + 0.00', 'all comes back');
SELECT is((SELECT kind FROM ecs.transfers WHERE order_id = :quiet ORDER BY id DESC LIMIT 1),
    'ESCROW_RELEASE', 'as a release');
SELECT is(ecs_test.stock(:lamp), 8, 'the lamp is on sale again');
SELECT is(ecs_test.told(:'rose', 'order_cancelled') + ecs_test.told(:'courier', 'order_cancelled'),
    2::bigint, 'seller and courier are told');
SELECT is((ecs_api.orders_get(:'rose', :quiet)).body #>> '{history,2,note}', 'Too late for me',
    'the reason is in the history');
UPDATE ecs.settings SET cancel_fee_percent = 10;
SELECT ecs_test.platform() AS platform \gset
SELECT ecs_test.buy(:'other', :lamp, 3) AS costly \gset
SELECT ecs_api.orders_cancel(:'other', :costly, NULL) \g /dev/null
SELECT is(ecs_test.balance(:'other'), '96.25 + 0.00', 'cancelling costs what the settings say');
SELECT is(ecs_test.platform() - :platform, 3.75, 'and the platform has it');
UPDATE ecs.settings SET cancel_fee_percent = 50;
SELECT ecs_test.product(:'rose', 'Match', 0.01, 10) AS match \gset
SELECT ecs_api.orders_cancel(:'other', ecs_test.buy(:'other', :match), NULL) \g /dev/null
SELECT is(ecs_test.balance(:'other'), '96.24 + 0.00', 'a fee that rounds to all leaves nothing');
UPDATE ecs.settings SET cancel_fee_percent = 0;

-- Refunds ---------------------------------------------------------------------------------

SELECT ecs_test.person('third', 'seller') AS third, ecs_test.person('rich', 'user', 1000) AS rich \gset
SELECT ecs_test.product(:'rose', 'Cup', 10, 50) AS cup1, ecs_test.product(:'omar', 'Cup', 10, 50) AS cup2,
       ecs_test.product(:'third', 'Cup', 10, 50) AS cup3 \gset
SELECT ecs_test.put(:'rich', :cup1), ecs_test.put(:'rich', :cup2) \g /dev/null
SELECT ecs_test.buy(:'rich', :cup3) AS cups \gset
SELECT is(ecs_test.refusal(format('SELECT ecs_api.orders_refund(%L, %s, ''x'', 30.01)', :'boss', :cups))::jsonb,
    '{"fields": {"amount": ["Ensure this value is less than or equal to 30.00."]}}',
    'not more than is held');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.orders_refund(%L, 999999, ''x'', NULL)', :'boss')),
    'not_found', 'an order that is not there');
SELECT ecs_test.bring(:'courier', :cups, 'DELIVERED') \g /dev/null
SELECT complete_after AS before FROM ecs.orders WHERE id = :cups \gset
SELECT ecs_test.pass('1 day') \g /dev/null
SELECT (a).body, (a).status FROM ecs_api.orders_refund(:'boss', :cups, 'A crack', 10) a \gset
SELECT is(:'body'::json ->> 'status', 'DELIVERED', 'a partial refund changes no state');
SELECT is((:'body'::json ->> 'held_amount') || ' ' || (:'body'::json ->> 'refunded_amount'),
    '20.00 10.00', 'it moves from held to refunded');
SELECT is((SELECT complete_after FROM ecs.orders WHERE id = :cups), :'before'::timestamptz,
    'and starts no clock again');
SELECT is(ecs_test.balance(:'rich'), '980.00 + 20.00', 'the buyer has it back');
SELECT is(ecs_test.told(:'rich', 'order_refunded') + ecs_test.told(:'third', 'order_refunded'),
    2::bigint, 'buyer and sellers are told');
SELECT is((SELECT details FROM ecs.audit_log WHERE action = 'order.refund' AND object_id = :cups),
    '{"reason": "A crack", "amount": "10.00"}', 'and the audit log');
SELECT is((ecs_api.orders_get(:'rich', :cups)).body ->> 'history' LIKE '%Partly refunded: A crack%',
    true, 'the buyer sees why');
SELECT is((ecs_api.orders_get(:'third', :cups)).body ->> 'history' LIKE '%crack%', false,
    'one seller of several does not: it may be about the others');
SELECT results_eq(
    format('SELECT amount, fee FROM ecs_lib.order_payouts(%s)', :cups),
    'VALUES (6.67, 0.27), (6.67, 0.27), (6.66, 0.27)', 'payouts shrink alike, to the cent');
SELECT ecs_test.pass('2 days') \g /dev/null
SELECT ecs_test.platform() AS platform \gset
SELECT ecs_api.orders_complete(:'rich', :cups, NULL) \g /dev/null
SELECT is(ecs_test.balance(:'rich'), '980.00 + 0.00', 'nothing stays held');
SELECT is(ecs_test.balance(:'third'), '6.39 + 0.00', 'a seller gets the rest less the fee');
SELECT is(ecs_test.platform() - :platform, 0.81, 'platform + sellers + refunds = total');
SELECT is((SELECT sum(CASE WHEN kind = 'ESCROW_HOLD' THEN amount WHEN kind IN ('PAYMENT', 'REFUND')
           THEN -amount ELSE 0 END) FROM ecs.transfers WHERE order_id = :cups), 0.00,
    'what was held was paid or refunded');

SELECT ecs_test.buy(:'rich', :cup1, 5) AS lost \gset
SELECT is(ecs_test.stock(:cup1), 44, 'five cups are taken');
SELECT ecs_api.orders_refund(:'boss', :lost, 'Broken', 12.34) \g /dev/null
SELECT (ecs_api.orders_refund(:'boss', :lost, 'All broken', NULL)).body AS body \gset
SELECT is(:'body'::json ->> 'status', 'REFUNDED', 'a full refund ends the order');
SELECT is(:'body'::json ->> 'refunded_amount', '50.00', 'all is refunded');
SELECT is(ecs_test.balance(:'rich'), '980.00 + 0.00', 'all is back');
SELECT is(ecs_test.stock(:cup1), 49, 'cups that did not leave are on sale again');
SELECT ecs_test.buy(:'rich', :cup1, 2) AS gone \gset
SELECT ecs_test.bring(:'courier', :gone, 'SHIPPED') \g /dev/null
SELECT ecs_api.orders_refund(:'boss', :gone, 'Lost', NULL) \g /dev/null
SELECT is(ecs_test.stock(:cup1), 47, 'shipped ones are not');
SELECT is(ecs_test.told(:'courier', 'order_refunded') > 0, true, 'its courier is told');

-- Any amount that can be held is paid out to the cent.
SELECT ecs_test.product(:'rose', 'Odd', 3.33, 9) AS odd1, ecs_test.product(:'omar', 'Odd', 0.07, 9) AS odd2,
       ecs_test.product(:'third', 'Odd', 1.11, 9) AS odd3 \gset
SELECT ecs_test.put(:'rich', :odd1, 2), ecs_test.put(:'rich', :odd2, 3) \g /dev/null
SELECT ecs_test.buy(:'rich', :odd3) AS odd \gset
SELECT is_empty(format($$
    SELECT cents FROM ecs.orders o, generate_series(0, (o.total * 100)::integer) cents,
        LATERAL ecs_lib.order_shrink(o.id, cents * 0.01) s
    WHERE o.id = %s
    GROUP BY cents
    HAVING sum(s.kept) <> cents * 0.01 OR bool_or(s.kept > s.held OR s.kept < 0)$$, :odd),
    'every part of it adds up');

-- An administrator's completion, points and ranks ---------------------------------------------

SELECT ecs_test.person('star', 'seller') AS star, ecs_test.person('mogul', 'user', 100000) AS mogul \gset
SELECT ecs_test.product(:'star', 'Piano', 5203.13, 9) AS piano \gset
SELECT ecs_test.buy(:'mogul', :piano) AS grand \gset
SELECT ecs_test.bring(:'courier', :grand, 'DELIVERED') \g /dev/null
SELECT is(ecs_test.refusal(format('SELECT ecs_api.orders_complete(%L, %s, NULL)', :'boss', :grand))::jsonb,
    '{"fields": {"reason": ["This field is required."]}}', 'an administrator says why');
SELECT is(ecs_test.outcome(format('SELECT * FROM ecs_api.orders_complete(%L, %s, ''agreed'')', :'boss', :grand)),
    'ok', 'and need not wait');
SELECT ecs_api.orders_complete(:'boss', :grand, 'agreed') \g /dev/null
SELECT is((SELECT details ->> 'reason' FROM ecs.audit_log WHERE action = 'order.complete'), 'agreed',
    'it is audited');
SELECT is(ecs_test.balance(:'star'), '4995.00 + 0.00', 'a fee of 208.1252 is 208.13');
SELECT results_eq('SELECT points, rank, is_verified_seller FROM ecs.users WHERE username = ''star''',
    'VALUES (500, ''SILVER'', true)', '499.5 points are 500: silver and verified');
SELECT is(ecs_test.told(:'star', 'seller_verified'), 1::bigint, 'and told so');
UPDATE ecs.settings SET points_per_10 = 3;
SELECT ecs_test.buy(:'mogul', :piano) AS grand \gset
SELECT ecs_test.bring(:'courier', :grand, 'DELIVERED') \g /dev/null
SELECT ecs_api.orders_complete(:'boss', :grand, 'agreed') \g /dev/null
SELECT results_eq('SELECT points, rank FROM ecs.users WHERE username = ''star''',
    'VALUES (1999, ''SILVER'')', 'three a ten: 1498.5 are 1499');
UPDATE ecs.users SET points = 2147483640 WHERE username = 'star';
SELECT ecs_test.buy(:'mogul', :piano) AS grand \gset
SELECT ecs_test.bring(:'courier', :grand, 'DELIVERED') \g /dev/null
SELECT ecs_api.orders_complete(:'boss', :grand, 'agreed') \g /dev/null
SELECT results_eq('SELECT points, rank FROM ecs.users WHERE username = ''star''',
    'VALUES (2147483647, ''GOLD'')', 'points end where their column ends');
SELECT is(ecs_test.told(:'star', 'seller_verified'), 1::bigint, 'verified once');
UPDATE ecs.settings SET points_per_10 = 1;

-- Every state and every action -------------------------------------------------------------------

SELECT ecs_test.buy(:'rich', :cup1) AS o1, ecs_test.buy(:'rich', :cup1) AS o2,
       ecs_test.buy(:'rich', :cup1) AS o3, ecs_test.buy(:'rich', :cup1) AS o4,
       ecs_test.buy(:'rich', :cup1) AS o5, ecs_test.buy(:'rich', :cup1) AS o6,
       ecs_test.buy(:'rich', :cup1) AS o7 \gset
SELECT ecs_test.bring(:'courier', :o2, 'PROCESSING'), ecs_test.bring(:'courier', :o3, 'SHIPPED'),
       ecs_test.bring(:'courier', :o4, 'DELIVERED'), ecs_test.bring(:'courier', :o5, 'DELIVERED') \g /dev/null
SELECT ecs_api.orders_complete(:'boss', :o5, 'x'), ecs_api.orders_cancel(:'rich', :o6, NULL),
       ecs_api.orders_refund(:'boss', :o7, 'x', NULL) \g /dev/null
UPDATE ecs.orders SET complete_after = '2026-11-01' WHERE id = :o4;
CREATE TABLE ecs_test.matrix AS
SELECT action, string_agg(ecs_test.outcome(format('SELECT * FROM ecs_api.' || call, o.id,
           CASE WHEN o.status = 'SHIPPED' THEN 'pin' END)), ' ' ORDER BY o.id) AS outcomes
FROM (SELECT id, status FROM ecs.orders WHERE id BETWEEN :o1 AND :o7) o, (VALUES
    ('cancel', format('orders_cancel(%L, %%s, NULL)', :'rich')),
    ('complete', format('orders_complete(%L, %%s, NULL)', :'rich')),
    ('refund', format('orders_refund(%L, %%s, ''x'', NULL)', :'boss')),
    ('proof', format('orders_proof(%L, %%s)', :'rich')),
    ('renew', format('orders_proof_renew(%L, %%s, ''n'', ''p'', ''t'')', :'rich')),
    ('confirm', format('orders_proof_confirm(%L, %%s, NULL, NULL, NULL, ''pin'', NULL)', :'courier')),
    ('claim', format('delivery_claim(%L, %%s)', :'courier2')),
    ('release', format('delivery_release(%L, %%s, ''x'')', :'courier')),
    ('advance', format('delivery_advance(%L, %%s, NULL, NULL, NULL, %%L, NULL, ''n'', ''p'', ''t'')', :'courier')),
    ('attempt', format('delivery_attempt(%L, %%s, ''x'')', :'courier'))) a (action, call)
GROUP BY action;
-- Columns: CREATED PROCESSING SHIPPED DELIVERED COMPLETED CANCELLED REFUNDED.
SELECT is(m.outcomes, replace(replace(e.outcomes, 'ws', 'wrong_state'), 'nf', 'not_found'), e.action)
FROM (VALUES
    (1, 'cancel', 'ok ok ws ws ws ws ws'),
    (2, 'complete', 'ws ws ws ok ws ws ws'),
    (3, 'refund', 'ok ok ok ok ws ws ws'),
    (4, 'proof', 'ws ws ok ws ws ws ws'),
    (5, 'renew', 'ws ws ok ws ws ws ws'),
    (6, 'confirm', 'nf ws ok ws ws nf nf'),
    (7, 'claim', 'ok already_claimed already_claimed already_claimed already_claimed ws ws'),
    (8, 'release', 'nf ok ws ws ws nf nf'),
    (9, 'advance', 'nf ok ok ws ws nf nf'),
    (10, 'attempt', 'nf ws ok ws ws nf nf')) e (n, action, outcomes)
LEFT JOIN ecs_test.matrix m USING (action) ORDER BY e.n;

-- Whatever the functions do, the table refuses every other edge.
CREATE FUNCTION ecs_test.may_go(p_order bigint, p_from text, p_to text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL session_replication_role = replica; -- no guard while it is put there
    UPDATE ecs.orders SET status = p_from, held_amount = 0 WHERE id = p_order;
    SET LOCAL session_replication_role = origin;
    UPDATE ecs.orders SET status = p_to WHERE id = p_order;
    RAISE EXCEPTION 'undo' USING ERRCODE = 'TEST1';
EXCEPTION
    WHEN check_violation THEN RETURN false;
    WHEN SQLSTATE 'TEST1' THEN RETURN true;
END $$;
SELECT set_eq(format($$
    SELECT f.s AS a, t.s AS b FROM unnest(ARRAY['CREATED', 'PROCESSING', 'SHIPPED', 'DELIVERED', 'COMPLETED',
            'CANCELLED', 'REFUNDED']) f (s), unnest(ARRAY['CREATED', 'PROCESSING', 'SHIPPED',
            'DELIVERED', 'COMPLETED', 'CANCELLED', 'REFUNDED']) t (s)
    WHERE f.s <> t.s AND ecs_test.may_go(%s, f.s, t.s)$$, :first_id),
    $$VALUES ('CREATED', 'PROCESSING'), ('PROCESSING', 'CREATED'), ('PROCESSING', 'SHIPPED'),
        ('SHIPPED', 'DELIVERED'), ('DELIVERED', 'COMPLETED'), ('CREATED', 'CANCELLED'),
        ('PROCESSING', 'CANCELLED'), ('CREATED', 'REFUNDED'), ('PROCESSING', 'REFUNDED'),
        ('SHIPPED', 'REFUNDED'), ('DELIVERED', 'REFUNDED')$$, 'eleven edges, no other');
SELECT throws_ok(format('UPDATE ecs.orders SET held_amount = 1 WHERE id = %s', :o6), '23514', NULL,
    'an ended order holds nothing');
SELECT throws_ok('UPDATE ecs.order_history SET note = ''x''', '42501', NULL, 'history is not rewritten');
SELECT throws_ok(format('UPDATE ecs.orders SET courier_id = NULL WHERE id = %s', :o3), '23514', NULL,
    'what is shipped has a courier');

-- Who sees what ---------------------------------------------------------------------------------------

SELECT ecs_test.put(:'rich', :cup1, 2), ecs_test.put(:'rich', :cup2, 3) \g /dev/null
SELECT ecs_test.buy(:'rich', :cup3) AS mixed \gset
SELECT (ecs_api.orders_get(:'omar', :mixed)).body AS body \gset
SELECT is(json_array_length(:'body'::json -> 'items'), 1, 'a seller sees the own line');
SELECT is((:'body'::json ->> 'total') || ' ' || (:'body'::json ->> 'subtotal'), '30.00 30.00', 'and its total');
SELECT is((SELECT count(*) FROM unnest(ARRAY['held_amount', 'refunded_amount', 'location_lat',
    'location_lng', 'location_address']) k WHERE :'body'::json ->> k IS NULL), 5::bigint,
    'but neither the place nor the escrow');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.orders_get(%L, %s)', p, :mixed)), 'not_found',
    n || ' sees nothing')
FROM (VALUES ('a stranger', :'buyer'::ecs.caller), ('another seller', :'star'),
             ('a courier', :'courier')) v (n, p);
SELECT is(ecs_test.code_of(format('SELECT ecs_api.orders_get(%L, 999999)', :'boss')), 'not_found',
    'nobody sees what is not there');
SELECT is((ecs_api.orders_get(:'boss', :mixed)).body ->> 'total', '60.00', 'an administrator sees all');
SELECT is((ecs_api.orders_get(:'courier', :o4)).body ->> 'location_address', '12 Straight Street',
    'its courier sees the place, also afterwards');
SELECT is((ecs_api.orders_get(:'rich', :mixed)).version, 1::bigint, 'a version comes along');

SELECT is((a).total, (SELECT count(*) FROM ecs.orders WHERE buyer_id = (:'rich'::ecs.caller).id),
    'a buyer counts the own orders')
    FROM ecs_api.orders_list(:'rich', 'buyer', NULL, NULL, NULL, 1, 5, NULL) a;
SELECT is((a).body -> 0 ->> 'id', :'mixed', 'newest first')
    FROM ecs_api.orders_list(:'rich', 'buyer', NULL, NULL, NULL, 1, 5, NULL) a;
SELECT is(json_array_length((a).body) || ' ' || (a).next_key, '2 ' || :o7,
    'a page says how to go on')
    FROM ecs_api.orders_list(:'rich', 'buyer', NULL, NULL, NULL, NULL, 2, NULL) a;
SELECT is((a).body -> 0 ->> 'id', :'o6', 'and the next one begins there')
    FROM ecs_api.orders_list(:'rich', 'buyer', NULL, NULL, NULL, NULL, 2, :o7) a;
SELECT is((a).total || ' ' || ((a).body -> 0 ->> 'id'), '1 ' || :o6, 'by state')
    FROM ecs_api.orders_list(:'rich', 'buyer', 'CANCELLED', NULL, NULL, 1, 5, NULL) a;
SELECT is((a).total || ' ' || (a).body, '0 []', 'by time')
    FROM ecs_api.orders_list(:'rich', 'buyer', NULL, '2030-01-01', NULL, 1, 5, NULL) a;
SELECT is((a).total, (SELECT count(*) FROM ecs.orders WHERE buyer_id = (:'rich'::ecs.caller).id),
    'up to a time')
    FROM ecs_api.orders_list(:'rich', 'buyer', NULL, NULL, '2030-01-01', 1, 5, NULL) a;
SELECT is((a).total || ' ' || (a).next_key || ' ' || ((a).body #>> '{0,total}'), '4 ' || :mixed || ' 30.00',
    'a seller lists what was sold, one order once')
    FROM ecs_api.orders_list(:'omar', 'seller', NULL, NULL, NULL, 1, 1, NULL) a;
SELECT is((a).body -> 0 ->> 'id', :'odd', 'and goes on')
    FROM ecs_api.orders_list(:'omar', 'seller', NULL, NULL, NULL, NULL, 1, :mixed) a;
SELECT is((a).total, 0::bigint, 'and buys nothing by it')
    FROM ecs_api.orders_list(:'omar', 'buyer', NULL, NULL, NULL, 1, 1, NULL) a;
SELECT is((a).total, (SELECT count(*) FROM ecs.orders), 'an administrator lists all')
    FROM ecs_api.orders_admin_list(:'boss', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, 5, NULL) a;
SELECT is((a).body #>> '{0,id}', :'mixed', 'by ' || n)
    FROM (VALUES
        ('state', ecs_api.orders_admin_list(:'boss', 'CREATED', NULL, NULL, NULL, NULL, NULL, NULL, 1, 1, NULL)),
        ('buyer', ecs_api.orders_admin_list(:'boss', NULL, (:'rich'::ecs.caller).id, NULL, NULL, NULL, NULL, NULL, 1, 1, NULL)),
        ('seller', ecs_api.orders_admin_list(:'boss', NULL, NULL, (:'third'::ecs.caller).id, NULL, NULL, NULL, NULL, 1, 1, NULL)),
        ('number', ecs_api.orders_admin_list(:'boss', NULL, NULL, NULL, NULL,
            (SELECT lower(order_number) FROM ecs.orders WHERE id = :mixed), NULL, NULL, 1, 1, NULL))) v (n, a);
SELECT is((a).body #>> '{0,id}', :'o5', 'by courier')
    FROM ecs_api.orders_admin_list(:'boss', NULL, NULL, NULL, (:'courier'::ecs.caller).id, NULL, NULL, NULL, 1, 1, NULL) a;
SELECT is((a).total || ' ' || ((a).body #>> '{0,id}'), '1 ' || :o4, 'what could have been completed')
    FROM ecs_api.orders_overdue(:'boss', 1, 5, NULL) a;

-- What a buyer forgot ----------------------------------------------------------------------------------

SELECT ecs_lib.job_orders_complete(100) \g /dev/null
SELECT ecs_test.buy(:'rich', :cup1) AS d1, ecs_test.buy(:'rich', :cup2) AS d2,
       ecs_test.buy(:'rich', :cup3) AS d3 \gset
SELECT ecs_test.bring(:'courier', :d1, 'DELIVERED'), ecs_test.pass('1 hour') \g /dev/null
SELECT ecs_test.bring(:'courier', :d2, 'DELIVERED'), ecs_test.pass('1 hour') \g /dev/null
SELECT ecs_test.bring(:'courier', :d3, 'DELIVERED') \g /dev/null
SELECT is(ecs_lib.job_orders_complete(100), 0, 'an order is not completed before its time');
SELECT ecs_test.pass('3 days - 1 hour') \g /dev/null
SELECT is(ecs_lib.job_orders_complete(1), 1, 'then it is, as many as are asked for');
SELECT is((SELECT string_agg(status, ' ' ORDER BY id) FROM ecs.orders WHERE id IN (:d1, :d2, :d3)),
    'COMPLETED DELIVERED DELIVERED', 'the oldest first');
SELECT is(ecs_lib.job_orders_complete(100), 1, 'one more, and none too early');
SELECT results_eq(format('SELECT status, by_id, note FROM ecs.order_history WHERE order_id = %s
                          ORDER BY id DESC LIMIT 1', :d2),
    'VALUES (''COMPLETED'', NULL::bigint, NULL)', 'by nobody');
SELECT is((SELECT count(*) FROM ecs.transfers WHERE order_id = :d2 AND kind IN ('PAYMENT', 'FEE')),
    2::bigint, 'its seller is paid');

-- The books at the end ------------------------------------------------------------------------------------

SELECT is_empty('SELECT name, figure FROM ecs_lib.audit_invariants() WHERE NOT holds',
    'all invariants hold');

SELECT * FROM finish();
ROLLBACK;
