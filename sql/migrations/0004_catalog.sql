-- The catalogue: a tree of categories and the products in them.

CREATE TABLE ecs.categories (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parent_id      bigint REFERENCES ecs.categories,
    name           text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    slug           text NOT NULL,
    products_count integer NOT NULL DEFAULT 0   -- approved, here and below
        CHECK (products_count >= 0),
    created_at     timestamptz NOT NULL DEFAULT ecs.now(),
    updated_at     timestamptz NOT NULL DEFAULT ecs.now(),
    version        bigint NOT NULL DEFAULT 1,
    CONSTRAINT categories_not_own_parent CHECK (parent_id <> id)
);
CREATE UNIQUE INDEX categories_sibling_name
    ON ecs.categories (coalesce(parent_id, 0), lower(name));
CREATE INDEX categories_parent ON ecs.categories (parent_id);
CREATE TRIGGER categories_touch BEFORE UPDATE ON ecs.categories
    FOR EACH ROW EXECUTE FUNCTION ecs.touch();

CREATE TABLE ecs.products (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    seller_id        bigint NOT NULL REFERENCES ecs.users,
    category_id      bigint NOT NULL REFERENCES ecs.categories,
    name             text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    slug             text NOT NULL,
    description      text NOT NULL DEFAULT '' CHECK (length(description) <= 10000),
    status           text NOT NULL DEFAULT 'PENDING' CHECK (status IN
        ('PENDING', 'APPROVED', 'REJECTED', 'ARCHIVED')),
    rejection_reason text,
    pending_change   jsonb,   -- of an approved product, until an admin decides
    price            numeric(14, 2) NOT NULL
        CHECK (price BETWEEN 0.01 AND 9999999999.99),
    quantity         integer NOT NULL CHECK (quantity >= 0),
    sold_count       integer NOT NULL DEFAULT 0 CHECK (sold_count >= 0),
    avg_rating       numeric(3, 2) NOT NULL DEFAULT 0,
    ratings_count    integer NOT NULL DEFAULT 0 CHECK (ratings_count >= 0),
    created_at       timestamptz NOT NULL DEFAULT ecs.now(),
    updated_at       timestamptz NOT NULL DEFAULT ecs.now(),
    version          bigint NOT NULL DEFAULT 1
) WITH (fillfactor = 80); -- stock changes in place, no index does
CREATE INDEX products_seller ON ecs.products (seller_id, id);
CREATE INDEX products_category
    ON ecs.products (category_id, created_at, id) WHERE status = 'APPROVED';
CREATE INDEX products_newest ON ecs.products (created_at, id) WHERE status = 'APPROVED';
CREATE INDEX products_price ON ecs.products (price, id) WHERE status = 'APPROVED';
CREATE INDEX products_name ON ecs.products (name, id) WHERE status = 'APPROVED';
CREATE INDEX products_rating ON ecs.products (avg_rating, id) WHERE status = 'APPROVED';
CREATE INDEX products_popular ON ecs.products (sold_count, id) WHERE status = 'APPROVED';
CREATE INDEX products_in_category ON ecs.products (category_id, id);
CREATE INDEX products_to_decide ON ecs.products (id)
    WHERE status = 'PENDING' OR pending_change IS NOT NULL;
CREATE TRIGGER products_touch BEFORE UPDATE ON ecs.products
    FOR EACH ROW EXECUTE FUNCTION ecs.touch();

-- The tree of categories stands still while products are counted in it, and
-- changes while nobody counts. Whoever approves or archives takes it before the
-- product, as whoever changes the tree does.
CREATE FUNCTION ecs.lock_category_tree(p_to_change boolean) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF p_to_change THEN
        PERFORM pg_advisory_xact_lock(1, 1);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(1, 1);
    END IF;
END $$;

-- A category and all above it.
CREATE FUNCTION ecs.category_path(p_category bigint) RETURNS bigint[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        WITH RECURSIVE up AS (
            SELECT id, parent_id FROM ecs.categories WHERE id = p_category
            UNION ALL
            SELECT c.id, c.parent_id
            FROM up JOIN ecs.categories c ON c.id = up.parent_id)
        SELECT id FROM up);
END $$;

-- The count of approved products, per category and per seller, changes with
-- the product. A category counts what is in the ones below it, too.
-- Locks: the tree, categories by id, the seller.
CREATE FUNCTION ecs.count_products() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_less bigint[];
    v_more bigint[];
BEGIN
    PERFORM ecs.lock_category_tree(false);
    IF TG_OP = 'UPDATE' AND OLD.status = 'APPROVED' THEN
        v_less := ecs.category_path(OLD.category_id);
    END IF;
    IF NEW.status = 'APPROVED' THEN
        v_more := ecs.category_path(NEW.category_id);
    END IF;
    PERFORM 1 FROM ecs.categories WHERE id = ANY (v_less || v_more)
        ORDER BY id FOR NO KEY UPDATE;
    UPDATE ecs.categories SET products_count = products_count
        + coalesce(id = ANY (v_more), false)::integer
        - coalesce(id = ANY (v_less), false)::integer
        WHERE id = ANY (v_less || v_more);
    UPDATE ecs.users SET products_count = products_count
        + (v_more IS NOT NULL)::integer - (v_less IS NOT NULL)::integer
        WHERE id = NEW.seller_id AND (v_more IS NULL) <> (v_less IS NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER products_count_insert AFTER INSERT ON ecs.products
    FOR EACH ROW WHEN (NEW.status = 'APPROVED')
    EXECUTE FUNCTION ecs.count_products();
CREATE TRIGGER products_count_update AFTER UPDATE ON ecs.products
    FOR EACH ROW WHEN ('APPROVED' IN (OLD.status, NEW.status)
                       AND (OLD.status, OLD.category_id) <> (NEW.status, NEW.category_id))
    EXECUTE FUNCTION ecs.count_products();

CREATE TABLE ecs.cart_items (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    bigint NOT NULL REFERENCES ecs.users,
    product_id bigint NOT NULL REFERENCES ecs.products,
    quantity   integer NOT NULL CHECK (quantity BETWEEN 1 AND 100000),
    created_at timestamptz NOT NULL DEFAULT ecs.now(),
    UNIQUE (user_id, product_id)
);
