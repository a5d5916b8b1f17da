-- The rule of bidding without any auction, and the settings it goes by
-- (sql/api/46_bids.sql). Bidding itself is tested in tests/http/test_bids.c.
BEGIN;
\ir support.psql
SELECT plan(13);

-- Increments -------------------------------------------------------------------

SELECT is(ecs_lib.bid_increment(2.50, '[["0.00", "0.50"]]', 10), 2.50, 'an own increment');
SELECT is(ecs_lib.bid_increment(NULL, '[]', 10), 1.00, 'none, and no table');
SELECT is(ecs_lib.bid_increment(NULL, '[["50.00", "5.00"], ["0.00", "0.50"]]', 49.99), 0.50,
    'the table below a step');
SELECT is(ecs_lib.bid_increment(NULL, '[["50.00", "5.00"], ["0.00", "0.50"]]', 50), 5.00,
    'and from it on');

-- One step: "price leader maximum: amounts of the rows" or what it should have been.
CREATE FUNCTION ecs_test.step(p_standing text, p_bidder bigint, p_amount numeric, p_max numeric)
RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN (r.r).own IS NULL THEN 'not under ' || (r.r).minimum
           ELSE format('%s %s %s: %s', (r.r).price, (r.r).leader_id, (r.r).maximum, (
               SELECT string_agg(format('%s/%s %s', b, k, a), ', ' ORDER BY n)
               FROM unnest((r.r).bidders, (r.r).kinds, (r.r).amounts)
                   WITH ORDINALITY AS x (b, k, a, n))) END
    FROM (SELECT ecs_lib.bid_step(p_standing::ecs_lib.standing, p_bidder, p_amount, p_max) AS r) r
$$;
\set fresh '(10.00,,1.00,[],,,)'
\set led '(10.00,,1.00,[],20.00,1,30.00)'
\set reserved '(10.00,28.00,1.00,[],20.00,1,25.00)'
SELECT is(ecs_test.step(:'fresh', 1, 9.99, NULL), 'not under 10.00', 'the start price');
SELECT is(ecs_test.step(:'fresh', 1, NULL, 30), '10.00 1 30: 1/BID 10.00',
    'a maximum begins at the start price');
SELECT is(ecs_test.step(:'led', 2, 20.50, NULL), 'not under 21.00', 'the increment');
SELECT is(ecs_test.step(:'led', 2, 25, NULL), '26.00 1 30.00: 2/BID 25, 1/PROXY 26.00',
    'the leader''s maximum answers');
SELECT is(ecs_test.step(:'led', 2, NULL, 30), '30.00 1 30.00: 2/BID 30, 1/PROXY 30.00',
    'of two equal ones the earlier leads');
SELECT is(ecs_test.step(:'led', 2, NULL, 30.40), '30.40 2 30.40: 1/PROXY 30.00, 2/BID 30.40',
    'less than an increment above the maximum is above it');
SELECT is(ecs_test.step(:'led', 1, NULL, 50), '20.00 1 50: 1/RAISE 20.00',
    'the leader''s higher maximum moves no price');
SELECT is(ecs_test.step(:'reserved', 2, NULL, 40), '28.00 2 40: 1/PROXY 25.00, 2/BID 28.00',
    'a maximum over the reserve meets it');
SELECT is(ecs_test.step(:'reserved', 2, NULL, 27), '26.00 2 27: 1/PROXY 25.00, 2/BID 26.00',
    'one below it does not');

SELECT * FROM finish();
ROLLBACK;
