-- Orders, their lines with everything frozen that was true at checkout, their
-- history, the proof of delivery, and notifications.

CREATE TABLE ecs.orders (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_number     text NOT NULL UNIQUE CHECK (order_number ~ '^ORD-\d{8}-[0-9A-Z]{6}$'),
    buyer_id         bigint NOT NULL REFERENCES ecs.users,
    courier_id       bigint REFERENCES ecs.users,
    status           text NOT NULL DEFAULT 'CREATED' CHECK (status IN ('CREATED',
        'PROCESSING', 'SHIPPED', 'DELIVERED', 'COMPLETED', 'CANCELLED', 'REFUNDED')),
    subtotal         numeric(14, 2) NOT NULL CHECK (subtotal > 0),
    discount_total   numeric(14, 2) NOT NULL DEFAULT 0 CHECK (discount_total >= 0),
    total            numeric(14, 2) NOT NULL CHECK (total > 0),
    held_amount      numeric(14, 2) NOT NULL CHECK (held_amount >= 0),
    refunded_amount  numeric(14, 2) NOT NULL DEFAULT 0 CHECK (refunded_amount >= 0),
    location_lat     numeric(9, 6) NOT NULL,
    location_lng     numeric(9, 6) NOT NULL,
    location_address text NOT NULL DEFAULT '',
    city             text NOT NULL DEFAULT '',
    proof_method     text CHECK (proof_method IN ('PIN', 'TOKEN')),
    created_at       timestamptz NOT NULL DEFAULT ecs.now(),
    claimed_at       timestamptz,
    shipped_at       timestamptz,
    delivered_at     timestamptz,
    completed_at     timestamptz,
    complete_after   timestamptz,
    updated_at       timestamptz NOT NULL DEFAULT ecs.now(),
    version          bigint NOT NULL DEFAULT 1,
    CONSTRAINT orders_total CHECK (total = subtotal - discount_total),
    CONSTRAINT orders_held CHECK (held_amount + refunded_amount <= total),
    CONSTRAINT orders_courier CHECK (status NOT IN ('PROCESSING', 'SHIPPED', 'DELIVERED')
        OR courier_id IS NOT NULL),
    CONSTRAINT orders_nothing_held CHECK (status NOT IN ('COMPLETED', 'CANCELLED', 'REFUNDED')
        OR held_amount = 0)
);
CREATE INDEX orders_buyer ON ecs.orders (buyer_id, id);
CREATE INDEX orders_courier ON ecs.orders (courier_id, id) WHERE courier_id IS NOT NULL;
CREATE INDEX orders_courier_active ON ecs.orders (courier_id)
    WHERE status IN ('PROCESSING', 'SHIPPED');
CREATE INDEX orders_unclaimed ON ecs.orders (id) WHERE status = 'CREATED';
CREATE INDEX orders_status ON ecs.orders (status, id);
CREATE INDEX orders_to_complete ON ecs.orders (complete_after) WHERE status = 'DELIVERED';

CREATE TABLE ecs.order_items (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id          bigint NOT NULL REFERENCES ecs.orders,
    product_id        bigint NOT NULL REFERENCES ecs.products,
    seller_id         bigint NOT NULL REFERENCES ecs.users,
    product_name      text NOT NULL,
    quantity          integer NOT NULL CHECK (quantity > 0),
    list_price        numeric(14, 2) NOT NULL,  -- before any discount
    unit_price        numeric(14, 2) NOT NULL CHECK (unit_price > 0),
    line_total        numeric(14, 2) NOT NULL,
    fee_percent       numeric(5, 2) NOT NULL,
    returned_quantity integer NOT NULL DEFAULT 0,
    UNIQUE (order_id, product_id),
    CONSTRAINT order_items_total CHECK (line_total = unit_price * quantity),
    CONSTRAINT order_items_discount CHECK (unit_price <= list_price),
    CONSTRAINT order_items_returned CHECK (returned_quantity BETWEEN 0 AND quantity)
);
CREATE INDEX order_items_seller ON ecs.order_items (seller_id, order_id);
CREATE INDEX order_items_product ON ecs.order_items (product_id);

-- The states an order may go through; whatever the code says, no other edge.
CREATE TABLE ecs.order_transitions (
    from_status text NOT NULL,
    to_status   text NOT NULL,
    PRIMARY KEY (from_status, to_status)
);
INSERT INTO ecs.order_transitions VALUES
    ('CREATED', 'PROCESSING'),   -- claimed by a courier
    ('PROCESSING', 'CREATED'),   -- released by the courier
    ('PROCESSING', 'SHIPPED'),
    ('SHIPPED', 'DELIVERED'),
    ('DELIVERED', 'COMPLETED'),
    ('CREATED', 'CANCELLED'), ('PROCESSING', 'CANCELLED'),
    ('CREATED', 'REFUNDED'), ('PROCESSING', 'REFUNDED'),
    ('SHIPPED', 'REFUNDED'), ('DELIVERED', 'REFUNDED');

CREATE FUNCTION ecs.guard_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> OLD.status AND NOT EXISTS (
            SELECT FROM ecs.order_transitions
            WHERE from_status = OLD.status AND to_status = NEW.status) THEN
        RAISE EXCEPTION 'order % cannot go from % to %', OLD.id, OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_transition';
    END IF;
    NEW.version := OLD.version + 1;
    NEW.updated_at := ecs.now();
    RETURN NEW;
END $$;
CREATE TRIGGER orders_guard BEFORE UPDATE ON ecs.orders
    FOR EACH ROW EXECUTE FUNCTION ecs.guard_order();

CREATE TABLE ecs.order_history (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL REFERENCES ecs.orders,
    status   text NOT NULL,
    at       timestamptz NOT NULL DEFAULT ecs.now(),
    by_id    bigint REFERENCES ecs.users,
    note     text
);
CREATE INDEX order_history_order ON ecs.order_history (order_id, id);
CREATE TRIGGER order_history_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ecs.order_history
    FOR EACH STATEMENT EXECUTE FUNCTION ecs.refuse_change();

-- What verifies a delivery, not the PIN and token themselves: see proof.h.
CREATE TABLE ecs.delivery_proofs (
    order_id       bigint PRIMARY KEY REFERENCES ecs.orders,
    nonce          text NOT NULL,
    pin_verifier   text NOT NULL,
    token_verifier text NOT NULL,
    issued_at      timestamptz NOT NULL DEFAULT ecs.now(),
    expires_at     timestamptz NOT NULL,
    attempts       integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    renewals       integer NOT NULL DEFAULT 0,  -- on renewed_on
    renewed_on     date,
    confirmed_at   timestamptz,
    confirmed_lat  numeric(9, 6),
    confirmed_lng  numeric(9, 6),
    note           text
);

CREATE TABLE ecs.delivery_attempts (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id   bigint NOT NULL REFERENCES ecs.orders,
    courier_id bigint NOT NULL REFERENCES ecs.users,
    reason     text NOT NULL,
    at         timestamptz NOT NULL DEFAULT ecs.now()
);
CREATE INDEX delivery_attempts_order ON ecs.delivery_attempts (order_id, id);

CREATE TABLE ecs.notifications (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id     bigint NOT NULL REFERENCES ecs.users,
    type        text NOT NULL,
    message     text NOT NULL,
    is_read     boolean NOT NULL DEFAULT false,
    object_type text,
    object_id   bigint,
    extra_data  jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT ecs.now(),
    version     bigint NOT NULL DEFAULT 1
);
CREATE INDEX notifications_user ON ecs.notifications (user_id, id);
CREATE INDEX notifications_unread ON ecs.notifications (user_id, id) WHERE NOT is_read;

-- A type that is not listed here is wanted.
CREATE TABLE ecs.notification_preferences (
    user_id bigint NOT NULL REFERENCES ecs.users,
    type    text NOT NULL,
    in_app  boolean NOT NULL DEFAULT true,
    email   boolean NOT NULL DEFAULT true,
    PRIMARY KEY (user_id, type)
);
