-- SPDX-License-Identifier: MIT
--
-- growth-ask.sql - what bench/growth measures: prints one line
-- `operation|median of ms` each. With plans=yes it prints, instead, a script that
-- runs each once more, and logs the plan of each statement in it with what it
-- took (as EXPLAIN (ANALYZE, BUFFERS) does).

\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only true
SET client_min_messages = warning;

CREATE TEMPORARY TABLE asked (n serial, what text, run text);
-- A list with these parameters.
CREATE FUNCTION pg_temp.list(p_changes text) RETURNS text LANGUAGE sql AS $$
    SELECT 'SELECT ecs_api.products_list(' || string_agg(format('%s => %s', name,
            coalesce(changes ->> name, 'NULL')), ', ') || ')'
    FROM (SELECT '{"p_page": "1", "p_page_size": "20"}'::jsonb || p_changes::jsonb AS changes) c,
         unnest('{p_me,p_search,p_category,p_seller,p_min_price,p_max_price,p_min_rating,p_in_stock,
                  p_has_discount,p_sale,p_ordering,p_page,p_page_size,p_cursor,p_brand,p_facets}'
                ::text[]) AS name
    GROUP BY changes
$$;
-- The cursor of a page that begins behind so many products.
CREATE FUNCTION pg_temp.behind(p_products integer) RETURNS text LANGUAGE sql AS $$
    SELECT quote_literal(json_build_array(created_at::text, id)) FROM ecs.products
    WHERE status = 'APPROVED' ORDER BY created_at DESC, id DESC OFFSET p_products - 1 LIMIT 1
$$;
INSERT INTO asked (what, run) VALUES
    ('list, newest', pg_temp.list('{}')),
    ('list of a category by price', pg_temp.list('{"p_category": "30", "p_ordering": "''price''"}')),
    ('list between prices', pg_temp.list('{"p_min_price": "50", "p_max_price": "60"}')),
    ('search, a model', pg_temp.list('{"p_search": "''m4711''"}')),
    ('search, two words', pg_temp.list('{"p_search": "''oak drill''"}')),
    ('search, two words, a slip', pg_temp.list('{"p_search": "''oak dirll''"}')),
    ('search, a common word', pg_temp.list('{"p_search": "''lamp''"}')),
    ('the same by cursor', pg_temp.list('{"p_search": "''lamp''", "p_page": "NULL"}')),
    ('the same by price', pg_temp.list('{"p_search": "''lamp''", "p_ordering": "''price''"}')),
    ('search with facets', pg_temp.list('{"p_search": "''lamp''", "p_facets": "true"}')),
    ('list with facets', pg_temp.list('{"p_facets": "true"}')),
    ('suggest', 'SELECT ecs_api.products_suggest(NULL, ''lam'')'),
    ('page 50', pg_temp.list('{"p_page": "50"}')),
    ('page 500', pg_temp.list('{"p_page": "500"}')),
    ('page 500 by cursor', pg_temp.list(jsonb_build_object('p_page', 'NULL',
        'p_cursor', pg_temp.behind(9980))::text));

-- Each nine times after a first one; in plans, once.
CREATE FUNCTION pg_temp.measure() RETURNS TABLE (line text) LANGUAGE plpgsql AS $$
DECLARE
    a       record;
    v_times numeric[];
    v_start timestamptz;
BEGIN
    FOR a IN SELECT * FROM asked ORDER BY n LOOP
        v_times := '{}';
        FOR v_round IN 0 .. 9 LOOP
            v_start := clock_timestamp();
            EXECUTE a.run;
            IF v_round > 0 THEN
                v_times := v_times || (extract(epoch FROM clock_timestamp() - v_start) * 1000)::numeric;
            END IF;
        END LOOP;
        line := a.what || '|' || (SELECT round((percentile_cont(0.5) WITHIN GROUP (ORDER BY t))::numeric, 2)
                                  FROM unnest(v_times) t);
        RETURN NEXT;
    END LOOP;
END $$;

\if :plans
\echo 'LOAD ''auto_explain'';'
\echo SET client_min_messages = log;
\echo SET auto_explain.log_analyze = on;
\echo SET auto_explain.log_buffers = on;
\echo SET auto_explain.log_nested_statements = on;
SELECT format(E'\\echo ### %s\nSET auto_explain.log_min_duration = -1;\n%s \\g /dev/null\n'
              'SET auto_explain.log_min_duration = 0;\n%s \\g /dev/null', what, run, run)
    FROM asked ORDER BY n;
\else
SELECT line FROM pg_temp.measure();
\endif
