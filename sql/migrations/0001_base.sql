-- The ground everything stands on: the clock, the types that a call and its
-- answer have, settings, the audit log and the store of idempotency keys.

CREATE TYPE ecs.caller AS (
    id         bigint,  -- NULL: nobody has signed in
    role       text,
    session_id bigint,
    address    inet,
    request_id text,
    if_match   bigint   -- version the client believes to be current, or NULL
);

CREATE TYPE ecs.answer AS (
    status   integer,
    body     json,      -- an object, or the array of a page's results
    version  bigint,    -- of the object, becomes its ETag
    location text,
    total    bigint,    -- page mode: rows in all
    next_key text,      -- keyset of the next page; NULL on the last
    extra    json,      -- further members of a page's envelope
    replayed boolean    -- this answer was given before under the same key
);

-- The clock of the shop. Tests replace it in their own database.
CREATE FUNCTION ecs.now() RETURNS timestamptz LANGUAGE sql VOLATILE
AS $$ SELECT clock_timestamp() $$;

-- Raises the version of a row; every object of the API has one.
CREATE FUNCTION ecs.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    NEW.updated_at := ecs.now();
    RETURN NEW;
END $$;

-- Guards the tables in which the past is written down.
CREATE FUNCTION ecs.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

-- The business numbers (api.md §13): one row, one column each, so that type
-- and bounds are the table's.
CREATE TABLE ecs.settings (
    id                     boolean PRIMARY KEY DEFAULT true CHECK (id),
    platform_fee_percent   numeric(5, 2) NOT NULL DEFAULT 4.00
        CHECK (platform_fee_percent BETWEEN 0 AND 50),
    complete_after_days    integer NOT NULL DEFAULT 3
        CHECK (complete_after_days BETWEEN 0 AND 60),
    return_window_days     integer NOT NULL DEFAULT 3
        CHECK (return_window_days BETWEEN 0 AND 60),
    max_active_deliveries  integer NOT NULL DEFAULT 5
        CHECK (max_active_deliveries BETWEEN 1 AND 100),
    points_per_10          integer NOT NULL DEFAULT 1
        CHECK (points_per_10 BETWEEN 0 AND 1000),
    brand_min_points       integer NOT NULL DEFAULT 300
        CHECK (brand_min_points BETWEEN 0 AND 1000000),
    verified_at_points     integer NOT NULL DEFAULT 500
        CHECK (verified_at_points BETWEEN 0 AND 1000000),
    rank_silver_points     integer NOT NULL DEFAULT 500
        CHECK (rank_silver_points BETWEEN 0 AND 1000000),
    rank_gold_points       integer NOT NULL DEFAULT 2000
        CHECK (rank_gold_points BETWEEN 0 AND 1000000),
    bid_soft_close_seconds integer NOT NULL DEFAULT 120
        CHECK (bid_soft_close_seconds BETWEEN 0 AND 3600),
    low_stock_at           integer NOT NULL DEFAULT 5
        CHECK (low_stock_at BETWEEN 0 AND 1000000),
    cancel_fee_percent     numeric(5, 2) NOT NULL DEFAULT 0
        CHECK (cancel_fee_percent BETWEEN 0 AND 50),
    proof_ttl_hours        integer NOT NULL DEFAULT 24
        CHECK (proof_ttl_hours BETWEEN 1 AND 720),
    proof_max_attempts     integer NOT NULL DEFAULT 5
        CHECK (proof_max_attempts BETWEEN 1 AND 20),
    currency               text NOT NULL DEFAULT 'USD'
        CHECK (currency ~ '^[A-Z]{3}$'),
    version                bigint NOT NULL DEFAULT 1,
    updated_at             timestamptz NOT NULL DEFAULT ecs.now(),
    CONSTRAINT settings_return_window
        CHECK (return_window_days <= complete_after_days),
    CONSTRAINT settings_ranks CHECK (rank_silver_points <= rank_gold_points)
);
INSERT INTO ecs.settings DEFAULT VALUES;
CREATE TRIGGER settings_touch BEFORE UPDATE ON ecs.settings
    FOR EACH ROW EXECUTE FUNCTION ecs.touch();

-- Who did what to which object, when, from where.
CREATE TABLE ecs.audit_log (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT ecs.now(),
    actor_id    bigint,
    actor_role  text,
    address     inet,
    request_id  text,
    action      text NOT NULL,
    object_type text,
    object_id   bigint,
    details     jsonb
);
CREATE INDEX audit_log_object ON ecs.audit_log (object_type, object_id, id);
CREATE INDEX audit_log_actor ON ecs.audit_log (actor_id, id);
CREATE TRIGGER audit_log_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ecs.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION ecs.refuse_change();

-- Answers of writing requests that carried an Idempotency-Key.
CREATE TABLE ecs.idempotency_keys (
    scope       text NOT NULL,   -- 'user:17', or 'address:…' before sign-in
    key         text NOT NULL,
    fingerprint text NOT NULL,   -- keyed, of method, path and body
    status      integer NOT NULL,
    body        json,
    version     bigint,
    location    text,
    created_at  timestamptz NOT NULL DEFAULT ecs.now(),
    replays     integer NOT NULL DEFAULT 0,
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_keys_created ON ecs.idempotency_keys (created_at);
