-- Brands: a seller asks for one, an administrator approves it, and the seller's
-- products may carry it. And what users wish for.

CREATE TABLE ecs.brands (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    seller_id        bigint NOT NULL REFERENCES ecs.users,
    name             text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    slug             text NOT NULL,
    description      text NOT NULL DEFAULT '' CHECK (length(description) <= 2000),
    logo             text,                           -- as it is shown
    logo_image       text REFERENCES ecs.images,
    status           text NOT NULL DEFAULT 'PENDING' CHECK (status IN
        ('PENDING', 'APPROVED', 'REJECTED')),
    rejection_reason text,
    is_active        boolean NOT NULL DEFAULT true,  -- as its seller likes
    is_public        boolean NOT NULL                -- everybody sees it
        GENERATED ALWAYS AS (status = 'APPROVED' AND is_active) STORED,
    products_count   integer NOT NULL DEFAULT 0      -- approved ones
        CHECK (products_count >= 0),
    created_at       timestamptz NOT NULL DEFAULT ecs.now(),
    updated_at       timestamptz NOT NULL DEFAULT ecs.now(),
    version          bigint NOT NULL DEFAULT 1,
    CONSTRAINT brands_of_seller UNIQUE (seller_id, id)
);
CREATE UNIQUE INDEX brands_name ON ecs.brands (lower(name));
CREATE INDEX brands_logo ON ecs.brands (logo_image) WHERE logo_image IS NOT NULL;
CREATE INDEX brands_to_decide ON ecs.brands (id) WHERE status = 'PENDING';
CREATE TRIGGER brands_touch BEFORE UPDATE ON ecs.brands
    FOR EACH ROW EXECUTE FUNCTION ecs.touch();

-- A product carries no brand but its seller's.
ALTER TABLE ecs.products
    ADD brand_id bigint,
    ADD CONSTRAINT products_brand FOREIGN KEY (seller_id, brand_id)
        REFERENCES ecs.brands (seller_id, id);
CREATE INDEX products_of_brand ON ecs.products (brand_id, id) WHERE brand_id IS NOT NULL;
CREATE INDEX products_brand_asked ON ecs.products (((pending_change ->> 'brand')::bigint))
    WHERE pending_change ? 'brand';

-- The count of approved products of a brand changes with the product.
-- Locks: brands by id. Its triggers come before those that lock categories.
CREATE FUNCTION ecs.count_brand_products() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_less bigint;
    v_more bigint;
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.status = 'APPROVED' THEN
        v_less := OLD.brand_id;
    END IF;
    IF NEW.status = 'APPROVED' THEN
        v_more := NEW.brand_id;
    END IF;
    PERFORM 1 FROM ecs.brands WHERE id IN (v_less, v_more) ORDER BY id FOR NO KEY UPDATE;
    UPDATE ecs.brands SET products_count = products_count
        + (id IS NOT DISTINCT FROM v_more)::integer
        - (id IS NOT DISTINCT FROM v_less)::integer
        WHERE id IN (v_less, v_more);
    RETURN NULL;
END $$;
CREATE TRIGGER products_brand_insert AFTER INSERT ON ecs.products
    FOR EACH ROW WHEN (NEW.status = 'APPROVED' AND NEW.brand_id IS NOT NULL)
    EXECUTE FUNCTION ecs.count_brand_products();
CREATE TRIGGER products_brand_update AFTER UPDATE ON ecs.products
    FOR EACH ROW WHEN ((CASE OLD.status WHEN 'APPROVED' THEN OLD.brand_id END)
        IS DISTINCT FROM (CASE NEW.status WHEN 'APPROVED' THEN NEW.brand_id END))
    EXECUTE FUNCTION ecs.count_brand_products();

CREATE TABLE ecs.wishlist_items (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id      bigint NOT NULL REFERENCES ecs.users,
    product_id   bigint NOT NULL REFERENCES ecs.products,
    lowest_price numeric(14, 2) NOT NULL,  -- that its owner knows of
    created_at   timestamptz NOT NULL DEFAULT ecs.now(),
    UNIQUE (user_id, product_id)
);
CREATE INDEX wishlist_items_user ON ecs.wishlist_items (user_id, id);
CREATE INDEX wishlist_items_product ON ecs.wishlist_items (product_id, lowest_price);
