-- Wish lists: what users would like to have, and the word that it costs less.
--
-- Each wish carries the lowest price its user knows of: the one it had when it
-- was put there, or the one of the last notice. Only a price below that is news.
--
-- Locks: products by id, then wishes by id.

-- A wish with its product. One that has been taken off sale says so.
CREATE FUNCTION ecs_lib.wish_json(i ecs.wishlist_items, p ecs.products, p_product json)
RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', i.id, 'product', p_product, 'lowest_price', i.lowest_price::text,
        'problem', CASE WHEN p.status <> 'APPROVED' THEN 'unavailable'
                        WHEN p.quantity = 0 THEN 'out_of_stock' END,
        'created_at', ecs_lib.ts(i.created_at))
$$;

-- Wishes in the order of their ids in the array.
CREATE FUNCTION ecs_lib.wishes_json(p_ids bigint[]) RETURNS json
LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
DECLARE
    v_now CONSTANT timestamptz := ecs.now();
BEGIN
    RETURN (SELECT json_agg(ecs_lib.wish_json(i, p, ecs_lib.product_json(p, c, b, s, v_now))
                            ORDER BY x.n)
            FROM unnest(p_ids) WITH ORDINALITY AS x (id, n)
            JOIN ecs.wishlist_items i ON i.id = x.id
            JOIN ecs.products p ON p.id = i.product_id
            JOIN ecs.categories c ON c.id = p.category_id
            LEFT JOIN ecs.brands b ON b.id = p.brand_id AND b.is_public
            JOIN ecs.users s ON s.id = p.seller_id);
END $$;

-- GET /api/wishlist/. Any signed-in user: their wishes, newest first.
CREATE FUNCTION ecs_api.wishlist_list(p_me ecs.caller,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids   bigint[];
    v_total bigint;
BEGIN
    v_ids := ARRAY(
        SELECT id FROM ecs.wishlist_items
        WHERE user_id = p_me.id AND (p_cursor IS NULL OR id < p_cursor)
        ORDER BY id DESC LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.wishlist_items WHERE user_id = p_me.id;
    END IF;
    RETURN ecs_lib.page(ecs_lib.wishes_json(v_ids[:p_page_size]), v_total,
        ecs_lib.next_key(v_ids, p_page_size));
END $$;

-- POST /api/wishlist/. Any signed-in user; a wish that is there already stays
-- as it is. Locks: the product against changes of its price.
-- Raises invalid product, list_full.
CREATE FUNCTION ecs_api.wishlist_add(p_me ecs.caller, p_product bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    c_most CONSTANT integer := 500;
    v_id   bigint;
    p      ecs.products;
BEGIN
    SELECT * INTO p FROM ecs.products WHERE id = p_product FOR SHARE;
    IF p.status IS DISTINCT FROM 'APPROVED' THEN
        PERFORM ecs_lib.invalid_pk('product', p_product);
    END IF;
    INSERT INTO ecs.wishlist_items (user_id, product_id, lowest_price)
        VALUES (p_me.id, p_product, ecs_lib.current_price(p, ecs.now()))
        ON CONFLICT (user_id, product_id) DO NOTHING RETURNING id INTO v_id;
    IF v_id IS NULL THEN
        SELECT id INTO v_id FROM ecs.wishlist_items
            WHERE user_id = p_me.id AND product_id = p_product;
    ELSIF (SELECT count(*) FROM ecs.wishlist_items WHERE user_id = p_me.id) > c_most THEN
        PERFORM ecs_lib.refuse('list_full', format('A wish list holds at most %s products.',
                                                   c_most));
    END IF;
    RETURN ecs_lib.created('/api/wishlist/', ecs_lib.wishes_json(ARRAY[v_id]) -> 0);
END $$;

-- DELETE /api/wishlist/{product_id}/. Any signed-in user. Raises not_found.
CREATE FUNCTION ecs_api.wishlist_remove(p_me ecs.caller, p_product_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM ecs.wishlist_items WHERE user_id = p_me.id AND product_id = p_product_id;
    IF NOT FOUND THEN
        PERFORM ecs_lib.not_found();
    END IF;
    RETURN ecs_lib.no_content();
END $$;

-- Called in each transaction that may have changed what a product costs now:
-- its price, its discount, or its part in a running sale; what begins by the
-- clock is found by a job. Tells those who wish
-- for it that it costs less than they knew; its seller knows.
-- Locks: the product, its wishes by id.
CREATE FUNCTION ecs_lib.price_changed(p_product bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    p       ecs.products;
    v_price numeric;
    v_news  ecs_lib.news[];
BEGIN
    SELECT * INTO p FROM ecs.products
        WHERE id = p_product AND status = 'APPROVED' FOR NO KEY UPDATE;
    v_price := ecs_lib.current_price(p, ecs.now());
    WITH news AS (
        SELECT id, lowest_price FROM ecs.wishlist_items
        WHERE product_id = p.id AND lowest_price > v_price
        ORDER BY id FOR NO KEY UPDATE
    ), told AS (
        UPDATE ecs.wishlist_items i SET lowest_price = v_price
        FROM news WHERE i.id = news.id
        RETURNING i.user_id, news.lowest_price AS was
    )
    SELECT array_agg(ROW(user_id, 'wishlist_discount', format('%s costs %s now.',
               p.name, v_price), jsonb_build_object('price', v_price::text,
               'old_price', was::text))::ecs_lib.news)
        INTO v_news FROM told WHERE user_id <> p.seller_id;
    PERFORM ecs_lib.notify_all('product', p.id, v_news);
END $$;

-- Some products whose offers have begun by the clock: they cost less than those
-- who wish for them know.
CREATE FUNCTION ecs_lib.prices_to_tell(p_most integer) RETURNS bigint[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_now CONSTANT timestamptz := ecs.now();
BEGIN
    -- apart, or the limit would make it read all products in their order
    RETURN ARRAY(
        WITH cheaper AS MATERIALIZED (
            SELECT p.id FROM ecs.products p
            WHERE p.status = 'APPROVED' AND p.offers_until > v_now
              AND ecs_lib.current_price(p, v_now) < (
                  SELECT max(i.lowest_price) FROM ecs.wishlist_items i
                  WHERE i.product_id = p.id))
        SELECT id FROM cheaper ORDER BY id LIMIT p_most);
END $$;

-- Tells of them. For the jobs, not for requests; two at the same time tell once.
-- Locks: products by id, their wishes.
CREATE FUNCTION ecs_lib.job_prices_tell(p_limit integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_products CONSTANT bigint[] := ecs_lib.prices_to_tell(p_limit);
BEGIN
    PERFORM ecs_lib.price_changed(id) FROM unnest(v_products) AS p (id);
    RETURN cardinality(v_products);
END $$;
