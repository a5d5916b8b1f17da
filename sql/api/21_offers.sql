-- Offers: a seller's discount on a product, and sales that administrators open
-- and sellers join with their products. What follows for the price says
-- 15_prices.sql.
--
-- Locks, in this order in every function: sales, products by id.

-- Refuses a percentage that the table would round.
CREATE FUNCTION ecs_lib.check_percentage(p_percentage numeric) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF scale(trim_scale(p_percentage)) > 2 THEN
        PERFORM ecs_lib.invalid('percentage',
            'Ensure that there are no more than 2 decimal places.');
    END IF;
END $$;

-- Refuses an end that is not after the start, or is over already.
CREATE FUNCTION ecs_lib.check_period(p_starts_at timestamptz, p_ends_at timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF p_ends_at <= p_starts_at THEN
        PERFORM ecs_lib.invalid('ends_at', 'The end has to be after the start.');
    END IF;
    IF p_ends_at <= ecs.now() THEN
        PERFORM ecs_lib.invalid('ends_at', 'The end has to be in the future.');
    END IF;
END $$;

-- Discounts ---------------------------------------------------------------------

-- Gives a discount on an own product, in the place of the one it may have.
-- Callers: its seller. Locks: the product.
-- Raises not_found, stale, wrong_state, invalid percentage, ends_at.
CREATE FUNCTION ecs_api.discount_set(p_me ecs.caller, p_id bigint, p_percentage numeric,
    p_starts_at timestamptz, p_ends_at timestamptz)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.own_product(p_me, p_id);
    PERFORM ecs_lib.check_percentage(p_percentage);
    PERFORM ecs_lib.check_period(p_starts_at, p_ends_at);
    UPDATE ecs.products SET discount_percentage = p_percentage,
            discount_starts_at = p_starts_at, discount_ends_at = p_ends_at
        WHERE id = p_id;
    PERFORM ecs_lib.price_changed(p_id);
    PERFORM ecs_lib.audit(p_me, 'discount.set', 'product', p_id, jsonb_build_object(
        'percentage', p_percentage, 'starts_at', p_starts_at, 'ends_at', p_ends_at));
    RETURN ecs_lib.product_answer(p_id);
END $$;

-- Takes the discount of an own product away. Callers: its seller. Locks: the
-- product. Raises not_found, also when it has none, stale, wrong_state.
CREATE FUNCTION ecs_api.discount_remove(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    p ecs.products;
BEGIN
    p := ecs_lib.own_product(p_me, p_id);
    IF p.discount_percentage IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    UPDATE ecs.products SET discount_percentage = NULL,
            discount_starts_at = NULL, discount_ends_at = NULL
        WHERE id = p_id;
    PERFORM ecs_lib.price_changed(p_id);
    PERFORM ecs_lib.audit(p_me, 'discount.remove', 'product', p_id,
        jsonb_build_object('percentage', p.discount_percentage));
    RETURN ecs_lib.no_content();
END $$;

-- Sales ---------------------------------------------------------------------------

-- Where a sale stands in time; it is not stored, because nothing happens at its ends.
CREATE FUNCTION ecs_lib.sale_status(s ecs.sales, p_at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN s.starts_at > p_at THEN 'UPCOMING'
                WHEN s.ends_at > p_at THEN 'ACTIVE' ELSE 'PAST' END
$$;

-- A sale as everybody sees it.
CREATE FUNCTION ecs_lib.sale_json(s ecs.sales, p_at timestamptz) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', s.id, 'name', s.name, 'description', s.description,
        'status', ecs_lib.sale_status(s, p_at),
        'starts_at', ecs_lib.ts(s.starts_at), 'ends_at', ecs_lib.ts(s.ends_at),
        'created_at', ecs_lib.ts(s.created_at), 'updated_at', ecs_lib.ts(s.updated_at))
$$;

-- Sales, those that start last first. For anyone.
CREATE FUNCTION ecs_api.sales_list(p_me ecs.caller, p_when text,
    p_page integer, p_page_size integer, p_cursor text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_now    CONSTANT timestamptz := ecs.now();
    v_status CONSTANT text := upper(p_when);
    v_key    CONSTANT json := p_cursor::json;
    v_sales  ecs.sales[];
    v_rows   json;
    v_total  bigint;
    v_next   text;
BEGIN
    v_sales := ARRAY(
        SELECT s FROM ecs.sales s
        WHERE (v_status IS NULL OR ecs_lib.sale_status(s, v_now) = v_status)
          AND (v_key IS NULL OR (s.starts_at, s.id)
                   < ((v_key ->> 0)::timestamptz, (v_key ->> 1)::bigint))
        ORDER BY s.starts_at DESC, s.id DESC
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    SELECT json_agg(ecs_lib.sale_json(s, v_now)) INTO v_rows
        FROM unnest(v_sales[:p_page_size]) s;
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.sales s
            WHERE v_status IS NULL OR ecs_lib.sale_status(s, v_now) = v_status;
    ELSIF cardinality(v_sales) > p_page_size THEN
        v_next := json_build_array(v_sales[p_page_size].starts_at, v_sales[p_page_size].id);
    END IF;
    RETURN ecs_lib.page(v_rows, v_total, v_next);
END $$;

-- One sale. For anyone. Raises not_found.
CREATE FUNCTION ecs_api.sales_get(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    s ecs.sales;
BEGIN
    SELECT * INTO s FROM ecs.sales WHERE id = p_id;
    IF s.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    RETURN ecs_lib.ok(ecs_lib.sale_json(s, ecs.now()), s.version);
END $$;

-- Opens a sale. Callers: administrators. Raises invalid ends_at.
CREATE FUNCTION ecs_api.sales_create(p_me ecs.caller, p_name text, p_description text,
    p_starts_at timestamptz, p_ends_at timestamptz)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    s ecs.sales;
BEGIN
    PERFORM ecs_lib.check_period(p_starts_at, p_ends_at);
    INSERT INTO ecs.sales (name, description, starts_at, ends_at, created_by)
        VALUES (p_name, coalesce(p_description, ''), p_starts_at, p_ends_at, p_me.id)
        RETURNING * INTO s;
    PERFORM ecs_lib.audit(p_me, 'sale.create', 'sale', s.id, to_jsonb(s)
        - '{id,created_by,created_at,updated_at,version}'::text[]);
    RETURN ecs_lib.created(format('/api/product/sales/%s/', s.id),
                           ecs_lib.sale_json(s, ecs.now()), s.version);
END $$;

-- A sale to change, locked. Raises not_found, stale, and wrong_state when it is
-- over: what was sold in it was sold at its prices.
CREATE FUNCTION ecs_lib.sale_to_change(p_me ecs.caller, p_id bigint) RETURNS ecs.sales
LANGUAGE plpgsql AS $$
DECLARE
    s ecs.sales;
BEGIN
    SELECT * INTO s FROM ecs.sales WHERE id = p_id FOR NO KEY UPDATE;
    IF s.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    PERFORM ecs_lib.check_version(p_me, s.version);
    IF ecs_lib.sale_status(s, ecs.now()) = 'PAST' THEN
        PERFORM ecs_lib.wrong_state('This sale is over.', 'PAST');
    END IF;
    RETURN s;
END $$;

-- Changes a sale that is not over; its start only before it has begun.
-- Callers: administrators. Locks: the sale, its products when it ends at
-- another time. Raises not_found, stale, wrong_state, invalid starts_at, ends_at.
CREATE FUNCTION ecs_api.sales_update(p_me ecs.caller, p_id bigint, p_changes jsonb)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_old ecs.sales;
    s     ecs.sales;
BEGIN
    v_old := ecs_lib.sale_to_change(p_me, p_id);
    s := jsonb_populate_record(v_old, p_changes);
    IF (s.starts_at, s.ends_at) <> (v_old.starts_at, v_old.ends_at) THEN
        IF s.starts_at <> v_old.starts_at AND v_old.starts_at <= ecs.now() THEN
            PERFORM ecs_lib.invalid('starts_at', 'The sale has begun already.');
        END IF;
        PERFORM ecs_lib.check_period(s.starts_at, s.ends_at);
    END IF;
    UPDATE ecs.sales SET name = s.name, description = s.description,
            starts_at = s.starts_at, ends_at = s.ends_at
        WHERE id = p_id RETURNING * INTO s;
    IF ecs_lib.sale_status(s, ecs.now()) <> ecs_lib.sale_status(v_old, ecs.now()) THEN
        PERFORM ecs_lib.price_changed(product_id)
            FROM ecs.sale_products WHERE sale_id = p_id ORDER BY product_id;
    END IF;
    PERFORM ecs_lib.audit(p_me, 'sale.update', 'sale', p_id, p_changes);
    RETURN ecs_lib.ok(ecs_lib.sale_json(s, ecs.now()), s.version);
END $$;

-- Ends a running sale, which stays as a past one; takes one that has not begun
-- away, with the products that joined it.
-- Callers: administrators. Locks: the sale, its products.
-- Raises not_found, stale, wrong_state.
CREATE FUNCTION ecs_api.sales_delete(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    s        ecs.sales;
    v_status text;
BEGIN
    s := ecs_lib.sale_to_change(p_me, p_id);
    v_status := ecs_lib.sale_status(s, ecs.now());
    IF v_status = 'UPCOMING' THEN
        DELETE FROM ecs.sale_products WHERE sale_id = p_id;
        DELETE FROM ecs.sales WHERE id = p_id;
    ELSE
        UPDATE ecs.sales
            SET ends_at = greatest(ecs.now(), starts_at + interval '1 microsecond')
            WHERE id = p_id;
        PERFORM ecs_lib.price_changed(product_id)
            FROM ecs.sale_products WHERE sale_id = p_id ORDER BY product_id;
    END IF;
    PERFORM ecs_lib.audit(p_me, CASE v_status WHEN 'UPCOMING' THEN 'sale.delete'
                                              ELSE 'sale.end' END,
        'sale', p_id, jsonb_build_object('name', s.name));
    RETURN ecs_lib.no_content();
END $$;

-- Products in sales -----------------------------------------------------------------

-- Products in a sale, in the order of their ids in the array.
CREATE FUNCTION ecs_lib.sale_items_json(p_sale bigint, p_ids bigint[]) RETURNS json
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT json_agg(json_build_object(
                'sale', p_sale, 'percentage', sp.percentage,
                'created_at', ecs_lib.ts(sp.created_at), 'product', j.product) ORDER BY j.n)
            FROM json_array_elements(ecs_lib.products_json(p_ids))
                     WITH ORDINALITY AS j (product, n)
            JOIN ecs.sale_products sp
                ON sp.sale_id = p_sale AND sp.product_id = p_ids[j.n]);
END $$;

-- The answer to a change of a product's part in a sale.
CREATE FUNCTION ecs_lib.sale_item_answer(p_sale bigint, p_product bigint, p_version bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.ok(ecs_lib.sale_items_json(p_sale, ARRAY[p_product]) -> 0, p_version);
END $$;

-- What is on sale in a sale, the newest products first. For anyone.
-- Raises not_found.
CREATE FUNCTION ecs_api.sales_products(p_me ecs.caller, p_id bigint,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids   bigint[];
    v_total bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM ecs.sales WHERE id = p_id) THEN
        PERFORM ecs_lib.not_found();
    END IF;
    v_ids := ARRAY(
        SELECT sp.product_id
        FROM ecs.sale_products sp JOIN ecs.products p ON p.id = sp.product_id
        WHERE sp.sale_id = p_id AND p.status = 'APPROVED'
          AND (p_cursor IS NULL OR sp.product_id < p_cursor)
        ORDER BY sp.product_id DESC
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total
            FROM ecs.sale_products sp JOIN ecs.products p ON p.id = sp.product_id
            WHERE sp.sale_id = p_id AND p.status = 'APPROVED';
    END IF;
    RETURN ecs_lib.page(ecs_lib.sale_items_json(p_id, v_ids[:p_page_size]), v_total,
        ecs_lib.next_key(v_ids, p_page_size));
END $$;

-- A sale that sellers may still do something in, kept from changing until the
-- end of the transaction. Raises not_found, wrong_state when it is over.
CREATE FUNCTION ecs_lib.sale_to_join(p_id bigint) RETURNS ecs.sales
LANGUAGE plpgsql AS $$
DECLARE
    s ecs.sales;
BEGIN
    SELECT * INTO s FROM ecs.sales WHERE id = p_id FOR SHARE;
    IF s.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    IF ecs_lib.sale_status(s, ecs.now()) = 'PAST' THEN
        PERFORM ecs_lib.wrong_state('This sale is over.', 'PAST');
    END IF;
    RETURN s;
END $$;

-- Puts an own approved product into a sale that is not over.
-- Callers: sellers. Locks: the sale, the product.
-- Raises not_found, wrong_state, duplicate, invalid product, percentage.
CREATE FUNCTION ecs_api.sales_join(p_me ecs.caller, p_id bigint, p_product bigint,
    p_percentage numeric)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    s        ecs.sales;
    v_answer ecs.answer;
BEGIN
    s := ecs_lib.sale_to_join(p_id);
    PERFORM 1 FROM ecs.products
        WHERE id = p_product AND seller_id = p_me.id AND status = 'APPROVED'
        FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM ecs_lib.invalid_pk('product', p_product);
    END IF;
    PERFORM ecs_lib.check_percentage(p_percentage);
    INSERT INTO ecs.sale_products (sale_id, product_id, percentage, starts_at, ends_at)
        VALUES (p_id, p_product, p_percentage, s.starts_at, s.ends_at) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        PERFORM ecs_lib.refuse('duplicate', 'The product is in this sale already.');
    END IF;
    PERFORM ecs_lib.price_changed(p_product);
    PERFORM ecs_lib.audit(p_me, 'sale.join', 'sale', p_id, jsonb_build_object(
        'product', p_product, 'percentage', p_percentage));
    v_answer := ecs_lib.sale_item_answer(p_id, p_product, 1);
    v_answer.status := 201;
    v_answer.location := format('/api/product/sales/%s/products/', p_id);
    RETURN v_answer;
END $$;

-- An own product's part in a sale that is not over; sale, product and it are
-- locked. Raises not_found, stale, wrong_state.
CREATE FUNCTION ecs_lib.own_sale_product(p_me ecs.caller, p_sale bigint, p_product bigint)
RETURNS ecs.sale_products LANGUAGE plpgsql AS $$
DECLARE
    v_item ecs.sale_products;
BEGIN
    PERFORM ecs_lib.sale_to_join(p_sale);
    PERFORM 1 FROM ecs.products WHERE id = p_product AND seller_id = p_me.id
        FOR NO KEY UPDATE;
    IF FOUND THEN
        SELECT * INTO v_item FROM ecs.sale_products
            WHERE sale_id = p_sale AND product_id = p_product FOR UPDATE;
    END IF;
    IF v_item.sale_id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    PERFORM ecs_lib.check_version(p_me, v_item.version);
    RETURN v_item;
END $$;

-- Changes what an own product gives off in a sale. Callers: its seller. Locks:
-- the sale, the product. Raises not_found, stale, wrong_state, invalid
-- percentage.
CREATE FUNCTION ecs_api.sales_product_update(p_me ecs.caller, p_id bigint,
    p_product_id bigint, p_changes jsonb)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_item ecs.sale_products;
BEGIN
    v_item := ecs_lib.own_sale_product(p_me, p_id, p_product_id);
    PERFORM ecs_lib.check_percentage((p_changes ->> 'percentage')::numeric);
    UPDATE ecs.sale_products
        SET percentage = coalesce((p_changes ->> 'percentage')::numeric, percentage)
        WHERE sale_id = p_id AND product_id = p_product_id RETURNING * INTO v_item;
    PERFORM ecs_lib.price_changed(p_product_id);
    PERFORM ecs_lib.audit(p_me, 'sale.product_update', 'sale', p_id,
        p_changes || jsonb_build_object('product', p_product_id));
    RETURN ecs_lib.sale_item_answer(p_id, p_product_id, v_item.version);
END $$;

-- Takes an own product out of a sale that is not over. Callers: its seller.
-- Locks: the sale, the product. Raises not_found, stale, wrong_state.
CREATE FUNCTION ecs_api.sales_leave(p_me ecs.caller, p_id bigint, p_product_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.own_sale_product(p_me, p_id, p_product_id);
    DELETE FROM ecs.sale_products WHERE sale_id = p_id AND product_id = p_product_id;
    PERFORM ecs_lib.price_changed(p_product_id);
    PERFORM ecs_lib.audit(p_me, 'sale.leave', 'sale', p_id,
        jsonb_build_object('product', p_product_id));
    RETURN ecs_lib.no_content();
END $$;
