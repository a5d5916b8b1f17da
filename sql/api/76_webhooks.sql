-- Webhooks: endpoints are administrators' to set up; what is for them is taken
-- and reported like every message of the outbox (75_outbox.sql), and each attempt
-- is written down.
--
-- Standard Webhooks 1.0: webhook-id is the message's, the same at each attempt;
-- for a day after a change of the secret what is sent bears two signatures.

-- The events there are.
CREATE FUNCTION ecs_lib.webhook_types() RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY['order.created', 'order.processing', 'order.shipped', 'order.delivered',
        'order.completed', 'order.cancelled', 'order.refunded', 'auction.scheduled',
        'auction.active', 'auction.ended', 'auction.cancelled', 'return.requested',
        'return.under_inspection', 'return.approved', 'return.rejected', 'return.cancelled',
        'product.approved', 'product.rejected', 'review.created', 'withdrawal.requested',
        'withdrawal.approved', 'withdrawal.rejected', 'user.registered']
$$;

-- How long the secret of before is signed with, too.
CREATE FUNCTION ecs_lib.webhook_overlap() RETURNS interval LANGUAGE sql IMMUTABLE
AS $$ SELECT interval '24 hours' $$;

-- The words of a filter, each once. Raises EC400 on events.
CREATE FUNCTION ecs_lib.webhook_filter(p_events text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    c_known  CONSTANT text[] := ecs_lib.webhook_types();
    v_events text[];
    v_word   text;
BEGIN
    SELECT array_agg(w ORDER BY n) INTO v_events
        FROM (SELECT w, min(n) AS n
              FROM regexp_split_to_table(btrim(p_events), '[\s,]+')
                  WITH ORDINALITY AS s (w, n) WHERE w <> '' GROUP BY w) x;
    IF v_events IS NULL THEN
        PERFORM ecs_lib.invalid('events', 'This field may not be blank.');
    END IF;
    FOREACH v_word IN ARRAY v_events LOOP
        IF v_word <> '*' AND v_word <> ALL (c_known)
                AND v_word <> ALL (SELECT split_part(t, '.', 1) || '.*'
                                   FROM unnest(c_known) t) THEN
            PERFORM ecs_lib.invalid('events', format(
                'There is no event "%s". There are %s; order.* is all of an order, * is all.',
                v_word, array_to_string(c_known, ', ')));
        END IF;
    END LOOP;
    RETURN v_events;
END $$;

-- Delivering ---------------------------------------------------------------------------

-- What the worker sends, for messages that it has taken.
CREATE FUNCTION ecs_lib.webhook_messages(p_taken ecs.outbox[]) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object('messages', coalesce(json_agg(json_build_object(
               'id', o.id, 'claim', o.version, 'kind', o.kind, 'endpoint', e.id,
               'url', e.url, 'message_id', ecs_lib.outbox_message_id(o),
               'timestamp', ecs_lib.ts(o.created_at), 'data', o.payload -> 'data',
               'nonce', e.nonce, 'previous_nonce',
               CASE WHEN e.previous_until > ecs.now() THEN e.previous_nonce END)
           ORDER BY o.id), '[]'))
    FROM unnest(p_taken) o JOIN ecs.webhook_endpoints e ON e.id = o.endpoint_id
$$;

-- How long an endpoint is left alone that did not answer, or said that it has
-- no time: 2 s, twice as long each time, at most 5 min.
CREATE FUNCTION ecs_lib.webhook_rest(p_failures integer) RETURNS interval
LANGUAGE sql IMMUTABLE AS $$
    SELECT least(interval '2 seconds' * 2 ^ least(p_failures - 1, 10), interval '5 minutes')
$$;

-- What came of the messages that were taken, as ecs_api.outbox_report takes it,
-- with status_code, duration_ms and answer of those that were tried. An endpoint
-- that says 410 wants nothing any more; one that has taken nothing for five days
-- is given up. What is for them dies.
-- Locks: the endpoints by id, the messages by id.
CREATE FUNCTION ecs_api.webhook_report(p_results jsonb)
RETURNS ecs.answer LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_now CONSTANT timestamptz := ecs.now();
BEGIN
    PERFORM FROM ecs.webhook_endpoints WHERE id IN (
            SELECT (r ->> 'endpoint')::bigint FROM jsonb_array_elements(p_results) r
            WHERE r ? 'duration_ms')
        ORDER BY id FOR NO KEY UPDATE;
    WITH attempt AS (
        INSERT INTO ecs.webhook_attempts (outbox_id, claim, endpoint_id, at, status_code,
                                          duration_ms, error, answer)
        SELECT r.id, r.claim, r.endpoint, v_now, r.status_code, r.duration_ms,
               left(r.error, 500), r.answer
        FROM ROWS FROM (jsonb_to_recordset(p_results)
                 AS (id bigint, claim bigint, endpoint bigint, status_code integer,
                     duration_ms integer, error text, answer text))
             WITH ORDINALITY AS r (id, claim, endpoint, status_code, duration_ms, error,
                                   answer, place)
        JOIN ecs.outbox o ON o.id = r.id
        WHERE r.duration_ms IS NOT NULL ORDER BY r.place
        ON CONFLICT (outbox_id, claim) DO NOTHING
        RETURNING id, endpoint_id, status_code, error
    ), news AS (
        -- what came after the last success, and whether there was one
        SELECT endpoint_id, bool_or(error IS NULL) AS had_success,
               count(*) FILTER (WHERE id > last_success)::integer AS failures,
               bool_or(id > last_success
                       AND (status_code IS NULL OR status_code IN (408, 425, 429)
                            OR status_code >= 500)) AS is_away,
               bool_or(status_code = 410) AS is_gone
        FROM (SELECT *, coalesce(max(id) FILTER (WHERE error IS NULL)
                                 OVER (PARTITION BY endpoint_id), 0) AS last_success
              FROM attempt) a GROUP BY endpoint_id
    ), health AS (
        SELECT n.*, n.failures + CASE WHEN n.had_success THEN 0 ELSE e.failures_in_row END
                   AS in_row,
               CASE WHEN n.had_success OR e.failing_since IS NULL THEN v_now
                    ELSE e.failing_since END AS since
        FROM news n JOIN ecs.webhook_endpoints e ON e.id = n.endpoint_id
    ), verdict AS (
        SELECT *, CASE
                   WHEN is_gone THEN 'It answered 410: it wants nothing any more.'
                   WHEN in_row >= 10 AND since < v_now - interval '5 days'
                       THEN 'It has taken nothing for five days.' END AS reason
        FROM health
    ), healthy AS (
        UPDATE ecs.webhook_endpoints e SET
            failures_in_row = v.in_row,
            failing_since = CASE WHEN v.in_row > 0 THEN v.since END,
            rest_until = CASE WHEN v.is_away THEN v_now + ecs_lib.webhook_rest(v.in_row) END,
            last_success_at = CASE WHEN v.had_success THEN v_now ELSE e.last_success_at END
        FROM verdict v WHERE e.id = v.endpoint_id AND v.reason IS NULL)
    UPDATE ecs.webhook_endpoints e SET
        failures_in_row = greatest(v.in_row, 1), failing_since = v.since, rest_until = NULL,
        is_active = false,
        disabled_reason = CASE WHEN e.is_active THEN v.reason ELSE e.disabled_reason END
        FROM verdict v WHERE e.id = v.endpoint_id AND v.reason IS NOT NULL;
    RETURN ecs_api.outbox_report(p_results);
END $$;

-- Endpoints ------------------------------------------------------------------------------

-- An endpoint as administrators see it; its secret is never shown again.
CREATE FUNCTION ecs_lib.webhook_json(e ecs.webhook_endpoints) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', e.id, 'url', e.url, 'description', e.description,
        'events', array_to_string(e.events, ' '), 'is_active', e.is_active,
        'disabled_reason', e.disabled_reason, 'failures_in_row', e.failures_in_row,
        'failing_since', ecs_lib.ts(e.failing_since),
        'last_success_at', ecs_lib.ts(e.last_success_at),
        'previous_secret_until', CASE WHEN e.previous_until > ecs.now()
            THEN ecs_lib.ts(e.previous_until) END,
        'created_at', ecs_lib.ts(e.created_at), 'updated_at', ecs_lib.ts(e.updated_at))
$$;

-- The endpoint, locked. Raises not_found, stale.
CREATE FUNCTION ecs_lib.webhook_lock(p_me ecs.caller, p_id bigint)
RETURNS ecs.webhook_endpoints LANGUAGE plpgsql AS $$
DECLARE
    e ecs.webhook_endpoints;
BEGIN
    SELECT * INTO e FROM ecs.webhook_endpoints WHERE id = p_id FOR UPDATE;
    IF e.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    PERFORM ecs_lib.check_version(p_me, e.version);
    RETURN e;
END $$;

-- GET /api/webhooks/. Admins. Newest first.
CREATE FUNCTION ecs_api.webhooks_list(p_me ecs.caller, p_page integer, p_page_size integer,
                                      p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids   bigint[];
    v_total bigint;
BEGIN
    v_ids := ARRAY(
        SELECT id FROM ecs.webhook_endpoints WHERE p_cursor IS NULL OR id < p_cursor
        ORDER BY id DESC LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.webhook_endpoints;
    END IF;
    RETURN ecs_lib.page(
        (SELECT json_agg(ecs_lib.webhook_json(e) ORDER BY e.id DESC)
         FROM ecs.webhook_endpoints e WHERE e.id = ANY (v_ids[:p_page_size])),
        v_total,
        ecs_lib.next_key(v_ids, p_page_size));
END $$;

-- POST /api/webhooks/. Admins. Raises EC400 on events.
CREATE FUNCTION ecs_api.webhooks_create(p_me ecs.caller, p_url text, p_description text,
                                        p_events text, p_nonce text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    e ecs.webhook_endpoints;
BEGIN
    INSERT INTO ecs.webhook_endpoints (url, description, events, nonce)
        VALUES (p_url, coalesce(p_description, ''), ecs_lib.webhook_filter(p_events), p_nonce)
        RETURNING * INTO e;
    PERFORM ecs_lib.audit(p_me, 'webhook_create', 'webhook', e.id,
        jsonb_build_object('url', e.url, 'events', array_to_string(e.events, ' ')));
    RETURN ecs_lib.created('/api/webhooks/' || e.id || '/', ecs_lib.webhook_json(e), e.version);
END $$;

-- GET /api/webhooks/{id}/. Admins. Raises not_found.
CREATE FUNCTION ecs_api.webhooks_get(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    e ecs.webhook_endpoints;
BEGIN
    SELECT * INTO e FROM ecs.webhook_endpoints WHERE id = p_id;
    IF e.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    RETURN ecs_lib.ok(ecs_lib.webhook_json(e), e.version);
END $$;

-- PATCH /api/webhooks/{id}/. Admins. Who is made active begins anew.
-- Locks: the endpoint. Raises not_found, stale, EC400 on events.
CREATE FUNCTION ecs_api.webhooks_update(p_me ecs.caller, p_id bigint, p_changes jsonb)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    e ecs.webhook_endpoints := ecs_lib.webhook_lock(p_me, p_id);
BEGIN
    e := jsonb_populate_record(e, p_changes - 'events');
    IF p_changes ? 'events' THEN
        e.events := ecs_lib.webhook_filter(p_changes ->> 'events');
    END IF;
    IF (p_changes ->> 'is_active')::boolean THEN
        e.disabled_reason := NULL;
        e.failures_in_row := 0;
        e.failing_since := NULL;
        e.rest_until := NULL;
    END IF;
    UPDATE ecs.webhook_endpoints SET url = e.url, description = e.description,
        events = e.events, is_active = e.is_active, disabled_reason = e.disabled_reason,
        failures_in_row = e.failures_in_row, failing_since = e.failing_since,
        rest_until = e.rest_until
        WHERE id = p_id RETURNING * INTO e;
    PERFORM ecs_lib.audit(p_me, 'webhook_update', 'webhook', e.id, p_changes);
    RETURN ecs_lib.ok(ecs_lib.webhook_json(e), e.version);
END $$;

-- DELETE /api/webhooks/{id}/. Admins. What was or is to be sent to it goes, too.
-- Locks: the endpoint, its messages. Raises not_found, stale.
CREATE FUNCTION ecs_api.webhooks_delete(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    e ecs.webhook_endpoints := ecs_lib.webhook_lock(p_me, p_id);
BEGIN
    DELETE FROM ecs.outbox WHERE channel = 'webhook' AND endpoint_id = p_id;
    DELETE FROM ecs.webhook_endpoints WHERE id = p_id;
    PERFORM ecs_lib.audit(p_me, 'webhook_delete', 'webhook', p_id,
                          jsonb_build_object('url', e.url));
    RETURN ecs_lib.no_content();
END $$;

-- POST /api/webhooks/{id}/rotate/. Admins. The secret of before is signed with,
-- too, for a day; the one before that at once no more.
-- Locks: the endpoint. Raises not_found, stale.
CREATE FUNCTION ecs_api.webhooks_rotate(p_me ecs.caller, p_id bigint, p_nonce text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    e ecs.webhook_endpoints := ecs_lib.webhook_lock(p_me, p_id);
BEGIN
    UPDATE ecs.webhook_endpoints SET nonce = p_nonce, previous_nonce = e.nonce,
        previous_until = ecs.now() + ecs_lib.webhook_overlap()
        WHERE id = p_id RETURNING * INTO e;
    PERFORM ecs_lib.audit(p_me, 'webhook_rotate', 'webhook', p_id);
    RETURN ecs_lib.ok(ecs_lib.webhook_json(e), e.version);
END $$;

-- What is sent to endpoints ----------------------------------------------------------------

-- An event on its way to an endpoint.
CREATE FUNCTION ecs_lib.webhook_event_json(o ecs.outbox) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', o.id, 'webhook_id', ecs_lib.outbox_message_id(o), 'endpoint', o.endpoint_id,
        'type', o.kind, 'data', o.payload -> 'data',
        'status', o.status, 'attempts', o.attempts, 'last_error', o.last_error,
        'next_attempt_at', CASE o.status WHEN 'PENDING' THEN ecs_lib.ts(o.next_attempt_at) END,
        'created_at', ecs_lib.ts(o.created_at), 'sent_at', ecs_lib.ts(o.sent_at))
$$;

-- GET /api/webhooks/events/. Admins. Newest first.
CREATE FUNCTION ecs_api.webhooks_events(p_me ecs.caller, p_endpoint bigint, p_status text,
    p_type text, p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids   bigint[];
    v_total bigint;
BEGIN
    v_ids := ARRAY(
        SELECT id FROM ecs.outbox
        WHERE channel = 'webhook' AND (p_cursor IS NULL OR id < p_cursor)
          AND (p_endpoint IS NULL OR endpoint_id = p_endpoint)
          AND (p_status IS NULL OR status = p_status) AND (p_type IS NULL OR kind = p_type)
        ORDER BY id DESC LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.outbox
            WHERE channel = 'webhook'
              AND (p_endpoint IS NULL OR endpoint_id = p_endpoint)
              AND (p_status IS NULL OR status = p_status)
              AND (p_type IS NULL OR kind = p_type);
    END IF;
    RETURN ecs_lib.page(
        (SELECT json_agg(ecs_lib.webhook_event_json(o) ORDER BY o.id DESC)
         FROM ecs.outbox o WHERE o.id = ANY (v_ids[:p_page_size])),
        v_total,
        ecs_lib.next_key(v_ids, p_page_size));
END $$;

-- Can anything be sent to it? Raises wrong_state.
CREATE FUNCTION ecs_lib.webhook_check(p_is_active boolean) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF p_is_active IS NOT TRUE THEN
        PERFORM ecs_lib.wrong_state('The endpoint is not active.', 'INACTIVE');
    END IF;
    IF NOT (SELECT served_until > clock_timestamp() FROM ecs.outbox_channels
            WHERE channel = 'webhook') THEN
        PERFORM ecs_lib.wrong_state('No host of the shop delivers webhooks.', 'NOT_SERVED');
    END IF;
END $$;

-- POST /api/webhooks/{id}/test/. Admins. Sends a ping, whatever the filter is.
-- Locks: the endpoint. Raises not_found, stale, wrong_state.
CREATE FUNCTION ecs_api.webhooks_test(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    e ecs.webhook_endpoints := ecs_lib.webhook_lock(p_me, p_id);
    o ecs.outbox;
BEGIN
    PERFORM ecs_lib.webhook_check(e.is_active);
    INSERT INTO ecs.outbox (channel, kind, destination, endpoint_id, payload, expires_at)
        VALUES ('webhook', 'ping', '/api/webhooks/' || p_id || '/', p_id,
                jsonb_build_object('data', jsonb_build_object('endpoint', p_id)),
                ecs.now() + interval '1 hour')
        RETURNING * INTO o;
    PERFORM ecs_lib.audit(p_me, 'webhook_test', 'webhook', p_id);
    RETURN ROW(202, ecs_lib.webhook_event_json(o), NULL, NULL, NULL, NULL, NULL,
               false)::ecs.answer;
END $$;

-- POST /api/webhooks/events/{id}/replay/. Admins. Sent or dead, it is sent again
-- under its id, with all its attempts.
-- Locks: the message. Raises not_found, stale, wrong_state.
CREATE FUNCTION ecs_api.webhooks_replay(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    o ecs.outbox;
BEGIN
    SELECT * INTO o FROM ecs.outbox WHERE id = p_id AND channel = 'webhook'
        FOR NO KEY UPDATE;
    IF o.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    PERFORM ecs_lib.check_version(p_me, o.version);
    IF o.status = 'PENDING' THEN
        PERFORM ecs_lib.wrong_state('It is still to be delivered.', o.status);
    END IF;
    PERFORM ecs_lib.webhook_check((SELECT is_active FROM ecs.webhook_endpoints
                                   WHERE id = o.endpoint_id));
    UPDATE ecs.outbox SET status = 'PENDING', attempts = 0, sent_at = NULL, last_error = NULL,
        next_attempt_at = ecs.now(), expires_at = ecs.now() + interval '7 days',
        version = version + 1
        WHERE id = p_id RETURNING * INTO o;
    PERFORM ecs_lib.audit(p_me, 'webhook_replay', 'outbox', p_id);
    RETURN ROW(202, ecs_lib.webhook_event_json(o), NULL, NULL, NULL, NULL, NULL,
               false)::ecs.answer;
END $$;

-- GET /api/webhooks/{id}/attempts/. Admins. Newest first. Raises not_found.
CREATE FUNCTION ecs_api.webhooks_attempts(p_me ecs.caller, p_id bigint, p_page integer,
                                          p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids   bigint[];
    v_total bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM ecs.webhook_endpoints WHERE id = p_id) THEN
        PERFORM ecs_lib.not_found();
    END IF;
    v_ids := ARRAY(
        SELECT id FROM ecs.webhook_attempts
        WHERE endpoint_id = p_id AND (p_cursor IS NULL OR id < p_cursor)
        ORDER BY id DESC LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.webhook_attempts WHERE endpoint_id = p_id;
    END IF;
    RETURN ecs_lib.page(
        (SELECT json_agg(json_build_object('id', a.id, 'event', a.outbox_id,
             'webhook_id', ecs_lib.outbox_message_id(o), 'type', o.kind,
             'at', ecs_lib.ts(a.at), 'status_code', a.status_code,
             'duration_ms', a.duration_ms, 'error', a.error, 'answer', a.answer)
             ORDER BY a.id DESC)
         FROM ecs.webhook_attempts a JOIN ecs.outbox o ON o.id = a.outbox_id
         WHERE a.id = ANY (v_ids[:p_page_size])),
        v_total,
        ecs_lib.next_key(v_ids, p_page_size));
END $$;
