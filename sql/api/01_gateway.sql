-- How a request enters: who calls, and was it called before. The module
-- composes these around the endpoint's function (core/statement.c):
--
--   SELECT * FROM ecs_api.f(p_me => ecs_api.caller(…), …)
--
-- and with an Idempotency-Key, in the same statement and so in the same
-- transaction:
--
--   SELECT e.* FROM ecs_api.request_begin(…) b, LATERAL ecs_api.request_end(
--       b.scope, b.key, b.fingerprint,
--       CASE WHEN b.replayed THEN b.replay
--            ELSE ecs_api.f(p_me => b.me, …) END) e

-- The signed-in caller, or nobody when p_user is NULL. A session that was
-- revoked, an account that was deactivated or has another role than the token
-- says is refused here, on the very next request.
-- Raises session_revoked.
CREATE FUNCTION ecs_api.caller(p_user bigint, p_session bigint, p_role text,
    p_address inet, p_request_id text, p_if_match bigint)
RETURNS ecs.caller LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF p_user IS NOT NULL AND NOT EXISTS (
            SELECT FROM ecs.sessions s JOIN ecs.users u ON u.id = s.user_id
            WHERE s.id = p_session AND s.user_id = p_user
              AND s.revoked_at IS NULL AND u.is_active AND u.role = p_role) THEN
        PERFORM ecs_lib.refuse('session_revoked',
            'This session has ended; sign in again.');
    END IF;
    RETURN ROW(p_user, p_role, p_session, p_address, p_request_id,
               p_if_match)::ecs.caller;
END $$;

-- Is the caller's session alive? For Locations outside the shop that say
-- `Require ecs-role`. Raises session_revoked by way of ecs_api.caller.
CREATE FUNCTION ecs_api.session_check(p_me ecs.caller)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.ok('{}');
END $$;

-- Claims an Idempotency-Key for this transaction. The claim is an advisory
-- lock, so that a second request with the key is refused at once instead of
-- waiting, and a crash leaves nothing behind.
-- Answers the caller, and the stored answer when the key was used before.
-- Raises request_in_progress, idempotency_key_reused.
CREATE FUNCTION ecs_api.request_begin(p_user bigint, p_session bigint, p_role text,
    p_address inet, p_request_id text, p_if_match bigint,
    p_key text, p_fingerprint text,
    OUT me ecs.caller, OUT scope text, OUT key text, OUT fingerprint text,
    OUT replayed boolean, OUT replay ecs.answer)
LANGUAGE plpgsql AS $$
DECLARE
    v_row ecs.idempotency_keys;
BEGIN
    me := ecs_api.caller(p_user, p_session, p_role, p_address, p_request_id, p_if_match);
    scope := coalesce('user:' || p_user, 'address:' || host(p_address));
    key := p_key;
    fingerprint := p_fingerprint;
    replayed := false;
    IF NOT pg_try_advisory_xact_lock(hashtextextended(scope || E'\n' || p_key, 17)) THEN
        PERFORM ecs_lib.refuse('request_in_progress',
            'A request with this Idempotency-Key is still running.');
    END IF;
    -- A replay writes too, so that its commit waits for whatever the first
    -- commit had to wait for (a standby).
    UPDATE ecs.idempotency_keys k SET replays = replays + 1
        WHERE k.scope = request_begin.scope AND k.key = p_key
          AND k.created_at > ecs.now() - interval '24 hours'
        RETURNING * INTO v_row;
    IF v_row.key IS NULL THEN
        RETURN;
    END IF;
    IF v_row.fingerprint <> p_fingerprint THEN
        PERFORM ecs_lib.refuse('idempotency_key_reused',
            'This Idempotency-Key was used for another request; take a new one.');
    END IF;
    replayed := true;
    replay := ROW(v_row.status, v_row.body, v_row.version, v_row.location,
                  NULL, NULL, NULL, true)::ecs.answer;
END $$;

-- Stores the answer under the key, if it had an effect (2xx), and passes it on.
CREATE FUNCTION ecs_api.request_end(p_scope text, p_key text, p_fingerprint text,
                                    p_answer ecs.answer)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
BEGIN
    IF p_answer.status BETWEEN 200 AND 299 AND NOT p_answer.replayed THEN
        INSERT INTO ecs.idempotency_keys AS k
            (scope, key, fingerprint, status, body, version, location)
        VALUES (p_scope, p_key, p_fingerprint, p_answer.status, p_answer.body,
                p_answer.version, p_answer.location)
        ON CONFLICT ON CONSTRAINT idempotency_keys_pkey DO UPDATE SET
            fingerprint = excluded.fingerprint, status = excluded.status,
            body = excluded.body, version = excluded.version,
            location = excluded.location, created_at = ecs.now(), replays = 0;
    END IF;
    RETURN p_answer;
END $$;
