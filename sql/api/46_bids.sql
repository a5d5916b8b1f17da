-- Bidding: the price, the leader and the held money of an auction.
--
-- A bid names an amount, a maximum, or both. The system bids for a leader, by
-- the increment and only as far as others make it, up to the leader's maximum;
-- of two equal maxima the earlier one leads. Whoever leads has the maximum held,
-- for all pieces, and nobody else anything.
--
-- Many bids on one auction come in one call, because a row lock that is taken
-- and committed for each of them alone is slower the more bidders there are
-- (include/carrier.h). They are judged in the order of their arrival, each as if
-- it had come alone; one that is refused does not touch the others. Money moves
-- at the end and only for who leads then: what a bidder can spend depends on
-- nobody else's bid, so it is judged beforehand.
--
-- Locks: the auction, wallets by id.

-- How much higher the next bid has to be. p_own: the auction's increment, or
-- NULL for the table of the settings, whose rows ["50.00", "1.00"] mean that
-- from 50.00 on it is 1.00.
CREATE FUNCTION ecs_lib.bid_increment(p_own numeric, p_table jsonb, p_price numeric)
RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF p_own IS NOT NULL THEN
        RETURN p_own;
    END IF;
    RETURN coalesce((
        SELECT (step ->> 1)::numeric FROM jsonb_array_elements(p_table) step
        WHERE (step ->> 0)::numeric <= p_price
        ORDER BY (step ->> 0)::numeric DESC LIMIT 1), 1.00);
END $$;

-- The lowest amount that the next bid can have.
CREATE FUNCTION ecs_lib.minimum_bid(a ecs.auctions) RETURNS numeric
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF a.current_price IS NULL THEN
        RETURN a.start_price;
    END IF;
    RETURN a.current_price + ecs_lib.auction_increment(a);
END $$;

-- A bid as it comes in; what a request is otherwise carried by (ecs_api.caller,
-- ecs_api.request_begin), and its fields.
CREATE TYPE ecs_lib.bid_request AS (
    user_id     bigint,
    session_id  bigint,
    role        text,
    address     inet,
    request_id  text,
    key         text,    -- Idempotency-Key, or NULL
    fingerprint text,
    amount      numeric(14, 2),
    max_amount  numeric(14, 2)
);

-- How an auction stands, and the rules by which a bid changes that.
CREATE TYPE ecs_lib.standing AS (
    start_price   numeric,
    reserve_price numeric,  -- or NULL
    increment     numeric,  -- or NULL for the table
    increments    jsonb,
    price         numeric,  -- NULL before the first bid, as the next two
    leader_id     bigint,
    maximum       numeric
);

-- What a bid does. The arrays are its rows in ecs.bids: the bid's own one, and one
-- for what the system bid along, before it or after it. None: it is lower than
-- `minimum` and does nothing.
CREATE TYPE ecs_lib.bid_step AS (
    price     numeric,   -- from now on, as the next two
    leader_id bigint,
    maximum   numeric,
    minimum   numeric,   -- that the bid had to have
    own       integer,   -- which of the rows is its own; NULL for none
    bidders   bigint[],
    kinds     text[],
    amounts   numeric[],
    maxima    numeric[]
);

-- The rule of bidding, without any table: what a bid of p_amount with a maximum
-- of p_max (one of them may be NULL) does to an auction that stands like this.
CREATE FUNCTION ecs_lib.bid_step(s ecs_lib.standing, p_bidder bigint, p_amount numeric,
                                 p_max numeric)
RETURNS ecs_lib.bid_step LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    r        ecs_lib.bid_step;
    v_kind   text := 'BID';
    v_amount numeric;   -- of the bid's own row
    v_max    numeric := coalesce(p_max, p_amount);
    v_proxy  numeric;   -- that the system bids for the leader of before
BEGIN
    r.price := s.price;
    r.leader_id := p_bidder;
    IF s.leader_id = p_bidder AND p_max IS NOT NULL THEN -- moves no price
        v_kind := 'RAISE';
        v_amount := s.price;
        r.minimum := s.maximum + 0.01;
        r.maximum := p_max;
    ELSE
        r.minimum := coalesce(s.price + ecs_lib.bid_increment(s.increment, s.increments,
                                                              s.price), s.start_price);
        v_amount := coalesce(p_amount, least(r.minimum, p_max));
        r.maximum := greatest(v_max, CASE WHEN s.leader_id = p_bidder THEN s.maximum END);
    END IF;
    IF (CASE v_kind WHEN 'RAISE' THEN p_max ELSE v_amount END) < r.minimum THEN
        RETURN r;
    END IF;

    IF s.leader_id <> p_bidder AND v_max > s.maximum THEN
        -- the system has bid for the old leader as far as it might
        v_proxy := CASE WHEN s.maximum > s.price THEN s.maximum END;
        v_amount := greatest(v_amount, least(v_max, s.maximum
            + ecs_lib.bid_increment(s.increment, s.increments, s.maximum)));
    ELSIF s.leader_id <> p_bidder THEN
        -- the leader stays; the bidder has shown the whole maximum
        r.leader_id := s.leader_id;
        r.maximum := s.maximum;
        v_amount := v_max;
        v_proxy := least(s.maximum, v_max
            + ecs_lib.bid_increment(s.increment, s.increments, v_max));
    END IF;
    -- a maximum that meets the reserve meets it at once
    r.price := CASE WHEN r.leader_id = p_bidder THEN v_amount ELSE v_proxy END;
    IF r.price < s.reserve_price AND r.maximum >= s.reserve_price THEN
        r.price := s.reserve_price;
    END IF;

    IF r.leader_id <> p_bidder THEN
        r.own := 1;
        r.bidders := ARRAY[p_bidder, s.leader_id];
        r.kinds := ARRAY['BID', 'PROXY'];
        r.amounts := ARRAY[v_amount, r.price];
        r.maxima := ARRAY[v_max, s.maximum];
    ELSIF v_proxy IS NOT NULL THEN
        r.own := 2;
        r.bidders := ARRAY[s.leader_id, p_bidder];
        r.kinds := ARRAY['PROXY', 'BID'];
        r.amounts := ARRAY[v_proxy, r.price];
        r.maxima := ARRAY[s.maximum, v_max];
    ELSE
        r.own := 1;
        r.bidders := ARRAY[p_bidder];
        r.kinds := ARRAY[v_kind];
        r.amounts := ARRAY[r.price];
        r.maxima := ARRAY[greatest(v_max, r.price)];
    END IF;
    RETURN r;
END $$;

-- The bids of one call -----------------------------------------------------------

-- Why an auction takes no bids at this moment; NULL when it does.
CREATE FUNCTION ecs_lib.bids_closed(a ecs.auctions, p_now timestamptz) RETURNS ecs.answer
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF a.id IS NULL OR a.status IN ('DRAFT', 'SUBMITTED', 'REJECTED') THEN
        RETURN ecs_lib.refused('not_found', 'Not found.');
    ELSIF a.status NOT IN ('SCHEDULED', 'ACTIVE') THEN
        RETURN ecs_lib.refused('wrong_state', 'The auction is over.',
                               json_build_object('state', a.status));
    ELSIF p_now < a.start_at THEN
        RETURN ecs_lib.refused('wrong_state', 'The auction has not begun.',
            json_build_object('state', a.status, 'start_at', ecs_lib.ts(a.start_at)));
    ELSIF p_now >= a.end_at THEN
        RETURN ecs_lib.refused('wrong_state', 'The auction is over.',
            json_build_object('state', 'ENDED', 'end_at', ecs_lib.ts(a.end_at)));
    END IF;
    RETURN NULL;
END $$;

-- When a bid at this moment makes an auction end: a late one moves the end, so
-- that there is time to answer it, as far as the settings allow.
CREATE FUNCTION ecs_lib.bids_end_at(a ecs.auctions, p_rules ecs.settings, p_now timestamptz)
RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_end timestamptz := p_now + make_interval(secs => p_rules.bid_soft_close_seconds);
BEGIN
    IF p_rules.bid_soft_close_cap_minutes > 0 THEN
        v_end := least(v_end, a.planned_end_at
            + make_interval(mins => p_rules.bid_soft_close_cap_minutes));
    END IF;
    RETURN greatest(a.end_at, v_end);
END $$;

-- Moves the held money from the old leader to the new one. Their wallets are
-- locked, and the new one has enough.
CREATE FUNCTION ecs_lib.bids_hold(p_was ecs.auctions, a ecs.auctions, p_request_id text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_was numeric := CASE WHEN p_was.leader_id = a.leader_id THEN p_was.leader_max ELSE 0 END;
BEGIN
    IF p_was.leader_id <> a.leader_id THEN
        PERFORM ecs.transfer(ecs.held(p_was.leader_id), ecs.available(p_was.leader_id),
            p_was.leader_max * a.quantity, 'ESCROW_RELEASE', p_auction => a.id,
            p_actor => a.leader_id, p_request_id => p_request_id);
    END IF;
    IF a.leader_max > v_was THEN
        PERFORM ecs.transfer(ecs.available(a.leader_id), ecs.held(a.leader_id),
            (a.leader_max - v_was) * a.quantity, 'ESCROW_HOLD', p_auction => a.id,
            p_actor => a.leader_id, p_request_id => p_request_id);
    END IF;
END $$;

-- Tells the seller of new bids, and each who led and does not any more. What
-- they have not read yet of this auction is brought up to date instead of
-- repeated.
CREATE FUNCTION ecs_lib.bids_announce(a ecs.auctions, p_outbid bigint[], p_minimum numeric)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.notify_all('auction', a.id, array_agg(ROW(t.user_id, t.type, t.message,
            jsonb_build_object('title', a.title, 'current_price', a.current_price::text,
                'minimum_bid', p_minimum::text))::ecs_lib.news))
    FROM (SELECT a.seller_id AS user_id, 'auction_new_bid' AS type,
                 format('%s stands at %s after %s bids.', a.title, a.current_price,
                        a.bids_count) AS message
          UNION ALL
          SELECT DISTINCT u, 'auction_outbid',
                 format('You were outbid on %s; the next bid is %s.', a.title, p_minimum)
          FROM unnest(p_outbid) u WHERE u <> a.leader_id) t;
END $$;

-- What the bids of a call come to.
CREATE TYPE ecs_lib.bids_outcome AS (
    answers  ecs.answer[],  -- per bid; NULL for one that was taken
    takes    integer[],     -- per bid: which of the rows below it is; NULL when refused
    bidders  bigint[],      -- the new rows of ecs.bids
    kinds    text[],
    amounts  numeric[],
    maxima   numeric[],
    requests text[],
    outbid   bigint[],      -- who led for a while
    standing ecs_lib.standing
);

-- Why a bid cannot be judged at all, or its answer of before; NULL when it can.
CREATE FUNCTION ecs_lib.bid_answered(p_session_ok boolean, p_claimed boolean,
    p_fingerprint text, k ecs.idempotency_keys)
RETURNS ecs.answer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF NOT p_session_ok THEN
        RETURN ecs_lib.refused('session_revoked', 'This session has ended; sign in again.');
    ELSIF NOT p_claimed THEN
        RETURN ecs_lib.refused('request_in_progress',
            'A request with this Idempotency-Key is still running.');
    ELSIF k.fingerprint <> p_fingerprint THEN
        RETURN ecs_lib.refused('idempotency_key_reused',
            'This Idempotency-Key was used for another request; take a new one.');
    ELSIF k.key IS NOT NULL THEN
        RETURN ROW(k.status, k.body, k.version, k.location, NULL, NULL, NULL, true)::ecs.answer;
    END IF;
    RETURN NULL;
END $$;

-- Why a bid is none, whatever the price; NULL when it is one.
CREATE FUNCTION ecs_lib.bid_unfit(a ecs.auctions, p_bidder bigint, p_has_place boolean,
                                  p_amount numeric, p_max numeric)
RETURNS ecs.answer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF p_bidder = a.seller_id THEN
        RETURN ecs_lib.refused('own_product', 'You cannot bid on your own auction.');
    ELSIF NOT p_has_place THEN
        RETURN ecs_lib.refused('location_required',
            'Save the place to deliver to in your profile first.');
    ELSIF coalesce(p_amount, p_max) IS NULL THEN
        RETURN ecs_lib.refused_field('amount', 'This field is required.');
    ELSIF p_max < p_amount THEN
        RETURN ecs_lib.refused_field('max_amount',
            'Ensure this value is greater than or equal to amount.');
    END IF;
    RETURN NULL;
END $$;

-- Why a bid does nothing at this price or this purse; NULL when it does.
CREATE FUNCTION ecs_lib.bid_refusal(a ecs.auctions, s ecs_lib.standing, r ecs_lib.bid_step,
                                    p_can_spend numeric, p_most numeric)
RETURNS ecs.answer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF r.own IS NULL THEN
        RETURN ecs_lib.refused('bid_too_low',
            format('The bid has to be %s at least.', r.minimum), json_build_object(
                'minimum_bid', r.minimum::text, 'current_price', s.price::text));
    ELSIF p_most * a.quantity > p_can_spend THEN
        RETURN ecs_lib.refused('insufficient_funds',
            format('The wallet has %s, and %s is needed.', p_can_spend, p_most * a.quantity),
            json_build_object('balance', p_can_spend::text,
                              'required', (p_most * a.quantity)::text));
    END IF;
    RETURN NULL;
END $$;

-- Judges bids in the order of their arrival. Their wallets are locked.
CREATE FUNCTION ecs_lib.bids_judge(a ecs.auctions, p_rules ecs.settings,
    p_bids ecs_lib.bid_request[], p_claimed boolean[], p_closed ecs.answer)
RETURNS ecs_lib.bids_outcome LANGUAGE plpgsql AS $$
DECLARE
    o        ecs_lib.bids_outcome;
    s        ecs_lib.standing := ROW(a.start_price, a.reserve_price, a.min_increment,
        p_rules.bid_increments, a.current_price, a.leader_id, a.leader_max);
    r        ecs_lib.bid_step;
    b        record;
    v_answer ecs.answer;
    v_answers ecs.answer[];
    v_takes   integer[];
BEGIN
    FOR b IN
        SELECT i.*, p.location_lat IS NOT NULL AS has_place,
               w.available + CASE WHEN i.user_id = a.leader_id
                   THEN a.leader_max * a.quantity ELSE 0 END AS can_spend,
               ecs_lib.bid_answered(e.id IS NOT NULL AND u.is_active AND u.role = i.role,
                   p_claimed IS NULL OR p_claimed[i.n], i.fingerprint, k) AS answer
        FROM unnest(p_bids) WITH ORDINALITY AS i (user_id, session_id, role, address,
            request_id, key, fingerprint, amount, max_amount, n)
        LEFT JOIN ecs.users u ON u.id = i.user_id
        LEFT JOIN ecs.sessions e ON e.id = i.session_id AND e.user_id = i.user_id
            AND e.revoked_at IS NULL
        LEFT JOIN ecs.wallets w ON w.user_id = i.user_id
        LEFT JOIN ecs.profiles p ON p.user_id = i.user_id
        LEFT JOIN ecs.idempotency_keys k ON k.scope = 'user:' || i.user_id AND k.key = i.key
            AND k.created_at > ecs.now() - interval '24 hours'
        ORDER BY i.n
    LOOP
        v_answer := coalesce(b.answer, p_closed, ecs_lib.bid_unfit(a, b.user_id, b.has_place,
                                                       b.amount, b.max_amount));
        IF v_answer IS NULL THEN
            r := ecs_lib.bid_step(s, b.user_id, b.amount, b.max_amount);
            v_answer := ecs_lib.bid_refusal(a, s, r, b.can_spend,
                                            coalesce(b.max_amount, b.amount));
        END IF;
        v_answers[b.n] := v_answer;
        v_takes[b.n] := NULL;
        IF v_answer IS NULL THEN
            v_takes[b.n] := coalesce(cardinality(o.bidders), 0) + r.own;
            o.bidders := o.bidders || r.bidders;
            o.kinds := o.kinds || r.kinds;
            o.amounts := o.amounts || r.amounts;
            o.maxima := o.maxima || r.maxima;
            o.requests := o.requests || array_fill(b.request_id, ARRAY[cardinality(r.bidders)]);
            IF s.leader_id <> r.leader_id THEN
                o.outbid := o.outbid || s.leader_id;
            END IF;
            s.price := r.price;
            s.leader_id := r.leader_id;
            s.maximum := r.maximum;
        END IF;
    END LOOP;
    o.answers := v_answers;
    o.takes := v_takes;
    o.standing := s;
    RETURN o;
END $$;

-- Writes down what bids came to: the rows, the money, the auction.
-- Answers the auction, and the rows' first id (they follow each other).
CREATE FUNCTION ecs_lib.bids_record(p_was ecs.auctions, p_rules ecs.settings,
    o ecs_lib.bids_outcome, p_now timestamptz, OUT a ecs.auctions, OUT first_id bigint)
LANGUAGE plpgsql AS $$
DECLARE
    v_end CONSTANT timestamptz := ecs_lib.bids_end_at(p_was, p_rules, p_now);
BEGIN
    WITH new AS (
        INSERT INTO ecs.bids (auction_id, bidder_id, kind, amount, max_amount, request_id,
                              created_at)
        SELECT p_was.id, n.bidder, n.kind, n.amount, n.maximum, n.request, p_now
        FROM unnest(o.bidders, o.kinds, o.amounts, o.maxima, o.requests)
            AS n (bidder, kind, amount, maximum, request)
        RETURNING id
    )
    SELECT min(id) INTO first_id FROM new;
    UPDATE ecs.auctions SET
        status = 'ACTIVE',
        current_price = (o.standing).price,
        leader_id = (o.standing).leader_id,
        leader_max = (o.standing).maximum,
        bids_count = bids_count + cardinality(array_positions(o.kinds, 'BID')),
        end_at = v_end,
        extensions = extensions + (v_end > end_at)::integer
    WHERE id = p_was.id RETURNING * INTO a;
    PERFORM ecs_lib.bids_hold(p_was, a, o.requests[cardinality(o.requests)]);
END $$;

-- The answers to bids that were taken: all of them tell how the auction stands
-- now, after the last of them.
CREATE FUNCTION ecs_lib.bids_answers(a ecs.auctions, o ecs_lib.bids_outcome,
    p_minimum numeric, p_currency text, p_first_id bigint, p_now timestamptz)
RETURNS ecs.answer[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_end CONSTANT text := ecs_lib.ts(a.end_at);
    v_now CONSTANT text := ecs_lib.ts(p_now);
BEGIN
    RETURN ARRAY(
        SELECT coalesce(o.answers[i.n], ecs_lib.created(format('/api/auctions/%s/bids/', a.id),
            json_build_object(
                'id', p_first_id + i.take - 1,
                'auction', a.id,
                'amount', o.amounts[i.take]::text,
                'max_amount', o.maxima[i.take]::text,
                'is_leading', a.leader_id = w.user_id,
                'current_price', a.current_price::text,
                'minimum_bid', p_minimum::text,
                'bids_count', a.bids_count,
                'end_at', v_end,
                'server_time', v_now,
                'created_at', v_now,
                'wallet', json_build_object('balance', w.available::text,
                    'held_balance', w.held::text, 'currency', p_currency))))
        FROM unnest(o.takes) WITH ORDINALITY AS i (take, n)
        LEFT JOIN ecs.wallets w ON w.user_id = o.bidders[i.take]
        ORDER BY i.n);
END $$;

-- Keeps the answers of bids that had an Idempotency-Key.
CREATE FUNCTION ecs_lib.bids_remember(p_bids ecs_lib.bid_request[], p_answers ecs.answer[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    n integer;
BEGIN
    FOR n IN 1 .. cardinality(p_bids) LOOP
        IF p_bids[n].key IS NULL THEN
            CONTINUE;
        ELSIF p_answers[n].replayed THEN -- whose commit waits as the first one did
            UPDATE ecs.idempotency_keys SET replays = replays + 1
                WHERE scope = 'user:' || p_bids[n].user_id AND key = p_bids[n].key;
        ELSE
            PERFORM ecs_api.request_end('user:' || p_bids[n].user_id, p_bids[n].key,
                                        p_bids[n].fingerprint, p_answers[n]);
        END IF;
    END LOOP;
END $$;

-- Which of the bids have their Idempotency-Key to themselves; NULL when none
-- has one. See ecs_api.request_begin.
CREATE FUNCTION ecs_lib.bids_claim(p_bids ecs_lib.bid_request[]) RETURNS boolean[]
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM unnest(p_bids) b WHERE b.key IS NOT NULL) THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT array_agg(i.key IS NULL OR (i.twin = 1 AND pg_try_advisory_xact_lock(
                       hashtextextended('user:' || i.user_id || E'\n' || i.key, 17)))
                       ORDER BY i.n)
            FROM (SELECT b.user_id, b.key, b.n,
                         row_number() OVER (PARTITION BY b.user_id, b.key ORDER BY b.n) AS twin
                  FROM unnest(p_bids) WITH ORDINALITY AS b (user_id, session_id, role,
                      address, request_id, key, fingerprint, amount, max_amount, n)) i);
END $$;

-- Places bids on one auction: p_bids is an array of ecs_lib.bid_request, in the
-- order of arrival. One answer each, in that order.
-- Callers: buyers. Locks: the auction, the wallets of the bidders and of the
-- leader by id. Refuses not_found, wrong_state, own_product, location_required,
-- invalid amounts, bid_too_low, insufficient_funds, and what ecs_api.caller and
-- ecs_api.request_begin refuse.
CREATE FUNCTION ecs_api.auctions_bid(p_id bigint, p_items json)
RETURNS SETOF ecs.answer LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_bids    CONSTANT ecs_lib.bid_request[] := ARRAY(
        SELECT b FROM json_populate_recordset(NULL::ecs_lib.bid_request, p_items) b);
    v_claimed CONSTANT boolean[] := ecs_lib.bids_claim(v_bids);
    v_rules   CONSTANT ecs.settings := ecs_lib.settings();
    v_now     timestamptz;
    v_was     ecs.auctions;
    v_done    record;
    v_minimum numeric;
    o         ecs_lib.bids_outcome;
BEGIN
    SELECT * INTO v_was FROM ecs.auctions WHERE id = p_id FOR NO KEY UPDATE;
    v_now := ecs.now(); -- not before the lock: no bid counts late
    PERFORM ecs.lock_wallets(ARRAY(SELECT user_id FROM unnest(v_bids)) || v_was.leader_id);
    o := ecs_lib.bids_judge(v_was, v_rules, v_bids, v_claimed,
                            ecs_lib.bids_closed(v_was, v_now));
    IF o.bidders IS NOT NULL THEN
        v_done := ecs_lib.bids_record(v_was, v_rules, o, v_now);
        v_minimum := ecs_lib.minimum_bid(v_done.a);
        PERFORM ecs_lib.bids_announce(v_done.a, o.outbid, v_minimum);
        o.answers := ecs_lib.bids_answers(v_done.a, o, v_minimum, v_rules.currency,
                                          v_done.first_id, v_now);
    END IF;
    IF v_claimed IS NOT NULL THEN
        PERFORM ecs_lib.bids_remember(v_bids, o.answers);
    END IF;
    RETURN QUERY SELECT * FROM unnest(o.answers);
END $$;
