-- Catalogue: categories and products, as sellers propose and change them, and
-- how the public reads one. How lists are found is in 22_search.sql, what
-- administrators decide in 26_moderation.sql.
--
-- Locks, in this order in every function: the tree of categories, products by
-- id, brands by id, categories by id, users. What reads the counted state of a
-- product to change it (approved or not, its category) takes the tree first, too.

-- How a product looks -----------------------------------------------------------

-- A product as everybody sees it at a moment; p_seller is its seller, c its
-- category, b its brand, NULL for none or one that is not to be seen.
-- The functions that make JSON of rows are plain expressions in SQL, so that
-- PostgreSQL inlines them: they read nothing, the caller joins.
CREATE FUNCTION ecs_lib.product_json(p ecs.products, c ecs.categories, b ecs.brands,
    p_seller ecs.users, p_at timestamptz)
RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', p.id, 'name', p.name, 'slug', p.slug,
        'description', p.description, 'status', p.status,
        'price', p.price::text,
        'current_price', ecs_lib.current_price(p, p_at)::text,
        'discount_percentage', ecs_lib.offer_percentage(p, p_at),
        'discount_source', ecs_lib.offer_source(p, p_at),
        'condition', p.condition,
        'quantity', p.quantity, 'in_stock', p.quantity > 0,
        'category', json_build_object('id', c.id, 'name', c.name, 'parent', c.parent_id),
        'brand', CASE WHEN b.id IS NOT NULL THEN
            json_build_object('id', b.id, 'name', b.name) END,
        'seller', json_build_object('id', p_seller.id, 'username', p_seller.username),
        'images', p.images,
        'avg_rating', p.avg_rating, 'ratings_count', p.ratings_count,
        'created_at', ecs_lib.ts(p.created_at),
        'updated_at', ecs_lib.ts(p.updated_at))
$$;

-- A product as its seller and administrators see it.
CREATE FUNCTION ecs_lib.product_own_json(p ecs.products, c ecs.categories, b ecs.brands,
    p_seller ecs.users, p_at timestamptz)
RETURNS json LANGUAGE sql STABLE AS $$
    SELECT (left(ecs_lib.product_json(p, c, b, p_seller, p_at)::text, -1) || ', '
            || substr(json_build_object('rejection_reason', p.rejection_reason,
                                        'pending_change', p.pending_change,
                                        'discount', ecs_lib.discount_json(p))::text, 2))::json
$$;

-- Products in the order of their ids in the array. Tables that are still small
-- would be read as a whole instead of by their keys; that is slower by half.
CREATE FUNCTION ecs_lib.products_json(p_ids bigint[], p_own boolean DEFAULT false)
RETURNS json LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
DECLARE
    v_now CONSTANT timestamptz := ecs.now();
BEGIN
    IF p_own THEN
        RETURN (SELECT json_agg(ecs_lib.product_own_json(p, c, b, s, v_now) ORDER BY x.n)
                FROM unnest(p_ids) WITH ORDINALITY AS x (id, n)
                JOIN ecs.products p ON p.id = x.id
                JOIN ecs.categories c ON c.id = p.category_id
                LEFT JOIN ecs.brands b ON b.id = p.brand_id
                JOIN ecs.users s ON s.id = p.seller_id);
    END IF;
    RETURN (SELECT json_agg(ecs_lib.product_json(p, c, b, s, v_now) ORDER BY x.n)
            FROM unnest(p_ids) WITH ORDINALITY AS x (id, n)
            JOIN ecs.products p ON p.id = x.id
            JOIN ecs.categories c ON c.id = p.category_id
            LEFT JOIN ecs.brands b ON b.id = p.brand_id AND b.is_public
            JOIN ecs.users s ON s.id = p.seller_id);
END $$;

-- The answer to a change of a product: what its seller sees of it.
CREATE FUNCTION ecs_lib.product_answer(p_product bigint, p_status integer DEFAULT 200)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_now    CONSTANT timestamptz := ecs.now();
    v_answer ecs.answer;
BEGIN
    SELECT p_status, ecs_lib.product_own_json(p, c, b, s, v_now), p.version
        INTO v_answer.status, v_answer.body, v_answer.version
        FROM ecs.products p
        JOIN ecs.categories c ON c.id = p.category_id
        LEFT JOIN ecs.brands b ON b.id = p.brand_id
        JOIN ecs.users s ON s.id = p.seller_id
        WHERE p.id = p_product;
    IF p_status = 201 THEN
        v_answer.location := format('/api/product/products/%s/', p_product);
    END IF;
    v_answer.replayed := false;
    RETURN v_answer;
END $$;

-- Categories --------------------------------------------------------------------

-- A category with all below it.
CREATE FUNCTION ecs_lib.category_json(c ecs.categories) RETURNS json
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN json_build_object(
        'id', c.id, 'name', c.name, 'slug', c.slug, 'parent', c.parent_id,
        'products_count', c.products_count,
        'children', (SELECT coalesce(json_agg(ecs_lib.category_json(k) ORDER BY k.name, k.id),
                                     '[]')
                     FROM ecs.categories k WHERE k.parent_id = c.id));
END $$;

-- A category and all below it.
CREATE FUNCTION ecs_lib.category_branch(p_category bigint) RETURNS bigint[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        WITH RECURSIVE down AS (
            SELECT id FROM ecs.categories WHERE id = p_category
            UNION ALL
            SELECT c.id FROM down JOIN ecs.categories c ON c.parent_id = down.id)
        SELECT id FROM down);
END $$;

-- Adds to the counts of a category and all above it; their versions change
-- also when there is nothing to add, because they show what is below them.
-- The tree is locked.
CREATE FUNCTION ecs_lib.category_add(p_category bigint, p_products integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_path bigint[] := ecs.category_path(p_category);
BEGIN
    PERFORM 1 FROM ecs.categories WHERE id = ANY (v_path) ORDER BY id FOR NO KEY UPDATE;
    UPDATE ecs.categories SET products_count = products_count + p_products
        WHERE id = ANY (v_path);
END $$;

-- Refuses a name that a sibling has.
CREATE FUNCTION ecs_lib.category_name_free(p_parent bigint, p_name text, p_id bigint)
RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF EXISTS (SELECT FROM ecs.categories
               WHERE coalesce(parent_id, 0) = coalesce(p_parent, 0)
                 AND lower(name) = lower(p_name) AND id IS DISTINCT FROM p_id) THEN
        PERFORM ecs_lib.invalid('name', 'category with this name already exists here.');
    END IF;
END $$;

-- The roots of the tree by name, each with everything below it. For anyone.
CREATE FUNCTION ecs_api.categories_list(p_me ecs.caller,
    p_page integer, p_page_size integer, p_cursor text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_key   json := p_cursor::json;
    v_rows  json[];
    v_last  ecs.categories;
    v_total bigint;
    v_next  text;
    c       ecs.categories;
BEGIN
    FOR c IN
        SELECT * FROM ecs.categories
        WHERE parent_id IS NULL
          AND (v_key IS NULL OR (name, id) > (v_key ->> 0, (v_key ->> 1)::bigint))
        ORDER BY name, id
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size)
    LOOP
        IF cardinality(v_rows) = p_page_size THEN
            v_next := json_build_array(v_last.name, v_last.id);
        ELSE
            v_rows := v_rows || ecs_lib.category_json(c);
        END IF;
        v_last := c;
    END LOOP;
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.categories WHERE parent_id IS NULL;
    END IF;
    RETURN ecs_lib.page(array_to_json(v_rows), v_total, v_next);
END $$;

-- One category with everything below it. For anyone. Raises not_found.
CREATE FUNCTION ecs_api.categories_get(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    c ecs.categories;
BEGIN
    SELECT * INTO c FROM ecs.categories WHERE id = p_id;
    IF c.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    RETURN ecs_lib.ok(ecs_lib.category_json(c), c.version);
END $$;

-- Callers: administrators. Locks: the tree, categories above.
-- Raises invalid parent, name.
CREATE FUNCTION ecs_api.categories_create(p_me ecs.caller, p_name text, p_parent bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    c ecs.categories;
BEGIN
    PERFORM ecs.lock_category_tree(true);
    IF p_parent IS NOT NULL
       AND NOT EXISTS (SELECT FROM ecs.categories WHERE id = p_parent) THEN
        PERFORM ecs_lib.invalid_pk('parent', p_parent);
    END IF;
    PERFORM ecs_lib.category_name_free(p_parent, p_name, NULL);
    INSERT INTO ecs.categories (parent_id, name, slug)
        VALUES (p_parent, p_name, ecs_lib.slug(p_name)) RETURNING * INTO c;
    PERFORM ecs_lib.category_add(p_parent, 0);
    PERFORM ecs_lib.audit(p_me, 'category.create', 'category', c.id,
        jsonb_build_object('name', c.name, 'parent', c.parent_id));
    RETURN ecs_lib.created(format('/api/product/categories/%s/', c.id),
                           ecs_lib.category_json(c), c.version);
END $$;

-- Renames a category or puts it, with all below it, elsewhere in the tree.
-- Products show their category, so theirs change with it.
-- Callers: administrators. Locks: the tree, its products, categories above.
-- Raises not_found, stale, invalid parent, name.
CREATE FUNCTION ecs_api.categories_update(p_me ecs.caller, p_id bigint, p_changes jsonb)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_old ecs.categories;
    c     ecs.categories;
BEGIN
    PERFORM ecs.lock_category_tree(true);
    PERFORM 1 FROM ecs.products WHERE category_id = p_id ORDER BY id FOR NO KEY UPDATE;
    SELECT * INTO v_old FROM ecs.categories WHERE id = p_id FOR NO KEY UPDATE;
    IF v_old.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    PERFORM ecs_lib.check_version(p_me, v_old.version);
    c := v_old;
    c.name := coalesce(p_changes ->> 'name', c.name);
    IF p_changes ? 'parent' THEN
        c.parent_id := (p_changes ->> 'parent')::bigint;
    END IF;
    IF (c.name, coalesce(c.parent_id, 0)) = (v_old.name, coalesce(v_old.parent_id, 0)) THEN
        RETURN ecs_lib.ok(ecs_lib.category_json(c), c.version);
    END IF;
    IF c.parent_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM ecs.categories WHERE id = c.parent_id) THEN
        PERFORM ecs_lib.invalid_pk('parent', c.parent_id);
    END IF;
    IF c.parent_id = ANY (ecs_lib.category_branch(p_id)) THEN
        PERFORM ecs_lib.invalid('parent', 'A category cannot be below itself.');
    END IF;
    PERFORM ecs_lib.category_name_free(c.parent_id, c.name, p_id);

    PERFORM ecs_lib.category_add(v_old.parent_id, -v_old.products_count);
    PERFORM ecs_lib.category_add(c.parent_id, v_old.products_count);
    UPDATE ecs.categories
        SET name = c.name, slug = ecs_lib.slug(c.name), parent_id = c.parent_id
        WHERE id = p_id RETURNING * INTO c;
    UPDATE ecs.products SET category_id = category_id WHERE category_id = p_id;
    PERFORM ecs_lib.audit(p_me, 'category.update', 'category', p_id, p_changes);
    RETURN ecs_lib.ok(ecs_lib.category_json(c), c.version);
END $$;

-- Callers: administrators. Locks: the tree, the category, categories above.
-- Raises not_found, stale, in_use.
CREATE FUNCTION ecs_api.categories_delete(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    c ecs.categories;
BEGIN
    PERFORM ecs.lock_category_tree(true);
    -- FOR UPDATE: whoever puts a product into it waits, and finds it gone
    SELECT * INTO c FROM ecs.categories WHERE id = p_id FOR UPDATE;
    IF c.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    PERFORM ecs_lib.check_version(p_me, c.version);
    IF EXISTS (SELECT FROM ecs.categories WHERE parent_id = p_id)
       OR EXISTS (SELECT FROM ecs.products WHERE category_id = p_id)
       OR EXISTS (SELECT FROM ecs.products WHERE pending_change IS NOT NULL
                  AND (pending_change ->> 'category')::bigint = p_id) THEN
        PERFORM ecs_lib.refuse('in_use', 'The category has products or categories in it.');
    END IF;
    DELETE FROM ecs.categories WHERE id = p_id;
    PERFORM ecs_lib.category_add(c.parent_id, 0);
    PERFORM ecs_lib.audit(p_me, 'category.delete', 'category', p_id,
                          jsonb_build_object('name', c.name));
    RETURN ecs_lib.no_content();
END $$;

-- Reading -------------------------------------------------------------------------

-- One product. For anyone when it is approved; its seller and administrators
-- see it in every state, and see more of it. Raises not_found.
CREATE FUNCTION ecs_api.products_get(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
DECLARE
    v_now     CONSTANT timestamptz := ecs.now();
    v_body    json;
    v_version bigint;
BEGIN
    IF p_me.role IN ('seller', 'admin', 'superadmin') THEN
        SELECT ecs_lib.product_own_json(p, c, b, s, v_now), p.version INTO v_body, v_version
            FROM ecs.products p
            JOIN ecs.categories c ON c.id = p.category_id
            LEFT JOIN ecs.brands b ON b.id = p.brand_id
            JOIN ecs.users s ON s.id = p.seller_id
            WHERE p.id = p_id AND (p.seller_id = p_me.id OR p_me.role <> 'seller');
        IF FOUND THEN
            RETURN ecs_lib.ok(v_body, v_version);
        END IF;
    END IF;
    SELECT ecs_lib.product_json(p, c, b, s, v_now), p.version INTO v_body, v_version
        FROM ecs.products p
        JOIN ecs.categories c ON c.id = p.category_id
        LEFT JOIN ecs.brands b ON b.id = p.brand_id AND b.is_public
        JOIN ecs.users s ON s.id = p.seller_id
        WHERE p.id = p_id AND p.status = 'APPROVED';
    IF NOT FOUND THEN
        PERFORM ecs_lib.not_found();
    END IF;
    RETURN ecs_lib.ok(v_body, v_version);
END $$;

-- A seller's own products --------------------------------------------------------

-- The caller's products in every state, newest first; `counts` by state.
CREATE FUNCTION ecs_api.products_mine(p_me ecs.caller, p_status text,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids    bigint[];
    v_counts json;
    v_total  bigint;
BEGIN
    v_ids := ARRAY(
        SELECT id FROM ecs.products
        WHERE seller_id = p_me.id
          AND (p_status IS NULL OR status = p_status)
          AND (p_cursor IS NULL OR id < p_cursor)
        ORDER BY id DESC
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    SELECT json_build_object('PENDING', count(*) FILTER (WHERE status = 'PENDING'),
               'APPROVED', count(*) FILTER (WHERE status = 'APPROVED'),
               'REJECTED', count(*) FILTER (WHERE status = 'REJECTED'),
               'ARCHIVED', count(*) FILTER (WHERE status = 'ARCHIVED'),
               'pending_changes', count(pending_change)),
           CASE WHEN p_page IS NOT NULL THEN
               count(*) FILTER (WHERE p_status IS NULL OR status = p_status) END
        INTO v_counts, v_total
        FROM ecs.products WHERE seller_id = p_me.id;
    RETURN ecs_lib.page(ecs_lib.products_json(v_ids[:p_page_size], p_own => true), v_total,
        ecs_lib.next_key(v_ids, p_page_size),
        json_build_object('counts', v_counts));
END $$;

-- Refuses a category that is not there; one that is cannot go until the end of
-- the transaction.
CREATE FUNCTION ecs_lib.hold_category(p_category bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM ecs.categories WHERE id = p_category FOR KEY SHARE;
    IF NOT FOUND THEN
        PERFORM ecs_lib.invalid_pk('category', p_category);
    END IF;
END $$;

-- The caller's own product, locked. Raises not_found, stale, and wrong_state
-- when it is archived.
CREATE FUNCTION ecs_lib.own_product(p_me ecs.caller, p_id bigint) RETURNS ecs.products
LANGUAGE plpgsql AS $$
DECLARE
    v_product ecs.products;
BEGIN
    SELECT * INTO v_product FROM ecs.products
        WHERE id = p_id AND seller_id = p_me.id FOR NO KEY UPDATE;
    IF v_product.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    PERFORM ecs_lib.check_version(p_me, v_product.version);
    IF v_product.status = 'ARCHIVED' THEN
        PERFORM ecs_lib.wrong_state('An archived product cannot be changed.', 'ARCHIVED');
    END IF;
    RETURN v_product;
END $$;

-- Proposes a product, perhaps with pictures (as product_images_enter takes them).
-- Callers: sellers. Locks: its brand, its category against removal, the pictures.
-- Raises not_enough_points, too_much_stored, invalid brand, category.
CREATE FUNCTION ecs_api.products_create(p_me ecs.caller, p_name text, p_description text,
    p_price numeric, p_quantity integer, p_category bigint, p_brand bigint DEFAULT NULL,
    p_images jsonb DEFAULT NULL)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    p ecs.products;
BEGIN
    PERFORM ecs_lib.hold_brand(p_me, p_brand);
    PERFORM ecs_lib.hold_category(p_category);
    INSERT INTO ecs.products (seller_id, category_id, brand_id, name, slug, description,
                              price, quantity)
        VALUES (p_me.id, p_category, p_brand, p_name, ecs_lib.slug(p_name),
                coalesce(p_description, ''), p_price, p_quantity)
        RETURNING * INTO p;
    IF p_images IS NOT NULL THEN
        PERFORM ecs_lib.product_images_set(p,
            ecs_lib.product_images_enter(p_me, p.id, p_images));
    END IF;
    RETURN ecs_lib.product_answer(p.id, 201);
END $$;

-- Changes an own product. Price and quantity change at once. What an admin has
-- approved (name, description, category, brand) stays on sale until an admin approves
-- the change; before approval it changes at once, and a rejected product is
-- proposed again.
-- Callers: its seller. Locks: the product, its brands, its category against
-- removal. Raises not_found, stale, wrong_state, not_enough_points, invalid
-- brand, category.
CREATE FUNCTION ecs_api.products_update(p_me ecs.caller, p_id bigint, p_changes jsonb)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_now      CONSTANT jsonb := p_changes - '{name,description,category,brand}'::text[];
    v_approved CONSTANT jsonb := p_changes - '{price,quantity}'::text[];
    v_stock    integer;
    p          ecs.products;
BEGIN
    p := ecs_lib.own_product(p_me, p_id);
    v_stock := p.quantity;
    PERFORM ecs_lib.hold_brand(p_me, (p_changes ->> 'brand')::bigint, p.brand_id);
    IF p_changes ? 'category' THEN
        PERFORM ecs_lib.hold_category((p_changes ->> 'category')::bigint);
    END IF;
    p := jsonb_populate_record(p, v_now);
    IF p.status = 'APPROVED' THEN
        p.pending_change := ecs_lib.product_difference(p,
            coalesce(p.pending_change, '{}') || v_approved);
        p.rejection_reason := CASE WHEN p.pending_change IS NULL THEN p.rejection_reason END;
    ELSE
        p := ecs_lib.product_changed(p, v_approved);
        p.status := CASE WHEN p_changes = '{}' THEN p.status ELSE 'PENDING' END;
        p.rejection_reason := CASE p.status WHEN 'REJECTED' THEN p.rejection_reason END;
    END IF;
    PERFORM ecs_lib.product_save(p);
    PERFORM ecs_lib.stock_changed(p, v_stock);
    IF v_now ? 'price' THEN
        PERFORM ecs_lib.price_changed(p_id);
    END IF;
    RETURN ecs_lib.product_answer(p_id);
END $$;

-- A product with the members name, description, category, brand of a change.
CREATE FUNCTION ecs_lib.product_changed(p ecs.products, p_change jsonb) RETURNS ecs.products
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    p.name := coalesce(p_change ->> 'name', p.name);
    p.slug := ecs_lib.slug(p.name);
    p.description := coalesce(p_change ->> 'description', p.description);
    p.category_id := coalesce((p_change ->> 'category')::bigint, p.category_id);
    IF p_change ? 'brand' THEN
        p.brand_id := (p_change ->> 'brand')::bigint;
    END IF;
    p.images := coalesce(p_change -> 'images', p.images::jsonb);
    RETURN p;
END $$;

-- What of a change would change something; NULL when nothing would.
CREATE FUNCTION ecs_lib.product_difference(p ecs.products, p_change jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_is CONSTANT jsonb := jsonb_build_object(
        'name', p.name, 'description', p.description, 'category', p.category_id,
        'brand', p.brand_id, 'images', p.images);
BEGIN
    RETURN (SELECT jsonb_object_agg(key, value) FROM jsonb_each(p_change)
            WHERE value <> v_is -> key);
END $$;

-- Writes back what an endpoint may change of a product.
CREATE FUNCTION ecs_lib.product_save(p_new ecs.products) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ecs.products SET
        name = p_new.name, slug = p_new.slug, description = p_new.description,
        category_id = p_new.category_id, brand_id = p_new.brand_id,
        price = p_new.price, quantity = p_new.quantity,
        status = p_new.status, rejection_reason = p_new.rejection_reason,
        pending_change = p_new.pending_change, images = p_new.images
        WHERE id = p_new.id;
END $$;

-- Takes an own product off sale for good; orders keep their lines, carts show
-- that it is gone. Callers: its seller. Locks: the tree, the product, its
-- categories, the seller.
-- Raises not_found, stale, wrong_state, in_use.
CREATE FUNCTION ecs_api.products_delete(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    p ecs.products;
BEGIN
    PERFORM ecs.lock_category_tree(false);
    p := ecs_lib.own_product(p_me, p_id);
    IF ecs_lib.is_auctioned(p_id) THEN
        PERFORM ecs_lib.refuse('in_use', 'The product is in an auction.');
    END IF;
    p.status := 'ARCHIVED';
    p.pending_change := NULL;
    PERFORM ecs_lib.product_save(p);
    RETURN ecs_lib.no_content();
END $$;

-- Tells the seller of a product on sale that its stock has become low: once for
-- each time it falls to the limit.
CREATE FUNCTION ecs_lib.stock_changed(p ecs.products, p_was integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_limit CONSTANT integer := (ecs_lib.settings()).low_stock_at;
BEGIN
    IF p.status = 'APPROVED' AND p_was > v_limit AND p.quantity <= v_limit THEN
        PERFORM ecs_lib.notify(p.seller_id, 'low_stock',
            format('Only %s of %s left.', p.quantity, p.name), 'product', p.id,
            jsonb_build_object('quantity', p.quantity));
    END IF;
END $$;

-- Counts units in or out. Callers: its seller. Locks: the product.
-- Raises not_found, wrong_state, out_of_stock, invalid delta.
CREATE FUNCTION ecs_api.products_stock(p_me ecs.caller, p_id bigint, p_delta integer)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    c_most CONSTANT integer := 1000000;
    p      ecs.products;
BEGIN
    p := ecs_lib.own_product(p_me, p_id);
    IF p.quantity + p_delta < 0 THEN
        PERFORM ecs_lib.refuse('out_of_stock', format('There are only %s.', p.quantity),
                               json_build_object('available', p.quantity));
    END IF;
    IF p.quantity + p_delta > c_most THEN
        PERFORM ecs_lib.invalid('delta', format('Ensure this value is less than or equal to %s.',
                                                c_most - p.quantity));
    END IF;
    UPDATE ecs.products SET quantity = quantity + p_delta WHERE id = p_id RETURNING * INTO p;
    PERFORM ecs_lib.stock_changed(p, p.quantity - p_delta);
    RETURN ecs_lib.ok(json_build_object('product', p.id, 'quantity', p.quantity,
                                        'in_stock', p.quantity > 0), p.version);
END $$;
