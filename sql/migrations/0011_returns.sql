-- Returns: a buyer asks, somebody looks at what came back, an administrator
-- decides, and the seller says what becomes of units that were opened or used.

-- What of a line's price is not its seller's any more, and what of returned
-- units the seller keeps. The rest is what the units cost that the buyer still
-- has; all the lines' line_total less refunded_amount are what an order holds.
ALTER TABLE ecs.order_items
    ADD refunded_amount numeric(14, 2) NOT NULL DEFAULT 0 CHECK (refunded_amount >= 0),
    ADD retained_amount numeric(14, 2) NOT NULL DEFAULT 0 CHECK (retained_amount >= 0),
    ADD CONSTRAINT order_items_refunded
        CHECK (refunded_amount + retained_amount <= line_total);

-- Refunds so far were taken from all lines alike: rounded down to cents, and
-- the cents left over from the largest remainders.
UPDATE ecs.order_items i SET refunded_amount = i.line_total - 0.01 * (s.cents + s.more)
    FROM (SELECT l.id, l.cents, (row_number() OVER (PARTITION BY l.order_id
                         ORDER BY l.remainder DESC, l.id)
                     <= l.kept - sum(l.cents) OVER (PARTITION BY l.order_id))::integer AS more
          FROM (SELECT x.id, x.order_id, (o.total - o.refunded_amount) * 100 AS kept,
                       div(x.line_total * (o.total - o.refunded_amount) * 100, o.total) AS cents,
                       mod(x.line_total * (o.total - o.refunded_amount) * 100, o.total)
                           AS remainder
                FROM ecs.order_items x JOIN ecs.orders o ON o.id = x.order_id
                WHERE o.refunded_amount > 0) l) s
    WHERE i.id = s.id;

CREATE TABLE ecs.returns (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id       bigint NOT NULL REFERENCES ecs.orders,
    order_item_id  bigint NOT NULL REFERENCES ecs.order_items,
    buyer_id       bigint NOT NULL REFERENCES ecs.users,
    seller_id      bigint NOT NULL REFERENCES ecs.users,
    quantity       integer NOT NULL CHECK (quantity > 0),
    reason         text NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
    status         text NOT NULL DEFAULT 'REQUESTED' CHECK (status IN ('REQUESTED',
        'UNDER_INSPECTION', 'APPROVED', 'REJECTED', 'CANCELLED')),
    is_open        boolean NOT NULL GENERATED ALWAYS AS
        (status IN ('REQUESTED', 'UNDER_INSPECTION')) STORED,
    paid_amount    numeric(14, 2),          -- for these units; known with approval
    refund_amount  numeric(14, 2) CHECK (refund_amount >= 0),
    seller_fault   boolean,
    penalty_points integer CHECK (penalty_points >= 0),  -- as decided; points end at 0
    notes          text,                    -- of the decision
    inspected_by   bigint REFERENCES ecs.users,
    inspected_at   timestamptz,
    decided_by     bigint REFERENCES ecs.users,
    decided_at     timestamptz,
    created_at     timestamptz NOT NULL DEFAULT ecs.now(),
    updated_at     timestamptz NOT NULL DEFAULT ecs.now(),
    version        bigint NOT NULL DEFAULT 1,
    CONSTRAINT returns_refund CHECK (refund_amount <= paid_amount),
    CONSTRAINT returns_decided CHECK (num_nulls(decided_by, decided_at)
        = CASE WHEN status IN ('APPROVED', 'REJECTED') THEN 0 ELSE 2 END),
    CONSTRAINT returns_approved CHECK (num_nulls(paid_amount, refund_amount, seller_fault,
        penalty_points) = CASE WHEN status = 'APPROVED' THEN 0 ELSE 4 END),
    CONSTRAINT returns_inspected CHECK (num_nulls(inspected_by, inspected_at)
        = CASE WHEN status IN ('REQUESTED', 'CANCELLED') THEN 2 ELSE 0 END)
);
CREATE INDEX returns_buyer ON ecs.returns (buyer_id, id);
CREATE INDEX returns_seller ON ecs.returns (seller_id, id);
CREATE INDEX returns_order ON ecs.returns (order_id, id);
CREATE INDEX returns_item ON ecs.returns (order_item_id);
CREATE INDEX returns_status ON ecs.returns (status, id);
CREATE INDEX returns_open ON ecs.returns (order_id) WHERE is_open;
CREATE INDEX returns_to_do ON ecs.returns (id) WHERE is_open;
CREATE INDEX returns_inspector ON ecs.returns (inspected_by, id)
    WHERE inspected_by IS NOT NULL;

-- The states a return may go through; whatever the code says, no other edge.
CREATE TABLE ecs.return_transitions (
    from_status text NOT NULL,
    to_status   text NOT NULL,
    PRIMARY KEY (from_status, to_status)
);
INSERT INTO ecs.return_transitions VALUES
    ('REQUESTED', 'UNDER_INSPECTION'),
    ('REQUESTED', 'CANCELLED'),      -- by its buyer
    ('UNDER_INSPECTION', 'APPROVED'),
    ('UNDER_INSPECTION', 'REJECTED');

CREATE FUNCTION ecs.guard_return() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> OLD.status AND NOT EXISTS (
            SELECT FROM ecs.return_transitions
            WHERE from_status = OLD.status AND to_status = NEW.status) THEN
        RAISE EXCEPTION 'return % cannot go from % to %', OLD.id, OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'returns_transition';
    END IF;
    NEW.version := OLD.version + 1;
    NEW.updated_at := ecs.now();
    RETURN NEW;
END $$;
CREATE TRIGGER returns_guard BEFORE UPDATE ON ecs.returns
    FOR EACH ROW EXECUTE FUNCTION ecs.guard_return();

-- What the buyer shows of the goods.
CREATE TABLE ecs.return_images (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    return_id bigint NOT NULL REFERENCES ecs.returns,
    image     text NOT NULL REFERENCES ecs.images,
    UNIQUE (return_id, image)
);
CREATE INDEX return_images_image ON ecs.return_images (image);

-- What came back, as the inspection found it; written once.
CREATE TABLE ecs.return_items (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    return_id bigint NOT NULL REFERENCES ecs.returns,
    condition text NOT NULL CHECK (condition IN ('NEW', 'OPEN_BOX', 'USED', 'DAMAGED',
        'MISSING_PARTS')),
    quantity  integer NOT NULL CHECK (quantity > 0),
    notes     text
);
CREATE INDEX return_items_return ON ecs.return_items (return_id, id);
CREATE TRIGGER return_items_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ecs.return_items
    FOR EACH STATEMENT EXECUTE FUNCTION ecs.refuse_change();

-- Opened and used units of approved returns, one row each, until their seller
-- has decided: resold as a listing of that condition, or discarded.
CREATE TABLE ecs.return_units (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    return_id           bigint NOT NULL REFERENCES ecs.returns,
    seller_id           bigint NOT NULL REFERENCES ecs.users,
    product_id          bigint NOT NULL REFERENCES ecs.products,
    condition           text NOT NULL CHECK (condition IN ('OPEN_BOX', 'USED')),
    status              text NOT NULL DEFAULT 'WAITING'
        CHECK (status IN ('WAITING', 'RESOLD', 'DISCARDED')),
    discount_percentage numeric(5, 2) CHECK (discount_percentage BETWEEN 1 AND 90),
    listing_id          bigint UNIQUE REFERENCES ecs.products,
    decided_at          timestamptz,
    created_at          timestamptz NOT NULL DEFAULT ecs.now(),
    updated_at          timestamptz NOT NULL DEFAULT ecs.now(),
    version             bigint NOT NULL DEFAULT 1,
    CONSTRAINT return_units_decided CHECK ((status = 'WAITING') = (decided_at IS NULL)),
    CONSTRAINT return_units_resold CHECK (num_nulls(discount_percentage, listing_id)
        = CASE WHEN status = 'RESOLD' THEN 0 ELSE 2 END)
);
CREATE INDEX return_units_seller ON ecs.return_units (seller_id, id);
CREATE INDEX return_units_return ON ecs.return_units (return_id);
CREATE TRIGGER return_units_touch BEFORE UPDATE ON ecs.return_units
    FOR EACH ROW EXECUTE FUNCTION ecs.touch();

-- A unit that came back is sold as what it is.
ALTER TABLE ecs.products
    ADD condition text NOT NULL DEFAULT 'NEW'
        CHECK (condition IN ('NEW', 'OPEN_BOX', 'USED'));
