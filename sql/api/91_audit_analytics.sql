-- The audit of the analytics: what they add up (82_analytics.sql) is counted
-- again from what it is about, and compared with the ledger.

-- Sales: per seller and day, per product and month, and against the ledger.
CREATE FUNCTION ecs_lib.audit_sales()
RETURNS TABLE (name text, figure text, holds boolean) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    WITH part AS ( -- of an order that is a seller's
        SELECT o.id, i.seller_id, ecs.day_of(o.created_at) AS placed,
               CASE o.status WHEN 'COMPLETED' THEN ecs.day_of(o.completed_at) END AS completed,
               sum(i.quantity) AS units, sum(i.line_total) AS amount,
               sum(i.quantity - i.returned_quantity) AS units_kept,
               sum(i.line_total - i.refunded_amount) AS amount_kept,
               sum(round((i.line_total - i.refunded_amount) * i.fee_percent * 0.01, 2)) AS fee
        FROM ecs.order_items i JOIN ecs.orders o ON o.id = i.order_id
        GROUP BY o.id, i.seller_id
    ), own AS (
        SELECT seller_id, placed AS day, 'placed' AS measure, count(*) AS n,
               sum(units) AS units, sum(amount) AS amount, 0.00 AS fee
        FROM part GROUP BY seller_id, placed
        UNION ALL
        SELECT seller_id, completed, 'completed', count(*), sum(units_kept), sum(amount_kept),
               sum(fee)
        FROM part WHERE completed IS NOT NULL GROUP BY seller_id, completed
    ), orders AS (
        SELECT ecs.day_of(created_at) AS day, 'placed' AS measure, count(*) AS n
        FROM ecs.orders GROUP BY 1
        UNION ALL
        SELECT ecs.day_of(completed_at), 'completed', count(*)
        FROM ecs.orders WHERE status = 'COMPLETED' GROUP BY 1
    ), counted AS (
        SELECT * FROM own
        UNION ALL
        SELECT 0, day, measure, o.n, sum(units), sum(amount), sum(fee)
        FROM own JOIN orders o USING (day, measure) GROUP BY day, measure, o.n
    ), stored AS (
        SELECT seller_id, day, measure, sum(n) AS n, sum(units) AS units,
               sum(amount) AS amount, sum(fee) AS fee
        FROM ecs_lib.measured_all() WHERE measure IN ('placed', 'completed')
        GROUP BY seller_id, day, measure
    )
    SELECT 'each day of a seller has the sales of the day', format('%s of %s',
               count(*) FILTER (WHERE (c.n, c.units, c.amount, c.fee)
                   IS DISTINCT FROM (s.n, s.units, s.amount, s.fee)), count(*)),
           coalesce(bool_and((c.n, c.units, c.amount, c.fee)
               IS NOT DISTINCT FROM (s.n, s.units, s.amount, s.fee)), true)
    FROM counted c FULL JOIN stored s USING (seller_id, day, measure);

    RETURN QUERY
    WITH month AS (
        SELECT i.product_id, to_char(ecs.day_of(o.completed_at), 'YYYY-MM') AS month,
               sum(i.quantity - i.returned_quantity) AS units,
               sum(i.line_total - i.refunded_amount) AS amount
        FROM ecs.order_items i JOIN ecs.orders o ON o.id = i.order_id
        WHERE o.status = 'COMPLETED' GROUP BY 1, 2
    ), counted AS (
        SELECT m.product_id, e.period, sum(m.units) AS units, sum(m.amount) AS amount
        FROM month m CROSS JOIN LATERAL (
            VALUES ('all'), (left(m.month, 4)), (m.month)) AS e (period)
        GROUP BY m.product_id, e.period
    ), stored AS (
        SELECT product_id, period, sum(units) AS units, sum(amount) AS amount
        FROM (SELECT p.product_id, p.period, p.units, p.amount FROM ecs.product_sums p
              UNION ALL
              SELECT f.product_id, e.period, f.units, f.amount
              FROM ecs.facts f CROSS JOIN LATERAL (VALUES ('all'), (to_char(f.day, 'YYYY')),
                  (to_char(f.day, 'YYYY-MM'))) AS e (period)
              WHERE f.product_id IS NOT NULL) x
        GROUP BY product_id, period
    )
    SELECT 'each product has the sales of each month and year', format('%s of %s',
               count(*) FILTER (WHERE (c.units, c.amount)
                   IS DISTINCT FROM (s.units, s.amount)), count(*)),
           coalesce(bool_and((c.units, c.amount) IS NOT DISTINCT FROM (s.units, s.amount)), true)
    FROM counted c FULL JOIN stored s USING (product_id, period);

    RETURN QUERY
    WITH paid AS (
        SELECT w.user_id, sum(t.amount) FILTER (WHERE t.to_wallet = w.id
                   AND t.kind = 'PAYMENT') AS amount,
               sum(t.amount) FILTER (WHERE t.from_wallet = w.id AND t.kind = 'FEE') AS fee
        FROM ecs.transfers t JOIN ecs.wallets w ON w.kind = 'user' AND w.id =
            CASE t.kind WHEN 'PAYMENT' THEN t.to_wallet ELSE t.from_wallet END
        WHERE t.kind = 'PAYMENT' OR (t.kind = 'FEE' AND t.from_part = 'available')
        GROUP BY w.user_id
    ), stored AS (
        SELECT seller_id, sum(amount) AS amount, sum(fee) AS fee
        FROM ecs_lib.measured_all() WHERE measure = 'completed' AND seller_id <> 0
        GROUP BY seller_id
    )
    SELECT 'sales and fees of each seller are those of the ledger', format('%s of %s',
               count(*) FILTER (WHERE (coalesce(p.amount, 0), coalesce(p.fee, 0))
                   <> (coalesce(s.amount, 0), coalesce(s.fee, 0))), count(*)),
           coalesce(bool_and((coalesce(p.amount, 0), coalesce(p.fee, 0))
               = (coalesce(s.amount, 0), coalesce(s.fee, 0))), true)
    FROM paid p FULL JOIN stored s ON s.seller_id = p.user_id;
END $$;

-- Everything else that is measured, and the sums of the sums.
CREATE FUNCTION ecs_lib.audit_measures()
RETURNS TABLE (name text, figure text, holds boolean) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT 'all days of a seller are the sum of the days', format('%s of %s',
               count(*) FILTER (WHERE x.n <> 0 OR x.units <> 0 OR x.amount <> 0 OR x.fee <> 0),
               count(*)),
           coalesce(bool_and(x.n = 0 AND x.units = 0 AND x.amount = 0 AND x.fee = 0), true)
    FROM (SELECT sum(n * s.sign) AS n, sum(units * s.sign) AS units,
                 sum(amount * s.sign) AS amount, sum(fee * s.sign) AS fee
          FROM ecs.seller_days d
          CROSS JOIN LATERAL (SELECT CASE d.day WHEN '-infinity' THEN -1 ELSE 1 END AS sign) s
          GROUP BY d.seller_id, d.measure) x;

    RETURN QUERY
    WITH thing AS (
        SELECT i.seller_id, lower(o.status) AS measure, o.id,
               i.quantity - i.returned_quantity AS units,
               i.line_total - i.refunded_amount AS amount
        FROM ecs.order_items i JOIN ecs.orders o ON o.id = i.order_id
        WHERE o.status IN ('CANCELLED', 'REFUNDED')
        UNION ALL
        SELECT seller_id, 'refund', NULL, 0, refunded_amount
        FROM ecs.order_items WHERE refunded_amount > 0
        UNION ALL
        SELECT seller_id, 'return_' || lower(s), id, quantity,
               CASE s WHEN 'APPROVED' THEN refund_amount ELSE 0 END
        FROM ecs.returns CROSS JOIN LATERAL unnest(ARRAY['REQUESTED',
            CASE WHEN inspected_at IS NOT NULL THEN 'UNDER_INSPECTION' END,
            CASE WHEN NOT is_open THEN status END]) AS s WHERE s IS NOT NULL
        UNION ALL
        SELECT r.seller_id, 'condition_' || lower(i.condition), NULL, i.quantity, 0
        FROM ecs.return_items i JOIN ecs.returns r ON r.id = i.return_id
        WHERE r.status = 'APPROVED'
        UNION ALL
        SELECT seller_id, 'penalty', NULL, penalty_points, 0
        FROM ecs.returns WHERE penalty_points > 0
        UNION ALL
        SELECT a.seller_id, 'auction_' || lower(coalesce(a.result, a.status)), a.id, a.quantity,
               coalesce(o.total, 0)
        FROM ecs.auctions a LEFT JOIN ecs.orders o ON o.id = a.order_id
        WHERE a.status IN ('ENDED', 'CANCELLED')
    ), counted AS (
        SELECT coalesce(seller_id, 0) AS seller_id, measure, count(DISTINCT id) AS n,
               sum(units) AS units, sum(amount) AS amount
        FROM thing GROUP BY GROUPING SETS ((seller_id, measure), (measure))
    ), stored AS (
        SELECT seller_id, measure, sum(CASE WHEN measure ~ '^(refund|condition_.*|penalty)$'
                                            THEN 0 ELSE n END) AS n,
               sum(units) AS units, sum(amount) AS amount
        FROM ecs_lib.measured_all()
        WHERE measure NOT IN ('placed', 'completed', 'bid', 'auction_submitted',
                              'auction_rejected')
        GROUP BY seller_id, measure
    )
    SELECT 'each seller has the refunds, returns and auctions that there were',
           format('%s of %s', count(*) FILTER (WHERE (c.n, c.units, c.amount)
                   IS DISTINCT FROM (s.n, s.units, s.amount)), count(*)),
           coalesce(bool_and((c.n, c.units, c.amount)
               IS NOT DISTINCT FROM (s.n, s.units, s.amount)), true)
    FROM counted c FULL JOIN stored s USING (seller_id, measure);
END $$;
