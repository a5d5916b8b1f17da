-- Returns: a buyer asks within the window, a courier or an administrator writes
-- down what came back, an administrator decides, and everything the decision
-- means happens in its transaction. Opened and used units wait for their seller.
--
-- An open return keeps its order from being completed, and so the money in
-- escrow that it is about.
--
-- Locks, in this order in every function: the product, the order, the return,
-- wallets by id, the seller.

-- How it looks ------------------------------------------------------------------

-- Under which reference the refund of a return stands in the ledger.
CREATE FUNCTION ecs_lib.return_reference(p_return bigint) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$ SELECT 'return ' || p_return $$;

-- Returns as the API shows them, one row each.
CREATE FUNCTION ecs_lib.return_views(p_returns bigint[])
RETURNS TABLE (id bigint, body json) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY SELECT r.id, json_build_object(
        'id', r.id,
        'status', r.status,
        'order', json_build_object('id', o.id, 'order_number', o.order_number),
        'order_item', i.id,
        'product', i.product_id,
        'product_name', i.product_name,
        'buyer', json_build_object('id', b.id, 'username', b.username),
        'seller', json_build_object('id', s.id, 'username', s.username),
        'quantity', r.quantity,
        'reason', r.reason,
        'images', coalesce((
            SELECT json_agg(jsonb_build_object('id', x.id) || ecs_lib.image_json(p) ORDER BY x.id)
            FROM ecs.return_images x JOIN ecs.images p ON p.name = x.image
            WHERE x.return_id = r.id), '[]'),
        'items', coalesce((
            SELECT json_agg(json_build_object('condition', x.condition,
                       'quantity', x.quantity, 'notes', x.notes) ORDER BY x.id)
            FROM ecs.return_items x WHERE x.return_id = r.id), '[]'),
        'inspected_by', CASE WHEN n.id IS NOT NULL THEN
            json_build_object('id', n.id, 'username', n.username) END,
        'paid_amount', r.paid_amount::text,
        'refund_amount', r.refund_amount::text,
        'seller_fault', r.seller_fault,
        'penalty_points', r.penalty_points,
        'notes', r.notes,
        'created_at', ecs_lib.ts(r.created_at),
        'inspected_at', ecs_lib.ts(r.inspected_at),
        'decided_at', ecs_lib.ts(r.decided_at))
    FROM ecs.returns r
    JOIN ecs.orders o ON o.id = r.order_id
    JOIN ecs.order_items i ON i.id = r.order_item_id
    JOIN ecs.users b ON b.id = r.buyer_id
    JOIN ecs.users s ON s.id = r.seller_id
    LEFT JOIN ecs.users n ON n.id = r.inspected_by
    WHERE r.id = ANY (p_returns);
END $$;

-- A return as an answer.
CREATE FUNCTION ecs_lib.return_answer(p_return bigint) RETURNS ecs.answer
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.ok((SELECT body FROM ecs_lib.return_views(ARRAY[p_return])),
                      (SELECT version FROM ecs.returns WHERE id = p_return));
END $$;

-- May the caller see the return? Its buyer, its seller and administrators
-- always; a courier while it is open, and afterwards if they inspected it.
CREATE FUNCTION ecs_lib.return_is_seen(r ecs.returns, p_me ecs.caller) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE p_me.role
        WHEN 'delivery' THEN r.is_open OR r.inspected_by IS NOT DISTINCT FROM p_me.id
        ELSE p_me.id IN (r.buyer_id, r.seller_id) OR ecs_lib.is_admin(p_me) END;
END $$;

-- Tells several users the same about a return.
CREATE FUNCTION ecs_lib.return_notify(r ecs.returns, p_users bigint[], p_type text,
    p_message text, p_extra jsonb DEFAULT '{}')
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.notify_many(p_users, p_type, p_message, 'return', r.id,
                                jsonb_build_object('order', r.order_id) || p_extra);
END $$;

-- "2 × Brass lamp of order ORD-20261122-7KQ2MX"
CREATE FUNCTION ecs_lib.return_goods(r ecs.returns) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT format('%s × %s of order %s', r.quantity, i.product_name, o.order_number)
            FROM ecs.order_items i JOIN ecs.orders o ON o.id = i.order_id
            WHERE i.id = r.order_item_id);
END $$;

-- The buyer asks ----------------------------------------------------------------

-- POST /api/returns/. Buyers, for goods of their own that were delivered not too
-- long ago. What is returned or about to be is never more than was bought.
-- Locks: the order, which so does not complete at the same time.
-- Raises wrong_state, too_late, already_returned, invalid order_item, quantity.
CREATE FUNCTION ecs_api.returns_create(p_me ecs.caller, p_order_item bigint,
    p_quantity integer, p_reason text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_order  ecs.orders;
    v_item   ecs.order_items;
    v_until  timestamptz;
    v_left   integer;
    r        ecs.returns;
    v_answer ecs.answer;
BEGIN
    SELECT * INTO v_order FROM ecs.orders
        WHERE id = (SELECT order_id FROM ecs.order_items WHERE id = p_order_item)
          AND buyer_id = p_me.id FOR NO KEY UPDATE;
    IF v_order.id IS NULL THEN
        PERFORM ecs_lib.invalid_pk('order_item', p_order_item);
    END IF;
    IF v_order.status <> 'DELIVERED' THEN
        PERFORM ecs_lib.wrong_state('Only goods of a delivered order can be returned.',
                                    v_order.status);
    END IF;
    v_until := v_order.delivered_at + make_interval(
        hours => 24 * (SELECT return_window_days FROM ecs.settings));
    IF v_until < ecs.now() THEN
        PERFORM ecs_lib.refuse('too_late', 'The time to return the goods is over.',
            json_build_object('until', ecs_lib.ts(v_until)));
    END IF;
    SELECT * INTO v_item FROM ecs.order_items WHERE id = p_order_item;
    SELECT v_item.quantity - coalesce(sum(quantity), 0) INTO v_left FROM ecs.returns
        WHERE order_item_id = p_order_item AND (is_open OR status = 'APPROVED');
    IF v_left = 0 THEN
        PERFORM ecs_lib.refuse('already_returned',
            'All of these have been returned or are about to be.');
    END IF;
    IF p_quantity > v_left THEN
        PERFORM ecs_lib.invalid('quantity',
            format('Ensure this value is less than or equal to %s.', v_left));
    END IF;

    INSERT INTO ecs.returns (order_id, order_item_id, buyer_id, seller_id, quantity, reason)
        VALUES (v_order.id, p_order_item, p_me.id, v_item.seller_id, p_quantity, p_reason)
        RETURNING * INTO r;
    PERFORM ecs_lib.return_notify(r, r.seller_id || ARRAY(
            SELECT id FROM ecs.users WHERE role IN ('admin', 'superadmin') AND is_active),
        'return_requested', format('%s wants to return %s.',
            (SELECT username FROM ecs.users WHERE id = p_me.id), ecs_lib.return_goods(r)));
    v_answer := ecs_lib.return_answer(r.id);
    v_answer.status := 201;
    v_answer.location := format('/api/returns/%s/', r.id);
    RETURN v_answer;
END $$;

-- The caller's own return, locked, while nobody has looked at the goods.
-- Raises not_found, stale, wrong_state.
CREATE FUNCTION ecs_lib.return_own(p_me ecs.caller, p_id bigint) RETURNS ecs.returns
LANGUAGE plpgsql AS $$
DECLARE
    r ecs.returns;
BEGIN
    SELECT * INTO r FROM ecs.returns WHERE id = p_id AND buyer_id = p_me.id FOR NO KEY UPDATE;
    IF r.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    PERFORM ecs_lib.check_version(p_me, r.version);
    IF r.status <> 'REQUESTED' THEN
        PERFORM ecs_lib.wrong_state('The return is being decided, or was.', r.status);
    END IF;
    RETURN r;
END $$;

-- POST /api/returns/{id}/images/. Its buyer, before the inspection. The same
-- picture twice is once. Locks: the return, the picture.
-- Raises not_found, wrong_state, too_many_images, too_much_stored.
CREATE FUNCTION ecs_api.returns_images_add(p_me ecs.caller, p_id bigint,
    p_image_name text, p_image_width integer, p_image_height integer, p_image_bytes bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    c_most   CONSTANT integer := 10;
    r        CONSTANT ecs.returns := ecs_lib.return_own(p_me, p_id);
    v_answer ecs.answer;
BEGIN
    INSERT INTO ecs.return_images (return_id, image)
        VALUES (r.id, (ecs_lib.image_add(p_me, p_image_name, p_image_width, p_image_height,
                                         p_image_bytes)).name)
        ON CONFLICT DO NOTHING;
    IF (SELECT count(*) > c_most FROM ecs.return_images WHERE return_id = r.id) THEN
        PERFORM ecs_lib.refuse('too_many_images', format('A return has at most %s pictures.',
            c_most), json_build_object('images_max', c_most));
    END IF;
    UPDATE ecs.returns SET updated_at = ecs.now() WHERE id = r.id; -- another version
    v_answer := ecs_lib.return_answer(r.id);
    v_answer.status := 201;
    v_answer.location := format('/api/returns/%s/', r.id);
    RETURN v_answer;
END $$;

-- DELETE /api/returns/{id}/. Its buyer, before the inspection. It stays to be
-- seen, as cancelled. Locks: the return. Raises not_found, stale, wrong_state.
CREATE FUNCTION ecs_api.returns_cancel(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    r CONSTANT ecs.returns := ecs_lib.return_own(p_me, p_id);
BEGIN
    UPDATE ecs.returns SET status = 'CANCELLED' WHERE id = r.id;
    RETURN ecs_lib.no_content();
END $$;

-- Reading -----------------------------------------------------------------------

-- GET /api/returns/{id}/. See ecs_lib.return_is_seen. Raises not_found.
CREATE FUNCTION ecs_api.returns_get(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    r ecs.returns;
BEGIN
    SELECT * INTO r FROM ecs.returns WHERE id = p_id;
    IF (r.id IS NOT NULL AND ecs_lib.return_is_seen(r, p_me)) IS NOT TRUE THEN
        PERFORM ecs_lib.not_found();
    END IF;
    RETURN ecs_lib.return_answer(p_id);
END $$;

-- GET /api/returns/. What the caller may see, newest first; with p_as only what
-- they bought, or sold. Planned anew each time: who calls makes another plan.
CREATE FUNCTION ecs_api.returns_list(p_me ecs.caller, p_as text, p_status text,
    p_is_open boolean, p_order bigint, p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    v_admin   CONSTANT boolean := ecs_lib.is_admin(p_me);
    v_courier CONSTANT boolean := p_me.role = 'delivery';
    v_buyer   CONSTANT bigint := CASE p_as WHEN 'buyer' THEN p_me.id END;
    v_seller  CONSTANT bigint := CASE p_as WHEN 'seller' THEN p_me.id END;
    v_ids     bigint[];
    v_rows    json;
    v_total   bigint;
BEGIN
    v_ids := ARRAY(
        SELECT r.id FROM ecs.returns r
        WHERE (v_admin OR r.buyer_id = p_me.id OR r.seller_id = p_me.id
               OR (v_courier AND r.is_open) OR (v_courier AND r.inspected_by = p_me.id))
          AND (v_buyer IS NULL OR r.buyer_id = v_buyer)
          AND (v_seller IS NULL OR r.seller_id = v_seller)
          AND (p_status IS NULL OR r.status = p_status)
          AND (p_is_open IS NULL OR r.is_open = p_is_open)
          AND (p_order IS NULL OR r.order_id = p_order)
          AND (p_cursor IS NULL OR r.id < p_cursor)
        ORDER BY r.id DESC
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.returns r
        WHERE (v_admin OR r.buyer_id = p_me.id OR r.seller_id = p_me.id
               OR (v_courier AND r.is_open) OR (v_courier AND r.inspected_by = p_me.id))
          AND (v_buyer IS NULL OR r.buyer_id = v_buyer)
          AND (v_seller IS NULL OR r.seller_id = v_seller)
          AND (p_status IS NULL OR r.status = p_status)
          AND (p_is_open IS NULL OR r.is_open = p_is_open)
          AND (p_order IS NULL OR r.order_id = p_order);
    END IF;
    SELECT json_agg(v.body ORDER BY v.id DESC) INTO v_rows
        FROM ecs_lib.return_views(v_ids[:p_page_size]) v;
    RETURN ecs_lib.page(v_rows, v_total, ecs_lib.next_key(v_ids, p_page_size));
END $$;

-- The inspection ----------------------------------------------------------------

-- POST /api/returns/{id}/process-statuses/. Couriers and administrators write
-- down in which condition the units are, once; nothing moves yet. p_items:
-- [{"condition", "quantity", "notes"}]. Locks: the return.
-- Raises not_found, wrong_state, invalid items.
CREATE FUNCTION ecs_api.returns_inspect(p_me ecs.caller, p_id bigint, p_items jsonb)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_sum   CONSTANT bigint := (SELECT sum(quantity)
        FROM jsonb_to_recordset(p_items) AS i (quantity bigint));
    v_found text;
    r       ecs.returns;
BEGIN
    SELECT * INTO r FROM ecs.returns WHERE id = p_id FOR NO KEY UPDATE;
    IF (r.id IS NOT NULL AND ecs_lib.return_is_seen(r, p_me)) IS NOT TRUE THEN
        PERFORM ecs_lib.not_found();
    END IF;
    IF r.status <> 'REQUESTED' THEN
        PERFORM ecs_lib.wrong_state('The return was inspected already, or taken back.', r.status);
    END IF;
    IF v_sum <> r.quantity THEN
        PERFORM ecs_lib.invalid('items', format('The quantities add up to %s, and the return '
            'is of %s.', v_sum, r.quantity));
    END IF;

    INSERT INTO ecs.return_items (return_id, condition, quantity, notes)
        SELECT r.id, i.x ->> 'condition', (i.x ->> 'quantity')::integer, i.x ->> 'notes'
        FROM jsonb_array_elements(p_items) WITH ORDINALITY AS i (x, n) ORDER BY i.n;
    UPDATE ecs.returns SET status = 'UNDER_INSPECTION', inspected_by = p_me.id,
        inspected_at = ecs.now() WHERE id = r.id;
    SELECT string_agg(n || ' ' || replace(lower(condition), '_', ' '), ', ') INTO v_found
        FROM (SELECT condition, sum(quantity) AS n FROM ecs.return_items
              WHERE return_id = r.id GROUP BY condition ORDER BY min(id)) c;
    PERFORM ecs_lib.return_notify(r, ARRAY[r.buyer_id, r.seller_id], 'return_inspected',
        format('The return of %s was inspected: %s.', ecs_lib.return_goods(r), v_found));
    RETURN ecs_lib.return_answer(r.id);
END $$;

-- The decision ------------------------------------------------------------------

-- What was paid for the units of a return: of what the buyer still has of the
-- line, as many parts as come back. The last ones take what is left, so that a
-- line returned bit by bit is refunded to the cent.
CREATE FUNCTION ecs_lib.return_paid(r ecs.returns, p_item ecs.order_items) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN round((p_item.line_total - p_item.refunded_amount - p_item.retained_amount)
        * r.quantity / (p_item.quantity - p_item.returned_quantity), 2);
END $$;

-- What units in this state cost a seller at fault: 5 points for each damaged
-- one, 3 for each that misses parts.
CREATE FUNCTION ecs_lib.return_penalty(p_return bigint) RETURNS integer
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT coalesce(sum(quantity * CASE condition
                WHEN 'DAMAGED' THEN 5 WHEN 'MISSING_PARTS' THEN 3 ELSE 0 END), 0)
            FROM ecs.return_items WHERE return_id = p_return);
END $$;

-- Takes points from the seller of a return; they end at 0, and the rank follows.
-- Locks: the seller.
CREATE FUNCTION ecs_lib.return_punish(r ecs.returns, p_points integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_points integer;
BEGIN
    SELECT points INTO v_points FROM ecs.users WHERE id = r.seller_id FOR NO KEY UPDATE;
    UPDATE ecs.users SET points = greatest(v_points - p_points, 0),
        rank = ecs_lib.rank_of(greatest(v_points - p_points, 0), ecs_lib.settings())
        WHERE id = r.seller_id;
    PERFORM ecs_lib.return_notify(r, ARRAY[r.seller_id], 'points_penalty',
        format('The return of %s costs you %s points.', ecs_lib.return_goods(r),
               least(v_points, p_points)),
        jsonb_build_object('points', least(v_points, p_points)));
END $$;

-- Moves the money of an accepted return, out of escrow to the buyer, and counts
-- it at the line and at the order; the payout of that line shrinks, of no other.
-- When nothing is held any more and nothing else is to decide, the order has
-- ended as refunded. The order is locked. Locks: the wallet.
CREATE FUNCTION ecs_lib.return_refund(r ecs.returns, p_order ecs.orders, p_me ecs.caller)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_ends CONSTANT boolean := p_order.held_amount = r.refund_amount
        AND NOT EXISTS (SELECT FROM ecs.returns
                        WHERE order_id = r.order_id AND is_open AND id <> r.id);
BEGIN
    UPDATE ecs.order_items SET
        returned_quantity = returned_quantity + r.quantity,
        refunded_amount = refunded_amount + r.refund_amount,
        retained_amount = retained_amount + r.paid_amount - r.refund_amount
        WHERE id = r.order_item_id;
    IF r.refund_amount > 0 THEN
        PERFORM ecs.transfer(ecs.held(r.buyer_id), ecs.available(r.buyer_id),
            r.refund_amount, 'REFUND', p_order => r.order_id,
            p_reference => ecs_lib.return_reference(r.id), p_actor => p_me.id,
            p_request_id => p_me.request_id);
    END IF;
    p_order.held_amount := p_order.held_amount - r.refund_amount;
    p_order.refunded_amount := p_order.refunded_amount + r.refund_amount;
    p_order := ecs_lib.order_move(p_order,
        CASE WHEN v_ends THEN 'REFUNDED' ELSE p_order.status END, p_me,
        format('Return %s accepted: %s refunded.', r.id, r.refund_amount));
    IF v_ends THEN
        PERFORM ecs_lib.order_notify(p_order,
            ecs_lib.order_sellers(p_order.id) || p_order.buyer_id || p_order.courier_id,
            'order_refunded', format('Order %s was refunded.', p_order.order_number));
    END IF;
END $$;

-- Puts what came back where it belongs: new units on the shelf, opened and used
-- ones before their seller; damaged ones and those that miss parts are nothing
-- any more. The product is locked.
CREATE FUNCTION ecs_lib.return_store(r ecs.returns, p_product bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ecs.products SET quantity = quantity + n
        FROM (SELECT sum(quantity) AS n FROM ecs.return_items
              WHERE return_id = r.id AND condition = 'NEW') i
        WHERE id = p_product AND n > 0;
    INSERT INTO ecs.return_units (return_id, seller_id, product_id, condition)
        SELECT r.id, r.seller_id, p_product, i.condition
        FROM ecs.return_items i, generate_series(1, i.quantity)
        WHERE i.return_id = r.id AND i.condition IN ('OPEN_BOX', 'USED') ORDER BY i.id;
END $$;

-- Refuses members that are about an acceptance only, or contradict each other.
CREATE FUNCTION ecs_lib.return_check(p_changes jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_field text;
BEGIN
    FOREACH v_field IN ARRAY '{refund_amount,seller_fault,penalty_points}'::text[] LOOP
        IF p_changes ->> 'status' = 'REJECTED' AND p_changes ? v_field THEN
            PERFORM ecs_lib.invalid(v_field, 'Only a return that is accepted has this.');
        END IF;
    END LOOP;
    IF (p_changes ->> 'penalty_points')::integer > 0
       AND NOT (p_changes ->> 'seller_fault')::boolean THEN
        PERFORM ecs_lib.invalid('penalty_points', 'Only a seller at fault loses points.');
    END IF;
END $$;

-- Accepts a locked return, with all that follows from it. Locks: the wallet, the
-- seller. Raises invalid refund_amount.
CREATE FUNCTION ecs_lib.return_approve(r ecs.returns, p_order ecs.orders, p_me ecs.caller,
                                       p_changes jsonb)
RETURNS ecs.returns LANGUAGE plpgsql AS $$
DECLARE
    v_item ecs.order_items;
BEGIN
    SELECT * INTO v_item FROM ecs.order_items WHERE id = r.order_item_id;
    r.paid_amount := ecs_lib.return_paid(r, v_item);
    r.refund_amount := coalesce((p_changes ->> 'refund_amount')::numeric, r.paid_amount);
    IF r.refund_amount > r.paid_amount THEN
        PERFORM ecs_lib.invalid('refund_amount',
            format('Ensure this value is less than or equal to %s.', r.paid_amount));
    END IF;
    r.penalty_points := (p_changes ->> 'penalty_points')::integer;
    r.seller_fault := coalesce((p_changes ->> 'seller_fault')::boolean, r.penalty_points > 0,
                               false);
    r.penalty_points := coalesce(r.penalty_points,
        CASE WHEN r.seller_fault THEN ecs_lib.return_penalty(r.id) ELSE 0 END);

    PERFORM ecs_lib.return_refund(r, p_order, p_me);
    PERFORM ecs_lib.return_store(r, v_item.product_id);
    IF r.penalty_points > 0 THEN
        PERFORM ecs_lib.return_punish(r, r.penalty_points);
    END IF;
    RETURN r;
END $$;

-- PATCH /api/returns/{id}/update/. Administrators decide, once: the refund, what
-- becomes of the goods, the seller's points, all in this transaction or none.
-- Locks: the product, the order, the return, the wallet, the seller.
-- Raises not_found, stale, wrong_state, invalid refund_amount, seller_fault,
-- penalty_points.
CREATE FUNCTION ecs_api.returns_update(p_me ecs.caller, p_id bigint, p_changes jsonb)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_accepts CONSTANT boolean := p_changes ->> 'status' = 'APPROVED';
    v_order   ecs.orders;
    r         ecs.returns;
BEGIN
    PERFORM ecs_lib.return_check(p_changes);
    SELECT * INTO r FROM ecs.returns WHERE id = p_id;
    PERFORM 1 FROM ecs.products
        WHERE id = (SELECT product_id FROM ecs.order_items WHERE id = r.order_item_id)
        FOR NO KEY UPDATE;
    SELECT * INTO v_order FROM ecs.orders WHERE id = r.order_id FOR NO KEY UPDATE;
    SELECT * INTO r FROM ecs.returns WHERE id = p_id FOR NO KEY UPDATE;
    IF r.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    PERFORM ecs_lib.check_version(p_me, r.version);
    IF r.status <> 'UNDER_INSPECTION' THEN
        PERFORM ecs_lib.wrong_state('Only a return that was inspected can be decided, once.',
                                    r.status);
    END IF;

    IF v_accepts THEN
        r := ecs_lib.return_approve(r, v_order, p_me, p_changes);
    END IF;
    UPDATE ecs.returns SET status = p_changes ->> 'status', notes = p_changes ->> 'notes',
        paid_amount = r.paid_amount, refund_amount = r.refund_amount,
        seller_fault = r.seller_fault, penalty_points = r.penalty_points,
        decided_by = p_me.id, decided_at = ecs.now()
        WHERE id = p_id;
    IF v_accepts THEN
        PERFORM ecs_lib.return_notify(r, ARRAY[r.buyer_id, r.seller_id], 'return_approved',
            format('The return of %s was accepted; %s goes back to the buyer.',
                   ecs_lib.return_goods(r), r.refund_amount),
            jsonb_build_object('refund_amount', r.refund_amount::text));
    ELSE
        PERFORM ecs_lib.return_notify(r, ARRAY[r.buyer_id, r.seller_id], 'return_rejected',
            format(CASE WHEN p_changes ->> 'notes' IS NULL THEN 'The return of %s was refused.'
                        ELSE 'The return of %s was refused: %s' END,
                   ecs_lib.return_goods(r), p_changes ->> 'notes'));
    END IF;
    PERFORM ecs_lib.audit(p_me, CASE WHEN v_accepts THEN 'return.approve' ELSE 'return.reject' END,
        'return', p_id, p_changes || CASE WHEN v_accepts THEN jsonb_build_object(
            'refund_amount', r.refund_amount::text, 'penalty_points', r.penalty_points)
            ELSE '{}' END);
    RETURN ecs_lib.return_answer(p_id);
END $$;

-- Opened and used units ---------------------------------------------------------

-- An opened or used unit as its seller sees it.
CREATE FUNCTION ecs_lib.return_unit_json(u ecs.return_units, p_name text) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', u.id,
        'status', u.status,
        'return', u.return_id,
        'product', u.product_id,
        'product_name', p_name,
        'condition', u.condition,
        'discount_percentage', u.discount_percentage,
        'listing', u.listing_id,
        'created_at', ecs_lib.ts(u.created_at),
        'decided_at', ecs_lib.ts(u.decided_at))
$$;

-- GET /api/returns/units/. Sellers: units that came back to them, newest first.
CREATE FUNCTION ecs_api.return_units_list(p_me ecs.caller, p_status text,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids   bigint[];
    v_rows  json;
    v_total bigint;
BEGIN
    v_ids := ARRAY(
        SELECT id FROM ecs.return_units
        WHERE seller_id = p_me.id AND (p_status IS NULL OR status = p_status)
          AND (p_cursor IS NULL OR id < p_cursor)
        ORDER BY id DESC
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    SELECT json_agg(ecs_lib.return_unit_json(u, p.name) ORDER BY u.id DESC) INTO v_rows
        FROM ecs.return_units u JOIN ecs.products p ON p.id = u.product_id
        WHERE u.id = ANY (v_ids[:p_page_size]);
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.return_units
            WHERE seller_id = p_me.id AND (p_status IS NULL OR status = p_status);
    END IF;
    RETURN ecs_lib.page(v_rows, v_total, ecs_lib.next_key(v_ids, p_page_size));
END $$;

-- Lists one unit for sale as what it is: like the product it was, with its
-- condition behind the name, for so many percent less; an administrator has to
-- approve it as any other. Answers the new product.
CREATE FUNCTION ecs_lib.return_unit_list(u ecs.return_units, p_percentage numeric)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    c_longest CONSTANT integer := 200; -- name of a product
    v_suffix  CONSTANT text := CASE u.condition WHEN 'OPEN_BOX' THEN ' (open box)'
                                                ELSE ' (used)' END;
    p         ecs.products;
    v_id      bigint;
BEGIN
    SELECT * INTO p FROM ecs.products WHERE id = u.product_id;
    p.name := left(regexp_replace(p.name, ' \((open box|used)\)$', ''),
                   c_longest - length(v_suffix)) || v_suffix;
    INSERT INTO ecs.products (seller_id, category_id, brand_id, name, slug, description,
                              price, quantity, condition)
        VALUES (p.seller_id, p.category_id, p.brand_id, p.name, ecs_lib.slug(p.name),
                p.description, ecs_lib.reduced(p.price, round(p_percentage, 2)), 1, u.condition)
        RETURNING id INTO v_id;
    INSERT INTO ecs.product_images (product_id, image)
        SELECT v_id, i.image
        FROM json_array_elements(p.images) WITH ORDINALITY AS e (x, n)
        JOIN ecs.product_images i ON i.id = (e.x ->> 'id')::bigint ORDER BY e.n;
    UPDATE ecs.products SET images = (
            SELECT json_agg(jsonb_build_object('id', i.id) || ecs_lib.image_json(m) ORDER BY i.id)
            FROM ecs.product_images i JOIN ecs.images m ON m.name = i.image
            WHERE i.product_id = v_id)
        WHERE id = v_id AND EXISTS (SELECT FROM ecs.product_images WHERE product_id = v_id);
    RETURN v_id;
END $$;

-- POST /api/returns/units/{id}/decide/. Its seller, once: p_action 'resell' makes
-- a listing, 'discard' writes the unit off. Locks: the unit.
-- Raises not_found, wrong_state, invalid discount_percentage.
CREATE FUNCTION ecs_api.return_units_decide(p_me ecs.caller, p_id bigint, p_action text,
                                            p_discount_percentage numeric)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_resells CONSTANT boolean := p_action = 'resell';
    u ecs.return_units;
BEGIN
    IF v_resells AND p_discount_percentage IS NULL THEN
        PERFORM ecs_lib.invalid('discount_percentage', 'This field is required.');
    END IF;
    IF NOT v_resells AND p_discount_percentage IS NOT NULL THEN
        PERFORM ecs_lib.invalid('discount_percentage', 'Only for what is sold again.');
    END IF;
    SELECT * INTO u FROM ecs.return_units
        WHERE id = p_id AND seller_id = p_me.id FOR NO KEY UPDATE;
    IF u.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    IF u.status <> 'WAITING' THEN
        PERFORM ecs_lib.wrong_state('This was decided already.', u.status);
    END IF;
    UPDATE ecs.return_units SET
        status = CASE WHEN v_resells THEN 'RESOLD' ELSE 'DISCARDED' END,
        discount_percentage = p_discount_percentage,
        listing_id = CASE WHEN v_resells
                          THEN ecs_lib.return_unit_list(u, p_discount_percentage) END,
        decided_at = ecs.now()
        WHERE id = p_id RETURNING * INTO u;
    RETURN ecs_lib.ok((SELECT ecs_lib.return_unit_json(u, p.name) FROM ecs.products p
                       WHERE p.id = u.product_id), u.version);
END $$;
