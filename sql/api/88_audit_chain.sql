-- The chain over the audit log, see the migration audit_chain.

-- All of an entry, as one text that says the same in any time zone and locale.
CREATE FUNCTION ecs_lib.audit_text(a ecs.audit_log) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT to_json(ARRAY[a.id::text, extract(epoch FROM a.at)::text, a.actor_id::text,
        a.actor_role, host(a.address), a.request_id, a.action, a.object_type,
        a.object_id::text, a.details::text])::text
$$;

-- The hash of an entry and of all before it.
CREATE FUNCTION ecs_lib.audit_hash(p_before bytea, a ecs.audit_log) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(coalesce(p_before, ''::bytea) || convert_to(ecs_lib.audit_text(a), 'UTF8'))
$$;

-- Seals at most p_limit entries. One at a time: the clock's lock on the job.
CREATE FUNCTION ecs_lib.job_audit_seal(p_limit integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_last  ecs.audit_chain;
    v_ids   bigint[];
    a       ecs.audit_log;
BEGIN
    SELECT * INTO v_last FROM ecs.audit_chain ORDER BY position DESC LIMIT 1;
    WITH taken AS (
        DELETE FROM ecs.audit_unsealed WHERE audit_id IN (
            SELECT audit_id FROM ecs.audit_unsealed ORDER BY audit_id LIMIT p_limit)
        RETURNING audit_id
    )
    SELECT array_agg(audit_id) INTO v_ids FROM taken;
    FOR a IN SELECT * FROM ecs.audit_log WHERE id = ANY (v_ids) ORDER BY id LOOP
        INSERT INTO ecs.audit_chain VALUES (coalesce(v_last.position, 0) + 1, a.id,
                                            ecs_lib.audit_hash(v_last.hash, a))
            RETURNING * INTO v_last;
    END LOOP;
    RETURN coalesce(cardinality(v_ids), 0);
END $$;

-- What is wrong with the chain, one row each; none when all entries are as they
-- were. p_position and p_hash: what its end was at another time, or NULL.
CREATE FUNCTION ecs_lib.audit_verify(p_position bigint DEFAULT NULL, p_hash text DEFAULT NULL)
RETURNS TABLE (at_position bigint, audit_id bigint, problem text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT c.position, c.audit_id,
           CASE WHEN c.position <> c.number THEN 'a link before this one is missing'
                WHEN a.id IS NULL THEN 'the entry is missing'
                ELSE 'the entry or the link before it was changed' END
    FROM (SELECT l.*, lag(l.hash) OVER (ORDER BY l.position) AS before,
                 row_number() OVER (ORDER BY l.position) AS number
          FROM ecs.audit_chain l) c
    LEFT JOIN ecs.audit_log a ON a.id = c.audit_id
    WHERE c.position <> c.number OR c.hash IS DISTINCT FROM CASE
        WHEN a.id IS NOT NULL THEN ecs_lib.audit_hash(c.before, a) END;

    -- An entry that is in no link and does not wait for one came in by a back door.
    RETURN QUERY
    SELECT NULL::bigint, a.id, 'the entry is in no link'
    FROM ecs.audit_log a
    WHERE NOT EXISTS (SELECT FROM ecs.audit_chain c WHERE c.audit_id = a.id)
      AND NOT EXISTS (SELECT FROM ecs.audit_unsealed u WHERE u.audit_id = a.id);

    RETURN QUERY
    SELECT p_position, NULL::bigint, 'the chain does not have what it had at this position'
    WHERE p_position IS NOT NULL AND NOT EXISTS (
        SELECT FROM ecs.audit_chain c
        WHERE c.position = p_position AND encode(c.hash, 'hex') = lower(p_hash));
END $$;
