-- Reviews of what was bought, and the stars that products and sellers have from
-- them.

-- How many ratings there are of one star, of two, … of five. Count and average
-- follow from it, so that they cannot drift.
ALTER TABLE ecs.products
    ADD ratings integer[] NOT NULL DEFAULT '{0,0,0,0,0}',
    ADD CONSTRAINT products_ratings CHECK (array_dims(ratings) = '[1:5]' AND 0 <= ALL (ratings));
ALTER TABLE ecs.users
    ADD ratings integer[] NOT NULL DEFAULT '{0,0,0,0,0}', -- of all that they sell
    ADD CONSTRAINT users_ratings CHECK (array_dims(ratings) = '[1:5]' AND 0 <= ALL (ratings));

CREATE FUNCTION ecs.ratings_sum(p_ratings integer[]) RETURNS integer
LANGUAGE sql IMMUTABLE
AS $$ SELECT p_ratings[1] + p_ratings[2] + p_ratings[3] + p_ratings[4] + p_ratings[5] $$;

-- Half a hundredth is rounded up; 0 without any rating.
CREATE FUNCTION ecs.ratings_average(p_ratings integer[]) RETURNS numeric
LANGUAGE sql IMMUTABLE
AS $$ SELECT coalesce(round((p_ratings[1] + 2 * p_ratings[2] + 3 * p_ratings[3]
          + 4 * p_ratings[4] + 5 * p_ratings[5])::numeric
          / nullif(ecs.ratings_sum(p_ratings), 0), 2), 0) $$;

CREATE FUNCTION ecs.average_ratings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.ratings_count := ecs.ratings_sum(NEW.ratings);
    NEW.avg_rating := ecs.ratings_average(NEW.ratings);
    RETURN NEW;
END $$;
CREATE TRIGGER products_ratings BEFORE UPDATE OF ratings ON ecs.products
    FOR EACH ROW EXECUTE FUNCTION ecs.average_ratings();
CREATE TRIGGER users_ratings BEFORE UPDATE OF ratings ON ecs.users
    FOR EACH ROW EXECUTE FUNCTION ecs.average_ratings();

CREATE TABLE ecs.reviews (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- a product is in an order once, so this is one review per product and order
    order_item_id bigint NOT NULL UNIQUE REFERENCES ecs.order_items,
    product_id    bigint NOT NULL REFERENCES ecs.products,
    seller_id     bigint NOT NULL REFERENCES ecs.users,
    author_id     bigint NOT NULL REFERENCES ecs.users,
    rating        integer NOT NULL CHECK (rating BETWEEN 1 AND 5),
    title         text NOT NULL DEFAULT '' CHECK (length(title) <= 150),
    comment       text NOT NULL DEFAULT '' CHECK (length(comment) <= 5000),
    edited_at     timestamptz,             -- by its author
    reply         text CHECK (length(reply) BETWEEN 1 AND 2000), -- of the seller
    replied_at    timestamptz,
    hidden_reason text CHECK (length(hidden_reason) BETWEEN 1 AND 500),
    is_hidden     boolean NOT NULL         -- by an administrator
        GENERATED ALWAYS AS (hidden_reason IS NOT NULL) STORED,
    created_at    timestamptz NOT NULL DEFAULT ecs.now(),
    updated_at    timestamptz NOT NULL DEFAULT ecs.now(),
    version       bigint NOT NULL DEFAULT 1,
    CONSTRAINT reviews_not_own CHECK (author_id <> seller_id),
    CONSTRAINT reviews_replied CHECK ((reply IS NULL) = (replied_at IS NULL))
);
CREATE INDEX reviews_product ON ecs.reviews (product_id, id) WHERE NOT is_hidden;
CREATE INDEX reviews_product_rating ON ecs.reviews (product_id, rating, id) WHERE NOT is_hidden;
CREATE INDEX reviews_seller ON ecs.reviews (seller_id, id) WHERE NOT is_hidden;
CREATE INDEX reviews_author ON ecs.reviews (author_id, id);
CREATE INDEX reviews_hidden ON ecs.reviews (id) WHERE is_hidden;
CREATE TRIGGER reviews_touch BEFORE UPDATE ON ecs.reviews
    FOR EACH ROW EXECUTE FUNCTION ecs.touch();

-- One rating less of one kind, one more of another; NULL for none.
CREATE FUNCTION ecs.ratings_moved(p_ratings integer[], p_less integer, p_more integer)
RETURNS integer[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF p_less IS NOT NULL THEN
        p_ratings[p_less] := p_ratings[p_less] - 1;
    END IF;
    IF p_more IS NOT NULL THEN
        p_ratings[p_more] := p_ratings[p_more] + 1;
    END IF;
    RETURN p_ratings;
END $$;

-- The stars of product and seller change with the review; a hidden one does not
-- count. Locks: the product, which whoever changes a review has locked before
-- it, and the seller.
CREATE FUNCTION ecs.count_review() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_less integer;
    v_more integer;
BEGIN
    IF TG_OP <> 'INSERT' AND NOT OLD.is_hidden THEN
        v_less := OLD.rating;
    END IF;
    IF TG_OP <> 'DELETE' AND NOT NEW.is_hidden THEN
        v_more := NEW.rating;
    END IF;
    IF v_less IS DISTINCT FROM v_more THEN
        UPDATE ecs.products SET ratings = ecs.ratings_moved(ratings, v_less, v_more)
            WHERE id = coalesce(NEW.product_id, OLD.product_id);
        UPDATE ecs.users SET ratings = ecs.ratings_moved(ratings, v_less, v_more)
            WHERE id = coalesce(NEW.seller_id, OLD.seller_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER reviews_count AFTER INSERT OR UPDATE OR DELETE ON ecs.reviews
    FOR EACH ROW EXECUTE FUNCTION ecs.count_review();

-- A review stays with what it is about.
CREATE FUNCTION ecs.guard_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'review % cannot be moved', OLD.id USING ERRCODE = 'check_violation',
        CONSTRAINT = 'reviews_fixed';
END $$;
CREATE TRIGGER reviews_guard BEFORE UPDATE ON ecs.reviews
    FOR EACH ROW WHEN ((OLD.order_item_id, OLD.product_id, OLD.seller_id, OLD.author_id)
        <> (NEW.order_item_id, NEW.product_id, NEW.seller_id, NEW.author_id))
    EXECUTE FUNCTION ecs.guard_review();
