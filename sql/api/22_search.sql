-- Finding products: the list with its filters, orderings and facets, the search,
-- and what is suggested while somebody types.
--
-- Whatever is asked, a page of 20 costs about the same in a small and in a large
-- catalogue; docs/decisions/0006-search.md says how, docs/growth.md what it costs.

-- From what is typed to words of the catalogue --------------------------------------

-- Words one slip away from a word: a letter missing, doubled, wrong, or two of
-- them swapped.
CREATE FUNCTION ecs_lib.search_slips(p_word text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    c_letters CONSTANT text[] := string_to_array('abcdefghijklmnopqrstuvwxyz', NULL);
BEGIN
    RETURN ARRAY(
        SELECT left(p_word, n) || substr(p_word, n + 2)
            FROM generate_series(0, length(p_word) - 1) n
        UNION SELECT left(p_word, n) || substr(p_word, n + 2, 1) || substr(p_word, n + 1, 1)
                     || substr(p_word, n + 3)
            FROM generate_series(0, length(p_word) - 2) n
        UNION SELECT left(p_word, n) || c || substr(p_word, n + 2)
            FROM generate_series(0, length(p_word) - 1) n, unnest(c_letters) c
        UNION SELECT left(p_word, n) || c || substr(p_word, n + 1)
            FROM generate_series(0, length(p_word)) n, unnest(c_letters) c);
END $$;

-- The stems of the words nearest to one that is not in the catalogue: one slip
-- away, or else alike in three letters at a time. Whoever slips seldom does so at
-- the first letter.
CREATE FUNCTION ecs_lib.search_nearest(p_word text) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
    c_shortest CONSTANT integer := 3;
    c_most     CONSTANT integer := 3;
    c_alike    CONSTANT real := 0.35;
    v_stems    text[];
BEGIN
    IF length(p_word) < c_shortest THEN
        RETURN '{}';
    END IF;
    SELECT array_agg(DISTINCT x.stem) INTO v_stems FROM (
        SELECT w.stem, rank() OVER (ORDER BY (left(w.word, 1) = left(p_word, 1)) DESC) AS rank,
               row_number() OVER (ORDER BY left(w.word, 1) = left(p_word, 1) DESC,
                   public.similarity(w.word, p_word) DESC, w.word) AS n
        FROM ecs.search_words w WHERE w.word = ANY (ecs_lib.search_slips(p_word))) x
        WHERE x.rank = 1 AND x.n <= c_most;
    IF v_stems IS NULL THEN
        SELECT array_agg(x.stem) INTO v_stems FROM (
            SELECT w.stem FROM ecs.search_words w
            WHERE w.word OPERATOR(public.%) p_word
              AND public.similarity(w.word, p_word) >= c_alike
            ORDER BY public.similarity(w.word, p_word) DESC, w.word LIMIT 1) x;
    END IF;
    RETURN coalesce(v_stems, '{}');
END $$;

-- The stems a typed word stands for. `exact`: of the word itself, else of the
-- words that begin with it, else of the nearest ones. `wide`: those, and of the
-- shortest words that begin with it.
CREATE FUNCTION ecs_lib.search_stems(p_word text, p_stem text, OUT exact text[], OUT wide text[])
LANGUAGE plpgsql STABLE AS $$
DECLARE
    c_begun CONSTANT integer := 20;
    v_begun text[] := '{}';
BEGIN
    IF EXISTS (SELECT FROM ecs.search_words WHERE stem = p_stem) THEN
        exact := ARRAY[p_stem];
    END IF;
    IF length(p_word) > 1 THEN
        v_begun := ARRAY(
            SELECT w.stem FROM ecs.search_words w
            WHERE w.word >= p_word AND w.word < p_word || U&'\+10FFFF'
            ORDER BY length(w.word), w.word LIMIT c_begun);
    END IF;
    exact := coalesce(exact, nullif(v_begun, '{}'), ecs_lib.search_nearest(p_word));
    wide := exact || v_begun;
END $$;

-- A query. `words`: every typed word, or one it stands for, is in the product;
-- `names`: is in its name as it was typed; `exact`: any of them, for the rank.
-- NULL when nothing was typed; a query that matches nothing when there is no
-- such word, or there are only words like "the" and "of".
CREATE TYPE ecs_lib.search_query AS (words tsquery, names tsquery, exact tsquery);

-- Makes the query of what was typed.
CREATE FUNCTION ecs_lib.search_query(p_search text) RETURNS ecs_lib.search_query
LANGUAGE plpgsql STABLE AS $$
DECLARE
    c_words CONSTANT integer := 12;           -- further ones are not looked at
    c_none  CONSTANT tsquery := quote_literal('='); -- no stem of anything
    v_query ecs_lib.search_query;
    v_stems record;
    v_word  record;
BEGIN
    IF p_search IS NULL THEN
        RETURN NULL;
    END IF;
    FOR v_word IN
        SELECT x.word, x.stem[1] AS stem FROM (
            SELECT w.word, ts_lexize('pg_catalog.english_stem', w.word) AS stem, w.n
            FROM string_to_table(ecs.search_text(p_search), ' ') WITH ORDINALITY AS w (word, n)
            WHERE w.word <> '') x
        WHERE cardinality(x.stem) > 0 ORDER BY x.n LIMIT c_words
    LOOP
        v_stems := ecs_lib.search_stems(v_word.word, v_word.stem);
        IF v_stems.exact = '{}' THEN
            RETURN ROW(c_none, c_none, c_none)::ecs_lib.search_query;
        END IF;
        v_query.words := coalesce(v_query.words && ecs_lib.search_any(v_stems.wide),
                                  ecs_lib.search_any(v_stems.wide));
        v_query.names := coalesce(v_query.names && ecs_lib.search_any(v_stems.exact, '='),
                                  ecs_lib.search_any(v_stems.exact, '='));
        v_query.exact := coalesce(v_query.exact || ecs_lib.search_any(v_stems.exact),
                                  ecs_lib.search_any(v_stems.exact));
    END LOOP;
    RETURN ROW(coalesce(v_query.words, c_none), coalesce(v_query.names, c_none),
               coalesce(v_query.exact, c_none))::ecs_lib.search_query;
END $$;

-- Any of these stems. They are letters and digits, so nothing in them has to be
-- quoted but as a whole.
CREATE FUNCTION ecs_lib.search_any(p_stems text[], p_mark text DEFAULT '') RETURNS tsquery
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN (SELECT string_agg(DISTINCT '''' || p_mark || stem || '''', ' | ')::tsquery
            FROM unnest(p_stems) AS stem);
END $$;

-- The list ---------------------------------------------------------------------------

-- What a list is asked for. Statements about products take it as $1; they are
-- planned for its values, so a filter that is NULL costs nothing.
CREATE TYPE ecs_lib.product_filters AS (at timestamptz, search ecs_lib.search_query,
    words tsquery, categories bigint[], brand bigint, seller bigint, min_price numeric,
    max_price numeric, min_rating numeric, in_stock boolean, has_discount boolean, sale bigint);

-- The offer of each product p as o: percentage, NULL for none, and price. Once for
-- a product, however often a statement names it: that is what OFFSET 0 is for.
CREATE FUNCTION ecs_lib.products_offers() RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN $sql$ CROSS JOIN LATERAL (
        SELECT x.percentage, CASE WHEN x.percentage IS NULL THEN p.price
                                  ELSE ecs_lib.reduced(p.price, x.percentage) END AS price
        FROM (SELECT ecs_lib.offer_percentage(p, CASE WHEN p.sales_until > ($1).at THEN (
                    SELECT max(sp.percentage) FROM ecs.sale_products sp
                    WHERE sp.product_id = p.id AND sp.starts_at <= ($1).at
                      AND sp.ends_at > ($1).at) END, ($1).at) AS percentage OFFSET 0) x
        OFFSET 0) o $sql$;
END $$;

-- The bounds of the price, of products without an offer and of those with one:
-- the index on list prices serves the first, only the second are computed.
-- p_offered: NULL for both.
CREATE FUNCTION ecs_lib.products_priced(p_offered boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    c_listed  CONSTANT text := '((p.offers_until > ($1).at) IS NOT TRUE
        AND (($1).min_price IS NULL OR p.price >= ($1).min_price)
        AND (($1).max_price IS NULL OR p.price <= ($1).max_price))';
    c_offered CONSTANT text := 'p.offers_until > ($1).at';
    c_bounds  CONSTANT text := ' AND (($1).min_price IS NULL OR o.price >= ($1).min_price)
        AND (($1).max_price IS NULL OR o.price <= ($1).max_price)';
BEGIN
    RETURN CASE p_offered WHEN true THEN c_offered || c_bounds WHEN false THEN c_listed
                          ELSE format('(%s OR %s)%s', c_listed, c_offered, c_bounds) END;
END $$;

-- Do the filters look at offers?
CREATE FUNCTION ecs_lib.filters_offers(f ecs_lib.product_filters) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN num_nonnulls(f.min_price, f.max_price, f.has_discount) > 0;
END $$;

-- The approved products that pass: FROM and WHERE. p_offered: only those without
-- an offer (then there is no o), or only those that may have one.
CREATE FUNCTION ecs_lib.products_passing(f ecs_lib.product_filters,
    p_offered boolean DEFAULT NULL) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN ' FROM ecs.products p'
        || CASE WHEN p_offered OR (p_offered IS NULL AND ecs_lib.filters_offers(f))
                THEN ecs_lib.products_offers() ELSE '' END
        || $sql$ WHERE p.status = 'APPROVED'
        AND (($1).words IS NULL OR p.words @@ ($1).words)
        AND (($1).categories IS NULL OR p.category_id = ANY (($1).categories))
        AND (($1).brand IS NULL OR p.brand_id = (
            SELECT b.id FROM ecs.brands b WHERE b.id = ($1).brand AND b.is_public))
        AND (($1).seller IS NULL OR p.seller_id = ($1).seller)
        AND (($1).min_rating IS NULL OR p.avg_rating >= ($1).min_rating)
        AND (($1).in_stock IS NULL OR (p.quantity > 0) = ($1).in_stock)
        AND (($1).has_discount IS NOT TRUE OR p.offers_until > ($1).at)
        AND (($1).sale IS NULL OR p.id = ANY (ARRAY(
            SELECT sp.product_id FROM ecs.sale_products sp WHERE sp.sale_id = ($1).sale))) $sql$
        || CASE WHEN f.has_discount IS NOT NULL AND p_offered IS NOT FALSE THEN
               ' AND (o.percentage IS NOT NULL) = ($1).has_discount' ELSE '' END
        || CASE WHEN p_offered IS NOT NULL OR num_nonnulls(f.min_price, f.max_price) > 0 THEN
               ' AND ' || ecs_lib.products_priced(p_offered) ELSE '' END;
END $$;

-- How many pass, counted up to a limit. Nothing is selected, so that the index
-- alone can tell where the products' pages are known to be visible.
CREATE FUNCTION ecs_lib.products_count(f ecs_lib.product_filters, p_limit integer) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_count bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM (SELECT %s LIMIT $2) x', ecs_lib.products_passing(f))
        INTO v_count USING f, p_limit;
    RETURN v_count;
END $$;

-- What the list shows when nobody asks for anything else: the newest products,
-- of the whole shop or of a branch of the tree, one more than the page has.
-- Each category of the branch brings its newest from the index; the settings
-- make sure of that, and of planning it once, whatever the limit is.
CREATE FUNCTION ecs_lib.products_newest(p_category bigint, p_key timestamptz, p_key_id bigint,
    p_skip bigint, p_limit bigint)
RETURNS bigint[] LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF p_category IS NULL THEN
        RETURN ARRAY(
            SELECT p.id FROM ecs.products p
            WHERE p.status = 'APPROVED' AND (p.created_at, p.id) < (p_key, p_key_id)
            ORDER BY p.created_at DESC, p.id DESC LIMIT p_limit OFFSET p_skip);
    END IF;
    RETURN ARRAY(
        SELECT x.id
        FROM unnest(ecs_lib.category_branch(p_category)) AS branch (category_id)
        CROSS JOIN LATERAL (
            SELECT p.id, p.created_at FROM ecs.products p
            WHERE p.category_id = branch.category_id AND p.status = 'APPROVED'
              AND (p.created_at, p.id) < (p_key, p_key_id)
            ORDER BY p.created_at DESC, p.id DESC LIMIT p_skip + p_limit) x
        ORDER BY x.created_at DESC, x.id DESC LIMIT p_limit OFFSET p_skip);
END $$;

-- The key an ordering of products sorts by, as an expression, and its type.
CREATE FUNCTION ecs_lib.products_order(p_ordering text, OUT key text, OUT type text)
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    CASE ltrim(p_ordering, '-')
        WHEN 'price' THEN key := 'o.price'; type := 'numeric';
        WHEN 'created_at' THEN key := 'p.created_at'; type := 'timestamptz';
        WHEN 'avg_rating' THEN key := 'p.avg_rating'; type := 'numeric';
        WHEN 'name' THEN key := 'p.name'; type := 'text';
        WHEN 'popularity' THEN key := 'p.sold_count'; type := 'integer';
        WHEN 'rank' THEN type := 'float8';
            key := '(ts_rank(p.words, (($1).search).exact)
                     + ts_rank(p.words, (($1).search).words))::float8';
    END CASE;
END $$;

-- Products in an order, as a statement. p_from: its FROM and WHERE, p_key: what
-- it sorts by. $2 is the key of the last product of the page before and its id.
CREATE FUNCTION ecs_lib.products_sorted(p_from text, p_key text, p_ordering text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN format('SELECT p.id, %1$s AS key %2$s
            AND ($2 IS NULL OR (%1$s, p.id) %4$s (($2 ->> 0)::%3$s, ($2 ->> 1)::bigint))
        ORDER BY key %5$s, id %5$s',
        p_key, p_from, (ecs_lib.products_order(p_ordering)).type,
        CASE WHEN p_ordering LIKE '-%' THEN '<' ELSE '>' END,
        CASE WHEN p_ordering LIKE '-%' THEN 'DESC' ELSE 'ASC' END);
END $$;

-- The statement that finds a page of products, $3 after the first $4. By price,
-- those without and with an offer are found apart and merged.
CREATE FUNCTION ecs_lib.products_page(f ecs_lib.product_filters, p_ordering text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_key CONSTANT text := (ecs_lib.products_order(p_ordering)).key;
BEGIN
    IF p_ordering NOT IN ('price', '-price') THEN
        RETURN format('SELECT array_agg(x.id), array_agg(x.key::text)
                       FROM (%s LIMIT $3 OFFSET $4) x',
            ecs_lib.products_sorted(ecs_lib.products_passing(f), v_key, p_ordering));
    END IF;
    RETURN format('SELECT array_agg(x.id), array_agg(x.key::text)
                   FROM ((%s LIMIT $3 + $4) UNION ALL (%s LIMIT $3 + $4)
                         ORDER BY key %3$s, id %3$s LIMIT $3 OFFSET $4) x',
        ecs_lib.products_sorted(ecs_lib.products_passing(f, false), 'p.price', p_ordering),
        ecs_lib.products_sorted(ecs_lib.products_passing(f, true), v_key, p_ordering),
        CASE WHEN p_ordering LIKE '-%' THEN 'DESC' ELSE 'ASC' END);
END $$;

-- Ids of products in an order, and for each the key of a cursor that goes on
-- behind it.
CREATE TYPE ecs_lib.found AS (ids bigint[], keys text[]);

-- The products that pass the filters, from p_key or behind p_skip, at most p_limit.
CREATE FUNCTION ecs_lib.products_find(f ecs_lib.product_filters, p_ordering text, p_key json,
    p_skip bigint, p_limit bigint)
RETURNS ecs_lib.found LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_found ecs_lib.found;
BEGIN
    EXECUTE ecs_lib.products_page(f, p_ordering) INTO v_found USING f, p_key, p_limit, p_skip;
    RETURN v_found;
END $$;

-- The best matches of a search first. When they are few, by rank: how many of
-- the words, how often, in the name or only in the description. A rank tells
-- little between thousands of products that all have the words in their name, and
-- would have to be computed for each; then it is by pieces sold, those with the
-- words in their name first (part 0), the others behind (part 1). A key is
-- [what it is by, part, key, id]; a walk stays with what it began with.
CREATE FUNCTION ecs_lib.products_best(f ecs_lib.product_filters, p_matches bigint, p_key json,
    p_skip bigint, p_limit bigint)
RETURNS ecs_lib.found LANGUAGE plpgsql STABLE AS $$
DECLARE
    c_ranked CONSTANT bigint := 1000;
    v_by     text := coalesce(p_key ->> 0,
        CASE WHEN p_matches <= c_ranked THEN '-rank' ELSE '-popularity' END);
    v_part   integer := coalesce((p_key ->> 1)::integer, 0);
    v_key    json := CASE WHEN p_key IS NOT NULL
                          THEN json_build_array(p_key -> 2, p_key -> 3) END;
    v_skip   bigint := p_skip;
    v_found  ecs_lib.found;
    v_more   ecs_lib.found;
BEGIN
    IF v_by <> '-rank' AND v_part = 0 THEN
        f.words := (f.search).names;
    END IF;
    IF v_by = '-rank' OR v_part = 0 THEN
        v_found := ecs_lib.products_find(f, v_by, v_key, p_skip, p_limit);
        v_found.keys := ecs_lib.search_keys(v_found, v_by, 0);
    END IF;
    IF v_by = '-rank' OR cardinality(v_found.ids) >= p_limit THEN
        RETURN v_found;
    END IF;
    IF v_part = 0 THEN
        v_skip := greatest(p_skip - CASE WHEN v_found.ids IS NULL AND p_skip > 0
            THEN ecs_lib.products_count(f, p_skip::integer) ELSE p_skip END, 0);
        v_key := NULL;
    END IF;
    f.words := (f.search).words && !! (f.search).names;
    v_more := ecs_lib.products_find(f, v_by, v_key, v_skip,
                                    p_limit - coalesce(cardinality(v_found.ids), 0));
    v_found.ids := v_found.ids || v_more.ids;
    v_found.keys := v_found.keys || ecs_lib.search_keys(v_more, v_by, 1);
    RETURN v_found;
END $$;

-- The keys of found products, with the ordering and part of the walk they belong to.
CREATE FUNCTION ecs_lib.search_keys(p_found ecs_lib.found, p_by text, p_part integer)
RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN (SELECT array_agg(json_build_array(p_by, p_part, x.key, x.id)::text ORDER BY x.n)
            FROM unnest(p_found.ids, p_found.keys) WITH ORDINALITY AS x (id, key, n));
END $$;

-- How the products that pass are spread over categories, brands, prices and
-- ratings. Of more than p_most, that many are looked at.
CREATE FUNCTION ecs_lib.products_facets(f ecs_lib.product_filters, p_most integer) RETURNS json
LANGUAGE plpgsql STABLE AS $$
DECLARE
    c_bounds CONSTANT numeric[] := '{0,10,25,50,100,250,500,1000}';
    c_rows   CONSTANT integer := 50; -- categories and brands, those with most
    v_facets json;
BEGIN
    EXECUTE format($sql$
        WITH x AS MATERIALIZED (
            SELECT p.category_id, p.brand_id, p.avg_rating,
                   width_bucket(%s, $3) AS band
            %s LIMIT $2)
        SELECT json_build_object(
            'counted', (SELECT count(*) FROM x),
            'categories', (SELECT coalesce(json_agg(json_build_object(
                    'id', c.id, 'name', c.name, 'count', c.n)
                    ORDER BY c.n DESC, c.name, c.id), '[]')
                FROM (SELECT c.id, c.name, count(*) AS n
                      FROM x JOIN ecs.categories c ON c.id = x.category_id
                      GROUP BY c.id ORDER BY n DESC, c.name, c.id LIMIT $4) c),
            'brands', (SELECT coalesce(json_agg(json_build_object(
                    'id', b.id, 'name', b.name, 'count', b.n)
                    ORDER BY b.n DESC, b.name, b.id), '[]')
                FROM (SELECT b.id, b.name, count(*) AS n
                      FROM x JOIN ecs.brands b ON b.id = x.brand_id AND b.is_public
                      GROUP BY b.id ORDER BY n DESC, b.name, b.id LIMIT $4) b),
            'prices', (SELECT coalesce(json_agg(json_build_object(
                    'min', ($3[b.band])::numeric(14, 2)::text,
                    'below', ($3[b.band + 1])::numeric(14, 2)::text,
                    'count', b.n) ORDER BY b.band), '[]')
                FROM (SELECT band, count(*) AS n FROM x GROUP BY band) b),
            'ratings', (SELECT json_agg(json_build_object('min', stars,
                    'count', (SELECT count(*) FROM x WHERE x.avg_rating >= stars))
                    ORDER BY stars DESC) FROM generate_series(1, 4) AS stars))
        $sql$, CASE WHEN ecs_lib.filters_offers(f) THEN 'o.price'
                    ELSE 'ecs_lib.current_price(p, ($1).at)' END, ecs_lib.products_passing(f))
        INTO v_facets USING f, p_most, c_bounds, c_rows;
    RETURN v_facets;
END $$;

-- Approved products by any filter and ordering, a search without an ordering the
-- best first. The list counts what it has up to c_counted, and pages go as far;
-- the newest of everything, or of a category, are counted already.
-- For anyone. Raises invalid_cursor.
CREATE FUNCTION ecs_api.products_list(p_me ecs.caller, p_search text, p_category bigint,
    p_seller bigint, p_min_price numeric, p_max_price numeric, p_min_rating numeric,
    p_in_stock boolean, p_has_discount boolean, p_sale bigint, p_ordering text,
    p_page integer, p_page_size integer, p_cursor text, p_brand bigint DEFAULT NULL,
    p_facets boolean DEFAULT NULL)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    c_counted  CONSTANT integer := 10000;
    c_ranked   CONSTANT integer := 1000; -- as in ecs_lib.products_best
    v_plain    CONSTANT boolean := p_search IS NULL AND p_seller IS NULL
        AND p_min_price IS NULL AND p_max_price IS NULL AND p_min_rating IS NULL
        AND p_in_stock IS NULL AND p_has_discount IS NULL AND p_sale IS NULL
        AND p_brand IS NULL;
    v_best     CONSTANT boolean := p_search IS NOT NULL AND p_ordering IS NULL;
    v_ordering CONSTANT text := coalesce(p_ordering, '-created_at');
    v_skip     CONSTANT bigint := ecs_lib.skip(p_page, p_page_size);
    v_limit    integer := p_page_size + 1;
    v_key      json := p_cursor::json;
    v_exact    boolean := true;
    v_total    bigint;
    v_found    ecs_lib.found;
    v_facets   json;
    f          ecs_lib.product_filters;
BEGIN
    -- a walk of the best goes on as such
    IF (json_array_length(v_key) = 4) <> v_best THEN
        PERFORM ecs_lib.refuse('invalid_cursor', 'Invalid cursor');
    END IF;
    f := ROW(ecs.now(), ecs_lib.search_query(p_search), NULL,
             CASE WHEN p_category IS NOT NULL THEN ecs_lib.category_branch(p_category) END,
             p_brand, p_seller, p_min_price, p_max_price, p_min_rating, p_in_stock,
             p_has_discount, p_sale)::ecs_lib.product_filters;
    f.words := (f.search).words;

    IF p_page IS NOT NULL OR (v_best AND v_key IS NULL) THEN
        IF v_plain THEN
            SELECT coalesce(sum(products_count), 0) INTO v_total FROM ecs.categories
                WHERE id = p_category OR (p_category IS NULL AND parent_id IS NULL);
        ELSE
            v_total := ecs_lib.products_count(f,
                CASE WHEN p_page IS NULL THEN c_ranked ELSE c_counted END + 1);
            v_exact := v_total <= c_counted;
            v_total := least(v_total, c_counted);
            IF p_page IS NOT NULL THEN
                v_limit := least(v_limit, greatest(v_total - v_skip, 0));
            END IF;
        END IF;
    END IF;

    IF v_limit = 0 THEN
        v_found := ROW('{}', '{}');
    ELSIF v_best THEN
        v_found := ecs_lib.products_best(f, v_total, v_key, v_skip, v_limit);
    ELSIF v_plain AND v_ordering = '-created_at' THEN
        v_found.ids := ecs_lib.products_newest(p_category,
            coalesce((v_key ->> 0)::timestamptz, 'infinity'),
            coalesce((v_key ->> 1)::bigint, 0), v_skip, v_limit);
        v_found.keys[p_page_size] := (SELECT created_at FROM ecs.products
            WHERE id = v_found.ids[p_page_size]);
    ELSE
        v_found := ecs_lib.products_find(f, v_ordering, v_key, v_skip, v_limit);
    END IF;
    IF p_facets THEN
        v_facets := ecs_lib.products_facets(f, c_counted);
    END IF;
    RETURN ecs_lib.page(ecs_lib.products_json(v_found.ids[:p_page_size]),
        CASE WHEN p_page IS NOT NULL THEN v_total END,
        CASE WHEN p_page IS NOT NULL OR v_found.ids[p_page_size + 1] IS NULL THEN NULL
             WHEN v_best THEN v_found.keys[p_page_size]
             ELSE json_build_array(v_found.keys[p_page_size], v_found.ids[p_page_size])::text END,
        (SELECT json_object_agg(name, value) FROM (VALUES
             ('count_is_exact', CASE WHEN p_page IS NOT NULL THEN to_json(v_exact) END),
             ('facets', v_facets)) AS x (name, value) WHERE value IS NOT NULL));
END $$;

-- Suggestions ------------------------------------------------------------------------

-- What somebody may be about to type: names of categories, then of products that
-- sell. Every typed word, or one it stands for, is in the name. For anyone.
CREATE FUNCTION ecs_api.products_suggest(p_me ecs.caller, p_q text)
RETURNS ecs.answer LANGUAGE plpgsql STABLE AS $$
DECLARE
    c_most       CONSTANT integer := 10;
    c_categories CONSTANT integer := 3;
    v_categories json[];
    v_products   json[];
    v_found      ecs_lib.found;
    f            ecs_lib.product_filters;
BEGIN
    IF p_q IS NULL THEN
        RETURN ecs_lib.ok(json_build_object('suggestions', '[]'::json));
    END IF;
    f.at := ecs.now();
    f.search := ecs_lib.search_query(p_q);
    f.words := (f.search).words;
    v_categories := ARRAY(
        SELECT json_build_object('type', 'category', 'id', c.id, 'text', c.name)
        FROM ecs.categories c
        WHERE to_tsvector('ecs.english_plain', ecs.search_text(c.name)) @@ f.words
        ORDER BY c.products_count DESC, c.name, c.id LIMIT c_categories);
    -- products of the same name are one suggestion
    v_found := ecs_lib.products_best(f, ecs_lib.products_count(f, 1001), NULL, 0, 3 * c_most);
    v_products := ARRAY(
        SELECT json_build_object('type', 'product', 'id', x.id, 'text', x.name)
        FROM (SELECT DISTINCT ON (p.name) p.id, p.name, n
              FROM unnest(v_found.ids) WITH ORDINALITY AS i (id, n)
              JOIN ecs.products p ON p.id = i.id
              ORDER BY p.name, n) x
        ORDER BY x.n LIMIT c_most - cardinality(v_categories));
    RETURN ecs_lib.ok(json_build_object('suggestions',
                                        array_to_json(v_categories || v_products)));
END $$;
