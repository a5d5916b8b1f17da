-- Platform: readiness, settings, audit log.
BEGIN;
\ir support.psql
SELECT plan(46);

CREATE TEMP TABLE who AS SELECT ecs_test.person('root', 'superadmin') AS root,
    ecs_test.person('adam', 'admin') AS adam, ecs_test.person('sela', 'seller') AS sela;
CREATE FUNCTION ecs_test.root(p_if_match bigint DEFAULT NULL) RETURNS ecs.caller LANGUAGE sql
AS $$ SELECT ROW((root).id, (root).role, (root).session_id, (root).address, (root).request_id,
                 p_if_match)::ecs.caller FROM who $$;

-- Ready -------------------------------------------------------------------------

-- ecsctl keeps this table; here it may be missing.
CREATE TABLE IF NOT EXISTS ecs.migrations (number integer PRIMARY KEY, name text NOT NULL,
    sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp());
ALTER TABLE ecs.migrations OWNER TO ecs_owner;
TRUNCATE ecs.migrations;
SELECT is(ecs_test.code_of($$ SELECT ecs_api.platform_ready(NULL, 1) $$), 'service_unavailable',
    'an empty database is not ready');
INSERT INTO ecs.migrations (number, name, sha256) VALUES (1, '0001_a.sql', ''), (2, '0002_b.sql',
    '');
SELECT is((ecs_api.platform_ready(NULL, 2)).body::jsonb, '{"status": "ok", "schema_version": 2}',
    'the right schema is ready');
SELECT is((ecs_api.platform_ready(NULL, 1)).status, 200, 'a newer one too');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.platform_ready(NULL, 3) $$), 'service_unavailable',
    'an older one is not');

-- Settings ----------------------------------------------------------------------

SELECT is(concat_ws(' ', a.body ->> 'platform_fee_percent', a.body ->> 'currency',
                    (a.body -> 'ranks')::jsonb),
    '4.00 USD {"GOLD": 2000, "SILVER": 500, "STARTER": 0}', 'the defaults of the contract')
    FROM who, ecs_api.platform_settings(adam) a;
SELECT bag_eq($$ SELECT json_object_keys(a.body) FROM who, ecs_api.platform_settings(adam) a $$,
    $$ SELECT attname::text FROM pg_attribute WHERE attrelid = 'ecs.settings'::regclass
    AND attnum > 0
       AND NOT attisdropped AND attname NOT IN ('id', 'version') UNION ALL SELECT 'ranks' $$,
    'every business number is shown');
CREATE TEMP TABLE first AS SELECT version FROM ecs.settings;
SELECT is((a.body ->> 'platform_fee_percent') || ' ' || (a.body ->> 'low_stock_at'), '7.50 9',
    'numbers change')
    FROM ecs_api.platform_settings_update(ecs_test.root(),
    '{"platform_fee_percent": "7.5", "low_stock_at": 9}') a;
SELECT is((SELECT platform_fee_percent || ' ' || low_stock_at || ' ' || proof_max_attempts
    FROM ecs.settings),
    '7.50 9 5', 'in the table, and no others');
SELECT is(s.version, f.version + 1, 'the version follows') FROM ecs.settings s, first f;
SELECT is((SELECT details FROM ecs.audit_log WHERE action = 'settings_changed'),
    '{"old": {"platform_fee_percent": 4.00, "low_stock_at": 5},
      "new": {"platform_fee_percent": 7.50, "low_stock_at": 9}}'::jsonb, 'old and new are audited');
SELECT is((SELECT actor_id FROM ecs.audit_log WHERE action = 'settings_changed'), (root).id,
    'with who did it')
    FROM who;
SELECT is((ecs_api.platform_settings_update(ecs_test.root(), '{"low_stock_at": 9}')).version,
    version,
    'what changes nothing makes no version') FROM ecs.settings;
SELECT is((SELECT count(*)::int FROM ecs.audit_log WHERE action = 'settings_changed'), 1,
    'and no entry');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.platform_settings_update(ecs_test.root(%s),
    '{"low_stock_at": 1}') $$, version)), 'stale', 'If-Match holds') FROM first;
SELECT is((ecs_api.platform_settings_update(ecs_test.root(version), '{"low_stock_at": 1}')).status,
    200,
    'the present version passes') FROM ecs.settings;

CREATE FUNCTION ecs_test.set(p_changes text) RETURNS text LANGUAGE sql
AS $$ SELECT ecs_test.code_of(format('SELECT ecs_api.platform_settings_update(ecs_test.root(), %L)',
    p_changes)) $$;
SELECT matches(ecs_test.set('{"return_window_days": 4}'),
    '"return_window_days".*complete_after_days \(3\)',
    'returns end before completion');
SELECT matches(ecs_test.set('{"complete_after_days": 2}'),
    '"complete_after_days".*return_window_days \(3\)',
    'said of the number that was sent');
SELECT is(ecs_test.set('{"complete_after_days": 7, "return_window_days": 7}'), 'not refused',
    'both can move together');
SELECT matches(ecs_test.set('{"rank_silver_points": 2001}'),
    '"rank_silver_points".*rank_gold_points \(2000\)',
    'silver comes before gold');
SELECT matches(ecs_test.set('{"rank_gold_points": 499}'),
    '"rank_gold_points".*rank_silver_points \(500\)',
    'and gold after silver');
SELECT matches(ecs_test.set('{"platform_fee_percent": "4.005"}'), 'no more than 2 decimal places',
    'percentages are not rounded behind the back');
SELECT is(ecs_test.set('{"cancel_fee_percent": "1.500000"}'), 'not refused', 'zeros do not count');
SELECT matches(ecs_test.set('{"currency": "usd"}'), '"currency".*ISO 4217',
    'a currency has capital letters');
SELECT throws_ok($$ SELECT ecs_api.platform_settings_update(ecs_test.root(),
    '{"platform_fee_percent": "50.01"}') $$,
    '23514', NULL, 'the bounds are the table''s as well');
SELECT is((SELECT concat_ws(' ', rank_silver_points, rank_gold_points, platform_fee_percent, currency)
           FROM ecs.settings), '500 2000 7.50 USD', 'nothing of what was refused remains');
UPDATE ecs.users SET points = 600, rank = 'SILVER' WHERE username = 'sela';
SELECT is(ecs_test.set('{"rank_silver_points": 100, "rank_gold_points": 600}'), 'not refused',
    'new ranks');
SELECT is((SELECT string_agg(username || ' ' || rank, ', ' ORDER BY username) FROM ecs.users),
    'adam STARTER, root STARTER, sela GOLD', 'hold for everybody at once');

SELECT is((ecs_api.platform_settings(adam)).body ->> 'bid_increments', '[]',
    'no table of increments at first') FROM who;
SELECT is((ecs_api.platform_settings_update(ecs_test.root(), '{"bid_soft_close_cap_minutes": 10,
    "bid_increments": [{"from": "50.00", "increment": "1.00"},
                       {"from": "0.00", "increment": "0.50"}]}')).body ->> 'bid_increments',
    '[{"from" : "0.00", "increment" : "0.50"}, {"from" : "50.00", "increment" : "1.00"}]',
    'then one, by price');
SELECT is((SELECT bid_increments::text || ' ' || bid_soft_close_cap_minutes FROM ecs.settings),
    '[["0.00", "0.50"], ["50.00", "1.00"]] 10', 'in the table');
SELECT matches(ecs_test.set('{"bid_increments": [{"from": "1.00", "increment": "1.00"}]}'),
    '"bid_increments".*begin at 0.00', 'it begins at nothing');
SELECT matches(ecs_test.set('{"bid_increments": [{"from": "0.00", "increment": "1.00"},
    {"from": "0", "increment": "2.00"}]}'), '"bid_increments".*same price', 'each step once');
SELECT is((ecs_api.platform_settings_update(ecs_test.root(), '{"bid_increments": []}')).body
    ->> 'bid_increments', '[]', 'and none again');

-- Audit log ------------------------------------------------------------------------

DO $$ BEGIN
    FOR i IN 1..7 LOOP
        PERFORM ecs_test.pass('1 minute');
        PERFORM ecs_lib.audit((SELECT adam FROM who), 'tested', 'thing', i, jsonb_build_object('n',
        i));
    END LOOP;
    PERFORM ecs_lib.audit(ROW(NULL, NULL, NULL, '2001:db8::1', 'req', NULL)::ecs.caller, 'knocked',
    NULL, NULL);
END $$;
CREATE FUNCTION ecs_test.log(p_page integer, p_size integer, p_cursor bigint DEFAULT NULL,
    p_actor bigint DEFAULT NULL, p_action text DEFAULT 'tested', p_object_type text DEFAULT NULL,
    p_object_id bigint DEFAULT NULL, p_after timestamptz DEFAULT NULL,
    p_before timestamptz DEFAULT NULL)
RETURNS ecs.answer LANGUAGE sql AS $$
    SELECT ecs_api.platform_audit_list(ecs_test.root(), p_actor, p_action, p_object_type,
    p_object_id,
                                       p_after, p_before, p_page, p_size, p_cursor) $$;
CREATE FUNCTION ecs_test.things(p_answer ecs.answer) RETURNS text LANGUAGE sql
AS $$ SELECT coalesce(string_agg(j ->> 'object_id', ''), '-')
    FROM json_array_elements((p_answer).body) j $$;

SELECT is(ecs_test.things(a) || ' of ' || a.total, '765 of 7', 'newest first') FROM ecs_test.log(1,
    3) a;
SELECT is(ecs_test.things(a), '1', 'the last page') FROM ecs_test.log(3, 3) a;
SELECT is(ecs_test.things(a) || coalesce(a.total::text, ' uncounted'), '765 uncounted', 'by cursor')
    FROM ecs_test.log(NULL, 3) a;
SELECT is(ecs_test.things(b), '432', 'and on') FROM ecs_test.log(NULL, 3) a, ecs_test.log(NULL, 3,
    a.next_key::bigint) b;
SELECT is(ecs_test.things(c) || coalesce(c.next_key, ' end'), '1 end', 'to the end')
    FROM ecs_test.log(NULL, 3) a, ecs_test.log(NULL, 3, a.next_key::bigint) b,
         ecs_test.log(NULL, 3, b.next_key::bigint) c;
SELECT is(ecs_test.things(a), '4', 'of one object')
    FROM ecs_test.log(1, 9, p_action => NULL, p_object_type => 'thing', p_object_id => 4) a;
SELECT is(ecs_test.things(a), '7654321', 'of one actor')
    FROM who, ecs_test.log(1, 9, p_action => NULL, p_actor => (adam).id) a;
SELECT is(ecs_test.things(a), '43', 'of a time')
    FROM ecs_test.log(1, 9, p_after => '2026-11-22 12:03Z', p_before => '2026-11-22 12:05Z') a;
SELECT is((a.body -> 0)::jsonb - 'id' - 'actor',
    '{"at": "2026-11-22T12:07:00.000Z", "actor_role": "admin",
    "address": "192.0.2.1", "request_id": "test", "action": "tested", "object_type": "thing",
    "object_id": 7,
    "details": {"n": 7}}'::jsonb,
    'an entry says what, when, and from where') FROM ecs_test.log(1, 1) a;
SELECT is(a.body -> 0 -> 'actor' ->> 'username', 'adam', 'and who') FROM ecs_test.log(1, 1) a;
SELECT is((a.body -> 0 -> 'actor')::text || (a.body -> 0 ->> 'address'), 'null2001:db8::1',
    'also a stranger')
    FROM ecs_test.log(1, 1, p_action => 'knocked') a;
SELECT throws_ok($$ DELETE FROM ecs.audit_log $$, '42501', NULL, 'nothing leaves the log');
SELECT throws_ok($$ UPDATE ecs.audit_log SET actor_id = 1 $$, '42501', NULL, 'nor changes in it');

SELECT * FROM finish();
ROLLBACK;
