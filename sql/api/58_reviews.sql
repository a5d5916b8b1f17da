-- Reviews: what buyers say about what they got, what sellers answer, and what
-- administrators hide. A review that is hidden counts nowhere and is seen by its
-- author and administrators only.
--
-- Locks, in this order in every function: the product, the order, the review,
-- the seller. The counters of product and seller change by the triggers of
-- ecs.reviews.

-- How a review looks ------------------------------------------------------------------

-- A review as everybody sees it.
CREATE FUNCTION ecs_lib.review_json(r ecs.reviews, p ecs.products, p_author ecs.users)
RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', r.id,
        'product', json_build_object('id', p.id, 'name', p.name),
        'author', json_build_object('id', p_author.id, 'username', p_author.username),
        'rating', r.rating, 'title', r.title, 'comment', r.comment,
        'reply', CASE WHEN r.reply IS NOT NULL THEN json_build_object(
            'text', r.reply, 'at', ecs_lib.ts(r.replied_at)) END,
        'created_at', ecs_lib.ts(r.created_at),
        'edited_at', ecs_lib.ts(r.edited_at))
$$;

-- A review as its author and administrators see it.
CREATE FUNCTION ecs_lib.review_own_json(r ecs.reviews, p ecs.products, p_author ecs.users,
    i ecs.order_items)
RETURNS json LANGUAGE sql STABLE AS $$
    SELECT (left(ecs_lib.review_json(r, p, p_author)::text, -1) || ', '
            || substr(json_build_object('order', i.order_id, 'order_item', i.id,
                                        'is_hidden', r.is_hidden,
                                        'hidden_reason', r.hidden_reason)::text, 2))::json
$$;

-- Reviews in the order of their ids in the array.
CREATE FUNCTION ecs_lib.reviews_json(p_ids bigint[], p_own boolean) RETURNS json
LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
    IF p_own THEN
        RETURN (SELECT json_agg(ecs_lib.review_own_json(r, p, a, i) ORDER BY x.n)
                FROM unnest(p_ids) WITH ORDINALITY AS x (id, n)
                JOIN ecs.reviews r ON r.id = x.id
                JOIN ecs.products p ON p.id = r.product_id
                JOIN ecs.users a ON a.id = r.author_id
                JOIN ecs.order_items i ON i.id = r.order_item_id);
    END IF;
    RETURN (SELECT json_agg(ecs_lib.review_json(r, p, a) ORDER BY x.n)
            FROM unnest(p_ids) WITH ORDINALITY AS x (id, n)
            JOIN ecs.reviews r ON r.id = x.id
            JOIN ecs.products p ON p.id = r.product_id
            JOIN ecs.users a ON a.id = r.author_id);
END $$;

-- A page of them. p_ids: what the page has, and one more when there is another.
CREATE FUNCTION ecs_lib.reviews_page(p_ids bigint[], p_page_size integer, p_total bigint,
                                     p_own boolean)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.page(ecs_lib.reviews_json(p_ids[:p_page_size], p_own), p_total,
        ecs_lib.next_key(p_ids, p_page_size));
END $$;

-- The same of a list that may be long: it is counted up to c_counted, and pages
-- go as far.
CREATE FUNCTION ecs_lib.reviews_long_page(p_ids bigint[], p_page_size integer, p_total bigint,
                                          p_own boolean)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    c_counted CONSTANT integer := 10000;
    v_answer  ecs.answer;
BEGIN
    v_answer := ecs_lib.reviews_page(p_ids, p_page_size, least(p_total, c_counted), p_own);
    IF p_total IS NOT NULL THEN
        v_answer.extra := json_build_object('count_is_exact', p_total <= c_counted);
    END IF;
    RETURN v_answer;
END $$;

-- The answer to a change of a review.
CREATE FUNCTION ecs_lib.review_answer(r ecs.reviews, p_own boolean) RETURNS ecs.answer
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.ok(ecs_lib.reviews_json(ARRAY[r.id], p_own) -> 0, r.version);
END $$;

-- The stars of a product.
CREATE FUNCTION ecs_lib.ratings_json(p_ratings integer[]) RETURNS json
LANGUAGE sql IMMUTABLE AS $$
    SELECT json_build_object(
        'average', ecs.ratings_average(p_ratings)::numeric(3, 2),
        'count', ecs.ratings_sum(p_ratings),
        'stars', json_build_object('1', p_ratings[1], '2', p_ratings[2], '3', p_ratings[3],
                                   '4', p_ratings[4], '5', p_ratings[5]))
$$;

-- Reading -----------------------------------------------------------------------------

-- GET /api/reviews/. Anyone: the reviews of a product that the caller may see,
-- with its stars. The count is one of those, nothing is counted here. A cursor
-- is the rating and id of the last review of the page before.
-- Raises invalid product.
CREATE FUNCTION ecs_api.reviews_list(p_me ecs.caller, p_product bigint, p_rating integer,
    p_ordering text, p_page integer, p_page_size integer, p_cursor text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_order CONSTANT text := CASE WHEN p_ordering LIKE '-%' THEN 'DESC' ELSE 'ASC' END;
    v_is    CONSTANT text := CASE WHEN p_ordering LIKE '-%' THEN '<' ELSE '>' END;
    v_key   json := p_cursor::json;
    v_ids   bigint[];
    p       ecs.products;
BEGIN
    SELECT * INTO p FROM ecs.products
        WHERE id = p_product AND (status = 'APPROVED' OR seller_id = p_me.id
                                  OR ecs_lib.is_admin(p_me));
    IF p.id IS NULL THEN
        PERFORM ecs_lib.invalid_pk('product', p_product);
    END IF;
    EXECUTE format('SELECT array_agg(x.id) FROM (
            SELECT id FROM ecs.reviews
            WHERE product_id = $1 AND NOT is_hidden AND ($2 IS NULL OR rating = $2)
              AND ($3 IS NULL OR ' || CASE ltrim(p_ordering, '-')
                  WHEN 'rating' THEN '(rating, id) %1$s ($3, $4)) ORDER BY rating %2$s, id %2$s'
                  ELSE 'id %1$s $4) ORDER BY id %2$s' END || ' LIMIT $5 OFFSET $6) x',
            v_is, v_order)
        INTO v_ids
        USING p_product, p_rating, (v_key ->> 0)::integer, (v_key ->> 1)::bigint,
              p_page_size + 1, ecs_lib.skip(p_page, p_page_size);
    RETURN ecs_lib.page(ecs_lib.reviews_json(v_ids[:p_page_size], false),
        CASE WHEN p_page IS NULL THEN NULL
             WHEN p_rating IS NULL THEN p.ratings_count ELSE p.ratings[p_rating] END,
        CASE WHEN cardinality(v_ids) > p_page_size THEN (
            SELECT json_build_array(rating, id)::text FROM ecs.reviews
            WHERE id = v_ids[p_page_size]) END,
        json_build_object('summary', ecs_lib.ratings_json(p.ratings)));
END $$;

-- GET /api/reviews/mine/. Buyers: what they wrote, newest first.
CREATE FUNCTION ecs_api.reviews_mine(p_me ecs.caller,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids   bigint[];
    v_total bigint;
BEGIN
    v_ids := ARRAY(
        SELECT id FROM ecs.reviews
        WHERE author_id = p_me.id AND (p_cursor IS NULL OR id < p_cursor)
        ORDER BY id DESC LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.reviews WHERE author_id = p_me.id;
    END IF;
    RETURN ecs_lib.reviews_page(v_ids, p_page_size, v_total, true);
END $$;

-- GET /api/reviews/received/. Sellers: what buyers wrote about their products,
-- newest first; p_replied false: what waits for a reply.
CREATE FUNCTION ecs_api.reviews_received(p_me ecs.caller, p_product bigint, p_rating integer,
    p_replied boolean, p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids   bigint[];
    v_total bigint;
BEGIN
    v_ids := ARRAY(
        SELECT id FROM ecs.reviews
        WHERE seller_id = p_me.id AND NOT is_hidden
          AND (p_product IS NULL OR product_id = p_product)
          AND (p_rating IS NULL OR rating = p_rating)
          AND (p_replied IS NULL OR (reply IS NOT NULL) = p_replied)
          AND (p_cursor IS NULL OR id < p_cursor)
        ORDER BY id DESC LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM (
            SELECT FROM ecs.reviews
            WHERE seller_id = p_me.id AND NOT is_hidden
              AND (p_product IS NULL OR product_id = p_product)
              AND (p_rating IS NULL OR rating = p_rating)
              AND (p_replied IS NULL OR (reply IS NOT NULL) = p_replied)
            LIMIT 10001) x;
    END IF;
    RETURN ecs_lib.reviews_long_page(v_ids, p_page_size, v_total, false);
END $$;

-- GET /api/reviews/admin/. Administrators: all reviews, newest first.
CREATE FUNCTION ecs_api.reviews_admin(p_me ecs.caller, p_product bigint, p_author bigint,
    p_rating integer, p_is_hidden boolean, p_page integer, p_page_size integer,
    p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids   bigint[];
    v_total bigint;
BEGIN
    v_ids := ARRAY(
        SELECT id FROM ecs.reviews
        WHERE (p_product IS NULL OR product_id = p_product)
          AND (p_author IS NULL OR author_id = p_author)
          AND (p_rating IS NULL OR rating = p_rating)
          AND (p_is_hidden IS NULL OR is_hidden = p_is_hidden)
          AND (p_cursor IS NULL OR id < p_cursor)
        ORDER BY id DESC LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM (
            SELECT FROM ecs.reviews
            WHERE (p_product IS NULL OR product_id = p_product)
              AND (p_author IS NULL OR author_id = p_author)
              AND (p_rating IS NULL OR rating = p_rating)
              AND (p_is_hidden IS NULL OR is_hidden = p_is_hidden)
            LIMIT 10001) x;
    END IF;
    RETURN ecs_lib.reviews_long_page(v_ids, p_page_size, v_total, true);
END $$;

-- GET /api/reviews/{id}/. Anyone; a hidden one its author and administrators.
-- Raises not_found.
CREATE FUNCTION ecs_api.reviews_get(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_own boolean;
    r     ecs.reviews;
BEGIN
    SELECT * INTO r FROM ecs.reviews WHERE id = p_id;
    v_own := coalesce(r.author_id = p_me.id OR ecs_lib.is_admin(p_me), false);
    IF r.id IS NULL OR (r.is_hidden AND NOT v_own) THEN
        PERFORM ecs_lib.not_found();
    END IF;
    RETURN ecs_lib.review_answer(r, v_own);
END $$;

-- The author's side ---------------------------------------------------------------------

-- POST /api/reviews/. Buyers, of a line of an own order that has arrived, once.
-- Locks: the product, the order against changes of its state, the seller.
-- Raises invalid order_item, wrong_state, duplicate.
CREATE FUNCTION ecs_api.reviews_create(p_me ecs.caller, p_order_item bigint, p_rating integer,
    p_title text, p_comment text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_status text;
    v_name   text;
    i        ecs.order_items;
    r        ecs.reviews;
BEGIN
    SELECT x.* INTO i FROM ecs.order_items x JOIN ecs.orders o ON o.id = x.order_id
        WHERE x.id = p_order_item AND o.buyer_id = p_me.id;
    IF i.id IS NULL THEN
        PERFORM ecs_lib.invalid_pk('order_item', p_order_item);
    END IF;
    SELECT name INTO v_name FROM ecs.products WHERE id = i.product_id FOR NO KEY UPDATE;
    SELECT status INTO v_status FROM ecs.orders WHERE id = i.order_id FOR SHARE;
    IF v_status NOT IN ('DELIVERED', 'COMPLETED') THEN
        PERFORM ecs_lib.wrong_state('Only what was delivered can be reviewed.', v_status);
    END IF;
    INSERT INTO ecs.reviews (order_item_id, product_id, seller_id, author_id, rating, title,
                             comment)
        VALUES (i.id, i.product_id, i.seller_id, p_me.id, p_rating, coalesce(p_title, ''),
                coalesce(p_comment, ''))
        ON CONFLICT (order_item_id) DO NOTHING RETURNING * INTO r;
    IF r.id IS NULL THEN
        PERFORM ecs_lib.refuse('duplicate', 'You have reviewed this already.',
            json_build_object('review', (SELECT id FROM ecs.reviews
                                         WHERE order_item_id = i.id)));
    END IF;
    PERFORM ecs_lib.notify(r.seller_id, 'review_received',
        format('%s of 5 stars for %s.', r.rating, v_name), 'review', r.id,
        jsonb_build_object('product', r.product_id, 'rating', r.rating));
    RETURN ecs_lib.created(format('/api/reviews/%s/', r.id),
                           ecs_lib.reviews_json(ARRAY[r.id], true) -> 0, r.version);
END $$;

-- A review, locked after its product. p_author, p_seller: only if it is theirs.
-- Raises not_found.
CREATE FUNCTION ecs_lib.review_locked(p_id bigint, p_author bigint, p_seller bigint)
RETURNS ecs.reviews LANGUAGE plpgsql AS $$
DECLARE
    r ecs.reviews;
BEGIN
    PERFORM 1 FROM ecs.products WHERE id = (
            SELECT product_id FROM ecs.reviews
            WHERE id = p_id AND (p_author IS NULL OR author_id = p_author)
              AND (p_seller IS NULL OR (seller_id = p_seller AND NOT is_hidden)))
        FOR NO KEY UPDATE;
    IF FOUND THEN
        SELECT * INTO r FROM ecs.reviews
            WHERE id = p_id AND (p_seller IS NULL OR NOT is_hidden) FOR UPDATE;
    END IF;
    IF r.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    RETURN r;
END $$;

-- PATCH /api/reviews/{id}/. Its author, also while it is hidden, and it stays
-- so. Locks: the product, the review, the seller. Raises not_found, stale.
CREATE FUNCTION ecs_api.reviews_update(p_me ecs.caller, p_id bigint, p_changes jsonb)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_old ecs.reviews;
    r     ecs.reviews;
BEGIN
    v_old := ecs_lib.review_locked(p_id, p_me.id, NULL);
    PERFORM ecs_lib.check_version(p_me, v_old.version);
    r := jsonb_populate_record(v_old, p_changes);
    IF (r.rating, r.title, r.comment) <> (v_old.rating, v_old.title, v_old.comment) THEN
        UPDATE ecs.reviews SET rating = r.rating, title = r.title, comment = r.comment,
            edited_at = ecs.now() WHERE id = p_id RETURNING * INTO r;
    END IF;
    RETURN ecs_lib.review_answer(r, true);
END $$;

-- DELETE /api/reviews/{id}/. Its author; one that was hidden stays, or it could
-- be written again. Locks: the product, the review, the seller.
-- Raises not_found, stale, wrong_state.
CREATE FUNCTION ecs_api.reviews_delete(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    r ecs.reviews;
BEGIN
    r := ecs_lib.review_locked(p_id, p_me.id, NULL);
    PERFORM ecs_lib.check_version(p_me, r.version);
    IF r.is_hidden THEN
        PERFORM ecs_lib.wrong_state('A review that was hidden can be changed, not deleted.',
                                    'HIDDEN');
    END IF;
    DELETE FROM ecs.reviews WHERE id = p_id;
    RETURN ecs_lib.no_content();
END $$;

-- The seller's reply ------------------------------------------------------------------------

-- POST /api/reviews/{id}/reply/. The product's seller, once; the author hears of
-- it. Locks: the product, the review. Raises not_found, duplicate.
CREATE FUNCTION ecs_api.reviews_reply(p_me ecs.caller, p_id bigint, p_reply text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    r ecs.reviews;
BEGIN
    r := ecs_lib.review_locked(p_id, NULL, p_me.id);
    IF r.reply IS NOT NULL THEN
        PERFORM ecs_lib.refuse('duplicate', 'You have replied already; change the reply.');
    END IF;
    UPDATE ecs.reviews SET reply = p_reply, replied_at = ecs.now() WHERE id = p_id
        RETURNING * INTO r;
    PERFORM ecs_lib.notify(r.author_id, 'review_reply',
        format('%s replied to your review of %s.', s.username, p.name), 'review', r.id,
        jsonb_build_object('product', p.id))
        FROM ecs.users s, ecs.products p WHERE s.id = r.seller_id AND p.id = r.product_id;
    RETURN ecs_lib.review_answer(r, false);
END $$;

-- PATCH /api/reviews/{id}/reply/. The product's seller, when there is a reply.
-- Locks: the product, the review. Raises not_found, stale.
CREATE FUNCTION ecs_api.reviews_change_reply(p_me ecs.caller, p_id bigint, p_changes jsonb)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    r ecs.reviews;
BEGIN
    r := ecs_lib.review_locked(p_id, NULL, p_me.id);
    IF r.reply IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    PERFORM ecs_lib.check_version(p_me, r.version);
    IF r.reply <> p_changes ->> 'reply' THEN
        UPDATE ecs.reviews SET reply = p_changes ->> 'reply', replied_at = ecs.now()
            WHERE id = p_id RETURNING * INTO r;
    END IF;
    RETURN ecs_lib.review_answer(r, false);
END $$;

-- Moderation ------------------------------------------------------------------------------------

-- POST /api/reviews/{id}/hide/. Administrators; the author is told why.
-- Locks: the product, the review, the seller. Raises not_found, wrong_state.
CREATE FUNCTION ecs_api.reviews_hide(p_me ecs.caller, p_id bigint, p_reason text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    r ecs.reviews;
BEGIN
    r := ecs_lib.review_locked(p_id, NULL, NULL);
    IF r.is_hidden THEN
        PERFORM ecs_lib.wrong_state('The review is hidden already.', 'HIDDEN');
    END IF;
    UPDATE ecs.reviews SET hidden_reason = p_reason WHERE id = p_id RETURNING * INTO r;
    PERFORM ecs_lib.notify(r.author_id, 'system_alert',
        format('Your review of %s was hidden: %s', p.name, p_reason), 'review', r.id,
        jsonb_build_object('reason', p_reason))
        FROM ecs.products p WHERE p.id = r.product_id;
    PERFORM ecs_lib.audit(p_me, 'review.hide', 'review', p_id,
                          jsonb_build_object('reason', p_reason));
    RETURN ecs_lib.review_answer(r, true);
END $$;

-- POST /api/reviews/{id}/show/. Administrators: it counts and is seen again.
-- Locks: the product, the review, the seller. Raises not_found, wrong_state.
CREATE FUNCTION ecs_api.reviews_show(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    r ecs.reviews;
BEGIN
    r := ecs_lib.review_locked(p_id, NULL, NULL);
    IF NOT r.is_hidden THEN
        PERFORM ecs_lib.wrong_state('The review is not hidden.', 'VISIBLE');
    END IF;
    PERFORM ecs_lib.audit(p_me, 'review.show', 'review', p_id,
                          jsonb_build_object('reason', r.hidden_reason));
    UPDATE ecs.reviews SET hidden_reason = NULL WHERE id = p_id RETURNING * INTO r;
    RETURN ecs_lib.review_answer(r, true);
END $$;
