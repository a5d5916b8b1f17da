-- The books are proved from scratch: every number that is stored beside what it
-- follows from is computed again. Each row is an invariant, what was found, and
-- whether it holds. Where the figure is "n of m", n rows of m break it.
--
-- STABLE functions see the snapshot of the statement that calls them, so all
-- of it is about one moment, also while the shop is busy.

-- Money: wallets against the ledger, and the ledger against itself.
CREATE FUNCTION ecs_lib.audit_ledger()
RETURNS TABLE (name text, figure text, holds boolean) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT 'sum of all wallets is zero', sum(available + held)::text,
           sum(available + held) = 0
    FROM ecs.wallets;

    RETURN QUERY
    SELECT 'no account is negative but the outside world', format('%s of %s',
               count(*) FILTER (WHERE held < 0 OR (available < 0 AND kind <> 'outside')),
               count(*)),
           bool_and(held >= 0 AND (available >= 0 OR kind = 'outside'))
    FROM ecs.wallets;

    RETURN QUERY
    -- Summed for all wallets at once: half of all movements have one wallet,
    -- the outside world, on one side, so looking them up by wallet is slow.
    SELECT 'each wallet is the sum of its entries', format('%s of %s',
               count(*) FILTER (WHERE (available, held) <> (e_available, e_held)), count(*)),
           bool_and((available, held) = (e_available, e_held))
    FROM (SELECT w.available, w.held, coalesce(e.available, 0) AS e_available,
                 coalesce(e.held, 0) AS e_held
          FROM ecs.wallets w LEFT JOIN (
              SELECT wallet_id, sum(amount) FILTER (WHERE part = 'available') AS available,
                     sum(amount) FILTER (WHERE part = 'held') AS held
              FROM ecs.entries GROUP BY wallet_id) e ON e.wallet_id = w.id) x;

    -- What was written beside each movement is what the one before it left,
    -- changed by the amount; versions count up by one from 1 to the wallet's.
    RETURN QUERY
    WITH side AS (
        SELECT from_wallet AS wallet_id, from_version AS version,
               from_available_after AS available, from_held_after AS held,
               (to_wallet = from_wallet)::integer * CASE to_part
                   WHEN 'available' THEN amount ELSE 0 END
               - CASE from_part WHEN 'available' THEN amount ELSE 0 END AS available_by,
               (to_wallet = from_wallet)::integer * CASE to_part
                   WHEN 'held' THEN amount ELSE 0 END
               - CASE from_part WHEN 'held' THEN amount ELSE 0 END AS held_by
        FROM ecs.transfers
        UNION ALL
        SELECT to_wallet, to_version, to_available_after, to_held_after,
               CASE to_part WHEN 'available' THEN amount ELSE 0 END,
               CASE to_part WHEN 'held' THEN amount ELSE 0 END
        FROM ecs.transfers WHERE from_wallet <> to_wallet
    ), step AS (
        SELECT s.*, lag(s.available, 1, 0.00) OVER each AS available_was,
               lag(s.held, 1, 0.00) OVER each AS held_was,
               lag(s.version, 1, 1::bigint) OVER each AS version_was
        FROM side s WINDOW each AS (PARTITION BY s.wallet_id ORDER BY s.version)
    )
    SELECT 'each movement follows from the one before it', format('%s of %s',
               count(*) FILTER (WHERE (available, held, version) <> (available_was
                   + available_by, held_was + held_by, version_was + 1)), count(*)),
           coalesce(bool_and((available, held, version) = (available_was
                   + available_by, held_was + held_by, version_was + 1)), true)
    FROM step;

    RETURN QUERY
    WITH side AS (
        SELECT id, from_wallet AS wallet_id, from_available_after AS available,
               from_held_after AS held, from_version AS version FROM ecs.transfers
        UNION ALL
        SELECT id, to_wallet, to_available_after, to_held_after, to_version
        FROM ecs.transfers
    ), last_side AS (
        SELECT DISTINCT ON (wallet_id) * FROM side ORDER BY wallet_id, id DESC
    ), last AS (
        SELECT w.*, coalesce(s.available, 0) AS t_available, coalesce(s.held, 0) AS t_held,
               coalesce(s.version, 1) AS t_version
        FROM ecs.wallets w LEFT JOIN last_side s ON s.wallet_id = w.id
    )
    SELECT 'each wallet is what its last movement left', format('%s of %s',
               count(*) FILTER (WHERE (available, held, version)
                   <> (t_available, t_held, t_version)), count(*)),
           bool_and((available, held, version) = (t_available, t_held, t_version))
    FROM last;

    RETURN QUERY
    SELECT 'the outside world gave deposits and took withdrawals',
           (-w.available)::text, w.available = t.net
    FROM ecs.wallets w, (
        SELECT coalesce(sum(CASE kind WHEN 'WITHDRAWAL' THEN amount ELSE -amount END), 0) AS net
        FROM ecs.transfers WHERE kind IN ('DEPOSIT', 'WITHDRAWAL')) t
    WHERE w.kind = 'outside';

    RETURN QUERY
    SELECT 'the platform has the fees and penalties', w.available::text, w.available = t.net
    FROM ecs.wallets w, (
        SELECT coalesce(sum(amount), 0) AS net
        FROM ecs.transfers WHERE kind IN ('FEE', 'PENALTY')) t
    WHERE w.kind = 'platform';
END $$;

-- What is held, and for what; what became of it.
CREATE FUNCTION ecs_lib.audit_escrow()
RETURNS TABLE (name text, figure text, holds boolean) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT 'held money is that of open orders, withdrawals and leading bids',
           format('%s of %s', count(*) FILTER (WHERE w.held <> o.held + r.held + b.held),
                  count(*)),
           coalesce(bool_and(w.held = o.held + r.held + b.held), true)
    FROM ecs.wallets w
    CROSS JOIN LATERAL (SELECT coalesce(sum(held_amount), 0) AS held
        FROM ecs.orders WHERE buyer_id = w.user_id) o
    CROSS JOIN LATERAL (SELECT coalesce(sum(amount), 0) AS held
        FROM ecs.withdrawals WHERE user_id = w.user_id AND status = 'REQUESTED') r
    LEFT JOIN (SELECT leader_id, sum(leader_max * quantity) AS held
        FROM ecs.auctions WHERE status = 'ACTIVE' GROUP BY leader_id) l
        ON l.leader_id = w.user_id
    CROSS JOIN LATERAL (SELECT coalesce(l.held, 0) AS held) b
    WHERE w.kind = 'user';

    RETURN QUERY
    SELECT 'withdrawals paid out are those approved', a.total::text, a.total = t.total
    FROM (SELECT coalesce(sum(amount), 0.00) AS total FROM ecs.withdrawals
          WHERE status = 'APPROVED') a,
         (SELECT coalesce(sum(amount), 0.00) AS total FROM ecs.transfers
          WHERE kind = 'WITHDRAWAL') t;

    -- The money of an order: into the buyer's held part, and out of it.
    RETURN QUERY
    WITH money AS (
        SELECT o.id, o.status, o.total, o.held_amount, o.refunded_amount,
               coalesce(sum(t.amount) FILTER (WHERE t.to_wallet = w.id
                   AND t.to_part = 'held'), 0) AS came,
               coalesce(sum(t.amount) FILTER (WHERE t.from_wallet = w.id
                   AND t.from_part = 'held'), 0) AS went,
               coalesce(sum(t.amount) FILTER (WHERE t.from_wallet = w.id
                   AND t.from_part = 'held' AND t.kind = 'REFUND'), 0) AS refunded,
               coalesce(sum(t.amount) FILTER (WHERE t.from_wallet = w.id
                   AND t.from_part = 'held' AND t.kind = 'PAYMENT'), 0) AS paid
        FROM ecs.orders o JOIN ecs.wallets w ON w.user_id = o.buyer_id
        LEFT JOIN ecs.transfers t ON t.order_id = o.id
        GROUP BY o.id
    ), rule AS (
        SELECT m.came = m.total AND m.came - m.went = m.held_amount AS escrow,
               m.refunded = m.refunded_amount AND CASE
                   WHEN m.status IN ('COMPLETED', 'CANCELLED') THEN m.held_amount = 0
                   WHEN m.status = 'REFUNDED' THEN m.held_amount = 0
                       AND m.refunded_amount = m.total
                   ELSE m.held_amount + m.refunded_amount = m.total END AS by_status,
               m.status <> 'COMPLETED' OR m.paid + m.refunded = m.total AS settled
        FROM money m
    )
    SELECT r.* FROM (
        SELECT count(*) AS n, count(*) FILTER (WHERE NOT escrow) AS a,
               count(*) FILTER (WHERE NOT by_status) AS b,
               count(*) FILTER (WHERE NOT settled) AS c FROM rule) s
    CROSS JOIN LATERAL (VALUES
        ('each order holds what came in for it and did not go out',
            format('%s of %s', s.a, s.n), s.a = 0),
        ('each order has held and refunded what its state says',
            format('%s of %s', s.b, s.n), s.b = 0),
        ('payments and refunds of a completed order are its total',
            format('%s of %s', s.c, s.n), s.c = 0)) r (name, figure, holds);
END $$;

-- Orders, couriers, and the counters beside the catalogue.
CREATE FUNCTION ecs_lib.audit_shop()
RETURNS TABLE (name text, figure text, holds boolean) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT 'each order is the sum of its lines', format('%s of %s',
               count(*) FILTER (WHERE (o.subtotal, o.total)
                   IS DISTINCT FROM (i.subtotal, i.total)), count(*)),
           coalesce(bool_and((o.subtotal, o.total)
               IS NOT DISTINCT FROM (i.subtotal, i.total)), true)
    FROM ecs.orders o CROSS JOIN LATERAL (
        SELECT sum(list_price * quantity) AS subtotal, sum(line_total) AS total
        FROM ecs.order_items WHERE order_id = o.id) i;

    RETURN QUERY
    SELECT 'the refunds of each order are those of its lines', format('%s of %s',
               count(*) FILTER (WHERE o.refunded_amount <> i.refunded), count(*)),
           coalesce(bool_and(o.refunded_amount = i.refunded), true)
    FROM ecs.orders o CROSS JOIN LATERAL (
        SELECT sum(refunded_amount) AS refunded
        FROM ecs.order_items WHERE order_id = o.id) i;

    -- A note about an order repeats its state.
    RETURN QUERY
    WITH step AS (
        SELECT h.order_id, h.status,
               lag(h.status) OVER (PARTITION BY h.order_id ORDER BY h.id) AS status_was,
               row_number() OVER (PARTITION BY h.order_id ORDER BY h.id DESC) AS from_end
        FROM ecs.order_history h
    ), history AS (
        SELECT s.order_id, max(s.status) FILTER (WHERE s.from_end = 1) AS last,
               bool_and(CASE WHEN s.status_was IS NULL THEN s.status = 'CREATED'
                             ELSE s.status = s.status_was OR e.to_status IS NOT NULL END) AS legal
        FROM step s LEFT JOIN ecs.order_transitions e
            ON (e.from_status, e.to_status) = (s.status_was, s.status)
        GROUP BY s.order_id
    )
    SELECT 'each history is legal and ends with its order''s state', format('%s of %s',
               count(*) FILTER (WHERE (h.legal AND h.last = o.status) IS NOT TRUE), count(*)),
           coalesce(bool_and(coalesce(h.legal AND h.last = o.status, false)), true)
    FROM ecs.orders o LEFT JOIN history h ON h.order_id = o.id;

    -- The setting may have been lowered since; orders taken before it may stay.
    RETURN QUERY
    SELECT 'no courier has too many deliveries', coalesce(max(a.n), 0)::text,
           coalesce(max(a.n), 0) <= (
               SELECT greatest(s.max_active_deliveries, (
                   SELECT max((l.details -> 'old' ->> 'max_active_deliveries')::integer)
                   FROM ecs.audit_log l WHERE l.action = 'settings_changed'))
               FROM ecs.settings s)
    FROM (SELECT count(*) AS n FROM ecs.orders
          WHERE status IN ('PROCESSING', 'SHIPPED') GROUP BY courier_id) a;

    RETURN QUERY
    SELECT 'each product counts what completed orders sold', format('%s of %s',
               count(*) FILTER (WHERE p.sold_count <> s.sold), count(*)),
           coalesce(bool_and(p.sold_count = s.sold), true)
    FROM ecs.products p CROSS JOIN LATERAL (
        SELECT coalesce(sum(i.quantity - i.returned_quantity), 0) AS sold
        FROM ecs.order_items i JOIN ecs.orders o ON o.id = i.order_id
        WHERE i.product_id = p.id AND o.status = 'COMPLETED') s;

    RETURN QUERY
    SELECT 'each seller counts the approved products', format('%s of %s',
               count(*) FILTER (WHERE u.products_count <> p.n), count(*)),
           coalesce(bool_and(u.products_count = p.n), true)
    FROM ecs.users u CROSS JOIN LATERAL (
        SELECT count(*) AS n FROM ecs.products
        WHERE seller_id = u.id AND status = 'APPROVED') p;

    RETURN QUERY
    SELECT 'each brand counts its approved products', format('%s of %s',
               count(*) FILTER (WHERE b.products_count <> p.n), count(*)),
           coalesce(bool_and(b.products_count = p.n), true)
    FROM ecs.brands b CROSS JOIN LATERAL (
        SELECT count(*) AS n FROM ecs.products
        WHERE brand_id = b.id AND status = 'APPROVED') p;

    RETURN QUERY
    SELECT 'each rank follows from the points', format('%s of %s',
               count(*) FILTER (WHERE u.rank <> ecs_lib.rank_of(u.points, s)), count(*)),
           coalesce(bool_and(u.rank = ecs_lib.rank_of(u.points, s)), true)
    FROM ecs.users u CROSS JOIN ecs.settings s;

    RETURN QUERY
    WITH RECURSIVE below AS (
        SELECT id AS top, id FROM ecs.categories
        UNION ALL
        SELECT b.top, c.id FROM below b JOIN ecs.categories c ON c.parent_id = b.id
    ), own AS (
        SELECT category_id, count(*) AS n FROM ecs.products
        WHERE status = 'APPROVED' GROUP BY category_id
    ), branch AS (
        SELECT b.top, coalesce(sum(o.n), 0) AS n
        FROM below b LEFT JOIN own o ON o.category_id = b.id GROUP BY b.top
    )
    SELECT 'each category counts the approved products below it', format('%s of %s',
               count(*) FILTER (WHERE c.products_count <> b.n), count(*)),
           coalesce(bool_and(c.products_count = b.n), true)
    FROM ecs.categories c JOIN branch b ON b.top = c.id;
END $$;

-- Auctions: the money that is held for each, and what was sold.
CREATE FUNCTION ecs_lib.audit_auctions()
RETURNS TABLE (name text, figure text, holds boolean) LANGUAGE plpgsql STABLE AS $$
BEGIN
    -- What came into and went out of each wallet's held part for an auction, but
    -- for its orders: the maximum of who leads, and of nobody else anything.
    RETURN QUERY
    WITH moved AS (
        SELECT t.auction_id, t.from_wallet AS wallet_id,
               sum(CASE t.to_part WHEN 'held' THEN t.amount ELSE -t.amount END) AS held
        FROM ecs.transfers t WHERE t.auction_id IS NOT NULL AND t.order_id IS NULL
        GROUP BY t.auction_id, t.from_wallet
    ), due AS (
        SELECT a.id AS auction_id, w.id AS wallet_id, a.leader_max * a.quantity AS held
        FROM ecs.auctions a JOIN ecs.wallets w ON w.user_id = a.leader_id
        WHERE a.status = 'ACTIVE'
    )
    SELECT 'each auction holds the maximum of its leader alone', format('%s of %s',
               count(*) FILTER (WHERE coalesce(m.held, 0) <> coalesce(d.held, 0)), count(*)),
           coalesce(bool_and(coalesce(m.held, 0) = coalesce(d.held, 0)), true)
    FROM moved m FULL JOIN due d USING (auction_id, wallet_id);

    RETURN QUERY
    WITH sale AS (
        SELECT a.leader_id AS buyer_id, a.order_id, a.quantity
                   * CASE a.bids_count WHEN 0 THEN a.buy_now_price ELSE a.current_price END AS total
        FROM ecs.auctions a WHERE a.result = 'SOLD'
        UNION ALL
        SELECT f.bidder_id, f.order_id, f.price * a.quantity
        FROM ecs.auction_offers f JOIN ecs.auctions a ON a.id = f.auction_id
        WHERE f.status = 'ACCEPTED'
    )
    SELECT 'each sale of an auction is an order of its buyer, at its price',
           format('%s of %s', count(*) FILTER (WHERE (s.buyer_id, s.total)
               IS DISTINCT FROM (o.buyer_id, o.total)), count(*)),
           coalesce(bool_and((s.buyer_id, s.total)
               IS NOT DISTINCT FROM (o.buyer_id, o.total)), true)
    FROM sale s LEFT JOIN ecs.orders o ON o.id = s.order_id;
END $$;

-- What a product stores about the offers it is in.
CREATE FUNCTION ecs_lib.audit_offers()
RETURNS TABLE (name text, figure text, holds boolean) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT 'each product knows when the last of its sales ends', format('%s of %s',
               count(*) FILTER (WHERE p.sales_until IS DISTINCT FROM m.sales_until), count(*)),
           coalesce(bool_and(p.sales_until IS NOT DISTINCT FROM m.sales_until), true)
    FROM ecs.products p LEFT JOIN (
        SELECT sp.product_id, max(s.ends_at) AS sales_until
        FROM ecs.sale_products sp JOIN ecs.sales s ON s.id = sp.sale_id
        GROUP BY sp.product_id) m ON m.product_id = p.id;
END $$;

-- Reviews are of what their authors bought, and stars are those of the reviews
-- that can be seen.
CREATE FUNCTION ecs_lib.audit_reviews()
RETURNS TABLE (name text, figure text, holds boolean) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT 'each review is of a line that its author ordered and got', format('%s of %s',
               count(*) FILTER (WHERE (r.product_id, r.seller_id, r.author_id)
                   <> (i.product_id, i.seller_id, o.buyer_id) OR o.delivered_at IS NULL),
               count(*)),
           coalesce(bool_and((r.product_id, r.seller_id, r.author_id)
               = (i.product_id, i.seller_id, o.buyer_id) AND o.delivered_at IS NOT NULL), true)
    FROM ecs.reviews r JOIN ecs.order_items i ON i.id = r.order_item_id
    JOIN ecs.orders o ON o.id = i.order_id;

    RETURN QUERY
    SELECT 'each product has the stars of its reviews', format('%s of %s',
               count(*) FILTER (WHERE (x.ratings, x.ratings_count, x.avg_rating)
                   <> (coalesce(s.ratings, '{0,0,0,0,0}'), coalesce(s.n, 0),
                       coalesce(s.average, 0))),
               count(*)),
           coalesce(bool_and((x.ratings, x.ratings_count, x.avg_rating)
               = (coalesce(s.ratings, '{0,0,0,0,0}'), coalesce(s.n, 0), coalesce(s.average, 0))),
               true)
    FROM ecs.products x LEFT JOIN (
        SELECT r.product_id, count(*) AS n, round(avg(r.rating), 2) AS average, ARRAY[
                   count(*) FILTER (WHERE r.rating = 1), count(*) FILTER (WHERE r.rating = 2),
                   count(*) FILTER (WHERE r.rating = 3), count(*) FILTER (WHERE r.rating = 4),
                   count(*) FILTER (WHERE r.rating = 5)]::integer[] AS ratings
        FROM ecs.reviews r WHERE NOT r.is_hidden GROUP BY r.product_id) s ON s.product_id = x.id;

    RETURN QUERY
    SELECT 'each seller has the stars of its reviews', format('%s of %s',
               count(*) FILTER (WHERE (x.ratings, x.ratings_count, x.avg_rating)
                   <> (coalesce(s.ratings, '{0,0,0,0,0}'), coalesce(s.n, 0),
                       coalesce(s.average, 0))),
               count(*)),
           coalesce(bool_and((x.ratings, x.ratings_count, x.avg_rating)
               = (coalesce(s.ratings, '{0,0,0,0,0}'), coalesce(s.n, 0), coalesce(s.average, 0))),
               true)
    FROM ecs.users x LEFT JOIN (
        SELECT r.seller_id, count(*) AS n, round(avg(r.rating), 2) AS average, ARRAY[
                   count(*) FILTER (WHERE r.rating = 1), count(*) FILTER (WHERE r.rating = 2),
                   count(*) FILTER (WHERE r.rating = 3), count(*) FILTER (WHERE r.rating = 4),
                   count(*) FILTER (WHERE r.rating = 5)]::integer[] AS ratings
        FROM ecs.reviews r WHERE NOT r.is_hidden GROUP BY r.seller_id) s ON s.seller_id = x.id;
END $$;

-- The pictures that products and people show are entered, and no others.
CREATE FUNCTION ecs_lib.audit_images()
RETURNS TABLE (name text, figure text, holds boolean) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    WITH shown AS (
        SELECT DISTINCT p.id AS product_id, (x ->> 'id')::bigint AS id, x ->> 'url' AS url
        FROM ecs.products p CROSS JOIN LATERAL jsonb_array_elements(
            p.images::jsonb || coalesce(p.pending_change -> 'images', '[]')) x
        WHERE p.images::text <> '[]' OR p.pending_change ? 'images'
    )
    SELECT 'each product keeps the pictures that it shows or will', format('%s of %s',
               count(*) FILTER (WHERE (s.id IS NULL) OR (i.id IS NULL)), count(*)),
           coalesce(bool_and(s.id IS NOT NULL AND i.id IS NOT NULL), true)
    FROM shown s FULL JOIN ecs.product_images i ON i.id = s.id
        AND i.product_id = s.product_id
        AND s.url = '/media/' || left(i.image, 2) || '/' || substr(i.image, 3);

    RETURN QUERY
    SELECT 'each profile shows the picture that it has', format('%s of %s',
               count(*) FILTER (WHERE pr.picture ->> 'url' IS DISTINCT FROM
                   '/media/' || left(pr.image, 2) || '/' || substr(pr.image, 3)), count(*)),
           coalesce(bool_and(pr.picture ->> 'url' IS NOT DISTINCT FROM
               '/media/' || left(pr.image, 2) || '/' || substr(pr.image, 3)), true)
    FROM ecs.profiles pr;
END $$;

-- Returns: what they counted, moved and left to do.
CREATE FUNCTION ecs_lib.audit_returns()
RETURNS TABLE (name text, figure text, holds boolean) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    WITH line AS (
        SELECT i.returned_quantity = coalesce(sum(r.quantity)
                   FILTER (WHERE r.status = 'APPROVED'), 0) AS counted,
               i.quantity >= coalesce(sum(r.quantity)
                   FILTER (WHERE r.is_open OR r.status = 'APPROVED'), 0) AS bought,
               bool_and(NOT r.is_open OR o.status = 'DELIVERED') AS waits,
               bool_and((r.buyer_id, r.seller_id, r.order_id)
                   = (o.buyer_id, i.seller_id, o.id)) AS parties
        FROM ecs.returns r JOIN ecs.order_items i ON i.id = r.order_item_id
        JOIN ecs.orders o ON o.id = i.order_id
        GROUP BY i.id
    )
    SELECT r.* FROM (
        SELECT count(*) AS n, count(*) FILTER (WHERE NOT counted) AS a,
               count(*) FILTER (WHERE NOT bought) AS b,
               count(*) FILTER (WHERE NOT waits) AS c,
               count(*) FILTER (WHERE NOT parties) AS d FROM line) s
    CROSS JOIN LATERAL (VALUES
        ('each line counts the units of its accepted returns',
            format('%s of %s', s.a, s.n), s.a = 0),
        ('no more comes back than was bought', format('%s of %s', s.b, s.n), s.b = 0),
        ('an order with an open return stays delivered', format('%s of %s', s.c, s.n), s.c = 0),
        ('each return has the parties of its line', format('%s of %s', s.d, s.n), s.d = 0))
        r (name, figure, holds);

    RETURN QUERY
    SELECT 'lines without accepted returns count and retain none', format('%s of %s',
               count(*) FILTER (WHERE (i.returned_quantity > 0 OR i.retained_amount > 0)
                                  AND r.order_item_id IS NULL), count(*)),
           coalesce(bool_and((i.returned_quantity = 0 AND i.retained_amount = 0)
                             OR r.order_item_id IS NOT NULL), true)
    FROM ecs.order_items i LEFT JOIN (
        SELECT DISTINCT order_item_id FROM ecs.returns
        WHERE status = 'APPROVED') r ON r.order_item_id = i.id;

    RETURN QUERY
    SELECT 'each accepted return was refunded once, as decided', format('%s of %s',
               count(*) FILTER (WHERE r.refund_amount <> t.amount OR t.n > 1), count(*)),
           coalesce(bool_and(r.refund_amount = t.amount AND t.n <= 1), true)
    FROM ecs.returns r CROSS JOIN LATERAL (
        SELECT coalesce(sum(amount), 0) AS amount, count(*) AS n FROM ecs.transfers
        WHERE order_id = r.order_id AND kind = 'REFUND'
          AND reference = ecs_lib.return_reference(r.id)) t
    WHERE r.status = 'APPROVED';

    RETURN QUERY
    WITH found AS (
        SELECT r.id, r.status, r.quantity, coalesce(sum(i.quantity), 0) AS inspected,
               coalesce(sum(i.quantity) FILTER (
                   WHERE i.condition IN ('OPEN_BOX', 'USED')), 0) AS units
        FROM ecs.returns r LEFT JOIN ecs.return_items i ON i.return_id = r.id
        GROUP BY r.id
    ), rule AS (
        SELECT f.inspected = CASE WHEN f.status IN ('REQUESTED', 'CANCELLED')
                                  THEN 0 ELSE f.quantity END AS whole,
               u.n = CASE f.status WHEN 'APPROVED' THEN f.units ELSE 0 END AS left_over
        FROM found f CROSS JOIN LATERAL (
            SELECT count(*) AS n FROM ecs.return_units WHERE return_id = f.id) u
    )
    SELECT r.* FROM (
        SELECT count(*) AS n, count(*) FILTER (WHERE NOT whole) AS a,
               count(*) FILTER (WHERE NOT left_over) AS b FROM rule) s
    CROSS JOIN LATERAL (VALUES
        ('each inspection is of all the units', format('%s of %s', s.a, s.n), s.a = 0),
        ('each opened or used unit is its seller''s to decide about',
            format('%s of %s', s.b, s.n), s.b = 0)) r (name, figure, holds);
END $$;

-- The bids of each auction, and what they left behind.
CREATE FUNCTION ecs_lib.audit_bids()
RETURNS TABLE (name text, figure text, holds boolean) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT 'each auction stands where its bids left it', format('%s of %s',
               count(*) FILTER (WHERE NOT r.same), count(*)), coalesce(bool_and(r.same), true)
    FROM (SELECT a.bids_count = count(b.id) FILTER (WHERE b.kind = 'BID')
                 AND a.current_price IS NOT DISTINCT FROM max(b.amount)
                 AND a.leader_id IS NOT DISTINCT FROM
                     (array_agg(b.bidder_id ORDER BY b.max_amount DESC, b.id)
                      FILTER (WHERE b.id IS NOT NULL))[1]
                 AND a.leader_max IS NOT DISTINCT FROM max(b.max_amount) AS same
          FROM ecs.auctions a LEFT JOIN ecs.bids b ON b.auction_id = a.id
          WHERE a.bids_count > 0 OR a.result IS DISTINCT FROM 'SOLD' -- bought at once
          GROUP BY a.id) r;

    -- What a bidder was overbid with may be equal: of two maxima the earlier leads.
    RETURN QUERY
    SELECT 'no bid is lower than the one before it, none came late', format('%s of %s',
               count(*) FILTER (WHERE NOT b.rises OR b.late), count(*)),
           coalesce(bool_and(b.rises AND NOT b.late), true)
    FROM (SELECT b.amount >= lag(b.amount, 1, 0.00) OVER (PARTITION BY b.auction_id
                     ORDER BY b.id) AS rises,
                 b.created_at >= a.end_at OR b.bidder_id = a.seller_id AS late
          FROM ecs.bids b JOIN ecs.auctions a ON a.id = b.auction_id) b;

    RETURN QUERY
    SELECT 'each bid is somebody''s on an auction', format('%s of %s',
               count(*) FILTER (WHERE a.id IS NULL OR u.id IS NULL), count(*)),
           coalesce(bool_and(a.id IS NOT NULL AND u.id IS NOT NULL), true)
    FROM ecs.bids b LEFT JOIN ecs.auctions a ON a.id = b.auction_id
    LEFT JOIN ecs.users u ON u.id = b.bidder_id;
END $$;

-- The audit log is as it was written.
CREATE FUNCTION ecs_lib.audit_log_whole()
RETURNS TABLE (name text, figure text, holds boolean) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT 'no entry of the audit log was changed or removed', format('%s of %s', count(v),
               (SELECT count(*) FROM ecs.audit_log)), count(v) = 0
    FROM ecs_lib.audit_verify() v;
END $$;

-- Every invariant of the shop with its figure, and whether it holds.
CREATE FUNCTION ecs_lib.audit_invariants()
RETURNS TABLE (name text, figure text, holds boolean) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY SELECT * FROM ecs_lib.audit_ledger();
    RETURN QUERY SELECT * FROM ecs_lib.audit_escrow();
    RETURN QUERY SELECT * FROM ecs_lib.audit_bids();
    RETURN QUERY SELECT * FROM ecs_lib.audit_shop();
    RETURN QUERY SELECT * FROM ecs_lib.audit_auctions();
    RETURN QUERY SELECT * FROM ecs_lib.audit_offers();
    RETURN QUERY SELECT * FROM ecs_lib.audit_reviews();
    RETURN QUERY SELECT * FROM ecs_lib.audit_sales();
    RETURN QUERY SELECT * FROM ecs_lib.audit_measures();
    RETURN QUERY SELECT * FROM ecs_lib.audit_images();
    RETURN QUERY SELECT * FROM ecs_lib.audit_returns();
    RETURN QUERY SELECT * FROM ecs_lib.audit_log_whole();
END $$;
