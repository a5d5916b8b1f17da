-- Jobs: who may run, what is written down, what is set aside, what is cleaned.
BEGIN;
\ir support.psql
SELECT plan(75);

SELECT ecs_test.person('ada', 'admin') AS ada \gset
SELECT ecs_test.person('eve', 'user') AS eve \gset
DELETE FROM ecs.jobs;

-- A job of the test: does what stands in a table, one row a thing.
CREATE TABLE ecs_test.work (id bigint PRIMARY KEY, due_at timestamptz NOT NULL,
                            cannot text, done_at timestamptz);
CREATE TABLE ecs_test.mood (error text, state text);
INSERT INTO ecs_test.mood VALUES (NULL, 'P0001');
CREATE FUNCTION ecs_lib.job_test(p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_now   CONSTANT timestamptz := ecs.now();
    v_done  integer := 0;
    v_error text := (SELECT error FROM ecs_test.mood);
    w       ecs_test.work;
BEGIN
    FOR w IN SELECT * FROM ecs_test.work
        WHERE due_at <= v_now AND done_at IS NULL
          AND NOT ecs_lib.job_item_waits('test', id, v_now)
        ORDER BY due_at LIMIT p_limit
    LOOP
        BEGIN
            UPDATE ecs_test.work SET done_at = v_now WHERE id = w.id;
            IF w.cannot IS NOT NULL THEN
                RAISE EXCEPTION '%', w.cannot;
            END IF;
            v_done := v_done + 1;
        EXCEPTION WHEN OTHERS THEN
            PERFORM ecs_lib.job_item_failed('test', w.id, SQLERRM);
        END;
    END LOOP;
    IF v_error IS NOT NULL THEN
        RAISE EXCEPTION '%', v_error USING ERRCODE = (SELECT state FROM ecs_test.mood);
    END IF;
    RETURN v_done;
END $$;
CREATE FUNCTION ecs_lib.job_test_since() RETURNS timestamptz LANGUAGE sql STABLE
AS $$ SELECT min(due_at) FROM ecs_test.work WHERE done_at IS NULL $$;
GRANT ALL ON ALL TABLES IN SCHEMA ecs_test TO ecs_owner;

-- "200 3": what a run answers.
CREATE FUNCTION ecs_test.run(p_interval integer DEFAULT 250, p_limit integer DEFAULT 10,
                             p_host text DEFAULT 'web1/1')
RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', status, total, body)
    FROM ecs_api.job_run('test', p_host, p_interval, p_limit)
$$;
-- Its row: done, failures, failures in a row, and seconds until it is due.
CREATE FUNCTION ecs_test.row() RETURNS text LANGUAGE sql AS $$
    SELECT format('%s %s %s %s', total_done, failures, failures_in_row,
                  extract(epoch FROM next_run_at - ecs.now())::numeric(9, 2))
    FROM ecs.jobs WHERE name = 'test'
$$;
CREATE FUNCTION ecs_test.work(p_first integer, p_last integer) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO ecs_test.work (id, due_at)
    SELECT n, ecs.now() - (100 - n) * interval '1 second'
    FROM generate_series(p_first, p_last) n
$$;

-- Runs -----------------------------------------------------------------------------

SELECT is(ecs_test.run(), '200 0', 'a job that has nothing to do');
SELECT is((SELECT host FROM ecs.jobs WHERE name = 'test'), 'web1/1', 'is known from its first run');
SELECT is(ecs_test.row(), '0 0 0 0.00', 'and due again at once');
SELECT ecs_test.work(1, 5) \g /dev/null
SELECT is(ecs_test.run(250, 3), '200 3', 'it does as many as it may');
SELECT is((SELECT string_agg(id::text, ' ' ORDER BY id) FROM ecs_test.work
           WHERE done_at IS NOT NULL), '1 2 3', 'the oldest first');
SELECT is(ecs_test.run(250, 3), '200 2', 'and the rest');
SELECT is(ecs_test.row(), '5 0 0 0.00', 'it is counted');
SELECT is((SELECT last_done FROM ecs.jobs WHERE name = 'test'), 2, 'also by itself');
SELECT is((SELECT last_run_at = ecs.now() AND last_success_at = ecs.now()
           FROM ecs.jobs WHERE name = 'test'), true, 'with its time');

-- A write for nothing only now and then.
SELECT ctid AS before FROM ecs.jobs WHERE name = 'test' \gset
SELECT ecs_test.pass('4 seconds') \g /dev/null
SELECT is(ecs_test.run(), '200 0', 'nothing to do');
SELECT is((SELECT ctid::text FROM ecs.jobs WHERE name = 'test'), :'before', 'nothing written');
SELECT ecs_test.pass('1 second') \g /dev/null
SELECT is(ecs_test.run(250, 10, 'web2/9'), '200 0', 'five seconds later');
SELECT is((SELECT host || ' ' || (last_success_at = ecs.now())::text || ' ' || last_done
           FROM ecs.jobs WHERE name = 'test'), 'web2/9 true 2', 'that it is alive');

-- The interval of those that run seldom is that of all hosts together.
SELECT is(ecs_test.run(60000), '200 0', 'a job that runs each minute');
SELECT is(ecs_test.row(), '5 0 0 0.00', 'writes nothing when nothing is new');
SELECT ecs_test.pass('5 seconds') \g /dev/null
SELECT is(ecs_test.run(60000), '200 0', 'but once in a while');
SELECT is(ecs_test.row(), '5 0 0 60.00', 'and is due in a minute');
SELECT ecs_test.pass('59 seconds') \g /dev/null
SELECT is(ecs_test.run(60000, 10, 'web2/9'), '204 1000', 'not before, on no host');
SELECT ecs_test.pass('1 second') \g /dev/null
SELECT ecs_test.work(6, 9) \g /dev/null
SELECT is(ecs_test.run(60000, 3), '200 3', 'then it is');
SELECT is(ecs_test.row(), '8 0 0 0.00', 'and again at once when there may be more');
SELECT is(ecs_test.run(60000, 3), '200 1', 'which is done');
SELECT is(ecs_test.row(), '9 0 0 60.00', 'and then it rests');
SELECT ecs_test.pass('-1 hour') \g /dev/null
SELECT is(ecs_test.run(60000), '200 0', 'a clock that was set back stops nothing');
SELECT ecs_test.pass('1 hour') \g /dev/null

-- Failures of a job ------------------------------------------------------------------

SELECT ecs_test.work(10, 10) \g /dev/null
UPDATE ecs_test.mood SET error = 'no hammer';
SELECT is(ecs_test.run(), '500 1000 "no hammer"', 'a job that fails rests a second');
SELECT is((SELECT done_at FROM ecs_test.work WHERE id = 10), NULL, 'nothing of it is left');
SELECT is(ecs_test.row(), '9 1 1 1.00', 'and it is written down');
SELECT is((SELECT last_error || ' ' || (last_failed_at = ecs.now())::text
           FROM ecs.jobs WHERE name = 'test'), 'no hammer true', 'with the error');
SELECT is(ecs_test.run(), '204 1000', 'nobody tries before');
SELECT ecs_test.pass('1 second') \g /dev/null
SELECT is(ecs_test.run(), '500 2000 "no hammer"', 'then two seconds');
SELECT ecs_test.pass('2 seconds') \g /dev/null
SELECT is(ecs_test.run(), '500 4000 "no hammer"', 'then four');
UPDATE ecs.jobs SET failures_in_row = 50;
SELECT ecs_test.pass('4 seconds') \g /dev/null
SELECT is(ecs_test.run(), '500 60000 "no hammer"', 'a minute at the most');
SELECT ecs_test.pass('1 minute') \g /dev/null
SELECT is(ecs_test.run(600000), '500 600000 "no hammer"', 'but never less than its interval');
SELECT ecs_test.pass('10 minutes') \g /dev/null
UPDATE ecs_test.mood SET state = '40P01';
SELECT throws_ok('SELECT ecs_test.run()', '40P01', 'no hammer',
    'what another try may mend is tried again');
UPDATE ecs_test.mood SET state = '57014';
SELECT is(ecs_test.run(), '500 60000 "no hammer"', 'one that takes too long fails');
SELECT ecs_test.pass('1 minute') \g /dev/null
UPDATE ecs_test.mood SET error = NULL;
SELECT is(ecs_test.run(), '200 1', 'when the reason is gone it does its work');
SELECT is(ecs_test.row(), '10 6 0 0.00', 'and has no failures in a row');
SELECT throws_ok($$SELECT ecs_api.job_run('nothing', 'h', 250, 1)$$, '42883', NULL,
    'there must be such a job');
SELECT throws_ok($$SELECT ecs_api.job_run('x(1); DROP TABLE ecs.jobs; --', 'h', 250, 1)$$,
    '42883', NULL, 'whatever its name says');

-- Things that cannot be done -----------------------------------------------------------

SELECT ecs_test.work(21, 24) \g /dev/null
UPDATE ecs_test.work SET cannot = 'a jinx' WHERE id = 22;
SELECT is(ecs_test.run(), '200 3', 'a thing that cannot be done does not stop the others');
SELECT is((SELECT string_agg(id::text, ' ') FROM ecs_test.work WHERE done_at IS NULL), '22',
    'nothing of it is left');
SELECT is((SELECT failures || ' ' || last_error FROM ecs.jobs WHERE name = 'test'),
    '7 22: a jinx', 'it is written down');
SELECT is(ecs_lib.job_items_waiting('test'), 1::bigint, 'and set aside');
SELECT is(ecs_test.run(), '200 0', 'it is not tried at once');
SELECT is((SELECT failures FROM ecs.job_failures WHERE item_id = 22), 1, 'so it fails no more');
SELECT ecs_test.pass('2 seconds') \g /dev/null
SELECT is(ecs_test.run(), '200 0', 'but after two seconds');
SELECT is((SELECT failures || ' ' || (retry_at - ecs.now())::text FROM ecs.job_failures),
    '2 00:00:04', 'and after four');
UPDATE ecs.job_failures SET failures = 40, retry_at = ecs.now();
SELECT ecs_test.run() \g /dev/null
SELECT is((SELECT retry_at - ecs.now() FROM ecs.job_failures), '1 hour', 'an hour at the most');
UPDATE ecs_test.work SET cannot = NULL;
SELECT ecs_test.pass('1 hour') \g /dev/null
SELECT is(ecs_test.run(), '200 1', 'when it can be done it is');

-- Jobs outside of the database ------------------------------------------------------------

CREATE FUNCTION ecs_test.try(p_host text) RETURNS text LANGUAGE sql AS $$
    SELECT status || ' ' || total FROM ecs_api.job_begin('sweep', p_host, 60000, 300)
$$;
SELECT is(ecs_test.try('web1/1'), '200 0', 'a host claims a job');
SELECT is(ecs_test.try('web2/9'), '204 300000', 'no other gets it');
SELECT is((SELECT status || ' ' || total FROM ecs_api.job_end('sweep', 'web1/1', 60000, 12, 7, NULL)),
    '200 7', 'it tells what it has done');
SELECT is((SELECT total_done || ' ' || last_duration_ms FROM ecs.jobs WHERE name = 'sweep'),
    '7 12', 'which is written down');
SELECT is(ecs_test.try('web2/9'), '204 60000', 'until its time has come again');
SELECT ecs_test.pass('1 minute') \g /dev/null
SELECT is(ecs_test.try('web2/9'), '200 0', 'for another host');
SELECT ecs_test.pass('299 seconds') \g /dev/null
SELECT is(ecs_test.try('web1/1'), '204 1000', 'which dies');
SELECT ecs_test.pass('1 second') \g /dev/null
SELECT is(ecs_test.try('web1/1'), '200 0', 'and is followed');
SELECT is((SELECT concat_ws(' ', status, total, body)
           FROM ecs_api.job_end('sweep', 'web1/1', 60000, 5, 0, 'disk full')),
    '500 60000 "disk full"', 'a failure is told too');
SELECT is((SELECT failures || ' ' || last_error FROM ecs.jobs WHERE name = 'sweep'),
    '1 disk full', 'and written down');

-- Seen by administrators ---------------------------------------------------------------------

SELECT ecs_test.run() \g /dev/null
SELECT ecs_test.work(31, 31) \g /dev/null
UPDATE ecs_test.work SET due_at = ecs.now() - interval '1.5 seconds' WHERE id = 31;
CREATE FUNCTION ecs_test.seen(p_me ecs.caller, p_job text) RETURNS json LANGUAGE sql AS $$
    SELECT j FROM json_array_elements((ecs_api.jobs_list(p_me, 1, 100, NULL)).body) j
    WHERE j ->> 'name' = p_job
$$;
SELECT is(ecs_test.seen(:'ada', 'test') ->> 'lag_ms', '1500', 'how late the oldest thing is');
SELECT is(ecs_test.seen(:'ada', 'sweep') ->> 'lag_ms', NULL, 'when the job tells');
SELECT is(ecs_test.seen(:'ada', 'test') ->> 'is_overdue', 'false', 'all is well');
SELECT ecs_test.run() \g /dev/null
SELECT is(ecs_test.seen(:'ada', 'test') ->> 'lag_ms', '0', 'nothing is late');
SELECT ecs_test.pass('16 seconds') \g /dev/null
SELECT is(ecs_test.seen(:'ada', 'test') ->> 'is_overdue', 'true', 'nobody runs it');
SELECT is((SELECT next_key || ' ' || json_array_length(body)
           FROM ecs_api.jobs_list(:'ada', NULL, 1, NULL)), 'sweep 1', 'page by page');
SELECT is((SELECT concat(next_key, ' ', body -> 0 ->> 'name')
           FROM ecs_api.jobs_list(:'ada', NULL, 1, 'sweep')), ' test', 'to the end');

-- Cleaning up ------------------------------------------------------------------------------------

INSERT INTO ecs.sessions (user_id, expires_at)
    SELECT (:'eve'::ecs.caller).id, ecs.now() - n * interval '1 hour'
    FROM generate_series(23, 26) n;
INSERT INTO ecs.refresh_tokens (token_hash, session_id)
    SELECT id || '-' || n, id FROM ecs.sessions, generate_series(1, 4) n;
SELECT is(ecs_lib.job_sessions_clean(10), 10, 'the tokens of old sessions first');
SELECT is(ecs_lib.job_sessions_clean(10), 3, 'then the sessions');
SELECT is((SELECT count(*) FROM ecs.sessions WHERE user_id = (:'eve'::ecs.caller).id)
          || ' ' || (SELECT count(*) FROM ecs.refresh_tokens t JOIN ecs.sessions s
                     ON s.id = t.session_id WHERE s.user_id = (:'eve'::ecs.caller).id),
    '2 8', 'not those an access token may still live from');
SELECT is(ecs_lib.job_sessions_clean(10), 0, 'nothing is left to do');

INSERT INTO ecs.idempotency_keys (scope, key, fingerprint, status, created_at)
    SELECT 'user:1', n, '', 200, ecs.now() - n * interval '1 hour' FROM generate_series(20, 30) n;
SELECT is(ecs_lib.job_keys_clean(5) || ' ' || ecs_lib.job_keys_clean(5), '5 2',
    'keys go after a day');
SELECT is((SELECT string_agg(key, ' ' ORDER BY key) FROM ecs.idempotency_keys), '20 21 22 23',
    'not before');

INSERT INTO ecs.login_failures (subject, failures, last_at) VALUES
    ('account:a', 1, ecs.now() - interval '25 hours'), ('account:b', 1, ecs.now());
SELECT is(ecs_lib.job_logins_clean(5), 1, 'counters of log-ins go after a day');
SELECT is((SELECT string_agg(subject, ' ') FROM ecs.login_failures), 'account:b', 'not before');

UPDATE ecs.job_failures SET last_failed_at = ecs.now() - interval '25 hours';
UPDATE ecs.jobs SET last_run_at = ecs.now() - interval '8 days' WHERE name = 'sweep';
SELECT is(ecs_lib.job_jobs_clean(5), 1, 'what was set aside long ago goes');
SELECT is((SELECT string_agg(name, ' ') FROM ecs.jobs), 'test', 'and jobs that nobody runs');

SELECT * FROM finish();
ROLLBACK;
