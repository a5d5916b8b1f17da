-- Moderation: what sellers propose, and what they would change of products that
-- are on sale, waits for an administrator. A change waits in the product's
-- pending_change while the approved version is sold.
--
-- Locks as in 20_catalog.sql: the tree of categories, products by id, brands by
-- id, categories by id, users.

-- What waits for a decision, oldest first: new products, and changes of
-- approved ones. Callers: administrators.
CREATE FUNCTION ecs_api.products_pending(p_me ecs.caller,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids   bigint[];
    v_total bigint;
BEGIN
    v_ids := ARRAY(
        SELECT id FROM ecs.products
        WHERE (status = 'PENDING' OR pending_change IS NOT NULL)
          AND (p_cursor IS NULL OR id > p_cursor)
        ORDER BY id
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.products
            WHERE status = 'PENDING' OR pending_change IS NOT NULL;
    END IF;
    RETURN ecs_lib.page(ecs_lib.products_json(v_ids[:p_page_size], p_own => true), v_total,
        ecs_lib.next_key(v_ids, p_page_size));
END $$;

-- Changes of approved products alone, oldest first. Callers: administrators.
CREATE FUNCTION ecs_api.products_changes(p_me ecs.caller,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids   bigint[];
    v_total bigint;
BEGIN
    v_ids := ARRAY(
        SELECT id FROM ecs.products
        WHERE (status = 'PENDING' OR pending_change IS NOT NULL) -- as the index has it
          AND pending_change IS NOT NULL AND (p_cursor IS NULL OR id > p_cursor)
        ORDER BY id
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.products
            WHERE (status = 'PENDING' OR pending_change IS NOT NULL)
              AND pending_change IS NOT NULL;
    END IF;
    RETURN ecs_lib.page(ecs_lib.products_json(v_ids[:p_page_size], p_own => true), v_total,
        ecs_lib.next_key(v_ids, p_page_size));
END $$;

-- Puts a product, or the change of one, on sale. Locks: its categories, its
-- seller. Raises wrong_state.
CREATE FUNCTION ecs_lib.product_approve(p_me ecs.caller, p_product ecs.products)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_change CONSTANT jsonb := p_product.pending_change;
    p        ecs.products := p_product;
BEGIN
    IF p.status <> 'PENDING' AND v_change IS NULL THEN
        PERFORM ecs_lib.wrong_state('Nothing of this product waits for a decision.', p.status);
    END IF;
    p := ecs_lib.product_changed(p, v_change);
    p.status := 'APPROVED';
    p.pending_change := NULL;
    p.rejection_reason := NULL;
    PERFORM ecs_lib.product_save(p);
    PERFORM ecs_lib.notify(p.seller_id, 'product_approved',
        format(CASE WHEN v_change IS NULL THEN '%s is on sale now.'
                    ELSE 'Your change of %s is approved.' END, p.name), 'product', p.id);
    PERFORM ecs_lib.audit(p_me, 'product.approve', 'product', p.id, v_change);
    RETURN ecs_lib.product_answer(p.id);
END $$;

-- Refuses a product, or the change of one that stays as it was approved.
-- Raises wrong_state.
CREATE FUNCTION ecs_lib.product_reject(p_me ecs.caller, p_product ecs.products, p_reason text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_change CONSTANT jsonb := p_product.pending_change;
    p        ecs.products := p_product;
BEGIN
    IF p.status <> 'PENDING' AND v_change IS NULL THEN
        PERFORM ecs_lib.wrong_state('Nothing of this product waits for a decision.', p.status);
    END IF;
    p.pending_change := NULL;
    p.rejection_reason := p_reason;
    p.status := CASE p.status WHEN 'PENDING' THEN 'REJECTED' ELSE p.status END;
    PERFORM ecs_lib.product_save(p);
    PERFORM ecs_lib.notify(p.seller_id, 'product_rejected',
        format(CASE WHEN v_change IS NULL THEN '%s was not approved: %s'
                    ELSE 'Your change of %s was not approved: %s' END, p.name, p_reason),
        'product', p.id, jsonb_build_object('reason', p_reason));
    PERFORM ecs_lib.audit(p_me, 'product.reject', 'product', p.id,
        jsonb_build_object('reason', p_reason, 'change', v_change));
    RETURN ecs_lib.product_answer(p.id);
END $$;

-- A product to decide about, locked after the tree; p_changed: only if it has a
-- change that waits. Raises not_found.
CREATE FUNCTION ecs_lib.product_to_decide(p_id bigint, p_changed boolean) RETURNS ecs.products
LANGUAGE plpgsql AS $$
DECLARE
    p ecs.products;
BEGIN
    PERFORM ecs.lock_category_tree(false);
    SELECT * INTO p FROM ecs.products
        WHERE id = p_id AND (pending_change IS NOT NULL OR NOT p_changed)
        FOR NO KEY UPDATE;
    IF p.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    RETURN p;
END $$;

-- Callers: administrators. Locks: the tree, the product, its categories, its
-- seller.
-- Raises not_found, wrong_state.
CREATE FUNCTION ecs_api.products_approve(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
BEGIN
    RETURN ecs_lib.product_approve(p_me, ecs_lib.product_to_decide(p_id, false));
END $$;

-- Callers: administrators. Locks: the tree, the product.
-- Raises not_found, wrong_state.
CREATE FUNCTION ecs_api.products_reject(p_me ecs.caller, p_id bigint, p_reason text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
BEGIN
    RETURN ecs_lib.product_reject(p_me, ecs_lib.product_to_decide(p_id, false), p_reason);
END $$;

-- The same for changes only; a product has one at a time, and it has the
-- product's id. Callers: administrators. Locks: as above. Raises not_found.
CREATE FUNCTION ecs_api.products_change_approve(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
BEGIN
    RETURN ecs_lib.product_approve(p_me, ecs_lib.product_to_decide(p_id, true));
END $$;

-- Callers: administrators. Locks: as above. Raises not_found.
CREATE FUNCTION ecs_api.products_change_reject(p_me ecs.caller, p_id bigint, p_reason text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
BEGIN
    RETURN ecs_lib.product_reject(p_me, ecs_lib.product_to_decide(p_id, true), p_reason);
END $$;
