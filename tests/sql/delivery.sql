-- Delivery: the courier's lists and steps, and the proof.
BEGIN;
\ir support.psql
SELECT plan(78);

CREATE FUNCTION ecs_test.buy(p_me ecs.caller, p_product bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ecs.cart_items (user_id, product_id, quantity) VALUES (p_me.id, p_product, 2);
    RETURN (ecs_api.orders_checkout(p_me, NULL)).body ->> 'id';
END $$;

CREATE FUNCTION ecs_test.ship(p_me ecs.caller, p_order bigint) RETURNS ecs.answer
LANGUAGE plpgsql AS $$
BEGIN
    RETURN ecs_api.delivery_advance(p_me, p_order, NULL, NULL, NULL, NULL, NULL,
        'nonce of ' || p_order, 'pin of ' || p_order, 'token of ' || p_order);
END $$;

-- A hand-over: 'ok', or the code and what is left of the tries.
CREATE FUNCTION ecs_test.hand_over(p_me ecs.caller, p_order bigint, p_pin text,
                                   p_token text DEFAULT NULL)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_answer ecs.answer;
    v_detail text;
BEGIN
    v_answer := ecs_api.orders_proof_confirm(p_me, p_order, NULL, NULL, NULL, p_pin, p_token);
    RETURN CASE v_answer.status WHEN 200 THEN 'ok'
        ELSE (v_answer.body ->> 'code') || ' ' || (v_answer.body ->> 'attempts_left') END;
EXCEPTION
    WHEN SQLSTATE 'EC000' THEN -- stands for its whole class, EC400 too
        GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
        RETURN coalesce(v_detail::json ->> 'code',
                        v_detail::json #>> '{fields,non_field_errors,0}');
END $$;

CREATE FUNCTION ecs_test.told(p_me ecs.caller, p_type text) RETURNS bigint LANGUAGE sql
AS $$ SELECT count(*) FROM ecs.notifications WHERE user_id = p_me.id AND type = p_type $$;

CREATE FUNCTION ecs_test.ids(p_answer ecs.answer) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(o ->> 'id', ' ' ORDER BY n)
    FROM json_array_elements(p_answer.body) WITH ORDINALITY x (o, n)
$$;

SELECT ecs_test.person('buyer', 'user', 1000) AS buyer, ecs_test.person('other', 'user', 100) AS other,
       ecs_test.person('rose', 'seller') AS rose, ecs_test.person('courier', 'delivery') AS courier,
       ecs_test.person('rival', 'delivery') AS rival \gset
UPDATE ecs.users SET first_name = 'Noor', last_name = 'Haddad', phone_number = '+963110000'
    WHERE username = 'buyer';
SELECT ecs_test.product(:'rose', 'Lamp', 5, 100) AS lamp \gset
SELECT ecs_test.buy(:'buyer', :lamp) AS o1, ecs_test.buy(:'buyer', :lamp) AS o2,
       ecs_test.buy(:'buyer', :lamp) AS o3, ecs_test.buy(:'buyer', :lamp) AS o4,
       ecs_test.buy(:'buyer', :lamp) AS o5, ecs_test.buy(:'buyer', :lamp) AS o6,
       ecs_test.buy(:'other', :lamp) AS o7 \gset

-- What waits ----------------------------------------------------------------------

SELECT is(ecs_test.ids(a) || ' of ' || (a).total, concat_ws(' ', :o1, :o2, :o3, :o4, :o5, :o6, :o7) || ' of 7',
    'orders wait, oldest first')
    FROM ecs_api.delivery_available(:'courier', NULL, 1, 20, NULL) a;
SELECT is(((a).body -> 0)::jsonb - 'order_number', jsonb_build_object('id', :o1, 'status', 'CREATED',
    'city', 'Damascus', 'distance_km', NULL, 'items_count', 2,
    'created_at', '2026-11-22T12:00:00.000Z'), 'and show no buyer')
    FROM ecs_api.delivery_available(:'courier', NULL, 1, 20, NULL) a;
SELECT is(ecs_test.ids(a) || ' then ' || (a).next_key, concat_ws(' ', :o1, :o2) || ' then 0:' || :o2, 'page by page')
    FROM ecs_api.delivery_available(:'courier', NULL, NULL, 2, NULL) a;
SELECT is(ecs_test.ids(a), concat_ws(' ', :o3, :o4), 'and on')
    FROM ecs_api.delivery_available(:'courier', NULL, NULL, 2, '0:' || :o2) a;
SELECT is(ecs_test.ids(a), :'o7', 'to the end')
    FROM ecs_api.delivery_available(:'courier', NULL, 4, 2, NULL) a;
UPDATE ecs.orders SET location_lat = 33.60, city = 'Harasta' WHERE id = :o3;
UPDATE ecs.orders SET location_lat = 33.55, city = 'Jobar' WHERE id = :o6;
UPDATE ecs.orders SET location_lat = 0.004, location_lng = 179.996 WHERE id = :o7;
SELECT is(ecs_test.ids(a), concat_ws(' ', :o3, :o6, :o1, :o2, :o4, :o5, :o7), 'nearest first')
    FROM ecs_api.delivery_available(:'courier', ' 33.6 , 36.28', 1, 20, NULL) a;
SELECT is((a).body #>> '{1,distance_km}', '5.6', 'with the distance: 0.05 degrees are 5.6 km')
    FROM ecs_api.delivery_available(:'courier', '33.6,36.28', 1, 20, NULL) a;
SELECT is((a).body #>> '{0,distance_km}', '0.0', 'across the date line too')
    FROM ecs_api.delivery_available(:'courier', '0,-180', 1, 1, NULL) a;
SELECT is((a).next_key, b.next_key, 'but nobody can tell a door from its neighbour')
    FROM ecs_api.delivery_available(:'courier', '33.59,36.28', NULL, 1, NULL) a,
         ecs_api.delivery_available(:'courier', '33.5949,36.2751', NULL, 1, NULL) b;
SELECT (ecs_api.delivery_available(:'courier', '33.6,36.28', NULL, 2, NULL)).next_key AS next_key \gset
SELECT is(ecs_test.ids(a), concat_ws(' ', :o1, :o2), 'near goes on where it stopped')
    FROM ecs_api.delivery_available(:'courier', '33.6,36.28', NULL, 2, :'next_key') a;
SELECT is(ecs_test.code_of(format('SELECT ecs_api.delivery_available(%L, %L, 1, 1, NULL)', :'courier', n)),
    '{"near" : ["Give latitude and longitude, like 33.51,36.28."]}', 'near ' || n)
    FROM unnest(ARRAY['Damascus', '33.5', '91,0', '0,181', '1,2,3']) n;

-- Claiming ------------------------------------------------------------------------

SELECT is(ecs_test.code_of(format('SELECT ecs_api.delivery_get(%L, %s)', :'courier', :o1)), 'not_found',
    'before it is claimed nobody looks into an order');
SELECT (a).body, (a).version FROM ecs_api.delivery_claim(:'courier', :o1) a \gset
SELECT is(:version, 2, 'a claim changes the order');
SELECT is(:'body'::jsonb - 'order_number' - 'items', jsonb_build_object(
    'id', :o1, 'status', 'PROCESSING', 'buyer', jsonb_build_object(
        'id', (:'buyer'::ecs.caller).id, 'username', 'buyer', 'name', 'Noor Haddad',
        'phone_number', '+963110000'),
    'location_lat', 33.513800, 'location_lng', 36.276500, 'location_address', '12 Straight Street',
    'city', 'Damascus', 'attempts', '[]'::jsonb, 'proof_method', NULL,
    'created_at', '2026-11-22T12:00:00.000Z', 'claimed_at', '2026-11-22T12:00:00.000Z',
    'shipped_at', NULL, 'delivered_at', NULL), 'and shows whom to bring it, and where');
SELECT is((:'body'::jsonb #> '{items,0}'), jsonb_build_object('product', :lamp, 'product_name', 'Lamp',
    'seller', jsonb_build_object('id', (:'rose'::ecs.caller).id, 'username', 'rose'), 'quantity', 2),
    'and what');
SELECT is(ecs_test.told(:'buyer', 'order_claimed'), 1::bigint, 'the buyer is told');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.delivery_claim(%L, %s)', :'rival', :o1)),
    'already_claimed', 'one courier gets it');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.delivery_claim(%L, %s)', :'courier', :o1)),
    'already_claimed', 'once');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.delivery_claim(%L, 999999)', :'courier')),
    'not_found', 'if it is there');
SELECT ecs_api.delivery_claim(:'courier', o)
    FROM unnest(ARRAY[:o2, :o3, :o4, :o5]::bigint[]) o \g /dev/null
SELECT is(ecs_test.code_of(format('SELECT ecs_api.delivery_claim(%L, %s)', :'courier', :o6)),
    'too_many_active', 'five at a time');
SELECT is((SELECT status || coalesce(courier_id, 0) FROM ecs.orders WHERE id = :o6), 'CREATED0',
    'the sixth waits on');
SELECT is(ecs_test.ids(a) || ' of ' || (a).total, concat_ws(' ', :o5, :o4, :o3) || ' of 5', 'the list of what is carried')
    FROM ecs_api.delivery_mine(:'courier', 1, 3, NULL) a;
SELECT is(ecs_test.ids(a), concat_ws(' ', :o2, :o1), 'goes on by key')
    FROM ecs_api.delivery_mine(:'courier', NULL, 3, :o3) a;
UPDATE ecs.settings SET max_active_deliveries = 6;
SELECT is((ecs_api.delivery_claim(:'courier', :o6)).status, 200, 'the settings say how many');
UPDATE ecs.settings SET max_active_deliveries = 5;

SELECT is(ecs_test.code_of(format('SELECT ecs_api.delivery_release(%L, %s, ''x'')', :'rival', :o6)),
    'not_found', 'nobody gives back what another has');
SELECT is((a).body ->> 'status', 'CREATED', 'an order given back') FROM ecs_api.delivery_release(:'courier', :o6, 'Flat tyre') a;
SELECT results_eq(format('SELECT status, courier_id, claimed_at FROM ecs.orders WHERE id = %s', :o6),
    'VALUES (''CREATED'', NULL::bigint, NULL::timestamptz)', 'is nobody''s');
SELECT is((ecs_api.orders_get(:'buyer', :o6)).body #>> '{history,2,note}', 'Flat tyre', 'the reason is kept');
SELECT is((ecs_api.delivery_claim(:'rival', :o6)).status, 200, 'another one takes it');

-- On the way -------------------------------------------------------------------------

SELECT is(ecs_test.code_of(format('SELECT ecs_api.delivery_advance(%L, %s, NULL, NULL, NULL, NULL, NULL,
    ''n'', ''p'', ''t'')', :'rival', :o1)), 'not_found', 'nobody ships for another');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.delivery_advance(%L, %s, NULL, NULL, NULL, ''p'', NULL,
    ''n'', ''p'', ''t'')', :'courier', :o1)), 'wrong_state', 'nobody delivers before shipping');
SELECT (a).body FROM ecs_test.ship(:'courier', :o1) a \gset
SELECT is((:'body'::json ->> 'status') || ' ' || (:'body'::json ->> 'shipped_at'),
    'SHIPPED 2026-11-22T12:00:00.000Z', 'an order is shipped');
SELECT unalike(:'body'::text, '%nonce%', 'the courier does not get the proof');
SELECT is((SELECT row(nonce, pin_verifier, token_verifier, attempts, expires_at)::text
           FROM ecs.delivery_proofs WHERE order_id = :o1),
    format('("nonce of %s","pin of %1$s","token of %1$s",0,"%2$s")', :o1,
           '2026-11-23 12:00:00Z'::timestamptz), 'it is stored, good for a day');
SELECT is((SELECT extra_data ->> 'proof' FROM ecs.notifications WHERE type = 'order_shipped'),
    '/api/orders/' || :o1 || '/proof/', 'the buyer is told where to find it');
SELECT is((ecs_api.orders_proof(:'buyer', :o1)).body::jsonb, jsonb_build_object('nonce', 'nonce of ' || :o1,
    'expires_at', '2026-11-23T12:00:00.000Z', 'attempts_left', 5), 'and finds what the module makes it of');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.orders_proof(%L, %s)', w, :o1)), 'not_found', n || ' does not')
    FROM (VALUES ('another buyer', :'other'::ecs.caller), ('its courier', :'courier'), ('its seller', :'rose')) v (n, w);
SELECT (a).body FROM ecs_api.delivery_attempt(:'courier', :o1, 'Nobody at home') a \gset
SELECT is((:'body'::json #>> '{attempts,0,reason}') || ' ' || (:'body'::json ->> 'status'),
    'Nobody at home SHIPPED', 'a failed attempt is written down');
SELECT is(ecs_test.told(:'buyer', 'system_alert'), 1::bigint, 'and told');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.delivery_attempt(%L, %s, ''x'')', :'rival', :o1)),
    'not_found', 'by its courier only');

-- The hand-over ------------------------------------------------------------------------

SELECT is(ecs_test.hand_over(:'rival', :o1, 'pin of ' || :o1), 'not_found', 'another courier proves nothing');
SELECT is(ecs_test.hand_over(:'courier', :o1, NULL),
    'Give either the PIN or the token that the buyer shows.', 'nothing is no proof');
SELECT is(ecs_test.hand_over(:'courier', :o1, 'a', 'b'),
    'Give either the PIN or the token that the buyer shows.', 'two are none either');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.orders_proof_confirm(%L, %s, 1, NULL, NULL, ''p'', NULL)',
    :'courier', :o1)), '{"non_field_errors" : ["Give both lat and lng, or neither."]}', 'half a place');
SELECT is((SELECT attempts FROM ecs.delivery_proofs WHERE order_id = :o1), 0, 'none of which is a try');
SELECT ecs_test.ship(:'courier', :o2) \g /dev/null
SELECT is(ecs_test.hand_over(:'courier', :o1, 'pin of ' || :o2), 'wrong_proof 4', 'the PIN of another order');
SELECT is(ecs_test.hand_over(:'courier', :o1, NULL, 'pin of ' || :o1), 'wrong_proof 3', 'a PIN as token');
SELECT is(ecs_test.hand_over(:'courier', :o1, 'token of ' || :o1), 'wrong_proof 2', 'a token as PIN');
SELECT is((SELECT (a).status || ' ' || ((a).body ->> 'code') FROM ecs_api.delivery_advance(:'courier', :o1,
    NULL, NULL, NULL, 'x', NULL, 'n', 'p', 't') a), '0 wrong_proof', 'the other door counts too');
SELECT is(ecs_test.hand_over(:'courier', :o1, 'x'), 'wrong_proof 0', 'the fifth');
SELECT is(ecs_test.hand_over(:'courier', :o1, 'pin of ' || :o1), 'proof_locked', 'the right one is too late');
SELECT is((SELECT attempts FROM ecs.delivery_proofs WHERE order_id = :o1), 5, 'and not even counted');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.orders_proof_renew(%L, %s, ''n'', ''p'', ''t'')', :'other', :o1)),
    'not_found', 'only the buyer renews');
SELECT is((ecs_api.orders_proof_renew(:'buyer', :o1, 'n2', 'p2', 't2')).body ->> 'attempts_left', '5',
    'a renewed proof has all tries again');
SELECT is(ecs_test.hand_over(:'courier', :o1, 'pin of ' || :o1), 'wrong_proof 4', 'the old PIN is worth nothing');
SELECT is((a).body ->> 'status', 'DELIVERED', 'the new token delivers')
    FROM ecs_api.orders_proof_confirm(:'courier', :o1, 33.5, 36.3, 'At the door', NULL, 't2') a;
SELECT results_eq(format('SELECT proof_method, delivered_at, complete_after FROM ecs.orders WHERE id = %s', :o1),
    'VALUES (''TOKEN'', ''2026-11-22 12:00Z''::timestamptz, ''2026-11-25 12:00Z''::timestamptz)', 'the order knows how and when');
SELECT results_eq(format('SELECT confirmed_at, confirmed_lat, confirmed_lng, note FROM ecs.delivery_proofs
    WHERE order_id = %s', :o1), 'VALUES (''2026-11-22 12:00Z''::timestamptz, 33.5, 36.3, ''At the door'')', 'and the proof where');
SELECT is(ecs_test.told(:'buyer', 'order_delivered'), 1::bigint, 'the buyer is told that it came');
SELECT is(ecs_test.hand_over(:'courier', :o1, NULL, 't2'), 'wrong_state', 'a proof is good once');
SELECT is(ecs_test.ids(a), :'o1', 'it is history for the courier')
    FROM ecs_api.delivery_history(:'courier', 1, 5, NULL) a;
SELECT is((SELECT (a).body ->> 'proof_method' FROM ecs_api.delivery_advance(:'courier', :o2, NULL, NULL, NULL,
    'pin of ' || :o2, NULL, 'n', 'p', 't') a), 'PIN', 'advance delivers with a PIN');

SELECT ecs_test.ship(:'courier', :o3) \g /dev/null
SELECT ecs_test.pass('24 hours') \g /dev/null
SELECT is(ecs_test.hand_over(:'courier', :o3, 'pin of ' || :o3), 'proof_expired', 'a proof expires');
SELECT is((ecs_api.orders_proof(:'buyer', :o3)).body ->> 'attempts_left', '5', 'which is no try');
SELECT ecs_api.orders_proof_renew(:'buyer', :o3, 'n', 'p', 't') FROM generate_series(1, 5) \g /dev/null
SELECT is(ecs_test.code_of(format('SELECT ecs_api.orders_proof_renew(%L, %s, ''n'', ''p'', ''t'')', :'buyer', :o3)),
    'too_many_renewals', 'five renewals a day');
SELECT ecs_test.pass('12 hours') \g /dev/null
SELECT is((ecs_api.orders_proof_renew(:'buyer', :o3, 'n', 'p3', 't3')).status, 200, 'the next day (UTC) is a new one');
SELECT is(ecs_test.hand_over(:'courier', :o3, 'p3'), 'ok', 'and its PIN delivers');

SELECT ecs_test.buy(:'buyer', :lamp) AS o8, ecs_test.buy(:'buyer', :lamp) AS o9 \gset
SELECT ecs_api.delivery_claim(:'rival', o) FROM (VALUES (:o8), (:o9)) v (o) \g /dev/null
SELECT ecs_test.ship(:'rival', :o9) \g /dev/null
SELECT is(ecs_lib.job_claims_free(10), 0, 'who is a courier keeps claimed orders');
UPDATE ecs.users SET is_active = false WHERE id = (:'rival'::ecs.caller).id;
SELECT is(ecs_lib.job_claims_free(10), 2, 'who is none any more does not: this one, and one of above');
SELECT results_eq(format('SELECT status, courier_id IS NULL FROM ecs.orders WHERE id IN (%s, %s) ORDER BY id', :o8, :o9),
    $$VALUES ('CREATED', true), ('SHIPPED', false)$$, 'but for those that are on their way');
SELECT is((ecs_api.delivery_claim(:'courier', :o8)).status, 200, 'another courier claims it');

SELECT is_empty($$
    SELECT h.order_id FROM (SELECT order_id, status, lag(status) OVER (PARTITION BY order_id ORDER BY id) AS before
                            FROM ecs.order_history) h
    WHERE h.before IS NOT NULL AND NOT EXISTS (SELECT FROM ecs.order_transitions
        WHERE from_status = h.before AND to_status = h.status)$$, 'histories have legal steps only');

SELECT * FROM finish();
ROLLBACK;
