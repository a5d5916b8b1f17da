-- Cart: what a buyer is about to order. A cart reserves nothing; checkout looks
-- at price, stock and approval again.
--
-- Locks: cart rows of the caller only.

-- The caller's cart with today's prices. A line that cannot be ordered says
-- why in `problem`.
CREATE FUNCTION ecs_lib.cart_json(p_user bigint) RETURNS json
LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
DECLARE
    v_now CONSTANT timestamptz := ecs.now();
BEGIN
    RETURN (
        WITH line AS (
            SELECT i.id, i.quantity, p.id AS product_id, p.name, p.slug, p.price,
                   ecs_lib.current_price(p, v_now) AS unit_price,
                   CASE p.status WHEN 'APPROVED' THEN p.quantity ELSE 0 END AS available,
                   CASE WHEN p.status <> 'APPROVED' THEN 'unavailable'
                        WHEN p.quantity < i.quantity THEN 'out_of_stock' END AS problem
            FROM ecs.cart_items i JOIN ecs.products p ON p.id = i.product_id
            WHERE i.user_id = p_user)
        SELECT json_build_object(
            'items', coalesce(json_agg(json_build_object(
                'id', id,
                'product', json_build_object('id', product_id, 'name', name, 'slug', slug),
                'quantity', quantity, 'unit_price', unit_price::text,
                'line_total', (unit_price * quantity)::text,
                'available', available, 'problem', problem) ORDER BY id), '[]'),
            'subtotal', coalesce(sum(price * quantity), 0.00)::text,
            'discount_total', coalesce(sum((price - unit_price) * quantity), 0.00)::text,
            'total', coalesce(sum(unit_price * quantity), 0.00)::text,
            'can_checkout', count(*) > 0 AND count(problem) = 0)
        FROM line);
END $$;

-- The caller's cart. Callers: buyers.
CREATE FUNCTION ecs_api.cart_get(p_me ecs.caller) RETURNS ecs.answer
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.ok(ecs_lib.cart_json(p_me.id));
END $$;

-- Refuses more of a product than there is.
CREATE FUNCTION ecs_lib.enough_stock(p_wanted integer, p_available integer) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF p_wanted > p_available THEN
        PERFORM ecs_lib.refuse('out_of_stock',
            format('There are only %s.', p_available),
            json_build_object('available', p_available));
    END IF;
END $$;

-- Puts a product into the cart, or more of it. Callers: buyers. Locks: the
-- line. Raises invalid product, own_product, out_of_stock, cart_full.
CREATE FUNCTION ecs_api.cart_add(p_me ecs.caller, p_product bigint, p_quantity integer)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    c_lines_max CONSTANT integer := 200;
    p           ecs.products;
    v_quantity  integer;
BEGIN
    SELECT * INTO p FROM ecs.products WHERE id = p_product;
    IF p.status IS DISTINCT FROM 'APPROVED' THEN
        PERFORM ecs_lib.invalid_pk('product', p_product);
    END IF;
    IF p.seller_id = p_me.id THEN
        PERFORM ecs_lib.refuse('own_product', 'You cannot buy your own product.');
    END IF;
    PERFORM ecs_lib.enough_stock(p_quantity, p.quantity);
    INSERT INTO ecs.cart_items AS i (user_id, product_id, quantity)
        VALUES (p_me.id, p_product, p_quantity)
        ON CONFLICT (user_id, product_id)
            DO UPDATE SET quantity = i.quantity + excluded.quantity
        RETURNING i.quantity INTO v_quantity;
    PERFORM ecs_lib.enough_stock(v_quantity, p.quantity);
    IF (SELECT count(*) FROM ecs.cart_items WHERE user_id = p_me.id) > c_lines_max THEN
        PERFORM ecs_lib.refuse('cart_full',
            format('A cart holds at most %s products.', c_lines_max));
    END IF;
    RETURN ecs_lib.created('/api/cart/', ecs_lib.cart_json(p_me.id));
END $$;

-- Changes the quantity of an own line. Callers: buyers. Locks: the line.
-- Raises not_found, out_of_stock.
CREATE FUNCTION ecs_api.cart_update(p_me ecs.caller, p_id bigint, p_changes jsonb)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_item ecs.cart_items;
BEGIN
    UPDATE ecs.cart_items
        SET quantity = coalesce((p_changes ->> 'quantity')::integer, quantity)
        WHERE id = p_id AND user_id = p_me.id RETURNING * INTO v_item;
    IF v_item.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    IF p_changes ? 'quantity' THEN
        PERFORM ecs_lib.enough_stock(v_item.quantity, (
            SELECT CASE status WHEN 'APPROVED' THEN quantity ELSE 0 END
            FROM ecs.products WHERE id = v_item.product_id));
    END IF;
    RETURN ecs_lib.ok(ecs_lib.cart_json(p_me.id));
END $$;

-- Takes an own line out. Callers: buyers. Locks: the line. Raises not_found.
CREATE FUNCTION ecs_api.cart_remove(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM ecs.cart_items WHERE id = p_id AND user_id = p_me.id;
    IF NOT FOUND THEN
        PERFORM ecs_lib.not_found();
    END IF;
    RETURN ecs_lib.no_content();
END $$;

-- Empties the cart. Callers: buyers. Locks: its lines.
CREATE FUNCTION ecs_api.cart_clear(p_me ecs.caller) RETURNS ecs.answer
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM ecs.cart_items WHERE user_id = p_me.id;
    RETURN ecs_lib.no_content();
END $$;
