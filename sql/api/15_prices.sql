-- What a product costs: the one place that knows. Lists, details, filters,
-- carts and checkout all ask here.
--
-- The price at a moment is the list price less the highest percentage that is
-- in force then, of the seller's discount and of every running sale the product
-- is in. Offers begin with their first moment and end before their last, by the
-- clock; nothing has to be switched on or off.
--
-- These are plain expressions in SQL, which PostgreSQL inlines. For a product
-- without offers they compare one column (see ecs.products.offers_until).
-- p_at is a variable with ecs.now() in it, so that a statement has one moment.

-- A price less so many percent, half a cent up, and never for nothing.
CREATE FUNCTION ecs_lib.reduced(p_price numeric, p_percentage numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE
AS $$ SELECT greatest(round(p_price * (100 - coalesce(p_percentage, 0)) / 100, 2), 0.01) $$;

-- The highest percentage of a product in running sales; NULL for none.
CREATE FUNCTION ecs_lib.sale_percentage(p_product bigint, p_at timestamptz) RETURNS numeric
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT max(s.percentage) FROM ecs.sale_products s
            WHERE s.product_id = p_product AND s.starts_at <= p_at AND s.ends_at > p_at);
END $$;

-- The percentage of the seller's own discount; NULL for none in force.
CREATE FUNCTION ecs_lib.discount_now(p ecs.products, p_at timestamptz) RETURNS numeric
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN (p.discount_starts_at <= p_at) IS NOT FALSE
                 AND (p.discount_ends_at > p_at) IS NOT FALSE THEN p.discount_percentage END
$$;

-- That of sales.
CREATE FUNCTION ecs_lib.sale_now(p ecs.products, p_at timestamptz) RETURNS numeric
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p.sales_until > p_at THEN ecs_lib.sale_percentage(p.id, p_at) END
$$;

-- The percentage that counts, NULL for none. p_sale: that of sales, where a list of
-- products looks it up by itself.
CREATE FUNCTION ecs_lib.offer_percentage(p ecs.products, p_sale numeric, p_at timestamptz)
RETURNS numeric LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p.offers_until > p_at THEN
        greatest(ecs_lib.discount_now(p, p_at), p_sale) END
$$;

-- The same where nobody has looked it up.
CREATE FUNCTION ecs_lib.offer_percentage(p ecs.products, p_at timestamptz) RETURNS numeric
LANGUAGE sql STABLE AS $$
    SELECT ecs_lib.offer_percentage(p, ecs_lib.sale_now(p, p_at), p_at)
$$;

-- Where it comes from, DISCOUNT or SALE. When a sale gives no more than the discount,
-- it is the discount.
CREATE FUNCTION ecs_lib.offer_source(p ecs.products, p_at timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p.offers_until > p_at THEN
        CASE WHEN ecs_lib.sale_now(p, p_at) > coalesce(ecs_lib.discount_now(p, p_at), 0)
             THEN 'SALE'
             WHEN ecs_lib.discount_now(p, p_at) IS NOT NULL THEN 'DISCOUNT' END END
$$;

-- What a product costs.
CREATE FUNCTION ecs_lib.current_price(p ecs.products, p_at timestamptz) RETURNS numeric
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p.offers_until > p_at
                THEN ecs_lib.reduced(p.price, ecs_lib.offer_percentage(p, p_at))
                ELSE p.price END
$$;

-- The discount its seller has given or planned, whether it is in force or not.
CREATE FUNCTION ecs_lib.discount_json(p ecs.products) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p.discount_percentage IS NOT NULL THEN json_build_object(
        'percentage', p.discount_percentage, 'starts_at', ecs_lib.ts(p.discount_starts_at),
        'ends_at', ecs_lib.ts(p.discount_ends_at)) END
$$;
