-- Search: what the words of a product are, and the words there are at all.
-- How a query becomes matches says sql/api/22_search.sql; why it is like this,
-- docs/decisions/0006-search.md.

-- Both extensions may be created by the owner of a database, if the server has
-- them.
DO $$
BEGIN
    PERFORM set_config('client_min_messages', 'warning', true);
    CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public;
    CREATE EXTENSION IF NOT EXISTS unaccent SCHEMA public;
    IF to_regprocedure('public.similarity(text, text)') IS NULL
       OR to_regprocedure('public.unaccent(regdictionary, text)') IS NULL THEN
        RAISE EXCEPTION 'they are not in schema public';
    END IF;
EXCEPTION WHEN OTHERS THEN
    RAISE EXCEPTION 'The search needs the extensions pg_trgm and unaccent: %', SQLERRM
        USING HINT = 'Install PostgreSQL''s contrib modules and let a superuser run '
                     'sql/setup.sql, then migrate again.';
END $$;

-- English with one dictionary for every kind of word, so that a word has the
-- stem ts_lexize('pg_catalog.english_stem', word) wherever it stands.
CREATE TEXT SEARCH CONFIGURATION ecs.english_plain (COPY = pg_catalog.english);
ALTER TEXT SEARCH CONFIGURATION ecs.english_plain
    ALTER MAPPING REPLACE pg_catalog.simple WITH pg_catalog.english_stem;

-- A text as words: lower case, without accents and apostrophes, one space
-- between them. Nobody searches for what is longer than 60 characters.
CREATE FUNCTION ecs.search_text(p_text text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN btrim(regexp_replace(regexp_replace(
        translate(lower(public.unaccent('public.unaccent', normalize(p_text, NFKC))),
                  '''`´', ''),
        '[^[:alnum:]]+', ' ', 'g'), '[[:alnum:]]{61,} ?', '', 'g'));
END $$;

-- What a product is found by: the name weighs A, brand and category B, the
-- description C. Each stem of the name stands there once more with a = before
-- it, so that "has it in the name" is asked of the index as well.
CREATE FUNCTION ecs.product_words(p_name text, p_labels text, p_description text)
RETURNS tsvector LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_name CONSTANT tsvector := to_tsvector('ecs.english_plain', ecs.search_text(p_name));
BEGIN
    RETURN setweight(v_name, 'A')
        || setweight(to_tsvector('ecs.english_plain', ecs.search_text(p_labels)), 'B')
        || setweight(to_tsvector('ecs.english_plain', ecs.search_text(p_description)), 'C')
        || array_to_tsvector(ARRAY(SELECT '=' || stem
                                   FROM unnest(tsvector_to_array(v_name)) AS stem));
END $$;

-- Every word of an approved product, as it is written there, and its stem. A
-- word stays when its products have gone.
CREATE TABLE ecs.search_words (
    word text COLLATE "C" PRIMARY KEY,
    stem text COLLATE "C" NOT NULL
);
CREATE INDEX search_words_stem ON ecs.search_words (stem);
CREATE INDEX search_words_similar ON ecs.search_words USING gin (word public.gin_trgm_ops);

CREATE FUNCTION ecs.learn_words(p_text text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- in order, so that two who learn the same words do not wait for each other
    INSERT INTO ecs.search_words (word, stem)
        SELECT x.word, s.stem[1]
        FROM (SELECT DISTINCT word COLLATE "C" AS word
              FROM string_to_table(ecs.search_text(p_text), ' ') AS word) x
        CROSS JOIN LATERAL ts_lexize('pg_catalog.english_stem', x.word) AS s (stem)
        WHERE cardinality(s.stem) > 0
          AND NOT EXISTS (SELECT FROM ecs.search_words w WHERE w.word = x.word)
        ORDER BY x.word
        ON CONFLICT DO NOTHING;
END $$;

ALTER TABLE ecs.products ADD words tsvector;

-- The names of a product's category and, when everybody may see it, its brand.
CREATE FUNCTION ecs.product_labels(p_category bigint, p_brand bigint) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN concat_ws(' ', (SELECT name FROM ecs.categories WHERE id = p_category),
                     (SELECT name FROM ecs.brands WHERE id = p_brand AND is_public));
END $$;

CREATE FUNCTION ecs.index_product() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.words := ecs.product_words(NEW.name,
        ecs.product_labels(NEW.category_id, NEW.brand_id), NEW.description);
    RETURN NEW;
END $$;
CREATE FUNCTION ecs.learn_product() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ecs.learn_words(concat_ws(' ', NEW.name,
        ecs.product_labels(NEW.category_id, NEW.brand_id), NEW.description));
    RETURN NULL;
END $$;
-- A category that is renamed writes its products anew, with the category they
-- have; a brand is made to do so below.
CREATE TRIGGER products_words
    BEFORE INSERT OR UPDATE OF name, description, category_id, brand_id ON ecs.products
    FOR EACH ROW EXECUTE FUNCTION ecs.index_product();
CREATE TRIGGER products_words_insert AFTER INSERT ON ecs.products
    FOR EACH ROW WHEN (NEW.status = 'APPROVED') EXECUTE FUNCTION ecs.learn_product();
CREATE TRIGGER products_words_update AFTER UPDATE ON ecs.products
    FOR EACH ROW WHEN (NEW.status = 'APPROVED'
        AND (OLD.status <> NEW.status OR OLD.words IS DISTINCT FROM NEW.words))
    EXECUTE FUNCTION ecs.learn_product();

CREATE FUNCTION ecs.brand_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ecs.products SET brand_id = brand_id WHERE brand_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER brands_words AFTER UPDATE ON ecs.brands
    FOR EACH ROW WHEN ((OLD.name, OLD.is_public) <> (NEW.name, NEW.is_public))
    EXECUTE FUNCTION ecs.brand_renamed();

-- What is on sale already. It does not change by being found.
ALTER TABLE ecs.products DISABLE TRIGGER products_touch;
UPDATE ecs.products SET brand_id = brand_id;
ALTER TABLE ecs.products ENABLE TRIGGER products_touch;

CREATE INDEX products_words ON ecs.products USING gin (words) WITH (fastupdate = off)
    WHERE status = 'APPROVED';
