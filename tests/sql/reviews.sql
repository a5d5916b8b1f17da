-- Reviews: who may write one, what becomes of the stars, replies and moderation
-- (sql/api/58_reviews.sql, sql/migrations/*_reviews.sql).
BEGIN;
\ir support.psql
SELECT plan(90);

CREATE TABLE ecs_test.who AS SELECT
    ecs_test.person('ada', 'admin') AS admin,
    ecs_test.person('sam', 'seller') AS sam,
    ecs_test.person('sue', 'seller', 1000) AS sue,
    ecs_test.person('bob', 'user', 1000) AS bob,
    ecs_test.person('eve', 'user', 1000) AS eve,
    ecs_test.person('dan', 'delivery') AS dan;
CREATE FUNCTION ecs_test.me(p_name text, p_version bigint DEFAULT NULL) RETURNS ecs.caller
LANGUAGE plpgsql AS $$
DECLARE v ecs.caller;
BEGIN
    EXECUTE format('SELECT (w.%I).* FROM ecs_test.who w', p_name) INTO v;
    v.if_match := p_version;
    RETURN v;
END $$;
CREATE FUNCTION ecs_test.of(p_answer ecs.answer, VARIADIC p_path text[]) RETURNS text LANGUAGE sql
AS $$ SELECT p_answer.body #>> p_path $$;
CREATE FUNCTION ecs_test.all(p_answer ecs.answer, p_member text) RETURNS text LANGUAGE sql
AS $$ SELECT string_agg(x ->> p_member, ' ') FROM json_array_elements(p_answer.body) x $$;
CREATE FUNCTION ecs_test.heard(p_name text, p_type text) RETURNS bigint LANGUAGE sql
AS $$ SELECT count(*) FROM ecs.notifications
      WHERE user_id = (ecs_test.me(p_name)).id AND type = p_type $$;
CREATE FUNCTION ecs_test.holds() RETURNS text LANGUAGE sql
AS $$ SELECT coalesce(string_agg(name || ': ' || figure, '; '), 'all')
      FROM ecs_lib.audit_invariants() WHERE NOT holds $$;
-- A line of a new order for one product.
CREATE FUNCTION ecs_test.buy(p_name text, p_product bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_order bigint;
BEGIN
    PERFORM ecs_api.cart_add(ecs_test.me(p_name), p_product, 1);
    v_order := (ecs_api.orders_checkout(ecs_test.me(p_name), NULL)).body ->> 'id';
    RETURN (SELECT id FROM ecs.order_items WHERE order_id = v_order);
END $$;
-- Its order, brought into a state on the way to the buyer.
CREATE FUNCTION ecs_test.bring(p_item bigint, p_status text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    o ecs.orders;
BEGIN
    LOOP
        SELECT x.* INTO o FROM ecs.orders x JOIN ecs.order_items i ON i.order_id = x.id
            WHERE i.id = p_item;
        EXIT WHEN o.status = p_status;
        o.courier_id := (ecs_test.me('dan')).id;
        PERFORM ecs_lib.order_move(o, CASE o.status WHEN 'CREATED' THEN 'PROCESSING'
            WHEN 'PROCESSING' THEN 'SHIPPED' ELSE 'DELIVERED' END, ecs_test.me('dan'));
    END LOOP;
END $$;
CREATE FUNCTION ecs_test.received(p_name text, p_product bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_item bigint := ecs_test.buy(p_name, p_product);
BEGIN
    PERFORM ecs_test.bring(v_item, 'DELIVERED');
    RETURN v_item;
END $$;
CREATE FUNCTION ecs_test.review(p_name text, p_item bigint, p_rating integer,
    p_title text DEFAULT NULL, p_comment text DEFAULT NULL) RETURNS bigint LANGUAGE sql
AS $$ SELECT ((ecs_api.reviews_create(ecs_test.me(p_name), p_item, p_rating, p_title,
                                      p_comment)).body ->> 'id')::bigint $$;
-- Stars of a product: each kind, count and average.
CREATE FUNCTION ecs_test.stars(p_product bigint) RETURNS text LANGUAGE sql
AS $$ SELECT format('%s %s %s', ratings, ratings_count, avg_rating)
      FROM ecs.products WHERE id = p_product $$;
CREATE FUNCTION ecs_test.seller_stars(p_name text) RETURNS text LANGUAGE sql
AS $$ SELECT format('%s %s %s', ratings, ratings_count, avg_rating)
      FROM ecs.users WHERE id = (ecs_test.me(p_name)).id $$;
CREATE FUNCTION ecs_test.list(p_product bigint, p_ordering text DEFAULT '-created_at',
    p_rating integer DEFAULT NULL) RETURNS text LANGUAGE sql
AS $$ SELECT ecs_test.all(ecs_api.reviews_list(NULL, p_product, p_rating, p_ordering, 1, 20,
                                               NULL), 'rating') $$;

SELECT ecs_test.product(ecs_test.me('sam'), 'Lamp', 10, 100) AS lamp,
       ecs_test.product(ecs_test.me('sam'), 'Rug', 20, 100) AS rug,
       ecs_test.product(ecs_test.me('sue'), 'Pot', 30, 100) AS pot \gset

-- Who may write one ---------------------------------------------------------------------

SELECT ecs_test.buy('bob', :lamp) AS line \gset
SELECT is(ecs_test.code_of(format($$ SELECT ecs_test.review('bob', %s, 5) $$, :line)),
    'wrong_state', 'not before it is delivered');
SELECT ecs_test.bring(:line, 'SHIPPED') \g /dev/null
SELECT is(ecs_test.code_of(format($$ SELECT ecs_test.review('bob', %s, 5) $$, :line)),
    'wrong_state', 'not while it is on its way');
SELECT ecs_test.bring(:line, 'DELIVERED') \g /dev/null
SELECT is(ecs_test.code_of(format($$ SELECT ecs_test.review('eve', %s, 1) $$, :line)),
    format('{"order_item" : ["Invalid pk \"%s\" - object does not exist."]}', :line),
    'not what another bought');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_test.review('sam', %s, 5) $$, :line)),
    format('{"order_item" : ["Invalid pk \"%s\" - object does not exist."]}', :line),
    'nor what one has sold');
SELECT is(ecs_test.stars(:lamp), '{0,0,0,0,0} 0 0.00', 'no stars yet');
SELECT version AS v FROM ecs.products WHERE id = :lamp \gset
SELECT ecs_test.review('bob', :line, 4, 'Bright', 'Lights the whole room.') AS r1 \gset
SELECT is(ecs_test.stars(:lamp), '{0,0,0,1,0} 1 4.00', 'the product has the stars');
SELECT is(ecs_test.seller_stars('sam'), '{0,0,0,1,0} 1 4.00', 'so has its seller');
SELECT is((SELECT status || (version > :v) FROM ecs.products WHERE id = :lamp), 'APPROVEDtrue',
    'whose version changes, and nothing else has to be approved');
SELECT is(ecs_test.heard('sam', 'review_received'), 1::bigint, 'the seller hears of it');
SELECT is((SELECT message FROM ecs.notifications WHERE type = 'review_received'),
    '4 of 5 stars for Lamp.', 'with the stars');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_test.review('bob', %s, 1) $$, :line)),
    'duplicate', 'once');
CREATE FUNCTION ecs_test.detail_of(p_sql text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE v text;
BEGIN
    EXECUTE p_sql;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v = PG_EXCEPTION_DETAIL;
    RETURN v;
END $$;
SELECT is(ecs_test.detail_of(format($$ SELECT ecs_test.review('bob', %s, 1) $$, :line))
    ->> 'review', :'r1', 'and the refusal names the one there is');
SELECT is(ecs_test.stars(:lamp), '{0,0,0,1,0} 1 4.00', 'nothing was counted twice');

SELECT ecs_test.received('bob', :lamp) AS again \gset
SELECT isnt(ecs_test.review('bob', :again, 5), NULL, 'another order, another review');
SELECT is(ecs_test.stars(:lamp), '{0,0,0,1,1} 2 4.50', 'both count');
SELECT ecs_test.pass('4 days') \g /dev/null
SELECT ecs_test.received('eve', :lamp) AS done \gset
SELECT ecs_test.pass('4 days') \g /dev/null
SELECT ecs_api.orders_complete(ecs_test.me('eve'), order_id, NULL)
    FROM ecs.order_items WHERE id = :done \g /dev/null
SELECT ecs_test.review('eve', :done, 2) AS r3 \gset
SELECT is(ecs_test.stars(:lamp), '{0,1,0,1,1} 3 3.67', 'a completed order is as good');
SELECT ecs_test.buy('eve', :lamp) AS gone \gset
SELECT ecs_api.orders_cancel(ecs_test.me('eve'), order_id, NULL)
    FROM ecs.order_items WHERE id = :gone \g /dev/null
SELECT is(ecs_test.code_of(format($$ SELECT ecs_test.review('eve', %s, 1) $$, :gone)),
    'wrong_state', 'a cancelled one is not');
SELECT ecs_test.received('eve', :lamp) AS back \gset
SELECT ecs_api.orders_refund(ecs_test.me('admin'), order_id, 'broken', NULL)
    FROM ecs.order_items WHERE id = :back \g /dev/null
SELECT is(ecs_test.code_of(format($$ SELECT ecs_test.review('eve', %s, 1) $$, :back)),
    'wrong_state', 'nor a refunded one');
SELECT is(ecs_test.holds(), 'all', 'the books are right');

-- Reading -----------------------------------------------------------------------------------

SELECT is(ecs_test.list(:lamp), '2 5 4', 'newest first');
SELECT is(ecs_test.list(:lamp, 'created_at'), '4 5 2', 'or oldest');
SELECT is(ecs_test.list(:lamp, '-rating'), '5 4 2', 'or best');
SELECT is(ecs_test.list(:lamp, 'rating'), '2 4 5', 'or worst');
SELECT is(ecs_test.list(:lamp, 'rating', 4), '4', 'or of some stars');
SELECT is((ecs_api.reviews_list(NULL, :lamp, 4, '-created_at', 1, 20, NULL)).total, 1::bigint,
    'which are counted');
SELECT is((ecs_api.reviews_list(NULL, :lamp, NULL, '-created_at', 1, 20, NULL)).total, 3::bigint,
    'as all are');
SELECT is((ecs_api.reviews_list(NULL, :lamp, 1, '-created_at', 1, 20, NULL)).extra::jsonb,
    '{"summary": {"average": 3.67, "count": 3,
                  "stars": {"1": 0, "2": 1, "3": 0, "4": 1, "5": 1}}}'::jsonb,
    'the summary is of all of them');
SELECT is((ecs_api.reviews_list(NULL, :pot, NULL, '-created_at', 1, 20, NULL)).extra::jsonb,
    '{"summary": {"average": 0.00, "count": 0,
                  "stars": {"1": 0, "2": 0, "3": 0, "4": 0, "5": 0}}}'::jsonb,
    'a product without any has a summary, too');
CREATE FUNCTION ecs_test.walk(p_product bigint, p_ordering text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    a ecs.answer;
    v text;
BEGIN
    LOOP
        a := ecs_api.reviews_list(NULL, p_product, NULL, p_ordering, NULL, 1, a.next_key);
        v := concat_ws(' ', v, a.body -> 0 ->> 'rating');
        EXIT WHEN a.next_key IS NULL;
    END LOOP;
    RETURN v;
END $$;
SELECT is(ecs_test.walk(:lamp, '-created_at'), '2 5 4', 'a walk by age');
SELECT is(ecs_test.walk(:lamp, 'created_at'), '4 5 2', 'the other way');
SELECT is(ecs_test.walk(:lamp, '-rating'), '5 4 2', 'by stars');
SELECT is(ecs_test.walk(:lamp, 'rating'), '2 4 5', 'the other way');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.list(0) $$),
    '{"product" : ["Invalid pk \"0\" - object does not exist."]}', 'of a product that is there');
SELECT ecs_api.reviews_get(NULL, :r1) AS got \gset
SELECT is((ecs_api.reviews_get(NULL, :r1)).body::jsonb - 'created_at', format(
    '{"id": %s, "product": {"id": %s, "name": "Lamp"}, "rating": 4, "title": "Bright",
      "comment": "Lights the whole room.", "author": {"id": %s, "username": "bob"},
      "reply": null, "edited_at": null}', :r1, :lamp, (ecs_test.me('bob')).id)::jsonb,
    'everybody reads it');
SELECT is(ecs_test.of(ecs_api.reviews_get(ecs_test.me('bob'), :r1), 'order_item'), :'line',
    'its author sees of which line it is');
SELECT is((ecs_api.reviews_get(ecs_test.me('sam'), :r1)).body::jsonb ? 'order', false,
    'its seller does not');
SELECT is(ecs_test.all(ecs_api.reviews_mine(ecs_test.me('bob'), 1, 20, NULL), 'rating'), '5 4',
    'authors have a list');
SELECT is((ecs_api.reviews_mine(ecs_test.me('bob'), NULL, 1, NULL)).next_key IS NOT NULL, true,
    'with pages');
SELECT is(ecs_test.all(ecs_api.reviews_received(ecs_test.me('sam'), NULL, NULL, NULL, 1, 20,
    NULL), 'rating'), '2 5 4', 'sellers have one');
SELECT is((ecs_api.reviews_received(ecs_test.me('sue'), NULL, NULL, NULL, 1, 20, NULL)).total,
    0::bigint, 'of their own products');
SELECT is(ecs_test.all(ecs_api.reviews_admin(ecs_test.me('admin'), :lamp,
    (ecs_test.me('bob')).id, 5, false, 1, 20, NULL), 'rating'), '5', 'administrators see all');

-- Changing ----------------------------------------------------------------------------------

SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.reviews_update(ecs_test.me('eve'), %s,
    '{"rating": 1}') $$, :r1)), 'not_found', 'only its author');
SELECT is(ecs_test.of(ecs_api.reviews_update(ecs_test.me('bob'), :r1, '{"rating": 1}'), 'rating'),
    '1', 'changes it');
SELECT is(ecs_test.stars(:lamp), '{1,1,0,0,1} 3 2.67', 'the stars move');
SELECT is(ecs_test.seller_stars('sam'), '{1,1,0,0,1} 3 2.67', 'those of the seller, too');
SELECT is(ecs_test.of(ecs_api.reviews_get(NULL, :r1), 'comment'), 'Lights the whole room.',
    'the rest stays');
SELECT isnt(ecs_test.of(ecs_api.reviews_get(NULL, :r1), 'edited_at'), NULL,
    'and it is seen that it was changed');
SELECT is(ecs_test.heard('sam', 'review_received'), 3::bigint, 'nobody is told of a change');
SELECT version AS v FROM ecs.reviews WHERE id = :r1 \gset
SELECT is((ecs_api.reviews_update(ecs_test.me('bob'), :r1, '{"rating": 1}')).version, :v::bigint,
    'the same again is no change');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.reviews_update(ecs_test.me('bob', 99), %s,
    '{"rating": 2}') $$, :r1)), 'stale', 'If-Match is honoured');
SELECT throws_ok(format('UPDATE ecs.reviews SET product_id = %s WHERE id = %s', :rug, :r1),
    '23514', NULL, 'it stays with its product');
SELECT throws_ok(format('UPDATE ecs.reviews SET rating = 6 WHERE id = %s', :r1),
    '23514', NULL, 'six stars there are not');

-- The reply -----------------------------------------------------------------------------------

SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.reviews_reply(ecs_test.me('sue'), %s,
    'Mine is better.') $$, :r1)), 'not_found', 'not by another seller');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.reviews_change_reply(ecs_test.me('sam'), %s,
    '{"reply": "x"}') $$, :r1)), 'not_found', 'nothing to change yet');
SELECT is(ecs_test.of(ecs_api.reviews_reply(ecs_test.me('sam'), :r1, 'We are sorry.'), 'reply',
    'text'), 'We are sorry.', 'its seller replies');
SELECT is(ecs_test.of(ecs_api.reviews_get(NULL, :r1), 'reply', 'text'), 'We are sorry.',
    'for everybody');
SELECT is(ecs_test.heard('bob', 'review_reply'), 1::bigint, 'the author hears of it');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.reviews_reply(ecs_test.me('sam'), %s,
    'And again.') $$, :r1)), 'duplicate', 'once');
SELECT is(ecs_test.of(ecs_api.reviews_change_reply(ecs_test.me('sam'), :r1,
    '{"reply": "We are very sorry."}'), 'reply', 'text'), 'We are very sorry.', 'and changes it');
SELECT is(ecs_test.heard('bob', 'review_reply'), 1::bigint, 'silently');
SELECT is(ecs_test.all(ecs_api.reviews_received(ecs_test.me('sam'), NULL, NULL, false, 1, 20,
    NULL), 'rating'), '2 5', 'what waits for a reply is found');

-- Moderation ------------------------------------------------------------------------------------

SELECT is(ecs_test.of(ecs_api.reviews_hide(ecs_test.me('admin'), :r1, 'Not about the lamp.'),
    'hidden_reason'), 'Not about the lamp.', 'an admin hides it');
SELECT is(ecs_test.stars(:lamp), '{0,1,0,0,1} 2 3.50', 'its stars are gone');
SELECT is(ecs_test.seller_stars('sam'), '{0,1,0,0,1} 2 3.50', 'the seller''s, too');
SELECT is(ecs_test.list(:lamp), '2 5', 'it is not listed');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.reviews_get(NULL, %s)', :r1)), 'not_found',
    'nobody sees it');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.reviews_get(ecs_test.me(''sam''), %s)', :r1)),
    'not_found', 'nor its seller');
SELECT is(ecs_test.of(ecs_api.reviews_get(ecs_test.me('bob'), :r1), 'is_hidden'), 'true',
    'but its author');
SELECT is(ecs_test.of(ecs_api.reviews_get(ecs_test.me('admin'), :r1), 'is_hidden'), 'true',
    'and the admin');
SELECT is((SELECT message FROM ecs.notifications WHERE type = 'system_alert'),
    'Your review of Lamp was hidden: Not about the lamp.', 'the author is told why');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.reviews_hide(ecs_test.me('admin'), %s,
    'x') $$, :r1)), 'wrong_state', 'once');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.reviews_delete(ecs_test.me('bob'), %s) $$,
    :r1)), 'wrong_state', 'it cannot be taken back and written again');
SELECT ecs_api.reviews_update(ecs_test.me('bob'), :r1, '{"rating": 3, "comment": ""}') \g /dev/null
SELECT is(ecs_test.stars(:lamp), '{0,1,0,0,1} 2 3.50', 'a change of it counts nothing');
SELECT is(ecs_test.all(ecs_api.reviews_admin(ecs_test.me('admin'), NULL, NULL, NULL, true, 1,
    20, NULL), 'rating'), '3', 'the admin finds it');
SELECT is(ecs_test.holds(), 'all', 'the books are right');
SELECT is(ecs_test.of(ecs_api.reviews_show(ecs_test.me('admin'), :r1), 'is_hidden'), 'false',
    'and shows it again');
SELECT is(ecs_test.stars(:lamp), '{0,1,1,0,1} 3 3.33', 'with its stars');
SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.reviews_show(ecs_test.me('admin'), %s) $$,
    :r1)), 'wrong_state', 'once');
SELECT is((SELECT string_agg(action || ' ' || (details ->> 'reason'), ', ' ORDER BY id)
    FROM ecs.audit_log WHERE object_type = 'review'),
    'review.hide Not about the lamp., review.show Not about the lamp.', 'both are written down');

-- Taking back --------------------------------------------------------------------------------------

SELECT is(ecs_test.code_of(format($$ SELECT ecs_api.reviews_delete(ecs_test.me('eve'), %s) $$,
    :r1)), 'not_found', 'only its author');
SELECT is((ecs_api.reviews_delete(ecs_test.me('bob'), :r1)).status, 204, 'takes it back');
SELECT is(ecs_test.stars(:lamp), '{0,1,0,0,1} 2 3.50', 'the stars shrink');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.reviews_get(ecs_test.me(''bob''), %s)', :r1)),
    'not_found', 'it is gone');
SELECT isnt(ecs_test.review('bob', :line, 3), NULL, 'and may be written anew');

-- Someone who sells may buy and review, too.
SELECT isnt(ecs_test.review('sue', ecs_test.received('sue', :rug), 5), NULL, 'sellers buy, too');
SELECT is(ecs_test.seller_stars('sam'), '{0,1,1,0,2} 4 3.75', 'a seller has all products'' stars');
SELECT is(ecs_test.of(ecs_api.accounts_seller(NULL, (ecs_test.me('sam')).id), 'avg_rating'),
    '3.75', 'on the card');
SELECT is(ecs_test.of(ecs_api.products_get(NULL, :rug), 'avg_rating'), '5.00',
    'the product shows its own');
SELECT is(ecs_test.holds(), 'all', 'the books are right');
UPDATE ecs.products SET avg_rating = 4.99 WHERE id = :rug;
SELECT is(ecs_test.holds(), 'each product has the stars of its reviews: 1 of 3',
    'a wrong average is found');

SELECT * FROM finish();
ROLLBACK;
