-- Webhooks: which events are written for whom, what the worker is given, and what
-- becomes of endpoints (sql/migrations/0017_webhooks.sql, sql/api/76_webhooks.sql).
BEGIN;
\ir support.psql
SELECT plan(59);

CREATE TABLE ecs_test.who AS SELECT
    ecs_test.person('bob', 'user', 500) AS bob, ecs_test.person('sam', 'seller') AS sam,
    ecs_test.person('ada', 'admin') AS ada;
CREATE FUNCTION ecs_test.bob() RETURNS ecs.caller LANGUAGE sql
AS $$ SELECT bob FROM ecs_test.who $$;
CREATE FUNCTION ecs_test.sam() RETURNS ecs.caller LANGUAGE sql
AS $$ SELECT sam FROM ecs_test.who $$;
CREATE FUNCTION ecs_test.ada() RETURNS ecs.caller LANGUAGE sql
AS $$ SELECT ada FROM ecs_test.who $$;

CREATE FUNCTION ecs_test.endpoint(p_events text, p_nonce text DEFAULT 'n1') RETURNS bigint
LANGUAGE sql AS $$
    SELECT ((ecs_api.webhooks_create(ecs_test.ada(), 'https://erp.example/' || p_nonce, '',
        p_events, p_nonce)).body ->> 'id')::bigint
$$;
-- What was written since the last look, in the order of ids.
CREATE FUNCTION ecs_test.written() RETURNS text LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM ecs.outbox WHERE channel = 'webhook' RETURNING *)
    SELECT coalesce(string_agg(kind, ' ' ORDER BY id), '') FROM gone
$$;
-- What a worker takes.
CREATE FUNCTION ecs_test.take() RETURNS json LANGUAGE sql AS $$
    SELECT (ecs_api.outbox_claim('webhook', 20, 60)).body -> 'messages' $$;
CREATE FUNCTION ecs_test.taken() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(m ->> 'kind', ' '), '')
    FROM json_array_elements(ecs_test.take()) m $$;
-- What came of everything that is in somebody's hands.
CREATE FUNCTION ecs_test.came(p_outcome text, p_code integer, p_error text DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
    SELECT (ecs_api.webhook_report(jsonb_agg(jsonb_build_object('id', id, 'claim', version,
        'endpoint', endpoint_id, 'outcome', p_outcome, 'error', p_error,
        'status_code', p_code, 'duration_ms', 12, 'answer', 'words') ORDER BY id))).body ->> 'dead'
    FROM ecs.outbox WHERE channel = 'webhook' AND claimed_until IS NOT NULL
$$;
CREATE FUNCTION ecs_test.health(p_id bigint) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', is_active, failures_in_row,
        extract(epoch FROM rest_until - ecs.now())::integer, disabled_reason)
    FROM ecs.webhook_endpoints WHERE id = p_id $$;

-- Filters ------------------------------------------------------------------------------

SELECT is(ecs_lib.webhook_filter(' order.*,auction.ended  order.* '),
    '{order.*,auction.ended}', 'a filter is words');
SELECT is(ecs_lib.webhook_filter('*'), '{*}', 'or a star');
SELECT alike(ecs_test.code_of($$ SELECT ecs_lib.webhook_filter('order.eaten') $$),
    '%There is no event%', 'of events that there are');
SELECT alike(ecs_test.code_of($$ SELECT ecs_lib.webhook_filter('user.registered orders.*') $$),
    '%orders.*%', 'and objects that there are');
SELECT alike(ecs_test.code_of($$ SELECT ecs_lib.webhook_filter(' , ') $$), '%blank%',
    'at least one');

-- Events -------------------------------------------------------------------------------

SELECT ecs_test.product(ecs_test.sam(), 'Lamp', 10.00, 50) AS lamp \gset
CREATE FUNCTION ecs_test.order_in(p_status text) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO ecs.orders (order_number, buyer_id, courier_id, status, subtotal, total,
            held_amount, location_lat, location_lng)
        VALUES ('ORD-20261122-' || upper(substr(md5(random()::text), 1, 6)),
                (ecs_test.bob()).id, (ecs_test.ada()).id, p_status, 10, 10, 0, 1, 1)
        RETURNING id
$$;
CREATE FUNCTION ecs_test.become(p_order bigint, VARIADIC p_states text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE v_state text;
BEGIN
    FOREACH v_state IN ARRAY p_states LOOP
        UPDATE ecs.orders SET status = v_state WHERE id = p_order;
    END LOOP;
END $$;

SELECT ecs_test.order_in('CREATED');
SELECT is(ecs_test.written(), '', 'nobody wants to know');
UPDATE ecs.outbox_channels SET served_until = '-infinity' WHERE channel = 'webhook';
SELECT ecs_test.endpoint('order.* review.created') AS e \gset
SELECT ecs_test.order_in('CREATED');
SELECT is(ecs_test.written(), '', 'nobody delivers');
SELECT ecs_test.take();
SELECT ecs_test.order_in('CREATED') AS o \gset
SELECT is((SELECT channel || ' ' || kind || ' ' || destination || ' ' || object_type || ' '
        || (object_id = :o) FROM ecs.outbox WHERE channel = 'webhook'),
    'webhook order.created /api/webhooks/' || :e || '/ order true', 'now one is written');
SELECT is((SELECT payload -> 'data' ->> 'total' FROM ecs.outbox WHERE channel = 'webhook'),
    '10.00', 'with the money as text');
SELECT unalike((SELECT payload::text FROM ecs.outbox WHERE channel = 'webhook'), '%location%',
    'and nothing of where the buyer lives');
SELECT ecs_test.become(:o, 'PROCESSING', 'CREATED', 'PROCESSING', 'SHIPPED', 'DELIVERED',
    'COMPLETED');
SELECT is(ecs_test.written(), 'order.created order.processing order.processing order.shipped '
    'order.delivered order.completed', 'each step of an order, but not a step back');
SELECT ecs_test.become(ecs_test.order_in('CREATED'), 'CANCELLED');
SELECT ecs_test.become(ecs_test.order_in('DELIVERED'), 'REFUNDED');
SELECT is(ecs_test.written(), 'order.created order.cancelled order.delivered order.refunded',
    'its other ends');
UPDATE ecs.orders SET city = 'Lisbon' WHERE id = :o;
SELECT is(ecs_test.written(), '', 'nothing else is news');

SELECT (ecs_api.webhooks_update(ecs_test.ada(), :e, '{"events": "*"}')).version \gset
INSERT INTO ecs.auctions (seller_id, product_id, title, start_price, start_at, end_at,
        planned_end_at, status)
    SELECT (ecs_test.sam()).id, :lamp, 'Lamp', 1, t, t + '1 day', t + '1 day', 'SUBMITTED'
    FROM ecs.now() t RETURNING id AS auction \gset
UPDATE ecs.auctions SET status = 'SCHEDULED' WHERE id = :auction;
UPDATE ecs.auctions SET status = 'ACTIVE' WHERE id = :auction;
UPDATE ecs.auctions SET current_price = 2, leader_max = 9, leader_id = (ecs_test.bob()).id,
    bids_count = 1 WHERE id = :auction;
UPDATE ecs.auctions SET status = 'CANCELLED' WHERE id = :auction;
SELECT unalike((SELECT string_agg(payload::text, ' ') FROM ecs.outbox WHERE channel = 'webhook'),
    '%9%.%00%leader%', 'a maximum stays a secret');
SELECT is(ecs_test.written(), 'auction.scheduled auction.active auction.cancelled', 'auctions');
INSERT INTO ecs.auctions (seller_id, product_id, title, start_price, start_at, end_at,
        planned_end_at, status)
    SELECT (ecs_test.sam()).id, :lamp, 'Lamp', 1, t, t + '1 day', t + '1 day', 'ACTIVE'
    FROM ecs.now() t RETURNING id AS auction \gset
UPDATE ecs.auctions SET status = 'ENDED', result = 'UNSOLD' WHERE id = :auction;
SELECT is((SELECT payload #>> '{data,result}' FROM ecs.outbox WHERE channel = 'webhook'),
    'UNSOLD', 'with their result');
SELECT is(ecs_test.written(), 'auction.ended', 'when they end');
UPDATE ecs.products SET status = 'PENDING' WHERE id = :lamp;
UPDATE ecs.products SET status = 'REJECTED' WHERE id = :lamp;
UPDATE ecs.products SET status = 'APPROVED' WHERE id = :lamp;
UPDATE ecs.products SET status = 'ARCHIVED' WHERE id = :lamp;
UPDATE ecs.products SET quantity = 3 WHERE id = :lamp;
SELECT is(ecs_test.written(), 'product.rejected product.approved', 'products');
INSERT INTO ecs.withdrawals (user_id, amount) VALUES ((ecs_test.sam()).id, 5)
    RETURNING id AS w \gset
UPDATE ecs.withdrawals SET status = 'APPROVED', decided_at = ecs.now() WHERE id = :w;
INSERT INTO ecs.withdrawals (user_id, amount) VALUES ((ecs_test.sam()).id, 5)
    RETURNING id AS w \gset
UPDATE ecs.withdrawals SET status = 'REJECTED', decided_at = ecs.now() WHERE id = :w;
SELECT is(ecs_test.written(), 'withdrawal.requested withdrawal.approved withdrawal.requested '
    'withdrawal.rejected', 'withdrawals');
SELECT ecs_test.person('new', 'user');
SELECT unalike((SELECT payload::text FROM ecs.outbox WHERE channel = 'webhook'), '%example.com%',
    'no address of who registers');
SELECT is(ecs_test.written(), 'user.registered', 'people');
INSERT INTO ecs.order_items (order_id, product_id, seller_id, product_name, quantity,
        list_price, unit_price, line_total, fee_percent)
    VALUES (:o, :lamp, (ecs_test.sam()).id, 'Lamp', 1, 10, 10, 10, 4) RETURNING id AS line \gset
INSERT INTO ecs.reviews (order_item_id, product_id, seller_id, author_id, rating, comment)
    VALUES (:line, :lamp, (ecs_test.sam()).id, (ecs_test.bob()).id, 4, 'Warm light.');
SELECT is(ecs_test.written(), 'review.created', 'reviews');
INSERT INTO ecs.returns (order_id, order_item_id, buyer_id, seller_id, quantity, reason)
    VALUES (:o, :line, (ecs_test.bob()).id, (ecs_test.sam()).id, 1, 'Dark')
    RETURNING id AS r \gset
UPDATE ecs.returns SET status = 'UNDER_INSPECTION', inspected_by = (ecs_test.ada()).id,
    inspected_at = ecs.now() WHERE id = :r;
UPDATE ecs.returns SET status = 'REJECTED', decided_by = (ecs_test.ada()).id,
    decided_at = ecs.now() WHERE id = :r;
SELECT is(ecs_test.written(), 'return.requested return.under_inspection return.rejected',
    'returns');

-- Two endpoints, each for itself.
SELECT ecs_test.endpoint('order.created', 'n2') AS f \gset
SELECT ecs_test.become(ecs_test.order_in('CREATED'), 'CANCELLED');
SELECT is((SELECT array_agg(endpoint_id - :e || ' ' || kind ORDER BY id) FROM ecs.outbox
           WHERE channel = 'webhook'),
    ARRAY['0 order.created', (:f - :e) || ' order.created', '0 order.cancelled'],
    'a message for each that wants it');
SELECT is(ecs_test.written(), 'order.created order.created order.cancelled', 'of each event');
SELECT (ecs_api.webhooks_delete(ecs_test.ada(), :f)).status AS gone \gset
SELECT is(:gone, 204, 'one goes');

-- Delivered ----------------------------------------------------------------------------

SELECT ecs_test.become(ecs_test.order_in('CREATED'), 'CANCELLED');
SELECT ecs_test.take() -> 0 AS m \gset
SELECT is(:'m'::json ->> 'kind', 'order.created', 'the first is taken');
SELECT is(:'m'::json ->> 'url', 'https://erp.example/n1', 'with where it goes');
SELECT is(:'m'::json ->> 'nonce', 'n1', 'and what its secret is made of');
SELECT is(:'m'::json ->> 'previous_nonce', NULL, 'there was no other');
SELECT ok(:'m'::json ->> 'message_id' ~ '^msg_\d+_\d+$', 'its id has no dots');
SELECT is(ecs_test.taken(), '', 'the second of that order waits');
SELECT is(ecs_test.came('sent', 204), '[]', 'it was taken');
SELECT is((SELECT status_code || ' ' || duration_ms || ' ' || answer FROM ecs.webhook_attempts),
    '204 12 words', 'which is written down');
SELECT is(ecs_test.health(:e), 't 0', 'all is well');
SELECT is(ecs_test.taken(), 'order.cancelled', 'now the second');
SELECT is(ecs_test.came('failed', 500, 'it answered 500'), '[]', 'which fails');
SELECT is(ecs_test.health(:e), 't 1 2', 'so it is left alone for a little');
SELECT ecs_test.become(ecs_test.order_in('CREATED'), 'CANCELLED');
SELECT is(ecs_test.taken(), '', 'with other news, too');
SELECT ecs_test.pass('15 seconds');
SELECT is(ecs_test.taken(), 'order.cancelled order.created', 'then all is tried');
SELECT is(ecs_test.came('failed', 400, 'it answered 400'), '[]', 'what it does not like');
SELECT is(ecs_test.health(:e), 't 3', 'is no reason to let it rest');
SELECT ecs_test.pass('1 minute');
SELECT is(ecs_test.taken(), 'order.cancelled order.created', 'it is tried again');
SELECT is(ecs_test.came('sent', 200), '[]', 'and taken');
SELECT is(ecs_test.health(:e), 't 0', 'all is well again');
SELECT is((SELECT count(*) FROM ecs.webhook_attempts), 6::bigint, 'each attempt is a row');
SELECT ecs_test.taken();
SELECT version AS claim, id AS message FROM ecs.outbox WHERE claimed_until IS NOT NULL \gset
SELECT ecs_api.webhook_report(jsonb_build_array(x.r)), ecs_api.webhook_report(jsonb_build_array(x.r))
    FROM (SELECT jsonb_build_object('id', :message, 'claim', :claim, 'endpoint', :e,
              'outcome', 'sent', 'duration_ms', 1, 'status_code', 200) AS r) x;
SELECT is((SELECT count(*) FROM ecs.webhook_attempts), 7::bigint, 'told twice it is one');

-- A new secret.
SELECT (ecs_api.webhooks_rotate(ecs_test.ada(), :e, 'n3')).status \gset
SELECT (ecs_api.webhooks_test(ecs_test.ada(), :e)).body ->> 'type' AS type \gset
SELECT is(:'type'::text, 'ping', 'a test is a ping');
SELECT ecs_test.take() -> 0 AS m \gset
SELECT is(:'m'::json ->> 'nonce' || ' ' || (:'m'::json ->> 'previous_nonce'), 'n3 n1',
    'both secrets sign');
SELECT is(ecs_test.came('sent', 200), '[]', 'it was taken');
SELECT ecs_test.pass('24 hours 1 second');
SELECT (ecs_api.webhooks_test(ecs_test.ada(), :e)).status \gset
SELECT is((ecs_test.take() -> 0) ->> 'previous_nonce', NULL, 'for a day');

-- The end of an endpoint.
SELECT alike(ecs_test.came('refused', 410, 'it answered 410'), '%ping%', 'it wants nothing any more');
SELECT alike(ecs_test.health(:e), 'f 1 It answered 410%', 'so it is off');
SELECT is(ecs_test.code_of(format('SELECT ecs_api.webhooks_replay(ecs_test.ada(), %s)', :message)),
    'wrong_state', 'nothing is sent there');
SELECT (ecs_api.webhooks_update(ecs_test.ada(), :e, '{"is_active": true}')).status \gset
SELECT is(ecs_test.health(:e), 't 0', 'until somebody says so');
SELECT is((ecs_api.webhooks_replay(ecs_test.ada(), :message)).body ->> 'status', 'PENDING',
    'then what was sent is sent again');
UPDATE ecs.webhook_endpoints SET is_active = false WHERE id = :e;
SELECT is(ecs_test.taken(), '', 'who is off gets nothing');
SELECT is((SELECT status || ' ' || last_error FROM ecs.outbox WHERE id = :message),
    'DEAD The endpoint is not active', 'what waited is dead');
UPDATE ecs.webhook_endpoints SET is_active = true, failures_in_row = 9,
    failing_since = ecs.now() - interval '5 days 1 minute' WHERE id = :e;
SELECT (ecs_api.webhooks_replay(ecs_test.ada(), :message)).status \gset
SELECT ecs_test.taken(), ecs_test.came('failed', NULL, 'timeout');
SELECT alike(ecs_test.health(:e), 'f 10 It has taken nothing for five days%',
    'who never answers is given up');

SELECT * FROM finish();
ROLLBACK;
