-- Webhooks: what happens in the shop is told to programs of others, signed.
-- Deliveries are rows of the outbox, one for each endpoint that wants an event,
-- written in the transaction of what happened.

-- Who is told. Administrators say so; the secret that what is sent is signed
-- with is not here: the module derives it from the shop's key and the nonce.
CREATE TABLE ecs.webhook_endpoints (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url             text NOT NULL CHECK (url ~ '^https?://' AND length(url) <= 500),
    description     text NOT NULL DEFAULT '' CHECK (length(description) <= 500),
    events          text[] NOT NULL CHECK (cardinality(events) > 0),
    nonce           text NOT NULL,
    previous_nonce  text,                  -- also signed with, for a day after a change
    previous_until  timestamptz,
    is_active       boolean NOT NULL DEFAULT true,
    disabled_reason text,                  -- when the shop did it
    -- How it goes: written with the reports of attempts.
    failures_in_row integer NOT NULL DEFAULT 0,
    failing_since   timestamptz,
    rest_until      timestamptz,           -- it is not there; nothing is tried before
    last_success_at timestamptz,
    created_at      timestamptz NOT NULL DEFAULT ecs.now(),
    updated_at      timestamptz NOT NULL DEFAULT ecs.now(),
    version         bigint NOT NULL DEFAULT 1,
    CONSTRAINT webhook_endpoints_previous
        CHECK ((previous_nonce IS NULL) = (previous_until IS NULL)),
    CONSTRAINT webhook_endpoints_disabled CHECK (disabled_reason IS NULL OR NOT is_active),
    CONSTRAINT webhook_endpoints_failing
        CHECK ((failures_in_row = 0) = (failing_since IS NULL))
);
-- Its state of health is no change that somebody made.
CREATE TRIGGER webhook_endpoints_touch BEFORE UPDATE OF url, description, events, nonce,
    is_active ON ecs.webhook_endpoints FOR EACH ROW EXECUTE FUNCTION ecs.touch();

-- Whom a message is for. No foreign key: checkouts would lock the endpoint's
-- row; what is for an endpoint that is gone dies when it is due.
ALTER TABLE ecs.outbox
    ADD endpoint_id bigint,
    ADD CONSTRAINT outbox_endpoint CHECK ((channel = 'webhook') = (endpoint_id IS NOT NULL));
CREATE INDEX outbox_webhooks ON ecs.outbox (id) WHERE channel = 'webhook';
CREATE INDEX outbox_endpoints ON ecs.outbox (endpoint_id, id) WHERE channel = 'webhook';

-- Every attempt that came to an end; they go with their message.
CREATE TABLE ecs.webhook_attempts (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    outbox_id   bigint NOT NULL REFERENCES ecs.outbox ON DELETE CASCADE,
    claim       bigint NOT NULL,           -- told twice it is one attempt
    endpoint_id bigint NOT NULL,
    at          timestamptz NOT NULL DEFAULT ecs.now(),
    status_code integer,                   -- NULL: no answer
    duration_ms integer NOT NULL,
    error       text,                      -- NULL: it was taken
    answer      text,                      -- how it begins
    UNIQUE (outbox_id, claim)
);
CREATE INDEX webhook_attempts_endpoint ON ecs.webhook_attempts (endpoint_id, id);

-- Events ------------------------------------------------------------------------------

-- Is there anybody to tell? The first question of each trigger, so that a shop
-- without webhooks pays for nothing else.
CREATE FUNCTION ecs.webhook_wanted() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM ecs.webhook_endpoints WHERE is_active);
END $$;

-- Something happened: a message for each endpoint that wants to know, while
-- somebody delivers them.
CREATE FUNCTION ecs.webhook_event(p_type text, p_object_type text, p_object_id bigint,
                                  p_data jsonb)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ecs.outbox (channel, kind, destination, endpoint_id, object_type, object_id,
                            payload, expires_at)
        SELECT 'webhook', p_type, '/api/webhooks/' || e.id || '/', e.id, p_object_type,
               p_object_id, jsonb_build_object('data', p_data), ecs.now() + interval '7 days'
        FROM ecs.webhook_endpoints e
        WHERE e.is_active
          AND e.events && ARRAY['*', p_type, split_part(p_type, '.', 1) || '.*']
          AND (SELECT served_until > clock_timestamp() FROM ecs.outbox_channels
               WHERE channel = 'webhook')
        ORDER BY e.id;
END $$;

CREATE FUNCTION ecs.webhook_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ecs.webhook_wanted() THEN
        PERFORM ecs.webhook_event('order.' || lower(NEW.status), 'order', NEW.id,
            jsonb_build_object('id', NEW.id, 'order_number', NEW.order_number,
                'status', NEW.status, 'buyer', NEW.buyer_id, 'courier', NEW.courier_id,
                'subtotal', NEW.subtotal::text, 'discount_total', NEW.discount_total::text,
                'total', NEW.total::text, 'held_amount', NEW.held_amount::text,
                'refunded_amount', NEW.refunded_amount::text));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER orders_webhook_new AFTER INSERT ON ecs.orders
    FOR EACH ROW EXECUTE FUNCTION ecs.webhook_order();
-- CREATED again is an order that its courier gave back; that is no news outside.
CREATE TRIGGER orders_webhook AFTER UPDATE OF status ON ecs.orders
    FOR EACH ROW WHEN (OLD.status <> NEW.status AND NEW.status <> 'CREATED')
    EXECUTE FUNCTION ecs.webhook_order();

CREATE FUNCTION ecs.webhook_auction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ecs.webhook_wanted() THEN
        PERFORM ecs.webhook_event('auction.' || lower(NEW.status), 'auction', NEW.id,
            jsonb_build_object('id', NEW.id, 'title', NEW.title, 'status', NEW.status,
                'result', NEW.result, 'seller', NEW.seller_id, 'product', NEW.product_id,
                'quantity', NEW.quantity, 'current_price', NEW.current_price::text,
                'bids_count', NEW.bids_count, 'order', NEW.order_id));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER auctions_webhook AFTER UPDATE OF status ON ecs.auctions
    FOR EACH ROW WHEN (OLD.status <> NEW.status
        AND NEW.status IN ('SCHEDULED', 'ACTIVE', 'ENDED', 'CANCELLED'))
    EXECUTE FUNCTION ecs.webhook_auction();

CREATE FUNCTION ecs.webhook_return() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ecs.webhook_wanted() THEN
        PERFORM ecs.webhook_event('return.' || lower(NEW.status), 'return', NEW.id,
            jsonb_build_object('id', NEW.id, 'order', NEW.order_id,
                'order_item', NEW.order_item_id, 'status', NEW.status,
                'buyer', NEW.buyer_id, 'seller', NEW.seller_id, 'quantity', NEW.quantity,
                'refund_amount', NEW.refund_amount::text));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER returns_webhook_new AFTER INSERT ON ecs.returns
    FOR EACH ROW EXECUTE FUNCTION ecs.webhook_return();
CREATE TRIGGER returns_webhook AFTER UPDATE OF status ON ecs.returns
    FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION ecs.webhook_return();

CREATE FUNCTION ecs.webhook_product() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ecs.webhook_wanted() THEN
        PERFORM ecs.webhook_event('product.' || lower(NEW.status), 'product', NEW.id,
            jsonb_build_object('id', NEW.id, 'name', NEW.name, 'status', NEW.status,
                'seller', NEW.seller_id, 'category', NEW.category_id,
                'price', NEW.price::text, 'quantity', NEW.quantity));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER products_webhook AFTER UPDATE OF status ON ecs.products
    FOR EACH ROW WHEN (OLD.status <> NEW.status AND NEW.status IN ('APPROVED', 'REJECTED'))
    EXECUTE FUNCTION ecs.webhook_product();

CREATE FUNCTION ecs.webhook_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ecs.webhook_wanted() THEN
        PERFORM ecs.webhook_event('review.created', 'review', NEW.id,
            jsonb_build_object('id', NEW.id, 'product', NEW.product_id,
                'order_item', NEW.order_item_id, 'seller', NEW.seller_id,
                'author', NEW.author_id, 'rating', NEW.rating));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER reviews_webhook AFTER INSERT ON ecs.reviews
    FOR EACH ROW EXECUTE FUNCTION ecs.webhook_review();

CREATE FUNCTION ecs.webhook_withdrawal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ecs.webhook_wanted() THEN
        PERFORM ecs.webhook_event('withdrawal.' || lower(NEW.status), 'withdrawal', NEW.id,
            jsonb_build_object('id', NEW.id, 'user', NEW.user_id,
                'amount', NEW.amount::text, 'status', NEW.status));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER withdrawals_webhook_new AFTER INSERT ON ecs.withdrawals
    FOR EACH ROW EXECUTE FUNCTION ecs.webhook_withdrawal();
CREATE TRIGGER withdrawals_webhook AFTER UPDATE OF status ON ecs.withdrawals
    FOR EACH ROW WHEN (OLD.status <> NEW.status)
    EXECUTE FUNCTION ecs.webhook_withdrawal();

CREATE FUNCTION ecs.webhook_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ecs.webhook_wanted() THEN
        PERFORM ecs.webhook_event('user.registered', 'user', NEW.id,
            jsonb_build_object('id', NEW.id, 'role', NEW.role));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER users_webhook AFTER INSERT ON ecs.users
    FOR EACH ROW EXECUTE FUNCTION ecs.webhook_user();
