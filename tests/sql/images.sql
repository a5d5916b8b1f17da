-- Pictures: how many, whose, in which order, what waits for approval, and what
-- nobody uses (sql/api/25_images.sql).
BEGIN;
\ir support.psql
SELECT plan(64);

CREATE TABLE ecs_test.who AS SELECT
    ecs_test.person('ada', 'admin') AS admin,
    ecs_test.person('sam', 'seller') AS sam,
    ecs_test.person('sue', 'seller') AS sue,
    ecs_test.person('bob', 'user') AS bob;
CREATE FUNCTION ecs_test.me(p_name text) RETURNS ecs.caller LANGUAGE plpgsql AS $$
DECLARE v ecs.caller;
BEGIN
    EXECUTE format('SELECT (w.%I).* FROM ecs_test.who w', p_name) INTO v;
    RETURN v;
END $$;
-- The name of the n-th picture, and adding it to a product.
CREATE FUNCTION ecs_test.name(p_n integer, p_ending text DEFAULT 'jpg') RETURNS text
LANGUAGE sql AS $$ SELECT lpad(to_hex(p_n), 64, '0') || '.' || p_ending $$;
CREATE FUNCTION ecs_test.add(p_who text, p_product bigint, p_n integer) RETURNS ecs.answer
LANGUAGE sql AS $$ SELECT ecs_api.product_images_add(ecs_test.me(p_who), p_product,
    ecs_test.name(p_n), 800, 600, 1000) $$;
-- The thumbnails of a list of pictures, as their numbers.
CREATE FUNCTION ecs_test.numbers(p_images json) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(ltrim(substring(x ->> 'thumbnail_url' FROM '/(\w{62})-320'), '0'), ' '
                      ORDER BY n)
    FROM json_array_elements(p_images) WITH ORDINALITY AS e (x, n) $$;
CREATE FUNCTION ecs_test.shown(p_product bigint) RETURNS text LANGUAGE sql AS $$
    SELECT ecs_test.numbers((SELECT images FROM ecs.products WHERE id = p_product)) $$;
CREATE FUNCTION ecs_test.waiting(p_product bigint) RETURNS text LANGUAGE sql AS $$
    SELECT ecs_test.numbers((SELECT pending_change -> 'images' FROM ecs.products
                             WHERE id = p_product)::json) $$;
-- The id of a product's n-th picture, whether it is shown or waits.
CREATE FUNCTION ecs_test.id(p_product bigint, p_n integer) RETURNS bigint LANGUAGE sql AS $$
    SELECT id FROM ecs.product_images
    WHERE product_id = p_product AND image = ecs_test.name(p_n) $$;
CREATE FUNCTION ecs_test.kept(p_product bigint) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM ecs.product_images WHERE product_id = p_product $$;

CREATE TABLE ecs_test.goods AS SELECT
    ecs_test.product(ecs_test.me('sam'), 'Lamp', 5, 5) AS lamp,
    ecs_test.product(ecs_test.me('sam'), 'Desk', 5, 5) AS desk;
UPDATE ecs.products SET status = 'PENDING' WHERE id = (SELECT lamp FROM ecs_test.goods);
SELECT lamp, desk FROM ecs_test.goods \gset

-- Before approval ---------------------------------------------------------------------

SELECT is((ecs_test.add('sam', :lamp, 1)).status, 201, 'a picture is added');
SELECT is((SELECT images #>> '{0,url}' FROM ecs.products WHERE id = :lamp),
    '/media/00/' || repeat('0', 61) || '1.jpg', 'its path has the folder of its first two digits');
SELECT is((SELECT images #>> '{0,medium_url}' FROM ecs.products WHERE id = :lamp),
    '/media/00/' || repeat('0', 61) || '1-1024.jpg', 'and its sizes their own');
SELECT is((ecs_api.products_get(ecs_test.me('sam'), :lamp)).body #>> '{images,0,width}', '800',
    'the product shows it');
SELECT lives_ok($$ SELECT ecs_test.add('sam', $$ || :lamp || $$, n) FROM generate_series(2, 4) n $$,
    'and further ones');
SELECT is(ecs_test.shown(:lamp), '1 2 3 4', 'in the order in which they came');
SELECT is((ecs_test.add('sam', :lamp, 2)).status, 201, 'the same again');
SELECT is(ecs_test.shown(:lamp), '1 2 3 4', 'is there once');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_test.add('sue', %s, 5) $$, :lamp)),
    'not_found', 'another seller''s product is not there');
SELECT is(ecs_test.kept(:lamp), 4::bigint, 'and keeps its pictures');

CREATE FUNCTION ecs_test.put(p_who text, p_product bigint, p_numbers integer[])
RETURNS ecs.answer LANGUAGE sql AS $$
    SELECT ecs_api.product_images_order(ecs_test.me(p_who), p_product, jsonb_build_object('images',
        (SELECT jsonb_agg(ecs_test.id(p_product, m) ORDER BY n)
         FROM unnest(p_numbers) WITH ORDINALITY u (m, n))))
$$;
SELECT is((ecs_test.put('sam', :lamp, '{4,2,3,1}')).status, 200, 'they are put into an order');
SELECT is(ecs_test.shown(:lamp), '4 2 3 1', 'and stand in it');
SELECT is((SELECT images #>> '{0,url}' FROM ecs.products WHERE id = :lamp),
    '/media/00/' || repeat('0', 61) || '4.jpg', 'each with its files');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_test.put('sam', %s, '{4,2,3}') $$, :lamp)),
    '{"images" : ["Name all 4 pictures of the product."]}', 'none is left out');
SELECT matches(ecs_test.code_of(format($$ SELECT ecs_api.product_images_order(
    ecs_test.me('sam'), %s, '{"images": [999]}') $$, :lamp)), 'Invalid pk \\"999\\"',
    'a strange picture has no place');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_test.put('sue', %s, '{1,2,3,4}') $$, :lamp)),
    'not_found', 'nor has another seller a say');
SELECT is(ecs_test.shown(:lamp), '4 2 3 1', 'a refused order changes nothing');
SELECT is((ecs_api.product_images_delete(ecs_test.me('sam'), :lamp,
    ecs_test.id(:lamp, 2))).status, 204, 'one is taken away');
SELECT is(ecs_test.shown(:lamp), '4 3 1', 'and is not shown');
SELECT is(ecs_test.kept(:lamp), 3::bigint, 'nor kept');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.product_images_delete(
    ecs_test.me('sam'), %s, 999) $$, :lamp)), 'not_found', 'what is not there cannot go');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.product_images_delete(
    ecs_test.me('sue'), %s, ecs_test.id(%1$s, 4)) $$, :lamp)), 'not_found',
    'nor can another seller take it');
SELECT lives_ok(format($$ SELECT ecs_test.add('sam', %s, n) FROM generate_series(10, 16) n $$,
    :lamp), 'ten pictures');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_test.add('sam', %s, 17) $$, :lamp)),
    'too_many_images', 'are all');
UPDATE ecs.products SET status = 'REJECTED', rejection_reason = 'x' WHERE id = :lamp;
SELECT lives_ok(format($$ SELECT ecs_api.product_images_delete(ecs_test.me('sam'), %s,
    ecs_test.id(%1$s, 16)) $$, :lamp), 'a rejected product with other pictures');
SELECT is((SELECT status FROM ecs.products WHERE id = :lamp), 'PENDING', 'is proposed again');

-- With the proposal -------------------------------------------------------------------

CREATE FUNCTION ecs_test.propose(p_name text, p_numbers integer[], p_bytes bigint DEFAULT 1000)
RETURNS bigint LANGUAGE sql AS $$
    SELECT ((ecs_api.products_create(ecs_test.me('sam'), p_name, 'x', 5, 5,
        (SELECT category_id FROM ecs.products WHERE name = 'Lamp'), NULL,
        (SELECT jsonb_agg(jsonb_build_object('name', ecs_test.name(m), 'width', 8,
                                             'height', 6, 'bytes', p_bytes) ORDER BY n)
         FROM unnest(p_numbers) WITH ORDINALITY u (m, n)))).body ->> 'id')::bigint
$$;
SELECT ecs_test.propose('Chair', '{33,34,32,33}') AS chair \gset
SELECT is(ecs_test.shown(:chair), '21 22 20', 'a product with pictures has them in their order');
SELECT is((SELECT status FROM ecs.products WHERE id = :chair), 'PENDING', 'it waits itself');
SELECT ecs_test.propose('Stool', NULL) AS stool \gset
SELECT is(ecs_test.shown(:stool), NULL, 'one without has none');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.propose('Bench', '{35,36}', 3::bigint << 30) $$),
    'too_much_stored', 'the second may be too much');
SELECT ok(NOT EXISTS (SELECT FROM ecs.products WHERE name = 'Bench'), 'then there is no product');

-- After approval ----------------------------------------------------------------------

SELECT lives_ok(format($$ SELECT ecs_test.add('sam', %s, n) FROM generate_series(20, 22) n $$,
    :desk), 'pictures of an approved product');
SELECT is(ecs_test.shown(:desk), NULL, 'are not shown');
SELECT is(ecs_test.waiting(:desk), '14 15 16', 'but wait');
SELECT lives_ok(format($$ SELECT ecs_api.products_update(ecs_test.me('sam'), %s,
    '{"name": "Table"}') $$, :desk), 'another change');
SELECT is(ecs_test.waiting(:desk), '14 15 16', 'does not forget them');
SELECT lives_ok(format($$ SELECT ecs_api.products_approve(ecs_test.me('admin'), %s) $$, :desk),
    'an administrator approves');
SELECT is((SELECT name FROM ecs.products WHERE id = :desk) || ': ' || ecs_test.shown(:desk),
    'Table: 14 15 16', 'and all is shown');
SELECT lives_ok(format($$ SELECT ecs_api.product_images_delete(ecs_test.me('sam'), %s,
    ecs_test.id(%1$s, 20)), ecs_test.add('sam', %1$s, 23) $$, :desk),
    'one less and another one');
SELECT is(ecs_test.shown(:desk) || ', ' || ecs_test.waiting(:desk), '14 15 16, 15 16 17',
    'wait while the others are shown');
SELECT lives_ok(format($$ SELECT ecs_api.products_reject(ecs_test.me('admin'), %s, 'No.') $$,
    :desk), 'an administrator refuses');
SELECT is(ecs_test.shown(:desk) || ', ' || ecs_test.kept(:desk), '14 15 16, 3',
    'and everything is as it was');
SELECT lives_ok(format($$ SELECT ecs_api.product_images_delete(ecs_test.me('sam'), %s,
    ecs_test.id(%1$s, 20)), ecs_test.add('sam', %1$s, 20) $$, :desk),
    'a picture that goes and comes back');
SELECT is(ecs_test.waiting(:desk), '15 16 14', 'is at the end');

-- People ---------------------------------------------------------------------------

SELECT is((ecs_api.me_image_put(ecs_test.me('bob'), ecs_test.name(40, 'png'), 7, 8, 100)).body
    #>> '{image,thumbnail_url}', '/media/00/' || repeat('0', 60) || '28-320.png',
    'a picture of one''s own');
SELECT is((ecs_api.me_image_delete(ecs_test.me('bob'))).status, 204, 'is taken away');
SELECT ok((ecs_api.accounts_me(ecs_test.me('bob'))).body ->> 'image' IS NULL, 'and gone');

-- Brands ---------------------------------------------------------------------------

UPDATE ecs.users SET points = 400 WHERE username = 'sam';
SELECT is((ecs_api.brands_create(ecs_test.me('sam'), 'Bright', '', ecs_test.name(50), 9, 9, 9)).body
    ->> 'logo', '/media/00/' || repeat('0', 60) || '32-1024.jpg', 'a brand with a logo');
SELECT id AS bright FROM ecs.brands WHERE name = 'Bright' \gset
SELECT is((ecs_api.brands_create(ecs_test.me('sam'), 'Plain', '')).body ->> 'logo', NULL,
    'and one without');
SELECT is((ecs_api.brands_approve(ecs_test.me('admin'), :bright)).status, 200, 'is approved');
SELECT is((ecs_api.brands_logo_put(ecs_test.me('sam'), :bright, ecs_test.name(50), 9, 9, 9)).body
    ->> 'status', 'APPROVED', 'the logo it has needs no approval');
SELECT is((ecs_api.brands_logo_put(ecs_test.me('sam'), :bright, ecs_test.name(51), 9, 9, 9)).body
    ->> 'status', 'PENDING', 'another one does');
SELECT is((SELECT logo_image FROM ecs.brands WHERE id = :bright), ecs_test.name(51), 'it is there');
SELECT ok(ecs_lib.image_is_used(ecs_test.name(51)), 'and in use');
SELECT ok(NOT ecs_lib.image_is_used(ecs_test.name(50)), 'the old one is not');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.brands_logo_put(ecs_test.me('sue'), %s,
    ecs_test.name(52), 9, 9, 9) $$, :bright)), 'not_found', 'another seller''s brand is not there');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.brands_logo_delete(ecs_test.me('sue'), %s) $$,
    :bright)), 'not_found', 'nor its logo');
SELECT is((ecs_api.brands_logo_delete(ecs_test.me('sam'), :bright)).status, 204,
    'a logo is taken away');
SELECT is((SELECT logo || logo_image FROM ecs.brands WHERE id = :bright), NULL, 'and gone');

-- The books ------------------------------------------------------------------------

CREATE FUNCTION ecs_test.broken() RETURNS text LANGUAGE sql
AS $$ SELECT coalesce(string_agg(name || ': ' || figure, '; '), 'none')
      FROM ecs_lib.audit_images() WHERE NOT holds $$;
SELECT is(ecs_test.broken(), 'none', 'what is shown is kept');
SAVEPOINT honest;
DELETE FROM ecs.product_images WHERE id = ecs_test.id(:desk, 20);
SELECT is(ecs_test.broken(), 'each product keeps the pictures that it shows or will: 1 of 15',
    'a picture that was lost is found out');
ROLLBACK TO honest;

-- What nobody uses -------------------------------------------------------------------

SELECT is((ecs_api.media_unused(json_build_array(ecs_test.name(40, 'png'), ecs_test.name(1),
    ecs_test.name(99)), 60)).body::text, json_build_array(ecs_test.name(99))::text,
    'what was never entered is unused; what is young is left alone');
SELECT ecs_test.pass('1 hour');
SELECT is((ecs_api.media_unused(json_build_array(ecs_test.name(40, 'png'), ecs_test.name(1)),
    60)).body::text, json_build_array(ecs_test.name(40, 'png'))::text,
    'what is older and nobody''s is unused');
SELECT is((SELECT count(*) FROM ecs.images WHERE name IN (ecs_test.name(40, 'png'),
    ecs_test.name(1))), 1::bigint, 'and its row is gone');

SELECT * FROM finish();
ROLLBACK;
