-- The outbox: who delivers takes what is due, for a while, and says what came
-- of it. Admins see what could not be delivered and may try again.
--
-- At least once: a message is done when its delivery was reported. Who took it
-- and does not report in time has lost it to the next one. What is about one
-- object goes to one destination in order: nobody gets a message while an
-- earlier one is pending. Any number of workers on any number of hosts.

-- How often is enough, for whoever is refused or does not answer.
CREATE FUNCTION ecs_lib.outbox_attempts() RETURNS integer LANGUAGE sql IMMUTABLE
AS $$ SELECT 16 $$;

-- How long to wait after so many attempts: 10 s, twice as long each time, at
-- most 4 h; a day and a half in all. A fifth more or less, so that what failed
-- together does not come back together.
CREATE FUNCTION ecs_lib.outbox_pause(p_attempts integer) RETURNS interval
LANGUAGE sql VOLATILE AS $$
    SELECT least(interval '10 seconds' * 2 ^ least(p_attempts - 1, 12), interval '4 hours')
           * (0.8 + 0.4 * random())
$$;

-- What a message is known by outside, the same at every attempt. A webhook's has
-- no dot, because dots part what is signed.
CREATE FUNCTION ecs_lib.outbox_message_id(o ecs.outbox) RETURNS text LANGUAGE sql STABLE
AS $$
    SELECT CASE o.channel WHEN 'webhook' THEN 'msg_' || o.id || '_' ELSE o.id || '.' END
           || (extract(epoch FROM o.created_at) * 1000)::bigint
$$;

-- What is due is taken -------------------------------------------------------------

-- Somebody asked for a new password for an address. Only now is looked whose it
-- is, so that the answer to the request cannot tell. Nobody's: nothing is sent.
CREATE FUNCTION ecs_lib.outbox_take_reset(o ecs.outbox) RETURNS ecs.outbox
LANGUAGE plpgsql AS $$
DECLARE
    v_user ecs.users;
BEGIN
    SELECT * INTO v_user FROM ecs.users
        WHERE lower(email) = lower(o.destination) AND is_active;
    IF v_user.id IS NULL THEN
        DELETE FROM ecs.outbox WHERE id = o.id;
        RETURN NULL;
    END IF;
    INSERT INTO ecs.mail_tokens (token_hash, purpose, user_id, email, expires_at)
        VALUES (o.payload ->> 'token_hash', o.kind, v_user.id, v_user.email, o.expires_at);
    UPDATE ecs.outbox SET user_id = v_user.id, destination = v_user.email
        WHERE id = o.id RETURNING * INTO o;
    RETURN o;
END $$;

-- A type of notification in words: "Order created". Sellers know who they are.
CREATE FUNCTION ecs_lib.outbox_title(p_type text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT upper(left(t, 1)) || substr(t, 2)
    FROM (SELECT replace(regexp_replace(p_type, '^seller_', ''), '_', ' ') AS t) x
$$;

-- What the worker makes a mail of. `words` are for the template; `nonce` is what
-- the token in it is derived from.
CREATE FUNCTION ecs_lib.outbox_mail_json(o ecs.outbox, u ecs.users) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', o.id, 'claim', o.version, 'kind', o.kind, 'type', o.payload ->> 'type',
        'destination', o.destination, 'message_id', ecs_lib.outbox_message_id(o),
        'created', floor(extract(epoch FROM o.created_at))::bigint,
        'nonce', o.payload ->> 'nonce',
        'words', json_build_object(
            'name', coalesce(nullif(btrim(u.first_name || ' ' || u.last_name), ''), u.username),
            'username', u.username, 'email', u.email,
            'message', o.payload ->> 'message', 'type', o.payload ->> 'type',
            'title', ecs_lib.outbox_title(o.payload ->> 'type'),
            'object', o.object_type, 'object_id', o.object_id::text,
            'expires', to_char(o.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')))
$$;

-- Takes up to p_most due messages of a channel for p_lease seconds. For workers,
-- not for requests. What comes too late or was tried often enough is dead.
-- Locks: the messages, those that others hold are left to them. A worker keeps its
-- plan, so that one made of an empty outbox must do for thousands of messages: by
-- the indexes, in their order, and no further than the first that it takes.
CREATE FUNCTION ecs_api.outbox_claim(p_channel text, p_most integer, p_lease integer)
RETURNS ecs.answer LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE
    v_now   CONSTANT timestamptz := ecs.now();
    v_until CONSTANT timestamptz := v_now + make_interval(secs => p_lease);
    v_taken ecs.outbox[];
BEGIN
    UPDATE ecs.outbox_channels SET served_until = clock_timestamp() + interval '7 days'
        WHERE channel = p_channel AND served_until < clock_timestamp() + interval '6 days';
    WITH due AS (
        SELECT o.id, o.endpoint_id IS NOT NULL AND e.is_active IS NOT TRUE AS is_unwanted,
               o.expires_at <= v_now OR o.attempts >= ecs_lib.outbox_attempts()
                   OR o.endpoint_id IS NOT NULL AND e.is_active IS NOT TRUE AS is_over
        FROM ecs.outbox o LEFT JOIN ecs.webhook_endpoints e ON e.id = o.endpoint_id
        WHERE o.status = 'PENDING' AND o.channel = p_channel AND o.next_attempt_at <= v_now
          AND (e.rest_until <= v_now) IS NOT FALSE
          AND (o.object_id IS NULL OR o.id = (
              SELECT min(f.id) FROM ecs.outbox f
              WHERE f.status = 'PENDING' AND f.destination = o.destination
                AND f.object_id = o.object_id AND f.object_type = o.object_type))
        ORDER BY o.next_attempt_at, o.id LIMIT p_most
        FOR NO KEY UPDATE OF o SKIP LOCKED
    ), taken AS (
        UPDATE ecs.outbox o SET version = version + 1,
            status = CASE WHEN d.is_over IS TRUE THEN 'DEAD' ELSE 'PENDING' END,
            attempts = CASE WHEN d.is_over IS TRUE THEN attempts ELSE attempts + 1 END,
            claimed_until = CASE WHEN d.is_over IS TRUE THEN NULL ELSE v_until END,
            next_attempt_at = v_until,
            last_error = CASE WHEN d.is_unwanted THEN 'The endpoint is not active'
                WHEN o.expires_at <= v_now
                    THEN concat_ws('; ', 'It is too late', o.last_error)
                WHEN d.is_over THEN coalesce(o.last_error, 'No attempt came to an end')
                ELSE o.last_error END
        FROM due d WHERE o.id = d.id RETURNING o AS message)
    SELECT array_agg(message ORDER BY (message).id) INTO v_taken
        FROM taken WHERE (message).status = 'PENDING';
    IF v_taken IS NULL THEN
        RETURN ecs_lib.ok('{"messages": []}');
    END IF;
    IF p_channel = 'mail' THEN
        RETURN ecs_lib.ok((
            SELECT json_build_object('messages', coalesce(json_agg(
                       ecs_lib.outbox_mail_json(m, u) ORDER BY (m).id), '[]'))
            FROM (SELECT CASE WHEN (t).user_id IS NULL AND (t).kind = 'password_reset'
                              THEN ecs_lib.outbox_take_reset(t) ELSE t END AS m
                  FROM unnest(v_taken) t OFFSET 0) x
            JOIN ecs.users u ON u.id = (m).user_id));
    END IF;
    RETURN ecs_lib.ok(ecs_lib.webhook_messages(v_taken));
END $$;

-- What came of the messages that were taken: [{id, claim, outcome, error}].
--   sent      it is done
--   refused   it will never be taken: dead
--   failed    perhaps later, unless it was tried often enough
--   returned  it was not tried, nothing of it is counted; later
-- Who has lost a message to another one is not heard. Answers the dead ones.
-- Locks: the messages, by id.
CREATE FUNCTION ecs_api.outbox_report(p_results jsonb)
RETURNS ecs.answer LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_now  CONSTANT timestamptz := ecs.now();
    v_dead json;
BEGIN
    WITH result AS (
        SELECT o.id, r.outcome, left(r.error, 500) AS error, CASE
                   WHEN r.outcome = 'sent' THEN 'SENT'
                   WHEN r.outcome = 'refused' THEN 'DEAD'
                   WHEN r.outcome = 'failed'
                       AND o.attempts >= ecs_lib.outbox_attempts() THEN 'DEAD'
                   ELSE 'PENDING' END AS status
        FROM jsonb_to_recordset(p_results)
            AS r (id bigint, claim bigint, outcome text, error text)
        JOIN ecs.outbox o ON o.id = r.id AND o.version = r.claim
        ORDER BY o.id FOR NO KEY UPDATE OF o
    ), told AS (
        UPDATE ecs.outbox o SET status = r.status, version = version + 1, claimed_until = NULL,
            attempts = attempts - (r.outcome = 'returned')::integer,
            next_attempt_at = v_now + CASE r.outcome WHEN 'returned' THEN interval '3 seconds'
                                      ELSE ecs_lib.outbox_pause(attempts) END,
            last_error = CASE r.outcome WHEN 'sent' THEN NULL
                         ELSE coalesce(r.error, last_error) END,
            sent_at = CASE r.outcome WHEN 'sent' THEN v_now END
        FROM result r WHERE o.id = r.id
        RETURNING o.id, o.kind, o.status, o.last_error)
    SELECT json_agg(json_build_object('id', id, 'kind', kind, 'error', last_error) ORDER BY id)
        INTO v_dead FROM told WHERE status = 'DEAD';
    RETURN ecs_lib.ok(json_build_object('dead', coalesce(v_dead, '[]')));
END $$;

-- What was sent long ago goes, and what nobody tried again; tokens long after
-- their time. Returns how many rows went, at most p_limit.
CREATE FUNCTION ecs_lib.job_outbox_clean(p_limit integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_now     CONSTANT timestamptz := ecs.now();
    v_rows    integer;
    v_tokens  integer;
BEGIN
    DELETE FROM ecs.outbox WHERE id IN (
        SELECT id FROM ecs.outbox
        WHERE status <> 'PENDING' AND created_at < v_now - CASE status
            WHEN 'SENT' THEN interval '30 days' ELSE interval '90 days' END
        ORDER BY id LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    DELETE FROM ecs.mail_tokens WHERE token_hash IN (
        SELECT token_hash FROM ecs.mail_tokens WHERE expires_at < v_now - interval '30 days'
        ORDER BY expires_at LIMIT p_limit - v_rows FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_tokens = ROW_COUNT;
    RETURN v_rows + v_tokens;
END $$;

-- For admins -------------------------------------------------------------------------

-- What admins see of a message: not what it says, which is its receiver's.
CREATE FUNCTION ecs_lib.outbox_json(o ecs.outbox) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', o.id, 'channel', o.channel, 'kind', o.kind,
        'type', o.payload ->> 'type', 'destination', o.destination,
        'user', o.user_id, 'content_object', CASE WHEN o.object_id IS NOT NULL THEN
            json_build_object('type', o.object_type, 'id', o.object_id) END,
        'message_id', ecs_lib.outbox_message_id(o), 'status', o.status, 'attempts', o.attempts,
        'last_error', o.last_error,
        'next_attempt_at', CASE o.status WHEN 'PENDING' THEN ecs_lib.ts(o.next_attempt_at) END,
        'expires_at', ecs_lib.ts(o.expires_at),
        'created_at', ecs_lib.ts(o.created_at), 'sent_at', ecs_lib.ts(o.sent_at))
$$;

-- GET /api/notifications/admin/outbox/. Admins. Newest first.
CREATE FUNCTION ecs_api.outbox_list(p_me ecs.caller, p_status text, p_channel text,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_end   CONSTANT bigint := ecs_lib.skip(p_page, p_page_size) + p_page_size;
    v_rows  json;
    v_last  bigint;
    v_more  boolean;
    v_total bigint;
BEGIN
    SELECT json_agg(ecs_lib.outbox_json(x.o) ORDER BY (x.o).id DESC)
               FILTER (WHERE x.rank <= v_end),
           min((x.o).id) FILTER (WHERE x.rank <= v_end), count(*) > p_page_size
        INTO v_rows, v_last, v_more
        FROM (SELECT o, row_number() OVER (ORDER BY o.id DESC) AS rank
              FROM ecs.outbox o
              WHERE (p_status IS NULL OR o.status = p_status)
                AND (p_channel IS NULL OR o.channel = p_channel)
                AND (p_cursor IS NULL OR o.id < p_cursor)
              ORDER BY o.id DESC
              LIMIT p_page_size + 1 OFFSET v_end - p_page_size) x;
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.outbox o
            WHERE (p_status IS NULL OR o.status = p_status)
              AND (p_channel IS NULL OR o.channel = p_channel);
    END IF;
    RETURN ecs_lib.page(v_rows, v_total, CASE WHEN v_more THEN v_last::text END);
END $$;

-- POST /api/notifications/admin/outbox/{id}/retry/. Admins. A dead message gets
-- all its attempts again, and a day; one whose token has expired does not.
-- Locks: the message. Raises not_found, wrong_state.
CREATE FUNCTION ecs_api.outbox_retry(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    o     ecs.outbox;
    v_now CONSTANT timestamptz := ecs.now();
BEGIN
    SELECT * INTO o FROM ecs.outbox WHERE id = p_id FOR NO KEY UPDATE;
    IF o.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    PERFORM ecs_lib.check_version(p_me, o.version);
    IF o.status <> 'DEAD' THEN
        PERFORM ecs_lib.wrong_state('Only what is dead can be tried again.', o.status);
    END IF;
    IF o.payload ? 'nonce' AND o.expires_at <= v_now THEN
        PERFORM ecs_lib.wrong_state('The token in it has expired.', o.status);
    END IF;
    UPDATE ecs.outbox SET status = 'PENDING', attempts = 0, next_attempt_at = v_now,
        expires_at = CASE WHEN payload ? 'nonce' THEN expires_at
                     ELSE greatest(expires_at, v_now + interval '1 day') END,
        version = version + 1
        WHERE id = p_id RETURNING * INTO o;
    PERFORM ecs_lib.audit(p_me, 'outbox_retry', 'outbox', o.id);
    RETURN ecs_lib.ok(ecs_lib.outbox_json(o), o.version);
END $$;
