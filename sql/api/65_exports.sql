-- Exports: what lists show page by page, as CSV (RFC 4180) in one answer. The
-- module asks for part after part (include/stream.h); each is a text of at most
-- ecs_lib.export_rows() rows, oldest first, and begins behind p_cursor.
--
-- Conditions like (owner, id) > (p, cursor) AND owner <= p say owner = p in a way
-- that leaves the planner no other index than that on (owner, id). With an equals
-- sign it may walk all ids and pick the owner's, which is right for owners of
-- much and reads the whole table for others. Nor must it gather all of the owner's
-- rows and sort them for each part, so bitmaps are off.

-- Rows of a file that one call reads.
CREATE FUNCTION ecs_lib.export_rows() RETURNS integer LANGUAGE sql IMMUTABLE
AS $$ SELECT 200 $$;

-- A text as a field. What a spreadsheet would take for a formula becomes a text
-- for it by a quote in front.
CREATE FUNCTION ecs_lib.csv(p_text text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_text ~ '^[=+@\t\r-]' THEN
                    '"''' || replace(p_text, '"', '""') || '"'
                WHEN p_text ~ '[",\r\n]' THEN
                    '"' || replace(p_text, '"', '""') || '"'
                ELSE p_text END
$$;

-- A line of fields; NULL is an empty one.
CREATE FUNCTION ecs_lib.csv_line(VARIADIC p_fields text[]) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$ SELECT array_to_string(p_fields, ',', '') || E'\r\n' $$;

-- A part: the header line before the first one, and where the next begins.
CREATE FUNCTION ecs_lib.export_part(p_header text, p_lines text, p_cursor bigint,
                                    p_count bigint, p_last bigint)
RETURNS ecs.answer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN ecs_lib.page(
        to_json(CASE WHEN p_cursor IS NULL THEN p_header || E'\r\n' ELSE '' END
                || coalesce(p_lines, '')),
        NULL, CASE WHEN p_count >= ecs_lib.export_rows() THEN p_last::text END);
END $$;

-- The lines of orders, one for each line of each order. Of p_orders the first
-- rows count; p_seller: only that seller's lines.
CREATE FUNCTION ecs_lib.export_orders(p_orders bigint[], p_cursor bigint, p_seller bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ecs_lib.export_part('order_number,status,created_at,delivered_at,completed_at,'
            'buyer,seller,product,product_name,quantity,unit_price,line_total,'
            'returned_quantity,order_total,order_refunded',
        (SELECT string_agg(ecs_lib.csv_line(o.order_number, o.status,
                    ecs_lib.ts(o.created_at), ecs_lib.ts(o.delivered_at),
                    ecs_lib.ts(o.completed_at), ecs_lib.csv(b.username),
                    ecs_lib.csv(s.username), i.product_id::text,
                    ecs_lib.csv(i.product_name), i.quantity::text, i.unit_price::text,
                    i.line_total::text, i.returned_quantity::text,
                    CASE WHEN p_seller IS NULL THEN o.total::text END,
                    CASE WHEN p_seller IS NULL THEN o.refunded_amount::text END),
                '' ORDER BY i.order_id, i.id)
         FROM ecs.orders o
         JOIN ecs.order_items i ON i.order_id = o.id
             AND (p_seller IS NULL OR i.seller_id = p_seller)
         JOIN ecs.users b ON b.id = o.buyer_id
         JOIN ecs.users s ON s.id = i.seller_id
         WHERE o.id = ANY (p_orders)),
        p_cursor, cardinality(p_orders), p_orders[cardinality(p_orders)]);
END $$;

-- The caller's orders as orders_list shows them. Callers: anyone signed in.
CREATE FUNCTION ecs_api.orders_export(p_me ecs.caller, p_as text, p_status text,
    p_created_after timestamptz, p_created_before timestamptz, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan
SET enable_bitmapscan = off AS $$
BEGIN
    IF p_as = 'seller' THEN
        RETURN ecs_lib.export_orders(ARRAY(
            SELECT DISTINCT i.order_id
            FROM ecs.order_items i JOIN ecs.orders o ON o.id = i.order_id
            WHERE (i.seller_id, i.order_id) > (p_me.id, coalesce(p_cursor, 0))
              AND i.seller_id <= p_me.id
              AND ecs_lib.order_fits(o, p_status, p_created_after, p_created_before)
            ORDER BY i.order_id LIMIT ecs_lib.export_rows()), p_cursor, p_me.id);
    END IF;
    RETURN ecs_lib.export_orders(ARRAY(
        SELECT id FROM ecs.orders o
        WHERE (buyer_id, id) > (p_me.id, coalesce(p_cursor, 0)) AND buyer_id <= p_me.id
          AND ecs_lib.order_fits(o, p_status, p_created_after, p_created_before)
        ORDER BY buyer_id, id LIMIT ecs_lib.export_rows()), p_cursor, NULL);
END $$;

-- Everybody's orders. Callers: administrators.
CREATE FUNCTION ecs_api.orders_admin_export(p_me ecs.caller, p_status text,
    p_created_after timestamptz, p_created_before timestamptz, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan
SET enable_bitmapscan = off AS $$
BEGIN
    RETURN ecs_lib.export_orders(ARRAY(
        SELECT id FROM ecs.orders o
        WHERE id > coalesce(p_cursor, 0)
          AND ecs_lib.order_fits(o, p_status, p_created_after, p_created_before)
        ORDER BY id LIMIT ecs_lib.export_rows()), p_cursor, NULL);
END $$;

-- The movements of the caller's wallet, oldest first, as wallet_transactions
-- shows them. Callers: anyone signed in.
CREATE FUNCTION ecs_api.wallet_export(p_me ecs.caller, p_type text,
    p_after timestamptz, p_before timestamptz, p_order bigint, p_auction bigint,
    p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan
SET enable_bitmapscan = off AS $$
DECLARE
    v_wallet CONSTANT bigint := (SELECT id FROM ecs.wallets WHERE user_id = p_me.id);
    v_ids    CONSTANT bigint[] := ARRAY(
        SELECT x.id FROM (
            (SELECT t.id FROM ecs.transfers t
             WHERE (t.from_wallet, t.id) > (v_wallet, coalesce(p_cursor, 0))
               AND t.from_wallet <= v_wallet
               AND ecs_lib.transfer_fits(t, p_type, p_after, p_before, p_order, p_auction)
             ORDER BY t.from_wallet, t.id LIMIT ecs_lib.export_rows())
            UNION ALL
            (SELECT t.id FROM ecs.transfers t
             WHERE (t.to_wallet, t.id) > (v_wallet, coalesce(p_cursor, 0))
               AND t.to_wallet <= v_wallet AND t.from_wallet <> v_wallet
               AND ecs_lib.transfer_fits(t, p_type, p_after, p_before, p_order, p_auction)
             ORDER BY t.to_wallet, t.id LIMIT ecs_lib.export_rows())) x
        ORDER BY x.id LIMIT ecs_lib.export_rows());
BEGIN
    RETURN ecs_lib.export_part(
        'id,type,amount,balance_after,held_after,reference,order,auction,created_at',
        (SELECT string_agg(ecs_lib.csv_line(j ->> 'id', j ->> 'type', j ->> 'amount',
                    j ->> 'balance_after', j ->> 'held_after',
                    ecs_lib.csv(j ->> 'reference'), j ->> 'order', j ->> 'auction',
                    j ->> 'created_at'), '' ORDER BY t.id)
         FROM ecs.transfers t LEFT JOIN ecs.orders o ON o.id = t.order_id,
         LATERAL ecs_lib.transaction_json(t, v_wallet, o) j
         WHERE t.id = ANY (v_ids)),
        p_cursor, cardinality(v_ids), v_ids[cardinality(v_ids)]);
END $$;

-- The caller's products, whatever their state, but those that are archived; with
-- the columns that products_import takes. Callers: sellers.
CREATE FUNCTION ecs_api.products_export(p_me ecs.caller, p_cursor bigint)
RETURNS ecs.answer LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan
SET enable_bitmapscan = off AS $$
DECLARE
    v_ids CONSTANT bigint[] := ARRAY(
        SELECT id FROM ecs.products
        WHERE (seller_id, id) > (p_me.id, coalesce(p_cursor, 0)) AND seller_id <= p_me.id
          AND status <> 'ARCHIVED'
        ORDER BY seller_id, id LIMIT ecs_lib.export_rows());
BEGIN
    RETURN ecs_lib.export_part('id,name,description,price,quantity,category,brand',
        (SELECT string_agg(ecs_lib.csv_line(p.id::text, ecs_lib.csv(p.name),
                    ecs_lib.csv(p.description), p.price::text, p.quantity::text,
                    p.category_id::text, p.brand_id::text), '' ORDER BY p.id)
         FROM ecs.products p WHERE p.id = ANY (v_ids)),
        p_cursor, cardinality(v_ids), v_ids[cardinality(v_ids)]);
END $$;
