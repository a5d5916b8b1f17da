-- Orders: checkout into escrow, the views of buyer, seller and administrator,
-- cancellation, completion, refund, and the proof of delivery.
--
-- Locks, in this order in every function: cart rows of the caller, products by
-- id, the order, its proof, wallets by id, users by id.

-- How an order looks ----------------------------------------------------------

-- The JSON of rows is made by plain expressions in SQL, which PostgreSQL
-- inlines: they read nothing, the caller joins.

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

-- The states an order went through, oldest first.
CREATE FUNCTION ecs_lib.order_history_json(p_order bigint) RETURNS json
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT json_agg(json_build_object(
                'status', h.status,
                'at', ecs_lib.ts(h.at),
                'by', CASE WHEN u.id IS NOT NULL THEN
                    json_build_object('id', u.id, 'username', u.username) END,
                'note', h.note) ORDER BY h.id)
            FROM ecs.order_history h LEFT JOIN ecs.users u ON u.id = h.by_id
            WHERE h.order_id = p_order);
END $$;

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
    RETURN ecs_lib.page(v_rows, p_total, CASE
        WHEN cardinality(p_ids) > p_page_size THEN p_ids[p_page_size]::text END);
END $$;

-- Steps that several endpoints share -------------------------------------------

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

CREATE FUNCTION ecs_lib.order_sellers(p_order bigint) RETURNS bigint[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT array_agg(DISTINCT seller_id) FROM ecs.order_items
            WHERE order_id = p_order);
END $$;

-- Tells several users the same about an order, each unless they do not want to
-- hear of this type. NULLs among the users are nobody.
CREATE FUNCTION ecs_lib.order_notify(p_order ecs.orders, p_users bigint[], p_type text,
                                     p_message text, p_extra jsonb DEFAULT '{}')
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ecs.notifications (user_id, type, message, object_type, object_id, extra_data)
    SELECT u.id, p_type, p_message, 'order', p_order.id,
           jsonb_build_object('order_number', p_order.order_number) || p_extra
    FROM ecs.users u
    WHERE u.id = ANY (p_users)
      AND NOT EXISTS (SELECT FROM ecs.notification_preferences p
                      WHERE p.user_id = u.id AND p.type = p_type AND NOT p.in_app);
END $$;

-- Goods that did not leave go back on the shelf.
CREATE FUNCTION ecs_lib.order_restock(p_order bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ecs.products p SET quantity = p.quantity + i.quantity
        FROM ecs.order_items i WHERE i.order_id = p_order AND p.id = i.product_id;
END $$;

-- Checkout ----------------------------------------------------------------------

-- A line on its way from the cart into an order. `problem` says why not.
CREATE TYPE ecs_lib.checkout_line AS (
    product_id bigint,
    seller_id  bigint,
    name       text,
    quantity   integer,   -- wanted
    stock      integer,   -- there
    list_price numeric,
    unit_price numeric,
    problem    text
);

-- The day and six random characters, none of which looks like another one:
-- what base 64 has too much (+ / I L O U) becomes digits.
CREATE FUNCTION ecs_lib.order_number() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN to_char(ecs.now() AT TIME ZONE 'UTC', '"ORD-"YYYYMMDD"-"') || translate(
        upper(left(encode(uuid_send(gen_random_uuid()), 'base64'), 6)), '+/ILOU', '234567');
END $$;

-- Refuses a checkout and names every line that stands in its way.
CREATE FUNCTION ecs_lib.refuse_lines(p_lines ecs_lib.checkout_line[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_problems text[] := ARRAY(SELECT problem FROM unnest(p_lines));
    v_code     text := CASE WHEN 'own_product' = ANY (v_problems) THEN 'own_product'
                            WHEN 'unavailable' = ANY (v_problems) THEN 'unavailable'
                            ELSE 'out_of_stock' END;
BEGIN
    PERFORM ecs_lib.refuse(v_code,
        CASE v_code WHEN 'own_product' THEN 'Your own products cannot be ordered.'
                    WHEN 'unavailable' THEN 'Some products are no longer for sale.'
                    ELSE 'There is not enough of some products.' END,
        json_build_object('items', (
            SELECT json_agg(json_build_object(
                'product', product_id, 'name', name, 'requested', quantity,
                'available', CASE WHEN problem = 'unavailable' THEN 0 ELSE stock END,
                'problem', problem) ORDER BY product_id)
            FROM unnest(p_lines) WHERE problem IS NOT NULL)));
END $$;

-- Tells the buyer and the sellers of a new order.
CREATE FUNCTION ecs_lib.announce_order(p_order ecs.orders, p_lines ecs_lib.checkout_line[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ecs.notifications (user_id, type, message, object_type, object_id, extra_data)
    SELECT n.user_id, n.type, n.message, 'order', p_order.id, jsonb_build_object(
               'order_number', p_order.order_number, 'total', n.total::text)
    FROM (
        SELECT p_order.buyer_id AS user_id, 'order_created' AS type, p_order.total,
               format('Order %s is placed; %s is held until you have received it.',
                      p_order.order_number, p_order.total) AS message
        UNION ALL
        SELECT seller_id, 'seller_new_order', sum(unit_price * quantity),
               format('Order %s has %s of yours.', p_order.order_number,
                      string_agg(quantity || ' × ' || name, ', ' ORDER BY product_id))
        FROM unnest(p_lines) GROUP BY seller_id) n
    WHERE NOT EXISTS (SELECT FROM ecs.notification_preferences p
                      WHERE p.user_id = n.user_id AND p.type = n.type AND NOT p.in_app);
END $$;

-- Tells the sellers whose stock has become low by an order.
CREATE FUNCTION ecs_lib.announce_low_stock(p_lines ecs_lib.checkout_line[], p_limit integer)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.notify(seller_id, 'low_stock',
        format('Only %s of %s left.', stock - quantity, name), 'product', product_id,
        jsonb_build_object('quantity', stock - quantity))
    FROM unnest(p_lines) WHERE stock > p_limit AND stock - quantity <= p_limit;
END $$;

-- Turns the caller's whole cart into an order, its total held in escrow.
-- Callers: buyers. Locks: cart rows, products by id, the wallet. Parallel
-- checkouts of one cart wait for the first and then find it empty.
-- Raises location_required, empty_cart, own_product, unavailable,
-- out_of_stock, price_changed, insufficient_funds.
CREATE FUNCTION ecs_api.orders_checkout(p_me ecs.caller, p_expected_total numeric)
RETURNS ecs.answer LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_now      CONSTANT timestamptz := ecs.now();
    v_rules    ecs.settings;
    v_buyer    ecs.users;
    v_place    ecs.profiles;
    v_wallet   bigint;
    v_lines    ecs_lib.checkout_line[];
    v_blocked  boolean;
    v_low      boolean;
    v_subtotal numeric;
    v_total    numeric;
    v_order    ecs.orders;
    v_items    json;
BEGIN
    SELECT * INTO v_rules FROM ecs.settings;
    SELECT * INTO v_buyer FROM ecs.users WHERE id = p_me.id;
    SELECT * INTO v_place FROM ecs.profiles WHERE user_id = p_me.id;
    SELECT id INTO v_wallet FROM ecs.wallets WHERE user_id = p_me.id;
    IF v_place.location_lat IS NULL THEN
        PERFORM ecs_lib.refuse('location_required',
            'Save the place to deliver to in your profile first.');
    END IF;

    -- Taking the lines out is what locks them; a refusal puts them back.
    WITH taken AS (
        DELETE FROM ecs.cart_items WHERE user_id = p_me.id
        RETURNING product_id, quantity
    ), line AS (
        SELECT p.id, p.seller_id, p.name, t.quantity, p.quantity AS stock, p.price,
               ecs_lib.current_price(p, v_now) AS unit_price,
               CASE WHEN p.seller_id = p_me.id THEN 'own_product'
                    WHEN p.status <> 'APPROVED' THEN 'unavailable'
                    WHEN p.quantity < t.quantity THEN 'out_of_stock' END AS problem
        FROM taken t JOIN ecs.products p ON p.id = t.product_id
        ORDER BY p.id FOR NO KEY UPDATE OF p
    )
    SELECT array_agg(line::ecs_lib.checkout_line), bool_or(problem IS NOT NULL),
           bool_or(stock - quantity <= v_rules.low_stock_at),
           sum(price * quantity), sum(unit_price * quantity)
        INTO v_lines, v_blocked, v_low, v_subtotal, v_total FROM line;
    IF v_lines IS NULL THEN
        PERFORM ecs_lib.refuse('empty_cart', 'The cart is empty.');
    END IF;
    IF v_blocked THEN
        PERFORM ecs_lib.refuse_lines(v_lines);
    END IF;
    IF p_expected_total <> v_total THEN
        PERFORM ecs_lib.refuse('price_changed', 'The total is not what was expected.',
            json_build_object('expected_total', p_expected_total::numeric(14, 2)::text,
                              'total', v_total::text));
    END IF;
    IF v_total > 999999999999.99 THEN -- more than a wallet can hold
        PERFORM ecs_lib.refuse('insufficient_funds', 'No wallet holds that much.',
            json_build_object('required', v_total::text));
    END IF;

    UPDATE ecs.products p SET quantity = p.quantity - l.quantity
        FROM unnest(v_lines) l WHERE p.id = l.product_id;
    LOOP -- until the random number is a new one
        INSERT INTO ecs.orders (order_number, buyer_id, subtotal, discount_total, total,
            held_amount, location_lat, location_lng, location_address, city)
        VALUES (ecs_lib.order_number(), p_me.id, v_subtotal, v_subtotal - v_total, v_total,
            v_total, v_place.location_lat, v_place.location_lng,
            v_place.location_address, v_place.city)
        ON CONFLICT (order_number) DO NOTHING
        RETURNING * INTO v_order;
        EXIT WHEN v_order.id IS NOT NULL;
    END LOOP;
    WITH made AS (
        INSERT INTO ecs.order_items AS i (order_id, product_id, seller_id, product_name,
            quantity, list_price, unit_price, line_total, fee_percent)
        SELECT v_order.id, product_id, seller_id, name,
            quantity, list_price, unit_price, unit_price * quantity, v_rules.platform_fee_percent
        FROM unnest(v_lines)
        RETURNING i AS item
    )
    SELECT json_agg(ecs_lib.order_item_json(m.item, s) ORDER BY (m.item).id) INTO v_items
        FROM made m JOIN ecs.users s ON s.id = (m.item).seller_id;
    INSERT INTO ecs.order_history (order_id, status, at, by_id)
        VALUES (v_order.id, 'CREATED', v_order.created_at, p_me.id);
    PERFORM ecs.transfer((v_wallet, 'available'), (v_wallet, 'held'), v_total,
        'ESCROW_HOLD', p_order => v_order.id, p_actor => p_me.id,
        p_request_id => p_me.request_id);
    PERFORM ecs_lib.announce_order(v_order, v_lines);
    IF v_low THEN
        PERFORM ecs_lib.announce_low_stock(v_lines, v_rules.low_stock_at);
    END IF;
    RETURN ecs_lib.created(format('/api/orders/%s/', v_order.id),
        ecs_lib.order_object(v_order, v_buyer, NULL, v_items, v_order.subtotal,
            v_order.total, true),
        v_order.version);
END $$;

-- Reading -----------------------------------------------------------------------

-- One order with its history. Callers: its buyer, its courier, administrators;
-- its sellers see their own lines. Raises not_found.
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
    v_body := ecs_lib.json_add(v_body, 'history', ecs_lib.order_history_json(p_id));
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
        SELECT id FROM ecs.orders
        WHERE buyer_id = p_me.id
          AND (p_status IS NULL OR status = p_status)
          AND (p_created_after IS NULL OR created_at >= p_created_after)
          AND (p_created_before IS NULL OR created_at < p_created_before)
          AND (p_cursor IS NULL OR id < p_cursor)
        ORDER BY id DESC
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.orders
        WHERE buyer_id = p_me.id
          AND (p_status IS NULL OR status = p_status)
          AND (p_created_after IS NULL OR created_at >= p_created_after)
          AND (p_created_before IS NULL OR created_at < p_created_before);
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
          AND (p_status IS NULL OR o.status = p_status)
          AND (p_created_after IS NULL OR o.created_at >= p_created_after)
          AND (p_created_before IS NULL OR o.created_at < p_created_before)
          AND (p_cursor IS NULL OR i.order_id < p_cursor)
        ORDER BY i.order_id DESC
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(DISTINCT i.order_id) INTO v_total
        FROM ecs.order_items i JOIN ecs.orders o ON o.id = i.order_id
        WHERE i.seller_id = p_me.id
          AND (p_status IS NULL OR o.status = p_status)
          AND (p_created_after IS NULL OR o.created_at >= p_created_after)
          AND (p_created_before IS NULL OR o.created_at < p_created_before);
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
        WHERE (p_status IS NULL OR o.status = p_status)
          AND (p_buyer IS NULL OR o.buyer_id = p_buyer)
          AND (p_seller IS NULL OR EXISTS (SELECT FROM ecs.order_items i
                   WHERE i.order_id = o.id AND i.seller_id = p_seller))
          AND (p_courier IS NULL OR o.courier_id = p_courier)
          AND (p_order_number IS NULL OR o.order_number = upper(p_order_number))
          AND (p_created_after IS NULL OR o.created_at >= p_created_after)
          AND (p_created_before IS NULL OR o.created_at < p_created_before)
          AND (p_cursor IS NULL OR o.id < p_cursor)
        ORDER BY o.id DESC
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.orders o
        WHERE (p_status IS NULL OR o.status = p_status)
          AND (p_buyer IS NULL OR o.buyer_id = p_buyer)
          AND (p_seller IS NULL OR EXISTS (SELECT FROM ecs.order_items i
                   WHERE i.order_id = o.id AND i.seller_id = p_seller))
          AND (p_courier IS NULL OR o.courier_id = p_courier)
          AND (p_order_number IS NULL OR o.order_number = upper(p_order_number))
          AND (p_created_after IS NULL OR o.created_at >= p_created_after)
          AND (p_created_before IS NULL OR o.created_at < p_created_before);
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

-- The ways an order ends ----------------------------------------------------------

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

-- What each seller gets of what an order still holds, and the platform's fee
-- on it. A partial refund was taken from all lines alike: each line's share of
-- the held amount is rounded down to cents, and the cents left over go to the
-- largest remainders, so that the shares are the held amount exactly. The fee
-- is rounded half up per line, at the rate frozen at checkout.
CREATE FUNCTION ecs_lib.order_payouts(p_order ecs.orders)
RETURNS TABLE (seller_id bigint, amount numeric, fee numeric)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    WITH line AS (
        SELECT i.id, i.seller_id, i.fee_percent,
               div(i.line_total * p_order.held_amount * 100, p_order.total) AS cents,
               mod(i.line_total * p_order.held_amount * 100, p_order.total) AS remainder
        FROM ecs.order_items i WHERE i.order_id = p_order.id
    ), share AS (
        SELECT l.seller_id, l.fee_percent,
               0.01 * (l.cents + CASE WHEN row_number() OVER (ORDER BY l.remainder DESC, l.id)
                   <= p_order.held_amount * 100 - sum(l.cents) OVER () THEN 1 ELSE 0 END) AS part
        FROM line l
    )
    SELECT s.seller_id, sum(s.part), sum(round(s.part * s.fee_percent * 0.01, 2))
        FROM share s GROUP BY s.seller_id ORDER BY s.seller_id;
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
        SELECT * FROM ecs_lib.order_payouts(p_order) WHERE amount > 0
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
        FROM ecs_lib.order_payouts(p_order) p JOIN ecs.users u ON u.id = p.seller_id
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

-- Ends a delivered order: its sellers are paid. The buyer may do it when the
-- waiting time is over, an administrator any time, with a reason.
-- Callers: its buyer, administrators. Locks: its products, the order, wallets,
-- the sellers. Raises not_found, wrong_state, too_early.
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

    UPDATE ecs.products p SET sold_count = sold_count + i.quantity
        FROM ecs.order_items i WHERE i.order_id = p_id AND p.id = i.product_id;
    PERFORM ecs_lib.order_settle(v_order, p_me);
    v_order.held_amount := 0;
    v_order := ecs_lib.order_move(v_order, 'COMPLETED', p_me, p_reason);
    PERFORM ecs_lib.order_notify(v_order, ARRAY[v_order.buyer_id], 'order_completed',
        format('Order %s is completed.', v_order.order_number));
    IF v_admin THEN
        PERFORM ecs_lib.audit(p_me, 'order.complete', 'order', p_id,
                              jsonb_build_object('reason', p_reason));
    END IF;
    RETURN ecs_lib.ok(ecs_lib.order_json(p_id), v_order.version);
END $$;

-- Gives the buyer money back out of escrow: all that is held, which ends the
-- order, or a part, by which every seller's payout shrinks alike. Goods that
-- were not shipped go back on the shelf; shipped ones come back by a return.
-- Callers: administrators. Locks: its products, the order, the wallet.
-- Raises not_found, wrong_state.
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
    IF v_order.status IN ('COMPLETED', 'CANCELLED', 'REFUNDED') THEN
        PERFORM ecs_lib.wrong_state('The order has ended; nothing of it is held any more.',
                                    v_order.status);
    END IF;
    v_amount := coalesce(p_amount, v_order.held_amount);
    IF v_amount > v_order.held_amount THEN
        PERFORM ecs_lib.invalid('amount',
            format('Ensure this value is less than or equal to %s.', v_order.held_amount));
    END IF;

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

-- Proof of delivery -----------------------------------------------------------------
-- PIN and token are derived from the nonce by the module (core/proof.c); these
-- functions never see them, only what verifies them.

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
