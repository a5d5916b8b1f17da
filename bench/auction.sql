-- SPDX-License-Identifier: MIT
--
-- auction.sql - what is bid on: auctions that run, the first bid on which is
-- still to come. For the shop of seed.sql, as ecs_owner; may be read again.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;

DROP SCHEMA IF EXISTS bench_auction CASCADE;
CREATE SCHEMA bench_auction;
CREATE SEQUENCE bench_auction.cents;

-- What pgbench bids next, as the module would make it of a request. The auction
-- is locked before the amount is taken, so that no bid of another comes between
-- and makes it too low.
CREATE FUNCTION bench_auction.next_bid(p_auction bigint, p_first_bidder bigint,
                                          p_bidders integer)
RETURNS json LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_cents  bigint;
    v_bidder bigint;
BEGIN
    PERFORM FROM ecs.auctions WHERE id = p_auction FOR NO KEY UPDATE;
    v_cents := nextval('bench_auction.cents');
    v_bidder := p_first_bidder + v_cents % p_bidders;
    RETURN json_build_array(json_build_object('user_id', v_bidder, 'session_id', v_bidder,
        'role', 'user', 'address', '127.0.0.1', 'request_id', 'bench-auction-bid',
        'amount', v_cents / 100.0));
END $$;
GRANT USAGE ON SCHEMA bench_auction TO ecs_app;

-- Makes so many auctions; their ids follow the first, which is returned. They
-- end long after any run, so that no bid is a late one.
CREATE FUNCTION bench_auction.make_auctions(p_count integer) RETURNS bigint
LANGUAGE sql AS $$
    SELECT setval('bench_auction.cents', 100);
    WITH clock AS MATERIALIZED (
        SELECT ecs.now() AS now
    ), new AS (
        INSERT INTO ecs.auctions (seller_id, product_id, title, start_price,
            min_increment, start_at, end_at, planned_end_at, status)
        SELECT p.seller_id, p.id, p.name, 1.00, 0.01, c.now - interval '1 hour',
               c.now + interval '10 days', c.now + interval '10 days', 'ACTIVE'
        FROM ecs.products p, clock c WHERE p.id BETWEEN 1 AND p_count ORDER BY p.id
        RETURNING id
    )
    SELECT min(id) FROM new;
$$;

-- What so many auctions from p_first on have taken: the bids, and how many of
-- them one commit had on average.
CREATE FUNCTION bench_auction.count_bids(p_first bigint, p_count integer,
    OUT bids bigint, OUT a_commit numeric) LANGUAGE sql AS $$
    SELECT count(*), count(*) / greatest(count(DISTINCT (auction_id, created_at)), 1)::numeric
    FROM ecs.bids WHERE auction_id BETWEEN p_first AND p_first + p_count - 1;
$$;
COMMIT;
