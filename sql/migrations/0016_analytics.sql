-- Analytics: what happened, added up per seller and day. What the numbers mean
-- and how they are read says sql/api/82_analytics.sql.
--
-- A fact is appended in the transaction in which it happens, so nobody waits for
-- a row in which others count; a job adds facts to the sums. Who reads takes the
-- sums and the facts that are not in them yet, so it is exact at any moment.

CREATE TABLE ecs.facts (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    seller_id  bigint NOT NULL,
    product_id bigint,                       -- of what was sold
    day        date NOT NULL,                -- UTC
    measure    text NOT NULL,
    n          integer NOT NULL DEFAULT 1,   -- as the seller counts: orders, returns …
    shop_n     integer NOT NULL DEFAULT 1,   -- an order of two sellers is one
    units      integer NOT NULL DEFAULT 0,
    amount     numeric(14, 2) NOT NULL DEFAULT 0,
    fee        numeric(14, 2) NOT NULL DEFAULT 0
);
CREATE INDEX facts_seller ON ecs.facts (seller_id);

-- The day -infinity is all days together, the seller 0 the whole shop.
CREATE TABLE ecs.seller_days (
    seller_id bigint NOT NULL,
    day       date NOT NULL,
    measure   text NOT NULL,
    n         bigint NOT NULL,
    units     bigint NOT NULL,
    amount    numeric(18, 2) NOT NULL,
    fee       numeric(18, 2) NOT NULL,
    PRIMARY KEY (seller_id, day, measure)
) WITH (fillfactor = 80); -- sums change in place

-- What was sold of each product in a month ('2026-11'), a year ('2026') and
-- ever ('all'). The best of them are the ends of the indexes.
CREATE TABLE ecs.product_sums (
    period     text NOT NULL,
    product_id bigint NOT NULL,
    seller_id  bigint NOT NULL,
    units      bigint NOT NULL,
    amount     numeric(18, 2) NOT NULL,
    PRIMARY KEY (product_id, period)
);
CREATE INDEX product_sums_amount ON ecs.product_sums (period, amount, product_id);
CREATE INDEX product_sums_units ON ecs.product_sums (period, units, product_id);
CREATE INDEX product_sums_seller_amount
    ON ecs.product_sums (seller_id, period, amount, product_id);
CREATE INDEX product_sums_seller_units
    ON ecs.product_sums (seller_id, period, units, product_id);

CREATE FUNCTION ecs.day_of(p_time timestamptz) RETURNS date LANGUAGE sql STABLE
AS $$ SELECT (p_time AT TIME ZONE 'UTC')::date $$;

-- Orders ------------------------------------------------------------------------------

-- All lines of an order are inserted by one statement.
CREATE FUNCTION ecs.note_placed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ecs.facts (seller_id, day, measure, shop_n, units, amount)
        SELECT i.seller_id, ecs.day_of(o.created_at), 'placed',
               (i.seller_id = min(i.seller_id) OVER (PARTITION BY o.id))::integer,
               sum(i.quantity), sum(i.line_total)
        FROM placed i JOIN ecs.orders o ON o.id = i.order_id
        GROUP BY o.id, i.seller_id;
    RETURN NULL;
END $$;
CREATE TRIGGER order_items_placed AFTER INSERT ON ecs.order_items
    REFERENCING NEW TABLE AS placed
    FOR EACH STATEMENT EXECUTE FUNCTION ecs.note_placed();

-- An order has ended: its lines are sold, or cancelled. What of one that was
-- refunded went back is counted with the refunds.
CREATE FUNCTION ecs.note_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ecs.facts (seller_id, product_id, day, measure, n, shop_n, units, amount, fee)
        SELECT i.seller_id, CASE NEW.status WHEN 'COMPLETED' THEN i.product_id END,
               ecs.day_of(coalesce(NEW.completed_at, NEW.updated_at)), lower(NEW.status),
               (row_number() OVER (PARTITION BY i.seller_id ORDER BY i.id) = 1)::integer,
               (row_number() OVER (ORDER BY i.id) = 1)::integer,
               i.quantity - i.returned_quantity,
               i.line_total - i.refunded_amount,
               CASE NEW.status WHEN 'COMPLETED' THEN
                   round((i.line_total - i.refunded_amount) * i.fee_percent * 0.01, 2)
               ELSE 0 END
        FROM ecs.order_items i WHERE i.order_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER orders_ended AFTER UPDATE OF status ON ecs.orders
    FOR EACH ROW WHEN (OLD.status <> NEW.status
                       AND NEW.status IN ('COMPLETED', 'CANCELLED', 'REFUNDED'))
    EXECUTE FUNCTION ecs.note_ended();

CREATE FUNCTION ecs.note_refund() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ecs.facts (seller_id, day, measure, n, shop_n, amount)
        VALUES (NEW.seller_id, ecs.day_of(ecs.now()), 'refund', 0, 0,
                NEW.refunded_amount - OLD.refunded_amount);
    RETURN NULL;
END $$;
CREATE TRIGGER order_items_refund AFTER UPDATE OF refunded_amount ON ecs.order_items
    FOR EACH ROW WHEN (OLD.refunded_amount <> NEW.refunded_amount)
    EXECUTE FUNCTION ecs.note_refund();

-- Returns and auctions ----------------------------------------------------------------

-- One fact for each state a return comes into; with its approval, one for each
-- condition in which units came back, and one for the points.
CREATE FUNCTION ecs.note_return() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_day CONSTANT date := ecs.day_of(NEW.updated_at);
BEGIN
    INSERT INTO ecs.facts (seller_id, day, measure, units, amount)
        VALUES (NEW.seller_id, v_day, 'return_' || lower(NEW.status), NEW.quantity,
                coalesce(NEW.refund_amount, 0));
    IF NEW.status = 'APPROVED' THEN
        INSERT INTO ecs.facts (seller_id, day, measure, units)
            SELECT NEW.seller_id, v_day, 'condition_' || lower(i.condition), sum(i.quantity)
            FROM ecs.return_items i WHERE i.return_id = NEW.id GROUP BY i.condition
            UNION ALL
            SELECT NEW.seller_id, v_day, 'penalty', NEW.penalty_points
            WHERE NEW.penalty_points > 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER returns_noted_new AFTER INSERT ON ecs.returns
    FOR EACH ROW EXECUTE FUNCTION ecs.note_return();
CREATE TRIGGER returns_noted AFTER UPDATE OF status ON ecs.returns
    FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION ecs.note_return();

-- An auction was proposed, or ended in some way; its bids are counted then.
CREATE FUNCTION ecs.note_auction() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_day CONSTANT date := ecs.day_of(NEW.updated_at);
BEGIN
    INSERT INTO ecs.facts (seller_id, day, measure, units, amount)
        VALUES (NEW.seller_id, v_day,
                'auction_' || lower(coalesce(NEW.result, NEW.status)), NEW.quantity,
                coalesce((SELECT total FROM ecs.orders WHERE id = NEW.order_id), 0));
    IF NEW.bids_count > 0 AND NEW.status <> 'SUBMITTED' THEN
        INSERT INTO ecs.facts (seller_id, day, measure, n, shop_n)
            VALUES (NEW.seller_id, v_day, 'bid', NEW.bids_count, NEW.bids_count);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER auctions_noted_new AFTER INSERT ON ecs.auctions
    FOR EACH ROW WHEN (NEW.status = 'SUBMITTED') EXECUTE FUNCTION ecs.note_auction();
CREATE TRIGGER auctions_noted AFTER UPDATE OF status ON ecs.auctions
    FOR EACH ROW WHEN (OLD.status <> NEW.status
                       AND NEW.status IN ('SUBMITTED', 'ENDED', 'REJECTED', 'CANCELLED'))
    EXECUTE FUNCTION ecs.note_auction();

-- What can be found as it is now ------------------------------------------------------

-- How much there is, exactly up to 16 pieces and roughly beyond: an index of it
-- does not change with every piece that is sold of a large stock.
CREATE FUNCTION ecs.stock_level(p_quantity integer) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT least(p_quantity, 16)
          + width_bucket(p_quantity, '{17,33,65,129,257,513,1025,4097,16385,65537}') $$;
ALTER TABLE ecs.products
    ADD stock_level integer NOT NULL
        GENERATED ALWAYS AS (ecs.stock_level(quantity)) STORED;
CREATE INDEX products_scarce ON ecs.products (stock_level, id) WHERE status = 'APPROVED';
CREATE INDEX products_scarce_seller ON ecs.products (seller_id, stock_level, id)
    WHERE status = 'APPROVED';

CREATE INDEX products_rated ON ecs.products (avg_rating, id)
    WHERE status = 'APPROVED' AND ratings_count > 0;
CREATE INDEX products_rated_seller ON ecs.products (seller_id, avg_rating, id)
    WHERE status = 'APPROVED' AND ratings_count > 0;
CREATE INDEX users_rated ON ecs.users (avg_rating, id) INCLUDE (ratings)
    WHERE ratings_count > 0;
CREATE INDEX auctions_open ON ecs.auctions (seller_id, status)
    WHERE status IN ('SCHEDULED', 'ACTIVE');
CREATE INDEX auctions_to_decide ON ecs.auctions (id) WHERE status = 'SUBMITTED';
CREATE INDEX withdrawals_to_decide ON ecs.withdrawals (id) WHERE status = 'REQUESTED';

-- What happened before ----------------------------------------------------------------

INSERT INTO ecs.facts (seller_id, day, measure, shop_n, units, amount)
    SELECT i.seller_id, ecs.day_of(o.created_at), 'placed',
           (i.seller_id = min(i.seller_id) OVER (PARTITION BY o.id))::integer,
           sum(i.quantity), sum(i.line_total)
    FROM ecs.order_items i JOIN ecs.orders o ON o.id = i.order_id
    GROUP BY o.id, i.seller_id;
INSERT INTO ecs.facts (seller_id, product_id, day, measure, n, shop_n, units, amount, fee)
    SELECT i.seller_id, CASE o.status WHEN 'COMPLETED' THEN i.product_id END,
           ecs.day_of(coalesce(o.completed_at, o.updated_at)), lower(o.status),
           (row_number() OVER (PARTITION BY o.id, i.seller_id ORDER BY i.id) = 1)::integer,
           (row_number() OVER (PARTITION BY o.id ORDER BY i.id) = 1)::integer,
           i.quantity - i.returned_quantity, i.line_total - i.refunded_amount,
           CASE o.status WHEN 'COMPLETED' THEN
               round((i.line_total - i.refunded_amount) * i.fee_percent * 0.01, 2)
           ELSE 0 END
    FROM ecs.order_items i JOIN ecs.orders o ON o.id = i.order_id
    WHERE o.status IN ('COMPLETED', 'CANCELLED', 'REFUNDED');
-- When a line was refunded is not written at the line; the last refund of its
-- order says it as well as anything.
INSERT INTO ecs.facts (seller_id, day, measure, n, shop_n, amount)
    SELECT i.seller_id, ecs.day_of(coalesce((
               SELECT max(created_at) FROM ecs.transfers
               WHERE order_id = o.id AND kind = 'REFUND'), o.updated_at)),
           'refund', 0, 0, i.refunded_amount
    FROM ecs.order_items i JOIN ecs.orders o ON o.id = i.order_id
    WHERE i.refunded_amount > 0;
INSERT INTO ecs.facts (seller_id, day, measure, units, amount)
    SELECT r.seller_id, ecs.day_of(s.at), 'return_' || lower(s.status), r.quantity,
           CASE s.status WHEN 'APPROVED' THEN r.refund_amount ELSE 0 END
    FROM ecs.returns r CROSS JOIN LATERAL (
        SELECT 'REQUESTED' AS status, r.created_at AS at
        UNION ALL
        SELECT 'UNDER_INSPECTION', r.inspected_at WHERE r.inspected_at IS NOT NULL
        UNION ALL
        SELECT r.status, coalesce(r.decided_at, r.updated_at) WHERE NOT r.is_open) s;
INSERT INTO ecs.facts (seller_id, day, measure, units)
    SELECT r.seller_id, ecs.day_of(r.decided_at), x.measure, x.units
    FROM ecs.returns r CROSS JOIN LATERAL (
        SELECT 'condition_' || lower(i.condition) AS measure, sum(i.quantity) AS units
        FROM ecs.return_items i WHERE i.return_id = r.id GROUP BY i.condition
        UNION ALL
        SELECT 'penalty', r.penalty_points WHERE r.penalty_points > 0) x
    WHERE r.status = 'APPROVED';
INSERT INTO ecs.facts (seller_id, day, measure, units, amount)
    SELECT a.seller_id, ecs.day_of(s.at), 'auction_' || s.measure, a.quantity,
           CASE WHEN s.measure = 'sold' THEN o.total ELSE 0 END
    FROM ecs.auctions a LEFT JOIN ecs.orders o ON o.id = a.order_id
    CROSS JOIN LATERAL (
        SELECT 'submitted' AS measure, a.submitted_at AS at WHERE a.submitted_at IS NOT NULL
        UNION ALL
        SELECT lower(coalesce(a.result, a.status)), coalesce(a.ended_at, a.updated_at)
        WHERE a.status IN ('ENDED', 'REJECTED', 'CANCELLED')) s;
INSERT INTO ecs.facts (seller_id, day, measure, n, shop_n)
    SELECT seller_id, ecs.day_of(coalesce(ended_at, updated_at)), 'bid', bids_count, bids_count
    FROM ecs.auctions
    WHERE status IN ('ENDED', 'REJECTED', 'CANCELLED') AND bids_count > 0;
