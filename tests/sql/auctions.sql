-- Auctions: proposal, decision, lists (sql/api/45_auctions.sql), and how they
-- end (47_auction_ends.sql). Bids are tested in bids.sql.
BEGIN;
\ir support.psql
SELECT plan(62);

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

SELECT * FROM finish();
ROLLBACK;
