-- People: accounts with one of five roles, their profile, sessions with
-- rotating refresh tokens, and the counter of failed log-ins.

CREATE TABLE ecs.users (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email              text NOT NULL CHECK (length(email) <= 254),
    username           text NOT NULL CHECK (length(username) BETWEEN 1 AND 150
        AND position('@' IN username) = 0),  -- money can be sent to either name
    password_hash      text,     -- NULL: invited, has not set one yet
    role               text NOT NULL DEFAULT 'user' CHECK (role IN
        ('user', 'seller', 'delivery', 'admin', 'superadmin')),
    first_name         text NOT NULL DEFAULT '' CHECK (length(first_name) <= 150),
    last_name          text NOT NULL DEFAULT '' CHECK (length(last_name) <= 150),
    phone_number       text NOT NULL DEFAULT '' CHECK (length(phone_number) <= 32),
    is_active          boolean NOT NULL DEFAULT true,
    is_email_verified  boolean NOT NULL DEFAULT false,
    points             integer NOT NULL DEFAULT 0 CHECK (points >= 0),
    rank               text NOT NULL DEFAULT 'STARTER'
        CHECK (rank IN ('STARTER', 'SILVER', 'GOLD')),
    is_verified_seller boolean NOT NULL DEFAULT false,
    avg_rating         numeric(3, 2) NOT NULL DEFAULT 0,
    ratings_count      integer NOT NULL DEFAULT 0 CHECK (ratings_count >= 0),
    products_count     integer NOT NULL DEFAULT 0 CHECK (products_count >= 0),
    created_at         timestamptz NOT NULL DEFAULT ecs.now(),
    updated_at         timestamptz NOT NULL DEFAULT ecs.now(),
    version            bigint NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX users_email ON ecs.users (lower(email));
CREATE UNIQUE INDEX users_username ON ecs.users (lower(username));
CREATE INDEX users_role ON ecs.users (role, id);
CREATE TRIGGER users_touch BEFORE UPDATE ON ecs.users
    FOR EACH ROW EXECUTE FUNCTION ecs.touch();

CREATE TABLE ecs.profiles (
    user_id          bigint PRIMARY KEY REFERENCES ecs.users,
    bio              text NOT NULL DEFAULT '' CHECK (length(bio) <= 2000),
    location_lat     numeric(9, 6) CHECK (location_lat BETWEEN -90 AND 90),
    location_lng     numeric(9, 6) CHECK (location_lng BETWEEN -180 AND 180),
    location_address text NOT NULL DEFAULT '' CHECK (length(location_address) <= 500),
    city             text NOT NULL DEFAULT '' CHECK (length(city) <= 120),
    region           text NOT NULL DEFAULT '' CHECK (length(region) <= 120),
    country          text NOT NULL DEFAULT '' CHECK (length(country) <= 120),
    postal_code      text NOT NULL DEFAULT '' CHECK (length(postal_code) <= 20),
    CONSTRAINT profiles_location_whole
        CHECK ((location_lat IS NULL) = (location_lng IS NULL))
);

CREATE TABLE ecs.sessions (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id      bigint NOT NULL REFERENCES ecs.users,
    address      inet,
    created_at   timestamptz NOT NULL DEFAULT ecs.now(),
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz,
    revoked_why  text    -- logout, token_reused, password_changed, deactivated…
);
CREATE INDEX sessions_user ON ecs.sessions (user_id) WHERE revoked_at IS NULL;

-- Every refresh token ever issued in a session: a used one that comes again
-- was stolen (RFC 9700 §4.14).
CREATE TABLE ecs.refresh_tokens (
    token_hash text PRIMARY KEY,         -- SHA-256, hex; never the token
    session_id bigint NOT NULL REFERENCES ecs.sessions,
    created_at timestamptz NOT NULL DEFAULT ecs.now(),
    used_at    timestamptz
);
CREATE INDEX refresh_tokens_session ON ecs.refresh_tokens (session_id);

-- Failed log-ins per account name, per address and per both together, whether
-- the account exists or not. Old rows go with the next failures.
CREATE TABLE ecs.login_failures (
    subject       text PRIMARY KEY,      -- 'account:…', 'address:…', 'pair:…'
    failures      integer NOT NULL,
    last_at       timestamptz NOT NULL,
    blocked_until timestamptz
);
CREATE INDEX login_failures_last ON ecs.login_failures (last_at);
