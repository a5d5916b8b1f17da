-- Notifications: what happened that concerns the caller. Everything here is
-- the caller's own. Written by ecs_lib.notify_all() (05_notify.sql), read here.
--
-- Unread ones are counted when somebody asks, by the index that has nothing but
-- them: exact for every reader at every moment. A stored count would be a row
-- that all who write to one seller wait for.

-- A notification as its owner sees it.
CREATE FUNCTION ecs_lib.notification_json(n ecs.notifications) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', n.id, 'type', n.type, 'message', n.message, 'is_read', n.is_read,
        'created_at', ecs_lib.ts(n.created_at),
        'content_object', CASE WHEN n.object_id IS NOT NULL THEN
            json_build_object('type', n.object_type, 'id', n.object_id) END,
        'extra_data', n.extra_data)
$$;

-- All types there are; mod_ecs/api/notifications.c lists the same.
CREATE FUNCTION ecs_lib.notification_types() RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT '{order_created, order_claimed, order_shipped, order_delivered, order_completed,
        order_cancelled, order_refunded, seller_payment, seller_new_order, low_stock,
        product_approved, product_rejected, brand_request_submitted, brand_approved,
        brand_rejected, seller_verified, points_penalty, auction_submitted,
        auction_approved, auction_rejected, auction_new_bid, auction_outbid, auction_won,
        auction_lost, auction_sold, auction_unsold, auction_cancelled, auction_offer,
        return_requested, return_inspected, return_approved, return_rejected,
        review_received, review_reply, wishlist_discount, wallet_deposit,
        withdrawal_decided, system_alert}'::text[]
$$;

-- The caller's notifications, newest first, and how many of all are unread.
-- Planned once: no filter makes another plan worth its making.
CREATE FUNCTION ecs_api.notifications_list(p_me ecs.caller, p_is_read boolean, p_type text,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_end    CONSTANT bigint := ecs_lib.skip(p_page, p_page_size) + p_page_size;
    v_rows   json;
    v_last   bigint;
    v_more   boolean;
    v_total  bigint;
    v_unread bigint;
BEGIN
    SELECT json_agg(ecs_lib.notification_json(x.n) ORDER BY (x.n).id DESC)
               FILTER (WHERE x.rank <= v_end),
           min((x.n).id) FILTER (WHERE x.rank <= v_end), count(*) > p_page_size
        INTO v_rows, v_last, v_more
        FROM (SELECT n, row_number() OVER (ORDER BY n.id DESC) AS rank
              FROM ecs.notifications n
              WHERE n.user_id = p_me.id
                AND (p_is_read IS NULL OR n.is_read = p_is_read)
                AND (p_type IS NULL OR n.type = p_type)
                AND (p_cursor IS NULL OR n.id < p_cursor)
              ORDER BY n.id DESC
              LIMIT p_page_size + 1 OFFSET v_end - p_page_size) x;
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.notifications n
            WHERE n.user_id = p_me.id
              AND (p_is_read IS NULL OR n.is_read = p_is_read)
              AND (p_type IS NULL OR n.type = p_type);
    END IF;
    SELECT count(*) INTO v_unread FROM ecs.notifications
        WHERE user_id = p_me.id AND NOT is_read;
    RETURN ecs_lib.page(v_rows, v_total, CASE WHEN v_more THEN v_last::text END,
                        json_build_object('unread_count', v_unread));
END $$;

-- One of the caller's notifications; reading it here marks nothing.
-- Raises not_found.
CREATE FUNCTION ecs_api.notifications_get(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    n ecs.notifications;
BEGIN
    SELECT * INTO n FROM ecs.notifications WHERE id = p_id AND user_id = p_me.id;
    IF n.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    RETURN ecs_lib.ok(ecs_lib.notification_json(n), n.version);
END $$;

-- Marks one of the caller's notifications as read; again is no mistake.
-- Locks: the notification. Raises not_found.
CREATE FUNCTION ecs_api.notifications_read(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    n ecs.notifications;
BEGIN
    UPDATE ecs.notifications
        SET is_read = true, version = version + (NOT is_read)::integer
        WHERE id = p_id AND user_id = p_me.id RETURNING * INTO n;
    IF n.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    RETURN ecs_lib.ok(ecs_lib.notification_json(n), n.version);
END $$;

-- Marks all of the caller's notifications as read. Locks: them, by id.
CREATE FUNCTION ecs_api.notifications_read_all(p_me ecs.caller)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_count bigint;
BEGIN
    PERFORM 1 FROM ecs.notifications WHERE user_id = p_me.id AND NOT is_read
        ORDER BY id FOR NO KEY UPDATE;
    UPDATE ecs.notifications SET is_read = true, version = version + 1
        WHERE user_id = p_me.id AND NOT is_read;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN ecs_lib.ok(json_build_object('updated', v_count, 'unread_count', 0));
END $$;

-- How many the caller has not read. Any signed-in user.
CREATE FUNCTION ecs_api.notifications_unread_count(p_me ecs.caller)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.ok(json_build_object('unread_count', (
        SELECT count(*) FROM ecs.notifications WHERE user_id = p_me.id AND NOT is_read)));
END $$;

-- What the caller wants to hear of, every type; what was never said is wanted.
CREATE FUNCTION ecs_api.notifications_preferences(p_me ecs.caller)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.ok(json_build_object('preferences', (
        SELECT json_agg(json_build_object('type', t.type,
                   'in_app', coalesce(p.in_app, true),
                   'email', coalesce(p.email, true)) ORDER BY t.n)
        FROM unnest(ecs_lib.notification_types()) WITH ORDINALITY AS t (type, n)
        LEFT JOIN ecs.notification_preferences p
            ON p.user_id = p_me.id AND p.type = t.type)));
END $$;

-- Changes what the caller wants to hear of one type. Locks: that preference.
CREATE FUNCTION ecs_api.notifications_set_preference(p_me ecs.caller, p_changes jsonb)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_in_app CONSTANT boolean := (p_changes ->> 'in_app')::boolean;
    v_email  CONSTANT boolean := (p_changes ->> 'email')::boolean;
BEGIN
    INSERT INTO ecs.notification_preferences AS p (user_id, type, in_app, email)
        VALUES (p_me.id, p_changes ->> 'type', coalesce(v_in_app, true),
                coalesce(v_email, true))
        ON CONFLICT (user_id, type) DO UPDATE SET
            in_app = coalesce(v_in_app, p.in_app), email = coalesce(v_email, p.email);
    RETURN ecs_api.notifications_preferences(p_me);
END $$;
