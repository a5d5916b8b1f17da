-- Catalogue: categories and products, from a seller's proposal to an admin's
-- approval, and how the public finds them.

-- What a product costs now: the one place that knows.
CREATE FUNCTION ecs_lib.current_price(p ecs.products) RETURNS numeric
LANGUAGE sql STABLE
AS $$ SELECT p.price $$;

-- A product as everybody sees it; p_seller is its seller, c its category.
-- The functions that make JSON of rows are plain expressions in SQL, so that
-- PostgreSQL inlines them: they read nothing, the caller joins.
CREATE FUNCTION ecs_lib.product_json(p ecs.products, c ecs.categories, p_seller ecs.users)
RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', p.id, 'name', p.name, 'slug', p.slug,
        'description', p.description, 'status', p.status,
        'price', p.price::text,
        'current_price', ecs_lib.current_price(p)::text,
        'discount_percentage', NULL, 'discount_source', NULL,
        'quantity', p.quantity, 'in_stock', p.quantity > 0,
        'category', json_build_object('id', c.id, 'name', c.name, 'parent', c.parent_id),
        'brand', NULL,
        'seller', json_build_object('id', p_seller.id, 'username', p_seller.username),
        'images', '[]'::json,
        'avg_rating', p.avg_rating, 'ratings_count', p.ratings_count,
        'created_at', ecs_lib.ts(p.created_at),
        'updated_at', ecs_lib.ts(p.updated_at))
$$;
