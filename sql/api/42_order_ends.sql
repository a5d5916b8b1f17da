-- The ways an order ends: cancelled, completed or refunded, and what its
-- sellers get. Locks as in 40_orders.sql.

-- Takes an order back before it was shipped: what is held goes back, less the
-- fee of the settings, and the goods go back on the shelf.
-- Callers: its buyer. Locks: its products, the order, wallets.
-- Raises not_found, wrong_state.
CREATE FUNCTION ecs_api.orders_cancel(p_me ecs.caller, p_id bigint, p_reason text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_order ecs.orders;
    v_fee   numeric;
BEGIN
    PERFORM ecs_lib.order_lock_products(p_id, p_me.id);
    SELECT * INTO v_order FROM ecs.orders
        WHERE id = p_id AND buyer_id = p_me.id FOR NO KEY UPDATE;
    IF v_order.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    IF v_order.status NOT IN ('CREATED', 'PROCESSING') THEN
        PERFORM ecs_lib.wrong_state('Only an order that was not shipped can be cancelled.',
                                    v_order.status);
    END IF;

    SELECT round(v_order.held_amount * cancel_fee_percent * 0.01, 2) INTO v_fee
        FROM ecs.settings;
    PERFORM ecs.lock_wallets(ARRAY[p_me.id], v_fee > 0);
    IF v_fee > 0 THEN
        PERFORM ecs.transfer(ecs.held(p_me.id), ecs.system_account('platform'), v_fee,
            'FEE', p_order => p_id, p_note => 'cancellation', p_actor => p_me.id,
            p_request_id => p_me.request_id);
    END IF;
    IF v_order.held_amount > v_fee THEN
        PERFORM ecs.transfer(ecs.held(p_me.id), ecs.available(p_me.id),
            v_order.held_amount - v_fee, 'ESCROW_RELEASE', p_order => p_id,
            p_actor => p_me.id, p_request_id => p_me.request_id);
    END IF;
    PERFORM ecs_lib.order_restock(p_id);
    v_order.held_amount := 0;
    v_order := ecs_lib.order_move(v_order, 'CANCELLED', p_me, p_reason);
    PERFORM ecs_lib.order_notify(v_order,
        ecs_lib.order_sellers(p_id) || v_order.buyer_id || v_order.courier_id,
        'order_cancelled', format('Order %s was cancelled.', v_order.order_number));
    RETURN ecs_lib.ok(ecs_lib.order_json(p_id), v_order.version);
END $$;

-- What each seller gets of an order: the lines less what was refunded of them.
-- The fee is on what is really paid, rounded half up per line, at the rate
-- frozen at checkout. (Said to be few, or who joins it reads all users.)
CREATE FUNCTION ecs_lib.order_payouts(p_order bigint)
RETURNS TABLE (seller_id bigint, amount numeric, fee numeric)
LANGUAGE plpgsql STABLE ROWS 3 AS $$
BEGIN
    RETURN QUERY
    SELECT i.seller_id, sum(i.line_total - i.refunded_amount),
           sum(round((i.line_total - i.refunded_amount) * i.fee_percent * 0.01, 2))
        FROM ecs.order_items i WHERE i.order_id = p_order
        GROUP BY i.seller_id ORDER BY i.seller_id;
END $$;

-- What is left of each line when p_kept is left of all that an order holds, all
-- lines shrinking alike: each share is rounded down to cents, and the cents left
-- over go to the largest remainders, so that the shares are p_kept exactly.
CREATE FUNCTION ecs_lib.order_shrink(p_order bigint, p_kept numeric)
RETURNS TABLE (item_id bigint, held numeric, kept numeric)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    WITH line AS (
        SELECT i.id, i.line_total - i.refunded_amount AS rest,
               sum(i.line_total - i.refunded_amount) OVER () AS total
        FROM ecs.order_items i WHERE i.order_id = p_order
    ), share AS (
        SELECT l.id, l.rest, div(l.rest * p_kept * 100, l.total) AS cents,
               mod(l.rest * p_kept * 100, l.total) AS remainder
        FROM line l
    )
    SELECT s.id, s.rest,
           0.01 * (s.cents + CASE WHEN row_number() OVER (ORDER BY s.remainder DESC, s.id)
               <= p_kept * 100 - sum(s.cents) OVER () THEN 1 ELSE 0 END)
        FROM share s;
END $$;

-- Is there a return of the order that nobody has decided? The order is locked,
-- so none can come.
CREATE FUNCTION ecs_lib.order_has_return(p_order bigint) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM ecs.returns WHERE order_id = p_order AND is_open);
END $$;

-- Raises return_open.
CREATE FUNCTION ecs_lib.refuse_open_return() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.refuse('return_open', 'A return of the order is still open.');
END $$;

-- Pays the sellers of a locked order out of escrow, takes the fees and gives
-- the sellers their points. Locks: wallets, users.
CREATE FUNCTION ecs_lib.order_settle(p_order ecs.orders, p_me ecs.caller)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_buyer  CONSTANT ecs.account := ecs.held(p_order.buyer_id);
    v_payout record;
BEGIN
    PERFORM ecs.lock_wallets(ecs_lib.order_sellers(p_order.id) || p_order.buyer_id, true);
    FOR v_payout IN
        SELECT * FROM ecs_lib.order_payouts(p_order.id) WHERE amount > 0
    LOOP
        PERFORM ecs.transfer(v_buyer, ecs.available(v_payout.seller_id), v_payout.amount,
            'PAYMENT', p_order => p_order.id, p_actor => p_me.id,
            p_request_id => p_me.request_id);
        IF v_payout.fee > 0 THEN
            PERFORM ecs.transfer(ecs.available(v_payout.seller_id),
                ecs.system_account('platform'), v_payout.fee, 'FEE',
                p_order => p_order.id, p_actor => p_me.id,
                p_request_id => p_me.request_id);
        END IF;
        PERFORM ecs_lib.order_notify(p_order, ARRAY[v_payout.seller_id], 'seller_payment',
            format('Order %s paid you %s, less a fee of %s.', p_order.order_number,
                   v_payout.amount, v_payout.fee),
            jsonb_build_object('amount', v_payout.amount::text, 'fee', v_payout.fee::text));
    END LOOP;
    PERFORM ecs_lib.order_reward(p_order);
END $$;

-- Gives each seller of a locked order the points for what it pays them, and
-- the rank and the verification that come with them. Locks: users by id.
CREATE FUNCTION ecs_lib.order_reward(p_order ecs.orders) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    c_most  CONSTANT integer := 2147483647; -- that the column can hold
    v_rules ecs.settings;
    v_proud bigint[];
BEGIN
    SELECT * INTO v_rules FROM ecs.settings;
    WITH earned AS (
        SELECT u.id, u.is_verified_seller AS was_verified,
               least(u.points + round((p.amount - p.fee) / 10 * v_rules.points_per_10),
                     c_most)::integer AS points
        FROM ecs_lib.order_payouts(p_order.id) p JOIN ecs.users u ON u.id = p.seller_id
        ORDER BY u.id FOR NO KEY UPDATE OF u
    ), given AS (
        UPDATE ecs.users u SET points = e.points,
            rank = ecs_lib.rank_of(e.points, v_rules),
            is_verified_seller = e.was_verified OR e.points >= v_rules.verified_at_points
        FROM earned e WHERE u.id = e.id
        RETURNING u.id, u.is_verified_seller AND NOT e.was_verified AS is_new
    )
    SELECT array_agg(id) FILTER (WHERE is_new) INTO v_proud FROM given;
    PERFORM ecs_lib.order_notify(p_order, v_proud, 'seller_verified',
        'You are a verified seller now.');
END $$;

-- Completes a delivered order, locked together with its products: pays its
-- sellers and counts what they sold and did not get back. Locks: wallets, the
-- sellers.
CREATE FUNCTION ecs_lib.order_complete(p_order ecs.orders, p_me ecs.caller, p_reason text)
RETURNS ecs.orders LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ecs.products p SET sold_count = sold_count + i.quantity - i.returned_quantity
        FROM ecs.order_items i
        WHERE i.order_id = p_order.id AND p.id = i.product_id
          AND i.quantity > i.returned_quantity;
    PERFORM ecs_lib.order_settle(p_order, p_me);
    p_order.held_amount := 0;
    p_order := ecs_lib.order_move(p_order, 'COMPLETED', p_me, p_reason);
    PERFORM ecs_lib.order_notify(p_order, ARRAY[p_order.buyer_id], 'order_completed',
        format('Order %s is completed.', p_order.order_number));
    RETURN p_order;
END $$;

-- Ends a delivered order: its sellers are paid. The buyer may do it when the
-- waiting time is over, an administrator any time, with a reason.
-- Callers: its buyer, administrators. Locks: its products, the order, wallets,
-- the sellers. Raises not_found, wrong_state, too_early, return_open.
CREATE FUNCTION ecs_api.orders_complete(p_me ecs.caller, p_id bigint, p_reason text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_admin CONSTANT boolean := ecs_lib.is_admin(p_me);
    v_order ecs.orders;
BEGIN
    IF v_admin AND p_reason IS NULL THEN
        PERFORM ecs_lib.invalid('reason', 'This field is required.');
    END IF;
    PERFORM ecs_lib.order_lock_products(p_id, CASE WHEN NOT v_admin THEN p_me.id END);
    SELECT * INTO v_order FROM ecs.orders
        WHERE id = p_id AND (buyer_id = p_me.id OR v_admin) FOR NO KEY UPDATE;
    IF v_order.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    IF v_order.status <> 'DELIVERED' THEN
        PERFORM ecs_lib.wrong_state('Only a delivered order can be completed.',
                                    v_order.status);
    END IF;
    IF v_order.complete_after > ecs.now() AND NOT v_admin THEN
        PERFORM ecs_lib.refuse('too_early', 'The order cannot be completed yet.',
            json_build_object('available_at', ecs_lib.ts(v_order.complete_after)));
    END IF;

    IF ecs_lib.order_has_return(p_id) THEN
        PERFORM ecs_lib.refuse_open_return();
    END IF;
    v_order := ecs_lib.order_complete(v_order, p_me, p_reason);
    IF v_admin THEN
        PERFORM ecs_lib.audit(p_me, 'order.complete', 'order', p_id,
                              jsonb_build_object('reason', p_reason));
    END IF;
    RETURN ecs_lib.ok(ecs_lib.order_json(p_id), v_order.version);
END $$;

-- Completes delivered orders whose waiting time is over and that have no open
-- return: what a buyer forgot, oldest first, at most p_limit of them. Answers how
-- many. One that somebody else has locked is left for the next time; one that
-- cannot be completed is set aside, or it would hold up the others for ever. (No
-- warnings: the module takes one for a commit in doubt.) For the jobs, not for
-- requests. Locks, each kind for all the orders at once:
-- their products, the orders, wallets, the sellers.
CREATE FUNCTION ecs_lib.job_orders_complete(p_limit integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_now    CONSTANT timestamptz := ecs.now();
    v_ids    bigint[];
    v_people bigint[];
    v_done   integer := 0;
    v_order  ecs.orders;
BEGIN
    v_ids := ARRAY(SELECT id FROM ecs.orders
                   WHERE status = 'DELIVERED' AND complete_after <= v_now
                     AND NOT ecs_lib.order_has_return(id)
                     AND NOT ecs_lib.job_item_waits('orders_complete', id, v_now)
                   ORDER BY complete_after LIMIT p_limit);
    PERFORM 1 FROM ecs.products WHERE id IN (
            SELECT product_id FROM ecs.order_items WHERE order_id = ANY (v_ids))
        ORDER BY id FOR NO KEY UPDATE;
    v_ids := ARRAY(SELECT id FROM ecs.orders
                   WHERE id = ANY (v_ids) AND status = 'DELIVERED'
                   ORDER BY id FOR NO KEY UPDATE SKIP LOCKED);
    v_people := ARRAY(SELECT seller_id FROM ecs.order_items WHERE order_id = ANY (v_ids)
                      UNION SELECT buyer_id FROM ecs.orders WHERE id = ANY (v_ids));
    PERFORM ecs.lock_wallets(v_people, true);
    PERFORM 1 FROM ecs.users WHERE id IN (
            SELECT seller_id FROM ecs.order_items WHERE order_id = ANY (v_ids))
        ORDER BY id FOR NO KEY UPDATE;
    FOR v_order IN
        SELECT * FROM ecs.orders
        WHERE id = ANY (v_ids) AND NOT ecs_lib.order_has_return(id) ORDER BY id
    LOOP
        BEGIN
            PERFORM ecs_lib.order_complete(v_order, NULL, NULL);
            v_done := v_done + 1;
        EXCEPTION WHEN OTHERS THEN
            PERFORM ecs_lib.job_item_failed('orders_complete', v_order.id, SQLERRM);
        END;
    END LOOP;
    RETURN v_done;
END $$;

-- Since when the oldest order is due.
CREATE FUNCTION ecs_lib.job_orders_complete_since() RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT complete_after FROM ecs.orders
            WHERE status = 'DELIVERED' AND complete_after <= ecs.now()
              AND NOT ecs_lib.order_has_return(id)
            ORDER BY complete_after LIMIT 1);
END $$;

-- Gives the buyer money back out of escrow: all that is held, which ends the
-- order, or a part, by which every seller's payout shrinks alike. Goods that
-- were not shipped go back on the shelf; shipped ones come back by a return. An
-- order does not end while a return is open, for there would be nothing left to
-- decide about; a part can be refunded, and is not refunded again by the return.
-- Callers: administrators. Locks: its products, the order, the wallet.
-- Raises not_found, wrong_state, return_open, invalid amount.
CREATE FUNCTION ecs_api.orders_refund(p_me ecs.caller, p_id bigint, p_reason text,
                                      p_amount numeric)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_order  ecs.orders;
    v_amount numeric;
BEGIN
    PERFORM ecs_lib.order_lock_products(p_id);
    SELECT * INTO v_order FROM ecs.orders WHERE id = p_id FOR NO KEY UPDATE;
    IF v_order.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    IF v_order.held_amount = 0 THEN
        PERFORM ecs_lib.wrong_state('The order has ended; nothing of it is held any more.',
                                    v_order.status);
    END IF;
    v_amount := coalesce(p_amount, v_order.held_amount);
    IF v_amount > v_order.held_amount THEN
        PERFORM ecs_lib.invalid('amount',
            format('Ensure this value is less than or equal to %s.', v_order.held_amount));
    END IF;
    IF v_amount = v_order.held_amount AND ecs_lib.order_has_return(p_id) THEN
        PERFORM ecs_lib.refuse_open_return();
    END IF;

    UPDATE ecs.order_items i SET refunded_amount = i.line_total - s.kept,
            retained_amount = CASE WHEN s.held > 0
                THEN round(i.retained_amount * s.kept / s.held, 2) ELSE 0 END
        FROM ecs_lib.order_shrink(p_id, v_order.held_amount - v_amount) s
        WHERE i.id = s.item_id;
    PERFORM ecs.transfer(ecs.held(v_order.buyer_id), ecs.available(v_order.buyer_id),
        v_amount, 'REFUND', p_order => p_id, p_note => p_reason, p_actor => p_me.id,
        p_request_id => p_me.request_id);
    v_order.held_amount := v_order.held_amount - v_amount;
    v_order.refunded_amount := v_order.refunded_amount + v_amount;
    IF v_order.held_amount > 0 THEN
        v_order := ecs_lib.order_move(v_order, v_order.status, p_me,
            'Partly refunded: ' || p_reason);
    ELSE
        IF v_order.status IN ('CREATED', 'PROCESSING') THEN
            PERFORM ecs_lib.order_restock(p_id);
        END IF;
        v_order := ecs_lib.order_move(v_order, 'REFUNDED', p_me, p_reason);
    END IF;
    PERFORM ecs_lib.order_notify(v_order, ARRAY[v_order.buyer_id], 'order_refunded',
        format('%s of order %s came back to you.', v_amount::numeric(14, 2),
               v_order.order_number),
        jsonb_build_object('amount', v_amount::numeric(14, 2)::text));
    PERFORM ecs_lib.order_notify(v_order,
        ecs_lib.order_sellers(p_id) || v_order.courier_id, 'order_refunded',
        format(CASE v_order.status WHEN 'REFUNDED' THEN 'Order %s was refunded.'
                   ELSE 'Order %s was refunded in part; its payout shrinks.' END,
               v_order.order_number));
    PERFORM ecs_lib.audit(p_me, 'order.refund', 'order', p_id, jsonb_build_object(
        'reason', p_reason, 'amount', v_amount::numeric(14, 2)::text));
    RETURN ecs_lib.ok(ecs_lib.order_json(p_id), v_order.version);
END $$;
