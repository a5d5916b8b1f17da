-- The last file of each deploy: every endpoint's function runs with its
-- owner's rights and a fixed search path, and httpd's role may execute these
-- functions and nothing else.
DO $$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN
        SELECT oid FROM pg_proc WHERE pronamespace = 'ecs_api'::regnamespace
    LOOP
        EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER '
                       'SET search_path = pg_catalog, pg_temp', v_function);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', v_function);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO ecs_app', v_function);
    END LOOP;
END $$;
REVOKE ALL ON SCHEMA ecs, ecs_lib, ecs_api FROM PUBLIC;
GRANT USAGE ON SCHEMA ecs_api TO ecs_app;
