-- Jobs: what the shop does when its time has come.
--
-- A job of SQL is a function ecs_lib.job_<name>(p_limit integer) that does at
-- most so many of the things that are due, found by an index and locked FOR NO
-- KEY UPDATE SKIP LOCKED, and answers how many it did. ecs_lib.job_<name>_since(),
-- where there is one, tells since when the oldest of them is due.
-- ecs_api.job_run() runs it; that one statement is the transaction, so a host
-- that dies leaves nothing behind, and the next tick of any host does the work.
--
-- A thing that cannot be done must not hold up the others. Such a function
-- catches its error, tells ecs_lib.job_item_failed(), goes on, and leaves out
-- what ecs_lib.job_item_waits() says.
--
-- A job that works outside of the database asks ecs_api.job_begin() first and
-- tells ecs_api.job_end() what came of it.
--
-- Locks: a job's row is locked by who runs the job, after all else.

-- How often a job that has nothing to do writes that it is alive.
CREATE FUNCTION ecs_lib.job_heartbeat() RETURNS interval LANGUAGE sql IMMUTABLE
AS $$ SELECT interval '5 seconds' $$;

-- A length of time as the module counts it, rounded up.
CREATE FUNCTION ecs_lib.milliseconds(p interval) RETURNS bigint LANGUAGE sql IMMUTABLE
AS $$ SELECT ceil(1000 * extract(epoch FROM p))::bigint $$;

-- Answers for the module: so much was done.
CREATE FUNCTION ecs_lib.job_done(p_done bigint) RETURNS ecs.answer LANGUAGE sql IMMUTABLE
AS $$ SELECT ROW(200, NULL, NULL, NULL, p_done, NULL, NULL, false)::ecs.answer $$;

-- There is nothing to do for so long.
CREATE FUNCTION ecs_lib.job_waits(p interval) RETURNS ecs.answer LANGUAGE sql IMMUTABLE
AS $$ SELECT ROW(204, NULL, NULL, NULL, ecs_lib.milliseconds(p), NULL, NULL,
                 false)::ecs.answer $$;

-- It failed, and is tried again after so long.
CREATE FUNCTION ecs_lib.job_failed(p interval, p_error text) RETURNS ecs.answer
LANGUAGE sql IMMUTABLE
AS $$ SELECT ROW(500, to_json(p_error), NULL, NULL, ecs_lib.milliseconds(p), NULL, NULL,
                 false)::ecs.answer $$;

-- The row of a job, made when the job is met first. The clock may have been set
-- back: what ran in the future is due.
CREATE FUNCTION ecs_lib.job_row(p_job text, p_interval integer, p_now timestamptz)
RETURNS ecs.jobs LANGUAGE plpgsql AS $$
DECLARE
    v_job ecs.jobs;
BEGIN
    SELECT * INTO v_job FROM ecs.jobs WHERE name = p_job;
    IF v_job.name IS NULL THEN
        INSERT INTO ecs.jobs (name, interval_ms, next_run_at)
            VALUES (p_job, p_interval, p_now) ON CONFLICT DO NOTHING;
        SELECT * INTO v_job FROM ecs.jobs WHERE name = p_job;
    END IF;
    IF v_job.last_run_at > p_now THEN
        v_job.last_run_at := NULL;
        v_job.next_run_at := p_now;
        v_job.claimed_until := NULL;
    END IF;
    RETURN v_job;
END $$;

-- Writes down a run that went well. Those that run all the time are due again
-- at once, each host keeps its own time; the others when their interval is over,
-- or at once if there may be more.
CREATE FUNCTION ecs_lib.job_succeeded(p_job text, p_host text, p_interval integer,
    p_now timestamptz, p_ms integer, p_done integer, p_more boolean)
RETURNS void LANGUAGE sql AS $$
    UPDATE ecs.jobs SET
        host = p_host, interval_ms = p_interval, claimed_until = NULL,
        last_run_at = p_now, last_success_at = p_now, last_duration_ms = p_ms,
        last_done = CASE WHEN p_done > 0 THEN p_done ELSE last_done END,
        total_done = total_done + p_done, failures_in_row = 0,
        next_run_at = CASE
            WHEN p_more OR p_interval < ecs_lib.milliseconds(ecs_lib.job_heartbeat()) THEN p_now
            ELSE p_now + p_interval * interval '1 millisecond' END
    WHERE name = p_job
$$;

-- Writes down a run that failed, and answers how long the job rests: a second,
-- then twice as long each time, up to a minute.
CREATE FUNCTION ecs_lib.job_failure(p_job text, p_host text, p_interval integer,
    p_now timestamptz, p_error text)
RETURNS interval LANGUAGE plpgsql AS $$
DECLARE
    v_next timestamptz;
BEGIN
    UPDATE ecs.jobs SET
        host = p_host, interval_ms = p_interval, claimed_until = NULL, last_run_at = p_now,
        last_failed_at = p_now, failures = failures + 1,
        failures_in_row = failures_in_row + 1, last_error = left(p_error, 500),
        next_run_at = p_now + greatest(p_interval * interval '1 millisecond', least(
            interval '1 second' * 2 ^ least(failures_in_row, 10), interval '1 minute'))
    WHERE name = p_job RETURNING next_run_at INTO v_next;
    RETURN v_next - p_now;
END $$;

-- Runs a job of SQL, unless another host is at it this moment or it is not due.
-- For the clock of the module, not for requests.
-- Answers 200 with what was done (total), 204 with the milliseconds until it is
-- worth to ask again, or 500 with the error and the same; nothing is left of the
-- job's work then. What another try may mend is raised.
CREATE FUNCTION ecs_api.job_run(p_job text, p_host text, p_interval integer,
                                p_limit integer)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_now   CONSTANT timestamptz := ecs.now();
    v_start CONSTANT timestamptz := clock_timestamp();
    v_pause CONSTANT interval := p_interval * interval '1 millisecond';
    v_job   ecs.jobs;
    v_done  integer;
    v_error text;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('job:' || p_job, 18)) THEN
        RETURN ecs_lib.job_waits(v_pause);
    END IF;
    v_job := ecs_lib.job_row(p_job, p_interval, v_now);
    IF v_job.next_run_at > v_now THEN
        RETURN ecs_lib.job_waits(v_job.next_run_at - v_now);
    END IF;
    BEGIN
        EXECUTE format('SELECT ecs_lib.%I($1)', 'job_' || p_job) INTO v_done USING p_limit;
    EXCEPTION
        WHEN deadlock_detected OR serialization_failure OR undefined_function
            OR feature_not_supported OR internal_error THEN RAISE;
        WHEN query_canceled OR OTHERS THEN v_error := SQLERRM;
    END;
    IF v_error IS NOT NULL THEN
        RETURN ecs_lib.job_failed(
            ecs_lib.job_failure(p_job, p_host, p_interval, v_now, v_error), v_error);
    END IF;
    IF v_done > 0 OR v_job.failures_in_row > 0
            OR (v_job.last_run_at > v_now - ecs_lib.job_heartbeat()) IS NOT TRUE THEN
        PERFORM ecs_lib.job_succeeded(p_job, p_host, p_interval, v_now,
            ecs_lib.milliseconds(clock_timestamp() - v_start)::integer, v_done,
            v_done >= p_limit);
    END IF;
    RETURN ecs_lib.job_done(v_done);
END $$;

-- Claims a job that works outside of the database for so many seconds; a host
-- that dies meanwhile is followed by another one then. For the clock of the
-- module. Answers 200, or 204 as job_run() does. Locks: the job.
CREATE FUNCTION ecs_api.job_begin(p_job text, p_host text, p_interval integer,
                                  p_seconds integer)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_now CONSTANT timestamptz := ecs.now();
    v_job ecs.jobs;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('job:' || p_job, 18)) THEN
        RETURN ecs_lib.job_waits(interval '1 second');
    END IF;
    v_job := ecs_lib.job_row(p_job, p_interval, v_now);
    IF greatest(v_job.next_run_at, v_job.claimed_until) > v_now THEN
        RETURN ecs_lib.job_waits(greatest(v_job.next_run_at, v_job.claimed_until) - v_now);
    END IF;
    UPDATE ecs.jobs SET host = p_host, last_run_at = v_now,
            claimed_until = v_now + make_interval(secs => p_seconds)
        WHERE name = p_job;
    RETURN ecs_lib.job_done(0);
END $$;

-- Tells what came of it, or of a job_run() that ended without an answer: how
-- much was done, or why nothing. Answers as job_run() does.
CREATE FUNCTION ecs_api.job_end(p_job text, p_host text, p_interval integer,
                                p_ms integer, p_done integer, p_error text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_now CONSTANT timestamptz := ecs.now();
BEGIN
    PERFORM ecs_lib.job_row(p_job, p_interval, v_now);
    IF p_error IS NOT NULL THEN
        RETURN ecs_lib.job_failed(
            ecs_lib.job_failure(p_job, p_host, p_interval, v_now, p_error), p_error);
    END IF;
    PERFORM ecs_lib.job_succeeded(p_job, p_host, p_interval, v_now, p_ms, p_done, false);
    RETURN ecs_lib.job_done(p_done);
END $$;

-- Things that cannot be done ------------------------------------------------------

-- Called by a job, in the handler that caught the error: the thing is set aside
-- for two seconds, then twice as long each time, up to an hour.
CREATE FUNCTION ecs_lib.job_item_failed(p_job text, p_item bigint, p_error text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_now CONSTANT timestamptz := ecs.now();
BEGIN
    INSERT INTO ecs.job_failures AS f (job, item_id, last_error, last_failed_at, retry_at)
        VALUES (p_job, p_item, p_error, v_now, v_now + interval '2 seconds')
        ON CONFLICT (job, item_id) DO UPDATE SET
            failures = f.failures + 1, last_error = p_error, last_failed_at = v_now,
            retry_at = v_now + least(interval '2 seconds' * 2 ^ least(f.failures, 12),
                                     interval '1 hour');
    UPDATE ecs.jobs SET failures = failures + 1, last_failed_at = v_now,
            last_error = left(format('%s: %s', p_item, p_error), 500)
        WHERE name = p_job;
END $$;

-- Is this thing set aside?
CREATE FUNCTION ecs_lib.job_item_waits(p_job text, p_item bigint, p_now timestamptz)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM ecs.job_failures
                   WHERE job = p_job AND item_id = p_item AND retry_at > p_now)
$$;

-- Things set aside by a job of late: what fails all the time is tried each hour.
CREATE FUNCTION ecs_lib.job_items_waiting(p_job text) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT count(*) FROM ecs.job_failures
            WHERE job = p_job AND last_failed_at > ecs.now() - interval '2 hours');
END $$;

-- Cleaning up ---------------------------------------------------------------------
-- Nothing has to be done when a proof of delivery or a block of log-ins runs
-- out: who looks at it compares its time. A proof is its order's for ever.

-- Sessions that have run out, a day after, when no access token of theirs can be
-- alive; first their refresh tokens, of which there may be thousands in one.
CREATE FUNCTION ecs_lib.job_sessions_clean(p_limit integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_ids    bigint[];
    v_tokens integer;
    v_done   integer := 0;
BEGIN
    v_ids := ARRAY(SELECT id FROM ecs.sessions
                   WHERE expires_at <= ecs.now() - interval '1 day'
                   ORDER BY expires_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    DELETE FROM ecs.refresh_tokens WHERE token_hash IN (
        SELECT token_hash FROM ecs.refresh_tokens
        WHERE session_id = ANY (v_ids) LIMIT p_limit);
    GET DIAGNOSTICS v_tokens = ROW_COUNT;
    IF v_tokens < p_limit THEN
        DELETE FROM ecs.sessions WHERE id = ANY (v_ids);
        GET DIAGNOSTICS v_done = ROW_COUNT;
    END IF;
    RETURN greatest(v_tokens, v_done);
END $$;

-- When the oldest session is due.
CREATE FUNCTION ecs_lib.job_sessions_clean_since() RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT min(expires_at) + interval '1 day' FROM ecs.sessions);
END $$;

-- Answers kept for an Idempotency-Key, which are good for a day.
CREATE FUNCTION ecs_lib.job_keys_clean(p_limit integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_done integer;
BEGIN
    DELETE FROM ecs.idempotency_keys WHERE (scope, key) IN (
        SELECT scope, key FROM ecs.idempotency_keys
        WHERE created_at <= ecs.now() - interval '24 hours'
        ORDER BY created_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_done = ROW_COUNT;
    RETURN v_done;
END $$;

-- When the oldest stored answer is due.
CREATE FUNCTION ecs_lib.job_keys_clean_since() RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT min(created_at) + interval '24 hours' FROM ecs.idempotency_keys);
END $$;

-- Counters of failed log-ins that count no more.
CREATE FUNCTION ecs_lib.job_logins_clean(p_limit integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_done integer;
BEGIN
    DELETE FROM ecs.login_failures WHERE subject IN (
        SELECT subject FROM ecs.login_failures
        WHERE last_at <= ecs.now() - interval '1 day'
        ORDER BY last_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_done = ROW_COUNT;
    RETURN v_done;
END $$;

-- When the oldest counter is due.
CREATE FUNCTION ecs_lib.job_logins_clean_since() RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT min(last_at) + interval '1 day' FROM ecs.login_failures);
END $$;

-- What jobs set aside and has not failed for a day; jobs that no host has run
-- for a week.
CREATE FUNCTION ecs_lib.job_jobs_clean(p_limit integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_done integer;
BEGIN
    DELETE FROM ecs.jobs WHERE last_run_at <= ecs.now() - interval '7 days'
        AND name <> 'jobs_clean';
    DELETE FROM ecs.job_failures WHERE (job, item_id) IN (
        SELECT job, item_id FROM ecs.job_failures
        WHERE last_failed_at <= ecs.now() - interval '1 day'
        ORDER BY last_failed_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_done = ROW_COUNT;
    RETURN v_done;
END $$;

-- How it goes ---------------------------------------------------------------------

-- How late the oldest thing is that a job has to do, in milliseconds; NULL for a
-- job that does not tell.
CREATE FUNCTION ecs_lib.job_lag(p_job text, p_now timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_function CONSTANT text := format('ecs_lib.%I()', 'job_' || p_job || '_since');
    v_since    timestamptz;
BEGIN
    IF to_regprocedure(v_function) IS NULL THEN
        RETURN NULL;
    END IF;
    EXECUTE 'SELECT ' || v_function INTO v_since;
    RETURN greatest(coalesce(ecs_lib.milliseconds(p_now - v_since), 0), 0);
END $$;

-- A job is overdue when it has not gone well for half as long again as its
-- interval, and for no less than a few heartbeats.
CREATE FUNCTION ecs_lib.job_json(p ecs.jobs, p_now timestamptz) RETURNS json
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN json_build_object(
        'name', p.name, 'interval_ms', p.interval_ms, 'host', p.host,
        'last_run_at', ecs_lib.ts(p.last_run_at),
        'last_success_at', ecs_lib.ts(p.last_success_at),
        'last_failed_at', ecs_lib.ts(p.last_failed_at),
        'last_duration_ms', p.last_duration_ms,
        'last_done', p.last_done, 'total_done', p.total_done,
        'failures', p.failures, 'last_error', p.last_error,
        'set_aside', ecs_lib.job_items_waiting(p.name),
        'lag_ms', ecs_lib.job_lag(p.name, p_now),
        'is_overdue', (p.last_success_at > p_now - 3 * ecs_lib.job_heartbeat()
                       - p.interval_ms * interval '1.5 milliseconds') IS NOT TRUE);
END $$;

-- GET /api/jobs/. Admins. By name.
CREATE FUNCTION ecs_api.jobs_list(p_me ecs.caller, p_page integer, p_page_size integer,
                                  p_cursor text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_now   CONSTANT timestamptz := ecs.now();
    v_names text[];
    v_total bigint;
BEGIN
    v_names := ARRAY(SELECT name FROM ecs.jobs WHERE p_cursor IS NULL OR name > p_cursor
                     ORDER BY name
                     LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.jobs;
    END IF;
    RETURN ecs_lib.page(
        (SELECT json_agg(ecs_lib.job_json(j, v_now) ORDER BY j.name) FROM ecs.jobs j
         WHERE j.name = ANY (v_names[:p_page_size])),
        v_total,
        CASE WHEN cardinality(v_names) > p_page_size THEN v_names[p_page_size] END,
        json_build_object('checked_at', ecs_lib.ts(v_now)));
END $$;
