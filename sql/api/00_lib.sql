-- What the functions of all apps share: answers, refusals, wire formats,
-- versions, audit, settings. Schema ecs_lib is replaced together with
-- ecs_api; httpd's role may call nothing in it.

-- Answers -------------------------------------------------------------------

-- An answer 200; p_version of one object becomes its ETag.
CREATE FUNCTION ecs_lib.ok(p_body json, p_version bigint DEFAULT NULL)
RETURNS ecs.answer LANGUAGE sql IMMUTABLE
AS $$ SELECT ROW(200, p_body, p_version, NULL, NULL, NULL, NULL, false)::ecs.answer $$;

-- An answer 201: what was made, and the path it is at.
CREATE FUNCTION ecs_lib.created(p_location text, p_body json, p_version bigint DEFAULT NULL)
RETURNS ecs.answer LANGUAGE sql IMMUTABLE
AS $$ SELECT ROW(201, p_body, p_version, p_location, NULL, NULL, NULL, false)::ecs.answer $$;

-- An answer 204.
CREATE FUNCTION ecs_lib.no_content()
RETURNS ecs.answer LANGUAGE sql IMMUTABLE
AS $$ SELECT ROW(204, NULL, NULL, NULL, NULL, NULL, NULL, false)::ecs.answer $$;

-- A page of a list. p_total: rows in all, NULL in cursor mode. p_next_key: the
-- keyset of the last row when there are more, else NULL.
CREATE FUNCTION ecs_lib.page(p_results json, p_total bigint, p_next_key text,
                             p_extra json DEFAULT NULL)
RETURNS ecs.answer LANGUAGE sql IMMUTABLE
AS $$ SELECT ROW(200, coalesce(p_results, '[]'::json), NULL, NULL, p_total,
                 p_next_key, p_extra, false)::ecs.answer $$;

-- The keyset of a page whose rows have these ids, one id more than fits when
-- there is another page; NULL on the last.
CREATE FUNCTION ecs_lib.next_key(p_ids bigint[], p_page_size integer) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$ SELECT CASE WHEN cardinality(p_ids) > p_page_size THEN p_ids[p_page_size]::text END $$;

-- How many rows a page skips; 0 in cursor mode (p_page NULL).
CREATE FUNCTION ecs_lib.skip(p_page integer, p_page_size integer)
RETURNS bigint LANGUAGE sql IMMUTABLE
AS $$ SELECT coalesce((p_page - 1)::bigint * p_page_size, 0) $$;

-- Refusals ------------------------------------------------------------------

-- Ends the transaction: nothing of it remains. The HTTP status belongs to the
-- code, in core/problem.c.
CREATE FUNCTION ecs_lib.refuse(p_code text, p_message text, p_extra json DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', p_message USING ERRCODE = 'EC000',
        DETAIL = (coalesce(p_extra::jsonb, '{}')
                  || jsonb_build_object('code', p_code))::text;
END $$;

-- A field is wrong in a way only the database can see.
CREATE FUNCTION ecs_lib.invalid(p_field text, p_message text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', p_message USING ERRCODE = 'EC400',
        DETAIL = json_build_object('fields',
            json_build_object(p_field, json_build_array(p_message)))::text;
END $$;

-- Raises 400: a field names an object that is not there, in DRF's words.
CREATE FUNCTION ecs_lib.invalid_pk(p_field text, p_id bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.invalid(p_field,
        format('Invalid pk "%s" - object does not exist.', p_id));
END $$;

-- Missing, or not the caller's to see.
CREATE FUNCTION ecs_lib.not_found() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.refuse('not_found', 'Not found.');
END $$;

-- The object is in a state in which this cannot be done.
CREATE FUNCTION ecs_lib.wrong_state(p_message text, p_status text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.refuse('wrong_state', p_message,
                           json_build_object('state', p_status));
END $$;

-- A refusal whose effect stays (a counted attempt): returned, not raised.
-- The module sees a status of 0 and takes code and sentence from the body.
CREATE FUNCTION ecs_lib.refused(p_code text, p_message text, p_extra json DEFAULT NULL)
RETURNS ecs.answer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN ROW(0, (coalesce(p_extra::jsonb, '{}') || jsonb_build_object(
        'code', p_code, 'detail', p_message))::json,
        NULL, NULL, NULL, NULL, NULL, false)::ecs.answer;
END $$;

-- The same for a field that is wrong, where several requests come in one call.
CREATE FUNCTION ecs_lib.refused_field(p_field text, p_message text)
RETURNS ecs.answer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN ecs_lib.refused('validation_error', p_message, json_build_object('fields',
        json_build_object(p_field, json_build_array(p_message))));
END $$;

-- If-Match: the caller's version must be the one of the locked row.
CREATE FUNCTION ecs_lib.check_version(p_me ecs.caller, p_version bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF p_me.if_match <> p_version THEN
        PERFORM ecs_lib.refuse('stale', 'The object has changed since it was '
            'read; read it again and repeat the change.');
    END IF;
END $$;

-- Wire formats --------------------------------------------------------------

-- A time as RFC 3339 has it, in UTC, with milliseconds.
CREATE FUNCTION ecs_lib.ts(p_time timestamptz) RETURNS text
LANGUAGE sql STABLE
AS $$ SELECT to_char(p_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$;

-- A name as part of an address: letters of a to z, digits and hyphens.
CREATE FUNCTION ecs_lib.slug(p_name text) RETURNS text LANGUAGE sql IMMUTABLE
AS $$ SELECT coalesce(nullif(trim(BOTH '-' FROM left(regexp_replace(
          lower(p_name), '[^a-z0-9]+', '-', 'g'), 80)), ''), 'item') $$;

-- Audit and settings -----------------------------------------------------------

-- Writes into the audit log what the caller did to an object.
CREATE FUNCTION ecs_lib.audit(p_me ecs.caller, p_action text, p_object_type text,
                              p_object_id bigint, p_details jsonb DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ecs.audit_log (actor_id, actor_role, address, request_id,
                               action, object_type, object_id, details)
    VALUES (p_me.id, p_me.role, p_me.address, p_me.request_id,
            p_action, p_object_type, p_object_id, p_details);
END $$;

-- The business numbers.
CREATE FUNCTION ecs_lib.settings() RETURNS ecs.settings LANGUAGE plpgsql STABLE AS $$
DECLARE v ecs.settings;
BEGIN
    SELECT * INTO v FROM ecs.settings;
    RETURN v;
END $$;
