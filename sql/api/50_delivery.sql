-- Delivery: the courier's side of an order, from the list of what waits to the
-- hand-over. The proof itself is checked in 43_proofs.sql.
--
-- Locks, in this order: the order, its proof, the courier's row of ecs.users.

-- How it looks ------------------------------------------------------------------

-- What a courier who has taken an order may know of it: where to bring it, whom
-- to call, what is in it. Never the proof.
CREATE FUNCTION ecs_lib.delivery_views(p_orders bigint[])
RETURNS TABLE (id bigint, body json) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY SELECT o.id, json_build_object(
        'id', o.id,
        'order_number', o.order_number,
        'status', o.status,
        'buyer', json_build_object(
            'id', b.id, 'username', b.username,
            'name', coalesce(nullif(trim(b.first_name || ' ' || b.last_name), ''), b.username),
            'phone_number', b.phone_number),
        'items', (
            SELECT json_agg(json_build_object(
                'product', i.product_id, 'product_name', i.product_name,
                'seller', json_build_object('id', s.id, 'username', s.username),
                'quantity', i.quantity) ORDER BY i.id)
            FROM ecs.order_items i JOIN ecs.users s ON s.id = i.seller_id
            WHERE i.order_id = o.id),
        'location_lat', o.location_lat,
        'location_lng', o.location_lng,
        'location_address', o.location_address,
        'city', o.city,
        'attempts', coalesce((
            SELECT json_agg(json_build_object(
                'reason', a.reason, 'at', ecs_lib.ts(a.at)) ORDER BY a.id)
            FROM ecs.delivery_attempts a
            WHERE a.order_id = o.id AND a.courier_id = o.courier_id), '[]'),
        'proof_method', o.proof_method,
        'created_at', ecs_lib.ts(o.created_at),
        'claimed_at', ecs_lib.ts(o.claimed_at),
        'shipped_at', ecs_lib.ts(o.shipped_at),
        'delivered_at', ecs_lib.ts(o.delivered_at))
    FROM ecs.orders o JOIN ecs.users b ON b.id = o.buyer_id
    WHERE o.id = ANY (p_orders);
END $$;

-- What every courier may know of an order that nobody has taken, in the order
-- of p_orders. p_distances: kilometres, one for each order, or NULL.
CREATE FUNCTION ecs_lib.waiting_views(p_orders bigint[],
                                      p_distances double precision[] DEFAULT NULL)
RETURNS TABLE (n bigint, body json) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY SELECT x.n, json_build_object(
        'id', o.id,
        'order_number', o.order_number,
        'status', o.status,
        'city', o.city,
        'distance_km', round(p_distances[x.n]::numeric, 1),
        'items_count', (SELECT sum(i.quantity) FROM ecs.order_items i
                        WHERE i.order_id = o.id),
        'created_at', ecs_lib.ts(o.created_at))
    FROM unnest(p_orders) WITH ORDINALITY AS x (id, n)
    JOIN ecs.orders o ON o.id = x.id;
END $$;

-- An order as its courier sees it, as an answer.
CREATE FUNCTION ecs_lib.delivery_answer(p_order ecs.orders) RETURNS ecs.answer
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.ok((SELECT body FROM ecs_lib.delivery_views(ARRAY[p_order.id])),
                      p_order.version);
END $$;

-- Kilometres between two places on the globe (haversine). Both are rounded to
-- 0.01 degrees first, about a kilometre, so that nobody can find a buyer's door
-- by asking for distances from many places.
CREATE FUNCTION ecs_lib.rough_distance(p_lat1 numeric, p_lng1 numeric,
                                       p_lat2 numeric, p_lng2 numeric)
RETURNS double precision LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    c_earth CONSTANT double precision := 6371; -- mean radius in kilometres
    v_lat1  CONSTANT double precision := radians(round(p_lat1, 2));
    v_lat2  CONSTANT double precision := radians(round(p_lat2, 2));
    v_dlng  CONSTANT double precision := radians(round(p_lng2, 2) - round(p_lng1, 2));
BEGIN
    RETURN 2 * c_earth * asin(sqrt(least(1,
        sin((v_lat2 - v_lat1) / 2) ^ 2
        + cos(v_lat1) * cos(v_lat2) * sin(v_dlng / 2) ^ 2)));
END $$;

-- Lists -------------------------------------------------------------------------

-- Orders that wait for a courier: oldest first, or nearest to p_near first
-- ("33.51,36.28"). Nothing of the buyer but the city.
-- Callers: couriers. A keyset is "distance:id". Raises invalid near.
CREATE FUNCTION ecs_api.delivery_available(p_me ecs.caller, p_near text,
    p_page integer, p_page_size integer, p_cursor text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    c_pattern CONSTANT text := '^\s*(-?\d{1,2}(\.\d{1,9})?)\s*,\s*(-?\d{1,3}(\.\d{1,9})?)\s*$';
    v_near      text[] := regexp_match(p_near, c_pattern);
    v_lat       numeric := v_near[1];
    v_lng       numeric := v_near[3];
    v_after_km  double precision := split_part(p_cursor, ':', 1);
    v_after_id  bigint := split_part(p_cursor, ':', 2);
    v_ids       bigint[];
    v_distances double precision[];
    v_rows      json;
    v_total     bigint;
BEGIN
    IF p_near IS NULL THEN
        v_ids := ARRAY(
            SELECT id FROM ecs.orders
            WHERE status = 'CREATED' AND (v_after_id IS NULL OR id > v_after_id)
            ORDER BY id
            LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    ELSIF v_lat BETWEEN -90 AND 90 AND v_lng BETWEEN -180 AND 180 THEN
        SELECT array_agg(id ORDER BY km, id), array_agg(km ORDER BY km, id)
        INTO v_ids, v_distances
        FROM (SELECT id, km
              FROM ecs.orders, ecs_lib.rough_distance(v_lat, v_lng, location_lat, location_lng) km
              WHERE status = 'CREATED'
                AND (v_after_id IS NULL OR (km, id) > (v_after_km, v_after_id))
              ORDER BY km, id
              LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size)) nearest;
    ELSE
        PERFORM ecs_lib.invalid('near', 'Give latitude and longitude, like 33.51,36.28.');
    END IF;
    SELECT json_agg(w.body ORDER BY w.n) INTO v_rows
        FROM ecs_lib.waiting_views(v_ids[:p_page_size], v_distances) w;
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.orders WHERE status = 'CREATED';
    END IF;
    RETURN ecs_lib.page(v_rows, v_total, CASE WHEN cardinality(v_ids) > p_page_size
        THEN coalesce(v_distances[p_page_size], 0) || ':' || v_ids[p_page_size] END);
END $$;

-- The caller's orders in some states, newest first.
CREATE FUNCTION ecs_lib.delivery_list(p_me ecs.caller, p_states text[],
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids   bigint[];
    v_rows  json;
    v_total bigint;
BEGIN
    v_ids := ARRAY(
        SELECT id FROM ecs.orders
        WHERE courier_id = p_me.id AND status = ANY (p_states)
          AND (p_cursor IS NULL OR id < p_cursor)
        ORDER BY id DESC
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    SELECT json_agg(v.body ORDER BY v.id DESC) INTO v_rows
        FROM ecs_lib.delivery_views(v_ids[:p_page_size]) v;
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.orders
            WHERE courier_id = p_me.id AND status = ANY (p_states);
    END IF;
    RETURN ecs_lib.page(v_rows, v_total, ecs_lib.next_key(v_ids, p_page_size));
END $$;

-- What the caller is carrying. Callers: couriers.
CREATE FUNCTION ecs_api.delivery_mine(p_me ecs.caller,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.delivery_list(p_me, ARRAY['PROCESSING', 'SHIPPED'],
                                 p_page, p_page_size, p_cursor);
END $$;

-- What the caller has brought, or was taken back. Callers: couriers.
CREATE FUNCTION ecs_api.delivery_history(p_me ecs.caller,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.delivery_list(p_me,
        ARRAY['DELIVERED', 'COMPLETED', 'CANCELLED', 'REFUNDED'],
        p_page, p_page_size, p_cursor);
END $$;

-- One order of the caller's. Callers: its courier. Raises not_found.
CREATE FUNCTION ecs_api.delivery_get(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_order ecs.orders;
BEGIN
    SELECT * INTO v_order FROM ecs.orders WHERE id = p_id AND courier_id = p_me.id;
    IF v_order.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    RETURN ecs_lib.delivery_answer(v_order);
END $$;

-- Steps -------------------------------------------------------------------------

-- The caller's own order, locked. Raises not_found.
CREATE FUNCTION ecs_lib.delivery_lock(p_me ecs.caller, p_id bigint) RETURNS ecs.orders
LANGUAGE plpgsql AS $$
DECLARE
    v_order ecs.orders;
BEGIN
    SELECT * INTO v_order FROM ecs.orders
        WHERE id = p_id AND courier_id = p_me.id FOR NO KEY UPDATE;
    IF v_order.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    RETURN v_order;
END $$;

-- Takes an order that waits. Of couriers who want the same, one gets it; one
-- courier's parallel claims queue at their own row, so that the limit holds.
-- Callers: couriers. Locks: the order, the caller's row of ecs.users.
-- Raises not_found, already_claimed, wrong_state, too_many_active.
CREATE FUNCTION ecs_api.delivery_claim(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_most   CONSTANT integer := (SELECT max_active_deliveries FROM ecs.settings);
    v_order  ecs.orders;
    v_active integer;
BEGIN
    SELECT * INTO v_order FROM ecs.orders WHERE id = p_id FOR NO KEY UPDATE;
    IF v_order.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    IF v_order.courier_id IS NOT NULL THEN
        PERFORM ecs_lib.refuse('already_claimed', 'The order was claimed already.');
    END IF;
    IF v_order.status <> 'CREATED' THEN
        PERFORM ecs_lib.wrong_state('The order does not wait for a courier any more.',
                                    v_order.status);
    END IF;
    PERFORM 1 FROM ecs.users WHERE id = p_me.id FOR NO KEY UPDATE;
    SELECT count(*) INTO v_active FROM ecs.orders
        WHERE courier_id = p_me.id AND status IN ('PROCESSING', 'SHIPPED');
    IF v_active >= v_most THEN
        PERFORM ecs_lib.refuse('too_many_active',
            format('You have %s active deliveries; finish one first.', v_active),
            json_build_object('active', v_active, 'limit', v_most));
    END IF;

    v_order.courier_id := p_me.id;
    v_order := ecs_lib.order_move(v_order, 'PROCESSING', p_me);
    PERFORM ecs_lib.order_notify(v_order, ARRAY[v_order.buyer_id], 'order_claimed',
        format('A courier has taken order %s.', v_order.order_number));
    RETURN ecs_lib.delivery_answer(v_order);
END $$;

-- Gives an order back that was not shipped; it waits for another courier.
-- Callers: its courier. Locks: the order. Raises not_found, wrong_state.
CREATE FUNCTION ecs_api.delivery_release(p_me ecs.caller, p_id bigint, p_reason text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_order ecs.orders := ecs_lib.delivery_lock(p_me, p_id);
BEGIN
    IF v_order.status <> 'PROCESSING' THEN
        PERFORM ecs_lib.wrong_state('Only an order that was not shipped can be given back.',
                                    v_order.status);
    END IF;
    v_order.courier_id := NULL;
    v_order := ecs_lib.order_move(v_order, 'CREATED', p_me, p_reason);
    RETURN ecs_lib.ok((SELECT body FROM ecs_lib.waiting_views(ARRAY[p_id])),
                      v_order.version);
END $$;

-- The next step of an order: PROCESSING to SHIPPED, which makes the proof and
-- tells the buyer, or SHIPPED to DELIVERED, which needs PIN or token.
-- p_nonce and the two verifiers are a fresh proof, used by the first step only.
-- Callers: its courier. Locks: the order, its proof.
-- Raises not_found, wrong_state, proof_locked, proof_expired; refuses
-- wrong_proof, counted.
CREATE FUNCTION ecs_api.delivery_advance(p_me ecs.caller, p_id bigint,
    p_lat numeric, p_lng numeric, p_note text, p_pin_tried text, p_token_tried text,
    p_nonce text, p_pin_verifier text, p_token_verifier text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_order   ecs.orders := ecs_lib.delivery_lock(p_me, p_id);
    v_refusal ecs.answer;
BEGIN
    IF v_order.status = 'SHIPPED' THEN
        v_refusal := ecs_lib.order_deliver(v_order, p_me, p_pin_tried, p_token_tried,
                                           p_lat, p_lng, p_note);
        IF v_refusal.status IS NOT NULL THEN
            RETURN v_refusal;
        END IF;
        SELECT * INTO v_order FROM ecs.orders WHERE id = p_id;
        RETURN ecs_lib.delivery_answer(v_order);
    END IF;
    IF v_order.status <> 'PROCESSING' THEN
        PERFORM ecs_lib.wrong_state('The order is not under way.', v_order.status);
    END IF;
    IF p_pin_tried IS NOT NULL OR p_token_tried IS NOT NULL THEN
        PERFORM ecs_lib.wrong_state('The order has to be shipped before it is delivered.',
                                    v_order.status);
    END IF;

    v_order := ecs_lib.order_move(v_order, 'SHIPPED', p_me, p_note);
    INSERT INTO ecs.delivery_proofs (order_id, nonce, pin_verifier, token_verifier,
        issued_at, expires_at)
    VALUES (p_id, p_nonce, p_pin_verifier, p_token_verifier, v_order.shipped_at,
        v_order.shipped_at + make_interval(
            hours => (SELECT proof_ttl_hours FROM ecs.settings)));
    PERFORM ecs_lib.order_notify(v_order, ARRAY[v_order.buyer_id], 'order_shipped',
        format('Order %s is on its way; show the courier its PIN or QR code.',
               v_order.order_number),
        jsonb_build_object('proof', format('/api/orders/%s/proof/', p_id)));
    RETURN ecs_lib.delivery_answer(v_order);
END $$;

-- Writes down that an order could not be handed over; it stays shipped, and the
-- buyer is told. Callers: its courier. Locks: the order.
-- Raises not_found, wrong_state.
CREATE FUNCTION ecs_api.delivery_attempt(p_me ecs.caller, p_id bigint, p_reason text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_order ecs.orders := ecs_lib.delivery_lock(p_me, p_id);
BEGIN
    IF v_order.status <> 'SHIPPED' THEN
        PERFORM ecs_lib.wrong_state('Only a shipped order can be tried to deliver.',
                                    v_order.status);
    END IF;
    INSERT INTO ecs.delivery_attempts (order_id, courier_id, reason)
        VALUES (p_id, p_me.id, p_reason);
    PERFORM ecs_lib.order_notify(v_order, ARRAY[v_order.buyer_id], 'system_alert',
        format('Order %s could not be delivered: %s', v_order.order_number, p_reason));
    RETURN ecs_lib.delivery_answer(v_order);
END $$;

-- By the clock -------------------------------------------------------------------

-- Orders that somebody claimed who is no courier any more, and that were not
-- shipped: they wait for another one. Shipped ones are an administrator's matter
-- (refund). Locks: the orders.
CREATE FUNCTION ecs_lib.job_claims_free(p_limit integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_done  integer := 0;
    v_order ecs.orders;
BEGIN
    FOR v_order IN
        SELECT o.* FROM ecs.orders o JOIN ecs.users u ON u.id = o.courier_id
        WHERE o.status = 'PROCESSING' AND NOT (u.is_active AND u.role = 'delivery')
        ORDER BY o.id LIMIT p_limit FOR NO KEY UPDATE OF o SKIP LOCKED
    LOOP
        v_order.courier_id := NULL;
        PERFORM ecs_lib.order_move(v_order, 'CREATED', NULL,
                                   'Who had claimed it is no courier any more.');
        v_done := v_done + 1;
    END LOOP;
    RETURN v_done;
END $$;
