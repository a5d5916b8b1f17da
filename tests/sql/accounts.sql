-- Accounts: registration, sign-in and its throttle, sessions, profiles, people.
BEGIN;
\ir support.psql
SELECT plan(142);

CREATE FUNCTION ecs_test.nobody(p_address text DEFAULT '198.51.100.7') RETURNS ecs.caller
LANGUAGE sql AS $$ SELECT ROW(NULL, NULL, NULL, p_address, 'test', NULL)::ecs.caller $$;

-- A user with their newest session.
CREATE FUNCTION ecs_test.me(p_name text, p_if_match bigint DEFAULT NULL) RETURNS ecs.caller
LANGUAGE sql AS $$
    SELECT ROW(u.id, u.role, (SELECT max(id) FROM ecs.sessions WHERE user_id = u.id),
               '198.51.100.7', 'test', p_if_match)::ecs.caller
    FROM ecs.users u WHERE username = p_name
$$;

CREATE FUNCTION ecs_test.id(p_name text) RETURNS bigint LANGUAGE sql
AS $$ SELECT id FROM ecs.users WHERE username = p_name $$;

CREATE FUNCTION ecs_test.register(p_email text, p_username text, p_role text DEFAULT 'user')
RETURNS ecs.answer LANGUAGE plpgsql AS $$
BEGIN
    RETURN ecs_api.accounts_register(ecs_test.nobody(), p_email, p_username,
                                     'hash of ' || p_username, NULL, NULL, NULL, p_role);
END $$;

-- A sign-in with both its statements; what it came to.
CREATE FUNCTION ecs_test.login(p_email text, p_hash text, p_token text DEFAULT NULL,
                               p_address text DEFAULT '198.51.100.7')
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_answer ecs.answer;
    v_detail text;
BEGIN
    v_answer := ecs_api.accounts_credentials(p_email, p_address::inet);
    v_answer := ecs_api.accounts_token(ecs_test.nobody(p_address), p_email,
        CASE WHEN v_answer.body ->> 'password_hash' = p_hash THEN p_hash END,
        coalesce(p_token, gen_random_uuid()::text));
    RETURN CASE v_answer.status WHEN 0 THEN v_answer.body ->> 'code'
                                ELSE v_answer.status::text END;
EXCEPTION WHEN SQLSTATE 'EC000' THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
    RETURN v_detail::json ->> 'code';
END $$;

CREATE FUNCTION ecs_test.refresh(p_old text, p_new text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_answer ecs.answer;
BEGIN
    v_answer := ecs_api.accounts_token_refresh(ecs_test.nobody(), p_old, p_new);
    RETURN coalesce(nullif(v_answer.status, 0)::text, v_answer.body ->> 'code');
END $$;

CREATE FUNCTION ecs_test.alive(p_name text) RETURNS bigint LANGUAGE sql
AS $$ SELECT count(*) FROM ecs.sessions WHERE user_id = ecs_test.id(p_name)
    AND revoked_at IS NULL $$;

CREATE FUNCTION ecs_test.audited(p_action text) RETURNS bigint LANGUAGE sql
AS $$ SELECT count(*) FROM ecs.audit_log WHERE action = p_action $$;

-- Registration ----------------------------------------------------------------

SELECT is((ecs_test.register('Ann.Lee@Example.COM', 'ann')).status, 201, 'a visitor can register');
SELECT is(email, 'Ann.Lee@example.com', 'the domain of the e-mail is written in lower case')
    FROM ecs.users WHERE username = 'ann';
SELECT is(role, 'user', 'as a buyer') FROM ecs.users WHERE username = 'ann';
SELECT is(password_hash, 'hash of ann', 'with the hash that the module made')
    FROM ecs.users WHERE username = 'ann';
SELECT is((SELECT count(*)::int FROM ecs.profiles WHERE user_id = ecs_test.id('ann')), 1,
    'a profile exists from that moment');
SELECT is((SELECT available + held FROM ecs.wallets WHERE user_id = ecs_test.id('ann')), 0.00,
    'and an empty wallet');
SELECT is(ecs_test.audited('user_registered')::int, 1, 'a registration is audited');
SELECT is((ecs_test.register('bob@example.com', 'bob', 'seller')).body ->> 'role', 'seller',
    'a seller can register');
SELECT bag_eq($$ SELECT json_object_keys((ecs_test.register('keys@example.com', 'keys')).body) $$,
    $$ VALUES ('id'), ('email'), ('username'), ('first_name'), ('last_name'), ('phone_number'),
       ('role'), ('is_active'), ('is_email_verified'), ('points'), ('rank'),
       ('is_verified_seller'), ('created_at') $$, 'User has the members of the contract');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.register('ANN.lee@EXAMPLE.com', 'other') $$)::jsonb,
    '{"email": ["user with this email already exists."]}', 'an e-mail is taken in any case');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.register('new@example.com', 'ANN') $$)::jsonb,
    '{"username": ["user with this username already exists."]}', 'and so is a username');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.register('ann.lee@example.com', 'bob') $$)::jsonb,
    '{"email": ["user with this email already exists."],
      "username": ["user with this username already exists."]}', 'both errors come at once');
SELECT is((SELECT count(*)::int FROM ecs.users), 3, 'nothing remains of what was refused');
SELECT is((SELECT count(*) FROM ecs.wallets WHERE user_id IS NOT NULL),
    (SELECT count(*) FROM ecs.users), 'there is one wallet per user');
SELECT matches(ecs_test.code_of($$ SELECT ecs_test.register('x@example.com', 'bob@example.com') $$),
    'username.*Enter a valid username', 'a username cannot look like an e-mail');
SELECT matches(ecs_test.code_of($$ SELECT ecs_test.register('x@example.com', 'two words') $$),
    'Enter a valid username', 'nor hold blanks');
SELECT throws_ok($$ UPDATE ecs.users SET username = 'a@b' WHERE username = 'ann' $$, '23514', NULL,
    'the table does not take an @ in a username either');

-- Sign-in -----------------------------------------------------------------------

SELECT is(ecs_test.login('ann.lee@EXAMPLE.com', 'hash of ann', 't1'), '200',
    'the right password opens a session, whatever the case of the e-mail');
SELECT is(ecs_test.alive('ann')::int, 1, 'one session is open');
SELECT is((SELECT expires_at - ecs.now() FROM ecs.sessions WHERE user_id = ecs_test.id('ann')),
    interval '30 days', 'for thirty days');
SELECT is((SELECT actor_id FROM ecs.audit_log WHERE action = 'login'), ecs_test.id('ann'),
    'a sign-in is audited, by whom');
SELECT is((SELECT token_hash FROM ecs.refresh_tokens), 't1', 'the refresh token is kept as hash');
SELECT is(ecs_test.login('ann.lee@example.com', 'wrong'), 'invalid_credentials',
    'a wrong password');
SELECT is(ecs_test.login('nobody@example.com', 'x'), 'invalid_credentials', 'an unknown e-mail');
SELECT is((ecs_api.accounts_credentials('nobody@example.com',
    '198.51.100.7')).body ->> 'password_hash',
    NULL, 'has no hash to match');
UPDATE ecs.users SET is_active = false WHERE username = 'bob';
SELECT is(ecs_test.login('bob@example.com', 'hash of bob'), 'invalid_credentials',
    'a closed account');
UPDATE ecs.users SET is_active = true WHERE username = 'bob';
SELECT is(ecs_test.audited('login_failed')::int, 3, 'failures are audited');
SELECT is((ecs_api.accounts_token(ecs_test.nobody(), 'bob@example.com', 'an old hash',
    'tx')).body ->> 'code',
    'invalid_credentials', 'a hash that is no longer the account''s opens nothing');
SELECT is((ecs_api.accounts_token(ecs_test.nobody(), 'bob@example.com', 'hash of bob',
    'ty', 'a better hash')).status, 200, 'a sign-in may bring a better hash');
SELECT is(password_hash, 'a better hash', 'which is the account''s from then on')
    FROM ecs.users WHERE username = 'bob';
UPDATE ecs.users SET password_hash = 'hash of bob' WHERE username = 'bob';
DELETE FROM ecs.login_failures;

-- The throttle --------------------------------------------------------------------

SELECT is(array_agg(DISTINCT ecs_test.login('ann.lee@example.com', 'wrong')),
    ARRAY['invalid_credentials'],
    'five failures are answered') FROM generate_series(1, 5);
SELECT is(ecs_test.login('ann.lee@example.com', 'wrong'), 'throttled', 'the sixth is throttled');
SELECT is(ecs_test.login('ANN.LEE@example.com', 'hash of ann'), 'throttled',
    'with the right password too, so that guessing tells nothing');
SELECT is((SELECT failures FROM ecs.login_failures WHERE subject LIKE 'pair:%'), 5,
    'what was throttled is not counted');
SELECT is(ecs_test.audited('login_throttled')::int, 1, 'the block is audited once');
SELECT is(ecs_test.login('ann.lee@example.com', 'hash of ann', NULL, '203.0.113.9'), '200',
    'the owner gets in from another address');
SELECT is((SELECT count(*)::int FROM ecs.login_failures WHERE subject LIKE 'account:%'), 0,
    'which clears the account''s counter');
SELECT is(ecs_test.login('ann.lee@example.com', 'hash of ann'), 'throttled',
    'but not the attacker''s');
SELECT throws_like($$ SELECT ecs_api.accounts_credentials('ann.lee@example.com', '198.51.100.7') $$,
    '%Expected available in 30 seconds.', 'the first block takes 30 seconds');
SELECT ecs_test.pass('31 seconds');
SELECT is(ecs_test.login('ann.lee@example.com', 'wrong'), 'invalid_credentials',
    'after it one try is free');
SELECT throws_like($$ SELECT ecs_api.accounts_credentials('ann.lee@example.com', '198.51.100.7') $$,
    '%in 60 seconds.', 'the next block is twice as long');
-- Parallel tries that all read the credentials before the block began:
SELECT is(ecs_test.code_of($$ SELECT ecs_api.accounts_token(ecs_test.nobody(),
    'ann.lee@example.com', NULL, 'ty') $$), 'throttled',
    'a wrong guess that was on its way is not judged');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.accounts_token(ecs_test.nobody(),
    'ann.lee@example.com', 'hash of ann', 'tz') $$), 'throttled', 'and neither is a right one');
UPDATE ecs.login_failures SET failures = 30, blocked_until = NULL WHERE subject LIKE 'pair:%';
SELECT is(ecs_test.login('ann.lee@example.com', 'wrong'), 'invalid_credentials',
    'however many failed before');
SELECT throws_like($$ SELECT ecs_api.accounts_credentials('ann.lee@example.com', '198.51.100.7') $$,
    '%in 900 seconds.', 'no block is longer than 15 minutes');
SELECT ecs_test.pass('31 minutes');
SELECT is(ecs_test.login('ann.lee@example.com', 'wrong'), 'invalid_credentials',
    'after a quiet time');
SELECT is((SELECT failures FROM ecs.login_failures WHERE subject LIKE 'pair:%'), 1,
    'the counter starts over');
SELECT is(ecs_test.login('ann.lee@example.com', 'hash of ann'), '200', 'the right password');
SELECT is((SELECT count(*)::int FROM ecs.login_failures WHERE subject NOT LIKE 'address:%'), 0,
    'clears the counters of the account');
SELECT is((SELECT failures FROM ecs.login_failures WHERE subject = 'address:198.51.100.7'), 1,
    'and leaves the address''s');
DELETE FROM ecs.login_failures;
SELECT is(count(*) FILTER (WHERE r = 'invalid_credentials')::int, 50,
    'one address has fifty failures, whatever it tries')
    FROM (SELECT ecs_test.login('u' || n || '@example.com', 'x') r FROM generate_series(1, 60) n) t;
SELECT is(ecs_test.login('bob@example.com', 'hash of bob'), 'throttled',
    'then nobody signs in from there');
SELECT is(ecs_test.login('bob@example.com', 'hash of bob', NULL, '203.0.113.9'), '200',
    'from elsewhere they do');
SELECT is(count(*) FILTER (WHERE r = 'invalid_credentials')::int, 100,
    'one account has a hundred failures, wherever they come from')
    FROM (SELECT ecs_test.login('bob@example.com', 'x', NULL, '203.0.113.' || n) r
          FROM generate_series(20, 130) n) t;
SELECT is(ecs_lib.login_subject('address', 'x', '2001:db8:1:2:3::4'),
    ecs_lib.login_subject('address', 'x', '2001:db8:1:2:ffff::1'), 'IPv6 counts by /64');
SELECT isnt(ecs_lib.login_subject('address', 'x', '2001:db8:1:2::'),
    ecs_lib.login_subject('address', 'x', '2001:db8:1:3::'), 'and no wider');
SELECT ecs_test.pass('25 hours');
CREATE TEMP TABLE old AS SELECT count(*) AS counters FROM ecs.login_failures
    WHERE subject NOT IN ('address:198.51.100.7', 'account:bob@example.com');
SELECT is(ecs_test.login('bob@example.com', 'x'), 'invalid_credentials', 'a day later');
SELECT is((SELECT count(*) FROM ecs.login_failures WHERE last_at < ecs.now()), counters - 10,
    'ten old counters go with each failure') FROM old;
SELECT is((SELECT count(*)::int FROM ecs.login_failures WHERE last_at = ecs.now()), 3,
    'its own counters are fresh');
DELETE FROM ecs.login_failures;

-- Refresh ------------------------------------------------------------------------

SELECT is(ecs_test.login('bob@example.com', 'hash of bob', 'r1'), '200', 'a session to refresh');
SELECT is(ecs_test.refresh('r1', 'r2'), '200', 'a refresh token is good');
SELECT is(ecs_test.refresh('r2', 'r3'), '200', 'and so is the next');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.refresh('unknown', 'r4') $$), 'token_not_valid',
    'an unknown one is not');
SELECT is(ecs_test.refresh('r1', 'r5'), 'token_reused', 'a used one was stolen');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.refresh('r3', 'r6') $$), 'token_not_valid',
    'and ends its whole family');
SELECT is(ecs_test.refresh('r2', 'r7'), 'token_reused', 'again');
SELECT is(ecs_test.audited('token_reused')::int, 1, 'which is audited once');
SELECT is((SELECT count(*)::int FROM ecs.refresh_tokens WHERE token_hash ~ '^r'), 3,
    'no token came from a refused one');
SELECT is(ecs_test.login('bob@example.com', 'hash of bob', 's1'), '200', 'another session');
SELECT ecs_test.pass('30 days');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.refresh('s1', 's2') $$), 'token_not_valid',
    'ends after thirty days');
SELECT is(ecs_test.login('bob@example.com', 'hash of bob', 'v1'), '200', 'and another');
UPDATE ecs.users SET is_active = false WHERE username = 'bob';
SELECT is(ecs_test.code_of($$ SELECT ecs_test.refresh('v1', 'v2') $$), 'token_not_valid',
    'is no good for a closed account');
UPDATE ecs.users SET is_active = true WHERE username = 'bob';

-- Verify and logout -----------------------------------------------------------------

SELECT is((ecs_api.accounts_token_verify(NULL, (m).id, (m).session_id, 'seller')).status, 200,
    'a token of an open session is good') FROM ecs_test.me('bob') m;
SELECT is(ecs_test.code_of($$ SELECT ecs_api.accounts_token_verify(NULL, (m).id, (m).session_id,
    'admin') FROM ecs_test.me('bob') m $$), 'token_not_valid', 'with another role it is not');
SELECT is(ecs_test.login('ann.lee@example.com', 'hash of ann', 'a1'), '200', 'ann signs in');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.accounts_logout(ecs_test.me('ann'), 'v1', false) $$),
    'token_not_valid', 'nobody signs others out');
SELECT is(ecs_test.alive('bob') > 0, true, 'their session goes on');
CREATE TEMP TABLE before AS SELECT ecs_test.alive('ann') AS ann;
SELECT is((ecs_api.accounts_logout(ecs_test.me('ann'), 'a1', false)).status, 204, 'ann signs out');
SELECT is(ecs_test.alive('ann'), ann - 1, 'one session less') FROM before;
SELECT is(ecs_test.code_of($$ SELECT ecs_api.accounts_token_verify(NULL, (m).id, (m).session_id,
    'user') FROM ecs_test.me('ann') m $$), 'token_not_valid', 'its access token is dead');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.refresh('a1', 'a2') $$), 'token_not_valid',
    'and its refresh token');
SELECT is(ecs_test.login('ann.lee@example.com', 'hash of ann', 'a3'), '200', 'she comes back');
SELECT is((ecs_api.accounts_logout(ecs_test.me('ann'), NULL, true)).status, 204,
    'and leaves everywhere');
SELECT is(ecs_test.alive('ann')::int, 0, 'no session is left');

-- Change of password ------------------------------------------------------------------

SELECT is(ecs_test.login('ann.lee@example.com', 'hash of ann', 'p1'), '200', 'one device');
SELECT is(ecs_test.login('ann.lee@example.com', 'hash of ann', 'p2'), '200', 'another');
SELECT is((ecs_api.accounts_own_credentials(ecs_test.me('ann'))).body ->> 'password_hash',
    'hash of ann',
    'the module gets the hash to check');
SELECT matches(ecs_test.code_of($$ SELECT ecs_api.accounts_password_change(ecs_test.me('ann'),
    'not it', 'new hash') $$), 'old_password', 'it must still be the account''s');
SELECT is((ecs_api.accounts_password_change(ecs_test.me('ann'), 'hash of ann', 'new hash')).status,
    204,
    'the password changes');
SELECT is(ecs_test.alive('ann')::int, 1, 'all other sessions end');
SELECT is(ecs_test.login('ann.lee@example.com', 'hash of ann'), 'invalid_credentials',
    'the old one is out');
SELECT is(ecs_test.login('ann.lee@example.com', 'new hash'), '200', 'the new one is in');
DELETE FROM ecs.login_failures;
SELECT is(array_agg(DISTINCT (ecs_api.accounts_password_wrong(ecs_test.me('ann'))).status),
    ARRAY[204],
    'wrong old passwords are counted') FROM generate_series(1, 5);
SELECT is(ecs_test.code_of($$ SELECT ecs_api.accounts_own_credentials(ecs_test.me('ann')) $$),
    'throttled',
    'and throttled');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.accounts_password_change(ecs_test.me('ann'),
    'new hash', 'newer') $$), 'throttled', 'on their way, too');

-- Profile ------------------------------------------------------------------------------

SELECT is((ecs_api.accounts_me(ecs_test.me('ann'))).body ->> 'location_lat', NULL,
    'no location yet');
SELECT is((ecs_api.accounts_me_update(ecs_test.me('ann'), '{}')).version,
    (ecs_api.accounts_me(ecs_test.me('ann'))).version, 'no change, no new version');
SELECT is((a.body ->> 'bio') || (a.body ->> 'location_lat') || (a.body ->> 'first_name'),
    'Hello33.500000Ann', 'user and profile change together')
    FROM ecs_api.accounts_me_update(ecs_test.me('ann'), '{"bio": "Hello", "first_name": "Ann",
        "location_lat": "33.5", "location_lng": "36.25"}') a;
CREATE TEMP TABLE read AS SELECT version FROM ecs.users WHERE username = 'ann';
SELECT is((ecs_api.accounts_me_update(ecs_test.me('ann', version), '{"city": "Homs"}')).version,
    version + 1, 'a change of the profile alone raises the version') FROM read;
SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.accounts_me_update(ecs_test.me('ann', %s),
    '{"city": "Aleppo"}') $$, version)), 'stale', 'a stale one is refused') FROM read;
SELECT is(city, 'Homs', 'and changes nothing') FROM ecs.profiles WHERE user_id = ecs_test.id('ann');
SELECT matches(ecs_test.code_of($$ SELECT ecs_api.accounts_me_update(ecs_test.me('ann'),
    '{"location_lat": "1"}') $$), 'location_lng.*together', 'no latitude without a longitude');
SELECT matches(ecs_test.code_of($$ SELECT ecs_api.accounts_me_update(ecs_test.me('ann'),
    '{"location_lat": null, "location_lng": "1"}') $$), 'location_lat.*together',
    'nor the other way');
SELECT is((ecs_api.accounts_me_update(ecs_test.me('ann'),
    '{"location_lat": null, "location_lng": null}')).body ->> 'location_lng', NULL,
    'both can be removed');
SELECT matches(ecs_test.code_of($$ SELECT ecs_api.accounts_me_update(ecs_test.me('ann'),
    '{"username": "BOB"}') $$), 'user with this username already exists', 'names stay unique');
SELECT matches(ecs_test.code_of($$ SELECT ecs_api.accounts_me_update(ecs_test.me('ann'),
    '{"username": "a@b.c"}') $$), 'Enter a valid username', 'and valid');
SELECT is((a.body ->> 'username') || (a.body ->> 'role'), 'annieuser',
    'a name can change, and only what may')
    FROM ecs_api.accounts_me_update(ecs_test.me('ann'), '{"username": "annie"}') a;

-- Seller's card --------------------------------------------------------------------------

SELECT bag_eq($$ SELECT json_object_keys((ecs_api.accounts_seller(NULL,
    ecs_test.id('bob'))).body) $$,
    $$ VALUES ('id'), ('username'), ('picture'), ('points'), ('rank'), ('is_verified_seller'), ('avg_rating'),
       ('ratings_count'), ('products_count'), ('brands'), ('member_since') $$,
    'a seller''s card has no e-mail, phone or location');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.accounts_seller(NULL, ecs_test.id('annie')) $$),
    'not_found',
    'who does not sell has none');

-- The shop's people -------------------------------------------------------------------------

DO $$ BEGIN
    PERFORM ecs_test.person(n, r) FROM (VALUES ('root', 'superadmin'), ('root2', 'superadmin'),
        ('adam', 'admin'), ('carl', 'delivery'), ('Zoe', 'user')) v (n, r);
END $$;
CREATE FUNCTION ecs_test.people(p_ordering text, p_cursor text DEFAULT NULL,
    p_size integer DEFAULT 3)
RETURNS ecs.answer LANGUAGE sql AS $$
    SELECT ecs_api.accounts_users_list(ecs_test.me('adam'), NULL, NULL, NULL, p_ordering, NULL,
    p_size, p_cursor) $$;
-- All pages of a cursor, as one list of usernames.
CREATE FUNCTION ecs_test.walk(p_ordering text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    v_names text[] := '{}';
    v_page  ecs.answer;
BEGIN
    LOOP
        v_page := ecs_test.people(p_ordering, v_page.next_key);
        v_names := v_names || ARRAY(SELECT j ->> 'username'
        FROM json_array_elements(v_page.body) j);
        EXIT WHEN v_page.next_key IS NULL;
    END LOOP;
    RETURN v_names;
END $$;
UPDATE ecs.users SET created_at = ecs.now() WHERE id % 2 = 0;
SELECT is(ecs_test.walk('-id'), ARRAY(SELECT username FROM ecs.users ORDER BY id DESC),
    'a cursor walks over everybody once, newest first');
SELECT is(ecs_test.walk('username'), ARRAY(SELECT username FROM ecs.users ORDER BY lower(username)),
    'by username');
SELECT is(ecs_test.walk('-email'), ARRAY(SELECT username FROM ecs.users ORDER BY lower(email) DESC),
    'by e-mail, downwards');
SELECT is(ecs_test.walk('-created_at'),
    ARRAY(SELECT username FROM ecs.users ORDER BY created_at DESC, id DESC),
    'by time, ties by id');
SELECT is((a.total, json_array_length(a.body), a.body -> 0 ->> 'username', a.next_key)::text,
    '(2,1,root2,)',
    'the second page follows the first, pages are counted, the filter by role holds')
    FROM ecs_api.accounts_users_list(ecs_test.me('adam'), 'superadmin', NULL, NULL, 'id', 2, 1,
    NULL) a;
SELECT is((a.total, a.body -> 0 ->> 'username')::text, '(1,annie)',
    'a part of a name finds in any case')
    FROM ecs_api.accounts_users_list(ecs_test.me('adam'), NULL, true, 'LEE@', 'id', 1, 20, NULL) a;
SELECT is((ecs_api.accounts_users_list(ecs_test.me('adam'), NULL, false, NULL, 'id', 1, 20,
    NULL)).total, 0::bigint,
    'nobody is inactive');
SELECT is((ecs_api.accounts_user(ecs_test.me('adam'), ecs_test.id('bob'))).body ->> 'email',
    'bob@example.com',
    'an admin reads anybody');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.accounts_user(ecs_test.me('adam'), 999999) $$),
    'not_found',
    'who exists');

CREATE FUNCTION ecs_test.hire(p_by text, p_role text,
    p_name text) RETURNS ecs.answer LANGUAGE sql AS $$
    SELECT ecs_api.accounts_user_create(ecs_test.me(p_by), p_name || '@example.com', p_name, p_role,
                                        NULL, NULL, NULL, NULL) $$;
SELECT is((ecs_test.hire('adam', 'delivery', 'dora')).status, 201, 'an admin makes a courier');
SELECT is(password_hash, NULL, 'who cannot sign in yet') FROM ecs.users WHERE username = 'dora';
SELECT is(ecs_test.login('dora@example.com', NULL), 'invalid_credentials',
    'not without a password');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.hire('adam', 'admin', 'eve') $$), 'permission_denied',
    'an admin makes no admins');
SELECT is((ecs_test.hire('root', 'admin', 'eve')).body ->> 'role', 'admin', 'a superadmin does');
SELECT is(ecs_test.audited('user_created')::int, 2, 'both are audited');

CREATE FUNCTION ecs_test.change(p_by text, p_whom text,
    p_changes jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN ecs_test.code_of(format('SELECT ecs_api.accounts_user_update(ecs_test.me(%L), %s, %L)',
                                   p_by, ecs_test.id(p_whom), p_changes));
END $$;
SELECT is(ecs_test.change('adam', 'carl', '{"is_active": false}'), 'not refused',
    'an admin closes an account');
SELECT is(is_active, false, 'it is closed') FROM ecs.users WHERE username = 'carl';
SELECT is(ecs_test.alive('carl')::int, 0, 'its sessions end at once');
SELECT is(ecs_test.change('adam', 'carl', '{"is_active": true}'), 'not refused',
    'and opens it again');
SELECT is((SELECT array_agg(action ORDER BY id) FROM ecs.audit_log WHERE object_type = 'user'
    AND object_id = ecs_test.id('carl')),
    ARRAY['user_deactivated', 'user_activated'], 'both are audited');
SELECT is(ecs_test.change('adam', 'eve', '{"is_active": false}'), 'permission_denied',
    'but not an admin''s');
SELECT is(ecs_test.change('adam', 'root', '{"is_active": false}'), 'permission_denied',
    'nor a superadmin''s');
SELECT is(ecs_test.change('adam', 'adam', '{"is_active": false}'), 'permission_denied',
    'nor their own');
SELECT is(ecs_test.change('adam', 'Zoe', '{"role": "admin"}'), 'permission_denied',
    'an admin changes no roles');
SELECT is(ecs_test.change('root', 'Zoe', '{"role": "seller"}'), 'not refused', 'a superadmin does');
SELECT is((SELECT role FROM ecs.users WHERE username = 'Zoe'), 'seller', 'the role is new');
SELECT is(ecs_test.alive('Zoe')::int, 0, 'and the sessions of the old one end');
SELECT is((SELECT details FROM ecs.audit_log WHERE action = 'role_changed'),
    '{"old": "user", "new": "seller"}'::jsonb,
    'the audit log knows both');
SELECT is(ecs_test.change('root', 'root', '{"role": "user"}'), 'permission_denied',
    'nobody changes their own role');
SELECT is(ecs_test.change('root', 'root2', '{"role": "admin"}'), 'not refused',
    'a superadmin can step another down');
SELECT is(ecs_test.change('root2', 'root', '{"role": "admin"}'), 'session_revoked',
    'who then cannot do the same');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.accounts_user_update(ecs_test.me('root', 99),
    ecs_test.id('Zoe'),
    '{"is_active": false}') $$), 'stale', 'If-Match holds');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.accounts_user_update(ecs_test.me('root'), 999999,
    '{}') $$),
    'not_found', 'nobody there');

SELECT * FROM finish();
ROLLBACK;
