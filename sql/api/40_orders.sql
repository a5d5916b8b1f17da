-- Orders as buyer, seller, courier and administrator see them, and the steps that
-- all that happens to an order is made of.
--
-- Locks, in this order in every function: cart rows of the caller, products by
-- id, the order, its proof, wallets by id, users by id.

-- How an order looks ----------------------------------------------------------

-- The JSON of rows is made by plain expressions in SQL, which PostgreSQL
-- inlines: they read nothing, the caller joins.

-- A line of an order, with its seller.
CREATE FUNCTION ecs_lib.order_item_json(i ecs.order_items, p_seller ecs.users)
RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', i.id,
        'product', i.product_id,
        'product_name', i.product_name,
        'seller', json_build_object('id', p_seller.id, 'username', p_seller.username),
        'quantity', i.quantity,
        'unit_price', i.unit_price::text,
        'line_total', i.line_total::text,
        'returned_quantity', i.returned_quantity)
$$;

-- An order with these lines and what they sum up to. p_whole: all of it, as its
-- buyer may see it; else a seller's part, with no place and none of the escrow.
CREATE FUNCTION ecs_lib.order_object(o ecs.orders, p_buyer ecs.users, p_courier ecs.users,
    p_items json, p_subtotal numeric, p_total numeric, p_whole boolean)
RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', o.id,
        'order_number', o.order_number,
        'status', o.status,
        'buyer', json_build_object('id', p_buyer.id, 'username', p_buyer.username),
        'items', p_items,
        'subtotal', p_subtotal::text,
        'discount_total', (p_subtotal - p_total)::text,
        'total', p_total::text,
        'held_amount', CASE WHEN p_whole THEN o.held_amount::text END,
        'refunded_amount', CASE WHEN p_whole THEN o.refunded_amount::text END,
        'location_lat', CASE WHEN p_whole THEN o.location_lat END,
        'location_lng', CASE WHEN p_whole THEN o.location_lng END,
        'location_address', CASE WHEN p_whole THEN o.location_address END,
        'courier', CASE WHEN p_courier.id IS NOT NULL THEN
            json_build_object('id', p_courier.id, 'username', p_courier.username) END,
        'proof_method', o.proof_method,
        'created_at', ecs_lib.ts(o.created_at),
        'claimed_at', ecs_lib.ts(o.claimed_at),
        'shipped_at', ecs_lib.ts(o.shipped_at),
        'delivered_at', ecs_lib.ts(o.delivered_at),
        'completed_at', ecs_lib.ts(o.completed_at),
        'complete_after', ecs_lib.ts(o.complete_after))
$$;

-- Orders as the API shows them, one row each; with p_seller that seller's part
-- of them, if any. (One plan does for every array: making it anew each time
-- took longer than its work.)
CREATE FUNCTION ecs_lib.order_views(p_orders bigint[], p_seller bigint DEFAULT NULL)
RETURNS TABLE (id bigint, body json) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
    SELECT o.id, ecs_lib.order_object(o, b, c, line.items, line.subtotal, line.total,
                                      p_seller IS NULL)
    FROM ecs.orders o
    JOIN ecs.users b ON b.id = o.buyer_id
    LEFT JOIN ecs.users c ON c.id = o.courier_id
    CROSS JOIN LATERAL (
        SELECT json_agg(ecs_lib.order_item_json(i, s) ORDER BY i.id) AS items,
               sum(i.list_price * i.quantity) AS subtotal,
               sum(i.line_total) AS total
        FROM ecs.order_items i JOIN ecs.users s ON s.id = i.seller_id
        WHERE i.order_id = o.id AND (p_seller IS NULL OR i.seller_id = p_seller)) line
    WHERE o.id = ANY (p_orders) AND line.items IS NOT NULL;
END $$;

-- One order as its buyer, its courier and administrators see it.
CREATE FUNCTION ecs_lib.order_json(p_order bigint) RETURNS json
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT body FROM ecs_lib.order_views(ARRAY[p_order]));
END $$;

-- An object with one member more, behind the others.
CREATE FUNCTION ecs_lib.json_add(p_object json, p_name text, p_value json) RETURNS json
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN format('%s, %s : %s}', left(p_object::text, -1), to_json(p_name), p_value)::json;
END $$;

-- The states an order went through, oldest first. p_notes: with what was noted,
-- which may be about anybody's lines and money.
CREATE FUNCTION ecs_lib.order_history_json(p_order bigint, p_notes boolean) RETURNS json
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT json_agg(json_build_object(
                'status', h.status,
                'at', ecs_lib.ts(h.at),
                'by', CASE WHEN u.id IS NOT NULL THEN
                    json_build_object('id', u.id, 'username', u.username) END,
                'note', CASE WHEN p_notes THEN h.note END) ORDER BY h.id)
            FROM ecs.order_history h LEFT JOIN ecs.users u ON u.id = h.by_id
            WHERE h.order_id = p_order);
END $$;

-- Is an order among those a client filters for?
CREATE FUNCTION ecs_lib.order_fits(o ecs.orders, p_status text, p_after timestamptz,
                                   p_before timestamptz)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT (p_status IS NULL OR o.status = p_status)
       AND (p_after IS NULL OR o.created_at >= p_after)
       AND (p_before IS NULL OR o.created_at < p_before)
$$;

-- A page of orders, newest first. p_ids: what the page has, and one more when
-- there is another page.
CREATE FUNCTION ecs_lib.order_page(p_ids bigint[], p_page_size integer, p_total bigint,
                                   p_seller bigint DEFAULT NULL)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_rows json;
BEGIN
    SELECT json_agg(v.body ORDER BY v.id DESC) INTO v_rows
        FROM ecs_lib.order_views(p_ids[:p_page_size], p_seller) v;
    RETURN ecs_lib.page(v_rows, p_total, ecs_lib.next_key(p_ids, p_page_size));
END $$;

-- Steps that several endpoints share -------------------------------------------

-- Whether the caller is an administrator; not so for the jobs.
CREATE FUNCTION ecs_lib.is_admin(p_me ecs.caller) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN p_me.role IN ('admin', 'superadmin');
END $$;

-- Locks the products of an order, by id; their stock or sales will change. To
-- be called before the order itself is locked. p_buyer: only if it is theirs.
CREATE FUNCTION ecs_lib.order_lock_products(p_order bigint, p_buyer bigint DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM ecs.products WHERE id IN (
            SELECT i.product_id
            FROM ecs.order_items i JOIN ecs.orders o ON o.id = i.order_id
            WHERE o.id = p_order AND (p_buyer IS NULL OR o.buyer_id = p_buyer))
        ORDER BY id FOR NO KEY UPDATE;
END $$;

-- Puts a locked order into another state, saves what the caller changed in the
-- record, and writes the step down. ecs.order_transitions has the last word.
-- With the state it has (a partial refund) no time is stamped.
CREATE FUNCTION ecs_lib.order_move(p_order ecs.orders, p_status text,
                                   p_me ecs.caller, p_note text DEFAULT NULL)
RETURNS ecs.orders LANGUAGE plpgsql AS $$
DECLARE
    v_now   CONSTANT timestamptz := ecs.now();
    v_step  CONSTANT text := CASE WHEN p_status <> p_order.status THEN p_status END;
    v_order ecs.orders;
BEGIN
    UPDATE ecs.orders o SET
        status = p_status,
        courier_id = p_order.courier_id,
        held_amount = p_order.held_amount,
        refunded_amount = p_order.refunded_amount,
        proof_method = p_order.proof_method,
        claimed_at = CASE v_step WHEN 'CREATED' THEN NULL
                                 WHEN 'PROCESSING' THEN v_now ELSE o.claimed_at END,
        shipped_at = CASE v_step WHEN 'SHIPPED' THEN v_now ELSE o.shipped_at END,
        delivered_at = CASE v_step WHEN 'DELIVERED' THEN v_now ELSE o.delivered_at END,
        completed_at = CASE v_step WHEN 'COMPLETED' THEN v_now ELSE o.completed_at END,
        complete_after = CASE v_step WHEN 'DELIVERED' THEN v_now + make_interval(
            hours => 24 * (SELECT complete_after_days FROM ecs.settings))
            ELSE o.complete_after END
    WHERE o.id = p_order.id
    RETURNING * INTO v_order;
    INSERT INTO ecs.order_history (order_id, status, at, by_id, note)
        VALUES (v_order.id, p_status, v_now, p_me.id, p_note);
    RETURN v_order;
END $$;

-- Whose products are in the order.
CREATE FUNCTION ecs_lib.order_sellers(p_order bigint) RETURNS bigint[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT array_agg(DISTINCT seller_id) FROM ecs.order_items
            WHERE order_id = p_order);
END $$;

-- Tells several users the same about an order.
CREATE FUNCTION ecs_lib.order_notify(p_order ecs.orders, p_users bigint[], p_type text,
                                     p_message text, p_extra jsonb DEFAULT '{}')
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.notify_many(p_users, p_type, p_message, 'order', p_order.id,
        jsonb_build_object('order_number', p_order.order_number) || p_extra);
END $$;

-- Goods that did not leave go back on the shelf.
CREATE FUNCTION ecs_lib.order_restock(p_order bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ecs.products p SET quantity = p.quantity + i.quantity
        FROM ecs.order_items i WHERE i.order_id = p_order AND p.id = i.product_id;
END $$;

-- Reading -----------------------------------------------------------------------

-- One order with its history. Callers: its buyer, its courier, administrators;
-- its sellers see their own lines, and notes where there are no others.
-- Raises not_found.
CREATE FUNCTION ecs_api.orders_get(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_order ecs.orders;
    v_whole boolean;
    v_body  json;
BEGIN
    SELECT * INTO v_order FROM ecs.orders WHERE id = p_id;
    v_whole := v_order.buyer_id = p_me.id OR ecs_lib.is_admin(p_me)
        OR v_order.courier_id IS NOT DISTINCT FROM p_me.id;
    v_body := (SELECT body FROM ecs_lib.order_views(ARRAY[v_order.id],
                                   CASE WHEN NOT v_whole THEN p_me.id END));
    IF v_body IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    v_body := ecs_lib.json_add(v_body, 'history', ecs_lib.order_history_json(p_id,
        v_whole OR NOT EXISTS (SELECT FROM ecs.order_items
                               WHERE order_id = p_id AND seller_id <> p_me.id)));
    RETURN ecs_lib.ok(v_body, v_order.version);
END $$;

-- The caller's orders, newest first: those they bought, or with p_as 'seller'
-- those with lines of theirs. Callers: anyone signed in.
CREATE FUNCTION ecs_api.orders_list(p_me ecs.caller, p_as text, p_status text,
    p_created_after timestamptz, p_created_before timestamptz,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids   bigint[];
    v_total bigint;
BEGIN
    IF p_as = 'seller' THEN
        RETURN ecs_lib.orders_sold(p_me, p_status, p_created_after, p_created_before,
                                   p_page, p_page_size, p_cursor);
    END IF;
    v_ids := ARRAY(
        SELECT id FROM ecs.orders o
        WHERE buyer_id = p_me.id
          AND ecs_lib.order_fits(o, p_status, p_created_after, p_created_before)
          AND (p_cursor IS NULL OR id < p_cursor)
        ORDER BY id DESC
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.orders o
        WHERE buyer_id = p_me.id
          AND ecs_lib.order_fits(o, p_status, p_created_after, p_created_before);
    END IF;
    RETURN ecs_lib.order_page(v_ids, p_page_size, v_total);
END $$;

-- The seller's half of orders_list.
CREATE FUNCTION ecs_lib.orders_sold(p_me ecs.caller, p_status text,
    p_created_after timestamptz, p_created_before timestamptz,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids   bigint[];
    v_total bigint;
BEGIN
    v_ids := ARRAY(
        SELECT DISTINCT i.order_id
        FROM ecs.order_items i JOIN ecs.orders o ON o.id = i.order_id
        WHERE i.seller_id = p_me.id
          AND ecs_lib.order_fits(o, p_status, p_created_after, p_created_before)
          AND (p_cursor IS NULL OR i.order_id < p_cursor)
        ORDER BY i.order_id DESC
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(DISTINCT i.order_id) INTO v_total
        FROM ecs.order_items i JOIN ecs.orders o ON o.id = i.order_id
        WHERE i.seller_id = p_me.id
          AND ecs_lib.order_fits(o, p_status, p_created_after, p_created_before);
    END IF;
    RETURN ecs_lib.order_page(v_ids, p_page_size, v_total, p_me.id);
END $$;

-- Everybody's orders, newest first. Callers: administrators.
CREATE FUNCTION ecs_api.orders_admin_list(p_me ecs.caller, p_status text,
    p_buyer bigint, p_seller bigint, p_courier bigint, p_order_number text,
    p_created_after timestamptz, p_created_before timestamptz,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids   bigint[];
    v_total bigint;
BEGIN
    v_ids := ARRAY(
        SELECT o.id FROM ecs.orders o
        WHERE ecs_lib.order_fits(o, p_status, p_created_after, p_created_before)
          AND (p_buyer IS NULL OR o.buyer_id = p_buyer)
          AND (p_seller IS NULL OR EXISTS (SELECT FROM ecs.order_items i
                   WHERE i.order_id = o.id AND i.seller_id = p_seller))
          AND (p_courier IS NULL OR o.courier_id = p_courier)
          AND (p_order_number IS NULL OR o.order_number = upper(p_order_number))
          AND (p_cursor IS NULL OR o.id < p_cursor)
        ORDER BY o.id DESC
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.orders o
        WHERE ecs_lib.order_fits(o, p_status, p_created_after, p_created_before)
          AND (p_buyer IS NULL OR o.buyer_id = p_buyer)
          AND (p_seller IS NULL OR EXISTS (SELECT FROM ecs.order_items i
                   WHERE i.order_id = o.id AND i.seller_id = p_seller))
          AND (p_courier IS NULL OR o.courier_id = p_courier)
          AND (p_order_number IS NULL OR o.order_number = upper(p_order_number));
    END IF;
    RETURN ecs_lib.order_page(v_ids, p_page_size, v_total);
END $$;

-- Delivered, and longer ago than completion waits: what a buyer forgot. Newest
-- first. Callers: administrators.
CREATE FUNCTION ecs_api.orders_overdue(p_me ecs.caller,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_now   timestamptz := ecs.now();
    v_ids   bigint[];
    v_total bigint;
BEGIN
    v_ids := ARRAY(
        SELECT id FROM ecs.orders
        WHERE status = 'DELIVERED' AND complete_after <= v_now
          AND (p_cursor IS NULL OR id < p_cursor)
        ORDER BY id DESC
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.orders
            WHERE status = 'DELIVERED' AND complete_after <= v_now;
    END IF;
    RETURN ecs_lib.order_page(v_ids, p_page_size, v_total);
END $$;
