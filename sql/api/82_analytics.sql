-- Analytics: what a seller, or the whole shop, sold and how it goes.
--
-- The measures of ecs.facts and ecs.seller_days, each on the day it happened:
--   placed       orders, pieces and their price, when they were ordered
--   completed    orders that were paid out, pieces that stayed with the buyer,
--                what the seller was paid, and the platform's fee of it
--   cancelled    orders, and what of their price had not been refunded before
--   refunded     orders that ended so
--   refund       what went back to buyers, in whole or in part
--   return_*     returns that came into a state, their pieces, what was refunded
--   condition_*  pieces of accepted returns, by condition; penalty: points
--   auction_*    auctions that were submitted, or ended in some way; bid: bids
-- So what is placed and neither completed, cancelled nor refunded is under way.
--
-- Nothing here locks anything. Seller 0 is the whole shop.

-- Adds facts to the sums, at most p_limit of them. For the jobs, one at a time.
CREATE FUNCTION ecs_lib.job_facts_fold(p_limit integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_done integer;
BEGIN
    WITH taken AS (
        DELETE FROM ecs.facts WHERE id IN (
            SELECT id FROM ecs.facts ORDER BY id LIMIT p_limit FOR UPDATE SKIP LOCKED)
        RETURNING *
    ), days AS (
        INSERT INTO ecs.seller_days AS d (seller_id, day, measure, n, units, amount, fee)
            SELECT s.seller_id, e.day, t.measure, sum(s.n), sum(t.units), sum(t.amount),
                   sum(t.fee)
            FROM taken t
            CROSS JOIN LATERAL (VALUES (t.seller_id, t.n), (0, t.shop_n)) AS s (seller_id, n)
            CROSS JOIN LATERAL (VALUES (t.day), ('-infinity')) AS e (day)
            GROUP BY s.seller_id, e.day, t.measure ORDER BY 1, 2, 3
            ON CONFLICT (seller_id, day, measure) DO UPDATE SET n = d.n + excluded.n,
                units = d.units + excluded.units, amount = d.amount + excluded.amount,
                fee = d.fee + excluded.fee
    ), products AS (
        INSERT INTO ecs.product_sums AS p (period, product_id, seller_id, units, amount)
            SELECT e.period, t.product_id, t.seller_id, sum(t.units), sum(t.amount)
            FROM taken t CROSS JOIN LATERAL (VALUES ('all'), (to_char(t.day, 'YYYY')),
                (to_char(t.day, 'YYYY-MM'))) AS e (period)
            WHERE t.product_id IS NOT NULL
            GROUP BY e.period, t.product_id, t.seller_id ORDER BY 2, 1
            ON CONFLICT (product_id, period) DO UPDATE SET
                units = p.units + excluded.units, amount = p.amount + excluded.amount
    )
    SELECT count(*) INTO v_done FROM taken;
    RETURN v_done;
END $$;

-- What was measured on some days, sums and facts that are not in them; with no
-- days given, ever, and then the days mean nothing.
CREATE FUNCTION ecs_lib.measured(p_seller bigint, p_from date DEFAULT NULL,
                                 p_to date DEFAULT NULL)
RETURNS TABLE (day date, measure text, n bigint, units bigint, amount numeric, fee numeric)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT d.day, d.measure, d.n, d.units, d.amount, d.fee FROM ecs.seller_days d
        WHERE d.seller_id = p_seller
          AND d.day BETWEEN coalesce(p_from, '-infinity') AND coalesce(p_to, '-infinity');
    IF p_seller = 0 THEN
        RETURN QUERY
        SELECT f.day, f.measure, f.shop_n::bigint, f.units::bigint, f.amount, f.fee
            FROM ecs.facts f WHERE p_from IS NULL OR f.day BETWEEN p_from AND p_to;
    ELSE
        RETURN QUERY
        SELECT f.day, f.measure, f.n::bigint, f.units::bigint, f.amount, f.fee
            FROM ecs.facts f
            WHERE f.seller_id = p_seller AND (p_from IS NULL OR f.day BETWEEN p_from AND p_to);
    END IF;
END $$;

-- Everything that was measured, of each seller and of the whole shop; for the
-- audit.
CREATE FUNCTION ecs_lib.measured_all()
RETURNS TABLE (seller_id bigint, day date, measure text, n bigint, units bigint,
               amount numeric, fee numeric)
LANGUAGE plpgsql STABLE ROWS 100000 AS $$
BEGIN
    RETURN QUERY
    SELECT d.seller_id, d.day, d.measure, d.n, d.units, d.amount, d.fee
        FROM ecs.seller_days d WHERE d.day > '-infinity'
    UNION ALL
    SELECT s.seller_id, f.day, f.measure, s.n, f.units::bigint, f.amount, f.fee
        FROM ecs.facts f CROSS JOIN LATERAL (
            VALUES (f.seller_id, f.n::bigint), (0, f.shop_n)) AS s (seller_id, n);
END $$;

-- Days ----------------------------------------------------------------------------------

-- A day as clients write it. Raises invalid.
CREATE FUNCTION ecs_lib.day_from(p_field text, p_text text) RETURNS date
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF p_text !~ '^[12]\d{3}-\d\d-\d\d$' THEN
        RAISE datetime_field_overflow;
    END IF;
    RETURN p_text::date;
EXCEPTION WHEN datetime_field_overflow THEN
    PERFORM ecs_lib.invalid(p_field,
        'Date has wrong format. Use one of these formats instead: YYYY-MM-DD.');
END $$;

CREATE TYPE ecs_lib.days AS (first date, last date);

-- The days a client asks for. To today, unless they say otherwise, and from 30
-- days, 12 weeks or 12 months before. Raises invalid from, to.
CREATE FUNCTION ecs_lib.days_asked(p_from text, p_to text, p_bucket text DEFAULT 'day')
RETURNS ecs_lib.days LANGUAGE plpgsql STABLE AS $$
DECLARE
    c_most CONSTANT integer := 400; -- buckets
    v      ecs_lib.days;
BEGIN
    v.last := coalesce(ecs_lib.day_from('to', p_to), ecs.day_of(ecs.now()));
    v.first := coalesce(ecs_lib.day_from('from', p_from), CASE p_bucket
        WHEN 'month' THEN date_trunc('month', v.last::timestamp) - interval '11 months'
        WHEN 'week' THEN date_trunc('week', v.last::timestamp) - interval '11 weeks'
        ELSE v.last - 29 END::date);
    IF v.first > v.last THEN
        PERFORM ecs_lib.invalid('from', 'Ensure this date is not after the last one.');
    END IF;
    IF v.last - v.first >= c_most * (CASE p_bucket WHEN 'month' THEN 28 WHEN 'week' THEN 7
                                                   ELSE 1 END) THEN
        PERFORM ecs_lib.invalid('from', format('There are more than %s %ss between the days.',
                                               c_most, p_bucket));
    END IF;
    RETURN v;
END $$;

-- Sales ---------------------------------------------------------------------------------

-- Sales in each bucket ('day', 'week' from Monday, 'month') of some days, also
-- where there were none; without a bucket, in all of them together.
CREATE FUNCTION ecs_lib.sales_series(p_seller bigint, p_days ecs_lib.days DEFAULT NULL,
                                     p_bucket text DEFAULT NULL)
RETURNS TABLE (first date, last date, sales json) LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_step CONSTANT interval := '1 ' || p_bucket;
BEGIN
    RETURN QUERY
    WITH sums AS (
        SELECT CASE WHEN p_bucket IS NULL THEN 'epoch'
                    ELSE date_trunc(p_bucket, m.day::timestamp) END AS start,
               sum(m.n) FILTER (WHERE m.measure = 'placed') AS placed,
               sum(m.units) FILTER (WHERE m.measure = 'placed') AS placed_units,
               sum(m.amount) FILTER (WHERE m.measure = 'placed') AS placed_amount,
               sum(m.n) FILTER (WHERE m.measure = 'completed') AS completed,
               sum(m.units) FILTER (WHERE m.measure = 'completed') AS completed_units,
               sum(m.amount) FILTER (WHERE m.measure = 'completed') AS completed_amount,
               sum(m.fee) AS fees,
               sum(m.n) FILTER (WHERE m.measure = 'cancelled') AS cancelled,
               sum(m.amount) FILTER (WHERE m.measure = 'cancelled') AS cancelled_amount,
               sum(m.n) FILTER (WHERE m.measure = 'refunded') AS refunded,
               sum(m.amount) FILTER (WHERE m.measure = 'refund') AS refunded_amount
        FROM ecs_lib.measured(p_seller, p_days.first, p_days.last) m GROUP BY 1
    ), bucket AS (
        SELECT timestamp 'epoch' AS start, p_days.first, p_days.last WHERE p_bucket IS NULL
        UNION ALL
        SELECT b, greatest(b::date, p_days.first), least((b + v_step)::date - 1, p_days.last)
        FROM generate_series(date_trunc(p_bucket, p_days.first::timestamp),
                             p_days.last::timestamp, v_step) b
        WHERE p_bucket IS NOT NULL
    )
    SELECT b.first, b.last, json_build_object(
        'placed', json_build_object('orders', coalesce(s.placed, 0),
            'units', coalesce(s.placed_units, 0),
            'amount', coalesce(s.placed_amount, 0)::numeric(18, 2)::text),
        'completed', json_build_object('orders', coalesce(s.completed, 0),
            'units', coalesce(s.completed_units, 0),
            'amount', coalesce(s.completed_amount, 0)::numeric(18, 2)::text,
            'fees', coalesce(s.fees, 0)::numeric(18, 2)::text,
            'net', (coalesce(s.completed_amount, 0) - coalesce(s.fees, 0))::numeric(18, 2)::text),
        'cancelled', json_build_object('orders', coalesce(s.cancelled, 0),
            'amount', coalesce(s.cancelled_amount, 0)::numeric(18, 2)::text),
        'refunded', json_build_object('orders', coalesce(s.refunded, 0),
            'amount', coalesce(s.refunded_amount, 0)::numeric(18, 2)::text))
    FROM bucket b LEFT JOIN sums s ON s.start = b.start ORDER BY b.start;
END $$;

-- The sums of a span of days, of all days without one.
CREATE FUNCTION ecs_lib.sales_between(p_seller bigint, p_first date DEFAULT NULL,
                                      p_last date DEFAULT NULL)
RETURNS json LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT sales FROM ecs_lib.sales_series(p_seller,
                ROW(p_first, p_last)::ecs_lib.days));
END $$;

-- The sums of a span and of its days, weeks or months. Raises invalid from, to.
CREATE FUNCTION ecs_lib.analytics_sales(p_seller bigint, p_from text, p_to text, p_bucket text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_days CONSTANT ecs_lib.days := ecs_lib.days_asked(p_from, p_to, p_bucket);
BEGIN
    RETURN ecs_lib.ok(json_build_object(
        'from', v_days.first, 'to', v_days.last, 'bucket', p_bucket,
        'total', ecs_lib.sales_between(p_seller, v_days.first, v_days.last),
        'buckets', (SELECT json_agg(json_build_object('from', s.first, 'to', s.last,
                                                      'sales', s.sales) ORDER BY s.first)
                    FROM ecs_lib.sales_series(p_seller, v_days, p_bucket) s)));
END $$;

-- What sold best in a month, a year or ever, by revenue or by pieces. The best
-- of the sums stand at the end of an index; whatever has facts besides may be
-- among them, too.
CREATE FUNCTION ecs_lib.analytics_top(p_seller bigint, p_period text, p_by text, p_limit integer)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_period CONSTANT text := coalesce(lower(p_period),
                                       to_char(ecs.day_of(ecs.now()), 'YYYY-MM'));
    v_rows   json;
BEGIN
    IF v_period !~ '^(all|[12]\d{3}(-(0[1-9]|1[0-2]))?)$' THEN
        PERFORM ecs_lib.invalid('period', 'Write a month as YYYY-MM, a year as YYYY, or all.');
    END IF;
    EXECUTE format($sql$
        WITH fresh AS (
            SELECT f.product_id, sum(f.units) AS units, sum(f.amount) AS amount
            FROM ecs.facts f
            WHERE f.product_id IS NOT NULL AND %1$s
              AND $2 IN ('all', to_char(f.day, 'YYYY'), to_char(f.day, 'YYYY-MM'))
            GROUP BY f.product_id
        ), best AS (
            SELECT f.product_id FROM ecs.product_sums f
            WHERE f.period = $2 AND %1$s
            ORDER BY f.%2$I DESC, f.product_id DESC LIMIT $3
        ), one AS (
            SELECT x.product_id, coalesce(s.units, 0) + coalesce(f.units, 0) AS units,
                   coalesce(s.amount, 0) + coalesce(f.amount, 0) AS amount
            FROM (SELECT product_id FROM best UNION SELECT product_id FROM fresh) x
            LEFT JOIN ecs.product_sums s ON (s.product_id, s.period) = (x.product_id, $2)
            LEFT JOIN fresh f ON f.product_id = x.product_id
        )
        SELECT json_agg(json_build_object(
                   'product', json_build_object('id', p.id, 'name', p.name),
                   'units', o.units, 'amount', o.amount::numeric(18, 2)::text)
                   ORDER BY o.%2$I DESC, o.product_id DESC)
        FROM (SELECT * FROM one WHERE units > 0
              ORDER BY %2$I DESC, product_id DESC LIMIT $3) o
        JOIN ecs.products p ON p.id = o.product_id
        $sql$, CASE WHEN p_seller = 0 THEN 'true' ELSE 'f.seller_id = $1' END,
               CASE p_by WHEN 'units' THEN 'units' ELSE 'amount' END)
        INTO v_rows USING p_seller, v_period, p_limit;
    RETURN ecs_lib.ok(json_build_object('period', v_period, 'by', p_by,
                                        'products', coalesce(v_rows, '[]')));
END $$;

-- What runs short ---------------------------------------------------------------------------

-- FROM and WHERE of products on sale of which there are at most $2; of seller $1.
CREATE FUNCTION ecs_lib.scarce(p_seller bigint, p_most integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    c_exact CONSTANT integer := 16; -- see ecs.stock_level()
BEGIN
    RETURN $sql$ FROM ecs.products p
        WHERE p.status = 'APPROVED' AND p.stock_level <= ecs.stock_level($2)$sql$
        || CASE WHEN p_seller <> 0 THEN ' AND p.seller_id = $1' ELSE '' END
        || CASE WHEN p_most > c_exact THEN ' AND p.quantity <= $2' ELSE '' END;
END $$;

-- How many of them there are.
CREATE FUNCTION ecs_lib.scarce_count(p_seller bigint, p_most integer) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_count bigint;
BEGIN
    EXECUTE 'SELECT count(*)' || ecs_lib.scarce(p_seller, p_most)
        INTO v_count USING p_seller, p_most;
    RETURN v_count;
END $$;

-- A page of them, scarcest first. A cursor is the level and id of the last one.
CREATE FUNCTION ecs_lib.analytics_low_stock(p_seller bigint, p_at_most integer,
    p_page integer, p_page_size integer, p_cursor text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_most CONSTANT integer := coalesce(p_at_most, (SELECT low_stock_at FROM ecs.settings));
    v_key  CONSTANT json := p_cursor;
    v_ids  bigint[];
    v_rows json;
BEGIN
    EXECUTE 'SELECT array_agg(x.id) FROM (SELECT p.id' || ecs_lib.scarce(p_seller, v_most)
            || ' AND ($3 IS NULL OR (p.stock_level, p.id) > ($3, $4))
                ORDER BY p.stock_level, p.id LIMIT $5 OFFSET $6) x'
        INTO v_ids
        USING p_seller, v_most, (v_key ->> 0)::integer, (v_key ->> 1)::bigint,
              p_page_size + 1, ecs_lib.skip(p_page, p_page_size);
    SELECT json_agg(json_build_object('id', p.id, 'name', p.name, 'quantity', p.quantity,
               'sold_count', p.sold_count,
               'seller', json_build_object('id', s.id, 'username', s.username)) ORDER BY x.n)
        INTO v_rows
        FROM unnest(v_ids[:p_page_size]) WITH ORDINALITY AS x (id, n)
        JOIN ecs.products p ON p.id = x.id JOIN ecs.users s ON s.id = p.seller_id;
    RETURN ecs_lib.page(v_rows,
        CASE WHEN p_page IS NOT NULL THEN ecs_lib.scarce_count(p_seller, v_most) END,
        CASE WHEN cardinality(v_ids) > p_page_size THEN (
            SELECT json_build_array(stock_level, id)::text FROM ecs.products
            WHERE id = v_ids[p_page_size]) END,
        json_build_object('at_most', v_most));
END $$;

-- Ratings, returns, auctions ------------------------------------------------------------------

-- How many reviews have one to five stars; seller 0 is the whole shop.
CREATE FUNCTION ecs_lib.shop_ratings(p_seller bigint) RETURNS integer[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF p_seller <> 0 THEN
        RETURN (SELECT ratings FROM ecs.users WHERE id = p_seller);
    END IF;
    RETURN (SELECT ARRAY[coalesce(sum(ratings[1]), 0), coalesce(sum(ratings[2]), 0),
                         coalesce(sum(ratings[3]), 0), coalesce(sum(ratings[4]), 0),
                         coalesce(sum(ratings[5]), 0)]
            FROM ecs.users WHERE ratings_count > 0);
END $$;

-- The stars together, and the products on sale with the lowest average.
CREATE FUNCTION ecs_lib.ratings_overview(p_seller bigint) RETURNS json
LANGUAGE plpgsql STABLE AS $$
DECLARE
    c_lowest CONSTANT integer := 10;
    v_ids    bigint[];
BEGIN
    IF p_seller = 0 THEN
        v_ids := ARRAY(SELECT id FROM ecs.products
                       WHERE status = 'APPROVED' AND ratings_count > 0
                       ORDER BY avg_rating, id LIMIT c_lowest);
    ELSE
        v_ids := ARRAY(SELECT id FROM ecs.products
                       WHERE seller_id = p_seller AND status = 'APPROVED' AND ratings_count > 0
                       ORDER BY avg_rating, id LIMIT c_lowest);
    END IF;
    RETURN json_build_object(
        'ratings', ecs_lib.ratings_json(ecs_lib.shop_ratings(p_seller)),
        'lowest_products', coalesce((
            SELECT json_agg(json_build_object('id', p.id, 'name', p.name,
                       'avg_rating', p.avg_rating, 'ratings_count', p.ratings_count) ORDER BY x.n)
            FROM unnest(v_ids) WITH ORDINALITY AS x (id, n)
            JOIN ecs.products p ON p.id = x.id), '[]'));
END $$;

-- a part of a whole in percent, NULL of nothing
CREATE FUNCTION ecs_lib.percent(p_part numeric, p_whole numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE
AS $$ SELECT round(100 * p_part / nullif(p_whole, 0), 2) $$;

-- Returns that are not decided.
CREATE FUNCTION ecs_lib.returns_open(p_seller bigint) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT coalesce(sum(CASE measure WHEN 'return_requested' THEN n
                                             WHEN 'return_under_inspection' THEN 0
                                             ELSE -n END), 0)
            FROM ecs_lib.measured(p_seller) WHERE measure LIKE 'return\_%');
END $$;

-- Returns of a span, by what became of them. Raises invalid from, to.
CREATE FUNCTION ecs_lib.analytics_returns(p_seller bigint, p_from text, p_to text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_days CONSTANT ecs_lib.days := ecs_lib.days_asked(p_from, p_to);
    m      jsonb;
BEGIN
    SELECT jsonb_object_agg(measure, x) INTO m FROM (
        SELECT measure, jsonb_build_object('n', sum(n), 'units', sum(units),
                   'amount', sum(amount)::numeric(18, 2)::text) AS x
        FROM ecs_lib.measured(p_seller, v_days.first, v_days.last)
        WHERE measure ~ '^(return_|condition_|penalty|completed)' GROUP BY measure) y;
    RETURN ecs_lib.ok(json_build_object(
        'from', v_days.first, 'to', v_days.last,
        'open', ecs_lib.returns_open(p_seller),
        'requested', json_build_object(
            'returns', coalesce(m #> '{return_requested,n}', '0'),
            'units', coalesce(m #> '{return_requested,units}', '0')),
        'approved', json_build_object(
            'returns', coalesce(m #> '{return_approved,n}', '0'),
            'units', coalesce(m #> '{return_approved,units}', '0'),
            'refunded', coalesce(m #>> '{return_approved,amount}', '0.00')),
        'rejected', coalesce(m #> '{return_rejected,n}', '0'),
        'cancelled', coalesce(m #> '{return_cancelled,n}', '0'),
        'penalty_points', coalesce(m #> '{penalty,units}', '0'),
        'conditions', (SELECT json_object_agg(c, coalesce(
                           m #> ARRAY['condition_' || lower(c), 'units'], '0'))
                       FROM unnest('{NEW,OPEN_BOX,USED,DAMAGED,MISSING_PARTS}'::text[]) c),
        'returned_percent', ecs_lib.percent(
            coalesce((m #>> '{return_approved,units}')::numeric, 0),
            coalesce((m #>> '{return_approved,units}')::numeric, 0)
            + coalesce((m #>> '{completed,units}')::numeric, 0))));
END $$;

-- Auctions that are SCHEDULED or ACTIVE, from the index of those.
CREATE FUNCTION ecs_lib.auctions_open(p_seller bigint, p_status text) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF p_seller = 0 THEN
        RETURN (SELECT count(*) FROM ecs.auctions
                WHERE status = p_status AND status IN ('SCHEDULED', 'ACTIVE'));
    END IF;
    RETURN (SELECT count(*) FROM ecs.auctions WHERE seller_id = p_seller
              AND status = p_status AND status IN ('SCHEDULED', 'ACTIVE'));
END $$;

-- Auctions of a span, by what became of them. Raises invalid from, to.
CREATE FUNCTION ecs_lib.analytics_auctions(p_seller bigint, p_from text, p_to text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_days CONSTANT ecs_lib.days := ecs_lib.days_asked(p_from, p_to);
    v_rows json;
BEGIN
    SELECT json_build_object(
        'from', v_days.first, 'to', v_days.last,
        'scheduled', ecs_lib.auctions_open(p_seller, 'SCHEDULED'),
        'active', ecs_lib.auctions_open(p_seller, 'ACTIVE'),
        'submitted', coalesce(sum(n) FILTER (WHERE measure = 'auction_submitted'), 0),
        'sold', json_build_object(
            'auctions', coalesce(sum(n) FILTER (WHERE measure = 'auction_sold'), 0),
            'units', coalesce(sum(units) FILTER (WHERE measure = 'auction_sold'), 0),
            'amount', coalesce(sum(amount) FILTER (WHERE measure = 'auction_sold'),
                               0)::numeric(18, 2)::text),
        'unsold', coalesce(sum(n) FILTER (WHERE measure = 'auction_unsold'), 0),
        'reserve_not_met',
            coalesce(sum(n) FILTER (WHERE measure = 'auction_reserve_not_met'), 0),
        'rejected', coalesce(sum(n) FILTER (WHERE measure = 'auction_rejected'), 0),
        'cancelled', coalesce(sum(n) FILTER (WHERE measure = 'auction_cancelled'), 0),
        'bids', coalesce(sum(n) FILTER (WHERE measure = 'bid'), 0),
        'sold_percent', ecs_lib.percent(
            coalesce(sum(n) FILTER (WHERE measure = 'auction_sold'), 0),
            sum(n) FILTER (WHERE measure IN ('auction_sold', 'auction_unsold',
                                             'auction_reserve_not_met'))))
        INTO v_rows FROM ecs_lib.measured(p_seller, v_days.first, v_days.last);
    RETURN ecs_lib.ok(v_rows);
END $$;

-- Summary -------------------------------------------------------------------------------------

-- Orders under way, with what the seller's lines of them are worth.
CREATE FUNCTION ecs_lib.orders_under_way(p_seller bigint) RETURNS json
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT json_build_object(
                'orders', coalesce(sum(CASE measure WHEN 'placed' THEN n ELSE -n END), 0),
                'amount', coalesce(sum(CASE measure WHEN 'placed' THEN amount ELSE -amount END),
                                   0)::numeric(18, 2)::text)
            FROM ecs_lib.measured(p_seller)
            WHERE measure IN ('placed', 'completed', 'cancelled', 'refunded', 'refund'));
END $$;

-- What fits on one screen: the last days, and what is open now.
CREATE FUNCTION ecs_lib.analytics_summary(p_seller bigint) RETURNS json
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_today CONSTANT date := ecs.day_of(ecs.now());
BEGIN
    RETURN json_build_object(
        'today', ecs_lib.sales_between(p_seller, v_today, v_today),
        'last_7_days', ecs_lib.sales_between(p_seller, v_today - 6, v_today),
        'last_30_days', ecs_lib.sales_between(p_seller, v_today - 29, v_today),
        'ever', ecs_lib.sales_between(p_seller),
        'under_way', ecs_lib.orders_under_way(p_seller),
        'products_on_sale', CASE WHEN p_seller = 0 THEN (
                SELECT coalesce(sum(products_count), 0) FROM ecs.categories
                WHERE parent_id IS NULL)
            ELSE (SELECT products_count FROM ecs.users WHERE id = p_seller) END,
        'low_stock', ecs_lib.scarce_count(p_seller, (SELECT low_stock_at FROM ecs.settings)),
        'open_returns', ecs_lib.returns_open(p_seller),
        'ratings', ecs_lib.ratings_json(ecs_lib.shop_ratings(p_seller)));
END $$;

-- Sellers, about what is theirs ---------------------------------------------------------------

-- Raise invalid from, to, period.

-- Callers: sellers.
CREATE FUNCTION ecs_api.analytics_seller_summary(p_me ecs.caller)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.ok(ecs_lib.analytics_summary(p_me.id));
END $$;

-- Callers: sellers. Raises invalid from, to.
CREATE FUNCTION ecs_api.analytics_seller_sales(p_me ecs.caller, p_from text, p_to text,
                                               p_bucket text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.analytics_sales(p_me.id, p_from, p_to, p_bucket);
END $$;

-- Callers: sellers. Raises invalid period.
CREATE FUNCTION ecs_api.analytics_seller_top(p_me ecs.caller, p_period text, p_by text,
                                             p_limit integer)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.analytics_top(p_me.id, p_period, p_by, p_limit);
END $$;

-- Callers: sellers.
CREATE FUNCTION ecs_api.analytics_seller_low_stock(p_me ecs.caller, p_at_most integer,
    p_page integer, p_page_size integer, p_cursor text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.analytics_low_stock(p_me.id, p_at_most, p_page, p_page_size, p_cursor);
END $$;

-- Callers: sellers.
CREATE FUNCTION ecs_api.analytics_seller_ratings(p_me ecs.caller)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.ok(ecs_lib.ratings_overview(p_me.id));
END $$;

-- Callers: sellers. Raises invalid from, to.
CREATE FUNCTION ecs_api.analytics_seller_returns(p_me ecs.caller, p_from text, p_to text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.analytics_returns(p_me.id, p_from, p_to);
END $$;

-- Callers: sellers. Raises invalid from, to.
CREATE FUNCTION ecs_api.analytics_seller_auctions(p_me ecs.caller, p_from text, p_to text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.analytics_auctions(p_me.id, p_from, p_to);
END $$;

-- Administrators, about the whole shop --------------------------------------------------------

-- With the fees earned and what waits for a decision. Callers: administrators.
CREATE FUNCTION ecs_api.analytics_admin_summary(p_me ecs.caller)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_body json;
BEGIN
    v_body := ecs_lib.json_add(ecs_lib.analytics_summary(0), 'platform_balance', to_json((
        SELECT available::text FROM ecs.wallets WHERE kind = 'platform')));
    RETURN ecs_lib.ok(ecs_lib.json_add(v_body, 'waiting', json_build_object(
        'products', (SELECT count(*) FROM ecs.products
                     WHERE status = 'PENDING' OR pending_change IS NOT NULL),
        'brands', (SELECT count(*) FROM ecs.brands WHERE status = 'PENDING'),
        'auctions', (SELECT count(*) FROM ecs.auctions WHERE status = 'SUBMITTED'),
        'returns', (SELECT count(*) FROM ecs.returns WHERE is_open),
        'withdrawals', (SELECT count(*) FROM ecs.withdrawals WHERE status = 'REQUESTED'))));
END $$;

-- Callers: administrators. Raises invalid from, to.
CREATE FUNCTION ecs_api.analytics_admin_sales(p_me ecs.caller, p_from text, p_to text,
                                              p_bucket text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.analytics_sales(0, p_from, p_to, p_bucket);
END $$;

-- Callers: administrators. Raises invalid period.
CREATE FUNCTION ecs_api.analytics_admin_top(p_me ecs.caller, p_period text, p_by text,
                                            p_limit integer)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.analytics_top(0, p_period, p_by, p_limit);
END $$;

-- Callers: administrators.
CREATE FUNCTION ecs_api.analytics_admin_low_stock(p_me ecs.caller, p_at_most integer,
    p_page integer, p_page_size integer, p_cursor text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.analytics_low_stock(0, p_at_most, p_page, p_page_size, p_cursor);
END $$;

-- With the sellers who have the lowest average.
CREATE FUNCTION ecs_api.analytics_admin_ratings(p_me ecs.caller)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    c_lowest CONSTANT integer := 10;
BEGIN
    RETURN ecs_lib.ok(ecs_lib.json_add(ecs_lib.ratings_overview(0), 'lowest_sellers', coalesce((
        SELECT json_agg(json_build_object('id', u.id, 'username', u.username,
                   'avg_rating', u.avg_rating, 'ratings_count', u.ratings_count)
                   ORDER BY u.avg_rating, u.id)
        FROM (SELECT * FROM ecs.users WHERE ratings_count > 0
              ORDER BY avg_rating, id LIMIT c_lowest) u), '[]')));
END $$;

-- Callers: administrators. Raises invalid from, to.
CREATE FUNCTION ecs_api.analytics_admin_returns(p_me ecs.caller, p_from text, p_to text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.analytics_returns(0, p_from, p_to);
END $$;

-- Callers: administrators. Raises invalid from, to.
CREATE FUNCTION ecs_api.analytics_admin_auctions(p_me ecs.caller, p_from text, p_to text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.analytics_auctions(0, p_from, p_to);
END $$;
