-- Platform: is the shop ready, its business numbers, and the audit log.

-- GET /api/ready/. Anyone. p_schema: the newest migration that the module
-- needs. A database that is ahead of it is fine, migrations only add.
-- Raises service_unavailable.
CREATE FUNCTION ecs_api.platform_ready(p_me ecs.caller, p_schema integer)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_schema integer;
BEGIN
    SELECT max(number) INTO v_schema FROM ecs.migrations;
    IF v_schema IS NULL OR v_schema < p_schema THEN
        PERFORM ecs_lib.refuse('service_unavailable', format('The database has '
            'schema %s and %s is needed: run ecsctl migrate.',
            coalesce(v_schema, 0), p_schema), json_build_object('schema_version',
            coalesce(v_schema, 0)));
    END IF;
    RETURN ecs_lib.ok(json_build_object('status', 'ok', 'schema_version', v_schema));
END $$;

-- Settings --------------------------------------------------------------------

-- The points a rank begins with.
CREATE FUNCTION ecs_lib.ranks_json(s ecs.settings) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object('STARTER', 0, 'SILVER', s.rank_silver_points,
                             'GOLD', s.rank_gold_points)
$$;

-- The rank that so many points give.
CREATE FUNCTION ecs_lib.rank_of(p_points integer, s ecs.settings) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_points >= s.rank_gold_points THEN 'GOLD'
                WHEN p_points >= s.rank_silver_points THEN 'SILVER'
                ELSE 'STARTER' END
$$;

-- Everything that can be changed stands under the name it is changed by;
-- `ranks` shows the ranks once more, as a table.
CREATE FUNCTION ecs_lib.settings_json(s ecs.settings) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'platform_fee_percent', s.platform_fee_percent::text,
        'complete_after_days', s.complete_after_days,
        'return_window_days', s.return_window_days,
        'max_active_deliveries', s.max_active_deliveries,
        'points_per_10', s.points_per_10,
        'brand_min_points', s.brand_min_points,
        'verified_at_points', s.verified_at_points,
        'rank_silver_points', s.rank_silver_points,
        'rank_gold_points', s.rank_gold_points,
        'ranks', ecs_lib.ranks_json(s),
        'bid_soft_close_seconds', s.bid_soft_close_seconds,
        'bid_soft_close_cap_minutes', s.bid_soft_close_cap_minutes,
        'bid_increments', (
            SELECT coalesce(json_agg(json_build_object('from', step -> 0, 'increment', step -> 1)),
                            '[]')
            FROM jsonb_array_elements(s.bid_increments) step),
        'low_stock_at', s.low_stock_at,
        'cancel_fee_percent', s.cancel_fee_percent::text,
        'proof_ttl_hours', s.proof_ttl_hours,
        'proof_max_attempts', s.proof_max_attempts,
        'currency', s.currency,
        'updated_at', ecs_lib.ts(s.updated_at))
$$;

-- GET /api/settings/. Admins.
CREATE FUNCTION ecs_api.platform_settings(p_me ecs.caller)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_settings ecs.settings := ecs_lib.settings();
BEGIN
    RETURN ecs_lib.ok(ecs_lib.settings_json(v_settings), v_settings.version);
END $$;

-- The table of increments as ecs.settings has it, by the price it begins at:
-- [["0.00", "0.50"], ["50.00", "1.00"]]. Raises EC400.
CREATE FUNCTION ecs_lib.settings_increments(p_steps jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    v_steps jsonb;
    v_from  numeric[];
BEGIN
    SELECT coalesce(jsonb_agg(jsonb_build_array(step -> 'from', step -> 'increment')
                              ORDER BY (step ->> 'from')::numeric), '[]'),
           array_agg((step ->> 'from')::numeric ORDER BY (step ->> 'from')::numeric)
        INTO v_steps, v_from FROM jsonb_array_elements(p_steps) step;
    IF v_from[1] > 0 THEN
        PERFORM ecs_lib.invalid('bid_increments', 'One step has to begin at 0.00.');
    END IF;
    IF cardinality(v_from) > (SELECT count(DISTINCT f) FROM unnest(v_from) f) THEN
        PERFORM ecs_lib.invalid('bid_increments', 'Two steps begin at the same price.');
    END IF;
    RETURN v_steps;
END $$;

-- What the bounds of single fields cannot say, as errors of fields that were
-- sent. Raises EC400.
CREATE FUNCTION ecs_lib.settings_check(p ecs.settings, p_changes jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_field text;
BEGIN
    FOREACH v_field IN ARRAY ARRAY['platform_fee_percent', 'cancel_fee_percent'] LOOP
        IF scale(trim_scale((p_changes ->> v_field)::numeric)) > 2 THEN
            PERFORM ecs_lib.invalid(v_field,
                'Ensure that there are no more than 2 decimal places.');
        END IF;
    END LOOP;
    IF p.currency !~ '^[A-Z]{3}$' THEN
        PERFORM ecs_lib.invalid('currency',
            'Enter a currency code of ISO 4217: three capital letters.');
    END IF;
    IF p.return_window_days > p.complete_after_days THEN
        IF p_changes ? 'return_window_days' THEN
            PERFORM ecs_lib.invalid('return_window_days', format('Ensure this value is '
                'not greater than complete_after_days (%s).', p.complete_after_days));
        END IF;
        PERFORM ecs_lib.invalid('complete_after_days', format('Ensure this value is '
            'not less than return_window_days (%s).', p.return_window_days));
    END IF;
    IF p.rank_silver_points > p.rank_gold_points THEN
        IF p_changes ? 'rank_silver_points' THEN
            PERFORM ecs_lib.invalid('rank_silver_points', format('Ensure this value is '
                'not greater than rank_gold_points (%s).', p.rank_gold_points));
        END IF;
        PERFORM ecs_lib.invalid('rank_gold_points', format('Ensure this value is '
            'not less than rank_silver_points (%s).', p.rank_silver_points));
    END IF;
END $$;

-- PATCH /api/settings/. Superadmin. Holds for what happens from now on: orders
-- keep the fee and the dates they were made with. Ranks follow at once.
-- Locks: the one row of settings, then users by id.
-- Raises stale, EC400 on single fields.
CREATE FUNCTION ecs_api.platform_settings_update(p_me ecs.caller, p_changes jsonb)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_old ecs.settings;
    v_new ecs.settings;
    v_was jsonb;
    v_is  jsonb;
BEGIN
    SELECT * INTO v_old FROM ecs.settings FOR NO KEY UPDATE;
    PERFORM ecs_lib.check_version(p_me, v_old.version);
    v_new := jsonb_populate_record(v_old, p_changes);
    IF p_changes ? 'bid_increments' THEN
        v_new.bid_increments := ecs_lib.settings_increments(p_changes -> 'bid_increments');
    END IF;
    PERFORM ecs_lib.settings_check(v_new, p_changes);
    SELECT jsonb_object_agg(o.key, o.value), jsonb_object_agg(o.key, n.value)
        INTO v_was, v_is
        FROM jsonb_each(to_jsonb(v_old)) o JOIN jsonb_each(to_jsonb(v_new)) n USING (key)
        WHERE p_changes ? o.key AND o.value <> n.value;
    IF v_is IS NOT NULL THEN
        UPDATE ecs.settings SET
            platform_fee_percent = v_new.platform_fee_percent,
            complete_after_days = v_new.complete_after_days,
            return_window_days = v_new.return_window_days,
            max_active_deliveries = v_new.max_active_deliveries,
            points_per_10 = v_new.points_per_10,
            brand_min_points = v_new.brand_min_points,
            verified_at_points = v_new.verified_at_points,
            rank_silver_points = v_new.rank_silver_points,
            rank_gold_points = v_new.rank_gold_points,
            bid_soft_close_seconds = v_new.bid_soft_close_seconds,
            bid_soft_close_cap_minutes = v_new.bid_soft_close_cap_minutes,
            bid_increments = v_new.bid_increments,
            low_stock_at = v_new.low_stock_at,
            cancel_fee_percent = v_new.cancel_fee_percent,
            proof_ttl_hours = v_new.proof_ttl_hours,
            proof_max_attempts = v_new.proof_max_attempts,
            currency = v_new.currency
            RETURNING * INTO v_new;
        WITH moved AS (
            SELECT id FROM ecs.users WHERE rank <> ecs_lib.rank_of(points, v_new)
            ORDER BY id FOR NO KEY UPDATE)
        UPDATE ecs.users u SET rank = ecs_lib.rank_of(u.points, v_new)
            FROM moved WHERE u.id = moved.id;
        PERFORM ecs_lib.audit(p_me, 'settings_changed', 'settings', NULL,
                              jsonb_build_object('old', v_was, 'new', v_is));
    END IF;
    RETURN ecs_lib.ok(ecs_lib.settings_json(v_new), v_new.version);
END $$;

-- The audit log ---------------------------------------------------------------

-- GET /api/audit/. Superadmin. Newest first.
CREATE FUNCTION ecs_api.platform_audit_list(p_me ecs.caller, p_actor bigint, p_action text,
    p_object_type text, p_object_id bigint, p_after timestamptz, p_before timestamptz,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_end   constant bigint := ecs_lib.skip(p_page, p_page_size) + p_page_size;
    v_rows  json;
    v_total bigint;
    v_last  bigint;
    v_more  boolean;
BEGIN
    SELECT json_agg(json_build_object(
               'id', a.id, 'at', ecs_lib.ts(a.at),
               'actor', CASE WHEN u.id IS NOT NULL THEN
                   json_build_object('id', u.id, 'username', u.username) END,
               'actor_role', a.actor_role, 'address', host(a.address),
               'request_id', a.request_id, 'action', a.action,
               'object_type', a.object_type, 'object_id', a.object_id,
               'details', a.details) ORDER BY a.id DESC) FILTER (WHERE a.n <= v_end),
           min(a.id) FILTER (WHERE a.n <= v_end), count(*) > p_page_size
        INTO v_rows, v_last, v_more
        FROM (SELECT *, row_number() OVER (ORDER BY id DESC) AS n FROM ecs.audit_log
              WHERE (p_actor IS NULL OR actor_id = p_actor)
                AND (p_action IS NULL OR action = p_action)
                AND (p_object_type IS NULL OR object_type = p_object_type)
                AND (p_object_id IS NULL OR object_id = p_object_id)
                AND (p_after IS NULL OR at >= p_after)
                AND (p_before IS NULL OR at < p_before)
                AND (p_cursor IS NULL OR id < p_cursor)
              ORDER BY id DESC
              LIMIT p_page_size + 1 OFFSET v_end - p_page_size) a
        LEFT JOIN ecs.users u ON u.id = a.actor_id;
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.audit_log
            WHERE (p_actor IS NULL OR actor_id = p_actor)
              AND (p_action IS NULL OR action = p_action)
              AND (p_object_type IS NULL OR object_type = p_object_type)
              AND (p_object_id IS NULL OR object_id = p_object_id)
              AND (p_after IS NULL OR at >= p_after)
              AND (p_before IS NULL OR at < p_before);
    END IF;
    RETURN ecs_lib.page(v_rows, v_total, CASE WHEN v_more THEN v_last::text END);
END $$;
