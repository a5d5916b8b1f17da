-- Proof of delivery. PIN and token are derived from the nonce by the module
-- (core/proof.c); these functions never see them, only what verifies them.

-- What the module needs to show a proof; it takes the nonce out.
CREATE FUNCTION ecs_lib.proof_json(p_proof ecs.delivery_proofs) RETURNS json
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN json_build_object(
        'nonce', p_proof.nonce,
        'expires_at', ecs_lib.ts(p_proof.expires_at),
        'attempts_left', (SELECT greatest(proof_max_attempts - p_proof.attempts, 0)
                          FROM ecs.settings));
END $$;

-- The proof of an order that is under way. Callers: its buyer.
-- Raises not_found, wrong_state.
CREATE FUNCTION ecs_api.orders_proof(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_status text;
    v_proof  ecs.delivery_proofs;
BEGIN
    SELECT status INTO v_status FROM ecs.orders WHERE id = p_id AND buyer_id = p_me.id;
    IF v_status IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    IF v_status <> 'SHIPPED' THEN
        PERFORM ecs_lib.wrong_state('There is a proof only while the order is shipped.',
                                    v_status);
    END IF;
    SELECT * INTO v_proof FROM ecs.delivery_proofs WHERE order_id = p_id;
    RETURN ecs_lib.ok(ecs_lib.proof_json(v_proof));
END $$;

-- Replaces the proof; the old PIN and token are worth nothing from now on, and
-- tries are counted from zero. Five times a day (UTC), or a locked proof would
-- be no lock. Callers: its buyer. Locks: the order, its proof.
-- Raises not_found, wrong_state, too_many_renewals.
CREATE FUNCTION ecs_api.orders_proof_renew(p_me ecs.caller, p_id bigint,
    p_nonce text, p_pin_verifier text, p_token_verifier text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    c_daily  CONSTANT integer := 5;
    v_now    CONSTANT timestamptz := ecs.now();
    v_today  CONSTANT date := (v_now AT TIME ZONE 'UTC')::date;
    v_status text;
    v_proof  ecs.delivery_proofs;
BEGIN
    SELECT status INTO v_status FROM ecs.orders
        WHERE id = p_id AND buyer_id = p_me.id FOR NO KEY UPDATE;
    IF v_status IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    IF v_status <> 'SHIPPED' THEN
        PERFORM ecs_lib.wrong_state('There is a proof only while the order is shipped.',
                                    v_status);
    END IF;
    UPDATE ecs.delivery_proofs SET
        nonce = p_nonce, pin_verifier = p_pin_verifier, token_verifier = p_token_verifier,
        issued_at = v_now, attempts = 0,
        expires_at = v_now + make_interval(
            hours => (SELECT proof_ttl_hours FROM ecs.settings)),
        renewals = CASE WHEN renewed_on = v_today THEN renewals + 1 ELSE 1 END,
        renewed_on = v_today
    WHERE order_id = p_id AND (renewed_on IS DISTINCT FROM v_today OR renewals < c_daily)
    RETURNING * INTO v_proof;
    IF v_proof.order_id IS NULL THEN
        PERFORM ecs_lib.refuse('too_many_renewals',
            format('A proof can be renewed %s times a day.', c_daily),
            json_build_object('retry_after', ceil(extract(epoch FROM
                (v_today + 1)::timestamp AT TIME ZONE 'UTC' - v_now))::integer));
    END IF;
    RETURN ecs_lib.ok(ecs_lib.proof_json(v_proof));
END $$;

-- Checks what the courier typed or scanned for a locked order that is shipped,
-- and delivers it when it is right. A try is counted before it is looked at,
-- so that no number of parallel ones gets more than the settings allow.
-- Answers NULL when the order was delivered, else the refusal to return.
-- Raises proof_locked, proof_expired, invalid fields.
CREATE FUNCTION ecs_lib.order_deliver(p_order ecs.orders, p_me ecs.caller,
    p_pin_tried text, p_token_tried text, p_lat numeric, p_lng numeric, p_note text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_now   CONSTANT timestamptz := ecs.now();
    v_max   CONSTANT integer := (SELECT proof_max_attempts FROM ecs.settings);
    v_proof ecs.delivery_proofs;
BEGIN
    IF (p_pin_tried IS NULL) = (p_token_tried IS NULL) THEN
        PERFORM ecs_lib.invalid('non_field_errors',
            'Give either the PIN or the token that the buyer shows.');
    END IF;
    IF (p_lat IS NULL) <> (p_lng IS NULL) THEN
        PERFORM ecs_lib.invalid('non_field_errors', 'Give both lat and lng, or neither.');
    END IF;
    UPDATE ecs.delivery_proofs SET attempts = attempts + 1
        WHERE order_id = p_order.id AND attempts < v_max AND expires_at > v_now
        RETURNING * INTO v_proof;
    IF v_proof.order_id IS NULL THEN
        IF (SELECT attempts >= v_max FROM ecs.delivery_proofs WHERE order_id = p_order.id) THEN
            PERFORM ecs_lib.refuse('proof_locked',
                'Too many wrong tries; the buyer has to renew the proof.');
        END IF;
        PERFORM ecs_lib.refuse('proof_expired',
            'The proof has expired; the buyer has to renew it.');
    END IF;
    IF p_pin_tried <> v_proof.pin_verifier OR p_token_tried <> v_proof.token_verifier THEN
        RETURN ecs_lib.refused('wrong_proof', 'This is not the PIN or token of the order.',
            json_build_object('attempts_left', v_max - v_proof.attempts));
    END IF;

    UPDATE ecs.delivery_proofs SET confirmed_at = v_now, confirmed_lat = p_lat,
        confirmed_lng = p_lng, note = p_note
        WHERE order_id = p_order.id;
    p_order.proof_method := CASE WHEN p_pin_tried IS NULL THEN 'TOKEN' ELSE 'PIN' END;
    p_order := ecs_lib.order_move(p_order, 'DELIVERED', p_me, p_note);
    PERFORM ecs_lib.order_notify(p_order, ARRAY[p_order.buyer_id], 'order_delivered',
        format('Order %s was delivered.', p_order.order_number),
        jsonb_build_object('complete_after', ecs_lib.ts(p_order.complete_after)));
    RETURN NULL;
END $$;

-- The courier hands the order over and proves it. Callers: its courier.
-- Locks: the order, its proof.
-- Raises not_found, wrong_state, proof_locked, proof_expired; refuses
-- wrong_proof, counted.
CREATE FUNCTION ecs_api.orders_proof_confirm(p_me ecs.caller, p_id bigint,
    p_lat numeric, p_lng numeric, p_note text, p_pin_tried text, p_token_tried text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_order   ecs.orders;
    v_refusal ecs.answer;
BEGIN
    SELECT * INTO v_order FROM ecs.orders
        WHERE id = p_id AND courier_id = p_me.id FOR NO KEY UPDATE;
    IF v_order.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    IF v_order.status <> 'SHIPPED' THEN
        PERFORM ecs_lib.wrong_state('Only a shipped order can be delivered.', v_order.status);
    END IF;
    v_refusal := ecs_lib.order_deliver(v_order, p_me, p_pin_tried, p_token_tried,
                                       p_lat, p_lng, p_note);
    IF v_refusal.status IS NOT NULL THEN
        RETURN v_refusal;
    END IF;
    RETURN ecs_lib.ok(ecs_lib.order_json(p_id),
                      (SELECT version FROM ecs.orders WHERE id = p_id));
END $$;
