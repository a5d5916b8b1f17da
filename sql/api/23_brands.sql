-- Brands: a seller with enough points asks for one, an administrator decides,
-- and the seller's products may carry it. A brand is seen while it is approved
-- and its seller keeps it active; a product whose brand is not seen has none.
--
-- Locks, in this order in every function: products by id, brands by id,
-- categories, users.

-- How a brand looks ---------------------------------------------------------------

-- A brand as everybody sees it.
CREATE FUNCTION ecs_lib.brand_json(b ecs.brands, p_seller ecs.users) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', b.id, 'name', b.name, 'slug', b.slug, 'description', b.description,
        'logo', b.logo, 'status', b.status, 'is_active', b.is_active,
        'seller', json_build_object('id', p_seller.id, 'username', p_seller.username),
        'products_count', b.products_count,
        'created_at', ecs_lib.ts(b.created_at), 'updated_at', ecs_lib.ts(b.updated_at))
$$;

-- A brand as its seller and administrators see it.
CREATE FUNCTION ecs_lib.brand_own_json(b ecs.brands, p_seller ecs.users) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT (left(ecs_lib.brand_json(b, p_seller)::text, -1) || ', '
            || substr(json_build_object('rejection_reason', b.rejection_reason)::text, 2))::json
$$;

-- The answer to a change of a brand.
CREATE FUNCTION ecs_lib.brand_answer(p_brand bigint, p_status integer DEFAULT 200)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_answer ecs.answer;
BEGIN
    SELECT p_status, ecs_lib.brand_own_json(b, s), b.version
        INTO v_answer.status, v_answer.body, v_answer.version
        FROM ecs.brands b JOIN ecs.users s ON s.id = b.seller_id WHERE b.id = p_brand;
    IF p_status = 201 THEN
        v_answer.location := format('/api/product/brands/%s/', p_brand);
    END IF;
    v_answer.replayed := false;
    RETURN v_answer;
END $$;

-- The brands a seller shows, by name.
CREATE FUNCTION ecs_lib.seller_brands_json(p_seller bigint) RETURNS json
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT coalesce(json_agg(json_build_object('id', id, 'name', name,
                       'slug', slug, 'logo', logo) ORDER BY lower(name)), '[]')
            FROM ecs.brands WHERE seller_id = p_seller AND is_public);
END $$;

-- Who may have and use one ----------------------------------------------------------

-- Refuses a seller who is not verified and has too few points.
CREATE FUNCTION ecs_lib.enough_points(p_me ecs.caller) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_required CONSTANT integer := (ecs_lib.settings()).brand_min_points;
    v_points   integer;
BEGIN
    SELECT points INTO v_points FROM ecs.users
        WHERE id = p_me.id AND NOT is_verified_seller AND points < v_required;
    IF FOUND THEN
        PERFORM ecs_lib.refuse('not_enough_points',
            format('Brands are for sellers with %s points; you have %s.', v_required, v_points),
            json_build_object('points', v_points, 'required', v_required));
    END IF;
END $$;

-- Refuses a brand that the caller may not put on a product, and keeps one that
-- they may as it is until the end of the transaction. p_instead is the brand
-- that the product has. NULL is no brand, which anybody may have.
-- Locks: both brands. Raises not_enough_points, invalid brand.
CREATE FUNCTION ecs_lib.hold_brand(p_me ecs.caller, p_brand bigint,
                                   p_instead bigint DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    b ecs.brands;
BEGIN
    IF p_brand IS NULL THEN
        RETURN;
    END IF;
    PERFORM ecs_lib.enough_points(p_me);
    PERFORM 1 FROM ecs.brands WHERE id IN (p_brand, p_instead) AND seller_id = p_me.id
        ORDER BY id FOR NO KEY UPDATE;
    SELECT * INTO b FROM ecs.brands WHERE id = p_brand AND seller_id = p_me.id;
    IF b.id IS NULL THEN
        PERFORM ecs_lib.invalid_pk('brand', p_brand);
    END IF;
    IF NOT b.is_public THEN
        PERFORM ecs_lib.invalid('brand', 'The brand has to be approved and active.');
    END IF;
END $$;

-- PATCH /api/product/products/{product_id}/assign-brand/. Its seller. The brand
-- has been approved, so it stands on the product at once, in place of one that
-- waits in a change. Locks: the product, the brands.
-- Raises not_found, stale, wrong_state, not_enough_points, invalid brand.
CREATE FUNCTION ecs_api.products_assign_brand(p_me ecs.caller, p_product_id bigint,
                                              p_changes jsonb)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_brand CONSTANT bigint := (p_changes ->> 'brand')::bigint;
    p       ecs.products;
BEGIN
    p := ecs_lib.own_product(p_me, p_product_id);
    PERFORM ecs_lib.hold_brand(p_me, v_brand, p.brand_id);
    UPDATE ecs.products
        SET brand_id = v_brand, pending_change = nullif(pending_change - 'brand', '{}')
        WHERE id = p.id AND (brand_id IS DISTINCT FROM v_brand OR pending_change ? 'brand');
    RETURN ecs_lib.product_answer(p.id);
END $$;

-- Finding brands ----------------------------------------------------------------------

-- GET /api/product/brands/. Anyone: what is seen, by name.
CREATE FUNCTION ecs_api.brands_list(p_me ecs.caller, p_search text, p_seller bigint,
    p_page integer, p_page_size integer, p_cursor text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_end    CONSTANT bigint := ecs_lib.skip(p_page, p_page_size) + p_page_size;
    v_rows   json;
    v_next   text;
    v_total  bigint;
BEGIN
    SELECT json_agg(ecs_lib.brand_json(x.b, s) ORDER BY x.n) FILTER (WHERE x.n <= v_end),
           CASE WHEN count(*) > p_page_size THEN
               max(lower((x.b).name)) FILTER (WHERE x.n = v_end) END
        INTO v_rows, v_next
        FROM (SELECT b, row_number() OVER (ORDER BY lower(b.name)) AS n
              FROM ecs.brands b
              WHERE b.is_public AND (p_seller IS NULL OR b.seller_id = p_seller)
                AND (p_search IS NULL OR position(lower(p_search) IN lower(b.name)) > 0)
                AND (p_cursor IS NULL OR lower(b.name) > p_cursor)
              ORDER BY lower(b.name) LIMIT p_page_size + 1 OFFSET v_end - p_page_size) x
        JOIN ecs.users s ON s.id = (x.b).seller_id;
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.brands b
            WHERE b.is_public AND (p_seller IS NULL OR b.seller_id = p_seller)
              AND (p_search IS NULL OR position(lower(p_search) IN lower(b.name)) > 0);
    END IF;
    RETURN ecs_lib.page(v_rows, v_total, v_next);
END $$;

-- GET /api/product/brands/{id}/. Anyone when it is seen; its seller and
-- administrators always, and they see more of it. Raises not_found.
CREATE FUNCTION ecs_api.brands_get(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_body    json;
    v_version bigint;
BEGIN
    SELECT CASE WHEN b.seller_id = p_me.id OR ecs_lib.is_admin(p_me)
                THEN ecs_lib.brand_own_json(b, s) ELSE ecs_lib.brand_json(b, s) END, b.version
        INTO v_body, v_version
        FROM ecs.brands b JOIN ecs.users s ON s.id = b.seller_id
        WHERE b.id = p_id
          AND (b.is_public OR b.seller_id = p_me.id OR ecs_lib.is_admin(p_me));
    IF v_body IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    RETURN ecs_lib.ok(v_body, v_version);
END $$;

-- GET /api/product/brands/{id}/products/. Anyone: approved products of a brand
-- that is seen, newest first. Raises not_found.
CREATE FUNCTION ecs_api.brands_products(p_me ecs.caller, p_id bigint,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    b     ecs.brands;
    v_ids bigint[];
BEGIN
    SELECT * INTO b FROM ecs.brands WHERE id = p_id AND is_public;
    IF b.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    v_ids := ARRAY(
        SELECT id FROM ecs.products
        WHERE brand_id = p_id AND status = 'APPROVED' AND (p_cursor IS NULL OR id < p_cursor)
        ORDER BY id DESC LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    RETURN ecs_lib.page(ecs_lib.products_json(v_ids[:p_page_size]),
        CASE WHEN p_page IS NOT NULL THEN b.products_count END,
        ecs_lib.next_key(v_ids, p_page_size));
END $$;

-- Brands as their sellers and administrators see them, in the order of the ids.
CREATE FUNCTION ecs_lib.brands_own_json(p_ids bigint[]) RETURNS json
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT json_agg(ecs_lib.brand_own_json(b, s) ORDER BY x.n)
            FROM unnest(p_ids) WITH ORDINALITY AS x (id, n)
            JOIN ecs.brands b ON b.id = x.id
            JOIN ecs.users s ON s.id = b.seller_id);
END $$;

-- GET /api/product/brands/mine/. Sellers: their brands in every state, newest
-- first.
CREATE FUNCTION ecs_api.brands_mine(p_me ecs.caller, p_status text,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids   bigint[];
    v_total bigint;
BEGIN
    v_ids := ARRAY(
        SELECT id FROM ecs.brands
        WHERE seller_id = p_me.id AND (p_status IS NULL OR status = p_status)
          AND (p_cursor IS NULL OR id < p_cursor)
        ORDER BY id DESC
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.brands
            WHERE seller_id = p_me.id AND (p_status IS NULL OR status = p_status);
    END IF;
    RETURN ecs_lib.page(ecs_lib.brands_own_json(v_ids[:p_page_size]), v_total,
                        ecs_lib.next_key(v_ids, p_page_size));
END $$;

-- A seller's own brands ---------------------------------------------------------------

-- Tells the administrators that a brand waits for them.
CREATE FUNCTION ecs_lib.brand_announce(p_me ecs.caller, b ecs.brands) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.notify(u.id, 'brand_request_submitted',
        format('%s asks for the brand %s.', s.username, b.name), 'brand', b.id)
        FROM ecs.users u, ecs.users s
        WHERE u.role IN ('admin', 'superadmin') AND u.is_active AND s.id = p_me.id;
END $$;

-- Raises 400: the name is taken.
CREATE FUNCTION ecs_lib.brand_name_taken() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.invalid('name', 'brand with this name already exists.');
END $$;

-- POST /api/product/brands/create/. Sellers.
-- Raises not_enough_points, invalid name.
CREATE FUNCTION ecs_api.brands_create(p_me ecs.caller, p_name text, p_description text,
    p_image_name text DEFAULT NULL, p_image_width integer DEFAULT NULL,
    p_image_height integer DEFAULT NULL, p_image_bytes bigint DEFAULT NULL)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    b ecs.brands;
BEGIN
    PERFORM ecs_lib.enough_points(p_me);
    INSERT INTO ecs.brands (seller_id, name, slug, description)
        VALUES (p_me.id, p_name, ecs_lib.slug(p_name), coalesce(p_description, ''))
        ON CONFLICT (lower(name)) DO NOTHING RETURNING * INTO b;
    IF b.id IS NULL THEN
        PERFORM ecs_lib.brand_name_taken();
    END IF;
    IF p_image_name IS NOT NULL THEN
        PERFORM ecs_lib.brand_logo_set(b, ecs_lib.image_add(p_me, p_image_name,
            p_image_width, p_image_height, p_image_bytes));
    END IF;
    PERFORM ecs_lib.brand_announce(p_me, b);
    RETURN ecs_lib.brand_answer(b.id, 201);
END $$;

-- A brand, locked after its products, which show it and are found by it.
-- p_seller: only if it is theirs. Raises not_found.
CREATE FUNCTION ecs_lib.brand_locked(p_id bigint, p_seller bigint DEFAULT NULL)
RETURNS ecs.brands LANGUAGE plpgsql AS $$
DECLARE
    b ecs.brands;
BEGIN
    PERFORM 1 FROM ecs.products
        WHERE brand_id = p_id AND (p_seller IS NULL OR seller_id = p_seller)
        ORDER BY id FOR NO KEY UPDATE;
    SELECT * INTO b FROM ecs.brands
        WHERE id = p_id AND (p_seller IS NULL OR seller_id = p_seller) FOR NO KEY UPDATE;
    IF b.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    RETURN b;
END $$;

-- Writes back what an endpoint may change of a brand. Raises invalid name.
CREATE FUNCTION ecs_lib.brand_save(p_new ecs.brands) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ecs.brands SET name = p_new.name, slug = p_new.slug,
        description = p_new.description, status = p_new.status,
        rejection_reason = p_new.rejection_reason, is_active = p_new.is_active
        WHERE id = p_new.id;
EXCEPTION WHEN unique_violation THEN
    PERFORM ecs_lib.brand_name_taken();
END $$;

-- PATCH /api/product/brands/{id}/. Its seller. Another name or description has
-- to be approved again, and so long the brand is not seen; is_active has not.
-- Locks: the brand. Raises not_found, stale, invalid name.
CREATE FUNCTION ecs_api.brands_update(p_me ecs.caller, p_id bigint, p_changes jsonb)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_old ecs.brands;
    b     ecs.brands;
BEGIN
    v_old := ecs_lib.brand_locked(p_id, p_me.id);
    PERFORM ecs_lib.check_version(p_me, v_old.version);
    b := jsonb_populate_record(v_old, p_changes);
    b.slug := ecs_lib.slug(b.name);
    IF (b.name, b.description) <> (v_old.name, v_old.description)
       OR (v_old.status = 'REJECTED' AND p_changes ?| '{name,description}') THEN
        b.status := 'PENDING';
        b.rejection_reason := NULL;
    END IF;
    IF (b.name, b.description, b.is_active, b.status)
       <> (v_old.name, v_old.description, v_old.is_active, v_old.status) THEN
        PERFORM ecs_lib.brand_save(b);
        IF b.status <> v_old.status THEN
            PERFORM ecs_lib.brand_announce(p_me, b);
        END IF;
    END IF;
    RETURN ecs_lib.brand_answer(p_id);
END $$;

-- DELETE /api/product/brands/{id}/. Its seller, when no product has it or asks
-- for it; archived ones lose it. Locks: its products, the brand.
-- Raises not_found, stale, in_use.
CREATE FUNCTION ecs_api.brands_delete(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    b ecs.brands;
BEGIN
    PERFORM 1 FROM ecs.products WHERE brand_id = p_id AND seller_id = p_me.id
        ORDER BY id FOR NO KEY UPDATE;
    b := ecs_lib.brand_locked(p_id, p_me.id);
    PERFORM ecs_lib.check_version(p_me, b.version);
    IF EXISTS (SELECT FROM ecs.products WHERE brand_id = p_id AND status <> 'ARCHIVED')
       OR EXISTS (SELECT FROM ecs.products WHERE pending_change ? 'brand'
                  AND (pending_change ->> 'brand')::bigint = p_id) THEN
        PERFORM ecs_lib.refuse('in_use', 'Products of yours use the brand.');
    END IF;
    UPDATE ecs.products SET brand_id = NULL WHERE brand_id = p_id;
    DELETE FROM ecs.brands WHERE id = p_id;
    PERFORM ecs_lib.audit(p_me, 'brand.delete', 'brand', p_id,
                          jsonb_build_object('name', b.name));
    RETURN ecs_lib.no_content();
END $$;

-- Approval ------------------------------------------------------------------------------

-- GET /api/product/brands/admin/pending/. Administrators: what waits, oldest
-- first.
CREATE FUNCTION ecs_api.brands_pending(p_me ecs.caller,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids   bigint[];
    v_total bigint;
BEGIN
    v_ids := ARRAY(
        SELECT id FROM ecs.brands
        WHERE status = 'PENDING' AND (p_cursor IS NULL OR id > p_cursor)
        ORDER BY id
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.brands WHERE status = 'PENDING';
    END IF;
    RETURN ecs_lib.page(ecs_lib.brands_own_json(v_ids[:p_page_size]), v_total,
                        ecs_lib.next_key(v_ids, p_page_size));
END $$;

-- Decides about a brand that waits. Locks: the brand.
-- Raises not_found, wrong_state.
CREATE FUNCTION ecs_lib.brand_decide(p_me ecs.caller, p_id bigint, p_status text, p_reason text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    b ecs.brands;
BEGIN
    b := ecs_lib.brand_locked(p_id);
    IF b.status <> 'PENDING' THEN
        PERFORM ecs_lib.wrong_state('The brand does not wait for a decision.', b.status);
    END IF;
    b.status := p_status;
    b.rejection_reason := p_reason;
    PERFORM ecs_lib.brand_save(b);
    IF p_status = 'APPROVED' THEN
        PERFORM ecs_lib.notify(b.seller_id, 'brand_approved',
            format('Your brand %s is approved.', b.name), 'brand', b.id);
    ELSE
        PERFORM ecs_lib.notify(b.seller_id, 'brand_rejected',
            format('Your brand %s was not approved: %s', b.name, p_reason), 'brand', b.id,
            jsonb_build_object('reason', p_reason));
    END IF;
    PERFORM ecs_lib.audit(p_me, CASE p_status WHEN 'APPROVED' THEN 'brand.approve'
        ELSE 'brand.reject' END, 'brand', p_id,
        jsonb_strip_nulls(jsonb_build_object('name', b.name, 'reason', p_reason)));
    RETURN ecs_lib.brand_answer(p_id);
END $$;

-- Callers: administrators. Locks and refusals as above.
CREATE FUNCTION ecs_api.brands_approve(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
BEGIN
    RETURN ecs_lib.brand_decide(p_me, p_id, 'APPROVED', NULL);
END $$;

-- Callers: administrators. Locks and refusals as above.
CREATE FUNCTION ecs_api.brands_reject(p_me ecs.caller, p_id bigint, p_reason text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
BEGIN
    RETURN ecs_lib.brand_decide(p_me, p_id, 'REJECTED', p_reason);
END $$;
