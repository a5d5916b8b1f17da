-- Auctions: how they look, how a seller proposes one and an administrator
-- decides, and the lists. Bids are in 46_bids.sql, the ways an auction ends in
-- 47_auction_ends.sql.
--
-- Prices are for one piece. What is sold is off the shelf from submission to
-- the end; a draft takes nothing.
--
-- Locks, in this order in every function: products by id, the auction, wallets
-- by id.

-- How an auction looks -----------------------------------------------------------

-- Enough of a name to know one's own, too little to know another's.
CREATE FUNCTION ecs_lib.masked(p_name text) RETURNS text LANGUAGE sql IMMUTABLE
AS $$ SELECT left(p_name, 1) || '***' || right(p_name, 1) $$;

-- A bidder, whom only administrators get to know. NULL for none.
CREATE FUNCTION ecs_lib.bidder_json(u ecs.users, p_open boolean) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN u.id IS NOT NULL THEN json_build_object(
        'id', CASE WHEN p_open THEN u.id END,
        'username', CASE WHEN p_open THEN u.username ELSE ecs_lib.masked(u.username) END) END
$$;

-- An offer to a runner-up. p_open: may its bidder be known?
CREATE FUNCTION ecs_lib.offer_json(f ecs.auction_offers, a ecs.auctions, p_bidder ecs.users,
    p_open boolean)
RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', f.id,
        'auction', json_build_object('id', a.id, 'title', a.title),
        'bidder', ecs_lib.bidder_json(p_bidder, p_open),
        'quantity', a.quantity,
        'price', f.price::text,
        'total', (f.price * a.quantity)::text,
        'status', f.status,
        'order', f.order_id,
        'expires_at', ecs_lib.ts(f.expires_at),
        'decided_at', ecs_lib.ts(f.decided_at),
        'created_at', ecs_lib.ts(f.created_at))
$$;

-- All offers of an auction, oldest first.
CREATE FUNCTION ecs_lib.auction_offers_json(a ecs.auctions, p_open boolean) RETURNS json
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT coalesce(json_agg(ecs_lib.offer_json(f, a, u, p_open) ORDER BY f.id), '[]')
            FROM ecs.auction_offers f JOIN ecs.users u ON u.id = f.bidder_id
            WHERE f.auction_id = a.id);
END $$;

-- Whether the price has reached the seller's reserve.
CREATE FUNCTION ecs_lib.reserve_met(a ecs.auctions) RETURNS boolean LANGUAGE sql IMMUTABLE
AS $$ SELECT a.reserve_price IS NULL OR coalesce(a.current_price >= a.reserve_price, false) $$;

-- How much higher a bid has to be that follows the present price.
CREATE FUNCTION ecs_lib.auction_increment(a ecs.auctions) RETURNS numeric(14, 2)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF a.min_increment IS NOT NULL THEN
        RETURN a.min_increment;
    END IF;
    RETURN ecs_lib.bid_increment(NULL, (SELECT bid_increments FROM ecs.settings),
                                 coalesce(a.current_price, a.start_price));
END $$;

-- What everybody may see of an auction. p: its product, s: its seller, l: its
-- leader, all NULL for none; only the leader sees the leader's maximum.
-- p_increment: that of above; p_more: further members, as text, or ''. A plain
-- expression in SQL, as what makes JSON of rows is; the page of an auction is
-- what everybody looks at while it ends.
CREATE FUNCTION ecs_lib.auction_text(a ecs.auctions, p ecs.products, s ecs.users, l ecs.users,
    p_viewer bigint, p_admin boolean, p_increment numeric, p_more text)
RETURNS json LANGUAGE sql STABLE AS $$
    SELECT (left(json_build_object(
        'id', a.id,
        'title', a.title,
        'description', a.description,
        'status', a.status,
        'result', a.result,
        'product', json_build_object('id', p.id, 'name', p.name, 'slug', p.slug,
                                     'images', p.images),
        'seller', json_build_object('id', s.id, 'username', s.username),
        'quantity', a.quantity,
        'start_price', a.start_price::text,
        'buy_now_price', a.buy_now_price::text,
        'current_price', a.current_price::text,
        'min_increment', p_increment::text,
        'minimum_bid', CASE WHEN a.status NOT IN ('ENDED', 'CANCELLED')
            THEN coalesce(a.current_price + p_increment, a.start_price)::text END,
        'has_reserve', a.reserve_price IS NOT NULL,
        'reserve_met', ecs_lib.reserve_met(a),
        'bids_count', a.bids_count,
        'leader', ecs_lib.bidder_json(l, p_admin),
        'is_leading', coalesce(a.leader_id = p_viewer, false),
        'my_max', CASE WHEN a.leader_id = p_viewer THEN a.leader_max::text END,
        'extensions', a.extensions,
        'start_at', ecs_lib.ts(a.start_at),
        'end_at', ecs_lib.ts(a.end_at),
        'planned_end_at', ecs_lib.ts(a.planned_end_at),
        'ended_at', ecs_lib.ts(a.ended_at),
        'created_at', ecs_lib.ts(a.created_at),
        'updated_at', ecs_lib.ts(a.updated_at))::text, -1) || CASE
        WHEN a.seller_id = p_viewer OR p_admin THEN
            ', ' || trim(BOTH '{}' FROM json_build_object(
                'reserve_price', a.reserve_price::text,
                'submitted_at', ecs_lib.ts(a.submitted_at), 'order', a.order_id)::text)
            || ', "reason" : ' || coalesce(to_json(a.reason)::text, 'null')
        WHEN a.leader_id = p_viewer AND a.order_id IS NOT NULL THEN
            ', "order" : ' || a.order_id
        ELSE '' END || p_more || '}')::json
$$;

-- Auctions in the order of their ids in the array.
CREATE FUNCTION ecs_lib.auctions_json(p_ids bigint[], p_me ecs.caller) RETURNS json
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_admin CONSTANT boolean := coalesce(ecs_lib.is_admin(p_me), false);
BEGIN
    RETURN (SELECT json_agg(ecs_lib.auction_text(a, p, s, l, p_me.id, v_admin,
                       ecs_lib.auction_increment(a), '') ORDER BY x.n)
            FROM unnest(p_ids) WITH ORDINALITY AS x (id, n)
            JOIN ecs.auctions a ON a.id = x.id
            JOIN ecs.products p ON p.id = a.product_id
            JOIN ecs.users s ON s.id = a.seller_id
            LEFT JOIN ecs.users l ON l.id = a.leader_id);
END $$;

-- One auction as a whole, as p_me may see it, with the time it is in the shop.
CREATE FUNCTION ecs_lib.auction_whole(a ecs.auctions, p_me ecs.caller, p_status integer)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_admin     CONSTANT boolean := coalesce(ecs_lib.is_admin(p_me), false);
    v_increment CONSTANT numeric := ecs_lib.auction_increment(a);
    v_more      text := format(', "server_time" : "%s"', ecs_lib.ts(ecs.now()));
    v_body      json;
BEGIN
    IF a.seller_id = p_me.id OR v_admin THEN
        v_more := format('%s, "offers" : %s', v_more,
                         ecs_lib.auction_offers_json(a, v_admin));
    END IF;
    SELECT ecs_lib.auction_text(a, p, s, l, p_me.id, v_admin, v_increment, v_more)
        INTO v_body
        FROM ecs.products p JOIN ecs.users s ON s.id = a.seller_id
        LEFT JOIN ecs.users l ON l.id = a.leader_id
        WHERE p.id = a.product_id;
    RETURN ROW(p_status, v_body, a.version,
               CASE p_status WHEN 201 THEN format('/api/auctions/%s/', a.id) END,
               NULL, NULL, NULL, false)::ecs.answer;
END $$;

-- The answer to a change of an auction.
CREATE FUNCTION ecs_lib.auction_answer(p_auction bigint, p_me ecs.caller,
                                       p_status integer DEFAULT 200)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT ecs_lib.auction_whole(a, p_me, p_status) FROM ecs.auctions a
            WHERE a.id = p_auction);
END $$;

-- Steps that several endpoints share -----------------------------------------------

-- May the caller see this auction? What is public, an own one, one that was
-- cancelled after the caller had bid; administrators see all.
CREATE FUNCTION ecs_lib.auction_visible(a ecs.auctions, p_me ecs.caller) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN coalesce(a.status IN ('SCHEDULED', 'ACTIVE', 'ENDED') OR a.seller_id = p_me.id
        OR (a.id IS NOT NULL AND ecs_lib.is_admin(p_me))
        OR (a.status = 'CANCELLED' AND EXISTS (
            SELECT FROM ecs.bids WHERE auction_id = a.id AND bidder_id = p_me.id)), false);
END $$;

-- Locks an auction after its product, whose stock may change. p_seller: only if
-- it is theirs. Raises not_found, and conflict when a draft was given another
-- product in between.
CREATE FUNCTION ecs_lib.auction_lock(p_id bigint, p_seller bigint DEFAULT NULL)
RETURNS ecs.auctions LANGUAGE plpgsql AS $$
DECLARE
    v_product bigint;
    a         ecs.auctions;
BEGIN
    SELECT product_id INTO v_product FROM ecs.auctions
        WHERE id = p_id AND (p_seller IS NULL OR seller_id = p_seller);
    PERFORM 1 FROM ecs.products WHERE id = v_product FOR NO KEY UPDATE;
    SELECT * INTO a FROM ecs.auctions WHERE id = p_id AND v_product IS NOT NULL
        FOR NO KEY UPDATE;
    IF a.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    IF a.product_id <> v_product THEN
        PERFORM ecs_lib.refuse('conflict', 'The auction has just been changed; try again.');
    END IF;
    RETURN a;
END $$;

-- Refuses a step that the state of a locked auction does not allow; the states
-- are the ones of ecs.auction_transitions. Raises wrong_state.
CREATE FUNCTION ecs_lib.auction_may(a ecs.auctions, p_status text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ecs.auction_transitions
                   WHERE from_status = a.status AND to_status = p_status) THEN
        PERFORM ecs_lib.wrong_state(format('The auction is %s; it cannot become %s.',
                                           a.status, p_status), a.status);
    END IF;
END $$;

-- Takes what is sold off the shelf. Its product is locked.
-- Raises unavailable, out_of_stock.
CREATE FUNCTION ecs_lib.auction_take_stock(a ecs.auctions) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    p ecs.products;
BEGIN
    SELECT * INTO p FROM ecs.products WHERE id = a.product_id;
    IF p.status <> 'APPROVED' THEN
        PERFORM ecs_lib.refuse('unavailable', 'The product is not on sale.',
                               json_build_object('state', p.status));
    END IF;
    IF p.quantity < a.quantity THEN
        PERFORM ecs_lib.refuse('out_of_stock', format('There are only %s.', p.quantity),
                               json_build_object('available', p.quantity));
    END IF;
    UPDATE ecs.products SET quantity = quantity - a.quantity WHERE id = p.id RETURNING * INTO p;
    PERFORM ecs_lib.stock_changed(p, p.quantity + a.quantity);
END $$;

-- Puts it back. Its product is locked.
CREATE FUNCTION ecs_lib.auction_return_stock(a ecs.auctions) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ecs.products SET quantity = quantity + a.quantity WHERE id = a.product_id;
END $$;

-- Is a locked product in an auction that waits or runs, or in an open offer of
-- one?
CREATE FUNCTION ecs_lib.is_auctioned(p_product bigint) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM ecs.auctions a WHERE a.product_id = p_product
          AND (a.status IN ('SUBMITTED', 'SCHEDULED', 'ACTIVE') OR EXISTS (
              SELECT FROM ecs.auction_offers f
              WHERE f.auction_id = a.id AND f.status = 'OFFERED')));
END $$;

-- Tells several users the same about an auction.
CREATE FUNCTION ecs_lib.auction_notify(a ecs.auctions, p_users bigint[], p_type text,
                                       p_message text, p_extra jsonb DEFAULT '{}')
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.notify_many(p_users, p_type, p_message, 'auction', a.id,
                                jsonb_build_object('title', a.title) || p_extra);
END $$;

-- Refuses what the table would refuse, field by field. Raises EC400.
CREATE FUNCTION ecs_lib.auction_check(a ecs.auctions) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    c_shortest CONSTANT interval := interval '2 hours';
    c_longest  CONSTANT interval := interval '14 days';
BEGIN
    IF a.reserve_price < a.start_price THEN
        PERFORM ecs_lib.invalid('reserve_price', 'The reserve cannot be below the start price.');
    END IF;
    IF a.buy_now_price < greatest(a.start_price, a.reserve_price) THEN
        PERFORM ecs_lib.invalid('buy_now_price',
            'It cannot be below the start price or the reserve.');
    END IF;
    IF a.end_at < a.start_at + c_shortest THEN
        PERFORM ecs_lib.invalid('end_at', 'An auction lasts for 2 hours at least.');
    END IF;
    IF a.end_at > a.start_at + c_longest THEN
        PERFORM ecs_lib.invalid('end_at', 'An auction lasts for 14 days at most.');
    END IF;
    IF NOT EXISTS (SELECT FROM ecs.products WHERE id = a.product_id
                   AND seller_id = a.seller_id AND status <> 'ARCHIVED') THEN
        PERFORM ecs_lib.invalid_pk('product', a.product_id);
    END IF;
END $$;

-- The increment of an auction whose seller named none: the settings' table when
-- there is one, which NULL stands for.
CREATE FUNCTION ecs_lib.auction_default_increment() RETURNS numeric
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT CASE WHEN bid_increments = '[]' THEN 1.00 END FROM ecs.settings);
END $$;

-- Submits a locked auction of a locked product for approval.
-- Raises invalid start_at, unavailable, out_of_stock.
CREATE FUNCTION ecs_lib.auction_submit(a ecs.auctions) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    c_grace CONSTANT interval := interval '1 minute'; -- on its way to us
    v_now   CONSTANT timestamptz := ecs.now();
BEGIN
    IF a.start_at < v_now - c_grace THEN
        PERFORM ecs_lib.invalid('start_at', 'The start cannot be in the past.');
    END IF;
    PERFORM ecs_lib.auction_take_stock(a);
    UPDATE ecs.auctions SET status = 'SUBMITTED', submitted_at = v_now, reason = NULL
        WHERE id = a.id;
    PERFORM ecs_lib.auction_notify(a, ARRAY[a.seller_id], 'auction_submitted',
        format('Your auction %s waits for approval.', a.title));
END $$;

-- A seller's own auctions ------------------------------------------------------------

-- Proposes an auction of an own product, or begins a draft of one.
-- Callers: sellers. Locks: the product. Raises unavailable, out_of_stock,
-- invalid product, reserve_price, buy_now_price, start_at, end_at.
CREATE FUNCTION ecs_api.auctions_create(p_me ecs.caller, p_product bigint, p_title text,
    p_description text, p_quantity integer, p_start_price numeric, p_reserve_price numeric,
    p_buy_now_price numeric, p_min_increment numeric, p_start_at timestamptz,
    p_end_at timestamptz, p_draft boolean)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    a ecs.auctions;
BEGIN
    PERFORM 1 FROM ecs.products WHERE id = p_product AND seller_id = p_me.id
        FOR NO KEY UPDATE;
    a.seller_id := p_me.id;
    a.product_id := p_product;
    a.start_price := p_start_price;
    a.reserve_price := p_reserve_price;
    a.buy_now_price := p_buy_now_price;
    a.start_at := p_start_at;
    a.end_at := p_end_at;
    PERFORM ecs_lib.auction_check(a);
    INSERT INTO ecs.auctions (seller_id, product_id, title, description, quantity, start_price,
        reserve_price, buy_now_price, min_increment, start_at, end_at, planned_end_at, status)
    VALUES (p_me.id, p_product, p_title, coalesce(p_description, ''), p_quantity, p_start_price,
        p_reserve_price, p_buy_now_price,
        coalesce(p_min_increment, ecs_lib.auction_default_increment()),
        p_start_at, p_end_at, p_end_at, 'DRAFT')
    RETURNING * INTO a;
    IF NOT p_draft THEN
        PERFORM ecs_lib.auction_submit(a);
    END IF;
    RETURN ecs_lib.auction_answer(a.id, p_me, 201);
END $$;

-- An own auction that can still be changed, locked. Raises not_found, stale,
-- wrong_state.
CREATE FUNCTION ecs_lib.auction_to_change(p_me ecs.caller, p_id bigint) RETURNS ecs.auctions
LANGUAGE plpgsql AS $$
DECLARE
    a ecs.auctions;
BEGIN
    SELECT * INTO a FROM ecs.auctions WHERE id = p_id AND seller_id = p_me.id
        FOR NO KEY UPDATE;
    IF a.id IS NULL THEN
        PERFORM ecs_lib.not_found();
    END IF;
    PERFORM ecs_lib.check_version(p_me, a.version);
    IF a.status NOT IN ('DRAFT', 'REJECTED') THEN
        PERFORM ecs_lib.wrong_state('Only drafts and rejected auctions can be changed.',
                                    a.status);
    END IF;
    RETURN a;
END $$;

-- Changes a draft, or a rejected auction before it is submitted again.
-- Callers: its seller. Locks: the auction. Raises not_found, stale, wrong_state,
-- invalid product, reserve_price, buy_now_price, end_at.
CREATE FUNCTION ecs_api.auctions_update(p_me ecs.caller, p_id bigint, p_changes jsonb)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    a ecs.auctions;
BEGIN
    a := ecs_lib.auction_to_change(p_me, p_id);
    a := jsonb_populate_record(a, p_changes);
    a.product_id := coalesce((p_changes ->> 'product')::bigint, a.product_id);
    a.min_increment := CASE WHEN p_changes ? 'min_increment'
        THEN coalesce(a.min_increment, ecs_lib.auction_default_increment())
        ELSE a.min_increment END;
    PERFORM ecs_lib.auction_check(a);
    UPDATE ecs.auctions SET product_id = a.product_id, title = a.title,
        description = a.description, quantity = a.quantity, start_price = a.start_price,
        reserve_price = a.reserve_price, buy_now_price = a.buy_now_price,
        min_increment = a.min_increment, start_at = a.start_at, end_at = a.end_at,
        planned_end_at = a.end_at
        WHERE id = p_id;
    RETURN ecs_lib.auction_answer(p_id, p_me);
END $$;

-- Throws a draft or a rejected auction away. Callers: its seller. Locks: the
-- auction. Raises not_found, stale, wrong_state.
CREATE FUNCTION ecs_api.auctions_delete(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs_lib.auction_to_change(p_me, p_id);
    DELETE FROM ecs.auctions WHERE id = p_id;
    RETURN ecs_lib.no_content();
END $$;

-- Submits a draft, or a rejected auction once more. Callers: its seller. Locks:
-- the product, the auction. Raises not_found, wrong_state, unavailable,
-- out_of_stock, conflict, invalid start_at.
CREATE FUNCTION ecs_api.auctions_submit(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    a ecs.auctions;
BEGIN
    a := ecs_lib.auction_lock(p_id, p_me.id);
    PERFORM ecs_lib.auction_may(a, 'SUBMITTED');
    PERFORM ecs_lib.auction_submit(a);
    RETURN ecs_lib.auction_answer(p_id, p_me);
END $$;

-- The caller's auctions in every state, newest first; `counts` by state.
-- Callers: sellers.
CREATE FUNCTION ecs_api.auctions_mine(p_me ecs.caller, p_status text,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids    bigint[];
    v_total  bigint;
BEGIN
    v_ids := ARRAY(
        SELECT id FROM ecs.auctions
        WHERE seller_id = p_me.id
          AND (p_status IS NULL OR status = p_status)
          AND (p_cursor IS NULL OR id < p_cursor)
        ORDER BY id DESC
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.auctions
            WHERE seller_id = p_me.id AND (p_status IS NULL OR status = p_status);
    END IF;
    RETURN ecs_lib.page(ecs_lib.auctions_json(v_ids[:p_page_size], p_me), v_total,
        ecs_lib.next_key(v_ids, p_page_size));
END $$;

-- Deciding ---------------------------------------------------------------------------

-- Auctions that wait for a decision, oldest first. Callers: administrators.
CREATE FUNCTION ecs_api.auctions_pending(p_me ecs.caller,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids   bigint[];
    v_total bigint;
BEGIN
    v_ids := ARRAY(
        SELECT id FROM ecs.auctions
        WHERE status = 'SUBMITTED' AND (p_cursor IS NULL OR id > p_cursor)
        ORDER BY id
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.auctions WHERE status = 'SUBMITTED';
    END IF;
    RETURN ecs_lib.page(ecs_lib.auctions_json(v_ids[:p_page_size], p_me), v_total,
        ecs_lib.next_key(v_ids, p_page_size));
END $$;

-- Approves a submitted auction, or refuses it with a reason, by which the stock
-- goes back. One whose start has passed meanwhile begins at once and keeps its
-- end, if it then still lasts as long as an auction has to.
-- Callers: administrators. Locks: the product, the auction.
-- Raises not_found, wrong_state, too_late, invalid reason.
CREATE FUNCTION ecs_api.auctions_review(p_me ecs.caller, p_id bigint, p_action text,
                                        p_reason text)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    c_shortest CONSTANT interval := interval '2 hours';
    v_status   CONSTANT text := CASE p_action WHEN 'approve' THEN 'SCHEDULED'
                                              ELSE 'REJECTED' END;
    a          ecs.auctions;
BEGIN
    IF v_status = 'REJECTED' AND p_reason IS NULL THEN
        PERFORM ecs_lib.invalid('reason', 'This field is required.');
    END IF;
    a := ecs_lib.auction_lock(p_id);
    IF a.status <> 'SUBMITTED' THEN
        PERFORM ecs_lib.wrong_state('Only a submitted auction can be reviewed.', a.status);
    END IF;
    IF v_status = 'REJECTED' THEN
        PERFORM ecs_lib.auction_return_stock(a);
    ELSIF a.end_at < ecs.now() + c_shortest THEN
        PERFORM ecs_lib.refuse('too_late', 'Less than 2 hours of the auction are left; '
            'reject it, so that its seller can set another time.',
            json_build_object('end_at', ecs_lib.ts(a.end_at)));
    END IF;
    UPDATE ecs.auctions SET status = v_status,
        reason = CASE v_status WHEN 'REJECTED' THEN p_reason END
        WHERE id = p_id;
    PERFORM ecs_lib.auction_notify(a, ARRAY[a.seller_id],
        CASE v_status WHEN 'REJECTED' THEN 'auction_rejected' ELSE 'auction_approved' END,
        CASE v_status WHEN 'REJECTED'
            THEN format('Your auction %s was not approved: %s', a.title, p_reason)
            ELSE format('Your auction %s is approved.', a.title) END,
        CASE v_status WHEN 'REJECTED' THEN jsonb_build_object('reason', p_reason)
            ELSE jsonb_build_object('start_at', ecs_lib.ts(a.start_at)) END);
    PERFORM ecs_lib.audit(p_me, 'auction.' || p_action, 'auction', p_id,
                          jsonb_build_object('reason', p_reason));
    RETURN ecs_lib.auction_answer(p_id, p_me);
END $$;

-- Finding ----------------------------------------------------------------------------

-- What the list is asked for; its statement takes it as $1 and is planned for
-- its values, so a filter that is NULL costs nothing. search: a pattern for ILIKE;
-- ids: what the search has found, when that is not much.
CREATE TYPE ecs_lib.auction_filters AS (status text, seller bigint, categories bigint[],
    search text, words tsquery, ids bigint[], ending_before timestamptz);

-- Completes the filters for a search, which looks at the titles, and at products on
-- sale as the catalogue's own search does. Few matches are found by the indexes of
-- both; many need not be, because a page of them is soon full.
CREATE FUNCTION ecs_lib.auctions_search(f ecs_lib.auction_filters, p_search text)
RETURNS ecs_lib.auction_filters LANGUAGE plpgsql STABLE AS $$
DECLARE
    c_few CONSTANT integer := 1000;
BEGIN
    f.search := '%' || regexp_replace(p_search, '([\\%_])', '\\\1', 'g') || '%';
    f.words := (ecs_lib.search_query(p_search)).words;
    EXECUTE 'SELECT array_agg(x.id) FROM (
            (SELECT a.id FROM ecs.auctions a WHERE a.title ILIKE $1 LIMIT $3)
            UNION ALL
            (SELECT a.id FROM ecs.products p JOIN ecs.auctions a ON a.product_id = p.id
             WHERE p.status = ''APPROVED'' AND p.words @@ $2 LIMIT $3)) x'
        INTO f.ids USING f.search, f.words, c_few + 1;
    f.ids := CASE WHEN coalesce(cardinality(f.ids), 0) <= c_few THEN coalesce(f.ids, '{}') END;
    RETURN f;
END $$;

-- The public auctions that pass: FROM and WHERE.
CREATE FUNCTION ecs_lib.auctions_passing() RETURNS text LANGUAGE sql IMMUTABLE AS $_$
    SELECT $sql$ FROM ecs.auctions a WHERE a.status IN ('SCHEDULED', 'ACTIVE', 'ENDED')
        AND (($1).status IS NULL OR a.status = ($1).status)
        AND (($1).seller IS NULL OR a.seller_id = ($1).seller)
        AND (($1).ending_before IS NULL OR a.end_at < ($1).ending_before)
        AND (($1).categories IS NULL OR EXISTS (
            SELECT FROM ecs.products p WHERE p.id = a.product_id
              AND p.category_id = ANY (($1).categories)))
        AND (($1).ids IS NULL OR a.id = ANY (($1).ids))
        AND (($1).search IS NULL OR ($1).ids IS NOT NULL OR a.title ILIKE ($1).search
             OR EXISTS (SELECT FROM ecs.products p WHERE p.id = a.product_id
                        AND p.status = 'APPROVED' AND p.words @@ ($1).words)) $sql$
$_$;

-- The key an ordering of auctions sorts by, as an expression, and its type.
CREATE FUNCTION ecs_lib.auctions_order(p_ordering text, OUT key text, OUT type text)
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    CASE ltrim(p_ordering, '-')
        WHEN 'created_at' THEN key := 'a.id'; type := 'bigint';
        WHEN 'end_at' THEN key := 'a.end_at'; type := 'timestamptz';
        WHEN 'bids_count' THEN key := 'a.bids_count'; type := 'integer';
        WHEN 'current_price' THEN
            key := 'coalesce(a.current_price, a.start_price)'; type := 'numeric';
    END CASE;
END $$;

-- Public auctions. By the price means by the start price where nobody has bid.
-- The list counts what it has up to c_counted, and pages go as far. For anyone.
CREATE FUNCTION ecs_api.auctions_list(p_me ecs.caller, p_status text, p_seller bigint,
    p_category bigint, p_search text, p_ending_before timestamptz, p_ordering text,
    p_page integer, p_page_size integer, p_cursor text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    c_counted CONSTANT integer := 10000;
    v_by    CONSTANT record := ecs_lib.auctions_order(p_ordering);
    v_down  CONSTANT boolean := p_ordering LIKE '-%';
    v_skip  CONSTANT bigint := ecs_lib.skip(p_page, p_page_size);
    v_limit bigint := p_page_size + 1;
    v_ids   bigint[];
    v_keys  text[];
    v_total bigint;
    f       ecs_lib.auction_filters;
BEGIN
    f.status := p_status;
    f.seller := p_seller;
    f.ending_before := p_ending_before;
    IF p_category IS NOT NULL THEN
        f.categories := ecs_lib.category_branch(p_category);
    END IF;
    IF p_search IS NOT NULL THEN
        f := ecs_lib.auctions_search(f, p_search);
    END IF;
    IF p_page IS NOT NULL THEN
        EXECUTE format('SELECT count(*) FROM (SELECT %s LIMIT $2) x', ecs_lib.auctions_passing())
            INTO v_total USING f, c_counted + 1;
        v_limit := greatest(least(v_limit, least(v_total, c_counted) - v_skip), 0);
    END IF;
    EXECUTE format($q$
        SELECT array_agg(x.id), array_agg(x.key::text) FROM (
            SELECT a.id, %1$s AS key %2$s
                AND ($2 IS NULL OR (%1$s, a.id) %3$s (($2 ->> 0)::%4$s, ($2 ->> 1)::bigint))
            ORDER BY key %5$s, a.id %5$s LIMIT $3 OFFSET $4) x $q$,
        v_by.key, ecs_lib.auctions_passing(), CASE WHEN v_down THEN '<' ELSE '>' END,
        v_by.type, CASE WHEN v_down THEN 'DESC' ELSE 'ASC' END)
        INTO v_ids, v_keys
        USING f, p_cursor::json, v_limit, v_skip;
    RETURN ecs_lib.page(ecs_lib.auctions_json(v_ids[:p_page_size], p_me),
        least(v_total, c_counted),
        CASE WHEN cardinality(v_ids) > p_page_size
             THEN json_build_array(v_keys[p_page_size], v_ids[p_page_size])::text END,
        CASE WHEN v_total IS NOT NULL
             THEN json_build_object('count_is_exact', v_total <= c_counted) END);
END $$;

-- One auction. For anyone who may see it. Raises not_found.
CREATE FUNCTION ecs_api.auctions_get(p_me ecs.caller, p_id bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    a ecs.auctions;
BEGIN
    SELECT * INTO a FROM ecs.auctions WHERE id = p_id;
    IF NOT ecs_lib.auction_visible(a, p_me) THEN
        PERFORM ecs_lib.not_found();
    END IF;
    RETURN ecs_lib.auction_whole(a, p_me, 200);
END $$;

-- The bids of an auction, newest first. What a leader raised in secret is not
-- among them. For anyone who may see the auction. Raises not_found.
CREATE FUNCTION ecs_api.auctions_bids(p_me ecs.caller, p_id bigint,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_admin CONSTANT boolean := ecs_lib.is_admin(p_me);
    v_ids   bigint[];
    v_rows  json;
    v_total bigint;
    a       ecs.auctions;
BEGIN
    SELECT * INTO a FROM ecs.auctions WHERE id = p_id;
    IF NOT ecs_lib.auction_visible(a, p_me) THEN
        PERFORM ecs_lib.not_found();
    END IF;
    v_ids := ARRAY(
        SELECT id FROM ecs.bids
        WHERE auction_id = p_id AND kind IN ('BID', 'PROXY')
          AND id < coalesce(p_cursor, 9223372036854775807)
        ORDER BY id DESC
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    SELECT json_agg(json_build_object(
               'id', b.id, 'amount', b.amount::text, 'automatic', b.kind = 'PROXY',
               'bidder', ecs_lib.bidder_json(u, v_admin),
               'is_mine', coalesce(b.bidder_id = p_me.id, false),
               'created_at', ecs_lib.ts(b.created_at)) ORDER BY b.id DESC) INTO v_rows
        FROM ecs.bids b JOIN ecs.users u ON u.id = b.bidder_id
        WHERE b.id = ANY (v_ids[:p_page_size]);
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total FROM ecs.bids
            WHERE auction_id = p_id AND kind IN ('BID', 'PROXY');
    END IF;
    RETURN ecs_lib.page(v_rows, v_total, ecs_lib.next_key(v_ids, p_page_size));
END $$;

-- The caller's bids, with their maxima, newest first. Callers: buyers.
CREATE FUNCTION ecs_api.auctions_bids_mine(p_me ecs.caller, p_auction bigint, p_status text,
    p_page integer, p_page_size integer, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ids   bigint[];
    v_rows  json;
    v_total bigint;
BEGIN
    v_ids := ARRAY(
        SELECT b.id FROM ecs.bids b JOIN ecs.auctions a ON a.id = b.auction_id
        WHERE b.bidder_id = p_me.id
          AND (p_auction IS NULL OR b.auction_id = p_auction)
          AND (p_status IS NULL OR a.status = p_status)
          AND (p_cursor IS NULL OR b.id < p_cursor)
        ORDER BY b.id DESC
        LIMIT p_page_size + 1 OFFSET ecs_lib.skip(p_page, p_page_size));
    SELECT json_agg(json_build_object(
               'id', b.id,
               'auction', json_build_object('id', a.id, 'title', a.title, 'status', a.status,
                   'current_price', a.current_price::text, 'end_at', ecs_lib.ts(a.end_at)),
               'is_leading', coalesce(a.leader_id = p_me.id, false),
               'amount', b.amount::text, 'max_amount', b.max_amount::text,
               'kind', b.kind, 'created_at', ecs_lib.ts(b.created_at)) ORDER BY b.id DESC)
        INTO v_rows
        FROM ecs.bids b JOIN ecs.auctions a ON a.id = b.auction_id
        WHERE b.id = ANY (v_ids[:p_page_size]);
    IF p_page IS NOT NULL THEN
        SELECT count(*) INTO v_total
            FROM ecs.bids b JOIN ecs.auctions a ON a.id = b.auction_id
            WHERE b.bidder_id = p_me.id
              AND (p_auction IS NULL OR b.auction_id = p_auction)
              AND (p_status IS NULL OR a.status = p_status);
    END IF;
    RETURN ecs_lib.page(v_rows, v_total, ecs_lib.next_key(v_ids, p_page_size));
END $$;
