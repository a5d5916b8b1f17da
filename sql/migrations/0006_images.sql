-- Pictures: one row for each file in the store (EcsMediaDir), and who shows it.
COMMENT ON SCHEMA ecs IS 'Tables of the shop.';

-- Named by the SHA-256 of its bytes, so the same picture is there once,
-- whoever sent it.
CREATE TABLE ecs.images (
    name        text PRIMARY KEY CHECK (name ~ '^[0-9a-f]{64}\.(jpg|png|webp)$'),
    width       integer NOT NULL CHECK (width BETWEEN 1 AND 20000),
    height      integer NOT NULL CHECK (height BETWEEN 1 AND 20000),
    bytes       bigint NOT NULL CHECK (bytes > 0),   -- of all its sizes
    uploader_id bigint NOT NULL REFERENCES ecs.users, -- the first one
    uploaded_at timestamptz NOT NULL DEFAULT ecs.now() -- the last time
);
CREATE INDEX images_uploader ON ecs.images (uploader_id) INCLUDE (bytes);

-- Shown with a product, or waiting to be. In which order and which of them is
-- written in the product itself, because it is read so often.
CREATE TABLE ecs.product_images (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id bigint NOT NULL REFERENCES ecs.products,
    image      text NOT NULL REFERENCES ecs.images,
    UNIQUE (product_id, image)
);
CREATE INDEX product_images_image ON ecs.product_images (image);

ALTER TABLE ecs.products ADD images json NOT NULL DEFAULT '[]';

-- A picture is forgotten when its product neither shows it nor will.
CREATE FUNCTION ecs.forget_images() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM ecs.product_images WHERE product_id = NEW.id AND id NOT IN (
        SELECT (x ->> 'id')::bigint FROM jsonb_array_elements(NEW.images::jsonb
            || coalesce(NEW.pending_change -> 'images', '[]')) x);
    RETURN NULL;
END $$;
CREATE TRIGGER products_forget_images AFTER UPDATE ON ecs.products
    FOR EACH ROW WHEN (OLD.images::text <> NEW.images::text
                       OR OLD.pending_change IS DISTINCT FROM NEW.pending_change)
    EXECUTE FUNCTION ecs.forget_images();

ALTER TABLE ecs.profiles
    ADD image   text REFERENCES ecs.images,
    ADD picture json;                       -- as it is shown
CREATE INDEX profiles_image ON ecs.profiles (image) WHERE image IS NOT NULL;
