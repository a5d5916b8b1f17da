-- Accounts: who may come in and as whom, and what the shop's people look like
-- to themselves, to admins and to the public.
--
-- Locks, in this order: the user's row → sessions by id → login_failures.
-- What opens a session and what ends all of them both lock the user's row, so
-- that no log-in slips through a change of password or a deactivation.

-- People as JSON --------------------------------------------------------------

-- A user as they and admins see them.
CREATE FUNCTION ecs_lib.user_json(u ecs.users) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', u.id, 'email', u.email, 'username', u.username,
        'first_name', u.first_name, 'last_name', u.last_name,
        'phone_number', u.phone_number, 'role', u.role,
        'is_active', u.is_active, 'is_email_verified', u.is_email_verified,
        'points', u.points, 'rank', u.rank,
        'is_verified_seller', u.is_verified_seller,
        'created_at', ecs_lib.ts(u.created_at))
$$;

-- The same and the profile, for its owner.
CREATE FUNCTION ecs_lib.me_json(u ecs.users, p ecs.profiles)
RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', u.id, 'email', u.email, 'username', u.username,
        'first_name', u.first_name, 'last_name', u.last_name,
        'phone_number', u.phone_number, 'role', u.role,
        'is_active', u.is_active, 'is_email_verified', u.is_email_verified,
        'points', u.points, 'rank', u.rank,
        'is_verified_seller', u.is_verified_seller,
        'created_at', ecs_lib.ts(u.created_at),
        'bio', p.bio, 'location_lat', p.location_lat,
        'location_lng', p.location_lng,
        'location_address', p.location_address, 'city', p.city,
        'region', p.region, 'country', p.country,
        'postal_code', p.postal_code, 'image', p.picture)
$$;

-- Making accounts -------------------------------------------------------------

-- The part behind the @ belongs to DNS and knows no case.
CREATE FUNCTION ecs_lib.email_normal(p_email text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(substring(p_email FROM '^(.*@)')
                    || lower(substring(p_email FROM '@([^@]*)$')), p_email)
$$;

-- No @, which would make a username look like somebody's e-mail.
-- Raises EC400 on username.
CREATE FUNCTION ecs_lib.username_check(p_username text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF p_username !~ '^[\w.+-]+$' THEN
        PERFORM ecs_lib.invalid('username', 'Enter a valid username. This value '
            'may contain only letters, numbers, and ./+/-/_ characters.');
    END IF;
END $$;

-- A new account with everything that belongs to one: profile and wallet.
-- Used by registration, by admins and by ecsctl. p_password_hash NULL: nobody
-- can sign in before a password was set.
-- Raises EC400 on email and username, both at once.
CREATE FUNCTION ecs_lib.user_create(p_email text, p_username text, p_password_hash text,
    p_role text, p_first_name text DEFAULT NULL, p_last_name text DEFAULT NULL,
    p_phone_number text DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_id    bigint;
    v_taken json;
BEGIN
    PERFORM ecs_lib.username_check(p_username);
    INSERT INTO ecs.users (email, username, password_hash, role, first_name,
                           last_name, phone_number)
        VALUES (ecs_lib.email_normal(p_email), p_username, p_password_hash, p_role,
                coalesce(p_first_name, ''), coalesce(p_last_name, ''),
                coalesce(p_phone_number, ''))
        ON CONFLICT DO NOTHING RETURNING id INTO v_id;
    IF v_id IS NULL THEN
        SELECT json_strip_nulls(json_build_object(
            'email', (SELECT json_build_array('user with this email already exists.')
                      FROM ecs.users WHERE lower(email) = lower(p_email)),
            'username', (SELECT json_build_array('user with this username already exists.')
                         FROM ecs.users WHERE lower(username) = lower(p_username))))
            INTO v_taken;
        RAISE EXCEPTION 'user already exists' USING ERRCODE = 'EC400',
            DETAIL = json_build_object('fields', v_taken)::text;
    END IF;
    INSERT INTO ecs.profiles (user_id) VALUES (v_id);
    INSERT INTO ecs.wallets (user_id) VALUES (v_id);
    RETURN v_id;
END $$;

-- POST /api/accounts/register/. Anyone. The address is asked to verify itself;
-- p_nonce and p_token_hash are the token's.
-- Raises EC400 on email, username.
CREATE FUNCTION ecs_api.accounts_register(p_me ecs.caller, p_email text, p_username text,
    p_password_hash text, p_first_name text, p_last_name text, p_phone_number text,
    p_role text, p_nonce text DEFAULT NULL, p_token_hash text DEFAULT NULL)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_id   bigint;
    v_user ecs.users;
BEGIN
    v_id := ecs_lib.user_create(p_email, p_username, p_password_hash, p_role,
                                p_first_name, p_last_name, p_phone_number);
    SELECT * INTO v_user FROM ecs.users WHERE id = v_id;
    PERFORM ecs_lib.audit(p_me, 'user_registered', 'user', v_user.id,
                          jsonb_build_object('role', v_user.role));
    PERFORM ecs_lib.mail_token(v_user, 'email_verification', p_nonce, p_token_hash);
    RETURN ecs_lib.created('/api/accounts/me/', ecs_lib.user_json(v_user), v_user.version);
END $$;

-- Failed log-ins ----------------------------------------------------------------
--
-- Three counters stand against guessing: the account tried from one address
-- (5 failures are free), one address whatever it tries (50), and one account
-- from anywhere (100). The first stops an ordinary attack and leaves the
-- account's owner, who is elsewhere, alone. A failure over the free ones blocks
-- for 30 s, each further one twice as long, at most 15 minutes; 15 quiet
-- minutes and the counter starts over. While a block lasts nothing is counted
-- and no answer tells whether the password was right.

-- Addresses of IPv6 count by /64, which one customer has whole.
CREATE FUNCTION ecs_lib.login_subject(p_kind text, p_email text, p_address inet)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT p_kind || ':' || concat_ws('|',
        CASE WHEN p_kind <> 'address' THEN lower(p_email) END,
        CASE WHEN p_kind <> 'account' THEN
            CASE family(p_address) WHEN 6 THEN network(set_masklen(p_address, 64))::text
                                   ELSE host(p_address) END END)
$$;

-- Until when the failure with this number blocks; NULL: not at all.
CREATE FUNCTION ecs_lib.login_block(p_subject text, p_failures integer, p_now timestamptz)
RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_over integer := p_failures - CASE split_part(p_subject, ':', 1)
        WHEN 'account' THEN 100 WHEN 'address' THEN 50 ELSE 5 END;
BEGIN
    IF v_over >= 0 THEN
        RETURN p_now + least(interval '30 seconds' * 2 ^ least(v_over, 10),
                             interval '15 minutes');
    END IF;
    RETURN NULL;
END $$;

-- Raises throttled while one of the three is blocked.
CREATE FUNCTION ecs_lib.login_check(p_email text, p_address inet, p_now timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_until   timestamptz;
    v_seconds integer;
BEGIN
    SELECT max(blocked_until) INTO v_until FROM ecs.login_failures
        WHERE subject IN (ecs_lib.login_subject('account', p_email, p_address),
                          ecs_lib.login_subject('address', p_email, p_address),
                          ecs_lib.login_subject('pair', p_email, p_address))
          AND blocked_until > p_now;
    IF v_until IS NOT NULL THEN
        v_seconds := ceil(extract(epoch FROM v_until - p_now));
        PERFORM ecs_lib.refuse('throttled', format('Request was throttled. '
            'Expected available in %s seconds.', v_seconds),
            json_build_object('retry_after', v_seconds));
    END IF;
END $$;

-- Counts one failure under the locks of its three counters, so that parallel
-- guesses count like guesses in a row. What comes after the block is refused
-- as throttled, however it was guessed.
CREATE FUNCTION ecs_lib.login_failed(p_me ecs.caller, p_email text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_now     timestamptz := ecs.now();
    v_window  interval := '15 minutes';
    v_counted integer;
    v_blocked jsonb;
BEGIN
    WITH counted AS (
        INSERT INTO ecs.login_failures AS f (subject, failures, last_at)
        SELECT ecs_lib.login_subject(kind, p_email, p_me.address), 1, v_now
        FROM (VALUES (1, 'account'), (2, 'address'), (3, 'pair')) k (place, kind)
        ORDER BY place
        ON CONFLICT (subject) DO UPDATE SET
            (failures, blocked_until, last_at) = (
                SELECT n, ecs_lib.login_block(f.subject, n, v_now), v_now
                FROM (SELECT CASE WHEN greatest(f.last_at, f.blocked_until) > v_now - v_window
                                  THEN f.failures + 1 ELSE 1 END AS n) next)
            WHERE f.blocked_until IS NULL OR f.blocked_until <= v_now
        RETURNING subject, blocked_until)
    SELECT count(*), jsonb_agg(split_part(subject, ':', 1))
                     FILTER (WHERE blocked_until IS NOT NULL)
        INTO v_counted, v_blocked FROM counted;
    IF v_counted < 3 THEN
        PERFORM ecs_lib.login_check(p_email, p_me.address, v_now);
    END IF;
    PERFORM ecs_lib.audit(p_me, 'login_failed', 'user',
        (SELECT id FROM ecs.users WHERE lower(email) = lower(p_email)));
    IF v_blocked IS NOT NULL THEN
        PERFORM ecs_lib.audit(p_me, 'login_throttled', 'user',
            (SELECT id FROM ecs.users WHERE lower(email) = lower(p_email)),
            jsonb_build_object('blocked', v_blocked));
    END IF;
    DELETE FROM ecs.login_failures WHERE subject IN (
        SELECT subject FROM ecs.login_failures
        WHERE last_at < v_now - interval '1 day'
        ORDER BY last_at LIMIT 10 FOR UPDATE SKIP LOCKED);
END $$;

-- The owner is in: what was guessed at the account before does not matter. The
-- address keeps its count, or any account of one's own would clear it.
CREATE FUNCTION ecs_lib.login_succeeded(p_me ecs.caller, p_email text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM ecs.login_failures
        WHERE subject = ecs_lib.login_subject('account', p_email, p_me.address);
    DELETE FROM ecs.login_failures
        WHERE subject = ecs_lib.login_subject('pair', p_email, p_me.address);
END $$;

-- Sessions ------------------------------------------------------------------------

-- Ends the sessions of a user, all or all but one.
CREATE FUNCTION ecs_lib.sessions_end(p_user bigint, p_why text, p_but bigint DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM ecs.sessions WHERE user_id = p_user AND revoked_at IS NULL
        ORDER BY id FOR NO KEY UPDATE;
    UPDATE ecs.sessions SET revoked_at = ecs.now(), revoked_why = p_why
        WHERE user_id = p_user AND revoked_at IS NULL AND id IS DISTINCT FROM p_but;
END $$;

-- Before POST /api/accounts/token/: what the password has to match. NULL for an
-- account that does not exist or is not active, which the module then works on
-- just as long.
-- Raises throttled.
CREATE FUNCTION ecs_api.accounts_credentials(p_email text, p_address inet)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM ecs_lib.login_check(p_email, p_address, ecs.now());
    RETURN ecs_lib.ok(json_build_object('password_hash',
        (SELECT password_hash FROM ecs.users
         WHERE lower(email) = lower(p_email) AND is_active)));
END $$;

-- POST /api/accounts/token/. Anyone. p_proven_hash: the hash that the password
-- matched, NULL when it did not; it must still be the account's. p_better_hash:
-- the same password hashed anew, when the proven hash is out of date.
-- Locks: the user's row.
-- Raises throttled; returns invalid_credentials, with the failure counted.
CREATE FUNCTION ecs_api.accounts_token(p_me ecs.caller, p_email text, p_proven_hash text,
                                       p_refresh_hash text, p_better_hash text DEFAULT NULL)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_me      ecs.caller := p_me;
    v_user    ecs.users;
    v_session bigint;
BEGIN
    PERFORM ecs_lib.login_check(p_email, p_me.address, ecs.now());
    IF p_proven_hash IS NOT NULL THEN
        SELECT * INTO v_user FROM ecs.users
            WHERE lower(email) = lower(p_email) AND is_active
              AND password_hash = p_proven_hash FOR NO KEY UPDATE;
    END IF;
    IF v_user.id IS NULL THEN
        PERFORM ecs_lib.login_failed(p_me, p_email);
        RETURN ecs_lib.refused('invalid_credentials',
            'No active account found with the given credentials');
    END IF;
    PERFORM ecs_lib.login_succeeded(p_me, p_email);
    IF p_better_hash IS NOT NULL THEN
        UPDATE ecs.users SET password_hash = p_better_hash WHERE id = v_user.id;
    END IF;
    INSERT INTO ecs.sessions (user_id, address, expires_at)
        VALUES (v_user.id, p_me.address, ecs.now() + interval '30 days')
        RETURNING id INTO v_session;
    INSERT INTO ecs.refresh_tokens (token_hash, session_id)
        VALUES (p_refresh_hash, v_session);
    v_me.id := v_user.id;
    v_me.role := v_user.role;
    PERFORM ecs_lib.audit(v_me, 'login', 'session', v_session);
    RETURN ecs_lib.ok(json_build_object('session', v_session,
                                        'user', ecs_lib.user_json(v_user)));
END $$;

-- POST /api/accounts/token/refresh/. Anyone. A token opens the door once: used
-- again it was stolen, from the owner or by them, and its session ends.
-- Locks: the token's row, then the session's.
-- Raises token_not_valid; returns token_reused, with the session ended.
CREATE FUNCTION ecs_api.accounts_token_refresh(p_me ecs.caller, p_refresh_hash text,
                                               p_new_hash text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_token ecs.refresh_tokens;
    v_user  ecs.users;
BEGIN
    SELECT * INTO v_token FROM ecs.refresh_tokens
        WHERE token_hash = p_refresh_hash FOR NO KEY UPDATE;
    IF v_token.used_at IS NOT NULL THEN
        UPDATE ecs.sessions SET revoked_at = ecs.now(), revoked_why = 'token_reused'
            WHERE id = v_token.session_id AND revoked_at IS NULL;
        IF FOUND THEN
            PERFORM ecs_lib.audit(p_me, 'token_reused', 'session', v_token.session_id);
        END IF;
        RETURN ecs_lib.refused('token_reused', 'This refresh token was used '
            'before; its session has ended. Sign in again.');
    END IF;
    SELECT u.* INTO v_user FROM ecs.sessions s JOIN ecs.users u ON u.id = s.user_id
        WHERE s.id = v_token.session_id AND s.revoked_at IS NULL
          AND s.expires_at > ecs.now() AND u.is_active;
    IF v_user.id IS NULL THEN
        PERFORM ecs_lib.refuse('token_not_valid', 'Token is invalid or expired');
    END IF;
    UPDATE ecs.refresh_tokens SET used_at = ecs.now() WHERE token_hash = p_refresh_hash;
    INSERT INTO ecs.refresh_tokens (token_hash, session_id)
        VALUES (p_new_hash, v_token.session_id);
    RETURN ecs_lib.ok(json_build_object('session', v_token.session_id,
        'user', json_build_object('id', v_user.id, 'role', v_user.role)));
END $$;

-- POST /api/accounts/token/verify/. Anyone; the module has checked signature
-- and times of the access token, whose claims these are.
-- Raises token_not_valid.
CREATE FUNCTION ecs_api.accounts_token_verify(p_me ecs.caller, p_user bigint,
                                              p_session bigint, p_role text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ecs.sessions s JOIN ecs.users u ON u.id = s.user_id
                   WHERE s.id = p_session AND s.user_id = p_user
                     AND s.revoked_at IS NULL AND u.is_active AND u.role = p_role) THEN
        PERFORM ecs_lib.refuse('token_not_valid', 'Token is invalid or expired');
    END IF;
    RETURN ecs_lib.ok('{}');
END $$;

-- POST /api/accounts/logout/. Any signed-in user. Ends the caller's session,
-- the one of p_refresh if that is another of theirs, or all of them.
-- Raises token_not_valid for a refresh token that is not theirs.
CREATE FUNCTION ecs_api.accounts_logout(p_me ecs.caller, p_refresh_hash text, p_all boolean)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_other bigint;
BEGIN
    IF p_refresh_hash IS NOT NULL THEN
        SELECT s.id INTO v_other
            FROM ecs.refresh_tokens t JOIN ecs.sessions s ON s.id = t.session_id
            WHERE t.token_hash = p_refresh_hash AND s.user_id = p_me.id;
        IF v_other IS NULL THEN
            PERFORM ecs_lib.refuse('token_not_valid', 'Token is invalid or expired');
        END IF;
    END IF;
    PERFORM FROM ecs.sessions WHERE id IN (p_me.session_id, v_other)
        ORDER BY id FOR NO KEY UPDATE;
    UPDATE ecs.sessions SET revoked_at = ecs.now(), revoked_why = 'logout'
        WHERE id IN (p_me.session_id, v_other) AND revoked_at IS NULL;
    IF p_all THEN
        PERFORM ecs_lib.sessions_end(p_me.id, 'logout');
    END IF;
    PERFORM ecs_lib.audit(p_me, 'logout', 'session', p_me.session_id,
                          jsonb_build_object('all', coalesce(p_all, false)));
    RETURN ecs_lib.no_content();
END $$;

-- Passwords -----------------------------------------------------------------------

-- Before POST /api/accounts/password/change/: what the old password has to
-- match, and the data the new one must not look like.
-- Raises throttled: a stolen access token must not help to guess.
CREATE FUNCTION ecs_api.accounts_own_credentials(p_me ecs.caller)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_user ecs.users;
BEGIN
    SELECT * INTO v_user FROM ecs.users WHERE id = p_me.id;
    PERFORM ecs_lib.login_check(v_user.email, p_me.address, ecs.now());
    RETURN ecs_lib.ok(json_build_object('password_hash', v_user.password_hash,
        'email', v_user.email, 'username', v_user.username,
        'first_name', v_user.first_name, 'last_name', v_user.last_name));
END $$;

-- Instead of the change when the old password was wrong: counts it.
-- Raises throttled.
CREATE FUNCTION ecs_api.accounts_password_wrong(p_me ecs.caller)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.login_failed(p_me, (SELECT email FROM ecs.users WHERE id = p_me.id));
    RETURN ecs_lib.no_content();
END $$;

-- POST /api/accounts/password/change/. Any signed-in user. p_proven_hash: what
-- the old password matched; it must still be the account's.
-- Locks: the user's row, then sessions.
-- Raises throttled, EC400 on old_password.
CREATE FUNCTION ecs_api.accounts_password_change(p_me ecs.caller, p_proven_hash text,
                                                 p_password_hash text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_user ecs.users;
BEGIN
    UPDATE ecs.users SET password_hash = p_password_hash
        WHERE id = p_me.id AND password_hash = p_proven_hash
        RETURNING * INTO v_user;
    IF v_user.id IS NULL THEN
        PERFORM ecs_lib.invalid('old_password', 'Your old password was entered '
            'incorrectly. Please enter it again.');
    END IF;
    PERFORM ecs_lib.login_check(v_user.email, p_me.address, ecs.now());
    PERFORM ecs_lib.sessions_end(p_me.id, 'password_changed', p_me.session_id);
    PERFORM ecs_lib.login_succeeded(p_me, v_user.email);
    PERFORM ecs_lib.audit(p_me, 'password_changed', 'user', p_me.id);
    PERFORM ecs_lib.mail_user(v_user, 'password_changed', '{}', ecs.now() + interval '3 days');
    RETURN ecs_lib.no_content();
END $$;

-- Profiles ------------------------------------------------------------------------

-- GET /api/accounts/me/. Any signed-in user.
CREATE FUNCTION ecs_api.accounts_me(p_me ecs.caller)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_body    json;
    v_version bigint;
BEGIN
    SELECT ecs_lib.me_json(u, p), u.version INTO v_body, v_version
        FROM ecs.users u JOIN ecs.profiles p ON p.user_id = u.id WHERE u.id = p_me.id;
    RETURN ecs_lib.ok(v_body, v_version);
END $$;

-- PATCH /api/accounts/me/. Any signed-in user. The version of user and profile
-- is one, the user's, so that a change of either raises it.
-- Locks: the wallet when there is to be no place any more, by which bids of the
-- caller's come before or after; the user's row.
-- Raises stale, in_use, EC400 on username, location_lat, location_lng.
CREATE FUNCTION ecs_api.accounts_me_update(p_me ecs.caller, p_changes jsonb)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_user    ecs.users;
    v_profile ecs.profiles;
BEGIN
    IF p_changes -> 'location_lat' = 'null' THEN
        PERFORM ecs.lock_wallets(ARRAY[p_me.id]);
    END IF;
    SELECT * INTO v_user FROM ecs.users WHERE id = p_me.id FOR NO KEY UPDATE;
    PERFORM ecs_lib.check_version(p_me, v_user.version);
    SELECT * INTO v_profile FROM ecs.profiles WHERE user_id = p_me.id;
    v_user := jsonb_populate_record(v_user, p_changes);
    v_profile := jsonb_populate_record(v_profile, p_changes);
    IF p_changes ? 'username' THEN
        PERFORM ecs_lib.username_check(v_user.username);
    END IF;
    IF p_changes ? 'location_lat' <> p_changes ? 'location_lng'
            OR (v_profile.location_lat IS NULL) <> (v_profile.location_lng IS NULL) THEN
        PERFORM ecs_lib.invalid(
            CASE WHEN p_changes ->> 'location_lat' IS NULL THEN 'location_lat'
                 ELSE 'location_lng' END,
            'location_lat and location_lng are given together.');
    END IF;
    IF p_changes ? 'location_lat' AND v_profile.location_lat IS NULL AND EXISTS (
            SELECT FROM ecs.bids b JOIN ecs.auctions a ON a.id = b.auction_id
            WHERE b.bidder_id = p_me.id AND a.leader_id = p_me.id
              AND a.status = 'ACTIVE') THEN
        PERFORM ecs_lib.refuse('in_use', 'You lead an auction; what you win has to be '
            'delivered somewhere.');
    END IF;
    IF p_changes <> '{}' THEN
        BEGIN
            UPDATE ecs.users SET username = v_user.username,
                first_name = v_user.first_name, last_name = v_user.last_name,
                phone_number = v_user.phone_number
                WHERE id = p_me.id RETURNING * INTO v_user;
        EXCEPTION WHEN unique_violation THEN
            PERFORM ecs_lib.invalid('username', 'user with this username already exists.');
        END;
        UPDATE ecs.profiles SET bio = v_profile.bio,
            location_lat = v_profile.location_lat, location_lng = v_profile.location_lng,
            location_address = v_profile.location_address, city = v_profile.city,
            region = v_profile.region, country = v_profile.country,
            postal_code = v_profile.postal_code
            WHERE user_id = p_me.id RETURNING * INTO v_profile;
    END IF;
    RETURN ecs_lib.ok(ecs_lib.me_json(v_user, v_profile), v_user.version);
END $$;

-- GET /api/accounts/sellers/{id}/. Anyone. Nothing by which a seller could be
-- reached outside the shop.
-- Raises not_found, for everybody who does not sell.
CREATE FUNCTION ecs_api.accounts_seller(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_user ecs.users;
BEGIN
    SELECT * INTO v_user FROM ecs.users WHERE id = p_id AND role = 'seller' AND is_active;
    IF v_user.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    RETURN ecs_lib.ok(json_build_object(
        'id', v_user.id, 'username', v_user.username,
        'picture', (SELECT picture FROM ecs.profiles WHERE user_id = p_id),
        'points', v_user.points, 'rank', v_user.rank,
        'is_verified_seller', v_user.is_verified_seller,
        'avg_rating', v_user.avg_rating, 'ratings_count', v_user.ratings_count,
        'products_count', v_user.products_count,
        'brands', ecs_lib.seller_brands_json(v_user.id),
        'member_since', ecs_lib.ts(v_user.created_at)), v_user.version);
END $$;

-- The shop's people, for admins -----------------------------------------------------

-- GET /api/accounts/users/. Admins. p_ordering: id, created_at, email or
-- username, with a minus for descending; the keyset is that column and the id.
CREATE FUNCTION ecs_api.accounts_users_list(p_me ecs.caller, p_role text,
    p_is_active boolean, p_search text, p_ordering text,
    p_page integer, p_page_size integer, p_cursor text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_filter constant text := $q$
        FROM ecs.users u
        WHERE ($1 IS NULL OR u.role = $1) AND ($2 IS NULL OR u.is_active = $2)
          AND ($3 IS NULL OR position(lower($3) IN lower(concat_ws(' ',
                  u.email, u.username, u.first_name, u.last_name))) > 0) $q$;
    v_column constant text := ltrim(p_ordering, '-');
    v_down   constant boolean := p_ordering LIKE '-%';
    v_key    constant text := CASE v_column WHEN 'id' THEN 'u.id'
        WHEN 'created_at' THEN 'u.created_at' WHEN 'email' THEN 'lower(u.email)'
        WHEN 'username' THEN 'lower(u.username)' END;
    v_order  constant text := replace(v_key || ' x, u.id x', ' x',
                                      CASE WHEN v_down THEN ' DESC' ELSE '' END);
    v_beyond constant text := format(
        '(%s, u.id) %s (($6::json ->> 0)::%s, ($6::json ->> 1)::bigint)',
        v_key, CASE WHEN v_down THEN '<' ELSE '>' END,
        CASE v_column WHEN 'id' THEN 'bigint' WHEN 'created_at' THEN 'timestamptz'
                      ELSE 'text' END);
    v_rows   json;
    v_next   text;
    v_total  bigint;
BEGIN
    EXECUTE format($q$
        SELECT json_agg(ecs_lib.user_json(u) ORDER BY n) FILTER (WHERE n <= $4 + $5),
               CASE WHEN count(*) > $4 THEN max(key) FILTER (WHERE n = $4 + $5) END
        FROM (SELECT u, json_build_array(%1$s::text, u.id)::text AS key,
                     row_number() OVER (ORDER BY %2$s) AS n
              %3$s AND ($6 IS NULL OR %4$s)
              ORDER BY %2$s LIMIT $4 + 1 OFFSET $5) page $q$,
        v_key, v_order, v_filter, v_beyond)
        INTO v_rows, v_next
        USING p_role, p_is_active, p_search, p_page_size,
              ecs_lib.skip(p_page, p_page_size), p_cursor;
    IF p_page IS NOT NULL THEN
        EXECUTE 'SELECT count(*)' || v_filter INTO v_total
            USING p_role, p_is_active, p_search;
    END IF;
    RETURN ecs_lib.page(v_rows, v_total, v_next);
END $$;

-- GET /api/accounts/users/{id}/. Admins.
-- Raises not_found.
CREATE FUNCTION ecs_api.accounts_user(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_user ecs.users;
BEGIN
    SELECT * INTO v_user FROM ecs.users WHERE id = p_id;
    IF v_user.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    RETURN ecs_lib.ok(ecs_lib.user_json(v_user), v_user.version);
END $$;

-- POST /api/accounts/users/. Admins make couriers, a superadmin also admins. Who
-- gets no password is invited to set one; p_nonce and p_token_hash are the
-- invitation's.
-- Raises permission_denied, EC400 on email, username.
CREATE FUNCTION ecs_api.accounts_user_create(p_me ecs.caller, p_email text,
    p_username text, p_role text, p_password_hash text, p_first_name text,
    p_last_name text, p_phone_number text, p_nonce text DEFAULT NULL,
    p_token_hash text DEFAULT NULL)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_id   bigint;
    v_user ecs.users;
BEGIN
    IF p_role <> 'delivery' AND p_me.role <> 'superadmin' THEN
        PERFORM ecs_lib.refuse('permission_denied',
            'Only a superadmin can create an account with this role.');
    END IF;
    v_id := ecs_lib.user_create(p_email, p_username, p_password_hash, p_role,
                                p_first_name, p_last_name, p_phone_number);
    SELECT * INTO v_user FROM ecs.users WHERE id = v_id;
    PERFORM ecs_lib.audit(p_me, 'user_created', 'user', v_user.id,
                          jsonb_build_object('role', v_user.role));
    IF p_password_hash IS NULL THEN
        PERFORM ecs_lib.mail_token(v_user, 'invitation', p_nonce, p_token_hash);
    END IF;
    RETURN ecs_lib.created('/api/accounts/users/' || v_user.id || '/',
                           ecs_lib.user_json(v_user), v_user.version);
END $$;

-- May the caller make these changes to this user?
-- Raises permission_denied.
CREATE FUNCTION ecs_lib.user_change_check(p_me ecs.caller, p_user ecs.users, p_changes jsonb)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF p_user.id = p_me.id THEN
        PERFORM ecs_lib.refuse('permission_denied',
            'Nobody can change their own role or deactivate themselves.');
    END IF;
    IF p_me.role <> 'superadmin' AND p_changes ? 'role' THEN
        PERFORM ecs_lib.refuse('permission_denied', 'Only a superadmin can change a role.');
    END IF;
    IF p_me.role <> 'superadmin' AND p_user.role IN ('admin', 'superadmin') THEN
        PERFORM ecs_lib.refuse('permission_denied', 'Only a superadmin can change an admin.');
    END IF;
END $$;

-- PATCH /api/accounts/users/{id}/. Admins: is_active, but not of admins;
-- superadmins: also role. What changes a user's rights ends their sessions.
-- Locks: the rows of the caller and of the user, by id, so that two superadmins
-- cannot remove each other.
-- Raises not_found, stale, permission_denied, session_revoked.
CREATE FUNCTION ecs_api.accounts_user_update(p_me ecs.caller, p_id bigint, p_changes jsonb)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_old ecs.users;
    v_new ecs.users;
BEGIN
    PERFORM FROM ecs.users WHERE id IN (p_id, p_me.id) ORDER BY id FOR NO KEY UPDATE;
    PERFORM ecs_api.caller(p_me.id, p_me.session_id, p_me.role, p_me.address,
                           p_me.request_id, p_me.if_match);
    SELECT * INTO v_old FROM ecs.users WHERE id = p_id;
    IF v_old.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    PERFORM ecs_lib.check_version(p_me, v_old.version);
    PERFORM ecs_lib.user_change_check(p_me, v_old, p_changes);
    v_new := jsonb_populate_record(v_old, p_changes);
    IF v_new.is_active <> v_old.is_active THEN
        PERFORM ecs_lib.audit(p_me, CASE WHEN v_new.is_active THEN 'user_activated'
            ELSE 'user_deactivated' END, 'user', p_id);
    END IF;
    IF v_new.role <> v_old.role THEN
        PERFORM ecs_lib.audit(p_me, 'role_changed', 'user', p_id,
            jsonb_build_object('old', v_old.role, 'new', v_new.role));
    END IF;
    IF v_new.is_active <> v_old.is_active OR v_new.role <> v_old.role THEN
        UPDATE ecs.users SET is_active = v_new.is_active, role = v_new.role
            WHERE id = p_id RETURNING * INTO v_new;
        PERFORM ecs_lib.sessions_end(p_id, CASE WHEN v_new.is_active
            THEN 'role_changed' ELSE 'deactivated' END);
    END IF;
    RETURN ecs_lib.ok(ecs_lib.user_json(v_new), v_new.version);
END $$;
