-- How an auction begins and ends: by the clock or by an administrator, bought
-- at once, cancelled; and the offer to a runner-up when the winner's order came
-- to nothing.
--
-- Each step happens once, whoever takes it and however often it is asked for:
-- the auction is locked, and its state says what is still to do.
--
-- Locks, in this order in every function: products by id, auctions by id, the
-- offer, wallets by id.

-- Steps that several endpoints share -----------------------------------------------

-- Gives the leader of a locked auction back what is held for it.
CREATE FUNCTION ecs_lib.auction_release(a ecs.auctions, p_me ecs.caller) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF a.leader_id IS NOT NULL THEN
        PERFORM ecs.transfer(ecs.held(a.leader_id), ecs.available(a.leader_id),
            a.leader_max * a.quantity, 'ESCROW_RELEASE', p_auction => a.id,
            p_actor => p_me.id, p_request_id => p_me.request_id);
    END IF;
END $$;

-- Makes the order of who gets what an auction sells, at a price for one piece,
-- and holds its total. The pieces are off the shelf already.
-- Locks: the wallet. Raises location_required, insufficient_funds.
CREATE FUNCTION ecs_lib.auction_order(a ecs.auctions, p_buyer bigint, p_price numeric,
                                      p_me ecs.caller)
RETURNS ecs.orders LANGUAGE plpgsql AS $$
DECLARE
    c_most  CONSTANT numeric := 999999999999.99; -- more than a wallet can hold
    v_total CONSTANT numeric := p_price * a.quantity;
    v_place ecs.profiles;
    v_line  ecs_lib.checkout_line;
    v_order ecs.orders;
BEGIN
    SELECT * INTO v_place FROM ecs.profiles WHERE user_id = p_buyer;
    IF v_place.location_lat IS NULL THEN
        PERFORM ecs_lib.refuse('location_required',
            'Save the place to deliver to in your profile first.');
    END IF;
    IF v_total > c_most THEN
        PERFORM ecs_lib.refuse('insufficient_funds', 'No wallet holds that much.',
            json_build_object('required', v_total::text));
    END IF;
    v_line.product_id := a.product_id;
    v_line.seller_id := a.seller_id;
    v_line.name := (SELECT name FROM ecs.products WHERE id = a.product_id);
    v_line.quantity := a.quantity;
    v_line.list_price := p_price;
    v_line.unit_price := p_price;
    v_order := (ecs_lib.order_make(p_buyer, v_place, ARRAY[v_line], v_total, v_total,
        (SELECT platform_fee_percent FROM ecs.settings), p_me.id)).o;
    PERFORM ecs.transfer(ecs.available(p_buyer), ecs.held(p_buyer), v_total, 'ESCROW_HOLD',
        p_order => v_order.id, p_auction => a.id, p_actor => p_me.id,
        p_request_id => p_me.request_id);
    RETURN v_order;
END $$;

-- Everybody who has bid on an auction, but p_but.
CREATE FUNCTION ecs_lib.auction_bidders(a ecs.auctions, p_but bigint DEFAULT NULL)
RETURNS bigint[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(SELECT DISTINCT bidder_id FROM ecs.bids
                 WHERE auction_id = a.id AND bidder_id IS DISTINCT FROM p_but);
END $$;

-- Tells buyer and seller that something was sold, and for how much.
CREATE FUNCTION ecs_lib.auction_announce_sale(a ecs.auctions, p_order ecs.orders)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_extra CONSTANT jsonb := jsonb_build_object('order', p_order.id,
        'order_number', p_order.order_number, 'total', p_order.total::text);
BEGIN
    PERFORM ecs_lib.auction_notify(a, ARRAY[p_order.buyer_id], 'auction_won',
        format('%s is yours for %s: order %s. The money is held until you have received it.',
               a.title, p_order.total, p_order.order_number), v_extra);
    PERFORM ecs_lib.auction_notify(a, ARRAY[a.seller_id], 'auction_sold',
        format('%s is sold for %s: order %s.', a.title, p_order.total, p_order.order_number),
        v_extra);
END $$;

-- Nobody in the shop can tell where to deliver to a winner, so nothing is sold;
-- administrators have to know, because profiles keep the place of who leads.
CREATE FUNCTION ecs_lib.auction_alert_no_place(a ecs.auctions) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.auction_notify(a, ARRAY(
            SELECT id FROM ecs.users WHERE role IN ('admin', 'superadmin') AND is_active),
        'system_alert', format('Auction %s ended without a sale: its winner has no place to '
            'deliver to.', a.title), jsonb_build_object('winner', a.leader_id));
END $$;

-- Ends a locked auction of a locked product now: sold to the leader if the
-- reserve is met, whose hold becomes the escrow of the order; else the pieces
-- and the hold go back. Locks: the leader's wallet.
CREATE FUNCTION ecs_lib.auction_end(a ecs.auctions, p_me ecs.caller) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_now    CONSTANT timestamptz := ecs.now();
    v_result text := CASE WHEN a.leader_id IS NULL THEN 'UNSOLD'
                          WHEN ecs_lib.reserve_met(a) THEN 'SOLD' ELSE 'RESERVE_NOT_MET' END;
    v_order  ecs.orders;
BEGIN
    PERFORM ecs_lib.auction_release(a, p_me);
    IF v_result = 'SOLD' AND (SELECT location_lat IS NULL FROM ecs.profiles
                              WHERE user_id = a.leader_id) THEN
        v_result := 'UNSOLD';
        PERFORM ecs_lib.auction_alert_no_place(a);
    END IF;
    IF v_result = 'SOLD' THEN
        v_order := ecs_lib.auction_order(a, a.leader_id, a.current_price, p_me);
        PERFORM ecs_lib.auction_announce_sale(a, v_order);
    ELSE
        PERFORM ecs_lib.auction_return_stock(a);
        PERFORM ecs_lib.auction_notify(a, ARRAY[a.seller_id], 'auction_unsold',
            format(CASE v_result WHEN 'RESERVE_NOT_MET'
                THEN '%s was not sold: the bids did not reach your reserve.'
                ELSE '%s was not sold.' END, a.title),
            jsonb_build_object('result', v_result));
    END IF;
    PERFORM ecs_lib.auction_notify(a, ecs_lib.auction_bidders(a, v_order.buyer_id),
        'auction_lost', format(CASE v_result WHEN 'SOLD'
            THEN '%s went to somebody else for %s.'
            ELSE '%s ended without a sale.' END, a.title, a.current_price),
        jsonb_build_object('result', v_result, 'current_price', a.current_price::text));
    UPDATE ecs.auctions SET status = 'ENDED', result = v_result, order_id = v_order.id,
        ended_at = v_now
        WHERE id = a.id;
END $$;

-- Takes a locked auction of a locked product off: nothing is sold, the pieces
-- and the hold go back. Locks: the leader's wallet.
CREATE FUNCTION ecs_lib.auction_call_off(a ecs.auctions, p_me ecs.caller, p_reason text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.auction_release(a, p_me);
    PERFORM ecs_lib.auction_return_stock(a);
    UPDATE ecs.auctions SET status = 'CANCELLED', reason = p_reason, ended_at = ecs.now()
        WHERE id = a.id;
END $$;

-- By its seller and by buyers ----------------------------------------------------------

-- Calls an own auction off while nobody has bid. Callers: its seller. Locks: the
-- product, the auction. Raises not_found, wrong_state, has_bids.
CREATE FUNCTION ecs_api.auctions_cancel(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    a ecs.auctions;
BEGIN
    a := ecs_lib.auction_lock(p_id, p_me.id);
    PERFORM ecs_lib.auction_may(a, 'CANCELLED');
    IF a.current_price IS NOT NULL THEN
        PERFORM ecs_lib.refuse('has_bids', 'An auction with bids cannot be cancelled.');
    END IF;
    PERFORM ecs_lib.auction_call_off(a, p_me, NULL);
    RETURN ecs_lib.auction_answer(p_id, p_me);
END $$;

-- Buys at once what an auction sells, as long as nobody has bid; that ends it.
-- Answers the order. Callers: buyers. Locks: the auction, the wallet.
-- Raises not_found, wrong_state, own_product, unavailable, has_bids,
-- location_required, insufficient_funds.
CREATE FUNCTION ecs_api.auctions_buy_now(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    v_now    timestamptz;
    v_closed ecs.answer;
    v_order  ecs.orders;
    a        ecs.auctions;
BEGIN
    SELECT * INTO a FROM ecs.auctions WHERE id = p_id FOR NO KEY UPDATE;
    v_now := ecs.now(); -- not before the lock
    v_closed := ecs_lib.bids_closed(a, v_now);
    IF v_closed.status IS NOT NULL THEN
        RETURN v_closed;
    END IF;
    IF a.seller_id = p_me.id THEN
        PERFORM ecs_lib.refuse('own_product', 'You cannot buy your own auction.');
    ELSIF a.buy_now_price IS NULL THEN
        PERFORM ecs_lib.refuse('unavailable', 'This auction cannot be bought at once.');
    ELSIF a.current_price IS NOT NULL THEN
        PERFORM ecs_lib.refuse('has_bids', 'Somebody has bid; now only bids count.');
    END IF;
    v_order := ecs_lib.auction_order(a, p_me.id, a.buy_now_price, p_me);
    UPDATE ecs.auctions SET status = 'ENDED', result = 'SOLD', order_id = v_order.id,
        current_price = buy_now_price, leader_id = p_me.id, leader_max = buy_now_price,
        ended_at = v_now
        WHERE id = p_id;
    PERFORM ecs_lib.auction_announce_sale(a, v_order);
    RETURN ecs_lib.created(format('/api/orders/%s/', v_order.id),
                           ecs_lib.order_json(v_order.id), v_order.version);
END $$;

-- By administrators ----------------------------------------------------------------------

-- Begins an approved auction, before its start or because the clock has not; once
-- it has begun, again is no mistake. It cannot last longer than auctions may.
-- Callers: administrators. Locks: the auction.
-- Raises not_found, wrong_state, too_early.
CREATE FUNCTION ecs_api.auctions_activate(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    c_longest CONSTANT interval := interval '14 days';
    v_now     timestamptz;
    a         ecs.auctions;
BEGIN
    SELECT * INTO a FROM ecs.auctions WHERE id = p_id FOR NO KEY UPDATE;
    IF a.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    v_now := ecs.now();
    IF a.status <> 'ACTIVE' THEN
        PERFORM ecs_lib.auction_may(a, 'ACTIVE');
        IF v_now < a.planned_end_at - c_longest THEN
            PERFORM ecs_lib.refuse('too_early', 'It would last for more than 14 days.',
                json_build_object('available_at', ecs_lib.ts(a.planned_end_at - c_longest)));
        END IF;
        UPDATE ecs.auctions SET status = 'ACTIVE', start_at = least(start_at, v_now)
            WHERE id = p_id;
        PERFORM ecs_lib.audit(p_me, 'auction.activate', 'auction', p_id);
    END IF;
    RETURN ecs_lib.auction_answer(p_id, p_me);
END $$;

-- Calls an auction off, also with bids; its seller and bidders are told why.
-- Callers: administrators. Locks: the product, the auction, the leader's wallet.
-- Raises not_found, wrong_state.
CREATE FUNCTION ecs_api.auctions_admin_cancel(p_me ecs.caller, p_id bigint, p_reason text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    a ecs.auctions;
BEGIN
    a := ecs_lib.auction_lock(p_id);
    PERFORM ecs_lib.auction_may(a, 'CANCELLED');
    PERFORM ecs_lib.auction_call_off(a, p_me, p_reason);
    PERFORM ecs_lib.auction_notify(a, ecs_lib.auction_bidders(a) || a.seller_id,
        'auction_cancelled', format('The auction %s was cancelled: %s', a.title, p_reason),
        jsonb_build_object('reason', p_reason));
    PERFORM ecs_lib.audit(p_me, 'auction.cancel', 'auction', p_id,
                          jsonb_build_object('reason', p_reason));
    RETURN ecs_lib.auction_answer(p_id, p_me);
END $$;

-- Ends an auction whose time is over, or with p_force at once. What has ended is
-- answered as it is. Callers: administrators. Locks: the product, the auction,
-- the leader's wallet. Raises not_found, wrong_state, too_early.
CREATE FUNCTION ecs_api.auctions_close(p_me ecs.caller, p_id bigint, p_force boolean)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    a ecs.auctions;
BEGIN
    a := ecs_lib.auction_lock(p_id);
    IF a.status <> 'ENDED' THEN
        PERFORM ecs_lib.auction_may(a, 'ENDED');
        IF a.end_at > ecs.now() AND NOT p_force THEN
            PERFORM ecs_lib.refuse('too_early', 'The auction has not ended yet.',
                json_build_object('available_at', ecs_lib.ts(a.end_at)));
        END IF;
        PERFORM ecs_lib.auction_end(a, p_me);
        PERFORM ecs_lib.audit(p_me, 'auction.close', 'auction', p_id,
                              jsonb_build_object('force', p_force));
    END IF;
    RETURN ecs_lib.auction_answer(p_id, p_me);
END $$;

-- By the clock -----------------------------------------------------------------------------

-- Begins auctions whose start has come, at most p_limit of them. Answers how
-- many. One that somebody else has locked is left for the next time.
-- For the jobs, not for requests. Locks: the auctions.
CREATE FUNCTION ecs_lib.job_auctions_activate(p_limit integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_done integer;
BEGIN
    UPDATE ecs.auctions SET status = 'ACTIVE' WHERE id IN (
        SELECT id FROM ecs.auctions
        WHERE status = 'SCHEDULED' AND start_at <= ecs.now()
        ORDER BY start_at LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_done = ROW_COUNT;
    RETURN v_done;
END $$;

-- When the next auction begins, or since when one is due.
CREATE FUNCTION ecs_lib.job_auctions_activate_since() RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT min(start_at) FROM ecs.auctions WHERE status = 'SCHEDULED');
END $$;

-- Ends auctions whose time is over, oldest first, at most p_limit of them.
-- Answers how many. One that somebody else has locked is left for the next time;
-- one that cannot be ended is set aside, or it would hold up the others for ever.
-- For the jobs, not for requests. Locks, each kind for all the auctions at once:
-- their products, the auctions, the leaders' wallets.
CREATE FUNCTION ecs_lib.job_auctions_close(p_limit integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_now  CONSTANT timestamptz := ecs.now();
    v_done integer := 0;
    v_ids  bigint[];
    a      ecs.auctions;
BEGIN
    v_ids := ARRAY(SELECT id FROM ecs.auctions
                   WHERE status IN ('ACTIVE', 'SCHEDULED') AND planned_end_at <= v_now
                     AND end_at <= v_now
                     AND NOT ecs_lib.job_item_waits('auctions_close', id, v_now)
                   ORDER BY planned_end_at, id LIMIT p_limit);
    PERFORM 1 FROM ecs.products WHERE id IN (
            SELECT product_id FROM ecs.auctions WHERE id = ANY (v_ids))
        ORDER BY id FOR NO KEY UPDATE;
    v_ids := ARRAY(SELECT id FROM ecs.auctions
                   WHERE id = ANY (v_ids) AND status IN ('ACTIVE', 'SCHEDULED')
                     AND end_at <= v_now
                   ORDER BY id FOR NO KEY UPDATE SKIP LOCKED);
    PERFORM ecs.lock_wallets(ARRAY(SELECT leader_id FROM ecs.auctions WHERE id = ANY (v_ids)));
    FOR a IN SELECT * FROM ecs.auctions WHERE id = ANY (v_ids) ORDER BY planned_end_at, id LOOP
        BEGIN
            PERFORM ecs_lib.auction_end(a, NULL);
            v_done := v_done + 1;
        EXCEPTION WHEN OTHERS THEN
            PERFORM ecs_lib.job_item_failed('auctions_close', a.id, SQLERRM);
        END;
    END LOOP;
    RETURN v_done;
END $$;

-- Since when the oldest auction is due to end.
CREATE FUNCTION ecs_lib.job_auctions_close_since() RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT min(end_at) FROM ecs.auctions
            WHERE status IN ('ACTIVE', 'SCHEDULED') AND planned_end_at <= ecs.now());
END $$;

-- The runner-up ------------------------------------------------------------------------------

-- The order that stands for an auction's sale: of who accepted it last, or the
-- winner's. It came to nothing when it ended before it was shipped.
CREATE FUNCTION ecs_lib.auction_last_order(a ecs.auctions) RETURNS ecs.orders
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_order ecs.orders;
BEGIN
    SELECT * INTO v_order FROM ecs.orders WHERE id = coalesce((
        SELECT order_id FROM ecs.auction_offers
        WHERE auction_id = a.id AND status = 'ACCEPTED' ORDER BY id DESC LIMIT 1), a.order_id);
    RETURN v_order;
END $$;

-- Who bid most of those that were not asked yet, and how much; of equal bids the
-- earlier one. NULL for nobody.
CREATE FUNCTION ecs_lib.auction_runner_up(a ecs.auctions, OUT bidder_id bigint,
                                          OUT price numeric)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT b.bidder_id, max(b.amount) INTO bidder_id, price
        FROM ecs.bids b JOIN ecs.users u ON u.id = b.bidder_id
        WHERE b.auction_id = a.id AND b.bidder_id <> a.leader_id
          AND u.is_active AND u.role IN ('user', 'seller')
          AND NOT EXISTS (SELECT FROM ecs.auction_offers f
                          WHERE f.auction_id = a.id AND f.bidder_id = b.bidder_id)
        GROUP BY b.bidder_id
        ORDER BY max(b.amount) DESC, max(b.id) LIMIT 1;
END $$;

-- The answer about an offer. p_open: may its bidder be known?
CREATE FUNCTION ecs_lib.offer_answer(f ecs.auction_offers, p_open boolean,
                                     p_status integer DEFAULT 200)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_answer ecs.answer;
BEGIN
    SELECT p_status, ecs_lib.offer_json(f, a, u, p_open), f.version
        INTO v_answer.status, v_answer.body, v_answer.version
        FROM ecs.auctions a JOIN ecs.users u ON u.id = f.bidder_id
        WHERE a.id = f.auction_id;
    IF p_status = 201 THEN
        v_answer.location := format('/api/auctions/%s/', f.auction_id);
    END IF;
    v_answer.replayed := false;
    RETURN v_answer;
END $$;

-- Offers what a winner's order did not sell to the next bidder, at that bidder's
-- own price, for a day. The pieces are taken off the shelf again.
-- Callers: its seller. Locks: the product, the auction. Raises not_found,
-- wrong_state, duplicate, no_bidder_left, unavailable, out_of_stock.
CREATE FUNCTION ecs_api.auctions_second_chance(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    c_open  CONSTANT interval := interval '24 hours';
    a       ecs.auctions;
    f       ecs.auction_offers;
    v_order ecs.orders;
    v_next  record;
BEGIN
    a := ecs_lib.auction_lock(p_id, p_me.id);
    v_order := ecs_lib.auction_last_order(a);
    IF a.result IS DISTINCT FROM 'SOLD' THEN
        PERFORM ecs_lib.wrong_state('Only what was sold can be offered once more.', a.status);
    ELSIF v_order.status NOT IN ('CANCELLED', 'REFUNDED') OR v_order.shipped_at IS NOT NULL THEN
        PERFORM ecs_lib.wrong_state('The order was not cancelled before it was shipped.',
                                    v_order.status);
    ELSIF EXISTS (SELECT FROM ecs.auction_offers WHERE auction_id = p_id
                  AND status = 'OFFERED') THEN
        PERFORM ecs_lib.refuse('duplicate', 'An offer is waiting for its answer.');
    END IF;
    SELECT * INTO v_next FROM ecs_lib.auction_runner_up(a);
    IF v_next.bidder_id IS NULL THEN
        PERFORM ecs_lib.refuse('no_bidder_left', 'There is no further bidder.');
    END IF;
    PERFORM ecs_lib.auction_take_stock(a);
    INSERT INTO ecs.auction_offers (auction_id, bidder_id, price, expires_at)
        VALUES (p_id, v_next.bidder_id, v_next.price, ecs.now() + c_open)
        RETURNING * INTO f;
    PERFORM ecs_lib.auction_notify(a, ARRAY[f.bidder_id], 'auction_offer',
        format('%s can be yours after all, for %s; tell within a day.', a.title,
               f.price * a.quantity),
        jsonb_build_object('price', f.price::text, 'total', (f.price * a.quantity)::text,
                           'expires_at', ecs_lib.ts(f.expires_at)));
    RETURN ecs_lib.offer_answer(f, false, 201);
END $$;

-- The caller's open offer of an auction, locked. Raises not_found, wrong_state,
-- too_late.
CREATE FUNCTION ecs_lib.offer_to_decide(p_me ecs.caller, p_auction bigint)
RETURNS ecs.auction_offers LANGUAGE plpgsql AS $$
DECLARE
    f ecs.auction_offers;
BEGIN
    SELECT * INTO f FROM ecs.auction_offers
        WHERE auction_id = p_auction AND bidder_id = p_me.id FOR NO KEY UPDATE;
    IF f.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    ELSIF f.status <> 'OFFERED' THEN
        PERFORM ecs_lib.wrong_state('The offer was decided already.', f.status);
    ELSIF f.expires_at <= ecs.now() THEN
        PERFORM ecs_lib.refuse('too_late', 'The offer has expired.',
            json_build_object('expires_at', ecs_lib.ts(f.expires_at)));
    END IF;
    RETURN f;
END $$;

-- Takes an offer: makes the order and holds its total. Answers the order.
-- Callers: who it was made to. Locks: the offer, the wallet. Raises not_found,
-- wrong_state, too_late, location_required, insufficient_funds.
CREATE FUNCTION ecs_api.auctions_offer_accept(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    f       ecs.auction_offers;
    a       ecs.auctions;
    v_order ecs.orders;
BEGIN
    f := ecs_lib.offer_to_decide(p_me, p_id);
    SELECT * INTO a FROM ecs.auctions WHERE id = p_id;
    v_order := ecs_lib.auction_order(a, p_me.id, f.price, p_me);
    UPDATE ecs.auction_offers SET status = 'ACCEPTED', order_id = v_order.id,
        decided_at = ecs.now() WHERE id = f.id;
    PERFORM ecs_lib.auction_announce_sale(a, v_order);
    RETURN ecs_lib.created(format('/api/orders/%s/', v_order.id),
                           ecs_lib.order_json(v_order.id), v_order.version);
END $$;

-- Ends a locked offer that was not taken; its product is locked.
CREATE FUNCTION ecs_lib.offer_end(f ecs.auction_offers, p_status text)
RETURNS ecs.auction_offers LANGUAGE plpgsql AS $$
DECLARE
    a ecs.auctions;
BEGIN
    SELECT * INTO a FROM ecs.auctions WHERE id = f.auction_id;
    PERFORM ecs_lib.auction_return_stock(a);
    UPDATE ecs.auction_offers SET status = p_status, decided_at = ecs.now()
        WHERE id = f.id RETURNING * INTO f;
    PERFORM ecs_lib.auction_notify(a, ARRAY[a.seller_id], 'auction_unsold',
        format(CASE p_status WHEN 'DECLINED' THEN 'The offer of %s to the next bidder was declined.'
                    ELSE 'The offer of %s to the next bidder has expired.' END, a.title),
        jsonb_build_object('offer', f.id, 'status', p_status));
    RETURN f;
END $$;

-- Refuses an offer; the pieces go back. Callers: who it was made to. Locks: the
-- product, the offer. Raises not_found, wrong_state, too_late.
CREATE FUNCTION ecs_api.auctions_offer_decline(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    f ecs.auction_offers;
BEGIN
    PERFORM 1 FROM ecs.products WHERE id = (
            SELECT a.product_id FROM ecs.auctions a JOIN ecs.auction_offers x
                ON x.auction_id = a.id AND x.bidder_id = p_me.id
            WHERE a.id = p_id) FOR NO KEY UPDATE;
    f := ecs_lib.offer_end(ecs_lib.offer_to_decide(p_me, p_id), 'DECLINED');
    RETURN ecs_lib.offer_answer(f, true);
END $$;

-- Offers that were made to the caller, newest first. Callers: buyers.
CREATE FUNCTION ecs_api.auctions_offers_mine(p_me ecs.caller, p_status text,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids   bigint[];
    v_rows  json;
    v_total bigint;
BEGIN
    v_ids := ARRAY(
        SELECT id FROM ecs.auction_offers
        WHERE bidder_id = p_me.id AND (p_status IS NULL OR status = p_status)
          AND (p_cursor IS NULL OR id < p_cursor)
        ORDER BY id DESC
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    SELECT json_agg(ecs_lib.offer_json(f, a, u, true) ORDER BY f.id DESC) INTO v_rows
        FROM ecs.auction_offers f JOIN ecs.auctions a ON a.id = f.auction_id
        JOIN ecs.users u ON u.id = f.bidder_id
        WHERE f.id = ANY (v_ids[:p_page_size]);
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.auction_offers
            WHERE bidder_id = p_me.id AND (p_status IS NULL OR status = p_status);
    END IF;
    RETURN ecs_lib.page(v_rows, v_total, ecs_lib.next_key(v_ids, p_page_size));
END $$;

-- Ends offers that nobody answered in time, at most p_limit of them. Answers how
-- many. One that is just being decided is left for the next time.
-- For the jobs, not for requests. Locks, each kind for all of them at once: the
-- products, the offers.
CREATE FUNCTION ecs_lib.job_auction_offers_expire(p_limit integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_ids bigint[];
BEGIN
    v_ids := ARRAY(SELECT id FROM ecs.auction_offers
                   WHERE status = 'OFFERED' AND expires_at <= ecs.now()
                   ORDER BY expires_at LIMIT p_limit);
    PERFORM 1 FROM ecs.products WHERE id IN (
            SELECT a.product_id FROM ecs.auctions a JOIN ecs.auction_offers f
                ON f.auction_id = a.id WHERE f.id = ANY (v_ids))
        ORDER BY id FOR NO KEY UPDATE;
    v_ids := ARRAY(SELECT id FROM ecs.auction_offers
                   WHERE id = ANY (v_ids) AND status = 'OFFERED'
                   ORDER BY id FOR NO KEY UPDATE SKIP LOCKED);
    PERFORM ecs_lib.offer_end(f, 'EXPIRED') FROM ecs.auction_offers f WHERE f.id = ANY (v_ids);
    RETURN cardinality(v_ids);
END $$;

-- When the next offer ends, or since when one is due.
CREATE FUNCTION ecs_lib.job_auction_offers_expire_since() RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT min(expires_at) FROM ecs.auction_offers WHERE status = 'OFFERED');
END $$;
