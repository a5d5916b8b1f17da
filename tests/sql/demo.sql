-- The demo shop is what it says it is, and its books balance (sql/demo.sql).
\set ON_ERROR_STOP 1
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
BEGIN;
SELECT set_config('ecs.demo_password_hash', '$y$demo', true) AS ignored \gset
\o /dev/null
\ir ../../sql/demo.sql
\o
SELECT plan(28);

CREATE TEMP TABLE product_states AS SELECT status, count(*) AS n FROM ecs.products GROUP BY status;
CREATE TEMP TABLE order_states AS SELECT status, count(*) AS n FROM ecs.orders GROUP BY status;

SELECT is((SELECT string_agg(name || ': ' || figure, '; ') FROM ecs_lib.audit_invariants()
    WHERE NOT holds), NULL, 'every invariant holds');
SELECT cmp_ok((SELECT n FROM product_states WHERE status = 'APPROVED'), '>=', 300::bigint,
    'at least 300 products are on sale');
SELECT is((SELECT count(DISTINCT category_id) FROM ecs.products WHERE status = 'APPROVED'),
    20::bigint, 'in 20 categories');
SELECT is((SELECT count(DISTINCT seller_id) FROM ecs.products WHERE status = 'APPROVED'),
    12::bigint, 'from 12 sellers');
SELECT is((SELECT count(DISTINCT name) FROM ecs.products), (SELECT count(*) FROM ecs.products),
    'no two have the same name');
SELECT cmp_ok((ecs_api.products_pending(ROW(1, 'admin', NULL, NULL, NULL, NULL)::ecs.caller,
    1, 20, NULL)).total, '>=', 5::bigint, 'some wait for the admin');
SELECT is((SELECT string_agg(status, ' ' ORDER BY status) FROM order_states),
    'CANCELLED COMPLETED CREATED DELIVERED PROCESSING REFUNDED SHIPPED',
    'there are orders in every state');
SELECT cmp_ok((ecs_api.orders_overdue(ROW(1, 'admin', NULL, NULL, NULL, NULL)::ecs.caller,
    1, 20, NULL)).total, '>=', 1::bigint, 'one could have been completed by now');
SELECT is((SELECT string_agg(role || ' ' || n, ', ' ORDER BY role) FROM (
    SELECT role, count(*) AS n FROM ecs.users GROUP BY role) r),
    'admin 1, delivery 5, seller 12, superadmin 1, user 8', 'people of every role');
SELECT is((SELECT count(*) FROM ecs.users WHERE password_hash = '$y$demo' AND email IN (
    'superadmin@demo.shop', 'admin@demo.shop', 'seller@demo.shop', 'seller2@demo.shop',
    'buyer@demo.shop', 'buyer2@demo.shop', 'courier@demo.shop')), 7::bigint,
    'those who are printed can sign in');
SELECT is((SELECT count(*) FROM ecs.wallets w JOIN ecs.users u ON u.id = w.user_id
    WHERE u.role = 'user' AND w.available < 2000), 0::bigint, 'buyers have money');
SELECT is((SELECT count(*) FROM ecs.profiles p JOIN ecs.users u ON u.id = p.user_id
    WHERE u.role = 'user' AND p.location_lat IS NULL), 0::bigint, 'and live somewhere');
SELECT is((SELECT count(*) FROM ecs.cart_items i JOIN ecs.users u ON u.id = i.user_id
    WHERE u.email = 'buyer@demo.shop'), 0::bigint, 'the first buyer''s cart is empty');
SELECT cmp_ok((SELECT count(*) FROM ecs.withdrawals WHERE status = 'REQUESTED'), '>=', 1::bigint,
    'a withdrawal waits');
SELECT cmp_ok((SELECT count(*) FROM ecs.reviews WHERE NOT is_hidden), '>=', 40::bigint,
    'buyers wrote reviews');
SELECT is((SELECT count(DISTINCT rating) FROM ecs.reviews), 5::bigint, 'of all stars');
SELECT is((SELECT format('%s %s', count(*) FILTER (WHERE is_hidden), count(reply) >= 4)
    FROM ecs.reviews), '1 t', 'some have a reply, one is hidden');
SELECT is((SELECT string_agg(concat_ws(' ', status, result), ', ' ORDER BY id)
    FROM ecs.auctions), 'ENDED SOLD, ENDED RESERVE_NOT_MET, ENDED UNSOLD, ACTIVE, ACTIVE, ACTIVE, '
    'SCHEDULED, SUBMITTED, DRAFT', 'there are auctions in every state');
SELECT is((SELECT status FROM ecs.orders WHERE id IN (SELECT order_id FROM ecs.auctions)),
    'COMPLETED', 'one went to its winner');
SELECT cmp_ok((SELECT min(end_at) FROM ecs.auctions WHERE status = 'ACTIVE'), '<',
    clock_timestamp() + interval '10 minutes', 'one is about to end');
SELECT cmp_ok((SELECT count(DISTINCT bidder_id) FROM ecs.bids), '>=', 5::bigint,
    'several people bid');
SELECT is((SELECT string_agg(status || ' ' || n, ' ' ORDER BY status) FROM (
    SELECT status, count(*) AS n FROM ecs.returns GROUP BY status) r),
    'APPROVED 2 CANCELLED 1 REJECTED 1 REQUESTED 1 UNDER_INSPECTION 1', 'returns in every state');
SELECT is((SELECT string_agg(status, ' ' ORDER BY status) FROM ecs.return_units), 'RESOLD WAITING',
    'an opened unit waits for its seller, another for the admin');
SELECT is((SELECT reason FROM ecs.returns r JOIN ecs.return_items i ON i.return_id = r.id
    WHERE r.status = 'UNDER_INSPECTION' AND i.condition = 'DAMAGED'),
    'A dent on the side. It was there when I opened the box!', 'one is disputed');
SELECT is((SELECT count(*) FROM ecs.sessions), 0::bigint, 'nobody is still signed in');
SELECT is((SELECT count(*) FROM ecs.transfers t JOIN ecs.transfers u ON u.id > t.id
    WHERE u.created_at < t.created_at), 0::bigint, 'time goes one way');
SELECT cmp_ok((SELECT max(created_at) FROM ecs.transfers), '<', clock_timestamp(),
    'and stays in the past');
SELECT cmp_ok(abs(extract(epoch FROM ecs.now() - clock_timestamp())), '<', 1::numeric,
    'the shop''s clock is the real one again');

SELECT * FROM finish();
ROLLBACK;
