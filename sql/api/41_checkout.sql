-- Checkout: the whole cart becomes an order, its total held in escrow.
--
-- Locks: cart rows of the caller, products by id, the wallet.

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
    PERFORM ecs_lib.notify_all('order', p_order.id, array_agg(
            ROW(n.user_id, n.type, n.message, jsonb_build_object(
                'order_number', p_order.order_number, 'total', n.total::text))::ecs_lib.news))
    FROM (
        SELECT p_order.buyer_id AS user_id, 'order_created' AS type, p_order.total,
               format('Order %s is placed; %s is held until you have received it.',
                      p_order.order_number, p_order.total) AS message
        UNION ALL
        SELECT seller_id, 'seller_new_order', sum(unit_price * quantity),
               format('Order %s has %s of yours.', p_order.order_number,
                      string_agg(quantity || ' × ' || name, ', ' ORDER BY product_id))
        FROM unnest(p_lines) GROUP BY seller_id) n;
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

-- Makes an order of these lines, for a buyer who wants them at this place, at the
-- prices they have and the platform's fee of now. Stock and money are the
-- caller's business. Answers the order and the JSON of its lines. p_by: whose
-- deed the history says it is, NULL for the clock's.
CREATE FUNCTION ecs_lib.order_make(p_buyer bigint, p_place ecs.profiles,
    p_lines ecs_lib.checkout_line[], p_subtotal numeric, p_total numeric,
    p_fee_percent numeric, p_by bigint, OUT o ecs.orders, OUT items json)
LANGUAGE plpgsql AS $$
BEGIN
    LOOP -- until the random number is a new one
        INSERT INTO ecs.orders (order_number, buyer_id, subtotal, discount_total, total,
            held_amount, location_lat, location_lng, location_address, city)
        VALUES (ecs_lib.order_number(), p_buyer, p_subtotal, p_subtotal - p_total, p_total,
            p_total, p_place.location_lat, p_place.location_lng,
            p_place.location_address, p_place.city)
        ON CONFLICT (order_number) DO NOTHING
        RETURNING * INTO o;
        EXIT WHEN o.id IS NOT NULL;
    END LOOP;
    WITH made AS (
        INSERT INTO ecs.order_items AS i (order_id, product_id, seller_id, product_name,
            quantity, list_price, unit_price, line_total, fee_percent)
        SELECT o.id, product_id, seller_id, name,
            quantity, list_price, unit_price, unit_price * quantity, p_fee_percent
        FROM unnest(p_lines)
        RETURNING i AS item
    )
    SELECT json_agg(ecs_lib.order_item_json(m.item, s) ORDER BY (m.item).id) INTO items
        FROM made m JOIN ecs.users s ON s.id = (m.item).seller_id;
    INSERT INTO ecs.order_history (order_id, status, at, by_id)
        VALUES (o.id, 'CREATED', o.created_at, p_by);
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
    v_made     record;
    v_order    ecs.orders;
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
    SELECT * INTO v_made FROM ecs_lib.order_make(p_me.id, v_place, v_lines, v_subtotal, v_total,
        v_rules.platform_fee_percent, p_me.id);
    v_order := v_made.o;
    PERFORM ecs.transfer((v_wallet, 'available'), (v_wallet, 'held'), v_total,
        'ESCROW_HOLD', p_order => v_order.id, p_actor => p_me.id,
        p_request_id => p_me.request_id);
    PERFORM ecs_lib.announce_order(v_order, v_lines);
    IF v_low THEN
        PERFORM ecs_lib.announce_low_stock(v_lines, v_rules.low_stock_at);
    END IF;
    RETURN ecs_lib.created(format('/api/orders/%s/', v_order.id),
        ecs_lib.order_object(v_order, v_buyer, NULL, v_made.items, v_order.subtotal,
            v_order.total, true),
        v_order.version);
END $$;
