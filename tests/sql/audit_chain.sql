-- The chain over the audit log: what was changed, removed or brought in by a
-- back door shows (sql/api/88_audit_chain.sql).
BEGIN;
\ir support.psql
SELECT plan(12);

-- What was written before, e.g. the first account.
SELECT ecs_lib.job_audit_seal(1000);
CREATE TABLE ecs_test.origin AS
    SELECT coalesce((SELECT max(position) FROM ecs.audit_chain), 0) AS first,
           coalesce((SELECT last_value FROM ecs.audit_log_id_seq WHERE is_called), 0) AS entry;

-- Everything that is wrong, "position entry problem; ...".
CREATE FUNCTION ecs_test.wrong(p_position bigint DEFAULT NULL, p_hash text DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(concat_ws(' ', at_position - o.first, audit_id - o.entry,
                                         problem), '; ' ORDER BY at_position, audit_id), '')
    FROM ecs_lib.audit_verify(p_position, p_hash), ecs_test.origin o
$$;

SELECT count(ecs_lib.audit(NULL, 'shelf.dust', 'shelf', n, jsonb_build_object('n', n)))
    FROM generate_series(1, 5) n;
SELECT is((SELECT count(*) FROM ecs.audit_unsealed), 5::bigint, 'entries wait for their link');
SELECT is(ecs_test.wrong(), '', 'which is no fault of theirs');
SELECT is(ecs_lib.job_audit_seal(3), 3, 'some are sealed');
SELECT is(ecs_lib.job_audit_seal(3), 2, 'and the others');
SELECT is(ecs_lib.job_audit_seal(3), 0, 'once');
SELECT is(ecs_test.wrong(), '', 'and the chain holds');
SELECT throws_ok('UPDATE ecs.audit_chain SET hash = hash', '42501', NULL,
    'nobody writes into it');
SELECT is(ecs_test.wrong(o.first + 5, encode(c.hash, 'hex')), '', 'it has its end of before')
    FROM ecs_test.origin o JOIN ecs.audit_chain c ON c.position = o.first + 5;

-- As somebody with the database in hand.
ALTER TABLE ecs.audit_log DISABLE TRIGGER ALL;
ALTER TABLE ecs.audit_chain DISABLE TRIGGER ALL;
UPDATE ecs.audit_log SET details = '{"n": 20}' WHERE object_type = 'shelf' AND object_id = 2;
SELECT is(ecs_test.wrong(), '2 2 the entry or the link before it was changed',
    'a changed entry shows');
DELETE FROM ecs.audit_log WHERE object_type = 'shelf' AND object_id = 4;
SELECT is(ecs_test.wrong(), '2 2 the entry or the link before it was changed; '
    '4 4 the entry is missing', 'a removed one too');
UPDATE ecs.audit_log SET details = '{"n": 2}' WHERE object_type = 'shelf' AND object_id = 2;
DELETE FROM ecs.audit_chain c USING ecs_test.origin o WHERE c.position = o.first + 4;
SELECT is(ecs_test.wrong(), '5 5 a link before this one is missing',
    'and with its link');
DELETE FROM ecs.audit_chain c USING ecs_test.origin o WHERE c.position > o.first + 3;
DELETE FROM ecs.audit_log WHERE object_type = 'shelf' AND object_id > 3;
SELECT is(ecs_test.wrong((SELECT first + 5 FROM ecs_test.origin), 'ab'),
    '5 the chain does not have what it had at this position', 'and when the end is cut off');

SELECT * FROM finish();
ROLLBACK;
