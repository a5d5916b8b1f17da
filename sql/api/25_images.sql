-- Pictures of products, brands and people. The module has decoded and stored the file
-- before these functions run; a file that no row names goes after an hour.
--
-- Locks: the product, brand or user, then the picture's row.

-- Where a picture is, in its sizes. Paths, good on every host of the shop.
CREATE FUNCTION ecs_lib.image_json(p_image ecs.images) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_stem   CONSTANT text := format('/media/%s/%s', left(p_image.name, 2),
                                     substr(split_part(p_image.name, '.', 1), 3));
    v_ending CONSTANT text := '.' || split_part(p_image.name, '.', 2);
BEGIN
    RETURN jsonb_build_object(
        'url', v_stem || v_ending, 'medium_url', v_stem || '-1024' || v_ending,
        'thumbnail_url', v_stem || '-320' || v_ending,
        'width', p_image.width, 'height', p_image.height);
END $$;

-- Enters a stored picture, which whoever calls this refers to in the same
-- transaction. Raises too_much_stored.
CREATE FUNCTION ecs_lib.image_add(p_me ecs.caller, p_name text, p_width integer,
    p_height integer, p_bytes bigint)
RETURNS ecs.images LANGUAGE plpgsql AS $$
DECLARE
    c_most  CONSTANT bigint := 4::bigint << 30; -- bytes of one user
    v_image ecs.images;
BEGIN
    IF p_bytes + (SELECT coalesce(sum(bytes), 0) FROM ecs.images
                  WHERE uploader_id = p_me.id) > c_most THEN
        PERFORM ecs_lib.refuse('too_much_stored', 'Your pictures take too much space; '
            'remove some.', json_build_object('bytes_max', c_most));
    END IF;
    INSERT INTO ecs.images AS i (name, width, height, bytes, uploader_id)
        VALUES (p_name, p_width, p_height, p_bytes, p_me.id)
        ON CONFLICT (name) DO UPDATE SET uploaded_at = ecs.now()
        RETURNING * INTO v_image;
    RETURN v_image;
END $$;

-- Is there something that shows the picture?
CREATE FUNCTION ecs_lib.image_is_used(p_name text) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM ecs.product_images WHERE image = p_name)
        OR EXISTS (SELECT FROM ecs.return_images WHERE image = p_name)
        OR EXISTS (SELECT FROM ecs.profiles WHERE image = p_name)
        OR EXISTS (SELECT FROM ecs.brands WHERE logo_image = p_name);
END $$;

-- Of these pictures (a JSON array of names) those that nobody uses, their rows
-- gone. p_grace: seconds in which an upload may still find its user.
-- For the job that removes files, not for requests.
CREATE FUNCTION ecs_api.media_unused(p_names json, p_grace integer)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_names CONSTANT text[] := ARRAY(SELECT json_array_elements_text(p_names));
BEGIN
    DELETE FROM ecs.images
        WHERE name = ANY (v_names)
          AND uploaded_at <= ecs.now() - make_interval(secs => p_grace)
          AND NOT ecs_lib.image_is_used(name);
    RETURN ecs_lib.ok((SELECT coalesce(json_agg(n), '[]') FROM unnest(v_names) n
        WHERE NOT EXISTS (SELECT FROM ecs.images WHERE name = n)));
END $$;

-- Pictures of a product ------------------------------------------------------------

-- The pictures that a product shows, or will when its change is approved.
CREATE FUNCTION ecs_lib.product_images(p ecs.products) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN coalesce(p.pending_change -> 'images', p.images::jsonb);
END $$;

-- Gives a product another list of pictures: at once before approval, as a part
-- of its pending change afterwards. A rejected product is proposed again.
-- The product is locked.
CREATE FUNCTION ecs_lib.product_images_set(p ecs.products, p_images jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF p.status = 'APPROVED' THEN
        p.pending_change := ecs_lib.product_difference(p,
            coalesce(p.pending_change, '{}') || jsonb_build_object('images', p_images));
        p.rejection_reason := CASE WHEN p.pending_change IS NULL THEN p.rejection_reason END;
    ELSE
        p.images := p_images;
        p.status := 'PENDING';
        p.rejection_reason := NULL;
    END IF;
    PERFORM ecs_lib.product_save(p);
END $$;

-- Enters stored pictures (a JSON array of objects with name, width, height and
-- bytes) as those of a product, and returns them as products show them, in their
-- order; the same picture twice is once. The product is locked.
-- Locks: the pictures by name. Raises too_much_stored.
CREATE FUNCTION ecs_lib.product_images_enter(p_me ecs.caller, p_id bigint, p_images jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    x       record;
    v_image ecs.images;
    v_id    bigint;
    v_shown jsonb := '{}';
BEGIN
    FOR x IN SELECT * FROM jsonb_to_recordset(p_images)
                 AS i (name text, width integer, height integer, bytes bigint)
             ORDER BY name LOOP
        v_image := ecs_lib.image_add(p_me, x.name, x.width, x.height, x.bytes);
        INSERT INTO ecs.product_images AS i (product_id, image) VALUES (p_id, v_image.name)
            ON CONFLICT (product_id, image) DO UPDATE SET image = i.image
            RETURNING id INTO v_id;
        v_shown := v_shown || jsonb_build_object(v_image.name,
            jsonb_build_object('id', v_id) || ecs_lib.image_json(v_image));
    END LOOP;
    RETURN (SELECT coalesce(jsonb_agg(v_shown -> name ORDER BY place), '[]')
            FROM (SELECT e ->> 'name' AS name, min(n) AS place
                  FROM jsonb_array_elements(p_images) WITH ORDINALITY AS i (e, n)
                  GROUP BY 1) once);
END $$;

-- Adds a picture to an own product, as the last one. The same picture twice is
-- once. Callers: its seller. Locks: the product, the picture.
-- Raises not_found, stale, wrong_state, too_many_images, too_much_stored.
CREATE FUNCTION ecs_api.product_images_add(p_me ecs.caller, p_id bigint,
    p_image_name text, p_image_width integer, p_image_height integer, p_image_bytes bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    c_most   CONSTANT integer := 10;
    p        ecs.products;
    v_images jsonb;
    v_new    jsonb;
BEGIN
    p := ecs_lib.own_product(p_me, p_id);
    v_images := ecs_lib.product_images(p);
    v_new := ecs_lib.product_images_enter(p_me, p_id, jsonb_build_array(jsonb_build_object(
        'name', p_image_name, 'width', p_image_width, 'height', p_image_height,
        'bytes', p_image_bytes)));
    IF NOT v_images @> jsonb_build_array(jsonb_build_object('id', v_new #> '{0,id}')) THEN
        IF jsonb_array_length(v_images) >= c_most THEN
            PERFORM ecs_lib.refuse('too_many_images', format('A product has at most '
                '%s pictures.', c_most), json_build_object('images_max', c_most));
        END IF;
        PERFORM ecs_lib.product_images_set(p, v_images || v_new);
    END IF;
    RETURN ecs_lib.product_answer(p_id, 201);
END $$;

-- Puts the pictures of an own product into another order: all their ids, the first
-- is the cover. Callers: its seller. Locks: the product.
-- Raises not_found, stale, wrong_state, invalid images.
CREATE FUNCTION ecs_api.product_images_order(p_me ecs.caller, p_id bigint, p_changes jsonb)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    p         ecs.products;
    v_images  jsonb;
    v_ordered jsonb;
    v_strange bigint;
BEGIN
    p := ecs_lib.own_product(p_me, p_id);
    v_images := ecs_lib.product_images(p);
    SELECT coalesce(jsonb_agg(x ORDER BY n) FILTER (WHERE x IS NOT NULL), '[]'),
           min(i.id::bigint) FILTER (WHERE x IS NULL)
      INTO v_ordered, v_strange
      FROM jsonb_array_elements_text(p_changes -> 'images') WITH ORDINALITY AS i (id, n)
      LEFT JOIN jsonb_array_elements(v_images) x ON x ->> 'id' = i.id;
    IF v_strange IS NOT NULL THEN
        PERFORM ecs_lib.invalid_pk('images', v_strange);
    END IF;
    IF jsonb_array_length(v_ordered) <> jsonb_array_length(v_images) THEN
        PERFORM ecs_lib.invalid('images', format('Name all %s pictures of the product.',
            jsonb_array_length(v_images)));
    END IF;
    PERFORM ecs_lib.product_images_set(p, v_ordered);
    RETURN ecs_lib.product_answer(p_id);
END $$;

-- Takes a picture away from an own product. Callers: its seller.
-- Locks: the product. Raises not_found, stale, wrong_state.
CREATE FUNCTION ecs_api.product_images_delete(p_me ecs.caller, p_id bigint, p_image_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    p        ecs.products;
    v_images jsonb;
BEGIN
    p := ecs_lib.own_product(p_me, p_id);
    v_images := ecs_lib.product_images(p);
    IF NOT v_images @> jsonb_build_array(jsonb_build_object('id', p_image_id)) THEN
        PERFORM ecs_lib.not_found();
    END IF;
    PERFORM ecs_lib.product_images_set(p, (
        SELECT coalesce(jsonb_agg(x ORDER BY n), '[]')
        FROM jsonb_array_elements(v_images) WITH ORDINALITY AS e (x, n)
        WHERE (x ->> 'id')::bigint <> p_image_id));
    RETURN ecs_lib.no_content();
END $$;

-- The picture of an account --------------------------------------------------------

-- The account whose picture changed: its version rises, as me/ shows it.
CREATE FUNCTION ecs_lib.me_image_set(p_me ecs.caller, p_image ecs.images) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ecs.profiles SET image = p_image.name,
        picture = CASE WHEN p_image.name IS NOT NULL THEN ecs_lib.image_json(p_image) END
        WHERE user_id = p_me.id;
    UPDATE ecs.users SET updated_at = ecs.now() WHERE id = p_me.id;
END $$;

-- The caller's own account, locked. Raises stale.
CREATE FUNCTION ecs_lib.me_lock(p_me ecs.caller) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.check_version(p_me, version)
        FROM ecs.users WHERE id = p_me.id FOR NO KEY UPDATE;
END $$;

-- PUT /api/accounts/me/image/. Any signed-in user. Locks: the user, the picture.
-- Raises stale, too_much_stored.
CREATE FUNCTION ecs_api.me_image_put(p_me ecs.caller, p_image_name text,
    p_image_width integer, p_image_height integer, p_image_bytes bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.me_lock(p_me);
    PERFORM ecs_lib.me_image_set(p_me, ecs_lib.image_add(p_me, p_image_name,
        p_image_width, p_image_height, p_image_bytes));
    RETURN ecs_api.accounts_me(p_me);
END $$;

-- DELETE /api/accounts/me/image/. Any signed-in user. Locks: the user.
-- Raises stale.
CREATE FUNCTION ecs_api.me_image_delete(p_me ecs.caller)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.me_lock(p_me);
    PERFORM ecs_lib.me_image_set(p_me, NULL);
    RETURN ecs_lib.no_content();
END $$;

-- The logo of a brand --------------------------------------------------------------

-- Gives a brand a logo, or none. The brand is locked.
CREATE FUNCTION ecs_lib.brand_logo_set(b ecs.brands, p_image ecs.images) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ecs.brands SET logo_image = p_image.name,
        logo = CASE WHEN p_image.name IS NOT NULL THEN
                   ecs_lib.image_json(p_image) ->> 'medium_url' END,
        status = b.status, rejection_reason = b.rejection_reason
        WHERE id = b.id;
END $$;

-- PUT /api/product/brands/{id}/logo/. Its seller. Another logo has to be approved
-- as another name has. Locks: its products, the brand, the picture.
-- Raises not_found, stale, too_much_stored.
CREATE FUNCTION ecs_api.brands_logo_put(p_me ecs.caller, p_id bigint, p_image_name text,
    p_image_width integer, p_image_height integer, p_image_bytes bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_old CONSTANT ecs.brands := ecs_lib.brand_locked(p_id, p_me.id);
    b     ecs.brands := v_old;
BEGIN
    PERFORM ecs_lib.check_version(p_me, b.version);
    IF b.logo_image IS DISTINCT FROM p_image_name THEN
        b.status := 'PENDING';
        b.rejection_reason := NULL;
        PERFORM ecs_lib.brand_logo_set(b, ecs_lib.image_add(p_me, p_image_name,
            p_image_width, p_image_height, p_image_bytes));
        IF v_old.status <> 'PENDING' THEN
            PERFORM ecs_lib.brand_announce(p_me, b);
        END IF;
    END IF;
    RETURN ecs_lib.brand_answer(p_id);
END $$;

-- DELETE /api/product/brands/{id}/logo/. Its seller; nobody has to approve that.
-- Locks: its products, the brand. Raises not_found, stale.
CREATE FUNCTION ecs_api.brands_logo_delete(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    b CONSTANT ecs.brands := ecs_lib.brand_locked(p_id, p_me.id);
BEGIN
    PERFORM ecs_lib.check_version(p_me, b.version);
    IF b.logo_image IS NOT NULL THEN
        PERFORM ecs_lib.brand_logo_set(b, NULL);
    END IF;
    RETURN ecs_lib.no_content();
END $$;
