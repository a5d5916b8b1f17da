-- Offers: a seller's discount on one product, and sales that sellers join with
-- several. They begin and end by the clock; what a product costs at a moment
-- says sql/api/15_prices.sql.

CREATE TABLE ecs.sales (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    description text NOT NULL DEFAULT '' CHECK (length(description) <= 2000),
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    created_by  bigint NOT NULL REFERENCES ecs.users,
    created_at  timestamptz NOT NULL DEFAULT ecs.now(),
    updated_at  timestamptz NOT NULL DEFAULT ecs.now(),
    version     bigint NOT NULL DEFAULT 1,
    CONSTRAINT sales_end CHECK (ends_at > starts_at),
    CONSTRAINT sales_times UNIQUE (id, starts_at, ends_at)
);
CREATE INDEX sales_start ON ecs.sales (starts_at, id);
CREATE TRIGGER sales_touch BEFORE UPDATE ON ecs.sales
    FOR EACH ROW EXECUTE FUNCTION ecs.touch();

-- The times are those of the sale and change with them, so that one look into
-- one index tells what a product costs.
CREATE TABLE ecs.sale_products (
    sale_id    bigint NOT NULL,
    product_id bigint NOT NULL REFERENCES ecs.products,
    percentage numeric(5, 2) NOT NULL CHECK (percentage BETWEEN 1 AND 90),
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT ecs.now(),
    updated_at timestamptz NOT NULL DEFAULT ecs.now(),
    version    bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (sale_id, product_id),
    CONSTRAINT sale_products_sale FOREIGN KEY (sale_id, starts_at, ends_at)
        REFERENCES ecs.sales (id, starts_at, ends_at) ON UPDATE CASCADE
);
CREATE INDEX sale_products_product ON ecs.sale_products (product_id)
    INCLUDE (starts_at, ends_at, percentage);
CREATE TRIGGER sale_products_touch BEFORE UPDATE ON ecs.sale_products
    FOR EACH ROW EXECUTE FUNCTION ecs.touch();

-- sales_until: when the last sale the product is in ends; kept by the triggers
-- below. offers_until: from then on it costs its list price, whatever offers
-- there were. Most products have none: they are told by this one column, and
-- nothing needs to be looked up for them.
ALTER TABLE ecs.products
    ADD discount_percentage numeric(5, 2)
        CHECK (discount_percentage BETWEEN 1 AND 90),
    ADD discount_starts_at timestamptz,   -- NULL: has begun
    ADD discount_ends_at timestamptz,     -- NULL: does not end
    ADD sales_until timestamptz,
    ADD CONSTRAINT products_discount_whole CHECK (discount_percentage IS NOT NULL
        OR (discount_starts_at IS NULL AND discount_ends_at IS NULL)),
    ADD CONSTRAINT products_discount_end CHECK (discount_ends_at > discount_starts_at);
ALTER TABLE ecs.products
    ADD offers_until timestamptz GENERATED ALWAYS AS (greatest(sales_until,
        CASE WHEN discount_percentage IS NOT NULL
             THEN coalesce(discount_ends_at, 'infinity') END)) STORED;
CREATE INDEX products_offers ON ecs.products (offers_until)
    WHERE status = 'APPROVED' AND offers_until IS NOT NULL;

-- Computes sales_until of these products. Locks: the products, by id.
CREATE FUNCTION ecs.mark_sales(p_products bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    -- before the statement that reads, so that it reads what others committed
    PERFORM 1 FROM ecs.products WHERE id = ANY (p_products)
        ORDER BY id FOR NO KEY UPDATE;
    UPDATE ecs.products p SET sales_until = m.sales_until
        FROM (SELECT x.id, max(s.ends_at) AS sales_until
              FROM unnest(p_products) AS x (id)
              LEFT JOIN ecs.sale_products s ON s.product_id = x.id
              GROUP BY x.id) m
        WHERE p.id = m.id AND p.sales_until IS DISTINCT FROM m.sales_until;
END $$;

CREATE FUNCTION ecs.sale_products_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs.mark_sales(ARRAY(SELECT DISTINCT product_id FROM changed));
    RETURN NULL;
END $$;
CREATE TRIGGER sale_products_joined AFTER INSERT ON ecs.sale_products
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION ecs.sale_products_changed();
CREATE TRIGGER sale_products_left AFTER DELETE ON ecs.sale_products
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION ecs.sale_products_changed();

CREATE TRIGGER sale_products_moved AFTER UPDATE ON ecs.sale_products
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION ecs.sale_products_changed();
