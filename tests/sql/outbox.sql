-- The outbox: what is written to it with the news, how it is taken, and what
-- comes of it; mails about accounts (sql/api/05_notify.sql, 11_account_mails.sql,
-- 75_outbox.sql).
BEGIN;
\ir support.psql
SELECT plan(89);

CREATE TABLE ecs_test.who AS SELECT
    ecs_test.person('bob', 'user') AS bob, ecs_test.person('eve', 'user') AS eve,
    ecs_test.person('ada', 'admin') AS ada;
CREATE FUNCTION ecs_test.bob() RETURNS ecs.caller LANGUAGE sql
AS $$ SELECT bob FROM ecs_test.who $$;
CREATE FUNCTION ecs_test.eve() RETURNS ecs.caller LANGUAGE sql
AS $$ SELECT eve FROM ecs_test.who $$;
CREATE FUNCTION ecs_test.ada() RETURNS ecs.caller LANGUAGE sql
AS $$ SELECT ada FROM ecs_test.who $$;
CREATE FUNCTION ecs_test.nobody() RETURNS ecs.caller LANGUAGE sql
AS $$ SELECT ROW(NULL, NULL, NULL, '192.0.2.7', 'test', NULL)::ecs.caller $$;

-- What waits, in the order of ids: to whom and what.
CREATE FUNCTION ecs_test.waiting() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(split_part(destination, '@', 1) || ' '
        || coalesce(payload ->> 'message', kind), ', ' ORDER BY id), '')
    FROM ecs.outbox WHERE status = 'PENDING'
$$;
-- What a worker takes, likewise.
CREATE FUNCTION ecs_test.take(p_most integer DEFAULT 20) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(split_part(m ->> 'destination', '@', 1) || ' '
        || coalesce(m #>> '{words,message}', m ->> 'kind'), ', '), '')
    FROM json_array_elements((ecs_api.outbox_claim('mail', p_most, 60)).body -> 'messages') m
$$;
-- What came of a message, told by who has it.
CREATE FUNCTION ecs_test.came(p_what text, p_outcome text, p_error text DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
    SELECT (ecs_api.outbox_report(jsonb_agg(jsonb_build_object('id', id, 'claim', version,
        'outcome', p_outcome, 'error', p_error)))).body ->> 'dead'
    FROM ecs.outbox WHERE coalesce(payload ->> 'message', kind) = p_what
$$;
CREATE FUNCTION ecs_test.state(p_what text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', status, attempts, last_error) FROM ecs.outbox
    WHERE coalesce(payload ->> 'message', kind) = p_what ORDER BY id DESC LIMIT 1
$$;
CREATE FUNCTION ecs_test.tell(p_who ecs.caller, p_message text, p_order bigint DEFAULT NULL,
                              p_type text DEFAULT 'order_created')
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.notify(p_who.id, p_type, p_message,
                           CASE WHEN p_order IS NOT NULL THEN 'order' END, p_order);
END $$;
CREATE FUNCTION ecs_test.unread(p_who ecs.caller) RETURNS bigint LANGUAGE sql
AS $$ SELECT count(*) FROM ecs.notifications WHERE user_id = p_who.id AND NOT is_read $$;

-- News become mails ------------------------------------------------------------------

SELECT ecs_test.tell(ecs_test.bob(), 'zero');
SELECT is(ecs_test.waiting(), '', 'nobody delivers mails, so none is written');
SELECT is(ecs_test.take(), '', 'a worker finds nothing, but is there now');
SELECT ecs_test.tell(ecs_test.bob(), 'one', 7);
SELECT is(ecs_test.waiting(), 'bob one', 'from now on they are');
SELECT is((SELECT channel || ' ' || kind || ' ' || destination || ' ' || object_type || object_id
           FROM ecs.outbox), 'mail notification bob@example.com order7', 'with all that is known');
SELECT status FROM ecs_api.notifications_set_preference(ecs_test.bob(),
    '{"type": "low_stock", "email": false}');
SELECT status FROM ecs_api.notifications_set_preference(ecs_test.bob(),
    '{"type": "wallet_deposit", "in_app": false}');
SELECT ecs_test.tell(ecs_test.bob(), 'no mail', NULL, 'low_stock');
SELECT ecs_test.tell(ecs_test.bob(), 'two', NULL, 'wallet_deposit');
SELECT is(ecs_test.waiting(), 'bob one, bob two', 'a mail is sent where it is wanted');
SELECT is((SELECT string_agg(message, ', ' ORDER BY id) FROM ecs.notifications),
    'zero, one, no mail', 'and a notification where that is');
UPDATE ecs.users SET is_active = false WHERE id = (ecs_test.eve()).id;
SELECT ecs_test.tell(ecs_test.eve(), 'closed');
SELECT is(ecs_test.waiting(), 'bob one, bob two', 'a closed account gets none');
UPDATE ecs.users SET is_active = true WHERE id = (ecs_test.eve()).id;
SELECT ecs_lib.notify_many(ARRAY[(ecs_test.eve()).id, NULL, (ecs_test.bob()).id,
    (ecs_test.eve()).id], 'order_shipped', 'three', 'order', 8);
SELECT is((SELECT count(*) FROM ecs.notifications WHERE message = 'three'), 2::bigint,
    'several are told, each once');
SELECT is((SELECT count(*) FROM ecs.outbox WHERE payload ->> 'message' = 'three'), 2::bigint,
    'by mail too');
DELETE FROM ecs.outbox;
DELETE FROM ecs.notifications;

-- A digest: bids ------------------------------------------------------------------------

CREATE FUNCTION ecs_test.outbid(p_message text, p_auction bigint DEFAULT 3) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.notify((ecs_test.bob()).id, 'auction_outbid', p_message, 'auction',
                           p_auction, '{"title": "x"}');
END $$;
SELECT ecs_test.outbid('first');
SELECT ecs_test.outbid('second');
SELECT ecs_test.outbid('third');
SELECT ecs_test.outbid('other', 4);
SELECT is((SELECT string_agg(message || ' ' || (extra_data ->> 'times') || ' '
        || (extra_data ->> 'title'), ', ' ORDER BY id) FROM ecs.notifications),
    'third 3 x, other 1 x', 'one of an auction, which is brought up to date');
SELECT is((SELECT version FROM ecs.notifications WHERE message = 'third'), 3::bigint,
    'and has changed for who looks again');
SELECT is(ecs_test.waiting(), 'bob first, bob other', 'the mail went out with the first');
SELECT status FROM ecs_api.notifications_read_all(ecs_test.bob());
SELECT ecs_test.outbid('fourth');
SELECT is((SELECT count(*) FROM ecs.notifications), 3::bigint, 'a new one after it was read');
SELECT is(ecs_test.waiting(), 'bob first, bob other, bob fourth', 'and a mail');
DELETE FROM ecs.outbox;
SELECT status FROM ecs_api.notifications_set_preference(ecs_test.bob(),
    '{"type": "auction_outbid", "in_app": false}');
SELECT ecs_test.outbid('fifth');
SELECT ecs_test.outbid('sixth');
SELECT is(ecs_test.waiting(), 'bob fifth', 'mails alone: none beside one that waits');
SELECT is(ecs_test.take(), 'bob fifth', 'once it is taken');
SELECT ecs_test.came('fifth', 'sent');
SELECT ecs_test.outbid('seventh');
SELECT is(ecs_test.waiting(), 'bob seventh', 'and gone there can be another');
DELETE FROM ecs.outbox;

-- Taken, delivered, reported ---------------------------------------------------------------

SELECT ecs_test.tell(ecs_test.bob(), 'one', 7);
SELECT ecs_test.tell(ecs_test.bob(), 'two', 7);
SELECT ecs_test.tell(ecs_test.bob(), 'three', 8);
SELECT ecs_test.tell(ecs_test.eve(), 'four', 7);
SELECT ecs_test.tell(ecs_test.bob(), 'five');
SELECT ecs_test.tell(ecs_test.bob(), 'six');
SELECT is(ecs_test.take(2), 'bob one, bob three', 'no more than wanted; the second of an order waits');
SELECT is(ecs_test.take(), 'eve four, bob five, bob six', 'what is taken is nobody else''s');
SELECT is(ecs_test.take(), '', 'and then there is nothing');
SELECT is(ecs_test.state('one'), 'PENDING 1', 'one attempt has begun');
SELECT is(ecs_test.came('one', 'sent'), '[]', 'one is there');
SELECT is(ecs_test.state('one'), 'SENT 1', 'which is written down');
SELECT is((SELECT sent_at FROM ecs.outbox WHERE payload ->> 'message' = 'one'), ecs.now(), 'with the time');
SELECT is(ecs_test.take(), 'bob two', 'now the next of that order');
SELECT is(ecs_test.came('two', 'refused', '550 no'), (SELECT format(
    '[{"id" : %s, "kind" : "notification", "error" : "550 no"}]', id) FROM ecs.outbox
    WHERE payload ->> 'message' = 'two'), 'a refusal is told to the log');
SELECT is(ecs_test.state('two'), 'DEAD 1 550 no', 'and is the end');
SELECT is(ecs_test.came('three', 'returned', 'away'), '[]', 'one was not tried');
SELECT is(ecs_test.state('three'), 'PENDING 0 away', 'which does not count');
SELECT is(ecs_test.came('four', 'failed', '450 full'), '[]', 'one failed');
SELECT is(ecs_test.state('four'), 'PENDING 1 450 full', 'which does');
SELECT is(ecs_test.take(), '', 'it is not tried again at once');
SELECT ecs_test.pass('4 seconds');
SELECT is(ecs_test.take(), 'bob three', 'what was not tried soon is');
SELECT ecs_test.pass('9 seconds');
SELECT is(ecs_test.take(), 'eve four', 'what failed a little later');

-- Who dies with it.
SELECT is(ecs_test.take(), '', 'two are in somebody''s hands');
SELECT ecs_test.pass('60 seconds');
SELECT is(ecs_test.take(), 'bob three, eve four, bob five, bob six', 'until their time is up');
SELECT version AS claim FROM ecs.outbox WHERE payload ->> 'message' = 'five' \gset
CREATE FUNCTION ecs_test.five(p_claim bigint, p_outcome text) RETURNS text LANGUAGE sql AS $$
    SELECT (ecs_api.outbox_report(jsonb_agg(jsonb_build_object('id', id, 'claim', p_claim,
        'outcome', p_outcome)))).body ->> 'dead'
    FROM ecs.outbox WHERE payload ->> 'message' = 'five'
$$;
SELECT is(ecs_test.five(:claim - 1, 'refused'), '[]', 'who lost it is not heard');
SELECT is(ecs_test.state('five'), 'PENDING 2', 'nothing of it is written');
SELECT is(ecs_test.five(:claim, 'sent'), '[]', 'who has it is');
SELECT is(ecs_test.five(:claim, 'refused'), '[]', 'but only once');
SELECT is(ecs_test.state('five'), 'SENT 2', 'sent stays sent');
SELECT is((SELECT count(DISTINCT ecs_lib.outbox_message_id(o)) FROM ecs.outbox o), 6::bigint,
    'each message has an id of its own');
DELETE FROM ecs.outbox;

-- How long and how often.
SELECT ok((SELECT bool_and(ecs_lib.outbox_pause(n) BETWEEN p * 0.79 AND p * 1.21)
    FROM (VALUES (1, interval '10 seconds'), (2, '20 seconds'), (5, '160 seconds'),
                 (15, '4 hours'), (1000, '4 hours')) x (n, p)), 'pauses double, up to a limit');
SELECT ok((SELECT count(DISTINCT ecs_lib.outbox_pause(3)) > 1 FROM generate_series(1, 20)),
    'and are not the same for all');
SELECT ecs_test.tell(ecs_test.bob(), 'hopeless', 7);
SELECT ecs_test.tell(ecs_test.bob(), 'behind it', 7);
UPDATE ecs.outbox SET expires_at = NULL;
DO $$
BEGIN
    FOR i IN 1..15 LOOP
        PERFORM ecs_test.pass('5 hours'), ecs_test.take(), ecs_test.came('hopeless', 'failed', 'no');
    END LOOP;
END $$;
SELECT is(ecs_test.state('hopeless'), 'PENDING 15 no', 'fifteen times');
SELECT ecs_test.pass('5 hours');
SELECT is(ecs_test.take(), 'bob hopeless', 'still in the way of the next');
SELECT isnt(ecs_test.came('hopeless', 'failed', 'no'), '[]', 'the sixteenth is the last');
SELECT is(ecs_test.state('hopeless'), 'DEAD 16 no', 'it is dead');
SELECT is(ecs_test.take(), 'bob behind it', 'and makes room');
UPDATE ecs.outbox SET attempts = 16 WHERE payload ->> 'message' = 'behind it';
SELECT ecs_test.pass('2 minutes');
SELECT is(ecs_test.take(), '', 'who kills all that take it');
SELECT is(ecs_test.state('behind it'), 'DEAD 16 No attempt came to an end', 'dies too');
SELECT ecs_test.tell(ecs_test.bob(), 'stale');
SELECT ecs_test.pass('3 days');
SELECT is(ecs_test.take(), '', 'after three days nobody wants to know');
SELECT is(ecs_test.state('stale'), 'DEAD 0 It is too late', 'which is said');

-- Admins ----------------------------------------------------------------------------------

SELECT is((SELECT string_agg(m ->> 'status', ' ') FROM json_array_elements(
    (ecs_api.outbox_list(ecs_test.ada(), NULL, NULL, 1, 20, NULL)).body) m),
    'DEAD DEAD DEAD', 'admins see them');
SELECT is((ecs_api.outbox_list(ecs_test.ada(), 'SENT', NULL, 1, 20, NULL)).total, 0::bigint,
    'by status');
SELECT is((ecs_api.outbox_list(ecs_test.ada(), 'DEAD', 'mail', 1, 20, NULL)).total, 3::bigint,
    'and channel');
SELECT is(json_array_length((ecs_api.outbox_list(ecs_test.ada(), NULL, NULL, NULL, 2, NULL)).body),
    2, 'page by page');
SELECT unalike((ecs_api.outbox_list(ecs_test.ada(), NULL, NULL, 1, 20, NULL)).body::text,
    '%hopeless%', 'but not what they say');
CREATE FUNCTION ecs_test.message(p_what text) RETURNS bigint LANGUAGE sql AS $$
    SELECT id FROM ecs.outbox WHERE coalesce(payload ->> 'message', kind) = p_what $$;
SELECT is((ecs_api.outbox_retry(ecs_test.ada(), ecs_test.message('hopeless'))).body ->> 'status',
    'PENDING', 'one is tried again');
SELECT is(ecs_test.take(), 'bob hopeless', 'at once');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.outbox_retry(ecs_test.ada(),
    ecs_test.message('hopeless')) $$), 'wrong_state', 'only the dead are');
SELECT is(ecs_test.code_of('SELECT ecs_api.outbox_retry(ecs_test.ada(), 0)'), 'not_found',
    'those there are');
SELECT is((SELECT count(*) FROM ecs.audit_log WHERE action = 'outbox_retry'), 1::bigint,
    'who did it is written down');
SELECT is(ecs_test.came('hopeless', 'sent'), '[]', 'this time it arrives');

-- Cleaning up.
SELECT ecs_test.pass('31 days');
SELECT is(ecs_lib.job_outbox_clean(100), 1, 'what was sent and is old goes');
SELECT is((SELECT string_agg(DISTINCT status, ' ') FROM ecs.outbox), 'DEAD', 'the dead stay');
SELECT ecs_test.pass('91 days');
SELECT is(ecs_lib.job_outbox_clean(1), 1, 'for three months');
SELECT is(ecs_lib.job_outbox_clean(100), 1, 'then they go, as many as wanted');

-- A forgotten password ------------------------------------------------------------------------

CREATE FUNCTION ecs_test.reset(p_email text, p_hash text) RETURNS text LANGUAGE sql AS $$
    SELECT a.status || ' ' || a.body FROM ecs_api.accounts_password_reset(
        ecs_test.nobody(), p_email, 'nonce ' || p_hash, p_hash) a
$$;
CREATE FUNCTION ecs_test.confirm(p_hash text, p_password text DEFAULT 'new') RETURNS text
LANGUAGE sql AS $$
    SELECT ecs_test.code_of(format('SELECT ecs_api.accounts_password_reset_confirm(
        ecs_test.nobody(), %L, %L)', p_hash, p_password))
$$;
UPDATE ecs.users SET password_hash = 'old';
SELECT is(ecs_test.reset('BOB@example.com', 'r1'), ecs_test.reset('none@example.com', 'r2'),
    'the same answer for an account and for none');
SELECT is((SELECT count(*) FROM ecs.outbox), 2::bigint, 'the same work, too');
SELECT is(ecs_test.take(), 'bob password_reset', 'a mail for the one');
SELECT is((SELECT count(*) FROM ecs.outbox), 1::bigint, 'and no trace of the other');
SELECT is((SELECT array_agg(token_hash || ' ' || email) FROM ecs.mail_tokens),
    '{r1 bob@example.com}', 'of the token there is a hash');
SELECT is((ecs_api.accounts_token_owner('r1')).body ->> 'username', 'bob', 'whose it is');
SELECT is((ecs_api.accounts_token_owner('r2')).body::text, '{}', 'or is not');
SELECT ok(ecs_test.confirm('r2') LIKE '%token%' AND ecs_test.confirm('') LIKE '%token%',
    'another token is refused');
SELECT status FROM ecs_api.accounts_email_verify(ecs_test.eve(), 'n', 'v1');
SELECT alike(ecs_test.confirm('v1'), '%token%', 'one for another purpose as well');
SELECT ecs_test.reset('bob@example.com', 'r3'), ecs_test.take();
SELECT is(ecs_test.confirm('r1'), 'not refused', 'the right one sets the password');
SELECT is((SELECT string_agg(password_hash || ' ' || is_email_verified, ', ' ORDER BY id)
    FROM ecs.users WHERE username IN ('bob', 'eve')), 'new true, old false',
    'of its owner, who can read their mail');
SELECT is((SELECT count(*) FROM ecs.sessions WHERE user_id = (ecs_test.bob()).id
    AND revoked_at IS NULL), 0::bigint, 'whose sessions have ended');
SELECT alike(ecs_test.confirm('r1'), '%token%', 'it is good once');
SELECT alike(ecs_test.confirm('r3'), '%token%', 'and the others are void');
SELECT is(ecs_test.state('password_changed'), 'PENDING 0', 'the owner is told by mail');
SELECT ecs_test.reset('bob@example.com', 'r4'), ecs_test.take();
SELECT ecs_test.pass('61 minutes');
SELECT alike(ecs_test.confirm('r4'), '%token%', 'an hour later it is void');
SELECT is(ecs_test.take(), 'eve email_verification, bob password_changed',
    'who died on the way is taken again, but not a token that is void');
DELETE FROM ecs.outbox;
SELECT count(ecs_test.reset('bob@example.com', 'm' || n)) FROM generate_series(1, 8) n;
SELECT is((SELECT count(*) FROM ecs.outbox), 5::bigint, 'five an hour for one account');
DO $$
BEGIN
    FOR i IN 9..30 LOOP
        PERFORM ecs_test.reset('x' || i || '@example.com', 'm' || i);
    END LOOP;
END $$;
SELECT is(ecs_test.code_of($$ SELECT ecs_test.reset('y@example.com', 'm31') $$), 'throttled',
    'thirty an hour for one address');
SELECT ecs_test.pass('61 minutes');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.reset('bob@example.com', 'm32') $$), 'not refused',
    'an hour later again');

-- Workers keep their plans. One that was made when little was waiting must not read
-- the whole outbox for each message of thousands that come afterwards.
INSERT INTO ecs.outbox (channel, kind, user_id, destination, object_type, object_id)
    SELECT 'mail', 'notification', (ecs_test.bob()).id, 'bob@example.com', 'order', n
    FROM generate_series(1, 12) n;
ANALYZE ecs.outbox;
SELECT seq_scan AS scans FROM pg_stat_xact_user_tables WHERE relid = 'ecs.outbox'::regclass \gset
SELECT ecs_api.outbox_claim('mail', 5, 60) \g /dev/null
SELECT is((SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relid = 'ecs.outbox'::regclass),
    :scans::bigint, 'a small outbox is read by its indexes, too');

SELECT * FROM finish();
ROLLBACK;
