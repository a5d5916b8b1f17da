-- Import: many products in one transaction, each by the function that a request
-- for it alone would call.

-- What is wrong with a row, told by column; NULL when nothing is. With an id the
-- product is changed, without one it is made.
CREATE FUNCTION ecs_lib.import_product(p_me ecs.caller, p_row jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    v_missing text[];
    v_state   text;
    v_message text;
    v_detail  text;
BEGIN
    IF p_row ? 'id' THEN
        PERFORM ecs_api.products_update(p_me, (p_row ->> 'id')::bigint, p_row - 'id');
        RETURN NULL;
    END IF;
    v_missing := ARRAY(SELECT c FROM unnest('{name,description,price,quantity,category}'::text[]) c
                       WHERE NOT p_row ? c);
    IF v_missing <> '{}' THEN
        RETURN (SELECT jsonb_object_agg(c, '["This field is required."]'::jsonb)
                FROM unnest(v_missing) c);
    END IF;
    PERFORM ecs_api.products_create(p_me, p_row ->> 'name', p_row ->> 'description',
        (p_row ->> 'price')::numeric, (p_row ->> 'quantity')::integer,
        (p_row ->> 'category')::bigint, (p_row ->> 'brand')::bigint);
    RETURN NULL;
EXCEPTION WHEN SQLSTATE 'EC000' THEN -- all refusals of the shop
    GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT,
        v_detail = PG_EXCEPTION_DETAIL;
    RETURN CASE
        WHEN v_state = 'EC400' THEN v_detail::jsonb -> 'fields'
        WHEN v_detail::jsonb ->> 'code' = 'not_found' THEN jsonb_build_object('id',
            jsonb_build_array(format('Invalid pk "%s" - object does not exist.',
                                     p_row ->> 'id')))
        ELSE jsonb_build_object('non_field_errors', jsonb_build_array(v_message)) END;
END $$;

-- Makes and changes products, all of them or none; with p_dry_run none, and the
-- answer is what it would be. Callers: sellers. Locks: the products by id, at
-- once and not in the order of the rows, because carts lock them so.
-- Raises invalid rows, one object of errors for each row.
CREATE FUNCTION ecs_api.products_import(p_me ecs.caller, p_dry_run boolean, p_rows jsonb)
RETURNS ecs.answer LANGUAGE plpgsql AS $$
DECLARE
    c_undo   CONSTANT text := 'DR001';
    v_row    jsonb;
    v_error  jsonb;
    v_errors jsonb[];
    v_wrong  boolean := false;
BEGIN
    PERFORM 1 FROM ecs.products WHERE seller_id = p_me.id AND id IN (
            SELECT (r ->> 'id')::bigint FROM jsonb_array_elements(p_rows) r)
        ORDER BY id FOR NO KEY UPDATE;
    BEGIN
        FOR v_row IN SELECT r FROM jsonb_array_elements(p_rows) r LOOP
            v_error := ecs_lib.import_product(p_me, v_row);
            v_errors := v_errors || coalesce(v_error, '{}');
            v_wrong := v_wrong OR v_error IS NOT NULL;
        END LOOP;
        IF v_wrong THEN
            RAISE EXCEPTION 'Some rows are wrong.' USING ERRCODE = 'EC400',
                DETAIL = jsonb_build_object('fields', jsonb_build_object('rows', v_errors));
        END IF;
        IF p_dry_run THEN
            RAISE EXCEPTION 'dry run' USING ERRCODE = c_undo;
        END IF;
    EXCEPTION WHEN SQLSTATE 'DR001' THEN
        NULL;
    END;
    RETURN (SELECT ecs_lib.ok(json_build_object(
                'dry_run', p_dry_run,
                'created', count(*) FILTER (WHERE NOT r ? 'id'),
                'updated', count(*) FILTER (WHERE r ? 'id')))
            FROM jsonb_array_elements(p_rows) r);
END $$;
