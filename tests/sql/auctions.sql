-- Auctions: proposal, decision, lists (sql/api/45_auctions.sql), and how they
-- end (47_auction_ends.sql). Bids are tested in bids.sql.
BEGIN;
\ir support.psql
SELECT plan(214);

CREATE TABLE ecs_test.who AS SELECT
    ecs_test.person('ada', 'admin') AS admin,
    ecs_test.person('sam', 'seller') AS sam,
    ecs_test.person('sue', 'seller', 1000) AS sue,
    ecs_test.person('bob', 'user', 1000) AS bob,
    ecs_test.person('eve', 'user', 1000) AS eve,
    ecs_test.person('joy', 'user', 1000) AS joy;
CREATE FUNCTION ecs_test.me(p_name text) RETURNS ecs.caller LANGUAGE plpgsql AS $$
DECLARE v ecs.caller;
BEGIN
    EXECUTE format('SELECT (w.%I).* FROM ecs_test.who w', p_name) INTO v;
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
CREATE FUNCTION ecs_test.named(p_name text) RETURNS bigint LANGUAGE sql
AS $$ SELECT id FROM ecs.products WHERE name = p_name $$;
CREATE FUNCTION ecs_test.stock(p_name text) RETURNS integer LANGUAGE sql
AS $$ SELECT quantity FROM ecs.products WHERE name = p_name $$;
CREATE FUNCTION ecs_test.lot(p_title text) RETURNS bigint LANGUAGE sql
AS $$ SELECT id FROM ecs.auctions WHERE title = p_title $$;
-- Proposes an auction of two pieces from 10.00 on, which begins in an hour.
CREATE FUNCTION ecs_test.propose(p_seller text, p_product text, p_title text,
    p_reserve numeric DEFAULT NULL, p_buy_now numeric DEFAULT NULL, p_draft boolean DEFAULT false,
    p_starts interval DEFAULT '1 hour', p_lasts interval DEFAULT '1 day',
    p_quantity integer DEFAULT 2, p_increment numeric DEFAULT NULL)
RETURNS ecs.answer LANGUAGE sql AS $$
    SELECT ecs_api.auctions_create(ecs_test.me(p_seller), ecs_test.named(p_product), p_title,
        'Fine.', p_quantity, 10.00, p_reserve, p_buy_now, p_increment, ecs.now() + p_starts,
        ecs.now() + p_starts + p_lasts, p_draft)
$$;

SELECT ecs_test.product(ecs_test.me('sam'), 'Lamp', 20, 10) \g /dev/null
SELECT ecs_test.product(ecs_test.me('sam'), 'Chair', 20, 3) \g /dev/null
SELECT ecs_test.product(ecs_test.me('sue'), 'Table', 20, 10) \g /dev/null

-- Proposing ------------------------------------------------------------------------------

SELECT is(ecs_test.of(ecs_test.propose('sam', 'Lamp', 'Two lamps', 15, 40), 'status'), 'SUBMITTED',
    'an auction is proposed');
SELECT is(ecs_test.stock('Lamp'), 8, 'its pieces are off the shelf');
SELECT is(ecs_test.heard('sam', 'auction_submitted'), 1::bigint, 'its seller hears that it waits');
SELECT is(ecs_test.of(ecs_test.propose('sam', 'Lamp', 'Later', p_draft => true), 'status'),
    'DRAFT', 'or a draft is begun');
SELECT is(ecs_test.stock('Lamp'), 8, 'which takes nothing');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.propose('sue', 'Lamp', 'x') $$),
    format('{"product" : ["Invalid pk \"%s\" - object does not exist."]}', ecs_test.named('Lamp')),
    'not of the product of another');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.propose('sam', 'Lamp', 'x', p_quantity => 9) $$),
    'out_of_stock', 'not more than there are');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.propose('sam', 'Lamp', 'x', 9.99) $$),
    '{"reserve_price" : ["The reserve cannot be below the start price."]}', 'the reserve');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.propose('sam', 'Lamp', 'x', 20, 19.99) $$),
    '{"buy_now_price" : ["It cannot be below the start price or the reserve."]}', 'buy now');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.propose('sam', 'Lamp', 'x',
    p_lasts => '1 hour 59 minutes') $$),
    '{"end_at" : ["An auction lasts for 2 hours at least."]}', 'too short');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.propose('sam', 'Lamp', 'x',
    p_lasts => '14 days 1 second') $$),
    '{"end_at" : ["An auction lasts for 14 days at most."]}', 'too long');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.propose('sam', 'Lamp', 'x',
    p_starts => '-2 minutes') $$),
    '{"start_at" : ["The start cannot be in the past."]}', 'not yesterday');
UPDATE ecs.products SET status = 'PENDING' WHERE name = 'Chair';
SELECT is(ecs_test.code_of($$ SELECT ecs_test.propose('sam', 'Chair', 'x') $$), 'unavailable',
    'only what is approved');
UPDATE ecs.products SET status = 'APPROVED' WHERE name = 'Chair';
SELECT is(ecs_test.stock('Lamp'), 8, 'what is refused takes nothing');

-- Who sees it ------------------------------------------------------------------------------

SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_get(NULL, ecs_test.lot('Two lamps')) $$),
    'not_found', 'nobody sees what waits');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_get(ecs_test.me('sue'),
    ecs_test.lot('Two lamps')) $$), 'not_found', 'nor another seller');
SELECT is(ecs_test.of(ecs_api.auctions_get(ecs_test.me('sam'), ecs_test.lot('Two lamps')),
    'reserve_price'), '15.00', 'its seller does, with the reserve');
SELECT is(ecs_test.of(ecs_api.auctions_get(ecs_test.me('admin'), ecs_test.lot('Two lamps')),
    'reserve_price'), '15.00', 'and the admin');
SELECT is((ecs_api.auctions_list(NULL, NULL, NULL, NULL, NULL, NULL, '-created_at', 1, 20, NULL)).total,
    0::bigint, 'no list has it');
SELECT is(ecs_test.all(ecs_api.auctions_mine(ecs_test.me('sam'), NULL, 1, 20, NULL), 'title'),
    'Later Two lamps', 'but the seller''s own');
SELECT is((ecs_api.auctions_mine(ecs_test.me('sam'), 'DRAFT', 1, 20, NULL)).total, 1::bigint,
    'by state');
SELECT is((ecs_api.auctions_mine(ecs_test.me('sam'), NULL, NULL, 1, NULL)).next_key,
    ecs_test.lot('Later')::text, 'a page of one has a next');
SELECT is(ecs_test.all(ecs_api.auctions_mine(ecs_test.me('sam'), NULL, NULL, 1,
    ecs_test.lot('Later')), 'title'), 'Two lamps', 'which goes on there');
SELECT is(ecs_test.all(ecs_api.auctions_pending(ecs_test.me('admin'), 1, 20, NULL), 'title'),
    'Two lamps', 'it waits in the list of the admins');

-- Changing -----------------------------------------------------------------------------------

SELECT is(ecs_test.of(ecs_api.auctions_update(ecs_test.me('sam'), ecs_test.lot('Later'),
    '{"quantity": 3, "start_price": "12.00", "min_increment": "0.50"}'), 'minimum_bid'), '12.00',
    'a draft can be changed');
SELECT is(ecs_test.of(ecs_api.auctions_update(ecs_test.me('sam'), ecs_test.lot('Later'),
    jsonb_build_object('end_at', ecs.now() + interval '2 days')), 'planned_end_at'),
    '2026-11-24T12:00:00.000Z', 'its end, too');
SELECT is(ecs_test.of(ecs_api.auctions_update(ecs_test.me('sam'), ecs_test.lot('Later'),
    '{"min_increment": null}'), 'min_increment'), '1.00', 'no increment is the default');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_update(ecs_test.me('sam'),
    ecs_test.lot('Later'), '{"reserve_price": "11.99"}') $$),
    '{"reserve_price" : ["The reserve cannot be below the start price."]}', 'within the rules');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_update(ecs_test.me('sue'),
    ecs_test.lot('Later'), '{}') $$), 'not_found', 'by nobody else');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_update(ecs_test.me('sam'),
    ecs_test.lot('Two lamps'), '{}') $$), 'wrong_state', 'what waits cannot');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_delete(ecs_test.me('sam'),
    ecs_test.lot('Two lamps')) $$), 'wrong_state', 'nor be thrown away');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_submit(ecs_test.me('sam'),
    ecs_test.lot('Two lamps')) $$), 'wrong_state', 'nor be submitted again');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_submit(ecs_test.me('sue'),
    ecs_test.lot('Later')) $$), 'not_found', 'nor by another');
SELECT is(ecs_test.of(ecs_api.auctions_submit(ecs_test.me('sam'), ecs_test.lot('Later')), 'status'),
    'SUBMITTED', 'a draft is submitted');
SELECT is(ecs_test.stock('Lamp'), 5, 'and takes its pieces then');

-- Deciding -----------------------------------------------------------------------------------

SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_review(ecs_test.me('admin'),
    ecs_test.lot('Later'), 'reject', NULL) $$), '{"reason" : ["This field is required."]}',
    'no refusal without a reason');
SELECT is(ecs_test.of(ecs_api.auctions_review(ecs_test.me('admin'), ecs_test.lot('Later'),
    'reject', 'Which lamp?'), 'reason'), 'Which lamp?', 'an admin refuses');
SELECT is(ecs_test.stock('Lamp'), 8, 'the pieces go back');
SELECT is((SELECT message FROM ecs.notifications WHERE type = 'auction_rejected'),
    'Your auction Later was not approved: Which lamp?', 'the seller is told why');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_review(ecs_test.me('admin'),
    ecs_test.lot('Later'), 'approve', NULL) $$), 'wrong_state', 'once');
SELECT is(ecs_test.of(ecs_api.auctions_submit(ecs_test.me('sam'), ecs_test.lot('Later')), 'reason'),
    NULL, 'it can be submitted again');
SELECT is(ecs_test.stock('Lamp'), 5, 'which takes the pieces again');
SELECT is(ecs_test.of(ecs_api.auctions_review(ecs_test.me('admin'), ecs_test.lot('Two lamps'),
    'approve', NULL), 'status'), 'SCHEDULED', 'an admin approves');
SELECT is(ecs_test.heard('sam', 'auction_approved'), 1::bigint, 'the seller hears of it');
SELECT is((SELECT count(*) FROM ecs.audit_log WHERE action IN ('auction.approve', 'auction.reject')),
    2::bigint, 'both are in the audit log');
SELECT ecs_test.pass('46 hours 1 second') \g /dev/null
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_review(ecs_test.me('admin'),
    ecs_test.lot('Later'), 'approve', NULL) $$), 'too_late', 'not what is all but over');
SELECT ecs_test.pass('-1 second') \g /dev/null
SELECT is(ecs_test.of(ecs_api.auctions_review(ecs_test.me('admin'), ecs_test.lot('Later'),
    'approve', NULL), 'status'), 'SCHEDULED', 'what has two hours left');
SELECT ecs_test.pass('-46 hours') \g /dev/null

-- Finding --------------------------------------------------------------------------------------

CREATE FUNCTION ecs_test.list(p_ordering text DEFAULT '-created_at', p_status text DEFAULT NULL,
    p_seller bigint DEFAULT NULL, p_category bigint DEFAULT NULL, p_search text DEFAULT NULL,
    p_before timestamptz DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
    SELECT ecs_test.all(ecs_api.auctions_list(NULL, p_status, p_seller, p_category, p_search,
        p_before, p_ordering, 1, 20, NULL), 'title') $$;
SELECT is(ecs_test.list(), 'Later Two lamps', 'the newest first');
SELECT is(ecs_test.list('end_at'), 'Two lamps Later', 'or what ends first');
SELECT is(ecs_test.list('-current_price'), 'Later Two lamps', 'or by price');
SELECT is(ecs_test.list('bids_count'), 'Two lamps Later', 'or by bids');
SELECT is(ecs_test.list(p_status => 'ACTIVE'), NULL, 'by state');
SELECT is(ecs_test.list(p_seller => (ecs_test.me('sue')).id), NULL, 'by seller');
SELECT is(ecs_test.list(p_category => (SELECT category_id FROM ecs.products LIMIT 1)),
    'Later Two lamps', 'by category');
SELECT is(ecs_test.list(p_search => 'LATE'), 'Later', 'by a part of the title');
SELECT is(ecs_test.list(p_search => 'lamp'), 'Later Two lamps', 'by a word of the product');
SELECT is(ecs_test.list(p_search => 'chair'), NULL, 'or not');
SELECT is(ecs_test.list(p_search => 'L%r') || ecs_test.list(p_search => 'Lat_r'), NULL,
    'there are no wild cards');
SELECT is(ecs_test.list(p_before => ecs.now() + interval '26 hours'), 'Two lamps', 'by end');
SELECT is((ecs_api.auctions_list(NULL, NULL, NULL, NULL, NULL, NULL, 'end_at', NULL, 1, NULL))
    .next_key, (SELECT json_build_array(end_at::text, id)::text FROM ecs.auctions
    WHERE title = 'Two lamps'), 'a page of one has a next');
SELECT is(ecs_test.all(ecs_api.auctions_list(NULL, NULL, NULL, NULL, NULL, NULL, 'end_at', NULL,
    1, (ecs_api.auctions_list(NULL, NULL, NULL, NULL, NULL, NULL, 'end_at', NULL, 1, NULL)).next_key),
    'title'), 'Later', 'which goes on there');
SELECT is((ecs_api.auctions_get(NULL, ecs_test.lot('Later'))).body::jsonb ? 'reserve_price', false,
    'nobody else sees a reserve');
SELECT is(ecs_test.of(ecs_api.auctions_get(NULL, ecs_test.lot('Two lamps')), 'reserve_met'),
    'false', 'but whether it is met');

-- Beginning ------------------------------------------------------------------------------------

-- A bid, as the carrier places one alone: the price now, or why not.
CREATE FUNCTION ecs_test.bid(p_name text, p_title text, p_amount numeric,
                             p_max numeric DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(b.body ->> 'code', b.body ->> 'current_price')
    FROM ecs_test.me(p_name) me, ecs_api.auctions_bid(ecs_test.lot(p_title),
        json_build_array(json_build_object('user_id', me.id, 'session_id', me.session_id,
            'role', me.role, 'amount', p_amount, 'max_amount', p_max))) b
$$;
CREATE FUNCTION ecs_test.state(p_title text) RETURNS text LANGUAGE sql
AS $$ SELECT concat_ws(' ', status, result) FROM ecs.auctions WHERE title = p_title $$;
CREATE FUNCTION ecs_test.money(p_name text) RETURNS text LANGUAGE sql
AS $$ SELECT ecs_test.balance(ecs_test.me(p_name)) $$;
-- An auction of the product that runs.
CREATE FUNCTION ecs_test.run(p_seller text, p_product text, p_title text,
    p_reserve numeric DEFAULT NULL, p_buy_now numeric DEFAULT NULL, p_quantity integer DEFAULT 2)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_test.propose(p_seller, p_product, p_title, p_reserve, p_buy_now,
                             p_quantity => p_quantity, p_starts => '0');
    PERFORM ecs_api.auctions_review(ecs_test.me('admin'), ecs_test.lot(p_title), 'approve', NULL);
    PERFORM ecs_lib.job_auctions_activate(10);
    RETURN ecs_test.state(p_title);
END $$;
CREATE FUNCTION ecs_test.close(p_title text, p_force boolean DEFAULT true) RETURNS text
LANGUAGE sql AS $$
    SELECT ecs_test.of(ecs_api.auctions_close(ecs_test.me('admin'), ecs_test.lot(p_title), p_force),
                       'result') $$;

SELECT is(ecs_lib.job_auctions_activate(10), 0, 'nothing begins before its start');
SELECT ecs_test.pass('1 hour') \g /dev/null
SELECT is(ecs_lib.job_auctions_activate(1), 1, 'at its start one does, as many as asked for');
SELECT is(ecs_lib.job_auctions_activate(10), 1, 'and the other');
SELECT is(ecs_lib.job_auctions_activate(10), 0, 'once');
SELECT is(ecs_test.state('Two lamps') || ecs_test.state('Later'), 'ACTIVEACTIVE', 'they run');
SELECT is(ecs_test.of(ecs_test.propose('sue', 'Table', 'Long', p_starts => '1 day',
    p_lasts => '14 days'), 'status'), 'SUBMITTED', 'one that lasts as long as can be');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_activate(ecs_test.me('admin'),
    ecs_test.lot('Long')) $$), 'wrong_state', 'cannot begin unapproved');
SELECT is(ecs_test.of(ecs_api.auctions_review(ecs_test.me('admin'), ecs_test.lot('Long'),
    'approve', NULL), 'status'), 'SCHEDULED', 'approved');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_activate(ecs_test.me('admin'),
    ecs_test.lot('Long')) $$), 'too_early', 'cannot begin earlier');
UPDATE ecs.auctions SET end_at = end_at - interval '2 days',
    planned_end_at = planned_end_at - interval '2 days' WHERE title = 'Long';
SELECT is(ecs_test.of(ecs_api.auctions_activate(ecs_test.me('admin'), ecs_test.lot('Long')),
    'start_at'), ecs_lib.ts(ecs.now()), 'a shorter one can');
SELECT is(ecs_test.bid('bob', 'Long', 10), '10.00', 'and takes bids');
SELECT is(ecs_test.of(ecs_api.auctions_activate(ecs_test.me('admin'), ecs_test.lot('Long')),
    'status'), 'ACTIVE', 'again is no mistake');
SELECT is((SELECT count(*) FROM ecs.audit_log WHERE action = 'auction.activate'), 1::bigint,
    'and no deed');

-- Calling off ------------------------------------------------------------------------------------

SELECT is(ecs_test.money('bob'), '980.00 + 20.00', 'the bid for two is held');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_cancel(ecs_test.me('sue'),
    ecs_test.lot('Long')) $$), 'has_bids', 'its seller cannot call it off any more');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_cancel(ecs_test.me('sam'),
    ecs_test.lot('Long')) $$), 'not_found', 'nor another seller');
SELECT is(ecs_test.of(ecs_api.auctions_admin_cancel(ecs_test.me('admin'), ecs_test.lot('Long'),
    'A fake.'), 'reason'), 'A fake.', 'an admin can');
SELECT is(ecs_test.money('bob'), '1000.00 + 0.00', 'the hold is released');
SELECT is(ecs_test.stock('Table'), 10, 'the pieces are back');
SELECT is(ecs_test.heard('bob', 'auction_cancelled') || ' ' || ecs_test.heard('sue',
    'auction_cancelled'), '1 1', 'bidder and seller hear of it');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_admin_cancel(ecs_test.me('admin'),
    ecs_test.lot('Long'), 'x') $$), 'wrong_state', 'once');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_get(NULL, ecs_test.lot('Long')) $$),
    'not_found', 'the public does not see it any more');
SELECT is(ecs_test.of(ecs_api.auctions_get(ecs_test.me('bob'), ecs_test.lot('Long')), 'status'),
    'CANCELLED', 'who has bid does');
SELECT is((ecs_api.auctions_bids(ecs_test.me('bob'), ecs_test.lot('Long'), 1, 20, NULL)).total,
    1::bigint, 'with the bids');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_close(ecs_test.me('admin'),
    ecs_test.lot('Long'), true) $$), 'wrong_state', 'it is not closed');
SELECT is(ecs_test.run('sue', 'Table', 'Short'), 'ACTIVE', 'another one runs');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.products_delete(ecs_test.me('sue'),
    ecs_test.named('Table')) $$), 'in_use', 'its product cannot be archived');
SELECT is(ecs_test.of(ecs_api.auctions_cancel(ecs_test.me('sue'), ecs_test.lot('Short')), 'status'),
    'CANCELLED', 'its seller calls it off before the first bid');
SELECT is(ecs_test.stock('Table'), 10, 'with its pieces');

-- Ending by the clock --------------------------------------------------------------------------

SELECT is(ecs_test.bid('bob', 'Two lamps', 10) || ecs_test.bid('eve', 'Two lamps', 11, 30)
    || ecs_test.bid('joy', 'Two lamps', 20), '10.0015.0021.00', 'three bid');
SELECT is(ecs_test.money('eve'), '940.00 + 60.00', 'the leader has the maximum held');
SELECT is(ecs_test.of(ecs_api.auctions_get(ecs_test.me('eve'), ecs_test.lot('Two lamps')),
    'my_max'), '30.00', 'and sees it');
SELECT is(ecs_test.of(ecs_api.auctions_get(ecs_test.me('bob'), ecs_test.lot('Two lamps')),
    'my_max'), NULL, 'nobody else does');
SELECT ok(NOT (ecs_api.auctions_get(ecs_test.me('sam'), ecs_test.lot('Two lamps')))::text
    LIKE '%30.00%', 'not even its seller');
SELECT is(ecs_test.of(ecs_api.auctions_get(ecs_test.me('bob'), ecs_test.lot('Two lamps')),
    'leader', 'username'), 'e***e', 'the leader is masked');
SELECT is(ecs_test.of(ecs_api.auctions_get(ecs_test.me('admin'), ecs_test.lot('Two lamps')),
    'leader', 'username'), 'eve', 'but for administrators');
SELECT is(ecs_test.of(ecs_api.auctions_get(NULL, ecs_test.lot('Two lamps')), 'reserve_met'),
    'true', 'everybody sees that the reserve is met');
SELECT is(ecs_test.all(ecs_api.auctions_bids(ecs_test.me('eve'), ecs_test.lot('Two lamps'), 1, 20,
    NULL), 'automatic'), 'true false false false', 'the bids, newest first');
SELECT is(ecs_test.all(ecs_api.auctions_bids(ecs_test.me('eve'), ecs_test.lot('Two lamps'), 1, 20,
    NULL), 'is_mine'), 'true false true false', 'of which some are mine');
SELECT is(ecs_test.of(ecs_api.auctions_bids(NULL, ecs_test.lot('Two lamps'), 1, 20, NULL),
    '1', 'bidder', 'username'), 'j***y', 'and nobody has a name');
SELECT is(ecs_test.of(ecs_api.auctions_bids(NULL, ecs_test.lot('Two lamps'), 1, 20, NULL),
    '1', 'bidder', 'id'), NULL, 'nor an id');
SELECT is(ecs_test.of(ecs_api.auctions_bids(ecs_test.me('admin'), ecs_test.lot('Two lamps'), 1,
    20, NULL), '1', 'bidder', 'username'), 'joy', 'but for administrators');
SELECT is(ecs_test.all(ecs_api.auctions_bids_mine(ecs_test.me('eve'), NULL, NULL, 1, 20, NULL),
    'max_amount'), '30.00 30.00', 'each sees the own maxima');
SELECT is((ecs_api.auctions_bids_mine(ecs_test.me('bob'), ecs_test.lot('Two lamps'), 'ACTIVE', 1, 20,
    NULL)).total, 1::bigint, 'of one auction, too');
SELECT is(ecs_test.code_of($$ SELECT ecs_test.close('Two lamps', false) $$), 'too_early',
    'it is not over');
SELECT is(ecs_lib.job_auctions_close(10), 0, 'so the clock does not end it');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.accounts_me_update(ecs_test.me('eve'),
    '{"location_lat": null, "location_lng": null}') $$), 'in_use', 'the leader lives somewhere');
SELECT ecs_test.pass('1 day') \g /dev/null
SELECT is(ecs_test.bid('bob', 'Two lamps', 99), 'wrong_state', 'after its end it takes no bid');
SELECT is(ecs_lib.job_auctions_close(10), 1, 'and the clock ends it');
SELECT is(ecs_test.state('Two lamps'), 'ENDED SOLD', 'sold');
SELECT is(ecs_lib.job_auctions_close(10), 0, 'once');
SELECT is(ecs_test.money('eve'), '958.00 + 42.00', 'two at the price are held, the rest is free');
SELECT is(ecs_test.stock('Lamp'), 5, 'the pieces stay away');
SELECT is((SELECT concat_ws(' ', o.status, o.total, o.held_amount, o.city, i.quantity, i.unit_price,
    i.fee_percent, p.name) FROM ecs.orders o JOIN ecs.order_items i ON i.order_id = o.id
    JOIN ecs.products p ON p.id = i.product_id JOIN ecs.auctions a ON a.order_id = o.id
    WHERE a.title = 'Two lamps' AND o.buyer_id = (ecs_test.me('eve')).id),
    'CREATED 42.00 42.00 Damascus 2 21.00 4.00 Lamp', 'the winner has an order');
SELECT is((SELECT string_agg(kind || ' ' || amount || ' ' || (order_id IS NOT NULL), ', ' ORDER BY id)
    FROM ecs.transfers WHERE auction_id = ecs_test.lot('Two lamps')
    AND from_wallet = (SELECT id FROM ecs.wallets WHERE user_id = (ecs_test.me('eve')).id)),
    'ESCROW_HOLD 60.00 false, ESCROW_RELEASE 60.00 false, ESCROW_HOLD 42.00 true',
    'the ledger tells how');
SELECT is(ecs_test.heard('eve', 'auction_won') || ' ' || ecs_test.heard('sam', 'auction_sold')
    || ' ' || ecs_test.heard('bob', 'auction_lost') || ' ' || ecs_test.heard('joy', 'auction_lost')
    || ' ' || ecs_test.heard('eve', 'auction_lost') || ' ' || ecs_test.heard('eve', 'order_created'),
    '1 1 1 1 0 0', 'everybody hears their part once');
SELECT is(ecs_test.close('Two lamps', false), 'SOLD', 'closing it again tells the result');
SELECT is((SELECT count(*) FROM ecs.orders), 1::bigint, 'and makes no second order');
SELECT is(ecs_test.of(ecs_api.auctions_get(ecs_test.me('eve'), ecs_test.lot('Two lamps')), 'order'),
    (SELECT max(id)::text FROM ecs.orders), 'the winner sees the order there');
SELECT is((ecs_api.auctions_get(ecs_test.me('bob'), ecs_test.lot('Two lamps'))).body::jsonb
    ? 'order', false, 'the others do not');
SELECT is(ecs_test.holds(), 'all', 'the books balance');

-- Ending without a sale --------------------------------------------------------------------------

SELECT is(ecs_test.close('Later', true), 'UNSOLD', 'nobody has bid');
SELECT is(ecs_test.stock('Lamp'), 8, 'the pieces go back');
SELECT is(ecs_test.heard('sam', 'auction_unsold'), 1::bigint, 'the seller hears of it');
SELECT is(ecs_test.run('sam', 'Lamp', 'Dear', 100), 'ACTIVE', 'one with a high reserve');
SELECT is(ecs_test.bid('bob', 'Dear', 99.99), '99.99', 'a bid just below');
SELECT is(ecs_test.close('Dear'), 'RESERVE_NOT_MET', 'is not enough');
SELECT is(ecs_test.money('bob') || ' ' || ecs_test.stock('Lamp') || ' '
    || ecs_test.heard('bob', 'auction_lost'), '1000.00 + 0.00 8 2', 'money and pieces go back');
SELECT is(ecs_test.run('sam', 'Lamp', 'Reached', 100), 'ACTIVE', 'once more');
SELECT is(ecs_test.bid('bob', 'Reached', 100), '100.00', 'a bid of the reserve');
SELECT is(ecs_test.close('Reached'), 'SOLD', 'is enough');
SELECT is(ecs_test.money('bob'), '800.00 + 200.00', 'and paid for');
SELECT is(ecs_test.run('sam', 'Lamp', 'Nowhere'), 'ACTIVE', 'one more');
SELECT is(ecs_test.bid('joy', 'Nowhere', 10), '10.00', 'with a bidder');
UPDATE ecs.profiles SET location_lat = NULL, location_lng = NULL
    WHERE user_id = (ecs_test.me('joy')).id;
SELECT is(ecs_test.close('Nowhere'), 'UNSOLD', 'who lives nowhere all the same');
SELECT is(ecs_test.money('joy') || ' ' || ecs_test.stock('Lamp') || ' '
    || ecs_test.heard('admin', 'system_alert') || ' ' || ecs_test.heard('joy', 'auction_lost'),
    '1000.00 + 0.00 6 1 2', 'does not get it; administrators hear of it');
UPDATE ecs.profiles SET location_lat = 1, location_lng = 1
    WHERE user_id = (ecs_test.me('joy')).id;
SELECT is(ecs_test.of(ecs_test.propose('sam', 'Lamp', 'Late', p_starts => '1 minute'), 'status'),
    'SUBMITTED', 'one that the clock forgot');
SELECT is(ecs_test.of(ecs_api.auctions_review(ecs_test.me('admin'), ecs_test.lot('Late'),
    'approve', NULL), 'status'), 'SCHEDULED', 'approved');
SELECT ecs_test.pass('2 days') \g /dev/null
SELECT is(ecs_lib.job_auctions_close(10), 1, 'ends without having begun');
SELECT is(ecs_test.state('Late'), 'ENDED UNSOLD', 'unsold');

-- Buying at once ---------------------------------------------------------------------------------

SELECT is(ecs_test.run('sam', 'Lamp', 'At once', 12, 50), 'ACTIVE', 'one to be bought at once');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_buy_now(ecs_test.me('sam'),
    ecs_test.lot('At once')) $$), 'own_product', 'not by its seller');
SELECT is((ecs_api.auctions_buy_now(ecs_test.me('bob'), ecs_test.lot('Two lamps'))).body ->> 'code',
    'wrong_state', 'not what is over');
SELECT is(ecs_test.of(ecs_api.auctions_buy_now(ecs_test.me('joy'), ecs_test.lot('At once')),
    'total'), '100.00', 'a buyer has an order');
SELECT is(ecs_test.state('At once') || ' ' || ecs_test.money('joy'),
    'ENDED SOLD 900.00 + 100.00', 'for the price of two');
SELECT is((ecs_api.auctions_buy_now(ecs_test.me('bob'), ecs_test.lot('At once'))).body ->> 'code',
    'wrong_state', 'once');
SELECT is(ecs_test.heard('joy', 'auction_won'), 1::bigint, 'it is told like a win');
SELECT is(ecs_test.run('sam', 'Lamp', 'No more', NULL, 50), 'ACTIVE', 'another');
SELECT is(ecs_test.bid('eve', 'No more', 10), '10.00', 'where somebody bids');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_buy_now(ecs_test.me('joy'),
    ecs_test.lot('No more')) $$), 'has_bids', 'cannot be bought any more');
SELECT is(ecs_test.run('sue', 'Table', 'Never', NULL, NULL), 'ACTIVE', 'one without such a price');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_buy_now(ecs_test.me('joy'),
    ecs_test.lot('Never')) $$), 'unavailable', 'never can');
SELECT is(ecs_test.run('sue', 'Table', 'Costly', NULL, 9999999999.99), 'ACTIVE', 'a costly one');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_buy_now(ecs_test.me('joy'),
    ecs_test.lot('Costly')) $$), 'insufficient_funds', 'takes the money');
SELECT is(ecs_test.holds(), 'all', 'the books balance');

-- A second chance ----------------------------------------------------------------------------------

SELECT is(ecs_test.run('sam', 'Chair', 'Chairs', p_quantity => 3), 'ACTIVE', 'three chairs');
SELECT is(ecs_test.bid('bob', 'Chairs', 12) || ecs_test.bid('sue', 'Chairs', 14)
    || ecs_test.bid('joy', 'Chairs', 15, 20) || ecs_test.bid('eve', 'Chairs', 30),
    '12.0014.0015.0030.00', 'four bid');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_second_chance(ecs_test.me('sam'),
    ecs_test.lot('Chairs')) $$), 'wrong_state', 'it runs');
SELECT is(ecs_test.close('Chairs'), 'SOLD', 'to the last');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_second_chance(ecs_test.me('sam'),
    ecs_test.lot('Chairs')) $$), 'wrong_state', 'whose order stands');
SELECT is(ecs_test.of(ecs_api.orders_cancel(ecs_test.me('eve'), (SELECT order_id FROM ecs.auctions
    WHERE title = 'Chairs'), NULL), 'status'), 'CANCELLED', 'until it is cancelled');
SELECT is(ecs_test.stock('Chair'), 3, 'the chairs are back');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_second_chance(ecs_test.me('sue'),
    ecs_test.lot('Chairs')) $$), 'not_found', 'it is not for another seller');
UPDATE ecs.products SET quantity = 2 WHERE name = 'Chair';
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_second_chance(ecs_test.me('sam'),
    ecs_test.lot('Chairs')) $$), 'out_of_stock', 'nor without chairs');
UPDATE ecs.products SET quantity = 3 WHERE name = 'Chair';
SELECT is(ecs_test.of(ecs_api.auctions_second_chance(ecs_test.me('sam'), ecs_test.lot('Chairs')),
    'total'), '60.00', 'its seller asks the next, at her own highest bid for three');
SELECT is(ecs_test.stock('Chair') || ' ' || ecs_test.heard('joy', 'auction_offer'), '0 1',
    'they are set aside, and she hears of it');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_second_chance(ecs_test.me('sam'),
    ecs_test.lot('Chairs')) $$), 'duplicate', 'one at a time');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.products_delete(ecs_test.me('sam'),
    ecs_test.named('Chair')) $$), 'in_use', 'meanwhile it is not archived');
SELECT is(ecs_test.of(ecs_api.auctions_offers_mine(ecs_test.me('joy'), 'OFFERED', 1, 20, NULL),
    '0', 'price'), '20.00', 'she sees it in her list');
SELECT is(ecs_test.of(ecs_api.auctions_get(ecs_test.me('sam'), ecs_test.lot('Chairs')), 'offers',
    '0', 'bidder', 'username'), 'j***y', 'the seller sees it masked');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_offer_decline(ecs_test.me('bob'),
    ecs_test.lot('Chairs')) $$), 'not_found', 'it is hers');
SELECT is(ecs_test.of(ecs_api.auctions_offer_decline(ecs_test.me('joy'), ecs_test.lot('Chairs')),
    'status'), 'DECLINED', 'she declines');
SELECT is(ecs_test.stock('Chair') || ' ' || ecs_test.heard('sam', 'auction_unsold'), '3 5',
    'the chairs are back, the seller hears of it');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_offer_accept(ecs_test.me('joy'),
    ecs_test.lot('Chairs')) $$), 'wrong_state', 'she cannot have it after all');
SELECT is(ecs_test.of(ecs_api.auctions_second_chance(ecs_test.me('sam'), ecs_test.lot('Chairs')),
    'price'), '14.00', 'the next but one');
SELECT is(ecs_lib.job_auction_offers_expire(10), 0, 'has a day');
SELECT ecs_test.pass('24 hours') \g /dev/null
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_offer_accept(ecs_test.me('sue'),
    ecs_test.lot('Chairs')) $$), 'too_late', 'and not longer');
SELECT is(ecs_lib.job_auction_offers_expire(10), 1, 'the clock ends it');
SELECT is(ecs_lib.job_auction_offers_expire(10), 0, 'once');
SELECT is(ecs_test.stock('Chair') || ' ' || ecs_test.heard('sam', 'auction_unsold'), '3 6',
    'the chairs are back again');
SELECT is(ecs_test.of(ecs_api.auctions_second_chance(ecs_test.me('sam'), ecs_test.lot('Chairs')),
    'price'), '12.00', 'and there is bob');
SELECT is(ecs_test.of(ecs_api.auctions_offer_accept(ecs_test.me('bob'), ecs_test.lot('Chairs')),
    'total'), '36.00', 'who accepts');
SELECT is(ecs_test.money('bob') || ' ' || ecs_test.stock('Chair'), '764.00 + 236.00 0',
    'and pays what he had bid');
SELECT is(ecs_test.heard('bob', 'auction_won') || ' ' || ecs_test.heard('sam', 'auction_sold'),
    '2 5', 'buyer and seller hear of it');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_second_chance(ecs_test.me('sam'),
    ecs_test.lot('Chairs')) $$), 'wrong_state', 'now his order stands');
SELECT is(ecs_test.of(ecs_api.orders_refund(ecs_test.me('admin'), (SELECT order_id
    FROM ecs.auction_offers WHERE status = 'ACCEPTED'), 'x', NULL), 'status'), 'REFUNDED',
    'until it is refunded');
SELECT is(ecs_test.code_of($$ SELECT ecs_api.auctions_second_chance(ecs_test.me('sam'),
    ecs_test.lot('Chairs')) $$), 'no_bidder_left', 'but nobody is left');
SELECT is(ecs_test.holds(), 'all', 'the books balance');

-- One that cannot be ended ----------------------------------------------------------------------------

SELECT is(ecs_test.run('sue', 'Table', 'Broken') || ecs_test.run('sue', 'Table', 'Whole'),
    'ACTIVEACTIVE', 'two run');
SELECT is(ecs_test.bid('joy', 'Broken', 10) || ecs_test.bid('joy', 'Whole', 10), '10.0010.00',
    'somebody bids on both');
UPDATE ecs.auctions SET leader_max = 99999 WHERE title = 'Broken';
SELECT ecs_test.pass('1 day') \g /dev/null
SELECT ecs_lib.job_auctions_close(20) \g /dev/null
SELECT is(ecs_test.state('Broken') || ' ' || ecs_test.state('Whole'), 'ACTIVE ENDED SOLD',
    'one that is broken does not hold up the other');
SELECT is((SELECT job || ' ' || failures FROM ecs.job_failures
    WHERE item_id = ecs_test.lot('Broken')), 'auctions_close 1', 'it is set aside');
SELECT is(ecs_lib.job_auctions_close(20), 0, 'and left alone for a while');
UPDATE ecs.auctions SET leader_max = 10 WHERE title = 'Broken';
SELECT ecs_test.pass('2 seconds') \g /dev/null
SELECT is(ecs_lib.job_auctions_close(20), 1, 'then it is tried again');
SELECT is(ecs_test.state('Broken'), 'ENDED SOLD', 'and ends');
SELECT is(ecs_test.holds(), 'all', 'the books balance');

-- Every step in every state -----------------------------------------------------------------------------

-- An auction of Table that has come into a state, without bids.
CREATE FUNCTION ecs_test.lot_in(p_status text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_way CONSTANT text[] := CASE WHEN p_status IN ('ACTIVE', 'ENDED')
                                  THEN '{SUBMITTED,SCHEDULED}' ELSE '{SUBMITTED}' END;
    v_id  bigint;
    v_to  text;
BEGIN
    INSERT INTO ecs.auctions (seller_id, product_id, title, start_price, buy_now_price, start_at,
            end_at, planned_end_at, status)
        SELECT (ecs_test.me('sue')).id, ecs_test.named('Table'), 'In ' || p_status, 10, 20, t,
               t + interval '1 day', t + interval '1 day', 'DRAFT'
        FROM ecs.now() t RETURNING id INTO v_id;
    FOREACH v_to IN ARRAY v_way || p_status LOOP
        UPDATE ecs.auctions SET status = v_to,
            result = CASE v_to WHEN 'ENDED' THEN 'UNSOLD' END
            WHERE id = v_id AND p_status <> 'DRAFT' AND status <> v_to;
    END LOOP;
    RETURN v_id;
END $$;
CREATE TABLE ecs_test.steps (name text, call text);
INSERT INTO ecs_test.steps VALUES
    ('update', 'auctions_update(ecs_test.me(''sue''), %s, ''{"title": "Else"}'')'),
    ('delete', 'auctions_delete(ecs_test.me(''sue''), %s)'),
    ('submit', 'auctions_submit(ecs_test.me(''sue''), %s)'),
    ('cancel', 'auctions_cancel(ecs_test.me(''sue''), %s)'),
    ('approve', 'auctions_review(ecs_test.me(''admin''), %s, ''approve'', NULL)'),
    ('reject', 'auctions_review(ecs_test.me(''admin''), %s, ''reject'', ''No.'')'),
    ('activate', 'auctions_activate(ecs_test.me(''admin''), %s)'),
    ('call off', 'auctions_admin_cancel(ecs_test.me(''admin''), %s, ''No.'')'),
    ('close', 'auctions_close(ecs_test.me(''admin''), %s, true)'),
    ('buy now', 'auctions_buy_now(ecs_test.me(''joy''), %s)'),
    ('bid', 'auctions_bid(%s, json_build_array(json_build_object(''user_id'',
        (ecs_test.me(''joy'')).id, ''session_id'', (ecs_test.me(''joy'')).session_id,
        ''role'', ''user'', ''amount'', 10)))'),
    ('second chance', 'auctions_second_chance(ecs_test.me(''sue''), %s)');
-- What a step comes to: the state afterwards, or the refusal when nothing changed.
CREATE FUNCTION ecs_test.try(p_status text, p_call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_id     CONSTANT bigint := ecs_test.lot_in(p_status);
    v_stock  CONSTANT integer := ecs_test.stock('Table');
    v_before ecs.auctions;
    v_after  ecs.auctions;
    v_code   text;
BEGIN
    SELECT * INTO v_before FROM ecs.auctions WHERE id = v_id;
    BEGIN
        EXECUTE format('SELECT body ->> ''code'' FROM ecs_api.' || p_call, v_id) INTO v_code;
    EXCEPTION WHEN SQLSTATE 'EC000' THEN
        GET STACKED DIAGNOSTICS v_code = PG_EXCEPTION_DETAIL;
        v_code := v_code::json ->> 'code';
    END;
    SELECT * INTO v_after FROM ecs.auctions WHERE id = v_id;
    IF v_code IS NOT NULL AND (v_after IS DISTINCT FROM v_before
                               OR ecs_test.stock('Table') <> v_stock) THEN
        RETURN v_code || ', but something changed';
    END IF;
    RETURN coalesce(v_code, v_after.status, 'gone');
END $$;
CREATE FUNCTION ecs_test.outcomes(p_step text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(ecs_test.try(x, call), ' ' ORDER BY i) FROM ecs_test.steps, unnest(
        '{DRAFT,SUBMITTED,SCHEDULED,ACTIVE,ENDED,REJECTED,CANCELLED}'::text[])
        WITH ORDINALITY AS s (x, i) WHERE name = p_step $$;
UPDATE ecs.products SET quantity = 100 WHERE name = 'Table';

SELECT is(ecs_test.outcomes('update'),
    'DRAFT wrong_state wrong_state wrong_state wrong_state REJECTED wrong_state', 'update');
SELECT is(ecs_test.outcomes('delete'),
    'gone wrong_state wrong_state wrong_state wrong_state gone wrong_state', 'delete');
SELECT is(ecs_test.outcomes('submit'),
    'SUBMITTED wrong_state wrong_state wrong_state wrong_state SUBMITTED wrong_state', 'submit');
SELECT is(ecs_test.outcomes('cancel'),
    'wrong_state CANCELLED CANCELLED CANCELLED wrong_state wrong_state wrong_state', 'cancel');
SELECT is(ecs_test.outcomes('approve'),
    'wrong_state SCHEDULED wrong_state wrong_state wrong_state wrong_state wrong_state', 'approve');
SELECT is(ecs_test.outcomes('reject'),
    'wrong_state REJECTED wrong_state wrong_state wrong_state wrong_state wrong_state', 'reject');
SELECT is(ecs_test.outcomes('activate'),
    'wrong_state wrong_state ACTIVE ACTIVE wrong_state wrong_state wrong_state', 'activate');
SELECT is(ecs_test.outcomes('call off'),
    'wrong_state CANCELLED CANCELLED CANCELLED wrong_state wrong_state wrong_state', 'call off');
SELECT is(ecs_test.outcomes('close'),
    'wrong_state wrong_state ENDED ENDED ENDED wrong_state wrong_state', 'close');
SELECT is(ecs_test.outcomes('buy now'),
    'not_found not_found ENDED ENDED wrong_state not_found wrong_state', 'buy now');
SELECT is(ecs_test.outcomes('bid'),
    'not_found not_found ACTIVE ACTIVE wrong_state not_found wrong_state', 'bid');
SELECT is(ecs_test.outcomes('second chance'), repeat('wrong_state ', 6) || 'wrong_state',
    'second chance');
SELECT is(ecs_test.holds(), 'all', 'the books balance');

-- What the tables refuse -----------------------------------------------------------------------------

SELECT throws_ok($$ UPDATE ecs.auctions SET status = 'ACTIVE', result = NULL, order_id = NULL
    WHERE title = 'Two lamps' $$, '23514', NULL, 'what has ended does not begin again');
SELECT throws_ok($$ UPDATE ecs.auctions SET leader_id = seller_id, leader_max = 99,
    current_price = 99 WHERE title = 'Never' $$, '23514', NULL, 'no seller leads');

SELECT * FROM finish();
ROLLBACK;
