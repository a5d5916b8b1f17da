-- Mails about an account: verify the address, set a new password, an invitation.
--
-- A token stands in a mail and nowhere else: the module derives it from its key
-- and a nonce, once for its hash, which is stored, and once when the mail is
-- made. It is good once and for a time.
--
-- Locks: the counters of mails, the user's row → tokens → sessions by id.

-- How many mails an account can be made to get in an hour.
CREATE FUNCTION ecs_lib.mails_per_account() RETURNS integer LANGUAGE sql IMMUTABLE
AS $$ SELECT 5 $$;

-- How many an address on the net can ask for in that time.
CREATE FUNCTION ecs_lib.mails_per_address() RETURNS integer LANGUAGE sql IMMUTABLE
AS $$ SELECT 30 $$;

-- How long the token in a mail is good.
CREATE FUNCTION ecs_lib.token_lifetime(p_purpose text) RETURNS interval
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE p_purpose WHEN 'password_reset' THEN interval '1 hour'
                          WHEN 'email_verification' THEN interval '2 days'
                          WHEN 'invitation' THEN interval '7 days' END
$$;

-- Whether a host of the shop delivers mails at the moment.
CREATE FUNCTION ecs_lib.mail_is_served() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT served_until > clock_timestamp() FROM ecs.outbox_channels
            WHERE channel = 'mail');
END $$;

-- A mail to a user about their own account.
CREATE FUNCTION ecs_lib.mail_user(u ecs.users, p_kind text, p_payload jsonb,
                                  p_expires timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ecs.outbox (channel, kind, destination, user_id, object_type, object_id,
                            payload, expires_at)
        SELECT 'mail', p_kind, u.email, u.id, 'user', u.id, p_payload, p_expires
        WHERE ecs_lib.mail_is_served();
END $$;

-- A mail with a token for a user.
CREATE FUNCTION ecs_lib.mail_token(u ecs.users, p_purpose text, p_nonce text,
                                   p_token_hash text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_expires CONSTANT timestamptz := ecs.now() + ecs_lib.token_lifetime(p_purpose);
BEGIN
    IF p_nonce IS NULL OR NOT ecs_lib.mail_is_served() THEN
        RETURN;
    END IF;
    INSERT INTO ecs.mail_tokens (token_hash, purpose, user_id, email, expires_at)
        VALUES (p_token_hash, p_purpose, u.id, u.email, v_expires);
    PERFORM ecs_lib.mail_user(u, p_purpose, jsonb_build_object('nonce', p_nonce), v_expires);
END $$;

-- Counts a mail that somebody asked for; the seconds until another one can be
-- had when these were too many within an hour, else NULL.
CREATE FUNCTION ecs_lib.mail_count(p_subject text, p_most integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    c_hour CONSTANT interval := '1 hour';
    v_now  CONSTANT timestamptz := ecs.now();
    v_row  ecs.login_failures;
BEGIN
    INSERT INTO ecs.login_failures AS f (subject, failures, last_at)
        VALUES ('mail-' || p_subject, 1, v_now)
        ON CONFLICT (subject) DO UPDATE SET
            failures = CASE WHEN f.last_at > v_now - c_hour THEN f.failures + 1 ELSE 1 END,
            last_at = CASE WHEN f.last_at > v_now - c_hour THEN f.last_at ELSE v_now END
        RETURNING * INTO v_row;
    IF v_row.failures > p_most THEN
        RETURN greatest(ceil(extract(epoch FROM v_row.last_at + c_hour - v_now)), 1);
    END IF;
    RETURN NULL;
END $$;

-- Counts a mail of this subject. Raises throttled after p_most in an hour.
CREATE FUNCTION ecs_lib.mail_throttle(p_subject text, p_most integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_seconds CONSTANT integer := ecs_lib.mail_count(p_subject, p_most);
BEGIN
    IF v_seconds IS NOT NULL THEN
        PERFORM ecs_lib.refuse('throttled', format('Request was throttled. '
            'Expected available in %s seconds.', v_seconds),
            json_build_object('retry_after', v_seconds));
    END IF;
END $$;

-- POST /api/accounts/password/reset/. Anyone. The same is done and answered
-- whosever the e-mail is, also nobody's: that is found out when the mail is to
-- be made (ecs_lib.outbox_take_reset). After some in an hour for one e-mail
-- nothing is sent, which nobody is told.
-- Raises throttled, by address.
CREATE FUNCTION ecs_api.accounts_password_reset(p_me ecs.caller, p_email text, p_nonce text,
                                                p_token_hash text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.mail_throttle(ecs_lib.login_subject('address', p_email, p_me.address),
                                  ecs_lib.mails_per_address());
    IF ecs_lib.mail_count('account:' || lower(p_email), ecs_lib.mails_per_account()) IS NULL THEN
        INSERT INTO ecs.outbox (channel, kind, destination, payload, expires_at)
            SELECT 'mail', 'password_reset', p_email,
                   jsonb_build_object('nonce', p_nonce, 'token_hash', p_token_hash),
                   ecs.now() + ecs_lib.token_lifetime('password_reset')
            WHERE ecs_lib.mail_is_served();
    END IF;
    RETURN ROW(202, json_build_object('detail', 'If there is an account with this e-mail, '
        'a mail is on its way.'), NULL, NULL, NULL, NULL, NULL, false)::ecs.answer;
END $$;

-- Before the confirmation: whose the token is, for what the new password must
-- not look like. No members when it is no good.
CREATE FUNCTION ecs_api.accounts_token_owner(p_token_hash text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.ok(coalesce((
        SELECT json_build_object('email', u.email, 'username', u.username,
                   'first_name', u.first_name, 'last_name', u.last_name)
        FROM ecs.mail_tokens t JOIN ecs.users u ON u.id = t.user_id
        WHERE t.token_hash = p_token_hash AND t.used_at IS NULL
          AND t.purpose IN ('password_reset', 'invitation')
          AND t.expires_at > ecs.now() AND u.is_active), '{}'));
END $$;

-- Uses a token up. The caller has locked nothing yet.
-- Locks: the owner's row, so that two uses come one after the other, the token.
-- Raises EC400 on token.
CREATE FUNCTION ecs_lib.token_use(p_token_hash text, p_purposes text[]) RETURNS ecs.users
LANGUAGE plpgsql AS $$
DECLARE
    v_user ecs.users;
BEGIN
    SELECT * INTO v_user FROM ecs.users
        WHERE id = (SELECT user_id FROM ecs.mail_tokens WHERE token_hash = p_token_hash)
          AND is_active FOR NO KEY UPDATE;
    UPDATE ecs.mail_tokens SET used_at = ecs.now()
        WHERE token_hash = p_token_hash AND used_at IS NULL AND user_id = v_user.id
          AND purpose = ANY (p_purposes) AND expires_at > ecs.now()
          AND lower(email) = lower(v_user.email);
    IF NOT FOUND THEN
        PERFORM ecs_lib.invalid('token',
            'This token was used, has expired or never was; ask for a new one.');
    END IF;
    RETURN v_user;
END $$;

-- POST /api/accounts/password/reset/confirm/. Anyone with a token of a reset or
-- an invitation. All sessions end, all other such tokens are void; who can read
-- the mail has verified the address too.
-- Locks: the user's row, tokens, sessions, counters of failures.
-- Raises EC400 on token.
CREATE FUNCTION ecs_api.accounts_password_reset_confirm(p_me ecs.caller, p_token_hash text,
                                                        p_password_hash text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_me   ecs.caller := p_me;
    v_user ecs.users;
BEGIN
    v_user := ecs_lib.token_use(p_token_hash, '{password_reset, invitation}');
    IF p_password_hash IS NULL THEN -- the token became good after it was looked at
        PERFORM ecs_lib.invalid('token', 'Try again.');
    END IF;
    UPDATE ecs.users SET password_hash = p_password_hash, is_email_verified = true
        WHERE id = v_user.id;
    UPDATE ecs.mail_tokens SET used_at = ecs.now()
        WHERE user_id = v_user.id AND used_at IS NULL
          AND purpose IN ('password_reset', 'invitation');
    PERFORM ecs_lib.sessions_end(v_user.id, 'password_reset');
    PERFORM ecs_lib.login_succeeded(p_me, v_user.email);
    v_me.id := v_user.id;
    v_me.role := v_user.role;
    PERFORM ecs_lib.audit(v_me, 'password_reset', 'user', v_user.id);
    PERFORM ecs_lib.mail_user(v_user, 'password_changed', '{}', ecs.now() + interval '3 days');
    RETURN ecs_lib.no_content();
END $$;

-- POST /api/accounts/email/verify/. Any signed-in user.
-- Raises throttled, wrong_state when it is verified already.
CREATE FUNCTION ecs_api.accounts_email_verify(p_me ecs.caller, p_nonce text,
                                              p_token_hash text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_user ecs.users;
BEGIN
    SELECT * INTO v_user FROM ecs.users WHERE id = p_me.id;
    IF v_user.is_email_verified THEN
        PERFORM ecs_lib.wrong_state('This e-mail is verified already.', 'VERIFIED');
    END IF;
    PERFORM ecs_lib.mail_throttle('verify:' || v_user.id, ecs_lib.mails_per_account());
    PERFORM ecs_lib.mail_token(v_user, 'email_verification', p_nonce, p_token_hash);
    RETURN ROW(202, json_build_object('detail', 'A mail is on its way.'),
               NULL, NULL, NULL, NULL, NULL, false)::ecs.answer;
END $$;

-- POST /api/accounts/email/verify/confirm/. Anyone with the token.
-- Locks: the user's row, the token. Raises EC400 on token.
CREATE FUNCTION ecs_api.accounts_email_verify_confirm(p_me ecs.caller, p_token_hash text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_me   ecs.caller := p_me;
    v_user ecs.users;
BEGIN
    v_user := ecs_lib.token_use(p_token_hash, '{email_verification}');
    UPDATE ecs.users SET is_email_verified = true WHERE id = v_user.id;
    v_me.id := v_user.id;
    v_me.role := v_user.role;
    PERFORM ecs_lib.audit(v_me, 'email_verified', 'user', v_user.id);
    RETURN ecs_lib.no_content();
END $$;
